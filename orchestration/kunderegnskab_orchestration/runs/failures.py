"""What a failed run has to say, as plain sentences: its checks, and of Dagster's events which steps broke.

What its checks say belongs in kunderegnskab/refresh/failures.py, showing it in
orchestration/kunderegnskab_orchestration/commands/refresh.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kunderegnskab.problems import refusal
from kunderegnskab.refresh.failures import failed_checks
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import WorkspaceBusy

if TYPE_CHECKING:
    import dagster as dg
    from dagster._utils.error import SerializableErrorInfo


def explain(
    workspace: Workspace, run_id: str, events: Sequence[dg.DagsterEvent]
) -> tuple[tuple[str, ...], str | None]:
    """Plain sentences that say what went wrong, and the file that lists all rejected records, if any."""
    checks, rejects = failed_checks(workspace, run_id)
    return (*checks, *broken_steps(events, are_checks_told=bool(checks))), rejects


def broken_steps(events: Iterable[dg.DagsterEvent], *, are_checks_told: bool) -> Iterator[str]:
    """What a run's events say of steps that failed, one plain sentence each.

    Args:
        are_checks_told: leave out the steps that failed because of a check, which others tell of.
    """
    steps_failed = False
    for event in events:
        # A run that ends before its steps do (another one holds the workspace) fails as a whole.
        if event.event_type_value == "PIPELINE_FAILURE" and not steps_failed:
            error = _error_of_run(event)
            yield _root_cause(error) if error else event.message or "The run failed."
        if event.event_type_value != "STEP_FAILURE":
            continue
        steps_failed = True
        data = event.step_failure_data
        if data.user_failure_data and data.user_failure_data.description:
            yield from data.user_failure_data.description.splitlines()
        elif data.error and not (are_checks_told and data.error.cls_name == "DagsterAssetCheckFailedError"):
            cause = _root_cause(data.error)
            yield refusal(cause) or f"The step {event.step_key} broke: {cause}"


def was_refused(events: Iterable[dg.DagsterEvent]) -> bool:
    """Whether a run did nothing because another command held the workspace."""
    return any(
        event.event_type_value == "PIPELINE_FAILURE"
        and (error := _error_of_run(event)) is not None
        and _first_error(error).cls_name == WorkspaceBusy.__name__
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


def _error_of_run(event: dg.DagsterEvent) -> SerializableErrorInfo | None:
    # Who ends a run from outside gives no data.
    return event.job_failure_data.error if event.event_specific_data is not None else None


def _first_error(error: SerializableErrorInfo) -> SerializableErrorInfo:
    while error.cause is not None:
        error = error.cause
    return error


def _root_cause(error: SerializableErrorInfo) -> str:
    error = _first_error(error)
    return error.message.strip().splitlines()[0].removeprefix("kunderegnskab.workspace.lock.WorkspaceBusy: ")
