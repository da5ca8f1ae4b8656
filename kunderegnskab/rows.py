"""Rows that Python has made, put into a table of DuckDB.

What the rows mean is known to whoever makes them.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb


def insert_rows(
    con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[object]], columns: Sequence[str] = ()
) -> None:
    """Add rows to a table in one statement, in their order.

    One parameter per column and not per value, because DuckDB takes about a millisecond per statement and
    thirty microseconds per parameter, however long the list is that the parameter holds.

    Args:
        table: SQL text that can follow `insert into`.
        columns: the columns that the rows fill; all of them, in order, if none are named.
    """
    if rows:
        listed = f" ({', '.join(columns)})" if columns else ""
        values = ", ".join(["unnest(?)"] * len(rows[0]))
        con.execute(
            f"insert into {table}{listed} select {values}",
            [list(column) for column in zip(*rows, strict=True)],
        )
