"""The Dagster instance of a workspace: its history of runs, kept in the workspace's state/ folder.

Its settings belong in dagster.yaml, how its files are written in history.py.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kunderegnskab.dbt import project
from kunderegnskab.installation import DAGSTER_SETTINGS
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.workspace import ENVIRONMENT_VARIABLE, Workspace

if TYPE_CHECKING:
    from dagster import DagsterInstance


# Dagster's commands read it in the folder that they are started in.
_LOAD = """\
load_from:
  - python_module:
      module_name: kunderegnskab_orchestration.definitions
      location_name: kunderegnskab
"""


def environment(workspace: Workspace) -> dict[str, str]:
    """What Dagster and what it starts need to work on a workspace and keep their own state there."""
    return {
        ENVIRONMENT_VARIABLE: str(workspace.root),
        "KUNDEREGNSKAB_STATE": str(workspace.state / "dagster"),
        "DAGSTER_HOME": str(workspace.state / "dagster"),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "GX_ANALYTICS_ENABLED": "false",
        **project.environment(workspace),
    }


class NoHistory(KunderegnskabError):
    """Dagster's files in the workspace cannot be opened; the text says what to do."""


@contextmanager
def open_instance(workspace: Workspace) -> Generator[DagsterInstance]:
    """The instance, for work in this process.

    Raises:
        NoHistory: its files are damaged, or lie where Dagster cannot open any.
    """
    from dagster import DagsterInstance
    from sqlalchemy.exc import DatabaseError, OperationalError

    # Dagster writes the path into an address, in which these begin something else.
    if sign := re.search(r"\?|%[0-9A-Fa-f]{2}", str(workspace.root)):
        raise NoHistory(
            f"Dagster cannot keep its history in {workspace.root}, because of the {sign[0]} in that path; "
            "move the workspace to a folder without it."
        )
    os.environ.update(environment(workspace))
    home = prepare_home(workspace)
    try:
        instance = DagsterInstance.from_config(str(home))
        # `from_config` opens the schedules alone. Runs and events are opened by the first question, which
        # must fail here and not in the run.
        instance.get_runs_count()
        instance.all_asset_keys()
    except OperationalError as error:  # locked, no rights, no space: the files are whole
        raise NoHistory(
            f"Dagster's history of runs in {home} cannot be opened ({error.orig}); check rights and space, "
            "and try again."
        ) from error
    except DatabaseError as error:
        raise NoHistory(
            f"Dagster's history of runs in {home} cannot be read ({error.orig}); remove that folder and run "
            "again: no published number rests on it."
        ) from error
    with instance:
        yield instance


def prepare_home(workspace: Workspace) -> Path:
    """Dagster's folder in the workspace, with the program's settings and what Dagster is to load in it."""
    home = workspace.state / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DAGSTER_SETTINGS, home / "dagster.yaml")
    (home / "workspace.yaml").write_text(_LOAD, encoding="utf-8")
    return home
