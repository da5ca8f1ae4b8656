"""What a refresh does before and after the run itself."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import dagster as dg
import pytest
from small_intake import workspace_of

from kunderegnskab.progress import silent
from kunderegnskab.publication.status import last_outcome, note_path
from kunderegnskab.refresh import beginning
from kunderegnskab.refresh.telling import tell_outcome
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import is_worked_on, sole_writer, working_on
from kunderegnskab_orchestration import refresh
from kunderegnskab_orchestration.runs.launcher import KILLED, report_killed
from kunderegnskab_orchestration.runs.outcome import Conclusion, ended, failed, note_beginning
from kunderegnskab_orchestration.tags import WORKSPACE


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = workspace_of(tmp_path / "firma", files={"customers.csv": "customer_id,customer_name\nK1,Ja\n"})
    with (made.root / "company.yaml").open("a", encoding="utf-8") as stream:
        stream.write("dagster_runs_kept: 1\n")
    return Workspace(made.root)


def test_a_refused_refresh_touches_nothing_of_the_one_at_work(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, rows = workspace.state / "logs" / "refresh-1.log", workspace.state / "failures" / "a.csv"
    for path in (log, rows, note_path(workspace)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    monkeypatch.setattr(beginning, "sole_writer", partial(sole_writer, timeout=0))
    with sole_writer(workspace):
        outcome = refresh.refresh(workspace, silent)
    assert outcome.status == "failed"
    assert "Another command is writing in this workspace" in outcome.sentences[0]
    assert log.exists()
    assert rows.exists()
    assert last_outcome(workspace) == {}


def test_a_refresh_that_cannot_begin_is_noted(workspace: Workspace) -> None:
    outcome = refresh.refresh(workspace, silent)
    assert outcome.sentences == (
        "landing/sales_lines.csv: there is no file for the required feed sales_lines; "
        "deliver one, or correct feeds.yaml.",
    )
    noted = last_outcome(workspace)
    assert noted is not None
    assert noted["sentences"] == list(outcome.sentences)


def test_a_run_is_worked_on_as_long_as_its_process_lives(workspace: Workspace) -> None:
    assert not is_worked_on(workspace, "a")
    with working_on(workspace, "a"):
        assert is_worked_on(workspace, "a")
        assert not is_worked_on(workspace, "b")
    assert not is_worked_on(workspace, "a")


def test_a_refresh_that_was_killed_is_told_as_failed(workspace: Workspace) -> None:
    with working_on(workspace, "a"):
        note_beginning(workspace, "a")
        noted = last_outcome(workspace)
        assert noted is not None
        assert noted["status"] == "running"
    killed = last_outcome(workspace)
    assert killed is not None
    assert killed["status"] == "failed"
    assert f"It began at {noted['began_at']} and its process was killed" in str(killed["sentences"])


def test_what_came_of_a_refresh_is_noted_and_told_whoever_started_it(
    workspace: Workspace, tmp_path: Path
) -> None:
    hook = f"on_failure: {{command: [sh, -c, 'cat > \"$0\"', {tmp_path / 'told'}]}}\n"
    with (workspace.root / "company.yaml").open("a", encoding="utf-8") as stream:
        stream.write(hook)
    came = Conclusion(failed(workspace, ["landing/x.csv: is empty."], "run-1"))
    assert ended(workspace, came, 1.0)[1] == []
    told = json.loads((tmp_path / "told").read_text(encoding="utf-8"))
    assert (told["event"], told["run_id"], told["problems"]) == (
        "failed",
        "run-1",
        ["landing/x.csv: is empty."],
    )
    noted = last_outcome(workspace)
    assert noted is not None
    assert noted["run_id"] == "run-1"
    # What is noted belongs to the refresh that is at work.
    ended(workspace, Conclusion(failed(workspace, ["busy"], "run-2"), "busy"), 1.0)
    assert json.loads((tmp_path / "told").read_text(encoding="utf-8"))["run_id"] == "run-2"
    assert last_outcome(workspace) == noted
    # Whoever stops a refresh knows.
    ended(workspace, Conclusion(failed(workspace, ["stopped"], "run-3"), "stopped"), 1.0)
    assert json.loads((tmp_path / "told").read_text(encoding="utf-8"))["run_id"] == "run-2"


def test_a_killed_run_is_told_of(workspace: Workspace, tmp_path: Path) -> None:
    hook = f"on_failure: {{command: [sh, -c, 'cat > \"$0\"', {tmp_path / 'told'}]}}\n"
    with (workspace.root / "company.yaml").open("a", encoding="utf-8") as stream:
        stream.write(hook)
    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(
            dg.job(name="refresh")(lambda: None), tags={WORKSPACE: str(workspace.root)}
        )
        report_killed(instance, run)
        again = instance.get_run_by_id(run.run_id)
    assert again is not None
    assert again.status == dg.DagsterRunStatus.FAILURE
    told = json.loads((tmp_path / "told").read_text(encoding="utf-8"))
    assert (told["event"], told["run_id"], told["problems"]) == ("failed", run.run_id, [KILLED])
    # Others may notice it too.
    (tmp_path / "told").unlink()
    tell_outcome(workspace, "failed", run.run_id)
    assert not (tmp_path / "told").exists()
