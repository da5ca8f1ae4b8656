"""Computes publications again: loads what was recorded, runs the recorded code's models and checks, compares.

What is loaded and how contents are compared belongs in `kunderegnskab.audit.reperformance`. A later
commit runs this module of an earlier one, so its name and its arguments stay.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, time
from pathlib import Path
from typing import Any

import duckdb
from pydantic import TypeAdapter

from kunderegnskab.audit.reperformance import (
    Again,
    CannotReperform,
    Difference,
    compare,
    days_of_checks,
    different_checks,
    load_again,
    published_results,
)
from kunderegnskab.audit.trace import CannotTrace
from kunderegnskab.code_version import code_version, lock_sha256
from kunderegnskab.file_hash import file_sha256
from kunderegnskab.installation import REPOSITORY
from kunderegnskab.progress import Progress, silent
from kunderegnskab.publication import store
from kunderegnskab.publication.store import Publication
from kunderegnskab.quality.certification import STAGES, read_results
from kunderegnskab.refresh.beside import Beside, NotBuilt, build_beside
from kunderegnskab.refresh.pages import write_pages
from kunderegnskab.sql import WAREHOUSE_CONFIG
from kunderegnskab.workspace import Company, Workspace, journal


def reperform(
    workspace: Workspace, publications: Sequence[Publication], progress: Progress = silent
) -> dict[str, Again | CannotReperform]:
    """Compute publications again in a scratch folder.

    The code is the one that made each: this one, or the recorded commit of this repository.

    Returns:
        By publication what came out differently, or why it could not be computed again.
    """
    found: dict[str, Again | CannotReperform] = {}
    with tempfile.TemporaryDirectory(prefix="kunderegnskab-verify-") as scratch:
        for publication in publications:
            try:
                if publication.manifest.code_version == code_version():
                    found[publication.name] = perform(workspace, publication, Path(scratch), progress)
                else:
                    found[publication.name] = _by_its_own_code(workspace, publication, progress)
            except CannotReperform as error:
                found[publication.name] = error
    return found


def perform(
    workspace: Workspace, publication: Publication, scratch: Path, progress: Progress = silent
) -> Again:
    """Compute a publication again by this code, whatever code it was made by: tables, checks and pages.

    Raises:
        CannotReperform: the models or the checks do not run.
    """
    manifest = publication.manifest
    days = days_of_checks(publication)
    previous = manifest.previous
    before = store.find(workspace.published, previous.publication) if previous else None
    beside = Beside(
        subject=f"{publication.name} again",
        run_id=manifest.run_id,
        input_hash=manifest.input_hash,
        code_version=manifest.code_version,
        # A stage without any result was forged, and is told of whatever its day.
        at={
            stage: datetime.combine(days.get(stage, manifest.started_at.date()), time.min) for stage in STAGES
        },
        waivers=manifest.waivers,
        previous=before.database if before else None,
    )
    try:
        warehouse = build_beside(
            workspace, scratch, beside, lambda con: load_again(con, workspace, publication), progress
        )
    except (NotBuilt, CannotTrace) as error:
        raise CannotReperform(str(error)) from error
    with duckdb.connect(str(warehouse), config=WAREHOUSE_CONFIG) as con:
        made = read_results(con)
        pages = _different_pages(workspace, publication, con, scratch)
        return Again(
            tables=compare(con, publication, progress),
            checks=different_checks(made, publication),
            pages=pages,
            compared_checks=len(made),
            compared_pages=len(_pages(publication)),
        )


def _pages(publication: Publication) -> dict[str, str]:
    """SHA-256 of the files of quality/ by their names in the publication."""
    files = publication.manifest.files
    return {name: file.sha256 for name, file in files.items() if name.startswith(f"{store.QUALITY_FOLDER}/")}


def _different_pages(
    workspace: Workspace, publication: Publication, con: duckdb.DuckDBPyConnection, scratch: Path
) -> list[str]:
    """The files of quality/ that are not what is written now.

    What the publication's table says of checks is compared by itself, so the pages are written from it: they
    show the same rows as examples.
    """
    manifest = publication.manifest
    folder = scratch / store.QUALITY_FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    write_pages(
        folder,
        workspace,
        con,
        company=Company.recorded(manifest.parameters),
        results=published_results(publication),
        publication=publication.name,
        run_id=manifest.run_id,
        started_at=manifest.started_at,
        later_runs=journal.ended_after(journal.read(workspace), manifest.journal_sha256),
    )
    published = _pages(publication)
    made = {
        f"{store.QUALITY_FOLDER}/{name}": file_sha256(folder / name) for name in store.files_below(folder)
    }
    return sorted(name for name in published.keys() | made if published.get(name) != made.get(name))


def _by_its_own_code(workspace: Workspace, publication: Publication, progress: Progress) -> Again:
    with _checked_out(publication) as folder:
        progress(f"computing {publication.name} by its own code", 0, 1)
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "kunderegnskab_orchestration.reperform",
                str(workspace.root),
                publication.name,
            ],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(folder / "orchestration")])},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        said = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        commit = publication.manifest.code_commit
        raise CannotReperform(f"{publication.name} could not be computed by commit {commit}: {said}")
    return _from_json(json.loads(done.stdout))


def _from_json(said: Any) -> Again:
    """What `main` prints, by this code or by an earlier one, which told of tables alone."""
    if isinstance(said, list):
        return Again([Difference(**each) for each in said], [], [], compared_checks=0, compared_pages=0)
    return TypeAdapter(Again).validate_python(said)


@contextmanager
def _checked_out(publication: Publication) -> Generator[Path]:
    """The repository as it was at the publication's commit, in a scratch folder."""
    manifest = publication.manifest
    commit = manifest.code_commit
    made_by = f"{publication.name} was made by version {manifest.code_version}"
    if commit is None or commit.endswith("-dirty"):
        raise CannotReperform(
            f"{made_by}, of which no commit was recorded; only that code can compute it again."
        )
    if REPOSITORY is None:
        raise CannotReperform(
            f"{made_by}, and this program was installed without its repository; verify from a clone that has "
            f"commit {commit}, or with that version installed."
        )
    if manifest.lock_sha256 is None or manifest.lock_sha256 != lock_sha256():
        raise CannotReperform(
            f"{made_by} with other packages than are installed here; check out {commit}, run `make setup` "
            "there, and verify with that."
        )
    with tempfile.TemporaryDirectory(prefix="kunderegnskab-code-") as scratch:
        folder = Path(scratch) / "code"
        for command in (
            ["git", "clone", "--quiet", "--no-checkout", str(REPOSITORY), str(folder)],
            ["git", "-C", str(folder), "checkout", "--quiet", commit],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise CannotReperform(f"{made_by}, commit {commit}, which is not in this repository.")
        yield folder


def main() -> None:
    """Compute one publication again by the code that runs: workspace and publication are the arguments."""
    workspace = Workspace(Path(sys.argv[1]))
    named = store.find(workspace.published, sys.argv[2])
    assert named is not None
    with tempfile.TemporaryDirectory(prefix="kunderegnskab-verify-") as scratch:
        found = perform(workspace, named, Path(scratch))
    sys.stdout.write(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
