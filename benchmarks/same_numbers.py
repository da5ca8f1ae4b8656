"""Whether this version publishes the same numbers as an older one, table by table.

    .venv/bin/python benchmarks/same_numbers.py                                 all companies
    .venv/bin/python benchmarks/same_numbers.py --companies demo --scale 0.05   one, small
    .venv/bin/python benchmarks/same_numbers.py --between OLD NEW               two publications

Both versions refresh the same files in fresh workspaces, and the tables of what they publish are compared;
ends with exit code 1 when one differs, with 2 when there is nothing to compare. What the older version
published is kept in the cache of checkouts.py under the hash of the files, so it is made once. Here: which
companies, in which order they are refreshed, and the report. How two publications are compared is in
publications.py, the companies' files are in made_companies.py.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import made_companies
from checkouts import BASELINE, CannotCompare, Version, older_version, set_up, tell, this_version
from made_companies import Change
from publications import DATABASE_FILE, MANIFEST_FILE, Comparison, compare

# Stands for the name of the publication before, where only the hash of the files is asked for.
_ANY_PUBLICATION = "0001-00000000"
# Companies like the demo company, made with other seeds, and their size beside it.
_MADE = 20
_MADE_SCALE = 0.03


@dataclass(frozen=True)
class Story:
    """A company: its files, and what becomes of them from publication to publication.

    Attributes:
        name: of the company as it is published first.
        write: writes its files into a new folder.
        then: name of a later publication -> how the files are changed for it, one after the other.
    """

    name: str
    write: Callable[[Path], None]
    then: Mapping[str, Change] = field(default_factory=dict)

    @property
    def publications(self) -> list[str]:
        """What it publishes, in order."""
        return [self.name, *self.then]

    def keys(self, last: str) -> dict[str, str]:
        """For each publication up to `last`, a hash of the files that it and those before it came from."""
        found: dict[str, str] = {}
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch) / "files"
            self.write(root)
            key = ""
            for name in self.publications[: self.publications.index(last) + 1]:
                if name in self.then:
                    self.then[name](root, _ANY_PUBLICATION)
                key = hashlib.sha256(f"{key}{made_companies.files_sha256(root)}".encode()).hexdigest()[:16]
                found[name] = key
        return found


def stories(scale: float) -> list[Story]:
    """All companies; `scale` is the demo company's."""
    demo = Story(
        "demo",
        partial(made_companies.write_demo, scale=scale),
        # What is carried from publication to publication, and refreshes that need not read every file.
        {"demo_policy": made_companies.change_policy, "demo_late": made_companies.change_late},
    )
    return [
        demo,
        *(Story(name, partial(made_companies.write_dataset, name=name)) for name in made_companies.DATASETS),
        *(
            Story(f"made_{seed}", partial(made_companies.write_demo, scale=_MADE_SCALE, seed=seed))
            for seed in range(1, _MADE + 1)
        ),
    ]


def main() -> None:
    """Make or find the publications, compare them, report."""
    options = _options()
    try:
        if options.between:
            before, now = options.between
            found = {now.name: compare(before, now, rows_shown=options.rows)}
        else:
            found = _companies_compared(options)
    except (CannotCompare, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    if options.json:
        print(
            json.dumps({name: _as_json(each) for name, each in found.items()}, ensure_ascii=False, indent=1)
        )
    else:
        for name, comparison in found.items():
            _show(name, comparison)
    sys.exit(1 if any(each.differing for each in found.values()) else 0)


def _options() -> argparse.Namespace:
    names = [name for story in stories(1) for name in story.publications]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--old", default=BASELINE, help=f"commit to compare with (default {BASELINE})")
    parser.add_argument(
        "--companies", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names)
    )
    parser.add_argument("--scale", type=float, default=1.0, help="size of the demo company (default 1)")
    parser.add_argument("--rows", type=int, default=5, help="differing rows shown of each table (default 5)")
    parser.add_argument("--keep", action="store_true", help="leave this version's workspaces where they are")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument(
        "--prepare",
        action="store_true",
        help="only make what is missing of the older version, compare nothing",
    )
    parser.add_argument(
        "--between", nargs=2, type=Path, metavar=("OLD", "NEW"), help="folders of two publications to compare"
    )
    return parser.parse_args()


def _companies_compared(options: argparse.Namespace) -> dict[str, Comparison]:
    old, new = older_version(options.old), this_version()
    found: dict[str, Comparison] = {}
    for story in stories(options.scale):
        wanted = [name for name in story.publications if name in options.companies]
        if not wanted:
            continue
        before = _kept_publications(old, story, wanted)
        if options.prepare:
            continue
        with new.alone():
            # The same folder every time: dbt parses the project again when the warehouse is another one.
            root = new.folder / "same_numbers"
            for name, now in _published(new, story, wanted[-1], root):
                if name not in wanted:
                    continue
                found[name] = compare(before[name], now, rows_shown=options.rows)
                differing = len(found[name].differing)
                tell(f"{name}: {f'{differing} tables differ' if differing else 'the same numbers'}")
            if options.keep:
                kept = Path(tempfile.mkdtemp(prefix=f"same_numbers-{story.name}-")) / "workspace"
                shutil.move(root, kept)
                tell(f"{story.name}: the workspace of {new.name} is kept in {kept}")
            shutil.rmtree(root, ignore_errors=True)
    return {name: found[name] for name in options.companies if name in found}


def _kept_publications(version: Version, story: Story, wanted: Sequence[str]) -> dict[str, Path]:
    """The folders of an older version's publications, made now as far as they have not been made before."""
    keys = story.keys(wanted[-1])
    kept = {name: version.folder / "publications" / f"{name}-{key}" for name, key in keys.items()}
    if any(not kept[name].exists() for name in wanted):
        set_up(version)
        with version.alone():
            root = version.folder / "same_numbers"
            # Asked again: whoever was waited for may have made them.
            missing = [name for name in wanted if not kept[name].exists()]
            for name, publication in _published(version, story, missing[-1], root) if missing else ():
                if not kept[name].exists():
                    _keep(publication, kept[name])
            shutil.rmtree(root, ignore_errors=True)
    return {name: kept[name] for name in wanted}


def _keep(publication: Path, folder: Path) -> None:
    """Copy what is compared of a publication, whole or not at all."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for name in (MANIFEST_FILE, DATABASE_FILE):
        shutil.copyfile(publication / name, unfinished / name)
    unfinished.rename(folder)


def _published(version: Version, story: Story, last: str, root: Path) -> Iterator[tuple[str, Path]]:
    """Refresh a company in a fresh workspace until it has published `last`; yields each publication."""
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    story.write(root)
    current = root / "published" / "current"
    for name in story.publications[: story.publications.index(last) + 1]:
        if name in story.then:
            story.then[name](root, current.readlink().name)
        tell(f"{name}: {version.name} refreshes it")
        done = version.run("refresh", "--json", "--workspace", root)
        if done.report["status"] != "published":
            raise CannotCompare(f"{version.name} has not published {name}: {done.report}")
        tell(f"{name}: published after {done.clock:.0f} s ({done.processor:.0f} s of processor)")
        yield name, current.resolve()


def _show(name: str, comparison: Comparison) -> None:
    print(f"\n{name}")
    for table in comparison.tables:
        if table.outcome != "same":
            print(f"  {table.table}: {'DIFFERS' if table.outcome == 'differs' else table.outcome}")
            for note in table.notes:
                print(f"    {note}")
    for note in comparison.notes:
        print(f"  no number, but: {note}")
    counts = Counter(table.outcome for table in comparison.tables)
    print(
        f"  {len(comparison.tables)} tables: {', '.join(f'{n} {what}' for what, n in counts.most_common())}"
    )


def _as_json(comparison: Comparison) -> dict[str, object]:
    return {"differing": [table.table for table in comparison.differing], **dataclasses.asdict(comparison)}


if __name__ == "__main__":
    main()
