"""How the checks of every run went, also of runs that published nothing: one small Parquet file per run.

Here: writing a run's file and reading them back. Not here: judging checks (certification.py), and how checks
went at each publication (audit.check_history, which a publication carries itself).

The files lie beside the publications and not in them: what is published follows from files, rules and the
publication before it alone, not from how often somebody tried. Rows that broke a rule are left out: the files
are never removed, and such rows may name persons.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import duckdb

from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.quality.certification import CheckResult
from kunderegnskab.sql import literal, literals, parquet
from kunderegnskab.workspace import Workspace, journal

RunOutcome = Literal["published", "failed", "unchanged"]

_UNFINISHED = ".tmp-"
_RUN_COLUMNS = {
    "run_id": "varchar",
    "started_at": "timestamp",
    "outcome": "varchar",
    "publication": "varchar",
}
_CHECK_COLUMNS = {
    "stage": "varchar",
    "check_name": "varchar",
    "subject": "varchar",
    "is_blocking": "boolean",
    "status": "varchar",
    "failing_rows": "bigint",
    "observed": "varchar",
    "expectation": "varchar",
    "expectation_da": "varchar",
    "checked_at": "timestamp",
}
COLUMNS = _RUN_COLUMNS | _CHECK_COLUMNS


class NoSuchRun(KunderegnskabError):
    """No run is kept under that name; the text says which are."""


@dataclass(frozen=True)
class Run:
    """A run that was kept.

    Attributes:
        run_id: Dagster's id of the run.
        started_at: UTC, without time zone.
        outcome: published, unchanged (nothing new was published) or failed.
        publication: what the run published, None if nothing.
    """

    run_id: str
    started_at: datetime
    outcome: RunOutcome
    publication: str | None


@dataclass(frozen=True, slots=True)
class KeptResult:
    """How one check of a run went."""

    run_id: str
    stage: str
    check_name: str
    subject: str
    is_blocking: bool
    status: str
    failing_rows: int | None
    observed: str
    expectation: str
    expectation_da: str | None


def kept_result(run_id: str, result: CheckResult) -> KeptResult:
    """A result of a run that goes on, as it will be kept."""
    return KeptResult(
        run_id,
        result.stage,
        result.check_name,
        result.subject,
        result.is_blocking,
        result.status,
        result.failing_rows,
        result.observed,
        result.expectation,
        result.expectation_da,
    )


def attention(status: str, is_blocking: bool) -> str:
    """What a result asks of a reader: error, failed, waived, warning (failed without hindering) or passed."""
    return "warning" if status in ("failed", "error") and not is_blocking else status


def begin_run(workspace: Workspace, run_id: str) -> None:
    """Note that a run begins; one that is killed leaves nothing else. Raises OSError."""
    journal.append(workspace, "run started", run_id=run_id)


def end_run(workspace: Workspace, run: Run, warehouse: Path | None) -> None:
    """Keep a run that has ended, and note it. Arguments are as for `keep_run`. Raises OSError."""
    journal.append(
        workspace,
        "run ended",
        file=keep_run(workspace.runs, run, warehouse),
        run_id=run.run_id,
        outcome=run.outcome,
        publication=run.publication,
    )


def keep_run(folder: Path, run: Run, warehouse: Path | None) -> Path:
    """Write the file of a run that has ended.

    A run that ended before its first check has one row without a check.

    Args:
        folder: where the files of all runs lie; it is made if it is missing.
        warehouse: the warehouse that the run has loaded; None if it did not come so far.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left_behind in folder.glob(f"{_UNFINISHED}*"):
        left_behind.unlink()
    target = folder / f"{run.run_id}.parquet"
    unfinished = folder / f"{_UNFINISHED}{target.name}"
    with duckdb.connect() as con:
        con.execute(f"create table checks ({', '.join(map(' '.join, _CHECK_COLUMNS.items()))})")
        if warehouse is not None:
            con.execute(f"attach {literal(warehouse)} as warehouse (read_only)")
            con.execute(
                f"""
                insert into checks by name
                select {", ".join(_CHECK_COLUMNS)} from warehouse.audit.check_results, warehouse.audit.build
                where stamp = case when stage = 'door' then load_id else build_id end
                """
            )
        con.execute(f"create table run ({', '.join(map(' '.join, _RUN_COLUMNS.items()))})")
        con.execute(
            "insert into run values (?, ?, ?, ?)", [run.run_id, run.started_at, run.outcome, run.publication]
        )
        rows = f"select {', '.join(COLUMNS)} from run left join checks on true order by stage, check_name"
        con.execute(f"copy ({rows}) to {literal(unfinished)} (format parquet)")
    with unfinished.open("rb") as stream:
        os.fsync(stream.fileno())
    unfinished.replace(target)
    return target


def damaged_files(folder: Path) -> list[Path]:
    """Files of runs that cannot be read; what is told of runs leaves them out."""
    files = _files(folder)
    with duckdb.connect() as con:
        return [] if _are_readable(con, files) else [path for path in files if not _are_readable(con, [path])]


def read_runs(folder: Path) -> list[Run]:
    """Every run that was kept, oldest first."""
    return [
        Run(*row)
        for row in _select(
            folder, f"select distinct {', '.join(_RUN_COLUMNS)}", "order by started_at, run_id"
        )
    ]


def read_run_results(folder: Path, run_ids: Sequence[str]) -> list[KeptResult]:
    """How the checks of some runs went, in order of run, stage and name."""
    columns = ", ".join(KeptResult.__dataclass_fields__)
    chosen = literals(run_ids) or "null"
    return [
        KeptResult(*row)
        for row in _select(
            folder,
            f"select {columns}",
            f"where check_name is not null and run_id in ({chosen}) "
            "order by started_at, run_id, stage, check_name",
        )
    ]


def find_run(folder: Path, name: str) -> Run:
    """The run that a person names: by its id or the beginning of it, its publication, or `last`.

    Raises:
        NoSuchRun: none or several are meant.
    """
    runs = read_runs(folder)
    if not runs:
        raise NoSuchRun("No run has been kept yet; run `kunderegnskab refresh`.")
    if name == "last":
        return runs[-1]
    meant = [run for run in runs if run.run_id.startswith(name) or run.publication == name]
    if len(meant) != 1:
        how_many = "No run is" if not meant else f"{len(meant)} runs are"
        raise NoSuchRun(
            f"{how_many} named {name}; give a run's id, a publication or `last`, "
            "`kunderegnskab checks` lists them."
        )
    return meant[0]


def _select(folder: Path, selected: str, rest: str) -> list[tuple]:
    files = _files(folder)
    with duckdb.connect() as con:
        try:
            return _rows(con, files, selected, rest)
        except duckdb.Error:
            # Each file is opened another time, so only now.
            return _rows(con, [path for path in files if _are_readable(con, [path])], selected, rest)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[!.]*.parquet")) if folder.is_dir() else []


def _rows(con: duckdb.DuckDBPyConnection, files: Sequence[Path], selected: str, rest: str) -> list[tuple]:
    if not files:
        return []
    # A row without a run is of a file of something else.
    runs = f"(select * from {_relation(files)} where run_id is not null)"
    return con.execute(f"{selected} from {runs} {rest}").fetchall()


def _relation(files: Sequence[Path]) -> str:
    return parquet(files, "union_by_name = true")


def _are_readable(con: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> bool:
    if not files:
        return True
    told = " and ".join(f"count({column}) = count(*)" for column in ("run_id", "started_at", "outcome"))
    try:
        # All of each file is read.
        found = con.execute(f"select {told}, sum(hash(*columns(*))) from {_relation(files)}").fetchall()
    except duckdb.Error:
        return False
    return bool(found[0][0])
