"""Dagster's history of runs, in Dagster's own SQLite files, on connections that stay open.

Here: how the files are opened, what is written in one transaction, and that deleting a run leaves nothing.
Not here: which runs are deleted (pruning.py), and Dagster's other settings (dagster.yaml, which names the
class `RunHistory`, so that commands, Dagster's page, its daemon and the runs that it starts all use it).

Dagster opens a connection per statement, and with each it reads the schema again; of some 2,000 events per
refresh that is most of what they cost. It deletes a run's row and the content of its file alone.

What this module overrides is Dagster's inside. tests/definitions/test_run_history.py fails when a new version
of Dagster has changed any of it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Sequence, Set
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import sqlalchemy as db
from dagster._core.event_api import EventHandlerFn
from dagster._core.events import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    EVENT_TYPE_TO_PIPELINE_RUN_STATUS,
    DagsterEventType,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import (
    COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES,
)
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log.polling_event_watcher import SqlPollingEventWatcher
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS, create_db_conn_string
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import event, exc
from sqlalchemy.engine import Connection, Engine

# A file and what SQLite keeps beside it while it is open.
_FILES = (".db", ".db-wal", ".db-shm")
# 16 MB: to write the whole index anew for less does not pay.
_UNUSED_PAGES_KEPT = 4096
_VERSION = "select version_num from alembic_version"
_SCHEMA = "select sql from sqlite_master where sql is not null and name not like 'sqlite_%' order by rowid"
_INSERT_EVENT = SqlEventLogStorageTable.insert()
# What Dagster's daemon reads of runs that may be tried again.
_RETRIED_BY = (DagsterEventType.RUN_FAILURE, DagsterEventType.RUN_SUCCESS)
_INDEXED = {*ASSET_EVENTS, *ASSET_CHECK_EVENTS, *EVENT_TYPE_TO_PIPELINE_RUN_STATUS}


class RunHistory(DagsterSqliteStorage):
    """Runs, events and schedules, where `storage: sqlite` of dagster.yaml would keep them."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # Not the parent's, which would open every file another time.
        DagsterStorage.__init__(self)
        # Events that Dagster makes as a batch (those of what a run plans to do) come as one.
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")
        self.base_dir = base_dir
        history = Path(base_dir) / "history"
        self._run_storage = Runs.from_local(str(history))
        self._event_log_storage = EventLog(str(history / "runs"))
        self._schedule_storage = Schedules.from_local(str(Path(base_dir) / "schedules"))
        self._inst_data = inst_data

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> RunHistory:
        """As dagster.yaml asks for it."""
        return cls(inst_data=inst_data, **config_value)


class Schedules(SqliteScheduleStorage):
    """What schedule and sensor did."""

    @classmethod
    def from_local(
        cls, base_dir: str, inst_data: ConfigurableClassData | None = None
    ) -> SqliteScheduleStorage:
        """The file in a folder, which is made if it is not there."""
        url = create_db_conn_string(base_dir, "schedules")
        return cls(url, inst_data) if _is_made(url) else super().from_local(base_dir, inst_data)


class Runs(SqliteRunStorage):
    """The rows of runs."""

    @classmethod
    def from_local(cls, base_dir: str, inst_data: ConfigurableClassData | None = None) -> Self:
        """The file in a folder, which is made if it is not there."""
        url = create_db_conn_string(base_dir, "runs")
        if _is_made(url):
            return cls(url, inst_data)
        made = super().from_local(base_dir, inst_data)
        # Where there is no event yet, a daemon need not warn that it leaves earlier ones out.
        made.set_cursor_values({f"EVENT_LOG_CONSUMER_CURSOR-{kind.value}": "0" for kind in _RETRIED_BY})
        return made

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engine = _engine(conn_string)
        super().__init__(conn_string, inst_data)

    @contextmanager
    def connect(self) -> Generator[Connection]:
        """A transaction."""
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close the file."""
        self._engine.dispose()


class EventLog(SqliteEventLogStorage):
    """The events of each run in a file of its own, and in the index those that are asked for across runs."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # The index and the run that was asked for last.
        self._engines: dict[str, Engine] = {}
        # What there is in the index's schema: it only ever gets more.
        self._known: set[tuple[str, str]] = set()
        self._batch = threading.local()
        # Dagster's own looks at the file's time, which changes seldom while a connection is open.
        self._watcher = SqlPollingEventWatcher(self)
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Generator[Connection]:
        open_in_batch = getattr(self._batch, "connect", None)
        if open_in_batch is not None:
            yield open_in_batch(shard)
            return
        with self._db_lock, self._engine_of(shard).begin() as connection:
            yield connection

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event, in one transaction per file."""
        self.store_event_batch([event])

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events, all of them in one transaction per file."""
        with self._db_lock, ExitStack() as transactions:
            connections: dict[str, Connection] = {}

            def connect(shard: str) -> Connection:
                if shard not in connections:
                    connections[shard] = transactions.enter_context(self._engine_of(shard).begin())
                return connections[shard]

            self._batch.connect = connect
            try:
                for event in events:
                    self._store(event)
            finally:
                del self._batch.connect

    def _store(self, event: EventLogEntry) -> None:
        """What Dagster does, with a statement that SQLAlchemy need not build and compile for each event."""
        row = self._event_to_row(event)
        with self.run_connection(event.run_id) as connection:
            connection.execute(_INSERT_EVENT, row)
        kind = event.dagster_event_type
        if kind not in _INDEXED:
            return
        with self.index_connection() as connection:
            event_id = connection.execute(_INSERT_EVENT, row).lastrowid
            if kind in ASSET_EVENTS:
                self._store_asset_event_tags(connection, [event], [event_id])
                self._store_asset_event(connection, event, event_id)
        if kind in ASSET_CHECK_EVENTS:
            self.store_asset_check_event(event, event_id)

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table."""
        return self._is_known("table", table_name, super().has_table)

    def has_secondary_index(self, name: str) -> bool:
        """Whether one of Dagster's migrations of the index is done."""
        return self._is_known("migration", name, super().has_secondary_index)

    def has_asset_key_col(self, column_name: str) -> bool:
        """Whether the index's table of assets has a column."""
        return self._is_known("column", column_name, super().has_asset_key_col)

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        def has_column(name: str) -> bool:
            return super(EventLog, self)._has_asset_key_col_on_connection(conn, name)

        return self._is_known("column", column_name, has_column)

    def _is_known(self, kind: str, name: str, is_there: Callable[[str], bool]) -> bool:
        if (kind, name) not in self._known and is_there(name):
            self._known.add((kind, name))
        return (kind, name) in self._known

    def delete_events(self, run_id: str) -> None:
        """Remove all that is kept of a run's events: its file, and its rows of the index."""
        with self.index_transaction() as connection:
            self.delete_events_for_run(connection, run_id)
            connection.execute(
                AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id == run_id)
            )
        with self._db_lock:
            self._close(run_id)
            self._initialized_dbs.discard(run_id)
            for ending in _FILES:
                Path(self._base_dir, f"{run_id}{ending}").unlink(missing_ok=True)
        if self.supports_global_concurrency_limits:
            self.free_concurrency_slots_for_run(run_id)

    def runs_with_files(self) -> set[str]:
        """Ids of the runs that have a file of events, whole or what is left of one."""
        names = (path.name for path in Path(self._base_dir).iterdir())
        found = {name.partition(".")[0] for name in names if name.endswith(_FILES)}
        return found - {INDEX_SHARD_NAME, ""}

    def runs_shown(self, assets: Set[str] | None, checks: Set[tuple[str, str]] | None) -> set[str]:
        """Ids of the runs that the page shows as the last ones of an asset or a check.

        Args:
            assets: keys of the assets that count, as the index spells them; None for all.
            checks: asset and name of the checks that count; None for all.
        """
        events, results = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
        # Of a group with max() SQLite shows the other columns of the row that has it.
        materializations = (
            db.select(events.asset_key, events.run_id, db.func.max(events.id))
            .where(events.dagster_event_type == DagsterEventType.ASSET_MATERIALIZATION.value)
            .group_by(events.asset_key)
        )
        completed = [status.value for status in COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES]
        last_results = (
            db.select(results.asset_key, results.check_name, results.run_id, db.func.max(results.id))
            .where(results.execution_status.in_(completed))
            .group_by(results.asset_key, results.check_name)
        )
        with self.index_connection() as connection:
            made = connection.execute(materializations).fetchall()
            checked = connection.execute(last_results).fetchall()
        return {
            *(run_id for asset, run_id, _ in made if assets is None or asset in assets),
            *(run_id for asset, check, run_id, _ in checked if checks is None or (asset, check) in checks),
        }

    def give_back_space(self) -> bool:
        """Make the index smaller if most of its file is unused; what later runs will fill may stay."""
        with self._db_lock:
            engine = self._engine_of(INDEX_SHARD_NAME)
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                pages, unused = (
                    connection.exec_driver_sql(f"pragma {name}").scalar_one()
                    for name in ("page_count", "freelist_count")
                )
                if unused * 2 <= pages or unused <= _UNUSED_PAGES_KEPT:
                    return False
                connection.exec_driver_sql("vacuum")
                connection.exec_driver_sql("pragma wal_checkpoint(truncate)")
        return True

    def wipe(self) -> None:
        """Remove the events of all runs."""
        self._close_all()
        super().wipe()

    def watch(self, run_id: str, cursor: str | None, callback: EventHandlerFn) -> None:
        """Call back for each new event of a run."""
        self._watcher.watch_run(run_id, cursor, callback)

    def end_watch(self, run_id: str, handler: EventHandlerFn) -> None:
        """Do so no longer."""
        self._watcher.unwatch_run(run_id, handler)

    def dispose(self) -> None:
        """Close all files."""
        self._watcher.close()
        self._close_all()

    def _engine_of(self, shard: str) -> Engine:
        """Call it with the lock held."""
        if shard not in self._engines:
            engine = _engine(self.conn_string_for_shard(shard))
            # Another process may have deleted the run since.
            if shard not in self._initialized_dbs or not Path(self.path_for_shard(shard)).is_file():
                self._make(shard, engine)
                self._initialized_dbs.add(shard)
            for other in self._engines.keys() - {INDEX_SHARD_NAME}:
                self._close(other)
            self._engines[shard] = engine
        return self._engines[shard]

    def _make(self, shard: str, engine: Engine) -> None:
        """Make the tables of a file that has none, of a run's as they are in the index.

        Dagster asks Alembic, which reads 90 migrations for each file.
        """
        if _has_version(engine):
            return
        if shard != INDEX_SHARD_NAME:
            with self._engine_of(INDEX_SHARD_NAME).connect() as index:
                schema = index.exec_driver_sql(_SCHEMA).scalars().all()
                version = index.exec_driver_sql(_VERSION).scalar_one()
            with suppress(exc.OperationalError), engine.connect() as connection:
                connection.exec_driver_sql("pragma journal_mode = wal")
                connection.exec_driver_sql("begin immediate")
                for statement in schema:
                    connection.exec_driver_sql(statement)
                connection.exec_driver_sql("insert into alembic_version values (?)", (version,))
                connection.commit()
                return
            # Another process is at it too.
        self._initdb(engine)

    def _close(self, shard: str) -> None:
        if (engine := self._engines.pop(shard, None)) is not None:
            engine.dispose()

    def _close_all(self) -> None:
        with self._db_lock:
            for shard in [*self._engines]:
                self._close(shard)


def _is_made(url: str) -> bool:
    engine = _engine(url)
    try:
        return Path(engine.url.database or "").is_file() and _has_version(engine)
    finally:
        engine.dispose()


def _has_version(engine: Engine) -> bool:
    """Whether Dagster has made the tables of a file and noted their version."""
    try:
        with engine.connect() as connection:
            return connection.exec_driver_sql(_VERSION).first() is not None
    except exc.OperationalError:
        return False


def _engine(url: str) -> Engine:
    # As many connections at once as threads ask for, as if each made its own; one is kept.
    engine = db.create_engine(
        url, pool_size=1, max_overflow=-1, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
    )
    event.listen(engine, "connect", _wait_for_the_disk_seldom)
    return engine


def _wait_for_the_disk_seldom(connection: Any, record: object) -> None:
    """Wait for the disk when the log is written back into the file, not after each transaction.

    After a power cut the last events may be missing, and the file is whole.
    """
    connection.execute("pragma synchronous = normal")
