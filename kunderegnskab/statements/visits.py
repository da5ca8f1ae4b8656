"""What stands on a salesperson's list of visits, ready to be printed.

Here: each customer with why, when last and what is at stake. Not here: the order, which the publication has,
and how it looks (templates/visits.typ).
"""

from __future__ import annotations

from typing import Any

from kunderegnskab.reading.names import segment_name
from kunderegnskab.reading.reader import Reader, Row
from kunderegnskab.reading.visits import VisitList
from kunderegnskab.statements.common import Writing
from kunderegnskab.statements.customer import decision_text


def content(reader: Reader, found: VisitList, writing: Writing) -> dict[str, Any]:
    """What the template `visits` shows of one list."""
    kind, name = writing.word("visit_list"), reader.salesperson_name(found.salesperson_id) or ""
    owed = sum(1 for row in found.visits if row["remaining_visits"])
    return {
        **writing.common(f"{kind}: {name}"),
        "kind": kind,
        "name": name,
        "period": writing.language.month(found.month),
        "summary": writing.word("visit_summary", customers=str(len(found.visits)), owed=str(owed)),
        "capacity": found.capacity["sentence"] if found.capacity else "",
        "head": [
            writing.word(key)
            for key in ("rank", "customer", "visits", "last_visit", "at_stake", "why", "notes")
        ],
        "rows": [_row(row, writing) for row in found.visits],
    }


def _row(row: Row, writing: Writing) -> dict[str, Any]:
    language = writing.language
    made = language.count(row["actual_visits"])
    planned = row["planned_visits"]
    if planned is not None:
        made = writing.word("of", made=made, owed=language.tenths(planned))
    told = (row["industry"], segment_name(row["segment"], writing.code))
    return {
        "rank": str(row["priority_rank"]),
        "name": row["customer_name"] or row["customer_id"],
        "told": " · ".join((row["customer_id"], *filter(None, told))),
        "is_good": bool(row["is_good_customer"]),
        "visits": made,
        "last": language.day(row["last_visit_date"]),
        "at_stake": language.whole(row["at_stake"]),
        "reason": row["reason"],
        "action": f"{row['first_action']}{decision_text(row, writing)}" if row["first_action"] else "",
        "is_owed": bool(row["remaining_visits"]),
    }
