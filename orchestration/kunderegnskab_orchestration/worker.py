"""The process of a run that Dagster starts: for the daemon's schedule and sensor, and for its page.

Here: what a refresh needs around Dagster's own work, as refresh.py has it for the command. Not here: starting
and watching it (orchestration/kunderegnskab_orchestration/runs/launcher.py), and the steps (defs/).
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from kunderegnskab.dbt.process import started_early
from kunderegnskab.problems import InputProblems, KunderegnskabError, told_plainly
from kunderegnskab.publication.store import Publication
from kunderegnskab.refresh import due
from kunderegnskab.refresh.beginning import make_ready
from kunderegnskab.workspace import Workspace, find_workspace
from kunderegnskab.workspace.lock import working_on
from kunderegnskab_orchestration import reserve
from kunderegnskab_orchestration.runs.failures import was_told_to_stop
from kunderegnskab_orchestration.runs.logs import log_in_use, new_log, output_to
from kunderegnskab_orchestration.runs.outcome import (
    STOPPED,
    Conclusion,
    Outcome,
    RefreshStopped,
    concluded,
    ended,
    events_of,
    failed,
    outcome_of,
)
from kunderegnskab_orchestration.tags import FULL

if TYPE_CHECKING:
    import dagster as dg


def main() -> None:
    """Run the run whose id is the argument, in the workspace that the environment names."""
    reserve.keep()
    workspace, run_id = find_workspace(), sys.argv[1]
    with working_on(workspace, run_id), ExitStack() as ready:
        no_log = None
        try:
            ready.enter_context(output_to(new_log(workspace)))
        except OSError as error:  # the command ends by that, too
            no_log = told_plainly(error)
        # What hinders dbt, the run will say.
        with suppress(KunderegnskabError, OSError):
            ready.enter_context(started_early(workspace))
        # Imported here, because Dagster takes seconds, in which dbt gets ready.
        import dagster as dg
        from dagster._utils.interrupts import capture_interrupts

        with capture_interrupts(), dg.DagsterInstance.get() as instance:
            _work(workspace, instance, run_id, no_log)


def _work(workspace: Workspace, instance: dg.DagsterInstance, run_id: str, no_log: str | None) -> None:
    began = time.monotonic()

    def work() -> Conclusion:
        if no_log is not None:
            raise KunderegnskabError(no_log)
        return Conclusion(_outcome(workspace, instance, run_id))

    came = concluded(workspace, run_id, work)
    told = came.outcome.sentences or came.outcome.notes
    _report_failure(instance, run_id, "\n".join(told), is_worth_a_try=came.how == "busy")
    _, told_not = ended(workspace, came, time.monotonic() - began)
    for sentence in told_not:
        instance.report_engine_event(sentence, instance.get_run_by_id(run_id))


def _report_failure(instance: dg.DagsterInstance, run_id: str, told: str, *, is_worth_a_try: bool) -> None:
    """Let a run that nobody has ended end as failed."""
    from dagster._core.events import JobFailureData, RunFailureReason

    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        # What fails for the reason of a step is not tried again: run_retries in dagster.yaml.
        reason = RunFailureReason.UNKNOWN if is_worth_a_try else RunFailureReason.STEP_FAILURE
        instance.report_run_failed(run, told, JobFailureData(error=None, failure_reason=reason))


def _outcome(workspace: Workspace, instance: dg.DagsterInstance, run_id: str) -> Outcome:
    run = instance.get_run_by_id(run_id)
    if run is None:
        raise KunderegnskabError(f"Dagster has no run {run_id}; it was removed before it began.")

    def mended(activity: str, done: int, total: int) -> None:
        instance.report_engine_event(activity, run)

    told = make_ready(workspace, mended)
    for sentence in told:
        instance.report_engine_event(sentence, run)
    changed: tuple[str, ...] = ()
    # Files that cannot be read let the run fail, where people look for failed runs.
    with suppress(InputProblems):
        found = due.look(workspace)
        if found.published is not None and _is_from_files_to_publication(run) and FULL not in run.tags:
            return replace(_nothing_to_do(instance, run, found.published), notes=tuple(told))
        changed = due.changes(workspace, found)
    return replace(_executed(workspace, instance, run), changed=changed)


def _is_from_files_to_publication(run: dg.DagsterRun) -> bool:
    """Whether a run is a refresh, and not some steps of one that a person has chosen on the page."""
    from kunderegnskab_orchestration.asset_keys import layer_of

    if run.asset_selection is None:
        return True
    return {"raw", "published"} <= {layer_of(key) for key in run.asset_selection}


def _nothing_to_do(instance: dg.DagsterInstance, run: dg.DagsterRun, published: Publication) -> Outcome:
    import dagster as dg

    told = f"Nothing has changed since publication {published.name}; nothing new was published."
    for kind, message in (("PIPELINE_START", None), ("PIPELINE_SUCCESS", told)):
        event = dg.DagsterEvent(event_type_value=kind, job_name=run.job_name, message=message)
        instance.report_dagster_event(event, run_id=run.run_id)
    return Outcome("unchanged", published.name, run.run_id, log=str(log_in_use()))


def _executed(workspace: Workspace, instance: dg.DagsterInstance, run: dg.DagsterRun) -> Outcome:
    from dagster._core.errors import DagsterExecutionInterruptedError
    from dagster._core.execution.run_cancellation_thread import start_run_cancellation_thread
    from dagster._grpc.impl import core_execute_run
    from dagster._utils.hosted_user_process import recon_job_from_origin

    from kunderegnskab_orchestration.runs.notes import run_warnings

    if run.job_code_origin is None:
        raise KunderegnskabError(f"Run {run.run_id} does not say which code it is of; start another one.")
    job = recon_job_from_origin(run.job_code_origin)
    # What goes wrong is told to Dagster before it is raised, and read from there.
    watching, is_over = start_run_cancellation_thread(instance, run.run_id)
    with suppress(Exception, KeyboardInterrupt, DagsterExecutionInterruptedError):
        for _ in core_execute_run(job, run, instance, inject_env_vars=True):
            pass
    is_over.set()
    watching.join()
    events = events_of(instance, run.run_id)
    if any(event.event_type_value == "PIPELINE_CANCELED" for event in events):
        raise RefreshStopped("The refresh was stopped on Dagster's page.")
    if was_told_to_stop(events):  # by the system, or because it took longer than dagster.yaml allows
        return failed(workspace, [STOPPED], run.run_id)
    return outcome_of(workspace, run.run_id, events, run_warnings(workspace, run.run_id))


if __name__ == "__main__":
    main()
