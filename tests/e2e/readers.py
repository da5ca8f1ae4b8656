"""Starts readers of what is published and judges them when they have ended. What they do: `reader_worker`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from running import REPOSITORY, environment

WORKER = Path(__file__).with_name("reader_worker.py")


@contextmanager
def reading(workspace: Path, *kinds: str) -> Generator[list[dict[str, int]]]:
    """A reader of each kind at work; afterwards how often each read, and how many publications it saw."""
    readers = [begin_reading(kind, workspace) for kind in kinds]
    judged: list[dict[str, int]] = []
    try:
        yield judged
    finally:
        (workspace / "stop").touch()
        ended = [reader.communicate(timeout=60) for reader in readers]
    for reader, (printed, complaints) in zip(readers, ended, strict=True):
        assert reader.returncode == 0, complaints
        judged.append(json.loads(printed))


def begin_reading(what: str, workspace: Path) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])
    return subprocess.Popen(
        [sys.executable, str(WORKER), what, str(workspace)],
        cwd=REPOSITORY,
        env=environment(PYTHONPATH=paths),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
