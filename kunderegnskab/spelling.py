"""How one word or number is written in several ways by several systems, and the form that these share.

Only letters, blanks and signs belong here; what is particular to numbers is in quality/numbers_alike.py.
"""

from __future__ import annotations

from kunderegnskab.sql import literal

# Letters, digits and signs as Asian keyboards write them.
_FULL_WIDTH = "".join(map(chr, range(0xFF01, 0xFF5F)))
_ASCII = "".join(map(chr, range(0x21, 0x7F)))


def folded(text: str) -> str:
    """SQL of a text (SQL of text) without what systems write differently.

    That is case, blanks and other signs without ink, the kind of a hyphen and the form of letters.
    """
    plain = f"lower(nfc_normalize(translate({text}, {literal(_FULL_WIDTH)}, {literal(_ASCII)})))"
    for pattern, instead in ((r"[\s\p{Z}\p{Cf}]+", ""), (r"[\p{Pd}\x{2212}]", "-"), ("ß", "ss")):
        plain = f"regexp_replace({plain}, {literal(pattern)}, {literal(instead)}, 'g')"
    return plain
