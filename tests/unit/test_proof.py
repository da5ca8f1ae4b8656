"""What proves a publication from outside: heads that are handed on, and the journal of runs.

That `verify` asks for them belongs in tests/e2e/test_verify.py.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from kunderegnskab.publication import heads
from kunderegnskab.publication.store import Publication
from kunderegnskab.workspace import Workspace, journal


class Published:
    """What `hand_on` asks of a publication."""

    name = "0007-abcd"
    manifest_sha256 = "5d" * 32

    class manifest:
        @staticmethod
        def model_dump(**_: str) -> dict[str, str]:
            return {"published_at": "2026-01-31T05:00:00Z"}


PUBLISHED: Publication = Published()  # ty: ignore[invalid-assignment]


def test_heads_are_appended_each_on_a_line_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchor = tmp_path / "heads.jsonl"
    anchor.write_bytes(b'{"publication": "0006-')  # a power cut
    monkeypatch.setenv("KUNDEREGNSKAB_ANCHOR", str(anchor))
    assert heads.hand_on(PUBLISHED) is None
    assert heads.hand_on(PUBLISHED) is None
    assert heads.noted_heads(anchor) == [f"0007-abcd {'5d' * 32}"] * 2


@contextmanager
def server(answer: int, *, speaks_http: bool = True) -> Generator[tuple[str, list[bytes]]]:
    """An address that answers so, and what was posted there."""
    posted: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(self.rfile.read(int(self.headers["Content-Length"])))
            if not speaks_http:
                self.wfile.write(b"hej\r\n")
                return
            self.send_response(answer)
            self.send_header("Location", "/login")
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: Any, **_options: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}/", posted
        finally:
            listening.shutdown()


def test_a_head_is_posted(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(200) as (address, posted):
        monkeypatch.setenv("KUNDEREGNSKAB_ANCHOR", address)
        assert heads.hand_on(PUBLISHED) is None
    assert [json.loads(each)["manifest_sha256"] for each in posted] == ["5d" * 32]


@pytest.mark.parametrize("answer", [302, 500, None])
def test_a_head_that_is_not_received_is_told(monkeypatch: pytest.MonkeyPatch, answer: int | None) -> None:
    with server(answer or 200, speaks_http=answer is not None) as (address, _):
        monkeypatch.setenv("KUNDEREGNSKAB_ANCHOR", address)
        told = heads.hand_on(PUBLISHED)
    assert told is not None
    assert told.endswith(f"keep it yourself: {'5d' * 32}")


@pytest.mark.parametrize(
    "anchor", ["http://127.0.0.1:abc/", "http://127.0.0.1:1/a b", "/no/such/folder/heads"]
)
def test_an_anchor_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, anchor: str) -> None:
    monkeypatch.setenv("KUNDEREGNSKAB_ANCHOR", anchor)
    assert "0007-abcd is published, but" in str(heads.hand_on(PUBLISHED))


def test_a_line_that_a_power_cut_left_unfinished_is_no_forgery(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    journal.append(workspace, "run started", run_id="1")
    path = tmp_path / "runs" / "journal.jsonl"
    with path.open("ab") as stream:
        stream.write(b'{"event": "run en')
    journal.append(workspace, "run started", run_id="2")
    entries = journal.read(workspace)
    assert journal.broken_lines(entries) == []
    assert [entry.facts["run_id"] for entry in journal.unfinished_runs(entries)] == ["1", "2"]
    # Planted: what was left is not what the next line follows.
    path.write_bytes(path.read_bytes().replace(b"run en", b"run ed"))
    assert journal.broken_lines(journal.read(workspace)) == [3]
