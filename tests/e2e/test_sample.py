"""`kunderegnskab sample`: the same seed draws the same records, large amounts are never missed, and each ties."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quick import Project, quickly
from running import kunderegnskab, rows

from kunderegnskab.audit.sampling import _hits

Sample = Callable[..., dict[str, Any]]


@pytest.fixture
def sample(project: Project, demo_workspace: Path) -> Sample:
    """What `kunderegnskab sample` draws of the demo company."""

    def draw(*options: str) -> dict[str, Any]:
        done = quickly(project, "sample", *options, "--workspace", demo_workspace, "--json")
        assert done.code == 0, done.out
        return done.json

    return draw


def places(drawn: dict[str, Any]) -> list[tuple[str, int]]:
    return [(record["file"], record["record"]) for record in drawn["records"]]


def test_a_seed_draws_the_same_records_and_another_seed_others(sample: Sample) -> None:
    first = sample("20", "--seed", "7")
    assert sample("20", "--seed", "7") == first
    assert len(set(places(first))) == 20
    assert places(sample("20", "--seed", "8")) != places(first)
    assert places(sample("5", "--seed", "7")) == places(first)[:5]


def test_what_is_drawn_comes_with_its_text_and_ties_to_the_accounts(
    sample: Sample, demo_workspace: Path
) -> None:
    drawn = sample("10", "--seed", "3", "--first", "2025-01", "--last", "2025-03")
    for record in drawn["records"]:
        assert record["raw"]
        assert record["file_state"] == "unchanged"
        asked = [each for each in record["counts"] if "2025-01" <= each["month"] <= "2025-03"]
        assert Decimal(record["amount"]) == max(
            abs(Decimal(amount)) for each in asked for amount in each["lines"].values()
        )
        for each in record["counts"]:
            for code, amount in each["lines"].items():
                if each["customer_id"] is None:
                    continue
                ((whole,),) = rows(
                    demo_workspace,
                    f"select sum(amount) from audit.account_sources where month = date '{each['month']}-01' "
                    f"and customer_id = '{each['customer_id']}' and line_code = '{code}' "
                    f"and source = '{record['file']}'",
                )
                assert whole is not None, (record, code, amount)


def test_everything_that_can_be_drawn_makes_the_accounts(sample: Sample, demo_workspace: Path) -> None:
    """Records of customers, pools and company: their lines sum to what was published of each."""
    everything = sample("1000000", "--seed", "1")
    assert set(everything["strata"]) == {"accounts", "company", "pools"}
    pools: dict[tuple[str, str], Decimal] = {}
    for record in everything["records"]:
        if record["stratum"] == "pools":
            for each in record["counts"]:
                for line, amount in each["lines"].items():
                    place = (line.removeprefix("pool "), each["month"])
                    pools[place] = pools.get(place, Decimal(0)) + Decimal(amount)
    published = rows(
        demo_workspace,
        "select cost_pool_id, strftime(month, '%Y-%m'), pool_cost from audit.allocation_steps "
        "where pool_cost <> 0",
    )
    assert {place: amount for place, amount in pools.items() if amount} == {
        (pool, month): cost for pool, month, cost in published
    }


def test_a_record_that_counts_in_several_months_shows_all_of_them(sample: Sample) -> None:
    """The credit time of a document runs over months; asking for one of them does not hide the others."""
    everything = sample("1000000", "--seed", "1")
    several = [record for record in everything["records"] if len(record["counts"]) > 1]
    assert several
    first = several[0]
    month = first["counts"][0]["month"]
    asked = sample("1000000", "--seed", "1", "--first", month, "--last", month)
    place = (first["file"], first["record"])
    (again,) = [
        each
        for each in asked["records"]
        if (each["file"], each["record"]) == place and each["stratum"] == first["stratum"]
    ]
    assert again["counts"] == first["counts"]


def test_a_monetary_sample_never_misses_what_is_larger_than_its_interval(sample: Sample) -> None:
    units = 600  # so many that some records are larger than the interval
    drawn = sample(str(units), "--method", "monetary", "--seed", "5")
    everything = sample("1000000", "--seed", "5")
    assert everything["population"] == len(everything["records"]) == drawn["population"]
    amounts = [Decimal(record["amount"]) for record in everything["records"]]
    assert sum(amounts) == Decimal(drawn["population_amount"])
    interval = Decimal(drawn["interval"])
    assert interval == Decimal(drawn["population_amount"]) / units
    large = {place for place, amount in zip(places(everything), amounts, strict=True) if amount >= interval}
    assert large
    assert large < set(places(drawn))
    assert units / 2 < len(drawn["records"]) <= units


def test_what_cannot_be_drawn_is_said(project: Project, demo_workspace: Path) -> None:
    # Asked as a user asks, in a process of its own.
    wrong = kunderegnskab("sample", "5", "--method", "all", "-w", demo_workspace, "--json")
    assert wrong.json["problems"] == ["--method all is not known; use random or monetary."]
    empty = quickly(
        project, "sample", "5", "--first", "1999-01", "--last", "1999-02", "-w", demo_workspace, "--json"
    )
    assert "No source record" in empty.json["problems"][0]


@given(whole=st.integers(1, 10**15), size=st.integers(1, 200), seed=st.integers(0, 10**6))
def test_every_part_of_the_money_is_hit_once(whole: int, size: int, seed: int) -> None:
    hits = _hits(whole, size, seed)
    assert all(0 <= hit < whole for hit in hits)
    if whole >= size:
        assert len(hits) == size
        gaps = {after - before for before, after in pairwise(hits)}
        assert gaps <= {whole // size, whole // size + 1}


@pytest.mark.parametrize("size", [1, 3])
def test_no_money_gives_no_hits(size: int) -> None:
    assert _hits(0, size, 1) == []
