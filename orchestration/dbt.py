"""The dbt project as Dagster uses it: where it is, its manifest, and what its tests said.

How dbt's nodes appear as assets belongs in `defs/transformation.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from filelock import FileLock

from kunderegnskab.audit.lineage import ROWS, LineageReader, NoLineage, SourceColumn
from kunderegnskab.audit.models import Model
from kunderegnskab.code_version import MODELS, tree_sha256
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.publication.publish import MartRequest
from kunderegnskab.quality.certification import CheckResult, ExpectedCheck, Status
from kunderegnskab.workspace import REPOSITORY, Workspace
from orchestration.dbt_launcher import PARENT_VARIABLE

PROJECT = REPOSITORY / "dbt_project"
LAUNCHER = Path(sys.executable).with_name("kunderegnskab-dbt")
_FAILING_ROWS_SHOWN = 5
# What dbt calls the outcome of a test, as certification calls it; anything else could not be run.
_STATUS: dict[str, Status] = {"pass": "passed", "fail": "failed", "warn": "failed"}


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
    }


def keep_newest(folder: Path, count: int) -> None:
    """Remove all but the newest entries of a folder of logs or artifacts."""
    if folder.is_dir():
        for old in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)[:-count]:
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
    stamp = target / "project.sha256"
    target.mkdir(parents=True, exist_ok=True)
    with FileLock(target / "parse.lock"):
        wanted = tree_sha256(REPOSITORY, MODELS)
        if not manifest.is_file() or not stamp.is_file() or stamp.read_text() != wanted:
            _parse(workspace)
            stamp.write_text(wanted)
    return manifest


def _parse(workspace: Workspace) -> None:
    done = subprocess.run(
        [str(LAUNCHER), "--quiet", "parse", "--project-dir", str(PROJECT)],
        env={**os.environ, **environment(workspace), PARENT_VARIABLE: str(os.getpid())},
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
        status = _STATUS.get(result["status"], "error")
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
                observed=counted(result.get("failures") or 0, "failing row"),
                expectation=node.get("description") or sentence_of(node["name"]),
                detail=detail,
                failing_sql=result.get("compiled_code") or "" if status == "failed" else "",
            )
        )
    return results


Lineage = dict[tuple[str, str], dict[str, list[SourceColumn]]]


def built_models(compiled: Mapping[str, Any], con: duckdb.DuckDBPyConnection) -> list[Model]:
    """Every model and seed that the build left in the warehouse, with the SQL that was run.

    Args:
        compiled: the manifest that the build left behind.
    """
    catalog = _catalog(con)
    nodes = compiled["nodes"]
    return [
        Model(
            schema=node["schema"],
            name=node["name"],
            kind=node["config"]["materialized"],
            query=node.get("compiled_code") or "",
            reads=tuple(_read_relations(node, compiled)),
            description=" ".join((node.get("description") or "").split()),
        )
        for _, node in sorted(nodes.items())
        if node["resource_type"] in ("model", "seed") and node["name"] in catalog.get(node["schema"], {})
    ]


def _read_relations(node: Mapping[str, Any], compiled: Mapping[str, Any]) -> Iterator[str]:
    for unique_id in node["depends_on"].get("nodes", []):
        read = compiled["nodes"].get(unique_id) or compiled["sources"][unique_id]
        yield f"{read['schema']}.{read['name']}"


def column_lineage(models: Sequence[Model], con: duckdb.DuckDBPyConnection) -> tuple[Lineage, dict[str, str]]:
    """Per model and column the columns one step back, and why it cannot be shown for a model, by its name."""
    catalog = _catalog(con)
    reader = LineageReader(catalog)
    found: Lineage = {}
    unknown: dict[str, str] = {}
    for model in models:
        if not model.query:
            continue
        columns = list(catalog[model.schema][model.name])
        try:
            found[model.schema, model.name] = reader.columns(model.query, columns)
        except NoLineage as error:  # a picture is missing, not a number; CI fails on it
            unknown[model.name] = str(error)
    return found, unknown


def relation_metadata(
    models: Sequence[Model],
    lineage: Lineage,
    unknown: Mapping[str, str],
    manifest: Mapping[str, Any],
    con: duckdb.DuckDBPyConnection,
) -> dict[dg.AssetKey, dict[str, Any]]:
    """Row count, columns and column lineage of every model and seed that was built, by asset key.

    dagster-dbt can fetch these too, but waits for them in a busy loop that takes one of our cores for as
    long as dbt runs.

    Args:
        unknown: why the lineage of a model cannot be shown, by its name.
    """
    catalog = _catalog(con)
    described = {
        (node["schema"], node["name"]): node["columns"]
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
    }
    found: dict[dg.AssetKey, dict[str, Any]] = {}
    for model in models:
        relation = (model.schema, model.name)
        metadata: dict[str, Any] = {
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn(
                        name, sql_type, description=described[relation].get(name, {}).get("description")
                    )
                    for name, sql_type in catalog[model.schema][model.name].items()
                ]
            )
        }
        if model.kind != "view":
            count = con.execute(f'select count(*) from "{model.schema}"."{model.name}"').fetchall()[0][0]
            metadata["dagster/row_count"] = count
        if relation in lineage:
            metadata["dagster/column_lineage"] = dg.TableColumnLineage(
                deps_by_column={
                    column: [
                        dg.TableColumnDep(dg.AssetKey([source.schema, source.relation]), source.column)
                        for source in sources
                        if source.column != ROWS
                    ]
                    for column, sources in lineage[relation].items()
                }
            )
        elif model.name in unknown:
            metadata["column lineage"] = f"cannot be shown: {unknown[model.name]}"
        found[dg.AssetKey(list(relation))] = metadata
    return found


def _catalog(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, dict[str, str]]]:
    catalog: dict[str, dict[str, dict[str, str]]] = {}
    for schema, relation, column, sql_type in con.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where database_name = current_database() and not internal order by table_oid, column_index"
    ).fetchall():
        catalog.setdefault(schema, {}).setdefault(relation, {})[column] = sql_type
    return catalog


def sentence_of(name: str) -> str:
    """A test's name as a sentence: tests are named after what must hold."""
    words = name.replace("__", " ").replace("_", " ")
    return f"{words[:1].upper()}{words[1:]}."


def counted(number: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _failing_rows(con: duckdb.DuckDBPyConnection, sql: str | None) -> str:
    if not sql:
        return ""
    try:
        found = con.execute(f"select * from ({sql}) limit {_FAILING_ROWS_SHOWN}")
        names = [column[0] for column in found.description or ()]
        rows = found.fetchall()
    except duckdb.Error as error:
        return f"the failing rows cannot be listed: {str(error).splitlines()[0]}"
    return "\n".join(
        ", ".join(f"{name} = {value}" for name, value in zip(names, row, strict=True)) for row in rows
    )


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
