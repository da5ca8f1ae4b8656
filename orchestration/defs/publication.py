"""Asset published/kunderegnskab: the certified warehouse becomes a publication.

How that is done belongs in `kunderegnskab.publication`; which checks must have passed is asked there again,
because a blocking check blocks only inside the run that ran it.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from kunderegnskab.audit.lineage_page import write_lineage_page
from kunderegnskab.audit.notice import write_notice
from kunderegnskab.code_version import code_commit, code_version, lock_sha256
from kunderegnskab.ingest import configuration_hashes, read_load_record
from kunderegnskab.progress import report
from kunderegnskab.publication import store
from kunderegnskab.publication.evidence import evidence_tables
from kunderegnskab.publication.manifest import InputFile
from kunderegnskab.publication.publish import NotCertified, PublicationError, PublishRequest, publish
from kunderegnskab.quality.certification import current_build, is_in_force, read_results
from kunderegnskab.quality.history_page import read_past, write_history_page
from kunderegnskab.quality.report import ReportTitle, write_report
from kunderegnskab.quality.runs import Run, kept_result
from orchestration.dbt import published_tables, read_manifest
from orchestration.defs.transformation import MANIFEST, all_checks
from orchestration.resources import WRITER_POOL, CompanyWorkspace
from orchestration.tags import FULL

_TABLES = published_tables(read_manifest(MANIFEST))


@dg.asset(
    key=["published", "kunderegnskab"],
    deps=[dg.AssetKey([table.schema_name, table.table]) for table in _TABLES],
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
    workspace = company.folder
    with company.warehouse() as con:
        build = current_build(con)
        if build is None:
            raise dg.Failure("Nothing has been loaded, run a refresh.", allow_retries=False)
        load = read_load_record(con)
        rules = {
            "segment_rules": _segment_rules(con),
            "baselines": _baseline_publications(con),
            "expected_through": _expected_through(con),
        }
        waived = {result.check_name for result in read_results(con) if result.status == "waived"}
    if configuration_hashes(workspace) != load.parameters["configuration"]:
        raise dg.Failure(
            "The configuration has changed since the files were loaded, run a refresh.", allow_retries=False
        )
    earlier = store.unchanged(workspace.published, build.input_hash, build.code_version)
    if earlier is not None and FULL not in context.run.tags:
        return dg.MaterializeResult(
            metadata={"publication": earlier.name, "unchanged": True}, check_results=[_copy_check(earlier)]
        )
    company_parameters = workspace.company
    request = PublishRequest(
        run_id=context.run_id,
        started_at=company.started_at,
        company=company_parameters.name,
        locale=company_parameters.locale,
        currency=company_parameters.currency,
        code_version=code_version(),
        code_commit=code_commit(),
        lock_sha256=lock_sha256(),
        input_hash=build.input_hash,
        inputs=[
            InputFile(
                feed=receipt.feed,
                path=receipt.source_file,
                sha256=receipt.file_sha256,
                size=receipt.size,
                lookups=receipt.lookups,
                records_read=receipt.records_read,
                records_loaded=receipt.records_loaded,
                records_rejected=receipt.records_rejected,
                records_left_out=receipt.records_left_out,
                control_totals={name: str(total) for name, total in receipt.control_totals.items()},
                lake_file=receipt.lake_file,
                lake_sha256=receipt.lake_sha256,
                text_file=receipt.text_file,
                text_sha256=receipt.text_sha256,
                first_record=receipt.first_record,
                source=receipt.source,
                rejects_allowed=receipt.rejects_allowed,
            )
            for receipt in load.receipts
        ],
        parameters=load.parameters | rules,
        allowances=[
            {"source": source, "count": count, "reason": reason}
            for source, (count, reason) in {
                receipt.source: (receipt.rejects_allowed, receipt.allowance_reason)
                for receipt in load.receipts
                if receipt.rejects_allowed
            }.items()
        ],
        waivers=[waiver for waiver in workspace.waivers if waiver.check in waived and is_in_force(waiver)],
        expected_checks=all_checks(),
        marts=[*_TABLES, *evidence_tables()],
        keep_publications=company_parameters.keep_publications,
    )
    _, name = store.next_publication(workspace.published, context.run_id)

    def write_quality(directory: Path) -> None:
        title = ReportTitle(
            company_name=company_parameters.name,
            publication=name,
            run_id=context.run_id,
            as_of=datetime.now(UTC).date(),
            locale=company_parameters.locale,
        )
        # Read now, when it is certain that everything was built.
        with company.warehouse() as con:
            results = read_results(con)
            write_report(
                directory,
                results,
                title=title,
                ladder=_rows(con, "audit.ladder"),
                row_ledger=_rows(con, "audit.row_ledger"),
                reconciliation=_rows(con, "audit.ledger_reconciliation"),
                company_accounts=_rows(con, "marts.company_accounts"),
                period_closes=_rows(con, "audit.period_closes"),
                restatements=_rows(con, "audit.restatements"),
                figure_restatements=_rows(con, "audit.figure_restatements"),
                late_postings=_rows(con, "audit.late_postings"),
            )
            started = {
                each.manifest.run_id: _as_noted(each.manifest.started_at)
                for each in store.publications(workspace.published)
            }
            runs, past = read_past(con, workspace.runs, started)
            write_history_page(
                directory,
                [*runs, Run(context.run_id, _as_noted(company.started_at), "published", name)],
                [*past, *(kept_result(context.run_id, result) for result in results)],
                company=company_parameters.name,
                publication=name,
                locale=company_parameters.locale,
            )
            write_lineage_page(
                directory,
                con,
                company=company_parameters.name,
                publication=name,
                locale=company_parameters.locale,
            )
            write_notice(directory, con, company=company_parameters, publication=name)

    try:
        made = publish(
            workspace.warehouse, workspace.published, request, write_quality=write_quality, progress=report
        )
    except (NotCertified, PublicationError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
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


def _as_noted(at: datetime) -> datetime:
    """A time as runs are noted with it: UTC without time zone."""
    return at.astimezone(UTC).replace(tzinfo=None)


def _copy_check(made: store.Publication) -> dg.AssetCheckResult:
    """`publish` compared every table before it made them current; an earlier publication is hashed again."""
    problems = store.verify_files(made)
    return dg.AssetCheckResult(
        check_name="published_copy_equals_warehouse",
        passed=not problems,
        metadata={"tables": len(made.manifest.marts), "problems": "\n".join(problems) or "none"},
    )


def _segment_rules(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The version of the segment rules in force in the last month, and every version that a month used."""
    used = _texts(
        con,
        "select rule_version from marts.customer_segments group by rule_version "
        "order by max(month), rule_version",
    )
    return {"in_force": used[-1] if used else None, "used": used}


def _baseline_publications(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The publications that the baselines of targets were taken from."""
    return _texts(
        con,
        "select distinct baseline_publication from marts.target_baselines "
        "where baseline_publication is not null order by baseline_publication",
    )


def _expected_through(con: duckdb.DuckDBPyConnection) -> str | None:
    """The last month of which files were expected; None where no source is expected monthly."""
    found = _texts(con, "select cast(max(month) as varchar) from audit.expected_files")
    return found[0] if found else None


def _texts(con: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    try:
        return [text for (text,) in con.execute(query).fetchall()]
    except duckdb.CatalogException:
        return []  # not built: publish says so


def _rows(con: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    found = con.execute(f"select * from {table}")
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
