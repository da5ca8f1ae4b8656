"""Rejected records as plain sentences: which file, record and column, what stands there, what to do.

The rejected records are found by `typed` (one record) and `load` (keys that repeat).
"""

from __future__ import annotations

import duckdb

from kunderegnskab.ingest.cpr import REASON
from kunderegnskab.problems import InputProblem

_ACTION = "correct it in the source and deliver the file again, or allow it with allow_rejects in feeds.yaml"
_ACTION_CPR = "remove it and deliver the file again, or leave the record out with allow_rejects in feeds.yaml"
# Longer text is cut: a sentence must stay readable, and the record says where the rest stands.
_SHOWN = 80


def reject_problems(
    con: duckdb.DuckDBPyConnection, limit: int, feed: str | None = None
) -> list[InputProblem]:
    """The first `limit` rejected records of a warehouse, by file and record.

    Args:
        con: a warehouse that `load_warehouse` filled.
        feed: only the records of this feed.
    """
    found = con.execute(
        "select source_file, source_record, column_name, raw_value, reason from raw.rejects "
        "where $feed is null or feed = $feed order by source_file, source_record, feed limit $limit",
        {"feed": feed, "limit": limit},
    ).fetchall()
    return [
        InputProblem(
            file,
            f"{_quoted(text)}{reason}",
            _ACTION_CPR if reason == REASON else _ACTION,
            record=record,
            column=column,
        )
        for file, record, column, text, reason in found
    ]


def _quoted(text: str | None) -> str:
    if text is None:
        return ""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f"'{shown}' "
