"""The rules of one publication: what is declared, and for any other column what follows from the road.

A column that no declaration names is, in this order: a name of what comes with the product; a part of the
key; what the program itself noted; a ratio or a sum that the dbt project's rules state (stated.py); what its
model's SQL passes on or computes from the row, or a subtotal of the ladder (road.py). A declaration may say
less than a whole rule: its words alone, or a lookup whose key is the row's own.

How a file of declarations is written: forms.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from kunderegnskab.audit.explain import rules as declared
from kunderegnskab.audit.explain.forms import Form, KnownTables
from kunderegnskab.audit.explain.road import Leaf, NoRoad, Road, Said, feed_of
from kunderegnskab.audit.explain.rules import Rule, as_rules, declared_tables, read_table
from kunderegnskab.audit.explain.stated import stated
from kunderegnskab.audit.trace import Trace
from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest.totals import RECORD_COUNT, SQL_TYPE, measures

Rules = Mapping[str, Mapping[str, tuple[Rule, ...]]]

_OF_THE_PRODUCT = {
    "da": "Navn eller tal i standarden, som følger med produktet.",
    "en": "A name or number of the standard that comes with the product.",
}
_NOTED = {
    "da": "Noteret af programmet, da det læste, byggede eller kontrollerede; kommer ikke af andre tal.",
    "en": "Noted by the program when it read, built or checked; it is made of no other figure.",
}
# Characters of a formula that is taken from a model without anybody having looked at it. Longer ones are the
# exact arithmetic that dbt writes out, which has names in macros.sql.
_READABLE = 600
_UNFILLED = re.compile(r"\{\w+\}")
_GROUP = re.compile(r"<(\w+)>")

_books: WeakKeyDictionary[Trace, Book] = WeakKeyDictionary()


def rules_of(trace: Trace) -> Rules:
    """Every rule by `schema.table` and column, for the publication that is asked."""
    if trace not in _books:
        _books[trace] = Book(Road(trace))
    return _books[trace]


class KnownRoad(KnownTables, Protocol):
    """What a book must know of the tables; what each says is in road.py."""

    def tables(self) -> Iterator[str]: ...  # noqa: D102

    def is_seed(self, table: str) -> bool: ...  # noqa: D102

    def is_noted(self, table: str) -> bool: ...  # noqa: D102

    def said(self, table: str, column: str, given: Collection[str] = ()) -> Said: ...  # noqa: D102

    def subtotal(self, table: str, column: str) -> str | None: ...  # noqa: D102


class Book(Mapping[str, Mapping[str, tuple[Rule, ...]]]):
    """The tables that can be explained: those that are published, and others that are declared."""

    def __init__(self, road: KnownRoad) -> None:
        self._road = road
        self._names = sorted({*declared_tables(declared.RULES), *road.tables()})
        self._tables: dict[str, TableRules] = {}

    def __getitem__(self, table: str) -> TableRules:
        if table not in self._tables:
            if table not in self._names:
                raise KeyError(table)
            self._tables[table] = TableRules(table, self._road)
        return self._tables[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class TableRules(Mapping[str, tuple[Rule, ...]]):
    """The rules of one table by column.

    Raises ValueError for a declaration that is none; the text names the place.
    """

    def __init__(self, table: str, road: KnownRoad) -> None:
        self._table = table
        self._road = road
        self._file, patterns, found = "", {}, {}
        if table in declared_tables(declared.RULES):
            self._file, patterns, found = read_table(table)
        self._form = Form(table, road, patterns, self._follows)
        # Column -> its declaration, and what a `*` in its key stands for.
        self._declared: dict[str, tuple[object, str]] = {}
        for names, each in found.items():
            for name in self._columns_of(names):
                self._declared[name] = (each, "")
        for names, each in found.items():
            for name, star in self._starred(names):
                self._declared.setdefault(name, (each, star))
        self._known: dict[str, tuple[Rule, ...] | None] = {}

    def __getitem__(self, column: str) -> tuple[Rule, ...]:
        if column not in self._known:
            self._known[column] = self._rules(column)
        found = self._known[column]
        if found is None:
            raise KeyError(column)
        return found

    def __iter__(self) -> Iterator[str]:
        names = dict.fromkeys([*self._declared, *self._road.columns(self._table)])
        return (name for name in names if name in self)

    def __contains__(self, column: object) -> bool:
        try:
            return isinstance(column, str) and bool(self[column])
        except KeyError:
            return False

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _columns_of(self, names: str) -> Iterator[str]:
        for name in names.split(", "):
            group = _GROUP.fullmatch(name)
            if group is not None:
                if group[1] not in self._road.groups:
                    raise ValueError(f"{self._file}: {self._table}.{name}: there is no such group of columns")
                yield from self._road.groups[group[1]]
            elif "*" not in name:
                yield name

    def _starred(self, names: str) -> Iterator[tuple[str, str]]:
        said = {*self._road.key(self._table), *stated(self._table).ratios}
        for name in filter(lambda name: "*" in name, names.split(", ")):
            before, _, after = name.partition("*")
            for column in self._road.columns(self._table):
                if column not in said and fnmatchcase(column, name):
                    yield column, column.removeprefix(before).removesuffix(after)

    # --- what is declared -----------------------------------------------------------------------------
    def _rules(self, column: str) -> tuple[Rule, ...] | None:
        place = f"{self._file}: {self._table}.{column}"
        if column not in self._declared:
            followed = self._follows(column)
            whole = [rule for each in followed for rule in self._form.whole(place, column, each)]
            return as_rules(place, whole) if whole else None
        found, star = self._declared[column]
        alternatives = [
            each for one in (found if isinstance(found, list) else [found]) for each in _each(one)
        ]
        if not alternatives:
            raise ValueError(f"{place}: there is no rule")
        whole = [rule for each in alternatives for rule in self._form.whole(place, column, each, star)]
        if open_names := _UNFILLED.findall(str(whole)):
            raise ValueError(f"{place}: nothing fills {', '.join(open_names)}")
        return as_rules(place, whole)

    # --- what follows ---------------------------------------------------------------------------------
    def _follows(self, column: str, given: Collection[str] = ()) -> list[dict[str, Any]]:
        """The rules of a column of which no way is declared; none where nothing says them."""
        table = self._table
        if column not in self._road.columns(table):
            return []
        if self._road.is_seed(table):
            return [{"name": True, "words": _OF_THE_PRODUCT}]
        if column in self._road.key(table):
            return [{"name": True}]
        if self._road.is_noted(table):
            return [{"name": True, "words": _NOTED}]
        said = stated(table)
        if column in said.ratios:
            numerator, denominator = said.ratios[column]
            return [{"formula": f"ratio({numerator}, {denominator})"}]
        for each in said.sums:
            if column in each.columns:
                return [{"sum_of": f"{each.parts}.{column}", "at": list(each.by)}]
        try:
            found = self._road.said(table, column, given)
        except NoRoad:
            subtotal = self._road.subtotal(table, column)
            return [] if subtotal is None else [{"formula": subtotal}]
        if (cases := found.by_case()) is not None:
            return [{**_way_of(one), **({"when": when} if when else {})} for when, one in cases]
        return [] if len(found.formula) > _READABLE and not given else [_way_of(found)]


def _way_of(said: Said) -> dict[str, Any]:
    """What a model says of a column, as a declaration."""

    def looked_up(leaf: Leaf) -> dict[str, Any]:
        feed = feed_of(leaf.relation)
        return (
            {"published": f"{leaf.relation}.{leaf.column}"}
            if feed is None
            else {"supplied": f"{feed}.{leaf.column}"}
        )

    if (leaf := said.passed_on) is not None:
        return looked_up(leaf)
    return {"formula": said.formula, "inputs": {name: looked_up(leaf) for name, leaf in said.reads.items()}}


def _each(declared_: object) -> Iterator[object]:
    """A rule, or one `for_each: feed`, with the feed's name and what its control totals sum up."""
    if not isinstance(declared_, Mapping) or "for_each" not in declared_:
        yield declared_
        return
    rest = {name: value for name, value in declared_.items() if name != "for_each"}
    for name, feed in load_feeds().items():
        summed = {
            measure: total.removeprefix("sum(").removesuffix(")")
            for measure, total in measures(feed).items()
            if measure != RECORD_COUNT
        }
        cases = " ".join(f"when '{measure}' then {value}::{SQL_TYPE}" for measure, value in summed.items())
        yield {**rest, "of_feed": name, "summed": cases}
