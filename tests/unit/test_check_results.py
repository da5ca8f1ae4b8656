"""The files that keep how the checks of every run went."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from kunderegnskab.quality.certification import CheckResult, record, start_build, start_load
from kunderegnskab.quality.runs import (
    COLUMNS,
    NoSuchRun,
    Run,
    find_run,
    keep_run,
    read_run_results,
    read_runs,
)

FAILED = Run("11111111-a", datetime(2026, 3, 1, 5), "failed", None)
PUBLISHED = Run("22222222-b", datetime(2026, 3, 2, 5), "published", "0001-22222222")


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "kunderegnskab.duckdb"
    with duckdb.connect(str(path)) as con:
        start_load(con, load_id="old", run_id="old", input_hash="1", code_version="1")
        start_build(con, "old build")
        record(con, [_result("stale", "dbt")])
        start_build(con, "build")
        record(con, [_result("total", "gate", "failed"), _result("date", "door")])
    return path


def _result(name: str, stage: str, status: str = "passed") -> CheckResult:
    return CheckResult.model_validate(
        {
            "check_name": name,
            "stage": stage,
            "subject": "sales_lines",
            "is_blocking": True,
            "status": status,
            "failing_rows": 2,
            "detail": "customer_id = 4711",
            "failing_sql": "select 1",
        }
    )


def test_a_run_keeps_the_results_of_its_own_build_without_the_rows(tmp_path: Path, warehouse: Path) -> None:
    path = keep_run(tmp_path / "runs", FAILED, warehouse)
    results = read_run_results(tmp_path / "runs", [FAILED.run_id])
    assert [(each.stage, each.check_name, each.status) for each in results] == [
        ("door", "date", "passed"),
        ("gate", "total", "failed"),
    ]
    assert b"4711" not in path.read_bytes()
    with duckdb.connect() as con:
        described = con.execute(f"describe from '{path}'").fetchall()
    assert {row[0]: row[1].lower() for row in described} == COLUMNS
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_run_that_ended_before_its_first_check_is_known(tmp_path: Path) -> None:
    keep_run(tmp_path, FAILED, None)
    assert read_runs(tmp_path) == [FAILED]
    assert read_run_results(tmp_path, [FAILED.run_id]) == []


def test_runs_are_found_as_people_name_them(tmp_path: Path, warehouse: Path) -> None:
    for run in (PUBLISHED, FAILED):
        keep_run(tmp_path / "runs", run, warehouse)
    folder = tmp_path / "runs"
    assert read_runs(folder) == [FAILED, PUBLISHED]
    assert find_run(folder, "last") == PUBLISHED
    assert find_run(folder, "1111") == FAILED
    assert find_run(folder, "0001-22222222") == PUBLISHED
    with pytest.raises(NoSuchRun, match="No run is named 9"):
        find_run(folder, "9")


def test_an_unfinished_file_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / ".tmp-x.parquet").write_bytes(b"half")
    assert read_runs(tmp_path) == []
    keep_run(tmp_path, FAILED, None)
    assert [path.name for path in tmp_path.iterdir()] == [f"{FAILED.run_id}.parquet"]
