"""Great Expectations as blocking asset checks: at the door (raw feeds) and at the gate (marts).

What is checked belongs in `kunderegnskab.quality`. Rules about keys, relationships and sums are dbt tests,
which become asset checks by themselves.
"""

from collections.abc import Iterator, Sequence
from datetime import date

import dagster as dg

from kunderegnskab.feeds import load_feeds
from kunderegnskab.progress import report
from kunderegnskab.publication import store
from kunderegnskab.quality.certification import CheckResult, record
from kunderegnskab.quality.door import door_catalogue, run_door
from kunderegnskab.quality.gate import gate_catalogue, run_gate
from kunderegnskab.quality.metric_checks import MetricCheck
from orchestration.resources import WRITER_POOL, CompanyWorkspace

_FEEDS = list(load_feeds())


def _specs(layer: str, catalogue: Sequence[MetricCheck]) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            name=check.check_name, asset=[layer, check.subject], blocking=check.is_blocking, description=check.en
        )
        for check in catalogue
    ]


def _reported(layer: str, results: Sequence[CheckResult]) -> Iterator[dg.AssetCheckResult]:
    for result in results:
        yield dg.AssetCheckResult(
            check_name=result.check_name,
            asset_key=dg.AssetKey([layer, result.subject]),
            passed=result.status in ("passed", "waived"),
            severity=dg.AssetCheckSeverity.ERROR if result.is_blocking else dg.AssetCheckSeverity.WARN,
            description=result.detail or None,
            metadata={"status": result.status, "observed": result.observed},
        )


@dg.multi_asset_check(name="door", specs=_specs("raw", door_catalogue(_FEEDS)), pool=WRITER_POOL)
def door(context: dg.AssetCheckExecutionContext, company: CompanyWorkspace) -> Iterator[dg.AssetCheckResult]:
    """What must hold for the files before anything is built on them."""
    report("checking the files", 0, 1)
    with company.warehouse() as con:
        results = record(con, run_door(con, _FEEDS, date.today()), company.folder.waivers)
    yield from _reported("raw", results)


@dg.multi_asset_check(name="gate", specs=_specs("marts", gate_catalogue()), pool=WRITER_POOL)
def gate(context: dg.AssetCheckExecutionContext, company: CompanyWorkspace) -> Iterator[dg.AssetCheckResult]:
    """What must hold for the totals before they are published."""
    report("checking the totals", 0, 1)
    previous = store.current(company.folder.published)
    with company.warehouse() as con:
        results = run_gate(con, previous.database if previous else None)
        results = record(con, results, company.folder.waivers)
    yield from _reported("marts", results)
