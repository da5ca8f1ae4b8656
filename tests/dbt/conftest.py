"""Warehouses that the dbt tests share: each is built once, in a temporary folder.

A test that changes a warehouse restores it from its pristine copy (`small_company_to_break`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from replay import Project
from small_company import COMPANY, FEEDS
from warehouse import Build, create_raw, dbt, statuses


def _build(folder: Path, feeds: dict[str, list[dict[str, Any]]], *options: str) -> Build:
    warehouse = folder / "kunderegnskab.duckdb"
    create_raw(warehouse, feeds, company=COMPANY, rejects_allowed=1)
    built = statuses(dbt(warehouse, "build", *options))
    # A later command writes its own manifest there, without the SQL of what it does not run.
    shutil.copy(folder / "target" / "manifest.json", folder / "manifest.json")
    return Build(warehouse, built)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The small company, built."""
    return _build(tmp_path_factory.mktemp("small"), FEEDS)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A company without any feed, built. Unit tests do not look at the company, so they are not run again."""
    return _build(tmp_path_factory.mktemp("empty"), {}, "--exclude-resource-type", "unit_test")


@pytest.fixture(scope="session")
def manifest(small: Build) -> dict[str, Any]:
    """dbt's description of the whole project."""
    return json.loads((small.warehouse.parent / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def project(small: Build, manifest: dict[str, Any]) -> Project:
    """The project's SQL, compiled."""
    return Project(manifest, small.warehouse)


@pytest.fixture
def small_company_to_break(small: Build) -> Iterator[Path]:
    """The small company's warehouse, put back as it was when the test is over.

    The path stays the same, because dbt parses the whole project again when the path changes.
    """
    pristine = small.warehouse.with_suffix(".pristine")
    if not pristine.exists():
        shutil.copy(small.warehouse, pristine)
    yield small.warehouse
    shutil.copy(pristine, small.warehouse)
