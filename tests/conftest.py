"""Fixtures for all test folders: workspaces that were refreshed once per test run, and the public datasets.

What only one folder needs belongs in that folder's own conftest, how they are shared in `shared`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from companies import write_small_company
from quick import Project
from running import REPOSITORY, copied, kunderegnskab, refreshed
from shared import BuiltOnce
from timing import Timing

UNIT_TESTS = Path(__file__).with_name("unit")
# 41 customers and some 8,000 sales lines.
DEMO_SCALE = "0.05"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--note-seconds", action="store_true", help="note how long each test file takes")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Timing(config))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The unit tests are quick, but for those that look at the whole demo company."""
    for item in items:
        if item.path.is_relative_to(UNIT_TESTS) and "demo_workspace" not in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.quick)


@pytest.fixture(scope="session")
def datasets() -> Path:
    """The folder of public datasets."""
    folder = Path(os.environ.get("KUNDEREGNSKAB_DATASETS") or REPOSITORY.parent / "shared" / "datasets")
    if not folder.is_dir():
        reason = f"there are no datasets at {folder}; name their place in KUNDEREGNSKAB_DATASETS"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> BuiltOnce:
    """Finds a folder by name that one process builds for all."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    shared = base / "shared"
    shared.mkdir(exist_ok=True)
    return BuiltOnce(shared)


@pytest.fixture(scope="session")
def published_demo(built_once: BuiltOnce) -> Path:
    """The demo company, published once, for all processes."""

    def build(workspace: Path) -> None:
        done = kunderegnskab("demo", "--scale", DEMO_SCALE, "--json", "--workspace", workspace)
        assert done.code == 0, f"{done.out}\n{done.err}"

    return built_once("demo", build)


@pytest.fixture(scope="session")
def published_small(built_once: BuiltOnce) -> Path:
    """The small company of `companies`, published once, for all processes."""

    def build(workspace: Path) -> None:
        write_small_company(workspace)
        assert refreshed(workspace)["status"] == "published"

    return built_once("small_company", build)


@pytest.fixture(scope="session")
def demo_workspace(published_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This process's copy of the demo company. To be read only: see `demo_to_change`."""
    return copied(published_demo, tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def small_workspace(published_small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This process's copy of the small company. To be read only: see `small_to_change`."""
    return copied(published_small, tmp_path_factory.mktemp("small_company"))


@pytest.fixture(scope="session")
def project(published_small: Path) -> Project:
    """Models and rules as a whole refresh compiled them, for what runs in this process: see `quick`."""
    return Project(published_small)


@pytest.fixture
def demo_to_change(published_demo: Path, tmp_path: Path) -> Path:
    """A copy of the demo company, for one test."""
    return copied(published_demo, tmp_path / "demo")


@pytest.fixture
def small_to_change(published_small: Path, tmp_path: Path) -> Path:
    """A copy of the small company, for one test."""
    return copied(published_small, tmp_path / "small_company")
