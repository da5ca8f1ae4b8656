"""A dataset as it was published, beside what it must be, and how the two are compared.

What must be is computed in `recompute` and `recompute_sales`; what is compared belongs in the tests.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import running
from recompute import Expected, recompute


@dataclass(frozen=True)
class Refreshed:
    """One dataset after a refresh: what must be, and a connection to what was published."""

    name: str
    expected: Expected
    con: duckdb.DuckDBPyConnection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.con.execute(query).fetchall()


@contextmanager
def published_beside_recomputed(workspace: Path) -> Generator[Refreshed]:
    """The dataset whose name the workspace has, and whose files stand in its landing folder."""
    with running.published(workspace) as con:
        yield Refreshed(workspace.name, recompute(workspace.name, workspace / "landing"), con)


def assert_same_rows(published: dict[Any, dict[str, Any]], expected: dict[Any, dict[str, Any]]) -> None:
    """Equality that shows the first differences instead of two hundred thousand rows."""
    missing = sorted(expected.keys() - published.keys())[:5]
    surplus = sorted(published.keys() - expected.keys())[:5]
    different = [
        (key, column, published[key][column], amount)
        for key, row in expected.items()
        if key in published
        for column, amount in row.items()
        if published[key][column] != amount
    ][:5]
    assert (missing, surplus, different) == ([], [], [])
