"""How commands speak: results, complaints, JSON for scripts, and how far the work is.

What is said belongs in each command's file.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from kunderegnskab.problems import plain

if TYPE_CHECKING:
    from kunderegnskab.progress import Progress

# Beside those that JSON escapes always: C1, what turns the direction of writing, what cannot be seen.
_INVISIBLE = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


class PlainConsole(Console):
    """Shows text as it stands: `[red]` and `:bomb:` are no markup, and no text steers a screen."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Generator[Segment]:
        """The parts of what is shown, their text plain; what rich itself says to the screen stays."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else plain(text), style, control)


# Results go to standard output, progress and complaints to standard error.
OUT = PlainConsole(soft_wrap=True)
ERR = PlainConsole(stderr=True, soft_wrap=True)


@contextmanager
def progress_shown(as_json: bool) -> Generator[Progress]:
    """A bar on a terminal, a line per activity elsewhere, nothing where a script reads the output."""
    from kunderegnskab.progress import silent

    if as_json:
        yield silent
        return
    # Dagster's output is sent to a file by replacing sys.stderr; the bar keeps the real one.
    console = PlainConsole(file=os.fdopen(os.dup(2), "w"), soft_wrap=True)
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
    return OUT if OUT.is_terminal else PlainConsole(width=240)


def complain(sentences: list[str]) -> None:
    """Say what a person should know, one sentence per line."""
    for sentence in sentences:
        ERR.print(sentence)


def print_json(report: dict[str, Any]) -> None:
    """Write a result for scripts; characters that would steer a screen are written as JSON escapes them."""
    text = json.dumps(report, ensure_ascii=False, indent=1, default=str)
    sys.stdout.write(_INVISIBLE.sub(lambda found: json.dumps(found[0])[1:-1], text) + "\n")
