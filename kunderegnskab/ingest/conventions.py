"""SQL that reads numbers, dates and words by a file's declared conventions; nothing is guessed.

Each function takes an SQL expression of type VARCHAR, as `trimmed` gives it, and gives one that is NULL
where the text cannot be read. What is done with such text, `typed` decides.
"""

from __future__ import annotations

import re

from kunderegnskab.sql import literal, literals
from kunderegnskab.workspace import Format

# Blank, tab, no-break space and narrow no-break space: what exports put around values.
_BLANKS = " \t\u00a0\u202f"
_MINUS = "\u2212"
# How a date's type itself is written.
_ISO = "%Y-%m-%d"

# number(x) in expressions: wide enough for a product of three amounts, exact to a millionth.
EXPRESSION_NUMBER = "DECIMAL(38,6)"
EXPRESSION_DECIMALS = 6


def trimmed(text: str) -> str:
    """Without surrounding blanks of any kind; empty text is NULL."""
    # trim() with a set of characters is slow, and most text has nothing to trim.
    is_bare = f"{text}[1] between '!' and '~' and {text}[-1] between '!' and '~'"
    return f"case when {is_bare} then {text} else nullif(trim({text}, {literal(_BLANKS)}), '') end"


def number_value(text: str, form: Format, decimals: int, sql_type: str) -> str:
    """The number as `sql_type`, which has so many decimals; NULL unless it follows `form` and fits exactly.

    Most numbers stand as the type itself is written, but for zeros at the end. These are told by writing
    them back, in a third of the time that a pattern takes.
    """
    slow = f"try_cast({decimal_text(text, form, decimals)} as {sql_type})"
    if form.decimal == ".":
        quick = f"try_cast({text} as {sql_type})"
        written = f"cast({quick} as varchar)"
    elif form.decimal == ",":
        quick = f"try_cast(replace({text}, ',', '.') as {sql_type})"
        written = f"replace(cast({quick} as varchar), '.', ',')"
    else:
        return slow
    return f"case when starts_with({written}, {text}) then {quick} when {text} is not null then {slow} end"


def decimal_text(text: str, form: Format, decimals: int) -> str:
    """The number as plain text (`-1234.5`), NULL unless it follows `form` and fits `decimals` exactly."""
    sign = re.escape(form.decimal)
    match form.thousands:
        case None:
            whole = r"\d+"
        case " ":
            whole = rf"(?:\d{{1,3}}(?:[{_BLANKS}]\d{{3}})+|\d+)"
        case other:
            whole = rf"(?:\d{{1,3}}(?:{re.escape(other)}\d{{3}})+|\d+)"
    # Digits that the type cannot hold may only be zeros: a value is rejected rather than rounded.
    # RE2 limits repetition counts, not these.
    fraction = rf"(?:{sign}\d{{0,{decimals}}}0*)?" if decimals else rf"(?:{sign}0*)?"
    number = rf"(?:{whole}{fraction})"
    forms = [rf"-?{number}"]
    if "trailing" in form.negative:
        forms.append(rf"{number}-")
    if "unicode_minus" in form.negative:
        forms.append(rf"{_MINUS}{number}")
    if "parentheses" in form.negative:
        forms.append(rf"\({number}\)")
    pattern = literal("|".join(forms))
    return f"case when regexp_full_match({text}, {pattern}) then {_plain_number(text, form)} end"


def _plain_number(text: str, form: Format) -> str:
    """Text that follows `form`, as `-1234.5`."""
    dropped = _BLANKS if form.thousands == " " else form.thousands or ""
    has_signs = bool(set(form.negative) - {"leading"})
    if has_signs:
        dropped += f"-{_MINUS}()"
    digits = text
    for sign in dropped:
        digits = f"replace({digits}, {literal(sign)}, '')"
    if form.decimal != ".":
        digits = f"replace({digits}, {literal(form.decimal)}, '.')"
    if not has_signs:
        return digits
    is_negative = " or ".join(f"contains({text}, {literal(sign)})" for sign in f"-{_MINUS}(")
    return f"case when {is_negative} then '-' else '' end || {digits}"


def date_value(text: str, form: Format) -> str:
    """The date, NULL unless it follows `form` and exists.

    Years outside 1900-2199 are typing errors, but for 9999-12-31, by which many systems mean for ever.
    """
    slow = _date_by_form(text, form)
    if form.date != _ISO:
        return slow
    day = f"try_cast({text} as date)"
    in_range = f"({text} between '1900-01-01' and '2199-12-31' or {text} = '9999-12-31')"
    return (
        f"case when cast({day} as varchar) = {text} and {in_range} then {day} "
        f"when {text} is not null then {slow} end"
    )


def _date_by_form(text: str, form: Format) -> str:
    moment = f"try_strptime({text}, {literal(form.date)})"
    is_read = f"(year({moment}) between 1900 and 2199 or {moment} = timestamp '9999-12-31')"
    # strptime reads more than dates: `infinity` gives a date, day 366 of 2023 one in 2024, `2024021` the
    # first of February. So the date must give the text back, but for leading zeros and the case of names.
    if not any(fraction in form.date for fraction in ("%f", "%g", "%n")):
        written = f"strftime({moment}, {literal(form.date)})"
        is_read += f" and ({written} = {text} or {_plain(written)} = {_plain(text)})"
    else:
        is_read += f" and regexp_matches({text}, '[0-9]')"
    return f"case when {is_read} then cast({moment} as date) end"


def _plain(text: str) -> str:
    return f"regexp_replace(lower({text}), '(^|[^0-9])0+([0-9])', '\\1\\2', 'g')"


def boolean_value(text: str, form: Format) -> str:
    """True or false for the declared words, in any case; else NULL."""
    value = f"lower({text})"

    def listed(words: tuple[str, ...]) -> str:
        return literals(word.lower() for word in words)

    return (
        f"case when {value} in ({listed(form.true_words)}) then true "
        f"when {value} in ({listed(form.false_words)}) then false end"
    )


def example_number(form: Format, decimals: int) -> str:
    """A number written by `form`, for messages."""
    return f"1{form.thousands or ''}234{form.decimal + '56' if decimals else ''}"
