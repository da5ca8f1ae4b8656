"""A publication is whole, exact, chained to the one before it, and made only of a certified warehouse.

Killing a publishing process belongs in tests/e2e/test_publication_crash.py.
"""

from __future__ import annotations

import errno
import hashlib
import json
import resource
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from kunderegnskab.publication import publish as publishing
from kunderegnskab.publication import store
from kunderegnskab.publication.content_hash import table_content
from kunderegnskab.publication.manifest import InputFile, Manifest, read_manifest
from kunderegnskab.publication.publish import (
    MartRequest,
    NotCertified,
    PublicationError,
    PublishRequest,
    publish,
)
from kunderegnskab.publication.store import (
    DamagedPublication,
    Publication,
    current,
    publications,
    recover,
    unchanged,
    verify_chain,
    verify_files,
)
from kunderegnskab.quality import certification
from kunderegnskab.quality.certification import CheckResult, ExpectedCheck, Waiver

VIEW = MartRequest(
    schema_name="marts",
    table="largest_lines",
    key=("customer_id", "month", "line_code"),
    query='select customer_id, month, line_code, amount from "marts"."customer_account_lines" where amount > 15000',
    description="The lines that matter.",
    columns={"amount": "In kroner."},
)
GATE = ExpectedCheck(stage="gate", check_name="gate__margin_is_plausible")
MARTS = [
    MartRequest(
        schema_name="marts",
        table="customers",
        key=("customer_id",),
        description="One row per customer's number.",
        columns={"name": "As the source wrote it."},
    ),
    MartRequest(
        schema_name="marts", table="customer_account_lines", key=("customer_id", "month", "line_code")
    ),
    MartRequest(schema_name="audit", table="row_ledger", key=("feed",)),
]


def chain_faults(company: Company) -> list[str]:
    """What is wrong with the chain of the company's publications."""
    return [fault.sentence for fault in verify_chain(company.published)]


class Company:
    """A warehouse that passed its checks, and a folder to publish into."""

    def __init__(self, folder: Path) -> None:
        self.warehouse = folder / "warehouse" / "kunderegnskab.duckdb"
        self.published = folder / "published"
        self.warehouse.parent.mkdir()
        self.sql(
            """
            create schema marts; create schema audit;
            create table marts.customers as
                select 'c' || i as customer_id, case when i % 3 = 0 then null else 'Køb & Sælg' end as name
                from range(20) as r (i) order by random();
            create table marts.customer_account_lines as
                select 'c' || c as customer_id, date '2024-01-01' + to_months(m::int) as month, line_code,
                    (c * 1000.25 - m)::decimal(18,4) as amount
                from range(20) as c (c), range(6) as m (m), (values ('K00'), ('K40')) as l (line_code);
            create table audit.row_ledger as select 'sales_lines' as feed, 240::hugeint as records_read;
            create view audit.postings as select 1 as one;
            """
        )
        self.certify()

    def sql(self, statements: str) -> None:
        with duckdb.connect(str(self.warehouse)) as con:
            con.execute(statements)

    def certify(
        self, status: str = "passed", input_hash: str = "inputs", waivers: tuple[Waiver, ...] = ()
    ) -> None:
        with duckdb.connect(str(self.warehouse)) as con:
            certification.start_load(
                con, load_id="load", run_id="run", input_hash=input_hash, code_version="1.0"
            )
            certification.start_build(con, "build")
            result = CheckResult.model_validate(
                GATE.model_dump() | {"subject": "company_accounts", "status": status, "failing_rows": 3}
            )
            certification.record(con, [result], waivers)

    def request(self, run_id: str, **changes: Any) -> PublishRequest:
        values = {
            "keep_publications": 3,
            "run_id": run_id,
            "started_at": datetime(2026, 1, 1, 6, tzinfo=UTC),
            "company": "Nordlys Engros A/S",
            "locale": "da",
            "currency": "DKK",
            "code_version": "1.0",
            "input_hash": "inputs",
            "inputs": [sales_file()],
            "parameters": {"credit_interest_rate": "0.06", "feeds.yaml": "ab12"},
            "expected_checks": [GATE],
            "marts": MARTS,
        }
        return PublishRequest.model_validate(values | changes)

    def publish(self, run_id: str, **changes: Any) -> Publication:
        return publish(
            self.warehouse, self.published, self.request(run_id, **changes), write_quality=write_report
        )

    def left_behind(self) -> list[str]:
        return sorted(path.name for path in self.published.glob(".tmp-*"))


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


def sales_file() -> InputFile:
    return InputFile(
        feed="sales_lines",
        path="salg/2024.csv",
        sha256="a" * 64,
        size=4711,
        records_read=240,
        records_loaded=238,
        records_rejected=1,
        records_left_out=1,
        lake_file="sales_lines/aa.parquet",
        lake_sha256="b" * 64,
    )


def write_report(folder: Path) -> None:
    (folder / "report.html").write_text("<!doctype html><title>Kvalitet</title>", encoding="utf-8")


def failing(exception: BaseException) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise exception

    return fail


def test_publication_holds_what_the_warehouse_holds(company: Company) -> None:
    made = company.publish("3f2a9c1e-0000")

    assert made.name == "0001-3f2a9c1e"
    assert current(company.published) == made
    assert verify_chain(company.published) == verify_files(made) == company.left_behind() == []
    assert store.files_below(made.path) == [
        "kunderegnskab.duckdb",
        "manifest.json",
        "parquet/audit/build.parquet",
        "parquet/audit/check_results.parquet",
        "parquet/audit/row_ledger.parquet",
        "parquet/customer_account_lines.parquet",
        "parquet/customers.parquet",
        "quality/report.html",
    ]
    with duckdb.connect(str(company.published / "current" / "kunderegnskab.duckdb"), read_only=True) as con:
        assert con.execute("select current_database()").fetchone() == ("kunderegnskab",)
        tables = con.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        assert {name for (name,) in tables} == {*made.manifest.marts, "main._publication"}
        assert con.execute("select count(*) from duckdb_views() where not internal").fetchone() == (0,)
        marker = con.execute("from _publication")
        names = [column[0] for column in marker.description or []]
        assert dict(zip(names, marker.fetchone() or (), strict=True)) == {
            "publication": made.name,
            "run_id": "3f2a9c1e-0000",
            "published_at": made.manifest.published_at.replace(tzinfo=None),
            "input_hash": "inputs",
            "company_name": "Nordlys Engros A/S",
            "currency": "DKK",
            "locale": "da",
            "previous": None,
        }
        ids = [row[0] for row in con.execute("select customer_id from marts.customers").fetchall()]
        assert ids == sorted(ids)
        comments = con.execute("select comment from duckdb_tables() where comment is not null").fetchall()
        assert comments == [("One row per customer's number.",)]
        comments = con.execute("select comment from duckdb_columns() where comment is not null").fetchall()
        assert comments == [("As the source wrote it.",)]
        for mart in MARTS:
            expected = made.manifest.marts[mart.name]
            for copy in (mart.name, f"'{made.path / mart.parquet_file}'"):
                assert table_content(con, copy, mart.key) == (expected.rows, expected.content_sha256)


def test_view_is_published_over_the_copies(company: Company) -> None:
    made = company.publish("run", marts=[*MARTS, VIEW])
    content = made.manifest.marts[VIEW.name]
    assert (content.rows, content.content_sha256, content.query) == (56, None, VIEW.query)
    assert [(column.name, column.type) for column in content.columns] == [
        ("customer_id", "VARCHAR"),
        ("month", "TIMESTAMP"),
        ("line_code", "VARCHAR"),
        ("amount", "DECIMAL(18,4)"),
    ]
    assert not [file for file in store.files_below(made.path) if VIEW.table in file]
    rows = f"select count(*), sum(amount) from {VIEW.name}"
    with duckdb.connect(str(made.database), read_only=True) as con:
        found = con.execute(rows).fetchall()
        assert found == [(56, Decimal("960108.0000"))]
        assert con.execute("select comment from duckdb_views() where not internal").fetchall() == [
            ("The lines that matter.",)
        ]
        assert ("In kroner.",) in con.execute("select comment from duckdb_columns()").fetchall()
    # The warehouse is gone, the file has another name, and other tables lie where the reader looks first.
    with duckdb.connect() as con:
        con.execute("create schema marts; create table marts.customer_account_lines as select 1 as amount")
        con.execute(f"attach '{made.database}' as elsewhere (read_only)")
        assert con.execute(f"select count(*), sum(amount) from elsewhere.{VIEW.name}").fetchall() == found


def test_view_of_what_is_not_published_stops_the_publication(company: Company) -> None:
    company.sql("create schema intermediate; create table intermediate.secret as select 1 as one")
    first = company.publish("first")
    request = VIEW.model_copy(update={"query": 'select one from "intermediate"."secret"', "key": ()})
    with pytest.raises(PublicationError, match=r"marts\.largest_lines cannot be published.*published tables"):
        company.publish("second", marts=[*MARTS, request])
    assert current(company.published) == first
    assert company.left_behind() == []


def test_file_is_in_the_old_storage_format(company: Company) -> None:
    made = company.publish("run")
    # Bytes 12-19 of a DuckDB file are its storage version; 64 is the one every 1.x release reads.
    assert int.from_bytes(made.database.read_bytes()[12:20], "little") == 64


def test_parquet_is_plain_sorted_and_exact(company: Company) -> None:
    made = company.publish("run")
    file = pq.ParquetFile(made.path / "parquet" / "customer_account_lines.parquet")
    assert file.schema_arrow.metadata == {b"kunderegnskab.publication": made.name.encode()}
    assert all(field.nullable for field in file.schema_arrow)
    assert str(file.schema_arrow.field("amount").type) == "decimal128(18, 4)"
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    keys = [(row["customer_id"], row["month"], row["line_code"]) for row in file.read().to_pylist()]
    assert keys == sorted(keys)
    assert len(keys) == 240


def test_manifest_says_what_was_published(company: Company) -> None:
    waiver = Waiver(check=GATE.check_name, reason="new product line", person="Finance")
    company.certify("failed", waivers=(waiver,))
    made = company.publish("run", waivers=[waiver], lock_sha256="c" * 64)
    raw = (made.path / "manifest.json").read_bytes()

    assert hashlib.sha256(raw).hexdigest() == made.manifest_sha256
    assert made.manifest.canonical() == raw
    assert read_manifest(made.path) == (made.manifest, made.manifest_sha256)
    content = json.loads(raw)
    assert content["checks"] == [
        {
            "check_name": GATE.check_name,
            "stage": "gate",
            "is_blocking": True,
            "status": "waived",
            "failing_rows": 3,
        }
    ]
    assert content["waivers"][0]["person"] == "Finance"
    assert content["inputs"][0]["records_left_out"] == 1
    assert content["marts"]["marts.customers"]["columns"][0] == {"name": "customer_id", "type": "VARCHAR"}
    assert content["marts"]["marts.customers"]["rows"] == 20
    assert content["started_at"] == "2026-01-01T06:00:00Z"
    assert content["engines"]["duckdb"] == duckdb.__version__
    assert content["previous"] is None
    pointer = json.loads((company.published / "current.json").read_bytes())
    assert pointer == {
        "publication": made.name,
        "manifest_sha256": made.manifest_sha256,
        "published_at": content["published_at"],
    }


def test_same_data_has_the_same_hashes_and_parquet_but_for_the_name(company: Company) -> None:
    first = company.publish("one")
    company.sql("create or replace table marts.customers as select * from marts.customers order by random()")
    second = company.publish("two")
    assert first.manifest.marts == second.manifest.marts
    for name in (name for name in first.manifest.files if name.startswith("parquet/")):
        one, other = first.path / name, second.path / name
        assert pq.read_metadata(one).metadata[b"kunderegnskab.publication"].decode() == first.name
        assert one.read_bytes().replace(first.name.encode(), second.name.encode()) == other.read_bytes()
    assert second.manifest.previous == first.reference


@pytest.mark.parametrize("status", ["failed", "error"])
def test_failed_check_publishes_nothing(company: Company, status: str) -> None:
    first = company.publish("one")
    company.certify(status)
    with pytest.raises(NotCertified, match=f"gate check {GATE.check_name}: {status}") as caught:
        company.publish("two")
    assert [u.check_name for u in caught.value.uncertified] == [GATE.check_name]
    assert current(company.published) == first
    assert company.left_behind() == []


def test_missing_result_publishes_nothing(company: Company) -> None:
    another = ExpectedCheck(stage="door", check_name="door__sales_lines__not_empty")
    with pytest.raises(NotCertified, match="door__sales_lines__not_empty: has no result"):
        company.publish("one", expected_checks=[GATE, another])
    with pytest.raises(ValidationError):
        company.request("one", expected_checks=[])


def test_warehouse_of_other_inputs_or_code_is_not_published(company: Company) -> None:
    with pytest.raises(NotCertified, match="input_hash inputs, not other"):
        company.publish("one", input_hash="other")
    with pytest.raises(NotCertified, match=r"code_version 1\.0, not 2\.0"):
        company.publish("one", code_version="2.0")
    assert current(company.published) is None


def test_float_column_is_refused(company: Company) -> None:
    company.sql("alter table marts.customers add column share double default 0.5")
    with pytest.raises(
        PublicationError, match=r"marts\.customers cannot be published: Column share .*DOUBLE"
    ):
        company.publish("one")
    assert company.left_behind() == []


def test_missing_table_and_missing_key_are_named(company: Company) -> None:
    for mart, what in (
        (MartRequest(schema_name="marts", table="gone"), r"marts\.gone cannot be published"),
        (MartRequest(schema_name="marts", table="customers", key=("cvr",)), r"no key column \['cvr'\]"),
    ):
        with pytest.raises(PublicationError, match=what):
            company.publish("one", marts=[mart])


def test_parameters_hold_no_binary_floats(company: Company) -> None:
    with pytest.raises(ValidationError, match=r"0\.06 is a binary float"):
        company.request("one", parameters={"rates": [{"credit": 0.06}]})


@pytest.mark.parametrize(
    ("fault", "rows"),
    [
        ("delete from {copy} where customer_id = 'c7'", 19),
        ("update {copy} set customer_id = 'c77' where customer_id = 'c7'", 20),
        ("update {copy} set name = null where customer_id = 'c7'", 20),
        # Every column still holds the same values.
        (
            "update {copy} set name = case customer_id when 'c6' then 'Køb & Sælg' when 'c7' then null "
            "else name end",
            20,
        ),
    ],
)
@pytest.mark.parametrize("file", ["database", "parquet"])
def test_copy_that_differs_is_not_published(
    company: Company, monkeypatch: pytest.MonkeyPatch, fault: str, rows: int, file: str
) -> None:
    described = publishing._describe

    def spoil(con: duckdb.DuckDBPyConnection, marts: Sequence[MartRequest]) -> None:
        described(con, marts)
        if file == "database":
            con.execute(fault.format(copy="published.marts.customers"))
            return
        (copy,) = company.published.glob(".*/parquet/customers.parquet")
        with duckdb.connect() as spoiling:
            spoiling.execute(f"create table customers as from read_parquet('{copy}')")
            spoiling.execute(fault.format(copy="customers"))
            spoiling.execute(f"copy customers to '{copy}' (format parquet)")

    monkeypatch.setattr(publishing, "_describe", spoil)
    held = rf"marts\.customers read back from .*{file}.* \({rows} rows, 20 expected\)"
    with pytest.raises(PublicationError, match=held.replace("database", "duckdb")):
        company.publish("one")
    assert current(company.published) is None
    assert company.left_behind() == []


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failure_while_writing_leaves_current_as_it_was(company: Company, error: BaseException) -> None:
    first = company.publish("one")
    request = company.request("two")
    with pytest.raises(type(error)):
        publish(company.warehouse, company.published, request, write_quality=failing(error))
    assert current(company.published) == first
    assert company.left_behind() == []
    assert recover(company.published) == []


@pytest.mark.parametrize("room", [4096, 300_000])
def test_full_disk_leaves_current_as_it_was(company: Company, room: int) -> None:
    first = company.publish("one")
    # A limit on the size of any one file fails a write as a full disk does, without a disk to fill.
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises((OSError, duckdb.Error)):
            company.publish("two")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert current(company.published) == first
    assert company.left_behind() == []
    assert company.publish("two").name == "0002-two"


def test_run_that_died_after_the_commit_is_finished(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = company.publish("one")
    with monkeypatch.context() as patch:
        patch.setattr(store, "make_current", failing(KeyboardInterrupt("killed")))
        with pytest.raises(KeyboardInterrupt, match="killed"):
            company.publish("two")
    assert current(company.published) == first
    said = recover(company.published)
    assert said == ["Made 0002-two current; the run that published it died just before that."]
    now = current(company.published)
    assert now is not None
    assert now.name == "0002-two"
    assert verify_chain(company.published) == []
    assert recover(company.published) == []


def test_readers_that_cannot_be_led_to_a_publication_are_told_of(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = company.publish("one")
    full = OSError(errno.ENOSPC, "No space left on device", "/firma/published/.tmp-current")
    with monkeypatch.context() as patch:
        patch.setattr(store, "make_current", failing(full))
        with pytest.raises(PublicationError) as told:
            company.publish("two")
    assert str(told.value) == (
        "0002-two is whole, but readers could not all be led to it, which the next refresh does: "
        "/firma/published/.tmp-current cannot be written, because the disk is full; make room there, and run the same "
        "command again."
    )
    assert current(company.published) == first
    assert recover(company.published) == [
        "Made 0002-two current; the run that published it died just before that."
    ]


def test_run_that_died_between_the_two_pointers_is_finished(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.publish("one")
    with monkeypatch.context() as patch:
        patch.setattr(store, "replace_file", failing(KeyboardInterrupt("killed")))
        with pytest.raises(KeyboardInterrupt, match="killed"):
            company.publish("two")
    assert len(verify_chain(company.published)) == 1
    assert recover(company.published) == ["Set current.json to 0002-two."]
    assert verify_chain(company.published) == []


def test_first_publication_that_died_after_the_commit_is_finished(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(store, "make_current", failing(KeyboardInterrupt("killed")))
        with pytest.raises(KeyboardInterrupt, match="killed"):
            company.publish("one")
    assert chain_faults(company) == ["No publication is current."]
    second = company.publish("two")
    assert second.manifest.previous is not None
    assert second.manifest.previous.publication == "0001-one"


def test_damaged_unfinished_publication_is_left_alone(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = company.publish("one")
    with monkeypatch.context() as patch:
        patch.setattr(store, "make_current", failing(KeyboardInterrupt("killed")))
        with pytest.raises(KeyboardInterrupt, match="killed"):
            company.publish("two")
    (company.published / "0002-two" / "kunderegnskab.duckdb").write_bytes(b"torn")
    assert recover(company.published) == [
        "Left 0002-two alone: 0002-two: kunderegnskab.duckdb has changed since it was published."
    ]
    assert current(company.published) == first
    third = company.publish("three")
    assert third.name == "0003-three"
    assert chain_faults(company) == ["0002-two is not part of the chain that ends in 0003-three."]
    assert recover(company.published) == []


def test_leftovers_are_removed_but_no_finished_folder(company: Company) -> None:
    company.publish("one")
    (company.published / ".tmp-dead").mkdir()
    (company.published / ".tmp-dead" / "kunderegnskab.duckdb").write_bytes(b"half")
    (company.published / ".tmp-current").symlink_to("nowhere")
    (company.published / "0009-odd").mkdir()
    assert recover(company.published) == [
        "Removed .tmp-current, left behind by a run that did not finish.",
        "Removed .tmp-dead, left behind by a run that did not finish.",
    ]
    assert (company.published / "0009-odd").is_dir()
    assert chain_faults(company) == ["0009-odd has no readable manifest.json."]
    assert company.publish("two").name == "0010-two"


def test_two_processes_do_not_publish_at_once(company: Company) -> None:
    company.publish("one")
    (company.published / ".tmp-other").mkdir()
    with store.publishing_lock(company.published) as is_mine:
        assert is_mine
        with pytest.raises(PublicationError, match="another process is publishing"):
            company.publish("two")
        assert recover(company.published) == []
    assert company.left_behind() == [".tmp-other"]


def test_old_publications_keep_manifest_and_report(company: Company) -> None:
    made = [company.publish(f"run{n}", keep_publications=2) for n in range(5)]
    assert publications(company.published) == made
    for old in made[:3]:
        assert store.files_below(old.path) == ["manifest.json", "quality/report.html"]
    assert all(new.database.is_file() for new in made[3:])
    lines = (company.published / "retention.jsonl").read_text(encoding="utf-8").splitlines()
    recorded = [json.loads(line) for line in lines]
    assert [line["publication"] for line in recorded] == [old.name for old in made[:3]]
    assert "kunderegnskab.duckdb" in recorded[0]["removed"]
    assert verify_chain(company.published) == []
    assert [problem for one in made for problem in verify_files(one)] == []

    (made[0].path / "quality" / "report.html").unlink()
    (made[4].path / "kunderegnskab.duckdb").unlink()
    assert verify_files(made[0]) == ["0001-run0: quality/report.html is missing."]
    assert verify_files(made[4]) == ["0005-run4: kunderegnskab.duckdb is missing."]
    with pytest.raises(ValidationError):
        company.request("run", keep_publications=1)


def test_pruning_that_died_halfway_is_finished_once(company: Company) -> None:
    made = [company.publish(f"run{n}", keep_publications=2) for n in range(3)]
    made[0].database.write_bytes(b"as if not yet removed")
    assert store.prune(company.published, 2) == [made[0].name]
    assert store.prune(company.published, 2) == []
    assert len((company.published / "retention.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def test_failed_pruning_does_not_undo_a_publication(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "prune", failing(PermissionError("read-only")))
    assert company.publish("one") == current(company.published)


def test_changed_files_and_manifests_are_found(company: Company) -> None:
    made = [company.publish(f"run{n}") for n in range(3)]
    parquet = made[2].path / "parquet" / "customers.parquet"
    content = bytearray(parquet.read_bytes())
    content[100] ^= 1
    parquet.write_bytes(content)
    (made[2].path / "extra.txt").touch()
    assert verify_files(made[2]) == [
        "0003-run2: parquet/customers.parquet has changed since it was published.",
        "0003-run2: extra.txt is not in the manifest.",
    ]
    manifest = made[1].path / "manifest.json"
    forged = made[1].manifest.model_copy(update={"company": "Another A/S"})
    manifest.write_bytes(forged.canonical())
    assert chain_faults(company) == ["The manifest of 0002-run1 is not the one that 0003-run2 follows."]
    manifest.write_text("{}", encoding="utf-8")
    assert chain_faults(company) == ["0002-run1 has no readable manifest.json."]
    shutil.rmtree(made[1].path)
    assert chain_faults(company) == ["0003-run2 follows 0002-run1, which is missing."]
    shutil.rmtree(made[0].path)
    assert chain_faults(company) == ["0003-run2 follows 0002-run1, which is missing."]


def test_beyond_a_gap_the_chain_is_followed_again(company: Company) -> None:
    made = [company.publish(f"run{n}") for n in range(4)]
    shutil.rmtree(made[2].path)
    (made[0].path / "manifest.json").write_bytes(
        made[0].manifest.model_copy(update={"company": "Another A/S"}).canonical()
    )
    assert chain_faults(company) == [
        "0004-run3 follows 0003-run2, which is missing.",
        "The manifest of 0001-run0 is not the one that 0002-run1 follows.",
    ]
    shutil.rmtree(made[3].path)
    assert chain_faults(company)[0] == "The current publication 0004-run3 is missing."


def test_a_forged_current_manifest_is_not_built_upon(company: Company) -> None:
    made = company.publish("one")
    forged = made.manifest.model_copy(update={"company": "Another A/S"})
    (made.path / "manifest.json").write_bytes(forged.canonical())
    assert chain_faults(company) == ["The manifest of 0001-one is not the one that current.json names."]
    with pytest.raises(DamagedPublication, match="changed after it was published"):
        recover(company.published)


def test_damaged_current_publication_is_named(company: Company) -> None:
    made = company.publish("one")
    (made.path / "manifest.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DamagedPublication, match=r"0001-one .* restore its folder from a backup"):
        current(company.published)
    with pytest.raises(DamagedPublication):
        company.publish("two")


def test_pointer_file_serves_where_the_link_is_lost(company: Company) -> None:
    made = company.publish("one")
    (company.published / "current").unlink()
    assert current(company.published) == made
    assert (company.publish("two").path.parent / "current").readlink() == Path("0002-two")


def test_unchanged_means_same_inputs_and_same_code(company: Company) -> None:
    assert unchanged(company.published, "inputs", "1.0") is None
    made = company.publish("one")
    assert unchanged(company.published, "inputs", "1.0") == made
    assert unchanged(company.published, "other", "1.0") is None
    assert unchanged(company.published, "inputs", "1.1") is None


def test_nothing_published_yet_is_no_error(tmp_path: Path) -> None:
    published = tmp_path / "published"
    assert (current(published), publications(published)) == (None, [])
    assert recover(published) == verify_chain(published) == []
    assert store.next_publication(published, "3f2a9c1e-77") == (1, "0001-3f2a9c1e")


def test_manifest_refuses_what_it_does_not_know(company: Company) -> None:
    content = company.publish("one").manifest.model_dump(mode="json") | {"signature": "x"}
    with pytest.raises(ValidationError):
        Manifest.model_validate(content)
