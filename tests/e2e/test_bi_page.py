"""What docs/contracts/bi.md says of the published tables holds for a publication, and its queries run.

What the other pages say is tested in test_tutorial.py and in tests/unit/test_documentation.py.
"""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import duckdb
import pytest
from running import REPOSITORY

from kunderegnskab.publication import store
from kunderegnskab.publication.store import Publication

PAGE = REPOSITORY / "docs" / "contracts" / "bi.md"


@pytest.fixture(scope="module")
def publication(demo_workspace: Path) -> Publication:
    current = store.current(demo_workspace / "published")
    assert current is not None
    return current


def blocks(language: str) -> list[str]:
    """The code blocks of the page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)


def test_the_page_names_every_view_and_what_it_is_made_of(publication: Publication) -> None:
    rows = re.findall(r"^\| `(marts\.\w+)` \| (`[^|]*`) \|", PAGE.read_text(encoding="utf-8"), flags=re.M)
    marts = publication.manifest.marts
    assert {view for view, _ in rows} == {name for name, content in marts.items() if content.query}
    for view, sources in rows:
        named = re.findall(r"`([\w.]+)`", sources)
        query = marts[view].query or ""
        read = {name for name in marts if re.search(rf"\b{re.escape(name)}\b", query.replace('"', ""))}
        assert read == set(named), view


def test_every_query_gives_rows(publication: Publication) -> None:
    queries = blocks("sql")
    assert len(queries) > 7
    with duckdb.connect(str(publication.database), read_only=True) as con:
        empty = [query for query in queries if con.execute(query).fetchone() is None]
    assert empty == []


def test_views_can_be_made_over_parquet(publication: Publication, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's script makes them, and finds as many KPIs as the DuckDB file has."""
    (script,) = blocks("python")
    monkeypatch.chdir(publication.path)
    said = io.StringIO()
    with redirect_stdout(said):
        exec(script, {})
    with duckdb.connect(str(publication.database), read_only=True) as con:
        ((count,),) = con.execute("select count(*) from marts.kpi_values").fetchall()
    assert str(count) in said.getvalue()
