"""Dagster's services as the runbook starts them, for tests that look at what their runs leave behind.

A server of the code for each workspace, and one daemon and one page for all of them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
import psutil
from dagster._core.scheduler.instigation import ScheduleInstigatorData
from running import PATIENCE_SECONDS, REPOSITORY, environment, kunderegnskab
from stopping import Place

from kunderegnskab.publication.store import current
from kunderegnskab.workspace import Workspace
from kunderegnskab_orchestration.runs.instance import environment as dagster_environment
from kunderegnskab_orchestration.runs.instance import open_instance

_BIN = Path(sys.executable).parent
_TESTS = REPOSITORY / "tests"
_POLL_SECONDS = 0.1
_STATE = "KUNDEREGNSKAB_STATE"
_LAUNCH = """
mutation ($location: String!, $assets: [AssetKeyInput!]) {
  launchRun(executionParams: {
    selector: {repositoryLocationName: $location, repositoryName: "__repository__", jobName: "refresh",
               assetSelection: $assets}
  }) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }
}
"""
_START_SENSOR = """
mutation ($location: String!, $name: String!) {
  startSensor(sensorSelector: {repositoryLocationName: $location, repositoryName: "__repository__", sensorName: $name})
  { __typename ... on PythonError { message } }
}
"""
_START_SCHEDULE = """
mutation ($location: String!, $name: String!) {
  startSchedule(scheduleSelector: {repositoryLocationName: $location, repositoryName: "__repository__", scheduleName: $name})
  { __typename ... on PythonError { message } }
}
"""
_LOCATIONS = "{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus } } } }"

_Found = TypeVar("_Found")


def waited_for(look: Callable[[], _Found | None], what: str) -> _Found:
    """What `look` finds, as soon as it finds anything."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(_POLL_SECONDS)
    return found


@dataclass
class Services:
    """The services of some workspaces.

    Attributes:
        workspaces: by the name of their code location.
        variables: the environment of all: where Dagster keeps its state.
        instance: the history of runs that they share.
        scratch: for the files with what each says.
    """

    workspaces: Mapping[str, Path]
    variables: Mapping[str, str]
    instance: dg.DagsterInstance
    scratch: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    port: int = 0

    # --- processes --------------------------------------------------------------------------------
    def start(self) -> None:
        """All of them; the page answers."""
        ports = {location: _free_port() for location in self.workspaces}
        for location, port in ports.items():
            self._start(
                location,
                "dagster",
                *(
                    "api",
                    "grpc",
                    "--module-name",
                    "kunderegnskab_orchestration.definitions",
                    "--location-name",
                    location,
                ),
                *("--host", "127.0.0.1", "--port", str(port)),
                KUNDEREGNSKAB_WORKSPACE=str(self.workspaces[location]),
                KUNDEREGNSKAB_ASSET_PREFIX=location if len(self.workspaces) > 1 else "",
            )
        servers = [
            {"grpc_server": {"host": "127.0.0.1", "port": port, "location_name": location}}
            for location, port in ports.items()
        ]
        self._known.write_text(json.dumps({"load_from": servers}), encoding="utf-8")
        for port in ports.values():
            waited_for(partial(_answers, port), "the server of the code")
        self.port = _free_port()
        page = ("dagster-webserver", "--host", "127.0.0.1", "--port", str(self.port))
        self._start("page", *page, "--workspace", str(self._known))
        self.start_daemon()
        assert set(waited_for(self._locations, "the page")) == set(self.workspaces)

    def start_daemon(self) -> None:
        self._start("daemon", "dagster-daemon", "run", "--workspace", str(self._known))

    def stop_daemon(self, number: int = signal.SIGTERM) -> None:
        self._stop("daemon", number)

    def stop(self) -> None:
        for name in reversed([*self.processes]):
            # Only the daemon has anything to end.
            self._stop(name, signal.SIGTERM if name == "daemon" else signal.SIGKILL)

    def said(self, name: str) -> str:
        return (self.scratch / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    @property
    def _known(self) -> Path:
        return self.scratch / "workspace.yaml"

    def _start(self, name: str, program: str, *arguments: str, **more: str) -> None:
        stopping = {
            "STOP_WORKER": str(self._place),
            "PYTHONPATH": os.pathsep.join(map(str, (_TESTS / "e2e" / "in_worker", _TESTS, _TESTS / "e2e"))),
        }
        with (self.scratch / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(_BIN / program), *arguments],
                cwd=self.scratch,
                env=environment(**self.variables, **stopping, **more),
                stdout=log,
                stderr=log,
            )

    def _stop(self, name: str, number: int) -> None:
        process = self.processes.pop(name)
        process.send_signal(number)
        process.wait(PATIENCE_SECONDS)

    # --- the page ---------------------------------------------------------------------------------
    def ask(self, query: str, **variables: Any) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            found = json.loads(answer.read())
        assert "errors" not in found, found
        return found["data"]

    def _locations(self) -> list[str] | None:
        try:
            entries = self.ask(_LOCATIONS)["workspaceOrError"]["locationEntries"]
        except OSError:
            return None
        return (
            [entry["name"] for entry in entries] if {e["loadStatus"] for e in entries} == {"LOADED"} else None
        )

    def launch(self, location: str = "kunderegnskab", assets: list[str] | None = None) -> str:
        """Start a refresh as a person does on the page; the id of its run."""
        keys = None if assets is None else [{"path": name.split("/")} for name in assets]
        answer = self.ask(_LAUNCH, location=location, assets=keys)["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return answer["run"]["runId"]

    def turn_on_sensor(self, location: str = "kunderegnskab", name: str = "landing_sensor") -> None:
        answer = self.ask(_START_SENSOR, location=location, name=name)["startSensor"]
        assert answer["__typename"] == "Sensor", answer

    def turn_on_schedule_since_yesterday(
        self, location: str = "kunderegnskab", name: str = "daily_refresh"
    ) -> None:
        """As if it had been on and the daemon off: the daemon makes up for the tick of this morning."""
        answer = self.ask(_START_SCHEDULE, location=location, name=name)["startSchedule"]
        assert answer["__typename"] == "ScheduleStateResult", answer
        (state,) = (each for each in self.instance.all_instigator_state() if each.name == name)
        assert isinstance(state.instigator_data, ScheduleInstigatorData)
        earlier = state.instigator_data._replace(start_timestamp=time.time() - 24 * 60 * 60)
        self.instance.update_instigator_state(state.with_data(earlier))

    # --- runs -------------------------------------------------------------------------------------
    def runs(self) -> list[dg.DagsterRun]:
        """Oldest first."""
        return list(self.instance.get_runs(ascending=True))

    def runs_from_now(self, count: int) -> Callable[[], list[str]]:
        """Waits until there are so many runs that there were not when this was asked for; their ids."""
        known = {run.run_id for run in self.runs()}

        def look() -> list[str] | None:
            new = [run.run_id for run in self.runs() if run.run_id not in known]
            return new if len(new) >= count else None

        return lambda: waited_for(look, f"{count} runs")

    def run(self, run_id: str) -> dg.DagsterRun:
        found = self.instance.get_run_by_id(run_id)
        assert found is not None
        return found

    def ended(self, run_id: str) -> dg.DagsterRun:
        """A run, once it has ended."""
        return waited_for(
            lambda: run if (run := self.run(run_id)).is_finished else None, f"the end of {run_id}"
        )

    def retry_of(self, run_id: str) -> str:
        """The run that tries again what a killed one did not come to do."""
        return waited_for(
            lambda: next((run.run_id for run in self.runs() if run.parent_run_id == run_id), None),
            f"another try of {run_id}",
        )

    def messages(self, run_id: str) -> list[str]:
        """What a run told Dagster."""
        return [entry.user_message or entry.message for entry in self.instance.all_logs(run_id)]

    # --- workers ----------------------------------------------------------------------------------
    @property
    def _place(self) -> Path:
        return self.scratch / "place.json"

    def stop_next_worker_at(self, place: Place) -> None:
        self._place.write_text(json.dumps(asdict(place)), encoding="utf-8")

    def standing_worker(self, run_id: str) -> int:
        """The process of a run, once it stands still at its place."""

        def look() -> int | None:
            run = self.run(run_id)
            assert not run.is_finished, f"{run.status}: {self.said('daemon')[-3000:]}"
            return next((process for process in _workers(run_id) if _state(process) == "T"), None)

        return waited_for(look, f"{run_id} to come to its place")


def _workers(run_id: str) -> list[int]:
    found = psutil.process_iter(["cmdline"])
    return [process.pid for process in found if run_id in (process.info["cmdline"] or ())]


def _state(process: int) -> str:
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return told.rpartition(")")[2].split()[0]


def _answers(port: int) -> bool:
    # It listens when it has loaded the definitions.
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


# --- what a refresh leaves -------------------------------------------------------------------------
def told_of(workspace: Path, run_id: str) -> dict[str, Any]:
    """What is noted of a run, once it has been: that comes after its end."""

    def look() -> dict[str, Any] | None:
        noted = json.loads((workspace / "state" / "last_refresh.json").read_text(encoding="utf-8"))
        return noted if noted.get("run_id") == run_id and noted["status"] != "running" else None

    return waited_for(look, f"what came of {run_id}")


def status(workspace: Path) -> str:
    done = kunderegnskab("status", "--workspace", workspace)
    assert done.code == 0, done.err
    return done.out


def published_by(workspace: Path) -> str:
    found = current(workspace / "published")
    assert found is not None
    return found.manifest.run_id


@contextmanager
def services_of(scratch: Path, state_of: Path, **workspaces: Path) -> Generator[Services]:
    """Services that run in the block.

    Args:
        scratch: a folder for what they say.
        state_of: the folder in whose state/ Dagster keeps its own.
        workspaces: by the name of their code location.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    before = dict(os.environ)
    home = Workspace(state_of)
    known = dagster_environment(home)
    variables = {
        name: known[name] for name in known if name.startswith(("DAGSTER_", "GX_")) or name == _STATE
    }
    try:
        with open_instance(home) as instance:
            services = Services(workspaces, variables, instance, scratch)
            try:
                services.start()
                yield services
            finally:
                services.stop()
    finally:
        os.environ.clear()
        os.environ.update(before)
