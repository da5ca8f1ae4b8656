"""Telling the hooks of company.yaml what came of a refresh, and what is late.

Here: of what they are told, and what only once. Not here: calling them (kunderegnskab/hooks.py), what is
late (publication/freshness.py), and when a refresh has ended, which its orchestration knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import duckdb
from filelock import FileLock
from pydantic import BaseModel

from kunderegnskab.hooks import Event, Kind, hook_of, tell
from kunderegnskab.problems import KunderegnskabError, told_plainly
from kunderegnskab.publication import store
from kunderegnskab.publication.freshness import Late, late
from kunderegnskab.publication.status import warnings_of
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.notes import read_note, write_note

_RUNS_KEPT = 50
_EVENTS: dict[str, Kind] = {"published": "published", "failed": "failed"}


class _Told(BaseModel):
    """The keys of what was late when `on_late` was last called, or of the newest outcomes that were told."""

    keys: list[str]


def tell_outcome(
    workspace: Workspace,
    status: Literal["published", "unchanged", "failed"],
    run_id: str | None,
    *,
    problems: Sequence[str] = (),
    log: str | None = None,
    rejects: str | None = None,
) -> list[str]:
    """Call the hooks for what came of a refresh, and for what is late and was not before.

    Args:
        problems: what went wrong, plain.
        log: file with everything that the run said.
        rejects: file with all rejected records.

    Returns:
        A sentence for each hook that did not take its event. Nothing else can come of it.
    """
    try:
        found = _late(workspace)
        told = []
        if status in _EVENTS and _is_first_to_tell(workspace, run_id, status):
            current = store.current_if_whole(workspace.published)
            is_new = status == "published" and current is not None
            told.append(
                tell(
                    workspace,
                    Event(
                        _EVENTS[status],
                        run_id,
                        current.name if current else None,
                        head=current.head if current and is_new else None,
                        problems=tuple(problems),
                        warnings=tuple(warnings_of(current)) if current and is_new else (),
                        late=tuple(each.sentence for each in found or ()),
                        log=log,
                        rejects=rejects,
                    ),
                )
            )
        if found is not None:
            told.append(_tell_late(workspace, found, run_id))
        return [sentence for sentence in told if sentence is not None]
    except KunderegnskabError:
        return []  # company.yaml cannot be read: the refresh says so itself
    except (OSError, MemoryError, duckdb.Error) as error:
        return [f"The hooks of company.yaml could not be called: {told_plainly(error)}"]


def tell_late(workspace: Workspace) -> tuple[list[Late], str | None]:
    """Call `on_late` if something is late that was not before.

    Returns:
        What is late now, and a sentence if the hook did not take its event.

    Raises:
        InputProblems: the configuration cannot be read.
    """
    found = late(workspace)
    return found, _tell_late(workspace, found, None)


def _late(workspace: Workspace) -> list[Late] | None:
    try:
        return late(workspace)
    except KunderegnskabError:
        return None  # feeds.yaml cannot be read: the refresh says so itself


def _is_first_to_tell(workspace: Workspace, run_id: str | None, status: str) -> bool:
    """Whether nobody has told this of the run: that it was killed, more than one may notice."""
    if run_id is None:
        return True
    folder = workspace.state / "hooks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "runs.lock"):
            before = read_note(folder / "runs.json", _Told)
            told, own = before.keys if before else [], f"{run_id} {status}"
            if own in told:
                return False
            write_note(folder / "runs.json", _Told(keys=[*told, own][-_RUNS_KEPT:]))
    except OSError:  # rather told twice than not at all
        pass
    return True


def _tell_late(workspace: Workspace, found: Sequence[Late], run_id: str | None) -> str | None:
    if hook_of(workspace, "late") is None:
        return None
    note = workspace.state / "hooks" / "late.json"
    before = read_note(note, _Told)
    known = set(before.keys) if before else set()
    keys = {each.key for each in found}
    if keys - known:
        current = store.current_if_whole(workspace.published)
        sentences = tuple(each.sentence for each in found)
        problem = tell(workspace, Event("late", run_id, current.name if current else None, late=sentences))
        if problem is not None:
            return problem  # told again next time
    if keys != known:
        write_note(note, _Told(keys=sorted(keys)))
    return None
