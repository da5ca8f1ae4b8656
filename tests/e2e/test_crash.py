"""Refreshes that end and refreshes that are killed, with readers at work all the time.

No read fails, nobody sees a mix of two publications, what was published stays whole, and the next refresh works.
A refresh is killed at each place where it leaves something else behind, and now and then anywhere. How it is
stopped there is in `stopping`, what readers do in `reader_worker`. More places of the publishing step alone, and
publications that follow each other faster, are in `test_publication_crash`.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import psutil
import pytest
from companies import MONTHS, line, write_sales
from reader_worker import MARKED
from readers import reading
from running import COMMAND, PATIENCE_SECONDS, published, refreshed, start, tree
from stopping import Place, stopped

from kunderegnskab.publication.store import current, publications, verify_chain, verify_files

RANDOM_KILLS = 2
# What the marked customer bought in the last month before anything was changed, after 10 % discount.
NET_SALES = 2 * Decimal(1000 + 10 * (len(MONTHS) - 1)) * Decimal("0.9")
LAST_DAY = date(MONTHS[-1].year, MONTHS[-1].month, 20)
# How long a dbt may outlive the refresh that started it.
ORPHAN_SECONDS = 2.0
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Kill:
    """Where a refresh is killed.

    Attributes:
        leaves: whether the workspace shows what the place is named for.
        dbt: what the refresh's dbt does at that moment.
        victim: who is killed; a refresh outlives its dbt, and says so.
        is_committed: the publication was finished: the next command makes it current, whatever the dead one did.
        is_current: readers have that publication already.
    """

    name: str
    place: Place
    leaves: Callable[[Path], bool] = lambda workspace: True
    dbt: Literal["none", "starts or works", "waits"] = "none"
    options: tuple[str, ...] = ()
    victim: Literal["refresh", "dbt"] = "refresh"
    is_committed: bool = False
    is_current: bool = False


def has_lake_file_without_receipt(workspace: Path) -> bool:
    kept = {path.name.partition(".")[0] for path in workspace.glob("lake/*/*.json")}
    return any(path.name.partition(".")[0] not in kept for path in workspace.glob("lake/*/*.parquet"))


def unfinished(workspace: Path, file: str) -> bool:
    return any((workspace / "published").glob(f".tmp-*/{file}"))


def newest_is(what: str) -> Callable[[Path], bool]:
    """Whether the newest publication is not yet, or is already, what `current` and `current.json` name."""

    def look(workspace: Path) -> bool:
        store = workspace / "published"
        newest = max(store.glob("[0-9]*")).name
        link = (store / "current").readlink().name
        pointer = json.loads((store / "current.json").read_bytes())["publication"]
        return (link == newest, pointer == newest) == {
            "renamed": (False, False),
            "current": (True, True),
        }[what]

    return look


BUILDING = Place("kunderegnskab.progress:report", told="building customer accounts", call=40)
# In the order of a refresh: each passes all places before its own and so mends what the one before left there.
KILLS = [
    Kill(
        "what is known of files is written, not put in place",
        Place("os:replace", told=r"/state/\.\w+\.json\."),
        lambda workspace: any((workspace / "state").glob(".*.json.*")),
    ),
    Kill(
        "dbt has just been started, to be ready in time",
        Place("subprocess:Popen.__init__", "after", told="kunderegnskab-dbt', 'wait'"),
        dbt="starts or works",
    ),
    Kill(
        "a lake file is written, its receipt is not",
        # Of a file that stays as it is, so that the next refresh makes it whole.
        Place("os:replace", told=r"/lake/customers/\w+\.json"),
        has_lake_file_without_receipt,
        dbt="starts or works",
        options=("--full",),
    ),
    Kill(
        "the warehouse is new and empty",
        Place("kunderegnskab.ingest.load:load_warehouse"),
        dbt="starts or works",
    ),
    Kill(
        "the files are loaded, the door is not recorded",
        Place("kunderegnskab.quality.certification:record"),
        dbt="waits",
    ),
    Kill("dbt builds", BUILDING, dbt="starts or works"),
    Kill("dbt builds and is killed itself", BUILDING, dbt="starts or works", victim="dbt"),
    Kill("dbt has ended, the gate has not begun", Place("kunderegnskab.quality.gate:run_gate")),
    Kill(
        "some tables of the publication are written",
        Place("kunderegnskab.progress:report", told="'publish marts", call=20),
        lambda workspace: unfinished(workspace, "parquet/*") and not unfinished(workspace, "manifest.json"),
    ),
    Kill(
        "the folder is renamed, `current` not moved",
        Place("kunderegnskab.publication.store:make_current"),
        newest_is("renamed"),
        is_committed=True,
    ),
    Kill(
        "the publication is current, old ones are not pruned",
        Place("kunderegnskab.publication.store:prune"),
        newest_is("current"),
        is_committed=True,
        is_current=True,
    ),
]


@pytest.mark.slow
def test_killed_refresh_leaves_readers_and_the_next_refresh_unharmed(small_to_change: Path):
    workspace = small_to_change
    store = workspace / "published"
    kills = len(KILLS) + RANDOM_KILLS
    with reading(workspace, "read", "hold") as judged:
        seconds = [kill_there(workspace, kill, number) for number, kill in enumerate(KILLS, start=1)]
        chance = random.Random(20240131)
        for number in range(RANDOM_KILLS):
            part = (number + chance.random()) / RANDOM_KILLS
            kill_anywhere(workspace, part * max(seconds), len(KILLS) + 1 + number)

        before = content(workspace)
        change(workspace, kills + 1)
        assert refreshed(workspace)["status"] == "published"
        assert_whole(workspace)
        assert_next(workspace, before, kills + 1)
        assert verify_chain(store) == []
        assert list(store.glob(".tmp-*")) == []
        assert list((workspace / "lake").glob(".reading-*")) == []
        assert list((workspace / "state").glob(".*")) == []
        assert not has_lake_file_without_receipt(workspace)

    read, held = judged
    assert read["reads"] >= 10 * kills
    # Every publication there was: the first, those that were finished when their refresh was killed, the last.
    assert read["publications"] >= 2 + sum(kill.is_committed for kill in KILLS)
    assert held["reads"] >= kills
    assert held["publications"] == 1  # whoever holds a file open keeps what was in it
    # Old data is pruned, their manifests stay: the reader above held a file that is gone.
    assert len([publication for publication in publications(store) if publication.database.exists()]) == 3


def change(workspace: Path, number: int) -> None:
    """Another amount than ever before."""
    write_sales(workspace, "extra", [line("EXTRA", MARKED, LAST_DAY, Decimal(10 * number))])


# --- killing ----------------------------------------------------------------------------------------
def kill_there(workspace: Path, kill: Kill, number: int) -> float:
    """Kill a refresh at a place and see what it leaves; the seconds until it came there."""
    before, tree_before = content(workspace), current_tree(workspace)
    change(workspace, number)
    began = time.monotonic()
    with stopped(kill.place, COMMAND, "refresh", *kill.options, "--workspace", workspace) as command:
        seconds = time.monotonic() - began
        assert kill.leaves(workspace), kill.name
        found = dbt_processes(workspace)
        assert len(found) == (kill.dbt != "none"), kill.name
        if kill.dbt == "waits":
            wait_until_idle(found[0])
        if kill.victim == "dbt":
            found[0].kill()
            command.send_signal(signal.SIGCONT)
            assert command.wait(PATIENCE_SECONDS) == 1
            said = json.loads((workspace / "state" / "last_refresh.json").read_text(encoding="utf-8"))
            assert said["sentences"] == ["dbt ended before it was done (exit code -9), see the log."]
    assert no_dbt_is_left(workspace), kill.name
    assert_whole(workspace)
    if kill.is_current:
        assert_next(workspace, before, number)
    else:
        assert current_tree(workspace) == tree_before, kill.name
    if kill.is_committed:
        # The dead refresh had done what was asked for; what is left to do is pointing at it.
        assert refreshed(workspace)["status"] == "unchanged", kill.name
        assert_whole(workspace)
        assert_next(workspace, before, number)
    assert verify_chain(workspace / "published") == [], kill.name
    return seconds


def kill_anywhere(workspace: Path, seconds: float, number: int) -> None:
    """Kill a refresh after a while, or earlier where that is too late."""
    before = content(workspace)
    change(workspace, number)
    code = 0
    while code != -signal.SIGKILL:
        command = start("refresh", "--full", "--workspace", workspace)
        try:
            with suppress(subprocess.TimeoutExpired):
                command.wait(seconds)
        finally:
            command.kill()
            code = command.wait()
        seconds *= 0.7
    assert no_dbt_is_left(workspace), f"killed within {seconds} s"
    assert_whole(workspace)
    if content(workspace) != before:
        assert_next(workspace, before, number)


def dbt_processes(workspace: Path) -> list[psutil.Process]:
    """The dbt processes that work on this workspace, whoever their parent is now."""
    ours = f"{workspace.resolve()}/"
    return [
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if any("kunderegnskab-dbt" in word for word in process.info["cmdline"] or ())
        and (process.info["environ"] or {}).get("KUNDEREGNSKAB_WAREHOUSE", "").startswith(ours)
    ]


def wait_until_idle(process: psutil.Process) -> None:
    """Wait until it does nothing but wait."""
    deadline, used = time.monotonic() + PATIENCE_SECONDS, None
    while (now := sum(process.cpu_times()[:2])) != used or process.status() != psutil.STATUS_SLEEPING:
        assert time.monotonic() < deadline, "dbt does not come to rest"
        used = now
        time.sleep(0.5)


def no_dbt_is_left(workspace: Path) -> bool:
    deadline = time.monotonic() + ORPHAN_SECONDS
    while dbt_processes(workspace):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


# --- what readers have ------------------------------------------------------------------------------
def assert_whole(workspace: Path) -> None:
    now = current(workspace / "published")
    assert now is not None
    assert verify_files(now) == []
    with published(workspace) as con:
        marker = con.execute("select publication, run_id from _publication").fetchone()
        built = con.execute("select run_id from audit.build").fetchone()
    assert marker == (now.name, now.manifest.run_id)
    assert built == (now.manifest.run_id,)


def content(workspace: Path) -> list[tuple[Any, ...]]:
    """Every amount of every account, and whether `change` leaves it as it is."""
    with published(workspace) as con:
        return con.execute(
            f"select customer_id is distinct from '{MARKED}' or month is distinct from date '{MONTHS[-1]}', * "
            "from marts.customer_account_lines order by all"
        ).fetchall()


def assert_next(workspace: Path, before: list[tuple[Any, ...]], number: int) -> None:
    """Readers have the amounts of that change, and all others as they were."""
    assert [row for row in content(workspace) if row[0]] == [row for row in before if row[0]]
    with published(workspace) as con:
        (found,) = con.execute(
            "select amount from marts.customer_account_lines "
            f"where customer_id = '{MARKED}' and month = '{MONTHS[-1]}' and line_code = 'K30'"
        ).fetchone() or (None,)
    assert found == NET_SALES + 9 * number


def current_tree(workspace: Path) -> tuple[str, dict[str, str]]:
    now = current(workspace / "published")
    assert now is not None
    return now.name, tree(now.path)
