"""Computes a workbook's formulas a second time, in decimals and not by what XlsxWriter has noted beside them.

Understood is what statements use: sums and differences of cells, quotients, SUM, ROUND and IF(cell>0,...,"").
Anything else is an error.
"""

from __future__ import annotations

import io
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import openpyxl
from openpyxl.utils import range_boundaries

_CELL = re.compile(r"(?:'(?P<sheet>[^']+)'!)?\$?(?P<column>[A-Z]+)\$?(?P<row>\d+)")


class Recomputed:
    """The cells of a workbook with every formula computed anew."""

    def __init__(self, content: bytes) -> None:
        self.book = openpyxl.load_workbook(io.BytesIO(content))
        self._known: dict[tuple[str, str], Any] = {}

    def at(self, sheet: str, cell: str) -> Any:
        """A cell's value: decimal, text, or None."""
        if (sheet, cell) not in self._known:
            self._known[sheet, cell] = self._value(sheet, cell)
        return self._known[sheet, cell]

    def _value(self, sheet: str, cell: str) -> Any:
        value = self.book[sheet][cell].value
        if isinstance(value, str) and self.book[sheet][cell].data_type == "f":
            return self._formula(sheet, value.removeprefix("="))
        return Decimal(repr(value)) if isinstance(value, int | float) else value

    def _formula(self, sheet: str, text: str) -> Any:
        if found := re.fullmatch(r"SUM\(([A-Z]+\d+:[A-Z]+\d+)\)", text):
            left, top, right, bottom = range_boundaries(found[1])
            assert left is not None and top is not None  # noqa: PT018
            assert right is not None and bottom is not None  # noqa: PT018
            return sum(
                self.at(sheet, self.book[sheet].cell(row, column).coordinate) or 0
                for row in range(top, bottom + 1)
                for column in range(left, right + 1)
            )
        if found := re.fullmatch(r"ROUND\((.+),(\d+)\)", text):
            return self._formula(sheet, found[1]).quantize(Decimal(10) ** -int(found[2]), ROUND_HALF_UP)
        if found := re.fullmatch(r'IF\(([^,>]+)>0,(.+),""\)', text):
            return self._formula(sheet, found[2]) if self._formula(sheet, found[1]) > 0 else None
        if "/" in text:
            part, whole = text.split("/")
            return self._formula(sheet, part) / self._formula(sheet, whole)
        total = Decimal(0)
        parts = re.findall(r"([+-]?)([^+-]+)", text)
        assert "".join(sign + cell for sign, cell in parts) == text, text
        for sign, cell in parts:
            found = _CELL.fullmatch(cell)
            assert found, f"{text} is not understood"
            value = self.at(found["sheet"] or sheet, found["column"] + found["row"]) or Decimal(0)
            total += -value if sign == "-" else value
        return total
