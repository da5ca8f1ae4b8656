"""What dbt answered: how each rule came out, and which models it built by which SQL.

Asking it belongs in process.py, what the project declares in project.py.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from ruamel.yaml import YAML

from kunderegnskab.audit.lineage import LineageReader, NoLineage, SourceColumn
from kunderegnskab.audit.models import Model
from kunderegnskab.code_version import code_version
from kunderegnskab.dbt.project import is_blocking, rules
from kunderegnskab.problems import counted
from kunderegnskab.quality.certification import CheckResult, Status, told_of
from kunderegnskab.sql import qualified
from kunderegnskab.workspace.notes import write_text

Nodes = Mapping[str, Mapping[str, Any]]
Lineage = dict[tuple[str, str], dict[str, list[SourceColumn]]]
# schema -> relation -> column -> type
Catalog = dict[str, dict[str, dict[str, str]]]

_FAILING_ROWS_SHOWN = 5
_SENTENCES = Path(__file__).with_name("rule_sentences.yaml")
_TO_DO = {
    "en": {
        "correct": "correct the named records in the source, or in its mapping in feeds.yaml",
        "look": (
            "look at the named rows, and if the files have them right, report the check with the log: "
            "the program is wrong"
        ),
    },
    "da": {
        "correct": "ret de nævnte poster i kilden eller i dens beskrivelse i feeds.yaml",
        "look": (
            "se på de nævnte rækker, og har filerne dem rigtigt, så meld kontrollen med loggen: "
            "fejlen er i programmet"
        ),
    },
}
# How dbt_project/macros/rules.sql writes each rule of a test.
_RULE = re.compile(
    r"^-- rule (?P<name>\w+)\n.*?^from \(\n(?P<sql>.*?)\n\) as broken\nhaving count\(\*\) > 0$",
    re.MULTILINE | re.DOTALL,
)


def rules_sql(compiled: str) -> dict[str, str]:
    """The SQL of each rule of a test, by its name: it gives the rows that break the rule.

    Args:
        compiled: the test as dbt compiled it.
    """
    return {match["name"]: match["sql"] for match in _RULE.finditer(compiled)}


def rule_results(
    nodes: Nodes, run_results: Sequence[Mapping[str, Any]], con: duckdb.DuckDBPyConnection
) -> list[CheckResult]:
    """How each rule came out that dbt asked for, with the first rows that a broken one found.

    dbt says only whether any rule of a model is broken; which ones, and by how many rows, is asked here.

    Args:
        nodes: the manifest's nodes.
        run_results: what dbt says of each node that it ran.
    """
    results = []
    for result in run_results:
        node = nodes.get(result["unique_id"])
        if node is None or node["resource_type"] != "test" or result["status"] == "skipped":
            continue
        subject = nodes[node["attached_node"]]["name"]
        sql = rules_sql(result.get("compiled_code") or "")
        judged: dict[str, tuple[Status, int | None, str]] = dict.fromkeys(rules(node), ("passed", 0, ""))
        if result["status"] != "pass":
            message = str(result.get("message") or "")
            judged = {rule: _judged(con, sql.get(rule), message) for rule in rules(node)}
            if all(status == "passed" for status, _, _ in judged.values()):
                unlike = f"dbt found a broken rule of {subject} ({message}), asked again each holds."
                judged = dict.fromkeys(rules(node), ("error", None, unlike))
        for rule, (status, failing_rows, detail) in judged.items():
            sentence = sentence_of(rule)
            results.append(
                CheckResult(
                    check_name=rule,
                    stage="dbt",
                    subject=subject,
                    is_blocking=is_blocking(node),
                    status=status,
                    failing_rows=failing_rows,
                    observed=counted(failing_rows or 0, "failing row"),
                    expectation=sentence.en,
                    expectation_da=sentence.da,
                    detail=detail,
                    failing_sql=sql[rule] if status == "failed" else "",
                )
            )
    return results


def _judged(con: duckdb.DuckDBPyConnection, sql: str | None, message: str) -> tuple[Status, int | None, str]:
    if sql is None:
        return "error", None, message or "dbt did not come so far."
    try:
        ((count,),) = con.execute(f"select count(*) from ({sql})").fetchall()
    except duckdb.Error as error:
        return "error", None, str(error)
    return ("failed", count, _failing_rows(con, sql)) if count else ("passed", 0, "")


def built_models(manifest: Mapping[str, Any], run_results: Sequence[Mapping[str, Any]]) -> list[Model]:
    """Every model and seed that dbt built, with the SQL that was run, in the order of building.

    Args:
        run_results: what dbt says of each node that it ran.
    """
    nodes = manifest["nodes"]
    return [
        Model(
            schema=node["schema"],
            name=node["name"],
            kind=node["config"]["materialized"],
            query=result.get("compiled_code") or "",
            reads=tuple(_read_relations(node, manifest)),
            description=" ".join((node.get("description") or "").split()),
        )
        for result in run_results
        if result["status"] == "success"
        and (node := nodes.get(result["unique_id"]))
        and node["resource_type"] in ("model", "seed")
    ]


def _read_relations(node: Mapping[str, Any], manifest: Mapping[str, Any]) -> Iterator[str]:
    for unique_id in node["depends_on"].get("nodes", []):
        read = manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]
        yield f"{read['schema']}.{read['name']}"


class LineageCache:
    """Column lineage of the models, kept beside dbt's parse of the project: it follows from the code alone.

    Attributes:
        file: holds what was found for one set of queries over one catalog. Another set replaces it, but not a
            part of the same code's models, as a build has that a broken rule stopped.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / "lineage.json"

    def of(self, models: Sequence[Model], con: duckdb.DuckDBPyConnection) -> tuple[Lineage, dict[str, str]]:
        """Per model and column the columns one step back; and by a model's name why that cannot be shown."""
        catalog = catalog_of(con)
        queries = sorted((model.schema, model.name, model.query) for model in models if model.query)
        made_from = [code_version(), queries, catalog]
        key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()
        kept = self._read()
        if kept.get("key") != key:
            lineage, unknown = column_lineage(models, catalog)
            found = dict[str, Any](
                {
                    "key": key,
                    "code": code_version(),
                    "catalog": catalog,
                    "lineage": [
                        [
                            *relation,
                            {name: [_triple(source) for source in sources] for name, sources in of.items()},
                        ]
                        for relation, of in lineage.items()
                    ],
                    "unknown": unknown,
                }
            )
            if not _is_part(found, kept):
                self._write(found)
            kept = found
        return _lineage_in(kept), kept["unknown"]

    def kept(self) -> tuple[Catalog, Lineage, dict[str, str]]:
        """What is kept, whatever the code was then: catalog, lineage, and what could not be shown."""
        kept = self._read()
        return (kept["catalog"], _lineage_in(kept), kept["unknown"]) if kept else ({}, {}, {})

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self.file.read_text(encoding="utf-8"))
            _lineage_in(kept)
            return kept if {"key", "catalog", "unknown"} <= kept.keys() else {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}

    def _write(self, kept: Mapping[str, Any]) -> None:
        write_text(self.file, json.dumps(kept))


def _is_part(found: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    """Whether what was found is of some of the relations only that are kept, by the same code."""
    return found["code"] == kept.get("code") and _lineage_in(found).keys() < _lineage_in(kept).keys()


def column_lineage(models: Sequence[Model], catalog: Catalog) -> tuple[Lineage, dict[str, str]]:
    """Per model and column the columns one step back, and by a model's name why that cannot be shown."""
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


def catalog_of(con: duckdb.DuckDBPyConnection) -> Catalog:
    """Every column of the warehouse and its type, by schema and relation, in order of their making."""
    catalog: Catalog = {}
    for schema, relation, column, sql_type in con.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where database_name = current_database() and not internal order by table_oid, column_index"
    ).fetchall():
        catalog.setdefault(schema, {}).setdefault(relation, {})[column] = sql_type
    return catalog


def _triple(source: SourceColumn) -> list[str]:
    return [source.schema, source.relation, source.column]


def _lineage_in(kept: Mapping[str, Any]) -> Lineage:
    return {
        (schema, relation): {name: [SourceColumn(*each) for each in sources] for name, sources in of.items()}
        for schema, relation, of in kept["lineage"]
    }


def row_counts(models: Sequence[Model], con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    """How many rows each table has that was built, by schema and name."""
    tables = [model for model in models if model.kind != "view"]
    if not tables:
        return {}
    counts = " union all ".join(
        f"select {place}, count(*) from {qualified(model.schema, model.name)}"
        for place, model in enumerate(tables)
    )
    return {
        (tables[place].schema, tables[place].name): count for place, count in con.execute(counts).fetchall()
    }


class RuleSentence(NamedTuple):
    """What a rule expects and what to do where it is broken, as a sentence in each language."""

    en: str
    da: str | None


@cache
def _sentences() -> tuple[list[dict[str, str]], dict[str, str]]:
    declared = YAML(typ="safe").load(_SENTENCES)
    return declared["sentences"], declared["named"]


def sentence_of(name: str) -> RuleSentence:
    """What a rule expects and what to do.

    Rules are named after what must hold. Of those about the product's own sums there is nothing to correct in
    files, unless the rows say so.
    """
    sentences, named = _sentences()
    for each in sentences:
        if found := re.fullmatch(each["rule"], name):
            en, da = (each[code].format(**found.groupdict(), **_TO_DO[code]) for code in ("en", "da"))
            return RuleSentence(_capital(en), _capital(da))
    words = name.replace("__", " ").replace("_", " ")
    holds = next(
        (
            holds.format(**found.groupdict())
            for pattern, holds in named.items()
            if (found := re.fullmatch(pattern, name))
        ),
        None,
    )
    return RuleSentence(
        f"{_capital(words)}; {_TO_DO['en']['look']}.",
        None if holds is None else f"{holds}; {_TO_DO['da']['look']}.",
    )


def _capital(sentence: str) -> str:
    return f"{sentence[:1].upper()}{sentence[1:]}"


def _failing_rows(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    try:
        found = con.execute(f"select * from ({sql}) limit {_FAILING_ROWS_SHOWN}")
        names = [column[0] for column in found.description or ()]
        rows = found.fetchall()
    except duckdb.Error as error:
        return f"the failing rows cannot be listed: {str(error).splitlines()[0]}"
    return "\n".join(", ".join(f"{name} = {value}" for name, value in told_of(names, row)) for row in rows)
