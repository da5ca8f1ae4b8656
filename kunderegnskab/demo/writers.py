"""How numbers, dates and tables look in a file: Danish text, csv, csv.gz, xlsx, parquet, JSON lines.

Which file carries what, `landing` decides. Every writer gives the same bytes for the same rows.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from kunderegnskab.demo.company import FIRST_DAY
from kunderegnskab.demo.money import Ints

Negative = Literal["leading", "trailing", "unicode_minus", "parentheses"]
# Title above the header (or None), header, rows.
Sheet = tuple[str | None, Sequence[str], Iterable[Sequence[object]]]
_NEGATIVE_FORMS = {"leading": "-{}", "trailing": "{}-", "unicode_minus": "\u2212{}", "parentheses": "({})"}
_MADE_AT = datetime(2026, 1, 1)


def numbers(
    values: Ints,
    decimals: int,
    *,
    thousands: str = ".",
    negative: Negative = "leading",
    shortest: int | None = None,
) -> list[str]:
    """`values` (in 10^-decimals) as Danish text; zeros beyond the first `shortest` decimals are left out."""
    distinct, where = np.unique(values, return_inverse=True)
    texts = np.empty(len(distinct), dtype=object)
    for position, value in enumerate(distinct.tolist()):
        digits = f"{-value if value < 0 else value:0{decimals + 1}d}"
        whole, fraction = (digits[:-decimals], digits[-decimals:]) if decimals else (digits, "")
        if shortest is not None:
            fraction = fraction[:shortest] + fraction[shortest:].rstrip("0")
        text = f"{int(whole):,}".replace(",", thousands) + ("," + fraction if fraction else "")
        texts[position] = _NEGATIVE_FORMS[negative].format(text) if value < 0 else text
    return texts[where].tolist()


def dates(days: Ints, form: str) -> list[str]:
    """Day offsets as text; a negative offset is no date."""
    distinct, where = np.unique(days, return_inverse=True)
    offsets = np.datetime64(FIRST_DAY) + distinct.astype("timedelta64[D]")
    texts = [day.strftime(form) if n >= 0 else "" for n, day in zip(distinct, offsets.tolist(), strict=True)]
    return np.array(texts, dtype=object)[where].tolist()


def csv_file(
    path: Path,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    delimiter: str = ";",
    encoding: str = "utf-8",
) -> None:
    """A csv file with CRLF line ends; a name ending in .gz is compressed without a time stamp."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    # The byte order is fixed, so that the file does not depend on the machine.
    body = text.getvalue().encode("utf-16-le" if encoding == "utf-16" else encoding)
    if encoding == "utf-16":
        body = b"\xff\xfe" + body
    if path.suffix == ".gz":
        packed = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as zipped:
            zipped.write(body)
        body = packed.getvalue()
    _write(path, body)


def json_lines(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """One JSON object per line."""
    _write(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode())


def parquet_file(path: Path, table: pa.Table) -> None:
    """A Parquet file (zstd)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")


def excel_file(path: Path, sheets: dict[str, Sheet]) -> None:
    """A workbook: per sheet an optional title (then an empty row), a header and rows.

    Dates become date cells, decimals number cells, everything else text.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(str(path), {"default_date_format": "dd-mm-yyyy"}) as book:
        book.set_properties({"created": _MADE_AT, "author": "Nordlys Engros A/S"})
        for name, (title, header, rows) in sheets.items():
            sheet = book.add_worksheet(name)
            top = 0
            if title is not None:
                sheet.write_string(0, 0, title)
                top = 2
            sheet.write_row(top, 0, header, book.add_format({"bold": True}))
            for number, row in enumerate(rows, start=top + 1):
                for column, value in enumerate(row):
                    if isinstance(value, date):
                        sheet.write_datetime(number, column, value)
                    elif isinstance(value, Decimal | int):
                        sheet.write_number(number, column, value)
                    elif value:
                        sheet.write_string(number, column, str(value))


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
