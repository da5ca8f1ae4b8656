"""A refresh that is told to stop (Ctrl-C, SIGTERM) says one sentence and ends with the exit code of the signal.

That what it leaves behind is whole after any end belongs in test_crash.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path

import pytest
from running import COMMAND, PATIENCE_SECONDS, kunderegnskab, tree
from stopping import Place, stopped

SENTENCES = {
    signal.SIGINT: "Stopped by Ctrl-C: what is published is whole, and the same command can be run again.",
    signal.SIGTERM: "Stopped by the system's request to end (SIGTERM): what is published is whole, and the same "
    "command can be run again.",
}
# Places in a refresh: before Dagster, in Dagster's step while files are read, while dbt builds, while it publishes.
PLACES = {
    "looking": Place("kunderegnskab.refresh.due:look"),
    "reading": Place("kunderegnskab.ingest.readers:read_records"),
    "building": Place("kunderegnskab.progress:report", told="building customer accounts", call=40),
    "publishing": Place("kunderegnskab.publication.publish:publish"),
}


@pytest.mark.parametrize(
    ("place", "number"),
    [
        ("looking", signal.SIGTERM),
        ("reading", signal.SIGINT),
        ("building", signal.SIGINT),
        ("publishing", signal.SIGTERM),
    ],
)
def test_a_refresh_that_is_told_to_stop_says_so_and_nothing_else(
    small_to_change: Path, place: str, number: signal.Signals
):
    before = tree(small_to_change / "published")
    with tempfile.TemporaryFile() as output:
        arguments = ("refresh", "--full", "--workspace", small_to_change)
        with stopped(PLACES[place], COMMAND, *arguments, output=output) as process:
            # As a terminal does: the whole group is told. The signal waits until the process goes on.
            (os.killpg if number is signal.SIGINT else os.kill)(process.pid, number)
            os.kill(process.pid, signal.SIGCONT)
            code = process.wait(PATIENCE_SECONDS)
        output.seek(0)
        said = output.read().decode()
    assert code == 128 + number
    assert said.splitlines()[-1] == SENTENCES[number]
    assert "Traceback" not in said
    assert "rror" not in said
    assert tree(small_to_change / "published") == before
    assert not list(small_to_change.glob("lake/.reading-*"))


def test_check_inputs_that_is_told_to_stop_leaves_nothing_in_the_temp_folder(
    small_to_change: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with tempfile.TemporaryFile() as output:
        arguments = ("check-inputs", "--workspace", small_to_change)
        with stopped(PLACES["reading"], COMMAND, *arguments, output=output) as process:
            os.kill(process.pid, signal.SIGTERM)
            os.kill(process.pid, signal.SIGCONT)
            assert process.wait(PATIENCE_SECONDS) == 143
        output.seek(0)
        assert output.read().decode().splitlines()[-1] == SENTENCES[signal.SIGTERM]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("kunderegnskab-")] == []


def test_a_stopped_refresh_can_be_run_again(small_to_change: Path):
    with stopped(PLACES["reading"], COMMAND, "refresh", "--full", "--workspace", small_to_change) as process:
        os.kill(process.pid, signal.SIGTERM)
        os.kill(process.pid, signal.SIGCONT)
        assert process.wait(PATIENCE_SECONDS) == 143
    time.sleep(0.5)  # dbt looks ten times a second whether its refresh is gone
    assert kunderegnskab("refresh", "--workspace", small_to_change).code == 0
