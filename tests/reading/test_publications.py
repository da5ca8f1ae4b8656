"""The history of publications, on some that are made by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from manifests import manifest_of

from kunderegnskab.publication.changes import FileChanges, changes_of
from kunderegnskab.publication.manifest import InputFile, PublicationReference
from kunderegnskab.publication.store import Publication
from kunderegnskab.reading.publications import history
from kunderegnskab.reading.reader import NothingToRead, Reader
from kunderegnskab.reading.scope import Viewer

FILE: dict[str, Any] = {
    "feed": "sales_lines",
    "path": "salg.csv",
    "size": 1,
    "records_read": 1,
    "records_loaded": 1,
    "records_rejected": 0,
    "records_left_out": 0,
    "lake_file": "a.parquet",
    "lake_sha256": "0" * 64,
}


def publish(published: Path, number: int, net_sales: int, previous: Publication | None = None) -> Publication:
    """A publication of one customer and month, made from one file that differs from that of the one before."""
    folder = published / f"{number:04}-{number}"
    folder.mkdir()
    reference = (
        PublicationReference(publication=previous.name, manifest_sha256="0" * 64) if previous else None
    )
    manifest = manifest_of(
        number,
        folder.name,
        run_id=str(number),
        at=datetime(2026, 1, number, tzinfo=UTC),
        previous=reference,
        inputs=[InputFile(**FILE, sha256=str(number) * 64)],
    )
    (folder / "manifest.json").write_bytes(manifest.canonical())
    with duckdb.connect(str(folder / "kunderegnskab.duckdb")) as con:
        con.execute("create schema marts")
        con.execute("create table marts.months as select date '2025-01-01' as month")
        con.execute(
            f"create table marts.customer_accounts as select 'A' as customer_id, date '2025-01-01' as month, "
            f"{net_sales}::decimal(18, 4) as net_sales, 0 as db1, 0 as db2, 0 as db3"
        )
    return Publication(folder, manifest, "0" * 64)


def test_each_step_says_what_the_refresh_said_has_changed(tmp_path: Path) -> None:
    first = publish(tmp_path, 1, 5)
    second = publish(tmp_path, 2, 7, first)
    third = publish(tmp_path, 3, 11, second)
    second.database.unlink()
    with duckdb.connect() as con:
        # Publications are open to readers while they are compared.
        con.execute(f"attach '{third.database}' as published (read_only)")
        steps = history(Reader(third, Viewer("karen", "finance"), {}, con))
        with pytest.raises(NothingToRead):
            history(Reader(third, Viewer("bo", "salesperson", "S1"), {}, con))
    assert [step.publication.name for step in steps] == ["0003-3", "0002-2", "0001-1"]
    assert [step.is_first for step in steps] == [False, False, True]
    # What has lost its data is neither shown nor compared with, and yet it is known what it was made from.
    newest, pruned, oldest = steps
    assert newest.changes == changes_of(tmp_path, third)
    assert newest.changes.all_months.before is None
    assert pruned.changes is None
    assert pruned.files == newest.files == FileChanges(changed=("salg.csv",))
    assert oldest.changes is not None
    assert oldest.changes.all_months.now.net_sales == Decimal(5)
    assert oldest.files == FileChanges(new=("salg.csv",))
