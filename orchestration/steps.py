"""What each step of a refresh does: read in, check the files, build, check the totals, publish.

Here: the steps as plain functions over a workspace that their caller alone may write in. Not here: when
they run and how Dagster shows them (defs/), and the work itself (kunderegnskab, dbt_project).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import duckdb

from kunderegnskab.audit.closing import load_closed_months
from kunderegnskab.audit.history import load_history
from kunderegnskab.audit.lineage_page import write_lineage_page
from kunderegnskab.audit.models import Model, record_models
from kunderegnskab.audit.notice import write_notice
from kunderegnskab.code_version import code_commit, code_version, lock_sha256
from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest import (
    Intake,
    configuration_hashes,
    fresh_warehouse,
    input_hash,
    load_warehouse,
    proven_feeds,
    read_load_record,
    record_load,
    sweep,
    take_in,
)
from kunderegnskab.personal.classification import record_personal_data
from kunderegnskab.personal.names import names_in, write_names
from kunderegnskab.personal.pseudonyms import for_refresh
from kunderegnskab.problems import InputProblem, InputProblems, KunderegnskabError
from kunderegnskab.progress import report
from kunderegnskab.publication import store
from kunderegnskab.publication.baselines import load_baselines
from kunderegnskab.publication.evidence import evidence_tables
from kunderegnskab.publication.manifest import InputFile
from kunderegnskab.publication.publish import PublishRequest, publish
from kunderegnskab.quality.certification import (
    CheckResult,
    ExpectedCheck,
    current_build,
    is_in_force,
    read_results,
    record,
    start_build,
    start_load,
)
from kunderegnskab.quality.door import door_checks, run_door_where_changed
from kunderegnskab.quality.gate import gate_checks, run_gate
from kunderegnskab.quality.history_page import read_past, write_history_page
from kunderegnskab.quality.metric_checks import prepare as prepare_checks
from kunderegnskab.quality.report import ReportTitle, write_report
from kunderegnskab.quality.runs import Run, kept_result
from kunderegnskab.workspace import Workspace
from orchestration.dbt_answers import LineageCache, built_models, counted, row_counts, rule_results
from orchestration.dbt_project import (
    ensure_manifest,
    expected_checks,
    keep_newest,
    parse_folder,
    published_tables,
    read_manifest,
    rules,
    runs_folder,
    tests,
)

# dbt leaves 1 MB per run.
_RUNS_KEPT = 10


class StepFailed(KunderegnskabError):
    """A step cannot do its work; trying again would not help."""


class RunsDbt(Protocol):
    """Runs one dbt command on a workspace's warehouse: `dbt_process.DbtProcess` in a refresh."""

    def run(
        self, arguments: Sequence[str], folder: Path, on_node: Callable[[str, str], None]
    ) -> dict[str, Any]:
        """What dbt says of each node that it ran; calls `on_node` with id and status of each as it ends."""
        ...

    def end(self) -> None:
        """Let go of the warehouse."""
        ...


def project(workspace: Workspace) -> dict[str, Any]:
    """The dbt project's manifest as the code now stands."""
    return read_manifest(ensure_manifest(workspace))


def all_checks(workspace: Workspace) -> list[ExpectedCheck]:
    """Every check that a publication must be able to show a result of: door, dbt and gate."""
    return [*door_checks(list(load_feeds())), *expected_checks(project(workspace)), *gate_checks()]


@contextmanager
def open_warehouse(workspace: Workspace) -> Generator[duckdb.DuckDBPyConnection]:
    """The working warehouse, for the smallest block that needs it: dbt is another process.

    Raises:
        StepFailed: nothing has been loaded yet.
    """
    if not workspace.warehouse.is_file():
        raise StepFailed("There is no warehouse yet: materialise the raw feeds first, or run a refresh.")
    with duckdb.connect(str(workspace.warehouse)) as con:
        yield con


# --- read in ----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Loaded:
    """What a new warehouse was loaded from.

    Attributes:
        rows: how many records of each supplied feed count.
    """

    intake: Intake
    input_hash: str
    rows: Mapping[str, int]


def read_in(workspace: Workspace, run_id: str, *, again: bool) -> Loaded:
    """Read what is new, then load a fresh warehouse.

    Args:
        again: read every file again.

    Raises:
        InputProblems: files, mappings or policy cannot be used, or a waiver names no check.
    """
    prepare_checks()
    _refuse_unknown_waivers(workspace)
    sweep(workspace.lake)
    intake = take_in(workspace, workspace.lake, report, again=again)
    earlier = store.current(workspace.published)
    pseudonyms = for_refresh(workspace, earlier.manifest.parameters if earlier else None)
    write_names(workspace, intake, pseudonyms)
    inputs = input_hash(workspace, intake.files)
    with fresh_warehouse(workspace) as con, proven_feeds(workspace, pseudonyms) as proven:
        load_warehouse(con, workspace.company, workspace.lake, intake, pseudonyms, proven)
        record_load(con, workspace, intake, pseudonyms)
        load_baselines(con, workspace.published, earlier, pseudonyms)
        parameters = read_load_record(con).parameters
        load_history(con, workspace.lake, intake.receipts, parameters, earlier, pseudonyms)
        load_closed_months(con, workspace.published, earlier, pseudonyms)
        start_load(con, load_id=run_id, run_id=run_id, input_hash=inputs, code_version=code_version())
        rows = dict(
            con.execute("select feed, sum(records_loaded)::bigint from raw.files group by feed").fetchall()
        )
    return Loaded(intake, inputs, rows)


def _refuse_unknown_waivers(workspace: Workspace) -> None:
    """A misspelt name would waive nothing, and nobody would know why the check still fails."""
    if not workspace.waivers:
        return
    known = {check.check_name for check in all_checks(workspace)}
    unknown = [waiver.check for waiver in workspace.waivers if waiver.check not in known]
    if unknown:
        raise InputProblems(
            [
                InputProblem(
                    "waivers.yaml",
                    f"no check is named {name}",
                    "take the name from the message of the refresh that failed",
                )
                for name in unknown
            ]
        )


# --- checks before and after ------------------------------------------------------------------------
def check_files(workspace: Workspace, *, again: bool) -> list[CheckResult]:
    """What must hold for the files before anything is built on them.

    Args:
        again: also check what has passed and not changed since.
    """
    report("checking the files", 0, 1)
    with open_warehouse(workspace) as con:
        results = run_door_where_changed(workspace, con, list(load_feeds()), date.today(), again=again)
        return record(con, results, workspace.waivers)


def check_totals(workspace: Workspace) -> list[CheckResult]:
    """What must hold for the totals before they are published."""
    report("checking the totals", 0, 1)
    previous = store.current(workspace.published)
    with open_warehouse(workspace) as con:
        names = _names(workspace, con) if workspace.company.salesperson_keys == "pseudonym" else ()
        results = run_gate(con, previous.database if previous else None, names)
        return record(con, results, workspace.waivers)


def _names(workspace: Workspace, con: duckdb.DuckDBPyConnection) -> set[str]:
    receipts = read_load_record(con).receipts
    return names_in((receipt.feed, workspace.lake / receipt.lake_file) for receipt in receipts)


# --- build ------------------------------------------------------------------------------------------
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


# --- publish ----------------------------------------------------------------------------------------
def publish_build(
    workspace: Workspace,
    run_id: str,
    started_at: datetime,
    *,
    again: bool,
) -> tuple[store.Publication, bool]:
    """Publish this build of the warehouse, unless a check stands in the way.

    Args:
        again: publish even if nothing has changed.

    Returns:
        The publication, and whether it is new: without a change it is the current one.

    Raises:
        StepFailed: nothing has been loaded, or not with this configuration.
        NotCertified: a check stands in the way.
        PublicationError: the warehouse cannot be published exactly.
    """
    with open_warehouse(workspace) as con:
        loaded = current_build(con)
        if loaded is None:
            raise StepFailed("Nothing has been loaded, run a refresh.")
        load = read_load_record(con)
        rules_in_force = {
            "segment_rules": _segment_rules(con),
            "baselines": _baseline_publications(con),
            "expected_through": _expected_through(con),
        }
        waived = {result.check_name for result in read_results(con) if result.status == "waived"}
    if configuration_hashes(workspace) != load.parameters["configuration"]:
        raise StepFailed("The configuration has changed since the files were loaded, run a refresh.")
    earlier = store.unchanged(workspace.published, loaded.input_hash, loaded.code_version)
    if earlier is not None and not again:
        return earlier, False
    company = workspace.company
    request = PublishRequest(
        run_id=run_id,
        started_at=started_at,
        company=company.name,
        locale=company.locale,
        currency=company.currency,
        code_version=code_version(),
        code_commit=code_commit(),
        lock_sha256=lock_sha256(),
        input_hash=loaded.input_hash,
        inputs=[
            InputFile(
                feed=receipt.feed,
                path=receipt.source_file,
                sha256=receipt.file_sha256,
                size=receipt.size,
                lookups=receipt.lookups,
                records_read=receipt.records_read,
                records_loaded=receipt.records_loaded,
                records_rejected=receipt.records_rejected,
                records_left_out=receipt.records_left_out,
                control_totals={name: str(total) for name, total in receipt.control_totals.items()},
                lake_file=receipt.lake_file,
                lake_sha256=receipt.lake_sha256,
                text_file=receipt.text_file,
                text_sha256=receipt.text_sha256,
                first_record=receipt.first_record,
                source=receipt.source,
                rejects_allowed=receipt.rejects_allowed,
            )
            for receipt in load.receipts
        ],
        parameters=load.parameters | rules_in_force,
        allowances=[
            {"source": source, "count": count, "reason": reason}
            for source, (count, reason) in {
                receipt.source: (receipt.rejects_allowed, receipt.allowance_reason)
                for receipt in load.receipts
                if receipt.rejects_allowed
            }.items()
        ],
        waivers=[waiver for waiver in workspace.waivers if waiver.check in waived and is_in_force(waiver)],
        expected_checks=all_checks(workspace),
        marts=[*published_tables(project(workspace)), *evidence_tables()],
        keep_publications=company.keep_publications,
    )
    _, name = store.next_publication(workspace.published, run_id)

    def write_quality(directory: Path) -> None:
        # Read now, when it is certain that everything was built.
        with open_warehouse(workspace) as con:
            _write_quality(directory, workspace, con, name, run_id, started_at)

    made = publish(
        workspace.warehouse, workspace.published, request, write_quality=write_quality, progress=report
    )
    return made, True


def _write_quality(
    directory: Path,
    workspace: Workspace,
    con: duckdb.DuckDBPyConnection,
    publication: str,
    run_id: str,
    started_at: datetime,
) -> None:
    """The pages of a publication that a person reads."""
    company = workspace.company
    title = ReportTitle(
        company_name=company.name,
        publication=publication,
        run_id=run_id,
        as_of=datetime.now(UTC).date(),
        locale=company.locale,
    )
    results = read_results(con)
    write_report(
        directory,
        results,
        title=title,
        ladder=_rows(con, "audit.ladder"),
        row_ledger=_rows(con, "audit.row_ledger"),
        reconciliation=_rows(con, "audit.ledger_reconciliation"),
        company_accounts=_rows(con, "marts.company_accounts"),
        period_closes=_rows(con, "audit.period_closes"),
        restatements=_rows(con, "audit.restatements"),
        figure_restatements=_rows(con, "audit.figure_restatements"),
        late_postings=_rows(con, "audit.late_postings"),
    )

    def started(name: str) -> datetime | None:
        found = store.find(workspace.published, name)
        return _as_noted(found.manifest.started_at) if found is not None else None

    runs, past = read_past(con, workspace.runs, started)
    write_history_page(
        directory,
        [*runs, Run(run_id, _as_noted(started_at), "published", publication)],
        [*past, *(kept_result(run_id, result) for result in results)],
        company=company.name,
        publication=publication,
        locale=company.locale,
    )
    write_lineage_page(
        directory,
        con,
        company=company.name,
        publication=publication,
        locale=company.locale,
        kept=parse_folder(workspace),
    )
    write_notice(directory, con, company=company, publication=publication)


def _as_noted(at: datetime) -> datetime:
    """A time as runs are noted with it: UTC without time zone."""
    return at.astimezone(UTC).replace(tzinfo=None)


def _segment_rules(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The version of the segment rules in force in the last month, and every version that a month used."""
    used = _texts(
        con,
        "select rule_version from marts.customer_segments group by rule_version "
        "order by max(month), rule_version",
    )
    return {"in_force": used[-1] if used else None, "used": used}


def _baseline_publications(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The publications that the baselines of targets were taken from."""
    return _texts(
        con,
        "select distinct baseline_publication from marts.target_baselines "
        "where baseline_publication is not null order by baseline_publication",
    )


def _expected_through(con: duckdb.DuckDBPyConnection) -> str | None:
    """The last month of which files were expected; None where no source is expected monthly."""
    found = _texts(con, "select cast(max(month) as varchar) from audit.expected_files")
    return found[0] if found else None


def _texts(con: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    try:
        return [text for (text,) in con.execute(query).fetchall()]
    except duckdb.CatalogException:
        return []  # not built: publish says so


def _rows(con: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    found = con.execute(f"select * from {table}")
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
