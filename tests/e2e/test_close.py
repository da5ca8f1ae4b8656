"""Closing months: what was published then stays as it was, and every later change is listed with its cause.

The refresh that finds a closed month changed is a whole one; those before and after it run in this process (`quick`).
"""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from companies import MONTHS, line, sales_of, write_sales, write_small_company
from quick import Project, quickly, refreshed_quickly
from running import Done, kunderegnskab, refreshed, rows, start

from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import sole_writer

CLOSED = MONTHS[11]
RESTATED = (
    "select customer_id, line_code, source, cause, closed_amount, current_amount, difference "
    "from audit.restatements order by all"
)


def close(project: Project, company: Path, month: str, *options: str) -> Done:
    decided = ("--by", "Regnskabschef", "--reason", "Årsafslutning")
    return quickly(project, "close", month, *decided, "--workspace", company, "--json", *options)


@pytest.fixture(scope="module")
def company(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small company, published once, and its twelfth month closed on that."""
    root = tmp_path_factory.mktemp("closing") / "workspace"
    write_small_company(root)
    refreshed_quickly(project, root)
    done = close(project, root, f"{CLOSED:%Y-%m}")
    assert done.code == 0, done.out
    return root


def test_a_closed_month_keeps_its_figures_and_lists_every_change(project: Project, company: Path) -> None:
    (closed_on,) = rows(company, "select publication from main._publication")[0]
    assert refreshed_quickly(project, company)["status"] == "published"
    assert rows(company, RESTATED) == []
    event = rows(
        company, "select month, event, publication, decided_by, is_in_force from audit.period_closes"
    )
    assert event == [(CLOSED, "close", closed_on, "Regnskabschef", True)]
    kept = "select * from audit.closed_sources order by all"
    figures = rows(company, kept)
    kept_sums = "select * from audit.closed_figures order by all"
    sums = rows(company, kept_sums)
    assert {row[1:4] for row in sums} == {
        (CLOSED, "company", "company"),
        (CLOSED, "salesperson", "Ikke tildelt"),
    }
    assert {row[1] for row in figures} == {CLOSED}

    # A line of the closed month is corrected, a new file adds one, and an open month changes too.
    lines = sales_of("nord")
    changed = [list(fields) for fields in lines]
    number = next(place for place, fields in enumerate(lines) if fields[0] == f"C1-{CLOSED:%y%m}")
    changed[number] = line(f"C1-{CLOSED:%y%m}", "C1", CLOSED.replace(day=15), Decimal(2000))
    changed[number + 1] = line(f"C1-{MONTHS[12]:%y%m}", "C1", MONTHS[12].replace(day=15), Decimal(5))
    write_sales(company, "nord", changed)
    write_sales(company, "sent", [line("S1", "C3", CLOSED.replace(day=20), Decimal(100))])
    assert refreshed(company)["status"] == "published"

    amount = Decimal(1000 + 10 * 11)
    difference = Decimal(2000) - amount
    assert rows(company, RESTATED) == [
        ("C1", "K00", "landing/salg/nord.csv", "changed_file", amount, Decimal(2000), difference),
        (
            "C1", "K05", "landing/salg/nord.csv", "changed_file",
            amount / 10, Decimal(200), difference / 10,
        ),
        (
            "C1", "K35", "landing/salg/nord.csv", "changed_file",
            amount * Decimal("0.6"), Decimal(1200), difference * Decimal("0.6"),
        ),
        ("C3", "K00", "landing/salg/sent.csv", "new_file", Decimal(0), Decimal(100), Decimal(100)),
        ("C3", "K05", "landing/salg/sent.csv", "new_file", Decimal(0), Decimal(10), Decimal(10)),
        ("C3", "K35", "landing/salg/sent.csv", "new_file", Decimal(0), Decimal(60), Decimal(60)),
    ]  # fmt: skip
    assert rows(company, kept) == figures
    late = (
        "select source_file, customer_id, posting_date, cause, string_agg(line_code, ' ' order by line_code) "
        "from audit.late_postings group by all order by all"
    )
    assert rows(company, late) == [
        ("landing/salg/nord.csv", "C1", CLOSED.replace(day=15), "changed_file", "K00 K05 K35"),
        ("landing/salg/sent.csv", "C3", CLOSED.replace(day=20), "new_file", "K00 K05 K35"),
    ]
    report = (company / "published" / "current" / "quality" / "report.html").read_text(encoding="utf-8")
    for shown in ("Sene posteringer", "ny fil: landing/salg/sent.csv", "ændret fil: landing/salg/nord.csv"):
        assert shown in report

    # Carried on, also when nothing of the month changes any more.
    assert refreshed_quickly(project, company, "--full")["status"] == "published"
    assert len(rows(company, RESTATED)) == 6
    assert len(rows(company, late)) == 2
    assert rows(company, kept) == figures
    assert rows(company, kept_sums) == sums
    # The same at the company and at its salespeople: all that the customers' lines say.
    assert rows(
        company,
        "select level, measure, difference from audit.figure_restatements where measure in ('db3', 'cogs') "
        "order by all",
    ) == [
        (level, measure, part * (difference + 100))
        for level in ("company", "salesperson")
        for measure, part in (("cogs", Decimal("0.6")), ("db3", Decimal("0.3")))
    ]

    reopened = close(project, company, f"{CLOSED:%Y-%m}", "--reopen")
    assert reopened.code == 0, reopened.out
    assert refreshed_quickly(project, company)["status"] == "published"
    assert rows(company, RESTATED) == rows(company, kept) == []
    assert rows(company, "select event_no, event, is_in_force from audit.period_closes order by 1") == [
        (1, "close", False),
        (2, "reopen", True),
    ]


def test_decisions_are_written_one_after_the_other(company: Path) -> None:
    """Whoever writes waits for who is writing; nobody writes back what he read before the other wrote."""
    events = company / "policy" / "period_events.csv"
    before = events.read_text(encoding="utf-8")
    decided = ("--by", "Regnskabschef", "--reason", "På samme tid", "--workspace", company)
    with sole_writer(Workspace(company)):
        refused = kunderegnskab("close", f"{MONTHS[1]:%Y-%m}", *decided, "--json")
    assert refused.code == 1
    assert "Another command is writing in this workspace" in refused.json["problems"][0]
    assert events.read_text(encoding="utf-8") == before

    months = MONTHS[1:4]
    started = [start("close", f"{month:%Y-%m}", *decided) for month in months]
    try:
        assert [process.wait(timeout=120) for process in started] == [0, 0, 0]
        with events.open(encoding="utf-8", newline="") as stream:
            written = [event for event in csv.DictReader(stream) if event["reason"] == "På samme tid"]
        assert {event["month"] for event in written} == {month.isoformat() for month in months}
        assert len({event["event_no"] for event in written}) == len(months)
    finally:
        events.write_text(before, encoding="utf-8")


def test_what_cannot_be_closed_is_said(project: Project, company: Path, tmp_path: Path) -> None:
    assert "is no month" in close(project, company, "2024-13").json["problems"][0]
    assert "has no figures for 1999-01" in close(project, company, "1999-01").json["problems"][0]
    assert "is not closed" in close(project, company, f"{MONTHS[3]:%Y-%m}", "--reopen").json["problems"][0]
    unnamed = quickly(project, "close", "2024-01", "--by", " ", "--reason", "x", "-w", company, "--json")
    assert "Say who decides it" in unnamed.json["problems"][0]
    assert quickly(project, "init", tmp_path / "new").code == 0
    assert "Nothing is published yet" in close(project, tmp_path / "new", "2024-01").json["problems"][0]


def test_a_month_closed_on_a_publication_that_is_not_there_is_refused(
    project: Project, company: Path
) -> None:
    path = company / "policy" / "period_events.csv"
    before = path.read_text(encoding="utf-8")
    path.write_text(f"{before}9,2024-03-01,close,0099-nowhere,Nn,2025-01-01,prøve\n", encoding="utf-8")
    try:
        done = quickly(project, "refresh", "--workspace", company, "--json")
    finally:
        path.write_text(before, encoding="utf-8")
    assert done.code == 1
    assert "2024-03 is closed on 0099-nowhere, which is not there" in "\n".join(done.json["problems"])
