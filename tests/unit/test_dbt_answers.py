"""How dbt's answers become the results of rules."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from kunderegnskab.dbt.answers import rule_results, sentence_of
from kunderegnskab.quality.certification import CheckResult

TEST = "test.kunderegnskab.orders__rules"
COMPILED = """\
-- rule orders__are_known
select 'orders__are_known' as rule, count(*) as failing_rows
from (
select * from orders where customer is null
) as broken
having count(*) > 0

union all

-- rule orders__are_paid
select 'orders__are_paid' as rule, count(*) as failing_rows
from (
select * from orders where not is_paid
) as broken
having count(*) > 0
"""
NODES: dict[str, Any] = {
    TEST: {
        "resource_type": "test",
        "attached_node": "model.kunderegnskab.orders",
        "config": {"meta": {"rules": ["orders__are_known", "orders__are_paid"]}, "severity": "error"},
    },
    "model.kunderegnskab.orders": {"name": "orders", "resource_type": "model"},
}


@pytest.fixture
def con() -> Any:
    with duckdb.connect() as con:
        con.execute("create table orders as select 'K1' as customer, true as is_paid")
        yield con


def results(con: Any, status: str, message: str | None = None) -> list[CheckResult]:
    answer = {"unique_id": TEST, "status": status, "message": message, "compiled_code": COMPILED}
    return rule_results(NODES, [answer], con)


def test_only_the_broken_rule_of_a_test_fails(con: Any) -> None:
    con.execute("insert into orders values ('K2', false)")
    known, paid = results(con, "fail", "Got 1 result, configured to fail if != 0")
    assert (known.status, known.failing_rows, known.failing_sql) == ("passed", 0, "")
    assert (paid.status, paid.failing_rows) == ("failed", 1)
    assert paid.detail == "customer = K2, is_paid = False"
    assert con.execute(paid.failing_sql).fetchall() == [("K2", False)]


def test_what_dbt_found_broken_never_passes(con: Any) -> None:
    """Asked again each rule holds, so nobody knows what dbt has seen."""
    found = results(con, "fail", "Got 1 result, configured to fail if != 0")
    assert {each.status for each in found} == {"error"}
    assert "dbt found a broken rule of orders (Got 1 result" in found[0].detail


def test_a_test_that_broke_has_no_rule_that_passes(con: Any) -> None:
    con.execute("drop table orders")
    assert {each.status for each in results(con, "error", "no such table")} == {"error"}


def test_what_dbt_passed_is_not_asked_again(con: Any) -> None:
    con.execute("drop table orders")
    assert {each.status for each in results(con, "pass")} == {"passed"}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("positive_stg_exchange_rates_rate", ("Every rate of exchange_rates is above 0", "correct the named records")),
        ("ledger_reconciliation__nothing_is_unexplained", ("ledger accounts", "supply the missing records")),
        ("receivables_reconciliation__ties_to_the_control_account", ("role receivables", "supply the missing documents")),
        ("rejects__are_within_the_allowance", ("exchange rate", "allow_rejects")),
        ("unique_stg_customer_costs_cost_no", ("customer_costs_cost_no", "correct the named records")),
        ("stg_credit_terms__has_no_nulls", ("No record of credit_terms", "correct the named records")),
        (
            "accepted_values_stg_sales_lines_document_type__invoice__credit_note",
            ("Sales_lines_document_type has only", "correct the named records"),
        ),
        ("orders__are_known", ("Orders are known;", "report the check with the log")),
    ],
)  # fmt: skip
def test_a_broken_rule_says_what_is_expected_and_what_to_do(rule: str, words: tuple[str, ...]) -> None:
    sentence = sentence_of(rule).en
    assert sentence.endswith(".")
    assert "__" not in sentence
    assert all(each in sentence for each in words)
