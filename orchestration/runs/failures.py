"""What a failed run has to say, as plain sentences: its checks, and of Dagster's events which steps broke.

What its checks say belongs in kunderegnskab/refresh/failures.py, showing it in
orchestration/commands/refresh.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kunderegnskab.refresh.failures import failed_checks
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import WorkspaceBusy

if TYPE_CHECKING:
    import dagster as dg
    from dagster._utils.error import SerializableErrorInfo


def explain(workspace: Workspace, run: dg.ExecuteInProcessResult) -> tuple[tuple[str, ...], str | None]:
    """Plain sentences that say what went wrong, and the file that lists all rejected records, if any."""
    checks, rejects = failed_checks(workspace, run.run_id)
    return (*checks, *broken_steps(run.all_events, are_checks_told=bool(checks))), rejects


def broken_steps(events: Iterable[dg.DagsterEvent], *, are_checks_told: bool) -> Iterator[str]:
    """What a run's events say of steps that failed, one plain sentence each.

    Args:
        are_checks_told: leave out the steps that failed because of a check, which others tell of.
    """
    steps_failed = False
    for event in events:
        # A run that ends before its steps do (another one holds the workspace) fails as a whole.
        if event.event_type_value == "PIPELINE_FAILURE" and not steps_failed and event.job_failure_data.error:
            yield _root_cause(event.job_failure_data.error)
        if event.event_type_value != "STEP_FAILURE":
            continue
        steps_failed = True
        data = event.step_failure_data
        if data.user_failure_data and data.user_failure_data.description:
            yield from data.user_failure_data.description.splitlines()
        elif data.error and not (are_checks_told and data.error.cls_name == "DagsterAssetCheckFailedError"):
            yield f"The step {event.step_key} broke: {_root_cause(data.error)}"


def was_refused(events: Iterable[dg.DagsterEvent]) -> bool:
    """Whether a run did nothing because another command held the workspace."""
    return any(
        event.event_type_value == "PIPELINE_FAILURE"
        and event.job_failure_data.error is not None
        and _first_error(event.job_failure_data.error).cls_name == WorkspaceBusy.__name__
        for event in events
    )


def was_told_to_stop(events: Iterable[dg.DagsterEvent]) -> bool:
    """Whether a step ended because a signal asked for it: Dagster makes a failure of that."""
    return any(
        event.event_type_value == "STEP_FAILURE"
        and event.step_failure_data.error is not None
        and _first_error(event.step_failure_data.error).cls_name == "DagsterExecutionInterruptedError"
        for event in events
    )


def _first_error(error: SerializableErrorInfo) -> SerializableErrorInfo:
    while error.cause is not None:
        error = error.cause
    return error


def _root_cause(error: SerializableErrorInfo) -> str:
    error = _first_error(error)
    return error.message.strip().splitlines()[0].removeprefix("kunderegnskab.workspace.lock.WorkspaceBusy: ")
