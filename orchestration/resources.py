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
from orchestration.runs.notes import noted

# One writing step at a time; see concurrency.pools in dagster.yaml.
WRITER_POOL = "warehouse_writer"
# A run that is in a queue may wait for days.
_STARTED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


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
        with sole_writer(self.folder):
            if context.instance is None or context.run is None or context.log is None:
                yield self
                return
            run_id = context.run.run_id
            _bury_killed_runs(context.instance, run_id)
            with noted(self.folder, context.instance, run_id, self._started_at, context.log):
                yield self

    @property
    def folder(self) -> Workspace:
        """The workspace."""
        return Workspace(Path(self.root))

    @property
    def started_at(self) -> datetime:
        """When the run took hold of the workspace, UTC."""
        return self._started_at


def _bury_killed_runs(instance: dg.DagsterInstance, own_run_id: str | None) -> None:
    """Tell Dagster which runs are dead: until it knows, a killed run keeps its place in the writers' pool.

    Only who holds the workspace's lock takes a place in the pool, and that is this run; so whoever else
    has a place was killed. One without a place may be waiting for the lock, but not for hours.
    """
    pool = instance.event_log_storage.get_concurrency_info(WRITER_POOL)
    holders = {step.run_id for step in (*pool.claimed_slots, *pool.pending_steps)} - {own_run_id}
    for run in filter(None, map(instance.get_run_by_id, holders)):
        if not run.is_finished:
            _bury(instance, run)
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    longest = timedelta(seconds=instance.run_monitoring_max_runtime_seconds)
    silent = dg.RunsFilter(statuses=_STARTED, updated_before=datetime.now(UTC) - longest)
    for record in instance.get_run_records(silent):
        if record.dagster_run.run_id != own_run_id:
            _bury(instance, record.dagster_run)


def _bury(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    instance.report_run_failed(run, "The process of this run was killed.")
