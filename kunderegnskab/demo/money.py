"""Whole-number arithmetic for money: øre, cents and ten-thousandths of a krone, never a float.

How numbers are written in a file, `writers` decides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

# Ten-thousandths of a krone per øre: the unit of all amounts in company currency, because an amount in
# cents times a rate with two decimals is exact in it (see `company.exchange_rates`).
UNITS_PER_ORE = 100


def div_round(numerator: Ints, denominator: Ints | int) -> Ints:
    """`numerator / denominator` to the nearest whole number, halves away from zero; denominator > 0."""
    half = denominator // 2
    return np.where(numerator >= 0, (numerator + half) // denominator, -((half - numerator) // denominator))


def group_sum(values: Ints, groups: Ints, count: int) -> Ints:
    """Exact sum of `values` per group number 0..count-1 (numpy's bincount would go through floats)."""
    total = np.zeros(count, dtype=np.int64)
    np.add.at(total, groups, values)
    return total
