"""Thirty refreshes in a row, each with other files, and readers at work all the time: of the DuckDB file, opened anew
and held open, and of Parquet files.

No read fails, and nothing that was read of one resolved publication is a mix of two. Refreshes that are killed are in
`test_crash`, publications that follow each other faster in `test_publication_crash`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from companies import MONTHS, line, write_sales
from quick import Project, refreshed_quickly
from reader_worker import MARKED
from readers import reading

from kunderegnskab.publication.store import publications, verify_chain

REFRESHES = 30
LAST_DAY = date(MONTHS[-1].year, MONTHS[-1].month, 20)


@pytest.mark.slow
def test_thirty_refreshes_in_a_row_disturb_no_reader(project: Project, small_to_change: Path) -> None:
    workspace = small_to_change
    with reading(workspace, "read", "hold", "parquet") as judged:
        for number in range(1, REFRESHES + 1):
            write_sales(workspace, "extra", [line("EXTRA", MARKED, LAST_DAY, Decimal(10 * number))])
            report = refreshed_quickly(project, workspace)
            assert report["status"] == "published"
            assert report["publication"].startswith(f"{number + 1:04}-")
    read, held, parquet = judged
    assert read["reads"] > REFRESHES
    assert read["publications"] > REFRESHES / 2
    assert (held["reads"] > 1, held["publications"]) == (True, 1)
    assert parquet["publications"] > REFRESHES / 3
    assert verify_chain(workspace / "published") == []
    # What earlier refreshes left makes room: three publications are whole, of all others the manifest stays.
    made = publications(workspace / "published")
    assert len(made) == REFRESHES + 1
    assert sum(publication.database.exists() for publication in made) == 3
    assert list((workspace / "published").glob(".tmp-*")) == []
