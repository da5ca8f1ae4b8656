"""The list of visits and the month's report as workbooks: their tables as values, totals as formulas.

Here: which columns a sheet has. Not here: a customer's workbook, whose sums follow the ladder (workbook.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Literal

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from kunderegnskab.problems import one_line
from kunderegnskab.reading.accounts import ratio
from kunderegnskab.reading.month_report import BRIDGE, MonthReport
from kunderegnskab.reading.names import driver_name, owner_name, segment_name
from kunderegnskab.reading.reader import Reader, Row
from kunderegnskab.reading.visits import VisitList
from kunderegnskab.statements.common import Writing
from kunderegnskab.statements.customer import decision_text
from kunderegnskab.statements.workbook import new_book, new_sheet, origin

Kind = Literal["text", "money", "count", "percent", "day"]
_FORMS = {"money": "#,##0.00", "count": "#,##0.####", "percent": "0.0 %", "day": "yyyy-mm-dd"}
_WIDTHS = {"text": 24, "money": 16, "count": 11, "percent": 9, "day": 12}


@dataclass(frozen=True)
class _Column:
    """One column: its head, what it holds, and where in a row that is found.

    Attributes:
        is_summed: whether a total of it stands below.
    """

    head: str
    kind: Kind
    value: Callable[[Row], object]
    is_summed: bool = False
    width: int | None = None


@dataclass(frozen=True)
class _Sheet:
    name: str
    columns: Sequence[_Column]
    rows: Sequence[Row]


def visits(reader: Reader, found: VisitList, writing: Writing) -> bytes:
    """The list of visits as a workbook, in the list's order."""
    word = writing.word

    def of(key: str, column: str, kind: Kind, width: int | None = None) -> _Column:
        return _Column(word(key), kind, lambda row: row[column], width=width)

    sheet = _Sheet(
        word("visit_list"),
        (
            of("rank", "priority_rank", "count", 6),
            of("customer_no", "customer_id", "text", 12),
            of("customer", "customer_name", "text", 36),
            of("industry", "industry", "text", 16),
            _Column(word("segment"), "text", lambda row: segment_name(row["segment"], writing.code), width=9),
            of("visits_made", "actual_visits", "count"),
            of("visits_planned", "planned_visits", "count"),
            of("visits_owed", "remaining_visits", "count"),
            of("last_visit", "last_visit_date", "day"),
            of("at_stake", "at_stake", "money"),
            of("why", "reason", "text", 90),
            _Column(
                word("best_action"),
                "text",
                lambda row: (
                    f"{row['first_action']}{decision_text(row, writing)}" if row["first_action"] else None
                ),
                width=90,
            ),
            _Column(word("notes"), "text", lambda row: None, width=40),
        ),
        found.visits,
    )
    name = reader.salesperson_name(found.salesperson_id) or ""
    return _workbook(reader, f"{word('visit_list')}: {name}", [sheet], writing)


def month_report(reader: Reader, found: MonthReport, writing: Writing) -> bytes:
    """The tables of the month's report as a workbook, a sheet for each."""
    word, code = writing.word, writing.code
    share = word("share")

    def money(head: str, column: str, sign: int = 1) -> _Column:
        def value(row: Row) -> object:
            return None if row[column] is None else sign * row[column]

        return _Column(head, "money", value, is_summed=True)

    lines = [
        {
            "code": line.code,
            "name": line.name,
            "amount": line.effect,
            "share": ratio(line.effect, found.account.amount("net_sales")),
            "before": line.compared_effect,
        }
        for line in found.account.lines
    ]
    subtotals = (
        money(word("short_net_sales"), "net_sales"),
        money(word("short_db2"), "db2"),
        money(word("short_db3"), "db3"),
        _Column(f"{word('short_db3')} %", "percent", lambda row: ratio(row["db3"], row["net_sales"])),
    )
    is_compared = found.account.measures["is_compared"]
    before = [money(f"{word('short_db3')}, {word('before').lower()}", "compared_db3")] if is_compared else []
    customers = _Column(word("customers"), "count", lambda row: row["customer_count"], is_summed=True)
    months = [row for row in found.months if row["month"] >= found.account.first_month]
    sheets = [
        _Sheet(
            word("overview"),
            (
                _Column("", "text", lambda row: row["code"], width=6),
                _Column(word("line"), "text", lambda row: row["name"], width=48),
                _Column(writing.currency, "money", lambda row: row["amount"]),
                _Column(share, "percent", lambda row: row["share"], width=12),
                _Column(word("before"), "money", lambda row: row["before"]),
            ),
            lines,
        ),
        _Sheet(
            word("groups"),
            (
                _Column(word("segment"), "text", lambda row: segment_name(row["scope_id"], code)),
                customers,
                _Column(word("good_customers"), "count", lambda row: row["good_customers"], is_summed=True),
                *subtotals,
                *before,
            ),
            found.segments,
        ),
        _Sheet(
            word("salespeople"),
            (
                _Column(word("salesperson"), "text", lambda row: owner_name(reader, row["scope_id"], code)),
                customers,
                *subtotals,
                *before,
                *(money(word(f"bridge_{part}"), part) for part in BRIDGE),
            ),
            found.portfolios,
        ),
        _Sheet(
            word("sheet_actions"),
            (
                _Column(word("customer_no"), "text", lambda row: row["customer_id"], width=12),
                _Column(word("customer"), "text", lambda row: row["customer_name"], width=36),
                _Column(
                    word("salesperson"), "text", lambda row: owner_name(reader, row["salesperson_id"], code)
                ),
                _Column(
                    word("driver_driver"),
                    "text",
                    lambda row: driver_name(row["driver"], code),
                ),
                _Column(
                    word("action"),
                    "text",
                    lambda row: f"{row['sentence']}{decision_text(row, writing)}",
                    width=110,
                ),
                money(word("worth"), "worth"),
            ),
            found.actions,
        ),
        _Sheet(
            word("tie_out"),
            (
                _Column(word("month"), "text", lambda row: writing.language.month(row["month"]), width=18),
                money(word("short_db3"), "db3"),
                *(
                    money(word(f"tie_{column}"), column, -1)
                    for column in ("segment_cost", "unused_capacity", "unallocated", "rate_difference")
                ),
                *(
                    money(word(f"tie_{column}"), column)
                    for column in ("bonus_timing", "credit_cost_put_back", "ledger_result", "difference")
                ),
            ),
            months,
        ),
    ]
    title = f"{word('month_report')}: {writing.language.month(found.account.month)}"
    return _workbook(reader, title, sheets, writing)


def _workbook(reader: Reader, title: str, sheets: Sequence[_Sheet], writing: Writing) -> bytes:
    publication = reader.publication
    file, book = new_book(publication, title)
    for each in sheets:
        _write(book, new_sheet(book, publication, each.name), each)
    trace = new_sheet(book, publication, writing.word("sheet_trace"))
    bold = book.add_format({"bold": True})
    for row, (label, value) in enumerate(origin(publication, writing)):
        trace.write_string(row, 0, label, bold)
        trace.write_string(row, 1, value)
    trace.set_column(0, 0, 30)
    trace.set_column(1, 1, 90)
    book.close()
    return file.getvalue()


def _write(book: xlsxwriter.Workbook, sheet: Worksheet, content: _Sheet) -> None:
    sheet.repeat_rows(0)
    sheet.freeze_panes(1, 0)
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    bottom = len(content.rows)
    for at, column in enumerate(content.columns):
        sheet.set_column(at, at, column.width or _WIDTHS[column.kind])
        sheet.write_string(0, at, column.head, bold)
        form = {"num_format": _FORMS.get(column.kind, "@"), "valign": "top"}
        shown = book.add_format(form)
        values = [column.value(row) for row in content.rows]
        for row, value in enumerate(values, 1):
            if isinstance(value, date):
                sheet.write_datetime(row, at, datetime.combine(value, time()), shown)
            elif isinstance(value, Decimal | int):
                sheet.write_number(row, at, float(value), shown)
            elif value is not None:
                sheet.write_string(row, at, one_line(str(value)), wrapped)
        if column.is_summed and values:
            cells = f"{xl_rowcol_to_cell(1, at)}:{xl_rowcol_to_cell(bottom, at)}"
            total = sum((value for value in values if isinstance(value, Decimal | int)), Decimal(0))
            summed = book.add_format({**form, "bold": True, "top": 1})
            sheet.write_formula(bottom + 1, at, f"=SUM({cells})", summed, float(total))
