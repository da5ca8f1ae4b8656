"""How commands speak: results, complaints, JSON for scripts, and how far the work is.

What is said belongs in each command's file.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from kunderegnskab.progress import Progress

# Results go to standard output, progress and complaints to standard error; file names are no markup.
OUT = Console(highlight=False, soft_wrap=True, markup=False)
ERR = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


@contextmanager
def progress_shown(as_json: bool) -> Generator[Progress]:
    """A bar on a terminal, a line per activity elsewhere, nothing where a script reads the output."""
    from kunderegnskab.progress import silent

    if as_json:
        yield silent
        return
    # Dagster's output is sent to a file by replacing sys.stderr; the bar keeps the real one.
    console = Console(file=os.fdopen(os.dup(2), "w"), highlight=False, soft_wrap=True, markup=False)
    if not console.is_terminal:
        said: set[str] = set()

        def line(activity: str, done: int, total: int) -> None:
            stage = "reading files" if activity.startswith("reading ") else activity.split(" marts.")[0]
            stage = stage.split(" audit.")[0].split(" raw.")[0]
            if stage not in said:
                said.add(stage)
                console.print(stage)

        yield line
        return
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task("", total=1)

        def show(activity: str, done: int, total: int) -> None:
            bar.update(task, description=activity, completed=done, total=total)

        yield show


def wide() -> Console:
    """Where nobody looks at a screen, a line must not be cut to the width of one."""
    return OUT if OUT.is_terminal else Console(width=240, highlight=False, markup=False)


def complain(sentences: list[str]) -> None:
    """Say what a person should know, one sentence per line."""
    for sentence in sentences:
        ERR.print(sentence)


def print_json(report: dict[str, Any]) -> None:
    """Write a result for scripts."""
    sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=1, default=str) + "\n")
