"""Runs the product in the test's own process: a refresh takes seconds, as neither Dagster nor dbt is started.

The steps are those of a refresh (kunderegnskab.refresh) in the same order, with the same checks, messages, exit codes
and files; what dbt would run is its SQL as an earlier refresh compiled it. That both come to the same is tested in
tests/e2e/test_quick.py.

Not here, and so a matter of tests that use `running`: processes and what Dagster keeps of a run (its events, those for
OpenLineage, retries), dbt itself (its log, and contracts, which it compares at the end), and a step that breaks for
another reason than its input or a check: that breaks the test instead.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import duckdb
from running import Done, environment

from kunderegnskab.dbt import project as dbt_project
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.progress import Progress, listening
from kunderegnskab.publication import store
from kunderegnskab.publication.status import waiting_approvals, warnings_of
from kunderegnskab.quality.certification import GOOD_STATUSES, CheckResult, current_build
from kunderegnskab.quality.runs import Run, begin_run, end_run
from kunderegnskab.refresh import beside
from kunderegnskab.refresh.building import build
from kunderegnskab.refresh.checking import check_files, check_totals
from kunderegnskab.refresh.failures import failed_checks
from kunderegnskab.refresh.loading import read_in
from kunderegnskab.refresh.publishing import publish_build
from kunderegnskab.refresh.warehouse import StepFailed
from kunderegnskab.sql import WAREHOUSE_CONFIG
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import sole_writer
from kunderegnskab_orchestration import refresh
from kunderegnskab_orchestration.commands import program
from kunderegnskab_orchestration.runs.logs import output_to
from kunderegnskab_orchestration.runs.outcome import Conclusion, Outcome
from kunderegnskab_orchestration.tags import FULL

Node = Mapping[str, Any]
# What stands in the way of whoever waits for a node.
_STOPS = ("error", "fail", "skipped")


# --- commands -----------------------------------------------------------------------------------------
def quickly(project: Project, *arguments: str | Path) -> Done:
    """A command, run to its end in this process; a refresh without Dagster and dbt, computing again without dbt.

    Args:
        project: the models and rules, as a refresh compiled them.
        arguments: what `kunderegnskab` is called with.
    """
    code, out, err = 0, io.StringIO(), ""
    with (
        patch.object(sys, "argv", ["kunderegnskab", *map(str, arguments)]),
        patch.dict(os.environ, environment(), clear=True),
        patch.object(refresh, "_run", lambda *given: Conclusion(_run_steps(project, *given))),
        patch.object(beside, "DbtProcess", project.dbt_of),
        redirect_stdout(out),
        _standard_error() as said,
    ):
        try:
            program.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        err = said()
    return Done(code, out.getvalue(), err)


def refreshed_quickly(project: Project, workspace: Path, *options: str) -> dict[str, Any]:
    """A refresh that must not fail; its report."""
    done = quickly(project, "refresh", "--json", *options, "--workspace", workspace)
    assert done.code == 0, f"{done.out}\n{done.err}"
    return done.json


@contextmanager
def _standard_error() -> Generator[Callable[[], str]]:
    """Catch what is said there in the block, also by who writes to the system's file as the progress does."""
    with TemporaryFile("w+", encoding="utf-8", buffering=1) as caught:
        sys.stderr.flush()
        before = os.dup(2)
        os.dup2(caught.fileno(), 2)

        def said() -> str:
            caught.flush()
            caught.seek(0)
            return caught.read()

        try:
            with redirect_stderr(caught):
                yield said
        finally:
            os.dup2(before, 2)
            os.close(before)


class _Stopped(KunderegnskabError):
    """A check stands in the way, which the messages of the checks tell."""


def _run_steps(
    project: Project, workspace: Workspace, progress: Progress, tags: Mapping[str, str]
) -> Outcome:
    """What stands for refresh._run: it starts Dagster, which runs the steps."""
    run_id, started_at = str(uuid4()), datetime.now(UTC)
    log = workspace.state / "logs" / f"refresh-{started_at:%Y%m%dT%H%M%S}.log"
    progress("starting", 0, 1)
    broken: list[str] | None = None
    with output_to(log), sole_writer(workspace), listening(progress):
        begin_run(workspace, run_id)
        try:
            _steps(project, workspace, run_id, started_at, again=FULL in tags)
        except _Stopped:
            broken = []
        except KunderegnskabError as error:
            broken = str(error).splitlines()
        current = store.current(workspace.published)
        is_new = current is not None and current.manifest.run_id == run_id
        name = current.name if current else None
        ended = Run(
            run_id,
            started_at.replace(tzinfo=None),
            "published" if is_new else "unchanged" if broken is None else "failed",
            name if is_new else None,
        )
        end_run(workspace, ended, workspace.warehouse if _is_loaded_by(workspace, run_id) else None)
    if broken is not None:
        checks, rejects = failed_checks(workspace, run_id)
        return Outcome("failed", name, run_id, (*checks, *broken), str(log), rejects)
    if current is None or not is_new:
        return Outcome("unchanged", name, run_id, log=str(log))
    return Outcome(
        "published",
        name,
        run_id,
        log=str(log),
        warnings=tuple(warnings_of(current)),
        waiting_approvals=tuple(waiting_approvals(current)),
        head=current.head,
    )


def _steps(project: Project, workspace: Workspace, run_id: str, started_at: datetime, *, again: bool) -> None:
    read_in(workspace, run_id, again=again)
    _stop_if_blocked(check_files(workspace, again=again))
    built = build(workspace, run_id, project.dbt(workspace))
    if built.problems:
        raise StepFailed("\n".join(built.problems))
    _stop_if_blocked(check_totals(workspace))
    publish_build(workspace, run_id, started_at, again=again)


def _stop_if_blocked(results: Sequence[CheckResult]) -> None:
    if any(result.is_blocking and result.status not in GOOD_STATUSES for result in results):
        raise _Stopped


def _is_loaded_by(workspace: Workspace, run_id: str) -> bool:
    if not workspace.warehouse.is_file():
        return False
    with duckdb.connect(str(workspace.warehouse), read_only=True) as con:
        build = current_build(con)
    return build is not None and build.run_id == run_id


# --- what stands for dbt ------------------------------------------------------------------------------
class Project:
    """The dbt project as one refresh compiled it, to be run again without dbt.

    Compiled SQL is the same for every company: no model or rule asks the database or the environment while it is
    compiled (tests/dbt/test_rules_of_models.py sees to that).

    Attributes:
        nodes: seeds, models and tests with their SQL, each after those that it reads.
        seeds: by schema and name the columns with their types, and the rows.
        tests_before: by unique id of a seed or model the tests that dbt runs before it builds it.
    """

    def __init__(self, refreshed: Path) -> None:
        """`refreshed` is the folder of a workspace whose current publication a whole refresh has made."""
        workspace = Workspace(refreshed)
        made = store.current(workspace.published)
        assert made is not None
        results = dbt_project.runs_folder(workspace) / made.manifest.run_id / "build" / "run_results.json"
        manifest = dbt_project.project(workspace)
        self.nodes: list[Node] = [
            {**node, "compiled_code": answer.get("compiled_code") or ""}
            for answer in json.loads(results.read_text(encoding="utf-8"))["results"]
            if (node := manifest["nodes"].get(answer["unique_id"]))
        ]
        with duckdb.connect(str(made.database), read_only=True) as con:
            self.seeds = {
                _place(node): (_columns(con, _place(node)), con.execute(f"from {_place(node)}").fetchall())
                for node in self.nodes
                if node["resource_type"] == "seed"
            }
        self.tests_before = _tests_before(self.nodes)

    def with_fault(self, pattern: str, replacement: str) -> Project:
        """The same project, with other words wherever the SQL of models and rules matches a regular expression."""
        other: Project = object.__new__(Project)
        other.__dict__.update(self.__dict__)
        other.nodes = [
            {**node, "compiled_code": re.sub(pattern, replacement, node["compiled_code"])}
            for node in self.nodes
        ]
        assert other.nodes != self.nodes, f"no SQL matches {pattern}"
        return other

    def with_seed_row(self, place: str, row: tuple[Any, ...], instead: tuple[Any, ...]) -> Project:
        """The same project, with another row in place of one of a seed; `place` is its schema and name."""
        columns, there = self.seeds[place]
        assert there.count(row) == 1, f"{place} has no row {row}"
        other: Project = object.__new__(Project)
        other.__dict__.update(self.__dict__)
        other.seeds = self.seeds | {place: (columns, [instead if one == row else one for one in there])}
        return other

    def dbt(self, workspace: Workspace) -> RunsAgain:
        """What stands for the dbt of a refresh of this workspace."""
        return RunsAgain(self, workspace.warehouse)

    def dbt_of(self, environment: Mapping[str, str]) -> RunsAgain:
        """What stands for a dbt that is started in this environment."""
        return RunsAgain(self, Path(environment["KUNDEREGNSKAB_WAREHOUSE"]))


def _place(node: Node) -> str:
    return f"{node['schema']}.{node['name']}"


def _columns(con: duckdb.DuckDBPyConnection, place: str) -> str:
    return ", ".join(
        f"{name} {sql_type}" for name, sql_type, *_ in con.execute(f"describe {place}").fetchall()
    )


def _reads(node: Node) -> set[str]:
    return set(node["depends_on"].get("nodes", []))


def _tests_before(nodes: Sequence[Node]) -> dict[str, set[str]]:
    """As in dbt, a model waits for every test that reads nothing but what the model is built on, at any distance."""
    built_on: dict[str, set[str]] = {}
    for node in nodes:
        parents = _reads(node)
        built_on[node["unique_id"]] = parents.union(*(built_on.get(parent, set()) for parent in parents))
    tests = {node["unique_id"]: _reads(node) for node in nodes if node["resource_type"] == "test"}
    return {
        node["unique_id"]: {test for test, reads in tests.items() if reads <= built_on[node["unique_id"]]}
        for node in nodes
        if node["unique_id"] not in tests
    }


def _command() -> argparse.ArgumentParser:
    """What is understood of dbt's command line: all that this program uses."""
    parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    parser.add_argument("verb", choices=("build", "test"))
    parser.add_argument("--select", type=str.split)
    parser.add_argument("--exclude", type=str.split, default=[])
    parser.add_argument("--resource-type", action="append")
    parser.add_argument("--exclude-resource-type", action="append", default=[])
    return parser


class RunsAgain:
    """Runs a project's compiled SQL where dbt would be asked to, and answers as dbt does."""

    def __init__(self, project: Project, warehouse: Path) -> None:
        self._project = project
        self._warehouse = warehouse

    def run(
        self, arguments: Sequence[str], folder: Path, on_node: Callable[[str, str], None]
    ) -> dict[str, Any]:
        """What dbt would say of each node of a command; see kunderegnskab.refresh.building.RunsDbt."""
        command = _command().parse_args(arguments)
        answers = []
        stopped: set[str] = set()
        with duckdb.connect(str(self._warehouse), config=WAREHOUSE_CONFIG) as con:
            con.execute("set TimeZone = 'UTC'")
            for schema in sorted({node["schema"] for node in self._project.nodes}):
                con.execute(f"create schema if not exists {schema}")
            for node in self._chosen(command):
                name = node["unique_id"]
                waits_for = _reads(node) | self._project.tests_before.get(name, set())
                status, message = (
                    ("skipped", None) if waits_for & stopped else self._answer(con, node)
                )  # fmt: skip
                # `dbt test` builds nothing, so nobody waits for what it finds.
                if status in _STOPS and command.verb == "build":
                    stopped.add(name)
                answers.append(
                    {
                        "unique_id": name,
                        "status": status,
                        "message": message,
                        "compiled_code": node["compiled_code"],
                    }
                )
                on_node(name, status)
        return {"results": answers}

    def end(self) -> None:
        """Nothing is held between commands."""

    def _chosen(self, command: argparse.Namespace) -> list[Node]:
        nodes = self._project.nodes
        names = {node["name"] for node in nodes}
        # No sign of dbt's selectors is understood, and no name that it does not know either.
        assert {*command.exclude, *(command.select or ())} <= names, command
        selected = {node["unique_id"] for node in nodes if node["name"] in (command.select or names)}
        return [
            node
            for node in nodes
            if node["resource_type"] in (command.resource_type or ("seed", "model", "test"))
            and node["resource_type"] not in command.exclude_resource_type
            and (command.verb == "build" or node["resource_type"] == "test")
            # As in dbt, a test goes with each of the nodes that it reads.
            and (
                node["unique_id"] in selected
                or (node["resource_type"] == "test" and not selected.isdisjoint(_reads(node)))
            )
            and node["name"] not in command.exclude
        ]

    def _answer(self, con: duckdb.DuckDBPyConnection, node: Node) -> tuple[str, str | None]:
        try:
            if node["resource_type"] != "test":
                self._build(con, node)
                return "success", None
            broken = con.execute(node["compiled_code"]).fetchall()
        except duckdb.Error as error:
            return "error", str(error)
        if not broken:
            return "pass", None
        is_warning = str(node["config"].get("severity", "error")).lower() == "warn"
        return "warn" if is_warning else "fail", f"Got {len(broken)} results"

    def _build(self, con: duckdb.DuckDBPyConnection, node: Node) -> None:
        place = _place(node)
        if node["resource_type"] == "seed":
            columns, rows = self._project.seeds[place]
            con.execute(f"create or replace table {place} ({columns})")
            marks = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * len(rows))
            con.execute(f"insert into {place} values {marks}", [value for row in rows for value in row])
            return
        kind = "view" if node["config"]["materialized"] == "view" else "table"
        con.execute(f"create or replace {kind} {place} as (\n{node['compiled_code']}\n)")
