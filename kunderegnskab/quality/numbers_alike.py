"""What makes two numbers of customers, products, documents or lines look like one: the form that they share.

Only how a number is written belongs here. Whose numbers are compared, door and gate say.
"""

from __future__ import annotations

from kunderegnskab.spelling import folded
from kunderegnskab.sql import literal

# So most numbers stand, and nothing but case can then be written otherwise.
_USUAL = "[A-Z]*[1-9][0-9]*"


def plain_number(number: str) -> str:
    """SQL of a number (SQL of text) without what systems write differently.

    That is case, blanks and other signs without ink, the kind of a hyphen, the form of letters, zeros before
    digits, a plus, signs between thousands, and decimals that are zero.
    """
    plain = folded(number)
    for pattern, instead in (
        (r"^\+", ""),
        # Three digits behind a sign are a thousand.
        (r"^([0-9][0-9.,']*)[.,](?:0{1,2}|0{4,})$", r"\1"),
        (r"(^|[^0-9.,'])0+([0-9])", r"\1\2"),
    ):
        plain = f"regexp_replace({plain}, {literal(pattern)}, {literal(instead)}, 'g')"
    # The text is worked out once, as what stands in a list of one.
    grouped = literal(r"[0-9]{1,3}(?:[.,'][0-9]{3})+")
    plain = (
        f"list_transform([{plain}], lambda x: case when regexp_full_match(x, {grouped}) "
        "then translate(x, '.,''', '') else x end)[1]"
    )
    return f"case when regexp_full_match({number}, {literal(_USUAL)}) then lower({number}) else {plain} end"
