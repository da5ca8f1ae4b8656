"""Third step: one `dbt build`, and what the warehouse keeps of it.

The models belong in dbt_project/; dbt's process, answers and project in kunderegnskab/dbt.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from kunderegnskab.audit.models import Model, record_models
from kunderegnskab.audit.personal_data import record_personal_data
from kunderegnskab.code_version import code_version
from kunderegnskab.dbt.answers import LineageCache, built_models, row_counts, rule_results
from kunderegnskab.dbt.project import parse_folder, project, rules, runs_folder, tests
from kunderegnskab.problems import counted, refusal
from kunderegnskab.progress import report
from kunderegnskab.quality.certification import CheckResult, current_build, record, start_build
from kunderegnskab.refresh.warehouse import StepFailed, open_warehouse
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.kept import keep_newest

# dbt leaves 1 MB per run.
_RUNS_KEPT = 10


class RunsDbt(Protocol):
    """Runs one dbt command on a workspace's warehouse: `DbtProcess` of kunderegnskab/dbt in a refresh."""

    def run(
        self, arguments: Sequence[str], folder: Path, on_node: Callable[[str, str], None]
    ) -> dict[str, Any]:
        """What dbt says of each node that it ran; calls `on_node` with id and status of each as it ends."""
        ...

    def end(self) -> None:
        """Let go of the warehouse."""
        ...


@dataclass(frozen=True)
class Built:
    """What dbt made of a loaded warehouse.

    Attributes:
        models: everything that was built.
        rows: how many rows each built table has, by schema and name.
        results: how each rule came out, those that dbt did not come to left out.
        problems: plain sentences; empty when the warehouse may go on to the gate.
    """

    models: Sequence[Model]
    rows: Mapping[tuple[str, str], int]
    results: Sequence[CheckResult]
    problems: Sequence[str]


def build(
    workspace: Workspace,
    run_id: str,
    dbt: RunsDbt,
    selection: Sequence[str] = (),
    selected_tests: Collection[str] | None = None,
) -> Built:
    """One `dbt build`; every rule's result is recorded. Unit tests guard the code and run in CI.

    Args:
        selection: dbt's arguments for a part of the project; empty for all of it.
        selected_tests: names of the tests that belong to the part; None for all.

    Raises:
        StepFailed: nothing has been loaded, by this code.
        DbtEnded: dbt broke.
    """
    manifest = project(workspace)
    with open_warehouse(workspace) as con:
        loaded = current_build(con)
        if loaded is not None and loaded.code_version != code_version():
            raise StepFailed("The code has changed since the files were loaded, run a refresh.")
        start_build(con, str(uuid4()))
    runs = runs_folder(workspace) / run_id
    keep_newest(runs.parent, _RUNS_KEPT - 1)
    # A waived rule must not keep dbt from building what depends on its model: its test runs afterwards.
    waived = {waiver.check for waiver in workspace.waivers}
    later = [test["name"] for test in tests(manifest) if waived.intersection(rules(test))]
    afterwards = [name for name in later if selected_tests is None or name in selected_tests]
    command = ["build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "exposure"]
    if later:
        command += ["--exclude", " ".join(later)]
    nodes = sum(node["resource_type"] in ("model", "seed", "test") for node in manifest["nodes"].values())
    done = 0

    def tell(_: str, __: str) -> None:
        nonlocal done
        done += 1
        report("building customer accounts", min(done, nodes), nodes)

    try:
        answers = dbt.run([*command, *selection], runs / "build", tell)["results"]
        if afterwards:
            answers += dbt.run(["test", "--select", " ".join(afterwards)], runs / "waived", tell)["results"]
    finally:
        dbt.end()
    with open_warehouse(workspace) as con:
        results = record(con, rule_results(manifest["nodes"], answers, con), workspace.waivers)
        models = built_models(manifest, answers)
        lineage, _ = LineageCache(parse_folder(workspace)).of(models, con)
        record_models(con, models, lineage)
        record_personal_data(con, lineage)
        rows = row_counts(models, con)
        if _broken_contracts(answers):
            # What its rules found says nothing of tables that are not what they are declared to be.
            start_build(con, str(uuid4()))
    return Built(models, rows, results, _problems(answers, results))


def _broken_contracts(answers: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the end of a run says when it has compared tables with their contracts."""
    return [
        str(answer["message"]) for answer in answers if answer["status"] == "error" and _is_end_of_run(answer)
    ]


def _is_end_of_run(answer: Mapping[str, Any]) -> bool:
    return answer["unique_id"].startswith("operation.")


def _problems(answers: Sequence[Mapping[str, Any]], results: Sequence[CheckResult]) -> list[str]:
    refused = [sentence for answer in answers if (sentence := refusal(str(answer.get("message") or "")))]
    if refused:  # then nothing else of what dbt found says anything
        return list(dict.fromkeys(refused))
    problems = _broken_contracts(answers) + [
        f"dbt could not run {answer['unique_id']}, see the log."
        for answer in answers
        if answer["status"] == "error" and not _is_end_of_run(answer)
    ]
    failed = sum(result.is_blocking and result.status == "failed" for result in results)
    if failed and not problems:
        problems.append("1 rule is broken." if failed == 1 else f"{failed} rules are broken.")
    skipped = sum(answer["status"] == "skipped" for answer in answers)
    if skipped and not problems:
        problems.append(f"dbt left out {counted(skipped, 'node')}, see the log.")
    return problems
