"""What the steps of a run share: the workspace, the sole right to write in it, and the dbt that works on it.

What the steps do belongs in `defs/`.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from kunderegnskab.dbt.process import DbtProcess, waiting
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import sole_writer
from kunderegnskab_orchestration.runs.launcher import report_killed
from kunderegnskab_orchestration.runs.notes import noted
from kunderegnskab_orchestration.tags import is_alive

# A run that is in a queue may wait for days.
_BEGINNING = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING]
_GOING_ON = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


class Dbt(dg.ConfigurableResource):
    """The dbt of a run: a process of its own that gets ready while the run reads files."""

    root: str
    _process: DbtProcess = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[Dbt]:
        """Have a dbt waiting until the run ends."""
        workspace = Workspace(Path(self.root))
        self._process = waiting(workspace)
        try:
            yield self
        finally:
            self._process.end()

    @property
    def process(self) -> DbtProcess:
        """The process, which works on the warehouse of this run's workspace."""
        return self._process


class CompanyWorkspace(dg.ConfigurableResource):
    """The company's folder, held by this run alone for as long as the run lasts."""

    root: str
    _started_at: datetime = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[CompanyWorkspace]:
        """Wait for another writer, if there is one, and hold the lock until the run ends."""
        self._started_at = datetime.now(UTC)
        if context.instance is None or context.run is None or context.log is None:
            with sole_writer(self.folder):
                yield self
            return
        run_id = context.run.run_id
        # Before: hooks that are told of it may want the workspace.
        _bury_killed_runs(context.instance, run_id)
        with (
            sole_writer(self.folder),
            noted(self.folder, context.instance, run_id, self._started_at, context.log),
        ):
            yield self

    @property
    def folder(self) -> Workspace:
        """The workspace."""
        return Workspace(Path(self.root))

    @property
    def started_at(self) -> datetime:
        """When the run took hold of the workspace, UTC."""
        return self._started_at


def _bury_killed_runs(instance: dg.DagsterInstance, own_run_id: str) -> None:
    """Tell Dagster which runs are dead: until it knows, they count as the one run that may go on.

    A daemon finds that out by itself. Where there is none, this is the only one to tell.
    """
    longest = timedelta(seconds=instance.run_monitoring_start_timeout_seconds)
    silent = dg.RunsFilter(statuses=_BEGINNING, updated_before=datetime.now(UTC) - longest)
    for record in (
        *instance.get_run_records(dg.RunsFilter(statuses=_GOING_ON)),
        *instance.get_run_records(silent),
    ):
        run = record.dagster_run
        if run.run_id != own_run_id and not is_alive(run.run_id, run.tags):
            report_killed(instance, run)
