"""Every source record behind a published value, however many cells lie between: whole sets at each step.

Here: following the rules of explanation.py for all cells of a column at once, and what each record gives to
the value. Not here: showing steps to a person (ask.py), one step and its proof (explanation.py), a record's
text (records.py).

A step that only adds up passes a record's amount on with its sign, so the records' amounts can be summed. A
step that computes (a share of a pool, accrued bonus, a ratio) does not: the records below it are listed
without an amount of their own, and the computed cell's value stands for them. What records give and computed
cells together make must be the published value; that is checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import sqlglot
from sqlglot import exp

from kunderegnskab.audit.explain.book import rules_of
from kunderegnskab.audit.explain.explanation import (
    RELATION,
    Cell,
    RecordKey,
    explain,
    read_by,
    target_of,
)
from kunderegnskab.audit.explain.rules import PARAMETER, Records, Rule, Total, columns_of, of_row
from kunderegnskab.audit.trace import CannotTrace, Trace
from kunderegnskab.progress import report
from kunderegnskab.sql import identifier, literal

# Fewer cells than this are asked one by one: what is looked for is then known before a view is read.
_FEW = 8
# What a rule reads besides records: the company's configuration, the program's own tables, dates.
_NO_RECORDS = re.compile(r"staging\.stg_(company|feeds|published_baselines)|audit\.default_\w+")
# What the rows of a relation without records of its own are made from, in the words of a rule.
_BEHIND: Mapping[str, Records] = {
    "intermediate.int_owner_spans": Records(
        of="staging.stg_customer_owners",
        feed="customer_owners",
        value="share",
        where="customer_id = $customer_id",
    ),
    "intermediate.int_visits": Records(
        of="intermediate.int_activities_resolved",
        feed="activities",
        value="quantity",
        where="customer_id = $customer_id and month = $month and activity_type = 'sales_visit'",
    ),
    "intermediate.int_activities_resolved": Records(
        of="intermediate.int_activities_resolved",
        feed="activities",
        value="quantity",
        where="customer_id = $customer_id and month = $month",
    ),
    "intermediate.int_sales_lines_valued": Records(
        of="intermediate.int_sales_lines_valued",
        feed="sales_lines",
        where="customer_id = $customer_id and month = $month and is_inside_account",
    ),
    "staging.stg_bonus_agreements": Records(
        of="staging.stg_bonus_agreements",
        feed="bonus_agreements",
        value="rate",
        where="customer_id = $customer_id",
    ),
    "audit.postings": Records(
        of="audit.postings",
        value="amount",
        where=(
            "customer_id = $customer_id and month = $month "
            "and line_code in (select line_code from audit.ladder where column_name = $column)"
        ),
    ),
}


@dataclass(frozen=True)
class Computed:
    """Cells of one column that are computed and not added up, with what they give to the value."""

    column: str
    cells: int
    gives: Decimal


@dataclass(frozen=True)
class Reached:
    """The records behind a value.

    Attributes:
        records: one for each record and column that it is a part of, in order of feed, file, sheet, number.
        computed: what is computed on the way down and so stands in the sum for the records below it.
        unreached: one sentence for each place where the way down ends before the records; empty if none.
        adds_up: whether records and computed cells make the published value; None where it is no number, or
            where the way down ended early and they do not.
    """

    records: tuple[RecordKey, ...]
    computed: tuple[Computed, ...]
    unreached: tuple[str, ...]
    adds_up: bool | None


def reach(trace: Trace, cell: Cell) -> Reached:
    """All source records behind a published cell.

    Raises:
        CannotExplain: there is no such cell, or no rule for it.
        CannotTrace: a lake file that is needed is gone.
    """
    value = explain(trace, cell).value
    return _Reach(trace).of(cell, value)


@dataclass
class _Group:
    """The cells of one published column that were come to; the table `cells` holds them by key."""

    table: str
    column: str
    key: tuple[str, ...]
    cells: str
    wave: int = -1


@dataclass
class _Way:
    """How a rule's value hangs on one of its parts.

    Attributes:
        factor: SQL over the row of what a part is multiplied by; None where it is not added up.
    """

    source: Total | Records | None
    column: str = ""
    factor: str | None = None


class _Reach:
    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._con = trace.con
        self._groups: dict[tuple[str, str], _Group] = {}
        self._unreached: dict[str, None] = {}
        self._next = 0
        for table in ("cells", "edges", "records", "computed"):
            self._con.execute(f"drop table if exists temp.reach_{table}")
        self._con.execute(
            "create temp table reach_edges (parent bigint, child bigint, factor decimal(10, 4))"
        )
        self._con.execute(
            "create temp table reach_records (cell bigint, feed varchar, source_file varchar, "
            "source_sheet varchar, source_record bigint, value varchar, is_number boolean, "
            "factor decimal(10, 4), part_of varchar)"
        )
        self._con.execute("create temp table reach_computed (cell bigint, value varchar, part_of varchar)")

    def of(self, cell: Cell, value: object) -> Reached:
        root = self._group(cell.table, cell.column)
        columns = ", ".join(f"? as {identifier(name)}" for name in root.key)
        self._con.execute(
            f"insert into {root.cells} by name select {self._number()} as _cell, 0 as _wave, {columns}",
            [cell.key[name] for name in root.key],
        )
        root.wave = 0
        wave = 0
        while waiting := [group for group in self._groups.values() if group.wave == wave]:
            for done, group in enumerate(waiting):
                report(f"following {group.table}.{group.column}", done, len(waiting))
                try:
                    self._expand(group, wave)
                except CannotTrace as error:  # a lake file is gone: what was found elsewhere still holds
                    self._miss(str(error))
            wave += 1
        return self._reached(value)

    # --- cells ----------------------------------------------------------------------------------------
    def _number(self) -> int:
        self._next += 1
        return self._next - 1

    def _group(self, table: str, column: str) -> _Group:
        if (table, column) not in self._groups:
            self._trace.require(table)
            key = tuple(self._trace.publication.manifest.marts[table].key)
            name = f"reach_cells_{len(self._groups)}"
            columns = ", ".join(identifier(each) for each in key)
            self._con.execute(
                f"create or replace temp table {name} as "
                f"select 0::bigint as _cell, 0 as _wave, {columns} from {table} limit 0"
            )
            self._groups[table, column] = _Group(table, column, key, name)
        return self._groups[table, column]

    def _meet(self, found: str, table: str, column: str, wave: int, where: str = "true") -> None:
        """Note the cells that `found` has keys of, and an edge to each from its column `_cell`."""
        group = self._group(table, column)
        same = " and ".join(
            f"found.{identifier(name)} is not distinct from known.{identifier(name)}" for name in group.key
        )
        key = ", ".join(identifier(name) for name in group.key)
        self._con.execute(
            f"insert into {group.cells} by name select {self._next} + row_number() over () - 1 as _cell, "
            f"{wave + 1} as _wave, {key} from (select distinct {key} from {found} as found where {where} "
            f"and not exists (select 1 from {group.cells} as known where {same}))"
        )
        ((new,),) = self._con.execute(
            f"select count(*) from {group.cells} where _wave = {wave + 1} and _cell >= {self._next}"
        ).fetchall()
        self._next += new
        if new:
            group.wave = wave + 1
        self._con.execute(
            f"insert into reach_edges select distinct found._cell, known._cell, found._factor from {found} "
            f"as found inner join {group.cells} as known on {same} where {where}"
        )

    # --- one column -----------------------------------------------------------------------------------
    def _expand(self, group: _Group, wave: int) -> None:
        rules = rules_of(self._trace).get(group.table, {}).get(group.column, ())
        if not rules:
            self._miss(f"{group.table}.{group.column} has no rule that says what it is made of")
            return
        same = " and ".join(
            f"cells.{identifier(name)} is not distinct from rows.{identifier(name)}" for name in group.key
        )
        self._con.execute(
            "create or replace temp table reach_rows as select cells._cell, rows.* "
            f"from {group.cells} as cells inner join {group.table} as rows on {same} "
            f"where cells._wave = {wave}"
        )
        if len(rules) == 1:
            self._apply(group, rules[0], "reach_rows", wave)
            return
        arms = " ".join(
            f"when ({rule.when}) then {number}" for number, rule in enumerate(rules) if rule.when is not None
        )
        chosen = f"select case {arms} else {len(rules) - 1} end as _rule"
        self._spread(chosen, "reach_rows", group.column, "reach_chosen")
        for number, rule in enumerate(rules):
            self._con.execute(
                "create or replace temp table reach_ruled as select reach_rows.* from reach_rows "
                f"inner join reach_chosen using (_cell) where _rule = {number}"
            )
            self._apply(group, rule, "reach_ruled", wave)

    def _apply(self, group: _Group, rule: Rule, rows: str, wave: int) -> None:
        ((count,),) = self._con.execute(f"select count(*) from {rows}").fetchall()
        if not count:
            return
        if rule.name:
            self._compute(group, rows)
            return
        ways, is_sum = _ways(self._trace, rule)
        rows = self._with_inputs(group, rule, rows)
        if not is_sum:
            self._compute(group, rows)
        followed: set[str] = set()
        for way in ways:
            factor = (way.factor if is_sum else None) or "null"
            if way.source is None:
                self._con.execute(
                    f"create or replace temp table reach_found as select *, {factor} as _factor from {rows}"
                )
                self._meet("reach_found", group.table, way.column, wave)
            elif isinstance(way.source, Records):
                self._take(group, way.source, rows, factor)
            else:
                followed |= self._follow(group, way.source, rows, factor, wave)
        for way in ways:
            if isinstance(way.source, Total):
                self._look_behind(group, way.source, rows, followed)

    def _compute(self, group: _Group, rows: str) -> None:
        """Note that the cells' own values stand in the sum for what they are made of."""
        self._con.execute(
            f"insert into reach_computed select _cell, {identifier(group.column)}::varchar, ? from {rows}",
            [f"{group.table}.{group.column}"],
        )

    def _with_inputs(self, group: _Group, rule: Rule, rows: str) -> str:
        """The rows with the values of those inputs that others are computed from."""
        texts = {name: _texts(source) for name, source in rule.inputs.items()}
        formula = rule.formula or ""
        scaling = {name for name in columns_of(formula) if "*" in formula} if formula else set()
        for name, source in rule.inputs.items():
            used = {each for other in texts.values() for text in other for each in PARAMETER.findall(text)}
            used |= {
                each for other in rule.inputs.values() if isinstance(other, str) for each in columns_of(other)
            }
            if name not in used | scaling:
                continue
            if isinstance(source, str):
                query = f"select {of_row(source)} as _value"
            elif isinstance(source, Records) and source.distinct:
                counted = f"count(distinct {source.distinct})"
                query = f"select {counted} as _value from {source.of} where {source.where}"
            else:
                how = source.how
                shown = {
                    "sum": f"coalesce(sum({source.value}), 0)",
                    "count": "count(*)",
                    "exists": "count(*) > 0",
                    "only": source.value if _is_aggregate(source.value) else f"min({source.value})",
                }.get(how, f"{how}({source.value})")
                query = f"select {shown} as _value from {source.of} where {source.where}"
            self._spread(query, rows, group.column, "reach_input")
            has = {
                column[0] for column in self._con.execute(f"select * from {rows} limit 0").description or ()
            }
            kept = f"rows.* exclude ({identifier(name)})" if name in has else "rows.*"
            self._con.execute(
                f"create or replace temp table reach_rows_{name} as select {kept}, "
                f"reach_input._value as {identifier(name)} from {rows} as rows "
                "left join reach_input using (_cell)"
            )
            rows = f"reach_rows_{name}"
        return rows

    # --- sources --------------------------------------------------------------------------------------
    def _follow(self, group: _Group, total: Total, rows: str, factor: str, wave: int) -> set[str]:
        """Meet the cells that a total's parts are published in; gives the tables that were followed."""
        marts = self._trace.publication.manifest.marts
        target = target_of(self._trace, total)
        table = total.of.strip().partition(" ")[0]
        is_table = table in marts and {f"{a}.{b}" for a, b in RELATION.findall(total.of)} == {table}
        followed: set[str] = set()
        if target is not None:
            by = total.by or tuple(marts[target.table].key)
            names = [each.rpartition(".")[2] for each in by]
            if marts[target.table].key and set(marts[target.table].key) <= set(names):
                own = _factor(total) or "null"
                column = literal(target.column)
                if target.column == "$column":
                    column = "$column"
                elif target.column.startswith("$"):
                    column = by[names.index(target.column[1:])]
                told = ", ".join(
                    f"{each} as {identifier(name)}" for each, name in zip(by, names, strict=True)
                )
                query = (
                    f"select {told}, {own} as _own, {column} as _column from {total.of} where {total.where}"
                )
                self._spread(f"select distinct * from ({query})", rows, group.column, "reach_parts")
                self._con.execute(
                    f"create or replace temp table reach_found as select parts.*, parts._own * ({factor}) as "
                    f"_factor from reach_parts as parts inner join {rows} as rows using (_cell)"
                    if factor != "null"
                    else "create or replace temp table reach_found as "
                    "select *, null as _factor from reach_parts"
                )
                for (name,) in self._con.execute("select distinct _column from reach_found").fetchall():
                    self._meet("reach_found", target.table, name, wave, f"_column = {literal(name)}")
                followed.add(target.table)
        if is_table and (target is None or _factor(total) is None):
            # Computed over rows of a table: each column that is named.
            key = marts[table].key
            known = {column.name for column in marts[table].columns}
            columns = [name for name in columns_of(total.value) if name in known]
            if key and columns:
                query = f"select {', '.join(key)}, null as _factor from {total.of} where {total.where}"
                self._spread(query, rows, group.column, "reach_found")
                for name in columns:
                    self._meet("reach_found", table, name, wave)
            followed.add(table)
        return followed

    def _look_behind(self, group: _Group, total: Total, rows: str, followed: set[str]) -> None:
        """The records of relations that a total reads and that are not published."""
        marts = self._trace.publication.manifest.marts
        if target_of(self._trace, total) is not None:
            return
        has = {column[0] for column in self._con.execute(f"select * from {rows} limit 0").description or ()}
        for schema, name in dict.fromkeys(RELATION.findall(total.of)):
            relation = f"{schema}.{name}"
            if relation in followed or _NO_RECORDS.fullmatch(relation):
                continue
            if relation in marts and name in ("ladder", "kpi_formulas"):
                continue
            behind = _BEHIND.get(relation)
            if schema == "staging":
                behind = self._as_records(relation, total) or behind
            wanted = set(PARAMETER.findall(behind.where)) if behind is not None else set()
            if behind is None or not wanted <= has | {"column"}:
                self._miss(
                    f"{group.table}.{group.column} is computed from {relation}, "
                    "whose records are not followed"
                )
            else:
                self._take(group, behind, rows, "null")

    def _as_records(self, relation: str, total: Total) -> Records | None:
        """A staging model holds one row per record."""
        if total.of.strip().partition(" ")[0] != relation:
            return None
        value = "1" if _is_aggregate(total.value) else total.value
        feed = relation.removeprefix("staging.stg_")
        return Records(of=total.of, feed=feed, value=value, where=total.where)

    def _take(self, group: _Group, records: Records, rows: str, factor: str) -> None:
        feed = literal(records.feed) if records.feed else "feed"
        query = (
            f"select {feed} as feed, source_file, source_sheet, source_record, {records.value} as _value "
            f"from {records.of} where {records.where}"
        )
        if records.distinct:
            query = (
                "select feed, source_file, source_sheet, source_record, 1 as _value from ("
                f"select {feed} as feed, source_file, source_sheet, source_record, row_number() over ("
                f"partition by {records.distinct} order by source_file, source_sheet, source_record) "
                f"as _place from {records.of} where {records.where}) where _place = 1"
            )
        self._spread(query, rows, group.column, "reach_taken")
        self._con.execute(
            "insert into reach_records select taken._cell, taken.feed, taken.source_file, "
            "taken.source_sheet, taken.source_record, taken._value::varchar, "
            "regexp_matches(typeof(taken._value), '^(DECIMAL|.*INT|INTEGER)'), "
            f"({factor}), ? from reach_taken as taken inner join {rows} as rows using (_cell) "
            "where taken.source_file is not null",
            [f"{group.table}.{group.column}"],
        )

    # --- asking for all rows --------------------------------------------------------------------------
    def _spread(self, query: str, rows: str, column: str, into: str) -> None:
        """Ask a query with parameters for each row; `into` gets the answers beside the row's `_cell`."""
        for relation in read_by(query):
            self._trace.require(relation)
        query = query.replace("$column", literal(column))
        ((count,),) = self._con.execute(f"select count(*) from {rows}").fetchall()
        if count > _FEW:
            asked = PARAMETER.sub(lambda found: f"_row.{identifier(found[1])}", query)
            try:
                self._con.execute(
                    f"create or replace temp table {into} as select _row._cell, _found.* "
                    f"from {rows} as _row, lateral ({asked}) as _found"
                )
            except (duckdb.BinderException, duckdb.NotImplementedException, duckdb.InternalException):
                pass
            else:
                return
        found = self._con.execute(f"select * from {rows} order by _cell")
        names = [each[0] for each in found.description or ()]
        wanted = set(PARAMETER.findall(query))
        for number, values in enumerate(found.fetchall()):
            row = dict(zip(names, values, strict=True))
            report(f"following {into}", number, count)
            start = f"create or replace temp table {into} as" if number == 0 else f"insert into {into}"
            self._con.execute(
                f"{start} select {row['_cell']}::bigint as _cell, _found.* from ({query}) as _found",
                {name: row[name] for name in wanted if name in row} or None,
            )

    def _miss(self, sentence: str) -> None:
        self._unreached[sentence] = None

    # --- what was reached -----------------------------------------------------------------------------
    def _reached(self, value: object) -> Reached:
        self._con.execute(
            "create or replace temp table reach_weights as "
            "select 0::bigint as cell, 1::decimal(10, 4) as weight"
        )
        self._con.execute("create or replace temp table reach_step as from reach_weights")
        while True:
            self._con.execute(
                "create or replace temp table reach_step as select child as cell, "
                "sum(weight * factor)::decimal(10, 4) as weight "
                "from reach_step inner join reach_edges on cell = parent "
                "where factor is not null group by child"
            )
            ((count,),) = self._con.execute("select count(*) from reach_step").fetchall()
            if not count:
                break
            self._con.execute("insert into reach_weights from reach_step")
        self._con.execute(
            "create or replace temp table reach_weights as "
            "select cell, sum(weight)::decimal(10, 4) as weight from reach_weights group by cell"
        )
        records = self._con.execute(
            """
            select feed, source_file, source_sheet, source_record, value, is_number, part_of,
                sum(case when is_number then
                    (weight * factor)::decimal(10, 4) * value::decimal(28, 12) end)::varchar as gives
            from reach_records left join reach_weights using (cell)
            group by all order by all
            """
        ).fetchall()
        computed = self._con.execute(
            """
            select part_of, count(*), sum(weight * try_cast(value as decimal(28, 12)))
            from reach_computed inner join reach_weights using (cell) group by all order by all
            """
        ).fetchall()
        total = sum((Decimal(gives) for *_, gives in records if gives is not None), Decimal(0))
        total += sum((Decimal(gives) for *_, gives in computed if gives is not None), Decimal(0))
        is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        return Reached(
            tuple(
                RecordKey(
                    feed,
                    file,
                    sheet,
                    number,
                    Decimal(text) if is_number_ and text is not None else text,
                    part_of=part_of,
                    gives=None if gives is None else Decimal(gives),
                )
                for feed, file, sheet, number, text, is_number_, part_of, gives in records
            ),
            tuple(Computed(column, cells, Decimal(gives or 0)) for column, cells, gives in computed),
            tuple(self._unreached),
            # Where the way down ended early, something is missing and it was said what.
            total == value if is_number and not (self._unreached and total != value) else None,
        )


# --- how a rule's value hangs on its parts ---------------------------------------------------------------
def _ways(trace: Trace, rule: Rule) -> tuple[list[_Way], bool]:
    """What a rule reads, and whether it only adds up, with signs or a constant factor."""
    if rule.total is not None:
        return [_Way(rule.total, factor="1")], _adds(trace, rule.total)
    if rule.records is not None:
        return [_Way(rule.records, factor="1")], rule.records.how in ("sum", "only")
    assert rule.formula is not None
    factors = _linear(sqlglot.parse_one(PARAMETER.sub("NULL", rule.formula), dialect="duckdb"))
    is_sum = factors is not None
    ways = []
    named = dict.fromkeys(columns_of(rule.formula))
    for name, source in rule.inputs.items():
        if isinstance(source, str):
            is_sum = is_sum and name not in named
            named |= dict.fromkeys(columns_of(source))
            named |= dict.fromkeys(each for each in PARAMETER.findall(source))
        else:
            factor = (factors or {}).get(name)
            is_sum = is_sum and (name not in named or factor is None or _adds(trace, source))
            ways.append(_Way(source, factor=factor))
    for name in named:
        if name not in rule.inputs and name != "column":
            ways.append(_Way(None, name, (factors or {}).get(name)))
    return ways, is_sum


def _adds(trace: Trace, source: Total | Records) -> bool:
    if isinstance(source, Records):
        return source.how in ("sum", "only")
    target = target_of(trace, source)
    if target is None or source.how not in ("sum", "only"):
        return False
    by = source.by or trace.publication.manifest.marts[target.table].key
    names = {each.rpartition(".")[2] for each in by}
    key = set(trace.publication.manifest.marts[target.table].key)
    return bool(key) and _factor(source) is not None and key <= names


def _factor(total: Total) -> str | None:
    """SQL of what a part's published value is multiplied by in the sum; None if it is computed otherwise."""
    if total.how not in ("sum", "only"):
        return None
    tree = sqlglot.parse_one(PARAMETER.sub("NULL", total.value), dialect="duckdb")
    if isinstance(tree, exp.Column):
        return "1"
    if isinstance(tree, exp.Neg) and isinstance(tree.this, exp.Column):
        return "-1"
    if isinstance(tree, exp.Case):
        values = [each.args["true"] for each in tree.args["ifs"]] + [tree.args.get("default")]
        return "1" if all(each is None or isinstance(each, exp.Column) for each in values) else None
    if (
        isinstance(tree, exp.Mul)
        and isinstance(tree.this, exp.Column)
        and isinstance(tree.expression, exp.Column)
    ):
        return tree.this.sql(dialect="duckdb")
    return None


def _linear(tree: exp.Expr) -> dict[str, str | None] | None:
    """Name -> SQL of its factor, of a formula that adds and subtracts; None of any other formula."""
    if isinstance(tree, exp.Paren):
        return _linear(tree.this)
    if isinstance(tree, exp.Column):
        return {tree.name: "1"}
    if isinstance(tree, exp.Neg):
        below = _linear(tree.this)
        return None if below is None else {name: _negative(factor) for name, factor in below.items()}
    if isinstance(tree, exp.Add | exp.Sub):
        left, right = _linear(tree.this), _linear(tree.expression)
        if left is None or right is None or set(left) & set(right):
            return None
        if isinstance(tree, exp.Sub):
            right = {name: _negative(factor) for name, factor in right.items()}
        return left | right
    if (
        isinstance(tree, exp.Mul)
        and isinstance(tree.this, exp.Column)
        and isinstance(tree.expression, exp.Column)
    ):
        # A coefficient times an amount: the coefficient is looked up, the amount is what is added up.
        return {tree.this.name: None, tree.expression.name: identifier(tree.this.name)}
    return None


def _negative(factor: str | None) -> str | None:
    return None if factor is None else f"-({factor})"


def _is_aggregate(value: str) -> bool:
    tree = sqlglot.parse_one(PARAMETER.sub("NULL", value), dialect="duckdb")
    return tree.find(exp.AggFunc) is not None


def _texts(source: Total | Records | str) -> Sequence[str]:
    return (source,) if isinstance(source, str) else (source.of, source.value, source.where, *source.by)
