"""dbt as a refresh starts it: a process of its own that ends when whoever started it is gone.

Either one command (`kunderegnskab-dbt parse ...`), or `kunderegnskab-dbt wait`: it gets ready and then runs
the commands that it reads, one per line. Who asks for that is
kunderegnskab/dbt/process.py; where the project lies, kunderegnskab/dbt/project.py.

The command that was installed names this module, also when `verify` runs an earlier commit with it: so its
name stays.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kunderegnskab.dbt.agreed import ANSWER, PARENT_VARIABLE, RUN_RESULTS, read_stamp

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

    from kunderegnskab.code_version import MODELS, tree_sha256

    _share_parse_between_warehouses()
    parsed = dbtRunner().invoke(["--quiet", "--no-write-json", "parse"])
    if not parsed.success:
        _answer({"exception": f"dbt cannot parse the project: {parsed.exception}"})
        return
    compiled = CompiledOnce(Path(os.environ["DBT_TARGET_PATH"]))
    if compiled.project != tree_sha256(MODELS):
        _answer({"exception": "files of the project have changed while it was read. Run it again."})
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
        compiled.keep()
        _answer({"exception": None if done.exception is None else str(done.exception)})
    # Everything is written: leave the warehouse to whoever waits for it, without tidying up memory first.
    DuckDBConnectionManager.close_all_connections()
    # dbt's locks are the system's; whoever leaves them behind is warned of.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(0)


class CompiledOnce:
    """The SQL of the project's models and tests, which dbt compiles once per version of the project.

    To compile a node takes dbt longer than DuckDB needs to run it, and gives the same each time: nothing in
    the project asks the database or the environment meanwhile (tests/dbt sees to that).

    Args:
        folder: where `ensure_manifest` of kunderegnskab/dbt/project.py keeps the parse and writes down what
            it is the parse of.

    Attributes:
        project: the hash of the files that it is the parse of; empty where nobody knows.
    """

    def __init__(self, folder: Path) -> None:
        from dbt.compilation import Compiler

        self.project = next(iter(read_stamp(folder)), "")
        self._file = folder / "compiled.json"
        self._made_from = f"{self.project} {version('dbt-core')} {version('dbt-duckdb')}"
        self._sql = self._read()
        self._kept = len(self._sql)
        compile_code = Compiler._compile_code

        def compile_once(compiler: Compiler, node: Any, *rest: Any) -> Any:
            if node.unique_id in self._sql:
                node.compiled_code = self._sql[node.unique_id]
                node.compiled = True
                return node
            compile_code(compiler, node, *rest)
            if node.resource_type in ("model", "test"):
                self._sql[node.unique_id] = node.compiled_code
            return node

        Compiler._compile_code = compile_once  # ty: ignore[invalid-assignment]

    def keep(self) -> None:
        """Write down what has been compiled, for the next process."""
        from kunderegnskab.workspace.notes import write_text

        if len(self._sql) == self._kept:
            return
        write_text(self._file, json.dumps({"made_from": self._made_from, "sql": self._sql}))
        self._kept = len(self._sql)

    def _read(self) -> dict[str, str]:
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            return kept["sql"] if kept["made_from"] == self._made_from else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}


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
