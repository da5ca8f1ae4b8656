"""Afstemning: that the accounts are the ledger's, month by month and line by line."""

from __future__ import annotations

from datetime import date

from kunderegnskab.reading import quality
from kunderegnskab.reading.reader import Row
from kunderegnskab.web.asked import Asked, Context
from kunderegnskab.web.figures import cells


def context(asked: Asked) -> Context:
    """All months, and the lines of one (`maaned=2025-12`)."""
    months = quality.tie_out_months(asked.reader)
    month = _asked_month(asked) or asked.reader.last_month
    lines = quality.tie_out(asked.reader, month, asked.language.code)
    causes = [cause for cause in quality.CAUSES if any(row[cause] for row in lines)]
    return {
        "months": [{**row, "cells": cells("company_accounts", row, "month")} for row in months],
        "answer": _answer(asked, months),
        "month": month,
        "lines": [
            {**row, "cells": cells("audit.ledger_reconciliation", row, "month", "line_code")} for row in lines
        ],
        "causes": causes,
    }


def _answer(asked: Asked, months: list[Row]) -> str:
    """Whether every month ties that the ledger has entries of."""
    tied = [row for row in months if row["ledger_result"] is not None]
    if any(row["unexplained"] for row in months):
        return asked.texts["not_tied"]
    if not tied:
        return asked.texts["not_to_tie"]
    if len(tied) < len(months):
        return asked.texts["tied_in_part"].format(count=len(tied))
    return asked.texts["tied"]


def _asked_month(asked: Asked) -> date | None:
    try:
        return date.fromisoformat(f"{asked.maybe('maaned')}-01")
    except ValueError:
        return None
