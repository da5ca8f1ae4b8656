"""runs/journal.jsonl: what was done in a workspace, a line per event, each with the hash of the one before.

A line is appended before something begins and after it has ended, so what was killed shows as begun and not
ended. Each publication's manifest holds the hash of the journal's last line, so that a line cannot be changed
or removed without the chain of publications telling. Here: appending, reading, and whether the lines follow
each other. Not here: what is noted (whoever does it), and whether files are still as noted (audit).
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import json
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

from kunderegnskab.file_hash import file_sha256
from kunderegnskab.workspace.folder import Workspace

JOURNAL_FILE = "journal.jsonl"
_BLOCK_BYTES = 4096

Event = Literal["run started", "run ended", "names written", "names purged", "lake file purged"]


@dataclass(frozen=True)
class Entry:
    """One line of the journal.

    Attributes:
        facts: all that the line says, with `event`, `at` (UTC), `by` (user@host) and `previous`.
        sha256: of the line as it stands in the file.
    """

    facts: dict[str, Any]
    sha256: str

    @property
    def event(self) -> str:
        """What happened."""
        return str(self.facts.get("event"))


def made_by() -> str:
    """Who does it: user and host, as the system knows them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container without names of users
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def append(workspace: Workspace, event: Event, *, file: Path | None = None, **facts: str | None) -> None:
    """Add a line, durably. Processes take turns.

    Args:
        file: what the event wrote; its name and hash are noted.
        facts: what else there is to say; those that are None are left out.

    Raises:
        OSError: it cannot be written.
    """
    workspace.runs.mkdir(parents=True, exist_ok=True)
    with _path(workspace).open("a+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        last = _last_line(stream)
        # Of a line that a power cut left unfinished nothing is known; it stays and is told of.
        begin = b"" if last is None or last.endswith(b"\n") else b"\n"
        entry = {
            "event": event,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "by": made_by(),
            **{name: fact for name, fact in facts.items() if fact is not None},
            **({} if file is None else {"file": workspace.relative(file), "sha256": file_sha256(file)}),
            "previous": _sha256(last.rstrip(b"\n")) if last is not None else None,
        }
        stream.write(begin + json.dumps(entry, ensure_ascii=False, sort_keys=True).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def read(workspace: Workspace) -> list[Entry]:
    """Every line, oldest first; one that is no JSON has no facts. Empty where there is no journal."""
    try:
        content = _path(workspace).read_bytes()
    except OSError:
        return []
    return [Entry(_facts(line), _sha256(line)) for line in content.splitlines()]


def head(workspace: Workspace) -> str | None:
    """The hash of the last line; None where there is none."""
    try:
        with _path(workspace).open("rb") as stream:
            last = _last_line(stream)
    except OSError:
        return None
    return _sha256(last.rstrip(b"\n")) if last is not None else None


def broken_lines(entries: Sequence[Entry]) -> list[int]:
    """Numbers of the lines that are not what was written, or that do not follow the line before.

    A line that is no JSON was left unfinished by a power cut: if anything of it was changed since, the next
    line does not follow it.
    """
    found = []
    before: str | None = None
    for number, entry in enumerate(entries, start=1):
        if entry.facts and ("event" not in entry.facts or entry.facts.get("previous") != before):
            found.append(number)
        before = entry.sha256
    return found


def unfinished_runs(entries: Sequence[Entry]) -> list[Entry]:
    """The beginnings of runs that have no end: killed, or at work just now."""
    ended = {entry.facts.get("run_id") for entry in entries if entry.event == "run ended"}
    return [
        entry for entry in entries if entry.event == "run started" and entry.facts.get("run_id") not in ended
    ]


def ended_after(entries: Sequence[Entry], sha256: str | None) -> set[str]:
    """The ids of the runs whose end stands behind the line with this hash; none if there is no such line."""
    places = [place for place, entry in enumerate(entries, start=1) if entry.sha256 == sha256]
    behind = entries[places[-1] :] if places else ()
    return {str(entry.facts.get("run_id")) for entry in behind if entry.event == "run ended"}


def noted_files(entries: Sequence[Entry]) -> dict[str, str]:
    """The files that were written or changed, relative to the workspace, and the newest SHA-256 of each."""
    return {
        str(entry.facts["file"]): str(entry.facts["sha256"])
        for entry in entries
        if {"file", "sha256"} <= entry.facts.keys()
    }


def purged_lake_files(entries: Sequence[Entry]) -> set[str]:
    """The lake files that were removed because of the names in them, relative to the lake."""
    return {str(entry.facts.get("lake_file")) for entry in entries if entry.event == "lake file purged"}


def _path(workspace: Workspace) -> Path:
    return workspace.runs / JOURNAL_FILE


def _last_line(stream: BinaryIO) -> bytes | None:
    """The last line, with its line feed if it has one. A journal grows for years: no more of it is read."""
    begin = stream.seek(0, os.SEEK_END)
    tail = b""
    while begin and b"\n" not in tail[:-1]:
        size = min(_BLOCK_BYTES, begin)
        begin = stream.seek(begin - size)
        tail = stream.read(size) + tail
    return tail[tail.rfind(b"\n", 0, -1) + 1 :] or None


def _facts(line: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(line)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _sha256(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
