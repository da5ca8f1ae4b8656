"""What the steps of a run share: the workspace and the sole right to write in it.

What the steps do belongs in `defs/`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import duckdb
from dagster_dbt import DbtCliResource
from pydantic import PrivateAttr

from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import sole_writer
from orchestration.run_notes import noted

# One writing step at a time; see concurrency.pools in dagster.yaml.
WRITER_POOL = "warehouse_writer"


class NoWarehouse(KunderegnskabError):
    """There is no warehouse to work on yet."""


class Dbt(DbtCliResource):
    """dbt in a process of its own."""

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:  # ty: ignore[incompatible-method-override]
        # dagster-dbt would import all of dbt into this process as well, to fetch metadata that
        # orchestration.dbt.relation_metadata reads without it.
        return None


class CompanyWorkspace(dg.ConfigurableResource):
    """The company's folder, held by this run alone for as long as the run lasts."""

    root: str
    _started_at: datetime = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[CompanyWorkspace]:
        """Wait for another writer, if there is one, and hold the lock until the run ends."""
        self._started_at = datetime.now(UTC)
        with sole_writer(self.folder):
            if context.instance is None or context.run_id is None or context.log is None:
                yield self
                return
            _bury_killed_runs(context.instance, context.run_id)
            with noted(self.folder, context.instance, context.run_id, self._started_at, context.log):
                yield self

    @property
    def folder(self) -> Workspace:
        """The workspace."""
        return Workspace(Path(self.root))

    @property
    def started_at(self) -> datetime:
        """When the run took hold of the workspace, UTC."""
        return self._started_at

    @contextmanager
    def warehouse(self) -> Generator[duckdb.DuckDBPyConnection]:
        """The working warehouse, for the smallest block that writes: dbt is another process.

        Raises:
            NoWarehouse: nothing has been loaded yet.
        """
        path = self.folder.warehouse
        if not path.is_file():
            raise NoWarehouse("There is no warehouse yet: materialise the raw feeds first, or run a refresh.")
        with duckdb.connect(str(path)) as con:
            yield con


def _bury_killed_runs(instance: dg.DagsterInstance, own_run_id: str | None) -> None:
    """Tell Dagster which runs are dead: until it knows, a killed run keeps its place in the writers' pool.

    Only who holds the workspace's lock takes a place in the pool, and that is this run; so whoever else
    has a place was killed.
    """
    pool = instance.event_log_storage.get_concurrency_info(WRITER_POOL)
    holders = {step.run_id for step in (*pool.claimed_slots, *pool.pending_steps)} - {own_run_id}
    for run in filter(None, map(instance.get_run_by_id, holders)):
        if not run.is_finished:
            instance.report_run_failed(run, "The process of this run was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
