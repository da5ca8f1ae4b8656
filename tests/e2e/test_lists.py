"""Customers and products beside the company's own lists of them: who has an account, under which number and name.

The field's case is a customer that was given another number. What the gate says of lists is planted in
tests/unit/test_quality_checks.py.
"""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from field_cases import field_case
from quick import Project, refreshed_quickly
from running import rows

ACCOUNTS = """
    select customer_id, customer_name, is_in_list, sum(order_count), sum(invoiced_sales), sum(cogs)
    from marts.customers inner join marts.customer_accounts using (customer_id)
    where customer_id in ('9012', 'C12') group by all order by 1"""


@pytest.fixture
def margins(tmp_path: Path) -> Path:
    """A copy of the field's company."""
    case = field_case("01-margins")
    return shutil.copytree(case, tmp_path / "margins")


def test_a_customer_with_a_new_number_is_one_customer_when_it_is_declared(project: Project, margins: Path):
    refreshed_quickly(project, margins)
    assert rows(margins, ACCOUNTS) == [("C12", "C12", True, 2, Decimal(2000), Decimal(1200))]


def test_a_customer_with_a_new_number_is_two_when_nobody_declares_it(project: Project, margins: Path):
    (margins / "landing" / "omnummerering.csv").write_text("Gammelt;Nyt\n", encoding="utf-8")
    (margins / "landing" / "customers.csv").write_text(
        "customer_id,customer_name\nC12,Møller\n", encoding="utf-8"
    )
    refreshed_quickly(project, margins)
    assert rows(margins, ACCOUNTS) == [
        ("9012", "(ikke i kundelisten)", False, 1, Decimal(1000), Decimal(600)),
        ("C12", "Møller", True, 1, Decimal(1000), Decimal(600)),
    ]


def test_other_files_than_invoices_and_other_formats(project: Project, tmp_path: Path):
    """A list in JSON, sales and costs in CSV: 0123 is another than 123, and costs alone make an account."""
    landing = tmp_path / "company" / "landing"
    landing.mkdir(parents=True)
    (tmp_path / "company" / "company.yaml").write_text("name: Lister ApS\ncurrency: DKK\n", encoding="utf-8")
    (tmp_path / "company" / "feeds.yaml").write_text(
        """\
customers:
  - {files: kunder.json, format: {type: json}, columns: {customer_id: nummer, customer_name: navn}}
products:
  - {files: varer.json, format: {type: json}, columns: {product_id: nummer}}
""",
        encoding="utf-8",
    )
    (landing / "kunder.json").write_text(
        json.dumps([{"nummer": "123", "navn": "Æblegård"}]), encoding="utf-8"
    )
    (landing / "varer.json").write_text(json.dumps([{"nummer": "V1"}]), encoding="utf-8")
    (landing / "sales_lines.csv").write_text(
        """\
document_no,line_no,document_type,posting_date,customer_id,product_id,quantity,list_amount,discount_amount,cost_amount
F1,1,invoice,2025-01-10,123,V1,1,100,0,60
F2,1,invoice,2025-01-11,0123,v1,1,200,0,120
F3,1,invoice,2025-01-12,,,1,400,0,240
""",
        encoding="utf-8",
    )
    (landing / "customer_costs.csv").write_text(
        "cost_no,posting_date,customer_id,cost_type,amount\n1,2025-01-31,77,freight,5\n", encoding="utf-8"
    )
    refreshed_quickly(project, tmp_path / "company")
    assert rows(
        tmp_path / "company",
        "select customer_id, customer_name, is_in_list, is_unknown, db2 from marts.customers "
        "inner join marts.customer_accounts using (customer_id) order by 1",
    ) == [
        ("(ukendt)", "(ukendt)", False, True, Decimal(160)),
        ("0123", "(ikke i kundelisten)", False, False, Decimal(80)),
        ("123", "Æblegård", True, False, Decimal(40)),
        ("77", "(ikke i kundelisten)", False, False, Decimal(-5)),
    ]
    assert rows(
        tmp_path / "company",
        "select product_id, product_name, is_in_list, product_margin from marts.products "
        "inner join marts.product_accounts using (product_id) order by 1",
    ) == [
        ("(ukendt)", "(ukendt)", False, Decimal(160)),
        ("V1", "V1", True, Decimal(40)),
        ("v1", "(ikke i varelisten)", False, Decimal(80)),
    ]
