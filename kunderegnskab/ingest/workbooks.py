"""The cells of an Excel workbook, row by row, in time and memory that its size bounds, whatever it declares.

openpyxl reads them. Here: what it does not say of a cell (whether a formula was ever computed, what is an
error), and what a file may ask of this machine. Not here: what the cells mean as text (`readers`).
"""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import Element
from zipfile import ZipExtFile, ZipFile

from defusedxml.ElementTree import iterparse
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import BUILTIN_FORMATS_MAX_SIZE, STRIP_RE, builtin_format_code, is_datetime
from openpyxl.utils import get_column_letter, range_boundaries
from openpyxl.utils.datetime import from_excel
from openpyxl.utils.escape import unescape
from openpyxl.workbook import Workbook
from openpyxl.worksheet._reader import DATA_TAG, FORMULA_TAG, ROW_TAG, VALUE_TAG, WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from kunderegnskab.problems import InputProblems, refusal_of

# Excel's own bounds.
_MOST_ROWS = 1_048_576
_MOST_COLUMNS = 16_384
# Sheets and strings are read piece by piece; this is a sheet of Excel's most rows with some 25 columns.
_MOST_BYTES = 1 << 30
# What describes them (styles, names) is read whole, and takes some twenty times its size.
_MOST_BYTES_AT_ONCE = 1 << 25
# Elements of one row or string: Excel's most cells, each with formula, value and text.
_MOST_ELEMENTS = 8 * _MOST_COLUMNS

_MERGED_TAG = f"{{{SHEET_MAIN_NS}}}mergeCell"
# How it stands in a part in the encodings that XML may have.
_MERGED_NAMES = tuple("mergeCell".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
_BYTES_AT_ONCE = 1 << 20
NEARLY_MIDNIGHT = time(23, 59, 59, 999_000)
"""The clock of a cell that lacks less than half a millisecond of a day: what is left of a sum, no moment."""
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
        error: the error that it shows, e.g. #N/A; None for another.
        merged: the cells that it is merged with, e.g. C7:C9, of which the first has the value; None for
            another. A cell that is neither is a formula that was never computed.
    """

    place: str
    error: str | None = None
    merged: str | None = None


@dataclass(frozen=True)
class MergedCells:
    """Cells that are shown as one; rows and columns from 1, the last ones included."""

    first_column: int
    first_row: int
    last_column: int
    last_row: int

    def __str__(self) -> str:
        """The range as a spreadsheet names it, e.g. C7:C9."""
        first, last = get_column_letter(self.first_column), get_column_letter(self.last_column)
        return f"{first}{self.first_row}:{last}{self.last_row}"

    def hides(self, row: int, column: int) -> UnusableCell | None:
        """The cell in this place, if it is one of these and not their first."""
        is_one = self.first_row <= row <= self.last_row and self.first_column <= column <= self.last_column
        if not is_one or (row, column) == (self.first_row, self.first_column):
            return None
        return UnusableCell(f"{get_column_letter(column)}{row}", merged=str(self))


Row = tuple[int, dict[int, Any]]


@dataclass(frozen=True)
class OpenWorkbook:
    """The sheets of a workbook, by name, in their order, and which of them are hidden."""

    sheets: tuple[str, ...]
    hidden: frozenset[str]
    _book: Workbook

    def rows(self, sheet: str) -> Iterator[Row]:
        """(row from 1, its values by column from 1) of each row that the sheet has, in order.

        A value is text, number, boolean, day, moment, time, span of time or an `UnusableCell`; an empty cell
        has none. A whole number that is shown as a date without a clock is a day.
        """
        found = self._sheet(sheet)
        with found._get_source() as source:
            parser = _Sheet(
                source,
                found._shared_strings,
                data_only=True,
                epoch=self._book.epoch,
                date_formats=self._book._date_formats,
                timedelta_formats=self._book._timedelta_formats,
            )
            parser.day_formats = self._day_formats()
            yield from parser.rows()

    def merged(self, sheet: str) -> list[MergedCells]:
        """The cells of a sheet that are merged.

        They stand behind its rows, so a sheet that has any is read once more for them.
        """
        found = self._sheet(sheet)
        with found._get_source() as source:
            if not _holds(source, _MERGED_NAMES):
                return []
        merged = []
        with found._get_source() as source:
            for element in _each(source, (ROW_TAG, _MERGED_TAG)):
                if element.tag == _MERGED_TAG:
                    merged.append(MergedCells(*range_boundaries(element.get("ref"))))
                    if len(merged) > _MOST_ELEMENTS:
                        raise TooLarge
        return merged

    def _sheet(self, name: str) -> Any:
        return next(each for each in self._book.worksheets if each.title == name)

    def _day_formats(self) -> frozenset[int]:
        """The styles that show a day without a clock."""
        custom = dict(enumerate(self._book._number_formats, BUILTIN_FORMATS_MAX_SIZE))
        shown = {
            style: custom.get(array.numFmtId) or builtin_format_code(array.numFmtId) or ""
            for style, array in enumerate(self._book._cell_styles)
            if style in self._book._date_formats
        }
        return frozenset(
            style
            for style, form in shown.items()
            if is_datetime(STRIP_RE.sub("", form.split(";")[0]).lower()) == "date"
        )


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
        if refusal_of(error):  # of room or memory, which is no fault of the workbook
            raise
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
                self.shared_strings = [_text(each) for each in _each(source, (_STRING_TAG,))]

    def read_properties(self) -> None:
        """Nothing: other programs write them wrongly."""

    def read_custom(self) -> None:
        """Nothing, likewise."""

    def read_theme(self) -> None:
        """Nothing."""

    def read_chartsheet(self, sheet: Any, rel: Any) -> None:
        """Nothing: a chart has no cells."""


class _Sheet(WorkSheetParser):
    day_formats: frozenset[int] = frozenset()

    def rows(self) -> Iterator[Row]:
        """As `OpenWorkbook.rows`."""
        before = 0
        for element in _each(self.source, (ROW_TAG,), DATA_TAG):
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
                cell["value"] = UnusableCell(_place(cell))
        elif isinstance(value, datetime) and kind == "n" and value.time() == time():
            moment = _of_its_own_day(value, element.findtext(VALUE_TAG, ""), self.epoch)
            is_day = moment == value and cell["style_id"] in self.day_formats
            cell["value"] = value.date() if is_day else moment
        elif kind == "str":
            cell["value"] = _without_escapes(value)
        return cell


def _of_its_own_day(moment: datetime, serial: str, epoch: datetime) -> datetime:
    """A moment a hair before midnight, which openpyxl rounds to midnight, is of the day that Excel shows."""
    day = from_excel(int(Decimal(serial)), epoch)
    return moment if day.date() == moment.date() else datetime.combine(day, NEARLY_MIDNIGHT)


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


def _holds(source: ZipExtFile | IO[bytes], names: tuple[bytes, ...]) -> bool:
    """Whether one of the names stands in a part, in little memory."""
    before = b""
    while piece := source.read(_BYTES_AT_ONCE):
        if any(name in before + piece for name in names):
            return True
        before = piece[-max(map(len, names)) :]
    return False


def _each(
    source: ZipExtFile | IO[bytes], tags: tuple[str, ...], until: str | None = None
) -> Iterator[Element]:
    """The elements of some tags, one after the other, without keeping any.

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
        if element.tag in tags:
            yield element
            kept = len(inside)
            for outer in inside[-1:]:
                del outer[:]
        elif element.tag == until:
            return
