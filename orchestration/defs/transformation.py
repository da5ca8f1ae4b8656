"""Assets staging, intermediate, marts and audit: the dbt project as Dagster assets and checks.

The models belong in dbt_project/, reading dbt's answers in `orchestration.dbt`.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets

from kunderegnskab.progress import report
from kunderegnskab.quality.certification import record, start_build
from kunderegnskab.workspace import find_workspace
from orchestration.dbt import ensure_manifest, environment, read_manifest, target_path, test_results
from orchestration.resources import WRITER_POOL, CompanyWorkspace

# The manifest depends on the project alone; the workspace only lends a folder to keep it in.
_WORKSPACE = find_workspace()
MANIFEST = ensure_manifest(_WORKSPACE)
# dagster-dbt looks for an earlier parse of the project in the folder that the environment names.
os.environ.update(environment(_WORKSPACE))


class LayerTranslator(DagsterDbtTranslator):
    """Names assets by layer: marts/customer_accounts, audit/row_ledger."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:  # noqa: ANN401
        """One spec per model, seed or source."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] == "source":
            return spec.replace_attributes(key=dg.AssetKey(["raw", node["name"]]))
        layer = node["schema"]
        return spec.replace_attributes(
            key=dg.AssetKey([layer, node["name"]]), group_name=layer, owners=["team:data"]
        ).merge_attributes(tags={"layer": layer})


@dbt_assets(
    manifest=MANIFEST,
    name="dbt_models",
    pool=WRITER_POOL,
    dagster_dbt_translator=LayerTranslator(
        settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True)
    ),
)
def dbt_models(
    context: dg.AssetExecutionContext, dbt: DbtCliResource, company: CompanyWorkspace
) -> Iterator[Any]:
    """One `dbt build`; every test's result is recorded for this build of the warehouse."""
    workspace = company.folder
    manifest = read_manifest(MANIFEST)
    with company.warehouse() as con:
        start_build(con, str(uuid4()))
    waived = {waiver.check for waiver in workspace.waivers}
    invocation = dbt.cli(
        # Unit tests guard the code, not the data: they run in CI.
        ["build", "--exclude-resource-type", "unit_test"],
        context=context,
        target_path=target_path(workspace) / "runs" / context.run_id,
        raise_on_error=False,
    )
    total = len(context.selected_asset_keys) + len(context.selected_asset_check_keys)
    for done, event in enumerate(invocation.stream().fetch_row_counts().fetch_column_metadata()):
        report("building customer accounts", min(done, total), total)
        yield event
    run_results = invocation.get_artifact("run_results.json")
    with company.warehouse() as con:
        results = record(con, test_results(manifest, run_results, con), workspace.waivers)
    broken = [result["unique_id"] for result in run_results["results"] if result["status"] == "error"]
    failed = [result for result in results if result.is_blocking and result.status in ("failed", "error")]
    if broken or failed or not (invocation.is_successful() or waived):
        raise dg.Failure(
            "\n".join(
                [f"The model or test {name} could not be run." for name in broken]
                + [f"{result.check_name}: {result.failing_rows} failing rows. {result.expectation}" for result in failed]
            ),
            allow_retries=False,
        )
