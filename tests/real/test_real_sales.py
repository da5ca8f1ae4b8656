"""Segments, whale curve and price-volume-mix of two public datasets, compared to the digit with a recomputation.

One dataset has returns, fees and a quarter of its sales without a customer, the other has costs, two years and
owners. What the results must be is computed in `recompute_sales`; the accounts below them are `test_real`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from actions_by_hand import actions, opportunities, published
from comparing import Refreshed, assert_same_rows, published_beside_recomputed
from rates_by_hand import Pool, Share, of_window, rate_changes
from recompute import ZERO
from recompute_sales import (
    COMPONENTS,
    Change,
    classed_customers,
    concentrations,
    customer_segments,
    months_of,
    price_volume_mix,
    quarterly_changes,
    scopes_of_segments,
    whale_curves,
)
from segments_by_hand import COLUMNS

# The last months of two quarters each: of FoodMart's, the first is in the middle of its sales, the second
# runs into the year without sales and so is the first that has opening segments.
QUARTERS = {
    "online_retail": (date(2011, 5, 1), date(2011, 6, 1)),
    "foodmart": (date(1997, 9, 1), date(1998, 1, 1)),
}
# No company.yaml here says anything else.
MINIMUM = 8
CURVE_COLUMNS = ("customer_id", "db3", "cumulative_db3", "customer_share", "share")

Segments = dict[tuple[str, date], dict[str, Any]]


@pytest.fixture(scope="module", params=QUARTERS)
def refreshed(
    request: pytest.FixtureRequest, refreshed_workspace: Callable[[str], Path]
) -> Iterator[Refreshed]:
    """Each dataset that is large enough."""
    with published_beside_recomputed(refreshed_workspace(request.param)) as dataset:
        yield dataset


@pytest.fixture(scope="module")
def segments(refreshed: Refreshed) -> Segments:
    return customer_segments(refreshed.expected)


def test_segments_of_every_customer_and_month_equal_the_recomputation(
    refreshed: Refreshed, segments: Segments
):
    published = {
        (customer, month): dict(zip(COLUMNS, values, strict=True))
        for customer, month, *values in refreshed.rows(
            f"select customer_id, month, {', '.join(COLUMNS)} from marts.customer_segments"
        )
    }
    assert_same_rows(published, segments)


def test_actions_of_every_customer_equal_the_recomputation(refreshed: Refreshed):
    """Neither has service concepts, so that all actions are drivers above the good customers'."""
    customers = classed_customers(refreshed.expected)
    for mart, by_hand in (
        ("driver_opportunities", opportunities(customers, MINIMUM)),
        ("customer_actions", actions(customers, {}, MINIMUM)),
    ):
        columns = {column: None for row in by_hand.values() for column in row}
        if refreshed.name == "foodmart":  # within its year everybody is new, and in no class
            assert (by_hand, refreshed.rows(f"select * from marts.{mart}")) == ({}, [])
            continue
        assert columns, f"{mart} has nothing to be compared"
        assert_same_rows(published(refreshed.con, mart, columns), by_hand)


def test_segments_of_now_and_of_the_opening_and_salespeople_within_them_equal_the_recomputation(
    refreshed: Refreshed, segments: Segments
):
    published = {
        (scope_type, scope, month): {"net_sales": net_sales, "db3": db3}
        for scope_type, scope, month, net_sales, db3 in refreshed.rows(
            "select scope_type, scope_id, month, net_sales, db3 from marts.scope_windows "
            "where scope_type in ('segment', 'segment_opening', 'salesperson_segment') and time_window = 'r12' "
            "and (net_sales <> 0 or db3 <> 0)"
        )
    }
    assert_same_rows(published, scopes_of_segments(refreshed.expected, segments))


def test_rates_of_every_customer_and_window_equal_the_recomputation(refreshed: Refreshed):
    """Both have pools that are given out by a driver, and so rates: of months, or of quarters alone."""
    driver = {"online_retail": "order_lines", "foodmart": "net_sales"}[refreshed.name]
    pools = {
        key: Pool(("K55", "proportional", driver, _sharing(key[0])), pool.cost, pool.driver_total)
        for key, pool in refreshed.expected.pools.items()
    }
    shares = {
        key: Share(share["weight"], share["amount"]) for key, share in refreshed.expected.allocations.items()
    }
    months = months_of(refreshed.expected)
    changes = rate_changes(pools, shares, months[0], months[-1])
    rows = refreshed.rows(
        "select scope_id, time_window, first_month, month, order_cost_rate_change, sales_effort_cost_rate_change "
        "from marts.scope_windows as scopes inner join marts.time_windows as windows using (month, time_window) "
        "where scopes.scope_type = 'customer' and compared_first_month is not null"
    )
    published = {tuple(key): {"rate": rate, "effort": effort} for *key, rate, effort in rows}
    expected = {
        key: {"rate": of_window(changes, key[0], "K55", key[1], *key[2:]), "effort": ZERO}
        for key in published
    }
    assert_same_rows(published, expected)
    assert any(row["rate"] for row in published.values())


def _sharing(pool: str) -> str:
    countries = {"stores_usa": "US", "stores_mexico": "MX", "stores_canada": "CA"}
    return f"country_code={countries[pool]}" if pool in countries else "all"


def test_whale_curve_of_every_month_equals_the_recomputation(refreshed: Refreshed):
    published = {
        (month, rank): dict(zip(CURVE_COLUMNS, values, strict=True))
        for month, rank, *values in refreshed.rows(
            f"select month, rank, {', '.join(CURVE_COLUMNS)} from marts.whale_curve"
        )
    }
    assert_same_rows(published, whale_curves(refreshed.expected))


def test_concentration_of_every_month_equals_the_recomputation(refreshed: Refreshed):
    expected = concentrations(refreshed.expected)
    columns = list(next(iter(expected.values())))
    published = {
        month: dict(zip(columns, values, strict=True))
        for month, *values in refreshed.rows(
            f"select month, {', '.join(columns)} from marts.portfolio_concentration"
        )
    }
    assert_same_rows(published, expected)


@pytest.mark.parametrize("quarter", [0, 1])
def test_price_volume_mix_of_every_scope_equals_the_recomputation(
    refreshed: Refreshed, segments: Segments, quarter: int
):
    month = QUARTERS[refreshed.name][quarter]
    rows = refreshed.rows(
        "select scope_type, scope_id, component, revenue_effect, db1_effect from marts.price_volume_mix "
        f"where time_window = 'quarter' and month = date '{month}' order by position"
    )
    published: dict[tuple[str, str], dict[str, tuple[Decimal, Decimal]]] = {}
    for scope_type, scope, component, revenue, db1 in rows:
        published.setdefault((scope_type, scope), {})[component] = (revenue, db1)
    scopes = _scopes(refreshed, segments, month)
    expected = {scope: price_volume_mix(changes) for scope, changes in scopes.items()}
    assert_same_rows(published, expected)
    assert {tuple(components) for components in published.values()} == {COMPONENTS}


def _scopes(refreshed: Refreshed, segments: Segments, month: date) -> dict[tuple[str, str], list[Change]]:
    """The company, its segments of now and of the opening, its owners' portfolios, and every customer."""
    scopes: dict[tuple[str, str], list[Change]] = {}
    for customer, change in quarterly_changes(refreshed.expected, month).items():
        owner = refreshed.expected.owners.get(customer, "Ikke tildelt")
        for scope in (
            ("company", "company"),
            ("segment", segments[customer, month]["segment"]),
            ("segment_opening", segments[customer, month]["opening_segment"]),
            ("salesperson", owner),
            ("customer", customer),
        ):
            scopes.setdefault(scope, []).append(change)
    return scopes


def test_price_volume_mix_is_not_trivial(refreshed: Refreshed):
    """Every component that these data can have stands among what is compared."""
    found = {
        component
        for month in QUARTERS[refreshed.name]
        for component, effects in price_volume_mix(
            quarterly_changes(refreshed.expected, month).values()
        ).items()
        if any(effects)
    }
    absent = {
        "online_retail": {"exchange_rate", "off_invoice", "unit_cost", "other_goods_cost"},
        "foodmart": {"exchange_rate", "off_invoice", "other_goods_cost", "price", "not_comparable"},
    }
    assert set(COMPONENTS) - found == absent[refreshed.name]
