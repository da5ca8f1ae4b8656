"""Segments by the standard rules, computed a second time from accounts and docs/sales.md alone.

Nothing of the product is imported or read here. Money is `Decimal`, ratios are fractions of whole numbers until the
last step. Where accounts come from, and what is compared, belongs in the tests and in tests/real/recompute_sales.py.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

UNKNOWN, INSIDE, NEW, LOST, NEGATIVE = "(ukendt)", "Intern", "Ny", "Tabt", "N"
ZERO = Decimal(0)
YEAR = 12
MEASURES = ("net_sales", "db2", "db3", "order_count")

# The standard policy, for companies that supply no rules of their own. A class goes from its bound to the
# next: on the size axis the share of sales with larger customers, on the margin axis the share of customers
# with a lower DG II.
SIZE_BOUNDS = (("A", Fraction(0)), ("B", Fraction("0.8")), ("C", Fraction("0.95")))
MARGIN_BOUNDS = (("3", Fraction(0)), ("2", Fraction("0.333333")), ("1", Fraction("0.666666")))
HYSTERESIS = Fraction("0.05")
MINIMUM_MONTHS = 6
GOOD_SIZES, GOOD_MARGINS = ("A", "B"), ("1",)
GOOD_MINIMUM_ORDERS = 4

# Of marts.customer_segments, what is computed again.
COLUMNS = (
    "size_class",
    "margin_class",
    "calculated_segment",
    "segment",
    "opening_segment",
    "is_good_customer",
    "size_value",
    "margin_value",
)

Accounts = Mapping[tuple[str, date], Mapping[str, Decimal]]
"""(customer, first day of month) -> measures."""


def months_between(first: date, last: date) -> list[date]:
    """First days of all months from the first to the last, without gaps."""
    month, months = first, []
    while month <= last:
        months.append(month)
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return months


def rounded(value: Fraction, digits: int) -> Decimal:
    """Half away from zero."""
    sign = -1 if value < 0 else 1
    return Decimal(sign * math.floor(sign * value * 10**digits + Fraction(1, 2))).scaleb(-digits)


def window_of(months: list[date], last: int, length: int) -> list[date]:
    """The months of a window that ends with the month at place `last`, as far as there are accounts."""
    return months[max(0, last + 1 - length) : last + 1]


def summed(
    accounts: Accounts, window: Iterable[date], measures: Iterable[str] = MEASURES
) -> dict[str, dict[str, Decimal]]:
    """Measures of everybody who has an account in the window."""
    within, measures = set(window), tuple(measures)
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(measures, ZERO))
    for (customer, month), account in accounts.items():
        if month in within:
            of_customer = sums[customer]
            for measure in measures:
                of_customer[measure] += account[measure]
    return dict(sums)


def customer_segments(
    accounts: Accounts,
    months: list[date],
    chains: Mapping[str, str] | None = None,
    inside: Collection[str] = (),
) -> dict[tuple[str, date], dict[str, Any]]:
    """(customer, month) -> the columns of the mart, from the customer's first account on.

    Args:
        chains: customer -> who is at the top of its chain, where chains are classed as one; only of chains with
            two customers and more.
        inside: the customers inside the group.
    """
    whole = {customer: top for customer, top in (chains or {}).items() if customer not in inside}
    # The accounts of whom classes are made for: chains added up, the others alone. Who is inside the group is apart,
    # also from the chain that is called by its number.
    together: dict[tuple[str, date], dict[str, Decimal]] = {}
    for (customer, month), account in accounts.items():
        if customer in inside:
            continue
        into = together.setdefault((whole.get(customer, customer), month), dict.fromkeys(MEASURES, ZERO))
        for measure in MEASURES:
            into[measure] += account[measure]
    first_order: dict[str, date] = {}
    for (customer, month), account in accounts.items():
        if account["order_count"] and customer not in inside:
            classed = whole.get(customer, customer)
            first_order[classed] = min(month, first_order.get(classed, month))
    since: dict[str, date] = {}
    for customer, month in accounts:
        since[customer] = min(month, since.get(customer, month))

    segments: dict[tuple[str, date], dict[str, Any]] = {}
    in_effect: dict[tuple[str, date], str] = {}
    classes: dict[str, tuple[str, str]] = {}
    nothing = dict.fromkeys(MEASURES, ZERO)
    for place, month in enumerate(months):
        there = {customer for customer, first in since.items() if first <= month}
        window = window_of(months, place, YEAR)
        sums, own = summed(together, window), summed(accounts, window)
        of_all = {
            classed: sums.get(classed, nothing)
            for classed in {whole.get(customer, customer) for customer in there if customer not in inside}
        }
        states = {
            each: _state(each, of_each, first_order.get(each), month) for each, of_each in of_all.items()
        }
        classes = _classes({each: of_all[each] for each, state in states.items() if state is None}, classes)
        for classed, state in states.items():
            in_effect[classed, month] = state or "".join(classes[classed])
        for customer in there:
            if customer in inside:
                figures = own.get(customer, nothing)
                row = _row(figures, (None, None), INSIDE, INSIDE)
            else:
                classed = whole.get(customer, customer)
                opening = in_effect.get((classed, date(month.year - 1, 12, 1)))
                row = _row(
                    of_all[classed],
                    classes.get(classed, (None, None)),
                    in_effect[classed, month],
                    opening or (UNKNOWN if customer == UNKNOWN else NEW),
                )
            segments[customer, month] = row
    return segments


def _row(
    figures: Mapping[str, Decimal], classes: tuple[str | None, str | None], segment: str, opening: str
) -> dict[str, Any]:
    size, margin = classes
    return {
        "size_class": size,
        "margin_class": margin,
        "calculated_segment": segment,
        "segment": segment,
        "opening_segment": opening,
        "is_good_customer": (
            size in GOOD_SIZES
            and margin in GOOD_MARGINS
            and figures["order_count"] >= GOOD_MINIMUM_ORDERS
            and figures["db3"] > 0
        ),
        "size_value": figures["net_sales"],
        "margin_value": _dg2(figures),
    }


def _state(classed: str, sums: Mapping[str, Decimal], first_order: date | None, month: date) -> str | None:
    """What a customer or chain is instead of being classed."""
    if classed == UNKNOWN:
        return UNKNOWN
    if first_order is None or first_order > month:
        return NEW
    history = (month.year - first_order.year) * 12 + month.month - first_order.month + 1
    if history < MINIMUM_MONTHS:
        return NEW
    return None if sums["order_count"] else LOST


def _dg2(sums: Mapping[str, Decimal]) -> Decimal | None:
    """As it is published: who lies lower is decided on its six decimals."""
    if sums["net_sales"] <= 0:
        return None
    return rounded(Fraction(sums["db2"]) / Fraction(sums["net_sales"]), 6)


def _classes(
    classed: Mapping[str, Mapping[str, Decimal]], before: Mapping[str, tuple[str, str]]
) -> dict[str, tuple[str, str]]:
    """Size and margin class of each; `before` holds those of the month before."""
    sales = {c: Fraction(sums["net_sales"]) for c, sums in classed.items() if sums["net_sales"] >= 0}
    total, so_far = sum(sales.values(), start=Fraction(0)), Fraction(0)
    size_shares: dict[str, Fraction] = {}
    for customer in sorted(sales, key=lambda c: (-sales[c], c)):
        size_shares[customer] = so_far / total if total else Fraction(0)
        so_far += sales[customer]

    ratios = {c: ratio for c, sums in classed.items() if (ratio := _dg2(sums)) is not None and ratio >= 0}
    margin_shares: dict[str, Fraction] = {}
    lower: dict[Decimal, int] = {}
    for place, ratio in enumerate(sorted(ratios.values())):
        lower.setdefault(ratio, place)
    for customer, ratio in ratios.items():
        margin_shares[customer] = Fraction(lower[ratio], len(ratios))

    classes = {}
    for customer in classed:
        size_before, margin_before = before.get(customer, (NEGATIVE, NEGATIVE))
        classes[customer] = (
            _class(SIZE_BOUNDS, size_shares.get(customer), size_before),
            _class(MARGIN_BOUNDS, margin_shares.get(customer), margin_before),
        )
    return classes


def _class(bounds: tuple[tuple[str, Fraction], ...], share: Fraction | None, before: str) -> str:
    """The last class whose bound the share has passed, or, while in the band around it, had passed."""
    if share is None:
        return NEGATIVE
    codes = [code for code, _ in bounds]
    found = codes[0]
    for place, (code, bound) in enumerate(bounds):
        edge = bound
        if before in codes:
            edge *= 1 - HYSTERESIS if codes.index(before) >= place else 1 + HYSTERESIS
        if share >= edge:
            found = code
    return found
