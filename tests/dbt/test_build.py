"""The project builds, and the small company's account is what it comes to by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

from warehouse import Build, dbt, money, rows, run_results

JANUARY, FEBRUARY, APRIL = date(2026, 1, 1), date(2026, 2, 1), date(2026, 4, 1)

# The amounts of each account, worked out by hand from small_company.py. What is not named is zero.
ACCOUNTS: dict[tuple[str, date], dict[str, str]] = {
    # List: 1000 + 400 goods + 25 fee. Discount: 100 on a line + 50 discount line. Cost: 500 + 4 x 50.
    ("1001", JANUARY): {
        "list_sales": "1425",
        "invoice_discount": "150",
        "invoiced_sales": "1275",
        "bonus": "25",
        "cash_discount": "10",
        "net_sales": "1240",
        "cogs": "700",
        "db1": "540",
        "freight": "40",
        "db2": "500",
        "order_count": "1",
        "line_count": "2",
        "visit_count": "2",
        "freight_charged": "60",
    },
    ("1001", FEBRUARY): {
        "returns": "180",
        "net_sales": "-180",
        "cogs": "-100",
        "db1": "-80",
        "handling": "15",
        "db2": "-95",
        "return_line_count": "1",
    },
    # 150 EUR at 7.45, 10 EUR of it discount; cost 40 EUR at 7.45 and 2 x 60 DKK. The line in USD is rejected.
    ("1002", FEBRUARY): {
        "list_sales": "1117.50",
        "invoice_discount": "74.50",
        "invoiced_sales": "1043",
        "net_sales": "1043",
        "cogs": "418",
        "db1": "625",
        "other_direct": "10",
        "db2": "615",
        "order_count": "1",
        "line_count": "2",
    },
    ("1002", APRIL): {"visit_count": "1"},
    ("(ukendt)", JANUARY): {
        "list_sales": "280",
        "invoiced_sales": "280",
        "net_sales": "280",
        "cogs": "100",
        "db1": "180",
        "db2": "180",
        "order_count": "1",
        "line_count": "2",
        "sales_without_cost": "80",
    },
    ("(ukendt)", FEBRUARY): {"other_direct": "2", "db2": "-2"},
}
DG: dict[tuple[str, date], tuple[str, str]] = {
    ("1001", JANUARY): ("0.435484", "0.403226"),
    ("1002", FEBRUARY): ("0.599233", "0.589645"),
    ("(ukendt)", JANUARY): ("0.642857", "0.642857"),
}


def test_small_company_builds_without_a_failure(small: Build) -> None:
    assert small.failed() == set()


def test_empty_company_builds_without_a_failure(empty: Build) -> None:
    assert empty.failed() == set()
    for mart in ("customer_accounts", "customer_account_lines", "product_accounts", "months"):
        assert rows(empty.warehouse, f"select * from marts.{mart}") == []
    assert [r["customer_id"] for r in rows(empty.warehouse, "from marts.customers")] == ["(ukendt)"]
    assert [r["product_id"] for r in rows(empty.warehouse, "from marts.products")] == ["(ukendt)"]
    assert [r["salesperson_id"] for r in rows(empty.warehouse, "from marts.salespeople")] == ["Ikke tildelt"]


def test_schemas_are_the_layers(small: Build) -> None:
    found = rows(
        small.warehouse,
        "select schema_name from duckdb_tables() union "
        "select schema_name from duckdb_views() where not internal",
    )
    assert {r["schema_name"] for r in found} == {"raw", "staging", "intermediate", "marts", "audit"}


def test_customer_accounts_are_what_they_come_to_by_hand(small: Build) -> None:
    found = rows(small.warehouse, "from marts.customer_accounts")
    accounts = {(account.pop("customer_id"), account.pop("month")): account for account in found}
    assert accounts.keys() == ACCOUNTS.keys()
    for key, account in accounts.items():
        ratios = tuple(str(account.pop(name)) for name in ("dg1", "dg2"))
        assert ratios == DG.get(key, ("None", "None")), key
        assert account == {name: money(ACCOUNTS[key].get(name, "0")) for name in account}, key


def test_every_account_has_all_lines_of_the_ladder(small: Build) -> None:
    found = rows(
        small.warehouse,
        "select count(*) as n, count(distinct line_code) as codes from marts.customer_account_lines",
    )
    assert found == [{"n": len(ACCOUNTS) * 13, "codes": 13}]


def test_months_have_no_gap_and_know_the_fiscal_year(small: Build) -> None:
    months = rows(small.warehouse, "from marts.months order by month")
    assert [m["month"] for m in months] == [JANUARY, FEBRUARY, date(2026, 3, 1), APRIL]
    assert [m["fiscal_month"] for m in months] == [7, 8, 9, 10]
    assert {m["fiscal_year"] for m in months} == {2026}


def test_line_numbers_are_positions_where_the_source_has_none(small: Build) -> None:
    found = rows(
        small.warehouse,
        "select line_no from staging.stg_sales_lines where document_no = 'F2' order by source_record",
    )
    assert [r["line_no"] for r in found] == ["1", "2"]


def test_what_is_in_no_mart_is_listed(small: Build) -> None:
    rejects = "select source_record, column_name, raw_value, reason from audit.rejects"
    assert rows(small.warehouse, rejects) == [
        {
            "source_record": 12,
            "column_name": "currency",
            "raw_value": "USD",
            "reason": "no exchange rate for USD on or before 2026-02-10",
        }
    ]
    assert rows(small.warehouse, "select document_no, line_no, net_amount from audit.outside_account") == [
        {"document_no": "F1", "line_no": "6", "net_amount": money("30")}
    ]
    assert rows(
        small.warehouse,
        "select feed, source_record, carried_customer_id from audit.unknown_customers "
        "order by feed, source_record",
    ) == [
        {"feed": "customer_costs", "source_record": 8, "carried_customer_id": ""},
        {"feed": "sales_lines", "source_record": 7, "carried_customer_id": "9999"},
        {"feed": "sales_lines", "source_record": 8, "carried_customer_id": None},
    ]
    ledger = rows(small.warehouse, "from audit.row_ledger where feed = 'sales_lines'")[0]
    assert (ledger["records_read"], ledger["records_loaded"], ledger["records_rejected"]) == (12, 11, 1)
    assert ledger["is_balanced"]


def test_posting_leads_back_to_its_record_in_its_own_currency(small: Build) -> None:
    found = rows(
        small.warehouse,
        "select line_code, amount, source_currency, source_amount, exchange_rate from audit.postings "
        "where source_file = 'sales_lines.csv' and source_record = 9 order by line_code",
    )
    assert [(r["line_code"], r["amount"], r["source_amount"]) for r in found] == [
        ("K00", money("745"), money("100")),
        ("K05", money("74.50"), money("10")),
        ("K35", money("298"), money("40")),
    ]
    assert {(r["source_currency"], r["exchange_rate"]) for r in found} == {("EUR", Decimal("7.45000000"))}


# Dividend and divisor in kroner; ties, signs, the largest amounts.
RATIOS = [
    ("1", "3"),
    ("-1", "3"),
    ("2", "3"),
    ("1", "-3"),
    ("0.0001", "200"),
    ("-0.0001", "200"),
    ("0.0001", "200.0001"),
    ("0", "5"),
    ("99999999999999.9999", "99999999999999.9998"),
    ("1", "0"),
]


def _half_away_from_zero(value: Fraction, digits: int) -> Decimal:
    scaled = abs(value) * 10**digits
    whole = int(scaled + Fraction(1, 2))
    return Decimal(whole if value >= 0 else -whole).scaleb(-digits)


def test_macros_are_exact(small: Build) -> None:
    pairs = ", ".join(
        f"({n}, cast({a} as decimal(18, 4)), cast({b} as decimal(18, 4)))" for n, (a, b) in enumerate(RATIOS)
    )
    digits = (2, 4, 6)
    ratios = ", ".join(f"{{{{ div_round('a', 'b', {d}) }}}} as ratio_{d}" for d in digits)
    sql = (
        f"select n, {ratios}, {{{{ add_months(\"cast('2026-01-31' as date)\", 1) }}}} as next_month "
        f"from (values {pairs}) as t (n, a, b)"
    )
    compiled = run_results(dbt(small.warehouse, "compile", "--inline", sql))[0].node.compiled_code
    for row in rows(small.warehouse, f"select * from ({compiled})"):
        dividend, divisor = (Fraction(value) for value in RATIOS[row["n"]])
        for d in digits:
            expected = _half_away_from_zero(dividend / divisor, d) if divisor else None
            assert row[f"ratio_{d}"] == expected, (RATIOS[row["n"]], d)
        assert row["next_month"] == date(2026, 2, 28)
