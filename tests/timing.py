"""Says how many tests a run has, about how long they take and how far it is; lets the slowest files begin.

How long each file took when it was last noted stands in seconds.json beside this file, which
`make test TEST_OPTIONS=--note-seconds` writes.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

NOTED = Path(__file__).with_name("seconds.json")
# Of a test in a file that is not noted.
SECONDS_PER_TEST = 0.5
# What a fixture takes that is built once and that several files wait for.
SECONDS_TO_BUILD = {"small": 100.0}
TELL_EVERY_SECONDS = 30


class Timing:
    """What is known of each file's seconds, and what this run has used."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.noted: dict[str, dict[str, float]] = json.loads(NOTED.read_text(encoding="utf-8"))
        self.processes = 1
        self.tests = self.done = 0
        self.work = self.done_work = 0.0
        self.began = self.told = time.monotonic()
        self.used: dict[str, float] = defaultdict(float)
        self.counts: Counter[str] = Counter()

    def seconds_of(self, test: str) -> float:
        """About how long a test takes, with its share of what its file builds first."""
        file = self.noted.get(_file(test))
        return file["seconds"] / file["tests"] if file else SECONDS_PER_TEST

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Files that take longest come first, so that no process is left with one at the end."""
        if "PYTEST_XDIST_WORKER" in os.environ:
            work: dict[str, float] = defaultdict(float)
            users: dict[str, set[str]] = defaultdict(set)
            for item in items:
                work[_file(item.nodeid)] += self.seconds_of(item.nodeid)
                for fixture in SECONDS_TO_BUILD.keys() & set(getattr(item, "fixturenames", ())):
                    users[fixture].add(_file(item.nodeid))
            # The longest of its files builds it; the others come when it is there.
            for fixture, files in users.items():
                work[max(files, key=lambda file: work[file])] += SECONDS_TO_BUILD[fixture]
            items.sort(key=lambda item: -work[_file(item.nodeid)])

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Without parallel processes."""
        self.begin([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """With them: each finds the same tests."""
        self.processes = len(node.config.option.tx)
        self.begin(ids)

    def begin(self, tests: list[str]) -> None:
        """Say what there is to do, once."""
        if self.tests or not tests:
            return
        self.tests, self.work = len(tests), sum(map(self.seconds_of, tests))
        self.counts.update(map(_file, tests))
        self.began = self.told = time.monotonic()
        about = _minutes(self.work / self.processes)
        side_by_side = f", {self.processes} at a time" if self.processes > 1 else ""
        self.tell(f"{self.tests:,} tests{side_by_side}: about {about} on a quiet machine")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Every so often, how far it is."""
        self.used[_file(report.nodeid)] += report.duration
        if report.when != "teardown":
            return
        self.done += 1
        self.done_work += self.seconds_of(report.nodeid)
        now = time.monotonic()
        if now - self.told < TELL_EVERY_SECONDS or self.done == self.tests:
            return
        self.told = now
        # At the pace of this run.
        left = (now - self.began) * (self.work - self.done_work) / self.done_work
        self.tell(
            f"{self.done:,} of {self.tests:,} tests ({self.done_work / self.work:.0%} of the work) "
            f"after {_minutes(now - self.began)}, about {_minutes(left)} left"
        )

    def tell(self, sentence: str) -> None:
        """A line of its own."""
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and reporter.verbosity >= 0 and "PYTEST_XDIST_WORKER" not in os.environ:
            reporter.ensure_newline()
            reporter.write_line(sentence)

    def pytest_sessionfinish(self) -> None:
        """Note what each file took, if asked to."""
        if self.config.option.note_seconds and "PYTEST_XDIST_WORKER" not in os.environ:
            measured = {
                file: {"seconds": round(seconds, 1), "tests": self.counts[file]}
                for file, seconds in self.used.items()
            }
            noted = dict(sorted((self.noted | measured).items()))
            lines = ",\n".join(f" {json.dumps(file)}: {json.dumps(value)}" for file, value in noted.items())
            NOTED.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def _file(test: str) -> str:
    return test.partition("::")[0]


def _minutes(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"
