"""What a publication itself says of how a column comes about: its manifest, and the SQL of its models.

Keys are in the manifest. A column that a model passes on, or computes from the columns beside it, is found
by following the SQL that the publication carries in audit.models back to what it reads: a column of another
published table, of a feed's record, or of the same row. Anything else (sums, windows, unions) is not
followed, and needs a declaration in rules/*.yaml. What is found is checked like a declared rule: it must make
the published value.

Not here: what is made of it (book.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

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

    def is_seed(self, table: str) -> bool:
        """Whether the table comes with the product."""
        return table in self._models and self._models[table].kind == "seed"

    @cached_property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Columns by a name for all of them: lines, amounts and subtotals of the customers' ladder."""
        if "audit.ladder" not in self._trace.tables:
            return {"lines": (), "amounts": (), "subtotals": ()}
        self._trace.require("audit.ladder")
        lines = self._trace.con.execute(
            "select column_name, line_kind from audit.ladder where level = 'customer' order by line_code"
        ).fetchall()
        return {
            "lines": tuple(column for column, _ in lines),
            "amounts": tuple(column for column, kind in lines if kind == "amount"),
            "subtotals": tuple(column for column, kind in lines if kind != "amount"),
        }

    def said(self, table: str, column: str, given: Collection[str] = ()) -> Said:
        """What the SQL of a published table's model says of a column.

        Args:
            given: columns of other relations that the formula may name as they are.

        Raises NoRoad where it cannot be followed.
        """
        own = frozenset(self.columns(table)) - {column}
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

    def _source(self, leaf: Leaf, own: frozenset[str]) -> Leaf:
        """The published table's or the feed's column that a column passes on."""
        for _ in range(_DEEPEST):
            key = self.source_key(leaf.relation)
            if leaf.relation in _ONE_ROW or (key and own >= set(key)):
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
        found = _projection(query, column)
        if found is None:
            found = exp.column(column)
        if found.find(exp.AggFunc, exp.Window, exp.Query):
            raise NoRoad(f"{column} is computed from several rows")
        # A cast to the contract's type changes no exact sum.
        while isinstance(found, exp.Cast) and not found.this.find(*_INEXACT):
            found = found.this

        def follow(node: exp.Expr) -> exp.Expr:
            if not isinstance(node, exp.Column):
                return node
            source, inner = self._source_of(query, node)
            place = ((*path, id(source)), node.name)
            if place in places:
                return exp.column(places[place])
            if inner is None:
                mark = f"__{len(reads)}"
                reads[mark] = Leaf(_relation(source), node.name)
                return exp.column(mark)
            tree = self._followed(inner, node.name, place[0], places, reads)
            return tree if isinstance(tree, exp.Column | exp.Paren) else exp.paren(tree, copy=False)

        return found.copy().transform(follow)

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


def _relation(source: exp.Expr) -> str:
    return f"{source.args['db'].name}.{source.name}"


def _sources(query: exp.Expr) -> Iterator[exp.Expr]:
    start = query.args.get("from_")
    if start is not None:
        yield start.this
    for join in query.args.get("joins") or ():
        yield join.this
