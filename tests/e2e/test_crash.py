"""Refreshes that end and refreshes that are killed anywhere, with readers at work all the time.

No read fails, nobody sees a mix of two publications, what was published stays whole, and the next refresh works.
What readers do is in `reader_worker`. Kills of the publishing step alone, and publications that follow each
other faster, are in `test_publication_crash`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from companies import MONTHS, line, write_sales
from reader_worker import MARKED
from running import PATIENCE_SECONDS, REPOSITORY, environment, published, refreshed, start, tree

from kunderegnskab.publication.store import current, publications, verify_chain, verify_files

WORKER = Path(__file__).with_name("reader_worker.py")
KILLS = {"command": 8, "dbt": 7, "publication": 6}
REFRESH_AFTER_EVERY = 4
# How long a dbt may outlive the refresh that started it.
ORPHAN_SECONDS = 2.0
_POLL_SECONDS = 0.02


@pytest.mark.slow
def test_killed_refresh_leaves_readers_and_the_next_refresh_unharmed(small_to_change: Path):
    workspace = small_to_change
    with reading(workspace) as judged:
        ended = refreshes_and_kills(workspace)
    read, held = judged
    assert read["reads"] >= 10 * sum(KILLS.values())
    # Every publication there was, though one may be replaced before a reader comes to it.
    assert read["publications"] >= ended
    assert held["reads"] >= 10 * sum(KILLS.values())
    assert held["publications"] == 1  # whoever holds a file open keeps what was in it

    store = workspace / "published"
    assert verify_chain(store) == []
    # Old data is pruned, their manifests stay: the reader above held a file that is gone.
    assert len([publication for publication in publications(store) if publication.database.exists()]) == 3


def refreshes_and_kills(workspace: Path) -> int:
    """How many refreshes came to their end, each with numbers of its own."""
    ended, whole = 1, changed_refresh(workspace, 1)
    content = published_content(workspace)

    chance = random.Random(20240131)
    # Spread over the whole of what is killed, so that every part of it is hit.
    kills = [(target, (n + chance.random()) / count) for target, count in KILLS.items() for n in range(count)]
    chance.shuffle(kills)
    # Seconds that each may live; guesses but for the first, corrected when a kill comes too late.
    spans = {"command": whole, "dbt": whole / 2, "publication": 0.5}
    for number, (target, part) in enumerate(kills, start=1):
        before = current_tree(workspace)
        while not kill_a_refresh(workspace, target, part * spans[target]):
            spans[target] *= 0.7
            before = current_tree(workspace)  # that refresh came to its end
        assert no_dbt_is_left(workspace), f"kill {number} of {target} left a dbt behind"
        assert_whole(workspace)
        assert published_content(workspace) == content, f"kill {number} of {target}"
        name, files = current_tree(workspace)
        if name == before[0]:
            assert files == before[1]
        if number % REFRESH_AFTER_EVERY == 0 or number == len(kills):
            ended += 1
            changed_refresh(workspace, ended)
            assert list((workspace / "published").glob(".tmp-*")) == []
            assert verify_chain(workspace / "published") == []
            assert_whole(workspace)
            changed = published_content(workspace)
            assert changed != content
            content = changed
    return ended


def changed_refresh(workspace: Path, number: int) -> float:
    """Refresh with another amount than ever before; the seconds it took."""
    day = date(MONTHS[-1].year, MONTHS[-1].month, 20)
    write_sales(workspace, "extra", [line("EXTRA", MARKED, day, Decimal(10 * number))])
    began = time.monotonic()
    assert refreshed(workspace)["status"] == "published"
    return time.monotonic() - began


# --- killing ----------------------------------------------------------------------------------------
def kill_a_refresh(workspace: Path, target: str, delay: float) -> bool:
    """Start a refresh, kill one process of it after a while and see it end; False if it came too late."""
    process = start("refresh", "--full", "--workspace", workspace)
    try:
        victim: int | None = process.pid
        if target == "dbt":
            victim = wait_for(lambda: next(iter(dbt_processes(workspace, "build")), None), process)
        elif target == "publication":
            wait_for(lambda: list((workspace / "published").glob(".tmp-*")) or None, process)
        if victim is None:
            return False
        time.sleep(delay)
        hit = process.poll() is None and is_running(victim)
        if hit:
            os.kill(victim, signal.SIGKILL)
        code = process.wait(PATIENCE_SECONDS)
        if hit and target == "dbt":
            # The command lives on and says so, unless dbt had written its last word already.
            said = json.loads((workspace / "state" / "last_refresh.json").read_text(encoding="utf-8"))
            dbt_ended = "dbt ended before it was done (exit code -9), see the log."
            assert code == 0 or said["sentences"] == [dbt_ended]
            hit = code != 0
        return hit
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def wait_for(look: Callable[[], Any], process: Any) -> Any:
    """What `look` finds, None if the process ends before."""
    while process.poll() is None:
        found = look()
        if found is not None:
            return found
        time.sleep(_POLL_SECONDS)
    return None


def dbt_processes(workspace: Path, word: str = "") -> list[int]:
    """Ids of the dbt processes that work on this workspace, whoever their parent is now."""
    ours = f"KUNDEREGNSKAB_WAREHOUSE={workspace.resolve()}/".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            is_dbt = b"kunderegnskab-dbt" in command and (not word or word.encode() in command.split(b"\0"))
            if is_dbt and ours in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue  # it has ended meanwhile
    return found


def no_dbt_is_left(workspace: Path) -> bool:
    deadline = time.monotonic() + ORPHAN_SECONDS
    while dbt_processes(workspace):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
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


def published_content(workspace: Path) -> list[tuple[Any, ...]]:
    with published(workspace) as con:
        return con.execute("select * from marts.customer_account_lines order by all").fetchall()


def current_tree(workspace: Path) -> tuple[str, dict[str, str]]:
    now = current(workspace / "published")
    assert now is not None
    return now.name, tree(now.path)


@contextmanager
def reading(workspace: Path) -> Generator[list[dict[str, int]]]:
    """Readers at work; afterwards how often each read, and how many publications it saw."""
    readers = [begin_reading(what, workspace) for what in ("read", "hold")]
    judged: list[dict[str, int]] = []
    try:
        yield judged
    finally:
        (workspace / "stop").touch()
        ended = [reader.communicate(timeout=60) for reader in readers]
    for reader, (printed, complaints) in zip(readers, ended, strict=True):
        assert reader.returncode == 0, complaints
        judged.append(json.loads(printed))


def begin_reading(what: str, workspace: Path) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])
    return subprocess.Popen(
        [sys.executable, str(WORKER), what, str(workspace)],
        cwd=REPOSITORY,
        env=environment(PYTHONPATH=paths),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
