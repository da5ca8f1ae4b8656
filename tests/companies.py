"""Companies that the tests refresh: files and configuration, small enough to know by heart.

The demo company belongs in `kunderegnskab.demo`, running the product in `running`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import xlsxwriter

COMPANY = """\
name: Lille Engros A/S
currency: DKK
keep_publications: 3
salesperson_keys: plain
"""
FEEDS = """\
sales_lines:
  - files: salg/*.csv
    format: {type: csv, delimiter: ";", encoding: cp1252, decimal: ",", thousands: ".", date: "%d-%m-%Y"}
    columns:
      document_no: Bilagsnr.
      line_no: Linjenr.
      posting_date: Bogføringsdato
      customer_id: Kundenr.
      product_id: Varenr.
      quantity: Antal
      list_amount: Listebeløb
      net_amount: Nettobeløb
      cost_amount: Kostbeløb
      currency: Valuta
    expressions:
      document_type: case "Bilagstype" when 'Faktura' then 'invoice' when 'Kreditnota' then 'credit_note' end
customers:
  - files: kunder.xlsx
    format: {type: xlsx, sheet: Kunder}
    columns: {customer_id: Nr., customer_name: Navn}
"""
HEADER = (
    "Bilagsnr.", "Linjenr.", "Bilagstype", "Bogføringsdato", "Kundenr.", "Varenr.", "Antal",
    "Listebeløb", "Nettobeløb", "Kostbeløb", "Valuta",
)  # fmt: skip
# Customers whose lines are in the file of each region.
REGIONS = {"nord": ("C1", "C2"), "syd": ("C3", "C4")}
CUSTOMERS = {"C1": "Ærø Båd & Træ", "C2": "Søndergård", "C3": "Østerbro Grønt", "C4": "Aalborg Stål"}
MONTHS = [date(year, month, 1) for year in (2024, 2025) for month in range(1, 13)]


def write_small_company(root: Path) -> None:
    """A company with four customers, 24 months and one invoice per customer and month."""
    (root / "landing" / "salg").mkdir(parents=True)
    (root / "policy").mkdir()
    (root / "company.yaml").write_text(COMPANY, encoding="utf-8")
    (root / "feeds.yaml").write_text(FEEDS, encoding="utf-8")
    for region in REGIONS:
        write_sales(root, region, sales_of(region))
    write_customers(root)


def sales_of(region: str) -> list[list[str]]:
    """The lines of a region: list 1,000 + 10 x month for the first customer, twice that for the second."""
    lines = []
    for number, customer in enumerate(REGIONS[region], start=1):
        for position, month in enumerate(MONTHS):
            amount = number * Decimal(1000 + 10 * position)
            lines.append(line(f"{customer}-{month:%y%m}", customer, month.replace(day=15), amount))
    return lines


def line(document: str, customer: str, day: date, amount: Decimal, currency: str = "") -> list[str]:
    """An invoice line for a list amount, at 10 % discount and 60 % cost."""
    amounts = (amount, amount * Decimal("0.9"), amount * Decimal("0.6"))
    return [
        document, "1", "Faktura", f"{day:%d-%m-%Y}", customer, "V1", "1", *map(danish, amounts), currency,
    ]  # fmt: skip


def danish(amount: Decimal) -> str:
    """1234.5 as 1.234,50."""
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


def write_sales(
    root: Path, name: str, lines: Iterable[Sequence[str]], header: Sequence[str] = HEADER
) -> Path:
    """One file of sales lines, as the company's system writes it."""
    path = root / "landing" / "salg" / f"{name}.csv"
    text = "".join(";".join(fields) + "\r\n" for fields in (header, *lines))
    return at_rest(path, text.encode("cp1252"))


def write_customers(root: Path) -> Path:
    """The workbook with the customers."""
    path = root / "landing" / "kunder.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Kunder")
        for row, fields in enumerate([("Nr.", "Navn"), *CUSTOMERS.items()]):
            sheet.write_row(row, 0, fields)
    return rest(path)


def at_rest(path: Path, content: bytes) -> Path:
    """A file that was written a while ago, so that a refresh does not wait for it to come to rest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return rest(path)


def rest(path: Path) -> Path:
    """Date a file back."""
    before = time.time() - 60
    os.utime(path, (before, before))
    return path
