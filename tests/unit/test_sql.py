"""Names and texts in SQL: quoted so that they come back as they are, and in one module alone."""

from __future__ import annotations

import re

import duckdb
import pytest
from running import REPOSITORY

from kunderegnskab import sql
from kunderegnskab.feeds.contracts import SQL_TYPES

# Doubling the sign that ends a quoted text, or putting a name that is filled in between quotes.
_QUOTING = re.compile(r"""replace\((?:"'", "''"|'"', '""')\)|\\?"\{\w+\}\\?"\.""")


@pytest.mark.parametrize("text", ["", "O'Brien", "''", 'a "b" c', "a\\'b", "æøå", "a; drop table t"])
def test_what_is_quoted_comes_back_as_it_is(text: str) -> None:
    with duckdb.connect() as con:
        assert con.execute(f"select {sql.literal(text)}").fetchall() == [(text,)]
        assert con.execute(f"select [{sql.literals([text, text])}]").fetchall() == [([text, text],)]
        if text:
            found = con.execute(f"select 1 as {sql.identifier(text)}")
            assert [column[0] for column in found.description or ()] == [text]
            con.execute(f"create schema {sql.identifier(text)}")
            con.execute(f"create table {sql.qualified('memory', text, text)} (a bigint)")


def test_types_are_written_as_duckdb_names_them() -> None:
    types = [*SQL_TYPES.values(), sql.KPI_VALUE, *sql.FLOATS, *sql.SIGNED_INTEGERS, *sql.UNSIGNED_INTEGERS]
    with duckdb.connect() as con:
        for name in types:
            assert con.execute(f"select typeof(cast(null as {name}))").fetchall() == [(name,)]


def test_nothing_is_quoted_elsewhere() -> None:
    files = [
        file
        for package in ("kunderegnskab", "orchestration")
        for file in (REPOSITORY / package).rglob("*.py")
    ]
    own = REPOSITORY / "kunderegnskab" / "sql.py"
    assert [file for file in files if _QUOTING.search(file.read_text(encoding="utf-8"))] == [own]
