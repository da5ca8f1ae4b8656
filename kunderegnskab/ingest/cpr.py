"""Numbers that look like a Danish CPR number: how they are recognised, and how a sentence shows their place.

What happens to a record that has one, `typed` decides; to a file or column named with one, `landing` and
`readers`.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache
from typing import Literal, get_args

from kunderegnskab.sql import literal

REASON = "looks like a CPR number, which must never be loaded"

Parted = Literal["nowhere", "after the day", "after the month"]
# What may set apart days, months, years and the four digits: any run of these.
_SIGNS = "[ \\t._/-]"
# Likewise before the four digits, where no clock can stand.
_LAST_SIGNS = "[ \\t.:_/-]"
# What an amount has as decimal or thousands sign where its format says so: 280255.1234.
_DOT_ALONE = "\\."
_NO_DOT_ALONE = f"(?:[ \\t:_/-]{_LAST_SIGNS}*|\\.{_LAST_SIGNS}+)"
# A day with its century and a clock stand apart by blanks.
_NO_BLANK_ALONE = f"[ \\t]*[.:_/-]{_LAST_SIGNS}*"


def _anyhow_parted(before_serial: str = f"{_LAST_SIGNS}+", *, century: str = "") -> str:
    """Pattern of a number, wherever signs stand in its day, month and year."""
    return "|".join(_number(before_serial, parted, century=century) for parted in get_args(Parted))


def _number(before_serial: str, parted: Parted, *, century: str = "") -> str:
    """Pattern of ddmmyy of a day that exists and four digits, with what stands before those.

    The century is not written as a rule, so 29 February counts in every fourth year. Blanks may part the four
    digits.

    Args:
        parted: where signs stand: after the day (and the month or not), after the month alone, or nowhere.
    """
    day = f"{_SIGNS}+" if parted == "after the day" else ""
    month = {"nowhere": "", "after the day": f"{_SIGNS}*", "after the month": f"{_SIGNS}+"}[parted] + century
    # 2010-12_2011 is a period: no day and month that look like a year.
    teen, twenty = ("8", "1") if parted == "after the month" else ("9", "0")
    days = f"0[1-9]|1[0-{teen}]|2[{twenty}-"
    return (
        f"(?:(?:{days}9]|3[01]){day}(?:0[13578]|1[02]){month}[0-9]{{2}}"
        f"|(?:{days}9]|30){day}(?:0[469]|11){month}[0-9]{{2}}"
        f"|(?:{days}8]){day}02{month}[0-9]{{2}}"
        f"|29{day}02{month}(?:[02468][048]|[13579][26])){before_serial}[0-9]{{2}}[ \\t]*[0-9]{{2}}"
    )


_CENTURY = "(?:1[89]|20)"
_ANY = f"(?:{_anyhow_parted()}|{_anyhow_parted(_NO_BLANK_ALONE, century=_CENTURY)})"
# All but six digits, a dot and four digits.
_NO_AMOUNT = "|".join(
    [
        _anyhow_parted(_NO_DOT_ALONE),
        _number(_DOT_ALONE, "after the day"),
        _number(_DOT_ALONE, "after the month"),
        _anyhow_parted(f"[ \\t]*[:_/-]{_LAST_SIGNS}*", century=_CENTURY),
    ]
)
_IN_TEXT = re.compile(f"(?<![0-9]){_ANY}(?![0-9])")
# DuckDB's patterns cannot look around.
_IN_SQL = {
    has_amounts: f"(?:^|[^0-9])(?:{number})(?:[^0-9]|$)"
    for has_amounts, number in ((False, _ANY), (True, _NO_AMOUNT))
}
# Its digits and one more character.
_BYTES = 11
_MASK = "******-****"

_COLONS = "\u02d0\u2236\ua789\ufe55\uff1a"
_LINES = "\u2017\u203f\ufe4d\ufe4e\ufe4f\uff3f"
_SLASHES = "\u2044\u2215\u29f8\uff0f"
_DOTS = "\u00b7\u2024\u2219\u22c5\ufe52\uff0e"
_DASHES = "\u00ad\u2043\u2212"  # beside those that Unicode calls dashes
# Formats and marks: what is not seen, or stands above another sign.
_UNSEEN = {"Cf", "Mn", "Mc", "Me"}


@cache
def _plain_signs() -> dict[int, str]:
    """Code point -> the ASCII digit, hyphen, blank or other sign that it stands for, one for one."""
    plain = {}
    for code in range(0x80, sys.maxunicode + 1):
        sign = chr(code)
        category = unicodedata.category(sign)
        if category == "Nd":
            plain[code] = str(unicodedata.decimal(sign))
        elif category == "Pd" or sign in _DASHES:
            plain[code] = "-"
        elif category == "Zs":
            plain[code] = " "
    return plain | str.maketrans(
        dict.fromkeys(_SLASHES, "/")
        | dict.fromkeys(_DOTS, ".")
        | dict.fromkeys(_COLONS, ":")
        | dict.fromkeys(_LINES, "_")
    )


def _spans(text: str) -> list[tuple[int, int]]:
    """From where to where each one stands in the text."""
    plain = text.translate(_plain_signs())
    seen = [place for place, sign in enumerate(plain) if unicodedata.category(sign) not in _UNSEEN]
    found = _IN_TEXT.finditer("".join(plain[place] for place in seen))
    return [(seen[each.start()], seen[each.end() - 1] + 1) for each in found]


def has_cpr(text: str) -> bool:
    """Whether a number in the text looks like a CPR number."""
    return bool(_spans(text))


def masked(text: str) -> str:
    """The text as a sentence may quote it: without the digits of what looks like a CPR number."""
    shown, end = [], 0
    for start, after in _spans(text):
        shown += [text[end:start], _MASK]
        end = after
    return "".join([*shown, text[end:]])


def column_masked(column: str) -> str:
    """SQL of text as a list of rejects may show it: nothing of it where it has one."""
    return f"case when {column_has_cpr(column)} then {literal(_MASK)} else {column} end"


def column_has_cpr(column: str, *, has_amounts: bool = False) -> str:
    """SQL of whether text has one.

    Args:
        column: SQL of the text.
        has_amounts: whether it is read as a number alone, in a format where a dot is part of one.
    """
    signs = _plain_signs()
    pattern = literal(_IN_SQL[has_amounts])
    plain = (
        f"regexp_replace(translate({column}, {literal(''.join(map(chr, signs)))}, "
        f"{literal(''.join(signs.values()))}), '[\\p{{Cf}}\\p{{M}}]', '', 'g')"
    )
    # Most cells are too short, others are ASCII and letters, or have no two signs in a row that could be
    # digits (DuckDB does not know the newest). Only `case` keeps DuckDB from the slow way for them all.
    return (
        f"case when strlen({column}) < {_BYTES} then false "
        f"when strlen({column}) = length({column}) or not regexp_matches({column}, '[^\\x00-\\x7f\\pL]') "
        f"then regexp_matches({column}, {pattern}) "
        f"when regexp_matches({column}, '[^\\pL\\pP\\pZ]{{2}}') then regexp_matches({plain}, {pattern}) "
        "else false end"
    )
