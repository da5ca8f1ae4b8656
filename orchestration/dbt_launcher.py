"""dbt as Dagster starts it: one command that ends when whoever started it is gone.

Where dbt's project lies and what is asked of it does not belong here: see `dbt.py`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from importlib.metadata import version

# Process id of whoever starts dbt, set by it; a parent that died before we looked would go unnoticed.
PARENT_VARIABLE = "KUNDEREGNSKAB_DBT_PARENT"
_LOOK_EVERY_SECONDS = 0.1


def main() -> None:
    """Run dbt with this process's arguments."""
    if sys.argv[1:] == ["--version"]:
        # dagster-dbt asks for this before every command; importing dbt to answer takes 1.7 s.
        print(f"installed: {version('dbt-core')}")  # noqa: T201
        return
    _end_with_parent()
    from dbt.cli.main import cli

    _share_parse_between_warehouses()
    cli()


def _share_parse_between_warehouses() -> None:
    """Let dbt use its parse of the project for any warehouse: 14 s for each new workspace otherwise.

    dbt parses again when what it shows of a connection differs, as a project could read it while it is
    parsed. This one does not: only the profile knows the warehouse's path.
    """
    from dbt.adapters.duckdb.credentials import DuckDBCredentials

    DuckDBCredentials._connection_keys = lambda self: ("database", "schema")


def _end_with_parent() -> None:
    """A killed Dagster must not leave a dbt behind that still holds the warehouse.

    The parent is watched rather than asked to signal, because the system's signal on a parent's
    death comes from the thread that started us, which may end before the process does.
    """
    parent = int(os.environ.get(PARENT_VARIABLE) or os.getppid())
    if os.getppid() != parent:
        sys.exit("dbt was not started, because the refresh that asked for it has ended.")

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()


if __name__ == "__main__":
    main()
