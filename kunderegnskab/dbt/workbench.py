"""dbt as a person asks it who works on a model: on a copy of the warehouse, with all that it must be told.

Nothing that is published, and nothing that a refresh builds on, is touched: the copy, what dbt parses and
what it logs lie in a folder of their own. Not here: the dbt of a refresh (process.py).
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from pydantic import BaseModel

from kunderegnskab.dbt.project import (
    LAUNCHER,
    environment,
    environment_of_process,
    parse_folder,
)
from kunderegnskab.installation import DBT_PROJECT
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import WorkspaceBusy, sole_writer
from kunderegnskab.workspace.notes import read_note, write_note

# dbt's own parse of the project, from which it goes on where files have changed.
_PARSE = "partial_parse.msgpack"


class NothingToWorkOn(KunderegnskabError):
    """There is no warehouse to copy."""


class _Copied(BaseModel):
    """The warehouse that was copied: time of its last change in nanoseconds, and size in bytes."""

    modified: int
    size: int


def workbench(workspace: Workspace) -> Path:
    """The folder that all this lies in; it may be removed at any time."""
    return workspace.state / "work"


def copied_warehouse(workspace: Workspace, *, fresh: bool = False) -> tuple[Path, bool]:
    """A copy of the warehouse to work on, and whether it was made now.

    It is kept from one command to the next, with what was built in it, until a refresh has made another
    warehouse; while it is making one, the copy serves.

    Args:
        fresh: make it anew in any case.

    Raises:
        NothingToWorkOn: nothing has been refreshed.
        WorkspaceBusy: a refresh is writing it, and there is no copy yet.
    """
    folder = workbench(workspace)
    note = folder / "copied.json"
    # The models name their warehouse so.
    copy = folder / workspace.warehouse.name
    with ExitStack() as held:
        try:
            held.enter_context(sole_writer(workspace, timeout=0))
        except WorkspaceBusy:
            if not fresh and note.is_file() and copy.is_file():
                return copy, False
            raise
        if not workspace.warehouse.is_file():
            raise NothingToWorkOn("There is no warehouse to work on yet; run `kunderegnskab refresh`.")
        state = workspace.warehouse.stat()
        found = _Copied(modified=state.st_mtime_ns, size=state.st_size)
        if not fresh and copy.is_file() and read_note(note, _Copied) == found:
            return copy, False
        folder.mkdir(parents=True, exist_ok=True)
        note.unlink(missing_ok=True)
        # What a killed refresh has written and not yet taken into the file stands beside it.
        for end in (".wal", ""):
            source, target = (path.with_name(path.name + end) for path in (workspace.warehouse, copy))
            target.unlink(missing_ok=True)
            if source.is_file():
                shutil.copyfile(source, target)
        write_note(note, found)
    return copy, True


def run_dbt(workspace: Workspace, arguments: Sequence[str], warehouse: Path) -> int:
    """Run a dbt command, which speaks to the terminal itself; gives its exit code.

    Args:
        warehouse: what it reads and builds in.
    """
    folder = workbench(workspace)
    target = folder / "target"
    target.mkdir(parents=True, exist_ok=True)
    parsed = parse_folder(workspace) / _PARSE
    if parsed.is_file() and not (target / _PARSE).exists():
        shutil.copyfile(parsed, target / _PARSE)
    told = environment(workspace) | {
        "KUNDEREGNSKAB_WAREHOUSE": str(warehouse),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_LOG_LEVEL_FILE": "debug",
    }
    return subprocess.run(
        [str(LAUNCHER), *arguments], env=environment_of_process(told), cwd=DBT_PROJECT, check=False
    ).returncode
