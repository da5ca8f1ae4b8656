"""Which columns a model's columns are made of, read from the SQL that was run.

One step at a time: a column of a model and the columns of the relations it selects from. Following the
steps to the feeds is done by whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

# Stands for the rows of a relation, where a value is made of none of its columns: a count, or a name that a
# query gives to its rows.
ROWS = "*"

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


class LineageReader:
    """Follows the columns of queries over one catalog.

    Args:
        catalog: columns of every relation that a query may name.
    """

    def __init__(self, catalog: Catalog) -> None:
        known: dict[str, object] = {
            name: {relation: dict(found) for relation, found in held.items()}
            for name, held in catalog.items()
        }
        self._schema = MappingSchema(known, dialect="duckdb")

    def columns(self, sql: str, columns: list[str]) -> dict[str, list[SourceColumn]]:
        """Per column of a query, the columns of relations that its value is made of, in order of name.

        A value that no column is part of is made of ROWS of every relation that the query reads.

        Args:
            sql: one SELECT as DuckDB ran it.
            columns: names of the query's columns.

        Raises:
            NoLineage: sqlglot cannot parse or resolve the SQL.
        """
        try:
            tree = sqlglot.parse_one(sql, dialect="duckdb")
            for table in tree.find_all(exp.Table):
                table.set("catalog", None)  # dbt writes the file's name before the schema
            qualified = qualify(tree, dialect="duckdb", schema=self._schema, validate_qualify_columns=False)
            scope = build_scope(qualified)
            rows = sorted({SourceColumn(table.db, table.name, ROWS) for table in _relations(qualified)})
            return {column: self._sources(column, qualified, scope) or rows for column in columns}
        except (SqlglotError, ValueError) as error:
            raise NoLineage(str(error).splitlines()[0]) from error

    def _sources(self, column: str, query: exp.Expr, scope: Scope | None) -> list[SourceColumn]:
        # Untrimmed: what is asked for are names of columns, and trimming copies every query for every column.
        root = lineage(
            column, query, dialect="duckdb", schema=self._schema, scope=scope, copy=False, trim_selects=False
        )
        return sorted(
            {
                SourceColumn(table.db, table.name, node.name.rpartition(".")[2].strip('"'))
                for node in root.walk()
                if isinstance(table := node.expression, exp.Table)
            }
        )


def _relations(query: exp.Expr) -> list[exp.Table]:
    """The relations of the warehouse that a query names; the names of its own parts have no schema."""
    return [table for table in query.find_all(exp.Table) if table.db]
