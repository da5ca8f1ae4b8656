"""A little memory that a command keeps back, so that it can still say so when there is no more.

Python itself may end without a word where it has not even the memory to handle an error.
"""

from __future__ import annotations

# Address space, which a limit counts; no page of it is used.
_BYTES = 16 << 20
_kept: list[bytearray] = []


def keep() -> None:
    """Before anything else has used it up."""
    _kept.append(bytearray(_BYTES))


def give_back() -> None:
    """What ends has use for it; more than once is fine."""
    _kept.clear()
