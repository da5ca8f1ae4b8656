"""Kvalitet: whether the checks of this publication have passed, and what became of each file's records."""

from __future__ import annotations

from collections import Counter

from kunderegnskab.reading import quality
from kunderegnskab.web.asked import Asked, Context

_STAGES = ("door", "dbt", "gate")


def context(asked: Asked) -> Context:
    """Checks and files of this publication."""
    checks = quality.checks(asked.reader)
    files = quality.files(asked.reader)
    counts = Counter((row["stage"], row["status"] == "passed") for row in checks)
    names = ("records_read", "records_loaded", "records_rejected", "records_left_out")
    totals = {name: sum(row[name] for row in files) for name in names}
    feeds: dict[str, Context] = {}
    for row in files:
        feed = feeds.setdefault(row["feed"], {"feed": row["feed"], "files": [], **dict.fromkeys(names, 0)})
        feed["files"].append(row)
        for name in names:
            feed[name] += row[name]
    return {
        "stages": [
            {
                "name": asked.texts[f"stage_{stage}"],
                "passed": counts[stage, True],
                "wanting": counts[stage, False],
            }
            for stage in _STAGES
        ],
        "wanting": [
            {
                **row,
                "expectation": (row["expectation_da"] if asked.language.code == "da" else None)
                or row["expectation"],
            }
            for row in checks
            if row["status"] != "passed"
        ],
        "passed": sum(row["status"] == "passed" for row in checks),
        "feeds": list(feeds.values()),
        "totals": totals,
    }
