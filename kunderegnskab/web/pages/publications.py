"""Udgivelser: what has changed from one publication to the next."""

from __future__ import annotations

from kunderegnskab.reading.publications import MEASURES, history
from kunderegnskab.web.asked import Asked, Context


def context(asked: Asked) -> Context:
    """The last publications, newest first."""
    names = {
        row["column_name"]: row[f"name_{asked.language.code}"]
        for row in asked.reader.rows("select * from audit.ladder")
    }
    return {
        "steps": [
            {
                "step": step,
                "figures": [
                    {
                        "name": names.get(measure, measure),
                        "value": step.figures[measure],
                        "change": step.figures[measure] - step.figures_before[measure]
                        if step.figures_before
                        else None,
                    }
                    for measure in MEASURES
                ]
                if step.figures
                else [],
            }
            for step in history(asked.reader)
        ],
        "here": asked.reader.publication.name,
    }
