"""Whatever happens to a publishing process, readers have a whole publication, and the next refresh works.

Failures that need no second process belong in tests/unit/test_publication.py.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from kunderegnskab.publication.store import current, recover, verify_chain, verify_files

WORKER = Path(__file__).with_name("publication_worker.py")
ROOT = Path(__file__).parents[2]
KILLS = 24


def start(*arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, str(WORKER), *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )


def wait_for_publishing(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline().startswith("publishing ")


def assert_whole(published: Path) -> int:
    """Reads the current publication as a reader does; returns its number."""
    now = current(published)
    assert now is not None
    assert verify_files(now) == []
    database = published / "current" / "kunderegnskab.duckdb"
    with duckdb.connect(str(database), read_only=True) as con:
        marker = con.execute("select publication, run_id from _publication").fetchone()
        assert marker == (now.name, now.manifest.run_id)
        for table in ("marts.customer_accounts", "marts.customer_account_lines", "audit.row_ledger"):
            found = con.execute(f"select count(*), min(run_id), max(run_id) from {table}").fetchone()
            assert found == (20000, now.manifest.run_id, now.manifest.run_id)
    return now.manifest.number


def test_killed_publishing_leaves_current_whole(tmp_path: Path) -> None:
    published = tmp_path / "published"
    worker = start("publish", str(tmp_path), "2")
    wait_for_publishing(worker)
    began = time.monotonic()
    wait_for_publishing(worker)
    duration = time.monotonic() - began
    assert worker.wait(60) == 0

    delays = random.Random(20240131)
    unfinished, number = 0, assert_whole(published)
    for kill in range(KILLS):
        # The worker goes on publishing, so every kill hits it somewhere between two publications' ends.
        worker = start("publish", str(tmp_path), "1000")
        wait_for_publishing(worker)
        time.sleep(delays.uniform(0, 1.5 * duration))
        worker.kill()
        worker.wait()
        if worker.stdout is not None:
            worker.stdout.close()
        unfinished += bool(list(published.glob(".tmp-*")))
        before, number = number, assert_whole(published)
        assert number >= before
        if kill % 2:  # the other times the next publication must repair by itself
            recover(published)
            assert list(published.glob(".tmp-*")) == []
            assert verify_chain(published) == []
            number = assert_whole(published)
    assert unfinished >= KILLS // 4, "the kills missed the publishing"

    assert start("publish", str(tmp_path), "1").wait(60) == 0
    assert assert_whole(published) > number
    assert list(published.glob(".tmp-*")) == []
    assert verify_chain(published) == []


def test_reader_never_sees_an_error_or_a_mix(tmp_path: Path) -> None:
    publisher = start("publish", str(tmp_path), "20")
    reader = start("read", str(tmp_path))
    try:
        assert publisher.wait(120) == 0
    finally:
        (tmp_path / "stop").touch()
        printed, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0
    seen = json.loads(printed)
    assert seen["reads"] >= 20
    assert seen["publications"] >= 5
    assert verify_chain(tmp_path / "published") == []
