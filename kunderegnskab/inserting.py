"""Rows that Python has made, written into a table in one statement.

DuckDB plans each statement anew, so that one statement per row (`executemany`) takes a hundred times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

_ROWS = "_rows_to_insert"


def insert_rows(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """Add rows, each with a value per column of the table, in their order.

    Args:
        table: name of the table as SQL, perhaps with the columns that the rows have.
    """
    if not rows:
        return
    columns = {f"column_{place}": values for place, values in enumerate(zip(*rows, strict=True))}
    con.register(_ROWS, pa.table({name: pa.array(values) for name, values in columns.items()}))
    con.execute(f"insert into {table} select * from {_ROWS}")
    con.unregister(_ROWS)
