"""Beslutninger: the overrides that somebody has proposed, which wait for the viewer, and what was said."""

from __future__ import annotations

from kunderegnskab.decisions.proposals import Proposal, Proposals
from kunderegnskab.reading.reader import Row
from kunderegnskab.web.asked import Asked, Context
from kunderegnskab.web.names import segment_name
from kunderegnskab.workspace import Workspace

_MOST_ANSWERED = 100


def context(asked: Asked) -> Context:
    """Nothing of the publication: all is of today."""
    return {}


def now(asked: Asked, workspace: Workspace) -> Context:
    """The proposals on customers whom the viewer sees: those to answer, those of others, and the answered."""
    rows = proposed(asked, workspace)
    answered = [row for row in rows if row["proposal"].standing != "waiting"]
    return {
        "mine": [row for row in rows if row["may_answer"]],
        "others": [row for row in rows if row["proposal"].standing == "waiting" and not row["may_answer"]],
        "answered": answered[:_MOST_ANSWERED],
        "customers_seen": [row["customer_id"] for row in rows],
        "refused": None,
    }


def proposed(asked: Asked, workspace: Workspace, customer_id: str | None = None) -> list[Row]:
    """Proposals on customers whom the viewer sees, the newest first, as templates show them.

    Args:
        customer_id: that one alone.
    """
    proposals = Proposals(workspace)
    return [
        _row(asked, each, name, may_answer=proposals.may_answer(asked.reader.viewer, each))
        for each, name in _seen(asked, proposals)
        if customer_id in (None, each.customer_id)
    ]


def waiting(asked: Asked, workspace: Workspace) -> Context:
    """How many proposals wait for the viewer."""
    proposals = Proposals(workspace)
    mine = [each for each, _ in _seen(asked, proposals) if proposals.may_answer(asked.reader.viewer, each)]
    return {"proposals": len(mine)}


def _seen(asked: Asked, proposals: Proposals) -> list[tuple[Proposal, str | None]]:
    """The proposals on customers whom the viewer sees, each with the customer's name."""
    found = proposals.all()
    names = {
        row["customer_id"]: row["customer_name"]
        for row in asked.reader.rows(
            "select customer_id, customer_name from marts.customers "
            "where customer_id in (select unnest(?::varchar[]))",
            [[each.customer_id for each in found]],
        )
    }
    return [(each, names[each.customer_id]) for each in found if each.customer_id in names]


def _row(asked: Asked, each: Proposal, name: str | None, *, may_answer: bool) -> Row:
    until = each.valid_to
    return {
        "proposal": each,
        "customer_id": each.customer_id,
        "customer_name": name,
        "segment": segment_name(asked, each.segment),
        "proposed_by": asked.reader.writer_name(each.proposed_by),
        "answered_by": asked.reader.writer_name(each.decided_by) if each.decided_by else "",
        "until": asked.language.day(until) if until else "",
        "may_answer": may_answer,
    }
