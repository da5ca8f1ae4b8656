"""An account as it is printed, whoever's it is: figures, lines with their bars, months.

Here: words, numbers and places of bars, ready for templates, terminal and workbook. Not here: what is told of
one customer beside its account.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from kunderegnskab.months import months_on
from kunderegnskab.reading.accounts import Account, Line
from kunderegnskab.reading.reader import Row
from kunderegnskab.statements.common import Scale, Writing

_TILES = ("net_sales", "db1", "db2", "db3")
_CHARTS = ("net_sales", "db3")


def months_of(account: Account) -> list[date]:
    """The months of the account's window, first to last."""
    first, last = account.first_month, account.month
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [months_on(first, number) for number in range(count)]


def period(account: Account, writing: Writing) -> str:
    """The months of the account in words."""
    language = writing.language
    said = writing.word(
        "period", first=language.month(account.first_month), last=language.month(account.month)
    )
    return said if account.is_complete else f"{said} ({writing.word('incomplete')})"


def compared(account: Account, writing: Writing) -> str:
    """What the account is compared with, in words."""
    return writing.word("compared" if account.measures["is_compared"] else "not_compared")


def tone(change: Decimal | None) -> str:
    """Whether a change of a result is good or bad news; empty where it is neither."""
    if not change:
        return ""
    return "good" if change > 0 else "bad"


def tiles(account: Account, writing: Writing) -> list[dict[str, str]]:
    """The account in five figures, each with what it was."""
    return list(_tiles(account, writing))


def _tiles(account: Account, writing: Writing) -> Iterator[dict[str, str]]:
    language = writing.language
    for line in filter(None, map(account.line, _TILES)):
        change = ""
        if line.change is not None:
            changed, before = language.change(line.change), language.whole(line.compared)
            change = writing.word("was", change=changed, before=before)
        yield {
            "label": line.name,
            "value": language.whole(line.amount),
            "change": change,
            "tone": tone(line.change),
        }
    result = account.line("db3")
    if result is not None:
        share, before = account.share(result), account.compared_share(result)
        points = None if share is None or before is None else share - before
        yield {
            "label": f"{result.name} %",
            "value": language.percent(share),
            "change": ""
            if points is None
            else writing.word("was_points", change=language.points(points), before=language.percent(before)),
            "tone": tone(points),
        }


def table(account: Account, writing: Writing) -> dict[str, Any]:
    """The lines as they are printed: what each does to the result, so that every column adds up downward."""
    language = writing.language
    spans = list(_spans(account.lines))
    scale = Scale.of(amount for span in spans for amount in span)
    rows = []
    for line, span in zip(account.lines, spans, strict=True):
        before = line.compared_effect
        rows.append(
            {
                "name": line.name,
                "is_subtotal": line.is_subtotal,
                "is_below": line.effect < 0,
                "amount": language.whole(line.effect),
                "share": language.percent(account.share(line)),
                "before": language.whole(before),
                "change": language.change(None if before is None else line.effect - before),
                **scale.span(*span),
            }
        )
    return {
        "title": writing.word("account"),
        "head": [
            writing.word("line"),
            writing.currency,
            *map(writing.word, ("share", "before", "change", "waterfall")),
        ],
        "zero": scale.place(Decimal(0)),
        "rows": rows,
    }


def _spans(lines: Sequence[Line]) -> Iterator[tuple[Decimal, Decimal]]:
    """Where each line's bar begins and ends: a subtotal's at 0, another's where the line before has ended."""
    reached = Decimal(0)
    for line in lines:
        begun = Decimal(0) if line.is_subtotal else reached
        reached = line.amount if line.is_subtotal else reached + line.effect
        yield begun, reached


def charts(account: Account, months: Sequence[Row], writing: Writing) -> list[dict[str, Any]]:
    """Net sales and the result by month, each beside the year before.

    Args:
        months: rows with `month` and the columns of lines, of the window and of the one before.
    """
    by_month = {row["month"]: row for row in months}

    def amount(month: date, column: str) -> Decimal:
        return by_month[month][column] if month in by_month else Decimal(0)

    return [
        _chart(
            line,
            [
                (
                    month,
                    amount(month, line.column),
                    amount(months_on(month, -12), line.column) if account.measures["is_compared"] else None,
                )
                for month in months_of(account)
            ],
            writing,
        )
        for line in filter(None, map(account.line, _CHARTS))
    ]


def _chart(
    line: Line, shown: Sequence[tuple[date, Decimal, Decimal | None]], writing: Writing
) -> dict[str, Any]:
    scale = Scale.of(amount for _, *pair in shown for amount in pair if amount is not None)
    return {
        "title": writing.word("by_month", line=line.name),
        "legend": writing.word("mark") if any(before is not None for _, _, before in shown) else "",
        "zero": scale.place(Decimal(0)),
        "months": [
            {
                "label": writing.language.short_month(month)[:3],
                "is_below": amount < 0,
                "before": None if before is None else scale.place(before),
                **scale.span(Decimal(0), amount),
            }
            for month, amount, before in shown
        ],
    }
