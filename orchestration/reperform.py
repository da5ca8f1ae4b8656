"""Computes publications again: loads what was recorded, runs the models of the recorded code, compares.

What is loaded and how contents are compared belongs in `kunderegnskab.audit.reperformance`. A later
commit runs this module of an earlier one, so its name and its arguments stay.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict
from pathlib import Path

import duckdb

from kunderegnskab.audit.models import Model, record_models
from kunderegnskab.audit.personal_data import record_personal_data
from kunderegnskab.audit.reperformance import CannotReperform, Difference, compare, load_again
from kunderegnskab.code_version import code_version, lock_sha256
from kunderegnskab.dbt.answers import LineageCache, built_models
from kunderegnskab.dbt.process import DbtEnded, DbtProcess
from kunderegnskab.dbt.project import ensure_manifest, environment, parse_folder, read_manifest
from kunderegnskab.progress import Progress, silent
from kunderegnskab.publication import store
from kunderegnskab.publication.store import Publication
from kunderegnskab.workspace import REPOSITORY, Workspace

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
    models = _run_models(workspace, warehouse, scratch)
    with duckdb.connect(str(warehouse)) as con:
        lineage, _ = LineageCache(parse_folder(workspace)).of(models, con)
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


def _run_models(workspace: Workspace, warehouse: Path, scratch: Path) -> list[Model]:
    """Build seeds and models, without their tests."""
    manifest = read_manifest(ensure_manifest(workspace))
    # What dbt logs, also while it ends, is for a developer; this program's answer may be JSON.
    with redirect_stdout(io.StringIO()):
        dbt = DbtProcess({**environment(workspace), "KUNDEREGNSKAB_WAREHOUSE": str(warehouse)})
        try:
            answers = dbt.run(["build", *_WITHOUT_TESTS], scratch / "target", lambda *_: None)["results"]
        except DbtEnded as error:
            raise CannotReperform(f"The models do not run: {error}") from error
        finally:
            dbt.end()
    if broken := [
        f"{answer['unique_id']}: {answer['message']}" for answer in answers if answer["status"] != "success"
    ]:
        raise CannotReperform("The models do not run: " + "\n".join(broken))
    return built_models(manifest, answers)


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
    named = store.find(workspace.published, sys.argv[2])
    assert named is not None
    with tempfile.TemporaryDirectory(prefix="kunderegnskab-verify-") as scratch:
        found = perform(workspace, named, Path(scratch))
    sys.stdout.write(json.dumps([asdict(each) for each in found]))


if __name__ == "__main__":
    main()
