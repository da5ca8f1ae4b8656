"""Cost pools are given out to the øre: the invariants of an allocation, on the project's own SQL.

The macro give_out and the models that make pools into costs of customers are compiled once by dbt and then run on made-up
rows by hundreds. What each is compared with is worked out here in fractions, by the definition of largest remainders.
The rules around them (which version counts, what a driver is) are unit tests beside the models; the worked examples
of the literature belong in tests/e2e.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from small_company import COMPANY
from warehouse import Build, create_raw, dbt, rows, run_results, statuses

MICRO = Decimal("0.000001")
ORE = Decimal("0.01")
MONTH = date(2026, 1, 1)

# The macro computes in bigint where that cannot overflow. Weights that sum to this much always take the other way.
WIDE_TOTAL = 9_000_000_000

GIVE_OUT = "{{ give_out('shares', ['part'], 'receiver', 'units', 'weight') }}"

Weights = dict[str, Decimal]


# What must come out


def largest_remainders(units: int, weights: Mapping[str, Decimal]) -> dict[str, int]:
    """The units of each receiver: the whole part of what is due, and one more by the largest remainders."""
    total = sum((Fraction(weight) for weight in weights.values()), start=Fraction(0))
    due = {receiver: abs(units) * Fraction(weight) / total for receiver, weight in weights.items()}
    whole = {receiver: part.numerator // part.denominator for receiver, part in due.items()}
    by_remainder = sorted(due, key=lambda receiver: (whole[receiver] - due[receiver], receiver))
    lucky = by_remainder[: abs(units) - sum(whole.values())]
    sign = -1 if units < 0 else 1
    return {receiver: sign * (whole[receiver] + (receiver in lucky)) for receiver in weights}


def half_away_from_zero(amount: Fraction) -> int:
    """The nearest whole number."""
    whole = (2 * abs(amount) + 1) // 2
    return int(-whole if amount < 0 else whole)


# The project's SQL


@dataclass(frozen=True)
class Pool:
    """One cost pool that the company's books hold, and what must become of it."""

    cost: str
    drivers: Mapping[str, str]
    gives: Mapping[str, str] = field(default_factory=dict)
    capacity: str | None = None
    ladder_line: str = "K55"
    unused: str = "0"
    unallocated: str = "0"
    finding: str | None = None
    rate: str | None = None

    def driver_rows(self, pool: str) -> Iterator[dict[str, Any]]:
        """Activities of a type that only this pool counts; one minute each where there is a capacity."""
        for number, (customer, quantity) in enumerate(self.drivers.items()):
            yield {
                "activity_no": f"{pool}-{number}",
                "activity_date": MONTH,
                "customer_id": customer,
                "activity_type": f"done for {pool}",
                "quantity": quantity,
            }


POOLS: dict[str, Pool] = {
    "equal weights, ties by key": Pool(
        "100", {"B": "1", "C": "1", "A": "1"}, {"A": "33.34", "B": "33.33", "C": "33.33"}, rate="33.333333"
    ),
    "one receiver": Pool("99.99", {"B": "0.000001"}, {"B": "99.99"}, rate="99990000"),
    "negative cost": Pool(
        "-100", {"A": "1", "B": "1", "C": "1"}, {"A": "-33.34", "B": "-33.33", "C": "-33.33"}
    ),
    "one øre for three": Pool("0.01", {"A": "1", "B": "2", "C": "1"}, {"A": "0", "B": "0.01", "C": "0"}),
    # A ledger in øre has no such cost; one in another currency may come to it.
    "less than one øre": Pool("0.0050", {"A": "1", "B": "1"}, {"A": "0", "B": "0"}, unallocated="0.0050"),
    "less than one øre over": Pool(
        "10.0050", {"A": "1", "B": "1"}, {"A": "5", "B": "5"}, unallocated="0.0050"
    ),
    "nothing counted": Pool("500", {}, unallocated="500", finding="no_receiver"),
    "counted and taken back": Pool("500", {"A": "0"}, unallocated="500", finding="no_receiver"),
    "one negative": Pool(
        "100", {"A": "3", "B": "-2", "C": "1"}, {"A": "75", "C": "25"}, finding="negative_receivers"
    ),
    "only negative": Pool("100", {"A": "-3", "B": "-2"}, unallocated="100", finding="no_receiver"),
    "cost and its reversal": Pool("0", {"A": "3", "B": "2"}, {"A": "0", "B": "0"}),
    # 900 bn. kr. and weights of twelve digits before the comma and six after it.
    "huge": Pool(
        "90000000000000.01",
        {"A": "300000000000.000001", "B": "300000000000.000001", "C": "300000000000.000001"},
        {"A": "30000000000000.01", "B": "30000000000000", "C": "30000000000000"},
    ),
    "part of the capacity": Pool(
        "1000", {"A": "100", "B": "200"}, {"A": "250", "B": "500"}, capacity="400", unused="250"
    ),
    "part of the capacity, rounded once": Pool(
        "1000", {"A": "50", "B": "50"}, {"A": "166.67", "B": "166.66"}, capacity="300", unused="666.67"
    ),
    "more than the capacity": Pool(
        "1000",
        {"A": "100", "B": "50"},
        {"A": "1000", "B": "500"},
        capacity="100",
        unused="-500",
        finding="over_used",
    ),
    "exactly the capacity": Pool("1000", {"A": "60", "B": "40"}, {"A": "600", "B": "400"}, capacity="100"),
    "no minutes": Pool("1000", {}, capacity="400", unused="1000", finding="no_receiver"),
    "negative cost with capacity": Pool("-1000", {"A": "100"}, {"A": "-250"}, capacity="400", unused="-750"),
    "negative minutes": Pool(
        "1000",
        {"A": "-100", "B": "100"},
        {"B": "250"},
        capacity="400",
        unused="750",
        finding="negative_receivers",
    ),
    "of the segment": Pool("700", {"A": "1"}, ladder_line="K70"),
}


# The models that Books runs, with their schemas, and what it gives them.
MODELS = {"int_pool_receivers": "intermediate", "allocation_steps": "audit", "allocations": "audit"}
GIVEN = (
    "staging.stg_fiscal_months",
    "staging.stg_activity_times",
    "intermediate.int_pool_months",
    "intermediate.int_customer_drivers",
    "intermediate.int_customer_groups",
)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A company with all of POOLS in one month, built."""
    warehouse = tmp_path_factory.mktemp("allocation") / "kunderegnskab.duckdb"
    feeds: dict[str, list[dict[str, Any]]] = {
        "customers": [{"customer_id": customer} for customer in "ABC"],
        "ledger_accounts": [{"account_no": pool, "account_role": f"pool:{pool}"} for pool in POOLS],
        "ledger_entries": [
            entry
            for pool, spec in POOLS.items()
            for entry in (
                # Two entries, so that a pool's cost is a sum.
                {"entry_no": f"{pool}-1", "posting_date": MONTH, "account_no": pool, "amount": "1000000"},
                {
                    "entry_no": f"{pool}-2",
                    "posting_date": date(2026, 1, 31),
                    "account_no": pool,
                    "amount": Decimal(spec.cost) - 1_000_000,
                },
            )
        ],
        "cost_pools": [
            {
                "cost_pool_id": pool,
                "valid_from": date(2020, 1, 1),
                "ladder_line": spec.ladder_line,
                "method": "capacity" if spec.capacity else "proportional",
                "driver": None if spec.capacity else f"done for {pool}",
                "practical_capacity_minutes": spec.capacity,
            }
            for pool, spec in POOLS.items()
        ],
        "activity_times": [
            {
                "cost_pool_id": pool,
                "activity_type": f"done for {pool}",
                "valid_from": date(2020, 1, 1),
                "minutes_per_unit": "1",
            }
            for pool, spec in POOLS.items()
            if spec.capacity
        ],
        "activities": [row for pool, spec in POOLS.items() for row in spec.driver_rows(pool)],
    }
    create_raw(warehouse, feeds, company=COMPANY)
    # 900 bn. kr. is past what a KPI's six decimals leave room for; pools have no part in how sales are measured.
    sales = ["int_customer_windows+", "int_portfolio_windows+"]
    build = ("build", "--exclude-resource-type", "unit_test", "--exclude", *sales)
    return Build(warehouse, statuses(dbt(warehouse, *build)))


@pytest.fixture(scope="module")
def give_out(company: Build) -> Iterator[GiveOut]:
    """The macro as dbt compiles it."""
    (compiled,) = run_results(dbt(company.warehouse, "compile", "--inline", GIVE_OUT))
    with duckdb.connect(config={"threads": 2}) as connection:
        yield GiveOut(connection, compiled.node.compiled_code)


@pytest.fixture(scope="module")
def books(company: Build) -> Iterator[Books]:
    """The models as dbt compiles them."""
    compiled = run_results(dbt(company.warehouse, "compile", "--select", *MODELS))
    with duckdb.connect() as connection:
        yield Books(
            connection, company.warehouse, {run.node.name: run.node.compiled_code for run in compiled}
        )


class GiveOut:
    """Runs the compiled macro on rows of its own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: str) -> None:
        self._connection = connection
        self._sql = sql
        connection.execute(
            "create table shares (part varchar, receiver varchar, units bigint, weight decimal(18, 6))"
        )

    def __call__(
        self, shares: Iterable[tuple[str, str, int, Decimal]]
    ) -> list[tuple[str, str, Decimal, int]]:
        """Part, receiver, weight and given units, sorted."""
        literals = ", ".join(
            f"('{part}', '{key}', {units}, '{weight:f}')" for part, key, units, weight in shares
        )
        self._connection.execute("truncate shares")
        self._connection.execute(f"insert into shares values {literals}")
        return sorted(self._connection.execute(self._sql).fetchall())

    def groups(self, groups: Sequence[tuple[int, Mapping[str, Decimal]]]) -> list[dict[str, int]]:
        """What each receiver of each group gets; all groups are given out at once."""
        shares = [
            (str(number), receiver, units, weight)
            for number, (units, weights) in enumerate(groups)
            for receiver, weight in weights.items()
        ]
        found: list[dict[str, int]] = [{} for _ in groups]
        for number, receiver, _, given_units in self(shares):
            found[int(number)][receiver] = given_units
        return found


class Books:
    """Runs the compiled models on pools and receivers of its own."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, warehouse: Path, models: Mapping[str, str]
    ) -> None:
        self._connection = connection
        connection.execute("attach ':memory:' as kunderegnskab")
        connection.execute(f"attach '{warehouse}' as built (read_only)")
        for schema in ("staging", "intermediate", "audit"):
            connection.execute(f"create schema kunderegnskab.{schema}")
        connection.execute("create table kunderegnskab.staging.stg_company (minor_unit decimal(18, 4))")
        for table in GIVEN:
            connection.execute(f"create table kunderegnskab.{table} as from built.{table} limit 0")
        for name, schema in MODELS.items():
            connection.execute(f"create view kunderegnskab.{schema}.{name} as {models[name]}")

    def __call__(
        self,
        pools: Sequence[tuple[str, str, Decimal, Decimal | None, Mapping[str, Decimal]]],
        minor_unit: Decimal = ORE,
    ) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Decimal]]]:
        """The step of each pool, and what each customer got of it.

        A pool is its id, method, cost, capacity, and the weight of each customer.
        """
        execute = self._connection.execute
        execute("delete from kunderegnskab.staging.stg_company")
        execute("insert into kunderegnskab.staging.stg_company values (?)", [minor_unit])
        for table in GIVEN:
            execute(f"delete from kunderegnskab.{table}")
        for customer in {customer for *_, weights in pools for customer in weights}:
            execute(
                "insert into kunderegnskab.intermediate.int_customer_groups by name select ? as customer_id",
                [customer],
            )
        for number, (pool, method, cost, capacity, weights) in enumerate(pools):
            # Each pool is driven by something of its own, and a piece of it takes a minute.
            driver = f"driver {number}"
            execute(
                "insert into kunderegnskab.intermediate.int_pool_months by name select ? as cost_pool_id, "
                "? as month, 'K55' as line_code, ? as method, ? as driver, 'all' as applies_to, "
                "? as pool_cost, ? as practical_capacity_minutes",
                [pool, MONTH, method, driver, cost, capacity],
            )
            execute(
                "insert into kunderegnskab.staging.stg_activity_times by name select ? as cost_pool_id, "
                "? as activity_type, 'all' as applies_to, ? as valid_from, 1 as minutes_per_unit",
                [pool, driver, MONTH],
            )
            for customer, weight in weights.items():
                execute(
                    "insert into kunderegnskab.intermediate.int_customer_drivers by name "
                    "select ? as customer_id, ? as month, ? as driver, ? as quantity",
                    [customer, MONTH, driver, weight],
                )
        cursor = execute("from kunderegnskab.audit.allocation_steps")
        names = [column[0] for column in cursor.description or []]
        steps = {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
        given_to: dict[str, dict[str, Decimal]] = {pool: {} for pool, *_ in pools}
        for pool, customer, amount in execute(
            "select cost_pool_id, customer_id, amount from kunderegnskab.audit.allocations"
        ).fetchall():
            given_to[pool][customer] = amount
        return steps, given_to


# Made-up pools

keys = st.text(alphabet="019ABZaæøåÅ -", min_size=1, max_size=4)
small_weights = st.integers(1, 12).map(Decimal)
any_weights = st.one_of(
    small_weights,
    st.integers(1, 10**8).map(lambda steps: steps * MICRO),
    st.decimals(MICRO, Decimal(60_000_000_000), places=6),
)
weights_of_a_pool = st.one_of(
    st.dictionaries(keys, any_weights, min_size=1, max_size=12),
    st.dictionaries(keys, small_weights, min_size=1, max_size=12),
    # All alike: nothing but the key tells them apart.
    st.builds(dict.fromkeys, st.lists(keys, min_size=1, max_size=12, unique=True), any_weights),
)
units_of_a_pool = st.one_of(
    st.integers(-40, 40), st.integers(-(10**9), 10**9), st.integers(-(10**18) + 1, 10**18 - 1)
)


# The macro


@settings(max_examples=100, deadline=None)
@given(groups=st.lists(st.tuples(units_of_a_pool, weights_of_a_pool), min_size=1, max_size=6))
def test_everyone_gets_the_share_of_the_largest_remainders(
    give_out: GiveOut, groups: list[tuple[int, Weights]]
) -> None:
    """Also when groups that need wide arithmetic and groups that do not stand in the same relation."""
    assert give_out.groups(groups) == [largest_remainders(units, weights) for units, weights in groups]


@settings(max_examples=100, deadline=None)
@given(groups=st.lists(st.tuples(units_of_a_pool, weights_of_a_pool), min_size=1, max_size=6))
def test_shares_sum_to_the_pool_and_are_within_one_unit_of_what_is_due(
    give_out: GiveOut, groups: list[tuple[int, Weights]]
) -> None:
    for (units, weights), found in zip(groups, give_out.groups(groups), strict=True):
        assert found.keys() == weights.keys()
        assert sum(found.values()) == units
        total = Fraction(sum(weights.values()))
        for receiver, weight in weights.items():
            assert abs(found[receiver] - units * Fraction(weight) / total) < 1


@settings(max_examples=100, deadline=None)
@given(data=st.data(), groups=st.lists(st.tuples(units_of_a_pool, weights_of_a_pool), min_size=1, max_size=3))
def test_order_of_the_rows_does_not_matter(
    give_out: GiveOut, data: st.DataObject, groups: list[tuple[int, Weights]]
) -> None:
    shares = [
        (str(number), key, units, weight)
        for number, (units, weights) in enumerate(groups)
        for key, weight in weights.items()
    ]
    shuffled = data.draw(st.permutations(shares))
    assert give_out(shuffled) == give_out(shares)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), units=units_of_a_pool, weights=weights_of_a_pool)
def test_customer_split_in_two_gets_the_same_within_one_unit(
    give_out: GiveOut, data: st.DataObject, units: int, weights: Weights
) -> None:
    whole = data.draw(st.sampled_from(sorted(weights)))
    assume(weights[whole] > MICRO)
    part = data.draw(st.decimals(MICRO, weights[whole] - MICRO, places=6))
    other = data.draw(keys.filter(lambda key: key not in weights))
    halves = {**weights, whole: part, other: weights[whole] - part}
    together, split = give_out.groups([(units, weights), (units, halves)])
    assert abs(split[whole] + split[other] - together[whole]) <= 1
    assert sum(split.values()) == units


@settings(max_examples=200, deadline=None)
@given(
    units=units_of_a_pool,
    weights=st.dictionaries(
        keys, st.integers(1, 500).map(lambda steps: steps * 100 * MICRO), min_size=1, max_size=9
    ),
    scale=st.one_of(
        st.integers(2, 10**9).map(Decimal), st.sampled_from([Decimal("0.01"), Decimal("0.1"), Decimal(10**6)])
    ),
)
def test_weights_times_a_constant_change_nothing(
    give_out: GiveOut, units: int, weights: Weights, scale: Decimal
) -> None:
    scaled = {key: weight * scale for key, weight in weights.items()}
    plain, found = give_out.groups([(units, weights), (units, scaled)])
    assert found == plain


@settings(max_examples=200, deadline=None)
@given(
    units=st.integers(-(10**12), 10**12),
    weights=st.dictionaries(keys, st.integers(1, 90).map(Decimal), min_size=1, max_size=12),
)
def test_narrow_and_wide_arithmetic_give_the_same(give_out: GiveOut, units: int, weights: Weights) -> None:
    # An odd number, so that no common power of ten brings the weights down again.
    scale = Decimal(WIDE_TOTAL // int(sum(weights.values())) * 2 + 1)
    wide = {key: weight * scale for key, weight in weights.items()}
    assert WIDE_TOTAL <= sum(wide.values()) < 10**12
    expected = largest_remainders(units, weights)
    assert give_out.groups([(units, weights), (units, wide)]) == [expected, expected]


@settings(max_examples=100, deadline=None)
@given(data=st.data(), units=units_of_a_pool, weights=weights_of_a_pool)
def test_receiver_of_weight_zero_gets_nothing_and_changes_nothing(
    give_out: GiveOut, data: st.DataObject, units: int, weights: Weights
) -> None:
    idle = data.draw(keys.filter(lambda key: key not in weights))
    without, with_it = give_out.groups([(units, weights), (units, {**weights, idle: Decimal(0)})])
    assert with_it == without | {idle: 0}


def test_many_receivers_with_close_remainders_are_told_apart(give_out: GiveOut) -> None:
    """More rows than one vector of the engine, on two threads. In few sizes nearly all remainders are equal and the
    key decides; in sizes of their own, remainders are a ten-thousandth apart and the key must not decide.
    """
    keys_in_disorder = [f"{number * 7919 % 4_999:05}" for number in range(4_999)]
    sizes = [
        [Decimal(1)] * 4_999,
        [Decimal(1 + number % 7) for number in range(4_999)],
        [Decimal(1_000 + number) for number in range(4_999)],
        # The same for the wide arithmetic.
        [Decimal(1_001 * (1_000 + number)) for number in range(4_999)],
    ]
    assert sum(sizes[-1]) > WIDE_TOTAL
    groups = [
        (units, dict(zip(keys_in_disorder, weights, strict=True)))
        for units in (1, 2_999, 12_345_678, -7_777)
        for weights in sizes
    ]
    assert give_out.groups(groups) == [largest_remainders(units, weights) for units, weights in groups]


# The models


weights_with_negative = st.dictionaries(
    keys, st.one_of(any_weights, any_weights.map(lambda weight: -weight)), max_size=6
)
costs = st.one_of(
    st.decimals(-1000, 1000, places=2),
    st.decimals(-1000, 1000, places=4),
    st.decimals(-(10**10), 10**10, places=2),
)
minor_units = st.sampled_from([Decimal("0.01"), Decimal(1), Decimal("0.001")])


@settings(max_examples=60, deadline=None)
@given(
    pools=st.lists(st.tuples(costs, weights_with_negative), min_size=1, max_size=4),
    minor_unit=minor_units,
)
def test_proportional_pool_is_given_out_whole_or_not_at_all(
    books: Books, pools: list[tuple[Decimal, Weights]], minor_unit: Decimal
) -> None:
    steps, given_to = books(
        [(str(n), "proportional", cost, None, weights) for n, (cost, weights) in enumerate(pools)], minor_unit
    )
    for number, (cost, weights) in enumerate(pools):
        step, amounts = steps[str(number)], given_to[str(number)]
        positive = {key: weight for key, weight in weights.items() if weight > 0}
        units = int(cost / minor_unit) if positive else 0
        assert step["allocated"] == units * minor_unit
        assert step["unallocated"] == cost - units * minor_unit
        assert step["unused"] == step["segment_cost"] == 0
        assert amounts == {
            key: share * minor_unit
            for key, share in (largest_remainders(units, positive) if positive else {}).items()
        }
        negative = sum(weight < 0 for weight in weights.values())
        assert (step["receiver_count"], step["negative_receivers"]) == (len(positive), negative)
        assert step["driver_total"] == sum(positive.values())
        if not positive:
            assert step["finding"] == ("no_receiver" if cost else "negative_receivers" if negative else None)
            assert step["rate"] is None
        else:
            assert step["finding"] == ("negative_receivers" if negative else None)


@settings(max_examples=60, deadline=None)
@given(
    pools=st.lists(
        st.tuples(
            costs,
            st.decimals(Decimal("0.5"), 200_000, places=2),
            st.dictionaries(keys, st.decimals(-50_000, 50_000, places=6).filter(bool), max_size=6),
        ),
        min_size=1,
        max_size=4,
    ),
    minor_unit=minor_units,
)
def test_capacity_pool_is_what_is_assigned_and_what_is_unused(
    books: Books, pools: list[tuple[Decimal, Decimal, Weights]], minor_unit: Decimal
) -> None:
    steps, given_to = books(
        [(str(n), "capacity", cost, capacity, minutes) for n, (cost, capacity, minutes) in enumerate(pools)],
        minor_unit,
    )
    for number, (cost, capacity, minutes) in enumerate(pools):
        step, amounts = steps[str(number)], given_to[str(number)]
        positive = {key: weight for key, weight in minutes.items() if weight > 0}
        used = sum(positive.values(), start=Decimal(0))
        units = half_away_from_zero(
            Fraction(cost) * Fraction(used) / Fraction(capacity) / Fraction(minor_unit)
        )
        assert step["allocated"] == units * minor_unit
        assert step["unused"] == cost - units * minor_unit
        assert step["unallocated"] == step["segment_cost"] == 0
        assert amounts == {
            key: share * minor_unit
            for key, share in (largest_remainders(units, positive) if positive else {}).items()
        }
        assert step["is_over_used"] == (used > capacity)
        assert (step["finding"] == "over_used") == (used > capacity)


@settings(max_examples=40, deadline=None)
@given(
    data=st.data(),
    cost=costs,
    capacity=st.one_of(st.none(), st.decimals(1, 100_000, places=2)),
    weights=st.dictionaries(keys, small_weights, min_size=1, max_size=6),
)
def test_customer_below_zero_changes_nobody_elses_share(
    books: Books, data: st.DataObject, cost: Decimal, capacity: Decimal | None, weights: Weights
) -> None:
    method = "capacity" if capacity else "proportional"
    negative = data.draw(keys.filter(lambda key: key not in weights))
    with_it = {**weights, negative: -data.draw(any_weights)}
    steps, given_to = books(
        [("with", method, cost, capacity, with_it), ("without", method, cost, capacity, weights)]
    )
    assert given_to["with"] == given_to["without"]
    assert steps["with"]["unused"] == steps["without"]["unused"]
    assert (steps["with"]["negative_receivers"], steps["without"]["negative_receivers"]) == (1, 0)


# The whole build


def test_company_with_every_kind_of_pool_builds_without_a_failure(company: Build) -> None:
    assert company.failed() == set()


@pytest.mark.parametrize("pool", POOLS)
def test_pool_becomes_what_it_must(company: Build, pool: str) -> None:
    spec = POOLS[pool]
    (step,) = rows(company.warehouse, f"select * from audit.allocation_steps where cost_pool_id = '{pool}'")
    given_to = rows(
        company.warehouse,
        "select customer_id, line_code, driver, amount from audit.allocations "
        f"where cost_pool_id = '{pool}' and amount <> 0 order by customer_id",
    )
    driver = "minutes" if spec.capacity else f"done for {pool}"
    assert given_to == [
        {"customer_id": customer, "line_code": "K55", "driver": driver, "amount": Decimal(amount)}
        for customer, amount in sorted(spec.gives.items())
        if Decimal(amount)
    ]
    assert {name: step[name] for name in ("month", "pool_cost", "unused", "unallocated", "finding")} == {
        "month": MONTH,
        "pool_cost": Decimal(spec.cost),
        "unused": Decimal(spec.unused),
        "unallocated": Decimal(spec.unallocated),
        "finding": spec.finding,
    }
    assert step["allocated"] == sum(Decimal(amount) for amount in spec.gives.values())
    if spec.rate:
        assert step["rate"] == Decimal(spec.rate)
    assert step["is_over_used"] == (spec.finding == "over_used")


def test_company_account_holds_what_customers_do_not_get(company: Build) -> None:
    """Also with negative unused capacity, and with a cost of a fraction of an øre."""
    (account,) = rows(company.warehouse, "select * from marts.company_accounts")
    assert {
        name: account[name]
        for name in ("order_cost", "db3", "segment_cost", "unused_capacity", "unallocated", "list_sales")
    } == {
        "order_cost": sum(Decimal(amount) for pool in POOLS.values() for amount in pool.gives.values()),
        "db3": -sum(Decimal(amount) for pool in POOLS.values() for amount in pool.gives.values()),
        "segment_cost": Decimal(700),
        "unused_capacity": sum(Decimal(pool.unused) for pool in POOLS.values()),
        "unallocated": sum(Decimal(pool.unallocated) for pool in POOLS.values()),
        "list_sales": 0,
    }


def test_customer_accounts_hold_what_each_customer_got(company: Build) -> None:
    found = rows(
        company.warehouse,
        "select customer_id, order_cost, sales_effort_cost, db2, db3 from marts.customer_accounts",
    )
    expected = {
        customer: sum((Decimal(pool.gives.get(customer, "0")) for pool in POOLS.values()), start=Decimal(0))
        for customer in "ABC"
    }
    assert {row["customer_id"]: row["order_cost"] for row in found} == expected
    assert all(
        row["db3"] == -row["order_cost"] and row["db2"] == row["sales_effort_cost"] == 0 for row in found
    )
