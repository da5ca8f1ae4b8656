"""The Dagster instance of a workspace: its history of runs, kept in the workspace's state/ folder.

Its settings belong in dagster.yaml.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kunderegnskab.workspace import ENVIRONMENT_VARIABLE, REPOSITORY, Workspace
from orchestration import dbt_project

if TYPE_CHECKING:
    from dagster import DagsterInstance
    from sqlalchemy.engine import Engine

# By the path of their file.
_ENGINES: dict[str, Engine] = {}


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
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    os.environ.update(environment(workspace))
    home = prepare_home(workspace)
    if not event.contains(Engine, "connect", _without_waiting_for_the_disk):
        event.listen(Engine, "connect", _without_waiting_for_the_disk)
    _keep_engines_of_the_event_log()
    with DagsterInstance.from_config(str(home)) as instance:
        yield instance


def prepare_home(workspace: Workspace) -> Path:
    """Dagster's folder in the workspace, with the repository's settings in it."""
    home = workspace.state / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(REPOSITORY / "dagster.yaml", home / "dagster.yaml")
    return home


def _keep_engines_of_the_event_log() -> None:
    """Let Dagster's event log use one engine per file: it makes one for each of some 5,000 statements.

    With its engine SQLAlchemy forgets each statement that it compiled: a tenth of a small refresh.
    Connections are opened and closed as before.
    """
    from dagster._core.storage.event_log.sqlite import sqlite_event_log

    if sqlite_event_log.create_engine is not _engine_of:
        sqlite_event_log.create_engine = _engine_of  # ty: ignore[invalid-assignment]


def _engine_of(url: str, **options: Any) -> Engine:
    if url not in _ENGINES:
        from sqlalchemy import create_engine

        _ENGINES[url] = create_engine(url, **options)
    return _ENGINES[url]


def _without_waiting_for_the_disk(connection: Any, record: object) -> None:
    """A refresh writes some 1,500 small transactions of run history, each of which waited for the disk.

    After a power cut the history may be lost; it can be, what was published is kept by other means.
    """
    connection.execute("pragma synchronous = off")
