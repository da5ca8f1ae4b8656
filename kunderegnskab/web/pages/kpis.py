"""KPI-katalog: what is measured, what each KPI misses, and what to look at beside it."""

from __future__ import annotations

from kunderegnskab.reading.kpis import register
from kunderegnskab.reading.overview import kpis, own_scope
from kunderegnskab.web.asked import Asked, Context
from kunderegnskab.web.figures import cells


def context(asked: Asked) -> Context:
    """All KPIs, with the value of what the viewer answers for."""
    rows = register(asked.reader)
    names = {row["kpi_id"]: asked.of(row, "name") for row in rows}
    values = {row["kpi_id"]: row for row in kpis(asked.reader, own_scope(asked.reader.viewer), "ytd")}
    return {
        "kpis": [
            {
                **row,
                "name": names[row["kpi_id"]],
                "definition": asked.of(row, "definition"),
                "formula": asked.of(row, "formula"),
                "influence": asked.of(row, "influence"),
                "misses": asked.of(row, "misses"),
                "beside": names.get(row["measure_beside"]),
                "kind": asked.texts[f"kind_{row['kpi_kind']}"],
                "value": values.get(row["kpi_id"]),
                "cells": cells(
                    "kpi_values",
                    values[row["kpi_id"]],
                    "kpi_id",
                    "scope_type",
                    "scope_id",
                    "month",
                    "time_window",
                )
                if row["kpi_id"] in values
                else None,
            }
            for row in rows
        ],
        "today": sum(bool(row["is_measured_today"]) for row in rows),
        "alone": sum(bool(row["is_measured_alone"]) for row in rows),
    }
