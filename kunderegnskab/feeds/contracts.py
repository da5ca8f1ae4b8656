"""The typed form of contracts.yaml. What a feed contains is declared there, not here."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator
from ruamel.yaml import YAML

from kunderegnskab import sql

ColumnType = Literal["id", "text", "code", "date", "month", "money", "quantity", "rate", "integer", "boolean"]
# Whose data a column holds; contracts.yaml says what each of these means.
Personal = Literal["salesperson_key", "salesperson_name", "customer", "employee"]

SQL_TYPES: dict[ColumnType, str] = {
    "id": sql.TEXT,
    "text": sql.TEXT,
    "code": sql.TEXT,
    "date": sql.DATE,
    "month": sql.DATE,
    "money": sql.MONEY,
    "quantity": sql.QUANTITY,
    "rate": sql.RATE,
    "integer": sql.INTEGER,
    "boolean": sql.BOOLEAN,
}
# Digits after the decimal sign that a type can hold; a value with more of them is rejected, not rounded.
DECIMALS: dict[ColumnType, int] = {"money": 4, "quantity": 6, "rate": 8, "integer": 0}

# What every record carries besides the feed's own columns.
SOURCE_COLUMNS: dict[str, str] = {
    "_source_file": sql.TEXT,
    "_file_sha256": sql.TEXT,
    "_source_sheet": sql.TEXT,
    "_source_record": sql.INTEGER,
}


class _Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Declaration):
    """One column of a feed. `default` is text in canonical form and stands where a value is missing."""

    type: ColumnType
    da: str
    en: str
    required: bool = False
    values: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """Ids that have a meaning of their own, each in the form of `spelling.folded`. Where there are any, all
    ids of the column are read in that form, so that one word in other letters is the same word."""
    default: str | None = None
    personal: Personal | None = None
    personal_when: dict[str, tuple[str, ...]] = {}
    """Column of the same feed -> its values for which this one is personal; always, if there is none."""

    @property
    def sql_type(self) -> str:
        """The DuckDB type of the column in the lake and in schema raw."""
        return SQL_TYPES[self.type]


class Feed(_Declaration):
    """One canonical input table."""

    name: str
    da: str
    en: str
    grain: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    required: bool = False
    is_policy: bool = False
    """The company's own rules, rates and decisions: changes of them are logged."""
    is_rate: bool = False
    """Rates and unit costs that other records are valued with: what changes past figures is logged."""
    rules: tuple[Literal["two_of_three_amounts"], ...] = ()

    @property
    def period_column(self) -> str | None:
        """The required column that says which month a record belongs to; None where records have no time."""
        return next(
            (name for name, each in self.columns.items() if each.type in ("date", "month") and each.required),
            None,
        )

    @property
    def is_by_month(self) -> bool:
        """Whether its records name the month they belong to, and no day."""
        return self.period_column is not None and self.columns[self.period_column].type == "month"

    @property
    def can_be_approved(self) -> bool:
        """Whether its records can say who made and who approved them."""
        return self.is_policy and self.maker is not None and "approved_by" in self.columns

    @property
    def maker(self) -> str | None:
        """The column that says who made a record; None where none does."""
        return next(
            (name for name in ("changed_by", "author", "decided_by", "written_by") if name in self.columns),
            None,
        )

    @property
    def salesperson_key(self) -> str | None:
        """The key column that says whose salesperson_name it is; None where records are not of one person."""
        return next((name for name in self.key if self.columns[name].personal == "salesperson_key"), None)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.is_rate and self.period_column is None:
            raise ValueError(f"feed {self.name}: a rate needs a date that it holds from")
        unknown = [name for name in self.key if name not in self.columns]
        if unknown:
            raise ValueError(f"feed {self.name}: key column {unknown[0]} is not declared")
        for name, column in self.columns.items():
            if (column.type == "code") != bool(column.values):
                raise ValueError(f"feed {self.name}, column {name}: exactly the type code lists values")
            if column.words and column.type != "id":
                raise ValueError(f"feed {self.name}, column {name}: only ids have words among them")
            if column.personal is not None and column.type not in ("id", "text"):
                raise ValueError(f"feed {self.name}, column {name}: only text and ids name a person")
            if column.personal_when and column.personal is None:
                raise ValueError(f"feed {self.name}, column {name}: personal_when goes with personal")
            for other, values in column.personal_when.items():
                if other not in self.columns or not set(values) <= set(self.columns[other].values):
                    raise ValueError(f"feed {self.name}, column {name}: {other} has no such values")
            if column.personal == "salesperson_name" and self.salesperson_key is None:
                raise ValueError(
                    f"feed {self.name}, column {name}: the key has no salesperson to stand for it"
                )
        return self


@cache
def load_feeds() -> dict[str, Feed]:
    """All feeds by name, in the order of contracts.yaml."""
    text = Path(__file__).with_name("contracts.yaml").read_text(encoding="utf-8")
    declared = YAML(typ="safe", pure=True).load(text)["feeds"]
    return {name: Feed(name=name, **feed) for name, feed in declared.items()}
