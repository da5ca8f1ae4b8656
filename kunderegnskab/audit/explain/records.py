"""Source records: the raw text of each, and whether its file is still the one that was read.

Here: hashing landing files again, and what to show of a record whose file is another one by now. Not here:
reading the text (ingest.source_text), and which records a value is made of (explanation.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from kunderegnskab.audit.explain.explanation import RecordKey, Value
from kunderegnskab.audit.trace import Trace
from kunderegnskab.feeds import load_feeds
from kunderegnskab.feeds.contracts import SOURCE_COLUMNS
from kunderegnskab.file_hash import file_sha256
from kunderegnskab.ingest.lake import sheet_of
from kunderegnskab.ingest.source_text import ReadFile, text_of
from kunderegnskab.publication.manifest import InputFile

FileState = Literal["unchanged", "changed", "missing"]


@dataclass(frozen=True)
class LookupFile:
    """A landing file whose columns were looked up; `sha256` and `file_state` as of a SourceRecord."""

    path: str
    sha256: str
    file_state: FileState


@dataclass(frozen=True)
class SourceRecord:
    """A record of a landing file.

    Attributes:
        sha256: of the file when it was read.
        file_state: whether the file in landing still has that hash.
        raw: column of the file -> text as it came, but pseudonyms of salespeople where the publication has
            them; None where the file or its mapping is another one by now.
        read: column of the feed -> the value that was read from the file, where there is no raw text.
        value: what the record gives to the column that it is a part of.
        source_sheet, part_of, gives: as of a RecordKey.
        lookups: files that columns of the record were looked up in.
    """

    feed: str
    source_file: str
    sha256: str
    file_state: FileState
    source_sheet: str | None
    source_record: int
    raw: Mapping[str, str | None] | None
    read: Mapping[str, str | None] | None
    value: Value
    part_of: str = ""
    gives: Decimal | None = None
    lookups: tuple[LookupFile, ...] = ()


def file_states(trace: Trace, names: Iterable[str]) -> dict[str, FileState]:
    """For each landing file whether it is still the one that the publication was made from."""
    recorded = trace.publication.manifest.input_hashes
    states: dict[str, FileState] = {}
    for name in set(names):
        path = trace.workspace.root / name
        if not path.is_file():
            states[name] = "missing"
        else:
            states[name] = "unchanged" if file_sha256(path) == recorded.get(name) else "changed"
    return states


def source_records(trace: Trace, records: Iterable[RecordKey]) -> list[SourceRecord]:
    """The records with their raw text, in the given order."""
    wanted = [record for record in records if record.source_file is not None]
    states = file_states(trace, (record.source_file for record in wanted))
    numbers_of: dict[_Place, set[int]] = {}
    for record in wanted:
        numbers_of.setdefault(_place(record), set()).add(record.source_record)
    found = {place: _found(trace, place, states, sorted(numbers)) for place, numbers in numbers_of.items()}
    states |= file_states(trace, (path for each in found.values() for path in each.lookups))
    looked_up = {
        place: tuple(LookupFile(path, sha256, states[path]) for path, sha256 in sorted(each.lookups.items()))
        for place, each in found.items()
    }
    return [
        SourceRecord(
            record.feed,
            record.source_file,
            found[_place(record)].sha256,
            states[record.source_file],
            record.source_sheet,
            record.source_record,
            found[_place(record)].texts.get(record.source_record),
            found[_place(record)].reads.get(record.source_record),
            record.value,
            record.part_of,
            record.gives,
            looked_up[_place(record)],
        )
        for record in wanted
    ]


_Place = tuple[str, str, str | None]  # feed, file, sheet


def _place(record: RecordKey) -> _Place:
    return record.feed, record.source_file, record.source_sheet


_Cells = dict[int, dict[str, str | None]]  # record number -> column -> text


@dataclass(frozen=True)
class _Found:
    """What is known of the records of one place; see SourceRecord, whose names these are."""

    sha256: str
    texts: _Cells
    reads: _Cells
    lookups: dict[str, str]


def _found(trace: Trace, place: _Place, states: Mapping[str, FileState], numbers: list[int]) -> _Found:
    feed, path, _ = place
    files = [file for file in trace.inputs(feed) if file.path == path]
    own = _own(trace, files, place)
    texts: _Cells = {}
    lookups: dict[str, str] = {}
    for file in own:
        lookups |= file.lookups
        if states[path] == "unchanged":
            # One file may feed a feed through two mappings; each has the columns that it maps.
            for number, raw in _texts(trace, file, place, numbers).items():
                texts.setdefault(number, {}).update(raw)
    without = [number for number in numbers if number not in texts]
    reads = _values(trace, place, without) if own and without else {}
    return _Found(files[-1].sha256, texts, reads, lookups)


def _own(trace: Trace, files: Sequence[InputFile], place: _Place) -> list[InputFile]:
    """Those of a place's file that were read from its sheet.

    Where a sheet is not known, and more than one may have been read, none: each has a record of that number.
    """
    read = [(file, _sheet(trace, file)) for file in files]
    is_one = len({file.lake_file if sheet is None else sheet for file, sheet in read}) == 1
    return [
        file for file, sheet in read if (is_one if sheet is None or place[2] is None else sheet == place[2])
    ]


def _sheet(trace: Trace, file: InputFile) -> str | None:
    """The sheet that an input was read from; None where nothing says so, or its lake file is gone."""
    path = trace.workspace.lake / file.lake_file
    return sheet_of(path) if path.is_file() else None


def _texts(trace: Trace, file: InputFile, place: _Place, numbers: list[int]) -> _Cells:
    """Record number -> its columns as text."""
    texts = text_of(
        trace.workspace,
        ReadFile(file.feed, file.source, file.path, file.sha256, file.size, file.lake_file, file.lookups),
        numbers,
    )
    if not texts:
        return {}
    pseudonyms = trace.pseudonyms_of(load_feeds()[file.feed])
    if pseudonyms.secret is None:
        return texts
    keys = _conditional_keys(trace, place, numbers)
    return {number: pseudonyms.shown(file.feed, raw, keys.get(number, ())) for number, raw in texts.items()}


def _conditional_keys(trace: Trace, place: _Place, numbers: list[int]) -> dict[int, list[str | None]]:
    """Record number -> what it says, with pseudonyms, in columns that name a salesperson only sometimes."""
    columns = [name for name, each in load_feeds()[place[0]].columns.items() if each.personal_when]
    if not columns:
        return {}
    found = _values(trace, place, numbers)
    return {number: [values.get(name) for name in columns] for number, values in found.items()}


def _values(trace: Trace, place: _Place, numbers: list[int]) -> _Cells:
    """Record number -> what was read of it, with pseudonyms, in the columns of its feed that have a value."""
    feed, path, sheet = place
    relation = f"raw.{feed}"
    found = trace.rows(
        f"select * from {relation} where _source_file = ? and _source_sheet = coalesce(?, _source_sheet) "
        "and _source_record in (select unnest(?::bigint[]))",
        [path, sheet, numbers],
        reads=[relation],
    )
    return {
        row["_source_record"]: {
            name: str(value)
            for name, value in row.items()
            if value is not None and name not in SOURCE_COLUMNS
        }
        for row in found
    }
