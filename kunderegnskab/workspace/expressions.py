"""The SQL that a mapping may carry: parsed, confined to one record, number() and date() resolved.

`ingest/typed.py` runs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

_FLOATS = (exp.DType.DOUBLE, exp.DType.FLOAT)
_READERS = ("number", "date")

# Functions whose answer depends on when, where or how often they are asked, and those that give
# several values: a record must give the same value in every run, and exactly one.
_REFUSED_FUNCTIONS = {
    *("clock_timestamp", "current_date", "current_localtime", "current_localtimestamp", "current_time"),
    *("current_timestamp", "get_current_time", "get_current_timestamp", "localtime", "localtimestamp", "now"),
    *("sleep_ms", "today", "transaction_timestamp"),
    *("current_connection_id", "current_database", "current_query", "current_query_id", "current_role"),
    *("current_schema", "current_schemas", "current_setting", "current_transaction_id", "current_user"),
    *("getenv", "getvariable", "in_search_path", "session_user", "stats", "txid_current", "user", "version"),
    *("currval", "gen_random_uuid", "nextval", "random", "setseed", "setval", "uuid", "uuidv4", "uuidv7"),
    *("columns", "query", "query_table", "unnest", "vector_type", "write_log"),
}


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
        text: as the person wrote it.
        tree: the parsed expression.
        columns: the source columns it names.
    """

    text: str
    tree: exp.Expr
    columns: tuple[ColumnUse, ...]

    def sql(self, reader: Callable[[str, str], str], column: Callable[[ColumnUse], str]) -> str:
        """As DuckDB SQL.

        Args:
            reader: name of the macro that stands for a function (number, date) and a lookup.
            column: internal name of a source column.
        """

        def resolve(node: exp.Expr) -> exp.Expr:
            call = _reader_call(node)
            if call is None:
                return node
            function, argument = call
            return exp.Anonymous(this=reader(function, _lookup_of(argument)), expressions=[argument])

        def rename(node: exp.Expr) -> exp.Expr:
            if not isinstance(node, exp.Column):
                return node
            return exp.column(exp.to_identifier(column(ColumnUse(node.table, node.name)), quoted=True))

        return self.tree.copy().transform(resolve).transform(rename).sql(dialect="duckdb")

    def reads(self) -> list[tuple[str, str, Expression]]:
        """Each number() or date() call as (function, lookup, its argument)."""
        calls = [call for node in self.tree.walk() if (call := _reader_call(node)) is not None]
        return [(function, _lookup_of(argument), _expression(argument)) for function, argument in calls]


def parse(text: str) -> Expression:
    """Check `text`.

    Raises:
        BadExpression: it is no SQL expression, or reaches beyond the record it stands on.
    """
    try:
        tree = sqlglot.parse_one(text, dialect="duckdb", into=exp.Condition)
    except SqlglotError as error:
        raise BadExpression("is not one valid SQL expression") from error
    if isinstance(tree, exp.Block):
        raise BadExpression("is not one valid SQL expression")
    for node in tree.walk():
        if isinstance(node, exp.Query | exp.Table | exp.DDL | exp.DML | exp.Command | exp.Subquery):
            raise BadExpression("may use only the record's own columns, no queries or tables")
        if isinstance(node, exp.Window | exp.AggFunc):
            raise BadExpression(
                f"may use only the record's own columns, but {node.key} needs several records"
            )
        if _gives_float(node):
            raise BadExpression(
                "gives a binary float, which is never exact: multiply by a decimal such as 0.01 instead of "
                "dividing, and read text with number()"
            )
        if isinstance(node, exp.Star):
            raise BadExpression("must name its columns, * is not allowed")
        if isinstance(node, exp.Column) and node.args.get("db"):
            raise BadExpression(f"names {node.sql()}; write a name with dots in double quotes")
        if isinstance(node, exp.Func | exp.Columns):
            function = node.sql(dialect="duckdb").partition("(")[0].lower()
            if function in _REFUSED_FUNCTIONS:
                raise BadExpression(
                    f"may not use {function}, a record must give one and the same value in every run"
                )
    return _expression(tree, text)


def _gives_float(node: exp.Expr) -> bool:
    match node:
        case (
            exp.Div() | exp.IntDiv() | exp.Pow() | exp.Sqrt() | exp.Cbrt() | exp.Ln() | exp.Log() | exp.Exp()
        ):
            return True
        case exp.Cast():
            return node.to.this in _FLOATS
        case exp.Literal():
            return not node.is_string and "e" in node.name.lower()
        case exp.Anonymous():
            return node.name.lower() in ("fdiv", "divide", "power", "log2", "log10")
    return False


def _expression(tree: exp.Expr, text: str | None = None) -> Expression:
    columns = {ColumnUse(column.table, column.name) for column in tree.find_all(exp.Column)}
    ordered = sorted(columns, key=lambda use: (use.lookup, use.name))
    return Expression(text or tree.sql(dialect="duckdb"), tree, tuple(ordered))


def _reader_call(node: exp.Expr) -> tuple[str, exp.Expr] | None:
    """(function, argument) if `node` is number(x) or date(x)."""
    if isinstance(node, exp.Date) and node.this is not None and not node.args.get("zone"):
        return "date", node.this
    if isinstance(node, exp.Anonymous) and node.name.lower() in _READERS and len(node.expressions) == 1:
        return node.name.lower(), node.expressions[0]
    return None


def _lookup_of(argument: exp.Expr) -> str:
    """The lookup whose conventions rule: that of the first column in the argument."""
    column = argument.find(exp.Column)
    return column.table if column is not None else ""
