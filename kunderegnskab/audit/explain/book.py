"""The rules of one publication: what is declared, and for any other column what follows from the road.

A column that no declaration names is, in this order: a name of what comes with the product; a part of the
key; a ratio or a sum that the dbt project's rules state (stated.py); what its model's SQL passes on or
computes from the row (road.py). A declaration may say less than a whole rule: its words alone, or a lookup
whose key is the row's own.

How a file of declarations is written:

* A key of a table is a column, several with commas between them, or `<lines>`, `<amounts>`, `<subtotals>` for
  those of the ladder.
* `published: schema.table.column` is that column in the row with the same key, `at` says what differs;
  `sum_of` and `count_of` are sums and numbers of rows `at` those columns; `supplied: feed.column` is the
  record with the same key.
* `da` and `en` are the rule's words.
* `patterns` of a file: a text stands for its `{name}` everywhere in the file; a declaration `like` another
  one takes its entries, and fills its `{names}` with its own that are no part of a rule. `{column}` is the
  explained column.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from kunderegnskab.audit.explain import rules as declared
from kunderegnskab.audit.explain.road import NoRoad, Road, Said, feed_of
from kunderegnskab.audit.explain.rules import Raw, Rule, as_rules, declared_tables, read_table
from kunderegnskab.audit.explain.stated import stated
from kunderegnskab.audit.trace import Trace
from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest.totals import RECORD_COUNT, SQL_TYPE, measures

Rules = Mapping[str, Mapping[str, tuple[Rule, ...]]]

# Ways to write a total or records of rows that a key tells, `at`.
_LOOKUPS = {"published": "total", "sum_of": "total", "count_of": "total", "supplied": "records"}
_WAYS = ("name", "formula", "total", "records", *_LOOKUPS)
_OF_THE_PRODUCT = {
    "da": "Navn eller tal i standarden, som følger med produktet.",
    "en": "A name or number of the standard that comes with the product.",
}
# A value in `at` that is no SQL.
_WORD = re.compile(r"[A-Za-z0-9_ ]+")
# Texts that name texts that name texts.
_NESTED = 4
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


class KnownRoad(Protocol):
    """What a book must know of the tables; what each says is in road.py."""

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]: ...  # noqa: D102

    def tables(self) -> Iterator[str]: ...  # noqa: D102

    def key(self, table: str) -> tuple[str, ...]: ...  # noqa: D102

    def columns(self, table: str) -> tuple[str, ...]: ...  # noqa: D102

    def is_seed(self, table: str) -> bool: ...  # noqa: D102

    def said(self, table: str, column: str, given: Collection[str] = ()) -> Said: ...  # noqa: D102

    def source_key(self, relation: str) -> tuple[str, ...]: ...  # noqa: D102


class Book(Mapping[str, Mapping[str, tuple[Rule, ...]]]):
    """The tables that can be explained: those that are declared, and those that come with the product."""

    def __init__(self, road: KnownRoad) -> None:
        self._road = road
        self._names = sorted(
            set(declared_tables(declared.RULES)) | {name for name in road.tables() if road.is_seed(name)}
        )
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
        self._file, self._patterns, found = "", {}, {}
        if table in declared_tables(declared.RULES):
            self._file, self._patterns, found = read_table(table)
        self._declared: dict[str, object] = {}
        for names, each in found.items():
            for name in self._columns_of(names):
                self._declared[name] = each
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
            if group is None:
                yield name
            elif group[1] in self._road.groups:
                yield from self._road.groups[group[1]]
            else:
                raise ValueError(f"{self._file}: {self._table}.{name}: there is no such group of columns")

    # --- what is declared -----------------------------------------------------------------------------
    def _rules(self, column: str) -> tuple[Rule, ...] | None:
        place = f"{self._file}: {self._table}.{column}"
        if column not in self._declared:
            followed = self._follows(column)
            return None if followed is None else as_rules(place, self._whole(place, column, followed))
        found = self._declared[column]
        alternatives = [
            each for one in (found if isinstance(found, list) else [found]) for each in _each(one)
        ]
        if not alternatives:
            raise ValueError(f"{place}: there is no rule")
        whole = [self._whole(place, column, each) for each in alternatives]
        if open_names := _UNFILLED.findall(str(whole)):
            raise ValueError(f"{place}: nothing fills {', '.join(open_names)}")
        return as_rules(place, whole)

    def _whole(self, place: str, column: str, each: object) -> object:
        """A rule with everything that a declaration may leave out."""
        if not isinstance(each, Mapping):
            raise ValueError(f"{place}: {each!r} is no declaration")
        rule: dict[str, Any] = dict(self._patterned(place, column, each))
        if "da" in rule or "en" in rule:
            rule["words"] = {name: rule.pop(name) for name in ("da", "en") if name in rule}
        if not any(way in rule for way in _WAYS):
            followed = self._follows(column, rule.get("inputs") or ())
            if followed is None:
                raise ValueError(f"{place}: nothing says how it comes about, so the declaration must")
            inputs = {**rule.get("inputs", {}), **followed.get("inputs", {})}
            rule = {**followed, **rule, **({"inputs": inputs} if inputs else {})}
        if isinstance(rule.get("inputs"), Mapping):
            rule["inputs"] = {
                name: self._source(place, column, source) if isinstance(source, Mapping) else source
                for name, source in rule["inputs"].items()
            }
        for way in ("total", "records"):
            if isinstance(rule.get(way), Mapping):
                rule[way] = self._source(place, column, rule[way])
        for way in _LOOKUPS:
            if way in rule:
                kept = {name: rule.pop(name) for name in ("when", "words") if name in rule}
                return {**kept, _LOOKUPS[way]: self._source(place, column, rule)}
        return rule

    def _patterned(self, place: str, column: str, each: Raw) -> Raw:
        """A declaration with the texts and patterns of its file.

        `like` names a pattern: entries of a rule's form come before the pattern's, others fill its {names}.
        """
        filling: dict[str, object] = {}
        while "like" in each:
            if each["like"] not in self._patterns:
                raise ValueError(f"{place}: there is no pattern {each['like']}")
            own = {name: value for name, value in each.items() if name in _OF_A_RULE}
            # What a pattern does not name goes on to the one that it is like itself.
            filling = {
                **{name: value for name, value in each.items() if name not in {*_OF_A_RULE, "like"}},
                **filling,
            }
            each = {**_filled(self._patterns[each["like"]], filling), **own}
        texts: dict[str, object] = {name: ", ".join(columns) for name, columns in self._road.groups.items()}
        texts |= {name: text for name, text in self._patterns.items() if isinstance(text, str)}
        texts |= {**filling, "column": column}
        for _ in range(_NESTED):
            each = _filled(each, texts)
        return each

    def _source(self, place: str, column: str, source: Raw) -> Raw:
        """A lookup by key, written out as the total or the records that it is."""
        source = self._patterned(place, column, source)
        for way in _LOOKUPS:
            if way not in source:
                continue
            rest = {name: value for name, value in source.items() if name not in (way, "at", "where")}
            at = source.get("at") or {}
            at = {name: f"${name}" for name in at} if isinstance(at, list) else dict(at)
            named = str(source[way])
            relation, _, value = named.rpartition(".")
            if way == "supplied":
                rest = {"how": "only", "feed": relation, **rest}
                relation = f"staging.stg_{relation}"
                at = {**{name: f"${name}" for name in self._road.source_key(relation)}, **at}
            elif way == "published":
                rest = {"how": "only", **rest}
                at = {**{name: f"${name}" for name in self._road.source_key(relation)}, **at}
            elif way == "count_of":
                relation, value = named, "1"
                rest = {"how": "count", **rest}
            where = [f"{name} = {_sql(value)}" for name, value in at.items()]
            where += [str(source["where"])] if "where" in source else []
            return {"of": relation, "value": value, "where": " and ".join(where) or "true", **rest}
        return source

    # --- what follows ---------------------------------------------------------------------------------
    def _follows(self, column: str, given: Collection[str] = ()) -> dict[str, Any] | None:
        """The rule of a column of which no way is declared; None where nothing says it."""
        table = self._table
        if column not in self._road.columns(table):
            return None
        if self._road.is_seed(table):
            return {"name": True, "words": _OF_THE_PRODUCT}
        if column in self._road.key(table):
            return {"name": True}
        said = stated(table)
        if column in said.ratios:
            numerator, denominator = said.ratios[column]
            return {"formula": f"ratio({numerator}, {denominator})"}
        for each in said.sums:
            if column in each.columns:
                at = {name: f"${name}" for name in each.by}
                return {"sum_of": f"{each.parts}.{column}", "at": at}
        try:
            found = self._road.said(table, column, given)
        except NoRoad:
            return None
        if len(found.formula) > _READABLE and not given:
            return None
        if (leaf := found.passed_on) is not None:
            feed = feed_of(leaf.relation)
            if feed is not None:
                return {"supplied": f"{feed}.{leaf.column}"}
            return {"published": f"{leaf.relation}.{leaf.column}"}
        inputs = {
            name: {"supplied": f"{feed}.{leaf.column}"}
            if (feed := feed_of(leaf.relation)) is not None
            else {"published": f"{leaf.relation}.{leaf.column}"}
            for name, leaf in found.reads.items()
        }
        return {"formula": found.formula, "inputs": inputs}


_OF_A_RULE = frozenset(
    {
        *Rule.model_fields,
        *_WAYS,
        "at",
        "da",
        "en",
        "of",
        "value",
        "where",
        "how",
        "by",
        "cell",
        "feed",
        "distinct",
    }
)


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


def _filled(declared_: Any, filling: Mapping[str, Any]) -> Any:
    """A declaration with `{name}` replaced in every text."""
    if isinstance(declared_, str):
        for name, value in filling.items():
            declared_ = declared_.replace(f"{{{name}}}", str(value))
        return declared_
    if isinstance(declared_, Mapping):
        return {name: _filled(value, filling) for name, value in declared_.items()}
    if isinstance(declared_, list):
        return [_filled(each, filling) for each in declared_]
    return declared_


def _sql(value: object) -> str:
    text = str(value)
    return f"'{text}'" if _WORD.fullmatch(text) else text
