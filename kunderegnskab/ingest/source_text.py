"""Records as they came: read again from their landing file, by the mapping by which they were read.

The lake keeps values, and of text only what was refused. Here: the text of some records of a file that is
still what it was. Not here: what to show where it is not (audit.explain.records).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from kunderegnskab.ingest.fingerprints import KnownFiles
from kunderegnskab.ingest.lake import job_of
from kunderegnskab.ingest.landing import LandingFile
from kunderegnskab.ingest.readers import read_records
from kunderegnskab.problems import InputProblems
from kunderegnskab.sql import identifier
from kunderegnskab.workspace import Workspace


@dataclass(frozen=True)
class ReadFile:
    """A landing file that was read for a feed; see Receipt, whose names these are."""

    feed: str
    source: str
    source_file: str
    file_sha256: str
    size: int
    lake_file: str
    lookups: Mapping[str, str]


def text_of(
    workspace: Workspace, read: ReadFile, numbers: Collection[int]
) -> dict[int, dict[str, str | None]]:
    """Record number -> its mapped columns as text, for these records of a file.

    Args:
        read: its landing file has not changed since, which the caller has made sure of.

    Returns:
        Nothing where the mapping is another one by now, so that the columns may mean something else.
    """
    entry = next(
        (each for each in workspace.sources if (each.feed, each.label) == (read.feed, read.source)), None
    )
    if entry is None or not numbers:
        return {}
    file = LandingFile(workspace.root / read.source_file, read.source_file, read.file_sha256, read.size, 0)
    nothing_known = KnownFiles(workspace.root, None)
    try:
        job = job_of(workspace, entry, file, read.lookups, nothing_known)
        if job.lake_file != read.lake_file:
            return {}
        with duckdb.connect() as con, TemporaryDirectory() as scratch:
            con.execute("set TimeZone = 'UTC'")
            form, wanted = job.entry.source.format, job.plan.wanted[""]
            records = read_records(con, file.path, file.name, form, wanted, Path(scratch) / "records.parquet")
            before = records.first_record - 1
            columns = ", ".join(map(identifier, records.columns))
            found = con.execute(
                f"select * from (select row_number() over () as place, {columns} from ({records.relation}) "
                f"limit {max(numbers) - before}) where place in (select unnest(?::bigint[]))",
                [[number - before for number in numbers]],
            ).fetchall()
    except (InputProblems, OSError):
        return {}
    return {place + before: dict(zip(records.columns, texts, strict=True)) for place, *texts in found}
