"""The comparison of two publications turns red for whatever may go wrong with a table, and for nothing else.

Refreshing companies with two versions takes minutes and belongs in benchmarks/same_numbers.py.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest
import same_numbers
from publications import TableComparison, compare

from kunderegnskab.publication.content_hash import columns_of, table_content

ACCOUNTS = "marts.customer_accounts"
CHECKS = "audit.check_results"


@dataclass(frozen=True)
class Table:
    """A published table: its rows as SQL, and its key."""

    sql: str
    key: tuple[str, ...] = ()

    def but(self, old: str, new: str) -> Table:
        """The same with one thing changed in its rows."""
        assert self.sql.count(old) == 1
        return replace(self, sql=self.sql.replace(old, new))


def check_results(name: str = "grain_is_unique", status: str = "passed", stamp: str = "b1") -> Table:
    return Table(
        f"""
        select '{name}' as check_name, 'dbt' as stage, 'accounts' as subject, true as is_blocking,
            '{status}' as status, 0::bigint as failing_rows, '0 failing rows' as observed,
            'Grain is unique.' as expectation, null::varchar as expectation_da, '' as detail,
            '' as failing_sql, '{stamp}' as stamp, timestamp '2026-01-01 10:00:00' as checked_at
        """,
        ("stage", "check_name"),
    )


TABLES = {
    ACCOUNTS: Table(
        """
        select * from (values
            ('C1', date '2025-01-01', 10.5::decimal(18, 4), 'Ærø'),
            ('C1', date '2025-02-01', null, null),
            ('C2', date '2025-01-01', 0::decimal(18, 4), 'Øst')
        ) as made (customer_id, month, db1, region)
        """,
        ("customer_id", "month"),
    ),
    "audit.rejects": Table("select 'sales_lines' as feed, 'not a number' as reason from range(2)"),
    CHECKS: check_results(),
    "audit.models": Table("select 'marts' as schema_name, 'a' as model, 'select 1' as query", ("model",)),
}
SECOND = "select 'dbt', 'sums_agree', 'accounts', true, 'passed', 0, '', '', null, '', '', 'b2', null"


def publish(folder: Path, tables: Mapping[str, Table] = TABLES, *, run: str = "aaaaaaaa") -> Path:
    """A publication with these tables, as far as the comparison reads it."""
    folder.mkdir()
    marts = {}
    with duckdb.connect(str(folder / "kunderegnskab.duckdb")) as con:
        for name, table in tables.items():
            con.execute(f"create schema if not exists {name.partition('.')[0]}")
            con.execute(f"create table {name} as {table.sql}")
            rows, sha256 = table_content(con, name, table.key)
            columns = [column._asdict() for column in columns_of(con, name)]
            marts[name] = {
                "rows": rows,
                "content_sha256": sha256,
                "key": list(table.key),
                "columns": columns,
            }
    manifest = {"publication": f"0001-{run}", "inputs": [], "marts": marts, "files": {}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.fixture
def differing(tmp_path: Path) -> Callable[..., dict[str, TableComparison]]:
    """The tables that differ when those given are published in place of the ordinary ones."""

    def compared(changed: Mapping[str, Table], gone: str = "") -> dict[str, TableComparison]:
        tables = {name: table for name, table in (TABLES | dict(changed)).items() if name != gone}
        found = compare(publish(tmp_path / "old"), publish(tmp_path / "new", tables))
        return {table.table: table for table in found.differing}

    return compared


def test_what_only_runs_and_code_tell_apart_is_the_same(tmp_path: Path) -> None:
    changed = {CHECKS: check_results(stamp="b2"), "audit.models": TABLES["audit.models"].but("1'", "2'")}
    found = compare(publish(tmp_path / "old"), publish(tmp_path / "new", TABLES | changed))
    assert not found.differing
    assert {table.table: table.outcome for table in found.tables} == {
        ACCOUNTS: "same",
        "audit.rejects": "same",
        CHECKS: "same in part",
        "audit.models": "about the code",
    }
    assert all(table.notes for table in found.tables if table.outcome != "same")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("10.5::", "10.6::", "customer_id=C1, month=2025-01-01: db1 10.5000 -> 10.6000"),
        ("null, null", "0, null", "customer_id=C1, month=2025-02-01: db1 NULL -> 0.0000"),
        ("'Øst'", "null", "customer_id=C2, month=2025-01-01: region Øst -> NULL"),
        ("'C2'", "'C3'", "only now: customer_id=C3, month=2025-01-01, db1=0.0000, region=Øst"),
        (") as made", ") as made_wrong", ""),
        ("10.5::decimal(18, 4)", "10.5::decimal(18, 2)", "column db1 was DECIMAL(18,4) and is DECIMAL(20,4)"),
        ("db1,", "db_1,", "column db1 (DECIMAL(18,4)) is gone"),
        ("select *", "select *, 1 as more", "column more (INTEGER) is new"),
        ("select *", "select region, * exclude (region)", "columns stand in another order"),
    ],
)
def test_a_changed_table_is_shown(
    differing: Callable[..., dict[str, TableComparison]], old: str, new: str, told: str
) -> None:
    found = differing({ACCOUNTS: TABLES[ACCOUNTS].but(old, new)})
    if not told:
        assert not found
        return
    assert list(found) == [ACCOUNTS]
    assert any(told in note for note in found[ACCOUNTS].notes), found[ACCOUNTS].notes


def test_a_row_that_stands_once_instead_of_twice_is_shown(
    differing: Callable[..., dict[str, TableComparison]],
) -> None:
    found = differing({"audit.rejects": TABLES["audit.rejects"].but("range(2)", "range(1)")})
    assert found["audit.rejects"].notes[0] == "1 of 2 rows only before, 0 of 1 rows only now"


def test_another_key_is_shown(differing: Callable[..., dict[str, TableComparison]]) -> None:
    found = differing({ACCOUNTS: replace(TABLES[ACCOUNTS], key=("month", "customer_id"))})
    assert found[ACCOUNTS].notes[0] == "the key was customer_id, month and is month, customer_id"


def test_a_table_that_is_gone_is_shown(differing: Callable[..., dict[str, TableComparison]]) -> None:
    assert differing({}, gone=ACCOUNTS)[ACCOUNTS].notes == ("is not published any more (3 rows)",)


def test_a_new_table_is_told_and_no_difference(tmp_path: Path) -> None:
    tables = {**TABLES, "marts.more": Table("select 1 as one")}
    found = compare(publish(tmp_path / "old"), publish(tmp_path / "new", tables))
    assert not found.differing
    assert next(table for table in found.tables if table.table == "marts.more").outcome == "new"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (check_results(name="grain_was_unique"), "only before: check_name=grain_is_unique"),
        (check_results(status="failed"), "stage=dbt, check_name=grain_is_unique: status passed -> failed"),
        (replace(check_results(), sql=f"{check_results().sql} limit 0"), "1 of 1 rows only before"),
    ],
)
def test_a_check_that_is_gone_or_ends_otherwise_is_shown(
    differing: Callable[..., dict[str, TableComparison]], changed: Table, told: str
) -> None:
    found = differing({CHECKS: changed})
    assert list(found) == [CHECKS]
    assert any(told in note for note in found[CHECKS].notes), found[CHECKS].notes


def test_a_new_check_is_told_and_no_difference(tmp_path: Path) -> None:
    more = replace(check_results(), sql=f"{check_results().sql} union all by name {_named(SECOND)}")
    found = compare(publish(tmp_path / "old"), publish(tmp_path / "new", {**TABLES, CHECKS: more}))
    assert not found.differing
    (checks,) = (table for table in found.tables if table.table == CHECKS)
    assert "new: stage=dbt, check_name=sums_agree" in checks.notes


def _named(query: str) -> str:
    names = (
        "stage, check_name, subject, is_blocking, status, failing_rows, observed, expectation, "
        "expectation_da, detail, failing_sql, stamp, checked_at"
    )
    return f"select * from ({query}) as made ({names})"


@pytest.mark.parametrize("side", ["old", "new"])
def test_a_file_that_is_not_what_its_manifest_says_is_shown(tmp_path: Path, side: str) -> None:
    old, new = publish(tmp_path / "old"), publish(tmp_path / "new")
    with duckdb.connect(str(tmp_path / side / "kunderegnskab.duckdb")) as con:
        con.execute(f"update {ACCOUNTS} set db1 = db1 + 0.0001 where customer_id = 'C2'")
    assert [table.table for table in compare(old, new).differing] == [ACCOUNTS]
    with duckdb.connect(str(tmp_path / side / "kunderegnskab.duckdb")) as con:
        con.execute(f"drop table {ACCOUNTS}")
    assert [table.table for table in compare(old, new).differing] == [ACCOUNTS]


def test_hashes_that_are_made_another_way_are_shown(tmp_path: Path) -> None:
    old, new = publish(tmp_path / "old"), publish(tmp_path / "new")
    text = (new / "manifest.json").read_text(encoding="utf-8")
    sha256 = json.loads(text)["marts"][ACCOUNTS]["content_sha256"]
    (new / "manifest.json").write_text(text.replace(sha256, "0" * 64), encoding="utf-8")
    (differs,) = compare(old, new).differing
    assert differs.notes == (
        "holds the same rows, and its content hash is another: hashes are made another way",
    )


def test_names_of_publications_are_no_difference_but_other_texts_are(tmp_path: Path) -> None:
    def with_baseline(name: str) -> dict[str, Table]:
        return {**TABLES, "marts.target_baselines": Table(f"select '{name}' as baseline_publication")}

    old = publish(tmp_path / "old", with_baseline("0001-aaaaaaaa"))
    same = compare(old, publish(tmp_path / "new", with_baseline("0001-bbbbbbbb"), run="bbbbbbbb"))
    assert not same.differing
    assert {table.outcome for table in same.tables if table.table.startswith("marts.t")} == {
        "same but for names"
    }
    other = compare(old, publish(tmp_path / "other", with_baseline("0001-cccccccc"), run="bbbbbbbb"))
    assert [table.table for table in other.differing] == ["marts.target_baselines"]


@pytest.mark.parametrize(("name", "code"), [("same", 0), ("new", 1)])
def test_the_command_ends_with_1_when_something_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, code: int
) -> None:
    old = publish(tmp_path / "old")
    shutil.copytree(old, tmp_path / "same")
    publish(tmp_path / "new", {ACCOUNTS: TABLES[ACCOUNTS].but("10.5::", "10.6::")})
    monkeypatch.setattr(sys, "argv", ["same_numbers.py", "--between", str(old), str(tmp_path / name)])
    with pytest.raises(SystemExit) as ended:
        same_numbers.main()
    assert ended.value.code == code
    assert (f"{ACCOUNTS}: DIFFERS" in capsys.readouterr().out) is bool(code)
