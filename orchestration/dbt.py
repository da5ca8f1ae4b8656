"""The dbt project as Dagster uses it: where it is, its manifest, and what its tests said.

How dbt's nodes appear as assets belongs in `defs/transformation.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock

from kunderegnskab.code_version import tree_sha256
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.publication.publish import MartRequest
from kunderegnskab.quality.certification import CheckResult, ExpectedCheck
from kunderegnskab.workspace import REPOSITORY, Workspace

PROJECT = REPOSITORY / "dbt_project"
LAUNCHER = Path(sys.executable).with_name("kunderegnskab-dbt")
_SOURCES = {"dbt_project": ("*.sql", "*.yml", "*.csv")}
_FAILING_ROWS_SHOWN = 5


class DbtProjectError(KunderegnskabError):
    """The dbt project cannot be parsed."""


def environment(workspace: Workspace) -> dict[str, str]:
    """What dbt needs to find a workspace's warehouse and to leave the repository clean."""
    return {
        "KUNDEREGNSKAB_WAREHOUSE": str(workspace.warehouse),
        "DBT_TARGET_PATH": str(target_path(workspace)),
        "DBT_LOG_PATH": str(workspace.state / "dbt"),
        "DBT_PROFILES_DIR": str(PROJECT),
    }


def target_path(workspace: Workspace) -> Path:
    """Where dbt keeps the manifest and its parse of the project."""
    return workspace.state / "dbt"


def ensure_manifest(workspace: Workspace) -> Path:
    """The manifest of the project as it stands now; parses the project if it was changed since.

    Raises:
        DbtProjectError: dbt cannot parse the project.
    """
    target = target_path(workspace)
    manifest = target / "manifest.json"
    stamp = target / "project.sha256"
    target.mkdir(parents=True, exist_ok=True)
    with FileLock(target / "parse.lock"):
        wanted = tree_sha256(REPOSITORY, _SOURCES)
        if not manifest.is_file() or not stamp.is_file() or stamp.read_text() != wanted:
            _parse(workspace)
            stamp.write_text(wanted)
    return manifest


def _parse(workspace: Workspace) -> None:
    done = subprocess.run(
        [str(LAUNCHER), "--quiet", "parse", "--project-dir", str(PROJECT)],
        env={**os.environ, **environment(workspace)},
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


def expected_checks(manifest: Mapping[str, Any]) -> list[ExpectedCheck]:
    """Every data test of the project; a publication needs a result of each that blocks."""
    return [
        ExpectedCheck(stage="dbt", check_name=node["name"], is_blocking=_is_blocking(node))
        for node in _tests(manifest)
    ]


def published_tables(manifest: Mapping[str, Any]) -> list[MartRequest]:
    """The tables of marts and audit with the key that their uniqueness test declares."""
    keys: dict[str, tuple[str, ...]] = {}
    for node in _tests(manifest):
        metadata = node.get("test_metadata") or {}
        if metadata.get("name") == "unique_combination":
            columns = metadata["kwargs"].get("columns") or metadata["kwargs"].get("combination_of_columns")
            keys[node["attached_node"]] = tuple(columns)
    return [
        MartRequest(schema_name=node["schema"], table=node["name"], key=keys.get(unique_id, ()))
        for unique_id, node in sorted(manifest["nodes"].items())
        if node["resource_type"] in ("model", "seed")
        and node["schema"] in ("marts", "audit")
        and node["config"]["materialized"] in ("table", "seed", "incremental")
    ]


def test_results(
    manifest: Mapping[str, Any], run_results: Mapping[str, Any], con: duckdb.DuckDBPyConnection
) -> list[CheckResult]:
    """What dbt's tests said, with the first rows that a failed one found."""
    nodes = manifest["nodes"]
    results = []
    for result in run_results["results"]:
        node = nodes.get(result["unique_id"])
        if node is None or node["resource_type"] != "test" or result["status"] == "skipped":
            continue
        status = {"pass": "passed", "fail": "failed", "warn": "failed"}.get(result["status"], "error")
        detail = ""
        if status == "failed":
            detail = _failing_rows(con, result.get("compiled_code"))
        elif status == "error":
            detail = str(result.get("message") or "")
        results.append(
            CheckResult(
                check_name=node["name"],
                stage="dbt",
                subject=_subject(node, nodes),
                is_blocking=_is_blocking(node),
                status=status,
                failing_rows=result.get("failures"),
                observed=f"{result.get('failures') or 0} failing rows",
                expectation=node.get("description") or sentence_of(node["name"]),
                detail=detail,
            )
        )
    return results


def sentence_of(name: str) -> str:
    """A test's name as words, for those that carry no description of their own."""
    return name.replace("__", ": ").replace("_", " ")


def _failing_rows(con: duckdb.DuckDBPyConnection, sql: str | None) -> str:
    if not sql:
        return ""
    try:
        found = con.execute(f"select * from ({sql}) limit {_FAILING_ROWS_SHOWN}")
        names = [column[0] for column in found.description or ()]
        rows = found.fetchall()
    except duckdb.Error as error:
        return f"the failing rows cannot be listed: {str(error).splitlines()[0]}"
    return "\n".join(", ".join(f"{name} = {value}" for name, value in zip(names, row, strict=True)) for row in rows)


def _tests(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (node for _, node in sorted(manifest["nodes"].items()) if node["resource_type"] == "test")


def _is_blocking(node: Mapping[str, Any]) -> bool:
    return str(node["config"].get("severity", "error")).lower() == "error"


def _subject(node: Mapping[str, Any], nodes: Mapping[str, Any]) -> str:
    attached = node.get("attached_node")
    if attached is None:
        attached = next(iter(node["depends_on"]["nodes"]), "")
    named = node["config"].get("meta", {}).get("dagster", {}).get("ref", {}).get("name")
    return named or (nodes[attached]["name"] if attached in nodes else attached.rpartition(".")[2])
