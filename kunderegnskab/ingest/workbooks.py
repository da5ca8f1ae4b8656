"""The cells of an Excel workbook, row by row, in time and memory that its size bounds, whatever it declares.

openpyxl reads them. Here: what it does not say of a cell (whether a formula was ever computed, what is an
error), and what a file may ask of this machine. Not here: what the cells mean as text (`readers`).
"""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import Element
from zipfile import ZipExtFile, ZipFile

from defusedxml.ElementTree import iterparse
from openpyxl.reader.excel import ExcelReader
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import from_excel
from openpyxl.utils.escape import unescape
from openpyxl.workbook import Workbook
from openpyxl.worksheet._reader import DATA_TAG, FORMULA_TAG, ROW_TAG, VALUE_TAG, WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from kunderegnskab.problems import InputProblems

# Excel's own bounds.
_MOST_ROWS = 1_048_576
_MOST_COLUMNS = 16_384
# Sheets and strings are read piece by piece; this is a sheet of Excel's most rows with some 25 columns.
_MOST_BYTES = 1 << 30
# What describes them (styles, names) is read whole, and takes some twenty times its size.
_MOST_BYTES_AT_ONCE = 1 << 25
# Elements of one row or string: Excel's most cells, each with formula, value and text.
_MOST_ELEMENTS = 8 * _MOST_COLUMNS

_STRING_TAG = f"{{{SHEET_MAIN_NS}}}si"
_INLINE_TAG = f"{{{SHEET_MAIN_NS}}}is"
_RUN_TAG = f"{{{SHEET_MAIN_NS}}}r"
_TEXT_TAG = f"{{{SHEET_MAIN_NS}}}t"


class TooLarge(Exception):
    """A workbook that no program for sheets has written: unpacked, it is larger than a sheet can be."""


class UnreadableWorkbook(Exception):
    """No workbook, or a damaged one."""


@dataclass(frozen=True)
class UnusableCell:
    """A cell whose value nobody knows.

    Attributes:
        place: its name in the sheet, e.g. C7.
        error: the error that it shows, e.g. #N/A; None for a formula that was never computed.
    """

    place: str
    error: str | None


Row = tuple[int, dict[int, Any]]


@dataclass(frozen=True)
class OpenWorkbook:
    """The sheets of a workbook, by name, in their order, and which of them are hidden."""

    sheets: tuple[str, ...]
    hidden: frozenset[str]
    _book: Workbook

    def rows(self, sheet: str) -> Iterator[Row]:
        """(row from 1, its values by column from 1) of each row that the sheet has, in order.

        A value is text, number, boolean, date, time, span of time or an `UnusableCell`; an empty cell has
        none.
        """
        found = next(each for each in self._book.worksheets if each.title == sheet)
        with found._get_source() as source:
            parser = _Sheet(
                source,
                found._shared_strings,
                data_only=True,
                epoch=self._book.epoch,
                date_formats=self._book._date_formats,
                timedelta_formats=self._book._timedelta_formats,
            )
            yield from parser.rows()


@contextmanager
def opened_workbook(path: Path) -> Generator[OpenWorkbook]:
    """A workbook and its sheets, while the block lasts.

    Raises:
        TooLarge: also by the block, while it reads rows.
        UnreadableWorkbook: likewise.
    """
    try:
        # What openpyxl cannot keep when it writes a workbook again is nothing to us.
        with warnings.catch_warnings(action="ignore"), path.open("rb") as stream:
            reader = _Reader(stream)
            with reader.archive:
                reader.read()
                book = reader.wb
                hidden = {each.title for each in book.worksheets if each.sheet_state != "visible"}
                names = tuple(each.title for each in book.worksheets)
                yield OpenWorkbook(names, frozenset(hidden), book)
    except (TooLarge, InputProblems):
        raise
    except Exception as error:  # a damaged part makes zipfile, the parser and openpyxl raise all there is
        raise UnreadableWorkbook from error


class _Package(ZipFile):
    """A packed file of which no part is read that is too large. No more is read than a part declares."""

    def open(self, name: Any, mode: Any = "r", pwd: bytes | None = None, **options: Any) -> IO[bytes]:
        """A part, to be read piece by piece."""
        return super().open(self._bounded(name, _MOST_BYTES), mode, pwd, **options)

    def read(self, name: Any, pwd: bytes | None = None) -> bytes:
        """A part as a whole."""
        return super().read(self._bounded(name, _MOST_BYTES_AT_ONCE), pwd)

    def _bounded(self, name: Any, most: int) -> Any:
        size = (self.getinfo(name) if isinstance(name, str) else name).file_size
        if size > most:
            raise TooLarge
        return name


class _Reader(ExcelReader):
    """Opens a workbook for the values of its cells alone."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream, read_only=True, data_only=True, keep_links=False)
        self.archive = _Package(stream)

    def read_strings(self) -> None:
        """The strings that cells share."""
        part = self.package.find(SHARED_STRINGS)
        if part is not None:
            with self.archive.open(part.PartName[1:]) as source:
                self.shared_strings = [_text(each) for each in _each(source, _STRING_TAG)]

    def read_properties(self) -> None:
        """Nothing: other programs write them wrongly."""

    def read_custom(self) -> None:
        """Nothing, likewise."""

    def read_theme(self) -> None:
        """Nothing."""

    def read_chartsheet(self, sheet: Any, rel: Any) -> None:
        """Nothing: a chart has no cells."""


class _Sheet(WorkSheetParser):
    def rows(self) -> Iterator[Row]:
        """As `OpenWorkbook.rows`."""
        before = 0
        for element in _each(self.source, ROW_TAG, DATA_TAG):
            number, cells = self.parse_row(element)
            found: dict[int, Any] = {}
            for cell in cells:
                if cell["value"] is None:
                    continue
                column = cell["column"]
                if cell["row"] != number or column in found or not 1 <= column <= _MOST_COLUMNS:
                    raise ValueError("a cell stands in a place that is another's")
                found[column] = cell["value"]
            if not before < number <= _MOST_ROWS:
                raise ValueError("rows are not in their order")
            before = number
            yield number, found

    def parse_cell(self, element: Element) -> dict[str, Any]:
        """A cell, its value as `OpenWorkbook.rows` says."""
        inline = element.find(_INLINE_TAG)
        if inline is not None:
            element.remove(inline)  # openpyxl would look at how its runs are formatted
        cell = super().parse_cell(element)
        if inline is not None:
            cell["value"] = _text(inline)
        kind, value = element.get("t", "n"), cell["value"]
        if cell["data_type"] == "e":
            cell["value"] = UnusableCell(_place(cell), value or "#ERROR")
        elif value is None:
            # A formula may give an empty text, and says so; any other without a value was never computed.
            is_text = kind == "str" and element.find(VALUE_TAG) is not None
            if element.find(FORMULA_TAG) is not None and not is_text:
                cell["value"] = UnusableCell(_place(cell), None)
        elif isinstance(value, datetime) and kind == "n" and value.time() == time():
            cell["value"] = _of_its_own_day(value, element.findtext(VALUE_TAG, ""), self.epoch)
        elif kind == "str":
            cell["value"] = _without_escapes(value)
        return cell


def _of_its_own_day(moment: datetime, serial: str, epoch: datetime) -> datetime:
    """A moment a hair before midnight, which openpyxl rounds to midnight, is of the day that Excel shows."""
    day = from_excel(int(Decimal(serial)), epoch)
    return moment if day.date() == moment.date() else moment - timedelta(milliseconds=1)


def _place(cell: dict[str, Any]) -> str:
    return f"{get_column_letter(cell['column'])}{cell['row']}"


def _text(string: Element) -> str:
    """Its runs, without what says how they are spoken."""
    parts = [
        each.findtext(_TEXT_TAG, "") if each.tag == _RUN_TAG else each.text or ""
        for each in string
        if each.tag in (_RUN_TAG, _TEXT_TAG)
    ]
    return _without_escapes("".join(parts))


def _without_escapes(text: str) -> str:
    r"""`_x000D_` stands for what XML cannot hold; a sign beyond 16 bits is two of them."""
    if "_x" not in text:
        return text
    return unescape(text).encode("utf-16", "surrogatepass").decode("utf-16")


def _each(source: ZipExtFile | IO[bytes], tag: str, until: str | None = None) -> Iterator[Element]:
    """The elements of a tag, one after the other, without keeping any.

    Args:
        until: the end of this element ends them too.
    """
    inside: list[Element] = []
    kept = 0
    for event, element in iterparse(source, events=("start", "end")):
        if event == "start":
            inside.append(element)
            kept += 1
            if kept > _MOST_ELEMENTS:
                raise TooLarge
            continue
        inside.pop()
        if element.tag == tag:
            yield element
            kept = len(inside)
            for outer in inside[-1:]:
                del outer[:]
        elif element.tag == until:
            return
