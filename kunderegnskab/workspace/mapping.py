"""The shape of feeds.yaml: which files feed which canonical feed, and how their columns map.

`kunderegnskab.ingest` reads the files; the feeds themselves are declared in `kunderegnskab.feeds`.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

import duckdb
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

NegativeForm = Literal["leading", "trailing", "unicode_minus", "parentheses"]
Encoding = Literal["utf-8", "utf-8-sig", "cp1252", "utf-16"]


class NumberWrittenOtherwise(int):
    """A whole number of a configuration that is not written as its digits are."""

    def __new__(cls, number: int, written: str) -> Self:
        """Args:
        written: as it stands in the file.
        """
        made = super().__new__(cls, number)
        made.written = written
        return made

    written: str

    def __repr__(self) -> str:
        return self.written


def _as_text(value: object) -> object:
    # `true_words: [1]` and `values: {line_no: 1}` are natural to write; YAML gives numbers and booleans.
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, NumberWrittenOtherwise):
        raise ValueError("Input should be a valid string: put it in quotes, or it is read as another text")
    return str(value) if isinstance(value, int) else value


Word = Annotated[str, BeforeValidator(_as_text)]


def _is_below_landing(pattern: str) -> str:
    parts = PurePosixPath(pattern).parts
    if PurePosixPath(pattern).is_absolute() or ".." in parts or "\\" in pattern:
        raise ValueError("files must name files below landing/, with / between folders")
    if any("**" in part and part != "**" for part in parts):
        raise ValueError("** stands for folders, so it must stand alone between slashes")
    return pattern


@cache
def _zones_of_the_engine() -> frozenset[str]:
    with duckdb.connect() as con:
        return frozenset(name for (name,) in con.execute("select name from pg_timezone_names()").fetchall())


def _is_known(zone: str) -> str:
    # Python has names of its machine's, such as localtime.
    if zone not in available_timezones() or zone not in _zones_of_the_engine():
        raise ValueError(f"{zone} is no time zone; use a name such as Europe/Copenhagen or UTC")
    return zone


TimeZone = Annotated[str, AfterValidator(_is_known)]

Pattern = Annotated[str, Field(min_length=1), AfterValidator(_is_below_landing)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


@cache
def is_form(form: str) -> bool:
    """Whether a text is a strptime format."""
    return can_be_run("try_strptime('', $1)", form)


def can_be_run(sql: str, *values: str) -> bool:
    """Whether the engine computes a value that is made of constants."""
    with duckdb.connect() as con:
        try:
            con.execute(f"select {sql}", list(values))
        except duckdb.Error:
            return False
    return True


def _has_clock(form: str) -> bool:
    return re.search("%-?[HIMSpfgncXT]", form) is not None


def writes_a_zone(form: str) -> bool:
    """Whether a strptime format has a time zone as plain text, which is read past: `Z`, `UTC`, `+00:00`."""
    written = re.sub("%-?[A-Za-z%]", " ", form)
    has_word = re.search(r"(?i)(?<![a-z])(UTC|GMT|CES?T|Z)(?![a-z])", written) is not None
    has_offset = re.search(r"(%-?[HIMSpfgnXT]|\.0+) ?[+-]\d", form) is not None
    return written.endswith("Z") or (_has_clock(form) and (has_word or has_offset))


class Format(_Part):
    """How a file is written. Conventions are declared here and never guessed from the values."""

    type: Literal["csv", "xlsx", "parquet", "json"]
    delimiter: str = Field(",", min_length=1, max_length=1, description="csv: sign between fields")
    quote: str = Field('"', max_length=1, description="csv: sign around fields; empty for none")
    encoding: Encoding = Field("utf-8", description="csv and json: encoding of the text")
    header_row: int = Field(1, ge=0, description="csv and xlsx: row of the header; 0 means none")
    column_names: tuple[str, ...] = Field((), description="csv and xlsx without header: names of the columns")
    sheet: str | None = Field(None, description="xlsx: name of the sheet; default the first")
    records: str | None = Field(None, description="json: dotted path of the array that holds the records")
    decimal: Literal[".", ","] = Field(".", description="decimal sign")
    thousands: Literal[".", ",", " ", "'"] | None = Field(
        None, description="thousands sign; a space also stands for no-break spaces"
    )
    negative: tuple[NegativeForm, ...] = Field(
        ("leading",), description="forms of negative numbers, besides a leading minus"
    )
    date: str = Field("%Y-%m-%d", description="strptime format of dates")
    timezone: TimeZone | None = Field(
        None,
        description="time zone of moments that name none; without it they are refused where a day is due",
    )
    true_words: tuple[Word, ...] = Field(("true", "1"), description="words for true, in any case")
    false_words: tuple[Word, ...] = Field(("false", "0"), description="words for false, in any case")

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands must differ")
        if (self.header_row == 0) != bool(self.column_names):
            raise ValueError("column_names goes with header_row: 0, and only with it")
        if self.type == "csv" and self.quote == self.delimiter:
            raise ValueError("quote and delimiter must differ")
        if not is_form(self.date):
            raise ValueError(
                f"date has a part that means nothing in {self.date}; write parts such as %d, %m, %Y"
            )
        if not any(sign in self.date for sign in ("%d", "%j", "%e", "%-d", "%x")):
            raise ValueError("date must contain the day (%d)")
        if self._names_a_zone:
            raise ValueError(
                "date must not contain a time zone: moments with one, such as 2025-01-31T23:30:00Z, are read "
                "without being declared; read others in an expression, as in "
                "strptime(x, '%d-%m-%Y %H:%M %Z')"
            )
        return self

    @property
    def _names_a_zone(self) -> bool:
        return re.search("%[zZ]", self.date) is not None or writes_a_zone(self.date)

    @property
    def has_clock(self) -> bool:
        """Whether the form of dates has a time of day, so that dates are moments."""
        return _has_clock(self.date)


def _first_of_month(value: object) -> object:
    return f"{value}-01" if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}", value) else value


FirstOfMonth = Annotated[date, BeforeValidator(_first_of_month)]


class TotalRows(_Part):
    """Rows that are sums, not records: those whose `column` is one of `words`, in any case."""

    column: str
    words: tuple[Word, ...] = Field(min_length=1)


class AllowedRejects(_Part):
    """How many records of a source may be rejected, and why that is acceptable."""

    count: int = Field(ge=0)
    reason: str = Field(min_length=3)


class Lookup(_Part):
    """Another landing file whose columns may be used as `name.column`; its key must be unique."""

    files: Pattern
    format: Format
    key: str = Field(description="column of the lookup file whose values are unique")
    source_column: str | None = Field(
        None, description="the source's own column, where it is named otherwise"
    )
    optional: bool = Field(False, description="whether a key that finds nothing is no fault")


class Source(_Part):
    """One group of files that feeds a feed."""

    files: Pattern = Field(description="glob relative to landing/")
    format: Format
    columns: dict[str, str] = Field(default_factory=dict, description="canonical column: source column")
    expressions: dict[str, Word] = Field(default_factory=dict, description="canonical column: SQL")
    values: dict[str, Word] = Field(default_factory=dict, description="canonical column: constant")
    where: str | None = Field(None, description="SQL; records for which it is not true are left out")
    total_rows: TotalRows | None = None
    lookups: dict[str, Lookup] = Field(default_factory=dict)
    allow_rejects: AllowedRejects | None = None
    shares_files: str | None = Field(
        None, min_length=3, description="why another source of the feed reads the same files, too"
    )
    leaves_out: str | None = Field(
        None, min_length=3, description="why records of a shared file may be taken by no source"
    )
    not_personal: dict[str, Annotated[str, Field(min_length=3)]] = Field(
        default_factory=dict,
        description="source column whose numbers look like CPR numbers and are none: why",
    )
    monthly_since: FirstOfMonth | None = Field(
        None, description="month, e.g. 2024-01, from which on a file is expected for every month"
    )

    @model_validator(mode="after")
    def _maps_each_column_once(self) -> Self:
        seen: set[str] = set()
        for group in (self.columns, self.expressions, self.values):
            for name in group:
                if name in seen:
                    raise ValueError(f"{name} is mapped twice; use one of columns, expressions, values")
                seen.add(name)
        for name in self.lookups:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError(f"the lookup {name} needs a name of small letters, digits and _")
        if not seen:
            raise ValueError("nothing is mapped; give columns, expressions or values")
        return self

    @property
    def mapped(self) -> set[str]:
        """Canonical columns that this source fills."""
        return {*self.columns, *self.expressions, *self.values}
