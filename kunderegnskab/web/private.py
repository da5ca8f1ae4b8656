"""state/web/: what the web page keeps that is nobody else's to read. Its owner alone may.

Here: the folder, its lock, and the secret that sessions are signed with. What stands in the other files is
said where they are written (users.py, seen.py).
"""

from __future__ import annotations

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.pseudonyms import write_private
from kunderegnskab.workspace import Workspace

_SECRET_DIGITS = 64


def folder(workspace: Workspace) -> Path:
    """Where it lies; made if it is not there."""
    path = workspace.state / "web"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


@contextmanager
def sole_writer(workspace: Workspace) -> Generator[Path]:
    """The folder, while no other process writes in it. A refresh does not hinder, and is not hindered."""
    path = folder(workspace)
    with FileLock(path / "writer.lock", timeout=10):
        yield path


def secret(workspace: Workspace) -> str:
    """What sessions are signed with, made at the first time. Who removes it ends all sessions.

    Raises InputProblems when it is not what was written.
    """
    with sole_writer(workspace) as path:
        file = path / "secret.key"
        if not file.exists():
            write_private(file, f"{secrets.token_hex(_SECRET_DIGITS // 2)}\n")
        text = file.read_text(encoding="utf-8", errors="replace").strip()
    if len(text) != _SECRET_DIGITS or not set(text) <= set("0123456789abcdef"):
        raise InputProblems(
            [
                InputProblem(
                    workspace.relative(file),
                    f"holds no secret of {_SECRET_DIGITS} hexadecimal digits",
                    "remove it; everybody then signs in again",
                )
            ]
        )
    return text
