"""Hooks of company.yaml: what they are told, once, within their limit, and what is said where one does not take it.

What is late belongs in tests/e2e/test_late.py, mails and messages for people in test_news.py.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from addresses import posted_to
from ruamel.yaml import YAML

from kunderegnskab.problems import InputProblems
from kunderegnskab.publication.changes import Changes, FileChanges, RestatedMonth, Span, Totals
from kunderegnskab.refresh.telling import tell_outcome
from kunderegnskab.workspace import Workspace

PYTHON = sys.executable


def workspace_with(root: Path, **keys: Any) -> Workspace:
    root.mkdir(exist_ok=True)
    with (root / "company.yaml").open("w", encoding="utf-8") as stream:
        YAML().dump({"name": "Firma ApS", "currency": "DKK", **keys}, stream)
    return Workspace(root)


def script(text: str, *arguments: str) -> dict[str, Any]:
    return {"command": [PYTHON, "-c", text, *arguments]}


def failed(workspace: Workspace) -> list[str]:
    return tell_outcome(workspace, "failed", "run-1", problems=["Linje 1 er gal."], log="/log")


def test_a_command_reads_the_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", str(tmp_path / "told.json"))
    copy = script("import sys; open(sys.argv[1], 'w').write(sys.stdin.read())", "${WHERE}")
    workspace = workspace_with(tmp_path / "firma", on_failure=copy)
    assert failed(workspace) == []
    told = json.loads((tmp_path / "told.json").read_text(encoding="utf-8"))
    assert told.pop("at")
    assert told.pop("by")
    assert told == {
        "format": 1,
        "event": "failed",
        "company": "Firma ApS",
        "workspace": str(workspace.root),
        "run_id": "run-1",
        "publication": None,
        "head": None,
        "problems": ["Linje 1 er gal."],
        "blocked_by": [],
        "warnings": [],
        "changes": None,
        "late": [],
        "drift": [],
        "approval": [],
        "log": "/log",
        "rejects": None,
    }


def test_the_contract_names_what_an_event_says(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path / "firma", on_failure=script(""))
    failed(workspace)
    told = json.loads((workspace.state / "hooks" / "on_failure.json").read_text(encoding="utf-8"))
    page = Path(__file__).parents[2] / "docs" / "contracts" / "events.md"
    rows = [
        line.split("`")[1] for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    assert sorted(row for row in rows if "." not in row) == sorted(told)
    parts: dict[str, Any] = {
        "changes": Changes,
        "changes.files": FileChanges,
        "changes.twelve_months": Span,
        "changes.twelve_months.now": Totals,
        "changes.restated": RestatedMonth,
    }
    within = [f"{place}.{field.name}" for place, part in parts.items() for field in fields(part)]
    assert sorted(row for row in rows if "." in row) == sorted(within)


def test_an_address_gets_the_event_with_its_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with posted_to(200) as (address, posted):
        monkeypatch.setenv("CHAT", address)
        monkeypatch.setenv("TOKEN", "hemmelig")
        hook = {"url": "${CHAT}hook", "headers": {"Authorization": "Bearer ${TOKEN}"}}
        assert failed(workspace_with(tmp_path / "firma", on_failure=hook)) == []
    ((path, headers, body),) = posted
    assert path == "/hook"
    assert headers["Authorization"] == "Bearer hemmelig"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body)["problems"] == ["Linje 1 er gal."]


@pytest.mark.parametrize(
    ("hook", "why"),
    [
        ({"command": ["/no/such/program"]}, "it cannot be started: No such file or directory"),
        (script("raise SystemExit(3)"), "it ended with exit code 3"),
        (script("import os; os.kill(os.getpid(), 9)"), "it ended with exit code -9"),
        (script("import sys; sys.stdout.buffer.write(bytes(range(256)) * 9999); sys.exit(4)"), "exit code 4"),
        ({"command": ["tell", "${NOT_SET}"]}, "the environment has no NOT_SET, set it where the program is started"),
        ({"url": "${SECRET}"}, "it is no address that begins with http:// or https://"),
        ({"url": "http://${SECRET}:x/"}, "address or answer cannot be used (InvalidURL)"),
        ({"url": "http://127.0.0.1:9/${SECRET}"}, "Connection refused"),
        ({"url": "http://127.0.0.1:9/", "headers": {"A": "${SECRET}\n"}}, "cannot be used (ValueError)"),
    ],
)  # fmt: skip
def test_a_hook_that_fails_is_one_sentence_without_its_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: dict[str, Any], why: str
) -> None:
    monkeypatch.setenv("SECRET", "hemmelig")
    (sentence,) = failed(workspace_with(tmp_path / "firma", on_failure=hook))
    assert sentence.startswith("company.yaml, on_failure: the hook did not take the event (")
    assert why in sentence
    assert sentence.endswith(f"the event lies in {tmp_path}/firma/state/hooks/on_failure.json.")
    assert "hemmelig" not in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("answer", [302, 404, 500])
def test_an_answer_that_is_no_is_told(tmp_path: Path, answer: int) -> None:
    with posted_to(answer) as (address, _):
        (sentence,) = failed(workspace_with(tmp_path / "firma", on_failure={"url": address}))
    assert f"the answer was {answer}" in sentence


def test_what_a_hook_prints_is_not_waited_for(tmp_path: Path) -> None:
    much = script("import sys; sys.stdout.buffer.write(bytes(range(256)) * 99999)")
    assert failed(workspace_with(tmp_path / "firma", on_failure=much)) == []


def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    hangs = script(
        "import os, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open(sys.argv[1], 'w').write(f'{os.getpid()} {child.pid}')\n"
        "child.wait()",
        str(note),
    )
    (sentence,) = failed(workspace_with(tmp_path / "firma", on_failure=hangs | {"seconds": 2}))
    assert "it was not done within 2 s and was ended" in sentence
    pids = [int(pid) for pid in note.read_text().split()]
    deadline = time.monotonic() + 30
    while any(map(is_alive, pids)):
        assert time.monotonic() < deadline, "it still lives"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@contextmanager
def drips() -> Generator[str]:
    """An address that answers without end, a line of its header now and then."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def answer() -> None:
            with suppress(OSError), listening.accept()[0] as taken:
                taken.sendall(b"HTTP/1.1 200 OK\r\n")
                while not over.wait(0.3):
                    taken.sendall(b"X: y\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            over.set()
            thread.join()


def test_an_address_that_answers_without_end_is_left(tmp_path: Path) -> None:
    with drips() as address:
        hook = {"url": address, "seconds": 1}
        (sentence,) = failed(workspace_with(tmp_path / "firma", on_failure=hook))
    assert "no answer within 1 s" in sentence


def test_what_is_late_is_told_once(tmp_path: Path) -> None:
    told = tmp_path / "told"
    count = script(
        "import sys; open(sys.argv[1], 'a').write(sys.stdin.read().count('Nothing is') * 'x')", str(told)
    )
    root = tmp_path / "firma"
    workspace = workspace_with(root, on_late=count, fresh_for_hours=24)
    assert [tell_outcome(workspace, "unchanged", None) for _ in range(3)] == [[]] * 3
    assert told.read_text() == "x"
    # Not late any more, and then late again.
    tell_outcome(workspace_with(root, on_late=count), "unchanged", None)
    tell_outcome(workspace_with(root, on_late=count, fresh_for_hours=24), "unchanged", None)
    assert told.read_text() == "xx"


def test_what_is_late_is_told_again_until_the_hook_takes_it(tmp_path: Path) -> None:
    root = tmp_path / "firma"
    for _ in range(2):
        (sentence,) = failed(workspace_with(root, on_late=script("raise SystemExit(1)"), fresh_for_hours=24))
        assert sentence.startswith("company.yaml, on_late: ")


def test_a_configuration_that_cannot_be_read_breaks_nothing(tmp_path: Path) -> None:
    (tmp_path / "company.yaml").write_text("name: [", encoding="utf-8")
    assert failed(Workspace(tmp_path)) == []


@pytest.mark.parametrize(
    ("hook", "fault"),
    [
        ({}, "the key on_failure: a hook has one of command (a list of arguments), url, slack, teams, email and channels;"),
        ({"command": ["a"], "url": "http://b"}, "a hook has one of command"),
        ({"command": "tell me"}, "the key on_failure.command: Input should be a valid tuple, but it is 'tell me'"),
        ({"command": ["a"], "headers": {"A": "b"}}, "headers go with url alone"),
        ({"command": ["a"], "seconds": 31}, "the key on_failure.seconds: Input should be less than or equal to 30"),
        ({"shell": "a"}, "the key on_failure.shell is not known; remove it, or use one of command, url, headers"),
    ],
)  # fmt: skip
def test_a_hook_that_is_none_is_one_sentence(tmp_path: Path, hook: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputProblems) as told:
        _ = workspace_with(tmp_path, on_failure=hook).company
    assert fault in str(told.value)


def test_no_publication_tells_of_hooks(tmp_path: Path) -> None:
    company = workspace_with(tmp_path, on_failure={"url": "https://example.com/hemmelig"}).company
    assert "hemmelig" not in json.dumps(company.parameters())
