"""Workbooks from the XML of their rows: what no program that writes workbooks would write.

What must come of them belongs in the tests.
"""

from __future__ import annotations

import io
import zipfile

import openpyxl

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def row(number: int, texts: list[str], more: str = "") -> str:
    """A row of text cells; `more` takes the place of the cell that it names."""
    cells = [cell(f"{chr(ord('A') + at)}{number}", text) for at, text in enumerate(texts)]
    if more:
        place = more.split('r="')[1].split('"')[0]
        cells = [each for each in cells if f'r="{place}"' not in each] + [more]
    return f'<row r="{number}">{"".join(cells)}</row>'


def workbook(
    rows: str, dimension: str = "A1:G9", before: str = "", declared: int = 0, **parts: str | bytes
) -> bytes:
    """A workbook with one sheet Salg of these rows, in which style 1 is that of a date.

    Args:
        declared: how many bytes the sheet says it has.
        parts: replace its parts, by name.
    """
    empty = openpyxl.Workbook()
    empty.active.title = "Salg"
    empty.active["A1"].number_format = "yyyy-mm-dd"
    plain = io.BytesIO()
    empty.save(plain)
    made = zipfile.ZipFile(plain)
    sheet = (
        f'{before}<worksheet xmlns="{MAIN}"><dimension ref="{dimension}"/>'
        f"<sheetData>{rows}</sheetData></worksheet>"
    )
    with io.BytesIO() as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            for name in made.namelist():
                content = sheet if name == "xl/worksheets/sheet1.xml" else made.read(name)
                packed.writestr(name, parts.get(name, content))
            if declared:
                packed.getinfo("xl/worksheets/sheet1.xml").file_size = declared
        return out.getvalue()
