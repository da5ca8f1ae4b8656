"""A refresh that the system refuses room, rights or memory, at each stage: one plain sentence, and nothing is lost.

The process stands still at a place (`stopping`), the trouble begins, and it goes on. Afterwards readers have what they
had, or the publication that was just finished; when the trouble is over, the next refresh works.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import psutil
import pytest
from companies import MONTHS, line, write_sales
from reader_worker import MARKED
from running import COMMAND, PATIENCE_SECONDS, kunderegnskab, refreshed, tree
from stopping import Place, stopped

from kunderegnskab.publication.store import current, verify_chain, verify_files

LAST_DAY = date(MONTHS[-1].year, MONTHS[-1].month, 20)
ROOM = "200m"
MORE_MEMORY = 20 << 20
STAGES = {
    "looking at files": Place("kunderegnskab.refresh.due:look"),
    "reading": Place("kunderegnskab.ingest.readers:read_records"),
    "loading": Place("kunderegnskab.ingest.load:load_warehouse"),
    "checking files": Place("kunderegnskab.quality.certification:record"),
    "building": Place("kunderegnskab.progress:report", told="building customer accounts", call=40),
    "checking totals": Place("kunderegnskab.quality.gate:run_gate"),
    "publishing": Place("kunderegnskab.publication.publish:publish"),
    "handing over": Place("kunderegnskab.publication.store:make_current"),
    "noting": Place("kunderegnskab.quality.runs:end_run"),
}
# Rights bind everybody but the one who may do all.
AS_OTHERS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
FULL = "because the disk is full"
DENIED = "because this user has no right to it"
MEMORY = "The memory that the program may use is not enough"


@pytest.fixture
def small_disk(published_small: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the small company on a disk of its own, with little room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this user may mount no disk")
    try:
        yield Path(shutil.copytree(published_small, disk / "workspace", symlinks=True))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@contextmanager
def full_disk(workspace: Path, _: int) -> Generator[None]:
    """No byte is left on the workspace's disk."""
    ballast = workspace.parent / "ballast"
    with ballast.open("wb", buffering=0) as stream:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while stream.write(b"x" * size):
                    pass
            except OSError:
                continue
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def no_right(workspace: Path, _: int) -> Generator[None]:
    """No file can be made or removed in the workspace; those that are open are written on."""
    folders = [workspace, *(path for path in workspace.rglob("*") if path.is_dir() and not path.is_symlink())]
    rights = {folder: folder.stat().st_mode for folder in folders}
    for folder in folders:
        folder.chmod(0o555)
    try:
        yield
    finally:
        for folder, mode in rights.items():
            if folder.exists():
                folder.chmod(mode)


@contextmanager
def no_memory(_: Path, pid: int) -> Generator[None]:
    """The process gets hardly more than it has."""
    process = psutil.Process(pid)
    most = process.memory_info().vms + MORE_MEMORY
    process.rlimit(resource.RLIMIT_AS, (most, most))
    yield


@dataclass(frozen=True)
class Refused:
    """What a refresh of which something was refused came to."""

    code: int
    said: str
    is_published: bool


def refused(
    workspace: Path, stage: str, trouble: Callable[[Path, int], AbstractContextManager[None]], number: int
) -> Refused:
    """A refresh of other files than before, that runs into a trouble from a stage on; readers are looked after."""
    write_sales(workspace, "extra", [line("EXTRA", MARKED, LAST_DAY, Decimal(10 * number))])
    before = current(workspace / "published")
    assert before is not None
    seen = tree(before.path)
    with tempfile.TemporaryFile() as output:
        arguments = ("refresh", "--full", "--workspace", workspace)
        with (
            stopped(STAGES[stage], COMMAND, *arguments, output=output, started_by=AS_OTHERS) as process,
            trouble(workspace, process.pid),
        ):
            process.send_signal(signal.SIGCONT)
            code = process.wait(PATIENCE_SECONDS)
        output.seek(0)
        said = output.read().decode()
    now = current(workspace / "published")
    assert now is not None
    assert verify_files(now) == [], stage
    assert tree(before.path) == seen, stage
    assert "Traceback" not in said, said
    return Refused(code, said, is_published=now.name != before.name)


def assert_failed_plainly(done: Refused, stage: str, why: str) -> None:
    """One sentence that says why, between what every failed refresh says."""
    assert (done.code, done.is_published) == (1, False), f"{stage}:\n{done.said}"
    told = done.said.partition("The refresh failed and published nothing.\n")[2]
    told = told.partition("Readers still see publication")[
        0
    ]  # notes follow: what could not be kept of the run
    (sentence,) = [text for text in told.splitlines() if not text.startswith("The log ")]
    assert why in sentence, f"{stage}:\n{done.said}"
    assert sentence.endswith(".")


def assert_published_plainly(done: Refused, stage: str, why: str) -> None:
    """Readers have the new publication, and what else went wrong is a sentence."""
    assert (done.code, done.is_published) == (0, True), f"{stage}:\n{done.said}"
    assert why in done.said, f"{stage}:\n{done.said}"
    assert "failed" not in done.said


def assert_works_again(workspace: Path) -> None:
    write_sales(workspace, "extra", [line("EXTRA", MARKED, LAST_DAY, Decimal(1000))])
    assert refreshed(workspace)["status"] == "published"
    assert verify_chain(workspace / "published") == []
    assert list((workspace / "published").glob(".tmp-*")) == []
    assert list((workspace / "lake").glob(".reading-*")) == []
    assert kunderegnskab("status", "--workspace", workspace).code == 0


@pytest.mark.slow
def test_a_disk_that_becomes_full(small_disk: Path) -> None:
    opening = "cannot be opened (disk I/O error); check rights and space"
    stages = {
        "looking at files": opening,
        "reading": FULL,
        "loading": FULL,
        "building": FULL,
        "publishing": FULL,
    }
    for number, (stage, why) in enumerate(stages.items(), start=1):
        assert_failed_plainly(refused(small_disk, stage, full_disk, number), stage, why)
    for number, stage in enumerate(("handing over", "noting"), start=6):
        assert_published_plainly(refused(small_disk, stage, full_disk, number), stage, FULL)
    assert_works_again(small_disk)


@pytest.mark.slow
def test_rights_that_are_taken_away(small_to_change: Path) -> None:
    for number, stage in enumerate(("looking at files", "reading", "checking files", "publishing"), start=1):
        assert_failed_plainly(refused(small_to_change, stage, no_right, number), stage, DENIED)
    # It has its name, and readers could not be led to it: the next one begins with that.
    done = refused(small_to_change, "handing over", no_right, 5)
    assert_failed_plainly(done, "handing over", "0002-")
    assert "is whole, but readers could not all be led to it, which the next refresh does: " in done.said
    done = refused(small_to_change, "noting", no_right, 6)
    assert_published_plainly(done, "noting", DENIED)
    assert_works_again(small_to_change)


@pytest.mark.slow
def test_memory_that_is_not_enough(small_to_change: Path) -> None:
    # Here libraries are loaded beside, and one that gets no memory may end the process itself. Nothing is lost then.
    for number, stage in enumerate(("looking at files", "reading"), start=1):
        done = refused(small_to_change, stage, no_memory, number)
        if done.code in (-signal.SIGABRT, -signal.SIGSEGV):
            assert not done.is_published
        else:
            assert_failed_plainly(done, stage, MEMORY)
    for number, stage in enumerate(("building", "publishing"), start=3):
        assert_failed_plainly(refused(small_to_change, stage, no_memory, number), stage, MEMORY)
    assert_works_again(small_to_change)


@pytest.mark.slow
def test_a_workspace_that_can_only_be_read(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk.parent)], check=True)
    done = kunderegnskab("refresh", "--full", "--workspace", small_disk)
    assert done.code == 1
    assert done.err.splitlines()[0] == "The refresh failed and published nothing."
    assert "cannot be written, because its disk or folder can only be read" in done.err
    assert "Traceback" not in done.err
    assert kunderegnskab("status", "--workspace", small_disk).code == 0
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk.parent)], check=True)
    assert_works_again(small_disk)
