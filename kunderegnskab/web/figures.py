"""Values as pages show them: in the language, below zero visibly so, each a link to what it is made of.

Templates get one Figures and ask it for every number, so that no number is written in two ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from kunderegnskab.language import Language

TRACE = "/spor"


def trace_address(table: str, column: str, key: Mapping[str, Any]) -> str:
    """Where a published value is explained.

    Args:
        table: `schema.table`, or a table of marts.
    """
    name = table if "." in table else f"marts.{table}"
    asked = {
        each: value.isoformat() if isinstance(value, date) else value or "" for each, value in key.items()
    }
    return f"{TRACE}?{urlencode({'tal': f'{name}.{column}', **asked})}"


@dataclass(frozen=True)
class Cells:
    """Where the values of one row are published: `cells(column)` is the address of what explains it."""

    table: str
    key: Mapping[str, Any]

    def __call__(self, column: str) -> str:
        """The address that explains this column of the row."""
        return trace_address(self.table, column, self.key)


def cells(table: str, row: Mapping[str, Any], *key: str, **fixed: Any) -> Cells:
    """The place of a row by its key columns.

    Args:
        fixed: parts of the key that the row does not hold.
    """
    return Cells(table, {**{name: row[name] for name in key}, **fixed})


class Figures:
    """Writes values for one page. Every method takes the address that explains the value, if there is one."""

    def __init__(self, language: Language, currency: str) -> None:
        self.language = language
        is_krone = currency == "DKK" and language.code == "da"
        self.currency = "kr." if is_krone else currency
        self.thousands = "t.kr." if is_krone else f"{currency} 1,000"

    def whole(self, value: Decimal | int | None, address: str | None = None) -> Markup:
        """An amount to the whole unit."""
        return self._shown(value, self.language.whole(value), address)

    def money(self, value: Decimal | None, address: str | None = None) -> Markup:
        """An amount with two decimals."""
        return self._shown(value, self.language.money(value), address)

    def count(self, value: Decimal | int | None, address: str | None = None) -> Markup:
        """A number, with one decimal where it is none whole."""
        return self._shown(value, self.language.tenths(value), address)

    def percent(self, value: Decimal | None, address: str | None = None) -> Markup:
        """A ratio."""
        return self._shown(value, self.language.percent(value), address)

    def change(self, value: Decimal | int | None, address: str | None = None) -> Markup:
        """A difference of amounts."""
        return self._shown(value, self.language.change(value), address)

    def points(self, value: Decimal | None, address: str | None = None) -> Markup:
        """A difference of ratios in percentage points."""
        return self._shown(value, self.language.points(value), address)

    def kpi(self, unit: str, value: Decimal | None, address: str | None = None) -> Markup:
        """A value of a KPI by its unit: amount, ratio or count."""
        write = {"amount": self.whole, "ratio": self.percent}.get(unit, self.count)
        return write(value, address)

    def kpi_change(self, unit: str, value: Decimal | None, direction: str | None = None) -> Markup:
        """How much more a KPI is than a year before, coloured by whether that is wanted.

        Args:
            direction: `up` where more is better, `down` where less is.
        """
        if unit == "ratio":
            text = self.language.points(value)
        elif unit == "amount":
            text = self.language.change(value)
        else:
            text = (
                self.language.change(value) if value is None or value == int(value) else self._decimal(value)
            )
        tone = ""
        if value and direction in ("up", "down"):
            tone = "better" if (value > 0) == (direction == "up") else "worse"
        return Markup('<span class="n {}">{}</span>').format(tone, text)

    def relative(self, value: Decimal | None, before: Decimal | None) -> str:
        """How much more in per cent; a dash where there was nothing before."""
        if value is None or before is None or before <= 0:
            return self.language.percent(None)
        text = self.language.percent((value - before) / before)
        return f"+{text}" if value > before else text

    def short(self, value: Decimal) -> str:
        """An amount in thousands, for axes."""
        return self.language.tenths(value / 1000)

    def _decimal(self, value: Decimal) -> str:
        text = self.language.tenths(value)
        return f"+{text}" if value > 0 else text

    def _shown(self, value: Decimal | int | None, text: str, address: str | None) -> Markup:
        tone = (
            " minus" if value is not None and value < 0 and any(sign in text for sign in "123456789") else ""
        )
        if value is None or address is None:
            return Markup('<span class="n{}">{}</span>').format(tone, text)
        return Markup('<a class="n{}" href="{}">{}</a>').format(tone, address, text)
