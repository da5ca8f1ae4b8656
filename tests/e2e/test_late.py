"""What is late by company.yaml: in `status`, in what hooks are told, by the calendar and the published records.

How hooks are called belongs in tests/unit/test_hooks.py, what Dagster shows in tests/definitions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from companies import COMPANY, FEEDS, MONTHS, line, write_sales
from quick import Project, quickly, refreshed_quickly
from running import kunderegnskab

from kunderegnskab.publication import store
from kunderegnskab.publication.freshness import late, month_due
from kunderegnskab.workspace import Workspace

MONTHLY = FEEDS.replace(
    "sales_lines:\n  - files", f"sales_lines:\n  - monthly_since: {MONTHS[-3]:%Y-%m}\n    files"
)
SOURCE = "feeds.yaml: sales_lines, source 1"


@pytest.mark.parametrize(
    ("day", "due"),
    [
        ("2026-11-10", "2026-09-01"),  # the day itself is still in time
        ("2026-11-11", "2026-10-01"),
        ("2026-01-10", "2025-11-01"),
        ("2026-01-11", "2025-12-01"),
    ],
)
def test_a_month_is_due_from_the_day_after(day: str, due: str) -> None:
    assert month_due(10, date.fromisoformat(day)) == date.fromisoformat(due)


def told(workspace: Path, now: str) -> Sequence[str]:
    return [each.sentence for each in late(Workspace(workspace), datetime.fromisoformat(now))]


def write(workspace: Path, more: str) -> None:
    (workspace / "company.yaml").write_text(COMPANY + more, encoding="utf-8")


def test_files_are_late_by_the_calendar_until_they_are_published(
    project: Project, small_to_change: Path
) -> None:
    workspace = small_to_change
    (workspace / "feeds.yaml").write_text(MONTHLY, encoding="utf-8")
    write(workspace, "expected_by: 10\n")
    refreshed_quickly(project, workspace)
    # The last records are of December 2025; midnight of Copenhagen is the hour before in UTC.
    assert told(workspace, "2026-02-10T22:59:00+00:00") == []
    assert told(workspace, "2026-02-10T23:00:00+00:00") == [
        f"{SOURCE}: no file with records of 2026-01 is published, which company.yaml expects by 2026-02-10 "
        "(expected_by); deliver salg/*.csv, or see what came of the last refresh."
    ]
    (sentence,) = told(workspace, "2026-12-24T12:00:00+00:00")
    assert "2026-06, 2026-07, 2026-08, 2026-09, 2026-10, 2026-11 and 5 months before" in sentence
    # One that came and was not published is late still; then it is not.
    write_sales(workspace, "januar", [line("J1", "C1", date(2026, 1, 15), Decimal(1000))])
    assert len(told(workspace, "2026-02-11T12:00:00+00:00")) == 1
    refreshed_quickly(project, workspace)
    assert told(workspace, "2026-02-11T12:00:00+00:00") == []
    # Months before the first record are missing as well.
    earlier = MONTHLY.replace(f"monthly_since: {MONTHS[-3]:%Y-%m}", "monthly_since: 2023-11")
    (workspace / "feeds.yaml").write_text(earlier, encoding="utf-8")
    (sentence,) = told(workspace, "2026-02-11T12:00:00+00:00")
    assert "no file with records of 2023-11, 2023-12 is published" in sentence


def test_a_publication_is_too_old_after_the_hours_that_are_allowed(small_to_change: Path) -> None:
    write(small_to_change, "fresh_for_hours: 30\n")
    made = store.current(small_to_change / "published")
    assert made is not None
    published = made.manifest.published_at
    assert told(small_to_change, (published + timedelta(hours=30)).isoformat()) == []
    (sentence,) = told(small_to_change, (published + timedelta(hours=30, seconds=1)).isoformat())
    assert sentence.startswith(f"Publication {made.name} is of ")
    assert "but company.yaml expects one of the last 30 hours (fresh_for_hours); see what came of" in sentence


def test_status_and_hooks_tell_what_is_late(project: Project, small_to_change: Path, tmp_path: Path) -> None:
    workspace = small_to_change
    (workspace / "feeds.yaml").write_text(MONTHLY, encoding="utf-8")
    tell = "{command: [sh, -c, 'cat >> \"$0\"', " + str(tmp_path / "NAME") + "]}\n"
    hooks = "".join(
        f"{name}: {tell.replace('NAME', name)}" for name in ("on_failure", "on_published", "on_late")
    )
    write(workspace, f"expected_by: 10\n{hooks}")
    report = refreshed_quickly(project, workspace)
    assert report["notes"] == []
    (sentence,) = told(workspace, datetime.now(UTC).isoformat())
    event = json.loads((tmp_path / "on_published").read_text(encoding="utf-8"))
    assert (event["publication"], event["head"]) == (report["publication"], report["head"])
    assert event["late"] == [sentence]
    assert json.loads((tmp_path / "on_late").read_text(encoding="utf-8"))["late"] == [sentence]

    status = kunderegnskab("status", "--workspace", workspace)
    assert f"  late      {sentence}" in status.out.splitlines()
    assert kunderegnskab("status", "--json", "--workspace", workspace).json["late"] == [sentence]

    # Nothing new: nothing is published, and what is late has been told.
    assert refreshed_quickly(project, workspace)["status"] == "unchanged"
    assert not (tmp_path / "on_failure").exists()
    for name in ("on_published", "on_late"):  # one event each, not two behind each other
        json.loads((tmp_path / name).read_text(encoding="utf-8"))

    # A file that cannot be read: there is no run, and the hook is told all the same.
    (workspace / "landing" / "salg" / "nord.csv").write_bytes(b"")
    failed = quickly(project, "refresh", "--json", "--workspace", workspace)
    assert failed.code == 1
    event = json.loads((tmp_path / "on_failure").read_text(encoding="utf-8"))
    assert event["problems"] == failed.json["problems"]
    assert event["publication"] == report["publication"]


def test_a_hook_that_fails_changes_nothing_of_the_refresh(project: Project, small_to_change: Path) -> None:
    write(small_to_change, "on_published: {command: ['false']}\n")
    report = refreshed_quickly(project, small_to_change)
    assert report["status"] == "published"
    (note,) = report["notes"]
    assert note.startswith(
        "company.yaml, on_published: the hook did not take the event (it ended with exit code 1)"
    )
