"""Dagster's history of runs: how it is written, who may read it meanwhile, and what stays of old runs.

The runs are of a job with two made-up assets: what a refresh does belongs in tests/e2e. Annotations are read
by Dagster, so they are not postponed.
"""

import hashlib
import inspect
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as db
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from running import REPOSITORY
from sqlalchemy import event
from sqlalchemy.engine import Engine

from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import working_on
from kunderegnskab_orchestration.resources import CompanyWorkspace
from kunderegnskab_orchestration.runs import history
from kunderegnskab_orchestration.runs.history import EventLog
from kunderegnskab_orchestration.runs.instance import NoHistory, open_instance
from kunderegnskab_orchestration.runs.notes import run_warnings
from kunderegnskab_orchestration.runs.pruning import prune_runs
from kunderegnskab_orchestration.tags import WORKSPACE

SALES, ACCOUNTS, GONE = (
    dg.AssetKey(path) for path in (["raw", "sales"], ["marts", "accounts"], ["old", "x"])
)
ADDS_UP = dg.AssetCheckKey(ACCOUNTS, "accounts__add_up")
KEPT = 3
# What the history overrides or repeats of Dagster, as it was written for.
DAGSTERS_OWN: dict[Any, str] = {
    DagsterSqliteStorage: "b3330d67cff3210d",
    SqliteRunStorage: "9d2c524c446da14a",
    SqliteEventLogStorage.__init__: "264c15baa761a7bb",
    SqliteEventLogStorage._initdb: "7a302d98eb61a34d",
    SqliteEventLogStorage._connect: "b8435f2665689760",
    SqliteEventLogStorage.store_event: "f89aed40602438b9",
    SqliteEventLogStorage.has_table: "577d801c70b2a4a5",
    SqliteEventLogStorage.wipe: "de02c63676e7d477",
    SqliteEventLogStorage.watch: "a223e2f9cf3abda9",
    SqliteEventLogStorage.dispose: "df16dafbfa8427c1",
    SqlEventLogStorage.has_secondary_index: "75ea1eb99d7519bc",
    SqlEventLogStorage.has_asset_key_col: "042827679888fa6e",
    SqlEventLogStorage._has_asset_key_col_on_connection: "981049dfa81d2e47",
    SqlEventLogStorage._event_to_row: "93d47fbe7edc4f70",
    SqlEventLogStorage._store_asset_event: "fdb9340b9eef1c9b",
    SqlEventLogStorage._store_asset_event_tags: "85d6f17ef04b926f",
    SqlEventLogStorage.store_asset_check_event: "6d148295fa69bb45",
    SqlEventLogStorage.delete_events: "a14c58828a905817",
    SqlEventLogStorage.delete_events_for_run: "63bcf3634eaf0824",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A company that keeps few runs; the environment is put back, which opening its history changes."""
    before = dict(os.environ)
    company = f"name: Lille ApS\ncurrency: DKK\ndagster_runs_kept: {KEPT}\n"
    (tmp_path / "company.yaml").write_text(company, encoding="utf-8")
    yield Workspace(tmp_path)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def instance(workspace: Workspace) -> Iterator[dg.DagsterInstance]:
    with open_instance(workspace) as opened:
        yield opened


def job(
    workspace: Workspace,
    *,
    meanwhile: Callable[[str], object] = lambda run_id: None,
    also: tuple[dg.AssetKey, ...] = (),
) -> dg.JobDefinition:
    """A refresh in small: reads, checks what it read, builds. With the tag `fails` its door stays shut.

    Args:
        meanwhile: called with the run's id between reading and building.
        also: assets that it has besides.
    """

    @dg.multi_asset(name="raw_feeds", specs=[dg.AssetSpec(key) for key in (SALES, *also)])
    def raw_feeds(company: CompanyWorkspace) -> Iterator[dg.MaterializeResult]:
        for key in (SALES, *also):
            yield dg.MaterializeResult(asset_key=key)

    @dg.multi_asset_check(name="door", specs=[dg.AssetCheckSpec("door__sales", asset=SALES, blocking=True)])
    def door(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        yield dg.AssetCheckResult(passed="fails" not in context.run.tags, asset_key=SALES)

    @dg.multi_asset(
        name="models",
        specs=[dg.AssetSpec(ACCOUNTS, deps=[SALES])],
        check_specs=[dg.AssetCheckSpec(ADDS_UP.name, asset=ACCOUNTS)],
    )
    def models(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        meanwhile(context.run.run_id)
        yield dg.MaterializeResult(asset_key=ACCOUNTS, metadata={"dagster/row_count": 4})
        yield dg.AssetCheckResult(passed=True, asset_key=ACCOUNTS, check_name=ADDS_UP.name)

    return dg.Definitions(
        assets=[raw_feeds, models],
        asset_checks=[door],
        jobs=[dg.define_asset_job("refresh", dg.AssetSelection.all(), executor_def=dg.in_process_executor)],
        resources={"company": CompanyWorkspace(root=str(workspace.root))},
    ).resolve_job_def("refresh")


def run(what: dg.JobDefinition, instance: dg.DagsterInstance, **tags: str) -> str:
    """Run it to its end; the run's id."""
    done = what.execute_in_process(
        instance=instance,
        raise_on_error=False,
        tags=tags,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    assert done.success is ("fails" not in tags)
    return done.run_id


# --- what is kept -----------------------------------------------------------------------------------
def test_old_runs_leave_nothing(workspace: Workspace, instance: dg.DagsterInstance):
    refresh = job(workspace)
    runs = [run(refresh, instance) for _ in range(KEPT + 3)]
    assert traces(instance) == dict.fromkeys(runs[-KEPT:], EVERYWHERE)
    assert run_warnings(workspace, runs[-1]) == []


def test_what_was_made_and_checked_last_stays(workspace: Workspace, instance: dg.DagsterInstance):
    refresh = job(workspace)
    run(refresh, instance)
    whole = run(refresh, instance)
    failed = [run(refresh, instance, fails="yes") for _ in range(KEPT + 2)]
    assert set(traces(instance)) == {whole, *failed[-KEPT:]}

    # As Dagster's page asks.
    for made_by, key in ((whole, ACCOUNTS), (failed[-1], SALES)):
        assert latest(instance, key) == made_by
    checks = instance.event_log_storage.get_latest_asset_check_execution_by_key([ADDS_UP])
    summary = instance.event_log_storage.get_asset_check_summary_records([ADDS_UP])[ADDS_UP]
    completed = summary.last_completed_check_execution_record
    assert completed is not None
    assert completed.run_id == whole
    assert completed.status.value == "SUCCEEDED"
    assert checks[ADDS_UP].run_id == failed[-1]  # which was to check, and did not come to it
    assert traces(instance)[whole] == EVERYWHERE

    # Once there are newer ones, it goes.
    again = [run(refresh, instance) for _ in range(2)]
    assert set(traces(instance)) == {failed[-1], *again}
    assert latest(instance, ACCOUNTS) == again[-1]


def test_the_last_result_of_a_check_stays_by_itself(workspace: Workspace, instance: dg.DagsterInstance):
    refresh = job(workspace)
    whole = run(refresh, instance)
    # Made since, but not checked.
    instance.report_runless_asset_event(dg.AssetMaterialization(ACCOUNTS))
    failed = [run(refresh, instance, fails="yes") for _ in range(KEPT)]
    assert set(traces(instance)) == {whole, *failed}


def test_what_the_code_no_longer_has_keeps_no_run(workspace: Workspace, instance: dg.DagsterInstance):
    before = run(job(workspace, also=(GONE,)), instance)
    refresh = job(workspace)
    runs = [run(refresh, instance) for _ in range(KEPT)]
    assert set(traces(instance)) == set(runs)
    assert latest(instance, SALES) == runs[-1]
    assert before not in runs


def test_runs_of_single_assets_do_not_hide_what_there_is(workspace: Workspace, instance: dg.DagsterInstance):
    refresh = job(workspace)
    whole = run(refresh, instance)
    for _ in range(KEPT + 1):
        done = refresh.execute_in_process(instance=instance, asset_selection=[SALES])
        assert done.success
    assert whole in traces(instance)
    assert latest(instance, ACCOUNTS) == whole


def test_a_run_that_has_not_ended_is_not_touched(workspace: Workspace, instance: dg.DagsterInstance):
    refresh = job(workspace)
    going_on = instance.create_run_for_job(refresh)
    for _ in range(KEPT + 1):
        run(refresh, instance)
    assert {"row", "file", "index", "checks"} <= traces(instance)[going_on.run_id]
    stays = instance.get_run_by_id(going_on.run_id)
    assert stays is not None
    assert not stays.is_finished


def test_a_run_that_was_killed_long_ago_has_ended(workspace: Workspace, instance: dg.DagsterInstance):
    refresh = job(workspace)
    killed, waiting = (instance.create_run_for_job(refresh).run_id for _ in range(2))
    with instance.run_storage.connect() as connection:  # ty: ignore[missing-attribute]
        long_ago = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=5)
        connection.execute(
            RunsTable.update().where(RunsTable.c.run_id == killed).values(update_timestamp=long_ago)
        )
    run(refresh, instance)
    status = {record.dagster_run.run_id: record.dagster_run.status for record in instance.get_run_records()}
    assert status[killed] is dg.DagsterRunStatus.FAILURE
    assert status[waiting] is dg.DagsterRunStatus.NOT_STARTED
    for _ in range(KEPT):
        run(refresh, instance)
    assert killed not in traces(instance)
    assert waiting in traces(instance)


def test_a_run_whose_process_is_gone_ends_with_the_next(workspace: Workspace, instance: dg.DagsterInstance):
    refresh = job(workspace)
    lives, killed = (
        instance.create_run_for_job(
            refresh, status=dg.DagsterRunStatus.STARTED, tags={WORKSPACE: str(workspace.root)}
        ).run_id
        for _ in range(2)
    )
    with working_on(workspace, lives):
        run(refresh, instance)
    status = {record.dagster_run.run_id: record.dagster_run.status for record in instance.get_run_records()}
    assert status[killed] is dg.DagsterRunStatus.FAILURE
    assert status[lives] is dg.DagsterRunStatus.STARTED


@pytest.mark.parametrize("step", ["delete_events", "delete_logs", "delete_run"])
def test_a_pruning_that_was_killed_is_done_by_the_next(
    workspace: Workspace, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, step: str
):
    refresh = job(workspace)
    runs = [run(refresh, instance) for _ in range(2)]
    owner = {
        "delete_events": instance.event_log_storage,
        "delete_logs": instance.compute_log_manager,
        "delete_run": instance.run_storage,
    }[step]

    def killed(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(owner, step, killed)
        with pytest.raises(KeyboardInterrupt):
            prune_runs(workspace, instance, runs[-1], 1)
    assert traces(instance)[runs[-1]] == EVERYWHERE
    prune_runs(workspace, instance, runs[-1], 1)
    assert traces(instance) == {runs[-1]: EVERYWHERE}


def test_what_dagster_leaves_of_a_deleted_run_goes(workspace: Workspace, instance: dg.DagsterInstance):
    refresh = job(workspace)
    gone, stays = (run(refresh, instance) for _ in range(2))
    assert isinstance(instance.event_log_storage, EventLog)
    with instance.run_storage.connect() as connection:  # ty: ignore[missing-attribute]
        connection.execute(RunsTable.delete().where(RunsTable.c.run_id == gone))
    prune_runs(workspace, instance, stays, KEPT)
    assert traces(instance) == {stays: EVERYWHERE}


def test_runs_of_another_workspace_stay(workspace: Workspace, instance: dg.DagsterInstance):
    refresh = job(workspace)
    others = [run(refresh, instance, **{WORKSPACE: "/elsewhere"}) for _ in range(2)]
    own = [run(refresh, instance, **{WORKSPACE: str(workspace.root)}) for _ in range(2)]
    prune_runs(workspace, instance, own[-1], 1)
    assert set(traces(instance)) == {*others, own[-1]}


def test_a_pruning_that_fails_is_a_warning(
    workspace: Workspace, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
):
    def fails(*arguments: Any) -> None:
        raise OSError("the disk is away")

    monkeypatch.setattr("kunderegnskab_orchestration.runs.notes.prune", fails)
    (warning,) = run_warnings(workspace, run(job(workspace), instance))
    assert warning == "What old runs left could not be removed: the disk is away"


def test_the_index_becomes_smaller_when_most_of_it_is_empty(
    workspace: Workspace, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
):
    log = instance.event_log_storage
    assert isinstance(log, EventLog)
    refresh = job(workspace)
    runs = [run(refresh, instance) for _ in range(2)]
    with log.index_connection() as connection:
        row = connection.execute(db.select(SqlEventLogStorageTable).limit(1)).mappings().one()
        many = [{**row, "id": None, "run_id": runs[0], "event": row["event"] * 20} for _ in range(2000)]
        connection.execute(SqlEventLogStorageTable.insert(), many)
    index = workspace.state / "dagster" / "history" / "runs" / "index.db"
    monkeypatch.setattr(history, "_UNUSED_PAGES_KEPT", 100)
    assert not log.give_back_space()
    prune_runs(workspace, instance, runs[1], 1)
    assert index.stat().st_size < 1_000_000
    assert latest(instance, ACCOUNTS) == runs[1]


# --- how it is written ------------------------------------------------------------------------------
def test_a_file_is_opened_once_per_run(workspace: Workspace, instance: dg.DagsterInstance):
    refresh = job(workspace)
    run(refresh, instance)
    opened: Counter[str] = Counter()

    def count(connection: Any, record: object) -> None:
        (_, _, path) = connection.execute("pragma database_list").fetchone()
        opened[Path(path).name] += 1

    event.listen(Engine, "connect", count)
    try:
        run_id = run(refresh, instance)
    finally:
        event.remove(Engine, "connect", count)
    # The second one of the new run's file makes its tables.
    assert set(opened) <= {f"{run_id}.db", "index.db", "runs.db"}
    assert max(opened.values()) <= 2, opened


def test_what_a_run_plans_is_one_transaction_per_file(workspace: Workspace, instance: dg.DagsterInstance):
    commits: Counter[str] = Counter()
    refresh = job(workspace)
    run(refresh, instance)

    def count(connection: db.Connection) -> None:
        commits[Path(str(connection.engine.url.database)).name] += 1

    event.listen(Engine, "commit", count)
    try:
        made = instance.create_run_for_job(refresh)
    finally:
        event.remove(Engine, "commit", count)
    planned = len(instance.all_logs(made.run_id))
    assert planned == 4  # two assets, two checks
    assert commits["index.db"] == 1


def test_a_process_that_is_killed_leaves_what_it_had_stored(workspace: Workspace):
    done = subprocess.run(
        [sys.executable, "-c", _RUN_AND_DIE, str(workspace.root)],
        cwd=REPOSITORY / "tests" / "definitions",
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    with open_instance(workspace) as instance:
        (killed,) = instance.get_run_records()
        stored = Counter(
            entry.dagster_event_type
            for entry in instance.all_logs(killed.dagster_run.run_id)
            if entry.is_dagster_event
        )
        assert killed.dagster_run.status is dg.DagsterRunStatus.STARTED
        assert stored[dg.DagsterEventType.ASSET_MATERIALIZATION] == 1
        assert stored[dg.DagsterEventType.ASSET_CHECK_EVALUATION] == 1
        assert latest(instance, SALES) == killed.dagster_run.run_id
        run(job(workspace), instance)


_RUN_AND_DIE = """
import os, signal, sys
from pathlib import Path
from test_run_history import Workspace, job, open_instance, run

workspace = Workspace(Path(sys.argv[1]))
with open_instance(workspace) as instance:
    run(job(workspace, meanwhile=lambda run_id: os.kill(os.getpid(), signal.SIGKILL)), instance)
"""


def test_others_read_and_write_while_a_run_goes_on(workspace: Workspace, instance: dg.DagsterInstance):
    said: list[str] = []

    def page(run_id: str) -> None:
        done = subprocess.run(
            [sys.executable, "-c", _PAGE, run_id], capture_output=True, text=True, check=False
        )
        said.append(done.stdout + done.stderr)

    run_id = run(job(workspace, meanwhile=page), instance)
    (seen,) = said
    assert seen.split() == ["STARTED", "1", "seen"]
    ended = instance.get_run_by_id(run_id)
    assert ended is not None
    assert ended.tags["page"] == "was here"
    assert latest(instance, ACCOUNTS) == run_id


# As the page's own process: by DAGSTER_HOME.
_PAGE = """
import sys
import dagster as dg

with dg.DagsterInstance.get() as instance:
    run = instance.get_run_by_id(sys.argv[1])
    made = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    instance.add_run_tags(run.run_id, {"page": "was here"})
    instance.report_engine_event("seen", run)
    last = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)[-1]
    print(run.status.value, len(made), last.dagster_event.message)
"""


def test_the_page_hears_of_events_as_they_come(workspace: Workspace, instance: dg.DagsterInstance):
    heard: list[str] = []
    came = threading.Event()

    def listen(entry: dg.EventLogEntry, cursor: str) -> None:
        heard.append(entry.run_id)
        came.set()

    def page(run_id: str) -> None:
        with dg.DagsterInstance.get() as other:
            other.watch_event_logs(run_id, None, listen)
            assert came.wait(30)
            other.end_watch_event_logs(run_id, listen)

    run_id = run(job(workspace, meanwhile=page), instance)
    assert set(heard) == {run_id}


def test_dagster_is_the_one_that_this_was_written_for():
    changed = {
        inside.__qualname__: found
        for inside, known in DAGSTERS_OWN.items()
        if (found := hashlib.sha256(inspect.getsource(inside).encode()).hexdigest()[:16]) != known
    }
    assert changed == {}, (
        "read what has changed, mend orchestration/kunderegnskab_orchestration/runs/history.py, then note the new sums"
    )


# --- helpers ----------------------------------------------------------------------------------------
EVERYWHERE = {"row", "file", "folder", "index", "checks"}


def traces(instance: dg.DagsterInstance) -> dict[str, set[str]]:
    """Where something lies of each run."""
    log = instance.event_log_storage
    assert isinstance(log, EventLog)
    root = Path(instance.root_directory)
    with log.index_connection() as connection:
        events = connection.execute(db.select(SqlEventLogStorageTable.c.run_id)).scalars().all()
        checks = connection.execute(db.select(AssetCheckExecutionsTable.c.run_id)).scalars().all()
    known = {"schedules", "history", "dagster.yaml", "workspace.yaml"}
    lying = {
        "row": {record.dagster_run.run_id for record in instance.get_run_records()},
        "file": {path.name.partition(".")[0] for path in (root / "history" / "runs").iterdir()} - {"index"},
        "folder": {path.name for path in root.iterdir()} - known,
        "index": set(events),
        "checks": set(checks),
    }
    found: dict[str, set[str]] = {}
    for where, runs in lying.items():
        for run_id in runs:
            found.setdefault(run_id, set()).add(where)
    found.pop("", None)  # events without a run
    return found


def latest(instance: dg.DagsterInstance, key: dg.AssetKey) -> str:
    """The run that made an asset last, whose event must still be there, wherever one asks for it."""
    made = instance.get_latest_materialization_event(key)
    assert made is not None
    (fetched,) = instance.fetch_materializations(key, limit=1).records
    (record,) = instance.get_asset_records([key])
    assert record.asset_entry.last_materialization_record is not None
    assert fetched.run_id == record.asset_entry.last_materialization_record.run_id == made.run_id
    own = instance.all_logs(made.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    assert key in {entry.get_dagster_event().asset_key for entry in own}
    assert instance.get_run_by_id(made.run_id) is not None
    return made.run_id


@pytest.mark.parametrize("file", ["history/runs.db", "history/runs/index.db", "schedules/schedules.db"])
def test_damaged_files_are_named_with_what_to_do(workspace: Workspace, file: str):
    with open_instance(workspace):
        pass
    home = workspace.state / "dagster"
    (home / file).write_bytes(b"no database" * 1000)
    said = rf"{re.escape(str(home))} cannot be read .*remove that folder"
    with pytest.raises(NoHistory, match=said), open_instance(workspace):
        pass


def test_files_that_are_whole_and_cannot_be_opened_are_not_to_be_removed(workspace: Workspace):
    with open_instance(workspace):
        pass
    file = workspace.state / "dagster" / "history" / "runs.db"
    file.rename(file.with_suffix(".away"))
    file.mkdir()
    with pytest.raises(NoHistory, match="check rights and space"), open_instance(workspace):
        pass


@pytest.mark.parametrize("name", ["a%20b", "hvad?"])
def test_a_path_that_dagster_cannot_open_is_refused(tmp_path: Path, name: str):
    workspace = Workspace(tmp_path / name)
    with pytest.raises(NoHistory, match="move the workspace"), open_instance(workspace):
        pass
    assert list(tmp_path.iterdir()) == []


def test_other_signs_in_a_path_are_no_hindrance(tmp_path: Path):
    before = dict(os.environ)
    root = tmp_path / "100 % 'æøå' {{ x }} #1 &"
    root.mkdir()
    (root / "company.yaml").write_text("name: Lille ApS\ncurrency: DKK\n", encoding="utf-8")
    try:
        with open_instance(Workspace(root)) as instance:
            assert instance.get_runs_count() == 0
    finally:
        os.environ.clear()
        os.environ.update(before)
