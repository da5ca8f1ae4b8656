"""The list of actions as docs/sales.md says it, one customer after the other: nothing of the models' SQL is in it.

Where the customers come from (published tables, or a recomputation of source files) belongs in the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from statistics import median
from typing import Any, Protocol

ZERO = Decimal(0)
# What each driver costs, and what that is a share of.
DRIVERS = {
    "discount": ("invoice_discount", "list_sales"),
    **{
        driver: (column, "invoiced_sales")
        for driver, column in (
            ("returns", "returns"),
            ("bonus", "bonus"),
            ("cash_discount", "cash_discount"),
            ("freight", "freight"),
            ("handling", "handling"),
            ("other_direct", "other_direct"),
            ("order_cost", "order_cost"),
            ("sales_effort", "sales_effort_cost"),
            ("credit", "credit_cost"),
        )
    },
}
BASES = ("list_sales", "invoiced_sales", "net_sales")
MEASURES = (*BASES, "db3", *(column for column, _ in DRIVERS.values()))
DRIVER_OF_TERM = {
    "visits": "sales_effort",
    "minimum_order": "order_cost",
    "free_freight": "freight",
    "bonus": "bonus",
    "payment_days": "credit",
}

# Customer and term -> what it costs beyond the concept, if that has a price.
Terms = Mapping[tuple[str, str], Decimal | None]
# Customer and driver -> columns of a mart.
Rows = dict[tuple[str, str], dict[str, Any]]


@dataclass(frozen=True)
class Customer:
    """A customer in a class, with its sums over the twelve months by the columns of the account."""

    segment: str
    size_class: str | None
    is_good: bool
    sums: Mapping[str, Decimal]
    bad_debt: Decimal = ZERO

    @property
    def is_measure(self) -> bool:
        return all(self.sums[base] > 0 for base in BASES)

    @property
    def dg3(self) -> Decimal | None:
        return _ratio(self.sums["db3"], self.sums["net_sales"])

    def cost(self, driver: str) -> Decimal:
        return self.sums[DRIVERS[driver][0]] - (self.bad_debt if driver == "other_direct" else 0)

    def base(self, driver: str) -> Decimal:
        return self.sums[DRIVERS[driver][1]]

    def rate(self, driver: str) -> Decimal | None:
        return _ratio(self.cost(driver), self.base(driver))


Customers = Mapping[str, Customer]


def opportunities(customers: Customers, minimum: int) -> Rows:
    """Every rate beside its benchmark."""
    found: Rows = {}
    for customer_id, customer in customers.items():
        group, others = _measured_by(customer_id, customers, minimum)
        for driver in DRIVERS:
            rate, base = customer.rate(driver), customer.base(driver)
            if rate is None:
                continue
            benchmark = None if group is None else _middle(other.rate(driver) for other in others)
            gap = None if benchmark is None else rate - benchmark
            found[customer_id, driver] = {
                "rate": rate,
                "benchmark_group": group,
                "benchmark_customers": len(others) if group else None,
                "benchmark": benchmark,
                "worth": None if gap is None else _rounded(max(gap, ZERO) * base, 4),
            }
    return found


def actions(customers: Customers, terms: Terms, minimum: int) -> Rows:
    """What to do at whom, nothing twice, and at most what separates the customer from the others."""
    costs_more = opportunities(customers, minimum)
    beyond = {
        (customer_id, DRIVER_OF_TERM[term]): (term, worth) for (customer_id, term), worth in terms.items()
    }
    found: Rows = {}
    for customer_id, customer in customers.items():
        group, others = _measured_by(customer_id, customers, minimum)
        if group is None:
            continue
        distance = (
            _rounded(_middle(other.dg3 for other in others) * customer.sums["net_sales"], 4)
            - customer.sums["db3"]
        )
        raw: dict[str, Decimal] = {}
        for driver in DRIVERS:
            gap_worth = costs_more.get((customer_id, driver), {}).get("worth") or ZERO
            term_worth = beyond.get((customer_id, driver), ("", None))[1] or ZERO
            raw[driver] = max(gap_worth, term_worth)
        left = distance
        own: Rows = {}
        for driver, worth in sorted(raw.items(), key=lambda item: (-item[1], item[0])):
            if worth <= 0 or distance <= 0:
                break
            # What a customer gets beyond its concept is named also where nothing is left for it.
            if left <= 0 and (customer_id, driver) not in beyond:
                continue
            told = costs_more.get((customer_id, driver), {})
            own[customer_id, driver] = {
                "benchmark_group": group,
                "benchmark_customers": len(others),
                "rate": told.get("rate"),
                "benchmark": told.get("benchmark"),
                "raw_worth": worth,
                "worth": min(worth, left),
                "distance": distance,
                "term": beyond.get((customer_id, driver), (None,))[0],
            }
            left -= min(worth, left)
        for row in own.values():
            row["explained_share"] = _ratio(distance - max(left, ZERO), distance)
        found |= own
    ranked = sorted(found, key=lambda key: (-found[key]["worth"], *key))
    for rank, key in enumerate(ranked, start=1):
        found[key]["action_rank"] = rank
    return found


class Connection(Protocol):
    """What DuckDB's connections have."""

    def execute(self, query: str) -> Any: ...


def published_customers(con: Connection, bad_debts: Mapping[str, Decimal]) -> dict[str, Customer]:
    """The classed customers of the last month, as customer_segments and scope_windows tell them."""
    rows = con.execute(
        "select segments.customer_id, segments.segment, size_class, is_good_customer, "
        f"{', '.join(f'sums.{measure}' for measure in MEASURES)} "
        "from marts.customer_segments as segments inner join marts.scope_windows as sums "
        "on scope_type = 'customer' and scope_id = segments.customer_id and time_window = 'r12' "
        "and sums.month = segments.month "
        "where segments.month = (select max(month) from marts.time_windows) "
        "and segments.segment not in ('(ukendt)', 'Intern', 'Ny', 'Tabt')"
    ).fetchall()
    return {
        customer_id: Customer(
            segment,
            size_class,
            is_good,
            dict(zip(MEASURES, sums, strict=True)),
            bad_debts.get(customer_id, ZERO),
        )
        for customer_id, segment, size_class, is_good, *sums in rows
    }


def published_terms(con: Connection) -> dict[tuple[str, str], Decimal | None]:
    rows = con.execute("select customer_id, term, worth from marts.terms_beyond_concept").fetchall()
    return {(customer_id, term): worth for customer_id, term, worth in rows}


def published(con: Connection, mart: str, columns: Mapping[str, Any]) -> Rows:
    """The same columns of a published mart, to be compared."""
    rows = con.execute(f"select customer_id, driver, {', '.join(columns)} from marts.{mart}").fetchall()
    return {
        (customer_id, driver): dict(zip(columns, values, strict=True))
        for customer_id, driver, *values in rows
    }


def _measured_by(customer_id: str, customers: Customers, minimum: int) -> tuple[str | None, list[Customer]]:
    """The nearest group that is large enough without the customer itself, and who is in it."""
    own = customers[customer_id]
    others = [other for each, other in customers.items() if each != customer_id and other.is_measure]
    good = [other for other in others if other.is_good]
    groups = {
        "size_class": [other for other in good if other.size_class == own.size_class]
        if own.size_class
        else [],
        "good_customers": good,
        "segment": [other for other in others if other.segment == own.segment],
    }
    for name, group in groups.items():
        if len(group) >= minimum:
            return name, group
    return None, []


def _middle(rates: Any) -> Decimal:
    return _rounded(median(rates), 6)


def _ratio(part: Decimal, whole: Decimal) -> Decimal | None:
    return _rounded(Fraction(part) / Fraction(whole), 6) if whole > 0 else None


def _rounded(value: Decimal | Fraction, digits: int) -> Decimal:
    """Half away from zero."""
    exact = Fraction(value) * 10**digits
    whole = (2 * abs(exact) + 1) // 2
    return Decimal(-whole if exact < 0 else whole).scaleb(-digits)
