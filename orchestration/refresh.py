"""Runs the Dagster job `refresh` in this process and tells what came of it.

How that is shown belongs in `cli.py`, what the job does in `defs/`.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from kunderegnskab.code_version import code_version
from kunderegnskab.ingest import input_files, input_hash
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.progress import Progress, listening
from kunderegnskab.publication import store
from kunderegnskab.workspace import Workspace
from orchestration import failures
from orchestration.instance import open_instance
from orchestration.tags import FULL, run_tags


@dataclass(frozen=True)
class Outcome:
    """What came of a refresh.

    Attributes:
        status: published, unchanged (nothing new was published) or failed (nothing was published).
        publication: name of the publication that readers see now, None before the first.
        sentences: what went wrong, plain; empty unless failed.
        log: file with everything that Dagster and dbt said; None if they were not started.
    """

    status: Literal["published", "unchanged", "failed"]
    publication: str | None
    run_id: str | None = None
    sentences: tuple[str, ...] = ()
    log: str | None = None
    rejects: str | None = None


def refresh(workspace: Workspace, progress: Progress, *, full: bool = False) -> Outcome:
    """Publish what lies in the workspace, unless that is what was published last.

    Args:
        full: read every file again and publish even if nothing has changed.

    Raises:
        InputProblems: files or configuration cannot be used.
    """
    for sentence in store.recover(workspace.published):
        progress(sentence, 0, 1)
    inputs = input_hash(workspace, input_files(workspace))
    published = store.unchanged(workspace.published, inputs, code_version())
    if published is not None and not full:
        return Outcome("unchanged", published.name)
    outcome = _run(workspace, progress, run_tags(inputs) | ({FULL: "true"} if full else {}))
    _note(workspace, outcome)
    return outcome


def last_outcome(workspace: Workspace) -> dict[str, object] | None:
    """What `refresh` noted of its last run, None if there was none."""
    try:
        return json.loads(_note_path(workspace).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _run(workspace: Workspace, progress: Progress, tags: dict[str, str]) -> Outcome:
    log = workspace.state / "logs" / f"refresh-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    progress("starting", 0, 1)
    with _output_to(log), _faults_to_log(log), open_instance(workspace) as instance, listening(progress):
        from orchestration.definitions import defs  # reads the environment that is set by now

        job = defs().resolve_job_def("refresh")
        result = job.execute_in_process(
            instance=instance,
            tags=tags,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "INFO"}}}},
        )
        sentences, rejects = ((), None) if result.success else failures.explain(workspace, result)
    current = store.current(workspace.published)
    name = current.name if current else None
    if result.success:
        made = current is not None and current.manifest.run_id == result.run_id
        return Outcome("published" if made else "unchanged", name, result.run_id, log=str(log))
    return Outcome("failed", name, result.run_id, sentences, str(log), rejects)


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
    path = _note_path(workspace)
    path.parent.mkdir(parents=True, exist_ok=True)
    noted = {"finished_at": datetime.now(UTC).isoformat(timespec="seconds"), **asdict(outcome)}
    path.write_text(json.dumps(noted, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _note_path(workspace: Workspace) -> Path:
    return workspace.state / "last_refresh.json"


@contextmanager
def _output_to(log: Path) -> Generator[None]:
    """Dagster and dbt talk a lot; what they say goes to a file, also from processes they start."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    with log.open("a", encoding="utf-8") as stream, redirect_stdout(stream), redirect_stderr(stream):
        yield
