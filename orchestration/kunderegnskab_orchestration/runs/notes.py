"""What is kept of every run, however it was started and whether it published or not.

Here: telling how a run ended. Not here: the file of its checks (kunderegnskab/quality/runs.py), its events
(openlineage.py), what a person reads of a failed run (failures.py), and for how long it is kept (pruning.py).
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import duckdb

from kunderegnskab.problems import told_plainly
from kunderegnskab.pseudonyms import readable_secret
from kunderegnskab.publication import store
from kunderegnskab.quality.certification import current_build
from kunderegnskab.quality.runs import Run, begin_run, damaged_files, end_run
from kunderegnskab.workspace import Workspace
from kunderegnskab_orchestration.runs.failures import broken_steps
from kunderegnskab_orchestration.runs.openlineage import RunEvents, events_folder
from kunderegnskab_orchestration.runs.outcome import note_beginning
from kunderegnskab_orchestration.runs.pruning import prune

if TYPE_CHECKING:
    from logging import Logger

# Warnings of this process's runs that no file took, by run: a command that waits for its run tells them.
_UNWRITTEN: dict[str, list[str]] = {}


@contextmanager
def noted(
    workspace: Workspace, instance: dg.DagsterInstance, run_id: str, started_at: datetime, log: Logger
) -> Generator[None]:
    """Keep what there is to tell of the run that goes on in the block; room is made for it first.

    The block must hold the workspace's lock. A note that cannot be written is a warning in the run's log and
    never changes what comes of the run. A run whose process is killed leaves only that it began.
    """
    with suppress(OSError):
        _warning_file(workspace, run_id).unlink(missing_ok=True)
    try:
        prune(workspace, instance, run_id)
    except Exception as error:
        warn(workspace, run_id, log, f"What old runs left could not be removed: {told_plainly(error)}")
    try:
        for damaged in damaged_files(workspace.runs):
            told = f"{damaged} cannot be read; the page of checks over time leaves it out."
            warn(workspace, run_id, log, told)
    except Exception as error:
        warn(
            workspace, run_id, log, f"The files of earlier runs could not be looked at: {told_plainly(error)}"
        )
    note_beginning(workspace, run_id)
    if (problem := readable_secret(workspace)) is not None:
        warn(workspace, run_id, log, problem)
    try:
        begin_run(workspace, run_id)
    except OSError as error:
        warn(workspace, run_id, log, f"The run could not be noted in the journal: {told_plainly(error)}")
    events = None
    try:
        events = RunEvents(workspace, run_id, started_at)
        events.start()
    except Exception as error:
        warn(workspace, run_id, log, f"OpenLineage events could not be written: {told_plainly(error)}")
    try:
        yield
    finally:
        try:
            _note_end(workspace, instance, run_id, started_at, events)
        except Exception as error:
            warn(workspace, run_id, log, f"How this run went could not be kept: {told_plainly(error)}")
        if events is not None and events.problem is not None:
            warn(workspace, run_id, log, events.problem)


def _note_end(
    workspace: Workspace,
    instance: dg.DagsterInstance,
    run_id: str,
    started_at: datetime,
    events: RunEvents | None,
) -> None:
    failed = [
        entry.dagster_event
        for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
        if entry.dagster_event is not None
    ]
    left_out = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_SKIPPED)
    run = _ended(workspace, run_id, started_at, has_failed=bool(failed or left_out))
    warehouse = workspace.warehouse if _is_loaded_by(workspace, run_id) else None
    end_run(workspace, run, warehouse)
    if events is not None:
        events.finish(run, warehouse, [*broken_steps(failed, are_checks_told=False)])


def run_warnings(workspace: Workspace, run_id: str) -> list[str]:
    """What could not be kept or sent of a run, plain."""
    path = _warning_file(workspace, run_id)
    written = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [*written, *_UNWRITTEN.get(run_id, [])]


def _ended(workspace: Workspace, run_id: str, started_at: datetime, *, has_failed: bool) -> Run:
    current = store.current(workspace.published)
    published = current.name if current is not None and current.manifest.run_id == run_id else None
    began = started_at.astimezone(UTC).replace(tzinfo=None)
    if published is not None:
        return Run(run_id, began, "published", published)
    return Run(run_id, began, "failed" if has_failed else "unchanged", None)


def _is_loaded_by(workspace: Workspace, run_id: str) -> bool:
    if not workspace.warehouse.is_file():
        return False
    try:
        with duckdb.connect(str(workspace.warehouse), read_only=True) as con:
            build = current_build(con)
    except duckdb.IOException:
        return False  # dbt, which the run was broken off in, still writes
    return build is not None and build.run_id == run_id


def warn(workspace: Workspace, run_id: str, log: Logger, sentence: str) -> None:
    """Note something that could not be kept or sent, which changes nothing of what comes of the run."""
    line = " ".join(sentence.split())
    log.warning(line)
    path = _warning_file(workspace, run_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")
    except OSError:
        _UNWRITTEN.setdefault(run_id, []).append(line)


def _warning_file(workspace: Workspace, run_id: str) -> Path:
    return events_folder(workspace) / f"{run_id}.warnings.txt"
