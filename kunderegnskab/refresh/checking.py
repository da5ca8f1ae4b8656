"""Second and fourth step: what must hold for the files before the models run, and for the totals after them.

What is expected belongs in kunderegnskab/quality. Keys, relationships and sums are rules of the dbt project,
which the build asks.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from kunderegnskab.dbt.project import expected_checks, project
from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest import Intake, LoadRecord, read_load_record
from kunderegnskab.personal.names import names_in
from kunderegnskab.progress import report
from kunderegnskab.publication import store
from kunderegnskab.publication.gone_sources import note_gone_sources
from kunderegnskab.quality.certification import CheckResult, ExpectedCheck, record, utc_now, waived
from kunderegnskab.quality.door import door_checks, run_door, run_door_where_changed
from kunderegnskab.quality.gate import Contradicted, gate_checks, run_gate
from kunderegnskab.refresh.warehouse import open_warehouse
from kunderegnskab.workspace import Company, Workspace

# The second path holds every sales line in memory: 13 seconds and 2.5 GB for 2 million. Of a company with
# more lines than this the gate computes the credit time again, which needs none of them; `verify` the rest.
SALES_LINES_COMPUTED_TWICE = 1_000_000


def all_checks(workspace: Workspace) -> list[ExpectedCheck]:
    """Every check that a publication must be able to show a result of: door, dbt and gate."""
    return [*door_checks(list(load_feeds())), *expected_checks(project(workspace)), *gate_checks()]


def check_files(workspace: Workspace, *, again: bool) -> list[CheckResult]:
    """What must hold for the files before anything is built on them.

    Args:
        again: also check what has passed and not changed since.
    """
    report("checking the files", 0, 1)
    with open_warehouse(workspace) as con:
        began = utc_now()
        results = run_door_where_changed(workspace, con, list(load_feeds()), began.date(), again=again)
        return record(con, results, workspace.waivers, at=began)


def looked_at(workspace: Workspace, con: duckdb.DuckDBPyConnection, intake: Intake) -> list[CheckResult]:
    """What a refresh would find of files that were read, before anything is built on them; keeps nothing.

    Args:
        con: a database whose schema raw is loaded from them.
    """
    current = store.current(workspace.published)
    note_gone_sources(con, workspace, intake, current.manifest.inputs if current else ())
    today = utc_now().date()
    return waived(run_door(con, list(load_feeds()), today), workspace.waivers, today)


def check_totals(workspace: Workspace) -> list[CheckResult]:
    """What must hold for the totals before they are published."""
    report("checking the totals", 0, 1)
    previous = store.current(workspace.published)
    with open_warehouse(workspace) as con:
        began = utc_now()
        results = judged_totals(workspace, con, previous.database if previous else None, began.date())
        return record(con, results, workspace.waivers, at=began)


def judged_totals(
    workspace: Workspace, con: duckdb.DuckDBPyConnection, previous: Path | None, as_of: date
) -> list[CheckResult]:
    """How the totals of a built warehouse come out: of this workspace's, or of one computed a second time.

    Args:
        con: the warehouse.
        previous: the kunderegnskab.duckdb of the publication that it follows, if there is one.
        as_of: the day that counts as today.

    Raises:
        CannotTrace: a lake file, or the secret of the pseudonyms, is gone.
    """
    load = read_load_record(con)
    company = Company.recorded(load.parameters)
    names = _names(workspace, load) if company.salesperson_keys == "pseudonym" else ()
    return run_gate(con, previous, as_of, names, _contradicted(workspace, con, load))


def _contradicted(
    workspace: Workspace, con: duckdb.DuckDBPyConnection, load: LoadRecord
) -> list[Contradicted]:
    """The figures of the accounts that the second path computes otherwise."""
    # Imported here because pandas takes a second, and only this step needs it.
    from kunderegnskab.audit.recalculation import recalculate_accounts
    from kunderegnskab.audit.recalculation.records import Supplied

    lines = sum(receipt.records_loaded for receipt in load.receipts if receipt.feed == "sales_lines")
    figures = recalculate_accounts(
        Supplied.to_warehouse(workspace, load), con, whole=lines <= SALES_LINES_COMPUTED_TWICE
    )
    return [
        (each.figure, each.scope_id, each.month, each.published, each.recalculated)
        for each in figures
        if not each.agrees
    ]


def _names(workspace: Workspace, load: LoadRecord) -> set[str]:
    return names_in((receipt.feed, workspace.lake / receipt.lake_file) for receipt in load.receipts)
