"""An earlier publication beside the warehouse that is being loaded: the one way in which it is read.

What is taken from it: see baselines.py, and kunderegnskab/audit.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import duckdb

from kunderegnskab.publication.store import Publication
from kunderegnskab.sql import literal

EARLIER = "earlier_publication"
"""Catalog that the publication's tables have while it is attached."""


@contextmanager
def attached(con: duckdb.DuckDBPyConnection, publication: Publication | None) -> Generator[set[str]]:
    """Attaches a publication's database, read-only; gives its tables and views as `schema.table`.

    None where there is no publication or its data were pruned.
    """
    if publication is None or not publication.database.is_file():
        yield set()
        return
    con.execute(f"attach {literal(publication.database.resolve())} as {EARLIER} (read_only)")
    try:
        yield relations_of(con, EARLIER)
    finally:
        con.execute(f"detach {EARLIER}")


def relations_of(con: duckdb.DuckDBPyConnection, catalog: str | None = None) -> set[str]:
    """The tables and views of an attached database, the one in use if none is named, as `schema.table`."""
    found = con.execute(
        "select schema_name || '.' || table_name from duckdb_tables() "
        "where database_name = coalesce($1, current_database()) union all "
        "select schema_name || '.' || view_name from duckdb_views() "
        "where database_name = coalesce($1, current_database()) and not internal",
        [catalog],
    )
    return {name for (name,) in found.fetchall()}
