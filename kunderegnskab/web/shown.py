"""A page as the handler of a route."""

from __future__ import annotations

from collections.abc import Callable

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
        visit = visit_of(request)
        query = request.query_params
        # What a page does not ask for makes no other page of it, nor another one to keep.
        taken = [name for name in query if name != "lang"] if page.takes is None else page.takes
        parameters = {name: query[name] for name in taken if name in query} | request.path_params
        asked = Asked(reader, Language(visit.language), parameters, visit.frame.traces)
        try:
            context = visit.frame.contexts.of(page, asked)
        except (NothingToRead, CannotTrace) as error:
            raise HTTPException(404) from error
        visit.saw(
            customers=context.get("customers_seen", ()), salespeople=context.get("salespeople_seen", ())
        )
        return visit.page(f"{page.name}.html.j2", **context)

    return handler
