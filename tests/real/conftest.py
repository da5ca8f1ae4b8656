"""The public datasets, each refreshed once in a test run.

What is compared with them belongs in the tests, and where they are read from in the conftest above.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import running
from shared import BuiltOnce

MAPPINGS = Path(__file__).parent


@pytest.fixture(scope="session")
def refreshed_workspace(datasets: Path, built_once: BuiltOnce) -> Callable[[str], Path]:
    """Finds the workspace of a dataset, published. To be read only: all processes share it."""

    def workspace_of(name: str) -> Path:
        def build(workspace: Path) -> None:
            shutil.copytree(MAPPINGS / name, workspace)
            (workspace / "landing").symlink_to((datasets / name).resolve(), target_is_directory=True)
            assert running.refreshed(workspace)["status"] == "published"

        return built_once(name, build)

    return workspace_of
