"""Telling those whom company.yaml names what came of a refresh, and what has begun to stand.

Here: of what they are told, and what only once. Not here: calling them, and what they read
(kunderegnskab/news), what is late (publication/freshness.py), and when a refresh has ended, which its
orchestration knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

import duckdb
from filelock import FileLock, Timeout
from pydantic import BaseModel

from kunderegnskab.news.calling import Receiver, receivers_of, tell
from kunderegnskab.news.events import Event, Kind, Standing
from kunderegnskab.news.standing import drifting, waiting_in
from kunderegnskab.problems import KunderegnskabError, told_plainly
from kunderegnskab.publication import store
from kunderegnskab.publication.changes import Changes
from kunderegnskab.publication.freshness import Late, late
from kunderegnskab.publication.status import warnings_of
from kunderegnskab.publication.store import Publication
from kunderegnskab.refresh.failures import Stopped, stopped_by
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.notes import read_note, write_note

_RUNS_KEPT = 50


class _Runs(BaseModel):
    """The newest outcomes that were told: run and status."""

    keys: list[str]


class _Told(BaseModel):
    """By channel, the keys of what stood when it last took an event of the kind."""

    channels: dict[str, list[str]]


@dataclass(frozen=True)
class _Begun:
    """What has begun to stand and is to be told.

    Attributes:
        is_remembered: whether what is not found any more still counts as told.
    """

    kind: Literal["late", "drift", "approval"]
    found: Sequence[Standing | Late]
    is_remembered: bool = False


def tell_outcome(
    workspace: Workspace,
    status: Literal["published", "unchanged", "failed"],
    run_id: str | None,
    *,
    problems: Sequence[str] = (),
    changes: Changes | None = None,
    log: str | None = None,
    rejects: str | None = None,
) -> list[str]:
    """Tell what came of a refresh, and what is late, drifts or waits for approval and did not before.

    Args:
        problems: what went wrong, plain.
        changes: what is otherwise than in the publication before.
        log: file with everything that the run said.
        rejects: file with all rejected records.

    Returns:
        A sentence for each receiver that did not take its event. Nothing else can come of it.
    """
    try:
        current = store.current_if_whole(workspace.published)
        is_late = _or_none(lambda: late(workspace))
        stopped = _stopped_by(workspace, run_id) if status == "failed" else None
        news: list[tuple[Receiver, Event]] = []
        if status != "unchanged" and _is_first_to_tell(workspace, run_id, status):
            event = Event(
                status,
                run_id,
                current.name if current else None,
                problems=tuple(problems),
                blocked_by=stopped.by if stopped else (),
                late=_sentences(is_late or ()),
                log=log,
                rejects=rejects,
            )
            if status == "published" and current is not None:
                event = replace(
                    event, head=current.head, warnings=tuple(warnings_of(current)), changes=changes
                )
            if event.blocked_by and receivers_of(workspace, "blocked"):
                event = replace(event, event="blocked")
            news += [(receiver, event) for receiver in receivers_of(workspace, event.event)]
        begun = [_drift(workspace, current), _approval(workspace, current, status, stopped)]
        if is_late is not None:
            begun.append(_Begun("late", is_late))
        told = _told(workspace, news, begun, Event("late", run_id, current.name if current else None))
        return list(filter(None, told))
    except KunderegnskabError:
        return []  # company.yaml cannot be read: the refresh says so itself
    except (OSError, MemoryError, duckdb.Error) as error:
        return [f"The hooks of company.yaml could not be called: {told_plainly(error)}"]


def tell_standing(workspace: Workspace) -> tuple[list[Late], list[str]]:
    """Tell what is late, drifts or waits for approval and did not before, or was not taken before.

    Returns:
        What is late now, and a sentence for each receiver that did not take its event.

    Raises:
        InputProblems: the configuration cannot be read.
    """
    found = late(workspace)
    current = store.current_if_whole(workspace.published)
    begun = [
        _Begun("late", found),
        _drift(workspace, current),
        _approval(workspace, current, "unchanged", None),
    ]
    told = _told(workspace, [], begun, Event("late", None, current.name if current else None))
    return found, list(filter(None, told))


_Answer = TypeVar("_Answer")


def _or_none(ask: Callable[[], _Answer]) -> _Answer | None:
    """None where that cannot be found out now: whoever refreshes is told why by what the refresh says."""
    try:
        return ask()
    except (KunderegnskabError, duckdb.Error, OSError):
        return None


def _stopped_by(workspace: Workspace, run_id: str | None) -> Stopped | None:
    """The checks that stopped a run; None where nobody is told, or another has the workspace."""
    kinds: tuple[Kind, ...] = ("failed", "blocked", "approval")
    if run_id is None or not any(receivers_of(workspace, kind) for kind in kinds):
        return None
    return _or_none(lambda: stopped_by(workspace, run_id))


def _drift(workspace: Workspace, current: Publication | None) -> _Begun | None:
    if current is None or not receivers_of(workspace, "drift"):
        return None
    found = _or_none(lambda: drifting(current))
    return None if found is None else _Begun("drift", found)


def _approval(
    workspace: Workspace, current: Publication | None, status: str, stopped: Stopped | None
) -> _Begun | None:
    """What waits for approval: published under a waiver, or in the way of this refresh.

    What is in the way is told once, although each morning's refresh finds it again: only a publication tells
    that it waits no more.
    """
    if not receivers_of(workspace, "approval"):
        return None
    if status == "failed":
        found = stopped.waiting if stopped else None
    else:
        found = _or_none(lambda: waiting_in(current)) if current else None
    return None if found is None else _Begun("approval", found, is_remembered=status != "published")


def _sentences(found: Sequence[Standing | Late]) -> tuple[str, ...]:
    return tuple(each.sentence for each in found)


def _is_first_to_tell(workspace: Workspace, run_id: str | None, status: str) -> bool:
    """Whether nobody has told this of the run: that it was killed, more than one may notice."""
    if run_id is None:
        return True
    folder = workspace.state / "hooks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "runs.lock"):
            before = read_note(folder / "runs.json", _Runs)
            told, own = before.keys if before else [], f"{run_id} {status}"
            if own in told:
                return False
            write_note(folder / "runs.json", _Runs(keys=[*told, own][-_RUNS_KEPT:]))
    except OSError:  # rather told twice than not at all
        pass
    return True


def _told(
    workspace: Workspace,
    news: Sequence[tuple[Receiver, Event]],
    begun: Sequence[_Begun | None],
    blank: Event,
) -> list[str | None]:
    """Tell all of it, and note for each channel what it has been told.

    Args:
        blank: an event without anything in it.
    """
    news, notes = list(news), []
    is_late = next((_sentences(each.found) for each in begun if each and each.kind == "late"), ())
    with ExitStack() as held:
        for each in filter(None, begun):
            receivers = receivers_of(workspace, each.kind)
            note = workspace.state / "hooks" / f"told-{each.kind}.json"
            if not receivers or not _is_ours(held, note):
                continue
            noted = read_note(note, _Told)
            before = noted.channels if noted else {}
            after: dict[str, tuple[list[str], int | None]] = {}
            for receiver in receivers:
                known = before.get(receiver.name, [])
                new = [one for one in each.found if one.key not in known]
                if new:
                    # What is late is told as a whole, because files and their publication belong together.
                    more = {} if each.kind == "late" else {each.kind: _sentences(new)}
                    news.append((receiver, replace(blank, event=each.kind, late=is_late, **more)))
                after[receiver.name] = (known, len(news) - 1 if new else None)
            notes.append((note, each, before, after))
        answers = tell(workspace, news)
        for note, each, before, after in notes:
            standing = {one.key for one in each.found}
            channels = {}
            for name, (known, place) in after.items():
                told = set(known) if each.is_remembered else standing & set(known)
                # Told again next time where it was not taken.
                channels[name] = sorted(told | standing if place is None or answers[place] is None else told)
            if channels != before:
                write_note(note, _Told(channels=channels))
    return answers


def _is_ours(held: ExitStack, note: Path) -> bool:
    """Whether nobody else is telling of the same just now, who then sees what stands."""
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        held.enter_context(FileLock(note.with_suffix(".lock"), timeout=0))
    except Timeout:
        return False
    except OSError:  # rather told twice than not at all
        pass
    return True
