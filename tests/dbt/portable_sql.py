"""Finds SQL that does not mean the same on DuckDB and on Spark, or that lineage tools cannot follow.

The rules are about text: they read a model or rule as written, Jinja included, with comments taken
out. Layout belongs in .sqlfluff. Macros but for the rules are exempt: they are where engines may differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Violation:
    """One place where a rule is broken; `instead` says what to write."""

    path: Path
    line: int
    rule: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.instead}"


@dataclass(frozen=True)
class Rule:
    """`find` yields the positions in the text where the rule is broken; `applies` says in which files."""

    name: str
    instead: str
    find: Callable[[str], Iterable[int]]
    applies: Callable[[Path], bool] = lambda path: True


def violations(path: Path, sql: str) -> list[Violation]:
    """Every violation in one file's text, in the order of its lines."""
    text = blank_comments(sql)
    found = [
        Violation(path, text.count("\n", 0, position) + 1, rule.name, rule.instead)
        for rule in RULES
        if rule.applies(path)
        for position in rule.find(text)
    ]
    return sorted(found, key=lambda violation: (violation.line, violation.rule))


COMMENT_OR_LITERAL = re.compile(r"\{#.*?#\}|/\*.*?\*/|--[^\n]*|'(?:[^']|'')*'", re.DOTALL)
LITERAL = re.compile(r"'(?:[^']|'')*'")
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def blank_comments(sql: str) -> str:
    """The text with spaces for comments; positions and line numbers stay."""
    return COMMENT_OR_LITERAL.sub(lambda m: m[0] if m[0].startswith("'") else _blank(m[0]), sql)


def _blank(text: str, keep: str = "\n") -> str:
    return "".join(character if character in keep else " " for character in text)


def _code(text: str) -> str:
    """The text without the content of string literals, Jinja still there; positions stay."""
    return LITERAL.sub(lambda m: "'" + _blank(m[0][1:-1]) + "'", text)


def _plain(text: str) -> str:
    """SQL alone: Jinja blanked (an expression becomes a name, so that what surrounds it still parses)."""
    without_jinja = JINJA.sub(
        lambda m: "j" + _blank(m[0][1:]) if m[0].startswith("{{") else _blank(m[0]), text
    )
    return _code(without_jinja)


def pattern(expression: str) -> Callable[[str], Iterator[int]]:
    """Finds a pattern in SQL and in what Jinja expressions hold, outside string literals."""
    compiled = re.compile(expression, re.IGNORECASE)
    return lambda text: (match.start() for match in compiled.finditer(_code(text)))


def plain_pattern(expression: str) -> Callable[[str], Iterator[int]]:
    """Finds a pattern in SQL outside Jinja and outside string literals."""
    compiled = re.compile(expression, re.IGNORECASE)
    return lambda text: (match.start() for match in compiled.finditer(_plain(text)))


def function(*names: str) -> Callable[[str], Iterator[int]]:
    """Finds calls of functions by name."""
    return pattern(rf"(?<![\w.])(?:{'|'.join(names)})\s*\(")


TOKEN = re.compile(r"[a-z_][\w]*|[(),]|\S", re.IGNORECASE)
# Functions whose own syntax has the word "from" in it.
FROM_FUNCTIONS = {"extract", "trim", "substring", "overlay"}


def from_first(text: str) -> Iterator[int]:
    """A query that starts with FROM: no SELECT before it in the same parentheses."""
    has_select, opened_by = [False], [""]
    previous = ""
    for match in TOKEN.finditer(_plain(text)):
        word = match[0].lower()
        if word == "(":
            has_select.append(False)
            opened_by.append(previous)
        elif word == ")" and len(has_select) > 1:
            has_select.pop()
            opened_by.pop()
        elif word == "select":
            has_select[-1] = True
        elif word in ("union", "intersect", "except"):
            has_select[-1] = False
        elif word == "from" and not (
            has_select[-1] or opened_by[-1] in FROM_FUNCTIONS or previous == "distinct"
        ):
            yield match.start()
        previous = word


def order_without_nulls(text: str) -> Iterator[int]:
    """A sort key that does not say where NULL goes."""
    plain = _plain(text)
    for match in re.finditer(r"\border\s+by\b", plain, re.IGNORECASE):
        for start, key in _sort_keys(plain, match.end()):
            if not re.search(r"\bnulls\s+(first|last)\b", key, re.IGNORECASE):
                yield start


END_OF_SORT = re.compile(r"\b(rows|range|groups|limit|offset|union|qualify)\b", re.IGNORECASE)


def _sort_keys(plain: str, start: int) -> Iterator[tuple[int, str]]:
    depth, key_start, position = 0, start, start
    while position < len(plain):
        character = plain[position]
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        ended = depth < 0 or (depth == 0 and END_OF_SORT.match(plain, position) is not None)
        if ended:
            break
        if character == "," and depth == 0:
            yield key_start, plain[key_start:position]
            key_start = position + 1
        position += 1
    if plain[key_start:position].strip():
        yield key_start, plain[key_start:position]


def final_star(text: str) -> Iterator[int]:
    """A star in a select outside all parentheses: the columns that leave the model."""
    plain = _plain(text)
    depth = 0
    stars = r"[()]|\bselect\s+(?:distinct\s+)?(?:\w+\.)?\*|,\s*\w+\.\*"
    for match in re.finditer(stars, plain, re.IGNORECASE):
        if match[0] == "(":
            depth += 1
        elif match[0] == ")":
            depth -= 1
        elif depth == 0:
            yield match.start()


def quotes_in_literals(text: str) -> Iterator[int]:
    """An apostrophe or a backslash inside a string literal."""
    without_jinja = JINJA.sub(lambda m: _blank(m[0]), text)
    return (m.start() for m in LITERAL.finditer(without_jinja) if "''" in m[0][1:-1] or "\\" in m[0])


def _in(*folders: str) -> Callable[[Path], bool]:
    return lambda path: any(folder in path.parts for folder in folders)


RULES: tuple[Rule, ...] = (
    # Money and numbers
    Rule("avg", "sum first and use div_round(): avg() is a double on DuckDB", function("avg", "mean")),
    Rule(
        "division", "use safe_ratio(), div_round() or int_div(): / is a double on DuckDB", plain_pattern(r"/")
    ),
    Rule(
        "percentile",
        "pick the row by row_number(): medians and percentiles differ in type and rounding",
        function("median", "quantile\\w*", "percentile\\w*", "mode", "approx_\\w+"),
    ),
    Rule(
        "inexact type",
        "use decimal(p, s): money never goes through a float",
        plain_pattern(r"\b(double|float\d?|real)\b"),
    ),
    Rule(
        "bare decimal",
        "give precision and scale: the default scale rounds silently",
        plain_pattern(r"\b(decimal|numeric)\b(?!\s*\()"),
    ),
    Rule("exponent", "write the digits: 1e2 is a double", plain_pattern(r"\b\d+(\.\d+)?e[+-]?\d+\b")),
    Rule(
        "cast to int",
        "round() first and cast to bigint: a decimal cast to int rounds on DuckDB and truncates on Spark",
        plain_pattern(r"\bas\s+(int|integer|smallint|tinyint|hugeint|int\d)\b"),
    ),
    # Types and names
    Rule("double colon", "use cast(x as type)", plain_pattern(r"::")),
    Rule(
        "text type",
        "use string: it is a type on both engines",
        plain_pattern(r"\bas\s+(varchar|text|char)\b"),
    ),
    Rule("quoted identifier", "use a plain name: double quotes make a string on Spark", plain_pattern(r'"')),
    Rule("quote in literal", "keep ' and \\ out of literals: engines escape differently", quotes_in_literals),
    # Shape of queries
    Rule("qualify", "filter row_number() in a CTE", plain_pattern(r"\bqualify\b")),
    Rule("distinct on", "filter row_number() in a CTE", plain_pattern(r"\bdistinct\s+on\b")),
    Rule("group by all", "name the columns", plain_pattern(r"\b(group|order)\s+by\s+all\b")),
    Rule(
        "star except",
        "list the columns",
        plain_pattern(r"\*\s*(exclude|except|replace|rename)\b"),
    ),
    Rule("columns()", "list the columns: column lineage cannot follow it", function("columns")),
    Rule(
        "pivot",
        "use sum(case ...) or union all: column lineage cannot follow it",
        plain_pattern(r"\b(un)?pivot\b"),
    ),
    Rule("union by name", "list the columns in the same order", plain_pattern(r"\bby\s+name\b")),
    Rule("from first", "write select ... from", from_first),
    Rule("trailing comma", "remove the comma", plain_pattern(r",\s*(from\b|\))")),
    Rule(
        "bare union",
        "say union all or union distinct",
        plain_pattern(r"\b(union|intersect)\b(?!\s+(all|distinct)\b)"),
    ),
    Rule(
        "engine's own join",
        "use a range join, exists or a left join with is null",
        plain_pattern(r"\b(asof|positional|semi|anti|lateral|natural)\b"),
    ),
    Rule(
        "using",
        "join with on: using() drops a column, in an order of its own",
        plain_pattern(r"\busing\s*\("),
    ),
    Rule("recursive", "use month_series() or a join", plain_pattern(r"\brecursive\b")),
    Rule("sample", "models are exact: take all rows", plain_pattern(r"\b(tablesample|using\s+sample)\b")),
    Rule(
        "final star",
        "list the columns: they are the contract",
        final_star,
        _in("marts", "audit"),
    ),
    # Windows and sorting
    Rule("null order", "add nulls first or nulls last: the defaults differ", order_without_nulls),
    Rule(
        "window frame",
        "use a rows frame",
        plain_pattern(
            r"\b(range|groups)\s+(between|unbounded|current)\b|\bexclude\s+(current|group|ties|no)\b"
        ),
    ),
    Rule(
        "filter over window", "use sum(case ...) over (...)", plain_pattern(r"\bfilter\s*\([^()]*\)\s*over\b")
    ),
    Rule("ignore nulls", "use a running count as the group", plain_pattern(r"\b(ignore|respect)\s+nulls\b")),
    # Dates
    Rule("interval", "use add_months(), or date + n for days", plain_pattern(r"\binterval\b")),
    Rule("dbt date macros", "use add_months() or last_day()", pattern(r"\bdbt\.(dateadd|last_day)\b")),
    Rule("weekday", "count days from a known Monday", function("dayofweek", "isodow", "weekday", "dayname")),
    Rule("date format", "use cast(x as string)", function("strftime", "strptime", "to_char", "date_format")),
    Rule(
        "time zone",
        "keep timestamps out of the marts",
        plain_pattern(r"\bat\s+time\s+zone\b|\btimestamptz\b"),
    ),
    Rule(
        "clock",
        "pass the date in: a rebuild must give the same rows",
        plain_pattern(r"\b(current_date|current_timestamp|now\s*\(|today\s*\(|random\s*\(|uuid\s*\()"),
    ),
    # Strings, hashes, lists
    Rule(
        "concat", "use || with coalesce(): concat() treats NULL differently", function("concat", "concat_ws")
    ),
    Rule(
        "regular expression",
        "use substr(), instr() or split_part()",
        function("regexp\\w*", "split", "string_split"),
    ),
    Rule("hash", "use md5()", function("hash", "xxhash64")),
    Rule(
        "list or struct",
        "keep lists out of models; put the one place that needs them in a dispatched macro",
        function(
            "list\\w*",
            "array\\w*",
            "struct\\w*",
            "unnest",
            "explode",
            "generate_series",
            "range",
            "string_agg",
        ),
    ),
    Rule("lambda", "keep lists out of models", plain_pattern(r"->")),
    Rule("file", "read a source or a model", function("read_\\w+", "\\w+_scan")),
    Rule(
        "merge",
        "use delete+insert by month: merge needs a table format",
        lambda text: (m.start() for m in re.finditer(r"incremental_strategy\s*=\s*'merge'", text)),
    ),
    # Rules
    Rule(
        "comparison that skips NULL",
        "use is distinct from: with NULL on one side <> finds nothing and the rule stays green",
        plain_pattern(r"<>|!="),
        _in("rules", "rules.sql"),
    ),
)
