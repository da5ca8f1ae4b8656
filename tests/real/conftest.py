"""The public datasets, each refreshed once in a test run.

What is compared with them belongs in the tests, and where they are read from in the conftest above.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import running
from quick import Project, refreshed_quickly
from shared import BuiltOnce

MAPPINGS = Path(__file__).parent
# By the command, with Dagster and dbt, so that `verify` can make it again with them. That the others come to the same
# is tested in tests/e2e/test_quick.py.
WHOLE = "northwind"


@pytest.fixture(scope="session")
def refreshed_workspace(datasets: Path, project: Project, built_once: BuiltOnce) -> Callable[[str], Path]:
    """Finds the workspace of a dataset, published. To be read only: all processes share it."""

    def workspace_of(name: str) -> Path:
        def build(workspace: Path) -> None:
            shutil.copytree(MAPPINGS / name, workspace)
            (workspace / "landing").symlink_to((datasets / name).resolve(), target_is_directory=True)
            done = running.refreshed(workspace) if name == WHOLE else refreshed_quickly(project, workspace)
            assert done["status"] == "published"

        return built_once(name, build)

    return workspace_of
