"""One check = one number measured by DuckDB and the range Great Expectations must find it in.

Here: how a check is declared and how a set of checks is measured and validated. Not here: which checks there
are (door.py, gate.py) and what their outcome means for a publication (certification.py).

DuckDB measures, so Great Expectations only sees a frame with a row per check. Numbers stay int or Decimal all
the way: as a float an amount of 17 digits would be rounded before it is compared.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from types import ModuleType
from typing import Any, Literal

import duckdb

from kunderegnskab.quality.certification import CheckResult, Stage, told_of

SHOWN_ROWS = 5
NOT_APPLICABLE = "not applicable"

Number = int | Decimal


@dataclass(frozen=True, kw_only=True)
class MetricCheck:
    """A number and the range it must lie in, bounds included."""

    check_name: str
    subject: str
    """The feed or mart that the check is about."""
    is_blocking: bool
    metric: str
    """SQL giving one row: the number, or (unit %) a part and its whole. NULL fails the check. A whole that is
    NULL or not positive means that there is nothing to compare: the check passes as not applicable."""
    unit: Literal["rows", "%", "amount"]
    minimum: int | None = None
    maximum: int | None = None
    above_minimum: bool = False
    """The minimum itself is outside the range."""
    en: str
    da: str
    failing: str
    """SQL listing the rows to look at when the check fails, most telling first."""

    @property
    def counts_failing_rows(self) -> bool:
        """True when the number is itself the count of rows that break the rule."""
        return self.unit == "rows" and self.maximum == 0


def run_checks(
    con: duckdb.DuckDBPyConnection, stage: Stage, checks: Sequence[MetricCheck]
) -> list[CheckResult]:
    """Measures every check and validates all numbers in one Great Expectations run, in the order given.

    A check whose SQL cannot run gets the status `error`; the others are still judged.
    """
    numbers: dict[str, Number | None] = {}
    settled: dict[str, CheckResult] = {}
    for check in checks:
        try:
            value = _measure(con, check)
        except duckdb.Error as error:
            settled[check.check_name] = result_of(check, stage, "error", detail=str(error))
            continue
        if value == NOT_APPLICABLE:
            settled[check.check_name] = result_of(check, stage, "passed", observed=NOT_APPLICABLE)
        else:
            numbers[check.check_name] = value

    passed = _validate([c for c in checks if c.check_name in numbers], numbers)
    for check in checks:
        if check.check_name in settled:
            continue
        value = numbers[check.check_name]
        is_passed = passed[check.check_name]
        settled[check.check_name] = result_of(
            check,
            stage,
            "passed" if is_passed else "failed",
            observed=_shown(value, check.unit),
            failing_rows=int(value) if check.counts_failing_rows and value is not None else None,
            detail="" if is_passed else _failing_rows(con, check),
        )
    return [settled[check.check_name] for check in checks]


def result_of(
    check: MetricCheck,
    stage: Stage,
    status: Literal["passed", "failed", "error"],
    *,
    observed: str = "",
    failing_rows: int | None = None,
    detail: str = "",
) -> CheckResult:
    """The result of `check` with its names and sentences filled in."""
    return CheckResult(
        check_name=check.check_name,
        stage=stage,
        subject=check.subject,
        is_blocking=check.is_blocking,
        status=status,
        failing_rows=failing_rows,
        observed=observed,
        expectation=check.en,
        expectation_da=check.da,
        detail=detail,
        failing_sql="" if status == "passed" else " ".join(check.failing.split()),
    )


def _measure(con: duckdb.DuckDBPyConnection, check: MetricCheck) -> Number | Literal["not applicable"] | None:
    row = con.execute(check.metric).fetchone()
    if row is None or not all(value is None or isinstance(value, int | Decimal) for value in row):
        raise TypeError(f"The metric of {check.check_name} must give one row of exact numbers, not {row}.")
    if check.unit != "%":
        return row[0]
    part, whole = row
    if whole is None or whole <= 0:
        return NOT_APPLICABLE
    return None if part is None else Decimal(100) * part / whole


def prepare() -> None:
    """Begin to import Great Expectations, which takes seconds, beside other work.

    What goes wrong is raised where the library is used. It may be called any number of times.
    """
    # Packages that other work may import at the same moment come first, and here: two threads that enter
    # packages which import one another from different ends would see each other's halves.
    import numpy
    import pandas
    import pyarrow

    del numpy, pandas, pyarrow
    _library()


@cache
def _library() -> Future[ModuleType]:
    # The thread ends before the program does. A daemon's would be cut off in the middle of an import, which
    # some packages answer by aborting the program.
    executor = ThreadPoolExecutor(1, thread_name_prefix="great-expectations")
    try:
        return executor.submit(_import_library)
    finally:
        executor.shutdown(wait=False)


def _import_library() -> ModuleType:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when the library is imported
    import great_expectations
    import great_expectations.data_context.types.base
    import great_expectations.expectations.core.expect_column_values_to_be_between
    import great_expectations.expectations.core.expect_column_values_to_not_be_null

    return great_expectations


_Range = tuple[int | None, int | None, bool]


def _validate(checks: Sequence[MetricCheck], numbers: dict[str, Number | None]) -> dict[str, bool]:
    """Whether each check's number is there and lies in its range.

    Great Expectations takes as long for an expectation as for thousands of rows, so checks are the rows of
    one frame, and the checks of one range share an expectation.
    """
    if not checks:
        return {}
    gx = _library().result()
    import pandas as pd
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.expectations.core.expect_column_values_to_be_between import (
        ExpectColumnValuesToBeBetween,
    )
    from great_expectations.expectations.core.expect_column_values_to_not_be_null import (
        ExpectColumnValuesToNotBeNull,
    )

    by_range: dict[_Range, list[str]] = {}
    for check in checks:
        by_range.setdefault((check.minimum, check.maximum, check.above_minimum), []).append(check.check_name)
    # Column -> the checks that its expectation is about; in the other rows it is NULL and passes.
    everyone = [check.check_name for check in checks]
    asked = {"number": everyone}
    expectations = [ExpectColumnValuesToNotBeNull(column="number")]
    for place, ((minimum, maximum, above_minimum), names) in enumerate(by_range.items()):
        asked[f"range_{place}"] = names
        expectations.append(
            ExpectColumnValuesToBeBetween(
                column=f"range_{place}",
                min_value=minimum,
                max_value=maximum,
                strict_min=above_minimum,
            )
        )
    # dtype object keeps Decimal as it is; Great Expectations then compares it with Python's exact operators.
    frame = pd.DataFrame(
        {
            column: pd.Series([numbers[name] if name in names else None for name in everyone], dtype=object)
            for column, names in asked.items()
        }
        | {"check_name": everyone}
    )
    # A configuration of our own, because the default one leaves a folder behind in /tmp on every run.
    settings = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=settings)
    asset = context.data_sources.add_pandas("duckdb").add_dataframe_asset("metrics")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(name="checks", expectations=expectations)
    outcome = batch.validate(
        suite,
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["check_name"]},
    )

    # A check passes only on two answers: an expectation that gave none has not been met.
    answers = dict.fromkeys(everyone, 0)
    for result in outcome.results:
        if result.expectation_config is None:
            continue
        names = asked[result.expectation_config.kwargs["column"]]
        for name in _met(result, names):
            answers[name] += 1
    return {name: count == 2 for name, count in answers.items()}


def _met(result: Any, names: Sequence[str]) -> Sequence[str]:
    """The checks of an expectation that meet it."""
    if result.success is True:
        return names
    # An expectation that failed without saying where has been met by nobody.
    listed = (result.result or {}).get("unexpected_index_list")
    unmet = {row["check_name"] for row in listed or []}
    return [name for name in names if name not in unmet] if unmet else []


def _failing_rows(con: duckdb.DuckDBPyConnection, check: MetricCheck) -> str:
    try:
        cursor = con.execute(f"{check.failing} limit {SHOWN_ROWS}")
        names = [column[0] for column in cursor.description or []]
        lines = [
            ", ".join(f"{name}={value}" for name, value in told_of(names, row)) for row in cursor.fetchall()
        ]
    except duckdb.Error as error:
        lines = [f"The rows could not be listed: {error}"]
    return "\n".join(lines)


def _shown(value: Number | None, unit: str) -> str:
    if value is None:
        return "NULL"
    text = f"{value:.4f}" if unit == "%" else f"{value:f}" if isinstance(value, Decimal) else str(value)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text} %" if unit == "%" else text
