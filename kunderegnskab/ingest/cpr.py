"""Numbers that look like a Danish CPR number: how they are recognised, and how a sentence shows their place.

What happens to a record that has one, `typed` decides; to a file or column named with one, `landing` and
`readers`.
"""

from __future__ import annotations

import re

from kunderegnskab.sql import literal

REASON = "looks like a CPR number, which must never be loaded"

# ddmmyy of a day that exists: the century is not written, so 29 February counts in every fourth year.
_DAY = (
    "(?:(?:0[1-9]|[12][0-9]|3[01])(?:0[13578]|1[02])[0-9]{2}"
    "|(?:0[1-9]|[12][0-9]|30)(?:0[469]|11)[0-9]{2}"
    "|(?:0[1-9]|1[0-9]|2[0-8])02[0-9]{2}"
    "|2902(?:[02468][048]|[13579][26]))"
)
# Office programs turn a hyphen into a dash or a hyphen that does not break.
_NUMBER = f"{_DAY}[-\u2010-\u2015\u2212][0-9]{{4}}"
_IN_TEXT = re.compile(f"(?<![0-9]){_NUMBER}(?![0-9])")
# Its digits and one more character.
_BYTES = 11
# DuckDB's patterns cannot look around.
_IN_SQL = f"(?:^|[^0-9]){_NUMBER}(?:[^0-9]|$)"


def has_cpr(text: str) -> bool:
    """Whether a number in the text looks like a CPR number."""
    return _IN_TEXT.search(text) is not None


def masked(text: str) -> str:
    """The text as a sentence may quote it: without the digits of what looks like a CPR number."""
    return _IN_TEXT.sub("******-****", text)


def column_has_cpr(column: str) -> str:
    """SQL of whether text has one.

    Args:
        column: SQL of the text.
    """
    # Most cells are too short. Only `case` keeps DuckDB from matching them all the same.
    return (
        f"case when strlen({column}) >= {_BYTES} then regexp_matches({column}, {literal(_IN_SQL)}) "
        "else false end"
    )
