"""Mål: which targets there are, from where they started, and how far they are."""

from __future__ import annotations

from kunderegnskab.reading.kpis import targets
from kunderegnskab.web.asked import Asked, Context
from kunderegnskab.web.figures import cells
from kunderegnskab.web.names import customers_of, scope_name


def context(asked: Asked) -> Context:
    """All targets that the viewer sees."""
    rows = targets(asked.reader)
    return {
        "rows": [
            {
                **row,
                "name": asked.of(row, "name"),
                "scope": scope_name(asked, row["scope_type"], row["scope_id"]),
                "cells": cells("target_baselines", row, "kpi_id", "scope_type", "scope_id", "month_from"),
                "target_cells": cells("kpi_targets", row, "kpi_id", "scope_type", "scope_id", "month_from"),
                "kpi_cells": cells(
                    "kpi_values", row, "kpi_id", "scope_type", "scope_id", "month", "time_window"
                )
                if row["month"]
                else None,
            }
            for row in rows
        ],
        "met": sum(bool(row["is_target_met"]) for row in rows),
        "customers_seen": list(customers_of(rows)),
        "judged": sum(row["is_target_met"] is not None for row in rows),
    }
