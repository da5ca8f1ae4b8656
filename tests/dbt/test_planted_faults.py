"""Each rule turns red for the fault it is there for, and only the rules that should do.

A fault is planted in the built warehouse, and where it is in a model or a record, what follows from it is built
again. Then the rules are asked, as dbt compiled them. Faults as they arrive in a company's files belong in
tests/e2e/test_ledger_faults.py, faults in the sales marts in test_planted_sales_faults.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from replay import Replay
from test_planted_sales_faults import (
    COMPANY_RATIOS,
    CONCEPTS,
    CURRENT_PORTFOLIOS,
    CURVE_END,
    CUSTOMERS_COUNTED,
    DOCUMENTS,
    KPI_COMPANY,
    LEAVES,
    ORDERS,
    PORTFOLIOS,
    PROFILES,
    SALES_FAULTS,
    SEGMENTS,
)
from warehouse import Build, dbt, execute, rows, run_results

from kunderegnskab.dbt.answers import rule_results

POSTINGS = "postings__sum_to_customer_account_lines"
LADDER_LINES = "customer_account_lines__hold_every_line_of_the_ladder"
SOURCE_TOTALS = "customer_account_lines__total_equals_valued_source_lines"
COLUMNS = "customer_accounts__equal_customer_account_lines"
COUNTS = "customer_accounts__counts_equal_the_source_lines"
PRODUCTS = "product_accounts__sum_to_customer_accounts"
WHOM_COUNTED = "scope_windows__say_whom_they_count"
PRODUCT_POSTINGS = "postings__sum_to_product_accounts"
REASONS = "return_reasons__sum_to_customer_accounts"
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
COVERAGE = "int_ledger_coverage__is_one_row"
KNOWN_CUSTOMERS = "customers__hold_nobody_without_a_record"
KEEPS_ENTRIES = "int_ledger_entries_valued__keeps_every_ledger_entry"
MAPPING = "ledger_mapping_problems__are_none"
UNEXPLAINED = "ledger_reconciliation__nothing_is_unexplained"
PARTS = "ledger_reconciliation__parts_add_up_to_the_difference"
CONTROL_ACCOUNT = "receivables_reconciliation__ties_to_the_control_account"
ROLL_FORWARD = "receivables_roll_forward__closes_on_the_open_documents"
COMPANY_SUMS = "company_accounts__sum_the_customer_accounts"
COMPANY_LEDGER = "company_accounts__differ_from_the_ledger_by_what_is_unexplained"
POOLS = "allocation_steps__hold_every_pool_of_the_ledger"
RATE_SUMS = "int_pool_rate_changes__are_those_of_the_pools"
STEPS = "allocation_steps__give_out_what_they_take_in"
SHARES = "allocations__sum_to_allocation_steps"
CREDIT = "int_credit_costs__sum_to_the_whole_credit_time"
TIERS = "stg_bonus_agreements__tiers_of_an_agreement_agree"
ADJUSTMENTS = "adjustments__are_approved_by_another_and_have_their_line"
LADDER_KNOWN = "ladder__knows_every_line_of_the_company"
LADDER_RESULT = "ladder__result_holds_every_line"
RESTATED = "restatements__explain_the_difference_to_the_closed_figures"
RESTATED_FIGURES = "figure_restatements__explain_the_difference_to_the_closed_figures"
LATE = "late_postings__add_up_to_the_restated_amounts"
TOTALS = "control_totals__agree"
OUT_OF_USE = "customer_account_lines__lines_out_of_use_carry_nothing"


@dataclass(frozen=True)
class Fault:
    name: str
    sql: str
    red: frozenset[str]
    # What is built on this model is built again after the fault.
    model: str | None = None
    # The model itself is built again too: the fault is in what it reads.
    is_before_model: bool = False
    # All steps between staging and marts are built again, and no mart.
    is_behind_marts: bool = False


def fault(name: str, sql: str, *red: str) -> Fault:
    return Fault(name, sql, frozenset(red))


def fault_behind_marts(name: str, sql: str, *red: str) -> Fault:
    """Records that changed after the marts were built: the steps before the marts know better than they."""
    return Fault(name, sql, frozenset(red), is_behind_marts=True)


def fault_in_model(name: str, model: str, sql: str, *, control: str, also: tuple[str, ...] = ()) -> Fault:
    """A wrong model, and all that is built on it. `control` is the test that is there for the fault."""
    return Fault(name, sql, frozenset({control, *also}), model)


def fault_in_record(
    name: str, staging_model: str, sql: str, *, control: str, also: tuple[str, ...] = ()
) -> Fault:
    """A wrong record in schema raw, and all that is built on it."""
    return Fault(name, sql, frozenset({control, *also}), staging_model, is_before_model=True)


def faulty(model: str, query: str) -> str:
    """A model that does its work (`sound`) and then something wrong with it."""
    return (
        f"alter table intermediate.{model} rename to sound; "
        f"create table intermediate.{model} as {query.replace('sound', 'intermediate.sound')}"
    )


LINE = "(document_no = 'F1' and line_no = '1')"

# The faults that the whole costing must see, each with the one control that is there for it. Where others turn red
# too they are right: what is wrong in a record's value is wrong against the ledger as well.
TEN_FAULTS = [
    fault_in_model(
        "lost row",
        "int_sales_lines_valued",
        faulty("int_sales_lines_valued", f"select * from sound where not {LINE}"),
        control=KEEPS_LINES,
        also=(DOCUMENTS, LOADED, SOURCE_TOTALS, TOTALS, UNEXPLAINED),
    ),
    fault_in_model(
        "duplicated row",
        "int_sales_lines_valued",
        faulty("int_sales_lines_valued", f"select * from sound union all select * from sound where {LINE}"),
        control=KEEPS_LINES,
        also=(DOCUMENTS, LOADED, SOURCE_TOTALS, TOTALS, UNEXPLAINED),
    ),
    # Every krone is there and ties, only under a customer that does not exist.
    fault_in_model(
        "phantom customer",
        "int_sales_lines_valued",
        faulty(
            "int_sales_lines_valued",
            "select * replace (case customer_id when '1002' then '9999' else customer_id end as customer_id) "
            "from sound",
        ),
        control=KNOWN_CUSTOMERS,
        also=(TOTALS,),
    ),
    fault_in_model(
        "0.02 kr. drift",
        "int_sales_lines_valued",
        faulty(
            "int_sales_lines_valued",
            "select * replace (cast(cogs + 0.02 as decimal(18, 4)) as cogs) from sound where "
            f"{LINE} union all select * from sound where not {LINE}",
        ),
        control=SOURCE_TOTALS,
        also=(TOTALS, UNEXPLAINED),
    ),
    fault_in_record(
        "unmapped account",
        "stg_ledger_entries",
        "update raw.ledger_entries set account_no = '5999' where account_no = '5010'",
        control=MAPPING,
    ),
    fault_in_model(
        "flipped credit sign",
        "int_sales_lines_valued",
        faulty("int_sales_lines_valued", "select * replace (-returns as returns) from sound"),
        control=SOURCE_TOTALS,
        also=(TOTALS, UNEXPLAINED),
    ),
    fault_in_model(
        "freight given out 99 %",
        "int_pool_receivers",
        "update intermediate.int_pool_receivers set amount = round(amount * 0.99, 2) where cost_pool_id = 'fragt'",
        control=SHARES,
        also=(SOURCE_TOTALS, UNEXPLAINED),
    ),
    fault(
        "freight listed 99 %",
        "update audit.allocations set amount = round(amount * 0.99, 2) where cost_pool_id = 'fragt'",
        SHARES,
    ),
    # In a file, only the ledger would know better; planted in the record, the totals of the files do too.
    fault_in_record(
        "wrong decimal sign",
        "stg_customer_costs",
        "update raw.customer_costs set amount = amount * 100 where cost_no = '1'",
        control=UNEXPLAINED,
        also=(TOTALS,),
    ),
    fault_in_model(
        "closed-pool missing",
        "allocation_steps",
        "delete from audit.allocation_steps where cost_pool_id = 'kampagne'",
        control=POOLS,
        also=(COMPANY_LEDGER,),
    ),
    # A customer cost meets two customers.
    fault_in_model(
        "doubled join",
        "int_customer_costs_valued",
        faulty(
            "int_customer_costs_valued",
            "select * exclude (n) from sound cross join (values (1), (2)) as customers (n) "
            "where n = 1 or cost_type = 'freight'",
        ),
        control=KEEPS_COSTS,
        also=(SOURCE_TOTALS, TOTALS, UNEXPLAINED),
    ),
]

# What is built on the accounts is not built again here, so its own tests see that the accounts have changed.
ONE_ACCOUNT = "where customer_id = '1001' and month = date '2026-01-01'"

FAULTS = [
    fault(
        "two oere too much in one account",
        f"update marts.customer_accounts set cogs = cogs + 0.02 {ONE_ACCOUNT}",
        POSTINGS,
        SOURCE_TOTALS,
        PRODUCTS,
        COMPANY_SUMS,
        PORTFOLIOS,
        CURRENT_PORTFOLIOS,
        KPI_COMPANY,
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
    ),
    fault(
        "account lost",
        f"delete from marts.customer_accounts {ONE_ACCOUNT}",
        POSTINGS,
        SOURCE_TOTALS,
        OUT_OF_USE,
        PRODUCTS,
        COUNTS,
        COMPANY_SUMS,
        PORTFOLIOS,
        CURRENT_PORTFOLIOS,
        CUSTOMERS_COUNTED,
        WHOM_COUNTED,
        KPI_COMPANY,
        SEGMENTS,
        ORDERS,
        CONCEPTS,
        PROFILES,
    ),
    fault(
        "phantom account",
        "insert into marts.customer_accounts select * replace ('1003' as customer_id) "
        "from marts.customer_accounts where visit_count = 1 and list_sales = 0",
        POSTINGS,
        SOURCE_TOTALS,
        COUNTS,
        COMPANY_SUMS,
        PORTFOLIOS,
        CURRENT_PORTFOLIOS,
        KPI_COMPANY,
        SEGMENTS,
        CONCEPTS,
        PROFILES,
    ),
    fault(
        "product row repeated",
        "insert into marts.product_accounts from marts.product_accounts where product_id = 'A' limit 1",
        PRODUCTS,
        PRODUCT_POSTINGS,
        LEAVES,
    ),
    fault(
        "product row lost",
        "delete from marts.product_accounts where product_id = 'B'",
        PRODUCTS,
        PRODUCT_POSTINGS,
        LEAVES,
    ),
    fault(
        "amounts of two products exchanged",
        "update marts.product_accounts set product_id = case product_id when 'A' then 'B' else 'A' end "
        "where product_id in ('A', 'B')",
        PRODUCT_POSTINGS,
        LEAVES,
    ),
    fault(
        "sign of a credit note turned",
        "update marts.product_accounts set returns = -returns where returns > 0",
        PRODUCTS,
        PRODUCT_POSTINGS,
        LEAVES,
    ),
    fault(
        "returns without a reason forgotten",
        "delete from marts.return_reasons where return_reason = '(ukendt)'",
        REASONS,
    ),
    fault(
        "corrected price counted as goods that came back",
        "update marts.return_reasons set return_line_count = return_line_count + 1",
        REASONS,
    ),
    fault(
        "ladder adds what it should subtract",
        "update audit.ladder set sign = 1 where line_code = 'K45'",
        POSTINGS,
        SOURCE_TOTALS,
    ),
    fault_behind_marts(
        "source record lost after the build",
        "delete from raw.sales_lines where document_no = 'F1' and line_no = '1'",
        DOCUMENTS,
        LEAVES,
        PRODUCT_POSTINGS,
        POSTINGS,
        SOURCE_TOTALS,
        COUNTS,
        LOADED,
    ),
    fault_behind_marts(
        "source record changed after the build",
        "update raw.customer_costs set amount = amount + 0.02 where cost_no = '1'",
        POSTINGS,
        SOURCE_TOTALS,
    ),
    fault_behind_marts(
        "customer twice in its feed",
        # No record is joined to the list of customers in order to know whose it is, so none is there twice.
        "insert into raw.customers from raw.customers where customer_id = '1001'",
        LOADED,
    ),
    fault_behind_marts(
        "settings twice",
        "insert into raw.company from raw.company",
        COMPANY,
        COVERAGE,
        KEEPS_LINES,
        KEEPS_COSTS,
        PRODUCTS,
        DOCUMENTS,
        LEAVES,
        PRODUCT_POSTINGS,
        POSTINGS,
        SOURCE_TOTALS,
        COUNTS,
        KEEPS_ENTRIES,
        POOLS,
        RATE_SUMS,
        COMPANY_LEDGER,
        LOADED,
    ),
    fault(
        "document lost between the lines and the orders",
        "delete from intermediate.int_sales_documents where document_no = 'F1'",
        DOCUMENTS,
    ),
    fault(
        "document with two oere more than its lines",
        "update intermediate.int_sales_documents set cogs = cogs + 0.02 where document_no = 'F1'",
        DOCUMENTS,
    ),
    fault(
        "line counted twice in its document",
        "update intermediate.int_sales_documents set record_count = record_count + 1 where document_no = 'F1'",
        DOCUMENTS,
    ),
    fault(
        "activity lost",
        "delete from intermediate.int_activities_resolved where activity_no = "
        "(select min(activity_no) from intermediate.int_activities_resolved)",
        KEEPS_ACTIVITIES,
    ),
    fault("unknown customer lost", "delete from marts.customers where is_unknown", CUSTOMER_DIMENSION),
    fault("customer lost", "delete from marts.customers where customer_id = '1002'", CUSTOMER_DIMENSION),
    fault("unknown product lost", "delete from marts.products where is_unknown", PRODUCT_DIMENSION),
    fault(
        "unassigned salesperson lost",
        "delete from marts.salespeople where is_unassigned",
        SALESPERSON_DIMENSION,
    ),
    fault("month lost", "delete from marts.months where month_of_year = 3", MONTHS, WHOM_COUNTED),
    fault(
        "file with one record more than accounted for",
        "update audit.row_ledger set records_read = records_read + 1 where feed = 'products'",
        BALANCED,
        TOTALS,
    ),
    fault(
        "file that claims to have loaded one more",
        "update audit.row_ledger set records_read = records_read + 1, records_loaded = records_loaded + 1 "
        "where feed = 'customer_costs'",
        LOADED,
        TOTALS,
    ),
    fault_in_record(
        "lake changed after it was read",
        "stg_feed_totals",
        "update raw.feed_totals set total = total + 0.02 "
        "where stage <> 'landing' and feed = 'receivables' and measure = 'amount'",
        control=TOTALS,
    ),
    fault(
        "file read with another number of records",
        "update audit.row_ledger set records_read = records_read + 1, records_left_out = records_left_out + 1 "
        "where feed = 'products'",
        LISTED,
        TOTALS,
    ),
    fault(
        "coverage of the ledger twice",
        "insert into intermediate.int_ledger_coverage from intermediate.int_ledger_coverage",
        COVERAGE,
    ),
    fault("reject not listed", "delete from audit.rejects", LISTED),
    fault("reject not allowed", "update audit.row_ledger set rejects_allowed = 0", ALLOWANCE),
    fault(
        "ledger entry twice",
        "insert into intermediate.int_ledger_entries_valued "
        "from intermediate.int_ledger_entries_valued where entry_no = '12'",
        KEEPS_ENTRIES,
        LOADED,
        COMPANY_LEDGER,
    ),
    fault(
        "ledger entry lost",
        "delete from intermediate.int_ledger_entries_valued where entry_no = '13'",
        KEEPS_ENTRIES,
        LOADED,
    ),
    fault(
        "two oere of a pool lost",
        "update audit.allocation_steps set unused = unused - 0.02 where month = date '2026-01-01' and unused > 0",
        STEPS,
    ),
    fault(
        "difference to a standard rate that the pool does not have",
        "update audit.allocation_steps set rate_difference = 0.02, unused = unused - 0.02 "
        "where month = date '2026-01-01' and unused > 0",
        STEPS,
    ),
    fault_in_record(
        "pool without a version in force",
        "stg_cost_pools",
        "update raw.cost_pools set valid_from = date '2027-01-01' where cost_pool_id = 'kampagne'",
        control=MAPPING,
    ),
    fault_in_record(
        "pool without a driver",
        "stg_cost_pools",
        "update raw.cost_pools set driver = null where cost_pool_id = 'besoeg'",
        control=MAPPING,
    ),
    fault_in_record(
        "pool without capacity",
        "stg_cost_pools",
        "update raw.cost_pools set practical_capacity_minutes = null where cost_pool_id = 'ordrekontor'",
        control=MAPPING,
        also=(TOTALS,),
    ),
    fault_in_record(
        "time for customers that nobody can name",
        "stg_activity_times",
        "update raw.activity_times set applies_to = 'gruppe=Café' where applies_to <> 'all'",
        control=MAPPING,
    ),
    fault_in_record(
        "ledger drifts by two oere",
        "stg_ledger_entries",
        "update raw.ledger_entries set amount = amount + 0.02 where entry_no = '17'",
        control=UNEXPLAINED,
        also=(TOTALS,),
    ),
    fault(
        "difference explained twice",
        "update audit.ledger_reconciliation set timing = timing + 7 where line_code = 'K47'",
        PARTS,
    ),
    fault(
        "company forgets its unused capacity",
        "update marts.company_accounts set unused_capacity = 0",
        COMPANY_LEDGER,
    ),
    fault(
        "company without a month",
        "delete from marts.company_accounts where month = date '2026-03-01'",
        COMPANY_SUMS,
        CURVE_END,
        PROFILES,
    ),
    fault(
        "company with two oere more of DB III",
        "update marts.company_accounts set db3 = db3 + 0.02, difference = difference + 0.02 where month = date '2026-01-01'",
        COMPANY_SUMS,
        COMPANY_LEDGER,
        COMPANY_RATIOS,
        CURVE_END,
        PROFILES,
    ),
    fault(
        "payment missing in the roll-forward",
        "update audit.receivables_roll_forward set paid = 0, closing = closing + paid where paid <> 0",
        ROLL_FORWARD,
    ),
    fault_in_record(
        "invoice missing in the customer ledger's control account",
        "stg_ledger_entries",
        "update raw.ledger_entries set account_no = '6020' where entry_no = '13'",
        control=CONTROL_ACCOUNT,
    ),
    fault_in_model(
        "credit time of a document cut at the month's end",
        "int_credit_costs",
        "delete from intermediate.int_credit_costs where document_no = 'F1' and month = date '2026-02-01'",
        control=CREDIT,
    ),
    fault(
        "tiers of an agreement with two methods",
        "update raw.bonus_agreements set tier_method = 'marginal' where tier_from = 4000",
        TIERS,
    ),
    fault(
        "adjustment approved by its author",
        "update audit.adjustments set approved_by = ' bo holm '",
        ADJUSTMENTS,
    ),
    fault("adjustment without a reason", "update audit.adjustments set reason = ' '", ADJUSTMENTS),
    fault_in_record(
        "adjustment of a subtotal",
        "stg_adjustments",
        "update raw.adjustments set line_code = 'K50'",
        control=ADJUSTMENTS,
        also=(OUT_OF_USE, POSTINGS, SOURCE_TOTALS),
    ),
    fault(
        "form of the account with a line that does not exist",
        "update raw.ladder_lines set line_code = 'K99'",
        LADDER_KNOWN,
    ),
    fault_in_record(
        "line moved below DB III",
        "stg_ladder_lines",
        "update raw.ladder_lines set line_code = 'K57', position = 65",
        control=LADDER_RESULT,
        also=(COMPANY_LEDGER,),
    ),
    fault_in_record(
        "line with amounts put out of use",
        "stg_ladder_lines",
        "update raw.ladder_lines set line_code = 'K46', is_used = false",
        control=OUT_OF_USE,
        also=(POSTINGS, SOURCE_TOTALS, UNEXPLAINED),
    ),
    fault(
        "restatement of nothing",
        "insert into audit.restatements (month, customer_id, line_code, difference) "
        "values (date '2024-01-01', '1001', 'K00', 1)",
        RESTATED,
    ),
    fault(
        "closed figure that nobody closed",
        "insert into audit.closed_sources (month, customer_id, line_code, amount) "
        "values (date '2024-01-01', '1001', 'K00', 1)",
        RESTATED,
    ),
    fault(
        "restated figure that is as it was",
        "insert into audit.figure_restatements (month, level, scope_id, measure, difference) "
        "values (date '2024-01-01', 'company', 'company', 'unallocated', 1)",
        RESTATED_FIGURES,
    ),
    fault(
        "closed figure of a salesperson that nobody closed",
        "insert into audit.closed_figures (month, level, scope_id, measure, amount) "
        "values (date '2024-01-01', 'salesperson', 'ANNA', 'db3', 1)",
        RESTATED_FIGURES,
    ),
    fault(
        "late posting of a line that is as it was",
        "insert into audit.late_postings (month, customer_id, line_code, source_file, amount) "
        "values (date '2024-01-01', '1001', 'K00', 'landing/sent.csv', 1)",
        LATE,
    ),
]
ALL_FAULTS = [*TEN_FAULTS, *FAULTS]


# What a rule may say of faulty data instead of listing rows, such as two rows where one must be. Whatever else goes
# wrong (memory, files, the engine itself) is no answer of a rule and breaks the test.
CANNOT_RUN = (duckdb.DataError, duckdb.InvalidInputException)


def red_rules(warehouse: Path, replay: Replay, names: Iterable[str]) -> dict[str, object]:
    """Those of the rules that list a row or cannot run, with that. The SQL is what dbt compiled for the warehouse."""
    red: dict[str, object] = {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for name in names:
            try:
                found = connection.execute(replay.rules[name]).fetchone()
            except CANNOT_RUN as error:
                found = error
            if found is not None:
                red[name] = found
    return red


def wrongly(found: Mapping[str, object], expected: Collection[str]) -> dict[str, object]:
    """The rules that are red and must not be, with what they found, and those that must be and are not."""
    return {name: found.get(name, "is not red") for name in sorted(found.keys() ^ set(expected))}


def plant(planted: Fault, warehouse: Path, replay: Replay) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        replay.plant(connection, planted.sql)
        if planted.is_behind_marts:
            replay.rebuild_layer(connection, "intermediate")
        if planted.model is not None:
            replay.rebuild(connection, planted.model, itself_too=planted.is_before_model)


def test_no_rule_is_red_before_a_fault_is_planted(small: Build, replay: Replay) -> None:
    assert red_rules(small.warehouse, replay, replay.rules) == {}


@pytest.mark.parametrize("planted", ALL_FAULTS, ids=lambda planted: planted.name.replace(" ", "_"))
def test_planted_fault_turns_exactly_its_rules_red(
    planted: Fault, small_company_to_break: Path, replay: Replay
) -> None:
    plant(planted, small_company_to_break, replay)
    found = red_rules(small_company_to_break, replay, replay.sentences)
    assert wrongly(found, planted.red) == {}


def test_dbt_finds_the_same_red_rules(
    small_company_to_break: Path, replay: Replay, manifest: dict[str, Any]
) -> None:
    doubled_join = TEN_FAULTS[-1]
    plant(doubled_join, small_company_to_break, replay)
    answers = [
        {
            "unique_id": run.node.unique_id,
            "status": str(run.status),
            "message": run.message,
            "compiled_code": run.node.compiled_code,
        }
        for run in run_results(dbt(small_company_to_break, "test", "--exclude-resource-type", "unit_test"))
    ]
    with duckdb.connect(str(small_company_to_break), read_only=True) as connection:
        results = rule_results(manifest["nodes"], answers, connection)
    assert {result.check_name for result in results} == replay.rules.keys()
    assert not {result.status for result in results} - {"passed", "failed"}
    red = {result.check_name: result for result in results if result.status == "failed"}
    assert red.keys() & replay.sentences == doubled_join.red
    lost = red[KEEPS_COSTS]
    assert lost.subject == "int_customer_costs_valued"
    assert lost.failing_rows == len(rows(small_company_to_break, lost.failing_sql)) > 0
    assert lost.detail.count("cost_no = ") == min(lost.failing_rows, 5)


def test_every_sentence_has_a_fault_that_turns_it_red(replay: Replay) -> None:
    faults = [*ALL_FAULTS, *SALES_FAULTS]
    assert set().union(*(planted.red for planted in faults)) == replay.sentences


# A fault for each kind of rule that many models share, and the rules that it turns red.
SHARED_KINDS = {
    "grain, repeated keys and repeated NULLs": (
        "insert into marts.customer_accounts from marts.customer_accounts limit 1; "
        "insert into marts.products (product_id) values (null), (null)",
        {
            "customer_accounts__grain_is_unique",
            # A view over the accounts.
            "customer_account_lines__grain_is_unique",
            "products__grain_is_unique",
            "products__has_no_nulls",
        },
    ),
    "never_null": (
        "update marts.customers set customer_name = null where customer_id = '1001'",
        {"customers__has_no_nulls"},
    ),
    "unique": (
        "update audit.ladder set position = 10 where line_code = 'K05'",
        {"unique_ladder_position"},
    ),
    "positive": (
        "update raw.exchange_rates set rate = 0",
        {"positive_stg_exchange_rates_rate"},
    ),
    "relationships": (
        "update marts.product_accounts set product_id = 'nowhere' where product_id = 'A'",
        {"relationships_product_accounts_product_id__product_id__ref_products_"},
    ),
    "accepted_values of words": (
        "update marts.revenue_pareto set abc_class = 'D'",
        {"accepted_values_revenue_pareto_abc_class__A__B__C__N"},
    ),
    "accepted_values of numbers": (
        "update raw.company set fiscal_year_start = 13",
        {"accepted_values_stg_company_fiscal_year_start__False__1__2__3__4__5__6__7__8__9__10__11__12"},
    ),
}


@pytest.mark.parametrize("kind", SHARED_KINDS)
def test_fault_turns_a_rule_of_each_shared_kind_red(
    kind: str, small_company_to_break: Path, replay: Replay
) -> None:
    planted, red = SHARED_KINDS[kind]
    shared = replay.rules.keys() - replay.sentences
    execute(small_company_to_break, planted)
    assert wrongly(red_rules(small_company_to_break, replay, shared), red) == {}


def test_rule_lists_the_failing_rows(small: Build, replay: Replay) -> None:
    assert rows(small.warehouse, replay.rules[ALLOWANCE]) == []
    assert replay.rules[ALLOWANCE].lstrip().startswith("select")
