"""What lies in a workspace and is not read is named, and so is a source that finds nothing or nothing any more."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from field_cases import field_case
from small_intake import SALES_COLUMNS, SALES_HEADER, workspace_of, write_files

from kunderegnskab.ingest import Intake, fresh_warehouse, load_record, load_warehouse, record_load, take_in
from kunderegnskab.ingest.unread import absent_columns, unread
from kunderegnskab.publication.gone_sources import note_gone_sources
from kunderegnskab.publication.inputs import recorded
from kunderegnskab.publication.manifest import InputFile
from kunderegnskab.workspace import Workspace
from kunderegnskab_orchestration.runs.outcome import _unread

SOURCE = """
      - files: "{}"
        format: {{type: csv}}
        columns: """ + SALES_COLUMNS.replace("{", "{{").replace("}", "}}")
SALES = SALES_HEADER + "\n{},invoice,2024-01-05,1,100.00,0\n"
CUSTOMERS = "customer_id,customer_name\n1,Nord\n"


def feeds(*globs: str) -> str:
    return "sales_lines:" + "".join(SOURCE.format(glob) for glob in globs)


# --- what is not read ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "landing/SALG_02.CSV",
            "landing/SALG_02.CSV: is read by no mapping; capital and small letters count, so rename it, or "
            "correct `files` in feeds.yaml.",
        ),
        ("landing/salg_04.csv.txt", "landing/salg_04.csv.txt: is read by no mapping; map it in feeds.yaml, or remove it."),
        ("landing/gammelt/salg_03.csv", "landing/gammelt/salg_03.csv: is read by no mapping; map it in feeds.yaml, or remove it."),
        (
            "landing/customer.csv",
            "landing/customer.csv: is read by no mapping; map it in feeds.yaml, name it after a feed, such as "
            "customers.csv, or remove it.",
        ),
        (
            "policy/segment_rule.csv",
            "policy/segment_rule.csv: is read by no feed; name it after the feed that it is for, such as "
            "segment_rules.csv, or remove it.",
        ),
        (
            "policy/2025/segment_rules.csv",
            "policy/2025/segment_rules.csv: is read by no feed; name it after the feed that it is for, such as "
            "segment_rules.csv, or remove it.",
        ),
        (
            "policy/segment_rules.xlsx",
            "policy/segment_rules.xlsx: is read by no feed; name it after the feed that it is for, such as "
            "segment_rules.csv, or remove it.",
        ),
    ],
)  # fmt: skip
def test_a_file_that_nothing_reads_is_named(tmp_path: Path, name: str, sentence: str) -> None:
    workspace = workspace_of(tmp_path, feeds("salg_*.csv"), {"salg_01.csv": SALES.format("A")})
    assert unread(workspace).sentences == ()
    write_files(workspace.root, {name: "x", "landing/.hidden": "x", "landing/~$salg.xlsx": "x"})
    assert unread(workspace).sentences == (sentence,)


def test_a_source_that_finds_nothing_is_named(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path, feeds("salg_*.csv", "butik/*.csv"), {"salg_01.csv": SALES.format("A")})
    assert unread(workspace).sentences == (
        "feeds.yaml: sales_lines, source 2: no file matches landing/butik/*.csv; deliver one, correct `files`, "
        "or remove the source.",
    )


def test_the_field_case_of_file_names(tmp_path: Path) -> None:
    shutil.copytree(field_case("15-file-names"), tmp_path / "case")
    workspace = Workspace(tmp_path / "case")
    assert [problem.file for problem in unread(workspace).files] == [
        "landing/SALG_2025-02.CSV",
        "landing/salg_2025-04.csv.txt",
    ]
    assert [receipt.records_loaded for receipt in take_in(workspace, workspace.lake).receipts] == [1, 1]


@pytest.mark.parametrize(
    ("record", "missing"),
    [
        ('{"doc":"K1","day":"2025-01-02","qty":1,"net":100,"kostpris":60}', ["kost"]),
        ('{"doc":"K1","day":"2025-01-02","qty":1,"net":100,"Kost":60}', ["kost"]),
        ('{"doc":"K1","day":"2025-01-02","qty":1,"net":100,"kost":null}', []),
    ],
    ids=["another name", "another case", "empty"],
)
def test_a_mapped_column_that_no_record_has_is_named(tmp_path: Path, record: str, missing: list[str]) -> None:
    mapping = """
    sales_lines:
      - files: k.json
        format: {type: json}
        columns: {document_no: doc, posting_date: day, quantity: qty, net_amount: net, cost_amount: kost}
        values: {document_type: invoice, discount_amount: "0"}
    """
    workspace = workspace_of(tmp_path, mapping, {"k.json": f"[{record}]"})
    intake = take_in(workspace, workspace.lake)
    said = tuple(
        f"landing/k.json: no record has '{column}', so it is read as empty; if it should be there, correct its "
        "name in feeds.yaml."
        for column in missing
    )
    assert absent_columns(intake.receipts) == said
    # A refresh says so too, of what its warehouse was loaded from.
    with fresh_warehouse(workspace) as con:
        load_warehouse(con, workspace.company, workspace.lake, intake)
        record_load(con, load_record(workspace, intake))
    assert _unread(workspace) == said


# --- sources that are gone ----------------------------------------------------------------------------
def inputs(intake: Intake) -> list[InputFile]:
    """The files of a publication, as its manifest has them."""
    return [recorded(receipt) for receipt in intake.receipts]


def gone(workspace: Workspace, before: list[InputFile]) -> list[tuple[str, str]]:
    """(feed, source) of what is gone from a workspace."""
    intake = take_in(workspace, workspace.lake)
    with duckdb.connect() as con:
        load_warehouse(con, workspace.company, workspace.lake, intake)
        note_gone_sources(con, workspace, intake, before)
        return con.execute("select feed, source from raw.gone_sources order by all").fetchall()


BOTH = {"salg_01.csv": SALES.format("A"), "butik/1.csv": SALES.format("B"), "customers.csv": CUSTOMERS}


@pytest.mark.parametrize(
    ("now", "removed", "found"),
    [
        (("salg_*.csv", "butik/*.csv"), (), []),
        (("salg_*.csv", "butik/*.csv"), ("butik/1.csv",), [("sales_lines", "feeds.yaml: sales_lines, source 2")]),
        # A glob that was changed, and one whose source has moved up.
        (("salg_*.csv", "butikker/*.csv"), (), [("sales_lines", "feeds.yaml: sales_lines, source 2")]),
        (("butik/*.csv", "salg_*.csv"), ("butik/1.csv",), [("sales_lines", "feeds.yaml: sales_lines, source 1")]),
        (("**/[0-9].csv", "salg_*.csv"), ("butik/1.csv",), [("sales_lines", "feeds.yaml: sales_lines, source 1")]),
        # A source that is new and has no file yet: what stood in its place is still read.
        (("nyt/*.csv", "salg_*.csv", "butik/*.csv"), (), []),
        # Whoever takes a source out of feeds.yaml has decided so.
        (("salg_*.csv",), ("butik/1.csv",), []),
        (("salg_*.csv", "butik/*.csv"), ("customers.csv",), [("customers", "landing/customers.csv")]),
    ],
)  # fmt: skip
def test_a_source_that_fed_the_last_publication_and_is_gone(
    tmp_path: Path, now: tuple[str, ...], removed: tuple[str, ...], found: list[tuple[str, str]]
) -> None:
    workspace = workspace_of(tmp_path, feeds("salg_*.csv", "butik/*.csv"), BOTH)
    before = inputs(take_in(workspace, workspace.lake))
    for name in removed:
        (workspace.landing / name).unlink()
    assert gone(workspace_of(tmp_path, feeds(*now)), before) == found


HEADER = SALES.format("A").splitlines()[0] + "\n"


@pytest.mark.parametrize(
    ("now", "found"),
    [
        ({"butik/1.csv": HEADER}, [("sales_lines", "feeds.yaml: sales_lines, source 2")]),
        ({"salg_01.csv": HEADER}, [("sales_lines", "feeds.yaml: sales_lines, source 1")]),
        ({"customers.csv": CUSTOMERS.splitlines()[0] + "\n"}, [("customers", "landing/customers.csv")]),
        # Another file of the source that has its records.
        ({"butik/1.csv": HEADER, "butik/2.csv": SALES.format("B")}, []),
    ],
    ids=["one source", "the other", "without mapping", "renamed"],
)
def test_a_source_of_which_the_header_alone_arrives_is_gone(
    tmp_path: Path, now: dict[str, str | bytes], found: list[tuple[str, str]]
) -> None:
    workspace = workspace_of(tmp_path, feeds("salg_*.csv", "butik/*.csv"), BOTH)
    before = inputs(take_in(workspace, workspace.lake))
    write_files(workspace.landing, now)
    assert gone(workspace, before) == found
    # What was empty then already is not missed.
    assert gone(workspace, inputs(take_in(workspace, workspace.lake))) == []


def test_a_file_without_mapping_that_was_moved_is_not_gone(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path, feeds("salg_*.csv"), BOTH)
    before = inputs(take_in(workspace, workspace.lake))
    (workspace.landing / "customers.csv").unlink()
    write_files(workspace.policy, {"customers.csv": CUSTOMERS})
    assert gone(Workspace(tmp_path), before) == []


def test_before_the_first_publication_nothing_is_gone(tmp_path: Path) -> None:
    assert (
        gone(
            workspace_of(tmp_path, feeds("salg_*.csv", "butik/*.csv"), {"salg_01.csv": SALES.format("A")}), []
        )
        == []
    )
