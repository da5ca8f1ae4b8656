"""An earlier publication beside the warehouse that is being loaded: the one way in which it is read.

What is taken from it belongs in baselines.py and in kunderegnskab/audit.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import duckdb

from kunderegnskab.publication.store import Publication

EARLIER = "earlier_publication"
"""Catalog that the publication's tables have while it is attached."""


@contextmanager
def attached(con: duckdb.DuckDBPyConnection, publication: Publication | None) -> Generator[set[str]]:
    """Attaches a publication's database, read-only; gives its tables as `schema.table`.

    None where there is no publication or its data were pruned.
    """
    if publication is None or not publication.database.is_file():
        yield set()
        return
    path = str(publication.database.resolve()).replace("'", "''")
    con.execute(f"attach '{path}' as {EARLIER} (read_only)")
    try:
        found = con.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where database_name = ?", [EARLIER]
        )
        yield {name for (name,) in found.fetchall()}
    finally:
        con.execute(f"detach {EARLIER}")
