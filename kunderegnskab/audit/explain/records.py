"""Source records as they came: the raw text of each, and whether its file is still the one that was read.

Here: looking a record up in the lake's copy of its file's text, and hashing landing files again. Not here:
which records a value is made of (explanation.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from kunderegnskab.audit.explain.explanation import RecordKey, Value
from kunderegnskab.audit.trace import Trace
from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest.conventions import identifier, literal
from kunderegnskab.ingest.landing import file_sha256
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
            them; None where the lake has no text of the file.
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
                # One file may feed a feed through two mappings; each has the columns that it maps.
                for number, raw in _texts(trace, file, numbers).items():
                    texts[place].setdefault(number, {}).update(raw)
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
            record.value,
            record.part_of,
            record.gives,
            looked_up[record.feed, record.source_file],
        )
        for record in wanted
    ]


def _texts(trace: Trace, file: InputFile, numbers: list[int]) -> dict[int, dict[str, str | None]]:
    """Record number -> its columns as text."""
    path = trace.workspace.lake / file.text_file if file.text_file else None
    if path is None or not path.is_file() or not numbers:
        return {}
    rows = [number - file.first_record for number in numbers]
    found = trace.con.execute(
        f"select file_row_number, * exclude (file_row_number) "
        f"from read_parquet({literal(str(path))}, file_row_number = true) "
        "where file_row_number between ? and ? and file_row_number in (select unnest(?::bigint[]))",
        [rows[0], rows[-1], rows],
    )
    columns = [column[0] for column in found.description or ()][1:]
    texts = {
        number + file.first_record: dict(zip(columns, values, strict=True))
        for number, *values in found.fetchall()
    }
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
    relation = f"raw.{file.feed}"
    found = trace.rows(
        f"select _source_record, {', '.join(identifier(name) for name in columns)} from {relation} "
        "where _source_file = ? and _source_record in (select unnest(?::bigint[]))",
        [file.path, numbers],
        reads=[relation],
    )
    return {row["_source_record"]: [row[name] for name in columns] for row in found}
