"""Which columns a model's columns are made of, read from the SQL that was run.

One step at a time: a column of a model and the columns of the relations it selects from. Following the
steps to the feeds belongs to whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope

# schema -> relation -> column -> type
Catalog = Mapping[str, Mapping[str, Mapping[str, str]]]


@dataclass(frozen=True, order=True)
class SourceColumn:
    """A column of a relation of the warehouse."""

    schema: str
    relation: str
    column: str


class NoLineage(Exception):
    """The SQL cannot be followed; the text says why."""


def column_lineage(sql: str, columns: list[str], catalog: Catalog) -> dict[str, list[SourceColumn]]:
    """Per column of the query, the columns of relations that its value is made of, in order of name.

    Args:
        sql: one SELECT as DuckDB ran it.
        columns: names of the query's columns.
        catalog: columns of every relation that the query may name.

    Raises:
        NoLineage: sqlglot cannot parse or resolve the SQL.
    """
    schema: dict[str, object] = {
        name: {relation: dict(found) for relation, found in held.items()} for name, held in catalog.items()
    }
    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
        for table in tree.find_all(exp.Table):
            table.set("catalog", None)  # dbt writes the file's name before the schema
        qualified = qualify(tree, dialect="duckdb", schema=schema, validate_qualify_columns=False)
        scope = build_scope(qualified)
        found: dict[str, list[SourceColumn]] = {}
        for column in columns:
            node = lineage(column, qualified, dialect="duckdb", schema=schema, scope=scope, copy=False)
            found[column] = sorted(
                {
                    SourceColumn(table.db, table.name, leaf.name.rpartition(".")[2].strip('"'))
                    for leaf in node.walk()
                    if isinstance(table := leaf.expression, exp.Table)
                }
            )
    except (SqlglotError, ValueError) as error:
        raise NoLineage(str(error).splitlines()[0]) from error
    return found
