"""What credit time costs of documents that are given up as lost, and that nothing is published which a second path
computes otherwise.

Every document here costs 10.00 a day for 36,500. How one rule computes belongs in dbt's unit tests and in
tests/unit/test_recalculation.py.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from companies import at_rest
from quick import Project, quickly, refreshed_quickly
from running import copied, rows

from kunderegnskab.refresh import checking
from kunderegnskab.workspace import Workspace

AGREES = "gate__customer_accounts__the_second_path_agrees"
# Customer -> documents (invoiced on 1 January; amount, paid), bad debts (document, day, amount), credit cost.
CASES: dict[str, tuple[list[tuple[str, str, str]], list[tuple[str, str, str]], str]] = {
    "PAID": ([("D1", "36500", "2025-04-11")], [("D1", "10-02-2025", "29.200,00")], "400"),
    "OPEN": ([("D2", "36500", "")], [("D2", "10-02-2025", "29.200,00")], "400"),
    "TWICE": (
        [("D3", "36500", "2025-04-11")],
        [("D3", "01-03-2025", "20.000,00"), ("D3", "10-02-2025", "9.200,00")],
        "400",
    ),
    "UNDONE": (
        [("D4", "36500", "2025-04-11")],
        [("D4", "10-02-2025", "29.200,00"), ("D4", "20-02-2025", "-29.200,00")],
        "1000",
    ),
    "RECOVERED": (
        [("D5", "36500", "2025-04-11")],
        [("D5", "10-02-2025", "29.200,00"), ("D5", "11-04-2025", "-29.200,00")],
        "400",
    ),
    "FIRST": ([("D6", "36500", "2025-01-20")], [("D6", "10-02-2025", "29.200,00")], "190"),
    # A part that is paid is a document of its own: 59 days at 3.00, and 40 at 7.00.
    "PARTS": (
        [("D7", "10950", "2025-03-01"), ("D8", "25550", "2025-04-11")],
        [("D8", "10-02-2025", "20.440,00")],
        "457",
    ),
    "NEVER": ([("D9", "36500", "2025-04-11")], [], "1000"),
}


@pytest.fixture(scope="module")
def company(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sales from January to April, and the cases. To be read only."""
    workspace = tmp_path_factory.mktemp("credit_time") / "workspace"
    sales = [
        f"F{place}-{month},1,invoice,2025-0{month}-15,{customer},V1,1,1000,0,600"
        for place, customer in enumerate(CASES)
        for month in range(1, 5)
    ]
    documents = [
        f"{document},{customer},2025-01-01,{paid},{amount}"
        for customer, (receivables, _, _) in CASES.items()
        for document, amount, paid in receivables
    ]
    losses = [
        f"{document}-{day};{day};{customer};{amount};{document}"
        for customer, (_, bad_debts, _) in CASES.items()
        for document, day, amount in bad_debts
    ]
    files = {
        "company.yaml": "name: Kredit ApS\ncurrency: DKK\ncredit_interest_rate: 0.10\n",
        "feeds.yaml": """\
customer_costs:
  - files: tab.csv
    format: {type: csv, delimiter: ";", decimal: ",", thousands: ".", date: "%d-%m-%Y"}
    columns: {cost_no: Postnr., posting_date: Dato, customer_id: Kunde, amount: Beløb, document_no: Faktura}
    values: {cost_type: bad_debt}
""",
        "landing/sales_lines.csv": "\n".join(
            [
                "document_no,line_no,document_type,posting_date,customer_id,product_id,quantity,list_amount,"
                "discount_amount,cost_amount",
                *sales,
            ]
        ),
        "landing/receivables.csv": "\n".join(
            ["document_no,customer_id,invoice_date,paid_date,amount", *documents]
        ),
        "landing/tab.csv": "\n".join(["Postnr.;Dato;Kunde;Beløb;Faktura", *losses]),
    }
    for file, text in files.items():
        at_rest(workspace / file, f"{text}\n".encode())
    refreshed_quickly(project, workspace)
    return workspace


def test_credit_time_stops_at_the_bad_debt(company: Path) -> None:
    found = dict(
        rows(
            company, "select customer_id, sum(credit_cost) from marts.customer_accounts group by customer_id"
        )
    )
    assert found == {customer: Decimal(cost) for customer, (_, _, cost) in CASES.items()}
    assert rows(
        company,
        "select month, credit_cost from marts.customer_accounts where customer_id = 'PAID' and credit_cost <> 0 "
        "order by month",
    ) == [(date(2025, 1, 1), Decimal(310)), (date(2025, 2, 1), Decimal(90))]


def test_the_second_path_has_agreed_before_it_was_published(project: Project, company: Path) -> None:
    assert rows(company, f"select status from audit.check_results where check_name = '{AGREES}'") == [
        ("passed",)
    ]
    done = quickly(project, "verify", "--workspace", company)
    assert done.code == 0, done.out + done.err


@pytest.mark.parametrize("computed_twice", [10**6, 0], ids=["whole accounts", "credit time alone"])
def test_a_figure_that_the_second_path_contradicts_is_named_and_blocks(
    company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, computed_twice: int
) -> None:
    monkeypatch.setattr(checking, "SALES_LINES_COMPUTED_TWICE", computed_twice)
    workspace = Workspace(copied(company, tmp_path / "workspace"))
    sound = next(each for each in checking.check_totals(workspace) if each.check_name == AGREES)
    assert sound.status == "passed"
    with duckdb.connect(str(workspace.warehouse)) as con:
        con.execute(
            "update marts.customer_accounts set credit_cost = credit_cost + 600, db3 = db3 - 600 "
            "where customer_id = 'PAID' and month = '2025-02-01'"
        )
    found = next(each for each in checking.check_totals(workspace) if each.check_name == AGREES)
    assert (found.status, found.is_blocking) == ("failed", True)
    assert (
        "figure=credit_cost, customer_id=PAID, month=2025-02-01, made=690.000000, recalculated=90.000000"
        in found.detail
    )
