"""One customer's statement as a workbook that computes its own sums.

The twelve months are values, to the last decimal that is published; everything made of them is a formula: the
account, its subtotals, shares and changes. A sheet says of which publication it was made, and holds what the
formulas come to against what is published.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

import kunderegnskab
from kunderegnskab.months import months_on
from kunderegnskab.problems import one_line
from kunderegnskab.publication.store import Publication
from kunderegnskab.reading.accounts import CustomerAccount, Line, ratio
from kunderegnskab.reading.ladder import subtotals
from kunderegnskab.reading.names import driver_name
from kunderegnskab.reading.reader import Reader
from kunderegnskab.statements.account import months_of, period
from kunderegnskab.statements.common import Writing
from kunderegnskab.statements.customer import action_text, facts, name_of, note_lines, ranked_actions

_MONEY, _PERCENT = "#,##0.00", "0.0 %"
# First row with a line, on the sheets of the account and the months.
_ACCOUNT_TOP, _MONTHS_TOP = 5, 3
_AMOUNT, _SHARE, _BEFORE, _BEFORE_SHARE, _CHANGE = 2, 3, 4, 5, 6


def statement(reader: Reader, found: CustomerAccount, writing: Writing) -> bytes:
    """The workbook of one customer; the same bytes for the same publication."""
    return _Statement(reader, found, writing).made()


def new_book(publication: Publication, title: str) -> tuple[io.BytesIO, xlsxwriter.Workbook]:
    """A workbook, and where its bytes are once it is closed. It says it was made with its publication."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(
        file,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        },
    )
    manifest = publication.manifest
    book.set_properties(
        {
            "title": one_line(title),
            "company": one_line(manifest.company),
            "created": manifest.published_at.replace(tzinfo=None),
        }
    )
    return file, book


def new_sheet(book: xlsxwriter.Workbook, publication: Publication, name: str) -> Worksheet:
    """A sheet that prints on pages of A4 across, with the publication at the foot."""
    sheet = book.add_worksheet(name)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer(f"&L&8{publication.name}&R&8&P / &N")
    return sheet


def origin(publication: Publication, writing: Writing) -> list[tuple[str, str]]:
    """Of which publication a workbook was made: label and value."""
    return [
        (writing.word("publication"), publication.name),
        (writing.word("published_at"), publication.manifest.published_at.isoformat()),
        (writing.word("head"), publication.head),
        (writing.word("made_by"), f"kunderegnskab {kunderegnskab.__version__}"),
    ]


@dataclass(frozen=True)
class _Window:
    """Twelve months on the sheet of months: where they stand, and what a line did in each."""

    months: Sequence[date]
    first_column: int

    @property
    def total_column(self) -> int:
        return self.first_column + len(self.months)


class _Statement:
    def __init__(self, reader: Reader, found: CustomerAccount, writing: Writing) -> None:
        self._reader, self._found, self._writing = reader, found, writing
        self._lines = found.account.lines
        terms = subtotals(reader)
        # Empty where the company uses none of a subtotal's lines.
        self._terms = {line.column: terms.get(line.column, {}) for line in self._lines}
        self._place = {line.column: number for number, line in enumerate(self._lines)}
        title = f"{writing.word('statement')}: {name_of(found)}"
        self._file, self._book = new_book(reader.publication, title)
        self._formats: dict[tuple[Any, ...], Any] = {}

    def made(self) -> bytes:
        """Write all sheets; the whole file."""
        # The account comes first and refers to the months by their name.
        account = self._sheet("sheet_account")
        months = self._sheet("sheet_months")
        self._write_months(months)
        self._write_account(account)
        self._write_drivers(self._sheet("sheet_drivers"))
        self._write_actions(self._sheet("sheet_actions"))
        if self._found.notes:
            self._write_notes(self._sheet("notes"))
        self._write_trace(self._sheet("sheet_trace"))
        self._book.close()
        return self._file.getvalue()

    # --- sheets ---------------------------------------------------------------------------------------
    def _write_account(self, sheet: Worksheet) -> None:
        word = self._writing.word
        self._text(sheet, 0, 0, name_of(self._found), bold=True, size=14)
        self._text(sheet, 1, 0, f"{self._writing.publication.manifest.company}, {word('statement')}")
        self._text(sheet, 2, 0, period(self._found.account, self._writing))
        head = (
            "",
            word("line"),
            self._writing.currency,
            word("share"),
            word("before"),
            word("share"),
            word("change"),
        )
        self._head(sheet, _ACCOUNT_TOP - 1, head if self._before else head[:_BEFORE])
        for row, line in enumerate(self._lines, _ACCOUNT_TOP):
            look = self._look(line)
            before = line.compared_effect
            self._text(sheet, row, 0, line.code, **look)
            self._text(sheet, row, 1, line.name, **look)
            self._sum(sheet, row, _AMOUNT, line, self._now, line.effect, look)
            self._share(sheet, row, _AMOUNT, line.effect, look)
            if self._before and before is not None:
                self._sum(sheet, row, _BEFORE, line, self._before, before, look)
                self._share(sheet, row, _BEFORE, before, look)
                change = f"={xl_rowcol_to_cell(row, _AMOUNT)}-{xl_rowcol_to_cell(row, _BEFORE)}"
                self._formula(sheet, row, _CHANGE, change, line.effect - before, _MONEY, look)
        bottom = _ACCOUNT_TOP + len(self._lines) + 1
        for row, fact in enumerate(facts(self._reader, self._found, self._writing), bottom):
            self._text(sheet, row, 1, fact["label"])
            self._text(sheet, row, 2, fact["value"])
        sheet.set_column(0, 0, 6)
        sheet.set_column(1, 1, 46)
        sheet.set_column(2, 6, 15)
        sheet.freeze_panes(_ACCOUNT_TOP, 2)

    def _write_months(self, sheet: Worksheet) -> None:
        writing = self._writing
        self._text(sheet, 0, 0, name_of(self._found), bold=True, size=14)
        for window in filter(None, (self._now, self._before)):
            head = [*map(writing.language.short_month, window.months), writing.word("total")]
            self._head(sheet, _MONTHS_TOP - 1, head, window.first_column)
            sheet.set_column(window.first_column, window.total_column, 13)
        self._head(sheet, _MONTHS_TOP - 1, ("", writing.word("line")))
        for row, line in enumerate(self._lines, _MONTHS_TOP):
            look = self._look(line)
            self._text(sheet, row, 0, line.code, **look)
            self._text(sheet, row, 1, line.name, **look)
            for window, total in ((self._now, line.effect), (self._before, line.compared_effect)):
                if window is None or total is None:
                    continue
                amounts = [self._effect(line, month) for month in window.months]
                for column, amount in enumerate(amounts, window.first_column):
                    if line.is_subtotal:
                        formula = self._subtotal(line, _MONTHS_TOP, column)
                        self._formula(sheet, row, column, formula, amount, _MONEY, look)
                    else:
                        sheet.write_number(row, column, float(amount), self._format(_MONEY, **look))
                first = xl_rowcol_to_cell(row, window.first_column)
                last = xl_rowcol_to_cell(row, window.total_column - 1)
                self._formula(
                    sheet, row, window.total_column, f"=SUM({first}:{last})", total, _MONEY, {"bold": True}
                )
        sheet.set_column(0, 0, 6)
        sheet.set_column(1, 1, 46)
        sheet.freeze_panes(_MONTHS_TOP, 2)
        self._draw_months(sheet)

    def _draw_months(self, sheet: Worksheet) -> None:
        chart = self._book.add_chart({"type": "column"})
        assert chart is not None
        name, window = self._writing.word("sheet_months"), self._now
        for column, colour in (("net_sales", "#1f4e79"), ("db3", "#c8843c")):
            if column in self._place:
                row = _MONTHS_TOP + self._place[column]
                chart.add_series(
                    {
                        "name": [name, row, 1],
                        "categories": [
                            *(name, _MONTHS_TOP - 1, window.first_column),
                            *(_MONTHS_TOP - 1, window.total_column - 1),
                        ],
                        "values": [name, row, window.first_column, row, window.total_column - 1],
                        "fill": {"color": colour},
                    }
                )
        chart.set_legend({"position": "bottom"})
        chart.set_size({"width": 900, "height": 280})
        sheet.insert_chart(_MONTHS_TOP + len(self._lines) + 1, 1, chart)

    def _write_drivers(self, sheet: Worksheet) -> None:
        word = self._writing.word
        keys = ("driver", "cost", "base", "rate", "segment_rate", "benchmark", "worth")
        self._head(sheet, 0, [word(f"driver_{key}") for key in keys])
        for row, each in enumerate(self._found.drivers, 1):
            self._text(sheet, row, 0, driver_name(each["driver"], self._writing.code))
            for column, key in enumerate(keys[1:], 1):
                self._value(
                    sheet, row, column, each[key], _MONEY if key in ("cost", "base", "worth") else "0.00 %"
                )
        sheet.set_column(0, 0, 30)
        sheet.set_column(1, 6, 18)
        sheet.freeze_panes(1, 1)

    def _write_notes(self, sheet: Worksheet) -> None:
        """What was written of the customer; as text, whatever it begins with."""
        self._head(sheet, 0, (self._writing.word("notes"),))
        for row, each in enumerate(note_lines(self._reader, self._found, self._writing), 1):
            self._text(sheet, row, 0, each, wrap=True)
        sheet.set_column(0, 0, 110)

    def _write_actions(self, sheet: Worksheet) -> None:
        word = self._writing.word
        self._head(sheet, 0, (word("action"), word("worth")))
        actions = ranked_actions(self._found)
        for row, each in enumerate(actions, 1):
            self._text(sheet, row, 0, action_text(each, self._writing), wrap=True)
            self._value(sheet, row, 1, each["worth"], _MONEY)
        if actions:
            total = sum((each["worth"] for each in actions), Decimal(0))
            row = len(actions) + 1
            self._text(sheet, row, 0, word("total"), bold=True)
            self._formula(sheet, row, 1, f"=SUM(B2:B{row})", total, _MONEY, {"bold": True})
        else:
            self._text(sheet, 1, 0, word("no_actions"))
        sheet.set_column(0, 0, 110)
        sheet.set_column(1, 1, 18)
        sheet.freeze_panes(1, 0)

    def _write_trace(self, sheet: Worksheet) -> None:
        word, publication = self._writing.word, self._reader.publication
        rows = (
            *origin(publication, self._writing),
            (word("customer_no"), self._found.customer["customer_id"]),
            (word("months_shown"), period(self._found.account, self._writing)),
            (word("how_to_check"), word("check_commands", customer=self._found.customer["customer_id"])),
        )
        for row, (label, value) in enumerate(rows):
            self._text(sheet, row, 0, label, bold=True)
            self._text(sheet, row, 1, value)
        top = len(rows) + 2
        self._head(
            sheet, top - 1, [word(key) for key in ("line", "as_published", "as_computed", "difference")]
        )
        for row, line in enumerate(self._lines, top):
            cell = xl_rowcol_to_cell(_ACCOUNT_TOP + self._place[line.column], _AMOUNT)
            computed = f"={self._on('sheet_account')}{cell}"
            self._text(sheet, row, 0, line.name, **self._look(line))
            self._value(sheet, row, 1, line.effect, "#,##0.0000")
            self._formula(sheet, row, 2, computed, line.effect, "#,##0.0000", {})
            difference = f"=ROUND({xl_rowcol_to_cell(row, 2)}-{xl_rowcol_to_cell(row, 1)},4)"
            self._formula(sheet, row, 3, difference, Decimal(0), "#,##0.0000", {})
        sheet.set_column(0, 0, 46)
        sheet.set_column(1, 3, 24)

    # --- formulas -------------------------------------------------------------------------------------
    @cached_property
    def _now(self) -> _Window:
        return _Window(months_of(self._found.account), 2)

    @cached_property
    def _before(self) -> _Window | None:
        if not self._found.account.measures["is_compared"]:
            return None
        return _Window([months_on(month, -12) for month in self._now.months], self._now.total_column + 2)

    @cached_property
    def _by_month(self) -> Mapping[date, Mapping[str, Any]]:
        return {row["month"]: row for row in self._found.months}

    def _effect(self, line: Line, month: date) -> Decimal:
        amount = self._by_month[month][line.column] if month in self._by_month else Decimal(0)
        return amount if line.is_subtotal else line.sign * amount

    def _subtotal(self, line: Line, top: int, column: int) -> str:
        """Its sum in a column: of the largest subtotal above that is part of it, and the lines besides."""
        terms = dict(self._terms[line.column])
        above = [
            other
            for other in self._lines[: self._place[line.column]]
            if other.is_subtotal and self._terms[other.column].items() <= terms.items()
        ]
        parts: list[tuple[int, str]] = []
        if above:
            largest = max(above, key=lambda other: len(self._terms[other.column]))
            parts.append((1, largest.column))
            terms = {term: sign for term, sign in terms.items() if term not in self._terms[largest.column]}
        # Cells hold what a line does to the result, so its own sign is in them already.
        signs = {other.column: other.sign for other in self._lines}
        parts += [(sign * signs[term], term) for term, sign in terms.items()]
        cells = (
            f"{'+' if sign > 0 else '-'}{xl_rowcol_to_cell(top + self._place[term], column)}"
            for sign, term in parts
        )
        return f"={''.join(cells).removeprefix('+') or '0'}"

    def _sum(
        self,
        sheet: Worksheet,
        row: int,
        column: int,
        line: Line,
        window: _Window,
        amount: Decimal,
        look: Mapping[str, Any],
    ) -> None:
        if line.is_subtotal:
            formula = self._subtotal(line, _ACCOUNT_TOP, column)
        else:
            cell = xl_rowcol_to_cell(_MONTHS_TOP + self._place[line.column], window.total_column)
            formula = f"={self._on('sheet_months')}{cell}"
        self._formula(sheet, row, column, formula, amount, _MONEY, look)

    def _share(
        self, sheet: Worksheet, row: int, column: int, amount: Decimal, look: Mapping[str, Any]
    ) -> None:
        net_sales = self._found.account.line("net_sales")
        if net_sales is None:
            return
        whole = xl_rowcol_to_cell(_ACCOUNT_TOP + self._place["net_sales"], column, row_abs=True)
        formula = f'=IF({whole}>0,{xl_rowcol_to_cell(row, column)}/{whole},"")'
        base = net_sales.amount if column == _AMOUNT else net_sales.compared
        self._formula(sheet, row, column + 1, formula, ratio(amount, base), _PERCENT, look)

    def _on(self, sheet: str) -> str:
        return f"'{self._writing.word(sheet)}'!"

    # --- cells ----------------------------------------------------------------------------------------
    def _sheet(self, key: str) -> Worksheet:
        return new_sheet(self._book, self._reader.publication, self._writing.word(key))

    def _look(self, line: Line) -> dict[str, Any]:
        return {"bold": True, "bg_color": "#f1f4f7"} if line.is_subtotal else {}

    def _format(self, number: str | None = None, **look: Any) -> Any:
        key = (number, *sorted(look.items()))
        if key not in self._formats:
            properties = {"font_name": "Calibri", "font_size": look.pop("size", 10)}
            properties |= {"text_wrap": True, "valign": "top"} if look.pop("wrap", False) else {}
            properties |= {"num_format": number} if number else {}
            self._formats[key] = self._book.add_format(properties | look)
        return self._formats[key]

    def _head(self, sheet: Worksheet, row: int, names: Sequence[str], first: int = 0) -> None:
        for column, name in enumerate(names, first):
            sheet.write_string(row, column, name, self._format(bold=True, bottom=1, font_color="#5a6675"))

    def _text(self, sheet: Worksheet, row: int, column: int, text: str, **look: Any) -> None:
        sheet.write_string(row, column, one_line(text), self._format(**look))

    def _value(self, sheet: Worksheet, row: int, column: int, value: Decimal | None, number: str) -> None:
        if value is not None:
            sheet.write_number(row, column, float(value), self._format(number))

    def _formula(
        self,
        sheet: Worksheet,
        row: int,
        column: int,
        formula: str,
        value: Decimal | None,
        number: str,
        look: Mapping[str, Any],
    ) -> None:
        """A formula, with what it comes to for whoever shows the file without computing."""
        shown = "" if value is None else float(value)
        sheet.write_formula(row, column, formula, self._format(number, **look), shown)
