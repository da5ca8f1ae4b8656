"""Udgivelser: what has changed from one publication to the next."""

from __future__ import annotations

from kunderegnskab.publication.changes import Changes
from kunderegnskab.reading.publications import Step, history
from kunderegnskab.web.asked import Asked, Context

_MEASURES = ("net_sales", "db1", "db2", "db3")


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
                "figures": _figures(step.changes, names) if step.changes else [],
                "files": _files(asked, step),
            }
            for step in history(asked.reader)
        ],
        "here": asked.reader.publication.name,
    }


def _figures(changes: Changes, names: dict[str, str]) -> list[Context]:
    """Sums of all months, each with how much more it is than in the publication before."""
    now, before = changes.all_months.now, changes.all_months.before
    return [
        {
            "name": names.get(measure, measure),
            "value": getattr(now, measure),
            "change": getattr(now, measure) - getattr(before, measure) if before else None,
        }
        for measure in _MEASURES
    ]


def _files(asked: Asked, step: Step) -> list[tuple[str, list[str]]]:
    """What a publication was made from otherwise than the one before, by what happened to it."""
    t, files = asked.texts, step.files
    told = [
        (t["files_new"], list(files.new)),
        (t["files_changed"], list(files.changed)),
        (t["files_gone"], list(files.gone)),
        (t["others_changed"], [t.get(f"other_{name}", name) for name in files.others]),
    ]
    return [(title, found) for title, found in told if found]
