"""What is late: a publication that is too old, and files that should have come and been published by now.

company.yaml says what is expected (fresh_for_hours, expected_by), feeds.yaml of which sources
(monthly_since). Both are held against today and against the current publication. Here: finding that out. Not
here: whether a month is missing among those that the records show (the model audit.expected_files), and who
is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import duckdb

from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest import days_of
from kunderegnskab.months import months_on
from kunderegnskab.publication import store
from kunderegnskab.publication.store import Publication
from kunderegnskab.sql import literal
from kunderegnskab.workspace import Workspace

# Missing months of a source that a sentence names, the newest.
_NAMED = 6


@dataclass(frozen=True)
class Late:
    """One thing that is late.

    Attributes:
        key: what it is; the same for as long as the same is late.
        sentence: plain: what is late, what was expected, and what to do.
    """

    what: Literal["publication", "files"]
    key: str
    sentence: str


def late(workspace: Workspace, now: datetime | None = None) -> list[Late]:
    """What is late now; nothing where company.yaml expects nothing.

    Args:
        now: with its time zone; default the system's time.

    Raises:
        InputProblems: the configuration cannot be read.
    """
    now = datetime.now(UTC) if now is None else now
    current = store.current(workspace.published)
    return [*_publication(workspace, current, now), *_files(workspace, current, now)]


def month_due(expected_by: int, day: date) -> date:
    """First day of the newest month whose files must have come before this day."""
    return months_on(day, -1 if day.day > expected_by else -2)


def _publication(workspace: Workspace, current: Publication | None, now: datetime) -> list[Late]:
    hours = workspace.company.fresh_for_hours
    if hours is None:
        return []
    expected = f"company.yaml expects one of the last {hours} hours (fresh_for_hours)"
    what_to_do = "see what came of the last refresh, and whether new files have come"
    if current is None:
        return [Late("publication", "publication", f"Nothing is published, and {expected}; {what_to_do}.")]
    published = current.manifest.published_at
    if now - published <= timedelta(hours=hours):
        return []
    local = published.astimezone(ZoneInfo(workspace.company.timezone))
    return [
        Late(
            "publication",
            f"publication {current.name}",
            f"Publication {current.name} is of {local:%Y-%m-%d %H:%M}, but {expected}; {what_to_do}.",
        )
    ]


def _files(workspace: Workspace, current: Publication | None, now: datetime) -> list[Late]:
    expected_by = workspace.company.expected_by
    expected = [each for each in workspace.sources if each.source.monthly_since is not None]
    if expected_by is None or not expected:
        return []
    today = now.astimezone(ZoneInfo(workspace.company.timezone)).date()
    due = month_due(expected_by, today)
    found = []
    for each in expected:
        came = _months_published(workspace, current, each.feed, each.label)
        missing = [month for month in _months(each.source.monthly_since, due) if month not in came]
        if missing:
            by = months_on(missing[-1], 1).replace(day=expected_by)
            named = ", ".join(f"{month:%Y-%m}" for month in missing[-_NAMED:])
            more = f" and {len(missing) - _NAMED} months before" if len(missing) > _NAMED else ""
            found.append(
                Late(
                    "files",
                    f"{each.label} {missing[-1]:%Y-%m}",
                    f"{each.label}: no file with records of {named}{more} is published, which company.yaml "
                    f"expects by {by} (expected_by); deliver {each.source.files}, or see what came of the "
                    "last refresh.",
                )
            )
    return found


def _months(first: date | None, last: date) -> list[date]:
    """First days of all months of a span; none where it does not begin."""
    months = []
    while first is not None and first <= last:
        months.append(first)
        first = months_on(first, 1)
    return months


def _months_published(workspace: Workspace, current: Publication | None, feed: str, source: str) -> set[date]:
    """The months that the current publication has records of from a source."""
    if current is None:
        return set()
    # One that is gone was removed with the names in it, and nothing tells its months any more.
    files = [
        lake_file
        for file in current.manifest.inputs
        if (file.feed, file.source) == (feed, source)
        and (lake_file := workspace.lake / file.lake_file).is_file()
    ]
    if not files:
        return set()
    union = " union ".join(f"select day from {days_of(feed, file)}" for file in files)
    with duckdb.connect() as con:
        con.execute(f"attach {literal(current.database)} as published (read_only)")
        periods = _NO_PERIODS if load_feeds()[feed].is_by_month else _periods(con)
        found = con.execute(
            f"select coalesce(periods.month, date_trunc('month', days.day)::date) from ({union}) as days "
            f"left join ({periods}) as periods on days.day between periods.first_day and periods.last_day"
        ).fetchall()
        return {month for (month,) in found}


# What is no day of the accounts is in its calendar month, and so is all of a version without periods.
_NO_PERIODS = "select null::date as month, null::date as first_day, null::date as last_day"


def _periods(con: duckdb.DuckDBPyConnection) -> str:
    has_days = con.execute(
        "select 1 from duckdb_columns() where database_name = 'published' and schema_name = 'marts' "
        "and table_name = 'months' and column_name = 'first_day'"
    ).fetchall()
    return "select month, first_day, last_day from published.marts.months" if has_days else _NO_PERIODS
