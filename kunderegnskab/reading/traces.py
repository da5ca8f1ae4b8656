"""What a published number is made of, for somebody who reads: only what they may see of it.

A cell must be among the rows of the viewer's reader. Of its parts a viewer who does not see all gets those
whose cells are; records only where they name one of the viewer's customers. Not here: the explaining itself
(audit/explain).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Lock

from kunderegnskab.audit.explain import ask, show
from kunderegnskab.audit.explain.explanation import (
    BREADTH,
    CannotExplain,
    Cell,
    Explanation,
    Part,
    RecordKey,
    Value,
    explain,
)
from kunderegnskab.audit.explain.records import SourceRecord, source_records
from kunderegnskab.audit.trace import Trace, opened
from kunderegnskab.feeds import load_feeds
from kunderegnskab.language import Code
from kunderegnskab.reading.reader import NothingToRead, Reader, as_it_was_published
from kunderegnskab.sql import identifier
from kunderegnskab.workspace import Workspace

RECORDS = 25
"""Records shown of one number."""


@dataclass(frozen=True)
class Shown:
    """A part as it may be shown.

    Attributes:
        cell: where it leads; None where it leads nowhere, or nowhere that the viewer may go.
        parts: what it is made of itself, where that is no cell.
    """

    name: Mapping[str, Value]
    value: Value
    cell: Cell | None
    records: int
    formula: str
    parts: tuple[Shown, ...] = ()


@dataclass(frozen=True)
class Traced:
    """A number and what it is made of, as far as the viewer may know.

    Attributes:
        parts: those shown.
        more: how many others there are that only take room.
        hidden: how many others are not for this viewer.
        records: those shown, with their text.
        records_more, records_hidden: as of parts.
        names: what columns, lines and KPIs are called.
        read: what was read of the records that are shown, by column of their feed; salespeople as the
            publication names them.
    """

    explanation: Explanation
    parts: tuple[Shown, ...]
    more: int
    hidden: int
    records: tuple[SourceRecord, ...]
    records_more: int
    records_hidden: int
    names: show.Names
    read: tuple[Mapping[str, Value], ...]


class Traces:
    """Explains the numbers of a workspace's publications. Safe to use from several threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = Lock()
        self._stack = ExitStack()
        self._trace: Trace | None = None

    def close(self) -> None:
        """Close what is open."""
        with self._lock:
            self._close()

    def traced(self, reader: Reader, table_column: str, key: Mapping[str, str], language: Code) -> Traced:
        """One number, by `schema.table.column` and the text of its key.

        Raises:
            NothingToRead: the viewer sees no such cell, or the publication is of a version with less to
                explain it by.
            CannotTrace: what it was made from is not at hand.
        """
        # One at a time: a trace computes on one connection, and keeps what several numbers share.
        with self._lock:
            trace = self._of(reader)
            if not _is_published(reader, table_column):
                raise NothingToRead(f"{table_column} is not there to read.")
            try:
                with as_it_was_published(reader.publication):
                    cell = ask.cell_at(trace, table_column, key)
                    if not _is_seen(reader, cell):
                        raise NothingToRead(f"{table_column} is not there to read.")
                    explanation = explain(trace, cell)
            except CannotExplain as error:
                raise NothingToRead(str(error)) from error
            customers = frozenset[str]()
            if not reader.viewer.sees_all:
                customers = frozenset(
                    row["customer_id"] for row in reader.rows("select customer_id from marts.customers")
                )
            seen = [_shown(reader, part, customers) for part in explanation.parts]
            parts = [part for part in seen if part is not None]
            own = _own_records(reader, trace, explanation.records, customers)
            most = len(parts) if explanation.kind == "formula" else BREADTH
            shown = own[:RECORDS]
            return Traced(
                explanation,
                tuple(parts[:most]),
                max(len(parts) - most, 0),
                len(seen) - len(parts),
                # The text of a file is read for those alone that are shown.
                tuple(source_records(trace, shown)),
                max(len(own) - RECORDS, 0),
                len(explanation.records) - len(own),
                show.names_of(trace, language),
                _read(trace, shown),
            )

    def _of(self, reader: Reader) -> Trace:
        if self._trace is None or self._trace.publication.name != reader.publication.name:
            self._close()
            self._trace = self._stack.enter_context(opened(self._workspace, reader.publication.name))
        return self._trace

    def _close(self) -> None:
        self._trace = None
        self._stack.close()


def _is_published(reader: Reader, table_column: str) -> bool:
    table, _, column = table_column.rpartition(".")
    schema, _, name = table.rpartition(".")
    found = reader.publication.manifest.marts.get(f"{schema or 'marts'}.{name}")
    return found is not None and any(each.name == column for each in found.columns)


def _is_seen(reader: Reader, cell: Cell) -> bool:
    """Whether the viewer's reader has this row with this very value: what is blanked for them is not seen."""
    if not reader.has(cell.table):
        return False
    schema, _, table = cell.table.partition(".")
    where = " and ".join(f"{identifier(name)} is not distinct from ?" for name in cell.key)
    row = reader.row(
        f"select {identifier(cell.column)} as value from {identifier(schema)}.{identifier(table)} "
        f"where {where}",
        list(cell.key.values()),
    )
    return row is not None and (reader.viewer.sees_all or row["value"] is not None)


def _shown(reader: Reader, part: Part, customers: frozenset[str]) -> Shown | None:
    """A part as this viewer may see it; None where it is not theirs."""
    if reader.viewer.sees_all:
        return _all(part)
    if part.cell is not None:
        if not _is_seen(reader, part.cell):
            return None
        return Shown(part.name, part.value, part.cell, part.records, part.formula)
    if "input" in part.name:
        # An input is theirs when all of it is: one that a query has computed may be of anybody's rows.
        seen = [_shown(reader, each, customers) for each in part.parts]
        shown = tuple(each for each in seen if each is not None)
        if part.formula or not part.parts or len(shown) < len(part.parts):
            return None
        return Shown(part.name, part.value, None, part.records, "", shown[:BREADTH])
    customer = part.name.get("customer_id")
    if part.records or "column" in part.name or customer in customers:
        return Shown(part.name, part.value, None, part.records, part.formula)
    return None


def _all(part: Part) -> Shown:
    parts = tuple(_all(each) for each in part.parts[:BREADTH])
    return Shown(part.name, part.value, part.cell, part.records, part.formula, parts)


def _read(trace: Trace, records: Sequence[RecordKey]) -> tuple[Mapping[str, Value], ...]:
    """What was read of records, by column of their feed."""
    return tuple(row for _, row in _rows_of(trace, records))


def _own_records(
    reader: Reader, trace: Trace, records: Sequence[RecordKey], customers: frozenset[str]
) -> list[RecordKey]:
    """The records that name one of the viewer's customers; all of them for who sees all."""
    if reader.viewer.sees_all:
        return list(records)
    own = {place for place, row in _rows_of(trace, records) if row.get("customer_id") in customers}
    return [each for each in records if _place(each) in own]


_Place = tuple[str, str, str, int]


def _place(record: RecordKey) -> _Place:
    """Feed, file, sheet ('' without sheets) and number."""
    return record.feed, record.source_file, record.source_sheet or "", record.source_record


def _rows_of(trace: Trace, records: Sequence[RecordKey]) -> Iterator[tuple[_Place, Mapping[str, Value]]]:
    """What was read of records, each with its place."""
    feeds, wanted = load_feeds(), {_place(each) for each in records}
    for feed, file in sorted({place[:2] for place in wanted if place[0] in feeds}):
        relation = f"raw.{feed}"
        for row in trace.rows(
            f"select * from {relation} where _source_file = ? "
            "and _source_record in (select unnest(?::bigint[]))",
            [file, [place[3] for place in wanted if place[:2] == (feed, file)]],
            reads=[relation],
        ):
            place = (feed, file, row["_source_sheet"] or "", row["_source_record"])
            if place in wanted:
                yield place, row
