"""The public datasets, each refreshed once in a test run.

What is compared with them belongs in the tests, and where they are read from in the conftest above.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import running

MAPPINGS = Path(__file__).parent


@pytest.fixture(scope="session")
def refreshed_workspace(datasets: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Finds the workspace of a dataset, published. To be read only.

    The processes of a parallel test run share it: whoever comes first refreshes it, the others wait.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder = folder / "real"
    folder.mkdir(exist_ok=True)

    def workspace_of(name: str) -> Path:
        workspace = folder / name
        with (folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not workspace.exists():
                shutil.copytree(MAPPINGS / name, workspace)
                (workspace / "landing").symlink_to((datasets / name).resolve(), target_is_directory=True)
                assert running.refreshed(workspace)["status"] == "published"
        assert (workspace / "published" / "current").exists(), f"the refresh of {name} failed before"
        return workspace

    return workspace_of
