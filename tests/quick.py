"""Runs the product in the test's own process: a refresh takes seconds, as neither Dagster nor dbt is started.

The steps are those of a refresh (orchestration.steps) in the same order, with the same checks, messages and exit
codes; what dbt would run is its SQL as an earlier refresh compiled it. What is about processes, Dagster, dbt itself or
the terminal belongs into tests that use `running`.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import duckdb
from running import Done, environment

from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.progress import Progress, listening
from kunderegnskab.publication import store
from kunderegnskab.quality.certification import GOOD_STATUSES, CheckResult, current_build
from kunderegnskab.quality.runs import Run, keep_run
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import sole_writer
from orchestration import cli, failures, refresh, steps
from orchestration.status import warnings_of
from orchestration.tags import FULL


def quickly(project: Project, *arguments: str | Path) -> Done:
    """A command, run to its end in this process; a refresh without Dagster and dbt.

    Args:
        project: the models and rules, as a refresh compiled them.
        arguments: what `kunderegnskab` is called with.
    """
    out, err = io.StringIO(), io.StringIO()
    command = ["kunderegnskab", *map(str, arguments)]
    code = 0
    with (
        patch.object(sys, "argv", command),
        patch.dict(os.environ, environment(), clear=True),
        patch.object(refresh, "_run", lambda *given: _run_steps(project, *given)),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


class _Stopped(KunderegnskabError):
    """A check stands in the way, which the messages of the checks tell."""


def _run_steps(
    project: Project, workspace: Workspace, progress: Progress, tags: Mapping[str, str]
) -> refresh.Outcome:
    run_id, again = str(uuid4()), FULL in tags
    started_at = datetime.now(UTC)
    broken: list[str] = []
    made: store.Publication | None = None
    is_new = False
    with sole_writer(workspace), listening(progress):
        try:
            steps.read_in(workspace, run_id, again=again)
            _stop_if_blocked(steps.check_files(workspace))
            built = steps.build(workspace, run_id, project.dbt(workspace))
            if built.problems:
                raise steps.StepFailed("\n".join(built.problems))
            _stop_if_blocked(steps.check_totals(workspace))
            made, is_new = steps.publish_build(workspace, run_id, started_at, again=again)
        except _Stopped:
            broken = [""]
        except KunderegnskabError as error:
            broken = str(error).splitlines()
        ended = Run(
            run_id,
            started_at.replace(tzinfo=None),
            "failed" if broken else "published" if is_new else "unchanged",
            made.name if made is not None and is_new else None,
        )
        keep_run(workspace.runs, ended, workspace.warehouse if _is_loaded_by(workspace, run_id) else None)
    current = store.current(workspace.published)
    name = current.name if current else None
    if broken:
        checks, rejects = failures.failed_checks(workspace, run_id)
        return refresh.Outcome("failed", name, run_id, (*checks, *filter(None, broken)), None, rejects)
    if made is None or not is_new:
        return refresh.Outcome("unchanged", name, run_id)
    return refresh.Outcome("published", name, run_id, warnings=tuple(warnings_of(made)))


def _stop_if_blocked(results: Sequence[CheckResult]) -> None:
    if any(result.is_blocking and result.status not in GOOD_STATUSES for result in results):
        raise _Stopped


def _is_loaded_by(workspace: Workspace, run_id: str) -> bool:
    if not workspace.warehouse.is_file():
        return False
    with duckdb.connect(str(workspace.warehouse), read_only=True) as con:
        build = current_build(con)
    return build is not None and build.run_id == run_id


class Project:
    """The dbt project as one refresh compiled it, to be run again without dbt.

    Compiled SQL is the same for every company: no model or rule asks the database or the environment while it is
    compiled (tests/dbt/test_project_rules.py sees to that).
    """

    def __init__(self, refreshed: Path) -> None:
        """`refreshed` is the folder of a workspace that a whole refresh has published."""
        workspace = Workspace(refreshed)
        (results,) = sorted((workspace.state / "dbt" / "runs").glob("*/build/run_results.json"))[-1:]
        answers = json.loads(results.read_text(encoding="utf-8"))["results"]
        manifest = steps.project(workspace)
        # In the order in which dbt ran them, in which every node comes after those that it reads.
        self.nodes = [
            {**manifest["nodes"][answer["unique_id"]], "compiled_code": answer.get("compiled_code") or ""}
            for answer in answers
            if manifest["nodes"].get(answer["unique_id"], {}).get("resource_type")
            in ("seed", "model", "test")
        ]
        self.seeds = workspace.published / "current" / "kunderegnskab.duckdb"

    def dbt(self, workspace: Workspace) -> RunsAgain:
        """What stands for the dbt of a refresh of this workspace."""
        return RunsAgain(self, workspace.warehouse)


class RunsAgain:
    """Runs a project's compiled SQL where a refresh would ask dbt to, and answers as dbt does."""

    def __init__(self, project: Project, warehouse: Path) -> None:
        self._project = project
        self._warehouse = warehouse

    def run(
        self, arguments: Sequence[str], folder: Path, on_node: Callable[[str, str], None]
    ) -> dict[str, Any]:
        """The commands that steps.build gives: a build without some tests, or some tests alone."""
        named = arguments[-1].split() if arguments[-2] in ("--exclude", "--select") else []
        only_tests = arguments[0] == "test"
        answers = []
        stopped: set[str] = set()
        with duckdb.connect(str(self._warehouse)) as con:
            con.execute("set TimeZone = 'UTC'")
            con.execute(f"attach '{self._project.seeds}' as seeds (read_only)")
            for schema in sorted({node["schema"] for node in self._project.nodes}):
                con.execute(f"create schema if not exists {schema}")
            for node in self._project.nodes:
                is_test = node["resource_type"] == "test"
                if (only_tests and node["name"] not in named) or (not only_tests and node["name"] in named):
                    continue
                parents = set(node["depends_on"].get("nodes", []))
                status, message = "skipped", None
                if only_tests or not parents & stopped:
                    status, message = self._run_node(con, node, is_test)
                if status in ("skipped", "error", "fail"):
                    # As in dbt: what is built on a model waits for its tests.
                    stopped |= {node["attached_node"]} if is_test else {node["unique_id"]}
                answers.append(
                    {
                        "unique_id": node["unique_id"],
                        "status": status,
                        "message": message,
                        "compiled_code": node["compiled_code"],
                    }
                )
                on_node(node["unique_id"], status)
        return {"results": answers}

    @staticmethod
    def _run_node(
        con: duckdb.DuckDBPyConnection, node: Mapping[str, Any], is_test: bool
    ) -> tuple[str, str | None]:
        place = f"{node['schema']}.{node['name']}"
        try:
            if is_test:
                broken = con.execute(node["compiled_code"]).fetchall()
                return ("fail", f"{len(broken)} rules are broken") if broken else ("pass", None)
            if node["resource_type"] == "seed":
                con.execute(f"create or replace table {place} as from seeds.{place}")
            else:
                kind = "view" if node["config"]["materialized"] == "view" else "table"
                con.execute(f"create or replace {kind} {place} as {node['compiled_code']}")
        except duckdb.Error as error:
            return "error", str(error)
        return "success", None

    def end(self) -> None:
        """Nothing is held between commands."""
