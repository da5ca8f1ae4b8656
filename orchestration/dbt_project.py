"""The dbt project as a refresh uses it: where it is, its manifest, and which rules and tables it declares.

What dbt's answers mean belongs in `dbt_answers.py`, its process in `dbt_process.py`, and how its nodes
appear as assets in `defs/transformation.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from kunderegnskab.code_version import MODELS, tree_sha256
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.publication.publish import MartRequest
from kunderegnskab.quality.certification import ExpectedCheck
from kunderegnskab.workspace import REPOSITORY, Workspace
from kunderegnskab.workspace.notes import write_text
from orchestration.dbt_launcher import PARENT_VARIABLE, STAMP, read_stamp

PROJECT = REPOSITORY / "dbt_project"
LAUNCHER = Path(sys.executable).with_name("kunderegnskab-dbt")


class DbtProjectError(KunderegnskabError):
    """The dbt project cannot be parsed."""


def environment(workspace: Workspace) -> dict[str, str]:
    """What dbt needs to find a workspace's warehouse and to leave the repository clean."""
    return {
        "KUNDEREGNSKAB_WAREHOUSE": str(workspace.warehouse),
        "DBT_TARGET_PATH": str(parse_folder(workspace)),
        "DBT_LOG_PATH": str(workspace.state / "dbt"),
        # What dbt says is in the log of the refresh; its own file repeats it with every statement, which
        # takes a sixth of the time of a small company's refresh. A developer asks for it with `debug`.
        "DBT_LOG_LEVEL_FILE": os.environ.get("DBT_LOG_LEVEL_FILE", "none"),
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_PROJECT_DIR": str(PROJECT),
    }


def environment_of_process(dbt: Mapping[str, str]) -> dict[str, str]:
    """The environment of a dbt that this process starts.

    dbt reads every option from a variable, too. One that somebody has set for another project would change
    what is built here (DBT_EMPTY builds tables without rows), or stop it.

    Args:
        dbt: what `environment` gives.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    return {**own, **dbt, PARENT_VARIABLE: str(os.getpid())}


def keep_newest(folder: Path, count: int) -> None:
    """Remove all but the newest entries of a folder of logs or artifacts."""
    if folder.is_dir():
        by_age = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)
        for old in by_age[: max(len(by_age) - count, 0)]:
            shutil.rmtree(old) if old.is_dir() else old.unlink()


def parse_folder(workspace: Workspace) -> Path:
    """Where dbt keeps the manifest and its parse of the project, which all workspaces share.

    A repository that may not be written in leaves it to each workspace.
    """
    shared = REPOSITORY / ".cache" / "dbt"
    return shared if os.access(REPOSITORY, os.W_OK) else workspace.state / "dbt"


def runs_folder(workspace: Workspace) -> Path:
    """What each run of dbt left behind."""
    return workspace.state / "dbt" / "runs"


def ensure_manifest(workspace: Workspace) -> Path:
    """The manifest of the project as it stands now; parses the project if it was changed since.

    Raises:
        DbtProjectError: dbt cannot parse the project.
    """
    target = parse_folder(workspace)
    manifest = target / "manifest.json"
    target.mkdir(parents=True, exist_ok=True)
    with FileLock(target / "parse.lock"):
        wanted = tree_sha256(REPOSITORY, MODELS)
        # A parse that was killed leaves a manifest of other files, or half of one, beside an older stamp.
        if not manifest.is_file() or read_stamp(target) != [wanted, _sha256(manifest)]:
            _parse(workspace)
            if tree_sha256(REPOSITORY, MODELS) != wanted:
                raise DbtProjectError("Files of the dbt project changed while it was read. Run it again.")
            stamp = [wanted, _sha256(manifest)]
            write_text(target / STAMP, f"{' '.join(stamp)}\n")
            if read_stamp(target) != stamp:
                raise DbtProjectError(f"{target / STAMP} cannot be written; check rights and space.")
    return manifest


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _parse(workspace: Workspace) -> None:
    done = subprocess.run(
        [str(LAUNCHER), "--quiet", "parse"],
        env=environment_of_process(environment(workspace)),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DbtProjectError(f"dbt cannot parse the project:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")


@cache
def read_manifest(path: Path) -> dict[str, Any]:
    """manifest.json as a dictionary."""
    with path.open(encoding="utf-8") as stream:
        return json.load(stream)


def tests(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The tests of the project: one per model, with all its rules."""
    return (node for _, node in sorted(manifest["nodes"].items()) if node["resource_type"] == "test")


def rules(test: Mapping[str, Any]) -> list[str]:
    """The names of the rules that a test holds, each a check of its own; see dbt_project/macros/rules.sql."""
    return test["config"]["meta"]["rules"]


def expected_checks(manifest: Mapping[str, Any]) -> list[ExpectedCheck]:
    """Every rule of the project; a publication needs a result of each."""
    return [
        ExpectedCheck(stage="dbt", check_name=rule, is_blocking=is_blocking(test))
        for test in tests(manifest)
        for rule in rules(test)
    ]


def is_blocking(test: Mapping[str, Any]) -> bool:
    """Whether a test hinders a publication; rules of severity `warn` do not."""
    return str(test["config"].get("severity", "error")).lower() == "error"


def published_tables(manifest: Mapping[str, Any]) -> list[MartRequest]:
    """The tables of marts and audit with the key that their rules declare as their grain."""
    keys = {
        test["attached_node"]: tuple(test["test_metadata"]["kwargs"].get("grain") or ())
        for test in tests(manifest)
    }
    return [
        MartRequest(schema_name=node["schema"], table=node["name"], key=keys.get(unique_id, ()))
        for unique_id, node in sorted(manifest["nodes"].items())
        if node["resource_type"] in ("model", "seed")
        and node["schema"] in ("marts", "audit")
        and node["config"]["materialized"] in ("table", "seed", "incremental")
    ]
