"""What other rates make of what pools cost, as docs/sales.md says it, one share after the other: nothing of the models' SQL
is in it.

Where the shares come from (published tables, or a recomputation of source files) belongs in the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

# How many months earlier the month is that each window's months are compared with.
MONTHS_BACK = {"month": 12, "quarter": 3, "ytd": 12, "r12": 12}
ZERO = Decimal(0)


@dataclass(frozen=True)
class Pool:
    """A pool in a month: how it is given out, what it cost, and over how many minutes or units.

    Attributes:
        rule: line, method, driver and applies_to; who differs in one of them is another pool.
        cost: what it cost; at a standard rate, that rate.
        units: its capacity; of a proportional pool all units of its driver; at a standard rate 1.
    """

    rule: tuple[str, ...]
    cost: Decimal
    units: Decimal


@dataclass(frozen=True)
class Share:
    """A customer's minutes or units of a pool, and the amount that it got for them."""

    usage: Decimal = ZERO
    amount: Decimal = ZERO


# Pool and month; the same and the customer.
Pools = Mapping[tuple[str, date], Pool]
Shares = Mapping[tuple[str, date, str], Share]
# Pool, month, months back and customer -> minutes by the time equation of then, where minutes were measured again.
Remeasured = Mapping[tuple[str, date, int, str], Decimal]
# Customer, line of the account, month and months back.
Changes = dict[tuple[str, str, date, int], Decimal]


def earlier(month: date, back: int) -> date:
    """The month so many months before."""
    number = month.year * 12 + month.month - 1 - back
    return date(number // 12, number % 12 + 1, 1)


def rounded(amount: Fraction) -> Decimal:
    """An amount to four decimals, half away from zero."""
    exact = Decimal(amount.numerator) / Decimal(amount.denominator)
    near = exact.quantize(Decimal("0.0001"), ROUND_HALF_UP)
    # The quotient above may be rounded itself; what is left tells on which side of the half it is.
    left = amount - Fraction(near)
    step = Fraction(1, 10000)
    if abs(left) > step / 2 or (abs(left) == step / 2 and (left > 0) == (amount > 0)):
        near += Decimal("0.0001") if left > 0 else Decimal("-0.0001")
    return near


def at_rate_of_then(now: Share, then: Share, pool: Pool | None, pool_then: Pool | None) -> Decimal:
    """What the usage of now would have cost at the rate of then."""
    if pool is None or pool_then is None or pool.rule != pool_then.rule or pool_then.units <= 0:
        return then.amount
    if now.usage == then.usage:
        return then.amount
    return rounded(Fraction(pool_then.cost) * Fraction(now.usage) / Fraction(pool_then.units))


def rate_changes(
    pools: Pools, shares: Shares, first_month: date, last_month: date, remeasured: Remeasured | None = None
) -> Changes:
    """What comes of other rates, by customer, line and month that is compared; nothing where it is 0.

    Args:
        first_month: where the accounts begin: a month that is compared with an earlier one has no change.
        last_month: where the windows end.
    """
    remeasured = remeasured or {}
    again = {key[:3] for key in remeasured}
    found: Changes = {}
    for back in set(MONTHS_BACK.values()):
        met = {(pool, month, customer) for pool, month, customer in shares}
        met |= {(pool, earlier(month, -back), customer) for pool, month, customer in shares}
        met |= {(pool, month, customer) for pool, month, each, customer in remeasured if each == back}
        for pool, month, customer in met:
            before = earlier(month, back)
            if before < first_month or month > last_month:
                continue
            now, then = (
                shares.get((pool, month, customer), Share()),
                shares.get((pool, before, customer), Share()),
            )
            usage = now.usage
            if (pool, month, back) in again:
                usage = remeasured.get((pool, month, back, customer), ZERO)
            measured = Share(usage, now.amount)
            rule, rule_then = pools.get((pool, month)), pools.get((pool, before))
            is_alike = rule is not None and rule_then is not None and rule.rule == rule_then.rule
            if is_alike or (now.amount == 0 and then.amount == 0):
                parts = [(rule or rule_then, now.amount - at_rate_of_then(measured, then, rule, rule_then))]
            else:
                # Of another rule it may be on another line.
                parts = [(rule, now.amount), (rule_then, -then.amount)]
            for of_rule, change in parts:
                if of_rule is not None and change:
                    key = (customer, of_rule.rule[0], month, back)
                    found[key] = found.get(key, ZERO) + change
    return found


def of_window(
    changes: Changes, customer: str, line: str, window: str, first_month: date, last_month: date
) -> Decimal:
    """What comes of other rates over the months of a window."""
    back, total, month = MONTHS_BACK[window], ZERO, first_month
    while month <= last_month:
        total += changes.get((customer, line, month, back), ZERO)
        month = earlier(month, -1)
    return total


def published_pools(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, date], Pool]:
    """The pools that are given out, by pool and month, from a publication or a warehouse."""
    rows = connection.execute(
        "select cost_pool_id, month, line_code, method, coalesce(driver, ''), applies_to, pool_cost, driver_total, "
        "practical_capacity_minutes, standard_rate from audit.allocation_steps where line_code <> 'K70' "
        "and coalesce(finding, '') not in ('unknown_customers', 'no_driver', 'no_capacity', 'no_activity_times') "
        "and line_code in (select line_code from audit.ladder_terms where column_name = 'db3')"
    ).fetchall()
    return {
        (pool, month): Pool(
            (line, method, "" if method == "capacity" else driver, applies_to),
            cost if standard is None else standard,
            Decimal(1) if standard is not None else capacity if method == "capacity" else used,
        )
        for pool, month, line, method, driver, applies_to, cost, used, capacity, standard in rows
    }


def published_shares(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, date, str], Share]:
    """Who got what of each pool."""
    rows = connection.execute(
        "select cost_pool_id, month, customer_id, weight, amount from audit.allocations"
    ).fetchall()
    return {(pool, month, customer): Share(weight, amount) for pool, month, customer, weight, amount in rows}


def published_changes(connection: duckdb.DuckDBPyConnection, remeasured: Remeasured | None = None) -> Changes:
    """What comes of other rates, computed from the published shares."""
    row = connection.execute("select min(month), max(month) from marts.time_windows").fetchone()
    assert row is not None
    pools, shares = published_pools(connection), published_shares(connection)
    return rate_changes(
        pools, {key: share for key, share in shares.items() if key[:2] in pools}, *row, remeasured
    )
