"""One writer at a time in a workspace, whoever started it; and whether the process of a run still lives."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.workspace.folder import Workspace
from kunderegnskab.workspace.kept import keep_newest

# Files without content, of runs that ended long ago.
_RUNS_KEPT = 20


class WorkspaceBusy(KunderegnskabError):
    """Another process is writing in this workspace: a refresh, a closing or a purge."""


@contextmanager
def sole_writer(workspace: Workspace, *, timeout: float = 10.0) -> Generator[None]:
    """Hold the workspace's lock. The system releases it when the process ends, however it ends.

    Args:
        timeout: seconds to wait for another writer.

    Raises:
        WorkspaceBusy: another process holds it for longer than that.
    """
    workspace.state.mkdir(parents=True, exist_ok=True)
    note = workspace.state / "writer.json"
    lock = FileLock(workspace.state / "writer.lock")
    try:
        lock.acquire(timeout=timeout)
    except Timeout:
        held = _read(note)
        since = f" (process {held['pid']}, since {held['since']})" if held else ""
        raise WorkspaceBusy(f"Another command is writing in this workspace{since}; wait for it.") from None
    try:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with suppress(OSError):  # it is there for others to be told who it is
            note.write_text(json.dumps({"pid": os.getpid(), "since": now}), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)
        lock.release()


@contextmanager
def working_on(workspace: Workspace, run_id: str) -> Generator[None]:
    """Let `is_worked_on` say that this process works on a run, until the process ends, however it ends."""
    path = _run_lock(workspace, run_id)
    lock = FileLock(path)
    with suppress(OSError):  # where nothing can be written, the run will say so
        keep_newest(path.parent, _RUNS_KEPT)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def is_worked_on(workspace: Workspace, run_id: str) -> bool:
    """Whether there is a process that works on a run; of one that was killed nothing but this tells."""
    path = _run_lock(workspace, run_id)
    if not path.exists():
        return False
    try:
        with FileLock(path).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except PermissionError:  # who may only read cannot tell, and is told what is noted
        return True


def _run_lock(workspace: Workspace, run_id: str) -> Path:
    return workspace.state / "running" / f"{run_id}.lock"


def _read(note: Path) -> dict[str, Any]:
    try:
        return json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
