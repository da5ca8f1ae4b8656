"""Warehouses that the dbt tests share: each is built once per test run, and each process has its copy.

A test that changes a warehouse has a copy of its own (`small_company_to_break`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from replay import Replay
from shared import BuiltOnce
from small_company import COMPANY, FEEDS
from warehouse import Build, create_raw, dbt, statuses

# DuckDB takes the catalog's name from it.
WAREHOUSE = "kunderegnskab.duckdb"
STATUSES = "statuses.json"


def _build(folder: Path, feeds: dict[str, list[dict[str, Any]]], *options: str) -> None:
    warehouse = folder / WAREHOUSE
    create_raw(warehouse, feeds, company=COMPANY, rejects_allowed=1)
    built = statuses(dbt(warehouse, "build", *options))
    (folder / STATUSES).write_text(json.dumps(built), encoding="utf-8")
    # A later command writes its own manifest there, without the SQL of what it does not run.
    shutil.copy(folder / "target" / "manifest.json", folder / "manifest.json")


def _copy(built: Path, folder: Path) -> Build:
    """This process's own copy, because DuckDB lets one process write or many read."""
    shutil.copytree(built, folder, dirs_exist_ok=True)
    return Build(folder / WAREHOUSE, json.loads((folder / STATUSES).read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def small(built_once: BuiltOnce, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The small company, built."""
    built = built_once("dbt_small", lambda folder: _build(folder, FEEDS))
    return _copy(built, tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def empty(built_once: BuiltOnce, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A company without any feed, built. Unit tests do not look at the company, so they are not run again."""
    options = ("--exclude-resource-type", "unit_test")
    built = built_once("dbt_empty", lambda folder: _build(folder, {}, *options))
    return _copy(built, tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="session")
def manifest(small: Build) -> dict[str, Any]:
    """dbt's description of the whole project."""
    return json.loads((small.warehouse.parent / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def replay(small: Build, manifest: dict[str, Any]) -> Replay:
    """The project's SQL, compiled."""
    return Replay(manifest, small.warehouse)


@pytest.fixture
def small_company_to_break(small: Build, tmp_path: Path) -> Iterator[Path]:
    """A copy of the small company's warehouse for one test: no test finds what another left behind."""
    warehouse = Path(shutil.copy(small.warehouse, tmp_path / WAREHOUSE))
    yield warehouse
    # 20 MB, and pytest keeps folders.
    warehouse.unlink()
