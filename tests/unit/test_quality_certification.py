"""A result counts only for its own load or build, and only a waiver by name lets a failure pass."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

import duckdb
import pytest
from pydantic import ValidationError

from kunderegnskab.quality.certification import (
    CertificationError,
    CheckResult,
    ExpectedCheck,
    Stage,
    Uncertified,
    Waiver,
    current_build,
    read_results,
    record,
    start_build,
    start_load,
    uncertified,
)

EXPECTED = [
    ExpectedCheck(stage="door", check_name="door_check"),
    ExpectedCheck(stage="dbt", check_name="dbt_check"),
    ExpectedCheck(stage="gate", check_name="gate_check"),
]
TODAY = date(2026, 3, 1)
NOON = datetime.combine(TODAY, time(12))


def result(stage: Stage, **changes: Any) -> CheckResult:
    values: dict[str, Any] = {
        "check_name": f"{stage}_check",
        "stage": stage,
        "subject": "sales_lines",
        "is_blocking": True,
        "status": "passed",
    }
    return CheckResult(**(values | changes))


def load(con: duckdb.DuckDBPyConnection, load_id: str = "load-1") -> None:
    start_load(con, load_id=load_id, run_id="run-1", input_hash="abc", code_version="1.0")


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def certified(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    load(con)
    record(con, [result("door")])
    start_build(con, "build-1")
    record(con, [result("dbt"), result("gate")])
    assert uncertified(con, EXPECTED) == []
    return con


def why(con: duckdb.DuckDBPyConnection, expected: list[ExpectedCheck] = EXPECTED) -> dict[str, str]:
    return {reason.check_name: reason.why for reason in uncertified(con, expected)}


def test_an_empty_database_and_a_load_without_a_build_are_uncertified(con: duckdb.DuckDBPyConnection) -> None:
    assert current_build(con) is None
    assert uncertified(con, []) == [
        Uncertified(check_name="build", stage="dbt", why="nothing has been loaded")
    ]
    load(con)
    record(con, [result("door")])
    assert why(con) == {"build": "the loaded data has not been built"}
    build = current_build(con)
    assert build is not None
    assert (build.load_id, build.build_id, build.run_id) == ("load-1", None, "run-1")
    assert (build.input_hash, build.code_version, build.loaded_at.tzinfo) == ("abc", "1.0", None)


def test_a_missing_result_hinders(certified: duckdb.DuckDBPyConnection) -> None:
    certified.execute("delete from audit.check_results where stage = 'dbt'")
    assert why(certified) == {"dbt_check": "has no result"}
    certified.execute("drop table audit.check_results")
    assert set(why(certified)) == {"door_check", "dbt_check", "gate_check"}


def test_a_new_build_voids_dbt_and_gate_results_but_not_the_door(
    certified: duckdb.DuckDBPyConnection,
) -> None:
    start_build(certified, "build-2")
    assert why(certified) == dict.fromkeys(
        ["dbt_check", "gate_check"], "its result belongs to an earlier load or build"
    )
    assert [r.check_name for r in read_results(certified)] == ["door_check"]
    record(certified, [result("dbt"), result("gate")])
    assert why(certified) == {}


def test_a_new_load_voids_everything(certified: duckdb.DuckDBPyConnection) -> None:
    load(certified, "load-2")
    assert why(certified) == {"build": "the loaded data has not been built"}
    start_build(certified, "build-1")  # even under the id of an earlier build
    assert set(why(certified)) == {"door_check", "dbt_check", "gate_check"}


@pytest.mark.parametrize("status", ["failed", "error"])
def test_a_failed_blocking_check_hinders_and_says_why(
    certified: duckdb.DuckDBPyConnection, status: Any
) -> None:
    record(certified, [result("gate", status=status, detail="month=2025-01-01")])
    assert why(certified) == {"gate_check": f"{status}: month=2025-01-01"}


def test_a_failed_blocking_check_hinders_even_when_nobody_expected_it(
    certified: duckdb.DuckDBPyConnection,
) -> None:
    record(certified, [result("dbt", check_name="new_test", status="failed")])
    assert why(certified) == {"new_test": "failed"}
    start_build(certified, "build-2")  # a test that no longer exists must not hinder for ever
    record(certified, [result("dbt"), result("gate")])
    assert why(certified) == {}


def test_warning_checks_never_hinder(certified: duckdb.DuckDBPyConnection) -> None:
    record(certified, [result("gate", check_name="warning", is_blocking=False, status="failed")])
    assert why(certified) == {}
    expected = [
        *EXPECTED,
        ExpectedCheck(stage="gate", check_name="warning", is_blocking=False),
        ExpectedCheck(stage="door", check_name="missing", is_blocking=False),
    ]
    assert why(certified, expected) == {}


def test_a_check_that_must_block_is_not_certified_by_a_warning(certified: duckdb.DuckDBPyConnection) -> None:
    record(certified, [result("gate", is_blocking=False, status="failed")])
    assert why(certified) == {"gate_check": "failed"}


@pytest.mark.parametrize(
    ("column", "reason"),
    [("status", "has no status"), ("stamp", "its result belongs to an earlier load or build")],
)
def test_null_never_certifies(certified: duckdb.DuckDBPyConnection, column: str, reason: str) -> None:
    certified.execute(f"update audit.check_results set {column} = null where stage = 'gate'")
    assert why(certified) == {"gate_check": reason}


def test_a_null_severity_counts_as_blocking(certified: duckdb.DuckDBPyConnection) -> None:
    certified.execute("update audit.check_results set is_blocking = null, status = 'failed'")
    assert set(why(certified)) == {"door_check", "dbt_check", "gate_check"}


def test_a_result_replaces_the_earlier_one_of_the_same_stage_and_name(
    certified: duckdb.DuckDBPyConnection,
) -> None:
    record(certified, [result("dbt", check_name="gate_check", status="passed", failing_rows=0)])
    record(certified, [result("gate", status="failed", failing_rows=7, observed="7", expectation_da="Nej")])
    stored = [r for r in read_results(certified) if r.check_name == "gate_check"]
    assert [(r.stage, r.status, r.failing_rows) for r in stored] == [
        ("dbt", "passed", 0),
        ("gate", "failed", 7),
    ]
    assert stored[1] == result("gate", status="failed", failing_rows=7, observed="7", expectation_da="Nej")


def test_results_recorded_out_of_order_or_twice_are_refused(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(CertificationError, match="start_load"):
        record(con, [result("door")])
    with pytest.raises(CertificationError, match="start_load"):
        start_build(con, "build-1")
    load(con)
    with pytest.raises(CertificationError, match="dbt"):
        record(con, [result("door"), result("dbt")])
    with pytest.raises(CertificationError, match="More than one"):
        record(con, [result("door"), result("door", status="failed")])
    assert record(con, []) == []
    assert read_results(con) == []


def test_a_waiver_lets_one_named_failure_pass_and_is_recorded(certified: duckdb.DuckDBPyConnection) -> None:
    waiver = Waiver(check="gate_check", reason="Fil mangler", person="Lise Holm", valid_to=TODAY)
    stored = record(
        certified, [result("gate", status="failed", detail="month=2025-01-01")], [waiver], at=NOON
    )
    assert stored[0].status == "waived"
    assert stored[0].detail == "Waived by Lise Holm until 2026-03-01: Fil mangler\nmonth=2025-01-01"
    assert why(certified) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"check": "gate_*"},
        {"check": "gate%"},
        {"check": "gate"},
        {"check": "GATE_CHECK"},
        {"check": ".*"},
        {"valid_to": date(2026, 2, 28)},
    ],
)
def test_a_waiver_by_pattern_or_out_of_date_waives_nothing(
    certified: duckdb.DuckDBPyConnection, changes: dict[str, Any]
) -> None:
    waiver = Waiver.model_validate({"check": "gate_check", "reason": "because", "person": "p"} | changes)
    record(certified, [result("gate", status="failed")], [waiver], at=NOON)
    assert why(certified) == {"gate_check": "failed"}


def test_a_waiver_touches_neither_errors_nor_passes_nor_warnings(
    certified: duckdb.DuckDBPyConnection,
) -> None:
    waivers = [
        Waiver(check=f"{stage}_check", reason="because", person="p") for stage in ("door", "dbt", "gate")
    ]
    given = [
        result("door"),
        result("dbt", status="error"),
        result("gate", status="failed", is_blocking=False),
    ]
    assert record(certified, given, waivers) == given


@pytest.mark.parametrize("missing", ["check", "reason", "person"])
def test_a_waiver_needs_a_check_a_reason_and_a_person(missing: str) -> None:
    with pytest.raises(ValidationError):
        Waiver.model_validate({"check": "c", "reason": "because", "person": "p"} | {missing: ""})
