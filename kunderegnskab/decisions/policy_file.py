"""A policy file that records are added to: `policy/FEED.csv`, and nothing else of the workspace.

What is there stays, byte for byte. A record more is read by the door before the file is replaced, so that
the next refresh takes what a page has written. Who may write what belongs in the modules of each feed.
"""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import duckdb
from filelock import FileLock, Timeout

from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest import lake
from kunderegnskab.problems import InputProblems, KunderegnskabError
from kunderegnskab.publication.store import replace_file
from kunderegnskab.workspace import Workspace, canonical_source

Why = Literal[
    "kept_otherwise",
    "cannot_be_read",
    "cpr",
    "nothing_said",
    "too_long",
    "unknown",
    "again",
    "busy",
    "answered",
    "no_day",
]

_PATIENCE_SECONDS = 10
_AT_REST = 3600.0

Record = Mapping[str, str]


class CannotWrite(KunderegnskabError):
    """Nothing was written.

    Attributes:
        why: the kind of reason, for whoever says it in another language.
    """

    def __init__(self, why: Why, sentence: str) -> None:
        super().__init__(sentence)
        self.why = why


class PolicyFile:
    """The file of one feed in `policy/`."""

    def __init__(self, workspace: Workspace, feed: str) -> None:
        self._workspace = workspace
        self._feed = load_feeds()[feed]
        self.path = workspace.policy / f"{feed}.csv"

    def records(self) -> list[Record]:
        """What stands in it, each column by its name in the contract; nothing where it is not there.

        Raises CannotWrite where it is not in the form that records are added to.
        """
        content = self._content()
        return [] if content is None else _parsed(content, self.path.name).records

    def append(self, make: Callable[[list[Record]], Record]) -> Record:
        """Add a record at the end, as one process at a time does.

        Args:
            make: gives the record, of those that are there; may raise CannotWrite.

        Raises CannotWrite when the file is not such a one, or when the door would not take the record.
        """
        self._workspace.state.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._workspace.state / "decisions.lock", timeout=_PATIENCE_SECONDS):
                return self._append(make)
        except Timeout:
            raise CannotWrite(
                "busy", f"{self.path.name} is being written by another process; try again."
            ) from None

    def _append(self, make: Callable[[list[Record]], Record]) -> Record:
        self._refuse_other_sources()
        content = self._content()
        if content is None:
            content = (",".join(self._feed.columns) + "\n").encode()
        table = _parsed(content, self.path.name)
        missing = [name for name in self._feed.key if name not in table.header]
        if missing:
            raise CannotWrite(
                "kept_otherwise",
                f"policy/{self.path.name} has no column {missing[0]}; write it with commas, as UTF-8.",
            )
        record = make(table.records)
        text = table.with_record({name: value for name, value in record.items() if value})
        self._try(text)
        self._workspace.policy.mkdir(exist_ok=True)
        target = self.path.resolve()
        mode = target.stat().st_mode if target.exists() else None
        replace_file(target, text)
        if mode is not None:
            target.chmod(mode)
        return record

    def _content(self) -> bytes | None:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None

    def _refuse_other_sources(self) -> None:
        """The feed comes from this file or from nowhere."""
        try:
            sources = [
                each for each in Workspace(self._workspace.root).sources if each.feed == self._feed.name
            ]
        except InputProblems as error:
            raise CannotWrite("cannot_be_read", str(error)) from error
        if any(not each.is_canonical or each.base != self._workspace.policy for each in sources):
            raise CannotWrite(
                "kept_otherwise",
                f"{self._feed.name} comes from elsewhere than policy/{self.path.name}; write it there.",
            )

    def _try(self, content: bytes) -> None:
        """Read the file as the next refresh will."""
        with TemporaryDirectory(dir=self._workspace.state, prefix="decisions-") as scratch:
            file = Path(scratch) / self.path.name
            file.write_bytes(content)
            then = time.time() - _AT_REST
            os.utime(file, (then, then))
            source = canonical_source(self._workspace, self._feed.name, file)
            made = Path(scratch) / "lake"
            made.mkdir()
            try:
                lake.take_in_others(self._workspace, [source], made)
            except InputProblems as error:
                raise CannotWrite("cannot_be_read", str(error)) from error
            with duckdb.connect() as con:
                last = con.execute(
                    f"select _record_status from {lake.lake_records([*made.rglob('*.parquet')])} "
                    "order by _source_record desc"
                ).fetchone()
            if last is None or last[0] != "loaded":
                raise CannotWrite(
                    "cannot_be_read",
                    f"policy/{self.path.name} would not be read with the record; nothing is written.",
                )


class _Table:
    """The text of a file, and its records."""

    def __init__(self, text: str, mark: str) -> None:
        self._mark = mark
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        self.records: list[Record] = []
        self._ends: list[int] = []
        self.header: list[str] = []
        for fields in reader:
            if not fields:
                continue
            self._ends.append(reader.line_num)
            if not self.header:
                self.header = [each.strip().lower() for each in fields]
            else:
                self.records.append(
                    {name: value for name, value in zip(self.header, fields, strict=False) if value}
                )
        self._line_end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
        self._text = text

    def with_record(self, record: Record) -> bytes:
        """The file with one record more; a column that it does not have yet stands empty in the others."""
        header = [*self.header]
        text = self._text
        more = [name for name in record if name not in header]
        if more:
            lines = io.StringIO(text, newline="").readlines()
            for number in self._ends:
                line = lines[number - 1]
                bare = line.rstrip("\r\n")
                added = "".join(f",{name if number == self._ends[0] else ''}" for name in more)
                lines[number - 1] = f"{bare}{added}{line[len(bare) :]}"
            text, header = "".join(lines), [*header, *more]
        if text and not text.endswith(("\n", "\r")):
            text += self._line_end
        stream = io.StringIO()
        csv.writer(stream, lineterminator=self._line_end).writerow([record.get(name, "") for name in header])
        return f"{self._mark}{text}{stream.getvalue()}".encode()


def _parsed(content: bytes, name: str) -> _Table:
    try:
        text = content.decode("utf-8")
        mark = "\ufeff" if text.startswith("\ufeff") else ""
        return _Table(text.removeprefix("\ufeff"), mark)
    except (UnicodeDecodeError, csv.Error) as error:
        raise CannotWrite(
            "kept_otherwise",
            f"policy/{name} is not CSV with commas between fields, as UTF-8; write it so.",
        ) from error
