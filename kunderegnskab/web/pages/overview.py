"""Overblik: what the year has brought, who earns it, what moved, and what waits."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from kunderegnskab import charts
from kunderegnskab.charts import Bar, Told
from kunderegnskab.reading import overview, segments
from kunderegnskab.reading.customers import Wanted, listed
from kunderegnskab.reading.reader import Row
from kunderegnskab.reading.windows import is_compared
from kunderegnskab.web import pictures
from kunderegnskab.web.asked import Asked, Context
from kunderegnskab.web.figures import cells
from kunderegnskab.web.names import customers_of, driver_name, salespeople_of, scope_name, segment_name

YEAR = ("net_sales", "db1", "db2", "db3", "dg3")
_UP_DOWN = Wanted(group="up_down", sort="db3_change")
_UP_DOWN_SHOWN = 8


def context(asked: Asked) -> Context:
    """The year of what the viewer answers for."""
    reader, t, f = asked.reader, asked.texts, asked.figures
    scope = overview.own_scope(reader.viewer)
    year = overview.kpis(reader, scope, "ytd", YEAR)
    months = overview.months(reader, scope)
    earners = overview.earners(reader)
    up, down = overview.movers(reader)
    up_down = listed(reader, _UP_DOWN, most=_UP_DOWN_SHOWN)
    waiting = overview.waiting(reader)
    groups, axes = segments.segments(reader), segments.axes(reader)
    classed = set(axes.segments)
    return {
        "scope": scope_name(asked, scope.scope_type, scope.scope_id),
        "is_company": scope.scope_type == "company",
        "year": [
            {
                **row,
                "name": asked.of(row, "name"),
                "cells": cells("kpi_values", row, "kpi_id", "scope_type", "scope_id", "month", "time_window"),
            }
            for row in year
        ],
        "said": _said(asked, year),
        "months": months,
        "month_cells": [
            cells("scope_windows", row, "scope_type", "scope_id", "month", "time_window") for row in months
        ],
        "db3_chart": pictures.by_month(
            months, "db3", f, Told("db3-months", t["db3_by_month"], t["db3_by_month_said"]), charts.HALF
        ),
        "net_sales_chart": pictures.by_month(
            months,
            "net_sales",
            f,
            Told("sales-months", t["sales_by_month"], t["sales_by_month_said"]),
            charts.HALF,
        ),
        "earners": earners,
        "earners_said": asked.sentence(
            "earners_said" if earners.erosion else "earners_all",
            peak_customers=asked.language.count(earners.peak_customers),
            customers=asked.language.count(len(earners.cumulative)),
            peak=asked.language.whole(earners.peak),
            erosion=asked.language.whole(earners.erosion),
            total=asked.language.whole(earners.total),
            others=asked.language.count(len(earners.cumulative) - earners.peak_customers),
        ),
        "whale": pictures.whale(earners.cumulative, f, Told("whale", t["earners"], t["whale_said"]))
        if earners.cumulative
        else None,
        "sizes": _classes(asked, "size", axes.sizes),
        "margins": [
            *_classes(asked, "margin", axes.margins),
            {"code": axes.negative, "name": t["class_margin_negative"].format(code=axes.negative)},
        ],
        "matrix": {row["segment"]: row for row in groups if row["segment"] in classed},
        "unclassed": [
            {**row, "name": segment_name(asked, row["segment"])}
            for row in groups
            if row["segment"] not in classed
        ],
        "bridge": _bridge(asked, scope),
        "up": [_mover(row) for row in up],
        "down": [_mover(row) for row in down],
        "is_year_compared": is_compared(reader, "ytd"),
        "is_r12_compared": is_compared(reader, "r12"),
        "up_down": [
            {**row, "cells": cells("customer_segments", row, "customer_id", month=reader.last_month)}
            for row in up_down.rows
        ],
        "up_down_all": up_down.totals["customers"],
        "actions": [
            {**row, "name": driver_name(asked, row["driver"])}
            for row in overview.actions(reader, reader.last_month)
        ],
        "approvals": [{**row, "sentence": asked.of(row, "sentence")} for row in waiting.approvals],
        "reviews": waiting.reviews,
        "missed": [
            {
                **row,
                "name": asked.of(row, "name"),
                "scope": scope_name(asked, row["scope_type"], row["scope_id"]),
                "cells": cells("kpi_values", row, "kpi_id", "scope_type", "scope_id", "month", "time_window"),
            }
            for row in waiting.missed
            if row["scope_type"] != "salesperson" or scope.scope_type != "company"
        ],
        "owed": waiting.owed,
        "customers_seen": [
            *customers_of((*up, *down, *up_down.rows, *waiting.reviews, *waiting.missed)),
            *customers_of(row["key"] for row in waiting.approvals),
        ],
        "salespeople_seen": list(salespeople_of(row["key"] for row in waiting.approvals)),
    }


def _classes(asked: Asked, axis: str, codes: Sequence[str]) -> list[Context]:
    """The classes of an axis with what they are called: the company's own codes, and which ends are which."""
    if len(codes) == 1:
        return [{"code": codes[0], "name": codes[0]}]
    ends = {0: "first", len(codes) - 1: "last"}
    return [
        {
            "code": code,
            "name": asked.texts[f"class_{axis}_{ends.get(place, 'between')}"].format(code=code),
        }
        for place, code in enumerate(codes)
    ]


def _mover(row: Row) -> Row:
    return {
        **row,
        "cells": cells(
            "scope_windows", row, "scope_type", "month", "time_window", scope_id=row["customer_id"]
        ),
    }


def _said(asked: Asked, year: list[Row]) -> str:
    """The year in one sentence: whether sales and contribution went the same way."""
    by_id = {row["kpi_id"]: row for row in year}
    sales, db3 = by_id.get("net_sales"), by_id.get("db3")
    if sales is None or db3 is None or sales["change"] is None or db3["change"] is None:
        return ""
    text = f"year_{'up' if sales['change'] >= 0 else 'down'}_{'up' if db3['change'] >= 0 else 'down'}"
    return asked.sentence(
        text,
        sales=asked.figures.relative(sales["value"], sales["prior_year_value"]).lstrip("+-"),
        db3=asked.language.whole(abs(db3["change"])),
        value=asked.language.whole(db3["value"]),
    )


def _bridge(asked: Asked, scope: overview.Scope) -> Context | None:
    """From last year's DB I to this year's, as chart and rows."""
    row = overview.effects(asked.reader, scope)
    if row is None:
        return None
    place = cells("scope_effects", row, "scope_type", "scope_id", "month", "time_window")
    whole, t = asked.language.whole, asked.texts
    columns = [(name, f"{name}_db1" if f"{name}_db1" in row else name) for name in overview.BRIDGE]
    steps = [(t[f"effect_{name}"], row[column], column) for name, column in columns if row[column]]
    # Price, exchange rates and costs change sales and DB I alike, and have one column.
    rows: list[tuple[str, Decimal, str]] = [
        (t["effect_opening"], row["opening_db1"], "opening_db1"),
        *steps,
        (t["effect_closing"], row["closing_db1"], "closing_db1"),
    ]
    bars = [
        Bar(
            name,
            value,
            whole(value),
            "total" if number in (0, len(rows) - 1) else "gain" if value > 0 else "loss",
            place(column),
        )
        for number, (name, value, column) in enumerate(rows)
    ]
    told = Told("bridge", t["bridge"], t["bridge_said"])
    return {"chart": pictures.both(lambda width: charts.waterfall(bars, told, width=width))}
