"""Values as cells of spreadsheets: no text is taken for a formula, and no number loses what it is.

What stands in a file or workbook belongs to whoever writes it.
"""

from __future__ import annotations

from decimal import Decimal

from xlsxwriter.worksheet import Worksheet

SHEET_ROWS = 1_048_576
"""What a sheet of a workbook holds."""
_CELL_CHARACTERS = 32_767
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def inert(value: object) -> object:
    """A text that a spreadsheet would take for a formula gets an apostrophe; numbers are left as they are."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_SIGNS) else value


def write_cell(sheet: Worksheet, row: int, column: int, value: object) -> None:
    """A value in a cell of a workbook, by its row and column from 0."""
    # A text such as =1+1 must stay text. Of a number Excel keeps 15 digits, of a text 32,767 characters; a
    # CSV has them all.
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        sheet.write(row, column, value)
    else:
        sheet.write_string(row, column, "" if value is None else str(value)[:_CELL_CHARACTERS])
