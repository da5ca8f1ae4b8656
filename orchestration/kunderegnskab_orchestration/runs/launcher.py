"""How the runs of schedule, sensor and page are started: each as a process of its own, which is watched.

Here: starting it, stopping it and noticing that it is gone; dagster.yaml names the class. Not here: what it
does (orchestration/kunderegnskab_orchestration/worker.py).

Dagster's own launcher has the server of the code start the run. Whoever stops that server or the daemon
leaves the run without anybody who would notice its end; and it counts as going on, so that no other run can
begin.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any, Self

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from kunderegnskab.refresh.telling import tell_outcome
from kunderegnskab.workspace import ENVIRONMENT_VARIABLE, Workspace
from kunderegnskab_orchestration.asset_keys import PREFIX_VARIABLE
from kunderegnskab_orchestration.runs.outcome import failed
from kunderegnskab_orchestration.tags import WORKSPACE, is_alive

KILLED = "The process of this run was killed."
_WORKER = "kunderegnskab_orchestration.worker"


class OwnProcess(RunLauncher, ConfigurableClass):
    """Starts `kunderegnskab_orchestration.worker` for each run.

    The process goes on when daemon and page end, and publishes. Whichever daemon there is then finds by the
    run's lock in the workspace whether it still lives.
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """As dagster.yaml has it."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """It has no settings."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> Self:
        """As dagster.yaml asks for it."""
        return cls(inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the process of a run."""
        run = context.dagster_run
        told = _told_by_definitions(context)
        self._instance.add_run_tags(run.run_id, {WORKSPACE: told[WORKSPACE]})
        process = subprocess.Popen(
            [sys.executable, "-m", _WORKER, run.run_id],
            env={
                **os.environ,
                ENVIRONMENT_VARIABLE: told[WORKSPACE],
                PREFIX_VARIABLE: told[PREFIX_VARIABLE],
            },
            stdin=subprocess.DEVNULL,
            # Ctrl-C in the terminal of `dagster dev` is not for the run.
            start_new_session=True,
        )
        Thread(target=self._bury, args=(process, run.run_id), daemon=True).start()

    def _bury(self, process: subprocess.Popen[bytes], run_id: str) -> None:
        """Wait for the process, and report its run if it did not."""
        process.wait()
        if not self.has_instance:
            return  # The daemon ends too; the next one looks.
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return
        if run.status == dg.DagsterRunStatus.CANCELING:
            self._instance.report_run_canceled(run)
        else:
            report_killed(self._instance, run)

    def terminate(self, run_id: str) -> bool:
        """Tell the process of a run to end, which looks for that now and then; whether there is one.

        Not by a signal: the page may be in another container, where numbers of processes are others.
        """
        run = self._instance.get_run_by_id(run_id)
        # A refresh by command is its caller's to stop.
        if run is None or run.is_finished or run.remote_job_origin is None:
            return False
        # A process that has just been started has not come to its lock yet.
        lives = run.status == dg.DagsterRunStatus.STARTING or is_alive(run_id, run.tags)
        self._instance.report_run_canceling(run)
        if not lives:
            self._instance.report_run_canceled(run)
        return lives

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes: Dagster asks every `poll_interval_seconds`."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the process of a run lives, whoever started it."""
        if is_alive(run.run_id, run.tags):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        # Between the question and this it may have come to its end.
        asked = self._instance.get_run_by_id(run.run_id)
        if asked is not None and not asked.is_finished:
            _tell_killed(self._instance, asked)
        return CheckRunHealthResult(WorkerStatus.FAILED, KILLED)


def report_killed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Tell Dagster, and the hooks of the workspace, that the process of a run was killed."""
    instance.report_run_failed(run, KILLED)
    _tell_killed(instance, run)


def _tell_killed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    if WORKSPACE not in run.tags:
        return
    workspace = Workspace(Path(run.tags[WORKSPACE]))
    outcome = failed(workspace, [KILLED], run.run_id)  # it may have published before
    for sentence in tell_outcome(workspace, outcome.status, run.run_id, problems=outcome.sentences):
        instance.report_engine_event(sentence, run)


def _told_by_definitions(context: LaunchRunContext) -> dict[str, str]:
    """What the definitions that the run is of tell: in which workspace, and what its assets are called."""
    origin = context.dagster_run.remote_job_origin
    if context.workspace is None or origin is None:
        raise dg.DagsterInvariantViolationError("A run without a code location cannot be started.")
    location = context.workspace.get_code_location(origin.location_name)
    repository = location.get_repository(origin.repository_origin.repository_name)
    return {name: str(told.value) for name, told in (repository.repository_snap.metadata or {}).items()}
