"""The content hash says the same for the same table, and something else for any other.

Whether a publication uses it rightly is tested in test_publication.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kunderegnskab.publication.content_hash import (
    UnsupportedType,
    columns_of,
    hash_lines,
    header_text,
    row_text,
    table_content,
)

Row = tuple[str | None, str | None, int | None, Decimal | None, date | None, bool | None]

texts = st.none() | st.text(
    alphabet=st.sampled_from("ab\\tnN\t\n\r\x00|, æ") | st.characters(codec="utf-8"), max_size=6
)
rows = st.tuples(
    texts,
    texts,
    st.none() | st.integers(-(10**18), 10**18),
    st.none() | st.decimals(-(10**13), 10**13, places=4, allow_nan=False),
    st.none() | st.dates(),
    st.none() | st.booleans(),
)
tables = st.lists(rows, max_size=8)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def relation(table: list[Row], chunk: int = 100) -> pa.Table:
    kinds = [pa.string(), pa.string(), pa.int64(), pa.decimal128(18, 4), pa.date32(), pa.bool_()]
    schema = pa.schema([(name, kind) for name, kind in zip("abcdef", kinds, strict=True)])
    chunks = [table[start : start + chunk] for start in range(0, len(table), chunk)]
    batches = [
        pa.record_batch(
            [pa.array(values, kind) for values, kind in zip(zip(*part, strict=True), kinds, strict=True)],
            schema=schema,
        )
        for part in chunks
    ]
    return pa.Table.from_batches(batches, schema=schema)


def sha256(con: duckdb.DuckDBPyConnection, table: list[Row], key: list[str], chunk: int = 100) -> str:
    con.register("tested", relation(table, chunk))
    return table_content(con, "tested", key).sha256


@settings(max_examples=60, deadline=None)
@given(rows, rows)
def test_different_rows_have_different_text(con: duckdb.DuckDBPyConnection, one: Row, other: Row) -> None:
    con.register("tested", relation([one, other]))
    query = f"select {row_text(columns_of(con, 'tested'))} from tested"
    lines = [line for (line,) in con.execute(query).fetchall()]
    assert len(set(lines)) == len({one, other})
    assert all(line.endswith("\n") and line.count("\n") == 1 and line.count("\t") == 5 for line in lines)


@settings(max_examples=60, deadline=None)
@given(tables, tables)
def test_different_tables_have_different_hashes(
    con: duckdb.DuckDBPyConnection, one: list[Row], other: list[Row]
) -> None:
    def in_order(table: list[Row]) -> list[str]:
        return sorted(map(repr, table))

    assert (sha256(con, one, ["a"]) == sha256(con, other, ["a"])) == (in_order(one) == in_order(other))


@settings(max_examples=60, deadline=None)
@given(tables.flatmap(lambda table: st.tuples(st.just(table), st.permutations(table))), st.integers(1, 4))
def test_row_order_and_chunks_do_not_matter(
    con: duckdb.DuckDBPyConnection, orders: tuple[list[Row], list[Row]], chunk: int
) -> None:
    table, shuffled = orders
    assert sha256(con, table, ["c", "a"]) == sha256(con, shuffled, ["c", "a"], chunk)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text().map(lambda text: text + "\n"), max_size=20), st.data())
def test_lines_may_be_cut_into_any_chunks(lines: list[str], data: st.DataObject) -> None:
    whole = pa.array(lines, pa.string())
    cut = data.draw(st.integers(0, len(lines)))
    expected = hashlib.sha256(("head\n" + "".join(lines)).encode()).hexdigest()
    assert hash_lines("head\n", [whole]).sha256 == expected
    assert hash_lines("head\n", [whole[:cut], whole[cut:]]).sha256 == expected


def test_hash_is_the_documented_text(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        r"""
        create or replace table documented as
        select * from (values
            ('b', 2.5::decimal(18,4), date '2024-12-31', true, timestamp '2024-12-31 23:59:59', 7::hugeint),
            (E'a\tb\\c\nd', -0.05, null, false, null, null),
            (null, null, null, null, null, null)
        ) as t (name, amount, month, flag, moment, n)
        """
    )
    text = (
        "name text\tamount decimal(4)\tmonth date\tflag boolean\tmoment timestamp\tn integer\n"
        "\\N\t\\N\t\\N\t\\N\t\\N\t\\N\n"
        "a\\tb\\\\c\\nd\t-0.0500\t\\N\tfalse\t\\N\t\\N\n"
        "b\t2.5000\t2024-12-31\ttrue\t2024-12-31T23:59:59.000000\t7\n"
    )
    content = table_content(con, "documented", ["name"])
    assert content == (3, hashlib.sha256(text.encode()).hexdigest())


def test_parquet_from_another_writer_has_the_same_hash(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    con.execute(
        "create or replace table numbers as select i::hugeint as n, (i / 4)::decimal(18,4) as amount, "
        "'k' || i as k, timestamptz '2024-01-01 00:00:00+01' as moment from range(5000) as r (i)"
    )
    written = pa.table(
        {
            "n": pa.array(range(5000), pa.int32()),
            "amount": pa.array([Decimal(i) / 4 for i in range(5000)], pa.decimal128(38, 4)),
            "k": pa.array([f"k{i}" for i in range(5000)]),
            "moment": pa.array([datetime.fromisoformat("2023-12-31T23:00:00Z")] * 5000),
        }
    )
    file = tmp_path / "numbers.parquet"
    pq.write_table(written, file, row_group_size=77)
    assert table_content(con, f"'{file}'", ["n"]) == table_content(con, "numbers", ["n"])


def test_names_kinds_and_scales_count(con: duckdb.DuckDBPyConnection) -> None:
    hashes = {
        table_content(con, f"(select {column})", []).sha256
        for column in ("1 as a", "1 as b", "'1' as a", "1::decimal(18,2) as a", "1::decimal(18,4) as a")
    }
    assert len(hashes) == 5


@pytest.mark.parametrize("kind", ["double", "float", "integer[]", "blob", "timestamp_ns", "uhugeint"])
def test_types_without_exact_text_are_refused(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    con.execute(f"create or replace table inexact (share {kind})")
    with pytest.raises(UnsupportedType, match="Column share has type"):
        header_text(columns_of(con, "inexact"))
