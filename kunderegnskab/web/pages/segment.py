"""Gruppe: one segment's profile, who has come and gone, what service it is owed, and its members."""

from __future__ import annotations

from kunderegnskab.reading import segments
from kunderegnskab.web.asked import Asked, Context
from kunderegnskab.web.figures import Cells, cells
from kunderegnskab.web.names import segment_name

_PROFILE = (
    ("median_net_sales", "amount"),
    ("median_dg2", "ratio"),
    ("median_dg3", "ratio"),
    ("median_freight_pct", "ratio"),
    ("median_bonus_pct", "ratio"),
    ("median_return_pct", "ratio"),
    ("median_order_size", "amount"),
    ("median_lines_per_order", "count"),
    ("median_visits", "count"),
)


def context(asked: Asked) -> Context:
    """One segment."""
    found = segments.segment(asked.reader, asked.one("segment"))
    t = asked.texts
    good = segments.good_customers(asked.reader) if found.segment != segments.GOOD_CUSTOMERS else None
    profile = found.profile

    def place(row: Context | None) -> Cells | None:
        return cells("segment_profiles", row, "segment", "month") if row else None

    profile_cells, good_cells = place(profile), place(good)
    return {
        "segment": found.segment,
        "name": segment_name(asked, found.segment),
        "profile": profile,
        "profile_cells": profile_cells,
        "good": good,
        "characteristics": [
            {
                "name": t[column],
                "unit": unit,
                "value": profile[column] if profile else None,
                "address": profile_cells(column) if profile_cells else None,
                "good": good[column] if good else None,
                "good_address": good_cells(column) if good_cells else None,
            }
            for column, unit in _PROFILE
        ],
        "concept": found.concept,
        "concept_cells": cells("segment_service_concepts", found.concept, "month", "segment")
        if found.concept
        else None,
        "owed": found.owed,
        "moves_in": [{**row, "other_name": segment_name(asked, row["other"])} for row in found.moves_in],
        "moves_out": [{**row, "other_name": segment_name(asked, row["other"])} for row in found.moves_out],
        "members": [
            {
                **row,
                "opening_name": segment_name(asked, row["opening_segment"]),
                "cells": cells("customer_segments", row, "customer_id", "month"),
            }
            for row in found.members
        ],
        "customers_seen": [row["customer_id"] for row in found.members],
    }
