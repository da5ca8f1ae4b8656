"""Great Expectations suites as blocking asset checks: one per raw feed (door) and per mart (gate).

What a suite expects belongs in `kunderegnskab.quality`. Rules about keys, relationships and sums are dbt
tests, which become asset checks by themselves.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby

import dagster as dg
import duckdb

from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest import read_load_record
from kunderegnskab.personal.names import names_in
from kunderegnskab.progress import report
from kunderegnskab.publication import store
from kunderegnskab.quality.certification import GOOD_STATUSES, CheckResult, record
from kunderegnskab.quality.door import door_catalogue, run_door
from kunderegnskab.quality.gate import gate_catalogue, run_gate
from kunderegnskab.quality.metric_checks import MetricCheck
from kunderegnskab.workspace import Workspace
from orchestration.resources import WRITER_POOL, CompanyWorkspace

_FEEDS = list(load_feeds())


def _suites(stage: str, layer: str, catalogue: Sequence[MetricCheck]) -> list[dg.AssetCheckSpec]:
    """One check per subject; it blocks if an expectation that blocks fails, and warns otherwise."""
    return [
        dg.AssetCheckSpec(
            name=f"{stage}__{subject}",
            asset=[layer, subject],
            blocking=True,
            description="\n".join(f"- {check.en}" for check in catalogue if check.subject == subject),
        )
        for subject in dict.fromkeys(check.subject for check in catalogue)
    ]


def _reported(stage: str, layer: str, results: Sequence[CheckResult]) -> Iterator[dg.AssetCheckResult]:
    ordered = sorted(results, key=lambda result: result.subject)
    for subject, group in groupby(ordered, key=lambda result: result.subject):
        suite = list(group)
        failed = [result for result in suite if result.status not in GOOD_STATUSES]
        blocks = any(result.is_blocking for result in failed)
        yield dg.AssetCheckResult(
            check_name=f"{stage}__{subject}",
            asset_key=dg.AssetKey([layer, subject]),
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
            description="\n".join(f"{result.expectation}\n{result.detail}" for result in failed) or None,
            metadata={result.check_name: f"{result.status}: {result.observed}" for result in suite},
        )


@dg.multi_asset_check(name="door", specs=_suites("door", "raw", door_catalogue(_FEEDS)), pool=WRITER_POOL)
def door(context: dg.AssetCheckExecutionContext, company: CompanyWorkspace) -> Iterator[dg.AssetCheckResult]:
    """What must hold for the files before anything is built on them."""
    report("checking the files", 0, 1)
    with company.warehouse() as con:
        results = record(con, run_door(con, _FEEDS, date.today()), company.folder.waivers)
    yield from _reported("door", "raw", results)


def _names(workspace: Workspace, con: duckdb.DuckDBPyConnection) -> set[str]:
    receipts = read_load_record(con).receipts
    return names_in((receipt.feed, workspace.lake / receipt.lake_file) for receipt in receipts)


@dg.multi_asset_check(name="gate", specs=_suites("gate", "marts", gate_catalogue()), pool=WRITER_POOL)
def gate(context: dg.AssetCheckExecutionContext, company: CompanyWorkspace) -> Iterator[dg.AssetCheckResult]:
    """What must hold for the totals before they are published."""
    report("checking the totals", 0, 1)
    previous = store.current(company.folder.published)
    with company.warehouse() as con:
        names = _names(company.folder, con) if company.folder.company.salesperson_keys == "pseudonym" else ()
        results = run_gate(con, previous.database if previous else None, names)
        results = record(con, results, company.folder.waivers)
    yield from _reported("gate", "marts", results)
