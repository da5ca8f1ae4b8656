"""What an order is, and what returned goods take back: cases from the field, and others of the same kinds.

The field's cases are worked by hand beside their files. The others are a company of canonical files, each customer of
which is one case of another shape. How one rule computes belongs in dbt's unit tests.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from field_cases import field_case
from quick import Project, quickly, refreshed_quickly
from running import copied, rows
from shared import BuiltOnce

from kunderegnskab.audit.explain.explanation import Cell, explain
from kunderegnskab.audit.trace import opened
from kunderegnskab.workspace import Workspace

Asked = Callable[[str], list[tuple]]


@pytest.fixture(scope="module")
def margins(project: Project, built_once: BuiltOnce) -> Asked:
    """The field's company, published: gives the rows of a query."""
    case = field_case("01-margins")

    def build(workspace: Path) -> None:
        shutil.copytree(case, workspace, dirs_exist_ok=True)
        assert refreshed_quickly(project, workspace)["status"] == "published"

    workspace = built_once("field_margins", build)
    return lambda query: rows(workspace, query)


@pytest.fixture(scope="module")
def siblings(project: Project, built_once: BuiltOnce) -> Asked:
    """A company of canonical files, published: gives the rows of a query."""

    def build(workspace: Path) -> None:
        (workspace / "landing").mkdir(parents=True)
        (workspace / "company.yaml").write_text("name: Søskende ApS\ncurrency: DKK\n", encoding="utf-8")
        for name, text in SIBLINGS.items():
            (workspace / "landing" / name).write_text(text, encoding="utf-8")
        (workspace / "feeds.yaml").write_text(MAPPING, encoding="utf-8")
        assert refreshed_quickly(project, workspace)["status"] == "published"

    workspace = built_once("margin_siblings", build)
    return lambda query: rows(workspace, query)


MAPPING = """\
sales_lines:
  - files: salg.csv
    format: {type: csv, delimiter: ",", decimal: ".", date: "%Y-%m-%d"}
    columns:
      document_no: document_no
      line_no: line_no
      document_type: document_type
      line_type: line_type
      posting_date: posting_date
      customer_id: customer_id
      product_id: product_id
      quantity: quantity
      list_amount: list_amount
      discount_amount: discount_amount
      cost_amount: cost_amount
      order_no: order_no
  - files: retur.json
    format: {type: json}
    columns:
      document_no: bilag
      line_no: linje
      posting_date: dag
      customer_id: kunde
      product_id: vare
      quantity: antal
      net_amount: netto
      cost_amount: kost
      currency: valuta
      original_document_no: faktura
      original_line_no: fakturalinje
    values: {discount_amount: "0"}
    expressions:
      document_type: case "art" when 'F' then 'invoice' else 'credit_note' end
"""

SIBLINGS = {
    "salg.csv": """\
document_no,line_no,document_type,line_type,posting_date,customer_id,product_id,quantity,list_amount,discount_amount,cost_amount,order_no
A1,1,invoice,goods,2025-01-31,PARTS,P,5,500,0,300,O1
A2,1,invoice,goods,2025-02-01,PARTS,P,5,500,0,300,O1
A3,1,invoice,goods,2025-12-01,PARTS,P,1,100,0,60,O1
A4,1,invoice,goods,2025-12-02,PARTS,P,1,100,0,60,O2
B1,1,invoice,goods,2024-01-10,FEE,P,10,1000,0,600,
B2,1,invoice,fee,2025-03-10,FEE,,1,100,0,,
C1,1,invoice,goods,2025-02-10,BILLED,P,1,100,0,60,O7
C1,2,invoice,freight_charge,2025-02-10,BILLED,,1,40,0,,
C2,1,invoice,freight_charge,2025-03-10,BILLED,,1,60,0,,O7
D1,1,credit_note,goods,2025-01-10,CREDIT,P,-1,-100,0,-60,
D2,1,invoice,goods,2025-03-10,CREDIT,P,1,100,0,60,
E1,1,invoice,goods,2025-01-10,SAMPLE,P,2,200,200,120,
G1,1,invoice,goods,2024-01-10,BACK,P,1,100,0,60,
G2,1,invoice,goods,2025-12-10,BACK,P,1,100,0,60,
""",
    # Returns, in another format and under another feed's mapping.
    "retur.json": """\
{"bilag": "R1", "linje": "10", "art": "F", "dag": "2025-01-12", "kunde": "CHEAPER", "vare": "W", "antal": 3, "netto": 300, "kost": 100}
{"bilag": "R2", "linje": "10", "art": "K", "dag": "2025-06-12", "kunde": "CHEAPER", "vare": "W", "antal": -1, "netto": -100, "kost": null, "faktura": "R1", "fakturalinje": "10"}
{"bilag": "R3", "linje": "10", "art": "F", "dag": "2025-01-12", "kunde": "EURO", "vare": "W", "antal": 2, "netto": 100, "kost": 50, "valuta": "EUR"}
{"bilag": "R4", "linje": "20", "art": "F", "dag": "2025-06-12", "kunde": "EURO", "vare": "W", "antal": -1, "netto": -50, "kost": null, "valuta": "EUR", "faktura": "R3", "fakturalinje": "10"}
{"bilag": "R5", "linje": "10", "art": "F", "dag": "2025-01-12", "kunde": "UNKNOWN", "vare": "X", "antal": 3, "netto": 300, "kost": null}
{"bilag": "R6", "linje": "10", "art": "K", "dag": "2025-01-20", "kunde": "UNKNOWN", "vare": "X", "antal": -3, "netto": -300, "kost": null}
{"bilag": "R7", "linje": "10", "art": "K", "dag": "2025-06-12", "kunde": "OTHER", "vare": "W", "antal": -1, "netto": -100, "kost": null, "faktura": "R5", "fakturalinje": "10"}
""",
    "product_costs.csv": """\
product_id,valid_from,unit_cost
W,2025-01-01,40
W,2025-06-01,10
""",
    "exchange_rates.csv": """\
currency,rate_date,rate
EUR,2025-01-01,7.40
EUR,2025-06-01,7.50
""",
}


def of_months(asked: Asked, customer: str, *columns: str) -> dict[str, tuple[Decimal, ...]]:
    """Columns of a customer's accounts, by month as YYYY-MM."""
    found = asked(
        f"select strftime(month, '%Y-%m'), {', '.join(columns)} from marts.customer_accounts "
        f"where customer_id = '{customer}' order by 1"
    )
    return {month: tuple(Decimal(value) for value in values) for month, *values in found}


def states(asked: Asked, customer: str) -> dict[str, str]:
    """A customer's segment by month as YYYY-MM."""
    return dict(
        asked(
            "select strftime(month, '%Y-%m'), calculated_segment from marts.customer_segments "
            f"where customer_id = '{customer}'"
        )
    )


# --- what an order is ---------------------------------------------------------------------------------
COUNTS = ("order_count", "line_count")


def test_free_goods_are_sold_and_cost(margins: Asked) -> None:
    columns = ("list_sales", "invoice_discount", "invoiced_sales", "cogs", "db1")
    assert of_months(margins, "C01", *columns) == {
        "2025-01": (1000, 1000, 0, 600, -600),
        "2025-02": (600, 100, 500, 360, 140),
    }
    assert margins(
        "select dg1 from marts.customer_accounts where customer_id = 'C01' and month = '2025-01-01'"
    ) == [(None,)]


def test_price_corrections_are_no_orders(margins: Asked) -> None:
    columns = ("invoiced_sales", "returns", "cogs", "db1", *COUNTS)
    found = of_months(margins, "C02", *columns)
    assert tuple(map(sum, zip(*found.values(), strict=True))) == (1150, 80, 600, 470, 1, 1)


def test_changed_cost_is_no_order(margins: Asked) -> None:
    assert of_months(margins, "C04", "cogs", *COUNTS) == {"2025-01": (600, 1, 1), "2025-04": (45, 0, 0)}


def test_changed_cost_brings_no_customer_back(margins: Asked) -> None:
    found = states(margins, "C05")
    lost = [month for month, state in sorted(found.items()) if state == "Tabt"]
    assert lost
    assert lost[0] == "2025-01"
    assert lost == [month for month in sorted(found) if month >= "2025-01"]
    assert of_months(margins, "C05", "cogs", *COUNTS)["2025-03"] == (10, 0, 0)


def test_prepayment_is_outside_and_the_delivery_is_the_order(margins: Asked) -> None:
    assert of_months(margins, "C06", "invoiced_sales", "cogs", *COUNTS) == {"2025-03": (1000, 600, 1, 1)}
    assert margins(
        "select sum(net_amount), count(*) from audit.outside_account where document_no in ('P601', 'F602')"
    ) == [(0, 2)]


def test_discount_of_the_whole_invoice_is_a_line(margins: Asked) -> None:
    columns = ("list_sales", "invoice_discount", "invoiced_sales", "returns", "cogs", "db1")
    assert of_months(margins, "C07", *columns) == {
        "2025-01": (400, 100, 300, 0, 200, 100),
        "2025-02": (0, 0, 0, 150, -100, -50),
    }


def test_returns_alone_are_no_orders(margins: Asked) -> None:
    for customer, returns in (("C09", 500), ("C10", 200)):
        found = of_months(margins, customer, "returns", "order_count")
        assert found["2025-02" if customer == "C09" else "2025-03"] == (returns, 0)
    assert states(margins, "C10")["2025-03"] == "Tabt"


def test_cancelled_invoice_is_no_order(margins: Asked) -> None:
    assert of_months(margins, "C11", "invoiced_sales", "db1", *COUNTS) == {
        "2025-01": (1000, 400, 1, 1),
        "2025-02": (-1000, -400, 0, 0),
    }


def test_order_in_parts_is_one_order_of_the_year(siblings: Asked) -> None:
    """Invoiced in three months, beside another one in the last of them."""
    assert of_months(siblings, "PARTS", *COUNTS) == {"2025-01": (1, 1), "2025-02": (1, 1), "2025-12": (2, 2)}
    found = siblings(
        "select time_window, value from marts.kpi_values where kpi_id = 'orders' and scope_type = 'customer' "
        "and scope_id = 'PARTS' and month = '2025-12-01' order by all"
    )
    assert found == [("month", 2), ("r12", 2), ("ytd", 2)]
    assert siblings(
        "select order_count_r12 from marts.customer_segments where customer_id = 'PARTS' "
        "and month = '2025-12-01'"
    ) == [(2,)]


def test_orders_of_the_parts_are_those_of_the_company(siblings: Asked) -> None:
    found = siblings(
        "select month, time_window, sum(order_count) filter (where scope_type = 'company') as company, "
        "sum(order_count) filter (where scope_type = 'customer') as customers, "
        "sum(order_count) filter (where scope_type = 'salesperson') as salespeople, "
        "sum(order_count) filter (where scope_type = 'segment') as segments, "
        "sum(order_count) filter (where scope_type = 'segment_opening') as openings, "
        "sum(order_count) filter (where scope_type = 'salesperson_segment') as salespeople_in_segments "
        "from marts.scope_windows group by all order by all"
    )
    assert found
    assert [row for row in found if len({*row[2:]}) > 1] == []


def test_fee_brings_no_customer_back(siblings: Asked) -> None:
    assert of_months(siblings, "FEE", "invoiced_sales", *COUNTS)["2025-03"] == (100, 0, 0)
    assert states(siblings, "FEE")["2025-03"] == "Tabt"


def test_freight_of_an_order_billed_later_is_no_order(siblings: Asked) -> None:
    found = of_months(siblings, "BILLED", "freight_charged", *COUNTS)
    assert found == {"2025-02": (40, 1, 1), "2025-03": (60, 0, 0)}


def test_sample_is_no_order(siblings: Asked) -> None:
    assert of_months(siblings, "SAMPLE", "cogs", *COUNTS) == {"2025-01": (120, 0, 0)}


# --- what goods that come back take back --------------------------------------------------------------
def test_return_takes_back_what_was_sold(margins: Asked) -> None:
    found = of_months(margins, "C03", "invoiced_sales", "returns", "cogs", "db1")
    assert found == {"2025-01": (1000, 0, 500, 500), "2025-03": (0, 400, -200, -200)}


def test_return_takes_back_the_cost_of_its_line_although_goods_are_cheaper_now(siblings: Asked) -> None:
    """A third of 100, not the unit cost of June."""
    found = of_months(siblings, "CHEAPER", "cogs")
    assert found == {"2025-01": (100,), "2025-06": (Decimal("-33.3333"),)}


def test_negative_invoice_line_takes_back_the_cost_at_the_rate_of_the_sale(siblings: Asked) -> None:
    found = of_months(siblings, "EURO", "invoiced_sales", "cogs", "order_count")
    assert found == {"2025-01": (740, 370, 1), "2025-06": (-375, -185, 0)}


def test_return_of_other_goods_than_the_line_named_has_the_cost_of_its_day(siblings: Asked) -> None:
    assert of_months(siblings, "OTHER", "cogs") == {"2025-06": (-10,)}


def test_returns_without_a_cost_hide_no_sales_without_one(siblings: Asked) -> None:
    found = of_months(siblings, "UNKNOWN", "sales_without_cost", "returns_without_cost", "cogs")
    assert found == {"2025-01": (300, 300, 0)}
    assert siblings(
        "select sales_without_cost, returns_without_cost from marts.company_accounts where month = '2025-01-01'"
    ) == [(300, 300)]


def test_second_path_values_returns_alike(
    project: Project, margins: Asked, siblings: Asked, built_once: BuiltOnce, tmp_path: Path
) -> None:
    for name in ("field_margins", "margin_siblings"):
        workspace = copied(built_once.shared / name, tmp_path / name)
        done = quickly(project, "verify", "--workspace", workspace)
        assert done.code == 0, f"{done.out}\n{done.err}"


# --- who is new ---------------------------------------------------------------------------------------
def test_first_order_makes_a_customer_new_and_no_row_knows_it_before(siblings: Asked) -> None:
    """A credit note in January, the first order in March."""
    found = dict(
        siblings(
            "select strftime(month, '%Y-%m'), strftime(first_order_month, '%Y-%m') "
            "from marts.customer_segments where customer_id = 'CREDIT'"
        )
    )
    assert (found["2025-01"], found["2025-02"], found["2025-03"], found["2025-12"]) == (
        None,
        None,
        "2025-03",
        "2025-03",
    )
    assert siblings(
        "select strftime(month, '%Y-%m') from marts.scope_windows where scope_type = 'customer' "
        "and scope_id = 'CREDIT' and time_window = 'month' and new_customer_count = 1"
    ) == [("2025-03",)]


def test_customer_who_comes_back_is_not_new(siblings: Asked) -> None:
    """Ordered in January 2024 and in December 2025."""
    found = siblings(
        "select time_window, customer_count, new_customer_count from marts.scope_windows "
        "where scope_type = 'customer' and scope_id = 'BACK' and month = '2025-12-01' order by all"
    )
    assert found == [("month", 1, 0), ("quarter", 1, 0), ("r12", 1, 0), ("ytd", 1, 0)]


def test_no_row_has_a_first_order_of_its_future(margins: Asked, siblings: Asked) -> None:
    for asked in (margins, siblings):
        assert asked("select * from marts.customer_segments where first_order_month > month") == []


# --- two units ----------------------------------------------------------------------------------------
@pytest.fixture
def with_units(tmp_path: Path) -> Path:
    """The field's company, with the unit of its lines mapped where it was not."""
    workspace = shutil.copytree(field_case("01-margins"), tmp_path / "units")
    feeds = workspace / "feeds.yaml"
    mapped = feeds.read_text(encoding="utf-8").replace(
        "      quantity: Antal\n", "      quantity: Antal\n      unit_of_measure: Enhed\n"
    )
    assert "unit_of_measure: Enhed" in mapped
    feeds.write_text(mapped, encoding="utf-8")
    return workspace


def test_unit_that_nothing_converts_is_refused_by_name(project: Project, with_units: Path) -> None:
    done = quickly(project, "refresh", "--workspace", with_units)
    assert done.code != 0
    said = done.out + done.err
    assert "policy/unit_conversions.csv" in said
    assert "V3" in said
    assert "KS" in said


def test_cases_and_pieces_at_one_price_are_no_change_of_price(project: Project, with_units: Path) -> None:
    policy = with_units / "policy"
    policy.mkdir(exist_ok=True)
    (policy / "unit_conversions.csv").write_text(
        "product_id,unit_of_measure,factor\nV3,KS,24\n", encoding="utf-8"
    )
    assert refreshed_quickly(project, with_units)["status"] == "published"
    asked: Asked = lambda query: rows(with_units, query)  # noqa: E731
    assert of_months(asked, "C14", "invoiced_sales", "cogs") == {
        "2024-01": (2160, 1200),
        "2025-01": (2160, 1200),
    }
    assert asked(
        "select month, quantity from marts.product_accounts where customer_id = 'C14' order by month"
    ) == [(date(2024, 1, 1), 240), (date(2025, 1, 1), 240)]
    with opened(Workspace(with_units)) as trace:
        key = {"customer_id": "C14", "product_id": "V3", "month": date(2025, 1, 1)}
        found = explain(trace, Cell("marts.product_accounts", key, "quantity"))
    assert found.adds_up
    assert [(part.name["unit_of_measure"], part.name["unit_factor"], part.value) for part in found.parts] == [
        ("KS", 24, 240)
    ]
    effects = dict(
        asked(
            "select component, revenue_effect from marts.price_volume_mix where scope_id = 'C14' "
            "and time_window = 'month' and month = '2025-01-01'"
        )
    )
    assert (effects["price"], effects["volume"]) == (0, 0)


def test_cases_converted_by_a_lookup(margins: Asked) -> None:
    assert margins(
        "select quantity, cogs, product_margin from marts.product_accounts where customer_id = 'C13'"
    ) == [(288, 1440, 992)]
