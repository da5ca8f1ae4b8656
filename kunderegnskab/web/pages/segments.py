"""Grupper: which groups there are and what each leaves."""

from __future__ import annotations

from urllib.parse import quote

from kunderegnskab import charts
from kunderegnskab.charts import Bar, Told
from kunderegnskab.reading.segments import segments
from kunderegnskab.web import pictures
from kunderegnskab.web.asked import Asked, Context
from kunderegnskab.web.names import segment_name


def context(asked: Asked) -> Context:
    """All segments."""
    rows = segments(asked.reader)
    bars = [
        Bar(
            segment_name(asked, row["segment"]),
            row["db3"],
            asked.language.whole(row["db3"]),
            "plain",
            f"/gruppe/{quote(row['segment'])}",
        )
        for row in rows
        if row["db3"]
    ]
    told = Told("groups", asked.texts["groups_chart"], asked.texts["groups_said"])
    return {
        "rows": [{**row, "name": segment_name(asked, row["segment"])} for row in rows],
        "chart": pictures.both(lambda width: charts.bars(bars, told, width=width)) if bars else None,
    }
