"""Great Expectations suites as blocking asset checks: one per raw feed (door) and per mart (gate).

What a suite expects belongs in `kunderegnskab.quality`. Rules about keys, relationships and sums are dbt
tests, which become asset checks by themselves.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import dagster as dg

from kunderegnskab.feeds import load_feeds
from kunderegnskab.quality.certification import GOOD_STATUSES, CheckResult
from kunderegnskab.quality.door import door_catalogue
from kunderegnskab.quality.gate import gate_catalogue
from kunderegnskab.quality.metric_checks import MetricCheck
from kunderegnskab.refresh import checking
from kunderegnskab_orchestration.asset_keys import asset_key
from kunderegnskab_orchestration.resources import CompanyWorkspace
from kunderegnskab_orchestration.tags import FULL


def _suites(stage: str, layer: str, catalogue: Sequence[MetricCheck]) -> list[dg.AssetCheckSpec]:
    """One check per subject; it blocks if an expectation that blocks fails, and warns otherwise."""
    return [
        dg.AssetCheckSpec(
            name=f"{stage}__{subject}",
            asset=asset_key(layer, subject),
            blocking=True,
            description="\n".join(f"- {check.en}" for check in catalogue if check.subject == subject),
        )
        for subject in dict.fromkeys(check.subject for check in catalogue)
    ]


def suite_result(asset_key: dg.AssetKey, name: str, suite: Sequence[CheckResult]) -> dg.AssetCheckResult:
    """How the checks of one subject came out, as one check of Dagster's with a line for each of them."""
    failed = [result for result in suite if result.status not in GOOD_STATUSES]
    blocks = any(result.hinders for result in suite)
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=asset_key,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
        description="\n".join(f"{result.expectation}\n{result.detail}" for result in failed) or None,
        metadata={result.check_name: f"{result.status}: {result.observed}" for result in suite},
    )


def _reported(stage: str, layer: str, results: Sequence[CheckResult]) -> Iterator[dg.AssetCheckResult]:
    ordered = sorted(results, key=lambda result: result.subject)
    for subject, suite in groupby(ordered, key=lambda result: result.subject):
        yield suite_result(asset_key(layer, subject), f"{stage}__{subject}", list(suite))


@dg.multi_asset_check(name="door", specs=_suites("door", "raw", door_catalogue(list(load_feeds()))))
def door(context: dg.AssetCheckExecutionContext, company: CompanyWorkspace) -> Iterator[dg.AssetCheckResult]:
    """What must hold for the files before anything is built on them."""
    yield from _reported("door", "raw", checking.check_files(company.folder, again=FULL in context.run.tags))


@dg.multi_asset_check(name="gate", specs=_suites("gate", "marts", gate_catalogue()))
def gate(context: dg.AssetCheckExecutionContext, company: CompanyWorkspace) -> Iterator[dg.AssetCheckResult]:
    """What must hold for the totals before they are published."""
    yield from _reported("gate", "marts", checking.check_totals(company.folder))
