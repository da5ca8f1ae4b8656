"""One published value, what it is made of, and whether the parts make it again.

Here: applying the declared rule of a column to one cell of a publication. Not here: the rules (rules.py and
rules/*.yaml), where a source record stands in its file (records.py), and how an explanation is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Context, Decimal
from difflib import get_close_matches
from typing import Any

from kunderegnskab.audit.explain.book import rules_of
from kunderegnskab.audit.explain.rules import PARAMETER, Records, Rule, Total, Words, columns_of
from kunderegnskab.audit.trace import FISCAL_CALENDAR, CannotTrace, Trace
from kunderegnskab.publication.manifest import MartContent
from kunderegnskab.sql import identifier, literal

Value = Decimal | int | str | bool | date | datetime | None

BREADTH = 12
"""Parts of a sum shown and followed per step; the rest is summed in one line."""

RELATION = re.compile(r"\b(raw|staging|intermediate|marts|audit)\.([a-z_][a-z0-9_]*)")
_OF_THE_CALENDAR = re.compile(
    r"\b(period_of|first_month_held|last_month_held|first_day_of|last_day_of|named_fiscal_year)\("
)
# As many values of a key column are all named; of more, the nearest.
_FEW_VALUES = 12
# Sums of 18-digit amounts over millions of rows stay exact.
_EXACT = Context(prec=60)


@dataclass(frozen=True)
class Cell:
    """A published value by its place: table as `schema.table`, key columns with their values, column."""

    table: str
    key: Mapping[str, Value]
    column: str


@dataclass(frozen=True)
class RecordKey:
    """A source record by its place.

    Attributes:
        source_sheet: of the workbook; empty for a file without sheets, None where the publication does not
            say.
        value: what it gives to the column that it is a part of.
        by: what else tells its part from others.
        part_of: that column, as `schema.table.column`, where records were followed all the way down.
        gives: what it gives to the value that was asked for; None where a step between them computes
            something else than a sum.
    """

    feed: str
    source_file: str
    source_sheet: str | None
    source_record: int
    value: Value
    by: tuple[tuple[str, Value], ...] = ()
    part_of: str = ""
    gives: Decimal | None = None


@dataclass(frozen=True)
class Part:
    """One thing that a value is made of.

    Attributes:
        name: what tells it from the other parts, by column, or the name of an input.
        value: exact.
        cell: where it is published, if it is; it can be explained in its turn.
        records: how many source records it adds up; 0 where it is no sum of records.
        parts: what it is made of itself, where that is no cell.
        formula: SQL that computes it from the parts before it, if it is computed so.
    """

    name: Mapping[str, Value]
    value: Value
    cell: Cell | None = None
    records: int = 0
    parts: tuple[Part, ...] = ()
    formula: str = ""


@dataclass(frozen=True)
class Explanation:
    """A published value and how it comes about.

    Attributes:
        value: as published.
        kind: name, formula, total or records.
        formula: SQL of what is done with the parts; empty for a name.
        words: the rule in a sentence, if it has one.
        parts: in order; a formula's parts are the columns and inputs that it names.
        computed: what the parts make by the rule.
        records: the source records that were added up, if the rule adds up records.
    """

    cell: Cell
    value: Value
    kind: str
    formula: str
    words: Words | None
    parts: tuple[Part, ...] = ()
    computed: Value = None
    records: tuple[RecordKey, ...] = field(default=(), repr=False)

    @property
    def adds_up(self) -> bool:
        """Whether the parts make exactly what was published."""
        return self.kind == "name" or _same(self.value, self.computed)


class CannotExplain(CannotTrace):
    """There is no such cell, or no rule for it."""


def explain(trace: Trace, cell: Cell) -> Explanation:
    """Explain one cell of a publication.

    Raises:
        CannotExplain: the table, the row or the column is not published.
        CannotTrace: a lake file that is needed is gone.
    """
    row = _row(trace, cell)
    rule = _rule(trace, cell, row)
    value = row[cell.column]
    if rule.name:
        return Explanation(cell, value, "name", "", rule.words)
    if rule.total is not None:
        parts = _parts(trace, rule.total, cell, row)
        computed = _put_together(rule.total.how, [part.value for part in parts])
        return Explanation(cell, value, "total", _total_text(rule.total), rule.words, tuple(parts), computed)
    if rule.records is not None:
        records = _records(trace, rule.records, cell, row)
        by_file = _by_file(records, rule.records.how)
        computed = _put_together(rule.records.how, [record.value for record in records])
        how = "count" if rule.records.distinct else rule.records.how
        text = f"{how} of {rule.records.value} in {rule.records.of}"
        return Explanation(cell, value, "records", text, rule.words, by_file, computed, tuple(records))
    return _by_formula(trace, cell, row, rule)


def published_tables(trace: Trace) -> Mapping[str, MartContent]:
    """The tables whose cells can be explained, with their keys and columns."""
    rules = rules_of(trace)
    return {name: content for name, content in trace.publication.manifest.marts.items() if name in rules}


# --- the row and its rule ---------------------------------------------------------------------------
def _row(trace: Trace, cell: Cell) -> dict[str, Any]:
    content = trace.publication.manifest.marts.get(cell.table)
    if content is None:
        raise CannotExplain(f"{trace.publication.name} holds no table {cell.table}.")
    names = [column.name for column in content.columns]
    if cell.column not in names:
        raise CannotExplain(f"{cell.table} has no column {cell.column}; it has {', '.join(names)}.")
    where = " and ".join(f"{identifier(name)} is not distinct from ?" for name in cell.key)
    rows = trace.rows(
        f"select * from {cell.table} where {where} limit 2", list(cell.key.values()), reads=[cell.table]
    )
    place = ", ".join(f"{name} {value}" for name, value in cell.key.items())
    if not rows:
        raise CannotExplain(
            f"{cell.table} of {trace.publication.name} has no row with {place}; {_nearest(trace, cell)}"
        )
    if len(rows) > 1:
        raise CannotExplain(
            f"{cell.table} has several rows with {place}; its key is {', '.join(content.key)}."
        )
    return rows[0]


def _nearest(trace: Trace, cell: Cell) -> str:
    """What could have been meant: each value of the key that no row has, with those that rows have."""
    hints = []
    for name, value in cell.key.items():
        # Keys of customers and of salespeople stand in one column; who asks for a customer means a customer.
        among = (
            {"scope_type": cell.key["scope_type"]} if name == "scope_id" and "scope_type" in cell.key else {}
        )
        where = " and ".join([f"{identifier(name)} is not null", *(f"{other} = ?" for other in among)])
        found = trace.con.execute(
            f"select distinct {identifier(name)} as value from {cell.table} where {where} order by value",
            list(among.values()),
        )
        held = [each for (each,) in found.fetchall()]
        if held and value not in held:
            hints.append(f"no row has {name} {value}{_choice(value, held)}")
    return f"{', and '.join(hints)}." if hints else "each value is there, but not together."


def _choice(value: Value, held: Sequence[Any]) -> str:
    if not isinstance(value, str):
        return f" (they go from {held[0]} to {held[-1]})"
    if len(held) <= _FEW_VALUES:
        return f" (there are {', '.join(held)})"
    near = get_close_matches(value, held, n=3, cutoff=0.5)
    return f" (nearest: {', '.join(near)})" if near else ""


def _rule(trace: Trace, cell: Cell, row: Mapping[str, Any]) -> Rule:
    for rule in rules_of(trace).get(cell.table, {}).get(cell.column, ()):
        if rule.when is None or _asked(trace, f"select {rule.when}", cell, row):
            return rule
    raise CannotExplain(f"There is no rule that explains {cell.table}.{cell.column}.")


# --- totals and records -----------------------------------------------------------------------------
def _parts(trace: Trace, total: Total, cell: Cell, row: Mapping[str, Any]) -> list[Part]:
    target = target_of(trace, total)
    by = total.by or (tuple(trace.publication.manifest.marts[target.table].key) if target else ())
    names = [each.rpartition(".")[2] for each in by]
    grouped = "".join(f"{each}, " for each in by)
    is_grouped = bool(total.by) and total.how in ("sum", "count")
    value = {"sum": f"sum({total.value})", "count": "count(*)"}[total.how] if is_grouped else total.value
    query = f"select {grouped}{value} as part_value from {total.of} where {total.where}"
    if is_grouped:
        query += f" group by {', '.join(by)}"
    if by:
        query += f" order by {', '.join(str(number + 1) for number in range(len(by)))}"
    found = _execute(trace, query, cell, row)
    parts = []
    for *key, part_value in found:
        name = dict(zip(names, key, strict=True))
        key_columns = trace.publication.manifest.marts[target.table].key if target is not None else ()
        is_cell = bool(key_columns) and set(key_columns) <= set(name)
        child = None
        if target is not None and is_cell:
            keys = trace.publication.manifest.marts[target.table].key
            column = target.column
            if column.startswith("$"):
                column = str({**name, "column": cell.column}[column.removeprefix("$")])
            child = Cell(target.table, {each: name[each] for each in keys}, column)
        parts.append(Part(name, 1 if total.how == "count" and not is_grouped else part_value, child))
    if total.how == "sum" and len(parts) > BREADTH:
        # Who looks at many wants the ones that matter; a year's months stay in their order.
        parts.sort(key=lambda part: -abs(Decimal(part.value or 0)))  # ty: ignore[invalid-argument-type]
    return parts


@dataclass(frozen=True)
class Target:
    """A published column by table and name."""

    table: str
    column: str


def target_of(trace: Trace, total: Total) -> Target | None:
    """The published column that the parts of a total stand in."""
    if total.cell is not None:
        table, _, column = total.cell.rpartition(".")
        return Target(table, column)
    table = total.of.strip().partition(" ")[0]
    content = trace.publication.manifest.marts.get(table)
    is_one = RELATION.findall(total.of) == [tuple(table.split("."))] and " join " not in total.of
    if content is None or not is_one:
        return None
    value = total.value.rpartition(".")[2]
    if value in {column.name for column in content.columns}:
        return Target(table, value)
    return Target(table, content.columns[0].name) if total.how == "count" and content.key else None


def _records(trace: Trace, records: Records, cell: Cell, row: Mapping[str, Any]) -> list[RecordKey]:
    feed = literal(records.feed) if records.feed else "feed"
    by = "".join(f", {each}" for each in records.by)
    query = (
        f"select {feed}, source_file, source_sheet, source_record, {records.value}{by} from {records.of} "
        f"where {records.where} order by 1, 2, 3, 4"
    )
    if records.distinct:
        # What is counted once stands at its first record.
        query = (
            f"select feed, source_file, source_sheet, source_record, 1 from (select {feed} as feed, "
            f"source_file, source_sheet, source_record, row_number() over (partition by {records.distinct} "
            f"order by source_file, source_sheet, source_record) as place from {records.of} "
            f"where {records.where}) where place = 1 order by 1, 2, 3, 4"
        )
    names = [each.rpartition(".")[2] for each in records.by]
    return [
        RecordKey(*found, by=tuple(zip(names, told, strict=True)))
        for *found, told in ((*row[:5], row[5:]) for row in _execute(trace, query, cell, row))
    ]


def _by_file(records: Iterable[RecordKey], how: str) -> tuple[Part, ...]:
    found: dict[tuple[str, str, tuple[tuple[str, Value], ...]], list[Value]] = {}
    for record in records:
        found.setdefault((record.feed, record.source_file, record.by), []).append(record.value)
    return tuple(
        Part({"feed": feed, "source_file": file, **dict(by)}, _put_together(how, values), None, len(values))
        for (feed, file, by), values in found.items()
    )


def _put_together(how: str, values: Sequence[Value]) -> Value:
    match how:
        case "count":
            return sum(int(value or 0) for value in values)  # ty: ignore[invalid-argument-type]
        case "exists":
            return bool(values)
        case "only":
            if len(values) > 1:
                raise CannotExplain(f"One row was expected, {len(values)} were found.")
            return values[0] if values else None
    known = [value for value in values if value is not None]
    if how == "sum":
        total = Decimal(0)
        for value in known:
            total = _EXACT.add(total, Decimal(value))  # ty: ignore[invalid-argument-type]
        return total
    if not known:
        return None
    if how == "median":
        ordered = sorted(Decimal(value) for value in known)  # ty: ignore[invalid-argument-type]
        middle = _EXACT.add(ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2])
        return _EXACT.divide(middle, Decimal(2))
    return min(known) if how == "min" else max(known)


def _total_text(total: Total) -> str:
    what = "rows" if total.how == "count" else total.value
    return f"{total.how} of {what} in {total.of}" + ("" if total.where == "true" else f" where {total.where}")


# --- formulas ---------------------------------------------------------------------------------------
def _by_formula(trace: Trace, cell: Cell, row: Mapping[str, Any], rule: Rule) -> Explanation:
    assert rule.formula is not None
    inputs: dict[str, Value] = {}
    records: list[RecordKey] = []
    children: dict[str, Part] = {}
    for name, source in rule.inputs.items():
        known = {**inputs, **row}
        if isinstance(source, Records):
            found = _records(trace, source, cell, known)
            records += found
            inputs[name] = _put_together(source.how, [record.value for record in found])
            by_file = _by_file(found, source.how)
            children[name] = Part({"input": name}, inputs[name], None, len(found), by_file)
        elif isinstance(source, str):
            inputs[name] = _computed(trace, source, cell, row, inputs)
            children[name] = Part({"input": name}, inputs[name], formula=source)
        else:
            parts = _parts(trace, source, cell, known)
            inputs[name] = _put_together(source.how, [part.value for part in parts])
            children[name] = Part({"input": name}, inputs[name], None, 0, tuple(parts))
    named = list(dict.fromkeys(columns_of(rule.formula)))
    # As the formula reads; but inputs that build on each other in the order in which they do.
    columns = [name for name in named if name not in inputs]
    shown = named if set(inputs) <= set(named) else [*columns, *inputs]
    computed = _computed(trace, rule.formula, cell, row, inputs)
    return Explanation(
        cell,
        row[cell.column],
        "formula",
        rule.formula,
        rule.words,
        tuple(
            children[name] if name in children else Part({"column": name}, row[name], _beside(cell, name))
            for name in shown
        ),
        computed,
        tuple(records),
    )


def _computed(
    trace: Trace, formula: str, cell: Cell, row: Mapping[str, Any], inputs: Mapping[str, Value]
) -> Value:
    known = {**row, **inputs}
    given = {name: known[name] for name in dict.fromkeys(columns_of(formula))}
    if cell.column in given and cell.column not in inputs:
        raise CannotExplain(f"{cell.table}.{cell.column} cannot be explained by itself.")
    shown = {name: f"$_{number}" for number, name in enumerate(given)}
    selected = ", ".join(f"{mark} as {identifier(name)}" for name, mark in shown.items())
    query = f"select {formula}" + (f" from (select {selected})" if selected else "")
    values = {mark[1:]: given[name] for name, mark in shown.items()} | _parameters(formula, cell, known)
    for relation in read_by(query):
        trace.require(relation)
    ((computed,),) = trace.con.execute(query, values or None).fetchall()
    return computed


def _beside(cell: Cell, column: str) -> Cell:
    return Cell(cell.table, cell.key, column)


# --- asking -----------------------------------------------------------------------------------------
def _asked(trace: Trace, query: str, cell: Cell, row: Mapping[str, Any]) -> bool:
    ((answer,),) = _execute(trace, query, cell, row)
    return bool(answer)


def read_by(query: str) -> Iterator[str]:
    """The relations that a query reads, by itself or through the functions of calendar.sql."""
    yield from (f"{schema}.{name}" for schema, name in RELATION.findall(query))
    if _OF_THE_CALENDAR.search(query):
        yield FISCAL_CALENDAR


def _execute(trace: Trace, query: str, cell: Cell, row: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    for relation in read_by(query):
        trace.require(relation)
    return trace.con.execute(query, _parameters(query, cell, row) or None).fetchall()


def _parameters(query: str, cell: Cell, row: Mapping[str, Any]) -> dict[str, Value]:
    wanted = set(PARAMETER.findall(query))
    return {
        name: cell.column if name == "column" else row[name] for name in wanted if not name.startswith("_")
    }


def _same(published: Value, computed: Value) -> bool:
    if published is None or computed is None:
        return published is None and computed is None
    return published == computed
