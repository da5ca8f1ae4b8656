"""Numbers, days and months as people of a language write them.

Here: one form per kind of value, so that pages, statements and the terminal write a figure alike. Not here:
words; they stand beside what they are said of.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cache
from typing import Literal, get_args

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import NumberPattern, parse_pattern

Code = Literal["da", "en"]
CODES: tuple[Code, ...] = get_args(Code)

NOTHING = "–"
"""Stands where there is no value: a ratio without sales, a comparison without a year before."""


@dataclass(frozen=True)
class Language:
    """How one language writes values. Every method writes None as a dash."""

    code: Code

    def whole(self, amount: Decimal | int | None) -> str:
        """An amount to the whole unit of its currency: 1.234.567."""
        return self._number(amount, "#,##0")

    def money(self, amount: Decimal | int | None) -> str:
        """An amount with two decimals: 1.234.567,89."""
        return self._number(amount, "#,##0.00")

    def count(self, number: Decimal | int | None) -> str:
        """A number with the decimals that it has, four at most: shared customers are counted in parts."""
        return self._number(number, "#,##0.####")

    def tenths(self, number: Decimal | int | None) -> str:
        """A number with one decimal, where it is none of whole ones: 2,3 visits."""
        return self._number(number, "#,##0.#")

    def percent(self, ratio: Decimal | None) -> str:
        """A ratio as per cent with one decimal: 0.372 as 37,2 %."""
        return self._number(ratio, "#,##0.0 %")

    def points(self, difference: Decimal | None) -> str:
        """A difference of two ratios in percentage points with its sign: 0.012 as +1,2."""
        return self._signed(None if difference is None else difference * 100, "#,##0.0")

    def change(self, amount: Decimal | int | None) -> str:
        """A difference to the whole unit with its sign: +1.234."""
        return self._signed(amount, "#,##0")

    def day(self, day: date | None) -> str:
        """A day: 3. mar. 2026."""
        return NOTHING if day is None else format_date(day, "medium", locale=self._locale)

    def moment(self, at: datetime | None) -> str:
        """A day and a time."""
        return NOTHING if at is None else format_datetime(at, "medium", locale=self._locale)

    def month(self, month: date | None) -> str:
        """A month: marts 2026."""
        return NOTHING if month is None else format_date(month, "MMMM y", locale=self._locale)

    def short_month(self, month: date | None) -> str:
        """A month where there is little room: mar. 26."""
        return NOTHING if month is None else format_date(month, "MMM yy", locale=self._locale)

    @property
    def _locale(self) -> Locale:
        return _locale_of(self.code)

    def _signed(self, value: Decimal | int | None, form: str) -> str:
        return self._number(value, f"+{form};-{form}")

    def _number(self, value: Decimal | int | None, form: str) -> str:
        if value is None:
            return NOTHING
        # Halves away from zero, as people round; what is written is never computed with.
        with localcontext(rounding=ROUND_HALF_UP):
            text = _pattern_of(form).apply(value, self._locale)
        # What rounds to nothing has no sign.
        return text if any(digit in text for digit in "123456789") else text.lstrip("+-")


# A page has a thousand numbers, and reading the form of each takes as long as writing it.
@cache
def _locale_of(code: Code) -> Locale:
    return Locale.parse({"da": "da_DK", "en": "en_GB"}[code])


@cache
def _pattern_of(form: str) -> NumberPattern:
    return parse_pattern(form)
