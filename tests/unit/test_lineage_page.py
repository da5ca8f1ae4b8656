"""The lineage page: its body is kept for as long as the models are the same, and no longer."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from kunderegnskab.audit.lineage import SourceColumn
from kunderegnskab.audit.lineage_page import PAGE_FILE, write_lineage_page
from kunderegnskab.audit.models import Model, record_models

QUERY = "select amount from raw.sales_lines where amount < 0"


def page(folder: Path, *, query: str = QUERY, publication: str = "0001-a", locale: str = "en") -> str:
    """The page of a warehouse with one mart, written with `folder / kept` as the place for its body."""
    model = Model("marts", "returns", "table", query, ("raw.sales_lines",), "Returns.")
    lineage = {("marts", "returns"): {"amount": [SourceColumn("raw", "sales_lines", "amount")]}}
    with duckdb.connect() as con:
        con.execute("create schema marts; create table marts.returns (amount decimal(18,4))")
        record_models(con, [model], lineage)
        write_lineage_page(
            folder,
            con,
            company="Sørensen & Søn",
            publication=publication,
            locale="da" if locale == "da" else "en",
            kept=folder / "kept",
        )
    return (folder / PAGE_FILE).read_text(encoding="utf-8")


def test_a_kept_body_gives_the_page_that_a_new_one_gives(tmp_path: Path) -> None:
    new = page(tmp_path)
    kept = next((tmp_path / "kept").iterdir())
    at = kept.stat().st_mtime_ns
    assert page(tmp_path) == new
    assert kept.stat().st_mtime_ns == at
    assert "Sørensen &amp; Søn" in new
    assert "amount &lt; 0" in new  # the body is escaped once, and not again with the frame


def test_title_is_of_this_publication(tmp_path: Path) -> None:
    first = page(tmp_path)
    second = page(tmp_path, publication="0002-b")
    assert second == first.replace("0001-a", "0002-b") != first


@pytest.mark.parametrize("change", [{"query": f"{QUERY} and 1 = 1"}, {"locale": "da"}])
def test_another_query_or_language_gives_another_body(tmp_path: Path, change: dict[str, str]) -> None:
    page(tmp_path)
    (tmp_path / "fresh").mkdir()
    assert page(tmp_path, **change) == page(tmp_path / "fresh", **change)


@pytest.mark.parametrize("content", [b"", b"<!-- other -->\n<p>old</p>", b"\xff\xfe"])
def test_a_damaged_body_is_made_anew(tmp_path: Path, content: bytes) -> None:
    new = page(tmp_path)
    next((tmp_path / "kept").iterdir()).write_bytes(content)
    assert page(tmp_path) == new
