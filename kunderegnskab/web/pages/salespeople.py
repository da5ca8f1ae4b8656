"""Sælgere: the teams and the portfolios in them."""

from __future__ import annotations

from kunderegnskab.reading.salespeople import salespeople
from kunderegnskab.web.asked import Asked, Context
from kunderegnskab.web.figures import cells
from kunderegnskab.web.names import owner_name


def context(asked: Asked) -> Context:
    """All portfolios that the viewer sees."""
    found = salespeople(asked.reader)
    return {
        "rows": [
            {
                **row,
                "name": owner_name(asked, row["salesperson_id"]),
                "cells": cells("scope_windows", row, "scope_type", "scope_id", "month", "time_window"),
            }
            for row in found
        ],
    }
