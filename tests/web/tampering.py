"""Every route, asked for what is somebody's own and for what is not; made from the table of routes.

A new route is asked by itself. If its path has a parameter that is not known here, the test fails until somebody
has said which of its values are whose.
"""

from __future__ import annotations

import io
import itertools
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from urllib.parse import unquote, urlencode

import duckdb
from browsers import PASSWORD, Browser
from httpx2 import Response
from pypdf import PdfReader
from starlette.convertors import CONVERTOR_TYPES

from kunderegnskab.publication.manifest import MartContent
from kunderegnskab.reading.scope import RULES, SMALLEST_GROUP
from kunderegnskab.web.all_pages import PAGES
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
_BY_QUERY = {page.path: page.takes for page in PAGES}
# Of which kind a parameter's values are, where it is not named as the kind; a search takes numbers and names.
_KINDS = {
    "customer": "customer_id",
    "search": "customer_id",
    "salesperson": "salesperson_id",
    "chain": "chain_id",
    "scope_id": "customer_id",
}
_OWN_QUERIES = ("/spor",)
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Tables of which a person asks for an own number, too: what it is made of is computed again for each.
_EXPLAINED = ("marts.customer_accounts", "marts.scope_windows", "marts.portfolio_bridge")


@dataclass(frozen=True)
class Person:
    """A user and what of the publication is theirs.

    Attributes:
        own: parameter of a path -> values that are in the scope.
        foreign: the same of what is not.
        unseen: texts that no page may show: names of customers and salespeople outside the scope.
        known: names of customers and salespeople, each with the ids of those who have it.
        own_cells: queries of numbers that the trace shows; `foreign_cells` of such that it does not.
        key_columns: what tells rows of published tables apart.
    """

    user: User
    own: Mapping[str, Sequence[str]]
    foreign: Mapping[str, Sequence[str]]
    unseen: Sequence[str]
    known: Mapping[str, Sequence[str]]
    own_cells: Sequence[Mapping[str, str]]
    foreign_cells: Sequence[Mapping[str, str]]
    key_columns: Sequence[str]


def people(
    con: duckdb.DuckDBPyConnection, names: Mapping[str, str], tables: Mapping[str, MartContent]
) -> list[Person]:
    """One of each role, by what the publication says of owners and teams.

    Args:
        names: pseudonym -> name, of all salespeople.
        tables: the publication's, by `schema.table`.
    """
    owned = con.execute(
        """
        select p.salesperson_id, s.team, p.customer_id, c.customer_name,
            case when c.chain_customers > 1 then c.chain_id end, c.chain_name
        from (select distinct salesperson_id, customer_id from marts.current_portfolio_accounts) p
        join marts.customers c using (customer_id)
        join marts.salespeople s using (salesperson_id)
        where not c.is_unknown
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
    known: dict[str, list[str]] = {}
    for key, name in con.execute(
        "select customer_id, customer_name from marts.customers where not is_unknown"
    ).fetchall():
        if name:
            known.setdefault(name, []).append(key)
    for key, name in names.items():
        known.setdefault(name, []).append(key)
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
                known,
                [
                    query
                    for name in _EXPLAINED
                    for query in _cells(con, name, tables[name], customers, mine, set())
                ],
                []
                if sees_all
                else [
                    query
                    for name, rule in RULES.items()
                    if name in tables and rule in ("customer", "salesperson", "scope", "scope_values")
                    for query in _cells(
                        con,
                        name,
                        tables[name],
                        {row[2] for row in owned} - customers,
                        {each for each, _ in staff} - mine,
                        {of for _, of in staff if of} - {user.team},
                    )
                ],
                sorted({column for table in tables.values() for column in table.key}),
            )
        )
    return found


def _cells(
    con: duckdb.DuckDBPyConnection,
    name: str,
    table: MartContent,
    customers: set[str],
    salespeople: set[str],
    teams: set[str],
) -> Iterator[Mapping[str, str]]:
    """What asks the trace for a number of a table: one of each kind of whom it is about."""
    amount = next(
        (
            each.name
            for each in table.columns
            if "DECIMAL" in each.type.upper() and each.name not in table.key
        ),
        None,
    )
    if amount is None or not table.key:
        return
    if "scope_type" in table.key:
        kinds = [
            (f"scope_type = '{kind}' and scope_id", ids)
            for kind, ids in (("customer", customers), ("salesperson", salespeople), ("team", teams))
        ]
    elif RULES[name] == "customer":
        kinds = [("customer_id", customers)]
    else:
        kinds = [("salesperson_id", salespeople)]
    for condition, ids in kinds:
        row = con.execute(
            f"select {', '.join(table.key)} from {name} "
            f"where {condition} in (select unnest(?::varchar[])) and {amount} <> 0 limit 1",
            [sorted(ids)],
        ).fetchone()
        if row is not None:
            key = {column: str(value) for column, value in zip(table.key, row, strict=True)}
            yield {"tal": f"{name}.{amount}", **key}


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
    """Everything that a person gets and should not, or does not get and should: one sentence each.

    Also who stands on an answer and is not noted as seen.
    """
    signed_in = browser.another()
    assert signed_in.sign_in(person.user.name, PASSWORD).status_code == 303
    found: list[str] = []
    for route in routes:
        if route.is_open:
            continue
        allowed = {200, 303, 400, 403, 404, 413, 422} if route.writes else {200}
        for path in addresses(route, person.own):
            found += _asked(signed_in, person, route, path, allowed)
            if not route.writes and person.user.viewer.role in route.roles:
                for query in queries(route, person):
                    found += _asked(signed_in, person, route, path, _NO_ERROR, query)
        if route.path in _OWN_QUERIES:
            for query in person.own_cells:
                found += _asked(signed_in, person, route, route.path, {200}, query)
            for query in person.foreign_cells:
                found += _asked(signed_in, person, route, route.path, {404}, query)
        if parameters(route):
            tampered = dict.fromkeys(parameters(route), TAMPERED)
            for path in itertools.chain(addresses(route, person.foreign), addresses(route, tampered)):
                found += _asked(signed_in, person, route, path, _REFUSED)
    return found


_REFUSED = {400, 403, 404, 414}
_NO_ERROR = {200, *_REFUSED}


def takes(route: Route) -> list[str]:
    """What a route may take beside its path: what its page takes, else whatever may say whose something is."""
    if route.path in _OWN_QUERIES:  # made from the publication: see own_cells and foreign_cells
        return []
    of_page = _BY_QUERY.get(route.path.removesuffix(".xlsx"))
    if of_page is not None:
        return [*of_page]
    is_paper = route.path.endswith((".pdf", ".xlsx"))
    return [] if is_paper else ["customer_id", "salesperson_id", "chain_id", "segment", *_KINDS]


def queries(route: Route, person: Person) -> Iterator[dict[str, str]]:
    """What is not the person's in each parameter alone, and in all of them together."""
    values = {name: _strange(name, person) for name in {*takes(route), *_all_names(person)}}
    if not person.user.viewer.sees_all:
        yield from ({name: value} for name in takes(route) for value in values[name])
    yield {name: each[0] for name, each in values.items()}


def _all_names(person: Person) -> set[str]:
    of_pages = {name for names in _BY_QUERY.values() for name in names or ()}
    return {"tal", *of_pages, *person.key_columns, *person.own}


def _strange(name: str, person: Person) -> list[str]:
    kind = _KINDS.get(name, name)
    found = [*person.foreign.get(kind, ())]
    if name == "search":
        # Not the whole name, which the page shows again as what was asked for.
        found += [each[:-1] for each in person.unseen[:1]]
    return [*found[:2], TAMPERED[0]]


def _asked(
    browser: Browser,
    person: Person,
    route: Route,
    path: str,
    allowed: set[int],
    query: Mapping[str, str] | None = None,
) -> Iterator[str]:
    role = person.user.viewer.role
    if route.writes:
        data = {FORM_TOKEN: browser.token("/")}
        filled = [{name: _strange(name, person)[0] for name in _all_names(person)}]
        answers = [browser.post(path, data=data | fields) for fields in ({}, *filled)]
    else:
        answers = [browser.get(path, params=query)]
    if role not in route.roles:
        allowed = _REFUSED
    told = f"{role}: {path}" + (f"?{urlencode(query)}" if query else "")
    for answer in answers:
        if answer.status_code not in allowed:
            yield f"{told} gives {answer.status_code}"
        text = written(answer)
        yield from (f"{told} shows {name}" for name in person.unseen if name in text)
        if answer.status_code == 200:
            noted = _noted(browser)
            yield from (
                f"{told} names {who} and does not note it"
                for who, ids in named(person, answer, text)
                if not ids & noted
            )


def _noted(browser: Browser) -> set[str]:
    """Whom the log's last line names."""
    file = max((browser.frame.workspace.state / "web" / "seen").glob("*.jsonl"))
    line = json.loads(file.read_bytes().splitlines()[-1])
    return {*line["customers"], *line["salespeople"]}


def named(person: Person, answer: Response, text: str) -> Iterator[tuple[str, set[str]]]:
    """Customers and salespeople who stand on an answer, by address or name, each with the ids that it may be."""
    for found in re.finditer(r"/(?:kunde|saelger)/([^\"/?#&<\s]+)", text):
        yield found[0], {unquote(found[1])}
    # An outlet's name begins with its chain's.
    for name in sorted(person.known, key=len, reverse=True):
        if name in text:
            yield name, set(person.known[name])
            text = text.replace(name, "")


def written(answer: Response) -> str:
    """What one reads in an answer: of a paper its pages, of a workbook its cells."""
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if kind == "application/pdf":
        pages = PdfReader(io.BytesIO(answer.content)).pages
        # A name that is too long for its line goes on in the next.
        return " ".join(" ".join(page.extract_text() for page in pages).split())
    if kind == _WORKBOOK:
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            parts = [archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml")]
        return unescape(" ".join(re.sub(r"<[^>]+>", " ", part) for part in parts))
    return unescape(answer.text)
