"""A refresh that is told to stop (Ctrl-C, SIGTERM) says one sentence and ends with the exit code of the signal.

That what it leaves behind is whole after any end belongs in test_crash.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from running import COMMAND, PATIENCE_SECONDS, REPOSITORY, environment, kunderegnskab, tree
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
    small_to_change: Path, tmp_path: Path, place: str, number: signal.Signals
):
    with (small_to_change / "company.yaml").open("a", encoding="utf-8") as stream:
        stream.write(f"on_failure: {{command: [touch, {tmp_path / 'told'}]}}\n")
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
    # Whoever has stopped it knows.
    assert not (tmp_path / "told").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_told_to_stop_while_it_is_being_loaded_says_so(
    tmp_path: Path, number: signal.Signals
):
    """From the moment that it listens, a hundredth of a second from its start, to the last import."""
    for options in ((), ("--json",)):
        process = subprocess.Popen(
            [str(COMMAND), "status", "--workspace", str(tmp_path), *options],
            cwd=REPOSITORY,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        while not listens(process.pid):
            assert process.poll() is None
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 128 + number
        if options:
            assert (json.loads(out), err) == ({"status": "failed", "problems": [SENTENCES[number]]}, "")
        else:
            assert (out, err) == ("", f"{SENTENCES[number]}\n")

    with tempfile.TemporaryFile() as output:
        # When all libraries are there, and the program's own commands are not.
        place = Place("typer:Typer.__init__")
        with stopped(place, COMMAND, "status", "--workspace", tmp_path, output=output) as process:
            os.kill(process.pid, number)
            os.kill(process.pid, signal.SIGCONT)
            assert process.wait(PATIENCE_SECONDS) == 128 + number
        output.seek(0)
        assert output.read().decode() == f"{SENTENCES[number]}\n"


def listens(pid: int) -> bool:
    """Whether the process has put a handler in the place of the system's for SIGTERM, as Python does not."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


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
