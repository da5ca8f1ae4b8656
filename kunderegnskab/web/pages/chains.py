"""Kæder: what the chains buy and leave."""

from __future__ import annotations

from kunderegnskab.reading.chains import chains
from kunderegnskab.web.asked import Asked, Context
from kunderegnskab.web.figures import cells
from kunderegnskab.web.names import customers_of


def context(asked: Asked) -> Context:
    """All chains."""
    rows = chains(asked.reader)
    return {
        "rows": [
            {**row, "cells": cells("scope_windows", row, "scope_type", "scope_id", "month", "time_window")}
            for row in rows
        ],
        "customers_seen": list(customers_of(rows)),
    }
