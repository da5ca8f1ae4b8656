"""The door looks only at feeds that have changed, and still gives a result for every check.

What the checks find belongs in test_quality_checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from small_intake import SALES_COLUMNS, SALES_HEADER, change_in_lake, make_known, workspace_of, write_files
from sqlglot import exp

from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest import load_record, load_warehouse, record_load, take_in
from kunderegnskab.quality import certification, door
from kunderegnskab.quality.certification import CheckResult
from kunderegnskab.quality.door import ALSO_READ, door_catalogue, door_checks, run_door_where_changed
from kunderegnskab.quality.metric_checks import MetricCheck, run_checks
from kunderegnskab.workspace import Workspace

FEEDS = list(load_feeds())
TODAY = date(2025, 6, 30)
MAPPING = f"""
    sales_lines:
      - files: "s*.csv"
        format: {{type: csv}}
        columns: {{customer_id: customer, {SALES_COLUMNS.strip("{}")}}}
        allow_rejects: {{count: 1, reason: known fault}}
"""
SALES = f"customer,{SALES_HEADER}\n1,A,invoice,2024-01-05,1,100.10,0\n1,B,credit_note,2024-01-05,-1,-2,0\n"
CUSTOMERS = "customer_id,customer_name\n1,Nord\n"
PEOPLE = "salesperson_id,salesperson_name\nHH,{}\n"


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose files have been known for a while."""
    workspace = workspace_of(tmp_path, MAPPING, {"s1.csv": SALES, "customers.csv": CUSTOMERS})
    write_files(workspace.policy, {"salespeople.csv": PEOPLE.format("Hanne")})
    make_known(workspace, monkeypatch)
    return workspace


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The feeds that the door looks at, as it does."""
    subjects: set[str] = set()
    whole = door.run_checks

    def noted(con: Any, stage: Any, checks: Sequence[MetricCheck]) -> list[CheckResult]:
        subjects.update(check.subject for check in checks)
        return whole(con, stage, checks)

    monkeypatch.setattr(door, "run_checks", noted)
    return subjects


def at_the_door(root: Path, day: date = TODAY, *, again: bool = False) -> list[CheckResult]:
    """The results that a refresh of what is there now would record."""
    workspace = Workspace(root)
    intake = take_in(workspace, workspace.lake)
    with duckdb.connect() as con:
        load_warehouse(con, workspace.company, workspace.lake, intake)
        record_load(con, load_record(workspace, intake))
        certification.start_load(con, load_id="load", run_id="run", input_hash="i", code_version="c")
        found = run_door_where_changed(workspace, con, FEEDS, day, again=again)
        recorded = certification.record(con, found)
        assert certification.read_results(con) == sorted(recorded, key=lambda each: each.check_name)
        assert [each.check_name for each in found] == [each.check_name for each in door_checks(FEEDS)]
        # What is taken over is what would be found.
        assert whole_door(con, FEEDS, day) == found
        return found


def whole_door(con: duckdb.DuckDBPyConnection, feeds: Sequence[str], day: date) -> list[CheckResult]:
    """As run_door, unseen by the fixture `checked`."""
    return run_checks(con, "door", door._checks(feeds, day))


def test_only_feeds_that_have_changed_are_checked_again(company, checked):
    first = at_the_door(company.root)
    assert [result.check_name for result in first if result.status != "passed"] == []
    assert checked == set(FEEDS)
    checked.clear()
    assert at_the_door(company.root) == first
    assert checked == set()
    write_files(company.policy, {"salespeople.csv": PEOPLE.format("Helle")})
    assert at_the_door(company.root) == first
    assert checked == {"salespeople"}
    checked.clear()
    assert at_the_door(company.root, again=True) == first
    assert checked == set(FEEDS)


def test_a_feed_that_is_supplied_now_or_no_longer_is_checked(company, checked):
    at_the_door(company.root)
    checked.clear()
    (company.landing / "customers.csv").unlink()
    write_files(company.landing, {"products.csv": "product_id,product_name\nV1,Vare\n"})
    at_the_door(company.root)
    assert checked == {"customers", "products"}


def test_another_day_and_other_code_have_all_feeds_checked(company, checked, monkeypatch):
    at_the_door(company.root)
    for day, version in ((TODAY + timedelta(days=1), "1"), (TODAY + timedelta(days=1), "2")):
        checked.clear()
        monkeypatch.setattr(door, "code_version", lambda version=version: version)
        at_the_door(company.root, day)
        assert checked == set(FEEDS)


def test_another_allowance_has_its_feed_checked(company, checked):
    at_the_door(company.root)
    checked.clear()
    feeds = (company.root / "feeds.yaml").read_text(encoding="utf-8")
    (company.root / "feeds.yaml").write_text(feeds.replace("count: 1", "count: 0"), encoding="utf-8")
    at_the_door(company.root)
    assert checked == {"sales_lines"}


def test_a_calendar_is_checked_again_when_there_are_other_days(company, checked):
    day, periods = date(2024, 1, 1), ["fiscal_year,period_no,first_day,last_day"]
    for number in range(1, 13):
        last = date(2024 + number // 12, number % 12 + 1, 1) - timedelta(days=1)
        periods.append(f"2024,{number},{day},{last}")
        day = last + timedelta(days=1)
    (company.root / "policy").mkdir(exist_ok=True)
    (company.root / "policy" / "fiscal_calendar.csv").write_text("\n".join(periods) + "\n", encoding="utf-8")
    assert {each.status for each in at_the_door(company.root)} == {"passed"}
    write_files(company.landing, {"s1.csv": SALES.replace("2024-01-05", "2023-12-31")})
    failed = [each.check_name for each in at_the_door(company.root) if each.status != "passed"]
    assert failed == ["door__fiscal_calendar__holds_every_day"]


def test_what_has_failed_is_checked_until_it_passes(company, checked):
    wrong = SALES.replace("credit_note,2024-01-05,-1,-2", "credit_note,2024-01-05,1,2")
    write_files(company.landing, {"s1.csv": wrong})
    for _ in range(2):
        checked.clear()
        failed = [each for each in at_the_door(company.root) if each.status != "passed"]
        assert [each.check_name for each in failed] == ["door__sales_lines__signs_are_those_of_the_contract"]
        assert failed[0].detail
        assert "sales_lines" in checked
    write_files(company.landing, {"s1.csv": SALES})
    assert {each.status for each in at_the_door(company.root)} == {"passed"}


def test_a_lake_file_that_is_not_as_it_was_read_has_its_feed_checked(company, checked):
    at_the_door(company.root)
    checked.clear()
    intake = take_in(company, company.lake)
    with duckdb.connect() as con:
        load_warehouse(con, company.company, company.lake, intake)
        record_load(con, load_record(company, intake))
        change_in_lake(company, intake, "sales_lines", "date '1900-01-01' as posting_date")
        failed = [
            each.check_name
            for each in run_door_where_changed(company, con, FEEDS, TODAY)
            if each.status != "passed"
        ]
    assert failed == ["door__sales_lines__dates_are_plausible"]


@pytest.mark.parametrize("content", [b"", b"\xff", b'{"feeds": {"customers": []}}'])
def test_a_damaged_note_has_all_feeds_checked(company, checked, content):
    at_the_door(company.root)
    checked.clear()
    (company.state / "door.json").write_bytes(content)
    at_the_door(company.root)
    assert checked == set(FEEDS)


def test_every_check_reads_its_own_feed_alone():
    """Else the results of a feed would follow from the files of another, too, and could not be taken over."""
    ledgers = {"files", "feeds", "rejects", "left_out", "gone_sources"}
    ledgers |= {"repeated_keys", "shared_files"}
    # What company.yaml says is stated with every feed.
    for check in door_catalogue(FEEDS):
        for sql in (check.metric, check.failing):
            tree = sqlglot.parse_one(sql, dialect="duckdb")
            tables = {table.name for table in tree.find_all(exp.Table) if table.db == "raw"}
            assert tables - ledgers - {"company"} <= {
                check.subject,
                f"shared_{check.subject}",
            } | ALSO_READ.get(check.subject, set()), check.check_name
            for select in tree.find_all(exp.Select):
                read = {table.name for table in select.find_all(exp.Table)} & ledgers
                assert not read or f"feed = '{check.subject}'" in select.sql(), check.check_name
