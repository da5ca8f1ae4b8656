"""Assets staging, intermediate, marts and audit: the dbt project as Dagster assets and checks.

The models belong in dbt_project/, reading dbt's answers in `orchestration.dbt`.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliInvocation,
    dbt_assets,
)

from kunderegnskab.audit.models import record_models
from kunderegnskab.code_version import code_version
from kunderegnskab.feeds import load_feeds
from kunderegnskab.personal.classification import record_personal_data
from kunderegnskab.progress import report
from kunderegnskab.quality.certification import ExpectedCheck, current_build, record, start_build
from kunderegnskab.quality.door import door_checks
from kunderegnskab.quality.gate import gate_checks
from kunderegnskab.workspace import find_workspace
from orchestration.dbt import (
    built_models,
    column_lineage,
    ensure_manifest,
    environment,
    expected_checks,
    keep_newest,
    read_manifest,
    relation_metadata,
    runs_folder,
    test_results,
)
from orchestration.dbt_launcher import PARENT_VARIABLE
from orchestration.resources import WRITER_POOL, CompanyWorkspace, Dbt

_WORKSPACE = find_workspace()
MANIFEST = ensure_manifest(_WORKSPACE)
# dagster-dbt looks for an earlier parse of the project in the folder that the environment names.
os.environ.update(environment(_WORKSPACE))


# dbt leaves some 7 MB per run.
_RUNS_KEPT = 10


class LayerTranslator(DagsterDbtTranslator):
    """Names assets by layer: marts/customer_accounts, audit/row_ledger."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        """One spec per model, seed or source."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] == "source":
            return spec.replace_attributes(key=dg.AssetKey(["raw", node["name"]]))
        layer = node["schema"]
        return spec.replace_attributes(
            key=dg.AssetKey([layer, node["name"]]), group_name=layer, owners=["team:data"]
        ).merge_attributes(tags={"layer": layer})


_TRANSLATOR = LayerTranslator(settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))


@dbt_assets(
    manifest=MANIFEST,
    name="dbt_models",
    pool=WRITER_POOL,
    dagster_dbt_translator=_TRANSLATOR,
)
def dbt_models(context: dg.AssetExecutionContext, dbt: Dbt, company: CompanyWorkspace) -> Iterator[Any]:
    """One `dbt build`; every test's result is recorded for this build of the warehouse."""
    workspace = company.folder
    manifest = read_manifest(MANIFEST)
    waived = sorted(waiver.check for waiver in workspace.waivers if waiver.check in _test_names(manifest))
    with company.warehouse() as con:
        build = current_build(con)
        if build is not None and build.code_version != code_version():
            raise dg.Failure(
                "The code has changed since the files were loaded, run a refresh.", allow_retries=False
            )
        start_build(con, str(uuid4()))
    runs = runs_folder(workspace) / context.run_id
    keep_newest(runs.parent, _RUNS_KEPT)
    os.environ[PARENT_VARIABLE] = str(os.getpid())
    # Unit tests guard the code, not the data: they run in CI. A waived test must not keep dbt from
    # building what depends on its model, so it runs afterwards. Names go in one argument: of several after a
    # flag dagster-dbt takes the first alone.
    build = [
        "build",
        "--exclude-resource-type",
        "unit_test",
        *(["--exclude", " ".join(waived)] if waived else []),
    ]
    invocations = [dbt.cli(build, context=context, target_path=runs / "build", raise_on_error=False)]
    events = list(
        _reporting(invocations[0].stream(), len(context.op_execution_context.selected_output_names))
    )
    selected = {key.name for key in context.selected_asset_check_keys}
    if retried := [name for name in waived if name in selected]:
        # Without the context: with it dagster-dbt would select the whole step again.
        invocation = dbt.cli(
            ["test", "--select", " ".join(retried)],
            manifest=MANIFEST,
            dagster_dbt_translator=_TRANSLATOR,
            target_path=runs / "waived",
            raise_on_error=False,
        )
        events += _as_warnings(invocation.stream())
        invocations.append(invocation)

    broken: list[str] = []
    hindering = 0
    metadata: dict[dg.AssetKey, dict[str, Any]] = {}
    with company.warehouse() as con:
        for invocation in invocations:
            run_results = _run_results(invocation)
            broken += [
                result["unique_id"] for result in run_results["results"] if result["status"] == "error"
            ]
            results = record(con, test_results(manifest, run_results, con), workspace.waivers)
            hindering += sum(result.is_blocking and result.status == "failed" for result in results)
        models = built_models(invocations[0].get_artifact("manifest.json"), con)
        lineage, unknown = column_lineage(models, con)
        record_models(con, models, lineage)
        record_personal_data(con, lineage)
        metadata = relation_metadata(models, lineage, unknown, manifest, con)
    for event in events:
        if isinstance(event, dg.Output):
            key = context.asset_key_for_output(event.output_name)
            event = event.with_metadata({**event.metadata, **metadata.get(key, {})})
        yield event
    if broken:
        raise dg.Failure(
            "\n".join(f"dbt could not run {name}, see the log." for name in broken), allow_retries=False
        )
    if hindering:
        raise dg.Failure(f"{hindering} dbt tests failed.", allow_retries=False)


def all_checks() -> list[ExpectedCheck]:
    """Every check that a publication must be able to show a result of: door, dbt and gate."""
    return [
        *door_checks(list(load_feeds())),
        *expected_checks(read_manifest(MANIFEST)),
        *gate_checks(),
    ]


def _run_results(invocation: DbtCliInvocation) -> dict[str, Any]:
    try:
        return invocation.get_artifact("run_results.json")
    except FileNotFoundError:
        ended = f"dbt ended before it was done (exit code {invocation.process.returncode}), see the log."
        raise dg.Failure(ended, allow_retries=False) from None


def _test_names(manifest: Mapping[str, Any]) -> set[str]:
    return {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "test"}


def _reporting(events: Iterator[Any], total: int) -> Iterator[Any]:
    for done, event in enumerate(events, start=1):
        report("building customer accounts", min(done, total), total)
        yield event


def _as_warnings(events: Iterator[Any]) -> Iterator[dg.AssetCheckResult]:
    """A waived check shows as failed, but does not hinder; the publication's manifest names who waived it."""
    for event in events:
        if isinstance(event, dg.AssetCheckEvaluation):
            yield dg.AssetCheckResult(
                asset_key=event.asset_key,
                check_name=event.check_name,
                passed=event.passed,
                severity=dg.AssetCheckSeverity.WARN,
                metadata=event.metadata,
            )
