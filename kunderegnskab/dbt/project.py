"""The dbt project as a refresh uses it: where it is, its manifest, and which rules and tables it declares.

What dbt's answers mean belongs in answers.py, its process in process.py, and how its nodes appear as assets
in orchestration/kunderegnskab_orchestration/defs/transformation.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from kunderegnskab.code_version import MODELS, tree_sha256
from kunderegnskab.dbt.agreed import PARENT_VARIABLE, STAMP, read_stamp
from kunderegnskab.installation import DBT_PROJECT, REPOSITORY
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.publication.evidence import evidence_tables
from kunderegnskab.publication.publish import MartRequest
from kunderegnskab.quality.certification import ExpectedCheck
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.notes import write_text

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
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_PROJECT_DIR": str(DBT_PROJECT),
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


def parse_folder(workspace: Workspace) -> Path:
    """Where dbt keeps the manifest and its parse of the project.

    All workspaces of a clone share it. An installation, which is read-only or nobody's own, and a clone that
    may not be written in leave it to each workspace.
    """
    if REPOSITORY is not None and os.access(REPOSITORY, os.W_OK):
        return REPOSITORY / ".cache" / "dbt"
    return workspace.state / "dbt"


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
        wanted = tree_sha256(MODELS)
        # A parse that was killed leaves a manifest of other files, or half of one, beside an older stamp.
        if not manifest.is_file() or read_stamp(target) != [wanted, _sha256(manifest)]:
            _parse(workspace)
            if tree_sha256(MODELS) != wanted:
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
        cwd=DBT_PROJECT,
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


def project(workspace: Workspace) -> dict[str, Any]:
    """The dbt project's manifest as the code now stands."""
    return read_manifest(ensure_manifest(workspace))


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


def published_nodes(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The models and seeds to publish: those of marts, and the tables of audit.

    Views of audit read the records, which are not published.
    """
    return [
        node
        for _, node in sorted(manifest["nodes"].items())
        if node["resource_type"] in ("model", "seed")
        and (node["schema"] == "marts" or (node["schema"] == "audit" and not _is_view(node)))
    ]


def mart_requests(manifest: Mapping[str, Any], queries: Mapping[str, str]) -> list[MartRequest]:
    """What to publish, with the key that the rules of each declare as its grain, and with descriptions.

    Args:
        queries: the SELECT of every view of marts that was built, by `schema.table`; a view without one
            cannot be published.
    """
    keys = {
        test["attached_node"]: tuple(test["test_metadata"]["kwargs"].get("grain") or ())
        for test in tests(manifest)
    }
    sources = {f"{node['schema']}.{node['name']}": node for node in manifest["sources"].values()}
    return [
        MartRequest(
            schema_name=node["schema"],
            table=node["name"],
            key=keys.get(node["unique_id"], ()),
            query=queries.get(f"{node['schema']}.{node['name']}", "") if _is_view(node) else None,
            **_descriptions(node),
        )
        for node in published_nodes(manifest)
    ] + [
        table.model_copy(update=_descriptions(sources[table.name])) if table.name in sources else table
        for table in evidence_tables()
    ]


def _is_view(node: Mapping[str, Any]) -> bool:
    return node["config"]["materialized"] == "view"


def _descriptions(node: Mapping[str, Any]) -> dict[str, Any]:
    columns = {name: " ".join(column["description"].split()) for name, column in node["columns"].items()}
    return {"description": " ".join(node["description"].split()), "columns": columns}
