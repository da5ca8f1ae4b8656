"""The publications that there are, and what has changed from one to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from kunderegnskab.publication import store
from kunderegnskab.publication.store import Publication
from kunderegnskab.reading.reader import NothingToRead, Reader
from kunderegnskab.sql import literal

MEASURES = ("net_sales", "db1", "db2", "db3")
MOST = 25
"""Publications in the history."""


@dataclass(frozen=True)
class Step:
    """One publication beside the one before.

    Attributes:
        before: None for the first, and where its data have been removed.
        figures: the company's sums of all months, by MEASURES; None where the data have been removed.
        files_new, files_changed, files_gone: paths of landing and policy.
        records: how many records its files had.
    """

    publication: Publication
    before: Publication | None
    figures: dict[str, Decimal] | None
    figures_before: dict[str, Decimal] | None
    customers: int | None
    files_new: tuple[str, ...]
    files_changed: tuple[str, ...]
    files_gone: tuple[str, ...]
    records: int
    checks_wanting: int


def history(reader: Reader) -> list[Step]:
    """The last publications, newest first. Whoever sees all sees them.

    Raises NothingToRead for anybody else: what changed in the company's sums is not theirs to see.
    """
    if not reader.viewer.sees_all:
        raise NothingToRead("The history of publications is for finance and audit.")
    found = store.publications(reader.publication.path.parent)
    ordered = sorted(found, key=lambda each: each.manifest.number, reverse=True)[: MOST + 1]
    return list(_steps(ordered))[:MOST]


def _steps(ordered: list[Publication]) -> Iterator[Step]:
    sums: dict[str, tuple[dict[str, Decimal], int] | None] = {}
    for publication, before in zip(ordered, [*ordered[1:], None], strict=True):
        for each in (publication, before):
            if each is not None and each.name not in sums:
                sums[each.name] = _sums(each.database)
        own = sums[publication.name]
        earlier = sums[before.name] if before is not None else None
        files = publication.manifest.input_hashes
        files_before = before.manifest.input_hashes if before is not None else files
        yield Step(
            publication,
            before,
            own[0] if own else None,
            earlier[0] if earlier else None,
            own[1] if own else None,
            tuple(sorted(files.keys() - files_before.keys())),
            tuple(
                sorted(
                    name for name in files.keys() & files_before.keys() if files[name] != files_before[name]
                )
            ),
            tuple(sorted(files_before.keys() - files.keys())),
            sum(file.records_loaded for file in publication.manifest.inputs),
            sum(check.status != "passed" for check in publication.manifest.checks),
        )


def _sums(database: Path) -> tuple[dict[str, Decimal], int] | None:
    if not database.is_file():
        return None
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as con:
        con.execute(f"attach {literal(database)} as published (read_only)")
        row = con.execute(
            "select sum(net_sales), sum(db1), sum(db2), sum(db3), count(distinct customer_id) "
            "from published.marts.customer_accounts"
        ).fetchone()
    assert row is not None
    return dict(zip(MEASURES, (each or Decimal(0) for each in row[:4]), strict=True)), row[4]
