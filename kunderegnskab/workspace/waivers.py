"""The shape of waivers.yaml: checks that a named person lets pass, and why.

`kunderegnskab.quality` applies a waiver to a check's result.
"""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class Waiver(BaseModel):
    """One check, by its exact name, that may fail until `valid_to` (inclusive; None = until removed)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: str = Field(min_length=1)
    reason: str = Field(min_length=3)
    person: str = Field(min_length=1)
    valid_to: date | None = None
