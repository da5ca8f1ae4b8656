"""From days to months and back, by the company's fiscal calendar (decision 0063).

Here: which month a day belongs to, and the first and last day of a month. Not here: what is summed by month.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kunderegnskab.audit.recalculation import arithmetic
from kunderegnskab.audit.recalculation.arithmetic import day_number


@dataclass(frozen=True)
class Calendar:
    """The periods of fiscal years, each for a month; without any, the months themselves.

    Attributes:
        first_month: the month of the first period, since January 1970.
        first_days: of each period, in order and without gaps, since 1 January 1970.
        end: the day after the last period.
        years: the fiscal year of each period, as it is named.
    """

    first_month: int = 0
    first_days: tuple[int, ...] = ()
    end: int = 0
    years: tuple[int, ...] = ()

    @classmethod
    def of(cls, periods: Sequence[tuple[int, int, int, int]]) -> Calendar:
        """The calendar of (fiscal year, number, first day, last day) of every period."""
        if not periods:
            return cls()
        ordered = sorted(periods)
        _, _, first, last = ordered[0]
        middle = first + (last - first) // 2
        return cls(
            first_month=int(arithmetic.months_of([middle])[0]),
            first_days=tuple(first for _, _, first, _ in ordered),
            end=ordered[-1][3] + 1,
            years=tuple(year for year, _, _, _ in ordered),
        )

    def months_of(self, days: Any) -> np.ndarray:
        """The months to which days belong; those outside of the calendar belong to months outside of it."""
        found = arithmetic.months_of(days)
        if not self.first_days:
            return found
        days = np.asarray(days, dtype="int64")
        place = np.searchsorted(np.array(self.first_days), days, side="right") - 1
        after = np.maximum(found, self.first_month + len(self.first_days))
        inside = np.where(days < self.end, self.first_month + place, after)
        return np.where(place < 0, np.minimum(found, self.first_month - 1), inside)

    def months_held(self, valid_from: int, valid_to: int) -> tuple[int, int]:
        """The first and last month in which an agreement holds from one day to another (decision 0082).

        The last comes before the first where the agreement ends before it begins.
        """
        of_calendar, of_year = (
            self.months_of([valid_from, valid_to]),
            arithmetic.months_of([valid_from, valid_to]),
        )
        first, last = max(int(of_calendar[0]), int(of_year[0])), min(int(of_calendar[1]), int(of_year[1]))
        return first, max(first, last) if valid_to >= valid_from else last

    def fiscal_year(self, month: int, fiscal_year_start: int) -> int:
        """The fiscal year of a month: as the calendar names it, else the calendar year in which it ends.

        Args:
            fiscal_year_start: the month of the year, from 1, in which fiscal years begin without a calendar.
        """
        place = month - self.first_month
        if 0 <= place < len(self.years):
            return self.years[place]
        day = arithmetic.first_day(month)
        return day.year + (1 < fiscal_year_start <= day.month)

    def first_day(self, month: int) -> int:
        """The number of a month's first day."""
        natural = day_number(arithmetic.first_day(month))
        if not self.first_days:
            return natural
        place = month - self.first_month
        if 0 <= place < len(self.first_days):
            return self.first_days[place]
        if place == len(self.first_days):
            return self.end
        return min(natural, self.first_days[0] - 1) if place == -1 else natural

    def last_day(self, month: int) -> int:
        """The number of a month's last day."""
        if self.first_days and -1 <= month - self.first_month < len(self.first_days):
            return self.first_day(month + 1) - 1
        return max(arithmetic.last_day(month), self.first_day(month))
