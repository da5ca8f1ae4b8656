"""The pages of a publication that a person reads: quality report, checks over time, lineage, notice.

What each page says belongs to the room that writes it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from kunderegnskab.audit.lineage_page import write_lineage_page
from kunderegnskab.audit.notice import write_notice
from kunderegnskab.dbt.project import parse_folder
from kunderegnskab.publication import store
from kunderegnskab.quality.certification import CheckResult
from kunderegnskab.quality.history_page import read_past, write_history_page
from kunderegnskab.quality.report import ReportTitle, write_report
from kunderegnskab.quality.runs import Run, kept_result
from kunderegnskab.workspace import Company, Workspace


def write_pages(
    directory: Path,
    workspace: Workspace,
    con: duckdb.DuckDBPyConnection,
    *,
    company: Company,
    results: Sequence[CheckResult],
    publication: str,
    run_id: str,
    started_at: datetime,
    later_runs: Collection[str] = (),
) -> None:
    """Write the pages into the folder of a publication that is being made, or that is made a second time.

    They follow from these arguments, the warehouse and what is kept of earlier runs, and not from the clock.

    Args:
        con: the warehouse, after everything was built and checked.
        results: how the checks of the publication came out.
        publication: the name that it will have, or has.
        started_at: when the run took hold of the workspace.
        later_runs: ids of the runs that are to be left out, because they had not ended then.
    """
    title = ReportTitle(
        company_name=company.name,
        publication=publication,
        run_id=run_id,
        as_of=started_at.astimezone(UTC).date(),
        locale=company.locale,
    )
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

    def started(name: str) -> datetime | None:
        found = store.find(workspace.published, name)
        return _as_noted(found.manifest.started_at) if found is not None else None

    runs, past = read_past(con, workspace.runs, started, later_runs)
    write_history_page(
        directory,
        [*runs, Run(run_id, _as_noted(started_at), "published", publication)],
        [*past, *(kept_result(run_id, result) for result in results)],
        company=company.name,
        publication=publication,
        locale=company.locale,
    )
    write_lineage_page(
        directory,
        con,
        company=company.name,
        publication=publication,
        locale=company.locale,
        kept=parse_folder(workspace),
    )
    write_notice(directory, con, company=company, publication=publication)


def _as_noted(at: datetime) -> datetime:
    """A time as runs are noted with it: UTC without time zone."""
    return at.astimezone(UTC).replace(tzinfo=None)


def _rows(con: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    found = con.execute(f"select * from {table} order by all")
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
