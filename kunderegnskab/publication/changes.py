"""What a publication says otherwise than the one before it: files, records, totals, customers, months.

Here: comparing two publications as they lie there, and what lies in a workspace with what a publication was
made from. Not here: which rules and rates have changed (audit/history.py), figures of closed months (the
model restatements), and how this is worded (kunderegnskab/news/words.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from kunderegnskab.months import months_on
from kunderegnskab.publication import store
from kunderegnskab.publication.earlier import EARLIER, attached
from kunderegnskab.publication.store import Publication
from kunderegnskab.quality.gate import UNKNOWN_CUSTOMER
from kunderegnskab.sql import literal

_THIS = "this_publication"
_MEASURES = ("net_sales", "db1", "db2", "db3")


@dataclass(frozen=True)
class FileChanges:
    """Names of files, each sorted.

    Attributes:
        others: what else has changed of what numbers are made from, in words.
    """

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """All of them, files in order of their names."""
        return (*sorted((*self.new, *self.changed, *self.gone)), *self.others)


@dataclass(frozen=True)
class Totals:
    """What the accounts of all customers come to over some months, in the company's currency.

    Attributes:
        first_month: its first day; None where there are no accounts.
        last_month: its first day.
        customers: how many have an account in these months, unknown ones left out.
    """

    first_month: date | None
    last_month: date | None
    net_sales: Decimal
    db1: Decimal
    db2: Decimal
    db3: Decimal
    customers: int


@dataclass(frozen=True)
class Span:
    """The same months of two publications, or the latest ones of each.

    Attributes:
        before: None where there is no publication before, or its data are gone.
        new_customers: those who have an account now and had none before.
        gone_customers: those who had one and have none now.
    """

    now: Totals
    before: Totals | None
    new_customers: int
    gone_customers: int


@dataclass(frozen=True)
class RestatedMonth:
    """A month that the publication before had too, with other accounts.

    Attributes:
        customers: whose account of the month is another one, those included who had none or have none.
        net_sales: now less before, in the company's currency.
        db3: likewise.
        is_closed: whether the month was closed, so that audit.restatements tells more.
    """

    month: date
    customers: int
    net_sales: Decimal
    db3: Decimal
    is_closed: bool


@dataclass(frozen=True)
class Changes:
    """What a publication says otherwise than the one before it.

    Attributes:
        since: name of the publication before; None for the first, which has all files as new ones.
        records: loaded ones of all files.
        records_before: None before the first publication.
        twelve_months: the latest twelve months of each of the two.
        restated: newest month first.
    """

    publication: str
    since: str | None
    currency: str
    files: FileChanges
    records: int
    records_before: int | None
    twelve_months: Span
    all_months: Span
    restated: tuple[RestatedMonth, ...]


def compared(
    before: Publication | None, files: Mapping[str, str], code_version: str, input_hash: str
) -> FileChanges:
    """What numbers are made from, beside what a publication was made from.

    Args:
        files: name -> SHA-256, the configuration's files included.
        input_hash: over all that, and what no file tells.
    """
    if before is None:
        return FileChanges(new=tuple(sorted(files)))
    manifest = before.manifest
    then = {**manifest.configuration_hashes, **manifest.input_hashes}
    new, gone = sorted(files.keys() - then.keys()), sorted(then.keys() - files.keys())
    changed = sorted(name for name in files.keys() & then.keys() if files[name] != then[name])
    others = []
    if manifest.code_version != code_version:
        others.append("the program")
    if not (new or changed or gone or others) and manifest.input_hash != input_hash:
        others.append("the secret of the pseudonyms")
    return FileChanges(tuple(new), tuple(changed), tuple(gone), tuple(others))


def changes_of(published: Path, publication: Publication) -> Changes:
    """What a publication says otherwise than the one before it.

    Args:
        published: the folder of publications.

    Raises:
        duckdb.Error: one of the two databases cannot be read.
    """
    manifest, previous = publication.manifest, _previous(published, publication)
    # A database of its own, because several may be told of a publication at once.
    with duckdb.connect() as con:
        con.execute(f"attach {literal(publication.database.resolve())} as {_THIS} (read_only)")
        con.execute(f"use {_THIS}")
        with attached(con, previous) as tables:
            is_comparable = (
                previous is not None
                and previous.manifest.currency == manifest.currency
                and {"marts.customer_accounts", "marts.months"} <= tables
            )
            earlier = f"{EARLIER}.marts" if is_comparable else None
            return Changes(
                publication.name,
                manifest.previous.publication if manifest.previous else None,
                manifest.currency,
                file_changes_of(published, publication),
                _records(publication),
                _records(previous) if previous else None,
                _span(con, earlier, 12),
                _span(con, earlier, None),
                _restated(con, earlier) if earlier else (),
            )


def file_changes_of(published: Path, publication: Publication) -> FileChanges:
    """What a publication was made from, beside the one before it; known also where its data are gone.

    Args:
        published: the folder of publications.
    """
    manifest = publication.manifest
    files = {**manifest.configuration_hashes, **manifest.input_hashes}
    previous = _previous(published, publication)
    return compared(previous, files, manifest.code_version, manifest.input_hash)


def _previous(published: Path, publication: Publication) -> Publication | None:
    reference = publication.manifest.previous
    return store.find(published, reference.publication) if reference else None


def _records(publication: Publication) -> int:
    return sum(file.records_loaded for file in publication.manifest.inputs)


def _span(con: duckdb.DuckDBPyConnection, earlier: str | None, months: int | None) -> Span:
    """The latest so many months of both, or all of them."""
    now, ids = _accounts(con, "marts", months)
    if earlier is None:
        return Span(now, None, 0, 0)
    before, ids_before = _accounts(con, earlier, months)
    return Span(now, before, len(ids - ids_before), len(ids_before - ids))


def _accounts(con: duckdb.DuckDBPyConnection, marts: str, months: int | None) -> tuple[Totals, set[str]]:
    ((first, last),) = con.execute(f"select min(month), max(month) from {marts}.months").fetchall()
    if months is not None and last is not None:
        first = max(first, months_on(last, 1 - months))
    accounts = f"{marts}.customer_accounts where month between ? and ?"
    sums = ", ".join(f"coalesce(sum({each}), 0)" for each in _MEASURES)
    (amounts,) = con.execute(f"select {sums} from {accounts}", [first, last]).fetchall()
    ids = con.execute(
        f"select distinct customer_id from {accounts} and customer_id <> ?", [first, last, UNKNOWN_CUSTOMER]
    ).fetchall()
    return Totals(first, last, *amounts, customers=len(ids)), {each for (each,) in ids}


def _restated(con: duckdb.DuckDBPyConnection, earlier: str) -> tuple[RestatedMonth, ...]:
    amounts = ", ".join(_MEASURES)
    differ = " or ".join(f"now.{each} is distinct from before.{each}" for each in _MEASURES)
    found = con.execute(
        f"""
        with now as (select customer_id, month, {amounts} from marts.customer_accounts),
        before as (select customer_id, month, {amounts} from {earlier}.customer_accounts),
        pairs as (
            select coalesce(now.month, before.month) as month,
                coalesce(now.net_sales, 0) - coalesce(before.net_sales, 0) as net_sales,
                coalesce(now.db3, 0) - coalesce(before.db3, 0) as db3
            from now full join before on now.customer_id = before.customer_id and now.month = before.month
            where {differ}
        )
        select month, count(*), sum(net_sales), sum(db3), month in ({_closed(con)})
        from pairs where month <= (select max(month) from {earlier}.months)
            and month >= (select min(month) from {earlier}.months)
        group by month order by month desc
        """
    ).fetchall()
    return tuple(RestatedMonth(*row) for row in found)


def _closed(con: duckdb.DuckDBPyConnection) -> str:
    """SQL of the months that are closed."""
    has_closes = con.execute(
        "select 1 from duckdb_tables() where database_name = current_database() "
        f"and schema_name = 'audit' and table_name = {literal('period_closes')}"
    ).fetchall()
    return (
        "select month from audit.period_closes where event = 'close' and is_in_force"
        if has_closes
        else "select null::date where false"
    )
