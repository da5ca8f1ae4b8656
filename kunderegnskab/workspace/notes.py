"""Small files, in state/ or beside dbt's parse, by which a refresh spares itself work that it did before.

A note may be missing, damaged or another program's: it then says nothing, and the work is done. What a note
says, and when that still holds, is decided by whoever keeps it.
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
    with suppress(ValueError):  # a file's name that is no text
        write_text(path, note.model_dump_json())


def write_text(path: Path, text: str) -> bool:
    """As `write_note`, for a note of another form; whether it could be done.

    What killed processes have left of it is removed.
    """
    made = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        for other in path.parent.glob(f".{path.name}.*"):
            if not _is_at_work(other.suffix.removeprefix(".")):
                other.unlink(missing_ok=True)
        try:
            made.write_text(text, encoding="utf-8", newline="\n")
            made.replace(path)
        finally:
            made.unlink(missing_ok=True)
        return True
    return False


def _is_at_work(process_id: str) -> bool:
    try:
        os.kill(int(process_id), 0)  # asks only whether it could be signalled
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True
