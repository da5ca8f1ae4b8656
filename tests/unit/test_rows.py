"""Rows put into a table come out as they went in."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import duckdb

from kunderegnskab.rows import insert_rows

TYPES = "text varchar, whole bigint, amount decimal(28, 6), day date, moment timestamp, flag boolean"
ROWS = [
    ("a'b\n", None, Decimal("1.5"), date(2024, 2, 29), None, True),
    ("", 2**62, Decimal("1234567890123456789012.123456"), None, datetime(2024, 1, 1, 1, 2, 3, 4), None),
    (None, -1, None, date(1, 1, 1), None, False),
]


def test_rows_keep_their_order_and_their_values():
    with duckdb.connect() as con:
        con.execute(f"create table held ({TYPES})")
        insert_rows(con, "held", ROWS)
        assert con.execute("from held").fetchall() == ROWS
        insert_rows(con, "held", [])
        insert_rows(con, "held", [[None, None]] * 2, ["text", "amount"])
        assert con.execute("select count(*), count(text) from held").fetchall() == [(5, 2)]


def test_a_whole_number_as_text_keeps_its_digits():
    with duckdb.connect() as con:
        con.execute("create table held (amount decimal(28, 6))")
        insert_rows(con, "held", [["0.000001"], ["9999999999999999999999.999999"]])
        assert con.execute("from held").fetchall() == [
            (Decimal("0.000001"),),
            (Decimal("9999999999999999999999.999999"),),
        ]
