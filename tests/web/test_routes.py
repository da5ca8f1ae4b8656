"""Nobody sees what is not theirs: every route of the table, as every role, with own, foreign and tampered ids."""

from __future__ import annotations

import duckdb
import pytest
from browsers import PASSWORD, Browser, opened
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from tampering import Person, leaks, people, unknown_parameters

from kunderegnskab.personal.names import read_names
from kunderegnskab.reading.reader import Reader
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.web.routes import EVERYBODY, ROUTES, SEES_ALL, Route
from kunderegnskab.web.users import Users
from kunderegnskab.workspace import Workspace


@pytest.fixture
def staff(selling_company: Workspace) -> list[Person]:
    """One of each role, who can sign in."""
    names = {each.pseudonym: each.salesperson_name or each.pseudonym for each in read_names(selling_company)}
    with duckdb.connect(
        str(selling_company.published / "current" / "kunderegnskab.duckdb"), read_only=True
    ) as con:
        found = people(con, names)
    for person in found:
        Users(selling_company).add(person.user, PASSWORD)
    return found


def test_nobody_gets_from_any_route_what_is_not_theirs(
    selling_company: Workspace, staff: list[Person]
) -> None:
    assert unknown_parameters(ROUTES, staff[0]) == []
    browser = opened(selling_company, ROUTES, without_readers=False)
    assert [leak for person in staff for leak in leaks(browser, person, ROUTES)] == []
    assert all(person.unseen for person in staff if not person.user.viewer.sees_all)


def test_who_has_not_signed_in_gets_nothing(selling_company: Workspace, staff: list[Person]) -> None:
    browser = opened(selling_company, ROUTES, without_readers=False)
    for route in ROUTES:
        path = route.path.replace("{", "").replace("}", "")
        answer = browser.post(path, data={"text": "x"}) if route.writes else browser.get(path)
        assert route.is_open or answer.headers.get("location", "").startswith("/login"), route.path


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
        (Route("/customers", all_customers, EVERYBODY), {"salesperson", "manager"}),
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
