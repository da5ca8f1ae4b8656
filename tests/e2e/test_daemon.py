"""Refreshes of a real dagster-daemon that are killed, and a daemon that is: the place is free, and the next one publishes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import dagster as dg
import pytest
from dagster_services import Services, published_by, status, told_of
from stopping import Place
from test_crash import BUILDING, assert_whole, change

from kunderegnskab_orchestration.runs.launcher import KILLED

pytestmark = pytest.mark.slow

# In the order of a run. What the publishing has written is not committed.
PLACES = {
    "starting": Place("kunderegnskab.refresh.due:look"),
    "raw": Place("kunderegnskab.refresh.loading:read_in"),
    "door": Place("kunderegnskab.refresh.checking:check_files"),
    "dbt": BUILDING,
    "gate": Place("kunderegnskab.refresh.checking:check_totals"),
    "publication": Place("kunderegnskab.progress:report", told="'publish marts", call=20),
}


def test_a_killed_run_frees_its_place(services: Services, small_to_change: Path):
    """Killed in each step: it is tried again twice, and the next tick publishes."""
    workspace = small_to_change
    change(workspace, 1)
    before = published_by(workspace)
    run_id = ""
    places = [*PLACES.items()]
    services.stop_next_worker_at(PLACES["starting"])
    for number, (name, _) in enumerate(places, start=1):
        # Two tries later somebody must ask again, as the next tick does.
        run_id = services.launch() if number % 3 == 1 else services.retry_of(run_id)
        worker = services.standing_worker(run_id)
        if name != "starting":
            assert "is at work" in status(workspace), name
        for _, next_place in places[number : number + 1]:
            services.stop_next_worker_at(next_place)
        os.kill(worker, signal.SIGKILL)
        ended = services.ended(run_id)
        assert ended.status == dg.DagsterRunStatus.FAILURE, name
        assert KILLED in services.messages(run_id), name
        assert published_by(workspace) == before, name
        assert_whole(workspace)
        if name != "starting":
            assert "its process was killed" in status(workspace), name
    assert [run.run_id for run in services.runs() if run.parent_run_id == run_id] == []
    run_id = services.launch()
    assert services.ended(run_id).is_success
    assert published_by(workspace) == run_id
    assert told_of(workspace, run_id)["status"] == "published"
    assert "its process was killed" not in status(workspace)


def test_a_run_outlives_its_daemon(services: Services, small_to_change: Path):
    workspace = small_to_change
    change(workspace, 1)
    services.stop_next_worker_at(PLACES["door"])
    run_id = services.launch()
    worker = services.standing_worker(run_id)
    services.stop_daemon()
    os.kill(worker, signal.SIGCONT)
    assert services.ended(run_id).is_success
    assert published_by(workspace) == run_id

    # Killed while nobody looks, as when the machine stops: the next daemon notices, and tries again.
    services.start_daemon()
    change(workspace, 2)
    services.stop_next_worker_at(PLACES["dbt"])
    run_id = services.launch()
    worker = services.standing_worker(run_id)
    services.stop_daemon(signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    services.start_daemon()
    assert services.ended(run_id).status == dg.DagsterRunStatus.FAILURE
    again = services.retry_of(run_id)
    assert services.ended(again).is_success
    assert published_by(workspace) == again
