"""Records of text become typed records of a feed; every record is kept, unreadable ones are marked.

The SQL is built here and run by DuckDB as one statement per file, which reads the file, judges its records
and writes them. `readers` makes text of files; `lake` knows which files there are, and keeps the
result.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Thread

import duckdb

from kunderegnskab import sql
from kunderegnskab.feeds import Column, Feed
from kunderegnskab.feeds.contracts import DECIMALS
from kunderegnskab.ingest import conventions, cpr
from kunderegnskab.ingest.readers import UNUSABLE, Records, looks_decoded_wrongly, refuse_wrong_encoding
from kunderegnskab.ingest.rejects import RejectKind
from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.spelling import folded
from kunderegnskab.workspace import Format, Source
from kunderegnskab.workspace.expressions import (
    DIVIDE_DECIMALS,
    WHOLE_TYPES,
    BadExpression,
    ColumnUse,
    Expression,
    Part,
    parse,
)

# Ids that a spreadsheet has turned into scientific notation cannot be turned back.
# Only a decimal sign or a signed exponent gives it away: 12E3 may be an article number.
_SCIENTIFIC = r"[-+]?(\d+[.,]\d+[eE][-+]?\d+|\d+[eE][-+]\d+)"
# The status of a record in a file that is refused for it.
_WRONG_ENCODING = "wrong_encoding"
# Types that an expression for an amount, a quantity or a rate may give.
_EXACT_TYPES = ("DECIMAL", *sql.SIGNED_INTEGERS)
_CANONICAL = Format(type="csv")
# Of a moment of which nobody says where its clock stood.
_NO_ZONE = sql.literal(
    "is a moment without a time zone, expected a day or a zone: name the zone that the system writes in as "
    "`timezone` in the source's format"
)
_ITSELF = "source"
# What is wrong with text that cannot be read as the type of its column; anything else is a number.
_KINDS = {
    "date": RejectKind.DATE,
    "month": RejectKind.DATE,
    "code": RejectKind.CODE,
    "boolean": RejectKind.BOOLEAN,
    "id": RejectKind.TEXT,
    "text": RejectKind.TEXT,
}


@dataclass(frozen=True)
class Plan:
    """A source's mapping, checked against its feed: which source columns are needed and from where.

    Attributes:
        timezone: the company's, whose days moments belong to.
        expressions: canonical column -> parsed expression.
        where: the parsed condition, if any.
        wanted: lookup name ("" for the file itself) -> source columns.
    """

    feed: Feed
    source: Source
    label: str
    timezone: str
    expressions: Mapping[str, Expression]
    where: Expression | None
    wanted: Mapping[str, list[str]]


# SQL of a condition under which a record is rejected, of the column's name, of its text, of the reason; and
# the kind of fault, in SQL too because of an expression only the record tells what could not be read.
_Fault = tuple[str, str, str, str, str]


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


def plan(feed: Feed, source: Source, label: str, timezone: str) -> Plan:
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
    read = {_written(use).casefold() for use in _uses(wanted)}
    problems += [
        InputProblem(
            label, f"not_personal: {name} is no column that this source reads", "remove it, or correct it"
        )
        for name in source.not_personal
        if name.casefold() not in read
    ]
    if problems:
        raise InputProblems(problems)
    return Plan(feed, source, label, timezone, parsed, where, wanted)


def write_typed(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    records: Mapping[str, Records],
    *,
    name: str,
    sha256: str,
    target: Path,
    seconds: float,
) -> dict[str, int]:
    """Type the records of one file into `target` (Parquet, columns of the feed, then status and source).

    Row n, from 0, is record `_first_record` + n of the file. A record with a CPR number is rejected and has
    no values.

    Args:
        con: a connection that sees nothing but the records and the target's folder.
        records: lookup name ("" for the file itself) -> its records as text. Where there are lookups, all of
            them are written in files.
        name: the file as messages name it.
        seconds: after which it is given up.

    Returns:
        Number of records by status.

    Raises:
        InputProblems: an expression fails for all records (a type that cannot hold money), a lookup's key is
            not unique, the file cannot be read as declared, or not within the time and memory given.
    """
    own = records[""]
    _define_arithmetic(con)
    _define_strptime(con)
    for lookup, form in _formats(plan.source).items():
        _define_readers(con, lookup, form, plan.timezone)
    for lookup in plan.source.lookups:
        _refuse_repeated_keys(con, plan, lookup, records[lookup])
    joined = _joined(plan, records)
    pieces = _pieces(con, plan, joined)
    if plan.where is not None:
        _refuse_no_condition(plan, _type_of(con, plan, "where", plan.where, joined))
    faults = [
        (
            "_cpr_column is not null",
            "_cpr_column",
            "cast(null as varchar)",
            sql.literal(cpr.REASON),
            sql.literal(RejectKind.PERSONAL),
        ),
        *_unusable_cells(plan),
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
        ),
        told as (
        select {", ".join(sql.identifier(column) for column in pieces)},
            case when {_is_decoded_wrongly(plan, own)} then {sql.literal(_WRONG_ENCODING)}
                 when _left_out_reason is not null then 'left_out'
                 when _fault is not null then 'rejected' else 'loaded' end as _record_status,
            {choose(1)} as _reject_column,
            {choose(2)} as _reject_value,
            {choose(4)} as _reject_kind,
            coalesce(_left_out_reason, {choose(3)}) as _reason,
            {sql.literal(name)} as _source_file,
            {sql.literal(sha256)} as _file_sha256,
            cast({own.first_record} as bigint) as _first_record,
            cast({"null" if own.sheet is None else sql.literal(own.sheet)} as varchar) as _source_sheet
        from judged
        {"order by _record" if plan.source.lookups else ""}
        )
        select * replace ({cpr.column_masked("_reject_value")} as _reject_value) from told
    """
    try:
        with _interrupted_after(con, seconds):
            _copy(con, query, target)
    except duckdb.Error as error:
        problem = own.problem(error)
        if problem is not None and (in_order := own.in_order()) is not None:
            again = {**records, "": replace(own, relation=in_order, in_order=lambda: None)}
            return write_typed(con, plan, again, name=name, sha256=sha256, target=target, seconds=seconds)
        # The error quotes the line, and a traceback would carry it into the log.
        raise InputProblems([problem or _not_done(name, error, seconds)]) from None
    counts, personal = _counts(con, target)
    if _WRONG_ENCODING in counts:
        refuse_wrong_encoding(con, own, name, plan.source.format)
    if personal:
        _take_values_out(con, plan.feed, target)
    return counts


@contextmanager
def _interrupted_after(con: duckdb.DuckDBPyConnection, seconds: float) -> Generator[None]:
    done = Event()

    def interrupt() -> None:
        if not done.wait(seconds):
            con.interrupt()
            # One that comes while the statement is still being prepared is lost.
            while not done.wait(0.1):
                con.interrupt()

    watch = Thread(target=interrupt, daemon=True)
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join()


def _not_done(name: str, error: duckdb.Error, seconds: float) -> InputProblem:
    """What to say of a file that is readable, and whose mapping can be run, but not to its end."""
    if isinstance(error, duckdb.InterruptException):
        what = f"was not read within {seconds / 60:.0f} minutes"
    elif isinstance(error, duckdb.OutOfMemoryException):
        what = "takes more memory to read than this machine has to give"
    else:
        what = "has a value for which its mapping cannot be run"
    return InputProblem(
        name,
        what,
        "make its expressions simpler, or deliver it in smaller files, and tell us if that is no help",
    )


def _copy(con: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    con.execute(f"copy ({query}) to {sql.literal(target)} (format parquet, compression zstd)")


def _counts(con: duckdb.DuckDBPyConnection, target: Path) -> tuple[dict[str, int], int]:
    """Number of records by status, and of those that have a CPR number."""
    found = con.execute(
        f"select _record_status, count(*), count(*) filter (_reason = {sql.literal(cpr.REASON)}) "
        f"from {sql.parquet(target)} group by all"
    ).fetchall()
    return {status: count for status, count, _ in found}, sum(personal for *_, personal in found)


# --- personal numbers and wrong letters ---------------------------------------------------------------
def _cpr_column(plan: Plan) -> str:
    """SQL of the first source column in which a record has a CPR number, lookups included; else NULL."""
    declared = {name.casefold() for name in plan.source.not_personal}
    texts, formats = _texts(plan), _formats(plan.source)

    def has_amounts(use: ColumnUse) -> bool:
        form = formats[use.lookup]
        return _internal_name(use) not in texts and "." in (form.decimal, form.thousands)

    places = " ".join(
        f"when {cpr.column_has_cpr(_internal(use), has_amounts=has_amounts(use))} "
        f"then {sql.literal(_written(use))}"
        for use in _uses(plan.wanted)
        if _written(use).casefold() not in declared
    )
    return f"case {places} end" if places else "cast(null as varchar)"


def _uses(wanted: Mapping[str, list[str]]) -> list[ColumnUse]:
    return [ColumnUse(lookup, column) for lookup, columns in wanted.items() for column in columns]


def _written(use: ColumnUse) -> str:
    """A column as feeds.yaml names it."""
    return f"{use.lookup}.{use.name}" if use.lookup else use.name


def _texts(plan: Plan) -> set[str]:
    """Internal names of the columns that are read as something else than a number."""
    source = plan.source
    uses = {
        _use(column, source)
        for name, column in source.columns.items()
        if plan.feed.columns[name].type not in DECIMALS
    }
    for expression in (*plan.expressions.values(), *((plan.where,) if plan.where else ())):
        uses |= expression.texts()
    if source.total_rows is not None:
        uses.add(ColumnUse("", source.total_rows.column))
    for name, lookup in source.lookups.items():
        uses |= {ColumnUse("", lookup.source_column or lookup.key), ColumnUse(name, lookup.key)}
    return {_internal_name(use) for use in uses}


def _take_values_out(con: duckdb.DuckDBPyConnection, feed: Feed, target: Path) -> None:
    """Write the records again, those with a CPR number without their values."""
    values = ", ".join(
        f"case when _reason is distinct from {sql.literal(cpr.REASON)} then {column} end as {column}"
        for column in map(sql.identifier, feed.columns)
    )
    without = target.with_suffix(".without.parquet")
    _copy(con, f"select * replace ({values}) from {sql.parquet(target)}", without)
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
                sql.literal(RejectKind.LOOKUP),
            )
        )
    return faults


def _refuse_repeated_keys(con: duckdb.DuckDBPyConnection, plan: Plan, lookup: str, records: Records) -> None:
    declared = plan.source.lookups[lookup]
    key = conventions.trimmed(sql.identifier(declared.key))
    unusable = con.execute(
        f"select min(file_row_number) + {records.first_record}, "
        f"min_by(split_part({key}, {sql.literal(UNUSABLE)}, 3), file_row_number) "
        f"from ({records.relation}) where {_is_unusable(key)} having count(*) > 0"
    ).fetchone()
    if unusable and unusable[1]:
        raise InputProblems(
            [
                InputProblem(
                    f"landing/{declared.files}",
                    unusable[1],
                    "correct it in the source and deliver the file again",
                    record=unusable[0],
                    column=declared.key,
                )
            ]
        )
    found = con.execute(
        f"select {key}, count(*), max(file_row_number) + {records.first_record} "
        f"from ({records.relation}) where {key} is not null and not {_is_unusable(key)} "
        "group by 1 having count(*) > 1 order by 3 limit 1"
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


def _define_readers(con: duckdb.DuckDBPyConnection, lookup: str, form: Format, zone: str) -> None:
    """What reads text in expressions: unreadable text fails a cast, which TRY turns into a reject."""
    text = conventions.trimmed("x")
    number = conventions.decimal_text(text, form, conventions.EXPRESSION_DECIMALS)
    day = f"cast({conventions.date_value(text, form, zone)} as varchar)"
    moment = f"cast({conventions.local_moment(text, form, zone)} as varchar)"
    readers = (
        ("number", number, conventions.EXPRESSION_NUMBER),
        ("date", day, sql.DATE),
        ("moment", moment, "TIMESTAMP"),
    )
    for function, value, sql_type in readers:
        con.execute(
            f"create or replace temp macro {_reader(function, lookup)}(x) as "
            f"cast(coalesce({value}, case when {text} is not null then 'not a {function}' end) as {sql_type})"
        )


def _reader(function: str, lookup: str) -> str:
    return f"_{function}_{lookup}"


def _define_arithmetic(con: duckdb.DuckDBPyConnection) -> None:
    """divide() and casts to whole numbers for expressions."""
    for decimals in range(DIVIDE_DECIMALS + 1):
        quotient = conventions.quotient("a", "b", decimals)
        con.execute(f"create or replace temp macro {_divide(decimals)}(a, b) as {quotient}")
    for sql_type in WHOLE_TYPES:
        for is_tried in (False, True):
            value = conventions.whole_number("x", sql_type, is_tried=is_tried)
            con.execute(f"create or replace temp macro {_whole(sql_type, is_tried)}(x) as {value}")


def _define_strptime(con: duckdb.DuckDBPyConnection) -> None:
    """strptime() and try_strptime() for expressions, which read what the form of a column would read."""
    text = conventions.trimmed("x")
    value = conventions.moment_by_form(text, "form")
    refused = f"case when {text} is not null then cast(concat('not a moment', x) as timestamp) end"
    con.execute(f"create or replace temp macro {_strptime(True)}(x, form) as {value}")
    con.execute(f"create or replace temp macro {_strptime(False)}(x, form) as coalesce({value}, {refused})")


def _strptime(is_tried: bool) -> str:
    return "_try_strptime" if is_tried else "_strptime"


def _divide(decimals: int) -> str:
    return f"_divide_{decimals}"


def _whole(sql_type: str, is_tried: bool) -> str:
    return f"_{'try_' if is_tried else ''}whole_{sql_type}"


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
            piece = _read_text(name, column, _internal(use), form, sql.literal(label), plan.timezone)
        elif name in plan.expressions:
            piece = _read_expression(con, plan, name, column, joined)
        elif name in source.values:
            constant = sql.literal(source.values[name])
            piece = _read_text(name, column, constant, _CANONICAL, sql.literal(name), plan.timezone)
        else:
            piece = _Piece(f"cast(null as {column.sql_type})", _read(name))
        if column.default is not None:
            default = _typed(column, sql.literal(column.default), _CANONICAL, plan.timezone)[0]
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
                    sql.literal(RejectKind.EMPTY),
                )
            )
        pieces[name] = piece
    if "two_of_three_amounts" in plan.feed.rules:
        _complete_amounts(pieces)
    return pieces


def _read_text(name: str, column: Column, text: str, form: Format, label: str, zone: str) -> _Piece:
    """The piece of a column whose value stands as text; `label` is the SQL of the source column's name."""
    read, expected = _typed(column, _text(name), form, zone)
    unreadable = sql.literal(expected)
    if column.type in ("date", "month"):
        unreadable = f"case when {conventions.lacks_zone(_text(name))} then {_NO_ZONE} else {unreadable} end"
    faults = [
        (
            f"{_read(name)} is null and {_text(name)} is not null",
            label,
            text,
            unreadable,
            sql.literal(_KINDS.get(column.type, RejectKind.NUMBER)),
        )
    ]
    if column.type == "id":
        reason = "is a number in scientific notation, expected the id as text with all its digits"
        faults.append(
            (
                f"regexp_full_match({_read(name)}, {sql.literal(_SCIENTIFIC)})",
                label,
                text,
                sql.literal(reason),
                sql.literal(RejectKind.ID),
            )
        )
    return _Piece(read, _read(name), text=conventions.trimmed(text), faults=faults)


def _typed(column: Column, text: str, form: Format, zone: str) -> tuple[str, str]:
    """SQL of trimmed text as the column's type, NULL if it cannot be read; and what is wrong then."""
    match column.type:
        case "text" | "id":
            # DuckDB would cut what it normalizes at a NUL.
            has_nul = f"contains({text}, chr(0))"
            plain = folded(text) if column.words else f"nfc_normalize({text})"
            return (
                f"case when not {has_nul} then {plain} end",
                "is not text, it has a NUL in it",
            )
        case "code":
            codes = " ".join(
                f"when {sql.literal(value.lower())} then {sql.literal(value)}" for value in column.values
            )
            return (
                f"case lower({text}) {codes} end",
                f"is not one of {', '.join(column.values)}",
            )
        case "date":
            return conventions.date_value(text, form, zone), f"is not a date of the form {form.date}"
        case "month":
            day = conventions.date_value(text, form, zone)
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
    sql_type = _type_of(con, plan, name, expression, joined, _kind_of(column))
    value = _computed(name)
    piece: _Piece
    if sql_type == sql.TEXT:
        form = _formats(plan.source)[expression.text_lookups()[0]]
        piece = _read_text(name, column, value, form, sql.literal(name), plan.timezone)
    elif column.type in DECIMALS and sql_type.startswith(_EXACT_TYPES):
        fault = (
            f"{value} is not null and ({_read(name)} is null or {_read(name)} <> {value})",
            sql.literal(name),
            f"cast({value} as varchar)",
            sql.literal(
                f"does not fit {column.sql_type} exactly; "
                f"round it in the expression to at most {DECIMALS[column.type]} decimals"
            ),
            sql.literal(RejectKind.TOO_WIDE),
        )
        piece = _Piece(f"try_cast({value} as {column.sql_type})", _read(name), faults=[fault])
    elif column.type in ("date", "month") and sql_type.startswith(("DATE", "TIMESTAMP")):
        day = f"cast({value} as date)"
        fault = (
            f"{value} is not null and not {conventions.can_be_meant(value)}",
            sql.literal(name),
            f"cast({value} as varchar)",
            sql.literal(
                f"is no day that can be meant, expected {conventions.YEARS} (or 9999-12-31, for ever): "
                "correct the record, or how the expression reads the year, such as %y for one of two digits"
            ),
            sql.literal(RejectKind.DATE),
        )
        is_month = column.type == "month"
        read = f"cast(date_trunc('month', {value}) as date)" if is_month else day
        piece = _Piece(read, _read(name), faults=[fault])
    elif column.type == "boolean" and sql_type == "BOOLEAN":
        piece = _Piece(value, _read(name))
    elif column.type in ("id", "text", "code") or sql_type == '"NULL"':
        written = f"cast({value} as varchar)"
        if _decimals(sql_type):
            # A number has as many decimals as its type, and customer 7 is not 7.00000000.
            written = f"rtrim(rtrim({written}, '0'), '.')"
        piece = _read_text(name, column, written, _CANONICAL, sql.literal(name), plan.timezone)
    else:
        raise InputProblems(
            [
                InputProblem(
                    plan.label,
                    f"{name}: the expression {expression.text!r} gives {_plain_type(sql_type)}, expected "
                    f"{column.type}",
                    "read text with number() or date()",
                )
            ]
        )
    piece.computed = f"try({statement})"
    label, text, why, kind = _failed_part(plan, expression, name)
    failed = (
        f"{value} is null and {_has_failed(statement)}",
        label,
        text,
        f"{why} || {sql.literal(f', so {name} = {expression.text} cannot be computed')}",
        kind,
    )
    piece.faults.insert(0, failed)
    return piece


def _has_failed(statement: str) -> str:
    """SQL of whether a statement fails for a record, by a cast or an overflow, instead of giving NULL.

    A struct with nothing in it is no NULL. `is null` would not do: the engine knows that a `case` among
    constants is never NULL, and does not ask what it decides by.
    """
    return f"try(struct_pack(v := ({statement}))) is null"


def _resolved(expression: Expression) -> str:
    """The expression over the joined record's internal column names."""
    return expression.sql(
        reader=_reader, divide=_divide, whole=_whole, strptime=_strptime, column=_internal_name
    )


_PLAIN_TYPES = {
    "VARCHAR": "text",
    "DATE": "a day",
    "TIMESTAMP": "a moment",
    "TIMESTAMP WITH TIME ZONE": "a moment",
    "BOOLEAN": "true or false",
    "INTERVAL": "a span of time",
    '"NULL"': "nothing",
}


# What to write instead of casting text to a type.
_READERS_OF = {
    "DATE": "write date(x)",
    "TIMESTAMP": "write moment(x)",
    "BOOLEAN": "compare it, as in x = 'Ja'",
}


def _plain_type(sql_type: str) -> str:
    """A type as a sentence names it."""
    return _PLAIN_TYPES.get(sql_type, "a number")


def _kind_of(column: Column) -> str | None:
    """As what the conventions of a file read the column's text; None if they do not matter."""
    if column.type in DECIMALS:
        return "number"
    return {"date": "date", "month": "date", "boolean": "boolean"}.get(column.type)


# What files write differently, what no text may be made of where it is read, and what to write instead.
_MIXED = {
    "number": ("numbers", "read each by itself, as in number(orders.x)"),
    "date": ("days", "read each by itself, as in date(orders.x)"),
    "boolean": ("true and false", "compare each by itself, as in orders.x = 'Ja'"),
}
_REMADE = {
    "number": (("DECIMAL",), "keep it a number: leave concat, || and casts to text out"),
    "date": (("DATE", "TIMESTAMP"), "keep it a day: leave concat, || and casts to text out"),
    "boolean": ((sql.BOOLEAN,), "keep it true or false: leave concat, || and casts to text out"),
}


def _type_of(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    name: str,
    expression: Expression,
    joined: str,
    kind: str | None = None,
) -> str:
    """The type that an expression gives.

    Args:
        kind: as what the expression's own text is read, if it is.

    Raises:
        InputProblems: part of it gets values that it does not take, or would read text by other conventions
            than the file's.
    """
    parts = expression.parts()

    def described(statements: Sequence[str]) -> list[str]:
        chosen = ", ".join(f"{each} as {sql.identifier(str(n))}" for n, each in enumerate(statements))
        return [str(row[1]) for row in con.execute(f"describe select {chosen} from ({joined})").fetchall()]

    def problem(part: Part, what: str, action: str) -> InputProblems:
        whole = f"{name}: the expression {expression.text!r} cannot be run: {part.expression.text} {what}"
        return InputProblems([InputProblem(plan.label, whole, action)])

    statements = [_resolved(part.expression) for part in parts]
    try:
        types = described(statements)
    except duckdb.Error:
        types = []
        for part, statement in zip(parts, statements, strict=True):
            try:
                types += described([statement])
            except duckdb.Error:
                if part.is_product and all(types[each].startswith("DECIMAL") for each in part.operands):
                    raise problem(
                        part,
                        "has more decimals than a number holds",
                        "round a factor, as in round(number(x), 2)",
                    ) from None
                # What the engine says names its own types and functions, and may quote the file.
                operands = " and ".join(_plain_type(types[each]) for each in part.operands) or "nothing"
                raise problem(
                    part,
                    f"does not take {operands}",
                    "read text with number() or date(), and give it what docs/workspace.md says",
                ) from None

    def refuse_other_text(place: int, kind: str) -> None:
        """Refuse text that is not all written as one file writes it, where it is read."""
        if types[place] != sql.TEXT:
            return
        lookups = parts[place].expression.text_lookups()
        forms = [_formats(plan.source)[lookup] for lookup in lookups]
        if conventions.differ(forms, kind):
            what, action = _MIXED[kind]
            raise problem(parts[place], f"mixes text of files that write {what} differently", action)
        others, action = _REMADE[kind]
        if kind == "number" and forms[0].decimal == ".":
            return
        places = [place]
        while places:
            part = parts[places.pop()]
            made_of = [types[each] for each in part.operands if types[each].startswith(others)]
            if part.makes_text and made_of:
                what = _plain_type(made_of[0])
                raise problem(part, f"makes text of {what}, which is not as the file writes it", action)
            places += [each for each in part.carried if types[each] == sql.TEXT]

    for part, sql_type in zip(parts, types, strict=True):
        read = [types[each] for each in part.operands if parts[each].has_columns]
        compared = [types[each] for each in part.compared]
        kinds = {_plain_type(each) for each in compared if each != '"NULL"'}
        if sql_type in sql.FLOATS:
            raise problem(
                part,
                "gives a binary float, which is never exact",
                "use decimals, divide(a, b, decimals) and number()",
            )
        if part.cast_to and read == [sql.TEXT] and not sql_type.startswith((sql.TEXT, *sql.SIGNED_INTEGERS)):
            reader = _READERS_OF.get(sql_type, "write number(x)")
            raise problem(
                part,
                f"would read text as {_plain_type(sql_type)} by other conventions than the file's",
                f"{reader}, which follows the source's format",
            )
        decimals = max(map(_decimals, read), default=0)
        if part.cast_to and sql_type.startswith("DECIMAL") and _decimals(sql_type) < decimals:
            raise problem(part, "rounds without a word", f"say so, as in round(x, {_decimals(sql_type)})")
        is_id = name in plan.feed.columns and plan.feed.columns[name].type == "id"
        if is_id and decimals and part.makes_text and sql_type == sql.TEXT:
            raise problem(
                part,
                f"makes an id of a number with {decimals} decimals, as in 7.00",
                "make it a whole number first, as in cast(number(x) as bigint)",
            )
        if len(kinds) > 1 and any(
            types[each] == sql.TEXT and parts[each].has_columns for each in part.compared
        ):
            raise problem(
                part,
                f"compares {' with '.join(sorted(kinds))}",
                "read text with number() or date(), or put what it is compared with in quotes",
            )
        if part.is_order and kinds == {_plain_type(sql.TEXT)} and part.has_columns:
            raise problem(
                part,
                "asks which text comes first, sign by sign, where '9' comes after '10'",
                "compare numbers or days: read each text with number() or date()",
            )
        for each in part.conditions:
            if types[each] == sql.TEXT:
                raise problem(parts[each], "is text where true or false is due", "compare it, as in x = 'Ja'")
        if part.reader is not None:
            refuse_other_text(part.operands[0], "number" if part.reader == "number" else "date")
    if kind is not None:
        refuse_other_text(len(parts) - 1, kind)
    return types[-1]


def _decimals(sql_type: str) -> int:
    """How many decimals a type has: 2 of DECIMAL(18,2)."""
    return int(sql_type.rstrip(")").rpartition(",")[2]) if sql_type.startswith("DECIMAL") else 0


def _failed_part(plan: Plan, expression: Expression, name: str) -> tuple[str, str, str, str]:
    """SQL of (column, its text, why, the kind) for the part of an expression that failed for a record."""
    labels, texts, reasons, kinds = [], [], [], []
    unknown = sql.literal(RejectKind.EXPRESSION)
    for function, lookup, argument in expression.reads():
        resolved = _resolved(argument)
        trimmed = conventions.trimmed(resolved)
        form = _formats(plan.source)[lookup]
        named = sql.literal(argument.text.strip('"'))
        read_as = RejectKind.NUMBER if function == "number" else RejectKind.DATE
        if function == "number":
            readable = conventions.decimal_text(trimmed, form, conventions.EXPRESSION_DECIMALS)
            longer = conventions.decimal_text(trimmed, form, None)
            most = conventions.EXPRESSION_DECIMALS
            reason = (
                f"case when ({longer}) is not null then 'has more than {most} decimals, the most that "
                "number() holds' else "
                + sql.literal(
                    f"cannot be read as a number written like {conventions.example_number(form, most)}"
                )
                + " end"
            )
        else:
            readable = conventions.local_moment(trimmed, form, plan.timezone)
            other = sql.literal(f"cannot be read as a date of the form {form.date}")
            reason = f"case when {conventions.lacks_zone(trimmed)} then {_NO_ZONE} else {other} end"
        # The argument itself may be what fails.
        unreadable = f"try(({trimmed}) is not null and ({readable}) is null)"
        labels.append(f"when {unreadable} then {named}")
        texts.append(f"when {unreadable} then {resolved}")
        reasons.append(f"when {unreadable} then {reason}")
        kinds.append(f"when {unreadable} then {sql.literal(read_as)}")
    for argument, form_text in expression.strptimes():
        resolved = _resolved(argument)
        trimmed = conventions.trimmed(resolved)
        readable = conventions.moment_by_form(trimmed, sql.literal(form_text))
        unreadable = f"try(({trimmed}) is not null and ({readable}) is null)"
        reason = f"cannot be read as a date of the form {form_text}, with {conventions.YEARS}"
        labels.append(f"when {unreadable} then {sql.literal(argument.text.strip(chr(34)))}")
        texts.append(f"when {unreadable} then {resolved}")
        reasons.append(f"when {unreadable} then {sql.literal(reason)}")
        kinds.append(f"when {unreadable} then {sql.literal(RejectKind.DATE)}")
    for value in expression.made_whole():
        lost = sql.literal(f"has decimals that a whole number loses: write round({value.text}, 0)")
        reasons.append(f"when try({conventions.has_decimals(_resolved(value))}) then {lost}")
    for divisor in expression.divisors():
        reasons.append(f"when try(({_resolved(divisor)}) = 0) then 'is divided by zero'")
    other = "'has a value that one of its steps does not take, such as a number too large or no such day'"
    return (
        f"case {' '.join(labels)} else {sql.literal(name)} end" if labels else sql.literal(name),
        f"case {' '.join(texts)} end" if texts else "cast(null as varchar)",
        f"case {' '.join(reasons)} else {other} end" if reasons else other,
        f"case {' '.join(kinds)} else {unknown} end" if kinds else unknown,
    )


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
        (condition, label, text, sql.literal(reason), sql.literal(RejectKind.AMOUNTS))
        for condition, reason in rules
    ]


def _refuse_no_condition(plan: Plan, sql_type: str) -> None:
    if plan.where is not None and sql_type != sql.BOOLEAN:
        raise InputProblems(
            [
                InputProblem(
                    plan.label,
                    f"where: {plan.where.text} gives {_plain_type(sql_type)}, expected true or false",
                    "write a condition, e.g. x = 'Salg'",
                )
            ]
        )


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
    if own and plan.source.format.records:
        # All columns of such a record say so.
        says_so = f"{_internal(ColumnUse('', own[0]))} = {sql.literal(UNUSABLE + UNUSABLE)}"
        reason = sql.literal(f"document without {plan.source.format.records}")
        branches.append(f"when {says_so} then {reason}")
    if unusable := " or ".join(_is_unusable(_internal(use)) for use in _maybe_unusable(plan)):
        # No condition can be answered for it.
        branches.append(f"when {unusable} then null")
    if plan.where is not None:
        condition = _resolved(plan.where)
        branches.append(
            f"when not ({_has_failed(condition)}) and try({condition}) is distinct from true "
            f"then {sql.literal('where: ' + plan.where.text)}"
        )
    return f"cast(case {' '.join(branches)} end as varchar)"


def _unusable_cells(plan: Plan) -> list[_Fault]:
    """A value that nobody knows, in whatever column that is asked for."""
    formats = _formats(plan.source)
    return [
        (
            _is_unusable(text),
            sql.literal(f"{use.lookup}.{use.name}" if use.lookup else use.name),
            f"nullif(split_part({text}, {sql.literal(UNUSABLE)}, 2), '')",
            f"split_part({text}, {sql.literal(UNUSABLE)}, 3)",
            _kind_of_unusable(text, formats[use.lookup]),
        )
        for use in _maybe_unusable(plan)
        for text in [_internal(use)]
    ]


def _kind_of_unusable(text: str, form: Format) -> str:
    if form.type != "xlsx":
        return sql.literal(RejectKind.SHAPE)
    said = f"split_part({text}, {sql.literal(UNUSABLE)}, 4)"
    return f"coalesce(nullif({said}, ''), {sql.literal(RejectKind.CELL)})"


def _maybe_unusable(plan: Plan) -> Iterator[ColumnUse]:
    formats = _formats(plan.source)
    for lookup, columns in plan.wanted.items():
        if formats[lookup].type != "csv":
            yield from (ColumnUse(lookup, column) for column in columns)


def _is_unusable(text: str) -> str:
    return f"coalesce(starts_with({text}, {sql.literal(UNUSABLE)}), false)"


def _unanswerable_where(plan: Plan) -> list[_Fault]:
    """A record for which the condition cannot be computed is rejected, never left out silently."""
    if plan.where is None:
        return []
    label, text, why, kind = _failed_part(plan, plan.where, "where")
    reason = f"{why} || {sql.literal(f', so where: {plan.where.text} cannot be answered')}"
    return [(_has_failed(_resolved(plan.where)), label, text, reason, kind)]
