"""The text of records is read again from landing, as the mapping read it, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from small_intake import rest, workspace_of

from kunderegnskab.ingest import Intake, take_in
from kunderegnskab.ingest.source_text import ReadFile, text_of
from kunderegnskab.workspace import Workspace

FEEDS = """
sales_lines:
  - files: "salg.{suffix}"
    format: {{type: {kind}, {more}}}
    columns: {{document_no: Bilag, line_no: Linje, posting_date: Dag, quantity: Antal}}
    expressions: {{net_amount: 'number("Beløb")', discount_amount: '0.00'}}
    values: {{document_type: invoice}}
"""
LINES = [
    ("A", "1", "05-01-2024", "1", "1.000,50"),
    ("A", "2", "05-01-2024", " 2", "7,5"),
    ("B", "1", "x", "3", "9"),
]
HEADER = ("Bilag", "Linje", "Dag", "Antal", "Beløb")


def csv(lines: Sequence[tuple[str, ...]]) -> bytes:
    return ("\n".join(";".join(line) for line in [HEADER, *lines]) + "\n").encode("cp1252")


CSV = FEEDS.format(
    suffix="csv",
    kind="csv",
    more="delimiter: ';', encoding: cp1252, decimal: ',', thousands: '.', date: '%d-%m-%Y'",
)


def read_file(intake: Intake) -> ReadFile:
    (receipt,) = intake.receipts
    names = ("feed", "source", "source_file", "file_sha256", "size", "lake_file", "lookups")
    return ReadFile(**{name: getattr(receipt, name) for name in names})


@pytest.fixture
def company(tmp_path: Path) -> Workspace:
    return workspace_of(tmp_path, CSV, {"salg.csv": csv(LINES)})


def test_text_stands_as_it_came_under_the_number_of_its_record(company: Workspace) -> None:
    read = read_file(take_in(company, company.lake))
    found = text_of(company, read, [3, 2])
    assert found == {2: dict(zip(HEADER, LINES[1], strict=True)), 3: dict(zip(HEADER, LINES[2], strict=True))}


def test_a_sheet_is_counted_with_its_header(tmp_path: Path) -> None:
    feeds = FEEDS.format(suffix="xlsx", kind="xlsx", more="decimal: ',', date: '%d-%m-%Y'")
    company = workspace_of(tmp_path, feeds)
    path = company.landing / "salg.xlsx"
    pd.DataFrame([*LINES], columns=list(HEADER)).to_excel(path, index=False, engine="xlsxwriter")
    rest(path)
    read = read_file(take_in(company, company.lake))
    assert text_of(company, read, [3]) == {3: dict(zip(HEADER, LINES[1], strict=True))}


def test_by_another_mapping_there_is_no_text(company: Workspace) -> None:
    read = read_file(take_in(company, company.lake))
    (company.root / "feeds.yaml").write_text(
        CSV.replace("quantity: Antal", "quantity: Linje"), encoding="utf-8"
    )
    assert text_of(Workspace(company.root), read, [1]) == {}
    (company.root / "feeds.yaml").write_text("# nothing is mapped\n", encoding="utf-8")
    assert text_of(Workspace(company.root), read, [1]) == {}


def test_the_text_of_a_file_that_is_gone_is_gone(company: Workspace) -> None:
    read = read_file(take_in(company, company.lake))
    (company.landing / "salg.csv").unlink()
    assert text_of(company, read, [1]) == {}
