"""A record's place is its file, its sheet and its number: sheets of one workbook that feed one feed, all the way to
what is told of a record. How a workbook is read belongs in tests/unit/test_ingest_workbooks.py.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from companies import at_rest
from openpyxl import load_workbook
from quick import Project, quickly, refreshed_quickly
from running import copied, rows

from kunderegnskab.audit.sampling import draw, write_workbook
from kunderegnskab.audit.trace import opened
from kunderegnskab.workspace import Workspace

SALES_COLUMNS = ("doc", "type", "line", "day", "customer", "qty", "list", "disc", "cost")
SHARED = """\
  - files: {file}
    format: {{type: xlsx, sheet: {sheet}}}
    columns: {columns}
    shares_files: a sheet each
{more}"""
SALES = (
    "{document_no: doc, document_type: type, line_type: line, posting_date: day, customer_id: customer, "
    "quantity: qty, list_amount: list, discount_amount: disc, cost_amount: cost}"
)
ADJUSTMENTS = (
    "adjustment_no",
    "month",
    "customer_id",
    "line_code",
    "amount",
    "reason",
    "author",
    "approved_by",
)
# Sheet -> records, the first of which is number 2. Both sheets have each kind of record under the same number.
BOOK: Mapping[str, Sequence[Sequence[str]]] = {
    "Jan": [
        ("J2", "invoice", "goods", "2025-01-10", "C1", "1", "100", "0", "60"),
        ("J3", "invoice", "goods", "2025-01-10", "C1", "?", "100", "0", "60"),
        ("J4", "offer", "goods", "2025-01-10", "C1", "1", "100", "0", "60"),
        ("J5", "invoice", "deposit", "2025-01-10", "C1", "1", "9", "0", ""),
        ("J6", "invoice", "goods", "2025-01-10", "", "1", "7", "0", "3"),
    ],
    "Feb": [
        ("F2", "invoice", "goods", "2025-02-10", "C1", "1", "50", "0", "30"),
        ("F3", "invoice", "goods", "2025-02-10", "C1", "!", "50", "0", "30"),
        ("F4", "offer", "goods", "2025-02-10", "C1", "1", "50", "0", "30"),
        ("F5", "invoice", "deposit", "2025-02-10", "C1", "1", "8", "0", ""),
        ("F6", "invoice", "goods", "2025-02-10", "", "1", "6", "0", "2"),
    ],
}
CORRECTIONS: Mapping[str, Sequence[Sequence[str]]] = {
    "Jan": [("A1", "2025-01-01", "C1", "K45", "11", "January", "Ann", "Bo")],
    "Feb": [("A2", "2025-02-01", "C1", "K45", "12", "February", "Ann", "Bo")],
}


def workbook(header: Sequence[str], sheets: Mapping[str, Sequence[Sequence[str]]]) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        for name, records in sheets.items():
            sheet = book.add_worksheet(name)
            for place, row in enumerate([header, *records]):
                sheet.write_row(place, 0, row)
    return content.getvalue()


@pytest.fixture(scope="module")
def company(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two workbooks with a sheet for each month, published. To be read only."""
    workspace = tmp_path_factory.mktemp("sheets") / "workspace"
    more = "    where: type = 'invoice'\n    allow_rejects: {count: 1, reason: to be tested}\n"
    sales = "".join(
        SHARED.format(file="bog.xlsx", sheet=sheet, columns=SALES, more=more) for sheet in ("Jan", "Feb")
    )
    columns = f"{{{', '.join(f'{name}: {name}' for name in ADJUSTMENTS)}}}"
    adjustments = "".join(
        SHARED.format(file="korr.xlsx", sheet=sheet, columns=columns, more="") for sheet in ("Jan", "Feb")
    )
    files = {
        "company.yaml": b"name: Ark ApS\ncurrency: DKK\n",
        "feeds.yaml": f"sales_lines:\n{sales}adjustments:\n{adjustments}".encode(),
        "landing/bog.xlsx": workbook(SALES_COLUMNS, BOOK),
        "landing/korr.xlsx": workbook(ADJUSTMENTS, CORRECTIONS),
    }
    for file, content in files.items():
        at_rest(workspace / file, content)
    assert refreshed_quickly(project, workspace)["status"] == "published"
    return workspace


LISTED = {
    "rejects": "raw_value = '?' or raw_value = '!'",
    "left_out": "reason like 'where%'",
    "outside_account": "line_type = 'deposit'",
    "unknown_customers": "feed = 'sales_lines'",
    "adjustments": "line_code = 'K45'",
}


@pytest.mark.parametrize(("table", "where"), LISTED.items())
def test_what_is_listed_of_a_record_names_its_sheet(company: Path, table: str, where: str) -> None:
    number = {"rejects": 3, "left_out": 4, "outside_account": 5, "unknown_customers": 6, "adjustments": 2}[
        table
    ]
    found = rows(company, f"select source_sheet, source_record from audit.{table} where {where} order by all")
    assert found == [("Feb", number), ("Jan", number)]


def test_postings_name_the_sheet_of_their_record(company: Path) -> None:
    with opened(Workspace(company)) as trace:
        found = trace.rows(
            "select source_sheet, source_record, sum(amount)::int as amount from audit.postings "
            "where feed = 'sales_lines' and customer_id = 'C1' and line_code = 'K00' group by all order by all",
            reads=["audit.postings"],
        )
    assert [tuple(row.values()) for row in found] == [("Feb", 2, 50), ("Jan", 2, 100)]


@pytest.mark.parametrize(("month", "sheet", "document"), [("2025-01", "Jan", "J2"), ("2025-02", "Feb", "F2")])
def test_an_explanation_shows_the_text_of_the_record_on_its_own_sheet(
    project: Project, company: Path, tmp_path: Path, month: str, sheet: str, document: str
) -> None:
    asked = (
        "explain",
        "marts.customer_accounts.list_sales",
        "--at",
        "customer_id=C1",
        "--at",
        f"month={month}-01",
    )
    target = tmp_path / "records.csv"
    done = quickly(project, *asked, "--language", "en", "--csv", target, "--workspace", company)
    assert done.code == 0, done.err
    told = " ".join(done.out.split())
    assert f"landing/bog.xlsx, sheet {sheet}, record 2" in told
    assert f"doc={document}" in told
    other = "F2" if document == "J2" else "J2"
    assert f"doc={other}" not in told
    with target.open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["file"], row["sheet"], row["record"]) == ("landing/bog.xlsx", sheet, "2")
    assert f"doc={document}" in row["raw"]


def test_an_explanation_of_both_months_keeps_the_records_of_both_sheets_apart(
    project: Project, company: Path
) -> None:
    done = quickly(
        project, "explain", "net_sales", "--customer", "C1", "--month", "2025-02", "--window", "ytd",
        "--json", "--workspace", company,
    )  # fmt: skip
    assert done.code == 0, done.err
    records = done.json["records"]
    assert {(each["sheet"], each["record"], each["raw"]["doc"]) for each in records} == {
        ("Jan", 2, "J2"),
        ("Feb", 2, "F2"),
    }


def test_a_sample_draws_the_records_of_both_sheets(company: Path, tmp_path: Path) -> None:
    with opened(Workspace(company)) as trace:
        sample = draw(trace, 20, method="random", seed=1)
    places = {
        (drawn.record.source_sheet, drawn.record.source_record, (drawn.record.raw or {}).get("doc"))
        for drawn in sample.drawn
        if drawn.record.feed == "sales_lines"
    }
    assert places == {("Jan", 2, "J2"), ("Jan", 6, "J6"), ("Feb", 2, "F2"), ("Feb", 6, "F6")}
    write_workbook(tmp_path / "sample.xlsx", sample)
    header, *drawn = load_workbook(tmp_path / "sample.xlsx")["records"].iter_rows(values_only=True)
    place = header.index("sheet")
    assert {row[place] for row in drawn} == {"Jan", "Feb"}


def test_a_change_names_the_sheet_it_stands_on(project: Project, company: Path, tmp_path: Path) -> None:
    changed = copied(company, tmp_path)
    february: Any = [("A2", "2025-02-01", "C1", "K45", "13", "February", "Ann", "Bo")]
    at_rest(changed / "landing/korr.xlsx", workbook(ADJUSTMENTS, {**CORRECTIONS, "Feb": february}))
    assert refreshed_quickly(project, changed)["status"] == "published"
    found = rows(changed, "select source_sheet, source_record, new_value from audit.change_log order by all")
    assert found == [("Feb", 2, "13.0000")]
