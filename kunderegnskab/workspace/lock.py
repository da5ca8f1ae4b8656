"""One writer at a time in a workspace, whoever started it."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.workspace.folder import Workspace


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
        note.write_text(json.dumps({"pid": os.getpid(), "since": now}), encoding="utf-8")
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _read(note: Path) -> dict[str, Any]:
    try:
        return json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
