"""Nobody sees what is not theirs: every route of the table, as every role, with own, foreign and tampered ids."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from urllib.parse import quote

import duckdb
import pytest
import typst
import xlsxwriter
from browsers import PASSWORD, Browser, opened
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from tampering import Person, addresses, leaks, parameters, people, unknown_parameters

from kunderegnskab.personal.names import read_names
from kunderegnskab.publication import store
from kunderegnskab.reading.reader import Reader
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.web.routes import EVERYBODY, ROUTES, SEES_ALL, Route
from kunderegnskab.web.users import Users
from kunderegnskab.web.visit import visit_of
from kunderegnskab.workspace import Workspace


@pytest.fixture(scope="session")
def known(readable_company: Workspace) -> list[Person]:
    """One of each role, by what the publication says."""
    current = store.current(readable_company.published)
    assert current is not None
    names = {each.pseudonym: each.salesperson_name or each.pseudonym for each in read_names(readable_company)}
    with duckdb.connect(str(current.database), read_only=True) as con:
        return people(con, names, current.manifest.marts)


@pytest.fixture
def staff(selling_company: Workspace, known: list[Person]) -> list[Person]:
    """One of each role, who can sign in."""
    for person in known:
        Users(selling_company).add(person.user, PASSWORD)
    return known


def test_nobody_gets_from_any_route_what_is_not_theirs(
    selling_company: Workspace, staff: list[Person]
) -> None:
    assert unknown_parameters(ROUTES, staff[0]) == []
    browser = opened(selling_company, ROUTES, without_readers=False)
    found = [leak for person in staff for leak in leaks(browser, person, ROUTES)]
    assert not found, "\n".join(found)
    assert all(person.unseen for person in staff if not person.user.viewer.sees_all)


def test_who_has_not_signed_in_gets_nothing(selling_company: Workspace, staff: list[Person]) -> None:
    browser = opened(selling_company, ROUTES, without_readers=False)
    for route in ROUTES:
        path = route.path.replace("{", "").replace("}", "")
        answer = browser.post(path, data={"text": "x"}) if route.writes else browser.get(path)
        assert route.is_open or answer.headers.get("location", "").startswith("/login"), route.path


def told(request: Request, viewer: Viewer, reader: object) -> Response:
    """Which route answers, and with which parameters."""
    return JSONResponse([request.scope["route"].path, request.path_params])


def test_an_id_may_have_a_slash(selling_company: Workspace, staff: list[Person]) -> None:
    routes = [
        replace(route, handler=told, roles=EVERYBODY)
        if parameters(route) and not (route.is_open or route.writes)
        else route
        for route in ROUTES
    ]
    browser = opened(selling_company, routes, open_as=Viewer("x", "finance"))
    asked = [route for route in routes if route.handler is told]
    assert len(asked) > 7
    for route in asked:
        (name,) = parameters(route)
        for written in ("A/B", quote("A/B", safe="")):
            answer = browser.get(next(iter(addresses(route, {name: [written]}))))
            assert answer.json() == [route.path, {name: "A/B"}], answer.url


# --- what is planted is found ---------------------------------------------------------------------------------


def one_customer(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """As a page should be: what the reader does not show is not there."""
    found = reader.row(
        "select customer_name from marts.customers where customer_id = ?",
        [request.path_params["customer_id"]],
    )
    if found is None:
        raise HTTPException(404)
    return HTMLResponse(found["customer_name"].replace("&", "&amp;"))


def all_customers(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """A page that goes round the reader."""
    with duckdb.connect(str(reader.publication.database), read_only=True) as con:
        rows = con.execute("select customer_name from marts.customers").fetchall()
    return HTMLResponse(" ".join(name for (name,) in rows))


def noted_customers(request: Request, reader: Reader) -> list[str]:
    """Everybody's names, noted as they should be."""
    with duckdb.connect(str(reader.publication.database), read_only=True) as con:
        rows = con.execute("select customer_id, customer_name from marts.customers").fetchall()
    visit_of(request).saw(customers=[key for key, _ in rows])
    return [name or "" for _, name in rows]


def all_customers_on_paper(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """A paper that goes round the reader; its text is compressed."""
    content = typst.compile(
        b"#for name in json(bytes(sys.inputs.names)) [#name ]",
        sys_inputs={"names": json.dumps(noted_customers(request, reader))},
    )
    return Response(content, media_type="application/pdf")


def all_customers_in_a_workbook(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """The same as a workbook."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    book.add_worksheet().write_column(0, 0, noted_customers(request, reader))
    book.close()
    return Response(
        stream.getvalue(), media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )


def any_customer(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """A page that answers for everybody."""
    return HTMLResponse("an empty account")


def any_wish(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """A page that believes a parameter."""
    with duckdb.connect(str(reader.publication.database), read_only=True) as con:
        row = con.execute(
            "select customer_name from marts.customers where customer_id = ?",
            [request.query_params.get("customer_id")],
        ).fetchone()
    return HTMLResponse(row[0] if row else "")


def of_nothing(request: Request, viewer: Viewer, reader: Reader) -> Response:
    """A page of finance."""
    return HTMLResponse("")


def seen_by(browser: Browser, staff: list[Person], *routes: Route) -> set[str]:
    """The roles for whom these routes leak."""
    return {leak.partition(":")[0] for person in staff for leak in leaks(browser, person, routes)}


@pytest.mark.parametrize(
    ("route", "roles"),
    [
        (Route("/customers/{customer_id}", one_customer, EVERYBODY), set()),
        # Who sees all sees them, but it is not noted.
        (Route("/customers", all_customers, EVERYBODY), {"salesperson", "manager", "finance", "audit"}),
        (Route("/customers.pdf", all_customers_on_paper, EVERYBODY), {"salesperson", "manager"}),
        (Route("/customers.xlsx", all_customers_in_a_workbook, EVERYBODY), {"salesperson", "manager"}),
        (
            Route("/customers/{customer_id}", any_customer, EVERYBODY),
            {"salesperson", "manager", "finance", "audit"},
        ),
        (Route("/wish", any_wish, EVERYBODY), {"salesperson", "manager"}),
        (Route("/wish", any_wish, SEES_ALL), set()),
        (Route("/books", of_nothing, SEES_ALL), set()),
    ],
)
def test_a_route_that_leaks_is_found(
    selling_company: Workspace, staff: list[Person], route: Route, roles: set[str]
) -> None:
    routes = (*ROUTES, route)
    browser = opened(selling_company, routes, without_readers=False)
    assert seen_by(browser, staff, route) == roles


def test_a_parameter_that_nobody_has_spoken_for_is_found(staff: list[Person]) -> None:
    route = Route("/invoices/{invoice_no:path}", of_nothing, EVERYBODY)
    assert unknown_parameters([route], staff[0]) == [("/invoices/{invoice_no:path}", "invoice_no")]
