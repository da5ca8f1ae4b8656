"""The project builds, and the small company's account is what it comes to by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from warehouse import Build, dbt, money, rows, run_results

JANUARY, FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in (1, 2, 3, 4))

# The amounts of each account, worked out by hand from small_company.py. What is not named is zero.
ACCOUNTS: dict[tuple[str, date], dict[str, str]] = {
    # List: 1000 + 400 goods + 25 fee. Discount: 100 on a line + 50 discount line. Cost: 500 + 4 x 50.
    # Bonus: 20 + 5 booked; 1275 sold in the first of four months goes on to 5100, so 3 % of 1275 = 38.25 accrues.
    # Order cost: 14 minutes (10 for the order, 2 x 2 for lines) of the 100 that cost 300, and of the 50.01 for vans
    # by two of four lines 25.00: the odd øre goes to the other, whose id comes first. Visits: all of 90.
    # Credit: 17 days at 0.30.
    ("1001", JANUARY): {
        "list_sales": "1425",
        "invoice_discount": "150",
        "invoiced_sales": "1275",
        "bonus": "63.25",
        "cash_discount": "10",
        "net_sales": "1201.75",
        "cogs": "700",
        "db1": "501.75",
        "freight": "40",
        "db2": "461.75",
        "order_cost": "67",
        "sales_effort_cost": "90",
        "credit_cost": "5.10",
        "db3": "299.65",
        "order_count": "1",
        "line_count": "2",
        "visit_count": "2",
        "freight_charged": "60",
    },
    # Bonus: 1275 - 180 = 1095 in two of four months goes on to 2190, so 2 % of 1095 = 21.90, of which 38.25 is
    # accrued. Cost: 100 comes back, 30 of it is written down. Credit: 13 days at 0.30, less 4 days at 0.06.
    ("1001", FEBRUARY): {
        "returns": "180",
        "bonus": "-16.35",
        "net_sales": "-163.65",
        "cogs": "-70",
        "db1": "-93.65",
        "handling": "15",
        "db2": "-108.65",
        "credit_cost": "3.66",
        "db3": "-112.31",
        "return_line_count": "1",
    },
    # 25 of bonus is settled, 21.90 was accrued for it.
    ("1001", APRIL): {
        "bonus": "3.10",
        "net_sales": "-3.10",
        "db1": "-3.10",
        "db2": "-3.10",
        "db3": "-3.10",
    },
    # 150 EUR at 7.45, 10 EUR of it discount; cost 40 EUR at 7.45 and 2 x 60 DKK, and 12 adjusted by hand. The line in
    # USD is rejected. Order cost: 10 + 15 for a café's order and 2 x 2 minutes; 29 of the 100 that cost 250.10.
    # Credit: 19 days at 0.24.
    ("1002", FEBRUARY): {
        "list_sales": "1117.50",
        "invoice_discount": "74.50",
        "invoiced_sales": "1043",
        "net_sales": "1043",
        "cogs": "430",
        "db1": "613",
        "other_direct": "10",
        "db2": "603",
        "order_cost": "72.53",
        "credit_cost": "4.56",
        "db3": "525.91",
        "order_count": "1",
        "line_count": "2",
    },
    # Nothing but an invoice that is still open: 31 and 30 days at 0.24. The visit bears all of 33.
    ("1002", MARCH): {"credit_cost": "7.44", "db3": "-7.44"},
    ("1002", APRIL): {"sales_effort_cost": "33", "credit_cost": "7.20", "db3": "-40.20", "visit_count": "1"},
    # Order cost: 14 minutes at 3.00 and 25.01 for vans.
    ("(ukendt)", JANUARY): {
        "list_sales": "280",
        "invoiced_sales": "280",
        "net_sales": "280",
        "cogs": "100",
        "db1": "180",
        "db2": "180",
        "order_cost": "67.01",
        "db3": "112.99",
        "order_count": "1",
        "line_count": "2",
        "sales_without_cost": "80",
    },
    ("1009", FEBRUARY): {"other_direct": "2", "db2": "-2", "db3": "-2"},
}
# DB I, II and III per krone of net sales.
DG: dict[tuple[str, date], tuple[str, str, str]] = {
    ("1001", JANUARY): ("0.417516", "0.384231", "0.249345"),
    ("1002", FEBRUARY): ("0.587728", "0.578140", "0.504228"),
    ("(ukendt)", JANUARY): ("0.642857", "0.642857", "0.403536"),
}
# What no customer carries, worked out by hand. Unused are the minutes nobody needed: 72 and 71 of 100, and all of
# March. Unallocated are the pool without a receiver (45 for visits in February), what the ledger has there (40 in
# January), and what the ledger has not, or has in another month (see RECONCILIATION: K35, K47, K00 and K05). Bonus that
# the accounts have before or after the ledger (K20) has a line of its own. db3 - segment_cost - unused_capacity -
# unallocated + bonus_timing + credit_cost_put_back = ledger_result, to 0.00 in every month.
COMPANY: dict[date, dict[str, str]] = {
    # Ledger: 1705 - 150 - 25 - 10 - 800 - 40 - 300 - 50.01 - 90 - 70 - 40.
    JANUARY: {
        "db3": "412.64",
        "segment_cost": "70",
        "unused_capacity": "216",
        "unallocated": "40",
        "bonus_timing": "38.25",
        "credit_cost_put_back": "5.10",
        "ledger_result": "129.99",
    },
    # Unallocated: 45 - 12 - 7 + 7.50 - 0.50. Ledger: 1110 - 74 - 180 - 348 - 15 - 5 - 250.10 - 45.
    FEBRUARY: {
        "db3": "411.60",
        "segment_cost": "0",
        "unused_capacity": "177.57",
        "unallocated": "33",
        "bonus_timing": "-16.35",
        "credit_cost_put_back": "8.22",
        "ledger_result": "192.90",
    },
    # The commission of February.
    MARCH: {
        "db3": "-7.44",
        "segment_cost": "0",
        "unused_capacity": "300",
        "unallocated": "7",
        "bonus_timing": "0",
        "credit_cost_put_back": "7.44",
        "ledger_result": "-307",
    },
    # Ledger: -25 - 33.
    APRIL: {
        "db3": "-43.30",
        "segment_cost": "0",
        "unused_capacity": "0",
        "unallocated": "0",
        "bonus_timing": "-21.90",
        "credit_cost_put_back": "7.20",
        "ledger_result": "-58",
    },
}
# Each difference to the ledger: what the accounts have, what the ledger has, and the one cause of the difference.
RECONCILIATION: dict[tuple[date, str], tuple[str, str, str]] = {
    # Accrued bonus, its settlement and a commission are in the ledger in other months.
    (JANUARY, "K20"): ("63.25", "25", "timing"),
    (FEBRUARY, "K20"): ("-16.35", "0", "timing"),
    (APRIL, "K20"): ("3.10", "25", "timing"),
    (FEBRUARY, "K47"): ("12", "5", "timing"),
    (MARCH, "K47"): ("0", "7", "timing"),
    # 150 and 10 EUR at 7.45 and at 7.40.
    (FEBRUARY, "K00"): ("1117.50", "1110", "exchange_difference"),
    (FEBRUARY, "K05"): ("74.50", "74", "exchange_difference"),
    (FEBRUARY, "K35"): ("360", "348", "adjustment"),
    (JANUARY, "K55"): ("134.01", "350.01", "unused_capacity"),
    (FEBRUARY, "K55"): ("72.53", "250.10", "unused_capacity"),
    (MARCH, "K55"): ("0", "300", "unused_capacity"),
    (FEBRUARY, "K56"): ("0", "45", "unallocated"),
    # Credit time is in no ledger.
    (JANUARY, "K57"): ("5.10", "0", "notional"),
    (FEBRUARY, "K57"): ("8.22", "0", "notional"),
    (MARCH, "K57"): ("7.44", "0", "notional"),
    (APRIL, "K57"): ("7.20", "0", "notional"),
}


@pytest.mark.quick
def test_small_company_builds_without_a_failure(small: Build) -> None:
    assert small.failed() == set()


def test_empty_company_builds_without_a_failure(empty: Build) -> None:
    assert empty.failed() == set()
    for mart in (
        "customer_accounts",
        "customer_account_lines",
        "company_accounts",
        "product_accounts",
        "months",
    ):
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


@pytest.mark.quick
def test_customer_accounts_are_what_they_come_to_by_hand(small: Build) -> None:
    found = rows(small.warehouse, "from marts.customer_accounts")
    accounts = {(account.pop("customer_id"), account.pop("month")): account for account in found}
    assert accounts.keys() == ACCOUNTS.keys()
    for key, account in accounts.items():
        ratios = tuple(str(account.pop(name)) for name in ("dg1", "dg2", "dg3"))
        assert ratios == DG.get(key, ("None", "None", "None")), key
        assert account == {name: money(ACCOUNTS[key].get(name, "0")) for name in account}, key


def test_every_account_has_all_lines_of_the_ladder(small: Build) -> None:
    lines = rows(small.warehouse, "from marts.customer_account_lines")
    codes = {line["line_code"] for line in lines}
    assert len(lines) == len(ACCOUNTS) * len(codes)
    assert codes == {
        line["line_code"] for line in rows(small.warehouse, "from audit.ladder where level = 'customer'")
    }


def test_company_account_ends_in_the_result_of_the_ledger(small: Build) -> None:
    found = {account["month"]: account for account in rows(small.warehouse, "from marts.company_accounts")}
    assert found.keys() == COMPANY.keys()
    for month, account in found.items():
        expected = {name: money(amount) for name, amount in COMPANY[month].items()}
        assert {name: account[name] for name in expected} == expected, month
        assert account["difference"] == 0, month
        assert account["ledger_result"] == (
            account["db3"]
            - account["segment_cost"]
            - account["unused_capacity"]
            - account["unallocated"]
            + account["bonus_timing"]
            + account["credit_cost_put_back"]
        ), month


def test_each_difference_to_the_ledger_has_its_cause(small: Build) -> None:
    found = rows(
        small.warehouse, "from audit.ledger_reconciliation where difference <> 0 or cause is not null"
    )
    reconciled = {(line["month"], line["line_code"]): line for line in found}
    assert reconciled.keys() == RECONCILIATION.keys()
    for key, line in reconciled.items():
        account_amount, ledger_amount, cause = RECONCILIATION[key]
        assert (line["account_amount"], line["ledger_amount"]) == (
            money(account_amount),
            money(ledger_amount),
        ), key
        assert line["cause"] == cause, key
        # Each of these has one cause only, which is the whole difference.
        assert line[cause] == line["difference"] == line["account_amount"] - line["ledger_amount"], key
    assert rows(small.warehouse, "from audit.ledger_mapping_problems") == []


def test_customer_ledger_ties_to_its_control_account(small: Build) -> None:
    """January: an invoice. February: 1460 - 365 + 3.75 invoiced, 1825 - 365 paid, a loss of 3 with its VAT."""
    columns = "month, invoiced, paid, written_off, ledger_movement, difference"
    found = rows(small.warehouse, f"select {columns} from audit.receivables_reconciliation order by month")
    nothing = dict.fromkeys(columns.split(", ")[1:], money("0"))
    assert found == [
        nothing | {"month": JANUARY, "invoiced": money("1825"), "ledger_movement": money("1825")},
        nothing
        | {
            "month": FEBRUARY,
            "invoiced": money("1098.75"),
            "paid": money("1460"),
            "written_off": money("3.75"),
            "ledger_movement": money("-365"),
        },
        nothing | {"month": MARCH},
        nothing | {"month": APRIL},
    ]


def test_ladder_in_force_has_the_company_s_names(small: Build) -> None:
    found = rows(
        small.warehouse, "select line_code, name_da from audit.ladder where line_code in ('K50', 'K60')"
    )
    assert {line["line_code"]: line["name_da"] for line in found} == {"K50": "DB II", "K60": "Kunderesultat"}


def test_adjustment_stands_apart_from_what_the_records_say(small: Build) -> None:
    found = rows(
        small.warehouse,
        "select line_code, amount, adjustment from marts.customer_account_lines "
        "where adjustment <> 0 order by line_code",
    )
    assert [(line["line_code"], line["amount"], line["adjustment"]) for line in found] == [
        ("K35", money("430"), money("12")),
        ("K40", money("613"), money("-12")),
        ("K50", money("603"), money("-12")),
        ("K60", money("525.91"), money("-12")),
    ]


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
    rejects = "select feed, source_record, column_name, raw_value, reason from audit.rejects order by feed"
    assert rows(small.warehouse, rejects) == [
        {
            "feed": "ledger_entries",
            "source_record": 26,
            "column_name": "currency",
            "raw_value": "USD",
            "reason": "no exchange rate for USD on or before 2026-02-10",
        },
        {
            "feed": "sales_lines",
            "source_record": 12,
            "column_name": "currency",
            "raw_value": "USD",
            "reason": "no exchange rate for USD on or before 2026-02-10",
        },
    ]
    assert rows(small.warehouse, "select document_no, line_no, net_amount from audit.outside_account") == [
        {"document_no": "F1", "line_no": "6", "net_amount": money("30")}
    ]
    assert rows(
        small.warehouse,
        "select feed, source_record, carried_customer_id from audit.unknown_customers "
        "order by feed, source_record",
    ) == [
        {"feed": "sales_lines", "source_record": 7, "carried_customer_id": " "},
        {"feed": "sales_lines", "source_record": 8, "carried_customer_id": None},
    ]
    assert rows(
        small.warehouse,
        "select customer_id, customer_name from marts.customers where not is_in_list order by 1",
    ) == [
        {"customer_id": "(ukendt)", "customer_name": "(ukendt)"},
        {"customer_id": "1009", "customer_name": "(ikke i kundelisten)"},
    ]
    assert rows(
        small.warehouse,
        "select product_id, product_name from marts.products where not is_in_list order by 1",
    ) == [
        {"product_id": "(ukendt)", "product_name": "(ukendt)"},
        {"product_id": "X", "product_name": "(ikke i varelisten)"},
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


# Dividend and divisor in kroner; ties, signs, the largest amounts, and both sides of the limits below which the macros
# compute in bigint.
RATIOS = [
    ("1", "3"),
    ("-1", "3"),
    ("2", "3"),
    ("1", "-3"),
    ("0.0001", "200"),
    ("-0.0001", "200"),
    ("0.0001", "200.0001"),
    ("0", "5"),
    ("439999999.9999", "439999999.9998"),
    ("-439999999.9999", "9999999999.9999"),
    ("440000000", "440000000.0001"),
    ("-440000000.0001", "10000000000"),
    ("9999999999.9999", "3.0001"),
    ("10000000000.0001", "70000.0003"),
    ("99999999999999.9999", "99999999999999.9998"),
    ("1", "0"),
]
# Amount, numerator and denominator: whole pieces and parts of them, and products on both sides of the limit.
SCALED = [
    ("0.0001", "1", "200"),
    ("-0.0001", "1", "200"),
    ("1", "2", "3"),
    ("-1", "2.5", "3"),
    ("1", "-2", "3.000001"),
    ("0.0001", "0.000001", "999999999999.999999"),
    ("43999999.9999", "99999", "7"),
    ("44000000.0001", "100000", "7"),
    ("-9999999999.9999", "439", "999999999999"),
    ("99999999999999.9999", "0.000001", "999999999999.999999"),
    ("12345.6789", "999999999", "1000000007"),
    ("5", "7", "0"),
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
    # A ratio of twelve decimals has room for six digits before them.
    long_ratios = ", ".join(
        f"case when abs(a) < 999999 * cast(b as decimal(38, 4)) and b < 10000000000000 "
        f"then {{{{ {macro}('a', 'b') }}}} end as {macro}"
        for macro in ("long_ratio", "long_money_ratio")
    )
    sql = (
        f"select n, {ratios}, {long_ratios}, "
        "{{ add_months(\"cast('2026-01-31' as date)\", 1) }} as next_month "
        f"from (values {pairs}) as t (n, a, b)"
    )
    compiled = run_results(dbt(small.warehouse, "compile", "--inline", sql))[0].node.compiled_code
    for row in rows(small.warehouse, f"select * from ({compiled})"):
        dividend, divisor = (Fraction(value) for value in RATIOS[row["n"]])
        for d in digits:
            expected = _half_away_from_zero(dividend / divisor, d) if divisor else None
            assert row[f"ratio_{d}"] == expected, (RATIOS[row["n"]], d)
        has_room = abs(dividend) < 999999 * divisor and divisor < 10**13
        expected = _half_away_from_zero(dividend / divisor, 12) if has_room else None
        assert row["long_ratio"] == row["long_money_ratio"] == expected, RATIOS[row["n"]]
        assert row["next_month"] == date(2026, 2, 28)


def test_scaling_is_exact(small: Build) -> None:
    values = ", ".join(
        f"({n}, cast({a} as decimal(18, 4)), cast({p} as decimal(18, 6)), cast({q} as decimal(18, 6)))"
        for n, (a, p, q) in enumerate(SCALED)
    )
    sql = f"select n, {{{{ scaled_by('a', 'p', 'q') }}}} as scaled from (values {values}) as t (n, a, p, q)"
    compiled = run_results(dbt(small.warehouse, "compile", "--inline", sql))[0].node.compiled_code
    for row in rows(small.warehouse, f"select * from ({compiled})"):
        amount, numerator, denominator = (Fraction(value) for value in SCALED[row["n"]])
        expected = _half_away_from_zero(amount * numerator / denominator, 6) if denominator else None
        assert row["scaled"] == expected, SCALED[row["n"]]
