"""Numbers, dates and words are read by the declared convention, exactly or not at all.

Whole files belong in test_ingest_formats.
"""

from __future__ import annotations

import itertools
from datetime import date, datetime
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kunderegnskab.ingest import conventions
from kunderegnskab.workspace import Format

CON = duckdb.connect()

MINUS = "\u2212"
BLANKS = ("", " ", "\t", "\u00a0", "\u202f", " \u00a0 ")
CONVENTIONS = [
    (decimal, thousands)
    for decimal, thousands in itertools.product((".", ","), (None, ".", ",", " ", "'"))
    if decimal != thousands
]


def evaluate(text: str, expression: str) -> object:
    (row,) = CON.execute(f"select {expression} from (select ?::varchar as x)", [text]).fetchall()
    return row[0]


def read_number(text: str, form: Format, decimals: int = 4, sql_type: str = "DECIMAL(18,4)") -> object:
    return evaluate(text, conventions.number_value(conventions.trimmed("x"), form, decimals, sql_type))


def read_number_by_pattern(text: str, form: Format) -> object:
    trimmed = conventions.trimmed("x")
    return evaluate(text, f"try_cast({conventions.decimal_text(trimmed, form, 4)} as DECIMAL(18,4))")


def read_date(text: str, form: Format) -> object:
    return evaluate(text, conventions.date_value(conventions.trimmed("x"), form, "Europe/Copenhagen"))


def written(value: Decimal, form: Format, negative: str, blank: str) -> str:
    """`value` as a system with these conventions writes it."""
    whole, _, fraction = f"{abs(value):f}".partition(".")
    if form.thousands is not None:
        whole = f"{int(whole):,}".replace(",", blank if form.thousands == " " and blank else form.thousands)
    text = whole + (form.decimal + fraction if fraction else "")
    if not value.is_signed():
        return text
    return {
        "leading": f"-{text}",
        "trailing": f"{text}-",
        "unicode_minus": f"{MINUS}{text}",
        "parentheses": f"({text})",
    }[negative]


@settings(max_examples=120, deadline=None)
@given(
    value=st.decimals(min_value=-99999999999999, max_value=99999999999999, places=4),
    convention=st.sampled_from(CONVENTIONS),
    negative=st.sampled_from(("leading", "trailing", "unicode_minus", "parentheses")),
    thousands_blank=st.sampled_from((" ", "\u00a0", "\u202f")),
    before=st.sampled_from(BLANKS),
    after=st.sampled_from(BLANKS),
)
def test_every_number_that_a_convention_writes_is_read_back_exactly(
    value, convention, negative, thousands_blank, before, after
):
    decimal, thousands = convention
    form = Format(type="csv", decimal=decimal, thousands=thousands, negative=(negative,))
    text = before + written(value, form, negative, thousands_blank) + after
    assert read_number(text, form) == value


@settings(max_examples=300, deadline=None)
@given(
    # A number as its type is written, more or fewer digits of it, or anything near it.
    text=st.one_of(
        st.from_regex(r"-?[0-9]{0,3}[.,'][0-9]{0,8}", fullmatch=True),
        st.text(alphabet="0123456789.,'-e_ ", max_size=9),
    ),
    convention=st.sampled_from(CONVENTIONS),
)
def test_the_quick_way_reads_what_the_pattern_reads_and_nothing_else(text, convention):
    decimal, thousands = convention
    form = Format(type="csv", decimal=decimal, thousands=thousands)
    assert read_number(text, form) == read_number_by_pattern(text, form)


@settings(max_examples=120, deadline=None)
@given(
    text=st.text(alphabet="0123456789.,'-+ ()eE\u2212\u00a0xN", max_size=12),
    convention=st.sampled_from(CONVENTIONS),
)
def test_what_a_convention_does_not_write_is_no_number(text, convention):
    decimal, thousands = convention
    form = Format(type="csv", decimal=decimal, thousands=thousands)
    read = read_number(text, form)
    if read is None:
        return
    # A number was read, so the text must be one of the two ways to write it, with or without thousands.
    assert isinstance(read, Decimal)
    bare = text.strip(" \t\u00a0\u202f")
    digits = bare.replace("-", "", 1) if bare.startswith("-") else bare
    whole, _, fraction = digits.partition(decimal)
    groups = [whole] if thousands is None else whole.replace("\u00a0", " ").split(thousands)
    assert all(group.isascii() and group.isdigit() for group in groups)
    assert len(groups) == 1 or (len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:]))
    assert fraction == "" or (fraction.isascii() and fraction.isdigit())
    sign = "-" if bare.startswith("-") else ""
    assert Decimal(f"{sign}{''.join(groups)}.{fraction or '0'}") == read


NO_NUMBERS = (
    [
        "",
        "-",
        "+1",
        "--1",
        "1e5",
        "1E+5",
        "0x10",
        "1_000",
        "NaN",
        "inf",
        "½",
        "\u0663",
        "\uff11",
        "1,5",
        ".5",
    ],
    ["1.5-", "(1)", f"{MINUS}1", "1 000", "1'000", "12.34567", "100000000000000", "kr. 5", "5 %", "5,-"],
)


@pytest.mark.parametrize("text", [text for row in NO_NUMBERS for text in row])
def test_no_number_by_the_plain_convention(text):
    assert read_number(text, Format(type="csv")) is None


@pytest.mark.parametrize(
    "text", ["1.23", "12.34", "1234.567", "1.2345", "1.234.56", ".123", "1..234", "1,2,3"]
)
def test_a_thousands_sign_in_the_wrong_place_is_no_number(text):
    assert read_number(text, Format(type="csv", decimal=",", thousands=".")) is None


def test_digits_that_the_type_cannot_hold_are_refused_unless_they_are_zeros():
    form = Format(type="csv")
    assert read_number("1.23450000", form) == Decimal("1.2345")
    assert read_number("1.23456", form) is None
    assert read_number("99999999999999.9999", form) == Decimal("99999999999999.9999")
    assert read_number("7.00", form, decimals=0, sql_type="BIGINT") == 7
    assert read_number("7.5", form, decimals=0, sql_type="BIGINT") is None


DATE_FORMATS = [
    "%Y-%m-%d",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%Y%m%d",
    "%d%m%Y",
    "%d-%b-%Y",
    "%Y-%m-%dT%H:%M:%S",
]


@settings(max_examples=80, deadline=None)
@given(
    day=st.dates(date(1900, 1, 1), date(2199, 12, 31)),
    form=st.sampled_from(DATE_FORMATS),
    before=st.sampled_from(BLANKS),
)
def test_every_date_that_a_format_writes_is_read_back(day, form, before):
    assert read_date(before + day.strftime(form), Format(type="csv", date=form)) == day


@settings(max_examples=120, deadline=None)
@given(
    text=st.text(alphabet="0123456789-/.: ", max_size=12)
    | st.sampled_from(["infinity", "epoch", "-infinity"]),
    form=st.sampled_from(DATE_FORMATS[:6]),
)
def test_what_a_format_does_not_write_is_no_date(text, form):
    read = read_date(text, Format(type="csv", date=form))
    if read is not None:
        assert datetime.strptime(text.strip(), form).date() == read


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("31-02-2024", "%d-%m-%Y"),
        ("29-02-2023", "%d-%m-%Y"),
        ("13-13-2024", "%d-%m-%Y"),
        ("01-02-24", "%d-%m-%Y"),
        ("01-02-0024", "%d-%m-%Y"),
        ("01-02-2024 10:00", "%d-%m-%Y"),
        ("01/02/2024", "%d-%m-%Y"),
        ("13/31/2024", "%m/%d/%Y"),
        ("2024021", "%Y%m%d"),
        ("00000000", "%Y%m%d"),
        ("366-2023", "%j-%Y"),
        ("infinity", "%Y-%m-%d"),
        ("-infinity", "%Y-%m-%d"),
        ("epoch", "%Y-%m-%d"),
        ("today", "%Y-%m-%d"),
        ("1899-12-31", "%Y-%m-%d"),
        ("2200-01-01", "%Y-%m-%d"),
        ("infinity", "%Y-%m-%d %H:%M:%S.%f"),
    ],
)
def test_a_date_that_does_not_exist_is_refused(text, form):
    assert read_date(text, Format(type="csv", date=form)) is None


@pytest.mark.parametrize(
    ("text", "form", "day"),
    [
        ("1-2-2024", "%d-%m-%Y", date(2024, 2, 1)),
        ("7/4/1996", "%m/%d/%Y", date(1996, 7, 4)),
        ("01-FEB-2024", "%d-%b-%Y", date(2024, 2, 1)),
        ("060-2024", "%j-%Y", date(2024, 2, 29)),
        ("2024-02-01 23:59:59.5", "%Y-%m-%d %H:%M:%S.%f", date(2024, 2, 1)),
        ("2018-11-08T17:59:00", "%Y-%m-%dT%H:%M:%S", date(2018, 11, 8)),
        ("01.02.24", "%d.%m.%y", date(2024, 2, 1)),
    ],
)
def test_a_date_may_lack_leading_zeros_and_carry_a_time(text, form, day):
    assert read_date(text, Format(type="csv", date=form)) == day


def test_booleans_are_the_declared_words_in_any_case_and_nothing_else():
    form = Format(type="csv", true_words=("Ja", "1"), false_words=("Nej", "0"))
    expression = conventions.boolean_value(conventions.trimmed("x"), form)
    read = {
        text: evaluate(text, expression) for text in ("JA", " ja\u00a0", "1", "nej", "0", "yes", "true", "")
    }
    assert read == {
        "JA": True,
        " ja\u00a0": True,
        "1": True,
        "nej": False,
        "0": False,
        "yes": None,
        "true": None,
        "": None,
    }


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="aø Æ\t\u00a0\u202f1", max_size=8))
def test_trimming_takes_blanks_of_every_kind_from_both_ends(text):
    assert evaluate(text, conventions.trimmed("x")) == (text.strip(" \t\u00a0\u202f") or None)
