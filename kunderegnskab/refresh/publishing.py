"""Last step: the certified warehouse becomes a publication.

How that is done belongs in kunderegnskab/publication, the pages that go with it in pages.py.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from kunderegnskab.audit.models import read_models
from kunderegnskab.code_version import code_commit, code_version, lock_sha256
from kunderegnskab.dbt.project import mart_requests, project
from kunderegnskab.ingest import configuration_hashes, read_load_record
from kunderegnskab.progress import report
from kunderegnskab.publication import store
from kunderegnskab.publication.gone_sources import GONE_SOURCES, gone_sources
from kunderegnskab.publication.inputs import recorded
from kunderegnskab.publication.publish import PublishRequest, publish
from kunderegnskab.quality.certification import current_build, is_in_force, read_results
from kunderegnskab.refresh.checking import all_checks
from kunderegnskab.refresh.pages import write_pages
from kunderegnskab.refresh.warehouse import StepFailed, open_warehouse
from kunderegnskab.sql import identifier
from kunderegnskab.workspace import WAREHOUSE_CATALOG, Workspace, journal


def publish_build(
    workspace: Workspace,
    run_id: str,
    started_at: datetime,
    *,
    again: bool,
) -> tuple[store.Publication, bool]:
    """Publish this build of the warehouse, unless a check stands in the way.

    Args:
        again: publish even if nothing has changed.

    Returns:
        The publication, and whether it is new: without a change it is the current one.

    Raises:
        StepFailed: nothing has been loaded, or not with this configuration.
        NotCertified: a check stands in the way.
        PublicationError: the warehouse cannot be published exactly.
    """
    with open_warehouse(workspace) as con:
        loaded = current_build(con)
        if loaded is None:
            raise StepFailed("Nothing has been loaded, run a refresh.")
        load = read_load_record(con)
        rules_in_force = {
            "segment_rules": _segment_rules(con),
            "baselines": _baseline_publications(con),
            "expected_through": _expected_through(con),
            GONE_SOURCES: gone_sources(con),
        }
        waived = {result.check_name for result in read_results(con) if result.status == "waived"}
        queries = _view_queries(con)
    if configuration_hashes(workspace) != load.parameters["configuration"]:
        raise StepFailed("The configuration has changed since the files were loaded, run a refresh.")
    earlier = store.unchanged(workspace.published, loaded.input_hash, loaded.code_version)
    if earlier is not None and not again:
        return earlier, False
    company = workspace.company
    request = PublishRequest(
        run_id=run_id,
        made_by=journal.made_by(),
        journal_sha256=journal.head(workspace),
        started_at=started_at,
        company=company.name,
        locale=company.locale,
        currency=company.currency,
        code_version=code_version(),
        code_commit=code_commit(),
        lock_sha256=lock_sha256(),
        input_hash=loaded.input_hash,
        inputs=[recorded(receipt) for receipt in load.receipts],
        parameters=load.parameters | rules_in_force,
        allowances=[
            {"source": source, "count": count, "reason": reason}
            for source, (count, reason) in {
                receipt.source: (receipt.rejects_allowed, receipt.allowance_reason)
                for receipt in load.receipts
                if receipt.rejects_allowed
            }.items()
        ],
        waivers=[waiver for waiver in workspace.waivers if waiver.check in waived and is_in_force(waiver)],
        expected_checks=all_checks(workspace),
        marts=mart_requests(project(workspace), queries),
        keep_publications=company.keep_publications,
    )
    _, name = store.next_publication(workspace.published, run_id)

    def write_quality(directory: Path) -> None:
        # Read now, when it is certain that everything was built.
        with open_warehouse(workspace) as con:
            write_pages(
                directory,
                workspace,
                con,
                company=company,
                results=read_results(con),
                publication=name,
                run_id=run_id,
                started_at=started_at,
            )

    made = publish(
        workspace.warehouse, workspace.published, request, write_quality=write_quality, progress=report
    )
    return made, True


def _view_queries(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The SELECT of every view of marts, by `schema.table`, in whatever file its tables lie."""
    try:
        models = read_models(con, WAREHOUSE_CATALOG)
    except duckdb.CatalogException:
        return {}  # not built: publish says so
    # dbt names a relation by catalog, schema and name; in a publication the catalog is another.
    return {
        name: model.query.replace(f"{identifier(WAREHOUSE_CATALOG)}.", "")
        for name, model in models.items()
        if model.schema == "marts" and model.kind == "view"
    }


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
