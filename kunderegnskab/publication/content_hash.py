r"""One hash for what a table holds, whatever engine, file format or chunking it came in.

Here: the canonical text of a table and its SHA-256. Not here: what is hashed and compared (publish.py).

Anyone can recompute the hash of a published table. It is the SHA-256 of this text, encoded as UTF-8:

* The first line names the columns in their order, each as `<name> <kind>`. Kinds are `text`, `integer`,
  `decimal(<scale>)`, `boolean`, `date`, `timestamp` and `instant` (a timestamp with time zone). A decimal
  without decimals is an `integer`: engines and file formats differ in how they store large whole numbers.
* Then comes one line per row, sorted by the key columns ascending and by the other columns after them (NULL
  first, text by its UTF-8 bytes, false before true).
* Columns are separated by one tab, and every line ends with one line feed.
* NULL is written `\N`. In text, `\` is written `\\`, a tab `\t` and a line feed `\n`, so no two different
  tables have the same text. Numbers have a decimal point, all the decimals of their scale and no separators;
  dates are `2024-12-31`, timestamps `2024-12-31T23:59:59.000000` (instants in UTC), booleans `true`, `false`.

Binary floating point has no such text, so a table with DOUBLE or FLOAT has no hash: UnsupportedType.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import duckdb
import pyarrow as pa

from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.sql import BOOLEAN, DATE, SIGNED_INTEGERS, TEXT, UNSIGNED_INTEGERS, identifier

# Rows per Arrow batch, and so per Parquet row group: a multiple of DuckDB's vector size (2,048).
BATCH_ROWS = 122_880

_INTEGERS = {*SIGNED_INTEGERS, *UNSIGNED_INTEGERS}
_DECIMAL = re.compile(r"DECIMAL\(\d+,\s*(\d+)\)")


class UnsupportedType(KunderegnskabError):
    """A column has a type that has no canonical text, such as DOUBLE."""


class Column(NamedTuple):
    """A column's name and its type as DuckDB names it, e.g. `DECIMAL(18,4)`."""

    name: str
    type: str


class TableContent(NamedTuple):
    """How many rows a table has and the SHA-256 (hexadecimal) of its canonical text."""

    rows: int
    sha256: str


def columns_of(con: duckdb.DuckDBPyConnection, relation: str) -> list[Column]:
    """The columns of a relation (SQL text that can follow `from`)."""
    return [Column(*row[:2]) for row in con.execute(f"describe select * from {relation}").fetchall()]


def row_order(columns: Sequence[Column], key: Sequence[str]) -> str:
    """SQL after `order by`: the key first; the other columns make the order total where it is not unique."""
    rest = [column.name for column in columns if column.name not in key]
    return ", ".join(f"{identifier(name)} asc nulls first" for name in [*key, *rest])


def header_text(columns: Sequence[Column]) -> str:
    """The first line of the canonical text. Raises UnsupportedType."""
    return "\t".join(f"{_escaped(column.name)} {_kind(column)}" for column in columns) + "\n"


def row_text(columns: Sequence[Column]) -> str:
    """An SQL expression that gives the canonical text of a row, its line feed included."""
    return f"concat_ws(chr(9), {', '.join(_cell_text(column) for column in columns)}) || chr(10)"


def table_content(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    key: Sequence[str],
    columns: Sequence[Column] | None = None,
) -> TableContent:
    """Counts and hashes a relation (SQL text that can follow `from`).

    Raises:
        UnsupportedType: a column has no canonical text.
    """
    columns = columns or columns_of(con, relation)
    query = f"select {row_text(columns)} as line from {relation} order by {row_order(columns, key)}"
    lines = (batch.column(0) for batch in con.sql(query).to_arrow_reader(BATCH_ROWS))
    return hash_lines(header_text(columns), lines)


def hash_lines(header: str, chunks: Iterable[pa.Array]) -> TableContent:
    """Hashes the header and then the lines, given as Arrow text arrays without NULLs, cut anywhere."""
    text = CanonicalText(header)
    for chunk in chunks:
        text.add(chunk)
    return text.content()


class CanonicalText:
    """The canonical text of a table as it comes, from the header on."""

    def __init__(self, header: str) -> None:
        self._digest = hashlib.sha256(header.encode())
        self._rows = 0

    def add(self, lines: pa.Array) -> None:
        """The next lines, as an Arrow text array without NULLs."""
        self._rows += len(lines)
        self._digest.update(_joined(lines))

    def content(self) -> TableContent:
        """What the text so far comes to."""
        return TableContent(self._rows, self._digest.hexdigest())


def _joined(lines: pa.Array) -> memoryview:
    # An Arrow text array already holds its values end to end in one buffer: no loop over rows is needed.
    lines = lines.cast(pa.large_string())
    _, offsets, data = lines.buffers()
    if data is None or offsets is None or len(lines) == 0:
        return memoryview(b"")
    ends = memoryview(offsets).cast("B").cast("q")
    return memoryview(data)[ends[lines.offset] : ends[lines.offset + len(lines)]]


def _kind(column: Column) -> str:
    if column.type in _INTEGERS:
        return "integer"
    if decimal := _DECIMAL.fullmatch(column.type):
        return "integer" if decimal[1] == "0" else f"decimal({decimal[1]})"
    kinds = {
        TEXT: "text",
        BOOLEAN: "boolean",
        DATE: "date",
        "TIMESTAMP": "timestamp",
        "TIMESTAMP WITH TIME ZONE": "instant",
    }
    if column.type not in kinds:
        raise UnsupportedType(
            f"Column {column.name} has type {column.type}, which cannot be published exactly; "
            "cast it to DECIMAL, a whole number, text, a date or a timestamp in its model."
        )
    return kinds[column.type]


def _cell_text(column: Column) -> str:
    name = identifier(column.name)
    match _kind(column):
        case "text":
            text = rf"replace(replace(replace({name}, '\', '\\'), chr(9), '\t'), chr(10), '\n')"
        case "timestamp":
            text = f"strftime({name}, '%Y-%m-%dT%H:%M:%S.%f')"
        case "instant":  # by way of microseconds, because the session's time zone must not matter
            text = f"strftime(make_timestamp(epoch_us({name})), '%Y-%m-%dT%H:%M:%S.%f')"
        case _:
            text = f"{name}::varchar"
    return rf"coalesce({text}, '\N')"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
