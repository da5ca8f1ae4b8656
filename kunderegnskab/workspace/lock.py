"""One writer at a time in a workspace, whoever started it."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime

from filelock import FileLock, Timeout

from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.workspace.folder import Workspace


class WorkspaceBusy(KunderegnskabError):
    """Another process is refreshing this workspace."""


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
        raise WorkspaceBusy(
            f"Another refresh of this workspace is running{_holder(note)}; wait for it."
        ) from None
    try:
        note.write_text(
            json.dumps({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")})
        )
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _holder(note: os.PathLike[str]) -> str:
    try:
        with open(note, encoding="utf-8") as stream:
            held = json.load(stream)
        return f" (process {held['pid']}, since {held['since']})"
    except (OSError, ValueError, KeyError):
        return ""
