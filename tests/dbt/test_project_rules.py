"""What must hold of the dbt project as a whole, read from its manifest and from the built warehouse.

What must hold of its rules belongs in test_rules_of_models.py.
"""

from __future__ import annotations

from typing import Any

import pytest
from warehouse import DBT_PROJECT, Build, rows

from kunderegnskab.feeds.dbt_sources import render_dbt_sources

Manifest = dict[str, Any]
Node = dict[str, Any]


def nodes(manifest: Manifest, resource_type: str) -> list[Node]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == resource_type]


def layer(manifest: Manifest, *folders: str) -> list[Node]:
    return [model for model in nodes(manifest, "model") if model["fqn"][1] in folders]


def data_tests_of(manifest: Manifest, model: Node) -> list[Node]:
    return [test for test in nodes(manifest, "test") if test.get("attached_node") == model["unique_id"]]


def test_the_layers_are_the_only_folders(manifest: Manifest) -> None:
    models = nodes(manifest, "model")
    assert {model["fqn"][1] for model in models} == {"staging", "intermediate", "marts", "audit"}
    assert all(model["schema"] == model["fqn"][1] for model in models)
    assert not nodes(manifest, "snapshot")
    assert {model["language"] for model in nodes(manifest, "model")} == {"sql"}


def test_marts_and_audit_tables_are_public_contracts(manifest: Manifest) -> None:
    for model in layer(manifest, "marts", "audit"):
        assert model["config"]["contract"]["enforced"], model["name"]
        assert model["access"] == "public", model["name"]
    assert {model["config"]["materialized"] for model in layer(manifest, "marts")} == {"table"}
    views = {m["name"] for m in layer(manifest, "audit") if m["config"]["materialized"] == "view"}
    assert views == {"postings"}


def test_models_say_their_grain_first(manifest: Manifest) -> None:
    for model in nodes(manifest, "model"):
        assert model["description"].startswith("One row"), model["name"]
    for model in layer(manifest, "marts", "audit"):
        assert model["description"].startswith("One row per "), model["name"]


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
    for model in [*nodes(manifest, "model"), *nodes(manifest, "seed")]:
        built = rows(small.warehouse, f"describe {model['schema']}.{model['name']}")
        assert list(model["columns"]) == [column["column_name"] for column in built], model["name"]
        for column in model["columns"].values():
            assert column["description"], f"{model['name']}.{column['name']}"


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
    for model in layer(manifest, "marts", "audit"):
        types = {column["data_type"] for column in model["columns"].values()}
        assert types <= exact | whole | wide.get(model["name"], set()), model["name"]


def test_only_staging_reads_sources(manifest: Manifest) -> None:
    for node in [*nodes(manifest, "model"), *nodes(manifest, "test")]:
        sources = [parent for parent in node["depends_on"]["nodes"] if parent.startswith("source.")]
        assert not sources or node["fqn"][1] == "staging", node["name"]


def test_staging_reads_one_source_and_no_model(manifest: Manifest) -> None:
    for model in layer(manifest, "staging"):
        assert [parent.split(".")[0] for parent in model["depends_on"]["nodes"]] == ["source"], model["name"]


def test_no_test_is_loosened(manifest: Manifest) -> None:
    for test in nodes(manifest, "test"):
        config = test["config"]
        assert config["severity"].lower() == "error", test["name"]
        assert (config["warn_if"], config["error_if"]) == ("!= 0", "!= 0"), test["name"]
        assert config["enabled"], test["name"]
        assert (config["where"], config["limit"]) == (None, None), test["name"]
        assert not config["store_failures"], test["name"]


def test_seed_columns_are_typed(manifest: Manifest) -> None:
    for seed in nodes(manifest, "seed"):
        assert list(seed["config"]["column_types"]) == list(seed["columns"]), seed["name"]


def test_sources_are_raw_assets(manifest: Manifest) -> None:
    for source in manifest["sources"].values():
        assert source["schema"] == "raw"
        assert source["config"]["meta"]["dagster"]["asset_key"] == ["raw", source["name"]]
        assert source["description"], source["name"]


def test_feed_sources_follow_the_contract() -> None:
    written = (DBT_PROJECT / "models" / "staging" / "_feeds.yml").read_text(encoding="utf-8")
    assert written == render_dbt_sources(), "models/staging/_feeds.yml is old: run make docs"


@pytest.mark.parametrize("folder", ["models", "rules", "macros"])
def test_every_file_opens_with_its_charter(folder: str) -> None:
    for path in (DBT_PROJECT / folder).rglob("*.sql"):
        assert path.read_text(encoding="utf-8").startswith(("--", "{#")), path
    for path in (DBT_PROJECT / folder).rglob("*.yml"):
        assert path.read_text(encoding="utf-8").startswith("#"), path
