"""What must hold of the dbt project as a whole, read from its manifest and from the built warehouse.

What must hold of its rules belongs in test_rules_of_models.py.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from ruamel.yaml import YAML
from warehouse import DBT_PROJECT, Build, rows

from kunderegnskab.dbt.macro_descriptions import described_macros
from kunderegnskab.dbt.project import published_nodes
from kunderegnskab.feeds.dbt_sources import render_dbt_sources
from kunderegnskab.publication.evidence import declared_evidence

pytestmark = pytest.mark.quick

Manifest = dict[str, Any]
Node = dict[str, Any]


def nodes(manifest: Manifest, resource_type: str) -> list[Node]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == resource_type]


def layer(manifest: Manifest, *schemas: str) -> list[Node]:
    return [model for model in nodes(manifest, "model") if model["schema"] in schemas]


def subject(node: Node) -> str:
    """The folder of models/ that a model is in, or of the model that a test is of."""
    return node["fqn"][1]


def data_tests_of(manifest: Manifest, model: Node) -> list[Node]:
    return [test for test in nodes(manifest, "test") if test.get("attached_node") == model["unique_id"]]


def test_a_subject_has_a_folder_for_each_schema(manifest: Manifest) -> None:
    models = nodes(manifest, "model")
    assert {model["schema"] for model in models} == {"staging", "intermediate", "marts", "audit"}
    # project, subject, schema, name; staging is a subject of one schema.
    folders = {model["name"]: model["fqn"][1:-1] for model in models}
    assert folders == {
        model["name"]: ["staging"] if model["schema"] == "staging" else [subject(model), model["schema"]]
        for model in models
    }
    assert not nodes(manifest, "snapshot")
    assert {model["language"] for model in nodes(manifest, "model")} == {"sql"}


def test_subjects_are_built_from_those_above_them(manifest: Manifest) -> None:
    settings = YAML(typ="safe", pure=True).load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    order = [name for name in settings["models"]["kunderegnskab"] if not name.startswith("+")]
    assert {subject(model) for model in nodes(manifest, "model")} == set(order)
    of = {model["unique_id"]: model for model in nodes(manifest, "model")}
    assert [
        f"{model['name']} ({subject(model)}) reads {of[parent]['name']} ({subject(of[parent])})"
        for model in of.values()
        for parent in model["depends_on"]["nodes"]
        if parent in of and order.index(subject(of[parent])) > order.index(subject(model))
    ] == []


def test_marts_and_audit_tables_are_public_contracts(manifest: Manifest) -> None:
    public = layer(manifest, "marts", "audit")
    assert [model["name"] for model in public if not model["config"]["contract"]["enforced"]] == []
    assert [model["name"] for model in public if model["access"] != "public"] == []
    # A view may be asked again and again: each is a few rows of arithmetic over a table that is stored.
    assert {model["config"]["materialized"] for model in public} == {"table", "view"}
    assert {model["name"] for model in public if model["config"]["materialized"] == "view"} == {
        "customer_account_lines",
        "driver_bridge",
        "kpi_values",
        "postings",
        "price_volume_mix",
    }


def test_models_say_their_grain_first(manifest: Manifest) -> None:
    public = {model["name"] for model in layer(manifest, "marts", "audit")}
    assert [
        model["name"]
        for model in nodes(manifest, "model")
        if not model["description"].startswith("One row per " if model["name"] in public else "One row")
    ] == []


def test_grain_of_every_mart_is_tested_for_uniqueness(manifest: Manifest) -> None:
    wrong = []
    for model in layer(manifest, "marts"):
        arguments = [test["test_metadata"]["kwargs"] for test in data_tests_of(manifest, model)]
        grains = [each["grain"] for each in arguments if each.get("grain")]
        if len(grains) != 1:
            wrong.append(f"{model['name']}: {len(grains)} grains are tested")
        elif unchecked := set(grains[0]).difference(*(each.get("never_null") or [] for each in arguments)):
            wrong.append(f"{model['name']}: {sorted(unchecked)} are of its key and may be NULL")
    assert wrong == []


def test_columns_are_described_and_are_the_built_ones(manifest: Manifest, small: Build) -> None:
    built: dict[tuple[str, str], list[str]] = {}
    for column in rows(
        small.warehouse,
        "select schema_name, table_name, column_name from duckdb_columns() where not internal "
        "order by table_oid, column_index",
    ):
        built.setdefault((column["schema_name"], column["table_name"]), []).append(column["column_name"])
    relations = [*nodes(manifest, "model"), *nodes(manifest, "seed")]
    assert [
        relation["name"]
        for relation in relations
        if list(relation["columns"]) != built.get((relation["schema"], relation["name"]))
    ] == []
    assert [
        f"{relation['name']}.{column['name']}"
        for relation in relations
        for column in relation["columns"].values()
        if not column["description"]
    ] == []


def test_every_published_table_has_a_key(manifest: Manifest) -> None:
    """Its rows can be told apart: a test says so, and `explain` asks for them by it."""
    tested = {
        test["attached_node"]
        for test in nodes(manifest, "test")
        if test["test_metadata"]["kwargs"].get("grain")
    }
    assert [node["name"] for node in published_nodes(manifest) if node["unique_id"] not in tested] == []


# Columns that have different types in different published tables, and why.
TYPES_WITH_A_REASON = {
    "amount": "portfolio_bridge divides accounts among owners and keeps what that leaves behind the øre",
    "change": "what a KPI changed by, and the word for what happened to a rule",
    "closing": "effects of prices have more decimals than balances",
    "opening": "effects of prices have more decimals than balances",
    "customer_count": "in scopes a shared customer is a part of one",
    "line_count": "in portfolios and scopes a shared customer's lines are parts",
    "order_count": "in portfolios and scopes a shared customer's orders are parts",
    "return_line_count": "in portfolios and scopes a shared customer's lines are parts",
    "pool_rate_effect": "a share of sales in driver_bridge, an amount beside a budget",
    "difference": "control totals also sum quantities and hashes",
    "rate": "cost per unit, and a share of sales",
    "share": "who owns a customer is declared, and a share of a sum is computed",
}


def test_columns_of_one_name_have_one_type_or_a_reason(manifest: Manifest) -> None:
    types: dict[str, set[str]] = {}
    for node in published_nodes(manifest):
        for name, column in node["columns"].items():
            if column["data_type"] is not None:
                types.setdefault(name, set()).add(column["data_type"])
    for tables in declared_evidence().values():
        for table in tables.values():
            for name, column in table.get("columns", {}).items():
                types.setdefault(name, set()).add(column["data_type"].replace("varchar", "string"))
    assert {name for name, found in types.items() if len(found) > 1} == TYPES_WITH_A_REASON.keys()


def test_every_subject_is_a_group(manifest: Manifest) -> None:
    groups = {group["name"]: group for group in manifest["groups"].values()}
    assert {model["name"]: model["config"]["group"] for model in nodes(manifest, "model")} == {
        model["name"]: subject(model) for model in nodes(manifest, "model")
    }
    assert groups.keys() == {subject(model) for model in nodes(manifest, "model")}
    assert all(group["description"] and group["owner"]["name"] for group in groups.values())


def test_every_macro_says_what_it_does(manifest: Manifest) -> None:
    """In a comment above it, which dbt's pages show too."""
    macros = {name: said for file in described_macros().values() for name, said in file.items()}
    assert [name for name, said in macros.items() if not said] == []
    shown = {
        macro["name"]: macro["description"]
        for macro in manifest["macros"].values()
        if macro["package_name"] == "kunderegnskab"
    }
    assert {name: shown[name] for name in macros} == macros


def test_money_in_contracts_is_decimal_with_four_places(manifest: Manifest) -> None:
    # Money has four places, ratios six, rates eight. Twelve are for shares that are compared with published
    # figures of concentration, or must still add up when there are many.
    exact = {"decimal(18,4)", "decimal(18,6)", "decimal(18,8)", "decimal(18,12)"}
    whole = {"string", "date", "bigint", "boolean"}
    # Numbers of documents, and control totals, which sum whatever a feed has.
    wide = {
        "document_gaps": {"decimal(18,0)"},
        "document_series": {"decimal(18,0)"},
        "control_totals": {"decimal(28,6)"},
    }
    assert [
        (model["name"], column["name"], column["data_type"])
        for model in layer(manifest, "marts", "audit")
        for column in model["columns"].values()
        if column["data_type"] not in exact | whole | wide.get(model["name"], set())
    ] == []


def test_only_staging_reads_sources(manifest: Manifest) -> None:
    assert [
        (node["name"], parent)
        for node in [*nodes(manifest, "model"), *nodes(manifest, "test")]
        for parent in node["depends_on"]["nodes"]
        if parent.startswith("source.") and subject(node) != "staging"
    ] == []


def test_staging_reads_one_source_and_no_model(manifest: Manifest) -> None:
    read = {
        model["name"]: [parent.split(".")[0] for parent in model["depends_on"]["nodes"]]
        for model in layer(manifest, "staging")
    }
    assert {name: kinds for name, kinds in read.items() if kinds != ["source"]} == {}


def test_no_test_is_loosened(manifest: Manifest) -> None:
    strict = {
        "severity": "error",
        "warn_if": "!= 0",
        "error_if": "!= 0",
        "enabled": True,
        "where": None,
        "limit": None,
    }
    found = {
        test["name"]: {name: test["config"][name] for name in strict}
        | {"severity": test["config"]["severity"].lower()}
        for test in nodes(manifest, "test")
    }
    assert {name: config for name, config in found.items() if config != strict} == {}
    assert [test["name"] for test in nodes(manifest, "test") if test["config"]["store_failures"]] == []


def test_seed_columns_are_typed(manifest: Manifest) -> None:
    assert [
        seed["name"]
        for seed in nodes(manifest, "seed")
        if list(seed["config"]["column_types"]) != list(seed["columns"])
    ] == []


def test_sources_are_raw_assets(manifest: Manifest) -> None:
    assert [
        source["name"]
        for source in manifest["sources"].values()
        if source["schema"] != "raw"
        or source["config"]["meta"]["dagster"]["asset_key"] != ["raw", source["name"]]
        or not source["description"]
    ] == []


def test_feed_sources_follow_the_contract() -> None:
    written = (DBT_PROJECT / "models" / "staging" / "_feeds.yml").read_text(encoding="utf-8")
    assert written == render_dbt_sources(), "models/staging/_feeds.yml is old: run make docs"


def test_descriptions_that_many_columns_share_are_written_once(manifest: Manifest) -> None:
    """They stand in dbt_project/models/columns.md; a few words are as short as the name of a text."""
    columns = [column for model in nodes(manifest, "model") for column in model["columns"].values()]
    uses = Counter(column["description"] for column in columns)
    from_a_text = {column["description"] for column in columns if column["doc_blocks"]}
    assert len(from_a_text) > 40
    assert [text for text in from_a_text if uses[text] < 2] == []
    assert [
        text for text, count in uses.items() if count > 2 and len(text) > 40 and text not in from_a_text
    ] == []


def test_every_file_opens_with_its_charter() -> None:
    openings = {".sql": ("--", "{#"), ".yml": ("#",)}
    files = [path for path in DBT_PROJECT.rglob("*") if path.suffix in openings]
    assert len(files) > 200
    assert [
        path.relative_to(DBT_PROJECT).as_posix()
        for path in files
        if not path.read_text(encoding="utf-8").startswith(openings[path.suffix])
    ] == []
