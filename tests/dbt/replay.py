"""Runs the whole dbt project on many companies without starting dbt for each: its SQL, as dbt compiled it once.

Which companies there are and what must hold of them belongs in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from warehouse import Record, create_raw

from kunderegnskab.dbt.answers import rules_sql

# The relation that a statement changes.
CHANGES = re.compile(r"\b(?:update|delete from|insert into|alter table) (\w+)\.(\w+)")


class Replay:
    """The models of the project in the order in which they are built, and its rules.

    Attributes:
        rules: the SQL of every rule, which gives the rows that break it, by the rule's name.
        sentences: the names of those that say something of their own model: all but keys, NULLs and lists of
            accepted values, which have one form for all models.
    """

    def __init__(self, manifest: Mapping[str, Any], built: Path) -> None:
        nodes = manifest["nodes"]
        self.seeds = [node for node in nodes.values() if node["resource_type"] == "seed"]
        self.models = list(_in_order({k: n for k, n in nodes.items() if n["resource_type"] == "model"}))
        tests = [node for node in nodes.values() if node["resource_type"] == "test"]
        self.rules = {name: sql for test in tests for name, sql in rules_sql(test["compiled_code"]).items()}
        self.sentences = {name for test in tests for name in _sentences(test)}
        self.built = built

    @contextmanager
    def run(
        self,
        folder: Path,
        feeds: Mapping[str, Sequence[Record]],
        company: Record,
        published_baselines: Sequence[Record] = (),
    ) -> Generator[duckdb.DuckDBPyConnection]:
        """The built warehouse of a company, open; it is gone afterwards. `folder` is empty."""
        warehouse = folder / "kunderegnskab.duckdb"
        create_raw(warehouse, feeds, company=company, published_baselines=published_baselines)
        try:
            with duckdb.connect(str(warehouse)) as connection:
                self._build(connection)
                yield connection
        finally:
            warehouse.unlink()

    def broken_rules(self, connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
        """The first rows that each sentence finds; empty when all hold."""
        found = {name: connection.execute(self.rules[name]).fetchmany(5) for name in sorted(self.sentences)}
        return {name: rows for name, rows in found.items() if rows}

    def plant(self, connection: duckdb.DuckDBPyConnection, fault: str) -> list[tuple[Any, ...]]:
        """Runs the statements of a fault, and says what the last one gave. A view that they change is made a table first,
        with the rows that it has: the fault stands for SQL that would give those rows wrongly."""
        for schema, name in CHANGES.findall(fault):
            for model in self.models:
                if (model["schema"], model["name"]) == (schema, name) and _is_view(connection, schema, name):
                    connection.execute(f"drop view {schema}.{name}")
                    connection.execute(f"create table {schema}.{name} as {model['compiled_code']}")
        return connection.execute(fault).fetchall()

    def rebuild(self, connection: duckdb.DuckDBPyConnection, model: str, *, itself_too: bool = False) -> None:
        """Builds again whatever is built on a model."""
        changed = {node["unique_id"] for node in self.models if node["name"] == model}
        assert changed, f"there is no model {model}"
        for node in self.models:
            if itself_too and node["name"] == model:
                self._create(connection, node)
            if changed & set(node["depends_on"]["nodes"]):
                changed.add(node["unique_id"])
                self._create(connection, node)

    def rebuild_layer(self, connection: duckdb.DuckDBPyConnection, layer: str) -> None:
        """Builds every model of a layer again, and nothing of the layers after it."""
        for node in self.models:
            if node["schema"] == layer:
                self._create(connection, node)

    def _build(self, connection: duckdb.DuckDBPyConnection) -> None:
        for schema in sorted({node["schema"] for node in [*self.seeds, *self.models]}):
            connection.execute(f"create schema if not exists {schema}")
        connection.execute(f"attach '{self.built}' as built (read_only)")
        for seed in self.seeds:
            name = f"{seed['schema']}.{seed['name']}"
            connection.execute(f"create table {name} as from built.{name}")
        connection.execute("detach built")
        for model in self.models:
            self._create(connection, model)

    def _create(self, connection: duckdb.DuckDBPyConnection, model: Mapping[str, Any]) -> None:
        kind = "view" if model["config"]["materialized"] == "view" else "table"
        connection.execute(
            f"create or replace {kind} {model['schema']}.{model['name']} as {model['compiled_code']}"
        )


def _is_view(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> bool:
    found = connection.execute(
        "select 1 from duckdb_views() where schema_name = ? and view_name = ?", [schema, name]
    )
    return found.fetchone() is not None


def _sentences(test: Mapping[str, Any]) -> Iterator[str]:
    arguments = test["test_metadata"]["kwargs"]
    if "ratios_follow_from_sums" in arguments:
        yield test["name"].replace("__rules", "__ratios_are_of_its_sums")
    for kind in ("sums_to", "keeps_every_record"):
        yield from (rule["name"] for rule in arguments.get(kind, []))
    yield from arguments.get("own", [])


def _in_order(models: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every model after those it is built on."""
    done: set[str] = set()

    def visit(key: str) -> Iterator[dict[str, Any]]:
        if key in done:
            return
        done.add(key)
        for parent in models[key]["depends_on"]["nodes"]:
            if parent in models:
                yield from visit(parent)
        yield models[key]

    for key in models:
        yield from visit(key)
