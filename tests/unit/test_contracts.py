"""The input contract is complete and consistent.

How records are typed by it belongs in the tests of the door.
"""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from kunderegnskab.feeds import Feed, load_feeds
from kunderegnskab.feeds.contracts import DECIMALS, SOURCE_COLUMNS, SQL_TYPES

FEEDS = load_feeds()

# Names that readers, mappings and acceptance checks depend on.
KEYS = {
    "sales_lines": ("document_no", "line_no"),
    "customers": ("customer_id",),
    "products": ("product_id",),
    "product_costs": ("product_id", "valid_from"),
    "salespeople": ("salesperson_id",),
    "customer_owners": ("customer_id", "salesperson_id", "valid_from"),
    "customer_costs": ("cost_no",),
    "bonus_agreements": ("customer_id", "valid_from", "tier_from"),
    "activities": ("activity_no",),
    "receivables": ("document_no",),
    "ledger_entries": ("entry_no",),
    "ledger_accounts": ("account_no",),
    "cost_pools": ("cost_pool_id", "valid_from"),
    # The same activity may take longer for some customers: one row per group it applies to.
    "activity_times": ("cost_pool_id", "activity_type", "applies_to", "valid_from"),
    "budgets": ("month", "scope_type", "segment", "scope_id"),
    "kpi_register": ("kpi_id",),
    "kpi_formulas": ("kpi_id", "part", "measure"),
    "kpi_targets": ("kpi_id", "scope_type", "segment", "scope_id", "month_from"),
    "exchange_rates": ("currency", "rate_date"),
    "credit_terms": ("valid_from",),
    "adjustments": ("adjustment_no",),
    "ladder_lines": ("line_code",),
    "unit_conversions": ("product_id", "unit_of_measure"),
    "fiscal_calendar": ("fiscal_year", "period_no"),
}


def test_keys_are_the_contract():
    assert {name: FEEDS[name].key for name in KEYS} == KEYS
    assert {"segment_rules", "segment_overrides", "service_concepts"} <= FEEDS.keys()


def test_only_sales_lines_are_required():
    assert [name for name, feed in FEEDS.items() if feed.required] == ["sales_lines"]


def test_no_type_is_a_binary_float():
    assert not [name for name, sql_type in SQL_TYPES.items() if sql_type in ("DOUBLE", "FLOAT", "REAL")]
    assert {name for name, sql_type in SQL_TYPES.items() if sql_type.startswith("DECIMAL")} < DECIMALS.keys()


@pytest.mark.parametrize("name", FEEDS)
def test_every_column_has_a_plain_name_and_both_languages(name):
    feed = FEEDS[name]
    assert feed.da
    assert feed.en
    for column, declared in feed.columns.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column)
        assert column not in SOURCE_COLUMNS
        assert declared.da
        assert declared.en


@pytest.mark.parametrize("name", FEEDS)
def test_key_columns_are_never_empty_but_for_the_line_number(name):
    columns = FEEDS[name].columns
    optional = [c for c in FEEDS[name].key if not columns[c].required and columns[c].default is None]
    assert optional == (["line_no"] if name == "sales_lines" else [])


@pytest.mark.parametrize("name", FEEDS)
def test_defaults_fit_their_type(name):
    for declared in FEEDS[name].columns.values():
        if declared.default is not None and declared.type == "code":
            assert declared.default in declared.values
        if declared.default is not None and declared.type in DECIMALS:
            assert re.fullmatch(r"-?\d+(\.\d+)?", declared.default)


def test_amount_columns_hold_money():
    for feed in FEEDS.values():
        for column, declared in feed.columns.items():
            if column.endswith("amount") or column in ("unit_cost", "net_sales", "db1", "db2", "db3"):
                assert declared.sql_type == "DECIMAL(18,4)", f"{feed.name}.{column}"


@pytest.mark.parametrize(
    "change",
    [
        {"key": ("missing",)},
        {"columns": {"a": {"type": "code", "da": "a", "en": "a"}}},
        {"columns": {"a": {"type": "text", "values": ("x",), "da": "a", "en": "a"}}},
        {"columns": {"a": {"type": "float", "da": "a", "en": "a"}}},
        {"colour": "blue"},
    ],
)
def test_an_inconsistent_feed_is_refused(change):
    feed = {
        "name": "f",
        "da": "f",
        "en": "f",
        "grain": "one row",
        "key": ("a",),
        "columns": {"a": {"type": "id", "da": "a", "en": "a"}},
    }
    Feed.model_validate(feed)
    with pytest.raises(ValidationError):
        Feed.model_validate({**feed, **change})
