"""Asset published/kunderegnskab: the certified warehouse becomes a publication.

How that is done belongs in `kunderegnskab.publication`; which checks must have passed is asked there again,
because a blocking check blocks only inside the run that ran it.
"""

import dagster as dg

from kunderegnskab.dbt.project import published_nodes
from kunderegnskab.publication import heads, store
from kunderegnskab.publication.publish import NotCertified, PublicationError
from kunderegnskab.refresh.publishing import publish_build
from kunderegnskab.refresh.warehouse import StepFailed
from orchestration.defs.transformation import MANIFEST
from orchestration.resources import WRITER_POOL, CompanyWorkspace
from orchestration.runs import notes
from orchestration.tags import FULL


@dg.asset(
    key=["published", "kunderegnskab"],
    deps=[dg.AssetKey([node["schema"], node["name"]]) for node in published_nodes(MANIFEST)],
    group_name="published",
    description="What BI tools, statements and auditors read: DuckDB, Parquet, report, manifest.",
    owners=["team:data"],
    kinds={"duckdb", "parquet"},
    tags={"layer": "published"},
    pool=WRITER_POOL,
    check_specs=[
        dg.AssetCheckSpec(
            name="published_copy_equals_warehouse",
            asset=["published", "kunderegnskab"],
            description="Rows and content hashes of every table, read back from what was published.",
        )
    ],
)
def publication(context: dg.AssetExecutionContext, company: CompanyWorkspace) -> dg.MaterializeResult:
    """Publish this build of the warehouse, unless a check stands in the way."""
    try:
        made, is_new = publish_build(
            company.folder, context.run_id, company.started_at, again=FULL in context.run.tags
        )
    except (StepFailed, NotCertified, PublicationError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    if not is_new:
        return dg.MaterializeResult(
            metadata={"publication": made.name, "unchanged": True}, check_results=[_copy_check(made)]
        )
    if (problem := heads.hand_on(made)) is not None:
        notes.warn(company.folder, context.run_id, context.log, problem)
    return dg.MaterializeResult(
        check_results=[_copy_check(made)],
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
