"""Runs the Dagster job `refresh` in this process and tells what came of it.

How that is shown belongs in `commands/refresh.py`, what the job does in `defs/`, and the process of a run
that Dagster starts in `worker.py`.
"""

from __future__ import annotations

import time
from dataclasses import replace
from uuid import uuid4

from kunderegnskab.progress import Progress, listening
from kunderegnskab.refresh import due
from kunderegnskab.refresh.beginning import make_ready
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import working_on
from kunderegnskab_orchestration.runs.logs import new_log, output_to
from kunderegnskab_orchestration.runs.outcome import (
    STOPPED,
    Conclusion,
    Outcome,
    concluded,
    ended,
    events_of,
    outcome_of,
)
from kunderegnskab_orchestration.stopping import was_told_to_stop
from kunderegnskab_orchestration.tags import FULL, WORKSPACE, run_tags


def refresh(workspace: Workspace, progress: Progress, *, full: bool = False) -> Outcome:
    """Publish what lies in the workspace, unless that is what was published last.

    Args:
        full: read every file again and publish even if nothing has changed.

    Raises:
        DamagedPublication: what is published cannot be read.
    """
    began = time.monotonic()
    problems: list[str] = []

    def work() -> Conclusion:
        problems.extend(make_ready(workspace, progress))
        found = due.look(workspace)
        if found.published is not None and not full:
            return Conclusion(Outcome("unchanged", found.published.name))
        changed = due.changes(workspace, found)
        tags = run_tags(found.input_hash) | ({FULL: "true"} if full else {})
        came = _run(workspace, progress, tags)
        return replace(came, outcome=replace(came.outcome, changed=changed))

    came = concluded(workspace, None, work)
    if came.outcome.status == "failed" and was_told_to_stop():
        came = Conclusion(replace(came.outcome, sentences=(STOPPED,)), "stopped")
    outcome, told_not = ended(workspace, came, time.monotonic() - began)
    # A publication hands on the heads before its own once more, and tells of it.
    before = () if outcome.status == "published" else tuple(problems)
    return replace(outcome, notes=(*before, *outcome.notes, *told_not))


def _run(workspace: Workspace, progress: Progress, tags: dict[str, str]) -> Conclusion:
    # Imported here because Dagster takes seconds, and most refreshes find nothing to do.
    from kunderegnskab.dbt.process import started_early

    run_id = str(uuid4())
    progress("starting", 0, 1)
    with output_to(new_log(workspace)), working_on(workspace, run_id), started_early(workspace):
        return concluded(workspace, run_id, lambda: _job_done(workspace, progress, run_id, tags))


def _job_done(workspace: Workspace, progress: Progress, run_id: str, tags: dict[str, str]) -> Conclusion:
    from kunderegnskab_orchestration.runs import notes
    from kunderegnskab_orchestration.runs.instance import open_instance

    with open_instance(workspace) as instance, listening(progress):
        # It reads the environment that is set by now.
        from kunderegnskab_orchestration.definitions import defs

        defs().resolve_job_def("refresh").execute_in_process(
            run_id=run_id,
            instance=instance,
            # Whoever gave the command is there to try again.
            tags=tags | {WORKSPACE: str(workspace.root), "dagster/max_retries": "0"},
            raise_on_error=False,
        )
        events = events_of(instance, run_id)
        return Conclusion(outcome_of(workspace, run_id, events, notes.run_warnings(workspace, run_id)))
