"""Small files in state/ by which a refresh spares itself work that it has done before.

A note may be missing, damaged or another program's: it then says nothing, and the work is done. What a note
says and when that still holds belongs to whoever keeps it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

_Note = TypeVar("_Note", bound=BaseModel)


def read_note(path: Path, form: type[_Note]) -> _Note | None:
    """What a note says; None where there is none of that form."""
    try:
        return form.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def write_note(path: Path, note: BaseModel) -> None:
    """Put a note in place of the one before, whole or not at all.

    Nothing happens where that cannot be done, for instance because somebody may only read the workspace.
    """
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left_behind in path.parent.glob(f".{path.name}.*"):
            left_behind.unlink()
        made.write_text(note.model_dump_json(), encoding="utf-8")
        made.replace(path)
    except (OSError, ValueError):  # ValueError: a file's name that is no text
        with suppress(OSError):
            made.unlink(missing_ok=True)
