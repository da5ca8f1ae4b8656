"""What the forms of pages write: notes, decisions on actions, proposed overrides and answers.

A form that is taken leads back to its page; one that is refused is shown again, with what was written in it
and what is wrong. What is written, and what is refused, belongs in `kunderegnskab/decisions/`.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kunderegnskab.decisions.notes import write_note
from kunderegnskab.decisions.policy_file import CannotWrite
from kunderegnskab.decisions.proposals import Proposals
from kunderegnskab.problems import one_line
from kunderegnskab.reading.reader import Reader
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.reading.segments import axes
from kunderegnskab.web.all_pages import PAGES
from kunderegnskab.web.pages.customer import is_classed_alone
from kunderegnskab.web.shown import page_of
from kunderegnskab.web.texts import texts
from kunderegnskab.web.visit import Visit, visit_of

_CUSTOMER, _DECISIONS = (
    next(page for page in PAGES if page.name == name) for name in ("customer", "decisions")
)


def note(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """POST /kunde/{customer_id}/note: a note on a customer, or on an action with a decision."""
    visit = visit_of(request)
    customer_id = _customer(request, reader)
    driver, decision = visit.form.get("driver", ""), visit.form.get("decision", "")
    text = visit.form.get("note", "")
    try:
        if driver and not _has_action(reader, customer_id, driver):
            raise CannotWrite("unknown", "There is no such action at the customer.")
        write_note(
            visit.frame.workspace, viewer, customer_id, text, _now(visit), driver=driver, decision=decision
        )
    except CannotWrite as error:
        place = driver if _has_action(reader, customer_id, driver) else ""
        refused = {"form": place, "said": _said(visit, error), "note": text}
        return page_of(_CUSTOMER, request, reader, 422, refused=refused)
    return RedirectResponse(f"/kunde/{quote(customer_id, safe='')}#notes", 303)


def propose(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """POST /kunde/{customer_id}/gruppe: an override of the customer's segment."""
    visit = visit_of(request)
    customer_id = _customer(request, reader)
    given = {name: visit.form.get(name, "") for name in ("segment", "reason", "until")}
    try:
        if not is_classed_alone(reader, visit.frame.workspace, customer_id):
            raise CannotWrite("unknown", "The chain is classed as one; decide on the customer at its top.")
        Proposals(visit.frame.workspace).propose(
            viewer,
            customer_id,
            given["segment"],
            given["reason"],
            given["until"],
            _now(visit),
            segments=axes(reader).segments,
        )
    except CannotWrite as error:
        refused = {"form": "segment", "said": _said(visit, error), "note": "", **given}
        return page_of(_CUSTOMER, request, reader, 422, refused=refused)
    return RedirectResponse(f"/kunde/{quote(customer_id, safe='')}#override", 303)


def answer(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """POST /beslutninger: yes or no to a proposal on a customer whom the viewer sees."""
    visit = visit_of(request)
    proposals = Proposals(visit.frame.workspace)
    wanted, text = visit.form.get("proposal", ""), visit.form.get("note", "")
    found = next((each for each in proposals.all() if each.proposal_id == wanted), None)
    if found is None or not _sees(reader, found.customer_id):
        raise HTTPException(404)
    visit.saw(customers=[found.customer_id])
    try:
        if visit.form.get("answer") == "approve":
            proposals.approve(viewer, wanted, _now(visit))
        else:
            proposals.reject(viewer, wanted, text, _now(visit))
    except CannotWrite as error:
        refused = {"form": wanted, "said": _said(visit, error), "note": text}
        return page_of(_DECISIONS, request, reader, 422, refused=refused)
    return RedirectResponse("/beslutninger", 303)


def _customer(request: Request, reader: Reader) -> str:
    """The customer whom the viewer sees; all others are not there."""
    customer_id = request.path_params["customer_id"]
    if not _sees(reader, customer_id):
        raise HTTPException(404)
    return customer_id


def _sees(reader: Reader, customer_id: str) -> bool:
    return reader.row("select 1 from marts.customers where customer_id = ?", [customer_id]) is not None


def _has_action(reader: Reader, customer_id: str, driver: str) -> bool:
    return (
        reader.row(
            "select 1 from marts.customer_actions where customer_id = ? and driver = ?", [customer_id, driver]
        )
        is not None
    )


def _now(visit: Visit) -> datetime:
    return datetime.fromtimestamp(visit.frame.settings.clock(), UTC)


def _said(visit: Visit, error: CannotWrite) -> str:
    """Why nothing was written, in the page's language; how the file stands is for whoever runs the page."""
    logging.getLogger("kunderegnskab.web").info("%s", one_line(str(error)))
    return texts(visit.language)[f"refused_{error.why}"]
