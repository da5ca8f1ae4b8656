"""Each singular test turns red for the fault it is there for, and only the tests that should do.

A fault is planted in the built warehouse; then all singular tests run as `dbt test` runs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from warehouse import DBT_PROJECT, Build, dbt, execute, failures, rows

POSTINGS = "postings__sum_to_customer_account_lines"
LADDER_LINES = "customer_account_lines__hold_every_line_of_the_ladder"
SOURCE_TOTALS = "customer_account_lines__total_equals_valued_source_lines"
COLUMNS = "customer_accounts__equal_customer_account_lines"
COUNTS = "customer_accounts__counts_equal_the_source_lines"
PRODUCTS = "product_accounts__sum_to_customer_accounts"
PRODUCT_POSTINGS = "postings__sum_to_product_accounts"
CUSTOMER_DIMENSION = "customers__hold_the_unknown_customer_and_every_posted_one"
PRODUCT_DIMENSION = "products__hold_the_unknown_product_and_every_posted_one"
SALESPERSON_DIMENSION = "salespeople__hold_the_unassigned_one_and_every_supplied_one"
MONTHS = "months__are_contiguous"
BALANCED = "row_ledger__is_balanced"
LOADED = "row_ledger__loaded_equals_the_records_in_the_feed"
LISTED = "rejects__are_counted_in_the_row_ledger"
ALLOWANCE = "rejects__are_within_the_allowance"
KEEPS_LINES = "int_sales_lines_valued__keeps_every_sales_line"
KEEPS_COSTS = "int_customer_costs_valued__keeps_every_customer_cost"
KEEPS_ACTIVITIES = "int_activities_resolved__keeps_every_activity"
COMPANY = "stg_company__has_at_most_one_row"


@dataclass(frozen=True)
class Fault:
    name: str
    sql: str
    red: frozenset[str]


def fault(name: str, sql: str, *red: str) -> Fault:
    return Fault(name, sql, frozenset(red))


ONE_ACCOUNT = "where customer_id = '1001' and month = date '2026-01-01'"

FAULTS = [
    fault(
        "two oere too much in one account",
        f"update marts.customer_accounts set cogs = cogs + 0.02 {ONE_ACCOUNT}",
        COLUMNS,
        PRODUCTS,
    ),
    fault(
        "two oere too much in one amount line",
        f"update marts.customer_account_lines set amount = amount + 0.02 {ONE_ACCOUNT} and line_code = 'K45'",
        POSTINGS,
        SOURCE_TOTALS,
        COLUMNS,
    ),
    fault(
        "two oere too much in one subtotal",
        f"update marts.customer_account_lines set amount = amount - 0.02 {ONE_ACCOUNT} and line_code = 'K50'",
        POSTINGS,
        SOURCE_TOTALS,
        COLUMNS,
    ),
    fault(
        "amount becomes NULL",
        f"update marts.customer_account_lines set amount = null {ONE_ACCOUNT} and line_code = 'K30'",
        POSTINGS,
        SOURCE_TOTALS,
        COLUMNS,
    ),
    fault(
        "account line lost",
        f"delete from marts.customer_account_lines {ONE_ACCOUNT} and line_code = 'K15'",
        LADDER_LINES,
        COLUMNS,
    ),
    fault(
        "account lost",
        f"delete from marts.customer_accounts {ONE_ACCOUNT}",
        LADDER_LINES,
        COLUMNS,
        COUNTS,
        PRODUCTS,
    ),
    fault(
        "phantom account of zeros",
        "insert into marts.customer_accounts select * replace ('1003' as customer_id) "
        "from marts.customer_accounts where visit_count = 1 and list_sales = 0",
        LADDER_LINES,
        COLUMNS,
        COUNTS,
    ),
    fault(
        "product row repeated",
        "insert into marts.product_accounts from marts.product_accounts where product_id = 'A' limit 1",
        PRODUCTS,
    ),
    fault(
        "product row lost",
        "delete from marts.product_accounts where product_id = 'B'",
        PRODUCTS,
        PRODUCT_POSTINGS,
    ),
    fault(
        "amounts of two products exchanged",
        "update marts.product_accounts set product_id = case product_id when 'A' then 'B' else 'A' end "
        "where product_id in ('A', 'B')",
        PRODUCT_POSTINGS,
    ),
    fault(
        "sign of a credit note turned",
        "update marts.product_accounts set returns = -returns where returns > 0",
        PRODUCTS,
        PRODUCT_POSTINGS,
    ),
    fault(
        "ladder adds what it should subtract",
        "update audit.ladder set sign = 1 where line_code = 'K45'",
        POSTINGS,
        SOURCE_TOTALS,
    ),
    fault(
        "source record lost after the build",
        "delete from raw.sales_lines where document_no = 'F1' and line_no = '1'",
        PRODUCT_POSTINGS,
        POSTINGS,
        SOURCE_TOTALS,
        COUNTS,
        LOADED,
    ),
    fault(
        "source record changed after the build",
        "update raw.customer_costs set amount = amount + 0.02 where cost_no = '1'",
        POSTINGS,
        SOURCE_TOTALS,
    ),
    fault(
        "customer twice in its feed",
        "insert into raw.customers from raw.customers where customer_id = '1001'",
        KEEPS_LINES,
        KEEPS_COSTS,
        KEEPS_ACTIVITIES,
        PRODUCT_POSTINGS,
        POSTINGS,
        COUNTS,
        LOADED,
    ),
    fault(
        "settings twice",
        "insert into raw.company from raw.company",
        COMPANY,
        KEEPS_LINES,
        KEEPS_COSTS,
        PRODUCT_POSTINGS,
        POSTINGS,
        SOURCE_TOTALS,
        COUNTS,
        LOADED,
    ),
    fault("unknown customer lost", "delete from marts.customers where is_unknown", CUSTOMER_DIMENSION),
    fault("customer lost", "delete from marts.customers where customer_id = '1002'", CUSTOMER_DIMENSION),
    fault("unknown product lost", "delete from marts.products where is_unknown", PRODUCT_DIMENSION),
    fault(
        "unassigned salesperson lost",
        "delete from marts.salespeople where is_unassigned",
        SALESPERSON_DIMENSION,
    ),
    fault("month lost", "delete from marts.months where month_of_year = 3", MONTHS),
    fault(
        "file with one record more than accounted for",
        "update audit.row_ledger set records_read = records_read + 1 where feed = 'products'",
        BALANCED,
    ),
    fault(
        "file that claims to have loaded one more",
        "update audit.row_ledger set records_read = records_read + 1, records_loaded = records_loaded + 1 "
        "where feed = 'customer_costs'",
        LOADED,
    ),
    fault("reject not listed", "delete from audit.rejects", LISTED),
    fault("reject not allowed", "update audit.row_ledger set rejects_allowed = 0", ALLOWANCE),
]


@pytest.mark.parametrize("planted", FAULTS, ids=lambda planted: planted.name.replace(" ", "_"))
def test_planted_fault_turns_exactly_its_tests_red(planted: Fault, small_company_to_break: Path) -> None:
    execute(small_company_to_break, planted.sql)
    assert failures(dbt(small_company_to_break, "test", "--select", "test_type:singular")) == planted.red


def test_every_singular_test_has_a_fault_that_turns_it_red() -> None:
    singular = {path.stem for path in (DBT_PROJECT / "tests").glob("*.sql")}
    assert set().union(*(planted.red for planted in FAULTS)) == singular


def test_grain_tests_see_repeated_keys_and_repeated_nulls(small_company_to_break: Path) -> None:
    execute(
        small_company_to_break,
        "insert into marts.customer_accounts from marts.customer_accounts limit 1; "
        "insert into marts.products (product_id) values (null), (null)",
    )
    red = failures(dbt(small_company_to_break, "test", "--select", "test_name:unique_combination"))
    assert red == {"customer_accounts__grain_is_unique", "products__grain_is_unique"}


def test_compiled_singular_test_lists_the_failing_rows(small: Build) -> None:
    compiled = small.warehouse.parent / "target" / "compiled" / "kunderegnskab" / "tests" / f"{ALLOWANCE}.sql"
    assert rows(small.warehouse, compiled.read_text(encoding="utf-8")) == []
