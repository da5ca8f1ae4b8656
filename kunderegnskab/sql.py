"""How names, texts and types are written in SQL: the one place where anything is quoted.

Here: what holds for any SQL and any file of DuckDB. Not here: SQL that reads a file's numbers and dates
(ingest/conventions.py), and which column has which type (feeds/contracts.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

# As DuckDB itself names them, so that they can be compared with what `describe` says.
TEXT = "VARCHAR"
DATE = "DATE"
BOOLEAN = "BOOLEAN"
INTEGER = "BIGINT"
MONEY = "DECIMAL(18,4)"
QUANTITY = "DECIMAL(18,6)"
RATE = "DECIMAL(18,8)"
KPI_VALUE = "DECIMAL(18,6)"
# Binary: what has been one is no longer exact.
FLOATS = ("DOUBLE", "FLOAT")
SIGNED_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
# Not UHUGEINT: it does not fit a 38-digit decimal, the widest number that Parquet readers know.
UNSIGNED_INTEGERS = ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")

# Of files of DuckDB. Each table takes whole blocks, and most tables here are small: with DuckDB's own 256 KiB
# most of a file is empty. A client of version 1.1 or later reads either.
BLOCK_BYTES = 65_536
WAREHOUSE_CONFIG: dict[str, str | bool | int | float | list[str]] = {"fsync_mode": "NONE"}
"""Of the working warehouse: each refresh makes it anew, so nobody waits for the disk at each table."""


def literal(value: str | Path) -> str:
    """A text or path as an SQL string."""
    return "'" + str(value).replace("'", "''") + "'"


def literals(values: Iterable[str | Path]) -> str:
    """Texts or paths as SQL strings with commas between them; empty if there are none."""
    return ", ".join(literal(value) for value in values)


def one_file(path: str | Path) -> str:
    """A path as what reads files in SQL takes it: that file alone, also if its name is like a pattern."""
    return literal(re.sub(r"[*?\[]", r"[\g<0>]", str(path)))


def in_both_forms(paths: Iterable[str | Path]) -> str:
    """Paths as settings that allow them take them, with commas between.

    DuckDB asks for the name as it is written in SQL, and again for the file that it finds by it.
    """
    return ", ".join(form(path) for path in paths for form in (literal, one_file))


def parquet(files: str | Path | Iterable[str | Path], *options: str) -> str:
    """SQL that reads one or more Parquet files: the columns that they have and no others.

    Args:
        options: of read_parquet, as `file_row_number = true`.
    """
    listed = ", ".join(map(one_file, [files] if isinstance(files, str | Path) else files))
    # Else a folder of the form `net=7` on the way to the file would be a column.
    return f"read_parquet([{listed}], {', '.join(['hive_partitioning = false', *options])})"


def identifier(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def qualified(*names: str) -> str:
    """Schema and table, or catalog, schema and table, as one quoted SQL name."""
    return ".".join(identifier(name) for name in names)


def portable_type(sql_type: str) -> str:
    """A type of this module as the dbt project writes it: every engine that it may run on knows that name."""
    return "string" if sql_type == TEXT else sql_type.lower()


def lock(con: duckdb.DuckDBPyConnection, *, folders: Sequence[Path] = ()) -> None:
    """Let a connection open no file or address any more, beside what it has attached, and change no setting.

    Args:
        folders: whose files it may still open.
    """
    con.execute(f"set allowed_directories = [{in_both_forms(f'{folder}/' for folder in folders)}]")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
