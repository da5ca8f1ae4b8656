"""Source records: the raw text of each, and whether its file is still the one that was read.

Here: hashing landing files again, and what to show of a record whose file is another one by now. Not here:
reading the text (ingest.source_text), and which records a value is made of (explanation.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from kunderegnskab.audit.explain.explanation import RecordKey, Value
from kunderegnskab.audit.trace import Trace
from kunderegnskab.feeds import load_feeds
from kunderegnskab.feeds.contracts import SOURCE_COLUMNS
from kunderegnskab.file_hash import file_sha256
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
        part_of, gives: as of a RecordKey.
        lookups: files that columns of the record were looked up in.
    """

    feed: str
    source_file: str
    sha256: str
    file_state: FileState
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
    texts: dict[tuple[str, str], dict[int, dict[str, str | None]]] = {}
    reads: dict[tuple[str, str], dict[int, dict[str, str | None]]] = {}
    files: dict[tuple[str, str], InputFile] = {}
    lookups: dict[tuple[str, str], dict[str, str]] = {}
    wanted_of: dict[tuple[str, str], set[int]] = {}
    for record in wanted:
        wanted_of.setdefault((record.feed, record.source_file), set()).add(record.source_record)
    for place in wanted_of:
        numbers = sorted(wanted_of[place])
        texts[place] = {}
        for file in trace.inputs(place[0]):
            if file.path == place[1]:
                files[place] = file
                lookups.setdefault(place, {}).update(file.lookups)
                if states[file.path] == "unchanged":
                    # One file may feed a feed through two mappings; each has the columns that it maps.
                    for number, raw in _texts(trace, file, numbers).items():
                        texts[place].setdefault(number, {}).update(raw)
        without = [number for number in numbers if number not in texts[place]]
        reads[place] = _values(trace, place, without) if without else {}
    states |= file_states(trace, (path for found in lookups.values() for path in found))
    looked_up = {
        place: tuple(LookupFile(path, sha256, states[path]) for path, sha256 in sorted(found.items()))
        for place, found in lookups.items()
    }
    return [
        SourceRecord(
            record.feed,
            record.source_file,
            files[record.feed, record.source_file].sha256,
            states[record.source_file],
            record.source_record,
            texts[record.feed, record.source_file].get(record.source_record),
            reads[record.feed, record.source_file].get(record.source_record),
            record.value,
            record.part_of,
            record.gives,
            looked_up[record.feed, record.source_file],
        )
        for record in wanted
    ]


def _texts(trace: Trace, file: InputFile, numbers: list[int]) -> dict[int, dict[str, str | None]]:
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
    keys = _conditional_keys(trace, file, numbers)
    return {number: pseudonyms.shown(file.feed, raw, keys.get(number, ())) for number, raw in texts.items()}


def _conditional_keys(trace: Trace, file: InputFile, numbers: list[int]) -> dict[int, list[str | None]]:
    """Record number -> what it says, with pseudonyms, in columns that name a salesperson only sometimes."""
    columns = [name for name, each in load_feeds()[file.feed].columns.items() if each.personal_when]
    if not columns:
        return {}
    found = _values(trace, (file.feed, file.path), numbers)
    return {number: [values.get(name) for name in columns] for number, values in found.items()}


def _values(trace: Trace, place: tuple[str, str], numbers: list[int]) -> dict[int, dict[str, str | None]]:
    """Record number -> what was read of it, with pseudonyms, in the columns of its feed that have a value."""
    feed, path = place
    relation = f"raw.{feed}"
    found = trace.rows(
        f"select * from {relation} where _source_file = ? and _source_record in (select unnest(?::bigint[]))",
        [path, numbers],
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
