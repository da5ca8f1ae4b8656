"""Overblik: what the year has brought, who earns it, what moved, and what waits."""

from __future__ import annotations

from decimal import Decimal

from kunderegnskab import charts
from kunderegnskab.charts import Bar, Told
from kunderegnskab.reading import overview
from kunderegnskab.reading.reader import Row
from kunderegnskab.web import pictures
from kunderegnskab.web.asked import Asked, Context
from kunderegnskab.web.figures import cells
from kunderegnskab.web.names import driver_name, scope_name

YEAR = ("net_sales", "db1", "db2", "db3", "dg3")
_UP_DOWN_SHOWN = 8
_SIZES = ("A", "B", "C")
_MARGINS = ("1", "2", "3", "N")


def context(asked: Asked) -> Context:
    """The year of what the viewer answers for."""
    reader, t, f = asked.reader, asked.texts, asked.figures
    scope = overview.own_scope(reader.viewer)
    year = overview.kpis(reader, scope, "ytd", YEAR)
    months = overview.months(reader, scope)
    earners = overview.earners(reader)
    up, down = overview.movers(reader)
    up_down = overview.sales_up_db_down(reader)
    waiting = overview.waiting(reader)
    segments = overview.segments(reader)
    in_matrix = [row for row in segments if row["size_class"] in _SIZES and row["margin_class"] in _MARGINS]
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
            "earners_said",
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
        "sizes": _SIZES,
        "margins": _MARGINS,
        "matrix": {(row["size_class"], row["margin_class"]): row for row in in_matrix},
        "unclassed": [row for row in segments if row not in in_matrix],
        "bridge": _bridge(asked, scope),
        "up": [_mover(row) for row in up],
        "down": [_mover(row) for row in down],
        "up_down": [_mover(row) for row in up_down[:_UP_DOWN_SHOWN]],
        "up_down_all": len(up_down),
        "actions": [{**row, "name": driver_name(asked, row["driver"])} for row in overview.actions(reader)],
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
        "customers_seen": [row["customer_id"] for row in (*up, *down, *up_down[:_UP_DOWN_SHOWN])],
    }


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
