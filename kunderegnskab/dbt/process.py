"""The dbt of a refresh: started early, so that it gets ready while files are read; told later what to run.

Here: the process. Not here: what is asked of it (refresh/building.py) and what its answers mean (answers.py).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kunderegnskab.dbt.agreed import ANSWER, RUN_RESULTS
from kunderegnskab.dbt.project import (
    LAUNCHER,
    ensure_manifest,
    environment,
    environment_of_process,
)
from kunderegnskab.installation import DBT_PROJECT
from kunderegnskab.problems import KunderegnskabError, refusal
from kunderegnskab.workspace import Workspace

_WAITING: dict[Path, DbtProcess] = {}


class DbtEnded(KunderegnskabError):
    """dbt broke, or its process ended before it was done."""


class DbtProcess:
    """A dbt that waits for commands on one warehouse, which it opens with the first one."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Start it. `environment` is what `environment` of project.py gives; the project must be parsed."""
        self._process = subprocess.Popen(
            [str(LAUNCHER), "wait"],
            env=environment_of_process(environment),
            cwd=DBT_PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def run(
        self, arguments: Sequence[str], folder: Path, on_node: Callable[[str, str], None]
    ) -> dict[str, Any]:
        """Run one command, and pass on to this process's output what dbt logs.

        Args:
            folder: where dbt works; only its run results stay there.
            on_node: called with unique id and status of each node that has ended.

        Returns:
            What dbt says of each node that it ran, as its run_results.json holds it.

        Raises:
            DbtEnded: dbt broke before it was done.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(BrokenPipeError):  # it has ended: below it is said how
            self._process.stdin.write(
                json.dumps({"arguments": list(arguments), "folder": str(folder)}) + "\n"
            )
            self._process.stdin.flush()
        for line in self._process.stdout:
            if not line.startswith(ANSWER):
                sys.stdout.write(line)
                continue
            answer = json.loads(line.removeprefix(ANSWER))
            if "node" in answer:
                on_node(answer["node"], answer["status"])
            elif answer["exception"] is not None:
                raise DbtEnded(refusal(answer["exception"]) or f"dbt broke: {answer['exception']}")
            else:
                return _only_run_results(folder)
        code = self._process.wait()
        raise DbtEnded(f"dbt ended before it was done (exit code {code}), see the log.")

    def end(self) -> None:
        """Let the process end, and with it its hold of the warehouse."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        if self._process.stdout is not None and not self._process.stdout.closed:
            for line in self._process.stdout:
                sys.stdout.write(line)
            self._process.stdout.close()
        self._process.wait()


@contextmanager
def started_early(workspace: Workspace) -> Generator[None]:
    """Have a dbt ready for whoever asks for it in the block: it starts while Dagster is imported."""
    ensure_manifest(workspace)
    _WAITING[workspace.root] = DbtProcess(environment(workspace))
    try:
        yield
    finally:
        if (unused := _WAITING.pop(workspace.root, None)) is not None:
            unused.end()


def waiting(workspace: Workspace) -> DbtProcess:
    """The dbt that was started early for a workspace, else a new one; whoever gets it ends it."""
    return _WAITING.pop(workspace.root, None) or DbtProcess(environment(workspace))


def _only_run_results(folder: Path) -> dict[str, Any]:
    for path in folder.iterdir():
        if path.name != RUN_RESULTS:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return json.loads((folder / RUN_RESULTS).read_text(encoding="utf-8"))
