"""Segments of chains that are classed as one (`segment_level: chain`), on made companies with many customers.

Classes are computed a second time in segments_by_hand.py, from the accounts alone. What a rule means for one customer
belongs in the unit tests beside the models; that every rule holds for every company, in test_generated_companies.py.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from replay import Replay
from segments_by_hand import COLUMNS, MEASURES, customer_segments, months_between
from small_company import COMPANY

FIRST, LAST = date(2024, 1, 1), date(2026, 2, 1)
MONTHS = months_between(FIRST, LAST)
CUSTOMERS = [f"{number:03}" for number in range(1, 25)]
# The top of each chain, the customers below it, and below these. 020 is a group company above two customers of
# others, 012 has no account of its own, and 021 and 022 leave or come within the two years.
PARENTS = {
    **dict.fromkeys(("002", "003", "021"), "001"),
    "004": "003",
    "005": "004",
    **dict.fromkeys(("010", "011", "022"), "012"),
    **dict.fromkeys(("018", "019"), "020"),
}
TOPS = {
    **dict.fromkeys(("001", "002", "003", "004", "005", "021"), "001"),
    **dict.fromkeys(("010", "011", "012", "022"), "012"),
    **dict.fromkeys(("018", "019", "020"), "020"),
}
INSIDE = ("011", "020")


def feeds(parents: Mapping[str, str], **other: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Two years of sales, the same at each call: sums and ratios lie close, so that classes change and bands hold."""
    drawn = random.Random(17)
    lines = []
    for month in MONTHS:
        for customer in CUSTOMERS:
            there = {"012": False, "021": month < date(2024, 11, 1), "022": month >= date(2025, 6, 1)}
            if not there.get(customer, drawn.random() < 0.8):
                continue
            amount = drawn.randint(100, 1200) * (1 + int(customer) % 4)
            lines.append(
                {
                    "document_no": f"{month}-{customer}",
                    "document_type": "invoice",
                    "posting_date": month + timedelta(days=drawn.randint(0, 27)),
                    "customer_id": customer,
                    "product_id": "V1",
                    "quantity": 1,
                    "list_amount": amount,
                    "discount_amount": 0,
                    "net_amount": amount,
                    "cost_amount": round(amount * drawn.choice([0.5, 0.6, 0.7, 0.8, 1.1])),
                }
            )
    listed = [
        {
            "customer_id": customer,
            "parent_customer_id": parents.get(customer),
            "is_internal": customer in INSIDE,
        }
        for customer in CUSTOMERS
    ]
    return {"sales_lines": lines, "customers": listed, **other}


@contextmanager
def built(
    replay: Replay, folder: Path, made: Mapping[str, list[dict[str, Any]]], **company: Any
) -> Generator[duckdb.DuckDBPyConnection]:
    # Where fiscal years are calendar years, opening months are easily read.
    with replay.run(folder, made, {**COMPANY, "fiscal_year_start": 1, **company}) as con:
        yield con


def published(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, date], dict[str, Any]]:
    rows = con.execute(f"select customer_id, month, {', '.join(COLUMNS)} from marts.customer_segments")
    return {
        (customer, month): dict(zip(COLUMNS, values, strict=True))
        for customer, month, *values in rows.fetchall()
    }


def by_hand(con: duckdb.DuckDBPyConnection, tops: Mapping[str, str] | None) -> dict[tuple[str, date], Any]:
    rows = con.execute(f"select customer_id, month, {', '.join(MEASURES)} from marts.customer_accounts")
    accounts = {
        (customer, month): dict(zip(MEASURES, values, strict=True))
        for customer, month, *values in rows.fetchall()
    }
    return customer_segments(accounts, MONTHS, tops, INSIDE)


@pytest.mark.parametrize("level", ["customer", "chain"])
def test_every_customer_is_in_the_segment_that_the_recomputation_says(
    replay: Replay, tmp_path: Path, level: str
) -> None:
    with built(replay, tmp_path, feeds(PARENTS), segment_level=level) as con:
        assert replay.broken_rules(con) == {}
        expected = by_hand(con, TOPS if level == "chain" else None)
        assert published(con) == expected
        # The case is one: chains are elsewhere than their customers would be, and move.
        found = {row["segment"] for (customer, _), row in expected.items() if customer in TOPS}
        assert len(found - {"Ny", "Intern"}) > 2
        kept = con.execute(
            "select count(*) from marts.customer_segments where size_class <> raw_size_class "
            "or margin_class <> raw_margin_class"
        ).fetchone()
        assert kept is not None
        assert kept[0] > 0, "no band has held a class"


def test_a_customer_that_goes_to_another_chain_takes_all_its_months_along(
    replay: Replay, tmp_path: Path
) -> None:
    """The list has no days: who is where now was there always, and no month has an outlet in two chains."""
    moved = {**PARENTS, "005": "012"}
    with built(replay, tmp_path, feeds(moved), segment_level="chain") as con:
        assert replay.broken_rules(con) == {}
        assert published(con) == by_hand(con, {**TOPS, "005": "012"})
        assert con.execute(
            "select distinct classed_id from marts.customer_segments where customer_id = '005'"
        ).fetchall() == [("012",)]


def test_a_decision_is_the_chains_and_one_on_an_outlet_is_refused(replay: Replay, tmp_path: Path) -> None:
    decision = {"decided_on": date(2025, 3, 3), "reason": "Ny aftale", "decided_by": "Sanne"}
    overrides = [
        # A group company at the top, a top without an account, an outlet, and a customer in no chain.
        {"customer_id": customer, "segment": segment, **decision}
        for customer, segment in (("020", "A1"), ("012", "B1"), ("002", "C1"), ("024", "A2"))
    ]
    made = feeds(PARENTS, segment_overrides=overrides)
    with built(replay, tmp_path, made, segment_level="chain") as con:
        assert replay.broken_rules(con) == {}
        found = con.execute(
            "select customer_id, segment from marts.customer_segments where override_segment is not null "
            "and month = date '2025-12-01' order by customer_id"
        ).fetchall()
        assert found == [("010", "B1"), ("018", "A1"), ("019", "A1"), ("022", "B1"), ("024", "A2")]
        inside = con.execute(
            "select distinct segment, classed_id from marts.customer_segments where customer_id in ('011', '020')"
        ).fetchall()
        assert inside == [("Intern", None)]
        problems = con.execute(
            "select problem, key, is_blocking, source_file is not null, source_record is not null "
            "from audit.sales_policy_problems"
        ).fetchall()
        assert problems == [("customer_is_of_a_chain", "002 2025-03-03", True, True, True)]
        reviewed = con.execute(
            "select customer_id, calculated_segment is not null, calculated_segment <> 'Intern' "
            "from marts.segment_override_reviews where customer_id <> '002' order by customer_id"
        ).fetchall()
        assert reviewed == [("012", True, True), ("020", True, True), ("024", True, True)]


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("update marts.customer_segments set segment = 'C3' where customer_id = '002'", {"segment"}),
        ("update marts.customer_segments set opening_segment = 'Ny' where customer_id = '022'", {"opening_segment"}),
        (
            "update marts.customer_segments set is_good_customer = not is_good_customer where customer_id = '002'",
            {"is_good_customer"},
        ),
        # One outlet's own figure in place of the chain's, by all of them.
        (
            "update marts.customer_segments as wrong set size_value = own.net_sales_r12 "
            "from marts.customer_segments as own where own.customer_id = '001' and own.month = wrong.month "
            "and wrong.classed_id = '001'",
            {"size_value, the sum"},
        ),
        ("update marts.customer_segments set classed_id = customer_id where classed_id = '001'", {"classed_id"}),
        ("update marts.customer_segments set classed_id = '020' where customer_id = '020'", {"classed_id"}),
    ],
)  # fmt: skip
def test_planted_fault_in_a_chain_is_seen(
    replay: Replay, chains: duckdb.DuckDBPyConnection, fault: str, what: set[str]
) -> None:
    chains.begin()
    try:
        assert replay.plant(chains, fault)[0][0] > 0, "the fault changes nothing"
        rule = replay.rules["customer_segments__chains_are_classed_as_one"]
        found = chains.execute(f"select distinct what from ({rule})").fetchall()
        assert {each for (each,) in found} == what
    finally:
        chains.rollback()


@pytest.fixture(scope="module")
def chains(replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The company at level chain, built once. Whoever changes it rolls back."""
    with built(replay, tmp_path_factory.mktemp("chains"), feeds(PARENTS), segment_level="chain") as con:
        yield con
