"""Whatever a company sells, returns, hands over and decides: every rule of the project holds, to the last digit.

The rules are the project's own sentences (sums over salespeople, segments and customers are the company's, bridges
add up, the whale curve ends at the accounts, migration ties), run on generated companies. What to do at whom, and what it
is worth, is computed a second time, and so is what comes of the rates of pools. Each has returns, fees, foreign
currency, costs without sales, shared and changing owners and customers that come and go. That a rule can fail is shown
in test_planted_faults.py; that the numbers are right, by the worked examples and by the recomputation of real data.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from actions_by_hand import actions, opportunities, published, published_customers, published_terms
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rates_by_hand import Remeasured, earlier, of_window, published_changes
from replay import Replay
from small_company import COMPANY

FIRST, MONTHS = date(2024, 1, 1), 27
CUSTOMERS, PRODUCTS, SALESPEOPLE = ("K1", "K2", "K3", "K4"), ("V1", "V2", "V3"), ("S1", "S2", "S3")
THIRD = "0.33333333"
# Whom K1 to K5 have above them: nobody, one chain of some, chains of two levels and the own number, one of all.
PARENTS = (
    (None, None, None, None, None),
    (None, None, "K2", None, None),
    (None, "K1", "K2", "K4", "K4"),
    (None, "K1", "K1", "K1", "K1"),
)
# Of the company's own, with what adds up over customers and what does not: numerator and denominator.
OWN_KPIS = {
    "buyers": ("customer_count", None),
    "first_buyers": ("new_customer_count", None),
    "first_buyers_pct": ("new_customer_count", "customer_count"),
    "db3_per_buyer": ("db3", "customer_count"),
    "db2_per_visit": ("db2", "visit_count"),
}

# Months of salespeople within segments that differ from the portfolios, cut by the opening segments of the month.
SALESPEOPLE_IN_SEGMENTS = """
    with parts as (
        select salesperson_id, opening_segment as segment, month, sum(net_sales) as net_sales, sum(db3) as db3,
            sum(order_count) as order_count, count(*) as customers
        from marts.portfolio_accounts
        inner join marts.customer_segments using (customer_id, month)
        group by all
    )
    select * from parts
    full join (
        select * from marts.scope_windows where scope_type = 'salesperson_segment' and time_window = 'month'
    ) as scopes using (salesperson_id, segment, month)
    where (parts.net_sales, parts.db3, parts.order_count) is distinct from (
            scopes.net_sales, scopes.db3, scopes.order_count)
        -- Only the month compared with has an account.
        and (parts.customers is not null or scopes.net_sales <> 0 or scopes.db3 <> 0)
        or scope_id is distinct from salesperson_id || ' / ' || segment
"""

# Each customer with itself and all that it belongs to, up to the top.
WAYS = """
    with recursive ways as (
        select customer_id, customer_id as at from marts.customers
        union
        select ways.customer_id, customers.parent_customer_id
        from ways inner join marts.customers on customers.customer_id = ways.at
        where customers.parent_customer_id is not null
    ),
"""
# Chains that do not have, in every month, what the parents of the list make of the customers' accounts. The rules go
# by chain_id; here the way up is walked.
CHAINS = f"""{WAYS}
    tops as (
        select ways.customer_id, ways.at as chain_id
        from ways inner join marts.customers on customers.customer_id = ways.at
        where coalesce(customers.parent_customer_id, ways.at) = ways.at
    ),
    members as (
        select customer_id, case when count(*) over (partition by chain_id) > 1 then chain_id else '(uden kæde)' end as chain_id
        from tops qualify count(*) over () > count(distinct chain_id) over ()
    ),
    parts as (
        select chain_id, month, sum(net_sales) as net_sales, sum(db3) as db3, sum(order_count) as order_count
        from marts.customer_accounts inner join members using (customer_id) group by all
    ),
    scopes as (
        select scope_id as chain_id, month, net_sales, db3, order_count
        from marts.scope_windows where scope_type = 'chain' and time_window = 'month'
    )
    select * from parts
    full join marts.chain_accounts as accounts using (chain_id, month)
    full join scopes using (chain_id, month)
    where (parts.net_sales, parts.db3, parts.order_count)
            is distinct from (accounts.net_sales, accounts.db3, accounts.order_count)
        -- Only the month compared with has an account; or a visit costs nothing after the last posted month.
        or (coalesce(parts.net_sales, 0), coalesce(parts.db3, 0), coalesce(parts.order_count, 0)) is distinct from (
            coalesce(scopes.net_sales, 0), coalesce(scopes.db3, 0), coalesce(scopes.order_count, 0))
"""

# Chains whose customers are not all in one segment, for one reason, in one month; who is inside the group is apart.
SPLIT_CHAINS = f"""{WAYS}
    tops as (
        select ways.customer_id, ways.at as top, any_own.is_internal
        from ways
        inner join marts.customers on customers.customer_id = ways.at
        inner join marts.customers as any_own on any_own.customer_id = ways.customer_id
        where coalesce(customers.parent_customer_id, ways.at) = ways.at
    )
    select top, month
    from marts.customer_segments inner join tops using (customer_id)
    where not is_internal
    group by top, month
    having count(distinct row(
        rule_version, raw_size_class, raw_margin_class, size_class, margin_class, calculated_segment, override_segment,
        segment, opening_segment, reason_da, reason_en, is_good_customer, size_value, margin_value, classed_id
    )) > 1
    union all
    select customer_id, month
    from marts.customer_segments inner join tops using (customer_id) where is_internal and calculated_segment <> 'Intern'
"""

days = st.integers(0, MONTHS * 30 - 1).map(lambda day: FIRST + timedelta(days=day))
ore = st.integers(-500, 100_000).map(lambda amount: Decimal(amount) / 100)
costs = st.integers(-200, 5_000).map(lambda amount: Decimal(amount) / 100)


@st.composite
def sales(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Invoices and credit notes; a customer who buys every month is among them, so that windows can be compared."""
    spread = draw(st.lists(st.tuples(days, st.sampled_from(CUSTOMERS)), min_size=5, max_size=25))
    regular = [
        (FIRST + timedelta(days=30 * month), draw(st.sampled_from(CUSTOMERS[:2]))) for month in range(0, 27)
    ]
    lines = []
    for number, (posting_date, customer) in enumerate(spread + regular, start=1):
        is_return = draw(st.integers(0, 9)) == 0
        quantity = draw(st.integers(0, 20)) * (-1 if is_return else 1)
        net = draw(ore) * (-1 if is_return else 1)
        line = {
            "document_no": f"F{number}",
            "document_type": "credit_note" if is_return else "invoice",
            "posting_date": posting_date,
            "customer_id": customer,
            "product_id": draw(st.sampled_from(PRODUCTS)),
            "quantity": quantity,
            "list_amount": net,
            "discount_amount": 0,
            "net_amount": net,
        }
        if draw(st.booleans()):
            line["cost_amount"] = draw(costs) * (-1 if is_return else 1)
        if draw(st.integers(0, 4)) == 0:
            line["currency"] = "EUR"
        if draw(st.integers(0, 6)) == 0:
            line["line_type"] = draw(st.sampled_from(["fee", "freight_charge", "discount", "deposit"]))
        lines.append(line)
    return lines


@st.composite
def owners(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Hand-overs in the middle of a month, shared customers, customers without an owner, thirds."""
    found = []
    for customer in CUSTOMERS:
        kind = draw(st.sampled_from(["none", "one", "shared", "handed over", "covered", "a third", "thirds"]))
        first = {"customer_id": customer, "salesperson_id": "S1", "valid_from": date(2023, 1, 1)}
        if kind == "one":
            found.append(first)
        elif kind == "a third":
            found.append({**first, "share": THIRD})
        elif kind == "thirds":
            found += [{**first, "salesperson_id": each, "share": THIRD} for each in SALESPEOPLE]
        elif kind == "shared":
            found += [{**first, "share": "0.6"}, {**first, "salesperson_id": "S2", "share": "0.4"}]
        elif kind == "covered":
            day = draw(days)
            found += [
                {**first, "valid_to": day},
                {
                    **first,
                    "salesperson_id": "S2",
                    "valid_from": day + timedelta(days=1),
                    "valid_to": day + timedelta(days=20),
                },
                {**first, "valid_from": day + timedelta(days=21)},
            ]
        elif kind == "handed over":
            day = draw(days)
            found.append({**first, "valid_to": day})
            if draw(st.booleans()):
                found.append({**first, "salesperson_id": "S2", "valid_from": day + timedelta(days=1)})
    return found


@st.composite
def pools(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Orders and visits cost more or less every month; a pool begins, ends or gets another rule, and visits are timed again."""
    entries, versions, times = [], [], []
    for pool, line, method in (("kontor", "K55", "proportional"), ("besoeg", "K56", "capacity")):
        begins, ends = draw(st.sampled_from([(0, MONTHS), (0, MONTHS), (14, MONTHS), (0, 15)]))
        cost, step = draw(st.integers(-50, 900)), draw(st.integers(-40, 40))
        for number in range(begins, ends):
            month = earlier(FIRST, -number)
            # A month without a cost is none of the pool's.
            if (amount := cost + step * number) and number % 11:
                entries.append(
                    {
                        "entry_no": f"{pool}-{number}",
                        "posting_date": month,
                        "account_no": pool,
                        "amount": Decimal(amount) / 7,
                    }
                )
        first = {
            "cost_pool_id": pool,
            "valid_from": FIRST,
            "ladder_line": line,
            "method": method,
            "driver": "orders" if method == "proportional" else None,
            "practical_capacity_minutes": draw(st.sampled_from([60, 400])) if method == "capacity" else None,
            "applies_to": "all",
        }
        other = draw(
            st.sampled_from(
                [
                    {"ladder_line": "K56" if line == "K55" else "K55"},
                    {"practical_capacity_minutes": 100}
                    if method == "capacity"
                    else {"driver": "order_lines"},
                ]
            )
        )
        versions += [
            first,
            *draw(st.sampled_from([[], [{**first, **other, "valid_from": date(2025, 3, 1)}]])),
        ]
    for valid_from, minutes in ((FIRST, 45), *draw(st.sampled_from([(), ((date(2025, 2, 1), 30),)]))):
        times.append(
            {
                "cost_pool_id": "besoeg",
                "activity_type": "sales_visit",
                "applies_to": "all",
                "valid_from": valid_from,
                "minutes_per_unit": minutes,
            }
        )
    return {
        "ledger_accounts": [
            {"account_no": pool, "account_role": f"pool:{pool}"} for pool in ("kontor", "besoeg")
        ],
        "ledger_entries": entries,
        "cost_pools": versions,
        # What is charged where the company measures by them; a pool has none in one of the years.
        "standard_rates": [
            {"cost_pool_id": pool, "fiscal_year": year, "standard_rate": rate}
            for pool, year, rate in (
                ("kontor", 2024, "12.5"),
                ("kontor", 2025, "13.333333"),
                ("besoeg", 2025, "3.141593"),
                ("besoeg", 2026, "0.75"),
            )
        ],
        "activity_times": times,
    }


def register(own_kpis: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """The feeds of a company that has those KPIs and two of the standard; without any it uses all of the standard."""
    formulas = [
        {"kpi_id": kpi_id, "part": part, "measure": measure, "coefficient": 1}
        for kpi_id in own_kpis
        for part, measure in zip(("numerator", "denominator"), OWN_KPIS[kpi_id], strict=True)
        if measure
    ]
    if not formulas:
        return {}
    named = [
        {"kpi_id": kpi_id, "name_da": kpi_id, "name_en": kpi_id} for kpi_id in [*own_kpis, "dg2", "net_sales"]
    ]
    return {"kpi_formulas": formulas, "kpi_register": named}


@st.composite
def companies(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """The feeds of one company."""
    customer_costs = draw(
        st.lists(
            st.tuples(
                days,
                st.sampled_from([*CUSTOMERS, "K5"]),
                st.sampled_from(
                    ["freight", "bonus", "cash_discount", "return_handling", "other", "bad_debt"]
                ),
                costs,
            ),
            max_size=12,
        )
    )
    visits = draw(
        st.lists(st.tuples(days, st.sampled_from([*CUSTOMERS, "K5"]), st.integers(1, 3)), max_size=10)
    )
    thresholds = sorted(
        draw(st.lists(st.integers(1, 2000), min_size=1, max_size=2, unique=True)), reverse=True
    )
    method = draw(st.sampled_from(["absolute", "percentile", "cumulative_share"]))
    bounds = {
        "absolute": [str(threshold) for threshold in thresholds],
        "percentile": [str(Decimal(threshold) / 2000) for threshold in thresholds],
        "cumulative_share": ["0", *[str(Decimal(threshold) / 2000) for threshold in reversed(thresholds)]],
    }[method]
    hysteresis = draw(st.sampled_from(["0", "0.05", "0.5"]))
    # A second version, which says the same or lowers a bound, from the opening of a year or from within one.
    first = {"rule_version": "1", "valid_from": date(2024, 6, 1), "margin_from": "0.4"}
    second = {
        "rule_version": "2",
        "valid_from": draw(st.sampled_from([date(2025, 1, 1), date(2025, 4, 15)])),
        "margin_from": draw(st.sampled_from(["0.4", "0.1"])),
    }
    versions = [first, *draw(st.sampled_from([[], [second]]))]
    shared = {"hysteresis": hysteresis, "minimum_months": 2}
    return {
        "sales_lines": draw(sales()),
        "customers": [
            {"customer_id": customer, "parent_customer_id": parent, "is_internal": customer == inside}
            for inside in [draw(st.sampled_from([None, None, "K1", "K4"]))]
            for customer, parent in zip([*CUSTOMERS, "K5"], draw(st.sampled_from(PARENTS)), strict=True)
        ],
        "products": [
            {"product_id": product, "unit_of_measure": unit}
            for product, unit in zip(PRODUCTS, ("stk", "stk", "kasse"), strict=True)
        ],
        "salespeople": [
            {"salesperson_id": salesperson, "team": team}
            for salesperson, team in zip(SALESPEOPLE, ("Nord", "Syd", "Syd"), strict=True)
        ],
        "customer_owners": draw(owners()),
        "customer_costs": [
            {
                "cost_no": str(number),
                "posting_date": day,
                "customer_id": customer,
                "cost_type": kind,
                "amount": amount,
            }
            for number, (day, customer, kind, amount) in enumerate(customer_costs)
        ],
        "bonus_agreements": [
            {
                "customer_id": "K1",
                "valid_from": date(2024, 1, 1),
                "tier_from": 0,
                "basis": "invoiced_sales",
                "rate": rate,
            }
            for rate in draw(st.lists(st.sampled_from(["0.02", "0.1"]), max_size=1))
        ],
        # Bonus below DB II instead of above DB I, and orders above DB II, as a company may have it.
        "ladder_lines": [
            {"line_code": "K20", "position": position}
            for position in draw(st.lists(st.sampled_from([42, 52]), max_size=1))
        ]
        + draw(st.sampled_from([[], [{"line_code": "K55", "position": 48}]])),
        "activities": [
            {
                "activity_no": str(number),
                "activity_date": day,
                "customer_id": customer,
                "activity_type": "sales_visit",
                "quantity": count,
                "minutes": 45,
            }
            for number, (day, customer, count) in enumerate(visits)
        ],
        "exchange_rates": [
            {"currency": "EUR", "rate_date": date(2023, 1, 1), "rate": "7.43"},
            {"currency": "EUR", "rate_date": date(2025, 3, 1), "rate": "7.61"},
        ],
        "segment_rules": [
            {
                "rule_version": version["rule_version"],
                "valid_from": version["valid_from"],
                **shared,
                "axis": "size",
                "class_code": code,
                "method": method,
                "threshold_from": bound,
                "is_good": code == "A",
            }
            for version in versions
            for code, bound in zip("ABC", [*bounds, None], strict=False)
        ]
        + [
            {
                "rule_version": version["rule_version"],
                "valid_from": version["valid_from"],
                **shared,
                "axis": "margin",
                "class_code": code,
                "method": "absolute",
                "threshold_from": bound,
                "is_good": True,
            }
            for version in versions
            for code, bound in (("1", version["margin_from"]), ("2", None))
        ],
        "segment_overrides": [
            {
                "customer_id": "K2",
                "decided_on": draw(days),
                "segment": "A1",
                "reason": "Ny aftale",
                "decided_by": "Sanne",
                "valid_to": draw(days),
            }
        ],
        "service_concepts": [
            {
                "segment": segment,
                "valid_from": date(2024, 1, 1),
                "services": "Fast sælger",
                "visits_per_year": visits,
                "minimum_order": minimum_order,
                "free_freight_from": minimum_order,
                "maximum_bonus_rate": bonus,
            }
            for segment in ("A1", "A2", "B1", "B2")
            for visits, minimum_order, bonus in draw(
                st.lists(
                    st.tuples(
                        st.integers(0, 4), st.sampled_from([100, 600]), st.sampled_from(["0", "0.01", None])
                    ),
                    max_size=1,
                )
            )
        ],
        **draw(pools()),
        **register(draw(st.sampled_from([(), tuple(OWN_KPIS)]))),
    }


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


# A company takes a second or two to build: making a found one smaller would take minutes and tell little.
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    feeds=companies(),
    fiscal_year_start=st.sampled_from([1, 7]),
    minimum=st.sampled_from([1, 1, 2, 3]),
    level=st.sampled_from(["customer", "chain"]),
)
def test_every_rule_holds_for_every_company(
    replay: Replay,
    folder: Path,
    feeds: dict[str, list[dict[str, Any]]],
    fiscal_year_start: int,
    minimum: int,
    level: str,
) -> None:
    parameters = {
        # Half of the companies measure at standard rates.
        "rates": "standard" if minimum > 1 else "actual",
        "fiscal_year_start": fiscal_year_start,
        "benchmark_minimum_customers": minimum,
        "segment_level": level,
    }
    with replay.run(folder, feeds, {**COMPANY, **parameters}) as company:
        assert replay.broken_rules(company) == {}
        assert company.execute(CHAINS).fetchall() == []
        if level == "chain":
            assert company.execute(SPLIT_CHAINS).fetchall() == []
        # That salespeople within segments add up both ways is a rule; here they are what the owners' accounts say.
        assert company.execute(SALESPEOPLE_IN_SEGMENTS).fetchall() == []
        customers = published_customers(company, bad_debts(company))
        for mart, by_hand in (
            ("driver_opportunities", opportunities(customers, minimum)),
            ("customer_actions", actions(customers, published_terms(company), minimum)),
        ):
            columns = next(iter(by_hand.values()), {"worth": None})
            assert published(company, mart, columns) == by_hand
        changes = published_changes(company, visits_of_then(feeds, company))
        for customer, window, first_month, month, *found in company.execute(WINDOWS_OF_CUSTOMERS).fetchall():
            by_hand = [
                of_window(changes, customer, line, window, first_month, month) for line in ("K55", "K56")
            ]
            assert found == by_hand, (customer, window, month)


# Every window that is compared: whose it is, and what comes of the rates of pools.
WINDOWS_OF_CUSTOMERS = """
    select scopes.scope_id, time_window, first_month, month, order_cost_rate_change, sales_effort_cost_rate_change
    from marts.scope_windows as scopes
    inner join marts.time_windows as windows using (month, time_window)
    where scopes.scope_type = 'customer' and compared_first_month is not null
"""


def visits_of_then(feeds: dict[str, list[dict[str, Any]]], company: duckdb.DuckDBPyConnection) -> Remeasured:
    """The visits of each month at the minutes that one took in the month compared with, where these are others."""

    def minutes(month: date) -> int:
        return [each["minutes_per_unit"] for each in feeds["activity_times"] if each["valid_from"] <= month][
            -1
        ]

    visits = company.execute(
        "select customer_id, month, sum(quantity) from intermediate.int_visits group by customer_id, month"
    ).fetchall()
    return {
        ("besoeg", month, back, customer): quantity * minutes(before)
        for customer, month, quantity in visits
        for back in (3, 12)
        if (before := earlier(month, back)) >= FIRST and minutes(before) != minutes(month)
    }


def bad_debts(company: duckdb.DuckDBPyConnection) -> dict[str, Decimal]:
    """Of each customer over the last twelve months."""
    return dict(
        company.execute(
            "select customer_id, sum(amount) from staging.stg_customer_costs, marts.time_windows "
            "where cost_type = 'bad_debt' and time_window = 'r12' "
            "and month = (select max(month) from marts.time_windows) "
            "and posting_date >= first_month and posting_date <= last_day(month) group by customer_id"
        ).fetchall()
    )
