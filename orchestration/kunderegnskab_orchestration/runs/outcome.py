"""What came of a refresh, told in one place whoever started it: command, schedule, sensor or page.

Here: reading it from Dagster's events, noting it and telling the hooks. Not here: what failed checks and
steps say (failures.py), what hooks are told (kunderegnskab/refresh/telling.py), and showing it
(orchestration/kunderegnskab_orchestration/commands/refresh.py, kunderegnskab/publication/status.py).
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import duckdb

from kunderegnskab.ingest import Receipt, read_load_record
from kunderegnskab.ingest.unread import absent_columns, unread
from kunderegnskab.problems import KunderegnskabError, refusal_of, told_plainly
from kunderegnskab.publication import store
from kunderegnskab.publication.changes import Changes, changes_of
from kunderegnskab.publication.status import GOES_ON, note_path, waiting_approvals, warnings_of
from kunderegnskab.refresh.telling import tell_outcome
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import WorkspaceBusy
from kunderegnskab.workspace.notes import write_text
from kunderegnskab_orchestration import reserve
from kunderegnskab_orchestration.runs import failures
from kunderegnskab_orchestration.runs.logs import log_in_use

if TYPE_CHECKING:
    import dagster as dg

STOPPED = "The refresh was told to stop before its end."
# What Dagster's events tell of how a run went; of the other some 2,000 none does.
_TELLING = ("STEP_FAILURE", "STEP_SKIPPED", "PIPELINE_FAILURE", "PIPELINE_CANCELED", "PIPELINE_SUCCESS")


@dataclass(frozen=True)
class Outcome:
    """What came of a refresh.

    Attributes:
        status: published, unchanged (nothing new was published) or failed (nothing was published).
        publication: name of the publication that readers see now, None before the first.
        sentences: what went wrong, plain; empty unless failed.
        unread: files that nothing reads, sources that no file matches and mapped columns that no record of a
            file has, plain; told whatever came of it.
        warnings: checks that failed without hindering the publication, plain.
        waiting_approvals: changes that were published and wait for somebody's approval, plain.
        notes: what could not be kept or sent of the run, which changes nothing of what came of it.
        changed: names of files that are new, others or gone since the publication before; what else has
            changed of what it is made from stands in words.
        seconds: how long it took, waiting for others included.
        log: file with everything that Dagster and dbt said; None if they were not started.
        head: name and manifest's hash of the publication that is new, None where none is.
        changes: what that says otherwise than the one before it; None where none is new.
    """

    status: Literal["published", "unchanged", "failed"]
    publication: str | None
    run_id: str | None = None
    sentences: tuple[str, ...] = ()
    log: str | None = None
    rejects: str | None = None
    unread: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    waiting_approvals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    seconds: int = 0
    head: str | None = None
    changes: Changes | None = None


@dataclass(frozen=True)
class Conclusion:
    """What came of a refresh, and who need not be told of it.

    Attributes:
        how: done; stopped by somebody, who therefore knows, so that no hook is called; or busy, because
            another refresh is at work, to which what is noted of the last one belongs.
    """

    outcome: Outcome
    how: Literal["done", "stopped", "busy"] = "done"


def concluded(workspace: Workspace, run_id: str | None, work: Callable[[], Conclusion]) -> Conclusion:
    """Do the work of a refresh; what came of it, whatever goes wrong.

    Args:
        run_id: None where no run has been started yet.
    """
    try:
        return work()
    except RefreshStopped as error:
        return Conclusion(failed(workspace, [str(error)], run_id), "stopped")
    except WorkspaceBusy as error:
        return Conclusion(failed(workspace, str(error).splitlines(), run_id), "busy")
    except KunderegnskabError as error:
        told = str(error)
    except Exception as error:
        reserve.give_back()
        log = log_in_use()
        if log is not None:
            with suppress(MemoryError):
                traceback.print_exc()
        elif not isinstance(error, OSError | MemoryError):
            raise  # for a developer
        told = _broke(error, log)
    except BaseException:
        if run_id is not None:
            note(workspace, failed(workspace, [STOPPED], run_id))
        raise
    # Not before: until here the error held all that was in use when the memory was not enough.
    return Conclusion(failed(workspace, told.splitlines(), run_id))


def failed(workspace: Workspace, sentences: Sequence[str], run_id: str | None = None) -> Outcome:
    """A refresh that broke off: it came to nothing, unless readers have its publication already."""
    current = store.current_if_whole(workspace.published)
    log = log_in_use()
    if current is not None and current.manifest.run_id == run_id:
        told = " ".join(" ".join(sentences).split())
        broken_off = f"{current.name} is published and whole, but what follows that was broken off. {told}"
        return replace(_published(current), log=str(log) if log else None, notes=(broken_off,))
    return Outcome(
        "failed",
        current.name if current else None,
        run_id,
        sentences=tuple(sentences),
        log=str(log) if log else None,
    )


def _broke(error: Exception, log: Path | None) -> str:
    sentence = refusal_of(error)
    if log is None:
        return told_plainly(error)
    return f"{sentence or f'The refresh broke: {told_plainly(error)}'}\nThe log {log} tells more."


def events_of(instance: dg.DagsterInstance, run_id: str) -> list[dg.DagsterEvent]:
    """What Dagster's history tells of how a run went."""
    from dagster import DagsterEventType

    entries = instance.all_logs(run_id, of_type={DagsterEventType(kind) for kind in _TELLING})
    return [entry.dagster_event for entry in entries if entry.dagster_event is not None]


def outcome_of(
    workspace: Workspace, run_id: str, events: Sequence[dg.DagsterEvent], notes: Sequence[str]
) -> Outcome:
    """What came of a run that has ended.

    Args:
        events: as `events_of` gives them.
        notes: what could not be kept or sent of it.

    Raises:
        WorkspaceBusy: it did nothing, because another command held the workspace.
    """
    # A step that was left out, though no other failed, has not done its work.
    left_out = [event.step_key for event in events if event.is_step_skipped]
    is_whole = any(event.event_type_value == "PIPELINE_SUCCESS" for event in events) and not left_out
    sentences, rejects = ((), None) if is_whole else failures.explain(workspace, run_id, events)
    if failures.was_refused(events):
        raise WorkspaceBusy("\n".join(sentences))
    if is_whole:
        current = store.current(workspace.published)
        log = str(log_in_use())
        if current is not None and current.manifest.run_id == run_id:
            return replace(_published(current), log=log, notes=tuple(notes))
        return Outcome("unchanged", current.name if current else None, run_id, log=log, notes=tuple(notes))
    if not sentences and left_out:
        sentences = (f"Steps were left out: {', '.join(map(str, left_out))}.",)
    outcome = failed(workspace, sentences, run_id)
    return replace(outcome, rejects=rejects, notes=(*notes, *outcome.notes))


def _published(current: store.Publication) -> Outcome:
    return Outcome(
        "published",
        current.name,
        current.manifest.run_id,
        warnings=tuple(warnings_of(current)),
        waiting_approvals=tuple(waiting_approvals(current)),
        head=current.head,
    )


class RefreshStopped(KunderegnskabError):
    """Somebody told the refresh to stop."""


def ended(workspace: Workspace, came: Conclusion, seconds: float) -> tuple[Outcome, list[str]]:
    """Note what came of a refresh, and tell the hooks.

    Args:
        seconds: how long it took.

    Returns:
        The whole outcome, and a sentence for all that could not be noted or told of it.
    """
    told_not: list[str] = []
    outcome = replace(
        came.outcome,
        unread=_unread(workspace),
        seconds=round(seconds),
        changes=_changes(workspace, came.outcome, told_not),
    )
    if came.how != "busy" and not note(workspace, outcome):
        told_not.append("What came of this refresh could not be noted for `status`; state/ takes no files.")
    if came.how != "stopped":
        told_not += tell_outcome(
            workspace,
            outcome.status,
            outcome.run_id,
            problems=outcome.sentences,
            changes=outcome.changes,
            log=outcome.log,
            rejects=outcome.rejects,
        )
        _add_to_log(outcome.log, told_not)
    return outcome, told_not


def _changes(workspace: Workspace, outcome: Outcome, told_not: list[str]) -> Changes | None:
    """What a new publication says otherwise than the one before; that it cannot be found out, is told."""
    current = store.current_if_whole(workspace.published) if outcome.status == "published" else None
    if current is None:
        return None
    try:
        return changes_of(workspace.published, current)
    except (OSError, MemoryError, duckdb.Error) as error:
        told_not.append(f"What has changed since the publication before is not known: {told_plainly(error)}")
        return None


def _add_to_log(log: str | None, sentences: Sequence[str]) -> None:
    """What could not be told stands where the run's other words stand, too."""
    if log is None or not sentences:
        return
    with suppress(OSError), Path(log).open("a", encoding="utf-8", errors="backslashreplace") as stream:
        stream.writelines(f"{sentence}\n" for sentence in sentences)


def note(workspace: Workspace, outcome: Outcome) -> bool:
    """Keep what came of the last refresh, for `status` and for scripts; whether that could be done."""
    return _write(workspace, {"finished_at": _now(), **asdict(outcome)})


def _unread(workspace: Workspace) -> tuple[str, ...]:
    try:
        return (*unread(workspace).sentences, *absent_columns(_receipts(workspace)))
    except (OSError, MemoryError):  # the refresh has run into it as well, and says so
        return ()


def _receipts(workspace: Workspace) -> tuple[Receipt, ...]:
    """Those of the files that the warehouse was loaded from last; none if nothing was loaded."""
    if not workspace.warehouse.is_file():
        return ()
    try:
        with duckdb.connect(str(workspace.warehouse), read_only=True) as con:
            return read_load_record(con).receipts
    except duckdb.Error:  # a load that was broken off, which the refresh says
        return ()


def note_beginning(workspace: Workspace, run_id: str) -> None:
    """Note that a run goes on, which is all that is left of one that is killed. It holds the workspace."""
    log = log_in_use()
    _write(
        workspace,
        {"status": GOES_ON, "began_at": _now(), "run_id": run_id, "log": str(log) if log else None},
    )


def _write(workspace: Workspace, noted: Mapping[str, Any]) -> bool:
    text = json.dumps(noted, ensure_ascii=False, indent=1, default=str)
    return write_text(note_path(workspace), text + "\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
