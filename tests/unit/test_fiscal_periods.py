"""Which fiscal calendars are refused, and the second path's own step from days to months.

What a calendar does to the figures belongs in tests/e2e/test_fiscal_calendar.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kunderegnskab.audit.recalculation import arithmetic
from kunderegnskab.audit.recalculation.arithmetic import day_number, month_number
from kunderegnskab.audit.recalculation.calendar import Calendar
from kunderegnskab.quality.door import DATE_COLUMNS, MetricCheck, door_catalogue

pytestmark = pytest.mark.quick

Period = tuple[int, int, date, date]


def periods(weeks: tuple[int, int, int], longest: int = 12) -> list[Period]:
    """Two years of weeks from 29 December 2024, of which 2025 has a 53rd week, in its period `longest`."""
    found, first = [], date(2024, 12, 29)
    for year in (2025, 2026):
        for number in range(1, 13):
            length = weeks[(number - 1) % 3] + (year == 2025 and number == longest)
            last = first + timedelta(weeks=length, days=-1)
            found.append((year, number, first, last))
            first = last + timedelta(days=1)
    return found


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("create schema raw")
        con.execute("create table raw.company as select 1 as fiscal_year_start")
        con.execute(
            "create table raw.fiscal_calendar (fiscal_year bigint, period_no bigint, first_day date, "
            "last_day date, _source_file varchar, _source_sheet varchar default '', _source_record bigint)"
        )
        for feed, column in DATE_COLUMNS.items():
            con.execute(
                f"create table raw.{feed} ({column} date, _source_file varchar, _source_sheet varchar default '', _source_record bigint)"
            )
        yield con


def supply(con: duckdb.DuckDBPyConnection, supplied: list[Period]) -> None:
    for record, period in enumerate(supplied, start=1):
        con.execute("insert into raw.fiscal_calendar values (?, ?, ?, ?, 'p.csv', '', ?)", [*period, record])


def found(con: duckdb.DuckDBPyConnection) -> list[str]:
    """What the checks of the calendar list, as text."""
    checks: list[MetricCheck] = [
        check
        for check in door_catalogue(["fiscal_calendar"])
        if check.check_name.endswith(("can_be_followed", "holds_every_day"))
    ]
    assert len(checks) == 2
    assert all(check.is_blocking for check in checks)
    listed = []
    for check in checks:
        rows = con.execute(check.failing or "").fetchall()
        assert con.execute(check.metric).fetchall() == [(len(rows),)]
        listed += [", ".join(str(value) for value in row if value != "") for row in rows]
    return listed


@pytest.mark.parametrize("weeks", [(4, 4, 5), (4, 5, 4), (5, 4, 4)])
@pytest.mark.parametrize("longest", [1, 6, 12])
def test_weeks_are_followed_wherever_the_53rd_stands(
    con: duckdb.DuckDBPyConnection, weeks: tuple[int, int, int], longest: int
) -> None:
    supply(con, periods(weeks, longest))
    for feed in DATE_COLUMNS:
        con.execute(
            f"insert into raw.{feed} values ('2024-12-29', 'f.csv', '', 1), ('2027-01-02', 'f.csv', '', 2)"
        )
    assert found(con) == []


def test_no_calendar_is_no_fault(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("insert into raw.sales_lines values ('2024-12-28', 's.csv', '', 4)")
    assert found(con) == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            "update raw.company set fiscal_year_start = 2",
            "p.csv, 1, the middle of period 1 of 2025 lies in month 1, and fiscal_year_start of company.yaml is 2",
        ),
        (
            "delete from raw.fiscal_calendar where fiscal_year = 2026 and period_no = 12",
            "p.csv, 13, fiscal year 2026 has 11 periods instead of 12",
        ),
        (
            "insert into raw.fiscal_calendar select 2026, 13, max(last_day) + 1, max(last_day) + 28, "
            "'p.csv', '', 25 "
            "from raw.fiscal_calendar",
            "p.csv, 25, period 13 of 2026",
        ),
        (
            "update raw.fiscal_calendar set last_day = first_day - 1 where _source_record = 3",
            "p.csv, 3, last_day 2025-02-22 comes before first_day 2025-02-23",
        ),
        (  # a gap
            "update raw.fiscal_calendar set first_day = first_day + 1 where _source_record = 5",
            "p.csv, 5, first_day 2025-04-28 is not the day after 2025-04-26",
        ),
        (  # a day in two periods
            "update raw.fiscal_calendar set last_day = last_day + 1 where _source_record = 5",
            "p.csv, 6, first_day",
        ),
        (  # a year is left out, and the next one follows it without a gap
            "update raw.fiscal_calendar set first_day = first_day - 28, last_day = last_day - 28 "
            "where fiscal_year = 2026",
            "p.csv, 13, fiscal year 2026 begins in 2025-12-01, not twelve months after",
        ),
        (
            "insert into raw.sales_lines values ('2024-12-28', 's.csv', '', 4)",
            "s.csv, posting_date, 2024, 2024-12-28, 2024-12-28, 1, 4",
        ),
        (  # by file and year: a year that the calendar lacks may have any number of records
            "insert into raw.sales_lines select date '2023-12-31' + day::integer, 's.csv', '', 10 + day "
            "from range(300) as days(day)",
            "s.csv, posting_date, 2024, 2024-01-01, 2024-10-25, 299, 11",
        ),
        (
            "insert into raw.activities values ('2027-01-03', 'a.csv', '', 9)",
            "a.csv, activity_date, 2027, 2027-01-03, 2027-01-03, 1, 9",
        ),
    ],
)
def test_what_cannot_be_followed_is_refused_with_file_and_record(
    con: duckdb.DuckDBPyConnection, fault: str, said: str
) -> None:
    supply(con, periods((4, 4, 5)))
    con.execute(fault)
    assert any(said in line for line in found(con)), found(con)


def of(supplied: list[Period]) -> Calendar:
    return Calendar.of([(year, number, day_number(a), day_number(b)) for year, number, a, b in supplied])


def test_the_second_path_puts_days_into_periods_and_finds_their_ends() -> None:
    calendar = of(periods((4, 4, 5)))
    days = ["2024-12-28", "2024-12-29", "2025-01-25", "2025-01-26", "2026-01-03", "2026-01-04", "2027-01-03"]
    months = ["2024-12", "2025-01", "2025-01", "2025-02", "2025-12", "2026-01", "2027-01"]
    numbers = calendar.months_of([day_number(date.fromisoformat(day)) for day in days])
    assert numbers.tolist() == [month_number(date.fromisoformat(f"{month}-01")) for month in months]
    december = month_number(date(2025, 12, 1))
    assert calendar.first_day(december) == day_number(date(2025, 11, 23))
    assert calendar.last_day(december) == day_number(date(2026, 1, 3))


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "first", "last"),
    [
        # Calendar years, where the company's begin on 29 December 2024 and 4 January 2026: twelve months each.
        ("2025-01-01", "2025-12-31", "2025-01", "2025-12"),
        ("2026-01-01", "2026-12-31", "2026-01", "2026-12"),
        ("2024-12-29", "2026-01-03", "2025-01", "2025-12"),  # the company's own year
        ("2026-01-04", "9999-12-31", "2026-01", "9999-12"),
        ("2025-01-26", "2025-01-31", "2025-02", "2025-02"),  # days of January that are in February's period
        ("2026-01-01", "2026-01-03", "2026-01", "2026-01"),  # days of January that are in December's
        ("2025-03-10", "2025-02-10", "2025-03", "2025-02"),  # never
    ],
)
def test_the_second_path_lets_agreements_hold_in_whole_months(
    valid_from: str, valid_to: str, first: str, last: str
) -> None:
    calendar = of(periods((4, 4, 5)))
    found = calendar.months_held(*(day_number(date.fromisoformat(day)) for day in (valid_from, valid_to)))
    assert found == tuple(month_number(date.fromisoformat(f"{month}-01")) for month in (first, last))


@given(
    start=st.dates(date(2000, 1, 1), date(2040, 12, 31)),
    years=st.integers(1, 4),
    days=st.lists(st.integers(-20_000, 40_000), max_size=20),
)
def test_a_calendar_of_months_is_as_good_as_none(start: date, years: int, days: list[int]) -> None:
    first = month_number(start.replace(month=1))
    calendar = Calendar.of(
        [
            (
                year,
                number + 1,
                day_number(arithmetic.first_day(first + 12 * year + number)),
                arithmetic.last_day(first + 12 * year + number),
            )
            for year in range(years)
            for number in range(12)
        ]
    )
    assert np.array_equal(calendar.months_of(days), arithmetic.months_of(days))
    for month in range(first - 3, first + 12 * years + 3):
        assert calendar.first_day(month) == day_number(arithmetic.first_day(month))
        assert calendar.last_day(month) == arithmetic.last_day(month)


@pytest.mark.parametrize(
    ("days", "is_named"), [(46, True), (356, True), (357, False), (378, False), (379, True)]
)
def test_a_fiscal_year_has_the_days_of_a_year(
    con: duckdb.DuckDBPyConnection, days: int, is_named: bool
) -> None:
    first = date(2025, 1, 1)
    lengths = [days - 11 * (days // 12), *[days // 12] * 11]
    supplied: list[Period] = []
    for number, length in enumerate(lengths, start=1):
        last = first + timedelta(days=length - 1)
        supplied.append((2025, number, first, last))
        first = last + timedelta(days=1)
    supply(con, supplied)
    said = (
        f"p.csv, 1, fiscal year 2025 has {days} days; a year has 357 to 378, so correct first_day and last_day of its "
        "periods"
    )
    assert found(con) == ([said] if is_named else [])
