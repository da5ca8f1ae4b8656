"""Which files have not been touched since they were hashed: state/fingerprints.json.

A file that nobody has touched need not be read again to know its hash. Here: when that may be said of a file.
Not here: hashing a landing file at rest (landing.py), and what is kept of the files' records (lake.py).

What tells that a file was touched is its `FileState`. The time of its last change of any kind (ctime) is part
of it, which nobody can set, so an edit is seen even where size and modification time were put back. Times are
coarse, though, on some drives two seconds: who writes twice within one tick leaves one and the same state. So
a hash is only kept when the file had looked the same for longer than any tick before the hash was taken, by
the file's own times as well as by our clock, because a network drive has another clock. Whatever is written
after that gets another time.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from kunderegnskab.code_version import code_version
from kunderegnskab.ingest.landing import being_written
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.notes import read_note, write_note

# Longer than the coarsest tick of a file's times (two seconds) and the lag of the system's clock behind it.
REST_NS = 2_500_000_000


class FileState(NamedTuple):
    """What changes with every change of a file; times in nanoseconds."""

    size: int
    modified: int
    changed: int
    inode: int
    device: int


def file_state(path: Path) -> FileState:
    """How a file looks now; of a link, the file that it leads to."""
    return _as_state(path.stat())


def hash_file(path: Path) -> tuple[FileState, str]:
    """How a file looked before it was read, and the SHA-256 of what was read, in hex.

    Both are of the file that was opened, whatever the path leads to in the meantime.
    """
    with path.open("rb") as stream:
        state = _as_state(os.fstat(stream.fileno()))
        return state, hashlib.file_digest(stream, "sha256").hexdigest()


def _as_state(found: os.stat_result) -> FileState:
    return FileState(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)


class Known(BaseModel):
    """What is known of a file that looks as it did.

    Attributes:
        state: how it looks.
        seen: when it was first seen to look so, in nanoseconds of our clock.
        sha256: of its content; None where it has not looked so for long enough.
        columns: names in its header; None where nobody has asked.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: FileState
    seen: int
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    columns: tuple[str, ...] | None = None


class _Note(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    # Other code may read other names from the same header.
    code_version: str
    files: dict[str, Known]


@dataclass(frozen=True)
class Drive:
    """How files are looked at and read; `clock` gives nanoseconds since 1970."""

    clock: Callable[[], int] = time.time_ns
    state_of: Callable[[Path], FileState] = file_state
    hash: Callable[[Path], tuple[FileState, str]] = hash_file


class KnownFiles:
    """The files of a folder, by their paths relative to it, with what is known of them.

    Args:
        note: where that is kept; None to keep nothing.
        again: take nothing for known.
    """

    def __init__(
        self, root: Path, note: Path | None, *, again: bool = False, drive: Drive | None = None
    ) -> None:
        self._root = root
        self._note = note
        self._drive = drive or Drive()
        kept = read_note(note, _Note) if note is not None else None
        self._kept = dict(kept.files) if kept and kept.code_version == code_version() else {}
        self._files = dict(self._kept)
        self._asked: set[str] = set()
        self._doubted = set(self._files) if again else set()
        self._hashed: set[str] = set()
        self._being_written: set[str] | None = None

    def look_up(self, path: Path) -> Known | None:
        """What is known of a file; None if it must be read. Then it has been seen now.

        Raises:
            OSError: it is gone, or its drive is.
        """
        name, state, now = self._name(path), self._drive.state_of(path), self._drive.clock()
        self._asked.add(name)
        known = self._files.get(name)
        if known is None or known.state != state or known.seen > now:
            self._files[name] = Known(state=state, seen=now)
            return None
        if known.sha256 is None or name in self._doubted or os.path.realpath(path) in self._written():
            return None
        return known

    def is_still(self, path: Path, sha256: str) -> bool:
        """Whether it is known that a file has that content; it is not read to find out."""
        try:
            known = self.look_up(path)
        except OSError:
            return False
        return known is not None and known.sha256 == sha256

    def sha256(self, path: Path) -> str:
        """SHA-256 of a file's content in hex, read only if it is not known."""
        known = self.look_up(path)
        return known.sha256 if known and known.sha256 else self.hash_now(path)

    def hash_now(self, path: Path) -> str:
        """SHA-256 of a file's content in hex, from reading it; it is known from now on if that is safe."""
        name, since = self._name(path), self._drive.clock()
        state, found = self._drive.hash(path)
        self._asked.add(name)
        seen = known.seen if (known := self._files.get(name)) and known.state == state else since
        # Who writes from here on leaves another state, also who writes while we read.
        is_safe = since - max(state.modified, state.changed, seen) >= REST_NS
        self._files[name] = Known(state=state, seen=seen, sha256=found if is_safe else None)
        self._doubted.discard(name)
        self._hashed.add(name)
        return found

    def was_hashed(self, path: Path) -> bool:
        """Whether a file was read here, and not only known."""
        return self._name(path) in self._hashed

    def columns(self, path: Path) -> tuple[str, ...] | None:
        """Names in the header of a file that was looked up or hashed; None where nobody has noted them."""
        known = self._files.get(self._name(path))
        return known.columns if known else None

    def note_columns(self, path: Path, columns: Sequence[str]) -> None:
        """Keep the names in a file's header, if its content is known."""
        name = self._name(path)
        known = self._files.get(name)
        if known is not None and known.sha256 is not None and known.state == self._drive.state_of(path):
            self._files[name] = known.model_copy(update={"columns": tuple(columns)})

    def doubt(self, path: Path) -> None:
        """Have a file read when it is asked for next."""
        self._doubted.add(self._name(path))

    def save(self) -> None:
        """Keep it for the next time; of files that are gone nothing is kept."""
        if self._note is None:
            return
        files = {
            name: known
            for name, known in self._files.items()
            if name in self._asked or (self._root / name).is_file()
        }
        if files != self._kept:
            write_note(self._note, _Note(code_version=code_version(), files=files))
            self._kept = files

    def _name(self, path: Path) -> str:
        return os.path.relpath(path, self._root)

    def _written(self) -> set[str]:
        """Files that somebody holds open for writing: nobody can tell what they will be in a moment."""
        if self._being_written is None:
            self._being_written = being_written(
                self._root / name for name, known in list(self._files.items()) if known.sha256 is not None
            )
        return self._being_written


@contextmanager
def known_files(workspace: Workspace, *, again: bool = False) -> Generator[KnownFiles]:
    """What is known of a workspace's files; what is learnt meanwhile is kept, however it ends."""
    known = KnownFiles(workspace.root, workspace.state / "fingerprints.json", again=again)
    try:
        yield known
    finally:
        known.save()
