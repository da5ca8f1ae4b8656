"""Bonus (K20): what agreements earn month by month, and what settlements use up (decision 0018).

Here: the rule and its postings. Marketing contributions, the rest of K20, are customer costs (accounts.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import pandas as pd

from kunderegnskab.audit.recalculation.arithmetic import RATE, day_number, fiscal_year, months_of, quotient
from kunderegnskab.audit.recalculation.records import Records

_OPEN = day_number(date.max)
_POSTING = ["customer", "day", "line", "amount"]


@dataclass(frozen=True)
class Agreement:
    """A bonus agreement in whole months.

    Attributes:
        tiers: (from, rate) in rising order; from in 1/10000, rate in 1/100000000.
        is_marginal: each rate holds for the part within its tier, not for all sales.
    """

    customer: str
    first_month: int
    last_month: int
    basis: str
    is_marginal: bool
    tiers: tuple[tuple[int, int], ...]


def bonus_of_year(sales: Fraction, tiers: Sequence[tuple[int, int]], is_marginal: bool) -> Fraction:
    """What a year's sales earn, in the unit of the sales; 0 below the first tier."""
    reached = [(start, rate) for start, rate in tiers if start <= sales]
    if not reached:
        return Fraction(0)
    if not is_marginal:
        return sales * Fraction(reached[-1][1], RATE)
    ends = [start for start, _ in reached[1:]] + [sales]
    return sum(
        ((end - start) * Fraction(rate, RATE) for (start, rate), end in zip(reached, ends, strict=True)),
        start=Fraction(0),
    )


def accruals(
    monthly_sales: Sequence[int],
    months_of_year: int,
    tiers: Sequence[tuple[int, int]],
    is_marginal: bool,
    minor_unit: int,
) -> list[int]:
    """What each month of a bonus year earns, in 1/10000, in whole minor units.

    Args:
        monthly_sales: the basis of each month so far, in 1/10000.
        months_of_year: length of the whole bonus year, also where the accounts begin within it.
        tiers: see Agreement.
        minor_unit: in 1/10000.
    """
    earned, before, so_far = [], 0, 0
    for count, sales in enumerate(monthly_sales, start=1):
        so_far += sales
        share = Fraction(count, months_of_year)
        to_date = bonus_of_year(so_far / share, tiers, is_marginal) * share / minor_unit
        now = quotient(to_date.numerator, to_date.denominator) * minor_unit
        earned.append(now - before)
        before = now
    return earned


def bonus_postings(records: Records, accounts: pd.DataFrame) -> pd.DataFrame:
    """Bonus accrued, settled and released: columns customer, day, line, amount.

    Args:
        accounts: the accounts without bonus of agreements, by customer and month.
    """
    agreements = _agreements(records)
    calendar = records.calendar
    accrued = _accrued(records, agreements, accounts)
    rows = [
        (customer, calendar.last_day(month), amount)
        for (customer, _), months in accrued.items()
        for month, amount in months.items()
    ]
    settled: dict[tuple[str, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for customer, day, year, amount in _settlements(records):
        was_earned_before = year + 11 < records.first_month
        if was_earned_before and _held_in(agreements, customer, year):
            continue
        rows.append((customer, day, amount))
        settled[customer, year][int(calendar.months_of([day])[0])] += amount
    for key, months in settled.items():
        rows += [
            (key[0], calendar.last_day(month), -amount)
            for month, amount in released(accrued.get(key, {}), months, _last_of_year(agreements, *key))
        ]
    found = pd.DataFrame(rows, columns=["customer", "day", "amount"]).assign(line="bonus")
    return found[found["amount"] != 0][_POSTING]


def _agreements(records: Records) -> list[Agreement]:
    found: list[Agreement] = []
    calendar = records.calendar
    rows = records.frame("bonus_agreements").sort_values(["customer_id", "valid_from", "tier_from"])
    for _, versions in rows.groupby("customer_id"):
        dated = []
        for _, tiers in versions.groupby("valid_from"):
            days = tiers[["valid_from", "valid_to"]].fillna(_OPEN).iloc[0]
            dated.append((calendar.months_held(int(days["valid_from"]), int(days["valid_to"])), tiers))
        for place, ((first_month, last_month), tiers) in enumerate(dated):
            first = tiers.iloc[0]
            if place + 1 < len(dated):
                (newer_from, _), _ = dated[place + 1]
                last_month = min(last_month, newer_from - 1)
            found.append(
                Agreement(
                    customer=str(first["customer_id"]),
                    first_month=first_month,
                    last_month=last_month,
                    basis=str(first["basis"]),
                    is_marginal=first["tier_method"] == "marginal",
                    tiers=tuple(
                        (int(start), int(rate))
                        for start, rate in zip(tiers["tier_from"], tiers["rate"], strict=True)
                    ),
                )
            )
    return found


def _accrued(
    records: Records, agreements: Sequence[Agreement], accounts: pd.DataFrame
) -> dict[tuple[str, int], dict[int, int]]:
    """(customer, fiscal year) -> month -> accrued; no month after the last one with sales accrues."""
    found: dict[tuple[str, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    if not agreements or records.sales.empty:
        return found
    last = int(records.sales["month"].max())
    bases = {
        "list_sales": accounts["list_sales"],
        "invoiced_sales": accounts["invoiced_sales"],
        "invoiced_sales_less_returns": accounts["invoiced_sales"] - accounts["returns"],
        "net_sales": accounts["invoiced_sales"] - accounts["returns"] - accounts["cash_discount"],
    }
    lookups = {name: series.to_dict() for name, series in bases.items()}
    start = records.company.fiscal_year_start
    for agreement in agreements:
        sales = lookups[agreement.basis]
        year = fiscal_year(max(agreement.first_month, records.first_month), start)
        while year <= min(agreement.last_month, last):
            first = max(year, agreement.first_month)
            length = min(year + 11, agreement.last_month) - first + 1
            # The outlook is that of the months that the accounts hold.
            begins = max(first, records.first_month)
            months = range(begins, min(first + length - 1, last) + 1)
            earned = accruals(
                [int(sales.get((agreement.customer, month), 0)) for month in months],
                length,
                agreement.tiers,
                agreement.is_marginal,
                records.minor_unit,
            )
            for month, amount in zip(months, earned, strict=True):
                found[agreement.customer, year][month] += amount
            year += 12
    return found


def _settlements(records: Records) -> Iterator[tuple[str, int, int, int]]:
    """Customer, day, fiscal year that is settled, amount."""
    start = records.company.fiscal_year_start
    costs = records.costs[records.costs["cost_type"] == "bonus"]
    rows = costs[["customer", "posting_date", "month", "settles_month", "amount"]]
    for customer, day, month, settles, amount in rows.itertuples(index=False):
        if pd.isna(settles):
            year = fiscal_year(int(month), start) - 12
        else:
            year = fiscal_year(int(months_of([settles])[0]), start)
        yield str(customer), int(day), year, int(amount)


def _held_in(agreements: Sequence[Agreement], customer: str, year: int) -> bool:
    return any(
        agreement.customer == customer and agreement.first_month <= year + 11 and agreement.last_month >= year
        for agreement in agreements
    )


def _last_of_year(agreements: Sequence[Agreement], customer: str, year: int) -> int:
    """The last month of a bonus year: of the part of the fiscal year in which agreements hold."""
    held = [agreement for agreement in agreements if _held_in([agreement], customer, year)]
    return max((min(agreement.last_month, year + 11) for agreement in held), default=year + 11)


def released(
    accrued: dict[int, int], settled: dict[int, int], last_month_of_year: int
) -> Iterator[tuple[int, int]]:
    """Month and accrual that settlements in it use up: all that is open once the year is over."""
    used = 0
    for month in sorted(settled):
        is_open = sum(amount for earned_in, amount in accrued.items() if earned_in <= month) - used
        release = is_open if month > last_month_of_year else min(settled[month], is_open)
        used += release
        yield month, release
