"""Sources that fed the last publication and now find no file, or none with a record: noted for the door.

A feed that has lost a source would otherwise be published as if the company had sold less, cost less or
decided less. A manifest keeps them, because the folders do not tell them later. Not here: sources that never
found a file, which ingest/unread.py tells of.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

import duckdb
from pydantic import JsonValue, TypeAdapter

from kunderegnskab.ingest import Intake
from kunderegnskab.ingest.unread import fits
from kunderegnskab.publication.manifest import InputFile
from kunderegnskab.rows import insert_rows
from kunderegnskab.workspace import FeedSource, Workspace

# Of a manifest's parameters.
GONE_SOURCES = "gone_sources"
_COLUMNS = ("feed", "source", "files", "files_before")


def note_gone_sources(
    con: duckdb.DuckDBPyConnection, workspace: Workspace, intake: Intake, before: Sequence[InputFile]
) -> None:
    """Fill raw.gone_sources, one row per source.

    Args:
        before: what the last publication was made from.
    """
    now = {(receipt.feed, receipt.source_file) for receipt in intake.receipts}
    speaking = {(receipt.feed, receipt.source) for receipt in intake.receipts if receipt.records_read}
    rows: list[list[object]] = []
    for entry in workspace.sources:
        if (entry.feed, entry.label) in speaking:
            continue
        # Files of a header alone are still the source's own.
        empty = {(entry.feed, each.source_file) for each in intake.receipts if each.source == entry.label}
        had_records = [file for file in before if file.records_read or not empty]
        if fed := _fed(entry, had_records, now - empty):
            rows.append([entry.feed, entry.label, f"{entry.base.name}/{entry.source.files}", fed])
    # A file that needs no mapping is a source as long as it is there.
    for file in before:
        if (
            file.source == file.path
            and (
                file.feed not in intake.supplied
                or (file.records_read and not any(feed == file.feed for feed, _ in speaking))
            )
            and not _is_declared(workspace, file)
        ):
            rows.append([file.feed, file.source, file.path, 1])
    insert_rows(con, "raw.gone_sources", rows)


def gone_sources(con: duckdb.DuckDBPyConnection) -> list[JsonValue]:
    """The rows of raw.gone_sources, in the order of their values, as a manifest keeps them."""
    found = con.execute(f"select {', '.join(_COLUMNS)} from raw.gone_sources order by all").fetchall()
    return [dict(zip(_COLUMNS, row, strict=True)) for row in found]


def load_gone_sources(con: duckdb.DuckDBPyConnection, parameters: Mapping[str, JsonValue]) -> None:
    """Fill raw.gone_sources with what a manifest kept of them."""
    kept = TypeAdapter(list[dict[str, JsonValue]]).validate_python(parameters.get(GONE_SOURCES, []))
    insert_rows(con, "raw.gone_sources", [[each[column] for column in _COLUMNS] for each in kept])


def _fed(entry: FeedSource, before: Sequence[InputFile], now: Collection[tuple[str, str]]) -> int:
    """How many files the source gave the last publication.

    Its name is its place in feeds.yaml, and its glob may have been changed: either tells. What another source
    reads by now has only moved.
    """
    pattern = PurePosixPath(f"{entry.base.name}/{entry.source.files}").parts
    return sum(
        1
        for file in before
        if file.feed == entry.feed
        and (file.feed, file.path) not in now
        and (file.source == entry.label or fits(PurePosixPath(file.path).parts, pattern))
    )


def _is_declared(workspace: Workspace, file: InputFile) -> bool:
    return any(entry.feed == file.feed for entry in workspace.sources)
