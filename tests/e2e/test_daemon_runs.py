"""Refreshes that a real dagster-daemon starts for schedule, sensor and page, of one company and of two."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import dagster as dg
import pytest
from companies import MONTHS, write_sales
from dagster_services import Services, published_by, services_of, status, told_of
from running import DAGSTER, copied, rows, run
from stopping import Place
from test_crash import MARKED, NET_SALES, change

from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import sole_writer

pytestmark = pytest.mark.slow

STARTED_BY = ("dagster/schedule_name", "dagster/sensor_name")
PUBLISHED = dg.AssetKey(["published", "kunderegnskab"])
DOOR = Place("kunderegnskab.refresh.checking:check_files")


def test_runs_of_schedule_sensor_and_page_are_told_of_as_those_of_the_command(
    services: Services, small_to_change: Path, tmp_path: Path
):
    workspace = small_to_change
    news = f"channels: {{file: {{command: [sh, -c, 'cat >> $0', {tmp_path / 'told'}]}}}}\non_published: {{channels: [file]}}\n"

    # Nothing has changed: it is said, nothing is run, and no publication is shown that was not made.
    before = services.instance.get_latest_materialization_event(PUBLISHED)
    run_id = services.launch()
    assert services.ended(run_id).is_success
    name = (workspace / "published" / "current").readlink().name
    sentence = f"Nothing has changed since publication {name}; nothing new was published."
    assert sentence in services.messages(run_id)
    assert told_of(workspace, run_id)["status"] == "unchanged"
    assert [
        line for line in services.said("daemon").splitlines() if "WARNING" in line or "ERROR" in line
    ] == []
    shown = services.instance.get_latest_materialization_event(PUBLISHED)
    assert before is not None
    assert shown is not None
    assert shown.run_id == before.run_id

    # A file that cannot be read: the same sentences, lists and log as the command's; it is not tried again.
    good = (workspace / "landing" / "salg" / "nord.csv").read_bytes()
    write_sales(workspace, "nord", [["N1", "1", "Faktura", "31-02-2025", "C1", "V1", "1", "1", "1", "1", ""]])
    known = services.runs()
    ticked = services.runs_from_now(1)
    # What is turned on by command, in the repository's folder, is on for the daemon: the location has one name.
    here = {**services.variables, "KUNDEREGNSKAB_WORKSPACE": str(workspace)}
    turned_on = run(DAGSTER, "sensor", "start", "landing_sensor", **here)
    assert turned_on.code == 0, turned_on.err
    (run_id,) = ticked()
    assert services.ended(run_id).status == dg.DagsterRunStatus.FAILURE
    noted = told_of(workspace, run_id)
    assert noted["status"] == "failed"
    assert any("'31-02-2025' is not a date" in sentence for sentence in noted["sentences"])
    assert Path(noted["rejects"]).is_file()
    assert "DagsterAssetCheckFailedError" in Path(noted["log"]).read_text(encoding="utf-8")
    told = status(workspace)
    assert "failed and published nothing" in told
    assert "'31-02-2025' is not a date" in told

    # A configuration that cannot be read.
    company = (workspace / "company.yaml").read_text(encoding="utf-8")
    (workspace / "company.yaml").write_text("name: [", encoding="utf-8")
    run_id = services.launch()
    assert services.ended(run_id).status == dg.DagsterRunStatus.FAILURE
    assert any("company.yaml" in sentence for sentence in told_of(workspace, run_id)["sentences"])

    # Put right: schedule and sensor tick over the same input, one publishes and the other finds that done.
    services.stop_next_worker_at(DOOR)
    ticked = services.runs_from_now(2)
    (workspace / "landing" / "salg" / "nord.csv").write_bytes(good)
    change(workspace, 1)
    # Last, because the sensor may look at any moment.
    (workspace / "company.yaml").write_text(company + news, encoding="utf-8")
    services.turn_on_schedule_since_yesterday()
    first, second = ticked()
    os.kill(services.standing_worker(first), signal.SIGCONT)
    assert [services.ended(run_id).is_success for run_id in (first, second)] == [True, True]
    names = {services.run(run_id).tags.get(tag) for run_id in (first, second) for tag in STARTED_BY}
    assert names - {None} == {"daily_refresh", "landing_sensor"}
    assert published_by(workspace) == first
    assert any("nothing new was published" in told for told in services.messages(second))
    assert told_of(workspace, second)["status"] == "unchanged"
    # Whoever published, those whom company.yaml names are told once, and of what has changed.
    event = json.loads((tmp_path / "told").read_text(encoding="utf-8"))
    assert (event["event"], event["run_id"]) == ("published", first)
    assert "landing/salg/nord.csv" not in event["changes"]["files"]["new"]
    assert event["changes"]["publication"] == (workspace / "published" / "current").readlink().name
    assert len(services.runs()) == len(known) + 4


def test_two_companies_share_daemon_and_page(small_to_change: Path, published_small: Path, tmp_path: Path):
    workspaces = {"nord": small_to_change, "syd": copied(published_small, tmp_path / "syd")}
    for number, workspace in enumerate(workspaces.values(), start=1):
        change(workspace, number)
    with services_of(tmp_path / "services", tmp_path / "shared", **workspaces) as services:
        # A command that writes in one workspace is in nobody else's way.
        with sole_writer(Workspace(workspaces["nord"])):
            run_id = services.launch("syd")
            assert services.ended(run_id).is_success
        runs = {"syd": run_id, "nord": services.launch("nord")}
        assert services.ended(runs["nord"]).is_success
        for number, (location, workspace) in enumerate(workspaces.items(), start=1):
            assert published_by(workspace) == runs[location]
            assert told_of(workspace, runs[location])["status"] == "published"
            made = services.instance.get_latest_materialization_event(
                dg.AssetKey([location, "published", "kunderegnskab"])
            )
            assert made is not None
            assert made.run_id == runs[location]
            assert_amount(workspace, number)
        # The sensor of one is on, the other's is not.
        ticked = services.runs_from_now(1)
        services.turn_on_sensor("syd")
        for workspace in workspaces.values():
            change(workspace, 9)
        (run_id,) = ticked()
        assert services.ended(run_id).is_success
        assert published_by(workspaces["syd"]) == run_id
        assert published_by(workspaces["nord"]) == runs["nord"]


def assert_amount(workspace: Path, number: int) -> None:
    ((found,),) = rows(
        workspace,
        "select amount from marts.customer_account_lines "
        f"where customer_id = '{MARKED}' and month = '{MONTHS[-1]}' and line_code = 'K30'",
    )
    assert found == NET_SALES + 9 * number
