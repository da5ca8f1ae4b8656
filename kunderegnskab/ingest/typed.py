"""Records of text become typed records of a feed; every record is kept, unreadable ones are marked.

The SQL is built here and run by DuckDB as one statement per file, which reads the file, judges its records
and writes them. `readers` makes text of files; `lake` knows which files there are, and keeps the
result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from kunderegnskab import sql
from kunderegnskab.feeds import Column, Feed
from kunderegnskab.feeds.contracts import DECIMALS
from kunderegnskab.ingest import conventions, cpr
from kunderegnskab.ingest.readers import Records, looks_decoded_wrongly, refuse_wrong_encoding
from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.workspace import Format, Source
from kunderegnskab.workspace.expressions import BadExpression, ColumnUse, Expression, parse

# What is known of a record besides the feed's columns. `_reason` says why it is not loaded.
STATUS_COLUMNS = ("_record_status", "_reject_column", "_reject_value", "_reason")

# Ids that a spreadsheet has turned into scientific notation cannot be turned back.
# Only a decimal sign or a signed exponent gives it away: 12E3 may be an article number.
_SCIENTIFIC = r"[-+]?(\d+[.,]\d+[eE][-+]?\d+|\d+[eE][-+]\d+)"
# The status of a record in a file that is refused for it.
_WRONG_ENCODING = "wrong_encoding"
# Types that an expression for an amount, a quantity or a rate may give.
_EXACT_TYPES = ("DECIMAL", *sql.SIGNED_INTEGERS)
_CANONICAL = Format(type="csv")
_ITSELF = "source"


@dataclass(frozen=True)
class Plan:
    """A source's mapping, checked against its feed: which source columns are needed and from where.

    Attributes:
        expressions: canonical column -> parsed expression.
        where: the parsed condition, if any.
        wanted: lookup name ("" for the file itself) -> source columns.
    """

    feed: Feed
    source: Source
    label: str
    expressions: Mapping[str, Expression]
    where: Expression | None
    wanted: Mapping[str, list[str]]


# SQL of a condition under which a record is rejected, of the column's name, of its text, of the reason.
_Fault = tuple[str, str, str, str]


@dataclass
class _Piece:
    """One canonical column in SQL.

    Each part may use what the parts before it give, under the names `_computed`, `_text` and `_read`, so
    that nothing is worked out twice.

    Attributes:
        computed: result of the column's expression, if it has one.
        text: the text to read, trimmed, if the value stands as text.
        read: the value as the source has it, NULL where there is none or it cannot be read.
        value: the value with the feed's default and rules.
        faults: the ways in which a record can fail to give the column.
    """

    read: str
    value: str
    text: str | None = None
    computed: str | None = None
    faults: list[_Fault] = field(default_factory=list)


def plan(feed: Feed, source: Source, label: str) -> Plan:
    """Check a mapping and list the source columns it needs.

    Raises:
        InputProblems: an expression is no SQL over the record, or names an unknown lookup.
    """
    problems: list[InputProblem] = []
    parsed: dict[str, Expression] = {}
    where: Expression | None = None

    def checked(text: str, key: str) -> Expression | None:
        try:
            return parse(text)
        except BadExpression as error:
            problems.append(InputProblem(label, f"{key}: the expression {text!r} {error}", "correct it"))
            return None

    for column, text in source.expressions.items():
        if (expression := checked(text, column)) is not None:
            parsed[column] = expression
    if source.where is not None:
        where = checked(source.where, "where")

    wanted: dict[str, list[str]] = {"": [], **{name: [] for name in source.lookups}}
    uses = [_use(name, source) for name in source.columns.values()]
    for expression in (*parsed.values(), *((where,) if where else ())):
        uses.extend(expression.columns)
    if source.total_rows is not None:
        uses.append(ColumnUse("", source.total_rows.column))
    for name, lookup in source.lookups.items():
        uses += [ColumnUse("", lookup.source_column or lookup.key), ColumnUse(name, lookup.key)]
    for use in uses:
        if use.lookup not in wanted:
            problems.append(
                InputProblem(
                    label,
                    f"{use.lookup}.{use.name} names no lookup of this source",
                    "declare it under `lookups`",
                )
            )
        elif use.name.casefold() not in {each.casefold() for each in wanted[use.lookup]}:
            wanted[use.lookup].append(use.name)
    if problems:
        raise InputProblems(problems)
    return Plan(feed, source, label, parsed, where, wanted)


def write_typed(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    records: Mapping[str, Records],
    *,
    name: str,
    sha256: str,
    target: Path,
) -> dict[str, int]:
    """Type the records of one file into `target` (Parquet, columns of the feed, then status and source).

    Row n, from 0, is record `_first_record` + n of the file. A record with a CPR number is rejected and has
    no values.

    Args:
        con: a connection that sees nothing but the records and the target's folder.
        records: lookup name ("" for the file itself) -> its records as text. Where there are lookups, all of
            them are written in files.
        name: the file as messages name it.

    Returns:
        Number of records by status.

    Raises:
        InputProblems: an expression fails for all records (a type that cannot hold money, an unknown
            function), a lookup's key is not unique, or the file cannot be read as declared.
    """
    own = records[""]
    for lookup, form in _formats(plan.source).items():
        _define_readers(con, lookup, form)
    for lookup in plan.source.lookups:
        _refuse_repeated_keys(con, plan, lookup, records[lookup])
    joined = _joined(plan, records)
    pieces = _pieces(con, plan, joined)
    faults = [
        ("_cpr_column is not null", "_cpr_column", "cast(null as varchar)", sql.literal(cpr.REASON)),
        *_unanswerable_where(plan),
        *_missed_lookups(plan),
        *(fault for piece in pieces.values() for fault in piece.faults),
    ]
    types = {column: declared.sql_type for column, declared in plan.feed.columns.items()}
    computed = [f"{piece.computed} as {_computed(name)}" for name, piece in pieces.items() if piece.computed]
    texts = [f"{piece.text} as {_text(name)}" for name, piece in pieces.items() if piece.text]
    read = [f"{piece.read} as {_read(name)}" for name, piece in pieces.items()]
    # A value that could not be read must not leave half a record behind, so a rejected record keeps
    # what could be read and NULL for the rest; nothing downstream sees it.
    values = [
        f"cast({piece.value} as {types[name]}) as {sql.identifier(name)}" for name, piece in pieces.items()
    ]
    conditions = " ".join(f"when {fault[0]} then {number}" for number, fault in enumerate(faults))

    def choose(part: int) -> str:
        branches = " ".join(f"when {number} then {fault[part]}" for number, fault in enumerate(faults))
        return f"case _fault {branches} end"

    query = f"""
        with joined as ({joined}),
        computed as (select {", ".join(["*", *computed])} from joined),
        texts as (select {", ".join(["*", *texts])}, {_cpr_column(plan)} as _cpr_column from computed),
        read as (select {", ".join(["*", *read])}, {_left_out(plan)} as _left_out_reason from texts),
        judged as (
            select {", ".join(["*", *values])},
                case when _left_out_reason is null then case {conditions} end end as _fault
            from read
        )
        select {", ".join(sql.identifier(column) for column in pieces)},
            case when {_is_decoded_wrongly(plan, own)} then {sql.literal(_WRONG_ENCODING)}
                 when _left_out_reason is not null then 'left_out'
                 when _fault is not null then 'rejected' else 'loaded' end as _record_status,
            {choose(1)} as _reject_column,
            {choose(2)} as _reject_value,
            coalesce(_left_out_reason, {choose(3)}) as _reason,
            {sql.literal(name)} as _source_file,
            {sql.literal(sha256)} as _file_sha256,
            cast({own.first_record} as bigint) as _first_record
        from judged
        {"order by _record" if plan.source.lookups else ""}
    """
    try:
        _copy(con, query, target)
    except duckdb.Error as error:
        if (problem := own.problem(error)) is None:
            raise InputProblems([_sql_problem(plan, error)]) from error
        # The error quotes the line, and a traceback would carry it into the log.
        raise InputProblems([problem]) from None
    counts, personal = _counts(con, target)
    if _WRONG_ENCODING in counts:
        refuse_wrong_encoding(con, own, name, plan.source.format)
    if personal:
        _take_values_out(con, plan.feed, target)
    return counts


def _copy(con: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    con.execute(f"copy ({query}) to {sql.literal(target)} (format parquet, compression zstd)")


def _counts(con: duckdb.DuckDBPyConnection, target: Path) -> tuple[dict[str, int], int]:
    """Number of records by status, and of those that have a CPR number."""
    found = con.execute(
        f"select _record_status, count(*), count(*) filter (_reason = {sql.literal(cpr.REASON)}) "
        f"from read_parquet({sql.literal(target)}) group by all"
    ).fetchall()
    return {status: count for status, count, _ in found}, sum(personal for *_, personal in found)


# --- personal numbers and wrong letters ---------------------------------------------------------------
def _cpr_column(plan: Plan) -> str:
    """SQL of the first source column in which a record has a CPR number, lookups included; else NULL."""
    places = " ".join(
        f"when {cpr.column_has_cpr(_internal(ColumnUse(lookup, column)))} "
        f"then {sql.literal(f'{lookup}.{column}' if lookup else column)}"
        for lookup, columns in plan.wanted.items()
        for column in columns
    )
    return f"case {places} end" if places else "cast(null as varchar)"


def _take_values_out(con: duckdb.DuckDBPyConnection, feed: Feed, target: Path) -> None:
    """Write the records again, those with a CPR number without their values."""
    values = ", ".join(
        f"case when _reason is distinct from {sql.literal(cpr.REASON)} then {column} end as {column}"
        for column in map(sql.identifier, feed.columns)
    )
    without = target.with_suffix(".without.parquet")
    _copy(con, f"select * replace ({values}) from read_parquet({sql.literal(target)})", without)
    without.replace(target)


def _is_decoded_wrongly(plan: Plan, own: Records) -> str:
    """SQL of whether any text of a record looks so."""
    if not own.is_decoded or not plan.wanted[""]:
        return "false"
    return " or ".join(looks_decoded_wrongly(_internal(ColumnUse("", column))) for column in plan.wanted[""])


# --- the record and its lookups ---------------------------------------------------------------------
def _formats(source: Source) -> dict[str, Format]:
    return {"": source.format, **{name: lookup.format for name, lookup in source.lookups.items()}}


def _joined(plan: Plan, records: Mapping[str, Records]) -> str:
    """All source columns of a record under internal names, lookups joined many-to-one."""
    own = records[""]
    # Only joins can put records out of place. DuckDB numbers those of a csv file on one core alone.
    chosen = [f"{_ITSELF}.file_row_number as _record"] if plan.source.lookups else []
    joins = []
    for lookup, columns in plan.wanted.items():
        table = lookup or _ITSELF
        chosen += [
            f"{sql.identifier(table)}.{sql.identifier(column)} as {_internal(ColumnUse(lookup, column))}"
            for column in columns
        ]
        if lookup:
            declared = plan.source.lookups[lookup]
            chosen.append(
                f"{sql.identifier(lookup)}.{sql.identifier(declared.key)} is not null as {_found(lookup)}"
            )
            mine = f"{_ITSELF}.{sql.identifier(declared.source_column or declared.key)}"
            theirs = f"{sql.identifier(lookup)}.{sql.identifier(declared.key)}"
            joins.append(
                f"left join ({records[lookup].relation}) as {sql.identifier(lookup)} "
                f"on {conventions.trimmed(mine)} = {conventions.trimmed(theirs)}"
            )
    return f"select {', '.join(chosen) or '*'} from ({own.relation}) as {_ITSELF} {' '.join(joins)}"


def _found(lookup: str) -> str:
    return sql.identifier(f"{lookup}\u00b7")


def _missed_lookups(plan: Plan) -> list[_Fault]:
    """A key that finds nothing would leave what is looked up empty, which nobody would see."""
    faults = []
    for lookup, declared in plan.source.lookups.items():
        if declared.optional:
            continue
        column = declared.source_column or declared.key
        text = _internal(ColumnUse("", column))
        faults.append(
            (
                f"({conventions.trimmed(text)}) is not null and not {_found(lookup)}",
                sql.literal(column),
                text,
                sql.literal(f"stands nowhere in landing/{declared.files}, column {declared.key}"),
            )
        )
    return faults


def _refuse_repeated_keys(con: duckdb.DuckDBPyConnection, plan: Plan, lookup: str, records: Records) -> None:
    declared = plan.source.lookups[lookup]
    key = conventions.trimmed(sql.identifier(declared.key))
    found = con.execute(
        f"select {key}, count(*), max(file_row_number) + {records.first_record} "
        f"from ({records.relation}) where {key} is not null group by 1 having count(*) > 1 order by 3 limit 1"
    ).fetchone()
    if found:
        raise InputProblems(
            [
                InputProblem(
                    f"landing/{declared.files}",
                    f"the key {cpr.masked(found[0])} stands {found[1]} times, which would multiply the "
                    f"records of {plan.label}",
                    "look up a column whose values are unique",
                    record=found[2],
                    column=declared.key,
                )
            ]
        )


def _use(name: str, source: Source) -> ColumnUse:
    """`orders.CustomerID` is a lookup's column if `orders` is a lookup; else the dot belongs to the name."""
    lookup, dot, column = name.partition(".")
    return ColumnUse(lookup, column) if dot and lookup in source.lookups else ColumnUse("", name)


def _internal_name(use: ColumnUse) -> str:
    # DuckDB ignores the case of ASCII letters only, and people write Beløb and BELØB for one column.
    return f"{use.lookup}\u00b7{use.name.casefold()}"


def _internal(use: ColumnUse) -> str:
    return sql.identifier(_internal_name(use))


def _define_readers(con: duckdb.DuckDBPyConnection, lookup: str, form: Format) -> None:
    """number() and date() for expressions: unreadable text fails a cast, which TRY turns into a reject."""
    text = conventions.trimmed("x")
    number = conventions.decimal_text(text, form, conventions.EXPRESSION_DECIMALS)
    day = f"cast({conventions.date_value(text, form)} as varchar)"
    readers = (("number", number, conventions.EXPRESSION_NUMBER), ("date", day, sql.DATE))
    for function, value, sql_type in readers:
        con.execute(
            f"create or replace temp macro {_reader(function, lookup)}(x) as "
            f"cast(coalesce({value}, case when {text} is not null then 'not a {function}' end) as {sql_type})"
        )


def _reader(function: str, lookup: str) -> str:
    return f"_{function}_{lookup}"


# --- canonical columns ------------------------------------------------------------------------------
def _computed(name: str) -> str:
    return sql.identifier(f"{name} computed")


def _text(name: str) -> str:
    return sql.identifier(f"{name} text")


def _read(name: str) -> str:
    return sql.identifier(f"{name} read")


def _pieces(con: duckdb.DuckDBPyConnection, plan: Plan, joined: str) -> dict[str, _Piece]:
    source = plan.source
    pieces: dict[str, _Piece] = {}
    for name, column in plan.feed.columns.items():
        if name in source.columns:
            use = _use(source.columns[name], source)
            form = _formats(source)[use.lookup]
            label = f"{use.lookup}.{use.name}" if use.lookup else use.name
            piece = _read_text(name, column, _internal(use), form, sql.literal(label))
        elif name in plan.expressions:
            piece = _read_expression(con, plan, name, column, joined)
        elif name in source.values:
            piece = _read_text(name, column, sql.literal(source.values[name]), _CANONICAL, sql.literal(name))
        else:
            piece = _Piece(f"cast(null as {column.sql_type})", _read(name))
        if column.default is not None:
            default = _typed(column, sql.literal(column.default), _CANONICAL)[0]
            piece.value = f"coalesce({_read(name)}, {default})"
        if column.required:
            reason = "a value is required here but the field is empty"
            if name in plan.expressions:
                reason = f"a value is required, but {plan.expressions[name].text} gives none for this record"
            piece.faults.append(
                (
                    f"({piece.value}) is null",
                    sql.literal(source.columns.get(name, name)),
                    "cast(null as varchar)",
                    sql.literal(reason),
                )
            )
        pieces[name] = piece
    if "two_of_three_amounts" in plan.feed.rules:
        _complete_amounts(pieces)
    return pieces


def _read_text(name: str, column: Column, text: str, form: Format, label: str) -> _Piece:
    """The piece of a column whose value stands as text; `label` is the SQL of the source column's name."""
    read, expected = _typed(column, _text(name), form)
    fault = (f"{_read(name)} is null and {_text(name)} is not null", label, text, sql.literal(expected))
    if column.type == "id":
        reason = "is a number in scientific notation, expected the id as text with all its digits"
        fault = (
            f"regexp_full_match({_read(name)}, {sql.literal(_SCIENTIFIC)})",
            label,
            text,
            sql.literal(reason),
        )
    return _Piece(read, _read(name), text=conventions.trimmed(text), faults=[fault])


def _typed(column: Column, text: str, form: Format) -> tuple[str, str]:
    """SQL of trimmed text as the column's type, NULL if it cannot be read; and what is wrong then."""
    match column.type:
        case "text" | "id":
            return f"nfc_normalize({text})", "is not text"
        case "code":
            codes = " ".join(
                f"when {sql.literal(value.lower())} then {sql.literal(value)}" for value in column.values
            )
            return (
                f"case lower({text}) {codes} end",
                f"is not one of {', '.join(column.values)}",
            )
        case "date":
            return conventions.date_value(text, form), f"is not a date of the form {form.date}"
        case "month":
            day = conventions.date_value(text, form)
            return f"cast(date_trunc('month', {day}) as date)", f"is not a date of the form {form.date}"
        case "boolean":
            words = ", ".join((*form.true_words, *form.false_words))
            return conventions.boolean_value(text, form), f"is not one of {words}"
        case _:
            decimals = DECIMALS[column.type]
            kind = "whole number" if decimals == 0 else f"number with at most {decimals} decimals"
            return (
                conventions.number_value(text, form, decimals, column.sql_type),
                f"is not a {kind} written like {conventions.example_number(form, decimals)}",
            )


def _read_expression(
    con: duckdb.DuckDBPyConnection, plan: Plan, name: str, column: Column, joined: str
) -> _Piece:
    expression = plan.expressions[name]
    statement = _resolved(expression)
    try:
        described = con.execute(f"describe select {statement} as value from ({joined})").fetchall()
        sql_type = str(described[0][1])
    except duckdb.Error as error:
        raise InputProblems([_expression_problem(plan, name, expression, error)]) from error
    value = _computed(name)
    piece: _Piece
    if sql_type == sql.TEXT:
        piece = _read_text(name, column, value, plan.source.format, sql.literal(name))
    elif sql_type in sql.FLOATS:
        raise InputProblems(
            [
                InputProblem(
                    plan.label,
                    f"{name}: the expression {expression.text!r} gives a binary float, which is never exact",
                    "multiply by a decimal such as 0.01 instead of dividing, and read text with number()",
                )
            ]
        )
    elif column.type in DECIMALS and sql_type.startswith(_EXACT_TYPES):
        fault = (
            f"{value} is not null and ({_read(name)} is null or {_read(name)} <> {value})",
            sql.literal(name),
            f"cast({value} as varchar)",
            sql.literal(
                f"does not fit {column.sql_type} exactly; "
                f"round it in the expression to at most {DECIMALS[column.type]} decimals"
            ),
        )
        piece = _Piece(f"try_cast({value} as {column.sql_type})", _read(name), faults=[fault])
    elif column.type == "date" and sql_type.startswith(("DATE", "TIMESTAMP")):
        piece = _Piece(f"cast({value} as date)", _read(name))
    elif column.type == "month" and sql_type.startswith(("DATE", "TIMESTAMP")):
        piece = _Piece(f"cast(date_trunc('month', {value}) as date)", _read(name))
    elif column.type == "boolean" and sql_type == "BOOLEAN":
        piece = _Piece(value, _read(name))
    elif column.type in ("id", "text", "code") or sql_type == '"NULL"':
        piece = _read_text(name, column, f"cast({value} as varchar)", _CANONICAL, sql.literal(name))
    else:
        raise InputProblems(
            [
                InputProblem(
                    plan.label,
                    f"{name}: the expression {expression.text!r} gives {sql_type}, expected {column.type}",
                    "read text with number() or date()",
                )
            ]
        )
    piece.computed = f"try({statement})"
    label, text = _unreadable_part(plan, expression, name)
    # Only a failing cast or an overflow makes "is it NULL?" itself unanswerable.
    failed = (
        f"{value} is null and try(({statement}) is null) is null",
        label,
        text,
        sql.literal(f"cannot be read, so {name} = {expression.text} cannot be computed"),
    )
    piece.faults.insert(0, failed)
    return piece


def _resolved(expression: Expression) -> str:
    """The expression over the joined record's internal column names."""
    return expression.sql(_reader, _internal_name)


def _unreadable_part(plan: Plan, expression: Expression, name: str) -> tuple[str, str]:
    """(SQL of a column name, SQL of its text) of the first number() or date() argument that is unreadable."""
    labels, texts = [], []
    for function, lookup, argument in expression.reads():
        resolved = _resolved(argument)
        trimmed = conventions.trimmed(resolved)
        form = _formats(plan.source)[lookup]
        readable = (
            conventions.decimal_text(trimmed, form, conventions.EXPRESSION_DECIMALS)
            if function == "number"
            else conventions.date_value(trimmed, form)
        )
        named = sql.literal(argument.text.strip('"'))
        unreadable = f"({trimmed}) is not null and ({readable}) is null"
        labels.append(f"when {unreadable} then {named}")
        texts.append(f"when {unreadable} then {resolved}")
    if not labels:
        return sql.literal(name), "cast(null as varchar)"
    return f"case {' '.join(labels)} else {sql.literal(name)} end", f"case {' '.join(texts)} end"


def _complete_amounts(pieces: dict[str, _Piece]) -> None:
    """Two of list, discount and net amount give the third; all three must agree."""
    names = ("list_amount", "discount_amount", "net_amount")
    amounts = [_read(name) for name in names]
    # The third amount may be too large for its type even if the two others are not.
    thirds = (
        f"try_cast({amounts[2]} + {amounts[1]} as {sql.MONEY})",
        f"try_cast({amounts[0]} - {amounts[2]} as {sql.MONEY})",
        f"try_cast({amounts[0]} - {amounts[1]} as {sql.MONEY})",
    )
    for name, amount, third in zip(names, amounts, thirds, strict=True):
        pieces[name].value = f"coalesce({amount}, {third})"
    known = " + ".join(f"cast({amount} is not null as integer)" for amount in amounts)
    label, text = sql.literal("net_amount"), f"cast({amounts[2]} as varchar)"
    rules = (
        (
            f"{known} < 2",
            "two of list_amount, discount_amount and net_amount are needed, the third follows from them",
        ),
        (
            f"{known} = 3 and {amounts[0]} - {amounts[1]} <> {amounts[2]}",
            "list_amount - discount_amount does not give net_amount",
        ),
        (
            " or ".join(f"{pieces[name].value} is null" for name in names),
            f"list_amount, discount_amount and net_amount do not fit {sql.MONEY}",
        ),
    )
    pieces["net_amount"].faults += [
        (condition, label, text, sql.literal(reason)) for condition, reason in rules
    ]


# --- what is left out -------------------------------------------------------------------------------
def _left_out(plan: Plan) -> str:
    """SQL of the reason why a record is no record of this feed, NULL if it is one."""
    own = plan.wanted[""]
    # A CPR number must not be passed over.
    branches = ["when _cpr_column is not null then null"]
    if plan.source.format.type in ("csv", "xlsx") and own:
        trimmed = (conventions.trimmed(_internal(ColumnUse("", column))) for column in own)
        empty = " and ".join(f"({text}) is null" for text in trimmed)
        branches.append(f"when {empty} then 'empty row'")
    if (totals := plan.source.total_rows) is not None:
        # The whole cell must be the word: a customer may be called Total A/S.
        text = f"lower(rtrim({conventions.trimmed(_internal(ColumnUse('', totals.column)))}, ': '))"
        words = sql.literals(word.lower() for word in totals.words)
        branches.append(f"when {text} in ({words}) then 'total row'")
    if plan.where is not None:
        condition = _resolved(plan.where)
        branches.append(
            f"when try(({condition}) is null) is not null and try({condition}) is distinct from true "
            f"then {sql.literal('where: ' + plan.where.text)}"
        )
    return f"cast(case {' '.join(branches)} end as varchar)"


def _unanswerable_where(plan: Plan) -> list[_Fault]:
    """A record for which the condition cannot be computed is rejected, never left out silently."""
    if plan.where is None:
        return []
    label, text = _unreadable_part(plan, plan.where, "where")
    reason = sql.literal(f"cannot be read, so where: {plan.where.text} cannot be answered")
    return [(f"try(({_resolved(plan.where)}) is null) is null", label, text, reason)]


# --- messages ---------------------------------------------------------------------------------------
def _expression_problem(plan: Plan, name: str, expression: Expression, error: duckdb.Error) -> InputProblem:
    first = str(error).splitlines()[0]
    return InputProblem(
        plan.label,
        f"{name}: the expression {expression.text!r} cannot be run: {first}",
        "correct the expression",
    )


def _sql_problem(plan: Plan, error: duckdb.Error) -> InputProblem:
    return InputProblem(
        plan.label, f"the mapping cannot be run: {str(error).splitlines()[0]}", "correct the mapping"
    )
