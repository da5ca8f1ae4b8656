"""Keeps state/ from growing: which old runs are removed, with all that they left there.

Here: choosing and removing. Not here: what the removal of a run's events takes (history.py), how many logs
and files of other kinds are kept (orchestration/kunderegnskab_orchestration/runs/logs.py, openlineage.py,
kunderegnskab/refresh/building.py), and publications, which have their own retention.

A run prunes when it begins: it holds the workspace, so no other run is at work on what is removed. What a
pruning leaves that is killed, the next one finds, because the row of a run goes last.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import dagster as dg

from kunderegnskab.dbt.agreed import RUN_RESULTS
from kunderegnskab.dbt.project import runs_folder
from kunderegnskab.workspace import Workspace
from kunderegnskab_orchestration.runs.history import EventLog
from kunderegnskab_orchestration.tags import WORKSPACE

# The job that makes every asset and runs every check.
_WHOLE_JOB = "refresh"


def prune(workspace: Workspace, instance: dg.DagsterInstance, own_run_id: str) -> None:
    """Remove what is kept of runs, but for the newest and those whose results Dagster's page still shows.

    Args:
        own_run_id: the run that has begun, which counts as one of those that are kept.
    """
    prune_runs(workspace, instance, own_run_id, workspace.company.dagster_runs_kept)
    _strip_broken_builds(runs_folder(workspace), own_run_id)


def prune_runs(workspace: Workspace, instance: dg.DagsterInstance, own_run_id: str, kept: int) -> None:
    """Remove Dagster's own part of old runs of a workspace, which may share Dagster with others.

    A run in which an asset was materialized or a check gave its result for the last time stays as long as
    there is that asset or check. Runs that have not ended always stay.
    """
    log = instance.event_log_storage
    if not isinstance(log, EventLog):
        return  # in memory
    # A new run has its row before it has files, so the files are looked at first.
    with_files = log.runs_with_files() | _run_folders(Path(instance.root_directory))
    runs = [record.dagster_run for record in instance.get_run_records()]
    # Removed in part: what Dagster leaves of a run that a person deletes on its page, too.
    for run_id in with_files - {run.run_id for run in runs}:
        _remove(instance, run_id)
    # Runs of earlier versions do not tell.
    runs = [run for run in runs if run.tags.get(WORKSPACE) in (None, str(workspace.root))]
    finished = [run.run_id for run in runs if run.is_finished and run.run_id != own_run_id]
    old = finished[kept - 1 :]
    if not old:
        return
    shown = log.runs_shown(*_known(instance, runs))
    for run_id in old:
        if run_id not in shown:
            _remove(instance, run_id)
    log.give_back_space()


def _remove(instance: dg.DagsterInstance, run_id: str) -> None:
    instance.event_log_storage.delete_events(run_id)
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    instance.delete_run(run_id)


def _run_folders(root: Path) -> set[str]:
    return {path.name for path in root.iterdir() if _is_run_id(path.name)}


def _is_run_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _known(
    instance: dg.DagsterInstance, newest_first: Sequence[dg.DagsterRun]
) -> tuple[set[str], set[tuple[str, str]]] | tuple[None, None]:
    """The assets and checks that there are now, by the newest run of all of them; None if there was none.

    What the code no longer has would otherwise keep its last run for ever.
    """
    for run in newest_first:
        is_whole = run.job_name == _WHOLE_JOB and not (run.asset_selection or run.asset_check_selection)
        if not is_whole or run.execution_plan_snapshot_id is None:
            continue
        steps = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id).steps
        outputs = [output.properties for step in steps for output in step.outputs if output.properties]
        checks = [output.asset_check_key for output in outputs if output.asset_check_key]
        return (
            {output.asset_key.to_string() for output in outputs if output.asset_key},
            {(check.asset_key.to_string(), check.name) for check in checks},
        )
    return None, None


def _strip_broken_builds(folder: Path, own_run_id: str) -> None:
    """Of a dbt that was broken off all that it wrote is left; of an earlier run its results are enough."""
    if not folder.is_dir():
        return
    for build in folder.glob("*/*"):
        if build.parent.name != own_run_id and build.is_dir():
            for path in build.iterdir():
                if path.name != RUN_RESULTS:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
