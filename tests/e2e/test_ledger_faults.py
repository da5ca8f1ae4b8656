"""Faults in a company's files that only its ledger, its chart of accounts or the door can see: each is refused.

One company with a ledger is published once; each fault changes its files, and one refresh must refuse it, run in this
process (`quick`; what a whole one says of a red rule is compared in test_quick.py). What a
wrong model would do (a phantom customer in a mart, freight given out at 99 %, a doubled join) is planted in
tests/dbt/test_planted_faults.py, records that cannot be read in `test_faulty_files`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from companies import at_rest
from quick import Project, quickly, refreshed_quickly
from running import keep_pristine, put_back, rows, tree

UNEXPLAINED = "ledger_reconciliation__nothing_is_unexplained"
MAPPING = "ledger_mapping_problems__are_none"
UNREADABLE = "door__sales_lines__rejects_within_allowance"

# Only the freight bills are written in Danish; the other files have the canonical columns and need no mapping.
FILES = {
    "company.yaml": "name: Lille Engros A/S\ncurrency: DKK\n",
    "feeds.yaml": """\
customer_costs:
  - files: fragt.csv
    format: {type: csv, delimiter: ";", decimal: ",", thousands: ".", date: "%d-%m-%Y"}
    columns: {cost_no: Postnr., posting_date: Dato, customer_id: Kunde, amount: Beløb}
    values: {cost_type: freight}
""",
    "landing/sales_lines.csv": """\
document_no,line_no,document_type,posting_date,customer_id,product_id,quantity,list_amount,net_amount,cost_amount
F1,1,invoice,2025-01-10,C1,V1,10,1000.00,900.00,500.00
F1,2,invoice,2025-01-10,C1,V2,5,400.00,400.00,200.00
F2,1,invoice,2025-01-20,C2,V1,8,800.00,800.00,400.00
F3,1,invoice,2025-02-10,C1,V1,10,1000.00,900.00,500.00
F4,1,invoice,2025-02-20,C2,V1,6,600.00,600.00,300.00
K1,1,credit_note,2025-02-21,C1,V1,-1,-90.00,-90.00,-50.00
K2,1,credit_note,2025-02-22,C2,V1,-3,-300.00,-300.00,-150.00
""",
    "landing/customers.csv": "customer_id,customer_name\nC1,Ærø Båd & Træ\nC2,Søndergård\n",
    "landing/fragt.csv": """\
Postnr.;Dato;Kunde;Beløb
1;31-01-2025;C1;100,00
2;31-01-2025;C2;62,500
3;28-02-2025;C1;95,25
""",
    "landing/ledger_accounts.csv": """\
account_no,account_name,account_role
1010,Varesalg,K00
1020,Rabat,K05
1030,Kreditnotaer,K15
2010,Vareforbrug,K35
3010,Fragt,K45
4010,"Løn, ordrekontor",pool:ordrekontor
5010,Administration,K80
6010,Bank,outside
""",
    "landing/ledger_entries.csv": """\
entry_no,posting_date,account_no,amount
1,2025-01-31,1010,-2200.00
2,2025-01-31,1020,100.00
3,2025-01-31,2010,1100.00
4,2025-01-31,3010,162.50
5,2025-01-31,4010,250.00
6,2025-01-31,5010,40.00
7,2025-02-28,1010,-1600.00
8,2025-02-28,1020,100.00
9,2025-02-28,1030,390.00
10,2025-02-28,2010,600.00
11,2025-02-28,3010,95.25
12,2025-02-28,4010,250.00
13,2025-02-28,6010,164.75
""",
    "policy/cost_pools.csv": """\
cost_pool_id,valid_from,pool_name,ladder_line,method,practical_capacity_minutes
ordrekontor,2025-01-01,Ordrekontor,K55,capacity,100
""",
    "policy/activity_times.csv": """\
cost_pool_id,activity_type,valid_from,minutes_per_unit
ordrekontor,order,2025-01-01,10
""",
}

Change = Callable[[Path], None]


def replaced(file: str, *changes: tuple[str, str]) -> Change:
    """A file in which each text, which occurs once, says something else."""

    def change(workspace: Path) -> None:
        text = FILES[file]
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        at_rest(workspace / file, text.encode())

    return change


@dataclass(frozen=True)
class Fault:
    """`check` is the control that is there for the fault; `listed` is what it says of the place."""

    name: str
    change: Change
    check: str
    listed: tuple[str, ...]


F2 = "F2,1,invoice,2025-01-20,C2,V1,8,800.00,800.00,400.00\n"
FAULTS = [
    Fault(
        "lost row",
        replaced("landing/sales_lines.csv", (F2, "")),
        UNEXPLAINED,
        ("line_code = K00", "account_amount = 1400.0000", "ledger_amount = 2200.0000"),
    ),
    Fault(
        "duplicated row",
        replaced("landing/sales_lines.csv", (F2, F2 + F2)),
        UNREADABLE,
        ("landing/sales_lines.csv, record 4", "repeats the key of landing/sales_lines.csv, record 3"),
    ),
    # With a number of its own, a repeated line looks like a sale, and only the ledger knows that it is none.
    Fault(
        "duplicated row under a new number",
        replaced("landing/sales_lines.csv", (F2, F2 + F2.replace("F2,1", "F2,2"))),
        UNEXPLAINED,
        ("line_code = K00", "unexplained = 800.0000"),
    ),
    Fault(
        "0.02 kr. drift",
        replaced("landing/sales_lines.csv", ("8,800.00,800.00,400.00", "8,800.00,800.00,400.02")),
        UNEXPLAINED,
        ("line_code = K35", "difference = 0.0200", "unexplained = 0.0200"),
    ),
    Fault(
        "unmapped account",
        replaced("landing/ledger_accounts.csv", ("5010,Administration,K80\n", "")),
        MAPPING,
        ("account_no = 5010", "problem = not_in_chart", "amount = 40.0000"),
    ),
    # The other credit note is larger, so that their sum, which the door looks at, is still one of credit notes.
    Fault(
        "flipped credit sign",
        replaced("landing/sales_lines.csv", ("-1,-90.00,-90.00,-50.00", "1,90.00,90.00,50.00")),
        UNEXPLAINED,
        ("line_code = K15", "account_amount = 210.0000", "ledger_amount = 390.0000"),
    ),
    # 62 kroner and 50 øre, written with a point, is 62,500 kroner where the point groups thousands.
    Fault(
        "wrong decimal sign",
        replaced("landing/fragt.csv", ("62,500", "62.500")),
        UNEXPLAINED,
        ("line_code = K45", "account_amount = 62600.0000", "ledger_amount = 162.5000"),
    ),
    # The pool is closed, the ledger goes on booking it.
    Fault(
        "closed pool missing",
        replaced("policy/cost_pools.csv", ("ordrekontor,2025-01-01,Ordrekontor", "lager,2025-01-01,Lager")),
        MAPPING,
        ("cost_pool_id = ordrekontor", "problem = not_defined", "amount = 250.0000"),
    ),
]


@pytest.fixture(scope="module")
def company(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company whose ledger ties, published once."""
    workspace = tmp_path_factory.mktemp("ledger_faults") / "workspace"
    for file, text in FILES.items():
        at_rest(workspace / file, text.encode())
    assert refreshed_quickly(project, workspace)["status"] == "published"
    keep_pristine(workspace)
    return workspace


@pytest.fixture
def company_to_change(company: Path) -> Iterator[Path]:
    """The same company, put back as it was when the test is over."""
    yield company
    put_back(company)


def test_the_sound_company_ties(company: Path):
    """January, say: 2200 - 100 - 1100 - 162.50 for goods and freight, 250 for the order office and 40."""
    found = rows(company, "select ledger_result, difference from marts.company_accounts order by month")
    assert found == [(Decimal("547.5000"), Decimal(0)), (Decimal("164.7500"), Decimal(0))]
    assert rows(company, "from audit.unknown_customers") == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "_"))
def test_a_fault_in_the_files_is_seen_and_nothing_is_published(
    project: Project, company_to_change: Path, fault: Fault
):
    before = tree(company_to_change / "published")
    fault.change(company_to_change)
    done = quickly(project, "refresh", "--workspace", company_to_change)
    assert done.code == 1
    assert set(re.findall(r"^The check (\w+) failed", done.err, re.MULTILINE)) == {fault.check}
    for words in fault.listed:
        assert words in done.err
    assert "The refresh failed and published nothing.\n" in done.err
    assert "Readers still see publication 0001-" in done.err
    assert "Traceback" not in done.err
    assert tree(company_to_change / "published") == before


def test_a_customer_that_the_list_lacks_keeps_its_account_and_is_named(
    project: Project, company_to_change: Path
):
    """A sale is a sale, whoever bought: the company's sums and the ledger agree, and there is nothing to refuse.
    The account stands under the number that the records carry, and the gate says that the list lacks it. A
    customer that a model makes up is another thing, and blocks."""
    sums = "select month, net_sales, db1, db2, db3, ledger_result, difference from marts.company_accounts order by 1"
    before = rows(company_to_change, sums)
    replaced(
        "landing/sales_lines.csv",
        ("F1,1,invoice,2025-01-10,C1", "F1,1,invoice,2025-01-10,C9"),
        ("F1,2,invoice,2025-01-10,C1", "F1,2,invoice,2025-01-10,C9"),
        ("F4,1,invoice,2025-02-20,C2", "F4,1,invoice,2025-02-20,c2"),
    )(company_to_change)
    done = quickly(project, "refresh", "--workspace", company_to_change)
    assert done.code == 0, done.err
    shown = done.out + done.err
    assert "gate__customers__the_list_holds_them_all" in shown
    assert "gate__customers__numbers_are_written_alike" in shown
    named = "select detail from audit.check_results where check_name = 'gate__customers__numbers_are_written_alike'"
    assert rows(company_to_change, named) == [("customer_id=c2, other=C2",)]
    assert rows(company_to_change, sums) == before
    assert rows(company_to_change, "from audit.unknown_customers") == []
    assert rows(
        company_to_change,
        "select customer_id, customer_name, is_in_list, sum(net_sales) from marts.customers "
        "inner join marts.customer_accounts using (customer_id) where not is_in_list group by all order by 1",
    ) == [
        ("C9", "(ikke i kundelisten)", False, Decimal(1300)),
        ("c2", "(ikke i kundelisten)", False, Decimal(600)),
    ]
