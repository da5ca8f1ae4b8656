"""Computes publications again: loads what was recorded, runs the models of the recorded code, compares.

What is loaded and how contents are compared belongs in `kunderegnskab.audit.reperformance`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import duckdb

from kunderegnskab.audit.models import record_models
from kunderegnskab.audit.reperformance import CannotReperform, Difference, compare, load_again
from kunderegnskab.code_version import code_version, lock_sha256
from kunderegnskab.personal.classification import record_personal_data
from kunderegnskab.progress import Progress, silent
from kunderegnskab.publication import store
from kunderegnskab.publication.store import Publication
from kunderegnskab.workspace import REPOSITORY, Workspace
from orchestration.dbt import LAUNCHER, PROJECT, built_models, column_lineage
from orchestration.dbt_launcher import PARENT_VARIABLE

_WITHOUT_TESTS = ("--resource-type", "model", "--resource-type", "seed")


def reperform(
    workspace: Workspace, publications: Sequence[Publication], progress: Progress = silent
) -> dict[str, list[Difference] | CannotReperform]:
    """Compute publications again in a scratch folder.

    The code is the one that made each: this one, or the recorded commit of this repository.

    Returns:
        By publication the tables that came out differently, or why it could not be computed again.
    """
    found: dict[str, list[Difference] | CannotReperform] = {}
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
) -> list[Difference]:
    """Compute a publication again by this code, whatever code it was made by.

    Raises:
        CannotReperform: the models do not run.
    """
    # The models name their warehouse so.
    warehouse = scratch / "kunderegnskab.duckdb"
    warehouse.unlink(missing_ok=True)
    progress(f"loading {publication.name} again", 0, 1)
    with duckdb.connect(str(warehouse)) as con:
        load_again(con, workspace, publication)
    progress(f"computing {publication.name} again", 0, 1)
    compiled = _run_models(warehouse, scratch)
    with duckdb.connect(str(warehouse)) as con:
        models = built_models(compiled, con)
        lineage, _ = column_lineage(models, con)
        record_models(con, models, lineage)
        record_personal_data(con, lineage)
        return compare(con, publication, progress)


def _by_its_own_code(workspace: Workspace, publication: Publication, progress: Progress) -> list[Difference]:
    with _checked_out(publication) as folder:
        progress(f"computing {publication.name} by its own code", 0, 1)
        done = subprocess.run(
            [sys.executable, "-m", "orchestration.reperform", str(workspace.root), publication.name],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        said = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        commit = publication.manifest.code_commit
        raise CannotReperform(f"{publication.name} could not be computed by commit {commit}: {said}")
    return [Difference(**each) for each in json.loads(done.stdout)]


def _run_models(warehouse: Path, scratch: Path) -> dict[str, object]:
    """Build seeds and models, without their tests; the manifest that dbt leaves behind."""
    target = scratch / "target"
    done = subprocess.run(
        [str(LAUNCHER), "--quiet", "build", "--project-dir", str(PROJECT), *_WITHOUT_TESTS],
        env=os.environ
        | {
            "KUNDEREGNSKAB_WAREHOUSE": str(warehouse),
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(scratch / "log"),
            "DBT_PROFILES_DIR": str(PROJECT),
            PARENT_VARIABLE: str(os.getpid()),
        },
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotReperform(f"The models do not run: {done.stdout[-2000:]}{done.stderr[-1000:]}")
    return json.loads((target / "manifest.json").read_text(encoding="utf-8"))


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
    if manifest.lock_sha256 != lock_sha256():
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
    named = next(each for each in store.publications(workspace.published) if each.name == sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="kunderegnskab-verify-") as scratch:
        found = perform(workspace, named, Path(scratch))
    sys.stdout.write(json.dumps([asdict(each) for each in found]))


if __name__ == "__main__":
    main()
