"""What every table of a publication was computed by: tables audit.models and audit.column_lineage.

Here: how they are written into the warehouse and read back. Not here: following a query's columns
(lineage.py) and computing models again (trace.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from kunderegnskab.audit.lineage import SourceColumn
from kunderegnskab.rows import insert_rows


@dataclass(frozen=True)
class Model:
    """One relation that a refresh built.

    Attributes:
        schema: staging, intermediate, marts or audit.
        name: name of the relation.
        kind: table or view; seed for a table that comes with the product.
        query: the SELECT as DuckDB ran it; empty for a seed.
        reads: the relations that the query names, as `schema.relation`.
        description: what it holds, from the project's documentation.
    """

    schema: str
    name: str
    kind: str
    query: str
    reads: tuple[str, ...]
    description: str


def record_models(
    con: duckdb.DuckDBPyConnection,
    models: Sequence[Model],
    lineage: Mapping[tuple[str, str], Mapping[str, Sequence[SourceColumn]]],
) -> None:
    """Write both tables into the warehouse that the models were built in.

    Args:
        lineage: (schema, relation) -> column -> the columns that its value is made of, one step back.
    """
    con.execute("create schema if not exists audit")
    con.execute(
        """
        create or replace table audit.models (
            schema_name varchar, model varchar, kind varchar, description varchar, reads varchar,
            query varchar
        )
        """
    )
    rows = [
        (model.schema, model.name, model.kind, model.description, " ".join(model.reads), model.query)
        for model in models
    ]
    insert_rows(con, "audit.models", rows)
    con.execute(
        """
        create or replace table audit.column_lineage (
            schema_name varchar, model varchar, column_name varchar,
            source_schema varchar, source_relation varchar, source_column varchar
        )
        """
    )
    edges = [
        (*relation, column, source.schema, source.relation, source.column)
        for relation, columns in lineage.items()
        for column, sources in columns.items()
        for source in sources
    ]
    insert_rows(con, "audit.column_lineage", edges)


def read_models(con: duckdb.DuckDBPyConnection, catalog: str) -> dict[str, Model]:
    """The models of a publication's attached database, by `schema.relation`."""
    found = con.execute(
        f"select schema_name, model, kind, query, reads, description from {catalog}.audit.models"
    ).fetchall()
    return {
        f"{schema}.{name}": Model(schema, name, kind, query, tuple(reads.split()), description)
        for schema, name, kind, query, reads, description in found
    }
