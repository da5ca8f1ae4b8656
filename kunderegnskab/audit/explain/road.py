"""What a publication itself says of how a column comes about: its manifest, and the SQL of its models.

Keys are in the manifest. A column that a model passes on, or computes from the columns beside it, is found
by following the SQL that the publication carries in audit.models back to what it reads: a column of another
published table, of a feed's record, or of the same row. Anything else (sums, windows, unions) is not
followed, and needs a declaration in rules/*.yaml. What is found is checked like a declared rule: it must make
the published value.

Not here: what is made of it (book.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from kunderegnskab.audit.explain.stated import stated
from kunderegnskab.audit.models import Model
from kunderegnskab.audit.trace import Trace
from kunderegnskab.feeds import load_feeds

# What a cast to fewer decimals would round.
_INEXACT = (exp.Mul, exp.Div, exp.IntDiv, exp.Func)
# Relations that say something of the company as a whole.
_ONE_ROW = frozenset({"staging.stg_company"})
_ACCOUNTS = "marts.customer_accounts"
_NUMBER = re.compile("DECIMAL|.*INT")
# Models between a published table and its feed that only pass a column on.
_DEEPEST = 6


@dataclass(frozen=True)
class Leaf:
    """A column of a relation, `schema.relation`, that a value is made of."""

    relation: str
    column: str


@dataclass(frozen=True)
class Said:
    """What a model's SQL says of one of its columns.

    Attributes:
        formula: SQL over columns of the row and the names in `reads`.
        reads: name -> column of another relation, in the row with the same key.
    """

    formula: str
    reads: Mapping[str, Leaf] = field(default_factory=dict)

    @property
    def passed_on(self) -> Leaf | None:
        """The column that the value is, unchanged, if it is one."""
        return self.reads.get(self.formula)

    def by_case(self) -> list[tuple[str, Said]] | None:
        """What holds for each value of a column of the row, if that alone decides which column is taken over.

        Each with its condition; the last one, which holds for every other value, has none.
        """
        tree: exp.Expr = sqlglot.parse_one(self.formula, dialect="duckdb")
        if isinstance(tree, exp.Cast):
            tree = tree.this
        if (
            not isinstance(tree, exp.Case)
            or not isinstance(tree.this, exp.Column)
            or tree.this.name in self.reads
        ):
            return None
        arms = [(each.this, each.args["true"]) for each in tree.args["ifs"]]
        if not all(
            isinstance(key, exp.Literal) and isinstance(value, exp.Column | exp.Literal)
            for key, value in arms
        ):
            return None
        if not any(value.name in self.reads for _, value in arms):
            return None
        told = [(f"${tree.this.name} = {key.sql(dialect='duckdb')}", value) for key, value in arms]
        told.append(("", tree.args.get("default") or exp.null()))
        return [
            (
                when,
                Said(value.sql(dialect="duckdb"), {k: v for k, v in self.reads.items() if k == value.name}),
            )
            for when, value in told
        ]


class NoRoad(Exception):
    """The SQL computes something that is not followed; the text says what."""


class Road:
    """The tables of one publication and what is known of them without any declaration."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._marts = trace.publication.manifest.marts
        self._queries: dict[str, _Query] = {}

    def tables(self) -> Iterator[str]:
        """The published tables whose rows have a key."""
        return (name for name, content in self._marts.items() if content.key)

    def key(self, table: str) -> tuple[str, ...]:
        """What tells the rows of a table apart; of a table that is not published, as the dbt project says."""
        content = self._marts.get(table)
        return tuple(content.key) if content is not None else stated(table).grain

    def columns(self, table: str) -> tuple[str, ...]:
        """The columns of a table in order; none of one that is not published."""
        content = self._marts.get(table)
        return tuple(column.name for column in content.columns) if content is not None else ()

    def figures(self, table: str) -> tuple[str, ...]:
        """The columns of a published table that are numbers, but for its key."""
        content = self._marts.get(table)
        return (
            ()
            if content is None
            else tuple(
                column.name
                for column in content.columns
                if column.name not in content.key and _NUMBER.match(column.type)
            )
        )

    def is_seed(self, table: str) -> bool:
        """Whether the table comes with the product."""
        return table in self._models and self._models[table].kind == "seed"

    def is_noted(self, table: str) -> bool:
        """Whether a published table is filled by the program itself, and by no SQL."""
        return bool(self._models) and table not in self._models

    @cached_property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Columns by a name for all of them: of the customers' ladder, and what accounts have beside it."""
        kinds = [(line["column_name"], line["line_kind"] == "amount") for line in self._ladder]
        known = {*(column for column, _ in kinds), *stated(_ACCOUNTS).ratios}
        return {
            "lines": tuple(column for column, _ in kinds),
            "amounts": tuple(column for column, is_amount in kinds if is_amount),
            "subtotals": tuple(column for column, is_amount in kinds if not is_amount),
            "counts": tuple(column for column in self.figures(_ACCOUNTS) if column not in known),
        }

    def subtotal(self, table: str, column: str) -> str | None:
        """A subtotal of the ladder as SQL, of a table that has all lines above it side by side."""
        if column not in self.groups["subtotals"]:
            return None
        (own,) = (line for line in self._ladder if line["column_name"] == column)
        above = [
            line
            for line in sorted(self._ladder, key=lambda line: line["position"])
            if line["line_kind"] == "amount" and line["is_used"] and line["position"] < own["position"]
        ]
        if not own["is_used"] or not {line["column_name"] for line in above} <= set(self.columns(table)):
            return None
        terms = [f"{'+' if line['sign'] > 0 else '-'} {line['column_name']}" for line in above]
        return " ".join(terms).removeprefix("+ ")

    @cached_property
    def _ladder(self) -> Sequence[Mapping[str, Any]]:
        if "audit.ladder" not in self._trace.tables:
            return ()
        return self._trace.rows(
            "select * from audit.ladder where level = 'customer' order by line_code", reads=["audit.ladder"]
        )

    def said(self, table: str, column: str, given: Collection[str] = ()) -> Said:
        """What the SQL of a published table's model says of a column.

        Args:
            given: columns of other relations that the formula may name as they are.

        Raises NoRoad where it cannot be followed.
        """
        # In their order, because two columns may be the same one passed on.
        own = tuple(name for name in self.columns(table) if name != column)
        tree, reads = self._query(table).expression(column, own)
        names: dict[str, Leaf] = {}
        renamed: dict[str, str] = {}
        for mark, leaf in reads.items():
            if leaf.column in given:
                renamed[mark] = leaf.column
                continue
            source = self._source(leaf, own)
            name = source.column
            if name in own or name == column or names.get(name, source) != source:
                name = f"{_called(source.relation)}_{source.column}"
            names[name] = source
            renamed[mark] = name

        def shown(node: exp.Expr) -> exp.Expr:
            if isinstance(node, exp.Column) and node.name in renamed:
                return exp.column(renamed[node.name])
            return node

        return Said(tree.transform(shown).sql(dialect="duckdb"), names)

    def _source(self, leaf: Leaf, own: Collection[str]) -> Leaf:
        """The published table's or the feed's column that a column passes on."""
        for _ in range(_DEEPEST):
            key = self.source_key(leaf.relation)
            if leaf.relation in _ONE_ROW or (key and set(key) <= set(own)):
                return leaf
            if leaf.relation in self._marts:
                break
            tree, reads = self._query(leaf.relation).expression(leaf.column, ())
            if not isinstance(tree, exp.Column):
                break
            leaf = reads[tree.name]
        raise NoRoad(f"no column of the row tells the one of {leaf.relation}")

    def source_key(self, relation: str) -> tuple[str, ...]:
        """The key of a published table or of a feed's records; empty where the relation is neither."""
        if relation in self._marts:
            return tuple(self._marts[relation].key) or stated(relation).grain
        feed = feed_of(relation)
        if feed is not None:
            return load_feeds()[feed].key
        return stated(relation).grain if relation.startswith("staging.") else ()

    def records_feed(self, relation: str) -> str | None:
        """The feed that a relation's records come from; None where it has a column that says so."""
        for _ in range(_DEEPEST):
            feed = feed_of(relation)
            if feed is not None:
                return feed
            sources = self._sources_of_records.get(relation, frozenset())
            if len(sources) != 1:
                return None
            (relation,) = sources
        return None

    @cached_property
    def _sources_of_records(self) -> Mapping[str, frozenset[str]]:
        if "audit.column_lineage" not in self._trace.tables:
            return {}
        self._trace.require("audit.column_lineage")
        found = self._trace.con.execute(
            "select schema_name || '.' || model, list(distinct source_schema || '.' || source_relation) "
            "from audit.column_lineage where column_name = 'source_record' group by all"
        ).fetchall()
        return {relation: frozenset(sources) for relation, sources in found}

    @property
    def _models(self) -> Mapping[str, Model]:
        """The models; none of a publication that did not record them: its declared rules are left."""
        return self._trace.models if "audit.models" in self._trace.tables else {}

    def _query(self, relation: str) -> _Query:
        if relation not in self._queries:
            model = self._models.get(relation)
            if model is None or not model.query:
                raise NoRoad(f"the publication has no SQL of {relation}")
            self._queries[relation] = _Query(model.query, self._columns_of)
        return self._queries[relation]

    def _columns_of(self, relation: str) -> frozenset[str]:
        return self._known.get(relation, frozenset())

    @cached_property
    def _known(self) -> Mapping[str, frozenset[str]]:
        if "audit.column_lineage" not in self._trace.tables:
            return {table: frozenset(self.columns(table)) for table in self._marts}
        self._trace.require("audit.column_lineage")
        found = self._trace.con.execute(
            "select schema_name || '.' || model, list(distinct column_name) "
            "from audit.column_lineage group by all"
        ).fetchall()
        return {relation: frozenset(columns) for relation, columns in found} | {
            table: frozenset(self.columns(table)) for table in self._marts
        }


def feed_of(relation: str) -> str | None:
    """The feed whose records a staging model holds, one row each; None of another relation."""
    name = relation.removeprefix("staging.stg_")
    return name if name != relation and name in load_feeds() else None


def _called(relation: str) -> str:
    """What a column's source is called, where its name alone is not enough."""
    return "supplied" if feed_of(relation) is not None else relation.partition(".")[2].removeprefix("stg_")


class _Query:
    """One SELECT, to follow its columns back through its common table expressions.

    A place is a column at the end of a path: the sources, one within the other, that lead to it. The same
    source joined twice is two paths, because it is two rows.
    """

    def __init__(self, sql: str, columns_of: Callable[[str], frozenset[str]]) -> None:
        self._columns_of = columns_of
        self._marks = count()
        try:
            self._final = sqlglot.parse_one(sql, dialect="duckdb")
        except SqlglotError as error:
            raise NoRoad(str(error).splitlines()[0]) from error
        self._parts = {part.alias: part.this for part in self._final.find_all(exp.CTE)}

    def expression(self, column: str, own: Iterable[str]) -> tuple[exp.Expr, dict[str, Leaf]]:
        """What a column is computed by, over columns of the row and names of columns that are read elsewhere.

        Args:
            own: the row's other columns.

        Raises NoRoad where it is more than an expression over one row of each relation.
        """
        places: dict[_Place, str] = {}
        for each in own:
            for place in self._passes(each):
                places.setdefault(place, each)
        reads: dict[str, Leaf] = {}
        tree = self._followed(self._final, column, (), places, reads)
        while isinstance(tree, exp.Paren):
            tree = tree.this
        return tree, reads

    def _passes(self, column: str) -> Iterator[_Place]:
        """The places that a column comes by before anything is computed."""
        query: exp.Expr | None = self._final
        path: tuple[int, ...] = ()
        while query is not None:
            try:
                found = _projection(query, column) or exp.column(column)
                if isinstance(found, exp.Cast):
                    found = found.this
                if not isinstance(found, exp.Column):
                    return
                source, query = self._source_of(query, found)
            except NoRoad:
                return
            path, column = (*path, id(source)), found.name
            yield path, column

    def _followed(
        self,
        query: exp.Expr,
        column: str,
        path: tuple[int, ...],
        places: Mapping[_Place, str],
        reads: dict[str, Leaf],
    ) -> exp.Expr:
        if isinstance(query, exp.SetOperation):
            return self._of_arms(query, column, path, places, reads)
        found = _projection(query, column)
        if found is None:
            found = exp.column(column)
        if found.find(exp.AggFunc, exp.Window, exp.Query):
            raise NoRoad(f"{column} is computed from several rows")
        found = _uncast(found)

        def follow(node: exp.Expr) -> exp.Expr:
            if not isinstance(node, exp.Column):
                return node
            source, inner = self._source_of(query, node)
            place = ((*path, id(source)), node.name)
            if place in places:
                return exp.column(places[place])
            if inner is None:
                mark = f"__{next(self._marks)}"
                reads[mark] = Leaf(_relation(source), node.name)
                return exp.column(mark)
            tree = self._followed(inner, node.name, place[0], places, reads)
            return tree if isinstance(tree, exp.Column | exp.Paren) else exp.paren(tree, copy=False)

        return found.copy().transform(follow)

    def _of_arms(
        self,
        union: exp.SetOperation,
        column: str,
        path: tuple[int, ...],
        places: Mapping[_Place, str],
        reads: dict[str, Leaf],
    ) -> exp.Expr:
        """What a column of several queries is: the same in each, or told by a word that each gives a row."""
        own = {name: each for (place, name), each in places.items() if place == path}
        arms = list(_arms(union))
        trees: dict[exp.Expr, list[int]] = {}
        for number, arm in enumerate(arms):
            known = dict(places)
            for name, each in own.items():
                passed = _uncast(_projection(arm, name) or exp.column(name))
                if isinstance(passed, exp.Column):
                    known.setdefault(((*path, id(self._source_of(arm, passed)[0])), passed.name), each)
            found: dict[str, Leaf] = {}
            tree = _uncast(self._followed(arm, column, path, known, found))
            marks = {leaf: mark for mark, leaf in reads.items()}
            renamed = {mark: marks.setdefault(leaf, mark) for mark, leaf in found.items()}
            reads |= {mark: leaf for leaf, mark in marks.items()}

            def shared(node: exp.Expr, renamed: Mapping[str, str] = renamed) -> exp.Expr:
                is_mark = isinstance(node, exp.Column) and node.name in renamed
                return exp.column(renamed[node.name]) if is_mark else node

            tree = tree.transform(shared)
            trees.setdefault(tree, []).append(number)
        if len(trees) == 1:
            return next(iter(trees))
        for name, each in own.items():
            words = [_uncast(_projection(arm, name) or exp.null()) for arm in arms]
            if all(isinstance(word, exp.Literal) for word in words) and len(set(words)) == len(words):
                told = exp.column(each)
                case = exp.Case(this=told) if len(trees) == len(arms) else exp.Case()
                for tree, numbers in trees.items():
                    alike = [words[number] for number in numbers]
                    case = case.when(alike[0] if case.this else told.isin(*alike), tree)
                return case
        raise NoRoad(f"{column} is of several queries")

    def _source_of(self, query: exp.Expr, node: exp.Column) -> tuple[exp.Expr, exp.Expr | None]:
        """The source of a SELECT that a column is of, and its query; None of a relation of the warehouse."""
        for source in _sources(query):
            if node.table and source.alias_or_name != node.table:
                continue
            if isinstance(source, exp.Table) and source.db:
                columns = self._columns_of(_relation(source))
                if node.name in columns or (not columns and (node.table or not query.args.get("joins"))):
                    return source, None
                continue
            inner = self._parts.get(source.name) if isinstance(source, exp.Table) else source.this
            if inner is not None and self._has(inner, node.name):
                return source, inner
        raise NoRoad(f"where {node.sql()} comes from is not seen")

    def _has(self, query: exp.Expr, column: str) -> bool:
        if not isinstance(query, exp.Select):
            return isinstance(query, exp.SetOperation) and self._has(query.this, column)
        if any(each.alias_or_name == column for each in query.expressions):
            return True
        try:
            return any(each.is_star for each in query.expressions) and bool(
                self._source_of(query, exp.column(column))
            )
        except NoRoad:
            return False


_Place = tuple[tuple[int, ...], str]


def _projection(query: exp.Expr, column: str) -> exp.Expr | None:
    """What a SELECT computes a column by; None where it takes it over with `*`."""
    if not isinstance(query, exp.Select):
        raise NoRoad(f"{column} is of several queries")
    for each in query.expressions:
        if each.alias_or_name == column:
            return each.unalias()
    if not any(each.is_star for each in query.expressions):
        raise NoRoad(f"{column} is not selected")
    return None


def _arms(query: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(query, exp.SetOperation):
        yield from _arms(query.this)
        yield from _arms(query.expression)
    else:
        yield query


def _uncast(tree: exp.Expr) -> exp.Expr:
    """A value without a cast to the contract's type, which changes no exact sum."""
    while isinstance(tree, exp.Cast) and not tree.this.find(*_INEXACT):
        tree = tree.this
    return tree


def _relation(source: exp.Expr) -> str:
    return f"{source.args['db'].name}.{source.name}"


def _sources(query: exp.Expr) -> Iterator[exp.Expr]:
    start = query.args.get("from_")
    if start is not None:
        yield start.this
    for join in query.args.get("joins") or ():
        yield join.this
