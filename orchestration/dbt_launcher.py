"""dbt as a refresh starts it: a process of its own that ends when whoever started it is gone.

Either one command (`kunderegnskab-dbt parse ...`), or `kunderegnskab-dbt wait`: it gets ready and then runs
the commands that it reads, one per line. Who asks for that is `dbt_process.py`; where the project lies,
`dbt_project.py`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

# Process id of whoever starts dbt, set by it; a parent that died before we looked would go unnoticed.
PARENT_VARIABLE = "KUNDEREGNSKAB_DBT_PARENT"
# A line that begins so is an answer in JSON, every other line is dbt's log.
ANSWER = "\x1e"
RUN_RESULTS = "run_results.json"
_LOOK_EVERY_SECONDS = 0.1


def main() -> None:
    """Run dbt with this process's arguments."""
    _end_with_parent()
    if sys.argv[1:2] == ["wait"]:
        _wait_for_commands()
        return
    from dbt.cli.main import cli

    _share_parse_between_warehouses()
    cli()


def _wait_for_commands() -> None:
    """Import dbt and read its parse of the project, then run a command per line until there are no more.

    A line is {"arguments": what dbt is called with, "folder": where it leaves its run results}. Answers are
    {"node", "status"} for each node that has ended, and {"exception"} at the end of a command.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner

    _share_parse_between_warehouses()
    parsed = dbtRunner().invoke(["--quiet", "--no-write-json", "parse"])
    if not parsed.success:
        _answer({"exception": f"dbt cannot parse the project: {parsed.exception}"})
        return
    dbt = dbtRunner(manifest=parsed.result, callbacks=[_tell])  # ty: ignore[invalid-argument-type]
    for line in sys.stdin:
        command = json.loads(line)
        folder = Path(command["folder"])
        # The manifest is the same for every run of this code, and dbt would write it twice. Its own log would
        # put every event into words, of which it shows hardly any.
        settings = ["--no-write-json", "--no-use-colors", "--log-level", "none"]
        verb, *options = command["arguments"]
        done = dbt.invoke([*settings, verb, "--target-path", str(folder), *options])
        if isinstance(done.result, RunExecutionResult):
            done.result.write(str(folder / RUN_RESULTS))
        _answer({"exception": None if done.exception is None else str(done.exception)})
    # Everything is written: leave the warehouse to whoever waits for it, without a second of tidying up.
    DuckDBConnectionManager.close_all_connections()
    os._exit(0)


def _tell(event: Any) -> None:
    """Answer for each node that has ended, and log what dbt would show."""
    if event.info.name == "NodeFinished":
        node = event.data.node_info
        _answer({"node": node.unique_id, "status": node.node_status})
    elif event.info.level != "debug":
        sys.stdout.write(f"{event.info.ts.ToDatetime():%H:%M:%S}  {event.info.msg}\n")


def _answer(answer: dict[str, Any]) -> None:
    sys.stdout.write(f"{ANSWER}{json.dumps(answer)}\n")
    sys.stdout.flush()


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
