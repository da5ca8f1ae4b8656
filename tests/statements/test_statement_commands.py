"""The commands that read a publication for people: what they write, print and refuse."""

from __future__ import annotations

import io
import json
import shutil
import sys
from contextlib import redirect_stderr
from pathlib import Path
from unittest.mock import patch

import duckdb
import pytest
from running import kunderegnskab

from kunderegnskab.reading.reader import Reader
from kunderegnskab.reading.visits import customers_with_accounts
from kunderegnskab_orchestration.commands import program


def refused(*arguments: str | Path) -> str:
    """What a command that fails says, run in this process."""
    said = io.StringIO()
    with (
        patch.object(sys, "argv", ["kunderegnskab", *map(str, arguments)]),
        redirect_stderr(said),
        pytest.raises(SystemExit) as ended,
    ):
        program.main()
    assert ended.value.code == 1
    return said.getvalue()


@pytest.fixture
def customer_id(reader: Reader) -> str:
    return customers_with_accounts(reader)[0]


def test_statements_of_a_salespersons_list_are_written_to_a_folder(
    reader: Reader, demo: Path, tmp_path: Path
):
    shortest = reader.row(
        """
        select salesperson_id from marts.sales_effort where month = ? and salesperson_id like 'S-%'
        group by salesperson_id order by count(*), salesperson_id limit 1
        """,
        [reader.last_month],
    )
    assert shortest is not None
    name = reader.salesperson_name(shortest["salesperson_id"])
    assert name
    folder = tmp_path / "new" / "folder"
    done = kunderegnskab(
        "statement", "--salesperson", name, "--output", folder, "--json", "--workspace", demo
    )
    assert done.code == 0, done.err
    ids = customers_with_accounts(reader, shortest["salesperson_id"])
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"statement-{each}.{end}" for each in ids for end in ("pdf", "xlsx")
    )
    assert sorted(done.json["files"]) == sorted(str(path) for path in folder.iterdir())
    assert done.json["publication"] == reader.publication.name


def test_an_account_is_shown_in_the_terminal(reader: Reader, demo: Path, customer_id: str):
    done = kunderegnskab("show", customer_id, "--workspace", demo)
    assert done.code == 0, done.err
    row = reader.row(
        "select * from marts.scope_windows where scope_type = 'customer' and scope_id = ? and month = ? "
        "and time_window = 'r12'",
        [customer_id, reader.last_month],
    )
    assert row is not None
    assert f"{row['net_sales']:,.0f}".replace(",", ".") in done.out
    assert reader.publication.name in done.out
    as_json = kunderegnskab("show", customer_id, "--json", "--language", "en", "--workspace", demo).json
    amounts = {line["column"]: line["amount"] for line in as_json["lines"]}
    assert amounts["db3"] == str(row["db3"])
    assert as_json["customer"]["customer_id"] == customer_id


def test_list_and_report_are_written(reader: Reader, demo: Path, tmp_path: Path):
    somebody = reader.row(
        "select salesperson_id from marts.sales_effort where month = ? and salesperson_id like 'S-%' limit 1",
        [reader.last_month],
    )
    assert somebody is not None
    visits, report = tmp_path / "v.pdf", tmp_path / "r.pdf"
    for arguments in (
        ("visits", somebody["salesperson_id"], "--output", visits),
        ("report", "--language", "en", "--output", report),
    ):
        done = kunderegnskab(*arguments, "--workspace", demo)
        assert (done.code, done.out) == (0, f"{arguments[-1]}\n"), done.err
    assert visits.read_bytes().startswith(b"%PDF-1.7")
    assert report.read_bytes().startswith(b"%PDF-1.7")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("statement",), "Say whose statements: customer numbers, or --salesperson, or --all."),
        (("statement", "1", "--all"), "Say whose statements: customer numbers, or --salesperson, or --all."),
        (("statement", "1", "--format", "doc"), "--format doc is not known; use pdf, xlsx, both."),
        (("statement", "--salesperson", "x y"), "knows no salesperson 'x y'"),
        (("statement", "--all", "--month", "1999-01"), "No customer has an account in the twelve months."),
        (("statement", "--all", "--month", "May"), "May is no month; write it as 2025-06."),
        (("visits", "x"), "knows no salesperson 'x'"),
        (
            ("report", "--output", "no-such-folder/r.pdf"),
            "There is no folder no-such-folder for r.pdf; make it first.",
        ),
        (
            ("report", "--output", "r.doc"),
            "r.doc is neither .pdf nor .xlsx; name the file by what it shall be.",
        ),
        (("report", "--month", "1999-01"), "There is no account of company for 1999-01 to read."),
        (("show", "nobody"), "There is no customer nobody to read."),
        (("show", "1", "--language", "fr"), "--language fr is not known; use da or en."),
    ],
)
def test_what_cannot_be_done_is_a_sentence(demo: Path, arguments: tuple[str, ...], said: str):
    told = refused(*arguments, "--workspace", demo)
    assert said in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("gone", ["table", "column"])
def test_a_publication_of_an_older_version_is_told_of(
    demo: Path, tmp_path: Path, customer_id: str, gone: str
):
    shutil.copytree(
        demo / "published", tmp_path / "published", symlinks=True, ignore=shutil.ignore_patterns("parquet")
    )
    shutil.copy(demo / "company.yaml", tmp_path)
    current = tmp_path / "published" / "current"
    with duckdb.connect(str(current / "kunderegnskab.duckdb")) as con:
        (kind,) = con.execute(
            "select table_type from information_schema.tables where table_name = 'customer_actions'"
        ).fetchone() or ("",)
        if gone == "table":
            con.execute(f"drop {'view' if kind == 'VIEW' else 'table'} marts.customer_actions")
        else:
            con.execute("alter table marts.customers drop column chain_name")
    manifest = json.loads((current / "manifest.json").read_text(encoding="utf-8"))
    manifest["code_version"] = "0.7.0"
    (current / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert refused("show", customer_id, "--workspace", tmp_path) == (
        f"{manifest['publication']} was published by version 0.7.0, which did not publish all that is read "
        f"here; run `kunderegnskab refresh --workspace {tmp_path}`.\n"
    )


def test_a_file_where_a_folder_is_asked_for_stays(demo: Path, tmp_path: Path, customer_id: str):
    there = tmp_path / "there"
    there.write_text("mine")
    told = refused("statement", customer_id, "--output", there, "--workspace", demo)
    assert told == f"{there} is a file; name a folder for the files.\n"
    assert there.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [there]
