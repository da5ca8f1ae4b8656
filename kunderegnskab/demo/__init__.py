"""The demo company Nordlys Engros A/S: invented, seeded and byte-deterministic.

Here: what makes its landing files. Its configuration and policy are plain files in data/;
nothing in the product may depend on this package.
"""

from __future__ import annotations

from kunderegnskab.demo.company import CLOSED_MONTHS
from kunderegnskab.demo.generator import DemoSummary, generate

__all__ = ["CLOSED_MONTHS", "DemoSummary", "generate"]
