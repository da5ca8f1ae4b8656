"""The Dagster instance of a workspace: its history of runs, kept in the workspace's state/ folder.

Its settings belong in dagster.yaml, how its files are written in run_history.py.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kunderegnskab.workspace import ENVIRONMENT_VARIABLE, REPOSITORY, Workspace
from orchestration import dbt_project

if TYPE_CHECKING:
    from dagster import DagsterInstance


def environment(workspace: Workspace) -> dict[str, str]:
    """What Dagster and what it starts need to work on a workspace and keep their own state there."""
    return {
        ENVIRONMENT_VARIABLE: str(workspace.root),
        "KUNDEREGNSKAB_STATE": str(workspace.state / "dagster"),
        "DAGSTER_HOME": str(workspace.state / "dagster"),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "GX_ANALYTICS_ENABLED": "false",
        **dbt_project.environment(workspace),
    }


@contextmanager
def open_instance(workspace: Workspace) -> Generator[DagsterInstance]:
    """The instance, for work in this process."""
    from dagster import DagsterInstance

    os.environ.update(environment(workspace))
    home = prepare_home(workspace)
    with DagsterInstance.from_config(str(home)) as instance:
        yield instance


def prepare_home(workspace: Workspace) -> Path:
    """Dagster's folder in the workspace, with the repository's settings in it."""
    home = workspace.state / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(REPOSITORY / "dagster.yaml", home / "dagster.yaml")
    return home
