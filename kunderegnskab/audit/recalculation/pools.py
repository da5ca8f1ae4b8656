"""Cost pools (K55, K56): what a month costs, who causes it, and each one's share (decisions 16, 17, 99).

Here: drivers, minutes and shares. Not here: unused capacity and K70, which no customer carries.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kunderegnskab.audit.recalculation.arithmetic import (
    AMOUNT,
    QUANTITY,
    largest_remainder,
    quotient,
)
from kunderegnskab.audit.recalculation.records import Records, per_customer

_LINES = {"K55": "order_cost", "K56": "sales_effort_cost"}
# Driver -> the names that an activity may carry it by.
_NAMES = {
    "orders": ("orders", "order"),
    "order_lines": ("order_lines", "order_line"),
    "visits": ("visits", "sales_visit"),
    "shipments": ("shipments", "shipment"),
}
_DRIVER_OF = {name: driver for driver, names in _NAMES.items() for name in names}


class Drivers:
    """Quantities by customer and month, in 1/1000000."""

    def __init__(self, records: Records, accounts: pd.DataFrame) -> None:
        """Take the accounts by customer and month with accrued bonus, for the driver net_sales."""
        self._records = records
        self._accounts = accounts
        self._counted: dict[str, dict[tuple[str, int], int]] = {}

    def quantities(self, name: str, month: int) -> dict[str, int]:
        """Customer -> quantity of a driver or activity type; activities come before all other feeds."""
        driver = _DRIVER_OF.get(name, name)
        known = self._activities.get((driver, month))
        if known is not None:
            return known
        if driver not in self._counted:
            self._counted[driver] = self._count(driver)
        months: dict[str, int] = {}
        for (customer, counted_in), quantity in self._counted[driver].items():
            if counted_in == month:
                months[customer] = quantity
        return months

    @cached_property
    def _activities(self) -> dict[tuple[str, int], dict[str, int]]:
        rows = self._records.activities
        kinds = rows["activity_type"].map(lambda kind: _DRIVER_OF.get(kind, kind))
        sums = rows.groupby([kinds, rows["month"], rows["customer"]])["quantity"].sum()
        found: dict[tuple[str, int], dict[str, int]] = defaultdict(dict)
        for (kind, month, customer), quantity in sums.items():
            found[str(kind), int(month)][str(customer)] = int(quantity)
        return found

    def _count(self, driver: str) -> dict[tuple[str, int], int]:
        lines = self._records.sales
        is_invoice = lines["document_type"] == "invoice"
        is_goods = lines["line_type"] == "goods"
        sells = sells_goods(lines)
        match driver:
            case "orders":
                return self._orders(lines[is_invoice], sells[is_invoice])
            case "order_lines":
                return _ones(lines[sells])
            case "return_lines":
                return _ones(lines[~is_invoice & is_goods & (lines["quantity"] < 0)])
            case "quantity":
                return per_customer(lines[is_goods], lines.loc[is_goods, "quantity"])
            case "net_sales":
                net = self._accounts["net_sales"]
                return {(str(who), int(month)): int(value) * 100 for (who, month), value in net.items()}
            case "shipments":
                costs = self._records.costs
                freight = costs[costs["cost_type"] == "freight"]
                named = freight.dropna(subset=["document_no"])
                named = named.drop_duplicates(["customer", "month", "document_no"])
                return _ones(pd.concat([named, freight[freight["document_no"].isna()]]))
            case "receivables":
                documents = self._records.frame("receivables")
                documents["customer"] = self._records.customer_of(documents["customer_id"])
                documents["month"] = self._records.calendar.months_of(documents["invoice_date"])
                return _ones(documents)
            case _:
                return {}

    @staticmethod
    def _orders(invoiced: pd.DataFrame, sells: pd.Series) -> dict[tuple[str, int], int]:
        """Orders that sell goods: by order number, else the first one of the invoice, else by invoice."""
        document = [invoiced["customer"], invoiced["document_no"]]
        lines = invoiced.assign(first=invoiced["order_no"].groupby(document).transform("min"))[sells]
        lines["order_no"] = lines["order_no"].fillna(lines["first"])
        orders = lines.dropna(subset=["order_no"]).drop_duplicates(["customer", "month", "order_no"])
        bare = lines[lines["order_no"].isna()].drop_duplicates(["customer", "month", "document_no"])
        return _ones(pd.concat([orders, bare]))


class Groups:
    """Whom `applies_to` means."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def has(self, customer: str, applies_to: str, month: int) -> bool:
        """True when a rule applies to a customer in a month."""
        if applies_to == "all":
            return True
        if applies_to == "new_customer":
            return self._new_in.get(customer) == month
        column, _, value = applies_to.partition("=")
        return self._columns[column].get(customer) == value

    @cached_property
    def _columns(self) -> dict[str, dict[str, Any]]:
        customers = self._records.customers
        return {
            column: customers[column].dropna().to_dict()
            for column in ("customer_group", "industry", "country_code")
        }

    @cached_property
    def _new_in(self) -> dict[str, int]:
        """Customer -> month in which it is new: of its first order.

        Customers since before the accounts begin are not new in them; nor, where that is not known, are those
        with an order in the accounts' first month.
        """
        opening = self._records.first_month
        since = self._records.customers["customer_since"].dropna()
        since_month = dict(zip(since.index, self._records.calendar.months_of(since), strict=True))
        sales = self._records.sales
        first = sales[sells_goods(sales)].groupby("customer")["month"].min()
        return {
            str(who): int(month)
            for who, month in first.items()
            if (since_month[who] >= opening if who in since_month else month > opening)
        }


def sells_goods(lines: pd.DataFrame) -> pd.Series:
    """Whether each line is an order line: an invoice's goods of positive quantity, and amount as recorded."""
    is_goods = (lines["document_type"] == "invoice") & (lines["line_type"] == "goods")
    return is_goods & (lines["quantity"] > 0) & lines["is_paid"]


def pool_postings(records: Records, accounts: pd.DataFrame) -> pd.DataFrame:
    """Every customer's share of every pool: columns customer, day, line, amount.

    Args:
        accounts: the accounts with bonus, in the standard form, by customer and month.
    """
    drivers, groups = Drivers(records, accounts), Groups(records)
    entries = records.ledger[records.ledger["role"].str.startswith("pool:")]
    costs = entries.groupby([entries["role"].str.removeprefix("pool:"), "month"])["amount"].sum()
    pools, times = records.frame("cost_pools"), records.frame("activity_times")
    standards = _standard_rates(records)
    booked = {(str(pool), int(month)): int(cost) for (pool, month), cost in costs.items()}
    unit = records.minor_unit
    rows: list[tuple[str, int, str, int]] = []
    # At a standard rate, usage is charged whether or not the month's cost is booked.
    for pool, month in sorted({*booked, *standards}):
        cost, standard = booked.get((pool, month), 0), standards.get((pool, month))
        day = records.calendar.last_day(month)
        rule = _in_force(pools[pools["cost_pool_id"] == pool], day, [])
        if rule.empty or rule.iloc[0]["ladder_line"] not in _LINES:
            continue
        version = rule.iloc[0]
        is_capacity = version["method"] == "capacity"
        if is_capacity:
            equation = _in_force(times[times["cost_pool_id"] == pool], day, ["activity_type", "applies_to"])
            found = _minutes(equation, drivers, groups, month)
        else:
            found = drivers.quantities(str(version["driver"]), month)
        weights = {
            who: weight
            for who, weight in found.items()
            if weight > 0 and groups.has(who, str(version["applies_to"]), month)
        }
        if not weights:
            continue
        if standard is not None:
            given = quotient(standard * sum(weights.values()), unit * QUANTITY * QUANTITY // AMOUNT)
        elif is_capacity:
            minutes = sum(weights.values())
            given = quotient(cost * minutes, int(version["practical_capacity_minutes"]) * unit)
        else:
            given = _whole(cost, unit)
        line = _LINES[version["ladder_line"]]
        shares = largest_remainder(given, weights)
        rows += [(who, day, line, share * unit) for who, share in shares.items() if share]
    return pd.DataFrame(rows, columns=["customer", "day", "line", "amount"])


def _standard_rates(records: Records) -> dict[tuple[str, int], int]:
    """(Pool, month) -> the standard rate of its fiscal year, in 1/1000000; none at actual rates."""
    if records.company.rates != "standard":
        return {}
    rates = records.frame("standard_rates")
    columns = rates[["cost_pool_id", "fiscal_year", "standard_rate"]]
    return {
        (str(pool), month): int(rate)
        for pool, year, rate in columns.itertuples(index=False)
        for month in records.months()
        if records.calendar.fiscal_year(month, records.company.fiscal_year_start) == int(year)
    }


def _whole(cost: int, unit: int) -> int:
    """Whole minor units of a cost: a part below one is not given out."""
    size = abs(cost) // unit
    return size if cost >= 0 else -size


def _in_force(rules: pd.DataFrame, day: int, key: list[str]) -> pd.DataFrame:
    """The last version of each rule that begins on or before a day."""
    rules = rules[rules["valid_from"] <= day].sort_values("valid_from")
    return rules.drop_duplicates(key, keep="last") if key else rules.tail(1)


def _minutes(equation: pd.DataFrame, drivers: Drivers, groups: Groups, month: int) -> dict[str, int]:
    """Customer -> minutes by the time equation, in 1/1000000."""
    exact: dict[str, int] = defaultdict(int)
    rows = equation[["activity_type", "applies_to", "minutes_per_unit"]]
    for kind, applies_to, per_unit in rows.itertuples(index=False):
        for customer, quantity in drivers.quantities(str(kind), month).items():
            if groups.has(customer, str(applies_to), month):
                exact[customer] += quantity * int(per_unit)
    return {customer: quotient(minutes, QUANTITY) for customer, minutes in exact.items()}


def _ones(rows: pd.DataFrame) -> dict[tuple[str, int], int]:
    return per_customer(rows, np.full(len(rows), QUANTITY))
