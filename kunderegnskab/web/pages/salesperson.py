"""Sælger: one portfolio, whether its targets are met, why it changed, and whom to visit."""

from __future__ import annotations

from kunderegnskab import charts
from kunderegnskab.charts import Bar, Told
from kunderegnskab.reading import overview
from kunderegnskab.reading.customers import Wanted, listed
from kunderegnskab.reading.overview import Scope
from kunderegnskab.reading.reader import NothingToRead
from kunderegnskab.reading.salespeople import portfolio
from kunderegnskab.reading.visits import VisitList, visit_list
from kunderegnskab.web import pictures
from kunderegnskab.web.asked import Asked, Context
from kunderegnskab.web.figures import cells, trace_address
from kunderegnskab.web.names import owner_name, segment_name

_VISITS = 25
_ENDS = ("opening", "closing")


def context(asked: Asked) -> Context:
    """One portfolio."""
    reader, t = asked.reader, asked.texts
    salesperson_id = asked.one("salesperson_id")
    found = portfolio(reader, salesperson_id)
    month = reader.last_month
    scope = Scope("salesperson", salesperson_id)
    customers = listed(reader, Wanted(salesperson=salesperson_id), most=None)
    visits = _visits(asked, salesperson_id)
    owed = [row for row in visits.visits if (row["remaining_visits"] or 0) > 0] if visits else []
    return {
        "name": owner_name(asked, salesperson_id),
        "salesperson": found.salesperson,
        "kpis": [
            {
                **row,
                "name": asked.of(row, "name"),
                "cells": cells("kpi_values", row, "kpi_id", "scope_type", "scope_id", "month", "time_window"),
            }
            for row in overview.kpis(reader, scope, "ytd")
        ],
        "bridge": _bridge(asked, found.bridge, salesperson_id),
        "groups": [{**row, "name": segment_name(asked, row["segment"])} for row in found.groups],
        "capacity": visits.capacity if visits else None,
        "customers": [
            {
                **row,
                "segment_name": segment_name(asked, row["segment"]),
                "cells": cells("customer_segments", row, "customer_id", month=month),
            }
            for row in customers.rows
        ],
        "totals": customers.totals,
        "visits": [
            {
                **row,
                "segment_name": segment_name(asked, row["segment"]),
                "cells": cells("sales_effort", row, "customer_id", "month"),
            }
            for row in owed[:_VISITS]
        ],
        "customers_seen": [row["customer_id"] for row in (*customers.rows, *owed[:_VISITS])],
        "bridge_said": t["portfolio_said"],
    }


def _visits(asked: Asked, salesperson_id: str) -> VisitList | None:
    """The list of visits; None where nobody is on it."""
    try:
        return visit_list(asked.reader, salesperson_id, asked.language.code)
    except NothingToRead:
        return None


def _bridge(asked: Asked, rows: tuple[Context, ...], salesperson_id: str) -> object:
    if not rows:
        return None
    bars = []
    for row in rows:
        is_end = row["component_group"] in _ENDS
        if not is_end and not row["amount"]:
            continue
        address = None
        if row["components"] == 1:
            address = trace_address(
                "portfolio_bridge",
                "amount",
                {
                    "salesperson_id": salesperson_id,
                    "month": asked.reader.last_month,
                    "time_window": "ytd",
                    "component": row["component"],
                },
            )
        bars.append(
            Bar(
                asked.texts[f"portfolio_{row['component_group']}"],
                row["amount"],
                asked.language.whole(row["amount"]),
                "total" if is_end else "gain" if row["amount"] > 0 else "loss",
                address,
            )
        )
    told = Told("portfolio", asked.texts["portfolio_bridge"], asked.texts["portfolio_said"])
    return pictures.both(lambda width: charts.waterfall(bars, told, width=width))
