"""The Dagster definitions: the graph, what is said of its parts, when it runs, and one writer at a time.

What a refresh makes of files belongs in tests/e2e, the dbt project's own rules in tests/dbt.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from companies import COMPANY, FEEDS, MONTHS, line, write_sales
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy
from running import DAGSTER, REPOSITORY, kunderegnskab, put_back, refreshed, run, start

from kunderegnskab.audit.lineage_page import beginnings, read_edges
from kunderegnskab.audit.models import read_models
from kunderegnskab.code_version import code_version
from kunderegnskab.feeds import load_feeds
from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.workspace import Workspace
from kunderegnskab_orchestration.runs.instance import environment as dagster_environment
from kunderegnskab_orchestration.runs.instance import open_instance
from kunderegnskab_orchestration.runs.launcher import OwnProcess
from kunderegnskab_orchestration.runs.pruning import prune_runs
from kunderegnskab_orchestration.tags import CODE_VERSION, INPUT_HASH

SNAPSHOT = Path(__file__).with_name("asset_graph.txt")
LAYERS = ("raw", "staging", "intermediate", "marts", "audit", "published")
_PRINT_GRAPH = "import test_definitions as t; print(t.graph_text(t.load_definitions()), end='')"


@pytest.fixture(scope="module")
def company(small_workspace: Path) -> Iterator[Workspace]:
    """The small company as the workspace that this process's environment names."""
    before = dict(os.environ)
    workspace = Workspace(small_workspace)
    os.environ.update(dagster_environment(workspace))
    yield workspace
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def definitions(company: Workspace) -> dg.Definitions:
    return load_definitions()


@pytest.fixture
def company_to_change(company: Workspace) -> Iterator[Workspace]:
    """Put back when the test is over."""
    yield Workspace(company.root)
    put_back(company.root)


# --- the graph --------------------------------------------------------------------------------------
def test_dagster_validates_the_definitions(small_workspace: Path):
    done = run(
        DAGSTER,
        *("definitions", "validate"),
        **dagster_environment(Workspace(small_workspace)),
    )
    assert done.code == 0, done.err
    said = done.out + done.err
    assert "All code locations passed validation" in said
    assert [line for line in said.splitlines() if "WARNING" in line or "ERROR" in line] == []


def test_asset_graph_is_the_one_we_know(definitions: dg.Definitions):
    found = graph_text(definitions)
    if os.environ.get("UPDATE_SNAPSHOT"):
        SNAPSHOT.write_text(found, encoding="utf-8")
    known = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    new, gone = (
        sorted(set(one) - set(other))
        for one, other in ((found.splitlines(), known), (known, found.splitlines()))
    )
    assert (new, gone) == ([], []), (
        "Assets or their dependencies changed. If that is meant: UPDATE_SNAPSHOT=1 pytest tests/definitions"
    )


def test_graph_is_the_same_whatever_the_workspace_supplies(definitions: dg.Definitions, tmp_path: Path):
    assert kunderegnskab("init", tmp_path / "empty").code == 0
    elsewhere = run(
        Path(sys.executable),
        "-c",
        _PRINT_GRAPH,
        **dagster_environment(Workspace(tmp_path / "empty")),
        PYTHONPATH=os.pathsep.join(map(str, (REPOSITORY, REPOSITORY / "tests", Path(__file__).parent))),
    )
    assert elsewhere.code == 0, elsewhere.err
    assert elsewhere.out == graph_text(definitions)


def test_every_feed_is_an_asset(definitions: dg.Definitions):
    raw = {spec.key.path[1] for spec in definitions.resolve_all_asset_specs() if spec.key.path[0] == "raw"}
    assert raw == {
        *load_feeds(),
        "company",
        "feeds",
        "files",
        "rejects",
        "left_out",
        "published_baselines",
        "closed_sources",
        "closed_figures",
        "closed_files",
        "feed_totals",
        "expected_files",
        "file_days",
    }


def test_every_asset_has_group_owner_and_description(definitions: dg.Definitions):
    for spec in definitions.resolve_all_asset_specs():
        name = spec.key.to_user_string()
        assert spec.group_name == spec.key.path[0], name
        assert spec.group_name in LAYERS, name
        assert spec.owners == ["team:data"], name
        assert len(spec.description or "") > 10, name


def test_every_blocking_check_is_a_blocking_asset_check(definitions: dg.Definitions):
    from kunderegnskab.dbt.project import is_blocking, tests
    from kunderegnskab.quality.door import door_checks
    from kunderegnskab.quality.gate import gate_checks
    from kunderegnskab_orchestration.defs.transformation import MANIFEST

    blocking = {
        (spec.asset_key.to_user_string(), spec.name) for spec in check_specs(definitions) if spec.blocking
    }
    of_models = {
        (f"{model['schema']}/{model['name']}", test["name"])
        for test in tests(MANIFEST)
        if is_blocking(test) and (model := MANIFEST["nodes"][test["attached_node"]])
    }
    assert len(of_models) > 50
    assert of_models <= blocking
    for suite in (*door_checks(list(load_feeds())), *gate_checks()):
        stage, subject, _ = suite.check_name.split("__")
        layer = {"door": "raw", "gate": "marts"}[stage]
        assert (f"{layer}/{subject}", f"{stage}__{subject}") in blocking


def test_check_of_a_model_is_described_by_its_rules(definitions: dg.Definitions):
    from kunderegnskab.dbt.answers import sentence_of
    from kunderegnskab.dbt.project import rules, tests
    from kunderegnskab_orchestration.defs.transformation import MANIFEST

    described = {spec.name: (spec.description or "").splitlines() for spec in check_specs(definitions)}
    told = {test["name"]: [f"- {sentence_of(rule).en}" for rule in rules(test)] for test in tests(MANIFEST)}
    assert {name: described.get(name) for name in told} == told


def test_every_rule_has_a_sentence_in_danish():
    from kunderegnskab.dbt.answers import sentence_of
    from kunderegnskab.dbt.project import rules, tests
    from kunderegnskab_orchestration.defs.transformation import MANIFEST

    said = {rule: sentence_of(rule) for test in tests(MANIFEST) for rule in rules(test)}
    assert len(said) > 400
    assert [rule for rule, sentence in said.items() if sentence.da is None] == []
    assert [
        rule for rule, sentence in said.items() if {"{", "}", "__"} & set(f"{sentence.da} {sentence.en}")
    ] == []


def test_every_sentence_is_of_a_rule():
    """One that no rule has any more would say nothing."""
    from kunderegnskab.dbt import answers
    from kunderegnskab.dbt.project import rules, tests
    from kunderegnskab_orchestration.defs.transformation import MANIFEST

    names = {rule for test in tests(MANIFEST) for rule in rules(test)}
    sentences, named = answers._sentences()
    patterns = [*(each["rule"] for each in sentences), *named]
    assert [pattern for pattern in patterns if not any(re.fullmatch(pattern, name) for name in names)] == []


def test_every_check_belongs_to_an_asset(definitions: dg.Definitions):
    assets = {spec.key for spec in definitions.resolve_all_asset_specs()}
    assert {spec.asset_key for spec in check_specs(definitions)} <= assets


def test_job_refresh_has_every_asset_and_check(definitions: dg.Definitions):
    layer = definitions.resolve_job_def("refresh").asset_layer
    assert layer.selected_asset_keys == {spec.key for spec in definitions.resolve_all_asset_specs()}
    assert set(layer.asset_graph.asset_check_keys) == {spec.key for spec in check_specs(definitions)}


def test_no_step_waits_for_a_place_that_a_killed_run_may_keep(definitions: dg.Definitions):
    assert {op.name: op.pool for op in operations(definitions)} == dict.fromkeys(
        ("raw_feeds", "door", "dbt_models", "gate", "published__kunderegnskab")
    )


def test_the_instance_lets_one_run_work_and_asks_whether_it_lives(company: Workspace):
    with open_instance(company) as instance:
        assert instance.get_settings("concurrency")["runs"]["max_concurrent_runs"] == 1
        assert instance.run_monitoring_enabled
        assert isinstance(instance.run_launcher, OwnProcess)
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
    assert (company.state / "dagster" / "history" / "runs.db").is_file()
    assert not (REPOSITORY / "history").exists()


# --- what a run leaves behind -----------------------------------------------------------------------
def test_a_run_is_tagged_with_its_code_and_input(company: Workspace):
    manifest = json.loads((company.published / "current" / "manifest.json").read_text(encoding="utf-8"))
    with open_instance(company) as instance:
        made = instance.get_run_by_id(manifest["run_id"])
    assert made is not None
    assert made.tags[CODE_VERSION] == manifest["code_version"] == code_version()
    assert made.tags[INPUT_HASH] == manifest["input_hash"]


def test_every_mart_column_begins_in_a_feed(company: Workspace, definitions: dg.Definitions):
    database = company.published / "current" / "kunderegnskab.duckdb"
    with duckdb.connect(str(database), read_only=True) as con:
        edges = read_edges(con, "kunderegnskab")
        models = read_models(con, "kunderegnskab")
        marts = con.execute(
            "select 'marts', table_name, column_name from duckdb_columns() where schema_name = 'marts'"
        ).fetchall()
    columns: dict[tuple[str, str], list[str]] = {}
    for schema, relation, column in edges:
        columns.setdefault((schema, relation), []).append(column)
    # Nothing is left out: each column of each relation that reads others has its sources.
    assert {f"{schema}.{relation}" for schema, relation in columns} == {
        name for name, model in models.items() if model.reads
    }
    # What the code of a model says of its own is nobody's to look up or to change: it stands in seeds.
    assert [name for name, model in models.items() if model.query and not model.reads] == []
    begins = beginnings(edges, columns)
    seeds = {("audit", seed.stem) for seed in (REPOSITORY / "dbt_project" / "seeds").glob("*.csv")}
    for place in marts:
        found = {(schema, relation) for schema, relation, _ in begins[place]}
        assert found, place
        # Formulas, standard ladder, register and segment rules come with the product; all else from a file.
        assert all(schema == "raw" or (schema, relation) in seeds for schema, relation in found)
    net_sales = {
        (relation, column) for _, relation, column in begins["marts", "customer_accounts", "net_sales"]
    }
    assert {("sales_lines", "net_amount"), ("customer_costs", "amount")} <= net_sales
    counted = begins["marts", "portfolio_concentration", "customer_count"]
    assert ("raw", "sales_lines", "customer_id") in counted


def test_every_rule_is_told_by_the_check_of_its_model(company: Workspace, definitions: dg.Definitions):
    from kunderegnskab.dbt.project import rules, tests
    from kunderegnskab_orchestration.defs.transformation import MANIFEST

    keys = {spec.name: spec.key for spec in check_specs(definitions)}
    of_models = {keys[test["name"]]: set(rules(test)) for test in tests(MANIFEST)}
    with open_instance(company) as instance:
        found = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(of_models))
    told = {
        key: event.asset_check_evaluation_data.metadata
        for key, record in found.items()
        if record.event is not None and (event := record.event.dagster_event) is not None
    }
    assert {key: metadata.keys() for key, metadata in told.items()} == of_models
    results = {value.value for metadata in told.values() for value in metadata.values()}
    assert results == {"passed: 0 failing rows"}


def test_the_catalogue_shows_columns_and_where_they_come_from(definitions: dg.Definitions):
    """They follow from the code, so that definitions tell them, and not each run again."""
    from kunderegnskab_orchestration.defs.transformation import MANIFEST

    specs = {spec.key.to_user_string(): spec.metadata for spec in definitions.resolve_all_asset_specs()}
    lineage = specs["marts/customer_account_lines"]["dagster/column_lineage"].deps_by_column
    assert "marts/customer_accounts" in {dep.asset_key.to_user_string() for dep in lineage["amount"]}
    models = {
        f"{node['schema']}/{node['name']}": node
        for node in MANIFEST["nodes"].values()
        if node["resource_type"] in ("model", "seed")
    }
    assert len(models) > 100
    for name, node in models.items():
        columns = specs[name]["dagster/column_schema"].columns
        assert [column.name for column in columns] == list(node["columns"]), name
        assert all(column.description for column in columns), name
        # Known since the first refresh, also where nothing declares it.
        assert not [column.name for column in columns if "unknown" in column.type], name
        assert "column lineage" not in specs[name], specs[name]["column lineage"]
        # A seed is no query; what a query holds by itself, as the KPIs' formulas are, comes from no column.
        assert ("dagster/column_lineage" in specs[name]) is (node["resource_type"] == "model"), name


def test_every_asset_of_the_job_was_made_and_its_rows_counted(
    company: Workspace, definitions: dg.Definitions
):
    with open_instance(company) as instance:
        events = {
            spec.key.to_user_string(): instance.get_latest_materialization_event(spec.key)
            for spec in definitions.resolve_all_asset_specs()
        }
    made = {
        name: event.asset_materialization
        for name, event in events.items()
        if event is not None and event.asset_materialization is not None
    }
    assert made.keys() == events.keys()
    with duckdb.connect(str(company.warehouse), read_only=True) as con:
        tables = con.execute("select schema_name || '/' || table_name from duckdb_tables()").fetchall()
        for (name,) in tables:
            if name.startswith(("marts/", "audit/")) and name in made:
                place = name.replace("/", ".")
                ((count,),) = con.execute(f"select count(*) from {place}").fetchall()
                counted = made[name].metadata["dagster/row_count"].value
                assert counted == count, name


def test_the_lineage_page_asks_for_nothing_from_outside(company: Workspace):
    page = (company.published / "current" / "quality" / "lineage.html").read_text(encoding="utf-8")
    assert 'id="marts.customer_accounts.db2"' in page
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href)=(?!["']?#)""", page)


# --- when it runs -----------------------------------------------------------------------------------
def test_schedule_skips_what_is_published_and_requests_what_is_new(company_to_change: Workspace):
    from kunderegnskab_orchestration.defs.automation import daily_refresh

    def morning() -> Any:
        day = datetime.fromisoformat("2026-01-05T05:00:00+01:00")
        return daily_refresh(dg.build_schedule_context(scheduled_execution_time=day))

    skipped = morning()
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message is not None
    assert skipped.skip_message.startswith("Nothing has changed since publication 0001-")

    change(company_to_change)
    request = morning()
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == "2026-01-05T05:00:00+01:00"
    assert request.tags[CODE_VERSION] == code_version()
    assert len(request.tags[INPUT_HASH]) == 64

    (company_to_change.landing / "salg" / "nord.csv").write_bytes(b"")
    # A run that fails is seen; a morning that was skipped is not.
    assert isinstance(morning(), dg.RunRequest)


def test_sensor_asks_once_per_change(company_to_change: Workspace):
    from kunderegnskab_orchestration.defs.automation import landing_sensor

    skipped, seen = look_at(landing_sensor, None)
    assert isinstance(skipped, dg.SkipReason)
    assert "Nothing has changed since publication" in (skipped.skip_message or "")
    skipped, again = look_at(landing_sensor, seen)
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == "No file has changed since the last look."
    assert again == seen

    change(company_to_change)
    request, seen_change = look_at(landing_sensor, seen)
    assert isinstance(request, dg.RunRequest)
    assert seen_change != seen
    assert request.tags[INPUT_HASH] in (request.run_key or "")
    assert isinstance(look_at(landing_sensor, seen_change)[0], dg.SkipReason)


def test_sensor_looks_again_at_a_file_that_was_still_being_written(company_to_change: Workspace):
    from kunderegnskab_orchestration.defs.automation import landing_sensor

    _, seen = look_at(landing_sensor, None)
    extra = change(company_to_change)
    with extra.open("ab"):
        skipped, cursor = look_at(landing_sensor, seen)
    assert isinstance(skipped, dg.SkipReason)
    assert "is still being written" in (skipped.skip_message or "")
    # Closing the file changes neither its size nor its time.
    request, _ = look_at(landing_sensor, cursor)
    assert isinstance(request, dg.RunRequest)


def test_late_files_are_shown_at_the_publication_and_told_once(company_to_change: Workspace, tmp_path: Path):
    from kunderegnskab_orchestration.defs.automation import freshness_sensor

    _, seen = look_at(freshness_sensor, None)
    assert seen is None  # nothing is expected, so nothing is late
    expect_monthly(
        company_to_change, f"on_late: {{command: [sh, -c, 'cat >> \"$0\"', {tmp_path / 'told'}]}}\n"
    )
    result, seen = look_at(freshness_sensor, seen)
    (evaluation,) = result.asset_events
    assert (evaluation.check_name, evaluation.passed) == ("expected_files_are_published", False)
    assert "feeds.yaml: sales_lines, source 1: no file with records of" in evaluation.description
    with open_instance(company_to_change) as instance:
        instance.report_runless_asset_event(evaluation)
        key = dg.AssetCheckKey(evaluation.asset_key, evaluation.check_name)
        (kept,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
        assert kept.event is not None
        # It belongs to no run, so no run's end takes it away.
        prune_runs(company_to_change, instance, "none", 1)
        assert instance.event_log_storage.get_asset_check_execution_history(key, limit=1) == [kept]
    json.loads((tmp_path / "told").read_text(encoding="utf-8"))

    skipped, again = look_at(freshness_sensor, result.cursor)
    assert isinstance(skipped, dg.SkipReason)
    json.loads((tmp_path / "told").read_text(encoding="utf-8"))

    (company_to_change.root / "company.yaml").write_text(COMPANY, encoding="utf-8")
    result, _ = look_at(freshness_sensor, again)
    assert result.asset_events[0].passed


def test_dagster_judges_the_age_of_the_publication(company_to_change: Workspace):
    path = company_to_change.root / "company.yaml"
    path.write_text(f"{COMPANY}fresh_for_hours: 30\n", encoding="utf-8")
    shown = run(
        Path(sys.executable),
        "-c",
        "import test_definitions as t; print(t.freshness_policies(t.load_definitions()))",
        **dagster_environment(company_to_change),
        PYTHONPATH=os.pathsep.join(map(str, (REPOSITORY, REPOSITORY / "tests", Path(__file__).parent))),
    )
    assert shown.out.strip() == "{'published/kunderegnskab': 108000.0}", shown.err


# --- retries and the one writer ---------------------------------------------------------------------
@pytest.mark.parametrize(
    ("error", "retries"),
    [
        (OSError("the drive is away for a moment"), 1),
        (InputProblems([InputProblem("landing/x.csv", "is empty (0 bytes)", "deliver the file again")]), 0),
    ],
)
def test_only_what_can_pass_is_tried_again(
    company_to_change: Workspace, monkeypatch: pytest.MonkeyPatch, error: Exception, retries: int
):
    from kunderegnskab.refresh import loading
    from kunderegnskab_orchestration.defs import ingestion
    from kunderegnskab_orchestration.resources import CompanyWorkspace

    real, calls = loading.take_in, []

    def fails_once(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 1:
            raise error
        return real(*arguments, **options)

    monkeypatch.setattr(loading, "take_in", fails_once)
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize(
            [ingestion.raw_feeds],
            resources={"company": CompanyWorkspace(root=str(company_to_change.root))},
            instance=instance,
            raise_on_error=False,
        )
    assert done.success is (retries > 0)
    assert sum(event.event_type_value == "STEP_UP_FOR_RETRY" for event in done.all_events) == retries
    assert len(calls) == 1 + retries


def test_two_refreshes_at_once(company_to_change: Workspace):
    """Who comes first to what only one may do goes on; the other waits for a while and then says so."""
    first = start("refresh", "--full", "--workspace", company_to_change.root)
    try:
        note = company_to_change.state / "writer.json"
        wait_until(note.exists, first)
        second = kunderegnskab("refresh", "--full", "--workspace", company_to_change.root)
        first.wait(300)
    finally:
        if first.poll() is None:
            first.kill()
            first.wait()
    assert "Traceback" not in second.err
    if second.code:
        assert "Another command is writing in this workspace" in second.err
        assert f"process {first.pid}" in second.err
    made = (first.returncode, second.code).count(0)
    assert made >= 1
    assert len(list(company_to_change.published.glob("000*"))) == 1 + made
    assert refreshed(company_to_change.root)["status"] == "unchanged"


# --- helpers ----------------------------------------------------------------------------------------
def load_definitions() -> dg.Definitions:
    from kunderegnskab_orchestration.definitions import defs

    return defs()


def graph_text(definitions: dg.Definitions) -> str:
    """Keys and dependencies, one line per asset: small enough to read in a review."""
    lines = []
    for spec in definitions.resolve_all_asset_specs():
        deps = sorted(dep.asset_key.to_user_string() for dep in spec.deps)
        lines.append(f"{spec.key.to_user_string()} <- {', '.join(deps)}".rstrip())
    return "".join(f"{line}\n" for line in sorted(lines))


def check_specs(definitions: dg.Definitions) -> list[dg.AssetCheckSpec]:
    return [spec for definition in asset_definitions(definitions) for spec in definition.check_specs]


def operations(definitions: dg.Definitions) -> list[Any]:
    return [definition.op for definition in asset_definitions(definitions) if definition.is_executable]


def asset_definitions(definitions: dg.Definitions) -> list[dg.AssetsDefinition]:
    return list(definitions.resolve_asset_graph().assets_defs)


def change(company: Workspace) -> Path:
    """One more line in a file of its own."""
    return write_sales(company.root, "extra", [line("X1", "C1", MONTHS[-1], Decimal(10))])


def expect_monthly(company: Workspace, more: str) -> None:
    """Sales are expected every month by the 10th of the next; the newest are of a time that is long past."""
    monthly = f"sales_lines:\n  - monthly_since: {MONTHS[-1]:%Y-%m}\n    files"
    (company.root / "feeds.yaml").write_text(
        FEEDS.replace("sales_lines:\n  - files", monthly), encoding="utf-8"
    )
    (company.root / "company.yaml").write_text(f"{COMPANY}expected_by: 10\n{more}", encoding="utf-8")


def freshness_policies(definitions: dg.Definitions) -> dict[str, float]:
    """Asset -> seconds for which it is fresh."""
    return {
        spec.key.to_user_string(): spec.freshness_policy.fail_window.to_timedelta().total_seconds()
        for spec in definitions.resolve_all_asset_specs()
        if isinstance(spec.freshness_policy, TimeWindowFreshnessPolicy)
    }


def look_at(sensor: Any, cursor: str | None) -> tuple[Any, str | None]:
    context = dg.build_sensor_context(cursor=cursor)
    return sensor(context), context.cursor


def wait_until(condition: Any, process: subprocess.Popen[bytes]) -> None:
    while not condition():
        assert process.poll() is None, "it ended before"
        time.sleep(0.05)
