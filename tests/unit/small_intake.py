"""A small company at the door: writes a workspace, takes its files in, and gives what came of it.

Only what more than one test module of the door needs belongs here; expectations belong in the tests.
"""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kunderegnskab.ingest import Intake, fingerprints, load_warehouse, take_in
from kunderegnskab.problems import InputProblems
from kunderegnskab.workspace import Workspace

# The columns that a mapping of a small sales file needs at least, besides the one under test.
SALES_HEADER = "doc,type,day,qty,net,disc"
SALES_COLUMNS = (
    "{document_no: doc, document_type: type, posting_date: day, quantity: qty, "
    "net_amount: net, discount_amount: disc}"
)


@dataclass(frozen=True)
class Taken:
    """What came of an intake: the receipts, and a connection to schema raw."""

    workspace: Workspace
    intake: Intake
    con: duckdb.DuckDBPyConnection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.con.execute(query).fetchall()

    def values(self, query: str) -> list[Any]:
        return [row[0] for row in self.rows(query)]

    @property
    def rejects(self) -> list[tuple[int, str, str | None, str]]:
        """(record, column, raw text, reason) of every rejected record."""
        return self.rows(
            "select source_record, column_name, raw_value, reason from raw.rejects "
            "order by feed, source_file, 1"
        )


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files that are at rest: their last change lies a minute back."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        rest(path)


def rest(path: Path) -> None:
    """Make a file look untouched for a minute, so that nobody waits for it to come to rest."""
    then = time.time() - 60
    os.utime(path, (then, then))


def workspace_of(
    root: Path, feeds: str | None = None, files: Mapping[str, str | bytes] | None = None
) -> Workspace:
    """A workspace in DKK with this feeds.yaml and these landing files."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "company.yaml").write_text("name: Lille A/S\ncurrency: DKK\n", encoding="utf-8")
    if feeds is not None:
        (root / "feeds.yaml").write_text(textwrap.dedent(feeds), encoding="utf-8")
    (root / "landing").mkdir(exist_ok=True)
    write_files(root / "landing", files or {})
    return Workspace(root)


def taken(workspace: Workspace) -> Taken:
    """Take everything in and load it.

    Raises:
        InputProblems: as `take_in`.
    """
    intake = take_in(workspace, workspace.lake)
    con = duckdb.connect()
    load_warehouse(con, workspace.company, workspace.lake, intake)
    return Taken(workspace, intake, con)


def make_known(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take everything in until all files are known to be unchanged, without waiting as long as a refresh."""
    # Long enough for the ticks of this machine's drive.
    monkeypatch.setattr(fingerprints, "REST_NS", 50_000_000)
    for _ in range(3):
        take_in(workspace, workspace.lake)
        time.sleep(0.06)


def change_in_lake(workspace: Workspace, intake: Intake, feed: str, replacement: str) -> None:
    """Give the records of a feed's only lake file another value, behind everybody's back.

    Args:
        replacement: `value as column`, in SQL.
    """
    (receipt,) = [each for each in intake.receipts if each.feed == feed]
    changed = workspace.lake / receipt.lake_file
    duckdb.execute(
        f"copy (select * replace ({replacement}) from read_parquet('{changed}')) "
        f"to '{changed}.new' (format parquet)"
    )
    changed.with_name(f"{changed.name}.new").replace(changed)
    rest(changed)


def problems_of(workspace: Workspace) -> list[str]:
    """The sentences with which an intake is refused; none if it is not."""
    try:
        take_in(workspace, workspace.lake)
    except InputProblems as error:
        return [problem.sentence() for problem in error.problems]
    return []
