"""SQL that reads numbers, dates and words by a file's declared conventions; nothing is guessed.

Each function takes an SQL expression of type VARCHAR and gives one that is NULL where the text
cannot be read. Deciding what to do with such text belongs in `typed`.
"""

from __future__ import annotations

import re

from kunderegnskab.workspace import Format

# Blank, tab, no-break space and narrow no-break space: what exports put around values.
_BLANKS = " \t\u00a0\u202f"
_MINUS = "\u2212"

# number(x) in expressions: wide enough for a product of three amounts, exact to a millionth.
EXPRESSION_NUMBER = "DECIMAL(38,6)"
EXPRESSION_DECIMALS = 6


def literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def trimmed(text: str) -> str:
    """Without surrounding blanks of any kind; empty text is NULL."""
    return f"nullif(trim({text}, {literal(_BLANKS)}), '')"


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
    value = trimmed(text)
    digits = f"regexp_replace({value}, {literal(f'[^0-9{sign}]')}, '', 'g')"
    if form.decimal != ".":
        digits = f"replace({digits}, {literal(form.decimal)}, '.')"
    return (
        f"case when regexp_full_match({value}, {literal('|'.join(forms))}) then "
        f"case when regexp_matches({value}, {literal(f'[-({_MINUS}]')}) then '-' else '' end || {digits} end"
    )


def date_value(text: str, form: Format) -> str:
    """The date, NULL unless it follows `form` and exists; years outside 1900-2199 are typing errors."""
    value = trimmed(text)
    moment = f"try_strptime({value}, {literal(form.date)})"
    is_read = f"year({moment}) between 1900 and 2199"
    # strptime reads more than dates: `infinity` gives a date, day 366 of 2023 one in 2024, `2024021` the
    # first of February. So the date must give the text back, but for leading zeros and the case of names.
    if not any(fraction in form.date for fraction in ("%f", "%g", "%n")):
        written = f"strftime({moment}, {literal(form.date)})"
        is_read += f" and ({written} = {value} or {_plain(written)} = {_plain(value)})"
    else:
        is_read += f" and regexp_matches({value}, '[0-9]')"
    return f"case when {is_read} then cast({moment} as date) end"


def _plain(text: str) -> str:
    return f"regexp_replace(lower({text}), '(^|[^0-9])0+([0-9])', '\\1\\2', 'g')"


def boolean_value(text: str, form: Format) -> str:
    """True or false for the declared words, in any case; else NULL."""
    value = f"lower({trimmed(text)})"

    def listed(words: tuple[str, ...]) -> str:
        return ", ".join(literal(word.lower()) for word in words)

    return (
        f"case when {value} in ({listed(form.true_words)}) then true "
        f"when {value} in ({listed(form.false_words)}) then false end"
    )


def example_number(form: Format, decimals: int) -> str:
    """A number written by `form`, for messages."""
    return f"1{form.thousands or ''}234{form.decimal + '56' if decimals else ''}"
