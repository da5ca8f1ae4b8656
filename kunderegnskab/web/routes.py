"""The table of all routes: where, who may open it, whether it writes, and what answers.

A new page is a row here. `roles` has no default, so that nobody forgets to say who may open it; what
somebody sees on it is the reader's to decide. tests/web opens every row as everybody, with ids that are
theirs and not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from kunderegnskab.decisions.notes import WRITERS
from kunderegnskab.decisions.proposals import APPROVERS
from kunderegnskab.reading.scope import ROLES, Role
from kunderegnskab.web import decision_forms, frame_pages, papers
from kunderegnskab.web.all_pages import PAGES
from kunderegnskab.web.shown import shown

EVERYBODY: frozenset[Role] = frozenset(ROLES)
"""Everybody who has signed in."""
SEES_ALL: frozenset[Role] = frozenset({"finance", "audit"})
STRANGERS: frozenset[Role] = frozenset()
"""Also who has not signed in: what shows nothing of a publication. Its handler gets no reader."""


@dataclass(frozen=True)
class Route:
    """One row.

    Attributes:
        path: as Starlette writes it; the first that matches answers. An id of a customer is
            `{customer_id:path}`, of a salesperson `{salesperson_id:path}`: the log of who saw what takes them
            from there.
        handler: a plain function of request, viewer and reader, run in a thread. It answers with a whole
            response, never a stream, because the reader is closed when it returns. What the reader does not
            show is `HTTPException(404)`, whether it is there or not.
        roles: who may open it; all others are refused.
        writes: a form is sent to it by POST, with the session's token. Otherwise it is opened by GET and
            changes nothing.
    """

    path: str
    handler: Callable[..., Response]
    roles: frozenset[Role]
    writes: bool = False

    @property
    def name(self) -> str:
        """The path as people read it: `/kunde/{customer_id}`."""
        return self.path.replace(":path}", "}")

    @property
    def is_open(self) -> bool:
        """Whether one need not sign in."""
        return not self.roles

    def parameters(self, path: dict[str, Any], name: str) -> list[str]:
        """The ids of this name in a path."""
        return [path[name]] if name in path else []


ROUTES: tuple[Route, ...] = (
    Route("/kunder.xlsx", papers.customers_workbook, EVERYBODY),
    Route("/kunde/{customer_id:path}/regnskab.pdf", papers.statement_pdf, EVERYBODY),
    Route("/kunde/{customer_id:path}/regnskab.xlsx", papers.statement_workbook, EVERYBODY),
    Route("/kunde/{customer_id:path}/note", decision_forms.note, WRITERS, writes=True),
    Route("/kunde/{customer_id:path}/gruppe", decision_forms.propose, WRITERS, writes=True),
    Route("/beslutninger", decision_forms.answer, APPROVERS, writes=True),
    Route("/saelger/{salesperson_id:path}/besoeg.pdf", papers.visits_pdf, EVERYBODY),
    Route("/saelger/{salesperson_id:path}/besoeg.xlsx", papers.visits_workbook, EVERYBODY),
    Route("/maanedsrapport.pdf", papers.report_pdf, SEES_ALL),
    Route("/maanedsrapport.xlsx", papers.report_workbook, SEES_ALL),
    # After the papers, because an id may have a slash.
    *(Route(page.path, shown(page), SEES_ALL if page.sees_all else EVERYBODY) for page in PAGES),
    Route(frame_pages.SIGN_IN, frame_pages.sign_in_form, STRANGERS),
    Route(frame_pages.SIGN_IN, frame_pages.sign_in, STRANGERS, writes=True),
    Route("/logout", frame_pages.sign_out, STRANGERS, writes=True),
    Route("/static/{file:path}", frame_pages.static_file, STRANGERS),
)
