"""How a file of declarations is written: what each may leave out, written out.

* A key of a table is a column, several with commas between them, or `<lines>`, `<amounts>`, `<subtotals>` for
  those of the ladder and `<counts>` for what an account has beside them. `compared_*` are the columns called
  so that no other key names and the dbt rules do not state; `{*}` is what `*` is.
* A rule with `of` is a total of it. `published: schema.table.column` is that column in the row with the same
  key, `at` says what differs; `sum_of` and `count_of` are sums and numbers of rows `at` those columns. With a
  table alone, `named` is SQL over the row that gives the column's name.
* `records_of: schema.relation.column` adds up records, of the feed that the relation's records come from;
  `supplied: feed.column` is the record with the same key.
* `as_of` a day takes the version that is in force on it. `place_by` is the place among the rows `at` those
  columns, by what it lists.
* `cell` and `by` of a total follow where its value is a column, or one with a sign or a factor before it, of
  the table that `of` begins with.
* `schema.table.column` in SQL is that column in the row with the same key; in a formula it is an input.
* A name in a formula, or a `$name`, that the row does not have is the pattern of that name, as an input. A
  key of inputs may be several with commas between them, `{input}` in their declaration.
* `da` and `en` are the rule's words.
* `patterns` of a file, and those of conformed.yaml in every file: a text stands for its `{name}` everywhere;
  a declaration `like` another one takes its entries, and fills its `{names}` with its own that are no part of
  a rule; it may be like several rules at once. `{column}` is the explained column, `{table}` its table.

Not here: what follows where nothing is declared, and which rules a table has (book.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from kunderegnskab.audit.explain.rules import PARAMETER, Raw, Rule, columns_of, is_of_records, of_row

# Ways to write a total or records of rows that a key tells, `at`.
_LOOKUPS = ("published", "sum_of", "count_of", "supplied", "records_of")
_SOURCES = ("of", *_LOOKUPS)
_WAYS = ("name", "formula", "total", "records", "place_by", *_SOURCES)
_TEXTS = ("of", "value", "where", "distinct")
_OF_A_RULE = frozenset(
    {*Rule.model_fields, *_WAYS, *_TEXTS, "at", "as_of", "named", "da", "en", "how", "by", "cell", "feed"}
)
# A value in `at` that is no SQL.
_WORD = re.compile(r"[A-Za-z0-9_ ]+")
# Texts that name texts that name texts.
_NESTED = 4
_COLUMN = re.compile(r"\b((?:raw|staging|intermediate|marts|audit)\.\w+)\.(\w+)\b")
_JOINED = re.compile(r"\s*(\w+\.\w+) as (\w+) (?:inner|left) join ")

Follows = Callable[[str, Collection[str]], Sequence[Mapping[str, Any]]]


class KnownTables(Protocol):
    """What must be known of the tables to write a declaration out; what each says is in road.py."""

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]: ...  # noqa: D102

    def key(self, table: str) -> tuple[str, ...]: ...  # noqa: D102

    def columns(self, table: str) -> tuple[str, ...]: ...  # noqa: D102

    def figures(self, table: str) -> tuple[str, ...]: ...  # noqa: D102

    def source_key(self, relation: str) -> tuple[str, ...]: ...  # noqa: D102

    def records_feed(self, relation: str) -> str | None: ...  # noqa: D102


class Form:
    """Writes out the declarations of one table.

    Args:
        follows: the rules of a column of which no way is declared, with the inputs that are; none if nothing
            says them.
    """

    def __init__(self, table: str, tables: KnownTables, patterns: Raw, follows: Follows) -> None:
        self._table = table
        self._tables = tables
        self._patterns = patterns
        self._follows = follows

    def whole(self, place: str, column: str, each: object, star: str = "") -> Iterator[Mapping[str, Any]]:
        """A rule with everything that a declaration may leave out, or those that follow where it says none.

        Raises ValueError for a declaration that is none; the text names the place.
        """
        if not isinstance(each, Mapping):
            raise ValueError(f"{place}: {each!r} is no declaration")
        several = self._patterns.get(str(each.get("like")))
        if isinstance(several, list):
            own = {name: value for name, value in each.items() if name in _OF_A_RULE}
            filling = {name: value for name, value in each.items() if name not in {*_OF_A_RULE, "like"}}
            for one in several:
                more = filling if "like" in one else {}
                yield from self.whole(place, column, {**_filled(one, filling), **more, **own}, star)
            return
        yield from _Writer(self, place, column, star).rules(each)


class _Writer:
    """Writes out the declaration of one column."""

    def __init__(self, form: Form, place: str, column: str, star: str) -> None:
        self._form = form
        self._tables = form._tables
        self._patterns = form._patterns
        self._place = place
        self._column = column
        self._star = star
        self._row = frozenset(self._tables.columns(form._table)) - {column}

    def rules(self, each: Raw) -> Iterator[Mapping[str, Any]]:
        rule: dict[str, Any] = dict(self._patterned(each))
        if "da" in rule or "en" in rule:
            rule["words"] = {name: rule.pop(name) for name in ("da", "en") if name in rule}
        if isinstance(rule.get("inputs"), Mapping):
            rule["inputs"] = {
                name: _filled(source, {"input": name})
                for names, source in rule["inputs"].items()
                for name in names.split(", ")
            }
        if any(way in rule for way in _WAYS):
            yield self._rule(rule)
            return
        followed = self._form._follows(self._column, rule.get("inputs") or ())
        if not followed:
            raise ValueError(f"{self._place}: nothing says how it comes about, so the declaration must")
        for one in followed:
            inputs = {**rule.get("inputs", {}), **one.get("inputs", {})}
            yield self._rule({**one, **rule, **({"inputs": inputs} if inputs else {})})

    def _rule(self, rule: dict[str, Any]) -> Mapping[str, Any]:
        if "place_by" in rule:
            by = f"({rule.pop('place_by')})"
            rows = {"count_of": self._form._table, "at": rule.pop("at", {}), "where": f"{by} < {of_row(by)}"}
            rule |= {"formula": "before + 1", "inputs": {"before": rows}}
        if any(way in rule for way in _SOURCES):
            of_the_rule = {name: rule.pop(name) for name in ("when", "words") if name in rule}
            source = self._source(rule)
            rule = {**of_the_rule, "records" if is_of_records(source) else "total": source}
        for way in ("total", "records"):
            if isinstance(rule.get(way), Mapping):
                rule[way] = self._source(rule[way])
        if isinstance(rule.get("formula"), str):
            rule |= self._formula(rule["formula"], rule.get("inputs"))
        if "when" in rule:
            rule["when"] = self._looked_up(str(rule["when"]))
        return rule

    # --- patterns -------------------------------------------------------------------------------------
    def _patterned(self, each: Raw) -> Raw:
        """A declaration with the texts and patterns of its file.

        `like` names a pattern: entries of a rule's form come before the pattern's, others fill its {names}.
        """
        filling: dict[str, object] = {}
        while "like" in each:
            pattern = self._patterns.get(each["like"])
            if not isinstance(pattern, Mapping):
                raise ValueError(f"{self._place}: there is no pattern {each['like']}")
            own = {name: value for name, value in each.items() if name in _OF_A_RULE}
            # What a pattern does not name goes on to the one that it is like itself.
            filling = {
                **{name: value for name, value in each.items() if name not in {*_OF_A_RULE, "like"}},
                **filling,
            }
            each = {**_filled(pattern, filling), **own}
        texts: dict[str, object] = {name: ", ".join(columns) for name, columns in self._tables.groups.items()}
        texts |= {name: text for name, text in self._patterns.items() if isinstance(text, str)}
        texts |= {"table": self._form._table, **filling, "column": self._column, "*": self._star}
        for _ in range(_NESTED):
            each = _filled(each, texts)
        return each

    # --- totals and records ---------------------------------------------------------------------------
    def _source(self, source: Raw) -> Raw:
        """A total or records, with lookups by key written out."""
        source = self._patterned(source)
        way = next((way for way in _LOOKUPS if way in source), None)
        if way is not None:
            source = self._by_key(way, source)
        if "of" in source and not is_of_records(source):
            source = self._with_cell(source)
        return {
            name: self._looked_up(value) if name in _TEXTS and isinstance(value, str) else value
            for name, value in source.items()
        }

    def _by_key(self, way: str, source: Raw) -> Raw:
        said = (way, "at", "as_of", "where", "named")
        rest = {name: value for name, value in source.items() if name not in said}
        at = source.get("at") or {}
        at = {name: f"${name}" for name in at} if isinstance(at, list) else dict(at)
        relation, value = str(source[way]), "1"
        if way == "supplied" or _COLUMN.fullmatch(relation):
            relation, _, value = relation.rpartition(".")
        if way == "supplied":
            rest = {"how": "only", "feed": relation, **rest}
            relation = f"staging.stg_{relation}"
        elif way == "records_of":
            rest = {"feed": self._tables.records_feed(relation.partition(" ")[0]), **rest}
        elif way == "published":
            rest = {"how": "only", **rest}
        elif way == "count_of":
            rest = {"how": "count", **rest}
        if way in ("supplied", "published"):
            at = {**{name: f"${name}" for name in self._tables.source_key(relation)}, **at}
        where = [f"{name} = {_sql(value)}" for name, value in at.items()]
        if "as_of" in source:
            before = " and ".join([*where, f"valid_from <= {source['as_of']}"])
            where.append(f"valid_from = (select max(valid_from) from {relation} where {before})")
        where += [str(source["where"])] if "where" in source else []
        written = {"of": relation, "value": value, "where": " and ".join(where) or "true", **rest}
        return self._long(written, str(source["named"])) if "named" in source else written

    def _long(self, source: Raw, named: str) -> Raw:
        """The column that a row names, of a table that has its figures side by side."""
        table, figures = source["of"], frozenset(self._tables.figures(source["of"]))
        key = self._tables.key(table)
        others = [name for name in self._tables.columns(table) if name not in figures]
        return {
            **source,
            "of": f"(unpivot (select * from {table} where {source['where']}) on "
            f"columns(* exclude ({', '.join(others)})) into name measure value amount) as figures",
            "value": source["value"] if source["value"] != "1" else "amount",
            "by": [*key, "measure"],
            "cell": f"{table}.$measure",
            "where": f"measure = {named}",
        }

    def _with_cell(self, source: Raw) -> Raw:
        """A total with the published column that its parts stand in, and what tells them apart."""
        if source.get("how", "sum") not in ("sum", "only"):
            return source
        joined = _JOINED.match(str(source["of"]))
        table, alias = joined.groups() if joined is not None else (str(source["of"]).strip(), "")
        key = self._tables.key(table)
        if not key or not self._tables.columns(table):
            return source
        told = dict(source)
        value = str(source.get("value", "1"))
        column = None if {"cell", "by"} & set(told) else _column_of(value)
        if column is not None and column.table == alias and value != column.name:
            told["cell"] = f"{table}.{column.name}"
        if joined is not None and "cell" in told and "by" not in told:
            told["by"] = [f"{alias}.{name}" for name in key]
        return told

    # --- formulas -------------------------------------------------------------------------------------
    def _formula(self, formula: str, inputs: object) -> dict[str, Any]:
        """A formula and its inputs, with those that only its names say; each after what it is computed of."""
        declared: dict[str, Any] = dict(inputs) if isinstance(inputs, Mapping) else {}
        written: dict[str, object] = {}
        waiting: set[str] = set()

        def plain(sql: str) -> str:
            """SQL with a name in place of each column of another table."""

            def called(told: re.Match[str]) -> str:
                relation, column = told.groups()
                source = {"published": told[0]}
                is_free = column not in (*self._row, self._column) and declared.get(column, source) == source
                name = column if is_free else f"{relation.partition('.')[2].removeprefix('stg_')}_{column}"
                declared[name] = source
                return name

            return _COLUMN.sub(called, sql)

        def write(name: str) -> None:
            if name in waiting or (name in self._row and name not in declared):
                return
            source = declared.get(name, self._patterns.get(name))
            if source is None:
                return
            waiting.add(name)
            needed: list[str] = []
            if isinstance(source, str):
                source = plain(str(self._patterned({"text": source})["text"]))
                needed += [*_names(source), *PARAMETER.findall(source)]
            elif isinstance(source, Mapping):
                source = self._source(source if name in declared else {"like": name})
                texts = [source[each] for each in _TEXTS if each in source] + list(source.get("by") or ())
                needed += [found for text in texts for found in PARAMETER.findall(str(text))]
            for each in needed:
                write(each)
            written[name] = source

        formula = plain(formula)
        for name in (*_names(formula), *declared):
            write(name)
        return {"formula": formula, **({"inputs": written} if written else {})}

    def _looked_up(self, sql: str) -> str:
        """SQL with columns of other tables looked up by the row's key."""

        def value(told: re.Match[str]) -> str:
            relation, column = told.groups()
            key = " and ".join(f"{name} = ${name}" for name in self._tables.source_key(relation))
            return f"(select {column} from {relation}" + (f" where {key})" if key else ")")

        return _COLUMN.sub(value, sql)


def _names(sql: str) -> tuple[str, ...]:
    """The columns that a piece of SQL names; none of what is no SQL, which is told when it is asked."""
    try:
        return columns_of(sql)
    except SqlglotError:
        return ()


def _column_of(value: str) -> exp.Column | None:
    """The column that a value is, or is with a sign or a factor before it."""
    try:
        tree: exp.Expr = sqlglot.parse_one(PARAMETER.sub("NULL", value), dialect="duckdb")
    except SqlglotError:
        return None
    if isinstance(tree, exp.Neg):
        tree = tree.this
    elif isinstance(tree, exp.Mul):
        tree = tree.expression
    return tree if isinstance(tree, exp.Column) else None


def _filled(declared: Any, filling: Mapping[str, Any]) -> Any:
    """A declaration with `{name}` replaced in every text."""
    if isinstance(declared, str):
        for name, value in filling.items():
            declared = declared.replace(f"{{{name}}}", str(value))
        return declared
    if isinstance(declared, Mapping):
        return {name: _filled(value, filling) for name, value in declared.items()}
    if isinstance(declared, list):
        return [_filled(each, filling) for each in declared]
    return declared


def _sql(value: object) -> str:
    text = str(value)
    return f"'{text}'" if _WORD.fullmatch(text) else text
