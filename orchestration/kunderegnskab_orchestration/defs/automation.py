"""When a refresh runs: the job, its daily schedule and the sensor on landing/; and the look for what is late.

What has changed is found out in `kunderegnskab.refresh.due`, what is late in
`kunderegnskab.publication.freshness`. Schedule and sensor on landing/ are off until somebody turns them on in
Dagster's page: see docs/runbooks/schedule.md.
"""

import dagster as dg

from kunderegnskab.code_version import code_version
from kunderegnskab.problems import InputProblems
from kunderegnskab.refresh import due
from kunderegnskab.refresh.telling import tell_standing
from kunderegnskab.workspace import Workspace, find_workspace
from kunderegnskab_orchestration.defs.publication import files_evaluation
from kunderegnskab_orchestration.tags import run_tags

refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all(),
    description="Read what is new, build the customer accounts, check them and publish.",
    executor_def=dg.in_process_executor,
    tags={
        "kunderegnskab/job": "refresh",
        # A run whose process was killed is tried again, from its beginning: see run_retries in dagster.yaml.
        "dagster/max_retries": "2",
        "dagster/retry_strategy": "ALL_STEPS",
    },
    config={"loggers": {"console": {"config": {"log_level": "INFO"}}}},
)


def _request(workspace: Workspace, run_key: str | None = None) -> dg.RunRequest | dg.SkipReason:
    """A run for what lies in the workspace now, unless that is what was published last.

    Args:
        run_key: requests with the same key start one run; default is one run per input and code.

    Raises:
        InputProblems: files cannot be read now, perhaps because they are still being written.
    """
    found = due.look(workspace)
    if found.published is not None:
        return dg.SkipReason(f"Nothing has changed since publication {found.published.name}.")
    return dg.RunRequest(
        run_key=run_key or f"{found.input_hash}:{code_version()}", tags=run_tags(found.input_hash)
    )


@dg.schedule(
    job=refresh,
    cron_schedule="0 5 * * *",
    execution_timezone="Europe/Copenhagen",
    description="Every morning at 5, so that the day begins with yesterday's numbers.",
)
def daily_refresh(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """A refresh, unless nothing has changed.

    The same input is tried again each morning: a check may have been waived since. Files that cannot be
    read give a run too, so that it fails where people look for failed runs.
    """
    run_key = context.scheduled_execution_time.isoformat()
    try:
        return _request(find_workspace(), run_key)
    except InputProblems:
        return dg.RunRequest(run_key=run_key)


@dg.sensor(
    job=refresh,
    minimum_interval_seconds=60,
    description="When files in landing/, policy/ or the configuration have changed and come to rest.",
)
def landing_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """A refresh per change of the input; the same input is not tried twice."""
    workspace = find_workspace()
    seen = due.glance(workspace)
    if seen == context.cursor:
        return dg.SkipReason("No file has changed since the last look.")
    try:
        request = _request(workspace)
    except InputProblems as error:
        # Not seen yet: a file that is closed later need not look any different then.
        return dg.SkipReason(str(error))
    context.update_cursor(seen)
    return request


@dg.sensor(
    minimum_interval_seconds=900,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="What is late by company.yaml (fresh_for_hours, expected_by): shown at the publication, and "
    "told to its hook on_late, as drift and what waits for approval to theirs. Starts nothing.",
)
def freshness_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """The check of expected files anew, whenever something else is late than at the last look.

    On from the start: it is for the day on which nothing runs.
    """
    try:
        late, problems = tell_standing(find_workspace())
    except InputProblems as error:
        return dg.SkipReason(str(error))
    for problem in problems:
        context.log.warning(problem)
    seen = " ".join(sorted(each.key for each in late))
    if seen == (context.cursor or ""):
        return dg.SkipReason(" ".join(each.sentence for each in late) or "Nothing is late.")
    return dg.SensorResult(asset_events=[files_evaluation(late)], cursor=seen)
