"""The table of pages, the menu, and a page as HTML.

Here: what is common to all pages. Not here: requests, sessions and who may open what (app.py, routes.py).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from kunderegnskab.reading.scope import Viewer
from kunderegnskab.web.asked import Asked, Context, Page
from kunderegnskab.web.pages import (
    chain,
    chains,
    customer,
    customers,
    decisions,
    kpis,
    overview,
    publications,
    quality,
    salespeople,
    salesperson,
    segment,
    segments,
    targets,
    tie_out,
    trace,
)

PAGES: tuple[Page, ...] = (
    Page("overview", "/", overview.context, menu="overview", now=decisions.waiting),
    Page("customers", "/kunder", customers.context, customers.PARAMETERS, menu="customers"),
    Page("customer", "/kunde/{customer_id:path}", customer.context, menu="customers", now=customer.now),
    Page("salespeople", "/saelgere", salespeople.context, menu="salespeople"),
    Page("salesperson", "/saelger/{salesperson_id:path}", salesperson.context, menu="salespeople"),
    Page("segments", "/grupper", segments.context, menu="segments"),
    Page("segment", "/gruppe/{segment:path}", segment.context, menu="segments"),
    Page("chains", "/kaeder", chains.context, menu="chains"),
    Page("chain", "/kaede/{chain_id:path}", chain.context, menu="chains"),
    Page("kpis", "/kpi", kpis.context, menu="kpis"),
    Page("targets", "/maal", targets.context, menu="targets"),
    Page("tie_out", "/afstemning", tie_out.context, ("maaned",), sees_all=True, menu="tie_out"),
    Page("quality", "/kvalitet", quality.context, sees_all=True, menu="quality"),
    Page("publications", "/udgivelser", publications.context, sees_all=True, menu="publications"),
    Page("decisions", "/beslutninger", decisions.context, menu="decisions", now=decisions.now),
    Page("trace", "/spor", trace.context, None),
)

_MOST_KEPT = 100
_LONGEST_KEY = 500


def menu(viewer: Viewer) -> list[tuple[str, str]]:
    """Name and path of the entries that a viewer may open."""
    return [
        (page.name, page.path)
        for page in PAGES
        if page.menu == page.name and (viewer.sees_all or not page.sees_all)
    ]


@dataclass
class KeptPage:
    """What a page showed, and how it was last written.

    Attributes:
        context: what its template shows, with what every page has.
        written: its HTML, with a mark where a form's token stands.
        written_for: what the HTML depends on beside the context; equal where it may be shown again.
    """

    context: Context
    written: str = ""
    written_for: Hashable = None


class KeptPages:
    """What pages showed, by publication, viewer, language and parameters: a publication never changes."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[object, ...], KeptPage] = OrderedDict()

    def of(self, page: Page, asked: Asked) -> KeptPage:
        """The page, made where it is not kept."""
        reader = asked.reader
        parameters = tuple(sorted(asked.parameters.items()))
        key = (reader.stamp, reader.viewer.key, page.name, asked.language.code, parameters)
        is_short = sum(len(name) + len(value) for name, value in parameters) <= _LONGEST_KEY
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        context = common(page, asked) | page.context(asked)
        # Whom the page names belongs to it: it is noted again when the kept page is shown again.
        context["salespeople_seen"] = [*context.get("salespeople_seen", ()), *reader.salespeople_named]
        made = KeptPage(context)
        if is_short:
            with self._lock:
                self._kept[key] = made
                while len(self._kept) > _MOST_KEPT:
                    self._kept.popitem(last=False)
        return made


def common(page: Page, asked: Asked) -> Context:
    """What every page's template has: texts `t`, figures `f`, menu, publication, month."""
    reader = asked.reader
    values: Mapping[str, Any] = {
        "t": asked.texts,
        "f": asked.figures,
        "menu": menu(reader.viewer),
        "menu_here": page.menu,
        "publication": reader.publication.name,
        "last_month": reader.last_month,
    }
    return dict(values)
