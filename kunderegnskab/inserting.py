"""Rows that Python has made, written into a table in one statement.

DuckDB plans each statement anew, so that one statement per row (`executemany`) takes a hundred times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb


def insert_rows(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """Add rows, each with a value per column of the table, in their order.

    Args:
        table: name of the table as SQL, perhaps with the columns that the rows have.
    """
    if rows:
        marks = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * len(rows))
        con.execute(f"insert into {table} values {marks}", [value for row in rows for value in row])
