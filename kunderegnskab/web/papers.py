"""Statements and lists as files, for who may see the page that they are of.

Here: a paper as an answer. Not here: what stands on it (`statements`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kunderegnskab.language import Language
from kunderegnskab.reading.accounts import CustomerAccount, customer_account
from kunderegnskab.reading.month_report import MOST_ACTIONS, MonthReport, month_report
from kunderegnskab.reading.reader import NothingToRead, Reader
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.reading.visits import VisitList, visit_list
from kunderegnskab.statements import customer, tables, visits, workbook
from kunderegnskab.statements import month_report as report
from kunderegnskab.statements.common import Writing
from kunderegnskab.statements.files import file_names
from kunderegnskab.statements.paper import Paper
from kunderegnskab.web.asked import Asked
from kunderegnskab.web.names import chain_heads
from kunderegnskab.web.pages import customers
from kunderegnskab.web.visit import visit_of

_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Handler = Callable[[Request, Viewer, Reader], Response]


def statement_pdf(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """GET /kunde/{customer_id}/regnskab.pdf."""
    customer_id = request.path_params["customer_id"]

    def made(writing: Writing) -> bytes:
        found = _account(request, reader, writing)
        return _typesetter().pdf("customer", customer.content(reader, found, writing))

    return _paper(request, reader, made, file_names([customer_id], "statement")[customer_id], "pdf")


def statement_workbook(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """GET /kunde/{customer_id}/regnskab.xlsx."""
    customer_id = request.path_params["customer_id"]

    def made(writing: Writing) -> bytes:
        return workbook.statement(reader, _account(request, reader, writing), writing)

    return _paper(request, reader, made, file_names([customer_id], "statement")[customer_id], "xlsx")


def _account(request: Request, reader: Reader, writing: Writing) -> CustomerAccount:
    found = customer_account(reader, request.path_params["customer_id"], writing.code)
    visit_of(request).saw(customers=chain_heads([found.customer]))
    return found


def visits_pdf(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """GET /saelger/{salesperson_id}/besoeg.pdf."""

    def made(writing: Writing) -> bytes:
        return _typesetter().pdf("visits", visits.content(reader, _visits(request, reader, writing), writing))

    return _paper(request, reader, made, _visits_name(request), "pdf")


def visits_workbook(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """GET /saelger/{salesperson_id}/besoeg.xlsx."""

    def made(writing: Writing) -> bytes:
        return tables.visits(reader, _visits(request, reader, writing), writing)

    return _paper(request, reader, made, _visits_name(request), "xlsx")


def _visits(request: Request, reader: Reader, writing: Writing) -> VisitList:
    salesperson_id = request.path_params["salesperson_id"]
    try:
        found = visit_list(reader, salesperson_id, writing.code)
    except NothingToRead:
        # Nobody on the list of somebody whom the viewer sees is an empty list.
        if reader.row("select 1 from marts.salespeople where salesperson_id = ?", [salesperson_id]) is None:
            raise
        found = VisitList(salesperson_id, reader.last_month, (), None)
    visit_of(request).saw(customers=[row["customer_id"] for row in found.visits])
    return found


def _visits_name(request: Request) -> str:
    salesperson_id = request.path_params["salesperson_id"]
    return file_names([salesperson_id], "visits")[salesperson_id]


def report_pdf(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """GET /maanedsrapport.pdf."""

    def made(writing: Writing) -> bytes:
        found = _report(request, reader, writing)
        return _typesetter().pdf("management", report.content(reader, found, writing))

    return _paper(request, reader, made, f"report-{reader.last_month:%Y-%m}", "pdf")


def report_workbook(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """GET /maanedsrapport.xlsx, with all actions."""

    def made(writing: Writing) -> bytes:
        found = _report(request, reader, writing, actions=None)
        return tables.month_report(reader, found, writing)

    return _paper(request, reader, made, f"report-{reader.last_month:%Y-%m}", "xlsx")


def _report(
    request: Request, reader: Reader, writing: Writing, actions: int | None = MOST_ACTIONS
) -> MonthReport:
    found = month_report(reader, writing.code, actions=actions)
    visit_of(request).saw(customers=[row["customer_id"] for row in found.actions])
    return found


def customers_workbook(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """GET /kunder.xlsx, with the parameters of the list."""
    visit = visit_of(request)
    query = request.query_params
    given = {name: query[name] for name in customers.PARAMETERS if name in query}
    asked = Asked(reader, Language(visit.language), given, visit.frame.traces)

    def made(_: Writing) -> bytes:
        content, named = customers.as_workbook(asked)
        visit.saw(customers=named)
        return content

    return _paper(request, reader, made, "customers", "xlsx")


@cache
def _typesetter() -> Paper:
    """One for all: making a paper takes a processor's whole time, and the other is left to the pages."""
    return Paper()


def _paper(
    request: Request, reader: Reader, made: Callable[[Writing], bytes], name: str, ending: str
) -> Response:
    try:
        content = made(Writing(reader.publication, visit_of(request).language))
    except NothingToRead as error:
        raise HTTPException(404) from error
    visit_of(request).saw(salespeople=reader.salespeople_named)
    return Response(
        content,
        media_type="application/pdf" if ending == "pdf" else _WORKBOOK,
        # The name has letters, digits and signs of which none needs to be written otherwise.
        headers={"Content-Disposition": f'attachment; filename="{name}.{ending}"'},
    )
