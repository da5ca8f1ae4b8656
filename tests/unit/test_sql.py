"""Names and texts in SQL: quoted so that they come back as they are, and in one module alone."""

from __future__ import annotations

import re
from pathlib import Path

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


def test_a_folder_whose_name_is_like_a_pattern_stays_open(tmp_path: Path) -> None:
    folder = tmp_path / "lake [2026]"
    folder.mkdir()
    with duckdb.connect() as con:
        con.execute(f"copy (select 1 as a) to {sql.literal(folder / 'a.parquet')}")
        sql.lock(con, folders=[folder])
        assert con.execute(f"from {sql.parquet(folder / 'a.parquet')}").fetchall() == [(1,)]


def test_what_is_locked_opens_what_it_was_given_and_nothing_else(tmp_path: Path) -> None:
    for name in ("lake", "lake2"):
        (tmp_path / name).mkdir()
        with duckdb.connect() as con:
            con.execute(f"copy (select 1 as a) to {sql.literal(tmp_path / name / 'a.parquet')}")
    duckdb.connect(str(tmp_path / "published.duckdb")).close()
    with duckdb.connect() as con:
        con.execute(f"attach {sql.literal(tmp_path / 'published.duckdb')} as published (read_only)")
        sql.lock(con, folders=[tmp_path / "lake"])
        assert con.execute(f"from {sql.literal(tmp_path / 'lake' / 'a.parquet')}").fetchall() == [(1,)]
        con.execute("attach ':memory:' as other")
        for query in (
            f"from {sql.literal(tmp_path / 'lake2' / 'a.parquet')}",
            f"from {sql.literal(tmp_path / 'lake' / '..' / 'lake2' / 'a.parquet')}",
            f"attach {sql.literal(tmp_path / 'new.duckdb')}",
            f"copy (select 1) to {sql.literal(tmp_path / 'a.csv')}",
            "install httpfs",
            "set enable_external_access = true",
            "set allowed_directories = ['/']",
        ):
            with pytest.raises(duckdb.Error):
                con.execute(query)
