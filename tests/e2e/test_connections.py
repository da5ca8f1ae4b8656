"""What the pages of docs/connections/ tell a reader to paste runs on a published company, and gives its figures.

The tables themselves, and what joins to what, are tested in test_bi_page.
"""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from ruamel.yaml import YAML
from running import REPOSITORY, published, rows

from kunderegnskab.publication import power_query, store

PAGES = REPOSITORY / "docs" / "connections"
BY_INDUSTRY = """
    select industry, sum(db3) from marts.customer_accounts
    join marts.customers using (customer_id) group by industry
"""


def blocks(page: str, *languages: str) -> list[tuple[str, str]]:
    """Language and text of the code blocks of a page that are in these languages, in order."""
    text = (PAGES / page).read_text(encoding="utf-8")
    found = re.findall(r"^```(\w+)\n(.*?)^```$", text, flags=re.M | re.S)
    return [(language, block) for language, block in found if language in languages]


def run(block: str, names: dict[str, Any]) -> str:
    """What a block prints, run as if pasted after those before it."""
    said = io.StringIO()
    with redirect_stdout(said):
        exec(block, names)
    return said.getvalue()


@pytest.fixture
def names() -> Iterator[dict[str, Any]]:
    """What blocks have named; the file is closed at the end, for whoever opens it otherwise in this process."""
    found: dict[str, Any] = {}
    yield found
    if "engine" in found:
        found["engine"].dispose()


def sums_of(found: Any) -> dict[str | None, Decimal]:
    """Industry and DB III, in whatever form a library answers."""
    pairs: Iterable[tuple[Any, Any]]
    if isinstance(found, pd.Series):
        pairs = ((None if pd.isna(name) else name, value) for name, value in found.items())
    elif isinstance(found, pl.DataFrame):
        pairs = found.iter_rows()
    elif isinstance(found, pa.Table):
        pairs = ((row["industry"], row["db3_sum"]) for row in found.to_pylist())
    else:
        pairs = ((industry, db3) for industry, db3 in found)
    sums = dict(pairs)
    assert all(type(value) is Decimal for value in sums.values())
    return sums


def test_every_way_from_python_gives_the_same_decimals(
    demo_workspace: Path, names: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(demo_workspace)
    expected = dict(rows(demo_workspace, BY_INDUSTRY))
    assert len(expected) > 5
    (_, first), *ways = blocks("python.md", "python")
    run(first, names)
    # The publication's own folder, and no block asks again where `current` leads.
    assert names["publication"].parent == demo_workspace.resolve() / "published"
    assert not any("current" in way for _, way in ways)
    assert len(ways) == 4
    for _, way in ways:
        names.pop("by_industry", None)
        run(way, names)
        assert sums_of(names["by_industry"]) == expected, way


def test_the_python_page_shows_what_comes_out(
    full_demo: Path, names: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A copy, because another test of this process may have the file open in another way.
    shutil.copytree(full_demo / "published", tmp_path / "published", symlinks=True)
    monkeypatch.chdir(tmp_path)
    said = ""
    shown = 0
    for language, block in blocks("python.md", "python", "text"):
        if language == "python":
            said = run(block, names)
        else:
            assert said == block
            shown += 1
    assert shown == 4


def test_adbc_gives_the_same_decimals_and_cannot_write(
    demo_workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(demo_workspace)
    ((_, block),) = blocks("other-tools.md", "python")
    names: dict[str, Any] = {}
    said = run(block, names)
    expected = rows(
        demo_workspace, "select month, sum(db3) from marts.customer_accounts group by month order by month"
    )
    assert [tuple(row.values()) for row in names["by_month"].to_pylist()] == expected
    assert said == f"{len(expected)} decimal128(38, 4)\n"
    writing = block.partition("with connection")[0]
    run(writing, names)
    with (
        names["connection"] as connection,
        connection.cursor() as cursor,
        pytest.raises(Exception, match="read-only"),
    ):
        cursor.execute("create table marts.written (a integer)")


# What Power Query is told of a type of DuckDB's. A fixed decimal number has four decimals.
M_TYPES = {"VARCHAR": "type text", "BIGINT": "Int64.Type", "DATE": "type date", "BOOLEAN": "type logical"}


def m_type(duckdb_type: str) -> str:
    if found := re.fullmatch(r"DECIMAL\(18,(\d+)\)", duckdb_type):
        return "Currency.Type" if int(found[1]) <= 4 else "type number"
    return M_TYPES[duckdb_type]


@pytest.mark.parametrize("kind", ["parquet", "postgresql"])
def test_every_published_mart_has_a_query_with_its_columns(kind: str, demo_workspace: Path) -> None:
    current = store.current(demo_workspace / "published")
    assert current is not None
    expected = {
        name.partition(".")[2]: [(column.name, m_type(column.type)) for column in content.columns]
        for name, content in current.manifest.marts.items()
        if (name.startswith("marts.") or name == "audit.ladder") and not (kind == "parquet" and content.query)
    }
    assert len(expected) > 30
    files = {path.stem: path.read_text(encoding="utf-8") for path in (power_query.FOLDER / kind).glob("*.pq")}
    assert {
        name: re.findall(r'^ +\{"(\w+)", ([\w. ]+)\},?$', text, flags=re.M) for name, text in files.items()
    } == expected
    for name, text in files.items():
        if kind == "parquet":
            (path,) = re.findall(r'Publication & "([^"]+)"', text)
            assert (current.path / path.replace("\\", "/")).is_file(), name
        else:
            (schema,) = re.findall(r'Schema = "(\w+)", Item = "' + name + '"', text)
            assert schema == ("kunderegnskab_audit" if name == "ladder" else "kunderegnskab")


ASSETS = PAGES / "superset" / "assets"


def assets(kind: str) -> dict[str, dict[str, Any]]:
    """What Superset imports of a kind, by its UUID."""
    found = [YAML(typ="safe").load(path) for path in (ASSETS / kind).rglob("*.yaml")]
    return {each["uuid"]: each for each in found}


def named(params: dict[str, Any], *keys: str) -> set[str]:
    """The columns or metrics that a chart names under these keys."""
    values = [params.get(key, []) for key in keys]
    return {name for value in values for name in (value if isinstance(value, list) else [value])}


def test_supersets_datasets_have_their_columns_and_metrics(demo_workspace: Path) -> None:
    with published(demo_workspace) as con:
        for dataset in assets("datasets").values():
            assert dataset["database_uuid"] in assets("databases")
            found = con.execute(f"select * from ({dataset['sql']}) limit 1")
            assert [column[0] for column in found.description or ()] == [
                column["column_name"] for column in dataset["columns"]
            ]
            metrics = ", ".join(metric["expression"] for metric in dataset["metrics"])
            totals = con.execute(f"select {metrics} from ({dataset['sql']})").fetchone()
            assert totals is not None
            assert None not in totals
        # No row is lost by a join: the sum is the company's.
        (accounts,) = (each for each in assets("datasets").values() if each["table_name"] == "accounts")
        sums = con.execute(f"select sum(net_sales), sum(db3) from ({accounts['sql']})").fetchone()
        assert sums == con.execute("select sum(net_sales), sum(db3) from marts.customer_accounts").fetchone()


def test_supersets_charts_name_what_their_datasets_have() -> None:
    charts, datasets = assets("charts"), assets("datasets")
    assert len(charts) == 7
    for chart in charts.values():
        dataset, params = datasets[chart["dataset_uuid"]], chart["params"]
        columns = {column["column_name"] for column in dataset["columns"]}
        metrics = {metric["metric_name"] for metric in dataset["metrics"]}
        assert named(params, "groupby", "x_axis") <= columns, chart["slice_name"]
        asked = named(params, "metric", "metrics", "timeseries_limit_metric", "x_axis_sort")
        assert asked, chart["slice_name"]
        assert asked <= metrics, chart["slice_name"]


def test_supersets_dashboard_shows_every_chart_and_reads_only() -> None:
    (dashboard,) = assets("dashboards").values()
    (database,) = assets("databases").values()
    position = dashboard["position"]
    shown = [part for part in position.values() if isinstance(part, dict) and part["type"] == "CHART"]
    assert {part["meta"]["uuid"] for part in shown} == assets("charts").keys()
    children = [
        child for part in position.values() if isinstance(part, dict) for child in part.get("children", [])
    ]
    assert sorted(children) == sorted(
        key for key in position if key not in ("DASHBOARD_VERSION_KEY", "ROOT_ID", "HEADER_ID")
    )
    assert database["extra"]["engine_params"]["connect_args"] == {"read_only": True}
    assert not database["allow_dml"]
