"""Notes on customers and decisions on actions, as they are published.

Not here: writing them, and what no publication has yet (kunderegnskab/decisions/).
"""

from __future__ import annotations

from collections.abc import Iterable

from kunderegnskab.reading.reader import Reader, Row

_NOTES = "marts.customer_notes"
_COLUMNS = "customer_id, driver, decision, note, written_by, written_on"


def customer_notes(reader: Reader, customer_id: str) -> tuple[Row, ...]:
    """Rows of marts.customer_notes of one customer, the newest first; none before that was published."""
    if not reader.has(_NOTES):
        return ()
    return tuple(
        reader.rows(
            f"select * from {_NOTES} where customer_id = ? order by written_on desc, note_id desc",
            [customer_id],
        )
    )


def holding(reader: Reader) -> str:
    """SQL of the decisions on actions that hold, one row each: the newest of each customer and driver."""
    if not reader.has(_NOTES):
        empty = ", ".join(f"cast(null as varchar) as {name}" for name in _COLUMNS.split(", "))
        return f"select {empty} where false"
    return f"""
        select {_COLUMNS} from {_NOTES}
        where decision is not null and driver is not null
        qualify row_number() over (
            partition by customer_id, driver order by written_on desc, note_id desc
        ) = 1
    """


def decided(notes: Iterable[Row]) -> dict[str, Row]:
    """Driver -> the decision on the action that holds, of notes of one customer, the newest first."""
    found: dict[str, Row] = {}
    for row in notes:
        if row["decision"] and row["driver"]:
            found.setdefault(row["driver"], row)
    return found


def with_decisions(reader: Reader, actions: Iterable[Row]) -> tuple[Row, ...]:
    """Actions, each with the decision that holds on it.

    Args:
        actions: rows with customer_id and driver.

    Returns:
        The rows, each with `decision` (accepted, rejected or None), `decision_by` (a name that the viewer may
        know), `decision_on` and `decision_note`.
    """
    rows = tuple(actions)
    found = {(row["customer_id"], row["driver"]): row for row in reader.rows(holding(reader))} if rows else {}
    return tuple({**row, **_decision(reader, found.get((row["customer_id"], row["driver"])))} for row in rows)


def _decision(reader: Reader, row: Row | None) -> Row:
    if row is None:
        return dict.fromkeys(("decision", "decision_by", "decision_on", "decision_note"))
    return {
        "decision": row["decision"],
        "decision_by": reader.writer_name(row["written_by"]),
        "decision_on": row["written_on"],
        "decision_note": row["note"],
    }
