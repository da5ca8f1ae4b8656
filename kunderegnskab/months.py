"""Months as people write them: 2025-06. A company's own calendar is the dbt model months."""

from __future__ import annotations

from datetime import date

from kunderegnskab.problems import KunderegnskabError


class NoMonth(KunderegnskabError):
    """A text that is no month."""


def month_of(text: str) -> date:
    """The first day of a month written as 2025-06. Raises NoMonth."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise NoMonth(f"{text} is no month; write it as 2025-06.") from None


def months_on(day: date, months: int) -> date:
    """The first day of the month that lies so many months after that of a day; before it if negative."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)
