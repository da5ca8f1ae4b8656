"""Asset published/kunderegnskab: the certified warehouse becomes a publication.

How that is done belongs in `kunderegnskab.publication`; which checks must have passed is asked there again,
because a blocking check blocks only inside the run that ran it.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from kunderegnskab.dbt.project import published_nodes
from kunderegnskab.delivery.postgres import deliver
from kunderegnskab.problems import InputProblems
from kunderegnskab.publication import heads, store
from kunderegnskab.publication.freshness import Late, late
from kunderegnskab.publication.publish import NotCertified, PublicationError
from kunderegnskab.refresh.publishing import publish_build
from kunderegnskab.refresh.warehouse import StepFailed
from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.asset_keys import asset_key
from kunderegnskab_orchestration.defs.transformation import MANIFEST
from kunderegnskab_orchestration.resources import CompanyWorkspace
from kunderegnskab_orchestration.runs import notes
from kunderegnskab_orchestration.tags import FULL

PUBLICATION = asset_key("published", "kunderegnskab")
_FILES_CHECK = "expected_files_are_published"


def _freshness_policy() -> dg.FreshnessPolicy | None:
    """As company.yaml says when this is loaded; a fault in it is told by the runs."""
    try:
        hours = find_workspace().company.fresh_for_hours
    except InputProblems:
        return None
    return None if hours is None else dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=hours))


@dg.asset(
    key=PUBLICATION,
    freshness_policy=_freshness_policy(),
    deps=[asset_key(node["schema"], node["name"]) for node in published_nodes(MANIFEST)],
    group_name="published",
    description="What BI tools, statements and auditors read: DuckDB, Parquet, report, manifest.",
    owners=["team:data"],
    kinds={"duckdb", "parquet"},
    tags={"layer": "published"},
    # Nothing is shown as published that was there before.
    output_required=False,
    check_specs=[
        dg.AssetCheckSpec(
            name="published_copy_equals_warehouse",
            asset=PUBLICATION,
            description="Rows and content hashes of every table, read back from what was published.",
        ),
        dg.AssetCheckSpec(
            name=_FILES_CHECK,
            asset=PUBLICATION,
            description="Every source that is expected monthly has files of all months that are due by "
            "company.yaml (expected_by).",
        ),
    ],
)
def publication(
    context: dg.AssetExecutionContext, company: CompanyWorkspace
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Publish this build of the warehouse, unless a check stands in the way."""
    try:
        made, is_new = publish_build(
            company.folder, context.run_id, company.started_at, again=FULL in context.run.tags
        )
    except (StepFailed, NotCertified, PublicationError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    for hand_on in (heads.hand_on, deliver):
        if (problem := hand_on(company.folder)) is not None:
            notes.warn(company.folder, context.run_id, context.log, problem)
    checks = [
        _copy_check(made),
        dg.AssetCheckResult(check_name=_FILES_CHECK, **_judged(late(company.folder))),
    ]
    if not is_new:
        context.log.info(f"Nothing has changed since publication {made.name}; nothing new was published.")
        yield from checks
        return
    yield dg.MaterializeResult(
        check_results=checks,
        data_version=dg.DataVersion(made.manifest_sha256),
        metadata={
            "publication": made.name,
            "dagster/uri": str(made.path),
            "manifest_sha256": made.manifest_sha256,
            "checks": len(made.manifest.checks),
            "quality report": dg.MetadataValue.path(str(made.path / "quality" / "report.html")),
        },
    )


def _copy_check(made: store.Publication) -> dg.AssetCheckResult:
    """`publish` compared every table before it made them current; an earlier publication is hashed again."""
    problems = store.verify_files(made)
    return dg.AssetCheckResult(
        check_name="published_copy_equals_warehouse",
        passed=not problems,
        metadata={"tables": len(made.manifest.marts), "problems": "\n".join(problems) or "none"},
    )


def files_evaluation(found: Sequence[Late]) -> dg.AssetCheckEvaluation:
    """Whether files are late, outside of a run: `freshness_sensor` asks while nothing runs."""
    return dg.AssetCheckEvaluation(asset_key=PUBLICATION, check_name=_FILES_CHECK, **_judged(found))


def _judged(found: Sequence[Late]) -> dict[str, Any]:
    sentences = [each.sentence for each in found if each.what == "files"]
    return {
        "passed": not sentences,
        "severity": dg.AssetCheckSeverity.WARN,
        "description": "\n".join(sentences) or None,
    }
