"""A page as the handler of a route."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kunderegnskab.audit.trace import CannotTrace
from kunderegnskab.language import Language
from kunderegnskab.reading.reader import NothingToRead, Reader
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.web.asked import Asked, Page
from kunderegnskab.web.visit import visit_of


def shown(page: Page) -> Callable[[Request, Viewer, Reader], Response]:
    """The handler of a page. What its viewer does not see is not found, whether it is there or not."""

    def handler(request: Request, viewer: Viewer, reader: Reader) -> Response:
        return page_of(page, request, reader)

    return handler


def page_of(page: Page, request: Request, reader: Reader, status: int = 200, **said: Any) -> Response:
    """A page, as it is opened or as the answer to one of its forms.

    Args:
        said: what the template shows of a form that was refused, in place of what it shows otherwise.
    """
    visit = visit_of(request)
    query = request.query_params
    # What a page does not ask for makes no other page of it, nor another one to keep.
    taken = [name for name in query if name != "lang"] if page.takes is None else page.takes
    parameters = {name: query[name] for name in taken if name in query} | request.path_params
    asked = Asked(reader, Language(visit.language), parameters, visit.frame.traces)
    try:
        kept = visit.frame.kept_pages.of(page, asked)
        now = page.now(asked, visit.frame.workspace) if page.now else {}
    except (NothingToRead, CannotTrace) as error:
        raise HTTPException(404) from error
    context = kept.context
    visit.saw(
        customers=[*context.get("customers_seen", ()), *now.get("customers_seen", ())],
        salespeople=[*context.get("salespeople_seen", ()), *reader.salespeople_named],
    )
    if status != 200 or said:
        return visit.page(f"{page.name}.html.j2", status, **{**context, **now, **said})
    # Writing a page takes as long as asking for its figures.
    written_for = (visit.viewer, visit.here, repr(now))
    if kept.written_for != written_for:
        kept.written, kept.written_for = (
            visit.written(f"{page.name}.html.j2", **{**context, **now}),
            written_for,
        )
    return visit.answered(kept.written)
