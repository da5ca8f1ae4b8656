"""What one refresh takes, beside what it took in an older version.

    .venv/bin/python benchmarks/refresh.py [--cases readme demo rule unchanged] [--rounds 5] [--old COMMIT]

The two versions refresh the same files by turns on the same cores, each in workspaces of its own; which of
them is first changes from round to round. What counts is the ratio of the medians, beside it the seconds of
processor where the machine has other work too: its load is printed with them. Run nothing else in the two
checkouts meanwhile. It says which targets hold and ends well either way: tests never measure time; a claim
about speed in the documents points here.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import made_companies
from checkouts import BASELINE, CannotCompare, Finished, Version, older_version, set_up, tell, this_version

ROUNDS = 5
CORES = 2


@dataclass(frozen=True)
class Case:
    """Something to refresh.

    Attributes:
        company: whose workspace it is done in.
        what: in words.
        target: what the ratio of the medians shall be at most, or the seconds.
        unit: what the target is of.
        status: how every refresh must end, or it was another case.
        options: of the command.
        change: done to the files before every refresh.
    """

    company: str
    what: str
    target: float
    unit: Literal["ratio", "seconds"]
    status: str
    options: tuple[str, ...] = ()
    change: Callable[[Path], None] | None = None


CASES = {
    "readme": Case("readme", "the README's company, everything", 0.55, "ratio", "published", ("--full",)),
    "demo": Case("demo", "the demo company, everything", 0.60, "ratio", "published", ("--full",)),
    "rule": Case(
        "demo",
        "the demo company, one line of a rule changed",
        0.50,
        "ratio",
        "published",
        change=made_companies.change_a_rule,
    ),
    "unchanged": Case("demo", "the demo company, nothing changed", 3, "seconds", "unchanged"),
}


@dataclass(frozen=True)
class Measured:
    """One case: the seconds of every round for both versions, and the machine's load before each round."""

    case: str
    old_clock: list[float]
    new_clock: list[float]
    old_processor: list[float]
    new_processor: list[float]
    load: list[float]

    @property
    def ratio(self) -> float:
        """Of the medians on the clock."""
        return statistics.median(self.new_clock) / statistics.median(self.old_clock)

    @property
    def processor_ratio(self) -> float:
        """Of the medians of processor seconds, which other work on the machine changes less."""
        return statistics.median(self.new_processor) / statistics.median(self.old_processor)

    @property
    def holds(self) -> bool:
        """True when the target is reached."""
        case = CASES[self.case]
        measure = self.ratio if case.unit == "ratio" else statistics.median(self.new_clock)
        return measure <= case.target


def main() -> None:
    """Set both versions up, measure the cases one after the other, print the table."""
    options = _options()
    cores = _confine(CORES)
    versions = {"old": older_version(options.old), "new": this_version()}
    tell(f"{options.rounds} rounds on {cores} cores; load {os.getloadavg()[0]:.1f}")
    try:
        set_up(versions["old"])
        with ExitStack() as stack:
            for version in versions.values():
                stack.enter_context(version.alone())
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="refresh-benchmark-")))
            measured = _measure(versions, scratch, options)
    except CannotCompare as error:
        sys.exit(str(error))
    if options.json:
        found = [
            asdict(each) | {"ratio": each.ratio, "processor_ratio": each.processor_ratio, "holds": each.holds}
            for each in measured
        ]
        print(json.dumps({"old": options.old, "cores": cores, "cases": found}, indent=1))
    else:
        _show(versions, measured)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--old", default=BASELINE, help=f"commit to measure beside (default {BASELINE})")
    parser.add_argument(
        "--cases", nargs="+", choices=CASES, default=list(CASES), metavar="CASE", help=", ".join(CASES)
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the demo company (default 1)")
    parser.add_argument("--json", action="store_true", help="print every measurement as JSON")
    return parser.parse_args()


def _confine(cores: int) -> int:
    """Let this process and all that it starts use so many cores only; returns how many they are."""
    if not hasattr(os, "sched_setaffinity"):  # macOS
        return os.cpu_count() or 1
    chosen = sorted(os.sched_getaffinity(0))[:cores]
    os.sched_setaffinity(0, chosen)
    return len(chosen)


def _measure(versions: Mapping[str, Version], scratch: Path, options: argparse.Namespace) -> list[Measured]:
    companies: dict[str, Callable[[Path], None]] = {
        "readme": made_companies.write_readme_company,
        "demo": partial(made_companies.write_demo, scale=options.scale),
    }
    found: list[Measured] = []
    # All cases of a company after one another: a checkout parses its dbt project again for another workspace.
    for company, write in companies.items():
        cases = [name for name in CASES if name in options.cases and CASES[name].company == company]
        if not cases:
            continue
        for side, version in versions.items():
            write(scratch / side / company)
            tell(f"{company}: {version.name} publishes it first, which is not measured")
            _refresh(version, scratch / side / company, Case(company, "", 0, "seconds", "published"))
        for name in cases:
            found.append(_measure_case(name, versions, scratch, options.rounds))
    return found


def _measure_case(name: str, versions: Mapping[str, Version], scratch: Path, rounds: int) -> Measured:
    case = CASES[name]
    taken: dict[str, list[Finished]] = {side: [] for side in versions}
    load: list[float] = []
    # Round 0 warms up: the first refresh of its kind fills caches that the later ones find.
    for number in range(rounds + 1):
        load.append(os.getloadavg()[0])
        for side in list(versions) if number % 2 else list(versions)[::-1]:
            finished = _refresh(versions[side], scratch / side / case.company, case)
            told = f"{versions[side].name} {finished.clock:.1f} s ({finished.processor:.1f} s of processor)"
            tell(f"{name}, {f'round {number}' if number else 'warming up'}, load {load[-1]:.1f}: {told}")
            if number:
                taken[side].append(finished)
    old, new = taken["old"], taken["new"]
    return Measured(
        name,
        [each.clock for each in old],
        [each.clock for each in new],
        [each.processor for each in old],
        [each.processor for each in new],
        load[1:],
    )


def _refresh(version: Version, workspace: Path, case: Case) -> Finished:
    if case.change is not None:
        case.change(workspace)
    before = _current(workspace)
    finished = version.run("refresh", "--json", *case.options, "--workspace", workspace)
    status, is_new = finished.report["status"], _current(workspace) != before
    if status != case.status or is_new != (status == "published"):
        made = "a" if is_new else "no"
        raise CannotCompare(
            f"{version.name}: a refresh that should end as {case.status} ended as {status}, with {made} new "
            "publication."
        )
    return finished


def _current(workspace: Path) -> str | None:
    link = workspace / "published" / "current"
    return link.readlink().name if link.is_symlink() else None


def _show(versions: Mapping[str, Version], measured: list[Measured]) -> None:
    """The table in the form of the documents, and what holds."""
    old, new = versions["old"].name, versions["new"].name
    print(f"| refresh | {old} | {new} | ratio | target | processor {old} | {new} | ratio | load |")
    print("|---|---|---|---|---|---|---|---|---|")
    for each in measured:
        case = CASES[each.case]
        target = f"{case.target:.2f}" if case.unit == "ratio" else f"{case.target:g} s"
        load = f"{min(each.load):.1f}-{max(each.load):.1f}"
        cells = [
            case.what,
            _spread(each.old_clock),
            _spread(each.new_clock),
            f"{each.ratio:.2f}",
            target,
            f"{statistics.median(each.old_processor):.1f} s",
            f"{statistics.median(each.new_processor):.1f} s",
            f"{each.processor_ratio:.2f}",
            load,
        ]
        print(f"| {' | '.join(cells)} |")
    print()
    for each in measured:
        print(f"{CASES[each.case].what}: the target {'holds' if each.holds else 'DOES NOT HOLD'}")


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f} s ({min(seconds):.1f}-{max(seconds):.1f})"


if __name__ == "__main__":
    main()
