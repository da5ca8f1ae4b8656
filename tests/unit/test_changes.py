"""What a publication says otherwise than the one before it, on two that are made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from manifests import manifest_of

from kunderegnskab.publication.changes import Changes, FileChanges, RestatedMonth, changes_of, compared
from kunderegnskab.publication.manifest import InputFile, PublicationReference
from kunderegnskab.publication.store import Publication
from kunderegnskab.quality.gate import UNKNOWN_CUSTOMER

Row = tuple[str, str, int]
"""Customer, month, net sales; the contribution margins are a half, a quarter and a tenth of them."""


def file_of(path: str, sha256: str, loaded: int) -> InputFile:
    return InputFile(
        feed="sales_lines",
        path=path,
        sha256=sha256 * 64,
        size=1,
        records_read=loaded + 1,
        records_loaded=loaded,
        records_rejected=1,
        records_left_out=0,
        lake_file="a.parquet",
        lake_sha256="0" * 64,
    )


def publish(
    published: Path,
    number: int,
    rows: Sequence[Row],
    *,
    months: tuple[str, str],
    previous: Publication | None = None,
    closed: Sequence[str] = (),
    **told: Any,
) -> Publication:
    folder = published / f"{number:04}-{number}"
    folder.mkdir(parents=True)
    reference = (
        PublicationReference(publication=previous.name, manifest_sha256="0" * 64) if previous else None
    )
    at = datetime(2026, 1, number, tzinfo=UTC)
    manifest = manifest_of(number, folder.name, run_id=str(number), at=at, previous=reference, **told)
    (folder / "manifest.json").write_bytes(manifest.canonical())
    with duckdb.connect(str(folder / "kunderegnskab.duckdb")) as con:
        con.execute("create schema marts; create schema audit")
        con.execute(
            "create table marts.months as select day::date as month from "
            f"generate_series(date '{months[0]}-01', date '{months[1]}-01', interval 1 month) as s(day)"
        )
        con.execute(
            "create table marts.customer_accounts (customer_id varchar, month date, net_sales decimal(18,4), "
            "db1 decimal(18,4), db2 decimal(18,4), db3 decimal(18,4))"
        )
        for customer, month, amount in rows:
            con.execute(
                "insert into marts.customer_accounts select $1, $2, $3, $3 / 2, $3 / 4, $3 / 10",
                [customer, f"{month}-01", Decimal(amount)],
            )
        con.execute("create table audit.period_closes (month date, event varchar, is_in_force boolean)")
        for month in closed:
            con.execute(f"insert into audit.period_closes values ('{month}-01', 'close', true)")
    return Publication(folder, manifest, "0" * 64)


def two(published: Path, before: Sequence[Row], now: Sequence[Row], **told: Any) -> Changes:
    first = publish(published, 1, before, months=("2024-01", "2025-06"))
    return changes_of(
        published, publish(published, 2, now, months=("2024-01", "2025-07"), previous=first, **told)
    )


def test_totals_are_of_the_latest_twelve_months_of_each_and_of_all(tmp_path: Path) -> None:
    before = [("A", "2024-07", 100), ("B", "2024-08", 50), ("C", "2024-01", 7)]
    now = [*before, ("D", "2025-07", 1000), (UNKNOWN_CUSTOMER, "2025-07", 1)]
    changes = two(tmp_path, before, now)
    twelve, every = changes.twelve_months, changes.all_months
    assert twelve.before is not None
    assert every.before is not None
    assert (twelve.before.first_month, twelve.before.last_month) == (date(2024, 7, 1), date(2025, 6, 1))
    assert (twelve.now.first_month, twelve.now.last_month) == (date(2024, 8, 1), date(2025, 7, 1))
    assert (twelve.before.net_sales, twelve.now.net_sales) == (Decimal(150), Decimal(1051))
    assert (twelve.now.db1, twelve.now.db2, twelve.now.db3) == (
        Decimal("525.5"),
        Decimal("262.75"),
        Decimal("105.1"),
    )
    # A is in the twelve months no more, D is new, and nobody is unknown.
    assert (twelve.before.customers, twelve.now.customers) == (2, 2)
    assert (twelve.new_customers, twelve.gone_customers) == (1, 1)
    assert (every.before.net_sales, every.now.net_sales) == (Decimal(157), Decimal(1158))
    assert (every.before.customers, every.now.customers) == (3, 4)
    assert (every.new_customers, every.gone_customers) == (1, 0)


def test_restated_is_what_both_have_and_differs(tmp_path: Path) -> None:
    before = [("A", "2025-01", 100), ("B", "2025-01", 50), ("A", "2025-02", 10), ("B", "2025-03", 5)]
    now = [
        ("A", "2025-01", 90),  # moved from one to the other: the sum is the same
        ("B", "2025-01", 60),
        ("A", "2025-02", 10),
        ("C", "2025-03", 25),  # B has gone, C has come
        ("A", "2025-07", 1),  # a month that is new
    ]
    changes = two(tmp_path, before, now, closed=["2025-01"])
    assert changes.restated == (
        RestatedMonth(date(2025, 3, 1), 2, Decimal(20), Decimal(2), False),
        RestatedMonth(date(2025, 1, 1), 2, Decimal(0), Decimal(0), True),
    )


def test_the_first_publication_has_none_before(tmp_path: Path) -> None:
    only = publish(
        tmp_path, 1, [("A", "2025-01", 5)], months=("2025-01", "2025-01"), inputs=[file_of("a.csv", "a", 3)]
    )
    changes = changes_of(tmp_path, only)
    assert (changes.since, changes.records_before, changes.records) == (None, None, 3)
    assert changes.files == FileChanges(new=("a.csv",))
    assert (changes.all_months.before, changes.all_months.new_customers) == (None, 0)
    assert changes.restated == ()


def test_what_is_pruned_or_in_another_currency_is_not_compared(tmp_path: Path) -> None:
    row = ("A", "2025-01", 5)
    first = publish(tmp_path, 1, [row], months=("2025-01", "2025-01"))
    second = publish(tmp_path, 2, [row], months=("2025-01", "2025-01"), previous=first, currency="EUR")
    assert changes_of(tmp_path, second).all_months.before is None
    third = publish(tmp_path, 3, [row], months=("2025-01", "2025-01"), previous=second, currency="EUR")
    assert changes_of(tmp_path, third).all_months.before is not None
    second.database.unlink()
    changes = changes_of(tmp_path, third)
    assert (changes.since, changes.all_months.before, changes.restated) == ("0002-2", None, ())


def test_files_are_new_changed_or_gone(tmp_path: Path) -> None:
    before = publish(
        tmp_path,
        1,
        [],
        months=("2025-01", "2025-01"),
        inputs=[file_of("a", "a", 1), file_of("b", "b", 2), file_of("c", "c", 4)],
    )
    files = {"a": "a" * 64, "b": "d" * 64, "e": "e" * 64}
    same = {name: name * 64 for name in "abc"}
    assert compared(before, files, "1.0", "inputs") == FileChanges(("e",), ("b",), ("c",))
    assert compared(before, files, "1.0", "inputs").all == ("b", "c", "e")
    assert compared(before, same, "1.0", "inputs") == FileChanges()
    assert compared(before, same, "2.0", "inputs").others == ("the program",)
    # Nothing else has changed, and yet the hash over all has.
    assert compared(before, same, "1.0", "other").others == ("the secret of the pseudonyms",)
    now = publish(
        tmp_path,
        2,
        [],
        months=("2025-01", "2025-01"),
        previous=before,
        inputs=[file_of("a", "a", 1), file_of("b", "d", 9)],
    )
    changes = changes_of(tmp_path, now)
    assert changes.files == FileChanges(changed=("b",), gone=("c",))
    assert (changes.records_before, changes.records) == (7, 10)
    assert changes.all_months.now.net_sales == 0


def test_several_ask_at_once_where_the_publication_is_open_already(tmp_path: Path) -> None:
    """As the pages do: they read in threads of one process."""
    first = publish(tmp_path, 1, [("A", "2025-01", 5)], months=("2025-01", "2025-01"))
    second = publish(tmp_path, 2, [("A", "2025-01", 7)], months=("2025-01", "2025-01"), previous=first)
    with duckdb.connect() as con, ThreadPoolExecutor() as threads:
        con.execute(f"attach '{second.database}' as published (read_only)")
        found = list(threads.map(lambda _: changes_of(tmp_path, second), range(16)))
    assert [each.all_months.now.net_sales for each in found] == [Decimal(7)] * 16
    assert {each.restated for each in found} == {
        (RestatedMonth(date(2025, 1, 1), 1, Decimal(2), Decimal("0.2"), False),)
    }
