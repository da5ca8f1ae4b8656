"""Write, audit, publish: whatever fails a check is not published, and a waiver opens the door for it alone.

One story: three faults of three kinds are planted in a published company (a record that cannot be read, an amount
without exchange rate, a file that went missing) and let through one after the other. Most of it runs in this process
(`quick`); a whole refresh is the one in which dbt runs two waived rules after all others and the gate then refuses, and
what Dagster starts alone is started by Dagster. Which sentences each kind of faulty file gives belongs in `test_faulty_files`, how results
are stamped and waived in tests/unit/test_quality_certification.py.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pytest
from companies import line, sales_of, write_sales
from quick import Project, quickly, refreshed_quickly
from running import DAGSTER, REPOSITORY, Done, copied, kunderegnskab, rows, run, tree

from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.publication.store import current, verify_chain, verify_files
from kunderegnskab.refresh.building import build
from kunderegnskab.refresh.checking import check_files, check_totals
from kunderegnskab.refresh.loading import read_in
from kunderegnskab.refresh.publishing import publish_build
from kunderegnskab.workspace import Workspace

DOOR = "door__sales_lines__rejects_within_allowance"
DBT = "rejects__are_within_the_allowance"
# Passes, waived or not: two waived tests must not confuse dbt.
ALSO_DBT = "stg_feeds__has_no_nulls"
GATE_CUSTOMERS = "gate__customer_accounts__customers_do_not_vanish"
GATE_ROWS = "gate__customer_accounts__account_rows_do_not_vanish"
YESTERDAY = date.today() - timedelta(days=1)
TOMORROW = date.today() + timedelta(days=2)


@dataclass(frozen=True)
class Attempt:
    """One attempt to publish, what lay in published/ after it, and how its checks went by name."""

    done: Done
    published: dict[str, str]
    rejects: list[dict[str, str]]
    checks: dict[str, str]


@dataclass(frozen=True)
class Story:
    """Each attempt by name; `before` is published/ before the first, `root` the workspace as the last left it."""

    root: Path
    before: dict[str, str]
    attempts: dict[str, Attempt]


@pytest.fixture(scope="module")
def story(project: Project, published_small: Path, tmp_path_factory: pytest.TempPathFactory) -> Story:
    workspace = copied(published_small, tmp_path_factory.mktemp("gate"))
    before = tree(workspace / "published")
    attempts: dict[str, Attempt] = {}

    def note(name: str, done: Done) -> None:
        attempts[name] = Attempt(
            done, tree(workspace / "published"), listed_rejects(workspace), results(workspace)
        )

    plant_faults(workspace)
    note("no waiver", refresh(project, workspace))
    note("publication alone after the door", publish_alone(workspace))
    waive(workspace, {DOOR: TOMORROW, f"{DBT}s": None})
    note("waiver that names no check", refresh(project, workspace))
    waive(workspace, {DOOR: TOMORROW})
    note("door waived", refresh(project, workspace))
    waive(workspace, {DOOR: TOMORROW, DBT: None, ALSO_DBT: None, GATE_ROWS: YESTERDAY})
    note("dbt waived, without dbt", refresh(project, workspace))
    note("dbt waived", kunderegnskab("refresh", "--workspace", workspace))
    note("publication alone after the gate", publish_alone(workspace))
    note("models alone", materialise(workspace, "key:marts/months"))
    note("publication alone after some models", materialise(workspace, "key:published/kunderegnskab"))
    waive(workspace, {DOOR: TOMORROW, DBT: None, ALSO_DBT: None, GATE_ROWS: None, GATE_CUSTOMERS: TOMORROW})
    note("all waived", refresh(project, workspace))
    return Story(workspace, before, attempts)


# --- a table that is not what it is declared to be ----------------------------------------------------
class BreaksAContract:
    """A dbt that says at its end that a table is not as declared."""

    def __init__(self, project: Project, workspace: Workspace) -> None:
        self._dbt = project.dbt(workspace)

    def run(
        self, arguments: Sequence[str], folder: Path, on_node: Callable[[str, str], None]
    ) -> dict[str, Any]:
        end = {"unique_id": "operation.kunderegnskab.on-run-end-0", "status": "error", "message": CONTRACT}
        return {"results": [*self._dbt.run(arguments, folder, on_node)["results"], end]}

    def end(self) -> None:
        self._dbt.end()


CONTRACT = "Tables are not what their contracts declare:\nmonths: declared but not built: month date"


def test_later_steps_alone_do_not_publish_what_breaks_its_contract(
    project: Project, small_to_change: Path
) -> None:
    """As in Dagster's page, where anybody can start the steps after one that failed."""
    workspace, run_id = Workspace(small_to_change), str(uuid4())
    before = tree(workspace.published)
    write_sales(small_to_change, "extra", [line("EXTRA", "C1", date(2025, 1, 20), Decimal(10))])
    read_in(workspace, run_id, again=False)
    check_files(workspace, again=False)
    built = build(workspace, run_id, BreaksAContract(project, workspace))
    assert built.problems == [CONTRACT]
    check_totals(workspace)
    with pytest.raises(KunderegnskabError, match="its result belongs to an earlier load or build"):
        publish_build(workspace, run_id, datetime.now(UTC), again=False)
    assert tree(workspace.published) == before


# --- a check that fails -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        (
            "no waiver",
            [
                f"The check {DOOR} failed (1 row): "
                "No file of sales_lines has more rejected records than its source allows.",
                "  landing/salg/nord.csv, record 3, column Nettobeløb: '1.0x0,00' is not a number with at most "
                "4 decimals written like 1.234,56; correct it in the source and deliver the file again, "
                "or allow it with allow_rejects in feeds.yaml.",
            ],
        ),
        (
            "door waived",
            [
                f"The check {DBT} failed (2 rows): ",
                "source_file = landing/salg/nord.csv, source_record = 49, column_name = currency, "
                "raw_value = USD, reason = no exchange rate for USD on or before 2025-05-01",
            ],
        ),
        (
            "dbt waived",
            [
                f"The check {GATE_CUSTOMERS} failed: The number of customers in months published before "
                "has not fallen by more than 20 %.",
                f"The check {GATE_ROWS} failed: ",
                "month=2024-01-01, earlier=4, present=2",
            ],
        ),
    ],
)
def test_a_failed_check_is_named_with_its_rows(story: Story, name: str, sentences: list[str]):
    done = story.attempts[name].done
    assert done.code == 1
    assert done.out == ""
    assert "The refresh failed and published nothing.\n" in done.err
    for sentence in sentences:
        assert sentence in done.err
    assert "Readers still see publication 0001-" in done.err
    assert "Traceback" not in done.err
    assert "dagster." not in done.err


def test_only_the_next_check_hinders(story: Story):
    assert DBT not in story.attempts["no waiver"].done.err
    assert DOOR not in story.attempts["door waived"].done.err
    assert GATE_ROWS not in story.attempts["door waived"].done.err
    assert DBT not in story.attempts["dbt waived"].done.err


def test_rejected_records_are_listed_in_a_file(story: Story):
    at_the_door = story.attempts["no waiver"]
    assert f"All rejected records are listed in {story.root}/state/rejects.csv" in at_the_door.done.err
    assert [(row["source_file"], row["source_record"], row["raw_value"]) for row in at_the_door.rejects] == [
        ("landing/salg/nord.csv", "3", "1.0x0,00")
    ]
    after_dbt = story.attempts["door waived"]
    assert [(row["source_record"], row["column_name"]) for row in after_dbt.rejects] == [
        ("3", "Nettobeløb"),
        ("49", "currency"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "no waiver",
        "publication alone after the door",
        "waiver that names no check",
        "door waived",
        "dbt waived, without dbt",
        "dbt waived",
        "publication alone after the gate",
        "models alone",
        "publication alone after some models",
    ],
)
def test_the_earlier_publication_stays_byte_for_byte(story: Story, name: str):
    assert story.attempts[name].published == story.before


# --- the publication asset by itself ----------------------------------------------------------------
def test_the_publication_alone_is_refused_before_anything_is_built(story: Story):
    done = story.attempts["publication alone after the door"].done
    assert done.code != 0
    assert "the loaded data has not been built" in done.out + done.err


def test_the_publication_alone_is_refused_after_a_failed_gate(story: Story):
    done = story.attempts["publication alone after the gate"].done
    assert done.code != 0
    said = done.out + done.err
    assert "Nothing was published, because these checks do not hold:" in said
    assert f"gate check {GATE_ROWS}: failed" in said
    assert f"gate check {GATE_CUSTOMERS}: failed" in said
    assert f"check {DBT}:" not in said  # waived, and it ran for this build


def test_building_some_models_again_voids_what_was_certified(story: Story):
    assert story.attempts["models alone"].done.code == 0
    done = story.attempts["publication alone after some models"].done
    assert done.code != 0
    said = done.out + done.err
    # dbt runs the rules of the models that were built and of those whose rules read them; these do not.
    assert "dbt check products__grain_is_unique: its result belongs to an earlier load or build" in said
    assert f"gate check {GATE_ROWS}: its result belongs to an earlier load or build" in said
    assert "dbt check months__grain_is_unique" not in said  # that one ran for the new build
    assert f"door check {DOOR}" not in said  # the files were not read again


def test_dbt_runs_waived_rules_after_all_others(story: Story):
    """And none of them twice; what runs its SQL without it does the same."""
    checks = story.attempts["dbt waived"].checks
    assert {name: status for name, status in checks.items() if status != "passed"} == {
        DOOR: "waived",
        DBT: "waived",
        GATE_ROWS: "failed",
        GATE_CUSTOMERS: "failed",
        # Warnings: half the company has gone.
        "gate__customer_accounts__db2_does_not_drift": "failed",
        "gate__customer_accounts__net_sales_do_not_drift": "failed",
    }
    assert ALSO_DBT in checks
    assert story.attempts["dbt waived, without dbt"].checks == checks


# --- waivers ----------------------------------------------------------------------------------------
def test_waivers_by_exact_name_let_exactly_these_checks_pass(story: Story):
    done = story.attempts["all waived"].done
    assert done.code == 0, done.err
    published = story.root / "published"
    now = current(published)
    assert now is not None
    assert now.name.startswith("0002-")
    statuses = {check.check_name: check.status for check in now.manifest.checks}
    assert {name for name, status in statuses.items() if status == "waived"} == {
        DOOR,
        DBT,
        GATE_ROWS,
        GATE_CUSTOMERS,
    }
    assert {waiver.check: waiver.person for waiver in now.manifest.waivers} == dict.fromkeys(
        (DOOR, DBT, GATE_ROWS, GATE_CUSTOMERS), "Bo Holm"
    )
    assert verify_files(now) == []
    assert verify_chain(published) == []


def test_a_waiver_shows_in_status_report_and_check_results(project: Project, story: Story):
    status = quickly(project, "status", "--workspace", story.root)
    assert "4 waived" in status.out
    report = (story.root / "published" / "current" / "quality" / "report.html").read_text(encoding="utf-8")
    assert "Bo Holm" in report
    details = rows(
        story.root,
        "select check_name, detail from audit.check_results "
        f"where check_name in ('{DOOR}', '{DBT}', '{GATE_ROWS}')",
    )
    assert len(details) == 3
    for _, detail in details:
        assert detail.startswith("Waived by Bo Holm")
        assert "the customer knows" in detail


def test_what_was_published_under_waivers_holds_the_other_records(story: Story):
    sums = rows(story.root, "select count(*), count(distinct customer_id) from marts.customer_accounts")
    assert sums == [(47, 2)]  # two customers for 24 months, less the month whose only line was rejected
    rejected = rows(story.root, "select source_record from audit.rejects order by all")
    assert rejected == [(3,), (49,)]


def test_a_waiver_that_names_no_check_is_refused(story: Story):
    done = story.attempts["waiver that names no check"].done
    assert done.code == 1
    assert f"waivers.yaml: no check is named {DBT}s; take the name from" in done.err


def test_a_waiver_without_person_is_refused(project: Project, small_to_change: Path):
    (small_to_change / "waivers.yaml").write_text(
        f"- {{check: {DOOR}, reason: no reason}}\n", encoding="utf-8"
    )
    done = refresh(project, small_to_change)
    assert done.code == 1
    assert "waivers.yaml: entry 1: the key person is missing; add person." in done.err


# --- a warehouse that was changed behind the pipeline's back ----------------------------------------
def test_a_mart_changed_by_hand_is_not_published(project: Project, small_to_change: Path):
    """The tests are run again by the refresh, so what was changed between two refreshes is gone."""
    before = rows(small_to_change, "select sum(net_sales) from marts.customer_accounts")
    with duckdb.connect(str(small_to_change / "warehouse" / "kunderegnskab.duckdb")) as con:
        con.execute("update marts.customer_accounts set net_sales = net_sales + 1")
    report = refreshed_quickly(project, small_to_change, "--full")
    assert report["status"] == "published"
    assert rows(small_to_change, "select sum(net_sales) from marts.customer_accounts") == before


# --- helpers ----------------------------------------------------------------------------------------
def plant_faults(workspace: Path) -> None:
    lines = sales_of("nord")
    lines[2][8] = "1.0x0,00"
    lines.append(line("U1", "C1", date(2025, 5, 1), Decimal(50), currency="USD"))
    write_sales(workspace, "nord", lines)
    (workspace / "landing" / "salg" / "syd.csv").unlink()


def waive(workspace: Path, checks: dict[str, date | None]) -> None:
    entries: list[dict[str, Any]] = [
        {"check": name, "reason": "the customer knows", "person": "Bo Holm"}
        | ({"valid_to": last.isoformat()} if last else {})
        for name, last in checks.items()
    ]
    (workspace / "waivers.yaml").write_text(json.dumps(entries), encoding="utf-8")  # JSON is YAML


def refresh(project: Project, workspace: Path) -> Done:
    return quickly(project, "refresh", "--workspace", workspace)


def publish_alone(workspace: Path) -> Done:
    """What the asset of the publication does when it is started alone."""
    try:
        publish_build(Workspace(workspace), str(uuid4()), datetime.now(UTC), again=False)
    except KunderegnskabError as error:
        return Done(1, "", str(error))
    return Done(0, "", "")


def materialise(workspace: Path, selection: str) -> Done:
    """Start some assets alone, as one may in Dagster's page."""
    return run(
        DAGSTER,
        "asset",
        "materialize",
        "--select",
        selection,
        "-m",
        "kunderegnskab_orchestration.definitions",
        KUNDEREGNSKAB_WORKSPACE=str(workspace),
        KUNDEREGNSKAB_STATE=str(workspace / "state" / "dagster"),
        DAGSTER_HOME=str(REPOSITORY),
        DAGSTER_DISABLE_TELEMETRY="1",
        GX_ANALYTICS_ENABLED="false",
    )


def listed_rejects(workspace: Path) -> list[dict[str, str]]:
    path = workspace / "state" / "rejects.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def results(workspace: Path) -> dict[str, str]:
    with duckdb.connect(str(workspace / "warehouse" / "kunderegnskab.duckdb"), read_only=True) as con:
        found = con.execute("select check_name, status from audit.check_results").fetchall()
    assert len(found) == len(dict(found))
    return dict(found)
