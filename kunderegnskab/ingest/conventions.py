"""SQL that reads numbers, dates and words by a file's declared conventions; nothing is guessed.

Each function takes an SQL expression of type VARCHAR, as `trimmed` gives it, and gives one that is NULL
where the text cannot be read. What is done with such text, `typed` decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kunderegnskab.sql import literal, literals
from kunderegnskab.workspace import Format

# Blank, tab, no-break space and narrow no-break space: what exports put around values.
_BLANKS = " \t\u00a0\u202f"
_MINUS = "\u2212"
# How a date's type itself is written.
_ISO = "%Y-%m-%d"

# number(x) in expressions: as many decimals as a rate; a product of three fits if it is below 10^14.
EXPRESSION_NUMBER = "DECIMAL(38,8)"
EXPRESSION_DECIMALS = 8


def trimmed(text: str) -> str:
    """Without surrounding blanks of any kind; empty text is NULL."""
    # trim() with a set of characters is slow, and most text has nothing to trim.
    is_bare = f"{text}[1] between '!' and '~' and {text}[-1] between '!' and '~'"
    return f"case when {is_bare} then {text} else nullif(trim({text}, {literal(_BLANKS)}), '') end"


def differ(forms: Iterable[Format], kind: str) -> bool:
    """Whether some of the formats may read the same text otherwise, as a number, a date or a boolean."""

    def rules(form: Format) -> object:
        match kind:
            case "number":
                return form.decimal, form.thousands, frozenset(form.negative)
            case "date":
                return form.date, form.timezone
            case _:
                return frozenset(form.true_words), frozenset(form.false_words)

    return len({rules(form) for form in forms}) > 1


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


def decimal_text(text: str, form: Format, decimals: int | None) -> str:
    """The number as plain text (`-1234.5`), NULL unless it follows `form`, with so many decimals if given."""
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
    if decimals is None:
        fraction = rf"(?:{sign}\d*)?"
    else:
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


def date_value(text: str, form: Format, zone: str) -> str:
    """The date, NULL unless it follows `form` or is a moment as `local_moment` reads it, and exists.

    Years outside 1900-2199 are typing errors, but for 9999-12-31, by which many systems mean for ever.
    """
    slow = f"cast({local_moment(text, form, zone)} as date)"
    if form.date != _ISO:
        return slow
    day = f"try_cast({text} as date)"
    in_range = f"({text} between '1900-01-01' and '2199-12-31' or {text} = '9999-12-31')"
    return (
        f"case when cast({day} as varchar) = {text} and {in_range} then {day} "
        f"when {text} is not null then {slow} end"
    )


# A moment as ISO 8601 and databases write it, and its zone. Whoever writes it so cannot mean anything else.
_MOMENT = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?"
_MIDNIGHT = r"\d{4}-\d{2}-\d{2}[T ]00:00(?::00(?:\.0+)?)?"
# No place on Earth is further from UTC than 14 hours.
_ZONE = r" ?(?:Z|z|UTC|[+-](?:0\d|1[0-3])(?::?[0-5]\d)?|[+-]14(?::?00)?)"


def local_moment(text: str, form: Format, zone: str) -> str:
    """The moment in `zone`, without its zone; NULL unless it follows `form` or is written as ISO 8601.

    A day is its first moment. A moment that names no zone is in that of `form`; where that has none, only
    midnight is read, as a day.
    """
    by_form = _by_form(text, form)
    if form.has_clock and form.timezone:
        by_form = _moved(by_form, form.timezone, zone)
    plain = f"regexp_replace(regexp_replace({text}, ' ?(?:Z|z|UTC)$', '+00'), ' ([+-])', '\\1')"
    zoned = f"timezone({literal(zone)}, try_cast({plain} as timestamptz))"
    unzoned = f"try_cast({text} as timestamp)"
    if form.timezone:
        pattern, unzoned = _MOMENT, _moved(unzoned, form.timezone, zone)
    else:
        pattern = _MIDNIGHT
    unzoned = f"case when regexp_full_match({text}, {literal(pattern)}) then {unzoned} end"

    def in_range(moment: str) -> str:
        return f"case when year({moment}) between 1900 and 2199 then {moment} end"

    # A form could take a zone for a part of its own.
    return (
        f"case when regexp_full_match({text}, {literal(_MOMENT + _ZONE)}) then {in_range(zoned)} "
        f"else coalesce({by_form}, {in_range(unzoned)}) end"
    )


def _moved(moment: str, written_in: str, zone: str) -> str:
    return f"timezone({literal(zone)}, timezone({literal(written_in)}, {moment}))"


def lacks_zone(text: str) -> str:
    """Whether text is a moment that names no zone: which day it is cannot be told."""
    return f"regexp_full_match({text}, {literal(_MOMENT)})"


def _by_form(text: str, form: Format) -> str:
    return moment_by_form(text, literal(form.date))


# strftime writes these otherwise than they may be read.
_NOT_WRITTEN_BACK = ("%f", "%g", "%n", "%z", "%Z")


def moment_by_form(text: str, form: str) -> str:
    """The moment that text has by a form of strptime, SQL of both; NULL unless it exists and can be meant."""
    moment = f"try_strptime({text}, {form})"
    written = f"strftime({moment}, {form})"
    # strptime reads more than dates: `infinity` gives a date, day 366 of 2023 one in 2024, `2024021` the
    # first of February. So the date must give the text back, but for leading zeros and the case of names.
    loose = " or ".join(f"contains({form}, {literal(sign)})" for sign in _NOT_WRITTEN_BACK)
    return (
        f"case when {can_be_meant(moment)} and case when {loose} then regexp_matches({text}, '[0-9]') "
        f"else {written} = {text} or {_plain(written)} = {_plain(text)} end then {moment} end"
    )


YEARS = "a year from 1900 to 2199"


def can_be_meant(day: str) -> str:
    """SQL of whether a day or moment lies in the years that are no typing errors, or means for ever."""
    return f"(year({day}) between 1900 and 2199 or cast({day} as date) = date '9999-12-31')"


def _plain(text: str) -> str:
    return f"regexp_replace(lower({text}), '(^|[^0-9])0+([0-9])', '\\1\\2', 'g')"


def has_decimals(value: str) -> str:
    """SQL of whether a value is written with a decimal that is not 0."""
    return f"regexp_matches(cast({value} as varchar), '^[-+]?[0-9]*[.][0-9]*[1-9]')"


def whole_number(value: str, sql_type: str, *, is_tried: bool) -> str:
    """A cast of any value to a whole number, which it must be: the engine would round `1.5`, and take `1e3`.

    Args:
        is_tried: give NULL for what is none, instead of failing.
    """
    cast = "try_cast" if is_tried else "cast"
    text = f"cast({value} as varchar)"
    is_whole = f"regexp_full_match(trim({text}), '[-+]?[0-9]+')"
    as_text = f"case when {is_whole} then {text} when {value} is not null then 'no whole number' end"
    # The type of a value is known before any is read, so only one branch is left.
    return (
        f"case when typeof({value}) = 'VARCHAR' then {cast}({as_text} as {sql_type}) "
        f"when {has_decimals(value)} then {cast}('not ' || {text} as {sql_type}) "
        f"else {cast}({value} as {sql_type}) end"
    )


def quotient(dividend: str, divisor: str, decimals: int) -> str:
    """Exact quotient of two decimals or whole numbers, half away from zero; fails for a divisor of 0."""

    def scale(value: str) -> str:
        return f"coalesce(try_cast(regexp_extract(typeof({value}), ',([0-9]+)', 1) as integer), 0)"

    def units(value: str, other: str) -> str:
        """A whole number of the smallest unit that both can be written in; text alone holds all digits."""
        ten = f"cast(rpad('1', 1 + greatest({scale(other)} - {scale(value)}, 0), '0') as hugeint)"
        return f"abs(cast(replace(cast({value} as varchar), '.', '') as hugeint)) * {ten}"

    above, below = units(dividend, divisor), units(divisor, dividend)
    rounded = f"(2 * {10**decimals}::hugeint * {above} + {below}) // (2 * {below})"
    signed = f"case when ({dividend} < 0) <> ({divisor} < 0) then -({rounded}) else {rounded} end"
    unit = (
        f" * cast('{10**-decimals:.{decimals}f}' as decimal({decimals + 1}, {decimals}))" if decimals else ""
    )
    return f"cast({signed} as decimal(38, 0)){unit}"


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
