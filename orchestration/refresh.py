"""Runs the Dagster job `refresh` in this process and tells what came of it.

How that is shown belongs in `commands/refresh.py`, what the job does in `defs/`.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from kunderegnskab.ingest.unread import unread
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.progress import Progress, listening
from kunderegnskab.publication import store
from kunderegnskab.publication.status import note_path, warnings_of
from kunderegnskab.refresh import due
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.kept import keep_newest
from kunderegnskab.workspace.lock import WorkspaceBusy, sole_writer
from orchestration.tags import FULL, run_tags


@dataclass(frozen=True)
class Outcome:
    """What came of a refresh.

    Attributes:
        status: published, unchanged (nothing new was published) or failed (nothing was published).
        publication: name of the publication that readers see now, None before the first.
        sentences: what went wrong, plain; empty unless failed.
        unread: files that nothing reads and sources that no file matches, plain; told whatever came of it.
        warnings: checks that failed without hindering the publication, plain.
        notes: what could not be kept or sent of the run, which changes nothing of what came of it.
        changed: names of files that are new, others or gone since the publication before; what else has
            changed of what it is made from stands in words.
        seconds: how long it took, waiting for others included.
        log: file with everything that Dagster and dbt said; None if they were not started.
        head: name and manifest's hash of the publication that is new, None where none is.
    """

    status: Literal["published", "unchanged", "failed"]
    publication: str | None
    run_id: str | None = None
    sentences: tuple[str, ...] = ()
    log: str | None = None
    rejects: str | None = None
    unread: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    seconds: int = 0
    head: str | None = None


def refresh(workspace: Workspace, progress: Progress, *, full: bool = False) -> Outcome:
    """Publish what lies in the workspace, unless that is what was published last.

    Args:
        full: read every file again and publish even if nothing has changed.

    Raises:
        DamagedPublication: what is published cannot be read.
    """
    began = time.monotonic()
    try:
        # Another refresh that is at work needs its log, its lists and its unfinished publication.
        with sole_writer(workspace):
            shutil.rmtree(workspace.state / "failures", ignore_errors=True)
            for sentence in store.recover(workspace.published):
                progress(sentence, 0, 1)
        found = due.look(workspace)
        if found.published is not None and not full:
            outcome = Outcome("unchanged", found.published.name)
        else:
            changed = due.changes(workspace, found)
            tags = run_tags(found.input_hash) | ({FULL: "true"} if full else {})
            outcome = replace(_run(workspace, progress, tags), changed=changed)
        is_noted = True
    except WorkspaceBusy as error:
        # What is noted of the last refresh belongs to the one at work.
        outcome, is_noted = _failed(workspace, error), False
    except KunderegnskabError as error:
        outcome, is_noted = _failed(workspace, error), True
    outcome = replace(outcome, unread=unread(workspace).sentences, seconds=round(time.monotonic() - began))
    if is_noted:
        _note(workspace, outcome)
    return outcome


def _failed(workspace: Workspace, error: KunderegnskabError) -> Outcome:
    current = store.current(workspace.published)
    return Outcome("failed", current.name if current else None, sentences=tuple(str(error).splitlines()))


def _run(workspace: Workspace, progress: Progress, tags: dict[str, str]) -> Outcome:
    # Imported here because Dagster takes seconds, and most refreshes find nothing to do.
    from kunderegnskab.dbt.process import started_early

    log = workspace.state / "logs" / f"refresh-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    # The newest may be of a refresh that has just begun and holds the workspace in a moment.
    keep_newest(log.parent, max(workspace.company.dagster_runs_kept - 1, 1))
    progress("starting", 0, 1)
    with _output_to(log), _faults_to_log(log), started_early(workspace):
        from orchestration.runs import failures, notes
        from orchestration.runs.instance import open_instance

        with open_instance(workspace) as instance, listening(progress):
            from orchestration.definitions import defs  # reads the environment that is set by now

            job = defs().resolve_job_def("refresh")
            result = job.execute_in_process(
                instance=instance,
                tags=tags,
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "INFO"}}}},
            )
            if failures.was_told_to_stop(result.all_events):
                raise KeyboardInterrupt
            # A step that was left out, though no other failed, has not done its work.
            left_out = [event.step_key for event in result.all_events if event.is_step_skipped]
            is_whole = result.success and not left_out
            sentences, rejects = ((), None) if is_whole else failures.explain(workspace, result)
            if failures.was_refused(result.all_events):
                raise WorkspaceBusy("\n".join(sentences))
            told = tuple(notes.run_warnings(workspace, result.run_id))
    current = store.current(workspace.published)
    name = current.name if current else None
    if is_whole:
        if current is None or current.manifest.run_id != result.run_id:
            return Outcome("unchanged", name, result.run_id, log=str(log), notes=told)
        return Outcome(
            "published",
            name,
            result.run_id,
            log=str(log),
            warnings=tuple(warnings_of(current)),
            notes=told,
            head=current.head,
        )
    if not sentences and left_out:
        sentences = (f"Steps were left out: {', '.join(map(str, left_out))}.",)
    return Outcome("failed", name, result.run_id, sentences, str(log), rejects, notes=told)


class RefreshBroke(KunderegnskabError):
    """The program itself failed; the log holds what a developer needs."""


@contextmanager
def _faults_to_log(log: Path) -> Generator[None]:
    try:
        yield
    except KunderegnskabError:
        raise
    except Exception as error:
        traceback.print_exc()
        first = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise RefreshBroke(
            f"The refresh broke and published nothing: {first[0]}\nThe log {log} tells more."
        ) from error


def _note(workspace: Workspace, outcome: Outcome) -> None:
    path = note_path(workspace)
    path.parent.mkdir(parents=True, exist_ok=True)
    noted = {"finished_at": datetime.now(UTC).isoformat(timespec="seconds"), **asdict(outcome)}
    path.write_text(json.dumps(noted, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


@contextmanager
def _output_to(log: Path) -> Generator[None]:
    """Dagster and dbt talk a lot; what they say goes to a file, also from processes they start."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    with (
        log.open("a", encoding="utf-8") as stream,
        _descriptors_to(stream.fileno()),
        redirect_stdout(stream),
        redirect_stderr(stream),
    ):
        yield


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
