"""What all papers have: which publication they were made of, and places of bars.

Here: the line at the foot, and amounts as parts of a drawing's width. Not here: what one paper alone has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from kunderegnskab.language import Code, Language
from kunderegnskab.publication.store import Publication
from kunderegnskab.statements.words import currency_sign, words


@dataclass(frozen=True)
class Writing:
    """How one publication is written about in one language."""

    publication: Publication
    code: Code

    @cached_property
    def language(self) -> Language:
        """How it writes numbers and days."""
        return Language(self.code)

    def word(self, key: str, **parts: str) -> str:
        """A word or phrase, its parts put in."""
        return words(self.code)[key].format(**parts)

    @property
    def currency(self) -> str:
        """What an amount of the company is followed by."""
        return currency_sign(self.publication.manifest.currency, self.code)

    def amount(self, amount: Decimal | None) -> str:
        """An amount to the whole unit with its currency."""
        return f"{self.language.whole(amount)} {self.currency}"

    def common(self, title: str) -> dict[str, Any]:
        """What every paper has: title of the file, language, company, moment, the line at the foot."""
        manifest = self.publication.manifest
        return {
            "title": title,
            "language": self.code,
            "company": manifest.company,
            "made_at": int(manifest.published_at.timestamp()),
            "foot": {
                "made": self.word(
                    "made_from",
                    publication=self.publication.name,
                    at=self.language.day(manifest.published_at.date()),
                    currency=manifest.currency,
                ),
                "page": words(self.code)["page"],
                "head": self.publication.head,
            },
        }


@dataclass(frozen=True)
class Scale:
    """Amounts as parts of a drawing, 0 its beginning and 1 its end; nothing is computed with them."""

    low: Decimal
    high: Decimal

    @classmethod
    def of(cls, amounts: Iterable[Decimal]) -> Scale:
        """The scale that holds all these and 0."""
        shown = [*amounts, Decimal(0)]
        return cls(min(shown), max(shown))

    def place(self, amount: Decimal) -> float:
        """Where an amount lies."""
        width = self.high - self.low
        return round(float((amount - self.low) / width), 5) if width else 0.0

    def span(self, one: Decimal, other: Decimal) -> dict[str, float]:
        """From where to where a bar goes."""
        places = sorted((self.place(one), self.place(other)))
        return {"from": places[0], "to": places[1]}
