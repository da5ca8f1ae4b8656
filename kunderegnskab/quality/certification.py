"""Which checks passed for which build of the warehouse, kept in audit.build and audit.check_results.

Here: recording check results, stamping them, waiving them by name, and telling what stands in the way of a
publication. Not here: the checks themselves (door.py, gate.py, dbt tests) and publishing.

A result counts only for the data it was computed on. Door results carry the load's id, dbt and gate results
the build's id; a new load or build therefore voids earlier results without having to find and delete them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Literal

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from kunderegnskab.problems import counted
from kunderegnskab.rows import insert_rows
from kunderegnskab.workspace import Waiver

Stage = Literal["door", "dbt", "gate"]
STAGES: tuple[Stage, ...] = ("door", "dbt", "gate")
Status = Literal["passed", "failed", "waived", "error"]
GOOD_STATUSES = ("passed", "waived")


class CertificationError(Exception):
    """Results were recorded out of order: no load, no build, or one check twice."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CheckResult(_Record):
    """The outcome of one check. A warning check can be `failed` too; `is_blocking` tells them apart."""

    check_name: str = Field(min_length=1)
    stage: Stage
    subject: str
    """The feed (`sales_lines`) or mart (`customer_accounts`) that the check is about."""
    is_blocking: bool
    status: Status
    failing_rows: int | None = None
    """Rows that break the rule; None where the check is about a total."""
    observed: str = ""
    expectation: str = ""
    """One plain English sentence saying what must hold."""
    expectation_da: str | None = None
    """The same in Danish; None where the check has none (dbt tests)."""
    detail: str = ""
    """The first failing rows, or why the check was waived or could not run."""
    failing_sql: str = ""
    """SQL that lists all failing rows in the warehouse; empty where there are none to list."""

    @property
    def hinders(self) -> bool:
        """Whether nothing may be published because of it."""
        return self.is_blocking and self.status not in GOOD_STATUSES

    @property
    def told(self) -> list[str]:
        """That it failed and what must hold; then, set in, the first rows behind that."""
        count = f" ({counted(self.failing_rows, 'row')})" if self.failing_rows else ""
        sentence = f"The check {self.check_name} failed{count}: {self.expectation}"
        return [sentence, *(f"  {line}" for line in self.detail.splitlines())]


def told_of(names: Sequence[str], row: Sequence[object]) -> Iterator[tuple[str, object]]:
    """The columns of a failing row as they are told: not the sheet of a record in a file without sheets."""
    for name, value in zip(names, row, strict=True):
        if value != "" or not name.endswith("source_sheet"):
            yield name, value


class ExpectedCheck(_Record):
    """A check that a publication must be able to show a result for."""

    stage: Stage
    check_name: str
    is_blocking: bool = True


class Uncertified(_Record):
    """One reason why the warehouse may not be published."""

    check_name: str
    stage: Stage
    why: str


class Build(_Record):
    """What the warehouse now holds. `build_id` is None between a load and its dbt build."""

    load_id: str
    build_id: str | None
    run_id: str
    input_hash: str
    code_version: str
    loaded_at: datetime
    """UTC, without time zone."""


def start_load(
    con: duckdb.DuckDBPyConnection, *, load_id: str, run_id: str, input_hash: str, code_version: str
) -> None:
    """Forgets every earlier result: the warehouse is about to hold the data of `load_id`."""
    con.execute("create schema if not exists audit")
    con.execute(
        """
        create or replace table audit.build (
            load_id varchar, build_id varchar, run_id varchar, input_hash varchar, code_version varchar,
            loaded_at timestamp
        )
        """
    )
    con.execute(
        """
        create or replace table audit.check_results (
            check_name varchar, stage varchar, subject varchar, is_blocking boolean, status varchar,
            failing_rows bigint, observed varchar, expectation varchar, expectation_da varchar,
            detail varchar, failing_sql varchar, stamp varchar, checked_at timestamp
        )
        """
    )
    con.execute(
        "insert into audit.build values (?, null, ?, ?, ?, ?)",
        [load_id, run_id, input_hash, code_version, utc_now()],
    )


def start_build(con: duckdb.DuckDBPyConnection, build_id: str) -> None:
    """Voids every earlier dbt and gate result. Raises CertificationError when nothing has been loaded."""
    _require_load(con)
    con.execute("update audit.build set build_id = ?", [build_id])


def current_build(con: duckdb.DuckDBPyConnection) -> Build | None:
    """What the warehouse holds now; None when nothing has been loaded."""
    if not _table_exists(con, "build"):
        return None
    row = con.execute(
        "select load_id, build_id, run_id, input_hash, code_version, loaded_at from audit.build"
    ).fetchone()
    return None if row is None else Build(**dict(zip(Build.model_fields, row, strict=True)))


def record(
    con: duckdb.DuckDBPyConnection,
    results: Iterable[CheckResult],
    waivers: Sequence[Waiver] = (),
    *,
    at: datetime | None = None,
) -> list[CheckResult]:
    """Stores results under the current stamp, in place of earlier ones of the same stage and name.

    `at` is when they were found, whose day decides which waivers hold; now if it is None. It is kept, so that
    a check that knows a day can be made again for it.

    Returns them as stored: a failed blocking check that a valid waiver names has become `waived`. A check
    that could not run (`error`) is never waived: nobody knows what it would have found.
    Raises CertificationError without a load (door), without a build (dbt, gate), or when a name comes twice.
    """
    found_at = at or utc_now()
    stored = waived(results, waivers, found_at.date())
    if not stored:
        return []
    twice = [key for key, n in Counter((r.stage, r.check_name) for r in stored).items() if n > 1]
    if twice:
        raise CertificationError(f"More than one result for the same check: {twice}")
    build = _require_load(con)
    stamps = _stamps(build)
    unstamped = sorted({r.stage for r in stored if stamps[r.stage] is None})
    if unstamped:
        raise CertificationError(f"Results of stage {', '.join(unstamped)} recorded before start_build().")

    # Delete and insert need no common transaction: a check without a result is not certified.
    con.execute(
        "delete from audit.check_results where (stage, check_name) in (select unnest(?), unnest(?))",
        [[r.stage for r in stored], [r.check_name for r in stored]],
    )
    rows = [
        (*(getattr(r, name) for name in CheckResult.model_fields), stamps[r.stage], found_at) for r in stored
    ]
    insert_rows(con, "audit.check_results", rows, [*CheckResult.model_fields, "stamp", "checked_at"])
    return stored


def read_results(con: duckdb.DuckDBPyConnection) -> list[CheckResult]:
    """The results that count for the current load and build, in order of stage and name."""
    build = current_build(con)
    if build is None or not _table_exists(con, "check_results"):
        return []
    rows = con.execute(
        f"""
        select {", ".join(CheckResult.model_fields)} from audit.check_results
        where stamp = case when stage = 'door' then ? else ? end
        order by case stage when 'door' then 1 when 'dbt' then 2 else 3 end, check_name
        """,
        [build.load_id, build.build_id],
    ).fetchall()
    return [CheckResult(**dict(zip(CheckResult.model_fields, row, strict=True))) for row in rows]


def uncertified(
    con: duckdb.DuckDBPyConnection, expected: Iterable[ExpectedCheck], waivers: Sequence[Waiver] | None = None
) -> list[Uncertified]:
    """What stands in the way of publishing this warehouse; empty means every expected check holds.

    A blocking check that failed hinders even when nobody expected it. Warning checks never hinder. A waived
    check holds only as long as its waiver does, where `waivers` tells which there are.
    """
    build = current_build(con)
    if build is None or build.build_id is None:
        why = "nothing has been loaded" if build is None else "the loaded data has not been built"
        return [Uncertified(check_name="build", stage="dbt", why=why)]
    stamps = _stamps(build)
    found: dict[tuple[Stage, str], _Row] = {}
    if _table_exists(con, "check_results"):
        for stage, name, *row in con.execute(
            "select stage, check_name, is_blocking, status, stamp, detail from audit.check_results"
        ).fetchall():
            found[stage, name] = tuple(row)

    wanted: list[tuple[Stage, str]] = [(e.stage, e.check_name) for e in expected if e.is_blocking]
    in_force = None if waivers is None else {w.check for w in waivers if is_in_force(w)}
    unasked = [key for key, row in found.items() if key not in wanted and row[2] == stamps.get(key[0])]
    reasons = []
    for stage, name in dict.fromkeys(wanted + unasked):
        why = _why_uncertified(found.get((stage, name)), stamps[stage], must_block=(stage, name) in wanted)
        if (
            why is None
            and in_force is not None
            and found[stage, name][1] == "waived"
            and name not in in_force
        ):
            why = "was waived, but its waiver does not hold any more"
        if why is not None:
            reasons.append(Uncertified(check_name=name, stage=stage, why=why))
    return reasons


_Row = tuple[bool | None, str | None, str | None, str | None]
"""is_blocking, status, stamp and detail of a stored result; each may be NULL."""


def is_in_force(waiver: Waiver, today: date | None = None) -> bool:
    """Whether a waiver holds on a day, its last day included."""
    return waiver.valid_to is None or waiver.valid_to >= (today or utc_now().date())


def _why_uncertified(row: _Row | None, stamp: str | None, *, must_block: bool) -> str | None:
    if row is None:
        return "has no result"
    is_blocking, status, its_stamp, detail = row
    # Only an explicit false makes a warning: a NULL must not let a failed check through.
    if is_blocking is False and not must_block:
        return None
    if its_stamp is None or its_stamp != stamp:
        return "its result belongs to an earlier load or build"
    if status in GOOD_STATUSES:
        return None
    return ": ".join(part for part in (status or "has no status", detail) if part)


def _stamps(build: Build) -> dict[Stage, str | None]:
    return {"door": build.load_id, "dbt": build.build_id, "gate": build.build_id}


def waived(results: Iterable[CheckResult], waivers: Sequence[Waiver], today: date) -> list[CheckResult]:
    """The results as a refresh of that day takes them."""
    in_force = {w.check: w for w in waivers if is_in_force(w, today)}
    return [_waive(result, in_force.get(result.check_name)) for result in results]


def _waive(result: CheckResult, waiver: Waiver | None) -> CheckResult:
    if waiver is None or not result.is_blocking or result.status != "failed":
        return result
    until = f" until {waiver.valid_to.isoformat()}" if waiver.valid_to else ""
    note = f"Waived by {waiver.person}{until}: {waiver.reason}"
    return result.model_copy(
        update={"status": "waived", "detail": f"{note}\n{result.detail}" if result.detail else note}
    )


def _require_load(con: duckdb.DuckDBPyConnection) -> Build:
    build = current_build(con)
    if build is None:
        raise CertificationError("Nothing has been loaded: call start_load() first.")
    return build


def _table_exists(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    return (
        con.execute(
            "select 1 from information_schema.tables where table_catalog = current_database() "
            "and table_schema = 'audit' and table_name = ?",
            [table],
        ).fetchone()
        is not None
    )


def utc_now() -> datetime:
    """The moment, by UTC, as results are stamped."""
    return datetime.now(UTC).replace(tzinfo=None)
