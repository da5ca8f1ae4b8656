"""Runs the Dagster job `refresh` in this process and tells what came of it.

How that is shown belongs in `cli.py`, what the job does in `defs/`.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
import traceback
from collections.abc import Generator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from kunderegnskab.code_version import code_version
from kunderegnskab.ingest import configuration_hashes, input_files, input_hash
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.progress import Progress, listening
from kunderegnskab.publication import store
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import WorkspaceBusy, sole_writer
from orchestration.dbt_project import keep_newest
from orchestration.status import note_path, warnings_of
from orchestration.tags import FULL, run_tags


@dataclass(frozen=True)
class Outcome:
    """What came of a refresh.

    Attributes:
        status: published, unchanged (nothing new was published) or failed (nothing was published).
        publication: name of the publication that readers see now, None before the first.
        sentences: what went wrong, plain; empty unless failed.
        warnings: checks that failed without hindering the publication, plain.
        notes: what could not be kept or sent of the run, which changes nothing of what came of it.
        changed: files that are new, others or gone since the publication before, and `the program` if it is.
        seconds: how long it took.
        log: file with everything that Dagster and dbt said; None if they were not started.
    """

    status: Literal["published", "unchanged", "failed"]
    publication: str | None
    run_id: str | None = None
    sentences: tuple[str, ...] = ()
    log: str | None = None
    rejects: str | None = None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    seconds: int = 0


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
            _clear(workspace)
            for sentence in store.recover(workspace.published):
                progress(sentence, 0, 1)
        files = input_files(workspace)
        inputs = input_hash(workspace, files)
        published = store.unchanged(workspace.published, inputs, code_version())
        if published is not None and not full:
            outcome = Outcome("unchanged", published.name)
        else:
            changed = _changed(workspace, files)
            outcome = _run(workspace, progress, run_tags(inputs) | ({FULL: "true"} if full else {}))
            outcome = replace(outcome, changed=changed)
    except WorkspaceBusy as error:
        return _failed(workspace, error)
    except KunderegnskabError as error:
        outcome = _failed(workspace, error)
    outcome = replace(outcome, seconds=round(time.monotonic() - began))
    _note(workspace, outcome)
    return outcome


def _changed(workspace: Workspace, files: Mapping[str, str]) -> tuple[str, ...]:
    """Names of files that are not what the current publication was made from, and whether the program is."""
    current = store.current(workspace.published)
    if current is None:
        return tuple(files)
    now = {**configuration_hashes(workspace), **files}
    before: dict[str, object] = {}
    configuration = current.manifest.parameters.get("configuration")
    before |= configuration if isinstance(configuration, dict) else {}
    for file in current.manifest.inputs:
        before |= {file.path: file.sha256, **file.lookups}
    changed = sorted(name for name in now.keys() | before.keys() if now.get(name) != before.get(name))
    is_same_program = current.manifest.code_version == code_version()
    return (*changed, *(() if is_same_program else ("the program",)))


def _clear(workspace: Workspace) -> None:
    """Remove what the last refresh said of its failure, and the oldest logs."""
    shutil.rmtree(workspace.state / "failures", ignore_errors=True)
    keep_newest(_logs(workspace), workspace.company.dagster_runs_kept - 1)


def _logs(workspace: Workspace) -> Path:
    return workspace.state / "logs"


def _failed(workspace: Workspace, error: KunderegnskabError) -> Outcome:
    current = store.current(workspace.published)
    return Outcome("failed", current.name if current else None, sentences=tuple(str(error).splitlines()))


def _run(workspace: Workspace, progress: Progress, tags: dict[str, str]) -> Outcome:
    # Imported here because Dagster takes seconds, and most refreshes find nothing to do.
    from orchestration.dbt_process import started_early

    log = _logs(workspace) / f"refresh-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    progress("starting", 0, 1)
    with _output_to(log), _faults_to_log(log), started_early(workspace):
        from orchestration import failures, run_notes
        from orchestration.instance import open_instance

        with open_instance(workspace) as instance, listening(progress):
            from orchestration.definitions import defs  # reads the environment that is set by now

            job = defs().resolve_job_def("refresh")
            result = job.execute_in_process(
                instance=instance,
                tags=tags,
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "INFO"}}}},
            )
            # A step that was left out, though no other failed, has not done its work.
            left_out = [event.step_key for event in result.all_events if event.is_step_skipped]
            is_whole = result.success and not left_out
            sentences, rejects = ((), None) if is_whole else failures.explain(workspace, result)
            notes = tuple(run_notes.run_warnings(workspace, result.run_id))
    current = store.current(workspace.published)
    name = current.name if current else None
    if is_whole:
        if current is None or current.manifest.run_id != result.run_id:
            return Outcome("unchanged", name, result.run_id, log=str(log), notes=notes)
        return Outcome(
            "published", name, result.run_id, log=str(log), warnings=tuple(warnings_of(current)), notes=notes
        )
    if not sentences:
        sentences = (f"Steps were left out ({', '.join(map(str, left_out))}), so nothing was published.",)
    return Outcome("failed", name, result.run_id, sentences, str(log), rejects, notes=notes)


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
    with log.open("a", encoding="utf-8") as stream, redirect_stdout(stream), redirect_stderr(stream):
        yield
