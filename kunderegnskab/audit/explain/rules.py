"""How a column of a published table comes about, where that is declared: rules/*.yaml and their form.

Here: the form of a rule, and reading the files. What is said of a column belongs in rules/*.yaml, a file per
subject; how that is written, in forms.py; what need not be declared because the publication or the dbt
project says it, in road.py and stated.py; all together for one publication, in book.py; applying a rule to a
cell, in explanation.py.

A rule is checked each time it is applied: what it computes from the parts must be what was published.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import sqlglot
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from ruamel.yaml import YAML
from sqlglot import exp

RULES = Path(__file__).with_name("rules")
# The file of what all subjects have in common; its patterns hold in every file.
SHARED = "conformed.yaml"
PARAMETER = re.compile(r"\$([a-z_][a-z0-9_]*)")
# Where every amount of the accounts stands with its record and the record's feed.
POSTINGS = "audit.postings"


class _Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Declaration):
    """A sentence in both languages."""

    da: str
    en: str


class Total(_Declaration):
    """Values of other rows, put together.

    In `where` and `value`, `$name` stands for a column of the explained row, `$column` for the name of the
    explained column.
    """

    of: str
    """What can follow `from`; relations by their full names, `schema.relation`."""
    value: str = "1"
    """SQL of one row's value."""
    where: str = "true"
    how: Literal["sum", "count", "min", "max", "median", "only", "exists"] = "sum"
    """`only`: there is one such row, and the value is its; NULL where there is none. `median`: the value in
    the middle, or half the sum of the two there, unrounded."""
    by: tuple[str, ...] = ()
    """SQL of what tells the parts apart; without it the key of the table in `of`."""
    cell: str | None = None
    """Column that a part's value is published in, as `schema.table.column`; follows from `of` and `value`
    where these name one table and one column. A column `$name` is the one that `name` of `by` tells,
    `$column` the explained one."""


class Records(_Declaration):
    """Values of source records, put together, or counted where `distinct` tells them apart."""

    of: str
    """A relation with source_file, source_sheet and source_record."""
    value: str = "1"
    where: str = "true"
    how: Literal["sum", "min", "max", "only"] = "sum"
    """As of a total. A value that is no number is looked up by `only`."""
    feed: str | None = None
    """The records' feed; without it the relation has a column feed."""
    distinct: str | None = None
    by: tuple[str, ...] = ()
    """SQL of what tells the parts apart within a file."""


def _kind(declared: object) -> str:
    """What an input is: SQL, records, or a total."""
    if isinstance(declared, str):
        return "sql"
    if isinstance(declared, Mapping):
        return "records" if is_of_records(declared) else "total"
    return "records" if isinstance(declared, Records) else "total"


Source = Annotated[
    Annotated[str, Tag("sql")] | Annotated[Records, Tag("records")] | Annotated[Total, Tag("total")],
    Discriminator(_kind),
]


class Rule(_Declaration):
    """One way a value comes about; exactly one of name, formula, total and records."""

    when: str | None = None
    """SQL over the row; the rule holds where it is true. The last rule of a column has none."""
    name: bool = False
    """The value tells the row from others: a key, or a name that the model gives."""
    formula: str | None = None
    """SQL over the columns of the row and the inputs; ratio(n, d) is NULL unless d > 0."""
    inputs: Mapping[str, Source] = Field(default_factory=dict)
    """In an input, `$name` may also stand for an input above it. A text is SQL like the formula's, over the
    columns of the row and the inputs above it."""
    total: Total | None = None
    records: Records | None = None
    words: Words | None = None

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        ways = [self.name, self.formula is not None, self.total is not None, self.records is not None]
        if sum(ways) != 1:
            raise ValueError("a rule has exactly one of name, formula, total and records")
        if self.inputs and self.formula is None:
            raise ValueError("only a formula has inputs")
        return self


Raw = Mapping[str, Any]
"""A declaration as it stands in YAML."""


@cache
def declared_tables(folder: Path) -> Mapping[str, str]:
    """`schema.table` -> its part of a file as text, with the file's patterns before it.

    A table is read when it is asked for, because reading all of them takes longer than explaining a cell.

    Raises ValueError for a table that is declared twice.
    """
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.yaml")):
        patterns, _, tables = path.read_text(encoding="utf-8").partition("\ntables:\n")
        starts = list(_TABLE.finditer(tables))
        ends = [start.start() for start in starts[1:]] + [len(tables)]
        for start, end in zip(starts, ends, strict=True):
            if start[1] in found:
                raise ValueError(f"{path.name}: {start[1]} is declared twice")
            found[start[1]] = f"# {path.name}\n{patterns}\ntables:\n{tables[start.start() : end]}"
    return found


_TABLE = re.compile(r"^  ([a-z]+\.\w+):", re.MULTILINE)


def read_table(table: str) -> tuple[str, Raw, Raw]:
    """The file that declares a table, the patterns that hold in it, and columns -> their declaration."""
    text = declared_tables(RULES)[table]
    declared = YAML(typ="safe", pure=True).load(text)
    patterns = {**_shared_patterns(RULES), **(declared.get("patterns") or {})}
    return text.splitlines()[0][2:], patterns, declared["tables"][table] or {}


@cache
def _shared_patterns(folder: Path) -> Raw:
    path = folder / SHARED
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8").partition("\ntables:\n")[0]
    return YAML(typ="safe", pure=True).load(text).get("patterns") or {}


@cache
def columns_of(sql: str) -> tuple[str, ...]:
    """The columns that a piece of SQL names, in order."""
    tree = sqlglot.parse_one(PARAMETER.sub("NULL", sql), dialect="duckdb")
    return tuple(column.name for column in tree.find_all(exp.Column, bfs=False))


def of_row(sql: str) -> str:
    """SQL over the columns of the row, as parameters."""
    tree = sqlglot.parse_one(PARAMETER.sub(lambda found: f"__{found[1]}", sql), dialect="duckdb")

    def asked(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and not node.name.startswith("__"):
            return exp.column(f"__{node.name}")
        return node

    return re.sub(r"\b__([a-z_][a-z0-9_]*)", r"$\1", tree.transform(asked).sql(dialect="duckdb"))


def is_of_records(declared: Raw) -> bool:
    """Whether a declaration puts records together, and not rows of a table."""
    return bool({"feed", "distinct"} & set(declared)) or str(declared.get("of")).strip() == POSTINGS


def as_rules(place: str, declared: object) -> tuple[Rule, ...]:
    """The rules of a column, in the order in which they are tried.

    Raises ValueError for what is no rule; the text names the place.
    """
    try:
        rules = _RULES.validate_python(declared if isinstance(declared, list) else [declared])
    except ValidationError as error:
        raise ValueError(f"{place}: {error}") from error
    if [rule.when is None for rule in rules] != [False] * (len(rules) - 1) + [True]:
        raise ValueError(f"{place}: the last rule, and no other, holds always, without `when`")
    return rules


_RULES: TypeAdapter[tuple[Rule, ...]] = TypeAdapter(tuple[Rule, ...])
