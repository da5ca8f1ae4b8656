"""What stands in the month's management report, ready to be printed: a page each for the overview, groups,
salespeople, actions and the tie-out.

Here: tables of texts. Not here: which figures (reading/month_report.py), how it looks
(templates/management.typ).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from kunderegnskab.reading.accounts import ratio
from kunderegnskab.reading.month_report import BRIDGE, MonthReport
from kunderegnskab.reading.names import driver_name, owner_name, segment_name
from kunderegnskab.reading.reader import Reader, Row
from kunderegnskab.statements import account
from kunderegnskab.statements.common import Scale, Writing
from kunderegnskab.statements.customer import action_text

# More points than these nobody sees.
_POINTS = 150
_BELOW = ("segment_cost", "unused_capacity", "unallocated", "rate_difference")
_ADDED = ("bonus_timing", "credit_cost_put_back")


def content(reader: Reader, found: MonthReport, writing: Writing) -> dict[str, Any]:
    """What the template `management` shows."""
    kind = writing.word("month_report")
    return {
        **writing.common(f"{kind}: {writing.language.month(found.account.month)}"),
        "kind": kind,
        "period": account.period(found.account, writing),
        "compared": account.compared(found.account, writing),
        "overview": {
            "title": writing.word("overview"),
            "tiles": account.tiles(found.account, writing),
            "account": account.table(found.account, writing),
            "charts": account.charts(found.account, found.months, writing),
            "whale": _whale(found, writing),
        },
        "tables": [
            _segments(found, writing),
            _portfolios(reader, found, writing),
            _actions(reader, found, writing),
            _tie_out(found, writing),
        ],
        "drivers": _drivers(found, writing),
    }


def _whale(found: MonthReport, writing: Writing) -> dict[str, Any] | None:
    """The whale curve, at most so many points of it, and what it says; None where nothing is lost again."""
    known = found.concentration
    if known is None or not known["erosion"]:
        return None
    every = max(1, len(found.curve) // _POINTS)
    points = [row for row in found.curve if row["rank"] % every == 0 or row["rank"] == len(found.curve)]
    scale = Scale.of(row["cumulative_db3"] for row in found.curve)
    customers = Scale.of([Decimal(len(found.curve))])
    said = writing.word(
        "concentration",
        customers=writing.language.count(known["peak_customers"]),
        peak=writing.amount(known["peak_db3"]),
        erosion=writing.amount(known["erosion"]),
        rest=writing.language.count(known["customer_count"] - known["peak_customers"]),
    )
    return {
        "title": writing.word("whale"),
        "zero": scale.place(Decimal(0)),
        "end": scale.place(known["total_db3"]),
        "points": [
            [customers.place(Decimal(row["rank"])), scale.place(row["cumulative_db3"])] for row in points
        ],
        "said": said,
    }


def _bars(found: MonthReport, rows: Sequence[Row], names: Sequence[str], writing: Writing) -> dict[str, Any]:
    """DB III of each row as a bar, beside the year before."""
    is_compared = found.account.measures["is_compared"]
    result = found.account.line("db3")
    scale = Scale.of(row[key] for row in rows for key in ("db3", *(("compared_db3",) if is_compared else ())))
    return {
        "title": result.name if result else writing.word("short_db3"),
        "legend": writing.word("mark") if is_compared else "",
        "zero": scale.place(Decimal(0)),
        "rows": [
            {
                "name": name,
                "value": writing.language.whole(row["db3"]),
                "is_below": row["db3"] < 0,
                "before": scale.place(row["compared_db3"]) if is_compared else None,
                **scale.span(Decimal(0), row["db3"]),
            }
            for name, row in zip(names, rows, strict=True)
        ],
    }


def _sum(rows: Iterable[Row], column: str) -> Decimal:
    return sum((row[column] or Decimal(0) for row in rows), Decimal(0))


def _result_change(found: MonthReport, rows: Sequence[Row]) -> Decimal | None:
    if not found.account.measures["is_compared"]:
        return None
    return _sum(rows, "db3") - _sum(rows, "compared_db3")


def _segments(found: MonthReport, writing: Writing) -> dict[str, Any]:
    language = writing.language
    names = [segment_name(row["scope_id"], writing.code) for row in found.segments]

    def cells(name: str, rows: Sequence[Row]) -> list[str]:
        sales, result = _sum(rows, "net_sales"), _sum(rows, "db3")
        before = _sum(rows, "compared_net_sales")
        is_compared = found.account.measures["is_compared"]
        return [
            name,
            language.count(_sum(rows, "customer_count")),
            language.count(sum(row["good_customers"] for row in rows)),
            language.whole(sales),
            language.change(sales - before if is_compared else None),
            language.whole(_sum(rows, "db2")),
            language.percent(ratio(_sum(rows, "db2"), sales)),
            language.whole(result),
            language.change(_result_change(found, rows)),
            language.percent(ratio(result, sales)),
        ]

    db2, db3, change = (writing.word(key) for key in ("short_db2", "short_db3", "change"))
    return {
        "title": writing.word("groups"),
        "note": writing.word("groups_note"),
        "head": [
            writing.word("segment"),
            writing.word("customers"),
            writing.word("good_customers"),
            writing.word("short_net_sales"),
            change,
            *(db2, "%", db3, change, "%"),
        ],
        "texts": 1,
        "is_plain": False,
        "rows": [cells(name, [row]) for name, row in zip(names, found.segments, strict=True)],
        "total": cells(writing.word("total"), found.segments),
        "chart": _bars(found, found.segments, names, writing),
    }


def _portfolios(reader: Reader, found: MonthReport, writing: Writing) -> dict[str, Any]:
    language = writing.language
    names = [owner_name(reader, row["scope_id"], writing.code) for row in found.portfolios]

    def cells(name: str, rows: Sequence[Row]) -> list[str]:
        sales, result = _sum(rows, "net_sales"), _sum(rows, "db3")
        return [
            name,
            language.count(_sum(rows, "customer_count")),
            language.whole(sales),
            language.whole(result),
            language.percent(ratio(result, sales)),
            language.change(_result_change(found, rows)),
            *(
                language.change(_sum(rows, part) if any(row[part] is not None for row in rows) else None)
                for part in BRIDGE
            ),
        ]

    return {
        "title": writing.word("salespeople"),
        "note": writing.word("salespeople_note"),
        "head": [
            writing.word("salesperson"),
            writing.word("customers"),
            writing.word("short_net_sales"),
            writing.word("short_db3"),
            "%",
            writing.word("change"),
            *(writing.word(f"bridge_{part}") for part in BRIDGE),
        ],
        "texts": 1,
        "is_plain": False,
        "rows": [cells(name, [row]) for name, row in zip(names, found.portfolios, strict=True)],
        "total": cells(writing.word("total"), found.portfolios),
        "chart": _bars(found, found.portfolios, names, writing),
    }


def _actions(reader: Reader, found: MonthReport, writing: Writing) -> dict[str, Any]:
    sums = found.all_actions
    return {
        "title": writing.word("best_actions"),
        "note": writing.word(
            "best_actions_note",
            shown=str(len(found.actions)),
            actions=writing.language.count(sums["actions"]),
            customers=writing.language.count(sums["customers"]),
            worth=writing.amount(sums["worth"]),
        ),
        "head": [writing.word(key) for key in ("customer", "salesperson", "action", "worth")],
        "texts": 3,
        "is_plain": True,
        "rows": [
            [
                row["customer_name"] or row["customer_id"],
                owner_name(reader, row["salesperson_id"], writing.code),
                action_text(row, writing),
                writing.language.whole(row["worth"]),
            ]
            for row in found.actions
        ],
        "total": [],
        "chart": None,
    }


def _drivers(found: MonthReport, writing: Writing) -> dict[str, Any]:
    return {
        "title": writing.word("by_driver"),
        "head": [writing.word(key) for key in ("driver_driver", "customers", "worth")],
        "rows": [
            [
                driver_name(row["driver"], writing.code),
                writing.language.count(row["customers"]),
                writing.language.whole(row["worth"]),
            ]
            for row in found.drivers
        ],
    }


def _tie_out(found: MonthReport, writing: Writing) -> dict[str, Any]:
    language = writing.language
    months = [row for row in found.months if row["month"] >= found.account.first_month]
    # At actual rates the column would say nothing.
    below = tuple(
        column for column in _BELOW if column != "rate_difference" or any(row[column] for row in months)
    )

    def cells(name: str, rows: Sequence[Row]) -> list[str]:
        tied = [row for row in rows if row["ledger_result"] is not None]
        return [
            name,
            language.whole(_sum(rows, "db3")),
            *(language.whole(-_sum(rows, column)) for column in below),
            language.change(sum((_sum(rows, column) for column in _ADDED), Decimal(0))),
            language.whole(_sum(tied, "ledger_result") if tied else None),
            language.money(_sum(tied, "difference") if tied else None),
        ]

    return {
        "title": writing.word("tie_out"),
        "note": writing.word("tie_out_note"),
        "head": [
            writing.word("month"),
            writing.word("short_db3"),
            *(writing.word(f"tie_{column}") for column in below),
            writing.word("tie_added"),
            writing.word("tie_ledger_result"),
            writing.word("tie_difference"),
        ],
        "texts": 1,
        "is_plain": True,
        "rows": [cells(language.month(row["month"]), [row]) for row in months],
        "total": cells(writing.word("total"), months),
        "chart": None,
    }
