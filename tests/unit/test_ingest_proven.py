"""What is proven of a feed's lake files is not measured again, and is told as if it had been.

When a file counts as unchanged belongs in test_ingest_fingerprints, what is measured in test_ingest_totals.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from small_intake import SALES_COLUMNS, SALES_HEADER, change_in_lake, make_known, workspace_of, write_files

from kunderegnskab.ingest import Intake, load, load_warehouse, proven, proven_feeds, take_in
from kunderegnskab.pseudonyms import PLAIN, Pseudonyms
from kunderegnskab.workspace import Workspace

FEEDS = f"""
    sales_lines:
      - files: "s*.csv"
        format: {{type: csv}}
        columns: {SALES_COLUMNS}
        where: '"net" <> ''0'''
"""
FILES = {
    "s1.csv": f"{SALES_HEADER}\nA,invoice,2024-01-05,1,100.10,0\nB,invoice,2024-01-05,2,0,0\n",
    "customers.csv": "customer_id,customer_name\n1,Nord\n1,Nord igen\n",
    "products.csv": "product_id,product_name\nV1,Vare\n",
}
TABLES = ("feeds", "files", "rejects", "feed_totals", "repeated_keys", "left_out", "sales_lines", "customers")


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose files have been known for a while; one record of a feed repeats a key."""
    workspace = workspace_of(tmp_path, FEEDS, FILES)
    make_known(workspace, monkeypatch)
    return workspace


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The feeds that are measured, as they are."""
    names: list[str] = []
    whole = load._measured

    def noted(con: duckdb.DuckDBPyConnection, feed: Any, *rest: Any) -> Any:
        names.append(feed.name)
        return whole(con, feed, *rest)

    monkeypatch.setattr(load, "_measured", noted)
    return names


def loaded(
    workspace: Workspace, pseudonyms: Pseudonyms = PLAIN, intake: Intake | None = None
) -> dict[str, list[Any]]:
    """The tables of schema raw."""
    intake = intake or take_in(workspace, workspace.lake)
    with duckdb.connect() as con, proven_feeds(workspace, pseudonyms) as known:
        load_warehouse(con, workspace.company, workspace.lake, intake, pseudonyms, known)
        return {table: con.execute(f"from raw.{table} order by all").fetchall() for table in TABLES}


def test_only_a_feed_that_is_not_proven_is_measured(company, measured):
    first = loaded(company)
    assert measured == ["sales_lines", "customers", "products"]
    measured.clear()
    assert loaded(company) == first
    # A key that repeats is found again each time.
    assert measured == ["customers"]
    assert len(first["repeated_keys"]) == 1
    assert len(first["left_out"]) == 1


def test_a_changed_file_has_its_feed_measured(company, measured):
    loaded(company)
    measured.clear()
    write_files(company.landing, {"s1.csv": FILES["s1.csv"].replace("100.10", "100.20")})
    found = loaded(company)
    assert measured == ["sales_lines", "customers"]
    assert ("sales_lines", "lake", "net_amount", Decimal("100.20")) in found["feed_totals"]


def test_other_code_and_other_pseudonyms_prove_nothing(company, measured, monkeypatch):
    loaded(company)
    measured.clear()
    loaded(company, Pseudonyms("0" * 64))
    assert measured == ["sales_lines", "customers", "products"]
    measured.clear()
    monkeypatch.setattr(proven, "code_version", lambda: "other")
    loaded(company, Pseudonyms("0" * 64))
    assert measured == ["sales_lines", "customers", "products"]


def test_a_damaged_note_proves_nothing(company, measured):
    loaded(company)
    measured.clear()
    (company.state / "feeds.json").write_text('{"proven": ["sales_lines"]}', encoding="utf-8")
    loaded(company)
    assert measured == ["sales_lines", "customers", "products"]


def test_a_lake_file_that_was_changed_after_it_was_read_is_measured(company, measured):
    intake = take_in(company, company.lake)
    loaded(company, intake=intake)
    measured.clear()
    change_in_lake(company, intake, "sales_lines", "net_amount + 0.02 as net_amount")
    for _ in range(2):  # what differs is never noted as proven
        found = {
            row[1]: row[3] for row in loaded(company, intake=intake)["feed_totals"] if row[2] == "net_amount"
        }
        assert found["lake"] - found["landing"] == Decimal("0.02")
        assert measured == ["sales_lines", "customers"]
        measured.clear()
