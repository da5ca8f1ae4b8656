"""Which parents of customers are refused at the door. What a chain is and has belongs in the models' tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import pytest

from kunderegnskab.installation import DBT_PROJECT
from kunderegnskab.quality.door import CHAIN_LEVELS, door_catalogue

pytestmark = pytest.mark.quick

Listed = tuple[str, str | None]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("create schema raw")
        con.execute(
            "create table raw.customers (customer_id varchar, parent_customer_id varchar, "
            "_source_file varchar, _source_sheet varchar, _source_record bigint)"
        )
        yield con


def found(con: duckdb.DuckDBPyConnection, listed: Sequence[Listed]) -> list[str]:
    """What the check says of a list of customers and their parents, as text."""
    for record, customer in enumerate(listed, start=1):
        con.execute("insert into raw.customers values (?, ?, 'k.csv', '', ?)", [*customer, record])
    (check,) = (
        check
        for check in door_catalogue(["customers"])
        if check.check_name == "door__customers__parents_can_be_followed"
    )
    assert check.is_blocking
    rows = con.execute(check.failing).fetchall()
    assert con.execute(check.metric).fetchall() == [(len(rows),)]
    return [", ".join(str(value) for value in row if value != "") for row in rows]


def test_chains_of_as_many_levels_as_are_followed(con: duckdb.DuckDBPyConnection) -> None:
    deepest: list[Listed] = [
        ("0", None),
        *((str(level), str(level - 1)) for level in range(1, CHAIN_LEVELS + 1)),
    ]
    assert found(con, [*deepest, ("alone", None), ("office", "office"), ("shop", "office")]) == []


def test_no_list_is_no_fault(con: duckdb.DuckDBPyConnection) -> None:
    assert found(con, []) == []


def test_a_parent_that_no_list_has_is_named(con: duckdb.DuckDBPyConnection) -> None:
    assert found(con, [("1", None), ("2", "9"), ("3", "2")]) == [
        "k.csv, 2, customer 2 has the parent 9, which no list of customers has; add it to the list, or correct "
        "the number"
    ]


def test_a_cycle_is_named_by_each_of_it_and_by_none_below(con: duckdb.DuckDBPyConnection) -> None:
    below: list[Listed] = [(f"below {level}", f"below {level - 1}" if level else "1") for level in range(8)]
    assert found(con, [("1", "2"), ("2", "3"), ("3", "1"), *below]) == [
        "k.csv, 1, customer 1 is above itself (1, 2, 3, 1); correct the parent of one of them",
        "k.csv, 2, customer 2 is above itself (2, 3, 1, 2); correct the parent of one of them",
        "k.csv, 3, customer 3 is above itself (3, 1, 2, 3); correct the parent of one of them",
    ]


def test_a_cycle_of_more_than_are_followed_is_a_cycle(con: duckdb.DuckDBPyConnection) -> None:
    members = CHAIN_LEVELS + 4
    told = found(con, [(str(each), str((each + 1) % members)) for each in range(members)])
    assert len(told) == members
    assert all("is above itself" in each for each in told)


def test_a_level_too_many_is_named(con: duckdb.DuckDBPyConnection) -> None:
    levels: list[Listed] = [
        ("0", None),
        *((str(level), str(level - 1)) for level in range(1, CHAIN_LEVELS + 2)),
    ]
    assert found(con, levels) == [
        "k.csv, 7, customer 6 has 6 levels above it (6, 5, 4, 3, 2, 1, 0), and 5 are followed; put it nearer to the top"
    ]


def test_as_many_levels_are_followed_as_are_allowed() -> None:
    followed = list(range(1, CHAIN_LEVELS + 1))
    assert f"return({followed})" in (DBT_PROJECT / "macros" / "chains.sql").read_text(encoding="utf-8")
