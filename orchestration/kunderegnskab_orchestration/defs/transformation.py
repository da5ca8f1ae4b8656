"""Assets staging, intermediate, marts and audit: the dbt project as Dagster assets and checks.

The models belong in dbt_project/, what a build does in `kunderegnskab.refresh.building`, and reading dbt's
answers in `kunderegnskab.dbt.answers`.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets
from dagster_dbt.asset_utils import get_subset_selection_for_context

from kunderegnskab.audit.lineage import ROWS
from kunderegnskab.dbt.answers import LineageCache, sentence_of
from kunderegnskab.dbt.project import ensure_manifest, environment, parse_folder, read_manifest, rules, tests
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.quality.certification import CheckResult
from kunderegnskab.refresh.building import build
from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.asset_keys import asset_key
from kunderegnskab_orchestration.defs.checks import suite_result
from kunderegnskab_orchestration.resources import CompanyWorkspace, Dbt

_WORKSPACE = find_workspace()
MANIFEST = read_manifest(ensure_manifest(_WORKSPACE))
# dagster-dbt looks for an earlier parse of the project in the folder that the environment names.
os.environ.update(environment(_WORKSPACE))
_CATALOG, _LINEAGE, _UNKNOWN_LINEAGE = LineageCache(parse_folder(_WORKSPACE)).kept()


class LayerTranslator(DagsterDbtTranslator):
    """Names assets by layer: marts/customer_accounts, audit/row_ledger."""

    def __init__(self, settings: DagsterDbtTranslatorSettings) -> None:
        super().__init__(settings)
        # dagster-dbt asks for the spec of a model once for each model and test that reads it.
        self._specs: dict[str, dg.AssetSpec] = {}

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        """One spec per model, seed or source."""
        if unique_id not in self._specs:
            self._specs[unique_id] = self._asset_spec(manifest, unique_id, project)
        return self._specs[unique_id]

    def _asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] == "source":
            return spec.replace_attributes(key=asset_key("raw", node["name"]))
        layer = node["schema"]
        return spec.replace_attributes(
            key=asset_key(layer, node["name"]), group_name=layer, owners=["team:data"]
        ).merge_attributes(tags={"layer": layer}, metadata=_column_metadata(node))

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> dg.AssetCheckSpec | None:
        """One check per model, described by its rules."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        test = manifest["nodes"][unique_id]
        described = "\n".join(f"- {sentence_of(rule).en}" for rule in rules(test))
        return spec and spec._replace(description=described)


def _column_metadata(node: Mapping[str, Any]) -> dict[str, Any]:
    """Columns and column lineage: they follow from the code, so they are told once and not by every run."""
    relation = (node["schema"], node["name"])
    types = _CATALOG.get(node["schema"], {}).get(node["name"], {})
    metadata: dict[str, Any] = {
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(
                    name,
                    types.get(name) or column.get("data_type") or "unknown before the first refresh",
                    description=column.get("description"),
                )
                for name, column in node["columns"].items()
            ]
        )
    }
    if relation in _LINEAGE:
        metadata["dagster/column_lineage"] = dg.TableColumnLineage(
            deps_by_column={
                column: [
                    dg.TableColumnDep(asset_key(source.schema, source.relation), source.column)
                    for source in sources
                    if source.column != ROWS
                ]
                for column, sources in _LINEAGE[relation].items()
            }
        )
    elif node["name"] in _UNKNOWN_LINEAGE:
        metadata["column lineage"] = f"cannot be shown: {_UNKNOWN_LINEAGE[node['name']]}"
    return metadata


_TRANSLATOR = LayerTranslator(settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))


@dbt_assets(
    manifest=MANIFEST,
    name="dbt_models",
    dagster_dbt_translator=_TRANSLATOR,
)
def dbt_models(context: dg.AssetExecutionContext, dbt: Dbt, company: CompanyWorkspace) -> Iterator[Any]:
    """One `dbt build`; every rule's result is recorded for this build of the warehouse."""
    try:
        built = build(
            company.folder,
            context.run_id,
            dbt.process,
            _selected(context),
            {key.name for key in context.selected_asset_check_keys},
        )
    except KunderegnskabError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    selected = context.selected_asset_keys
    for model in built.models:
        if (key := asset_key(model.schema, model.name)) in selected:
            rows = built.rows.get((model.schema, model.name))
            yield dg.MaterializeResult(
                asset_key=key, metadata={} if rows is None else {"dagster/row_count": rows}
            )
    yield from _checked(built.results, context.selected_asset_check_keys)
    if built.problems:
        raise dg.Failure("\n".join(built.problems), allow_retries=False)


def _selected(context: dg.AssetExecutionContext) -> Sequence[str]:
    """dbt's arguments for the assets and checks that this run selects; none when that is all of them."""
    selection, indirect = get_subset_selection_for_context(
        context=context,
        manifest=MANIFEST,
        select=None,
        exclude=None,
        selector=None,
        dagster_dbt_translator=_TRANSLATOR,
        current_dbt_indirect_selection_env=None,
    )
    return [*selection, *(["--indirect-selection", indirect] if indirect else [])]


def _checked(
    results: Sequence[CheckResult], selected: Sequence[dg.AssetCheckKey]
) -> Iterator[dg.AssetCheckResult]:
    """One check per model, with a line for each of its rules; those that dbt did not come to have none."""
    by_rule = {result.check_name: result for result in results}
    keys = {key.name: key for key in selected}
    for test in tests(MANIFEST):
        suite = [by_rule[rule] for rule in rules(test) if rule in by_rule]
        if suite and (key := keys.get(test["name"])):
            yield suite_result(key.asset_key, key.name, suite)
