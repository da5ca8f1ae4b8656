"""Fiscal years of weeks: which month a day counts in, and what windows and comparisons hold.

A company whose years are 4-4-5 weeks and begin on 31 December 2023 (52 weeks) and 29 December 2024 (53 weeks); its sales
stand on the days around the ends of periods and of the year. What a period more does to one rule belongs in dbt's unit
tests, which calendars are refused in the tests of the door.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from cells import asked as asked_of_cells
from cells import random_cells
from quick import Project, quickly, refreshed_quickly
from running import rows
from shared import BuiltOnce

from kunderegnskab.audit.trace import opened
from kunderegnskab.workspace import Workspace

Asked = Callable[[str], list[tuple]]

SALES = {
    # day: amount, a power of two, so that every sum says which days are in it
    "2023-12-31": 1,  # the first day of 2024
    "2024-01-27": 2,  # the last of its period 1
    "2024-01-28": 4,  # the first of period 2
    "2024-12-28": 8,  # the last day of the year
    "2024-12-29": 16,  # the first of 2025
    "2025-01-25": 32,  # the last of its period 1
    "2025-01-26": 64,  # the first of period 2
    "2025-02-22": 128,  # the last of period 2
    "2025-12-27": 256,  # the last of week 52
    "2026-01-03": 512,  # the last of the year's week 53, which is in period 12
}
JANUARY_24, FEBRUARY_24, DECEMBER_24 = date(2024, 1, 1), date(2024, 2, 1), date(2024, 12, 1)
JANUARY, FEBRUARY, DECEMBER = date(2025, 1, 1), date(2025, 2, 1), date(2025, 12, 1)


def weeks_of_2024_and_2025() -> list[tuple[int, int, date, date]]:
    """Fiscal year, number, first day and last day of every period; December 2025 has six weeks."""
    found, first = [], date(2023, 12, 31)
    for year in (2024, 2025):
        for number in range(1, 13):
            weeks = (5 if number % 3 == 0 else 4) + (year == 2025 and number == 12)
            last = first + timedelta(weeks=weeks) - timedelta(days=1)
            found.append((year, number, first, last))
            first = last + timedelta(days=1)
    return found


def workspace_with(folder: Path, periods: list[tuple[int, int, date, date]]) -> None:
    """Write the company, with these periods in its fiscal calendar, or without one."""
    (folder / "landing").mkdir(parents=True)
    (folder / "policy").mkdir()
    (folder / "company.yaml").write_text(
        "name: Uger ApS\ncurrency: DKK\ncredit_interest_rate: 0.1\n", encoding="utf-8"
    )
    lines = [
        "document_no,line_no,document_type,line_type,posting_date,customer_id,product_id,quantity,"
        "list_amount,discount_amount,cost_amount"
    ]
    lines += [
        f"F{number},1,invoice,goods,{day},K,P,1,{amount},0,{amount / 2}"
        for number, (day, amount) in enumerate(SALES.items(), start=1)
    ]
    landing = {
        "sales_lines": lines,
        # 36,500 at 10 % a year: 10 a day. Four days of period 1 of 2025, two of period 2.
        "receivables": [
            "document_no,customer_id,invoice_date,due_date,paid_date,amount",
            "F6,K,2025-01-22,2025-02-21,2025-01-28,36500",
        ],
        "customer_owners": [
            "customer_id,salesperson_id,share,valid_from,valid_to",
            "K,A,1,2023-01-01,2025-01-25",
            "K,B,1,2025-01-26,",
        ],
    }
    # A year by the calendar, whose last three days are in period 1 of 2025.
    policy = ["customer_id,valid_from,valid_to,tier_from,rate", "K,2024-01-01,2024-12-31,0,0.1"]
    (folder / "policy" / "bonus_agreements.csv").write_text("\n".join(policy) + "\n", encoding="utf-8")
    for feed, text in landing.items():
        (folder / "landing" / f"{feed}.csv").write_text("\n".join(text) + "\n", encoding="utf-8")
    if periods:
        write_calendar(folder, periods)


def write_calendar(folder: Path, periods: list[tuple[int, int, date, date]]) -> None:
    """Supply a fiscal calendar."""
    text = ["fiscal_year,period_no,first_day,last_day", *(",".join(map(str, period)) for period in periods)]
    (folder / "policy" / "fiscal_calendar.csv").write_text("\n".join(text) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def weeks(project: Project, built_once: BuiltOnce) -> Path:
    """The company, published."""

    def build(workspace: Path) -> None:
        workspace_with(workspace, weeks_of_2024_and_2025())
        assert refreshed_quickly(project, workspace)["status"] == "published"

    return built_once("fiscal_weeks", build)


@pytest.fixture(scope="module")
def asked(weeks: Path) -> Asked:
    """Gives the rows of a query of its publication."""
    return lambda query: rows(weeks, query)


def test_a_day_counts_in_the_month_of_its_period(asked: Asked) -> None:
    found = asked(
        "select month, list_sales from marts.customer_accounts where list_sales <> 0 order by month"
    )
    assert found == [
        (JANUARY_24, Decimal(1 + 2)),
        (FEBRUARY_24, Decimal(4)),
        (DECEMBER_24, Decimal(8)),
        (JANUARY, Decimal(16 + 32)),
        (FEBRUARY, Decimal(64 + 128)),
        (DECEMBER, Decimal(256 + 512)),
    ]


def test_months_say_which_days_they_hold(asked: Asked) -> None:
    found = asked(
        "select month, fiscal_year, fiscal_month, first_day, last_day, days_in_month from marts.months "
        f"where month in ('{JANUARY_24}', '{DECEMBER_24}', '{JANUARY}', '{DECEMBER}') order by month"
    )
    assert found == [
        (JANUARY_24, 2024, 1, date(2023, 12, 31), date(2024, 1, 27), 28),
        (DECEMBER_24, 2024, 12, date(2024, 11, 24), date(2024, 12, 28), 35),
        (JANUARY, 2025, 1, date(2024, 12, 29), date(2025, 1, 25), 28),
        (DECEMBER, 2025, 12, date(2025, 11, 23), date(2026, 1, 3), 42),
    ]


@pytest.mark.parametrize(
    ("month", "window", "value", "compared", "days", "compared_days"),
    [
        (FEBRUARY, "month", 64 + 128, 4, 28, 28),
        (FEBRUARY, "ytd", 16 + 32 + 64 + 128, 1 + 2 + 4, 56, 56),
        (DECEMBER, "month", 256 + 512, 8, 42, 35),
        (DECEMBER, "r12", 16 + 32 + 64 + 128 + 256 + 512, 1 + 2 + 4 + 8, 371, 364),
    ],
)
def test_windows_are_compared_with_the_same_periods_a_year_before(
    asked: Asked, month: date, window: str, value: int, compared: int, days: int, compared_days: int
) -> None:
    found = asked(
        "select value, prior_year_value from marts.kpi_values where kpi_id = 'invoiced_sales' and scope_type = 'company' "
        f"and month = '{month}' and time_window = '{window}'"
    )
    assert found == [(Decimal(value), Decimal(compared))]
    lengths = asked(
        "select day_count, compared_day_count from marts.time_windows "
        f"where month = '{month}' and time_window = '{window}'"
    )
    assert lengths == [(days, compared_days)]


def test_bonus_of_a_year_by_the_calendar_accrues_in_its_twelve_periods(asked: Asked) -> None:
    assert asked("select month, accrued from audit.bonus_roll_forward order by month") == [
        (JANUARY_24, Decimal("0.3")),
        (FEBRUARY_24, Decimal("0.4")),
        (DECEMBER_24, Decimal("0.8")),
    ]


def test_credit_time_is_cut_where_periods_end(asked: Asked) -> None:
    found = asked(
        "select month, credit_cost from marts.customer_accounts where credit_cost <> 0 order by month"
    )
    assert found == [(JANUARY, Decimal(40)), (FEBRUARY, Decimal(20))]


def test_a_customer_handed_over_with_a_period_is_wholly_the_new_owners(asked: Asked) -> None:
    found = asked(
        "select month, salesperson_id, list_sales, share from marts.portfolio_accounts "
        f"where month in ('{JANUARY}', '{FEBRUARY}') order by month"
    )
    assert [(month, str(sales), share) for month, _, sales, share in found] == [
        (JANUARY, "48.0000", Decimal(1)),
        (FEBRUARY, "192.0000", Decimal(1)),
    ]
    assert len({person for _, person, _, _ in found}) == 2


def test_what_is_computed_a_second_time_agrees(project: Project, weeks: Path) -> None:
    done = quickly(project, "verify", "--workspace", weeks)
    assert done.code == 0, f"{done.out}\n{done.err}"


def test_random_cells_add_up_by_their_explanations(weeks: Path) -> None:
    with opened(Workspace(weeks)) as trace:
        assert asked_of_cells(trace, random_cells(trace, 400, 63)).wrong == []


def test_a_calendar_of_months_changes_no_number(project: Project, tmp_path: Path) -> None:
    months = []
    for year in (2023, 2024, 2025, 2026):
        for number in range(1, 13):
            first = date(year, number, 1)
            months.append(
                (year, number, first, date(year + number // 12, number % 12 + 1, 1) - timedelta(days=1))
            )
    workspace = tmp_path / "firma"
    workspace_with(workspace, [])
    assert refreshed_quickly(project, workspace)["status"] == "published"
    before = tables_of(workspace)
    write_calendar(workspace, months)
    assert refreshed_quickly(project, workspace)["status"] == "published"
    after = tables_of(workspace)
    assert len(before) > 20
    assert [name for name in before if after[name] != before[name]] == []


def tables_of(workspace: Path) -> dict[str, list[tuple]]:
    """The rows of every mart."""
    names = rows(
        workspace,
        "select table_schema || '.' || table_name from information_schema.tables where table_schema = 'marts'",
    )
    return {name: rows(workspace, f"select * from {name} order by all") for (name,) in names}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda periods: periods[:-1], "fiscal year 2025 has 11 periods instead of 12"),
        (lambda periods: periods[12:], "2023-12-31"),
    ],
    ids=["a year that is not whole", "days before the calendar"],
)
def test_a_calendar_that_cannot_be_followed_is_refused(
    project: Project,
    tmp_path: Path,
    change: Callable[[list[tuple[int, int, date, date]]], list[tuple[int, int, date, date]]],
    said: str,
) -> None:
    workspace_with(tmp_path / "firma", change(weeks_of_2024_and_2025()))
    done = quickly(project, "refresh", "--workspace", tmp_path / "firma")
    assert done.code != 0
    assert said in done.out + done.err
