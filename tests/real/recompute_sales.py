"""What segments, whale curve and price-volume-mix of the public datasets must be, computed a second time.

From the accounts that `recompute` makes of the raw files, and from docs/sales.md alone: nothing of the product
is imported or read here, so that a fault in it cannot also stand here. Money is `Decimal`, ratios are fractions
of whole numbers until the last step. Comparing belongs in `test_real_sales`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

import segments_by_hand
from actions_by_hand import MEASURES as ACTION_MEASURES
from actions_by_hand import Customer
from recompute import ZERO, Expected
from segments_by_hand import YEAR, months_between, rounded, summed, window_of

QUARTER = 3
SHARE_DIGITS = 12


def months_of(expected: Expected) -> list[date]:
    """First days of all months from the first posted one to the last, without gaps."""
    return months_between(min(expected.months), max(expected.months))


# --- segments -------------------------------------------------------------------------------------------
def customer_segments(expected: Expected) -> dict[tuple[str, date], dict[str, Any]]:
    """(customer, month) -> the columns of the mart; no dataset has chains."""
    return segments_by_hand.customer_segments(expected.accounts, months_of(expected))


def classed_customers(expected: Expected) -> dict[str, Customer]:
    """Everybody who is in a class at the end of the accounts, with the sums of twelve months.

    Bad debts of these datasets belong to the unknown customer, who is in no class.
    """
    months = months_of(expected)
    sums = summed(expected.accounts, window_of(months, len(months) - 1, YEAR), ACTION_MEASURES)
    return {
        customer: Customer(row["segment"], row["size_class"], row["is_good_customer"], sums[customer])
        for (customer, month), row in customer_segments(expected).items()
        if month == months[-1] and row["size_class"] is not None
    }


def scopes_of_segments(
    expected: Expected, segments: dict[tuple[str, date], dict[str, Any]]
) -> dict[tuple[str, str, date], dict[str, Any]]:
    """(scope type, scope, month) -> net sales and DB III of twelve months, of all that have any.

    Segments of now and of the opening, and what the owner of a customer has within the latter. The customers are
    those of the month, in every month of the window.
    """
    months = months_of(expected)
    scopes: dict[tuple[str, str, date], dict[str, Any]] = {}
    for place, month in enumerate(months):
        for customer, of_customer in summed(expected.accounts, window_of(months, place, YEAR)).items():
            of_month = segments[customer, month]
            owner = expected.owners.get(customer, "Ikke tildelt")
            for scope_type, scope in (
                ("segment", of_month["segment"]),
                ("segment_opening", of_month["opening_segment"]),
                ("salesperson_segment", f"{owner} / {of_month['opening_segment']}"),
            ):
                sums = scopes.setdefault((scope_type, scope, month), {"net_sales": ZERO, "db3": ZERO})
                for measure in sums:
                    sums[measure] += of_customer[measure]
    return {key: sums for key, sums in scopes.items() if any(sums.values())}


# --- whale curve and concentration ----------------------------------------------------------------------
def _ranked(expected: Expected) -> Iterator[tuple[date, list[tuple[str, dict[str, Decimal]]]]]:
    """Each month's customers, by falling DB III of twelve months; months without a customer are left out."""
    months = months_of(expected)
    for place, month in enumerate(months):
        sums = summed(expected.accounts, window_of(months, place, YEAR))
        if sums:
            yield month, sorted(sums.items(), key=lambda item: (-item[1]["db3"], item[0]))


def whale_curves(expected: Expected) -> dict[tuple[date, int], dict[str, Any]]:
    """(month, rank) -> the columns of the mart."""
    curves = {}
    for month, ranked in _ranked(expected):
        total = sum((sums["db3"] for _, sums in ranked), start=ZERO)
        cumulative = ZERO
        for rank, (customer, sums) in enumerate(ranked, start=1):
            cumulative += sums["db3"]
            curves[month, rank] = {
                "customer_id": customer,
                "db3": sums["db3"],
                "cumulative_db3": cumulative,
                "customer_share": rounded(Fraction(rank, len(ranked)), SHARE_DIGITS),
                "share": _share(cumulative, total),
            }
    return curves


def concentrations(expected: Expected) -> dict[date, dict[str, Any]]:
    """Month -> the columns of the mart."""
    figures = {}
    for month, ranked in _ranked(expected):
        curve = [ZERO, *accumulate(sums["db3"] for _, sums in ranked)]
        count, total, peak = len(ranked), curve[-1], max(curve)
        top20 = math.ceil(Fraction(count, 5))
        d: Fraction | None = None
        if total > 0:
            twice_the_area = sum((left + right for left, right in pairwise(curve)), start=ZERO)
            d = Fraction(twice_the_area) / Fraction(count * total) - Fraction(1)
        figures[month] = {
            "customer_count": count,
            "total_db3": total,
            "peak_db3": peak,
            "peak_customers": curve.index(peak),
            "peak_share": _share(peak, total),
            "erosion": peak - total,
            "erosion_share": _share(peak - total, peak),
            "top20_customers": top20,
            "top20_share": _share(curve[top20], total),
            "concentration_d": None if d is None else rounded(d, SHARE_DIGITS),
            "stobachoff_s": None if d is None else rounded(d / (Fraction(1) + d), SHARE_DIGITS),
            "net_sales_gini": _gini(sums["net_sales"] for _, sums in ranked if sums["net_sales"] >= 0),
        }
    return figures


def _share(part: Decimal, whole: Decimal) -> Decimal | None:
    return rounded(Fraction(part) / Fraction(whole), SHARE_DIGITS) if whole > 0 else None


def _gini(values: Iterable[Decimal]) -> Decimal | None:
    ascending = [Fraction(value) for value in sorted(values)]
    count, total = len(ascending), sum(ascending, start=Fraction(0))
    if not total:
        return None
    weighted = sum((place * value for place, value in enumerate(ascending, start=1)), start=Fraction(0))
    return rounded(2 * weighted / (count * total) - Fraction(count + 1, count), SHARE_DIGITS)


# --- price, volume and mix ------------------------------------------------------------------------------
@dataclass(frozen=True)
class Sold:
    """A leaf in one window: a product that a customer bought, net of returns."""

    quantity: Decimal = ZERO
    sales: Decimal = ZERO
    cost: Decimal = ZERO

    def __add__(self, other: Sold) -> Sold:
        return Sold(self.quantity + other.quantity, self.sales + other.sales, self.cost + other.cost)

    def __bool__(self) -> bool:
        return any((self.quantity, self.sales, self.cost))

    @property
    def db1(self) -> Decimal:
        return self.sales - self.cost


@dataclass
class Change:
    """What a customer bought in a quarter and in the one before it.

    Attributes:
        leaves: product -> what was sold then and now. These datasets have one currency and one unit of measure.
        net_sales: then and now.
        db1: then and now.
        off_invoice: bonus and cash discounts, then and now.
    """

    leaves: dict[str, tuple[Sold, Sold]] = field(default_factory=dict)
    net_sales: tuple[Decimal, Decimal] = (ZERO, ZERO)
    db1: tuple[Decimal, Decimal] = (ZERO, ZERO)
    off_invoice: tuple[Decimal, Decimal] = (ZERO, ZERO)


def quarterly_changes(expected: Expected, month: date) -> dict[str, Change]:
    """Customer -> the quarter that ends with a month against the one before it; the accounts must hold both."""
    months = months_of(expected)
    place = months.index(month)
    windows = [window_of(months, last, QUARTER) for last in (place - QUARTER, place)]
    if place + 1 < 2 * QUARTER:
        raise ValueError(f"the accounts do not hold the two quarters up to {month}")
    changes: dict[str, Change] = defaultdict(Change)
    for (customer, posted), account in expected.accounts.items():
        for now, window in enumerate(windows):
            if posted in window:
                change = changes[customer]
                change.net_sales = _added(change.net_sales, now, account["net_sales"])
                change.db1 = _added(change.db1, now, account["db1"])
                change.off_invoice = _added(
                    change.off_invoice, now, account["bonus"] + account["cash_discount"]
                )
    for (customer, product, posted), row in expected.product_accounts.items():
        # Samples have a cost and no price: they count in no quantity that a price is taken of.
        quantity = expected.priced_quantities[customer, product, posted]
        sold = Sold(quantity, row["invoiced_sales"] - row["returns"], row["cogs"])
        for now, window in enumerate(windows):
            if posted in window:
                leaves = changes[customer].leaves
                leaves[product] = _added(leaves.get(product, (Sold(), Sold())), now, sold)
    return dict(changes)


def _added(pair: tuple[Any, Any], now: int, more: Any) -> tuple[Any, Any]:
    """A pair of then and now, with something added to one of them."""
    return (pair[0], pair[1] + more) if now else (pair[0] + more, pair[1])


def price_volume_mix(changes: Iterable[Change]) -> dict[str, tuple[Decimal, Decimal]]:
    """Component -> effect on net sales and on DB I, over some customers: convention A."""
    effects = dict.fromkeys(COMPONENTS, (ZERO, ZERO))

    def add(component: str, revenue: Decimal, db1: Decimal) -> None:
        effects[component] = (effects[component][0] + revenue, effects[component][1] + db1)

    comparable_then = comparable_now = repriced = Sold()
    for change in changes:
        add("opening", change.net_sales[0], change.db1[0])
        add("closing", change.net_sales[1], change.db1[1])
        add("off_invoice", *[change.off_invoice[0] - change.off_invoice[1]] * 2)
        bought_then = any(then for then, _ in change.leaves.values())
        buys_now = any(now for _, now in change.leaves.values())
        for then, now in change.leaves.values():
            if then.quantity > 0 and now.quantity > 0:
                worth = _repriced(then, now.quantity)
                add("price", now.sales - worth.sales, now.sales - worth.sales)
                add("unit_cost", ZERO, worth.cost - now.cost)
                comparable_then, comparable_now = comparable_then + then, comparable_now + now
                repriced += worth
            elif not then and now.quantity > 0:
                add("new_product" if bought_then else "new_customer", now.sales, now.db1)
            elif not now and then.quantity > 0:
                add("lost_product" if buys_now else "lost_customer", -then.sales, -then.db1)
            else:
                add("not_comparable", now.sales - then.sales, now.db1 - then.db1)
    if comparable_then.quantity:
        growth = Fraction(comparable_now.quantity) / Fraction(comparable_then.quantity) - 1
        more_sales = rounded(growth * Fraction(comparable_then.sales), 6)
        more_db1 = rounded(growth * Fraction(comparable_then.db1), 6)
        add("volume", more_sales, more_db1)
        add(
            "mix",
            repriced.sales - comparable_then.sales - more_sales,
            repriced.db1 - comparable_then.db1 - more_db1,
        )
    return effects


def _repriced(then: Sold, quantity: Decimal) -> Sold:
    """What the quantity of now would have brought in and cost then, to a millionth."""
    factor = Fraction(quantity) / Fraction(then.quantity)
    return Sold(quantity, rounded(factor * Fraction(then.sales), 6), rounded(factor * Fraction(then.cost), 6))


COMPONENTS = (
    "opening",
    "price",
    "exchange_rate",  # nothing: one currency
    "volume",
    "mix",
    "new_customer",
    "new_product",
    "lost_customer",
    "lost_product",
    "not_comparable",
    "off_invoice",
    "unit_cost",
    "other_goods_cost",  # nothing: no cost of goods without a product
    "closing",
)
