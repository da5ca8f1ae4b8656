"""Exact arithmetic of the recalculation, in whole numbers.

Here: rounding, ratios and shares, and days and months as numbers. An amount is a whole number of 1/10000 of
the currency, a quantity of 1/1000000, a rate of 1/100000000; days and months count from 1 January 1970. Not
here: what is rounded or shared, and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

AMOUNT = 10**4
QUANTITY = 10**6
RATE = 10**8

_EPOCH = date(1970, 1, 1)


def quotient(numerator: int, denominator: int) -> int:
    """The nearest whole number to numerator / denominator; a half goes away from zero.

    Raises ZeroDivisionError when the denominator is 0.
    """
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    size = (2 * abs(numerator) + denominator) // (2 * denominator)
    return size if numerator >= 0 else -size


def products(left: Any, right: Any, divisor: int) -> np.ndarray:
    """`quotient(left x right, divisor)` of two arrays of equal length, in numbers of any size."""
    rounded = np.frompyfunc(lambda a, b: quotient(int(a) * int(b), divisor), 2, 1)
    return np.asarray(rounded(np.asarray(left, dtype=object), np.asarray(right, dtype=object)), dtype="int64")


def ratio(numerator: int, denominator: int) -> Decimal | None:
    """numerator / denominator with six decimals; None unless the denominator is positive."""
    if denominator <= 0:
        return None
    return Decimal(quotient(numerator * QUANTITY, denominator)).scaleb(-6)


def amount(units: int) -> Decimal:
    """A number of 1/10000 as a decimal number with four decimals."""
    return Decimal(units).scaleb(-4)


def largest_remainder(units: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Whole units shared by weight, so that they sum to `units`.

    Everyone gets its part rounded down; the units left go, one each, to the largest remainders, equal ones
    by key. A negative number of units is shared as the positive one, with the sign turned.

    Args:
        weights: key -> weight above 0; at least one, unless there is nothing to share.
    """
    if units == 0:
        return dict.fromkeys(weights, 0)
    if units < 0:
        return {key: -share for key, share in largest_remainder(-units, weights).items()}
    total = sum(weights.values())
    parts = {key: divmod(units * weight, total) for key, weight in weights.items()}
    left = units - sum(whole for whole, _ in parts.values())
    by_remainder = sorted(parts, key=lambda key: (-parts[key][1], key))
    lucky = set(by_remainder[:left])
    return {key: whole + (key in lucky) for key, (whole, _) in parts.items()}


def day_number(day: date) -> int:
    """Days since 1 January 1970."""
    return (day - _EPOCH).days


def month_number(day: date) -> int:
    """Months since January 1970."""
    return (day.year - 1970) * 12 + day.month - 1


def months_of(days: Any) -> np.ndarray:
    """The months in which the days lie, as numbers."""
    return np.asarray(days, dtype="int64").astype("datetime64[D]").astype("datetime64[M]").astype("int64")


def first_day(month: int) -> date:
    """The first day of a month."""
    return date(1970 + month // 12, month % 12 + 1, 1)


def last_day(month: int) -> int:
    """The number of a month's last day."""
    return day_number(first_day(month + 1) - timedelta(days=1))


def fiscal_year(month: int, starts_with: int) -> int:
    """The first month of the fiscal year in which a month lies.

    Args:
        starts_with: first month of the fiscal year, 1 to 12.
    """
    return month - (month - (starts_with - 1)) % 12
