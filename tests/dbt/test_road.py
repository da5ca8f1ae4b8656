"""How an amount goes from a record to a KPI, read from the compiled project: who reads the records of sales lines, and how
long the way is.

Records are by far the most rows of a company, so each statement that reads them is one too many unless it is listed here.
That the numbers are right on the way is the rules' business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import pytest

from kunderegnskab.dbt.answers import rules_sql

pytestmark = pytest.mark.quick

Manifest = dict[str, Any]
Nodes = Mapping[str, Mapping[str, Any]]

# The records of sales lines as they come, typed and valued: a row of each is a record, stored or not.
RECORDS = {"raw.sales_lines", "staging.stg_sales_lines", "intermediate.int_sales_lines_valued"}

# The tables that are made of records, each of which a refresh makes once.
TABLES = {
    # The records themselves, and the two sums of them that all figures are made of.
    "int_sales_lines_valued",
    "int_sales_documents",
    "int_leaf_months",
    # Which units there are, and what comes back of which line: no row where the lines name none.
    "int_product_units",
    "int_returned_lines",
    # Sums that are held against those that the files came with.
    "control_totals",
    # Lists of records.
    "late_postings",
    "outside_account",
    "rejects",
    "unknown_customers",
    # What of each record's amount a ledger in whole minor units and in company currency cannot have.
    "int_ledger_document_differences",
    "int_ledger_rounding",
    # Counts the postings of each amount.
    "account_sources",
    # What came back, with the reason on the line, which nothing coarser has.
    "return_reasons",
}
# The rules that go back to records, by the model that they are rules of: a refresh asks all rules of a model at once.
RULES = {
    # What the records are.
    "stg_sales_lines": {
        "accepted_values_stg_sales_lines_document_type__invoice__credit_note",
        "accepted_values_stg_sales_lines_line_type__goods__freight_charge__fee__discount__deposit__ignore",
        "stg_sales_lines__grain_is_unique",
        "stg_sales_lines__has_no_nulls",
    },
    "int_sales_lines_valued": {
        "int_sales_lines_valued__has_no_nulls",
        "int_sales_lines_valued__keeps_every_sales_line",
    },
    # That sums are those of the records, counted or valued a second time.
    "customer_account_lines": {
        "customer_account_lines__lines_out_of_use_carry_nothing",
        "customer_account_lines__total_equals_valued_source_lines",
        "postings__sum_to_customer_account_lines",
    },
    "customer_accounts": {"customer_accounts__counts_equal_the_source_lines"},
    "int_leaf_months": {"int_leaf_months__sum_to_product_accounts"},
    "product_accounts": {"postings__sum_to_product_accounts"},
    "row_ledger": {"row_ledger__loaded_equals_the_records_in_the_feed"},
    # That whoever and whatever a record names is known.
    "customers": {
        "customers__hold_nobody_without_a_record",
        "customers__hold_the_unknown_customer_and_every_posted_one",
    },
    "products": {"products__hold_the_unknown_product_and_every_posted_one"},
}

# How dbt writes a relation: "catalogue"."schema"."name".
_RELATION = re.compile(r'"\w+"\."(\w+)"\."(\w+)"')


def relations(sql: str) -> set[str]:
    """The relations that SQL names, as schema.name."""
    return {f"{schema}.{name}" for schema, name in _RELATION.findall(sql)}


def models(manifest: Manifest) -> Nodes:
    return {k: node for k, node in manifest["nodes"].items() if node["resource_type"] == "model"}


def read_through_views(manifest: Manifest) -> dict[str, set[str]]:
    """What each view reads, by its name as schema.name."""
    return {
        f"{model['schema']}.{model['name']}": relations(model["compiled_code"])
        for model in models(manifest).values()
        if model["config"]["materialized"] == "view"
    }


def reads_records(sql: str, views: Mapping[str, set[str]]) -> bool:
    """Whether a statement reads records, by itself or through views."""
    asked, found = relations(sql), set[str]()
    while asked:
        found |= asked
        asked = set().union(*(views.get(relation, set()) for relation in asked)) - found
    return bool(found & RECORDS)


def rules_of(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """Each rule: the model it is a rule of, its name and its SQL."""
    for test in manifest["nodes"].values():
        if test["resource_type"] == "test":
            subject = manifest["nodes"][test["attached_node"]]["name"]
            for name, sql in rules_sql(test["compiled_code"]).items():
                yield subject, name, sql


def longest_path(nodes: Nodes, end: str) -> int:
    """How many models the longest way to `end` has, both ends included."""
    lengths: dict[str, int] = {}

    def length(key: str) -> int:
        if key not in lengths:
            before = [length(parent) for parent in nodes[key]["depends_on"]["nodes"] if parent in nodes]
            lengths[key] = 1 + max(before, default=0)
        return lengths[key]

    return length(end)


def test_these_tables_are_made_of_records(manifest: Manifest) -> None:
    views = read_through_views(manifest)
    assert {
        model["name"]
        for model in models(manifest).values()
        if model["config"]["materialized"] != "view" and reads_records(model["compiled_code"], views)
    } == TABLES


def test_these_rules_go_back_to_records(manifest: Manifest) -> None:
    views = read_through_views(manifest)
    found: dict[str, set[str]] = {}
    for subject, rule, sql in rules_of(manifest):
        if reads_records(sql, views):
            found.setdefault(subject, set()).add(rule)
    assert found == RULES


def test_what_reads_records_is_found_behind_views() -> None:
    views = {
        "a.outer": {"a.inner"},
        "a.inner": {"staging.stg_sales_lines", "a.outer"},
        "a.other": {"a.table"},
    }
    assert reads_records('select * from "c"."raw"."sales_lines"', views)
    assert reads_records('select * from "c"."a"."other" cross join "c"."a"."outer"', views)
    assert not reads_records('select * from "c"."a"."other"', views)


# The models that an amount of a sales line passes on its way to a KPI; docs/architecture.md shows the stations.
THE_ROAD = (
    "stg_sales_lines",
    "int_sales_lines_valued",
    "int_leaf_months",
    "int_customer_direct_months",
    "customer_accounts",
    "int_customer_windows",
    "scope_windows",
    "kpi_values",
)


def test_an_amount_passes_these_models(manifest: Manifest) -> None:
    by_name = {node["name"]: node for node in models(manifest).values()}
    assert len(THE_ROAD) <= 9
    for before, after in pairwise(THE_ROAD):
        assert by_name[before]["unique_id"] in by_name[after]["depends_on"]["nodes"], f"{before} -> {after}"


def test_no_model_is_far_from_the_feeds(manifest: Manifest) -> None:
    nodes = models(manifest)
    assert max(longest_path(nodes, key) for key in nodes) <= 14


def test_a_refresh_has_no_more_nodes_than_it_needs(manifest: Manifest) -> None:
    built = [
        node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed", "test")
    ]
    assert len(built) <= 353
