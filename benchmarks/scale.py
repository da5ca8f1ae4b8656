"""What a full refresh of a large company takes: time, memory and disk, beside scripts that only sum.

    .venv/bin/python benchmarks/scale.py [--sizes 2m 6m_new_pairs 20m] [--rounds 3] [--old COMMIT] [--no-old]

For each size one company's files are made. Then they are taken by turns: by the limit script (DuckDB, typed
Parquet and sums), the pandas script (DB I in floats), this version and an older one. What counts is the ratio
of the medians to the limit script and to the older version. Memory is the peak of all processes of one run
together, sampled. Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import psutil
from checkouts import (
    BASELINE,
    CannotCompare,
    Version,
    clean_environment,
    older_version,
    set_up,
    tell,
    this_version,
)
from large_company import SIZES, write_large_company

SCRIPTS = Path(__file__).with_name("scale_scripts.py")
_SAMPLE_SECONDS = 0.1
_GIB = 2**30
_MB = 10**6


@dataclass
class Taken:
    """What one way took in every round.

    Attributes:
        seconds: on the clock.
        memory: bytes, at the peak of each run.
        disk: bytes that the last run has written and left.
    """

    seconds: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    disk: int = 0


def main() -> None:
    """Make the companies, measure every way on each, print the table."""
    options = _options()
    ways: dict[str, Version | str] = {"limit script": "limit", "pandas script": "pandas"}
    versions = [this_version()]
    if not options.no_old:
        versions.append(older_version(options.old))
    found: dict[str, dict[str, Taken]] = {}
    try:
        for version in versions[1:]:
            set_up(version)
        ways |= {version.name: version for version in versions}
        with ExitStack() as stack:
            for version in versions:
                stack.enter_context(version.alone())
            for size in options.sizes:
                with tempfile.TemporaryDirectory(prefix="scale-benchmark-", dir=options.folder) as scratch:
                    found[size] = _measure(size, ways, Path(scratch), options.rounds)
                _show(size, found[size])
    except CannotCompare as error:
        sys.exit(str(error))
    if options.json:
        options.json.write_text(
            json.dumps({size: {way: asdict(each) for way, each in of.items()} for size, of in found.items()}),
            encoding="utf-8",
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--sizes", nargs="+", choices=SIZES, default=["2m"], metavar="SIZE", help=", ".join(SIZES)
    )
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument("--old", default=BASELINE, help=f"commit to measure beside (default {BASELINE})")
    parser.add_argument("--no-old", action="store_true", help="only this version and the scripts")
    parser.add_argument(
        "--folder", type=Path, help="where the companies are made (the folder for temporary files)"
    )
    parser.add_argument("--json", type=Path, help="a file for every measurement")
    return parser.parse_args()


def _measure(size: str, ways: Mapping[str, Version | str], scratch: Path, rounds: int) -> dict[str, Taken]:
    company = scratch / "company"
    tell(f"{size}: making {SIZES[size].lines:,} lines")
    write_large_company(company, SIZES[size])
    csv = _bytes_in(company / "landing")
    tell(f"{size}: {csv / _MB:,.0f} MB of CSV")
    taken = {name: Taken() for name in ways}
    for number in range(rounds):
        for name, way in list(ways.items())[:: 1 if number % 2 else -1]:
            output = scratch / "output"
            run = (
                partial(_script, way, company, output)
                if isinstance(way, str)
                else partial(_refresh, way, company, output)
            )
            seconds, memory = _watched(run)
            taken[name].seconds.append(seconds)
            taken[name].memory.append(memory)
            taken[name].disk = _bytes_in(output)
            tell(f"{size}, round {number + 1}, {name}: {seconds:.1f} s, {memory / _GIB:.2f} GiB")
            shutil.rmtree(output)
    return taken


def _script(which: str, company: Path, output: Path) -> None:
    output.mkdir()
    done = subprocess.run(
        [sys.executable, str(SCRIPTS), which, str(company), str(output)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotCompare(
            f"the {which} script ended with exit code {done.returncode}\n{done.stderr[-3000:]}"
        )


def _refresh(version: Version, company: Path, output: Path) -> None:
    """A first refresh in a workspace of its own, over the same landing files."""
    output.mkdir()
    for file in ("company.yaml", "feeds.yaml", "policy"):
        source = company / file
        shutil.copytree(source, output / file) if source.is_dir() else shutil.copy2(source, output / file)
    (output / "landing").symlink_to(company / "landing", target_is_directory=True)
    version.run("refresh", "--json", "--full", "--workspace", output)


def _watched(run: Callable[[], None]) -> tuple[float, int]:
    """Seconds on the clock, and the peak of the memory of all processes that were started."""
    with _peak_memory() as peak:
        started = time.perf_counter()
        run()
        seconds = time.perf_counter() - started
    return seconds, peak[0]


@contextmanager
def _peak_memory() -> Generator[list[int]]:
    peak, ended, own = [0], threading.Event(), psutil.Process()

    def sample() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            held = 0
            for process in own.children(recursive=True):
                try:
                    held += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            peak[0] = max(peak[0], held)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def _bytes_in(folder: Path) -> int:
    """Size of all files below, those that links lead to left out."""
    return sum((Path(place) / name).lstat().st_size for place, _, names in os.walk(folder) for name in names)


def _show(size: str, taken: Mapping[str, Taken]) -> None:
    limit = statistics.median(taken["limit script"].seconds)
    print(f"\n{size}\n\n| | seconds | x limit script | peak GiB | disk MB |\n|---|---|---|---|---|")
    for name, each in taken.items():
        seconds = statistics.median(each.seconds)
        print(
            f"| {name} | {seconds:.1f} ({min(each.seconds):.1f}-{max(each.seconds):.1f}) "
            f"| {seconds / limit:.1f} "
            f"| {max(each.memory) / _GIB:.2f} | {each.disk / _MB:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
