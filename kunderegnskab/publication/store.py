"""The folder of publications: which there are, which is current, and whether they are whole.

Here: finding, repairing, pruning and verifying publications, and the two pointers to the current one
(`current`, a symbolic link, and `current.json`, for whoever cannot follow one). Not here: making a
publication (publish.py).

A folder named `<number>-<run id>` was finished before it got that name, so it is whole, and nothing in this
module ever removes one. Everything unfinished is named `.tmp-...`.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kunderegnskab.file_hash import file_sha256
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.publication.manifest import (
    MANIFEST_FILE,
    SIGNATURE_FILE,
    Manifest,
    PublicationReference,
    canonical_json,
    read_manifest,
)

DATABASE_FILE = "kunderegnskab.duckdb"
PARQUET_FOLDER = "parquet"
QUALITY_FOLDER = "quality"
TEMPORARY_PREFIX = ".tmp-"
RETENTION_FILE = "retention.jsonl"

_LINK = "current"
POINTER_FILE = "current.json"
_FOLDER_NAME = re.compile(r"(\d{4,})-[\w.-]+")


class DamagedPublication(KunderegnskabError):
    """The current publication cannot be read."""


@dataclass(frozen=True)
class ChainFault:
    """One thing that is wrong with the chain of manifests.

    `publication` is the one whose manifest is changed or missing, None where it is a pointer.
    """

    publication: str | None
    sentence: str


@dataclass(frozen=True)
class Publication:
    """One finished publication. `path` is its own folder, not the moving `current`."""

    path: Path
    manifest: Manifest
    manifest_sha256: str

    @property
    def name(self) -> str:
        """The folder's name, e.g. `0007-3f2a9c1e`."""
        return self.manifest.publication

    def goes_by(self, asked: str) -> bool:
        """Whether somebody who asks for this name or number, 7 as well as 0007, means this publication."""
        return asked == self.name or (asked.isdecimal() and int(asked) == self.manifest.number)

    @property
    def database(self) -> Path:
        """The DuckDB file; gone when the publication has been pruned."""
        return self.path / DATABASE_FILE

    @property
    def head(self) -> str:
        """The line that proves what was published, kept elsewhere: name and manifest's hash."""
        return f"{self.name} {self.manifest_sha256}"

    @property
    def reference(self) -> PublicationReference:
        """What the next publication's manifest says of this one."""
        return PublicationReference(publication=self.name, manifest_sha256=self.manifest_sha256)


def current(published: Path) -> Publication | None:
    """The publication that readers see now; None before the first one. Raises DamagedPublication."""
    name = _current_name(published)
    if name is None:
        return None
    try:
        return _read(published / name)
    except (OSError, ValueError) as error:
        raise DamagedPublication(
            f"The current publication {name} in {published} has no readable {MANIFEST_FILE}; "
            "restore its folder from a backup, or remove `current` and `current.json`: "
            "the next refresh then goes back to the newest publication that is whole."
        ) from error


def current_if_whole(published: Path) -> Publication | None:
    """As `current`, and None also where that is damaged: for whoever tells of another fault."""
    try:
        return current(published)
    except DamagedPublication:
        return None


def publications(published: Path) -> list[Publication]:
    """Every publication with a readable manifest, oldest first; verify_chain() names the others.

    There are more with every refresh, and each manifest takes a megabyte of memory: what a refresh needs to
    know of earlier ones, it asks `find`.
    """
    return [found for path in _folders(published) if (found := _readable(path)) is not None]


def find(published: Path, name: str) -> Publication | None:
    """The publication of that name; None where there is none with a readable manifest."""
    return _readable(published / name) if _FOLDER_NAME.fullmatch(name) else None


def since(published: Path, number: int) -> Iterator[Publication]:
    """The publications with a larger number and a readable manifest, oldest first."""
    later = (folder for folder in _folders(published) if _number(folder) > number)
    return (found for folder in later if (found := _readable(folder)) is not None)


def unchanged(published: Path, input_hash: str, code_version: str) -> Publication | None:
    """The current publication, if it was made from these inputs by this code."""
    now = current(published)
    if now is None or (now.manifest.input_hash, now.manifest.code_version) != (input_hash, code_version):
        return None
    return now


def next_publication(published: Path, run_id: str) -> tuple[int, str]:
    """The number and name that the next publication will have. Numbers are never used twice."""
    number = max((_number(path) for path in _folders(published)), default=0) + 1
    return number, f"{number:04d}-{run_id[:8]}"


def recover(published: Path) -> list[str]:
    """Repairs what a killed run left behind; says what it did, one plain sentence each.

    Raises DamagedPublication when the current publication's manifest is not the one that was published: the
    next one would follow a forgery.

    Removes unfinished publications, and makes a finished one current when the run died in between. Does
    nothing while another process is publishing.
    """
    if not published.is_dir():
        return []
    with publishing_lock(published) as is_mine:
        return recover_locked(published) if is_mine else []


def recover_locked(published: Path) -> list[str]:
    """recover() for whoever already holds the publishing lock."""
    done = []
    for leftover in sorted(published.glob(f"{TEMPORARY_PREFIX}*")):
        remove(leftover)
        done.append(f"Removed {leftover.name}, left behind by a run that did not finish.")
    now = current(published)
    for folder in _folders(published):
        if now is not None and _number(folder) <= now.manifest.number:
            continue
        candidate = _readable(folder)
        if candidate is None:
            continue
        if candidate.manifest.previous != (now.reference if now else None):
            done.append(f"Left {candidate.name} alone: it does not follow the current publication.")
        elif problems := verify_files(candidate):
            done.append(f"Left {candidate.name} alone: {problems[0]}")
        else:
            make_current(candidate)
            now = candidate
            done.append(f"Made {candidate.name} current; the run that published it died just before that.")
    if now is not None and (published / _LINK).is_symlink() and _link_fault(published, now.name):
        make_current(now)
        done.append(f"Set `{_LINK}` to {now.name}; it led elsewhere.")
    if now is not None and (pointed := _pointed_at(published)) != now.reference:
        if pointed is not None and pointed.publication == now.name:
            raise DamagedPublication(
                f"The manifest of {now.name} in {published} is not the one that {POINTER_FILE} names: it was "
                "changed after it was published. Restore its folder from a backup; `kunderegnskab verify` "
                "tells what else has changed."
            )
        make_current(now)
        done.append(f"Set {POINTER_FILE} to {now.name}.")
    return done


def require_movable_link(published: Path) -> None:
    """A copied folder may hold `current` as a real folder, which cannot be moved to the next publication.

    Raises DamagedPublication, before anything has been written.
    """
    link = published / _LINK
    if link.exists() and not link.is_symlink():
        raise DamagedPublication(
            f"{link} is a folder, but must be a link; it was copied without its links. Remove that folder "
            "(the publication that it repeats stays) and refresh again."
        )


def make_current(publication: Publication) -> None:
    """Moves `current` and then `current.json`, each in one atomic step."""
    published = publication.path.parent
    link = published / f"{TEMPORARY_PREFIX}{_LINK}"
    link.unlink(missing_ok=True)
    link.symlink_to(publication.name)
    link.replace(published / _LINK)
    pointer = publication.reference.model_dump() | {
        "published_at": publication.manifest.model_dump(mode="json")["published_at"]
    }
    replace_file(published / POINTER_FILE, canonical_json(pointer))


def prune(published: Path, keep: int) -> list[str]:
    """Removes the data files of all but the newest `keep` publications; returns the names of those pruned.

    Manifests and quality reports stay, so that the hash chain stays whole. What is removed is first written
    to retention.jsonl.
    """
    recorded = _pruned_files(published)
    pruned = []
    now = _current_name(published)
    for old in _with_data(published, keep):
        if old.name == now:
            continue
        data = sorted(f for f in old.manifest.files if not f.startswith(f"{QUALITY_FOLDER}/"))
        if old.name not in recorded:
            line = {"publication": old.name, "removed": data, "at": datetime.now(UTC).isoformat()}
            path = published / RETENTION_FILE
            before = path.read_bytes() if path.exists() else b""
            replace_file(path, before + json.dumps(line, ensure_ascii=False, sort_keys=True).encode() + b"\n")
        old.database.unlink(missing_ok=True)
        remove(old.path / PARQUET_FOLDER)
        pruned.append(old.name)
    return pruned


def _with_data(published: Path, newest: int) -> Iterator[Publication]:
    """Publications that have data files, oldest first, but for the newest so many readable ones."""
    kept = 0
    old: list[Path] = []
    for folder in reversed(_folders(published)):
        if kept < newest:
            kept += _readable(folder) is not None
        elif (folder / DATABASE_FILE).exists() or (folder / PARQUET_FOLDER).exists():
            old.append(folder)
    yield from filter(None, map(_readable, reversed(old)))


def verify_chain(published: Path) -> list[ChainFault]:
    """What is wrong with the chain of manifests, one sentence per cause; empty means nothing.

    Each manifest holds the hash of the one before, so a changed or missing one shows in the next. Beyond a
    gap the chain is followed again from the next older publication.
    """
    found = {publication.path.name: publication for publication in publications(published)}
    folders = [path.name for path in _folders(published)]
    faults = [
        ChainFault(name, f"{name} has no readable {MANIFEST_FILE}.") for name in folders if name not in found
    ]
    unreadable = {fault.publication for fault in faults}
    for name, publication in found.items():
        if publication.name != name:
            sentence = f"The manifest in {name} says that it belongs to {publication.name}."
            faults.append(ChainFault(name, sentence))
    newest = _current_name(published)
    if newest is None:
        return [*faults, *([ChainFault(None, "No publication is current.")] if found else [])]
    if newest not in found:
        if newest not in unreadable:
            faults.append(ChainFault(newest, f"The current publication {newest} is missing."))
    elif sentence := _link_fault(published, newest):
        faults.append(ChainFault(None, sentence))
    elif (pointed := _pointed_at(published)) != found[newest].reference:
        if pointed is not None and pointed.publication == newest:
            sentence = f"The manifest of {newest} is not the one that {POINTER_FILE} names."
            faults.append(ChainFault(newest, sentence))
        else:
            faults.append(ChainFault(None, f"{POINTER_FILE} does not name the current publication {newest}."))

    on_chain: set[str] = set()
    step = found.get(newest) or _next_older(found, newest)
    while step is not None:
        on_chain.add(step.path.name)
        before = step.manifest.previous
        if before is None:
            break
        older = found.get(before.publication)
        if older is None:
            if before.publication not in unreadable:
                sentence = f"{step.name} follows {before.publication}, which is missing."
                faults.append(ChainFault(before.publication, sentence))
            step = _next_older(found, before.publication)
            continue
        if older.manifest.number >= step.manifest.number:
            faults.append(ChainFault(step.name, f"{step.name} follows {older.name}, which is not older."))
            break
        if older.manifest_sha256 != before.manifest_sha256:
            sentence = f"The manifest of {older.name} is not the one that {step.name} follows."
            faults.append(ChainFault(older.name, sentence))
        step = older
    return [
        *faults,
        *(
            ChainFault(stray, f"{stray} is not part of the chain that ends in {newest}.")
            for stray in sorted(found.keys() - on_chain)
        ),
    ]


def _next_older(found: dict[str, Publication], name: str) -> Publication | None:
    """The newest readable publication before the one of that name."""
    older = [each for each in found.values() if each.manifest.number < _number(each.path.parent / name)]
    return max(older, key=lambda each: each.manifest.number, default=None)


def verify_files(publication: Publication) -> list[str]:
    """Files that are missing, changed or unknown to the manifest, one plain sentence each.

    Data files that were pruned, and are recorded as such in retention.jsonl, are not missing.
    """
    pruned = _pruned_files(publication.path.parent).get(publication.name, frozenset())
    problems = []
    for name, expected in sorted(publication.manifest.files.items()):
        path = publication.path / name
        if not path.is_file():
            if name not in pruned:
                problems.append(f"{publication.name}: {name} is missing.")
        elif path.stat().st_size != expected.size or file_sha256(path) != expected.sha256:
            problems.append(f"{publication.name}: {name} has changed since it was published.")
    for name in sorted(
        set(files_below(publication.path)) - {*publication.manifest.files, MANIFEST_FILE, SIGNATURE_FILE}
    ):
        problems.append(f"{publication.name}: {name} is not in the manifest.")
    return problems


@contextmanager
def publishing_lock(published: Path) -> Generator[bool, None, None]:
    """Gives True to one process at a time and False to the others, at once. A dead process holds no lock."""
    with (published / ".lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def files_below(folder: Path) -> list[str]:
    """Every file in a folder and its subfolders, as sorted paths relative to it, with `/`."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def remove(path: Path) -> None:
    """Removes a file, a link or a whole folder; nothing happens when it is not there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """Writes a file so that a reader sees the old content or the new, and never part of it."""
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{path.name}")
    temporary.write_bytes(content)
    fsync(temporary)
    temporary.replace(path)
    fsync(path.parent)


def fsync(path: Path) -> None:
    """Makes a file's content, or a folder's list of files, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _folders(published: Path) -> list[Path]:
    if not published.is_dir():
        return []
    found = [path for path in published.iterdir() if _FOLDER_NAME.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=lambda path: (_number(path), path.name))


def _number(folder: Path) -> int:
    return int(folder.name.partition("-")[0])


def _read(folder: Path) -> Publication:
    manifest, sha256 = read_manifest(folder)
    return Publication(folder.resolve(), manifest, sha256)


def _readable(folder: Path) -> Publication | None:
    try:
        return _read(folder)
    except (OSError, ValueError):
        return None


def _current_name(published: Path) -> str | None:
    # The link decides; the pointer only where links were lost, for instance in a copy.
    link = published / _LINK
    if link.is_symlink():
        return link.readlink().name
    pointed_at = _pointed_at(published)
    return pointed_at.publication if pointed_at else None


def _link_fault(published: Path, name: str) -> str:
    """Readers follow the link, so it must lead to the folder that was published and to no copy of it."""
    link = published / _LINK
    if link.is_symlink():
        if link.readlink() == Path(name) and not (published / name).is_symlink():
            return ""
        leads = "to a place outside of published/" if (published / name).is_symlink() else "elsewhere"
        return (
            f"`{_LINK}` does not lead to the publication {name} beside it, but {leads}, and that is what "
            f"readers see. Remove `{_LINK}`; the next refresh sets it."
        )
    if link.exists():
        return (
            f"`{_LINK}` is a folder of its own and no link to {name}, and that is what readers see. Remove "
            "it; the next refresh sets the link."
        )
    return ""


def _pointed_at(published: Path) -> PublicationReference | None:
    try:
        pointer = json.loads((published / POINTER_FILE).read_bytes())
        return PublicationReference(
            publication=pointer["publication"], manifest_sha256=pointer["manifest_sha256"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _pruned_files(published: Path) -> dict[str, frozenset[str]]:
    path = published / RETENTION_FILE
    if not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {line["publication"]: frozenset(line["removed"]) for line in lines}
