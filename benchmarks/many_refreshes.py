"""What many refreshes of a small company in a row leave behind, and whether they need more memory each time.

    .venv/bin/python benchmarks/many_refreshes.py [--refreshes 200] [--every 20] [--kept RUNS] [--folder DIR]

Each refresh is a process of its own, as a scheduler starts it, after an amount has changed, so that each
publishes. Every so often it prints how large the folders of `state/` are, what lies in the system's folder
for temporary files (one of its own here) and which unfinished files lie in the workspace, and the peak memory
of the refreshes since. It ends with exit code 1 when `state/` has grown by more than 20 MB since the first
line, when a temporary file is left, when memory grows, or when Dagster no longer shows the last
materialization of an asset or the last result of a check.

It takes hours on a slow machine. With --folder all is kept there, and a run that was broken off goes on where
it ended, by the same code.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from checkouts import CannotCompare, tell, this_version
from made_companies import write_at_rest, write_readme_company

from kunderegnskab.code_version import code_version
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.notes import write_text

_MB = 1_000_000
_STATE_MAY_GROW = 20 * _MB
# The medians of two lots of refreshes of the same company differ by less than this.
_MEMORY_MAY_GROW = 1.05
_TEMPORARY_NAMES = (".tmp", ".wal", "-wal", "-shm", "-journal", ".part", ".unfinished")
_COST = Path("landing") / "fragt.csv"


@dataclass(frozen=True)
class Line:
    """What there is after a number of refreshes; sizes and memory in bytes.

    Attributes:
        folders: what each entry of state/ takes.
        memory: peaks of the refreshes since the line before.
        temporary: files that were left, in the workspace and in the folder for temporary files.
    """

    refreshes: int
    folders: dict[str, int]
    publications: int
    memory: tuple[int, ...]
    temporary: tuple[str, ...]

    @property
    def state(self) -> int:
        """Size of state/ as a whole."""
        return sum(self.folders.values())


def main() -> None:
    """Refresh and measure, print a line every so often, and judge them."""
    options = _options()
    with _scratch(options.folder) as scratch:
        workspace = Workspace(scratch / "workspace")
        temporary = scratch / "temporary"
        shutil.rmtree(temporary, ignore_errors=True)  # of a refresh that was broken off
        temporary.mkdir(parents=True)
        if not workspace.root.exists():
            made = scratch / ".making"
            shutil.rmtree(made, ignore_errors=True)
            _write_company(made, options.kept)
            made.rename(workspace.root)
        os.environ["TMPDIR"] = str(temporary)
        tempfile.tempdir = None
        lines = []
        try:
            settings = {"code": code_version(), "kept": options.kept, "every": options.every}
            noted = _Noted(scratch / "noted.json", settings)
            for line in _measured(workspace, temporary, noted, options.refreshes, options.every):
                lines.append(line)
                _show(line)
        except CannotCompare as error:
            sys.exit(str(error))
        problems = [*_judged(lines), *_not_shown(workspace)]
    print("\n".join(problems) or "state/ stays flat, nothing is left, memory does not grow.")
    sys.exit(bool(problems))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--refreshes", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--every", type=int, default=20, help="refreshes from line to line (default 20)")
    parser.add_argument("--kept", type=int, help="dagster_runs_kept of the company (its own default)")
    parser.add_argument(
        "--folder", type=Path, help="keep all there, and go on with what was broken off there"
    )
    return parser.parse_args()


@contextmanager
def _scratch(folder: Path | None) -> Generator[Path]:
    if folder is not None:
        yield folder.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="many-refreshes-") as scratch:
        yield Path(scratch)


class _Noted:
    """What has been done so far: the lines, and the peak memory of each refresh since the last of them.

    Raises:
        CannotCompare: they were made by other code, or with other settings.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self._path, self._settings = path, settings
        self.lines: list[Line] = []
        self.peaks: list[int] = []
        if path.exists():
            noted = json.loads(path.read_text(encoding="utf-8"))
            if noted["settings"] != settings:
                raise CannotCompare(f"{path.parent} was begun with {noted['settings']}, this is {settings}.")
            self.lines = [
                Line(
                    line["refreshes"],
                    line["folders"],
                    line["publications"],
                    tuple(line["memory"]),
                    tuple(line["temporary"]),
                )
                for line in noted["lines"]
            ]
            self.peaks = noted["peaks"]

    @property
    def refreshes(self) -> int:
        """How many have been made."""
        return (self.lines[-1].refreshes if self.lines else 0) + len(self.peaks)

    def add(self, peak: int, line_of: Callable[[tuple[int, ...]], Line] | None = None) -> None:
        """One more refresh; with it the lot is complete if there is a line of its peaks."""
        self.peaks.append(peak)
        if line_of is not None:
            self.lines.append(line_of(tuple(self.peaks)))
            self.peaks = []
        self._save()

    def _save(self) -> None:
        noted = {
            "settings": self._settings,
            "lines": [asdict(line) for line in self.lines],
            "peaks": self.peaks,
        }
        write_text(self._path, json.dumps(noted))


def _write_company(root: Path, kept: int | None) -> None:
    root.mkdir()
    write_readme_company(root)
    company = root / "company.yaml"
    more = "keep_publications: 3\n" + (f"dagster_runs_kept: {kept}\n" if kept is not None else "")
    write_at_rest(company, (company.read_text(encoding="utf-8") + more).encode())


def _measured(
    workspace: Workspace, temporary: Path, noted: _Noted, refreshes: int, every: int
) -> Iterator[Line]:
    version = this_version()
    yield from noted.lines
    with version.alone():
        for number in range(noted.refreshes + 1, refreshes + 1):
            _change(workspace.root, number)
            done = version.run("refresh", "--json", "--workspace", workspace.root)
            if done.report["status"] != "published":
                raise CannotCompare(f"refresh {number} was to publish: {done.report}")
            if number % every and number != refreshes:
                noted.add(done.memory)
                continue
            folders = {path.name: _size(path) for path in sorted(workspace.state.iterdir())}
            publications = len([*workspace.published.glob("[0-9]*")])
            left = tuple(_left(workspace.root, temporary))
            noted.add(done.memory, partial(Line, number, folders, publications, temporary=left))
            yield noted.lines[-1]


def _change(root: Path, number: int) -> None:
    """Another freight cost of the first customer."""
    path = root / _COST
    header, first, *rest = path.read_text(encoding="utf-8").splitlines()
    *fields, _ = first.split(";")
    # One that was broken off is made again, and must be a change then, too.
    amount = next(each for each in (f"{100 + number},00", f"{100 + number},50") if each not in first)
    text = "\n".join([header, ";".join([*fields, amount]), *rest, ""])
    write_at_rest(path, text.encode())


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


def _left(root: Path, temporary: Path) -> Iterator[str]:
    for path in sorted(temporary.iterdir()):
        yield str(path)
    for path in sorted(root.rglob("*")):
        if path.name.startswith((".tmp-", ".reading-")) or path.name.endswith(_TEMPORARY_NAMES):
            yield str(path.relative_to(root))


def _show(line: Line) -> None:
    folders = "  ".join(f"{name} {size / _MB:.1f}" for name, size in line.folders.items() if size > _MB / 20)
    print(
        f"{line.refreshes:>4} refreshes  state {line.state / _MB:6.1f} MB ({folders})  "
        f"{line.publications} publications  memory {statistics.median(line.memory) / _MB:.0f} MB "
        f"(at most {max(line.memory) / _MB:.0f})  {len(line.temporary)} temporary files",
        flush=True,
    )


def _judged(lines: Sequence[Line]) -> Iterator[str]:
    first, last = lines[0], lines[-1]
    if last.state - first.state > _STATE_MAY_GROW:
        grown = (last.state - first.state) / _MB
        yield f"state/ has grown by {grown:.1f} MB since refresh {first.refreshes}."
    medians = [statistics.median(line.memory) for line in (first, last)]
    if medians[1] > medians[0] * _MEMORY_MAY_GROW:
        yield f"Memory has grown from {medians[0] / _MB:.0f} to {medians[1] / _MB:.0f} MB."
    for line in lines:
        for path in line.temporary:
            yield f"After {line.refreshes} refreshes there was {path}."


def _not_shown(workspace: Workspace) -> Iterator[str]:
    """Assets and checks of which Dagster's page could not show the run that they were made in."""
    from kunderegnskab_orchestration.runs.instance import environment, open_instance

    os.environ.update(environment(workspace))
    from kunderegnskab_orchestration.definitions import defs

    graph = defs().resolve_asset_graph()
    with open_instance(workspace) as instance:
        checked = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [*graph.asset_check_keys]
        )
        for key in graph.materializable_asset_keys:
            event = instance.get_latest_materialization_event(key)
            if event is None or instance.get_run_by_id(event.run_id) is None:
                yield f"Dagster does not show when {key.to_user_string()} was materialized."
        for check in graph.asset_check_keys:
            record = checked.get(check)
            if record is None or instance.get_run_by_id(record.run_id) is None:
                yield f"Dagster does not show how the check {check.name} went."
    tell("asked Dagster for every asset and check")


if __name__ == "__main__":
    main()
