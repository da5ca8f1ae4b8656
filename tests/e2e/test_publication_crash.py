"""Whatever happens to a publishing process, readers have a whole publication, and the next refresh works.

Failures that need no second process belong in tests/unit/test_publication.py, whole refreshes in `test_crash`.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
from running import PATIENCE_SECONDS
from stopping import Place, stopped

from kunderegnskab.publication.store import current, recover, verify_chain, verify_files

WORKER = Path(__file__).with_name("publication_worker.py")
ROOT = Path(__file__).parents[2]
RANDOM_KILLS = 4


@dataclass(frozen=True)
class Kill:
    """Where a process is killed that mends what the one before left, and then publishes.

    Attributes:
        leaves: what is then to be found in the folder of publications.
        seen: how many publications more than before it began readers have seen by then.
        mended: how many more they see when that is mended.
    """

    name: str
    place: Place
    leaves: str
    seen: int = 0
    mended: int = 0


LINK = r"/published/current'"
POINTER = r"/published/current\.json"
KILLS = [
    Kill(
        "a table is half written",
        Place("pyarrow.parquet:ParquetWriter.write_batch", call=2),
        ".tmp-*-*/parquet/audit/*.parquet",
    ),
    Kill("of that a part is removed", Place("os:rmdir"), ".tmp-*-*"),
    Kill(
        "all tables are written",
        Place("pathlib:Path.write_text", told=r"report\.html"),
        ".tmp-*-*/parquet/audit/row_ledger.parquet",
    ),
    Kill(
        "the manifest is missing",
        Place("pathlib:Path.write_bytes", told=r"manifest\.json"),
        ".tmp-*-*/quality/report.html",
    ),
    Kill("the folder is not renamed", Place("os:rename", told=r"/\.tmp-"), ".tmp-*-*/manifest.json"),
    Kill("nothing is moved", Place("kunderegnskab.publication.store:make_current"), "[0-9]*", mended=1),
    Kill("of that the link is moved", Place("os:replace", told=POINTER), ".tmp-current.json", seen=1),
    Kill(
        "the link is not moved",
        Place("os:replace", told=LINK, call=2),  # the first time it mends
        ".tmp-current",
        mended=1,
    ),
    Kill(
        "the link is moved, the pointer is not",
        Place("os:replace", told=POINTER, call=2),
        ".tmp-current.json",
        seen=2,
    ),
    Kill("nothing is pruned", Place("kunderegnskab.publication.store:prune"), "[0-9]*", seen=1),
    Kill(
        "pruning is not noted",
        Place("os:replace", told=r"/published/retention\.jsonl"),
        ".tmp-retention.jsonl",
        seen=1,
    ),
    Kill(
        "a publication is half pruned",
        Place("shutil:rmtree", told=r"/\d{4}-[^/]+/parquet'"),
        "retention.jsonl",
        seen=1,
    ),
]


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


def assert_mended(published: Path) -> int:
    """Nothing is left of what was killed; returns the number of the publication that is current."""
    assert list(published.glob(".tmp-*")) == []
    assert verify_chain(published) == []
    return assert_whole(published)


def test_killed_publishing_leaves_current_whole(tmp_path: Path) -> None:
    published = tmp_path / "published"
    assert start("publish", str(tmp_path), "2").wait(PATIENCE_SECONDS) == 0
    seen = assert_mended(published)
    for number, kill in enumerate(KILLS):
        with stopped(kill.place, WORKER, "publish", tmp_path, "1"):
            assert list(published.glob(kill.leaves)), kill.name
        seen += kill.seen
        assert assert_whole(published) == seen, kill.name
        # What it left is mended twice: here in a copy, and by the next to publish.
        copy = tmp_path / f"copy {number}"
        shutil.copytree(published, copy, symlinks=True)
        recover(copy)
        assert assert_mended(copy) == seen + kill.mended, kill.name
    assert start("publish", str(tmp_path), "1").wait(PATIENCE_SECONDS) == 0
    assert assert_mended(published) > seen


def test_publishing_killed_anywhere_leaves_current_whole(tmp_path: Path) -> None:
    published = tmp_path / "published"
    worker = start("publish", str(tmp_path), "2")
    wait_for_publishing(worker)
    began = time.monotonic()
    wait_for_publishing(worker)
    duration = time.monotonic() - began
    assert worker.wait(PATIENCE_SECONDS) == 0

    delays = random.Random(20240131)
    number = assert_mended(published)
    for _ in range(RANDOM_KILLS):
        # The worker goes on publishing, so every kill hits it somewhere between two publications' ends.
        worker = start("publish", str(tmp_path), "1000")
        wait_for_publishing(worker)
        time.sleep(delays.uniform(0, 1.5 * duration))
        worker.kill()
        worker.wait()
        if worker.stdout is not None:
            worker.stdout.close()
        before, number = number, assert_whole(published)
        assert number >= before
    recover(published)
    assert assert_mended(published) >= number


def test_reader_never_sees_an_error_or_a_mix(tmp_path: Path) -> None:
    publisher = start("publish", str(tmp_path), "20")
    reader = start("read", str(tmp_path))
    try:
        assert publisher.wait(PATIENCE_SECONDS) == 0
    finally:
        (tmp_path / "stop").touch()
        printed, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0
    seen = json.loads(printed)
    assert seen["reads"] >= 20
    assert seen["publications"] >= 5
    assert verify_chain(tmp_path / "published") == []
