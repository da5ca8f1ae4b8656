"""Looking for names in tables: in a warehouse before it is published, and in publications.

Here: the search. Not here: which names are looked for (personal/names.py), and what a find means (gate.py,
orchestration/kunderegnskab_orchestration/verify.py, personal/purge.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import duckdb

from kunderegnskab.sql import identifier, literals, qualified

# A customer may be called like a salesperson; a column that may hold either is looked into all the same.
_CUSTOMERS_ALONE = {"customer"}


class Held(NamedTuple):
    """Cells of a column that are exactly one of the texts looked for."""

    table: str
    column: str
    cells: int


def cells_that_are(
    con: duckdb.DuckDBPyConnection, catalog: str, texts: Iterable[str], *, only: str | None = None
) -> list[Held]:
    """Where text cells of published schemas equal one of the texts.

    Columns that audit.personal_data lists for whoever approved something are left out, since they are named
    as evidence, and those that hold nobody but customers.

    Args:
        only: a category of audit.personal_data; look only into its columns.
    """
    listed = literals(sorted(texts))
    if not listed:
        return []
    categories: dict[tuple[str, str, str], set[str]] = {}
    for *place, category in con.execute(
        f"select schema_name, table_name, column_name, category from {catalog}.audit.personal_data"
    ).fetchall():
        categories.setdefault((place[0], place[1], place[2]), set()).add(category)
    tables: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in con.execute(
        "select c.schema_name, c.table_name, c.column_name from duckdb_columns() as c "
        "inner join duckdb_tables() as t using (database_name, schema_name, table_name) "
        "where c.database_name = ? and c.schema_name in ('marts', 'audit', 'raw') "
        "and c.data_type = 'VARCHAR' order by all",
        [catalog],
    ).fetchall():
        held = categories.get((schema, table, column), set())
        if only in held if only else "employee" not in held and held != _CUSTOMERS_ALONE:
            tables.setdefault((schema, table), []).append(column)
    found = []
    for (schema, table), columns in tables.items():
        counts = ", ".join(
            f"count(*) filter (where {identifier(column)} in ({listed}))" for column in columns
        )
        row = con.execute(f"select {counts} from {catalog}.{qualified(schema, table)}").fetchall()[0]
        found += [
            Held(f"{schema}.{table}", column, cells)
            for column, cells in zip(columns, row, strict=True)
            if cells
        ]
    return found
