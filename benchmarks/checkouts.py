"""Versions of this repository to set side by side: the one that this file stands in, and an older commit.

An older commit is checked out into a cache folder with an environment of its own, once; it stays there for
the next run. Here too: running a version's command and telling what it took. Not here: what is compared
(refresh.py, same_numbers.py) and the files of the companies (made_companies.py).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

REPOSITORY = Path(__file__).resolve().parents[1]
# The version that the numbers and times of later ones are held against.
BASELINE = "aaa8846"
# Several clones can share the versions that were set up: name one folder for all of them here.
CACHE_VARIABLE = "KUNDEREGNSKAB_VERSIONS"
# What the machine, or whoever starts this, may have set for the product, for make or for Python. The two
# versions must differ in nothing but their code; without bytecode every refresh would compile all modules.
_OURS = (
    "KUNDEREGNSKAB_", "DBT_", "DAGSTER_", "OPENLINEAGE_", "MAKE", "MFLAGS", "PYTHON", "VIRTUAL_ENV",
    "COVERAGE_",
)  # fmt: skip


class CannotCompare(Exception):
    """A version cannot be set up or run; the text says why."""


@dataclass(frozen=True)
class Finished:
    """A command of a version that has ended well.

    Attributes:
        report: what it printed as JSON.
        clock: seconds on the clock.
        processor: seconds of user and system of it and of all processes that it started.
        memory: bytes that the largest of these processes held at its peak.
    """

    report: dict[str, Any]
    clock: float
    processor: float
    memory: int


@dataclass(frozen=True)
class Version:
    """A version whose command can be run.

    Attributes:
        name: what reports call it.
        repository: its checkout, with its environment in `.venv`.
        folder: where what is made with it may be kept.
    """

    name: str
    repository: Path
    folder: Path

    def run(self, *arguments: str | Path) -> Finished:
        """The version's `kunderegnskab` with these arguments, which must make it print JSON.

        Raises CannotCompare when it fails.
        """
        command = [str(self.repository / ".venv" / "bin" / "kunderegnskab"), *map(str, arguments)]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            started = time.perf_counter()
            process = subprocess.Popen(
                command,
                cwd=self.repository,
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
            try:
                # wait4 tells what this process and those it waited for took, whatever has run before.
                _, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                process.kill()
                process.wait()
                raise
            clock = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            said, complained = out.read().decode(errors="replace"), err.read().decode(errors="replace")
        if process.returncode:
            raise CannotCompare(
                f"{self.name}: `kunderegnskab {' '.join(map(str, arguments))}` ended with exit code "
                f"{process.returncode}\n{said[-3000:]}\n{complained[-3000:]}"
            )
        memory = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return Finished(json.loads(said), clock, usage.ru_utime + usage.ru_stime, memory)

    @contextmanager
    def alone(self) -> Generator[None]:
        """Keep other benchmarks off this version meanwhile.

        All workspaces of a checkout share dbt's parse of the project, and dbt parses again whenever the
        workspace is another one than last time: two at once would spoil each other's times.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "running.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            tell(f"{self.name}: another benchmark is running this version, waiting for it to end")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()


def tell(sentence: str) -> None:
    """Progress, to standard error: what comes of it goes to standard output."""
    print(f"{datetime.now():%H:%M:%S}  {sentence}", file=sys.stderr, flush=True)


def clean_environment() -> dict[str, str]:
    """The environment without everything that is meant for the product, for make or for Python."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


def cache_folder() -> Path:
    """Where older versions and what was made with them are kept between runs."""
    return Path(os.environ.get(CACHE_VARIABLE) or REPOSITORY / ".cache" / "versions").resolve()


def this_version() -> Version:
    """The code as it stands here, changed or not."""
    return Version("this version", REPOSITORY, REPOSITORY / ".cache" / "benchmarks")


def older_version(commit: str) -> Version:
    """A commit's version, which `set_up` still has to make ready. Raises CannotCompare if there is none."""
    found = _git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    if found.returncode:
        raise CannotCompare(f"There is no commit {commit} in {REPOSITORY}; fetch it first.")
    full = found.stdout.strip()
    folder = cache_folder() / full
    return Version(full[:7], folder / "repository", folder)


def set_up(version: Version, progress: Callable[[str], None] = tell) -> None:
    """Check an older version out and install what it needs, unless that was done before.

    Raises CannotCompare when it cannot be.
    """
    version.folder.mkdir(parents=True, exist_ok=True)
    finished = version.folder / "set-up"
    with FileLock(version.folder / "set-up.lock"):
        if finished.exists():
            return
        progress(f"{version.name}: setting up in {version.repository} (once, a minute or two)")
        shutil.rmtree(version.repository, ignore_errors=True)
        # A clone and no worktree: it outlives the repository that it was made from, and leaves no mark there.
        _require(_git("clone", "--quiet", "--no-checkout", str(REPOSITORY), str(version.repository)))
        commit = version.folder.name
        _require(_git("checkout", "--quiet", "--detach", commit, repository=version.repository))
        # The same Python for both: environments may be made from within an environment.
        make = ["make", "--no-print-directory", "setup", f"PYTHON={sys.executable}"]
        _require(_run(make, version.repository))
        finished.touch()


def _git(*arguments: str, repository: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    return _run(["git", *arguments], repository)


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in clean_environment().items() if not name.startswith("GIT_")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _require(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        said = f"{done.stdout[-3000:]}{done.stderr[-3000:]}"
        raise CannotCompare(f"{' '.join(done.args)} ended with exit code {done.returncode}\n{said}")
