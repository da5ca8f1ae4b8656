"""Fixtures for all test folders: workspaces that were refreshed once per session, and the public datasets.

What only one folder needs belongs in that folder's own conftest.

A workspace that a test changes is put back afterwards at the same path, because dbt parses the whole
project again when the path of the warehouse changes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from companies import write_small_company
from quick import Project
from running import REPOSITORY, keep_pristine, kunderegnskab, put_back, refreshed


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes minutes; leave out with -m 'not slow'")


# 41 customers and some 8,000 sales lines.
DEMO_SCALE = "0.05"


@pytest.fixture(scope="session")
def datasets() -> Path:
    """The folder of public datasets."""
    folder = Path(os.environ.get("KUNDEREGNSKAB_DATASETS") or REPOSITORY.parent / "shared" / "datasets")
    if not folder.is_dir():
        reason = f"there are no datasets at {folder}; name their place in KUNDEREGNSKAB_DATASETS"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def demo_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo company, published once. To be read only: see `demo_to_change`."""
    workspace = tmp_path_factory.mktemp("demo") / "workspace"
    done = kunderegnskab("demo", "--scale", DEMO_SCALE, "--json", "--workspace", workspace)
    assert done.code == 0, f"{done.out}\n{done.err}"
    keep_pristine(workspace)
    return workspace


@pytest.fixture(scope="session")
def small_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small company of `companies`, published once. To be read only: see `small_to_change`."""
    workspace = tmp_path_factory.mktemp("small_company") / "workspace"
    write_small_company(workspace)
    assert refreshed(workspace)["status"] == "published"
    keep_pristine(workspace)
    return workspace


@pytest.fixture(scope="session")
def project(small_workspace: Path) -> Project:
    """Models and rules as a whole refresh compiled them, for what runs in this process: see `quick`."""
    return Project(small_workspace)


@pytest.fixture
def demo_to_change(demo_workspace: Path) -> Iterator[Path]:
    """The demo company, put back as it was when the test is over."""
    yield demo_workspace
    put_back(demo_workspace)


@pytest.fixture
def small_to_change(small_workspace: Path) -> Iterator[Path]:
    """The small company, put back as it was when the test is over."""
    yield small_workspace
    put_back(small_workspace)
