"""The log of a refresh: everything that Dagster and dbt say, in one file.

How many are kept is the company's to say (`dagster_runs_kept`).
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kunderegnskab.problems import InputProblems
from kunderegnskab.workspace import Company, Workspace
from kunderegnskab.workspace.kept import keep_newest

_written: ContextVar[Path | None] = ContextVar("log", default=None)


def new_log(workspace: Workspace) -> Path:
    """Where a refresh that begins now writes its log; room is made for it."""
    log = workspace.state / "logs" / f"refresh-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    # The newest may be of a refresh that has just begun and holds the workspace in a moment.
    keep_newest(log.parent, max(_logs_kept(workspace) - 1, 1))
    return log


def _logs_kept(workspace: Workspace) -> int:
    try:
        return workspace.company.dagster_runs_kept
    except InputProblems:  # the refresh will say so
        return Company.model_fields["dagster_runs_kept"].default


def log_in_use() -> Path | None:
    """The file that this process's output goes to now, None if to none."""
    return _written.get()


class _Log(io.FileIO):
    """A file that is not written where that cannot be done: no work is given up for want of a log."""

    def write(self, content: Any, /) -> int:
        """As if all of it were written."""
        with suppress(OSError):
            super().write(content)
        return len(content)


@contextmanager
def output_to(log: Path) -> Generator[None]:
    """Dagster and dbt talk a lot; what they say goes to a file, also from processes they start."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    with (
        io.TextIOWrapper(io.BufferedWriter(_Log(log, "a")), encoding="utf-8") as stream,
        _descriptors_to(stream.fileno()),
        redirect_stdout(stream),
        redirect_stderr(stream),
    ):
        token = _written.set(log)
        try:
            yield
        finally:
            _written.reset(token)


@contextmanager
def _descriptors_to(file: int) -> Generator[None]:
    """Also for what writes past Python: a process that Dagster started says how it took Ctrl-C."""
    kept = {each: os.dup(each) for each in (1, 2)}
    try:
        for each in kept:
            os.dup2(file, each)
        yield
    finally:
        for each, before in kept.items():
            os.dup2(before, each)
            os.close(before)
