"""Publications handed on to where other programs read them: postgres.py. Not here: making them."""

from __future__ import annotations
