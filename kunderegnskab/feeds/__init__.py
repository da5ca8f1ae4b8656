"""The input contract: the canonical feeds and what is generated from their declaration.

Reading a company's files into a feed: see `kunderegnskab.ingest`.
"""

from __future__ import annotations

from kunderegnskab.feeds.contracts import Column, Feed, load_feeds

__all__ = ["Column", "Feed", "load_feeds"]
