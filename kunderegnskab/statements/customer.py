"""What stands on one customer's statement, in words and numbers ready to be printed.

Here: who the customer is, what has been done for it, what could be agreed. Not here: its account
(account.py), how it looks (templates/customer.typ), and the workbook (workbook.py).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from kunderegnskab.reading.accounts import CustomerAccount, ratio
from kunderegnskab.reading.names import DRIVERS, driver_name, owner_name, segment_name
from kunderegnskab.reading.reader import Reader, Row
from kunderegnskab.statements import account
from kunderegnskab.statements.common import Writing

# What fits on one page beside everything else.
_ACTIONS = 7
_NOTES, _NOTE_LENGTH = 3, 85


def content(reader: Reader, found: CustomerAccount, writing: Writing) -> dict[str, Any]:
    """What the template `customer` shows of one customer."""
    kind, name = writing.word("statement"), name_of(found)
    noted = note_lines(reader, found, writing, _NOTE_LENGTH)[:_NOTES]
    # Notes and decisions take room from what is worth least.
    decisions = sum(row["decision"] is not None for row in ranked_actions(found)[:_ACTIONS])
    taken = ((len(noted) + 3) // 2 if noted else 0) + (decisions + 1) // 2
    return {
        **writing.common(f"{kind}: {name}"),
        "kind": kind,
        "name": name,
        "period": account.period(found.account, writing),
        "compared": account.compared(found.account, writing),
        "facts": facts(reader, found, writing),
        "tiles": account.tiles(found.account, writing),
        "account": account.table(found.account, writing),
        "charts": account.charts(found.account, found.months, writing),
        "drivers": {"title": writing.word("drivers"), "rows": _drivers(found, writing)},
        "actions": actions(found, writing, max(_ACTIONS - taken, 1)),
        "notes": writing.word("notes"),
        "noted": noted,
    }


def name_of(found: CustomerAccount) -> str:
    """What the customer is called; its number where the list has no name."""
    return found.customer["customer_name"] or found.customer["customer_id"]


def facts(reader: Reader, found: CustomerAccount, writing: Writing) -> list[dict[str, str]]:
    """Who the customer is and what has been done for it: `label` and `value`."""
    return [
        {"label": writing.word(key), "value": value or writing.language.count(None)}
        for key, value in _facts(reader, found, writing)
    ]


def _facts(reader: Reader, found: CustomerAccount, writing: Writing) -> Iterator[tuple[str, str | None]]:
    customer, segment, effort = found.customer, found.segment, found.effort
    language, measures = writing.language, found.account.measures
    yield "customer_no", customer["customer_id"]
    if segment is None:
        yield "segment", writing.word("no_segment")
    else:
        good = f" · {writing.word('good_customer')}" if segment["is_good_customer"] else ""
        yield "segment", f"{segment_name(segment['segment'], writing.code)}{good}"
    yield (
        "salesperson",
        ", ".join(owner_name(reader, each["salesperson_id"], writing.code) for each in found.owners),
    )
    yield "industry", customer["industry"]
    chain, outlets = customer["chain_name"] or customer["chain_id"], customer["chain_customers"] or 0
    if outlets > 1:
        yield "chain", f"{chain} ({writing.word('outlets', count=language.count(outlets))})"
    else:
        yield "chain", writing.word("in_no_chain")
    terms = customer["payment_terms_days"]
    since = customer["customer_since"]
    yield "since", language.day(since) if since else None
    yield "terms", None if terms is None else writing.word("days", count=language.count(terms))
    orders = measures["order_count"]
    size = ratio(found.account.amount("invoiced_sales"), orders)
    if size is None:
        yield "orders", language.count(orders)
    else:
        ordered = {"count": language.count(orders), "size": language.whole(size)}
        yield "orders", writing.word("orders_of", **ordered, currency=writing.currency)
    visits = language.count(measures["visit_count"])
    if effort is not None and effort["planned_visits"] is not None:
        owed = language.tenths(effort["planned_visits"])
        visits = writing.word("visits_of", made=visits, owed=owed)
    yield "visits", visits
    yield "last_visit", language.day(effort["last_visit_date"] if effort is not None else None)


def _drivers(found: CustomerAccount, writing: Writing) -> list[dict[str, Any]]:
    """What each cost takes, beside the good customers: `is_above` where it takes more."""
    language = writing.language
    by_driver = {row["driver"]: row for row in found.drivers}
    shown = [row for key in DRIVERS if (row := by_driver.get(key))]
    return [
        {
            "label": driver_name(row["driver"], writing.code),
            "value": language.percent(row["rate"]),
            "good": writing.word("of_the_good", rate=language.percent(row["benchmark"]))
            if row["benchmark"] is not None
            else "",
            "is_above": bool(row["worth"]),
        }
        for row in shown
    ]


def action_text(action: Row, writing: Writing) -> str:
    """What to do, without the worth that stands beside it."""
    sentence = action[f"sentence_{writing.code}"]
    start, parted, end = sentence.rpartition("; ")
    told = f"{start}." if parted and end.startswith(("værd ", "worth ")) else sentence
    return f"{told}{decision_text(action, writing)}"


def decision_text(action: Row, writing: Writing) -> str:
    """Whether an action is accepted or rejected, by whom and why, to follow it; empty where it is not."""
    if not action["decision"]:
        return ""
    said = writing.word(
        action["decision"], who=action["decision_by"], day=writing.language.day(action["decision_on"])
    )
    return f" {said}: {action['decision_note']}" if action["decision_note"] else f" {said}."


def note_lines(
    reader: Reader, found: CustomerAccount, writing: Writing, longest: int | None = None
) -> list[str]:
    """The notes on the customer, the newest first: text, who and when. Decisions stand with their actions.

    Args:
        longest: how many characters of a text there is room for.
    """

    def text(note: str) -> str:
        return note if longest is None else textwrap.shorten(note, longest, placeholder=" …")

    return [
        f"{text(row['note'])} "
        f"({reader.writer_name(row['written_by'])}, {writing.language.day(row['written_on'])})"
        for row in found.notes
        if row["note"] and not row["decision"]
    ]


def ranked_actions(found: CustomerAccount) -> list[Row]:
    """The customer's actions, what is worth most first."""
    return sorted(found.actions, key=lambda each: (-each["worth"], each["driver"]))


def actions(found: CustomerAccount, writing: Writing, shown: int | None = _ACTIONS) -> dict[str, Any]:
    """What could be agreed with the customer: as many as are shown, and the sum of all."""
    ranked = ranked_actions(found)
    rest = [] if shown is None else ranked[shown:]
    left_out = writing.amount(sum((each["worth"] for each in rest), Decimal(0)))
    return {
        "title": writing.word("actions"),
        "head": [writing.word("action"), writing.word("worth")],
        "rows": [
            {"text": action_text(each, writing), "worth": writing.language.whole(each["worth"])}
            for each in ranked[:shown]
        ],
        "more": writing.word("more_actions", count=str(len(rest)), worth=left_out) if rest else "",
        "total_name": writing.word("total"),
        "total": writing.amount(sum((each["worth"] for each in ranked), Decimal(0))),
        "none": writing.word("no_actions"),
    }
