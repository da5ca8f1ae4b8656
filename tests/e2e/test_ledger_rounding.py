"""A ledger in whole øre beside accounts with parts of them: each month is booked by another rule, and ties.

How the bounds of rounding are computed belongs in dbt's unit tests.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from companies import at_rest
from quick import Project, quickly, refreshed_quickly
from running import rows

UNEXPLAINED = "ledger_reconciliation__nothing_is_unexplained"
QUANTITY = {"invoice": 1, "credit_note": -1}
COST = 20
# Month -> sales lines (document, type, list, discount), what the ledger books of net sales, and the difference.
MONTHS: dict[str, tuple[list[tuple[str, str, str, str]], list[str], str]] = {
    # Half an øre, up and down.
    "2025-01": ([("A1", "invoice", "100.00", "10.005")], ["90.00"], "-0.005"),
    "2025-02": ([("B1", "invoice", "100.00", "10.005")], ["89.99"], "0.005"),
    # Two documents of 89.995 each: booked by document, to the even øre, and by month.
    "2025-03": (
        [("C1", "invoice", "100.00", "10.005"), ("C2", "invoice", "100.00", "10.005")],
        ["90.00", "90.00"],
        "-0.01",
    ),
    "2025-04": (
        [("D1", "invoice", "100.00", "10.005"), ("D2", "invoice", "100.00", "10.015")],
        ["90.00", "89.98"],
        "0",
    ),
    "2025-05": (
        [("E1", "invoice", "100.00", "10.005"), ("E2", "invoice", "100.00", "10.005")],
        ["179.99"],
        "0",
    ),
    # A credit note, and thirds of an øre.
    "2025-06": (
        [("F1", "invoice", "100.00", "0"), ("F2", "credit_note", "-50.00", "-5.005")],
        ["100.00", "-45.00"],
        "0.005",
    ),
    "2025-07": ([("G1", "invoice", "33.3333", "0")] * 3, ["100.00"], "-0.0001"),
}


def written(workspace: Path, booked: dict[str, list[str]]) -> Path:
    """The company with what its ledger books."""
    lines = [
        f"{document},{place},{kind},{month}-15,C1,V1,{QUANTITY[kind]},{listed},{discount},{COST * QUANTITY[kind]}"
        for month, (sales, _, _) in MONTHS.items()
        for place, (document, kind, listed, discount) in enumerate(sales, start=1)
    ]
    entries = [
        f"{month}-{place},{month}-28,1010,{-Decimal(amount)}"
        for month, amounts in booked.items()
        for place, amount in enumerate(amounts)
    ]
    entries += [
        f"{month}-cost,{month}-28,2010,{COST * sum(QUANTITY[kind] for _, kind, _, _ in sales)}"
        for month, (sales, _, _) in MONTHS.items()
    ]
    files = {
        "company.yaml": "name: Halve Ører ApS\ncurrency: DKK\n",
        "landing/sales_lines.csv": "\n".join(
            [
                "document_no,line_no,document_type,posting_date,customer_id,product_id,quantity,list_amount,"
                "discount_amount,cost_amount",
                *lines,
            ]
        ),
        "landing/ledger_accounts.csv": "account_no,account_name,account_role\n1010,Nettosalg,K30\n2010,Forbrug,K35\n",
        "landing/ledger_entries.csv": "\n".join(["entry_no,posting_date,account_no,amount", *entries]),
    }
    for file, text in files.items():
        at_rest(workspace / file, f"{text}\n".encode())
    return workspace


def test_whatever_way_the_ledger_rounds_it_ties(project: Project, tmp_path: Path) -> None:
    workspace = written(tmp_path / "company", {month: booked for month, (_, booked, _) in MONTHS.items()})
    refreshed_quickly(project, workspace)
    found = rows(
        workspace,
        "select strftime(month, '%Y-%m'), difference, rounding, unexplained from audit.ledger_reconciliation "
        "where line_code = 'K30' order by month",
    )
    assert found == [
        (month, Decimal(difference), Decimal(difference), Decimal(0))
        for month, (_, _, difference) in MONTHS.items()
    ]


@pytest.mark.parametrize(
    ("month", "booked"),
    [
        ("2025-01", "90.01"),
        ("2025-01", "89.98"),
        ("2025-01", "89.992"),
        ("2025-06", "55.02"),
        ("2025-07", "99.98"),
    ],
)
def test_what_no_rounding_gives_is_not_called_rounding(
    project: Project, tmp_path: Path, month: str, booked: str
) -> None:
    """An øre more, an øre less, a part of one, and two øre less where there is no half."""
    ledger = {each: amounts for each, (_, amounts, _) in MONTHS.items()} | {month: [booked]}
    workspace = written(tmp_path / "company", ledger)
    done = quickly(project, "refresh", "--workspace", workspace)
    assert done.code == 1
    assert f"The check {UNEXPLAINED} failed (1 row)" in done.err
    assert f"month = {month}-01, line_code = K30" in done.err
