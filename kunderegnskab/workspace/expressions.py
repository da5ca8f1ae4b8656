"""The SQL that a mapping may carry: parsed, confined to one record and to what a list allows, and with the
program's own functions resolved.

`ingest/typed.py` runs it.
"""

from __future__ import annotations

import difflib
import logging
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType

from kunderegnskab.workspace.mapping import can_be_run, is_form, writes_a_zone

# What sqlglot has to remark, nobody reads.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())

# Functions of the program's own; the first argument of all but divide is text, read by a file's conventions.
READERS = ("number", "date", "moment")
DIVIDE = "divide"
DIVIDE_DECIMALS = 8

# DuckDB's functions that an expression may use, by what they work on. Each gives one value that follows from
# its arguments alone, in every run and on every machine, and takes time in proportion to them.
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "numbers": ("abs", "ceil", "floor", "greatest", "least", "mod", "round", "sign", "trunc"),
    "text": (
        *("concat", "concat_ws", "contains", "ends_with", "left", "length", "lower", "lpad", "ltrim", "md5"),
        *("nfc_normalize", "position", "prefix", "regexp_extract", "regexp_full_match", "regexp_matches"),
        *("regexp_replace", "replace", "reverse", "right", "rpad", "rtrim", "sha256", "split_part"),
        *("starts_with", "strip_accents", "strpos", "substr", "substring", "suffix", "translate", "trim"),
        "upper",
    ),
    "days": (
        *("date_add", "date_diff", "date_part", "date_trunc", "day", "dayofweek", "extract", "isodow"),
        *(
            "last_day",
            "make_date",
            "month",
            "quarter",
            "strftime",
            "strptime",
            "try_strptime",
            "week",
            "year",
        ),
    ),
    "choices": ("coalesce", "if", "ifnull", "nullif"),
}
_NAMES = (*READERS, DIVIDE, *(name for names in FUNCTIONS.values() for name in names))

# What the parser makes of these functions, and of operators and literals. All else is refused, also what a
# later version of the engine or of the parser brings along.
_NODES: tuple[type[exp.Expr], ...] = (
    *(exp.Abs, exp.Ceil, exp.Floor, exp.Greatest, exp.Least, exp.Mod, exp.Round, exp.Sign, exp.Trunc),
    *(exp.Concat, exp.ConcatWs, exp.Contains, exp.EndsWith, exp.Left, exp.Length, exp.Lower, exp.Pad),
    *(exp.MD5, exp.RegexpExtract, exp.RegexpFullMatch, exp.RegexpLike, exp.RegexpReplace, exp.Replace),
    *(exp.Reverse, exp.Right, exp.SHA2, exp.SplitPart, exp.StartsWith, exp.StrPosition, exp.Substring),
    *(exp.Translate, exp.Trim, exp.Upper),
    *(exp.Date, exp.DateAdd, exp.DateDiff, exp.TimestampTrunc, exp.DateTrunc, exp.Day, exp.DayOfWeek),
    *(exp.Extract, exp.DayOfWeekIso, exp.LastDay, exp.DateFromParts, exp.Month, exp.Quarter, exp.TimeToStr),
    *(exp.StrToTime, exp.Week, exp.Year, exp.Interval, exp.Var),
    *(exp.Coalesce, exp.If, exp.Nullif, exp.Case, exp.Cast, exp.TryCast, exp.DataType, exp.DataTypeParam),
    *(exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Bracket, exp.Slice),
    *(exp.Add, exp.Sub, exp.Mul, exp.Neg, exp.DPipe, exp.And, exp.Or, exp.Not, exp.Is, exp.In, exp.Between),
    *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ),
    *(exp.Like, exp.ILike, exp.Escape),
)
_WHOLE = (exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT, exp.DType.INT128)
WHOLE_TYPES = tuple(exp.DataType.build(each).sql(dialect="duckdb") for each in _WHOLE)
_DATE_TYPES = (exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ)
_TYPES = (*_WHOLE, exp.DType.TEXT, exp.DType.VARCHAR, exp.DType.DECIMAL, exp.DType.BOOLEAN, exp.DType.DATE)
_TYPES += (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ)

# Bounds of what an expression may be and make. Parser and engine call themselves for each level of nesting.
_LONGEST = 10_000
_DEEPEST = 200
_TOO_DEEP = f"has more than {_DEEPEST} parts within each other; make it shorter"
_LONGEST_CELL = 1_000
# A cell that stands for each sign of another, and between them.
_LONGEST_RESULT = _LONGEST_CELL + (_LONGEST_CELL + 1) * _LONGEST_CELL


class BadExpression(Exception):
    """The expression cannot be used; the text says why, without a full stop."""


@dataclass(frozen=True)
class ColumnUse:
    """A source column that an expression names; `lookup` is "" for the file itself."""

    lookup: str
    name: str


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    Attributes:
        source: what the person wrote, of which it may be a part.
        tree: the parsed expression.
        columns: the source columns it names.
    """

    source: str
    tree: exp.Expr
    columns: tuple[ColumnUse, ...]

    @property
    def text(self) -> str:
        """As the person wrote it."""
        return self.source if self.tree.parent is None else _as_written(self.tree, self.source)

    def sql(
        self,
        *,
        reader: Callable[[str, str], str],
        divide: Callable[[int], str],
        whole: Callable[[str, bool], str],
        strptime: Callable[[bool], str],
        column: Callable[[ColumnUse], str],
    ) -> str:
        """As DuckDB SQL.

        Args:
            reader: name of the macro that stands for a function of READERS and a lookup.
            divide: name of the macro that divides to so many decimals.
            whole: name of the macro that makes a whole number of this type, or NULL if the flag is set and it
                cannot.
            strptime: name of the macro that reads text by a form, or gives NULL if the flag is set and it
                cannot.
            column: internal name of a source column.
        """

        def resolve(node: exp.Expr) -> exp.Expr:
            if (call := _reader_call(node)) is not None:
                function, argument = call
                return macro(reader(function, _lookup_of(argument)), argument)
            if (parts := _divide_call(node)) is not None:
                return macro(divide(parts[2]), *parts[:2])
            if isinstance(node, exp.Cast) and node.to.this in _WHOLE:
                return macro(whole(node.to.sql(dialect="duckdb"), isinstance(node, exp.TryCast)), node.this)
            if (parsed := _strptime_call(node)) is not None:
                return macro(strptime(isinstance(node, exp.Anonymous)), *parsed)
            return node

        def macro(name: str, *arguments: exp.Expr) -> exp.Anonymous:
            # What stands in place of a node is not visited again.
            return exp.Anonymous(this=name, expressions=[each.transform(resolve) for each in arguments])

        def rename(node: exp.Expr) -> exp.Expr:
            if not isinstance(node, exp.Column):
                return node
            return exp.column(exp.to_identifier(column(ColumnUse(node.table, node.name)), quoted=True))

        return self.tree.copy().transform(resolve).transform(rename).sql(dialect="duckdb")

    def reads(self) -> list[tuple[str, str, Expression]]:
        """Each call of a reader as (function, lookup, its argument)."""
        calls = [call for node in self.tree.walk() if (call := _reader_call(node)) is not None]
        return [(function, _lookup_of(argument), self._part(argument)) for function, argument in calls]

    def text_lookups(self) -> list[str]:
        """The lookups ("" for the file itself) whose columns' text may be in its text; the file's if none."""
        return _text_lookups(self.tree)

    def _part(self, tree: exp.Expr) -> Expression:
        return _expression(tree, self.source)

    def texts(self) -> set[ColumnUse]:
        """The columns that it uses as something else than the text of a number."""
        return {
            ColumnUse(column.table, column.name)
            for column in self.tree.find_all(exp.Column)
            if not _is_read_as_number(column)
        }

    def divisors(self) -> list[Expression]:
        """What each divide() divides by."""
        return [
            self._part(parts[1]) for node in self.tree.walk() if (parts := _divide_call(node)) is not None
        ]

    def strptimes(self) -> list[tuple[Expression, str]]:
        """What each strptime() reads, and by which form; try_strptime() fails for nothing."""
        calls = [(node, _strptime_call(node)) for node in self.tree.walk()]
        return [
            (self._part(call[0]), call[1].name)
            for node, call in calls
            if call is not None and isinstance(node, exp.StrToTime)
        ]

    def made_whole(self) -> list[Expression]:
        """What each cast makes a whole number of."""
        return [
            self._part(node.this)
            for node in self.tree.find_all(exp.Cast)
            if node.to.this in _WHOLE and not isinstance(node, exp.TryCast)
        ]

    def parts(self) -> list[Part]:
        """What it is made of, innermost first, itself last: each part that has a value of its own."""
        nodes = [node for node in self.tree.walk(bfs=True) if _has_value(node)]
        nodes.reverse()
        place = {id(node): number for number, node in enumerate(nodes)}
        return [
            Part(
                self._part(node),
                tuple(place[id(child)] for child in node.iter_expressions() if id(child) in place),
                compared=tuple(place[id(child)] for child in _compared(node) if id(child) in place),
                conditions=tuple(place[id(child)] for child in _conditions(node) if id(child) in place),
                carried=tuple(place[id(child)] for child in _carried(node) if id(child) in place),
                makes_text=isinstance(node, exp.DPipe | exp.Concat | exp.ConcatWs | exp.Cast),
                is_product=isinstance(node, exp.Mul),
                is_order=isinstance(node, _ORDERS),
                reader=call[0] if (call := _reader_call(node)) is not None else None,
                cast_to=node.to.sql(dialect="duckdb").lower() if isinstance(node, exp.Cast) else None,
                has_columns=node.find(exp.Column) is not None,
            )
            for node in nodes
        ]


def _is_read_as_number(node: exp.Expr) -> bool:
    parent = node.parent
    while parent is not None:
        if (call := _reader_call(parent)) is not None:
            return call[0] == "number"
        parent = parent.parent
    return False


@dataclass(frozen=True)
class Part:
    """A part of an expression.

    Attributes:
        operands: places in the list of parts of what it works on.
        compared: places of what it compares, or chooses among.
        conditions: places of what must be true or false.
        carried: places of what may become its value, or a part of it, as it is.
        makes_text: whether it makes text of values of other types.
        is_product: whether it multiplies its operands.
        is_order: whether it asks which of its operands comes first.
        reader: the function of READERS, if it calls one.
        cast_to: the type, if it is a cast.
        has_columns: whether its value follows from the record; else it stands in the expression itself.
    """

    expression: Expression
    operands: tuple[int, ...]
    compared: tuple[int, ...]
    conditions: tuple[int, ...]
    carried: tuple[int, ...]
    makes_text: bool
    is_product: bool
    is_order: bool
    reader: str | None
    cast_to: str | None
    has_columns: bool


_COMPARISONS = (
    *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ),
    *(exp.In, exp.Between, exp.Is, exp.Nullif, exp.Coalesce, exp.Greatest, exp.Least),
)


_ORDERS = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.Greatest, exp.Least)


def _compared(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, _COMPARISONS):
        return list(node.iter_expressions())
    if isinstance(node, exp.Case) and node.this is not None:
        return [node.this, *(branch.this for branch in node.args["ifs"])]
    return []


def _carried(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Case):
        branches = [branch.args["true"] for branch in node.args["ifs"]]
        return [*branches, *([node.args["default"]] if node.args.get("default") else [])]
    if isinstance(node, exp.If):
        return [each for each in (node.args["true"], node.args.get("false")) if each is not None]
    if isinstance(node, exp.Nullif):
        return [node.this]
    return list(node.iter_expressions())


# What gives no text.
_OTHER_THAN_TEXT = (exp.Predicate, exp.Connector, exp.Not, exp.Length, exp.StrPosition)


def _text_columns(node: exp.Expr) -> Iterator[exp.Column]:
    """The columns whose text may be in the text that a node gives."""
    if isinstance(node, exp.Column):
        yield node
    is_cast_away = isinstance(node, exp.Cast) and node.to.this not in (exp.DType.TEXT, exp.DType.VARCHAR)
    if not (is_cast_away or isinstance(node, _OTHER_THAN_TEXT) or _reader_call(node) is not None):
        for child in _carried(node):
            yield from _text_columns(child)


def _text_lookups(node: exp.Expr) -> list[str]:
    return sorted({column.table for column in _text_columns(node)}) or [""]


def _conditions(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.And | exp.Or | exp.Not):
        return list(node.iter_expressions())
    if isinstance(node, exp.Case) and node.this is None:
        return [branch.this for branch in node.args["ifs"]]
    is_function = isinstance(node, exp.If) and not isinstance(node.parent, exp.Case)
    return [node.this] if is_function else []


def _has_value(node: exp.Expr) -> bool:
    """Whether a node can stand alone: a branch of `case`, a unit of time or a type cannot."""
    if isinstance(node, exp.Identifier | exp.DataType | exp.DataTypeParam | exp.Var | exp.Slice | exp.Escape):
        return False
    parent = node.parent
    if isinstance(parent, exp.Interval | exp.DataTypeParam):
        return False
    return not (isinstance(node, exp.If) and isinstance(parent, exp.Case))


def parse(text: str) -> Expression:
    """Check `text`.

    Raises:
        BadExpression: it is no SQL expression, reaches beyond the record it stands on, or uses what is not
            on the list.
    """
    if len(text) > _LONGEST:
        raise BadExpression(f"is longer than {_LONGEST:,} signs")
    if any(unicodedata.category(sign) == "Cc" and not sign.isspace() for sign in text):
        raise BadExpression("has a control character")
    try:
        return _checked(text)
    # sqlglot raises TypeError where half an expression lacks its other half, as in x -> --1.
    except (SqlglotError, TypeError) as error:
        raise BadExpression("is not one valid SQL expression") from error
    except RecursionError as error:
        raise BadExpression(_TOO_DEEP) from error


def _checked(text: str) -> Expression:
    tree = sqlglot.parse_one(text, dialect="duckdb", into=exp.Condition)
    _refuse_no_decimals(text)
    if _depth(tree) > _DEEPEST:
        raise BadExpression(_TOO_DEEP)
    if isinstance(tree, exp.Block):
        raise BadExpression("is not one valid SQL expression")
    for node in tree.walk():
        _refuse_node(node)
    if _longest(tree) > _LONGEST_RESULT:
        raise BadExpression("can make a text of more than a million signs; replace less at a time")
    return _expression(tree, text)


def _refuse_no_decimals(text: str) -> None:
    """Refuse a cast to decimal alone, which the parser completes."""
    tokens = sqlglot.tokenize(text, read="duckdb")
    for before, token, behind in zip(tokens, tokens[1:], [*tokens[2:], None], strict=False):
        is_cast = before.token_type in (TokenType.DCOLON, TokenType.ALIAS)
        has_size = behind is not None and behind.token_type == TokenType.L_PAREN
        if is_cast and token.token_type == TokenType.DECIMAL and not has_size:
            raise BadExpression(
                f"casts to {token.text}, which does not say how many decimals it has; write round(x, 2), or "
                "decimal(18, 2)"
            )


def _depth(node: exp.Expr) -> int:
    return 1 + max((_depth(child) for child in node.iter_expressions()), default=0)


def _refuse_node(node: exp.Expr) -> None:
    if isinstance(node, exp.Query | exp.Table | exp.DDL | exp.DML | exp.Command | exp.Subquery):
        raise BadExpression("may use only the record's own columns, no queries or tables")
    if isinstance(node, exp.Window | exp.AggFunc):
        raise BadExpression(f"may use only the record's own columns, but {node.key} needs several records")
    if isinstance(node, exp.Div | exp.IntDiv):
        sign = "/" if isinstance(node, exp.Div) else "//"
        raise BadExpression(
            f"divides by {sign}, which gives a binary float or cuts decimals off, so it is never exact; "
            "write divide(a, b, decimals), e.g. divide(a, b, 2)"
        )
    if isinstance(node, exp.Star):
        raise BadExpression("must name its columns, * is not allowed")
    if isinstance(node, exp.Column) and node.args.get("db"):
        raise BadExpression(f"names {node.sql()}; write a name with dots in double quotes")
    if isinstance(node, exp.Literal) and not node.is_string and "e" in node.name.lower():
        raise BadExpression(
            f"has {node.name}, a binary float, which is never exact; write it out with its digits"
        )
    if isinstance(node, exp.Cast):
        _refuse_type(node.to)
    _refuse_lost_zone(node)
    _refuse_constants(node)
    if isinstance(node, exp.Anonymous):
        _refuse_call(node)
    elif not isinstance(node, _NODES):
        written = node.sql(dialect="duckdb")
        if isinstance(node, exp.Func | exp.Columns) and (called := re.match(r'"?\w+"?(?=\(|$)', written)):
            raise _unknown_function(called.group())
        raise BadExpression(f"has {written}, which an expression may not use; {_ALLOWED}")
    elif isinstance(node, exp.Date) and _reader_call(node) is None:
        raise BadExpression("calls date() with something else than one text; write date(x)")


_ALLOWED = "docs/workspace.md lists what it may use"


_CLOCK_AND_ZONE = r"(?i)\d:\d\d.*?(\d ?[+-]\d{1,2}(:?\d\d)?|[a-z])\s*$"
_DAYS = ("DAY", "DAYS", "WEEK", "WEEKS", "MONTH", "MONTHS", "QUARTER", "QUARTERS", "YEAR", "YEARS")


def _refuse_lost_zone(node: exp.Expr) -> None:
    """Refuse what reads past a moment's zone, or counts from the first moment of 1970, which is in UTC."""
    form = _strptime_form(node)
    if form is not None and not (isinstance(form, exp.Literal) and form.is_string):
        raise BadExpression(f"reads a moment by {form.sql(dialect='duckdb')}; write its form as one text")
    if form is not None and writes_a_zone(form.name):
        raise BadExpression(
            f"reads past the time zone in {form.name!r}; write %z in its place, or moment(x), which "
            "keeps the zone of 2025-01-31T23:30:00Z"
        )
    is_constant = isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal)
    if is_constant and node.to.this in _DATE_TYPES and re.search(_CLOCK_AND_ZONE, node.this.name):
        raise BadExpression(f"reads past the time zone of {node.this.name!r}; write moment(...)")
    if isinstance(node, exp.Add | exp.DateAdd) and _is_first_of_1970(node) and _has_short_span(node):
        raise BadExpression(
            "counts from the beginning of 1970, which is a moment in UTC and no day yet; deliver moments as "
            "text with their zone, such as 2025-01-31T23:30:00Z, and read them with date(x)"
        )
    part = node.this if isinstance(node, exp.Extract) else next(iter(node.expressions), None)
    is_part = isinstance(node, exp.Extract) or (
        isinstance(node, exp.Anonymous) and node.name.lower() == "date_part"
    )
    if is_part and part is not None and part.name.lower().startswith(("epoch", "timezone")):
        raise BadExpression(
            f"asks for {part.name.lower()} of a moment, whose clock is the company's and not that of UTC; "
            "use date_diff between two moments"
        )


_OPTIONS = ("modifiers", "parameters", "flag", "options")
_PATTERNS = (exp.RegexpExtract, exp.RegexpFullMatch, exp.RegexpLike, exp.RegexpReplace)


def _refuse_constants(node: exp.Expr) -> None:
    """Refuse constants that the engine would take for no record, or read as something else."""
    form = node.args.get("format") if isinstance(node, exp.TimeToStr) else _strptime_form(node)
    if isinstance(form, exp.Literal) and not is_form(form.name):
        raise BadExpression(
            f"has the form {form.name!r}, of which a part means nothing; write parts such as %d, %m, %Y"
        )
    if isinstance(node, _PATTERNS) and isinstance(node.expression, exp.Literal):
        tried = [_of_constants(node, "")]
        options = [each for key, each in node.args.items() if key in _OPTIONS and each is not None]
        group = node.args.get("group")
        if isinstance(group, exp.Literal) and not group.is_string:
            tried.append(
                exp.func("regexp_replace", exp.Literal.string(""), node.expression.copy(), _reference(group))
            )
        # The parser leaves out options that it does not know.
        is_kept = all(f", {each.sql()})" in node.sql(dialect="duckdb") for each in options)
        if not (is_kept and all(can_be_run(each.sql(dialect="duckdb")) for each in tried)):
            raise BadExpression(
                f"has the pattern {node.expression.name!r}, which is none, or a group, replacement or option "
                "that it does not have; correct it, or write options in the pattern, as in '(?i)a'"
            )
    if isinstance(node, exp.Like | exp.ILike | exp.Escape):
        like = node.this if isinstance(node, exp.Escape) else node
        pattern = like.expression
        if isinstance(pattern, exp.Literal) and not can_be_run(
            _of_constants(node, pattern.name).sql(dialect="duckdb")
        ):
            raise BadExpression(
                f"has the pattern {pattern.name!r} with an escape that is not one sign, or that stands at "
                "its end; correct it"
            )


def _reference(group: exp.Literal) -> exp.Literal:
    return exp.Literal.string(f"\\{group.name}")


def _of_constants(node: exp.Expr, text: str) -> exp.Expr:
    """The node over a text, and over nothing where it takes more of the record's columns."""
    copy = node.copy()
    inner = copy.this if isinstance(copy, exp.Escape) else copy
    inner.set("this", exp.Literal.string(text))
    for name, each in list(inner.args.items()):
        if isinstance(each, exp.Expr) and each.find(exp.Column):
            inner.set(name, exp.Literal.number(0) if name == "group" else exp.Literal.string(""))
    return copy


def _strptime_form(node: exp.Expr) -> exp.Expr | None:
    call = _strptime_call(node)
    return call[1] if call is not None else None


def _strptime_call(node: exp.Expr) -> tuple[exp.Expr, exp.Expr] | None:
    """(text, form) if `node` is strptime(text, form) or try_strptime(text, form)."""
    if isinstance(node, exp.StrToTime):
        form = node.args.get("format")
        return (node.this, form) if form is not None else None
    is_tried = isinstance(node, exp.Anonymous) and node.name.lower() == "try_strptime"
    return (node.expressions[0], node.expressions[1]) if is_tried and len(node.expressions) == 2 else None


def _is_first_of_1970(node: exp.Expr) -> bool:
    years = [each.args.get("year") for each in node.find_all(exp.DateFromParts)]
    return any(each.name.startswith("1970-01-01") for each in node.find_all(exp.Literal)) or any(
        isinstance(year, exp.Literal) and year.name == "1970" for year in years
    )


def _has_short_span(node: exp.Expr) -> bool:
    units = [each.args.get("unit") for each in node.find_all(exp.Interval)]
    return any(unit is None or unit.name.upper() not in _DAYS for unit in units)


def _refuse_type(target: exp.DataType) -> None:
    written = target.sql(dialect="duckdb")
    if target.this in (exp.DType.DOUBLE, exp.DType.FLOAT):
        raise BadExpression(
            f"casts to {written}, a binary float, which is never exact; cast to decimal(18, 4), or read text "
            "with number()"
        )
    if target.this == exp.DType.DECIMAL and len(target.expressions) < 2:
        raise BadExpression(
            f"casts to {written}, which does not say how many decimals it has; write round(x, 2), or "
            "decimal(18, 2)"
        )
    if target.this not in _TYPES:
        raise BadExpression(f"casts to {written}, a type that it may not use; {_ALLOWED}")


def _refuse_call(node: exp.Anonymous) -> None:
    name = node.name.lower()
    if name not in _NAMES:
        raise _unknown_function(node.name)
    if name in READERS and _reader_call(node) is None:
        raise BadExpression(f"calls {name}() with something else than one text; write {name}(x)")
    if name == DIVIDE and _divide_call(node) is None:
        raise BadExpression(
            f"calls divide() otherwise than as divide(a, b, decimals), with decimals from 0 to "
            f"{DIVIDE_DECIMALS} written as a number"
        )
    # In quotes, a name could be another function's than the parser takes it for.
    node.set("this", name)


def _unknown_function(written: str) -> BadExpression:
    name = written.strip('"').lower()
    near = difflib.get_close_matches(name, _NAMES, n=3, cutoff=0.5)
    instead = f"near it are {', '.join(near)}; {_ALLOWED}" if near else _ALLOWED
    return BadExpression(f"may not use the function {name}; {instead}")


def _longest(node: exp.Expr) -> int:
    """No text that the node makes is longer, unless a cell of the file is longer than _LONGEST_CELL.

    Raises:
        BadExpression: how long it is would follow from the file's values.
    """
    if isinstance(node, exp.Column):
        return _LONGEST_CELL
    if isinstance(node, exp.Literal):
        return len(node.name)
    parts = [_longest(part) for part in node.iter_expressions()]
    if isinstance(node, exp.Pad):
        if not (isinstance(node.expression, exp.Literal) and node.expression.name.isdigit()):
            raise BadExpression("fills a text up to a length that is not written as a number")
        return int(node.expression.name) + sum(parts)
    if isinstance(node, exp.ConcatWs) and parts:
        return sum(parts) + len(parts) * parts[0]
    if isinstance(node, exp.Replace | exp.RegexpReplace):
        # What is searched for adds nothing. What replaces it can stand for each sign, and between any two
        # too, as a pattern finds nothing everywhere.
        put = _longest(node.args["replacement"]) if node.args.get("replacement") else 0
        if isinstance(node, exp.Replace):
            return parts[0] * max(1, put)
        return parts[0] + (parts[0] + 1) * put
    return sum(parts)


def _expression(tree: exp.Expr, source: str) -> Expression:
    columns = {ColumnUse(column.table, column.name) for column in tree.find_all(exp.Column)}
    ordered = sorted(columns, key=lambda use: (use.lookup, use.name))
    return Expression(source, tree, tuple(ordered))


# Signs and words that may stand around the names and constants of a part: `case when`, `is not null`, `)`.
_MOST_AROUND = 12


def _as_written(node: exp.Expr, source: str) -> str:
    """The piece of the source that a node was parsed from.

    The parser tells where names and constants stand. The shortest piece around them that means the same is
    taken; where there is none, the node is written anew.
    """
    places = [each.meta for each in node.walk() if "start" in each.meta]
    tokens = sqlglot.tokenize(source, read="duckdb")
    if places:
        first, last = min(each["start"] for each in places), max(each["end"] for each in places)
        before = [token.start for token in reversed(tokens) if token.start <= first]
        behind = [token.end for token in tokens if token.end >= last]
        for around in range(_MOST_AROUND + 1):
            for left in range(max(0, around + 1 - len(behind)), min(around + 1, len(before))):
                piece = source[before[left] : behind[around - left] + 1]
                if piece.count("(") == piece.count(")") and _means(piece, node):
                    return piece
    return node.sql(dialect="duckdb", normalize_functions="lower")


def _means(text: str, node: exp.Expr) -> bool:
    try:
        return sqlglot.parse_one(text, dialect="duckdb", into=exp.Condition) == node
    except (SqlglotError, TypeError, RecursionError):
        return False


def _reader_call(node: exp.Expr) -> tuple[str, exp.Expr] | None:
    """(function, argument) if `node` is number(x), date(x) or moment(x)."""
    if isinstance(node, exp.Date) and node.this is not None and not node.args.get("zone"):
        return "date", node.this
    if isinstance(node, exp.Anonymous) and node.name.lower() in READERS and len(node.expressions) == 1:
        return node.name.lower(), node.expressions[0]
    return None


def _divide_call(node: exp.Expr) -> tuple[exp.Expr, exp.Expr, int] | None:
    """(dividend, divisor, decimals) if `node` is divide(a, b, decimals)."""
    if not (isinstance(node, exp.Anonymous) and node.name.lower() == DIVIDE and len(node.expressions) == 3):
        return None
    dividend, divisor, decimals = node.expressions
    if not (isinstance(decimals, exp.Literal) and decimals.name in map(str, range(DIVIDE_DECIMALS + 1))):
        return None
    return dividend, divisor, int(decimals.name)


def _lookup_of(argument: exp.Expr) -> str:
    """The lookup whose conventions rule: that of the text in the argument."""
    return _text_lookups(argument)[0]
