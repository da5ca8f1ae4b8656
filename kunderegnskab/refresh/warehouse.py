"""The working warehouse as the steps of a refresh open it.

What schema raw is loaded with belongs in loading.py, what the models make of it in dbt_project/.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import duckdb

from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.sql import WAREHOUSE_CONFIG
from kunderegnskab.workspace import Workspace


class StepFailed(KunderegnskabError):
    """A step cannot do its work; trying again would not help."""


@contextmanager
def open_warehouse(workspace: Workspace) -> Generator[duckdb.DuckDBPyConnection]:
    """The working warehouse, for the smallest block that needs it: dbt is another process.

    Raises:
        StepFailed: nothing has been loaded yet.
    """
    if not workspace.warehouse.is_file():
        raise StepFailed("There is no warehouse yet: materialise the raw feeds first, or run a refresh.")
    with duckdb.connect(str(workspace.warehouse), config=WAREHOUSE_CONFIG) as con:
        yield con
