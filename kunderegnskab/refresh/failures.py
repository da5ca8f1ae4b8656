"""What the checks of a failed run have to say: plain sentences, and lists of the rows behind them.

The lists lie in state/failures/. Which steps broke for another reason belongs in
orchestration/kunderegnskab_orchestration/runs/failures.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from kunderegnskab.ingest.rejects import reject_problems
from kunderegnskab.news.events import Standing
from kunderegnskab.news.standing import waiting
from kunderegnskab.problems import counted
from kunderegnskab.publication import store
from kunderegnskab.publication.store import Publication
from kunderegnskab.quality.certification import CheckResult, current_build, read_results
from kunderegnskab.quality.gate import earlier_publication
from kunderegnskab.sql import literal
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import WorkspaceBusy, sole_writer

# Rejected records that a message names; the rest are in the file that it points to.
_SHOWN = 20


def failed_checks(workspace: Workspace, run_id: str) -> tuple[list[str], str | None]:
    """What the checks say that stopped a run, and the file that lists all rejected records, if any."""
    try:
        # The run has let go of the workspace. Another may have begun, and DuckDB would refuse the warehouse
        # to one of the two.
        with sole_writer(workspace, timeout=0):
            return _look_into_warehouse(workspace, run_id)
    except (WorkspaceBusy, duckdb.IOException):
        # The other may also be dbt, which goes on for a moment when the step that started it breaks.
        return [], None


@dataclass(frozen=True)
class Stopped:
    """What stopped a run, told without any record behind it.

    Attributes:
        by: a sentence for each check that hinders, in the company's language.
        waiting: changes of the run's files that wait for approval.
    """

    by: tuple[str, ...]
    waiting: list[Standing]


def stopped_by(workspace: Workspace, run_id: str) -> Stopped | None:
    """The checks that stopped a run; None where the warehouse is not of that run.

    Raises:
        WorkspaceBusy: another one has the workspace.
        InputProblems: company.yaml cannot be read.
        duckdb.Error: the warehouse cannot be read.
    """
    locale = workspace.company.locale
    with sole_writer(workspace, timeout=0):
        if not workspace.warehouse.is_file():
            return None
        with duckdb.connect(str(workspace.warehouse), read_only=True) as con:
            build = current_build(con)
            if build is None or build.run_id != run_id:
                return None
            by = tuple(_asked_by(result, locale) for result in read_results(con) if result.hinders)
            return Stopped(by, waiting(con, locale))


def _asked_by(result: CheckResult, locale: Literal["da", "en"]) -> str:
    is_danish = locale == "da" and result.expectation_da is not None
    rows = counted(result.failing_rows, "row") if result.failing_rows else ""
    if is_danish and result.failing_rows:
        rows = f"{result.failing_rows} {'række' if result.failing_rows == 1 else 'rækker'}"
    asked = result.expectation_da if is_danish else result.expectation
    return f"{result.check_name}{f' ({rows})' if rows else ''}: {asked}"


def _look_into_warehouse(workspace: Workspace, run_id: str) -> tuple[list[str], str | None]:
    lists = workspace.state / "failures"
    shutil.rmtree(lists, ignore_errors=True)
    rejects = workspace.state / "rejects.csv"
    rejects.unlink(missing_ok=True)
    if not workspace.warehouse.is_file():
        return [], None
    with duckdb.connect(str(workspace.warehouse), read_only=True) as con:
        build = current_build(con)
        if build is None or build.run_id != run_id:
            return [], None
        told: list[str] = []
        for result in read_results(con):
            if result.hinders:
                rows = lists / f"{result.check_name}.csv"
                told += told_of_check(con, result, rows, store.current(workspace.published))
        return told, _list_rejects(con, rejects)


def told_of_check(
    con: duckdb.DuckDBPyConnection, result: CheckResult, rows: Path, previous: Publication | None
) -> Iterator[str]:
    """What a check says that failed; the rows behind it are listed in a file.

    Args:
        con: the warehouse that it was made on.
        rows: the file.
        previous: the publication that the warehouse would follow, if there is one.
    """
    sentence, *rows_told = result.told
    yield sentence
    if result.check_name.endswith("__rejects_within_allowance"):
        rejects = reject_problems(con, limit=_SHOWN, feed=result.subject)
        yield from (f"  {problem.sentence()}" for problem in rejects)
        return
    yield from rows_told
    if result.failing_sql:
        rows.parent.mkdir(parents=True, exist_ok=True)
        with suppress(duckdb.Error), earlier_publication(con, previous.database if previous else None):
            con.execute(f"copy ({result.failing_sql}) to {literal(rows)} (header)")
            yield f"  All of them are listed in {rows}"


def _list_rejects(con: duckdb.DuckDBPyConnection, target: Path) -> str | None:
    """Write every rejected record to a file for whoever corrects them; None if there are none."""
    # The models reject too (no exchange rate), but a run that failed at the door has not built them.
    built = con.execute(
        "select 1 from duckdb_tables() where schema_name = 'audit' and table_name = 'rejects'"
    ).fetchone()
    rejects = "audit.rejects" if built else "raw.rejects"
    (count,) = con.execute(f"select count(*) from {rejects}").fetchall()[0]
    if not count:
        return None
    con.execute(
        "copy (select feed, source_file, source_sheet, source_record, column_name, raw_value, reason "
        f"from {rejects} order by all) to {literal(target)} (header)"
    )
    return str(target)
