"""Every route, asked for what is somebody's own and for what is not; made from the table of routes.

A new route is asked by itself. If its path has a parameter that is not known here, the test fails until somebody
has said which of its values are whose.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape

import duckdb
from browsers import PASSWORD, Browser
from starlette.convertors import CONVERTOR_TYPES

from kunderegnskab.reading.scope import SMALLEST_GROUP, Viewer
from kunderegnskab.web.routes import Route
from kunderegnskab.web.users import User
from kunderegnskab.web.visit import FORM_TOKEN

# What no id is, whoever asks.
TAMPERED = (
    "' or 1=1 --",
    "x'; drop table marts.customers; --",
    "../../company.yaml",
    "..%2f..%2fpersonal%2fsalespeople.csv",
    "%",
    "%25",
    "*",
    "-1",
    "9" * 300,
    "ø" * 900,
    "<script>alert(1)</script>",
    "{{ 7*7 }}",
    "null",
)
# Names under which a page may take what it is about, beside its path.
_FIELDS = (
    "customer_id",
    "customer",
    "salesperson_id",
    "salesperson",
    "team",
    "chain_id",
    "chain",
    "q",
    "segment",
)
_FIELDS += ("sort", "order", "columns", "month", "window", "filter", "export", "format", "page")


@dataclass(frozen=True)
class Person:
    """A user and what of the publication is theirs.

    Attributes:
        own: parameter of a path -> values that are in the scope.
        foreign: the same of what is not.
        unseen: texts that no page may show: names of customers and salespeople outside the scope.
    """

    user: User
    own: Mapping[str, Sequence[str]]
    foreign: Mapping[str, Sequence[str]]
    unseen: Sequence[str]


def people(con: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> list[Person]:
    """One of each role, by what the publication says of owners and teams.

    Args:
        names: pseudonym -> name, of all salespeople.
    """
    owned = con.execute(
        """
        select p.salesperson_id, s.team, p.customer_id, c.customer_name,
            case when c.chain_customers > 1 then c.chain_id end, c.chain_name
        from (select distinct salesperson_id, customer_id from marts.current_portfolio_accounts) p
        join marts.customers c using (customer_id)
        join marts.salespeople s using (salesperson_id)
        order by all
        """
    ).fetchall()
    # Segment, customer, and whether the group is too small for who sees only part of it.
    grouped = con.execute(
        """
        select segment, customer_id, count(*) over (partition by segment) < ? from marts.customer_segments
        where month = (select max(month) from marts.customer_segments) order by all
        """,
        [SMALLEST_GROUP],
    ).fetchall()
    staff = con.execute(
        "select salesperson_id, team from marts.salespeople where not is_unassigned order by all"
    ).fetchall()
    seller, team = next((each, team) for each, team, *_ in owned if team)
    found = []
    for user in (
        User(name="seller", role="salesperson", salesperson_id=seller),
        User(name="leader", role="manager", team=team),
        User(name="money", role="finance"),
        User(name="auditor", role="audit"),
    ):
        sees_all = user.viewer.sees_all
        mine = {
            each
            for each, of in staff
            if sees_all or each == user.salesperson_id or (user.team and of == user.team)
        }
        customers = {row[2] for row in owned if sees_all or row[0] in mine}
        # An own customer's chain has its head's name, whoever sells to the head.
        customer_names = {name for row in owned if row[2] in customers for name in (row[3], row[5]) if name}
        chains = {row[4] for row in owned if row[2] in customers and row[4]}
        segments = {segment for segment, customer, _ in grouped if sees_all or customer in customers}
        found.append(
            Person(
                user,
                {
                    "customer_id": _some(customers),
                    "salesperson_id": _some(mine),
                    "chain_id": _some(chains),
                    "segment": _some(segments),
                },
                {
                    "customer_id": _some({row[2] for row in owned} - customers),
                    "salesperson_id": _some({each for each, _ in staff} - mine),
                    "chain_id": _some({row[4] for row in owned if row[4]} - chains),
                    "segment": _some({segment for segment, _, is_small in grouped if is_small} - segments),
                },
                sorted(
                    {
                        name
                        for name in {row[3] for row in owned} - customer_names
                        # Part of a name that may be seen, it would be found where it does not stand.
                        if not any(name in own for own in customer_names)
                    }
                    | {name for key, name in names.items() if key not in mine and name != key}
                ),
            )
        )
    return found


def _some(values: set[str]) -> list[str]:
    return sorted(values)[:2]


def parameters(route: Route) -> list[str]:
    """The parameters of a route's path."""
    kinds = "|".join(CONVERTOR_TYPES)
    return re.findall(rf"{{(\w+)(?::(?:{kinds}))?}}", route.path)


def unknown_parameters(routes: Sequence[Route], known: Person) -> list[tuple[str, str]]:
    """Parameters of which nobody has said whose their values are."""
    return [
        (route.path, name)
        for route in routes
        if not route.is_open
        for name in parameters(route)
        if name not in known.own
    ]


def addresses(route: Route, values: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """A route's path with every combination of values."""
    names = parameters(route)
    for chosen in itertools.product(*(values[name] for name in names)):
        path = route.path
        for name, value in zip(names, chosen, strict=True):
            path = re.sub(rf"{{{name}(:\w+)?}}", lambda _, value=value: value, path)
        yield path


def leaks(browser: Browser, person: Person, routes: Sequence[Route]) -> list[str]:
    """Everything that a person gets and should not, or does not get and should: one sentence each."""
    signed_in = browser.another()
    assert signed_in.sign_in(person.user.name, PASSWORD).status_code == 303
    viewer, found = person.user.viewer, []
    for route in routes:
        if route.is_open:
            continue
        for path in addresses(route, person.own):
            found += _asked(signed_in, person, viewer, route, path, is_own=True)
        if not parameters(route):
            continue
        tampered = dict.fromkeys(parameters(route), TAMPERED)
        for path in itertools.chain(addresses(route, person.foreign), addresses(route, tampered)):
            found += _asked(signed_in, person, viewer, route, path, is_own=False)
    return found


def _asked(
    browser: Browser, person: Person, viewer: Viewer, route: Route, path: str, *, is_own: bool
) -> Iterator[str]:
    strange = [value for values in person.foreign.values() for value in values] + list(TAMPERED[:3])
    if route.writes:
        token = browser.token("/")
        answers = [
            browser.post(path, data={FORM_TOKEN: token} | dict.fromkeys(_FIELDS, value))
            for value in ("", *strange)
        ]
        allowed = {200, 303, 400, 403, 404, 413, 422} if is_own else {400, 403, 404, 414}
    else:
        answers = [browser.get(path)]
        allowed = {200} if is_own else {400, 403, 404, 414}
    if viewer.role not in route.roles:
        allowed = {400, 403, 404, 414}
    for answer in answers:
        if answer.status_code not in allowed:
            yield f"{viewer.role}: {path} gives {answer.status_code}"
        yield from _shown(person, viewer, path, answer.text)
    if is_own and not route.writes:
        for value in strange:
            answer = browser.get(path, params=dict.fromkeys(_FIELDS, value))
            if answer.status_code >= 500:
                yield f"{viewer.role}: {path} breaks with {value} in every parameter"
            yield from _shown(person, viewer, f"{path} with {value}", answer.text)


def _shown(person: Person, viewer: Viewer, path: str, text: str) -> Iterator[str]:
    plain = unescape(text)
    yield from (f"{viewer.role}: {path} shows {name}" for name in person.unseen if name in plain)
