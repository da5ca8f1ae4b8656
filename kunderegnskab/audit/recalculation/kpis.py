"""The headline KPIs over windows of time, from the recalculated accounts.

Here: formulas, windows and sums by scope. Not here: the accounts themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pandas as pd

from kunderegnskab.audit.recalculation.accounts import COLUMNS
from kunderegnskab.audit.recalculation.arithmetic import amount, fiscal_year, ratio

# KPI -> numerator and denominator; one without a denominator is a sum.
FORMULAS: dict[str, tuple[str, str | None]] = {
    "net_sales": ("net_sales", None),
    "db1": ("db1", None),
    "db2": ("db2", None),
    "db3": ("db3", None),
    "dg1": ("db1", "net_sales"),
    "dg2": ("db2", "net_sales"),
    "dg3": ("db3", "net_sales"),
    "freight_pct": ("freight", "invoiced_sales"),
    "bonus_pct": ("bonus", "invoiced_sales"),
    "return_pct": ("returns", "invoiced_sales"),
}
WINDOWS = ("month", "ytd", "r12")
MONTHS = 13


def first_of_window(window: str, month: int, fiscal_year_start: int) -> int:
    """The first month of a window that ends with a month; the accounts may begin later."""
    match window:
        case "month":
            return month
        case "ytd":
            return fiscal_year(month, fiscal_year_start)
        case _:
            return month - 11


def value(kpi: str, sums: dict[str, int]) -> Decimal | None:
    """A KPI from the sums of the lines in 1/10000; None for a ratio without a positive denominator."""
    numerator, denominator = FORMULAS[kpi]
    if denominator is None:
        return amount(sums[numerator])
    return ratio(sums[numerator], sums[denominator])


def windows(
    accounts: pd.DataFrame, scope: str, last_month: int, fiscal_year_start: int
) -> Iterator[tuple[int, str, dict[str, dict[str, int]]]]:
    """Month, window, and the sums of every line by scope, for the last 13 months.

    Args:
        accounts: a column `scope`, a column month, and every line.
    """
    lines = list(COLUMNS)
    for month in range(last_month - MONTHS + 1, last_month + 1):
        for window in WINDOWS:
            first = first_of_window(window, month, fiscal_year_start)
            rows = accounts[accounts["month"].between(first, month)]
            sums = rows.groupby(scope)[lines].sum()
            yield month, window, {str(key): dict(row) for key, row in sums.to_dict("index").items()}
