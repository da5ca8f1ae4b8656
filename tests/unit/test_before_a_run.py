"""What a refresh does before and after the run itself."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from small_intake import workspace_of

from kunderegnskab.progress import silent
from kunderegnskab.publication.status import last_outcome, note_path
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import sole_writer
from orchestration import refresh


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
    monkeypatch.setattr(refresh, "sole_writer", partial(sole_writer, timeout=0))
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
