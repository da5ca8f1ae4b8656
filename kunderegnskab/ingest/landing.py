"""The landing files of a workspace: found, at rest, and fingerprinted.

`readers` opens them as tables.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from kunderegnskab.ingest.cpr import REASON, has_cpr, masked
from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.workspace import FeedSource, Lookup, Workspace

if TYPE_CHECKING:
    from kunderegnskab.ingest.fingerprints import KnownFiles

# A file that was written to within these seconds may still be growing.
SETTLE_SECONDS = 2.0
# How long to wait for a growing file to come to rest before it is refused.
PATIENCE_SECONDS = 6.0
# Faults of a network drive that pass by themselves.
_PASSING = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH}
# Names that programs give to files they have not finished.
_UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload")


@dataclass(frozen=True)
class LandingFile:
    """A file at rest: its name relative to the workspace, its content's SHA-256, its size in bytes.

    `modified` is the time of its last change in nanoseconds, by which `refuse_change` tells.
    """

    path: Path
    name: str
    sha256: str
    size: int
    modified: int


def matching_files(base: Path, pattern: str) -> list[Path]:
    """The files below `base` that match a glob, in a fixed order; unfinished and hidden ones are no files.

    Nor is what a link leads to from `base`: whoever may put files there may not read all that we may.
    """
    return sorted(
        path
        for path in _matching(base, pattern)
        if link_out(path, base) is None
        and path.is_file()
        and not path.name.startswith((".", "~$"))
        and path.suffix not in _UNFINISHED
    )


def links_out(base: Path, pattern: str) -> list[Path]:
    """The links that lead out of `base` on the way to what a glob would match."""
    return sorted({link for path in _matching(base, pattern) if (link := link_out(path, base)) is not None})


def link_out(path: Path, base: Path) -> Path | None:
    """The first link on the way from `base` to a path below it that leads out of `base`; None without one.

    `base` itself may be a link.
    """
    home = os.path.realpath(base)
    place = base
    for part in path.relative_to(base).parts:
        place /= part
        if place.is_symlink() and not Path(os.path.realpath(place)).is_relative_to(home):
            return place
    return None


def refused_link(workspace: Workspace, link: Path, base: Path) -> InputProblem:
    """What to say of a link that leads out of `base`; never what it leads to."""
    return InputProblem(
        masked(workspace.relative(link)),
        f"is a link that leads out of {base.name}/, which is never followed",
        "put the file or folder itself there, or remove the link",
    )


def _matching(base: Path, pattern: str) -> Iterable[Path]:
    return base.glob(pattern) if any(sign in pattern for sign in "*?[") else [base / pattern]


def settle(path: Path, name: str) -> None:
    """Return once nobody writes to the file.

    Raises:
        InputProblems: it is still being written.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        age = time.time() - path.stat().st_mtime
        # A clock set in the future must not make a finished file wait for ever.
        if not 0 <= age < SETTLE_SECONDS and not being_written([path]):
            return
        if time.monotonic() > deadline:
            raise InputProblems(
                [
                    InputProblem(
                        name,
                        "is still being written",
                        "run again when the transfer is finished, or deliver it under another name and "
                        "rename it",
                    )
                ]
            )
        time.sleep(0.2)


def fingerprint(path: Path, name: str, known: KnownFiles) -> LandingFile:
    """Hash a file that must not change while it is read; one that has not changed since is not read.

    Raises:
        InputProblems: it is empty, cannot be read or changes meanwhile, or it is named with a CPR number.
        OSError: its drive is away for the moment; another try may succeed.
    """
    if any(map(has_cpr, PurePosixPath(name).parts)):
        raise InputProblems([InputProblem(masked(name), f"the file's name {REASON}", "name it without it")])
    try:
        found = known.look_up(path)
        if found is not None and found.sha256 is not None:
            return LandingFile(path, name, found.sha256, found.state.size, found.state.modified)
        return _fingerprint_now(path, name, known)
    except OSError as error:
        if error.errno in _PASSING:
            raise
        raise InputProblems(
            [InputProblem(name, f"cannot be read ({error.strerror})", "check the file and its rights")]
        ) from error


def before_reading(file: LandingFile, known: KnownFiles) -> None:
    """Return if a file is at rest and what it was fingerprinted as; one that was known only is hashed now.

    Raises:
        InputProblems: it is something else by now, or as `fingerprint`.
        OSError: as `fingerprint`.
    """
    if known.was_hashed(file.path):
        return
    known.doubt(file.path)
    if fingerprint(file.path, file.name, known).sha256 != file.sha256:
        raise _changed(file.name)


def _fingerprint_now(path: Path, name: str, known: KnownFiles) -> LandingFile:
    settle(path, name)
    before = path.stat()
    if before.st_size == 0:
        raise InputProblems(
            [InputProblem(name, "is empty (0 bytes)", "deliver the file again, or remove it")]
        )
    file = LandingFile(path, name, known.hash_now(path), before.st_size, before.st_mtime_ns)
    refuse_change(file)
    return file


def refuse_change(file: LandingFile) -> None:
    """Return if a file is still what was fingerprinted.

    Raises:
        InputProblems: it was written to, or is gone.
    """
    try:
        now = file.path.stat()
    except FileNotFoundError:
        now = None
    if now is None or (now.st_size, now.st_mtime_ns) != (file.size, file.modified):
        raise _changed(file.name)


def _changed(name: str) -> InputProblems:
    return InputProblems(
        [InputProblem(name, "changed while it was read", "run again when the transfer is finished")]
    )


def source_paths(entry: FeedSource) -> list[Path]:
    """The files of one source."""
    return matching_files(entry.base, entry.source.files)


def lookup_path(workspace: Workspace, entry: FeedSource, name: str, lookup: Lookup) -> Path:
    """The one file of a lookup.

    Raises:
        InputProblems: there is none, or more than one.
    """
    found = matching_files(workspace.landing, lookup.files)
    if len(found) != 1:
        raise InputProblems(
            [
                InputProblem(
                    f"landing/{lookup.files}",
                    f"is {len(found)} files, but the lookup {name} of {entry.label} needs exactly one",
                    "deliver that file, or correct `files`",
                )
            ]
        )
    return found[0]


def being_written(paths: Iterable[Path]) -> set[str]:
    """Which of these files a process holds open for writing, as far as the system lets us see (Linux).

    Returns:
        Their paths without links, as `os.path.realpath` gives them.
    """
    targets = {os.path.realpath(path) for path in paths}
    if not targets:
        return set()
    try:
        processes = [entry for entry in os.scandir("/proc") if entry.name.isdigit()]
    except OSError:
        return set()
    found: set[str] = set()
    for process in processes:
        try:
            handles = list(os.scandir(f"{process.path}/fd"))
        except OSError:
            continue  # the process ended, or is not ours to look at
        for handle in handles:
            try:
                target = os.readlink(handle.path)
                if target in targets and _has_write_flag(f"{process.path}/fdinfo/{handle.name}"):
                    found.add(target)
            except OSError:
                continue  # closed meanwhile
    return found


def _has_write_flag(info: str) -> bool:
    with open(info, encoding="ascii") as lines:
        for line in lines:
            if line.startswith("flags:"):
                return int(line.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY
    return False
