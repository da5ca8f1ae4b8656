"""Sources that fed the last publication and find no file now: what they were is noted for the door's check.

A feed that has lost a source would otherwise be published as if the company had sold less, cost less or
decided less. Not here: sources that never found a file, which ingest/unread.py tells of.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

import duckdb

from kunderegnskab.ingest import Intake
from kunderegnskab.ingest.landing import source_paths
from kunderegnskab.ingest.unread import fits
from kunderegnskab.publication.manifest import InputFile
from kunderegnskab.rows import insert_rows
from kunderegnskab.workspace import FeedSource, Workspace


def note_gone_sources(
    con: duckdb.DuckDBPyConnection, workspace: Workspace, intake: Intake, before: Sequence[InputFile]
) -> None:
    """Fill raw.gone_sources, one row per source.

    Args:
        before: what the last publication was made from.
    """
    now = {(receipt.feed, receipt.source_file) for receipt in intake.receipts}
    rows: list[list[object]] = []
    for entry in workspace.sources:
        if not source_paths(entry) and (fed := _fed(entry, before, now)):
            rows.append([entry.feed, entry.label, f"{entry.base.name}/{entry.source.files}", fed])
    # A file that needs no mapping is a source as long as it is there.
    for file in before:
        if (
            file.source == file.path
            and file.feed not in intake.supplied
            and not _is_declared(workspace, file)
        ):
            rows.append([file.feed, file.source, file.path, 1])
    insert_rows(con, "raw.gone_sources", rows)


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
