"""Door and gate checks: green on sound data, and exactly the right one red for each planted fault."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kunderegnskab.quality.certification import CheckResult
from kunderegnskab.quality.door import door_checks, run_door
from kunderegnskab.quality.gate import gate_checks, run_gate
from kunderegnskab.quality.metric_checks import MetricCheck, _met, run_checks

Connection = duckdb.DuckDBPyConnection

AS_OF = date(2025, 6, 30)
FEEDS = ["sales_lines", "customer_costs", "activities", "customers", "exchange_rates"]

RAW = """
create schema raw;
create table raw.feeds (feed varchar, is_supplied boolean, file_count bigint);
insert into raw.feeds values
    ('sales_lines', true, 2), ('customer_costs', true, 1), ('activities', true, 1), ('customers', false, 0);
create table raw.files (
    feed varchar, source_file varchar, file_sha256 varchar, records_read bigint, records_loaded bigint,
    records_rejected bigint, records_left_out bigint, rejects_allowed bigint);
insert into raw.files values
    ('sales_lines', 'salg-1.csv', 'aa', 10, 8, 1, 1, 1), ('sales_lines', 'salg-2.csv', 'bb', 2, 2, 0, 0, 0),
    ('customer_costs', 'fragt.csv', 'cc', 1, 1, 0, 0, 0), ('activities', 'besøg.csv', 'dd', 1, 1, 0, 0, 0);
create table raw.rejects (
    feed varchar, source_file varchar, file_sha256 varchar, source_sheet varchar, source_record bigint,
    column_name varchar, raw_value varchar, reason varchar);
insert into raw.rejects values ('sales_lines', 'salg-1.csv', 'aa', '', 3, 'net_amount', '1.2.3', 'not a number');
create table raw.gone_sources (feed varchar, source varchar, files varchar, files_before bigint);
create table raw.repeated_keys (
    feed varchar, source_file varchar, source_sheet varchar, source_record bigint, raw_value varchar,
    reason varchar, differs boolean);
create table raw.left_out (
    feed varchar, source_file varchar, source_sheet varchar, source_record bigint, lake_file varchar,
    reason varchar);
create table raw.shared_files (feed varchar, lake_file varchar, place varchar, source_count bigint);
insert into raw.shared_files values ('sales_lines', 'a', 'salg-1.csv', 2), ('sales_lines', 'b', 'salg-1.csv', 2);
insert into raw.left_out values ('sales_lines', 'salg-1.csv', '', 4, 'a', 'where: x'),
    ('sales_lines', 'salg-1.csv', '', 5, 'b', 'where: y');
create table raw.sales_lines (
    document_no varchar, line_no varchar, document_type varchar, posting_date date, customer_id varchar,
    product_id varchar, line_type varchar, quantity decimal(18,6), unit_of_measure varchar,
    list_amount decimal(18,4), discount_amount decimal(18,4), net_amount decimal(18,4),
    cost_amount decimal(18,4), currency varchar,
    salesperson_id varchar, order_no varchar, original_document_no varchar, original_line_no varchar,
    _source_file varchar, _file_sha256 varchar, _source_sheet varchar default '', _source_record bigint);
insert into raw.sales_lines by name select
    'F' || n as document_no, '1' as line_no, 'invoice' as document_type,
    date '2025-01-01' + n::integer as posting_date, '100' || n as customer_id, 'V1' as product_id,
    'goods' as line_type, n as quantity, 100 * n as net_amount, 60 * n as cost_amount,
    'salg-1.csv' as _source_file, 'aa' as _file_sha256, n as _source_record
    from range(1, 9) t(n);
insert into raw.sales_lines by name select
    'K' || n as document_no, '1' as line_no, 'credit_note' as document_type,
    date '2025-02-01' as posting_date, '1001' as customer_id, 'V1' as product_id,
    'goods' as line_type, -1 as quantity, amount as net_amount, currency,
    'salg-2.csv' as _source_file, 'bb' as _file_sha256, n as _source_record
    from (values (1, -50, null), (2, -5, 'EUR')) t(n, amount, currency);
create table raw.customer_costs (cost_no varchar, posting_date date, cost_type varchar, amount decimal(18,4),
    _source_file varchar, _source_sheet varchar, _source_record bigint);
insert into raw.customer_costs values ('1', '2025-01-31', 'freight', 10, 'fragt.csv', '', 1);
create view raw.shared_sales_lines as select *, _source_file as _source from raw.sales_lines where false;
create view raw.shared_customer_costs as select *, _source_file as _source from raw.customer_costs where false;
alter table raw.customer_costs add column document_no varchar;
create table raw.receivables (document_no varchar);
create table raw.activities (
    activity_no varchar, activity_date date, _source_file varchar, _source_sheet varchar, _source_record bigint);
insert into raw.activities values ('1', '2026-06-30', 'besøg.csv', '', 1);  -- planned a year ahead
create table raw.customers (
    customer_id varchar, parent_customer_id varchar, _source_file varchar, _source_sheet varchar default '',
    _source_record bigint);
create table raw.company (currency varchar);
insert into raw.company values ('DKK');
create table raw.exchange_rates (
    currency varchar, rate_date date, rate decimal(18,8), _source_file varchar, _source_sheet varchar,
    _source_record bigint);
-- A currency may lose two thirds of its worth.
insert into raw.exchange_rates select 'EUR', date '2025-01-01' + n::integer, 7.4 + 0.01 * n, 'kurser.csv', '', n
    from range(1, 6) t(n);
insert into raw.exchange_rates values
    ('TRY', '2025-01-01', 0.6, 'kurser.csv', '', 6), ('TRY', '2025-01-02', 0.2, 'kurser.csv', '', 7);
"""

# Ten customers, January to April, and sales under (ukendt).
MARTS = """
create schema marts;
create table marts.customer_accounts (
    customer_id varchar, month date, invoiced_sales decimal(18,4), returns decimal(18,4),
    net_sales decimal(18,4), cogs decimal(18,4), db1 decimal(18,4), db2 decimal(18,4),
    sales_without_cost decimal(18,4), returns_without_cost decimal(18,4));
insert into marts.customer_accounts
    select c::varchar, (date '2025-01-01' + interval (m) month)::date, 1100, 50, 1000, 600, 400, 300, 100, 0
    from range(10) a(c), range(4) b(m);
insert into marts.customer_accounts values ('(ukendt)', '2025-01-01', 90, 0, 90, 50, 40, 40, 0, 0);
create table marts.company_accounts (
    month date, net_sales decimal(18,4), db3 decimal(18,4), ledger_result decimal(18,4));
insert into marts.company_accounts
    select (date '2025-01-01' + interval (m) month)::date, 10000, 3000, 2000 from range(4) a(m);
create schema audit;
create table audit.allocation_steps (
    cost_pool_id varchar, month date, driver varchar, applies_to varchar, driver_total decimal(18,6),
    practical_capacity_minutes decimal(18,6), unused decimal(18,4), unallocated decimal(18,4),
    negative_receivers bigint, is_over_used boolean, finding varchar, line_code varchar, standard_rate decimal(18,6));
insert into audit.allocation_steps values
    ('visits', '2025-01-01', null, 'all', 900, 1000, 100, 0, 0, false, null, 'K56', 2),
    ('invoicing', '2025-01-01', 'orders', 'all', 70, null, 0, 0, 0, false, null, 'K55', 9);
create table audit.unmet_activity_times (cost_pool_id varchar, activity_type varchar, applies_to varchar);
create table audit.ledger_reconciliation (
    month date, line_code varchar, ledger_amount decimal(18,4), without_customer decimal(18,4));
insert into audit.ledger_reconciliation values ('2025-01-01', 'K00', 1000, 0);
create table audit.bonus_roll_forward (
    customer_id varchar, bonus_year date, month date, accrued decimal(18,4), released decimal(18,4));
-- Settled the year after; and not yet two years old.
insert into audit.bonus_roll_forward values
    ('1', '2023-01-01', '2023-05-01', 50, 0), ('1', '2023-01-01', '2024-01-01', 0, 50),
    ('1', '2024-01-01', '2024-05-01', 70, 0);
create table audit.expected_files (feed varchar, source varchar, month date, is_missing boolean);
create table audit.document_gaps (
    series varchar, first_missing decimal(18,0), last_missing decimal(18,0), missing_count bigint,
    document_before varchar, posted_before date, document_after varchar, posted_after date);
create table audit.waiting_approvals (
    feed varchar, record_key varchar, is_new boolean, sentence_en varchar, sentence_da varchar, source_file varchar,
    source_sheet varchar, source_record bigint);
create table marts.visit_capacity (
    scope_type varchar, scope_id varchar, month date, planned_hours decimal(18, 4), available_hours decimal(18, 4),
    hours_lacking decimal(18, 4), is_beyond_capacity boolean, sentence_en varchar, sentence_da varchar
);
create table audit.sales_policy_problems (
    source_file varchar, source_sheet varchar, source_record bigint, is_blocking boolean, sentence_en varchar,
    sentence_da varchar);
create schema intermediate;
create table intermediate.int_product_units (
    product_id varchar, unit_of_measure varchar, own_unit varchar, line_count bigint, factor decimal(18,8));
insert into intermediate.int_product_units values ('V3', 'STK', 'STK', 9, 1), ('V3', 'KS', 'STK', 3, 24);
create table intermediate.int_sales_documents (
    order_no varchar, customer_id varchar, posting_date date, line_count bigint);
-- A call-off every month, and a number in two series.
insert into intermediate.int_sales_documents
    select 'R1', '1', (date '2024-01-15' + interval (m) month)::date, 2 from range(14) a(m);
insert into intermediate.int_sales_documents values
    ('O1', '1', '2025-01-10', 1), ('O1', '1', '2025-07-09', 1), (null, '1', '2025-01-10', 1), (null, '2', '2025-01-10', 1);
create schema raw;
create table marts.customers (customer_id varchar, is_unknown boolean, is_in_list boolean);
insert into marts.customers
    select customer_id, customer_id = '(ukendt)', customer_id <> '(ukendt)' from marts.customer_accounts group by 1;
create table marts.product_accounts (
    product_id varchar, invoiced_sales decimal(18,4), returns decimal(18,4));
create table marts.products (product_id varchar, is_unknown boolean, is_in_list boolean);
insert into marts.products values ('(ukendt)', true, false), ('V-100', false, true);
create table raw.company (rates varchar);
insert into raw.company values ('standard');
create table raw.standard_rates (cost_pool_id varchar, fiscal_year bigint);
insert into raw.standard_rates values ('visits', 2025), ('invoicing', 2025), ('visits', 2026);
create table raw.bonus_agreements as select '9' as customer_id, date '2025-01-01' as valid_from, null::date as valid_to;
create table marts.months as select date '2025-01-01' as month, date '2025-01-01' as first_day, date '2025-01-31' as last_day, 1 as fiscal_month,
    2025 as fiscal_year;
"""


@pytest.fixture
def raw() -> Iterator[Connection]:
    with duckdb.connect() as con:
        con.execute(RAW)
        yield con


@pytest.fixture
def marts() -> Iterator[Connection]:
    with duckdb.connect() as con:
        con.execute(MARTS)
        yield con


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    path = tmp_path / "it's published" / "kunderegnskab.duckdb"
    path.parent.mkdir()
    with duckdb.connect(path) as con:
        con.execute(MARTS)
    return path


def not_passed(results: list[CheckResult]) -> dict[str, CheckResult]:
    return {result.check_name: result for result in results if result.status != "passed"}


def door(con: Connection) -> dict[str, CheckResult]:
    return not_passed(run_door(con, FEEDS, AS_OF))


def gate(con: Connection, previous: Path | None = None) -> dict[str, CheckResult]:
    return not_passed(run_gate(con, previous, AS_OF))


# -- door ---------------------------------------------------------------------------------------------------


def test_sound_files_pass_and_every_expected_check_has_a_result_in_both_languages(raw: Connection) -> None:
    results = run_door(raw, FEEDS, AS_OF)
    assert not_passed(results) == {}
    expected = door_checks(FEEDS)
    assert [(e.check_name, e.is_blocking) for e in expected] == [
        (r.check_name, r.is_blocking) for r in results
    ]
    assert len({e.check_name for e in expected}) == len(expected)
    assert all(r.stage == "door" and r.expectation.endswith(".") and r.expectation_da for r in results)
    observed = {r.check_name: r.observed for r in results}
    assert observed["door__sales_lines__left_out_share_is_plausible"] == "8.3333 %"
    assert observed["door__sales_lines__signs_are_those_of_the_contract"] == "0"
    assert observed["door__customers__left_out_share_is_plausible"] == "not applicable"


DOOR_FAULTS = [
    (
        "door__sales_lines__rejects_within_allowance",
        "update raw.files set rejects_allowed = 0 where file_sha256 = 'aa'",
        1,
        "source_record=3, column_name=net_amount, raw_value=1.2.3, reason=not a number",
    ),
    (
        "door__sales_lines__rejects_within_allowance",
        "update raw.files set rejects_allowed = null where file_sha256 = 'aa'",
        1,
        "raw_value=1.2.3",
    ),
    (
        "door__sales_lines__every_record_is_accounted_for",
        "update raw.files set records_loaded = 7 where file_sha256 = 'aa'",
        1,
        "salg-1.csv, records_read=10, records_loaded=7",
    ),
    (
        "door__customer_costs__every_record_is_accounted_for",
        "update raw.files set records_loaded = null where file_sha256 = 'cc'",
        1,
        "fragt.csv",
    ),
    (
        "door__sales_lines__left_out_share_is_plausible",
        "update raw.files set records_read = 109, records_left_out = 100 where file_sha256 = 'aa'",
        None,
        "records_left_out=100",
    ),
    (
        "door__sales_lines__dates_are_plausible",
        "update raw.sales_lines set posting_date = '1989-12-31' where document_no in ('F1', 'F2')",
        2,
        "_source_record=1, posting_date=1989-12-31",
    ),
    (
        "door__sales_lines__dates_are_plausible",
        "update raw.sales_lines set posting_date = date '2025-06-30' + 401 where document_no = 'F1'",
        1,
        "_source_record=1",
    ),
    (
        "door__activities__dates_are_plausible",
        "update raw.activities set activity_date = '2205-06-30'",
        1,
        "besøg.csv",
    ),
    (
        "door__customer_costs__dates_are_plausible",
        "update raw.customer_costs set posting_date = null",
        1,
        "fragt.csv",
    ),
    (
        "door__sales_lines__are_supplied_and_not_empty",
        "delete from raw.sales_lines",
        None,
        "is_supplied=True",
    ),
    (
        "door__sales_lines__are_supplied_and_not_empty",
        "update raw.feeds set is_supplied = false where feed = 'sales_lines'",
        None,
        "is_supplied=False",
    ),
    ("door__sales_lines__are_supplied_and_not_empty", "delete from raw.feeds", None, ""),
    (
        "door__sales_lines__customer_numbers_are_present",
        "update raw.sales_lines set customer_id = case when _source_record < 3 then null else ' ' end "
        "where _source_file = 'salg-1.csv' and _source_record <= 4",
        None,
        "document_no=F1",
    ),
    (
        "door__sales_lines__repeated_records_are_the_same",
        "insert into raw.repeated_keys values ('sales_lines', 'salg-2.csv', '', 3, 'K1, 1', 'differs in x', true), "
        "('sales_lines', 'salg-2.csv', '', 4, 'K2, 1', 'the same', false)",
        1,
        "source_file=salg-2.csv, source_record=3, raw_value=K1, 1, reason=differs in x",
    ),
    (  # whoever sold it does not tell a line from another
        "door__sales_lines__lines_without_number_are_told_apart",
        "insert into raw.sales_lines with f1 as (select * from raw.sales_lines where document_no = 'F1') "
        "select * replace (null as line_no, 'AB' as salesperson_id, 11 as _source_record) from f1 union all "
        "select * replace (null as line_no, 'CD' as salesperson_id, 12 as _source_record) from f1",
        1,
        "document_no=F1, product_id=V1, quantity=1.000000, unit_of_measure=None, net_amount=100.0000, line_count=2, records=11, 12",
    ),
    (
        "door__sales_lines__shared_files_are_taken_whole",
        "insert into raw.left_out values ('sales_lines', 'salg-1.csv', '', 4, 'b', 'where: y'), "
        "('sales_lines', 'salg-1.csv', '', 6, 'a', 'total row'), ('sales_lines', 'salg-1.csv', '', 6, 'b', 'total row')",
        1,
        "source_file=salg-1.csv, source_record=4",
    ),
    (
        "door__customers__parents_can_be_followed",
        "insert into raw.customers values ('7', '9', 'kunder.csv', '', 1)",
        1,
        "problem=customer 7 has the parent 9, which no list of customers has; add it to the list, or correct the number",
    ),
    (
        "door__customers__numbers_are_written_alike",
        "insert into raw.customers values ('7', null, 'kunder.csv', '', 1), ('07', null, 'kunder.csv', '', 2), "
        "('70', null, 'kunder.csv', '', 3), ('7.0', null, 'kunder.csv', '', 4)",
        1,
        "numbers=07 and 7 and 7.0, records=kunder.csv 1, kunder.csv 2, kunder.csv 4",
    ),
    (
        "door__customers__sources_have_not_fallen_silent",
        "insert into raw.gone_sources values ('customers', 'landing/customers.csv', 'landing/customers.csv', 1)",
        1,
        "source=landing/customers.csv, files=landing/customers.csv, files_before=1",
    ),
    (  # both currencies
        "door__sales_lines__signs_are_those_of_the_contract",
        "update raw.sales_lines set net_amount = -net_amount where document_type = 'credit_note'",
        2,
        "_source_file=salg-2.csv, document_type=credit_note, column_name=net_amount, total=50.0000, "
        "currency=None, turned_lines=1, right_lines=0, first_turned_record=1, line_type=goods",
    ),
    (  # the other way round
        "door__exchange_rates__rates_are_near_the_usual_one",
        "update raw.exchange_rates set rate = 0.13404826 where _source_record = 4",
        1,
        "_source_file=kurser.csv, _source_record=4, currency=EUR, rate_date=2025-01-05, rate=0.13404826",
    ),
    (  # the company's own currency, of which there is one rate
        "door__exchange_rates__rates_are_near_the_usual_one",
        "insert into raw.exchange_rates values ('DKK', '2025-01-10', 100, 'kurser.csv', '', 8)",
        1,
        "_source_record=8, currency=DKK",
    ),
    (  # per 100
        "door__exchange_rates__rates_are_near_the_usual_one",
        "update raw.exchange_rates set rate = 746 where _source_record in (1, 2)",
        2,
        "_source_record=1, currency=EUR",
    ),
    (  # of two, nobody knows which
        "door__exchange_rates__rates_are_near_the_usual_one",
        "update raw.exchange_rates set rate = 0 where _source_record = 7",
        2,
        "currency=TRY",
    ),
    (
        "door__exchange_rates__rates_are_near_the_usual_one",
        "insert into raw.exchange_rates values ('USD', '2025-01-01', 7.14, 'kurser.csv', '', 8), "
        "('USD', '2025-02-01', 0.14, 'kurser.csv', '', 9)",
        2,
        "_source_record=8, currency=USD, rate_date=2025-01-01, rate=7.14000000, usual_rate=0.14000000",
    ),
    (
        "door__exchange_rates__rates_are_near_the_usual_one",
        "insert into raw.exchange_rates values ('SEK', '2025-01-01', 65, 'kurser.csv', '', 8), "
        "('SEK', '2025-02-01', 0.65, 'kurser.csv', '', 9)",
        2,
        "_source_record=9, currency=SEK, rate_date=2025-02-01, rate=0.65000000, usual_rate=65.00000000",
    ),
    (  # with a third one the middle is known
        "door__exchange_rates__rates_are_near_the_usual_one",
        "insert into raw.exchange_rates values ('SEK', '2025-01-01', 65, 'kurser.csv', '', 8), "
        "('SEK', '2025-02-01', 0.65, 'kurser.csv', '', 9), ('SEK', '2025-03-01', 0.66, 'kurser.csv', '', 10)",
        1,
        "_source_record=8, currency=SEK",
    ),
    (  # one currency with turned signs must not hide behind another
        "door__sales_lines__signs_are_those_of_the_contract",
        "update raw.sales_lines set net_amount = 0.01 where document_no = 'K2'",
        1,
        "currency=EUR",
    ),
]


@pytest.mark.parametrize(("check_name", "fault", "failing_rows", "listed"), DOOR_FAULTS)
def test_a_fault_in_the_files_turns_exactly_its_check_red(
    raw: Connection, check_name: str, fault: str, failing_rows: int | None, listed: str
) -> None:
    raw.execute(fault)
    failed = door(raw)
    assert list(failed) == [check_name]
    assert failed[check_name].status == "failed"
    assert failed[check_name].failing_rows == failing_rows
    assert listed in failed[check_name].detail


def test_the_bounds_themselves_are_allowed(raw: Connection) -> None:
    raw.execute("update raw.sales_lines set posting_date = '1990-01-01' where document_no = 'F1'")
    raw.execute("update raw.sales_lines set posting_date = date '2025-06-30' + 400 where document_no = 'F2'")
    raw.execute("update raw.sales_lines set customer_id = null where document_no in ('F1', 'F2', 'F3')")
    raw.execute(
        "update raw.files set records_read = 20, records_loaded = 1, records_left_out = 18 "
        "where file_sha256 = 'aa'"
    )
    raw.execute("delete from raw.files where file_sha256 = 'bb'")
    raw.execute("update raw.sales_lines set net_amount = 0 where document_type = 'credit_note'")
    assert door(raw) == {}
    observed = {r.check_name: r.observed for r in run_door(raw, FEEDS, AS_OF)}
    assert observed["door__sales_lines__left_out_share_is_plausible"] == "90 %"
    assert observed["door__sales_lines__customer_numbers_are_present"] == "30 %"


def test_only_the_first_rows_are_shown_and_the_rest_can_be_listed(raw: Connection) -> None:
    raw.execute("update raw.sales_lines set posting_date = '1900-01-01'")
    result = door(raw)["door__sales_lines__dates_are_plausible"]
    assert len(result.detail.splitlines()) == 5
    assert len(raw.execute(result.failing_sql).fetchall()) == 10


def test_a_check_that_cannot_run_is_an_error_and_hides_no_other(raw: Connection) -> None:
    raw.execute("alter table raw.sales_lines drop column line_type")
    raw.execute("update raw.activities set activity_date = null")
    failed = door(raw)
    assert {name: result.status for name, result in failed.items()} == {
        "door__sales_lines__lines_without_number_are_told_apart": "error",
        "door__sales_lines__links_are_found": "error",
        "door__sales_lines__signs_are_those_of_the_contract": "error",
        "door__sales_lines__values_are_plausible": "error",
        "door__activities__dates_are_plausible": "failed",
    }
    assert "line_type" in failed["door__sales_lines__signs_are_those_of_the_contract"].detail


def test_a_feed_name_is_never_sql() -> None:
    with pytest.raises(ValueError, match="not the name of a feed"):
        door_checks(["sales_lines'; drop table raw.files; --"])


# -- gate ---------------------------------------------------------------------------------------------------


def test_sound_marts_pass_with_and_without_an_earlier_publication(marts: Connection, previous: Path) -> None:
    for earlier in (None, previous):
        results = run_gate(marts, earlier, AS_OF)
        assert not_passed(results) == {}
        assert [(e.check_name, e.is_blocking) for e in gate_checks()] == [
            (r.check_name, r.is_blocking) for r in results
        ]
        assert all(r.stage == "gate" and r.expectation.endswith(".") and r.expectation_da for r in results)
    assert results[-1].observed == "0 %"
    assert run_gate(marts, None, AS_OF)[-1].observed == "no earlier publication"
    assert marts.execute("select count(*) from duckdb_databases() where not internal").fetchone() == (1,)


GATE_FAULTS = [
    ("dg1_is_plausible", "update marts.customer_accounts set db1 = 960", None, "db1=3840.0000"),
    ("dg1_is_plausible", "update marts.customer_accounts set db1 = -501", None, "db1=-2004.0000"),
    ("dg1_is_plausible", "update marts.customer_accounts set db1 = null", None, "db1=None"),
    ("net_sales_are_positive", "update marts.customer_accounts set net_sales = 0", None, "net_sales=0.0000"),
    (
        "net_sales_are_positive",
        "update marts.customer_accounts set net_sales = -1",
        None,
        "net_sales=-4.0000",
    ),
    (
        "cost_is_known",
        "update marts.customer_accounts set sales_without_cost = 240",
        None,
        "sales_without_cost=960.0000",
    ),
    # Netted, 10 % would have no cost.
    (
        "cost_is_known",
        "update marts.customer_accounts set sales_without_cost = 180, returns_without_cost = 60",
        None,
        "returns_without_cost=240.0000",
    ),
    (
        "customers_are_known",
        "update marts.customer_accounts set net_sales = 30000 where customer_id = '(ukendt)'",
        None,
        "net_sales=30000.0000",
    ),
    (
        "months_are_contiguous",
        "delete from marts.customer_accounts where month = '2025-02-01'",
        1,
        "missing_month=2025-02-01",
    ),
]
COMPANY_FAULTS = [
    (
        "bonus_years_are_whole",
        "update raw.bonus_agreements set valid_from = '2024-09-15'; update marts.months set fiscal_month = 7",
        "customer_id=9, valid_from=2024-09-15, bonus_year=2024-07-01, accounts_from=2025-01-01",
    ),
    (
        "pools_have_receivers",
        "update audit.allocation_steps set finding = 'no_receiver', unallocated = 50 where driver is not null",
        "cost_pool_id=invoicing",
    ),
    (
        "capacity_is_not_over_used",
        "update audit.allocation_steps set is_over_used = true, driver_total = 1100 where driver is null",
        "minutes_used=1100.000000",
    ),
    (
        "drivers_are_not_negative",
        "update audit.allocation_steps set negative_receivers = 1 where driver is not null",
        "negative_receivers=1",
    ),
    (
        "pools_have_standard_rates",
        "update audit.allocation_steps set standard_rate = null where cost_pool_id = 'visits'; "
        "delete from raw.standard_rates where cost_pool_id = 'visits' and fiscal_year = 2025",
        "fiscal_year=2025, cost_pool_id=visits",
    ),
    (
        "standard_rates_are_used",
        "insert into raw.standard_rates values ('vists', 2025)",
        "fiscal_year=2025, cost_pool_id=vists",
    ),
    (
        "activity_times_are_met",
        "insert into audit.unmet_activity_times values ('visits', 'sales_vist', 'all')",
        "activity_type=sales_vist",
    ),
    (
        "months_are_in_the_ledger",
        "update marts.company_accounts set ledger_result = null where month = '2025-04-01'",
        "month=2025-04-01",
    ),
    (
        "costs_have_customers",
        "insert into audit.ledger_reconciliation values ('2025-01-01', 'K45', 50, -50)",
        "line_code=K45",
    ),
    (
        "bonus_is_settled",
        "insert into audit.bonus_roll_forward values ('7', '2023-01-01', '2023-05-01', 60, 0)",
        "customer_id=7",
    ),
    (
        "bonus_agreements_have_sales",
        "insert into raw.bonus_agreements values ('99', '2025-01-01', null)",
        "customer_id=99",
    ),
]


@pytest.mark.parametrize(("rule", "fault", "failing_rows", "listed"), GATE_FAULTS)
def test_a_fault_in_the_marts_turns_exactly_its_check_red(
    marts: Connection, rule: str, fault: str, failing_rows: int | None, listed: str
) -> None:
    marts.execute(fault)
    failed = gate(marts)
    assert list(failed) == [f"gate__customer_accounts__{rule}"]
    result = failed[f"gate__customer_accounts__{rule}"]
    assert (result.status, result.failing_rows) == ("failed", failing_rows)
    assert listed in result.detail


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "fiscal_month", "other"),
    [
        ("2025-01-01", None, 7, None),  # begins with the accounts
        ("2024-07-01", "2024-12-31", 7, None),  # is over before them
        ("2024-01-01", None, 1, None),  # the year begins with them
        ("2024-09-01", None, 7, "2025-01-01"),  # another has taken its place
    ],
)
def test_bonus_year_that_the_accounts_hold_is_no_warning(
    marts: Connection, valid_from: str, valid_to: str | None, fiscal_month: int, other: str | None
) -> None:
    marts.execute("update marts.months set fiscal_month = ?", [fiscal_month])
    marts.execute("update raw.bonus_agreements set valid_from = ?, valid_to = ?", [valid_from, valid_to])
    if other:
        marts.execute("insert into raw.bonus_agreements values ('9', ?, null)", [other])
    assert gate(marts) == {}


@pytest.mark.parametrize(
    ("first_day", "last_day", "valid_from", "valid_to", "is_warned"),
    [
        (
            "2025-01-05",
            "2025-02-01",
            "2025-01-01",
            None,
            False,
        ),  # begins in January, whatever its first days are in
        ("2025-01-05", "2025-02-01", "2024-12-31", None, True),
        ("2024-12-29", "2025-01-25", "2024-12-29", None, False),
        ("2024-12-29", "2025-01-25", "2024-01-01", "2024-12-31", False),  # ends with December
        ("2024-12-29", "2025-01-25", "2024-01-01", "2025-01-10", True),
    ],
)
def test_bonus_years_begin_with_the_month_of_a_period(
    marts: Connection, first_day: str, last_day: str, valid_from: str, valid_to: str | None, is_warned: bool
) -> None:
    marts.execute(
        "update marts.months set fiscal_month = 7, first_day = ?, last_day = ?", [first_day, last_day]
    )
    marts.execute("update raw.bonus_agreements set valid_from = ?, valid_to = ?", [valid_from, valid_to])
    assert bool(gate(marts)) is is_warned


def test_unit_that_nothing_converts_blocks(marts: Connection) -> None:
    marts.execute("update intermediate.int_product_units set factor = null where unit_of_measure = 'KS'")
    ((name, result),) = gate(marts).items()
    assert name == "gate__product_accounts__units_are_converted"
    assert (result.status, result.is_blocking, result.observed) == ("failed", True, "1")
    assert "product_id=V3, unit_of_measure=KS, own_unit=STK, line_count=3" in result.detail


@pytest.mark.parametrize(
    ("order_no", "customer_id", "day", "listed"),
    [
        ("O1", "1", "2026-01-06", "customer_id=1, invoiced_on=2025-07-09, later_customer_id=1"),
        ("O1", "2", "2025-08-01", "customer_id=1, invoiced_on=2025-07-09, later_customer_id=2"),
        ("O1", "2", "2025-01-10", "customer_id=1, invoiced_on=2025-01-10, later_customer_id=2"),
        ("R1", "1", "2026-01-10", "customer_id=1, invoiced_on=2025-02-15, later_customer_id=1"),
        ("O1", "1", "2026-01-05", None),  # 180 days
        ("O1", "(ukendt)", "2025-08-01", None),  # nobody knows whose it is
    ],
)
def test_order_number_that_is_used_again_is_a_warning(
    marts: Connection, order_no: str, customer_id: str, day: str, listed: str | None
) -> None:
    values = [order_no, customer_id, day]
    marts.execute("insert into intermediate.int_sales_documents values (?, ?, ?, 0)", values)
    assert gate(marts) == {}  # money without goods is no order
    marts.execute("insert into intermediate.int_sales_documents values (?, ?, ?, 1)", values)
    failed = gate(marts)
    if listed is None:
        assert failed == {}
        return
    ((name, result),) = failed.items()
    assert name == "gate__customer_accounts__order_numbers_are_of_one_order"
    assert (result.status, result.is_blocking) == ("failed", False)
    assert f"order_no={order_no}, {listed}, later_invoiced_on={day}" in result.detail


@pytest.mark.parametrize(("rule", "fault", "listed"), COMPANY_FAULTS)
def test_what_costing_could_not_do_is_a_warning(
    marts: Connection, rule: str, fault: str, listed: str
) -> None:
    marts.execute(fault)
    failed = gate(marts)
    assert list(failed) == [f"gate__company_accounts__{rule}"]
    result = failed[f"gate__company_accounts__{rule}"]
    assert (result.status, result.is_blocking, result.observed) == ("failed", False, "1")
    assert listed in result.detail


def test_a_number_that_the_list_lacks_is_named_with_what_it_sold(marts: Connection) -> None:
    marts.execute("insert into marts.customers values ('9012', false, false), ('9013', false, false)")
    marts.execute("update marts.customer_accounts set customer_id = '9013' where customer_id = '9'")
    marts.execute("insert into marts.products values ('X-9', false, false)")
    marts.execute("insert into marts.product_accounts values ('X-9', 70, 20)")
    marts.execute("delete from raw.bonus_agreements")
    failed = gate(marts)
    assert list(failed) == [
        "gate__customers__the_list_holds_them_all",
        "gate__products__the_list_holds_them_all",
    ]
    customers, products = failed.values()
    assert (customers.is_blocking, customers.failing_rows) == (False, 2)
    assert customers.detail.splitlines() == [
        "customer_id=9013, sales=4000.0000",
        "customer_id=9012, sales=0.0000",
    ]
    assert products.detail == "product_id=X-9, sales=50.0000"


@pytest.mark.parametrize(
    ("in_list", "carried"),
    [
        ("K-17a", "k-17A"),
        ("10 001", "10001"),
        ("10001", "10\u00a0001"),
        ("123", "000123"),
        ("77", "0 077"),
        ("1001", "1001.0"),
        ("1001", "01001,0"),
        ("\u00c5S-1", "A\u030aS-1"),  # one letter, or a letter and a ring
        ("1001", "\uff11\uff10\uff10\uff11"),  # full width
        ("STRASSE-1", "stra\u00dfe-1"),
    ],
)
@pytest.mark.parametrize(("feed", "number"), [("customers", "customer_id"), ("products", "product_id")])
def test_numbers_that_are_written_alike_are_named_and_not_joined(
    marts: Connection, feed: str, number: str, in_list: str, carried: str
) -> None:
    marts.execute(f"insert into marts.{feed} values (?, false, true), (?, false, false)", [in_list, carried])
    failed = gate(marts)
    assert list(failed) == [
        f"gate__{feed}__the_list_holds_them_all",
        f"gate__{feed}__numbers_are_written_alike",
    ]
    alike = failed[f"gate__{feed}__numbers_are_written_alike"]
    assert (alike.is_blocking, alike.failing_rows) == (False, 1)
    assert alike.detail == f"{number}={carried}, other={in_list}"


@pytest.mark.parametrize(
    "carried", ["1023", "A1", "123-1", "12.3", "\u00e6", "1230", "123.05", "123.000", "A.0"]
)
def test_another_number_is_not_alike(marts: Connection, carried: str) -> None:
    listed = ["123", "B1", "AE"]
    marts.executemany("insert into marts.customers values (?, false, true)", [[each] for each in listed])
    marts.execute("insert into marts.customers values (?, false, false)", [carried])
    assert list(gate(marts)) == ["gate__customers__the_list_holds_them_all"]


@pytest.mark.parametrize(
    ("rule", "is_blocking"),
    [("policy_files_can_be_followed", True), ("policy_files_meet_the_accounts", False)],
)
def test_a_problem_in_the_policy_files_is_told_in_its_own_sentence(
    marts: Connection, rule: str, is_blocking: bool
) -> None:
    problem = ["kpi_targets.csv", "", 7, is_blocking, "Fill in month_to.", "Udfyld month_to."]
    marts.execute("insert into audit.sales_policy_problems values (?, ?, ?, ?, ?, ?)", problem)
    failed = gate(marts)
    assert list(failed) == [f"gate__kpi_values__{rule}"]
    result = failed[f"gate__kpi_values__{rule}"]
    assert (result.status, result.is_blocking, result.failing_rows) == ("failed", is_blocking, 1)
    assert result.detail == (
        "sentence_en=Fill in month_to., sentence_da=Udfyld month_to., "
        "source_file=kpi_targets.csv, source_record=7"
    )


def test_concepts_that_owe_more_than_there_is_time_for_are_a_warning(marts: Connection) -> None:
    marts.execute(
        """
        insert into marts.visit_capacity values
            ('salesperson', 'S1', '2025-03-01', 30, 20, 10, true, 'Too much.', 'For meget.'),
            ('salesperson', 'S1', '2025-04-01', 30, 20, 10, true, 'Still too much.', 'Stadig for meget.'),
            ('salesperson', 'S2', '2025-04-01', 10, 20, 0, false, 'Enough.', 'Nok.'),
            ('salesperson', 'S3', '2025-04-01', 10, null, null, null, 'Not known.', 'Ikke oplyst.')
        """
    )
    ((name, result),) = gate(marts).items()
    assert name == "gate__visit_capacity__there_is_time_for_the_visits"
    assert (result.status, result.is_blocking, result.observed, result.failing_rows) == (
        "failed",
        False,
        "1",
        1,
    )
    assert "scope_id=S1" in result.detail
    assert "Still too much." in result.detail


@pytest.mark.parametrize("is_new", [True, False], ids=["since the publication", "published before"])
def test_a_change_that_waits_for_approval_blocks_what_would_publish_it(
    marts: Connection, is_new: bool
) -> None:
    marts.execute(
        "insert into audit.waiting_approvals values ('segment_rules', 'rule_version 2024', ?, 'Bo has changed it.', "
        "'Bo har ændret det.', 'policy/segment_rules.csv', '', 3)",
        [is_new],
    )
    failed = gate(marts)
    assert list(failed) == (["gate__kpi_values__changes_are_approved"] if is_new else [])
    if is_new:
        result = failed["gate__kpi_values__changes_are_approved"]
        assert (result.is_blocking, result.observed) == (True, "1")
        assert "Bo has changed it." in result.detail
        assert "policy/segment_rules.csv" in result.detail


def test_a_missing_document_number_is_a_warning(marts: Connection) -> None:
    marts.execute("insert into audit.document_gaps values ('F', 17, 18, 2, 'F16', null, 'F19', null)")
    failed = gate(marts)
    assert list(failed) == ["gate__product_accounts__document_numbers_have_no_gaps"]
    result = failed["gate__product_accounts__document_numbers_have_no_gaps"]
    assert (result.is_blocking, result.observed) == (False, "2")
    assert "document_before=F16" in result.detail


def test_a_missing_file_is_a_warning(marts: Connection) -> None:
    marts.execute(
        "insert into audit.expected_files values ('sales_lines', 'feeds.yaml: sales_lines, source 1', "
        "'2026-01-01', true), ('sales_lines', 'feeds.yaml: sales_lines, source 1', '2026-02-01', false)"
    )
    failed = gate(marts)
    assert list(failed) == ["gate__customer_accounts__expected_files_are_there"]
    assert failed["gate__customer_accounts__expected_files_are_there"].failing_rows == 1


def test_a_company_without_a_ledger_is_not_warned_of_it(marts: Connection) -> None:
    marts.execute("update marts.company_accounts set ledger_result = null")
    assert gate(marts) == {}


def test_an_empty_company_fails_for_being_empty(marts: Connection) -> None:
    marts.execute("delete from marts.customer_accounts")
    failed = gate(marts)
    assert {name for name, result in failed.items() if result.is_blocking} == {
        "gate__customer_accounts__are_not_empty"
    }


def in_closed_months(change: str) -> str:
    return f"{change} month < '2025-04-01'"


DRIFT_FAULTS: list[tuple[set[str], str]] = [
    (
        {"earlier_months_are_still_held"},
        "delete from marts.customer_accounts where month = '2025-01-01'",
    ),
    (
        {
            "customers_do_not_vanish",
            "account_rows_do_not_vanish",
            "net_sales_do_not_drift",
            "db2_does_not_drift",
        },
        "delete from marts.customer_accounts where customer_id in ('1', '2', '3')",
    ),
    (
        {"account_rows_do_not_vanish"},
        "delete from marts.customer_accounts where month < '2025-04-01' and customer_id < '7' "
        "and month > '2025-01-01'; "
        "update marts.customer_accounts set net_sales = net_sales * 30090 / 16090, "
        "db2 = db2 * 9040 / 4840 where month < '2025-04-01'",
    ),
    (
        {"net_sales_do_not_drift"},
        in_closed_months("update marts.customer_accounts set net_sales = net_sales * 1.11 where"),
    ),
    (
        {"net_sales_do_not_drift"},
        in_closed_months("update marts.customer_accounts set net_sales = net_sales * 0.89 where"),
    ),
    ({"db2_does_not_drift"}, in_closed_months("update marts.customer_accounts set db2 = -db2 where")),
]


@pytest.mark.parametrize(("rules", "fault"), DRIFT_FAULTS)
def test_a_loss_since_the_earlier_publication_turns_its_checks_red(
    marts: Connection, previous: Path, rules: set[str], fault: str
) -> None:
    marts.execute(fault)
    failed = gate(marts, previous)
    assert set(failed) == {f"gate__customer_accounts__{rule}" for rule in rules}
    assert all(result.failing_sql for result in failed.values())
    assert gate(marts, None) == {}


def test_the_last_month_in_common_may_change_because_it_was_still_being_filled(
    marts: Connection, previous: Path
) -> None:
    marts.execute(
        "update marts.customer_accounts set net_sales = 5000, db2 = 2000 where month = '2025-04-01'; "
        "delete from marts.customer_accounts where month = '2025-04-01' and customer_id > '4'"
    )
    assert gate(marts, previous) == {}


def test_a_negative_db2_drifts_by_its_size(marts: Connection, previous: Path) -> None:
    with duckdb.connect(previous) as con:
        con.execute("update marts.customer_accounts set db2 = -100")
    marts.execute("update marts.customer_accounts set db2 = -105")
    assert gate(marts, previous) == {}
    marts.execute("update marts.customer_accounts set db2 = -111")
    failed = gate(marts, previous)
    assert failed["gate__customer_accounts__db2_does_not_drift"].observed == "-11 %"


def test_the_earlier_publication_is_detached_even_when_checks_cannot_run(
    marts: Connection, previous: Path
) -> None:
    marts.execute("alter table marts.customer_accounts drop column db2")
    failed = gate(marts, previous)
    assert failed["gate__customer_accounts__db2_does_not_drift"].status == "error"
    assert "earlier_publication" not in str(marts.execute("select * from duckdb_databases()").fetchall())


def test_an_earlier_publication_that_cannot_be_opened_stops_the_gate(
    marts: Connection, tmp_path: Path
) -> None:
    with pytest.raises(duckdb.Error):
        run_gate(marts, tmp_path / "missing.duckdb", AS_OF)


# -- measuring ----------------------------------------------------------------------------------------------


def amount_check(metric: str, **changes: Any) -> MetricCheck:
    values: dict[str, Any] = {
        "check_name": "amount",
        "subject": "customer_accounts",
        "is_blocking": True,
        "metric": metric,
        "unit": "amount",
        "minimum": 0,
        "en": "It holds.",
        "da": "Det gælder.",
        "failing": "select 1 as one",
    }
    return MetricCheck(**(values | changes))


def test_an_amount_of_17_and_more_digits_survives_and_is_compared_exactly() -> None:
    amount = "99999999999999.0001"
    assert float(amount) == 99999999999999.0, "as a float, the amount would lie on the bound"
    check = amount_check(f"select {amount}::decimal(18,4)", maximum=99999999999999)
    with duckdb.connect() as con:
        result = run_checks(con, "gate", [check])[0]
    assert (result.status, result.observed) == ("failed", amount)


def test_a_share_is_compared_without_rounding() -> None:
    metric = "select 30000000000000001::hugeint, 100000000000000000::hugeint"
    with duckdb.connect() as con:
        result = run_checks(con, "gate", [amount_check(metric, unit="%", maximum=30)])[0]
    assert float(Decimal(100) * 30000000000000001 / 100000000000000000) == 30.0
    assert result.status == "failed"


NUMBERS = st.one_of(
    st.none(), st.integers(-5, 5), st.decimals(-5, 5, places=4), st.decimals(-(10**20), 10**20, places=10)
)
BOUNDS = st.one_of(st.none(), st.integers(-4, 4))
JUDGED = st.lists(st.tuples(NUMBERS, BOUNDS, BOUNDS, st.booleans()), min_size=1, max_size=25)


def lies_within(number: Any, minimum: int | None, maximum: int | None, above_minimum: bool) -> bool:
    if number is None:
        return False
    is_enough = minimum is None or number > minimum or (number == minimum and not above_minimum)
    return is_enough and (maximum is None or number <= maximum)


@settings(max_examples=25, deadline=None)
@given(judged=JUDGED)
def test_of_many_checks_exactly_those_fail_whose_number_is_out_of_range(judged: list[Any]) -> None:
    checks, expected = [], []
    for place, (number, minimum, maximum, above_minimum) in enumerate(judged):
        if minimum is None and maximum is None:
            minimum = 0
        metric = "select null" if number is None else f"select {number}::decimal(38, 10)"
        checks.append(
            amount_check(
                metric,
                check_name=f"check {place}",
                minimum=minimum,
                maximum=maximum,
                above_minimum=above_minimum and minimum is not None,
            )
        )
        expected.append(lies_within(number, minimum, maximum, checks[-1].above_minimum))
    with duckdb.connect() as con:
        results = run_checks(con, "gate", checks)
    assert [result.status == "passed" for result in results] == expected


def test_an_expectation_that_fails_without_saying_where_is_met_by_nobody() -> None:
    for result in (None, {}, {"unexpected_index_list": None}, {"unexpected_index_list": []}):
        assert _met(SimpleNamespace(success=False, result=result), ["a", "b"]) == []
    where = {"unexpected_index_list": [{"check_name": "a", "number": -1}]}
    assert _met(SimpleNamespace(success=False, result=where), ["a", "b"]) == ["b"]
    assert _met(SimpleNamespace(success=True, result=where), ["a", "b"]) == ["a", "b"]


@pytest.mark.parametrize("metric", ["select 1.5::double", "select 1 where false", "select 'many'"])
def test_a_metric_must_be_one_row_without_floats(metric: str) -> None:
    with duckdb.connect() as con, pytest.raises(TypeError, match="amount"):
        run_checks(con, "gate", [amount_check(metric)])


def test_a_metric_that_is_null_fails() -> None:
    with duckdb.connect() as con:
        result = run_checks(con, "gate", [amount_check("select null::decimal(18,4)")])[0]
    assert (result.status, result.observed) == ("failed", "NULL")


def test_a_failed_check_whose_rows_cannot_be_listed_is_still_failed() -> None:
    with duckdb.connect() as con:
        result = run_checks(con, "gate", [amount_check("select -1", failing="select * from nowhere")])[0]
    assert result.status == "failed"
    assert "could not be listed" in result.detail


def test_checks_leave_no_files_and_no_output_behind(
    raw: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    run_door(raw, FEEDS, AS_OF)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_importing_the_checks_does_not_import_great_expectations() -> None:
    code = (
        "import sys, kunderegnskab.quality.door, kunderegnskab.quality.gate; "
        "sys.exit('great_expectations' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ}, check=False).returncode == 0


def in_a_process(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, check=False, capture_output=True, text=True
    )


def test_great_expectations_is_imported_once_beside_other_work(tmp_path: Path) -> None:
    code = """
import sys, threading
from kunderegnskab.quality.metric_checks import _library, prepare
prepare()
beside = [each for each in threading.enumerate() if each is not threading.main_thread()]
prepare()
print(len(beside), _library().result().__name__)
"""
    done = in_a_process(code, tmp_path)
    assert (done.stdout, done.returncode) == ("1 great_expectations\n", 0), done.stderr


def test_a_program_that_ends_early_ends_well_though_the_import_goes_on(tmp_path: Path) -> None:
    code = "from kunderegnskab.quality.metric_checks import prepare; prepare(); raise SystemExit(3)"
    done = in_a_process(code, tmp_path)
    assert (done.returncode, done.stderr) == (3, "")


def test_what_goes_wrong_in_the_import_is_raised_where_it_is_used(tmp_path: Path) -> None:
    broken = tmp_path / "great_expectations"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError('half installed')\n", encoding="utf-8")
    code = """
from kunderegnskab.quality import metric_checks
metric_checks.prepare()
print("went on")
metric_checks._validate([metric_checks.MetricCheck(check_name="a", subject="b", is_blocking=True, metric="",
    unit="rows", maximum=0, en="", da="", failing="")], {"a": 0})
"""
    done = in_a_process(code, tmp_path)
    assert (done.stdout, done.returncode) == ("went on\n", 1)
    assert done.stderr.rstrip().endswith("ImportError: half installed")
