"""Pages as tests read them: a viewer's browser, and what stands on a page.

Not here: who may see what (tampering).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from xml.etree.ElementTree import Element

import duckdb
import html5lib
from browsers import HERE
from starlette.testclient import TestClient

from kunderegnskab.language import Code
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.reading.traces import Traces
from kunderegnskab.web.all_pages import PAGES
from kunderegnskab.web.app import Settings, application
from kunderegnskab.workspace import Workspace


@dataclass(frozen=True)
class Shown:
    """An answer, and its page as a browser parses it."""

    address: str
    status: int
    html: str

    @cached_property
    def parser(self) -> html5lib.HTMLParser:
        """The parser after reading it; raises for a page that is no valid HTML."""
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        parser.parse(self.html)
        return parser

    @cached_property
    def root(self) -> Element:
        return html5lib.parse(self.html, namespaceHTMLElements=False)

    @cached_property
    def text(self) -> str:
        """What one reads, with single spaces."""
        return " ".join("".join(self.root.itertext()).split())

    def all(self, tag: str) -> list[Element]:
        return list(self.root.iter(tag))

    @property
    def links(self) -> list[str]:
        """Addresses of links, in charts too, with those of this page's parts left out."""
        found = (each.get("href") for each in self.root.iter() if str(each.tag).rpartition("}")[2] == "a")
        return list(dict.fromkeys(href for href in found if href and not href.startswith("#")))


@dataclass(frozen=True)
class Looking:
    """Somebody with a browser."""

    viewer: Viewer
    client: TestClient
    con: duckdb.DuckDBPyConnection

    def look(self, address: str, language: Code = "da") -> Shown:
        # A link to the other language that was followed is no wish of this test.
        self.client.cookies.clear()
        answer = self.client.get(address, headers={"accept-language": language})
        return Shown(address, answer.status_code, answer.text)

    def ask(self, query: str, *values: object) -> Any:
        """The one value of a query on the whole publication."""
        row = self.con.execute(query, values).fetchone()
        assert row is not None, query
        return row[0] if len(row) == 1 else row

    def addresses(self) -> list[str]:
        """Each page that this viewer may open, with an id of what they see."""
        return [
            re.sub(r"{(\w+):path}", lambda found: quote(self.ids[found[1]], safe=""), page.path)
            + _QUERIES.get(page.name, "")
            for page in PAGES
            if (self.viewer.sees_all or not page.sees_all) and page.name != "trace"
        ]

    @cached_property
    def ids(self) -> dict[str, str]:
        """An id of each kind that the viewer sees."""
        own = "" if self.viewer.sees_all else _OWN
        values = [] if self.viewer.sees_all else [self.viewer.salesperson_id, self.viewer.team]
        customer = self.ask(
            "select customer_id from marts.customer_segments join marts.customers using (customer_id) "
            f"where month = (select max(month) from marts.time_windows) and not is_unknown {own} "
            "order by db3_r12 limit 1",
            *values,
        )
        seller = self.viewer.salesperson_id or self.ask(
            "select min(salesperson_id) from marts.salespeople where not is_unassigned and team = coalesce(?, team)",
            self.viewer.team,
        )
        chained = self.con.execute(
            f"select min(chain_id) from marts.customers where chain_customers > 1 {own}", values
        ).fetchone()
        return {
            "customer_id": customer,
            "salesperson_id": seller,
            "chain_id": str(chained[0]) if chained else "",
            "segment": self.ask(
                "select segment from marts.customer_segments where customer_id = ? order by month desc limit 1",
                customer,
            ),
        }

    def close(self) -> None:
        self.client.close()
        self.con.close()


_QUERIES = {
    "customers": "?columns=segment,owner,industry,chain,net_sales,change,db2,db3,db3_change,dg3,actions,remaining,visit"
}
_OWN = (
    "and customer_id in (select customer_id from marts.current_portfolio_accounts where salesperson_id in "
    "(select salesperson_id from marts.salespeople where salesperson_id = ? or team = ?))"
)


def looking(workspace: Workspace, viewer: Viewer, traces: Traces) -> Looking:
    """A browser that shows the company's pages to this viewer."""
    app = application(workspace, Settings(open_as=viewer))
    app.state.frame.traces = traces
    return Looking(
        viewer,
        TestClient(app, HERE, follow_redirects=False),
        duckdb.connect(str(workspace.published / "current" / "kunderegnskab.duckdb"), read_only=True),
    )


def one_of_each_column(links: list[str]) -> Iterator[str]:
    """Links with one only of those that explain the same column: the rule is the same for all its cells."""
    seen: set[str] = set()
    for link in links:
        asked = parse_qs(urlsplit(link).query).get("tal")
        if asked is None or asked[0] not in seen:
            yield unescape(link)
        seen |= set(asked or ())
