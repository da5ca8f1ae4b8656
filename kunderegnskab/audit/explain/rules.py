"""How each column of each published table comes about, as declared in rules/*.yaml.

Here: the form of a declaration. What it says of a column belongs in the YAML files, one per room of the
marts; applying it to a cell in `explanation.py`.

A rule is checked each time it is applied: what it computes from the parts must be what was published.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

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

RULES = Path(__file__).with_name("rules")
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
    """A relation with source_file and source_record."""
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
        of_records = {"feed", "distinct"} & set(declared) or str(declared.get("of")).strip() == POSTINGS
        return "records" if of_records else "total"
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


Rules = Mapping[str, Mapping[str, tuple[Rule, ...]]]


@cache
def load_rules() -> Rules:
    """Every rule by `schema.table` and column.

    In a file a table's entry `same_as` names another one whose rules it shares; its own come first.

    Raises ValueError for a declaration that is none; the text names the place.
    """
    found: dict[str, dict[str, tuple[Rule, ...]]] = {}
    shared: dict[str, str] = {}
    for path in sorted(RULES.glob("*.yaml")):
        declared = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        for table, columns in declared["tables"].items():
            if table in found:
                raise ValueError(f"{path.name}: {table} is declared twice")
            if same_as := columns.pop("same_as", None):
                shared[table] = same_as
            found[table] = {
                column: _rules(f"{path.name}: {table}.{column}", declared_rules)
                for column, declared_rules in columns.items()
            }
    return {table: {**found.get(shared.get(table, ""), {}), **columns} for table, columns in found.items()}


def _rules(place: str, declared: object) -> tuple[Rule, ...]:
    try:
        rules = _RULES.validate_python(declared if isinstance(declared, list) else [declared])
    except ValidationError as error:
        raise ValueError(f"{place}: {error}") from error
    if [rule.when is None for rule in rules] != [False] * (len(rules) - 1) + [True]:
        raise ValueError(f"{place}: the last rule, and no other, holds always, without `when`")
    return rules


_RULES: TypeAdapter[tuple[Rule, ...]] = TypeAdapter(tuple[Rule, ...])
