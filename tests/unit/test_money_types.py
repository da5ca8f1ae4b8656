"""No money passes through a float: every type on the way from contract to publication, and the code between.

Whether the amounts are right belongs in tests/e2e and tests/real.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
from running import REPOSITORY, published

from kunderegnskab.feeds import load_feeds
from kunderegnskab.feeds.contracts import SOURCE_COLUMNS

FLOATS = ("DOUBLE", "FLOAT", "REAL")
MONEY = "DECIMAL(18,4)"
LAYERS = {"raw", "staging", "intermediate", "marts", "audit"}
# Columns of the accounts and of audit that hold decimals, but no money; everything else DECIMAL there is money.
OTHER_DECIMALS = {
    ("customer_accounts", "dg1"): "DECIMAL(18,6)",
    ("customer_accounts", "dg2"): "DECIMAL(18,6)",
    ("customer_accounts", "dg3"): "DECIMAL(18,6)",
    ("chain_accounts", "dg1"): "DECIMAL(18,6)",
    ("chain_accounts", "dg2"): "DECIMAL(18,6)",
    ("chain_accounts", "dg3"): "DECIMAL(18,6)",
    ("company_accounts", "dg1"): "DECIMAL(18,6)",
    ("company_accounts", "dg2"): "DECIMAL(18,6)",
    ("company_accounts", "dg3"): "DECIMAL(18,6)",
    ("company_accounts", "sales_without_cost_share"): "DECIMAL(18,6)",
    ("allocations", "weight"): "DECIMAL(18,6)",
    ("allocation_steps", "driver_total"): "DECIMAL(18,6)",
    ("allocation_steps", "practical_capacity_minutes"): "DECIMAL(18,6)",
    ("allocation_steps", "rate"): "DECIMAL(18,6)",
    ("allocation_steps", "standard_rate"): "DECIMAL(18,6)",
    ("product_accounts", "quantity"): "DECIMAL(18,6)",
    ("return_reasons", "quantity"): "DECIMAL(18,6)",
    ("outside_account", "quantity"): "DECIMAL(18,6)",
    ("segment_rules", "threshold_from"): "DECIMAL(18,6)",
    ("segment_rules", "hysteresis"): "DECIMAL(18,8)",
    ("default_segment_rules", "threshold_from"): "DECIMAL(18,6)",
    ("default_segment_rules", "hysteresis"): "DECIMAL(18,8)",
    ("company", "credit_interest_rate"): "DECIMAL(18,8)",
    ("published_baselines", "baseline_value"): "DECIMAL(18,6)",
    # Sums of records, amounts, quantities and hashes alike.
    ("feed_totals", "total"): "DECIMAL(28,6)",
    ("control_totals", "total"): "DECIMAL(28,6)",
    ("control_totals", "left_out_total"): "DECIMAL(28,6)",
    ("control_totals", "difference"): "DECIMAL(28,6)",
    # Numbers of documents, as wide as a decimal may be.
    ("document_gaps", "first_missing"): "DECIMAL(18,0)",
    ("document_gaps", "last_missing"): "DECIMAL(18,0)",
    ("document_series", "first_number"): "DECIMAL(18,0)",
    ("document_series", "last_number"): "DECIMAL(18,0)",
}
# The sales marts mix money, ratios and shares, and their contracts say which column is what.
SALES_SUBJECTS = ("segments", "portfolios", "kpis", "bridges", "drivers", "sales_effort")
SALES_DECIMALS = {"DECIMAL(18,4)", "DECIMAL(18,6)", "DECIMAL(18,8)", "DECIMAL(18,12)"}
SQL_CAST = re.compile(r"(\bas\s+|::\s*|\btry_cast\w*\s+)(double|float|real)\b|\bavg\s*\(", re.IGNORECASE)
# In texts of Python: SQL that casts, and names of numpy's and pandas' types.
FLOAT_TYPE = re.compile(
    r"\bcast\b.*\bas (double|float|real)\b|::(double|float|real)\b|^[Ff]loat(32|64)$", re.IGNORECASE
)


def test_contracts_know_no_float():
    columns = [
        (feed.name, name, column) for feed in load_feeds().values() for name, column in feed.columns.items()
    ]
    assert [(feed, name) for feed, name, column in columns if column.sql_type.startswith(FLOATS)] == []
    money = [(feed, name, column.sql_type) for feed, name, column in columns if column.type == "money"]
    assert money
    assert [found for found in money if found[2] != MONEY] == []


def test_lake_files_have_the_types_of_their_contract(demo_workspace: Path):
    files = lake_files(demo_workspace)
    assert len(files) > 20
    with duckdb.connect() as con:
        for file in files:
            feed = load_feeds()[file.parent.name]
            found = described(con, f"read_parquet('{file}')")
            assert no_floats(found) == [], file
            expected = {name: column.sql_type for name, column in feed.columns.items()}
            assert {name: found[name] for name in expected} == expected, file


def test_raw_relations_have_the_types_of_their_contract(demo_workspace: Path):
    with warehouse(demo_workspace) as con:
        for feed in load_feeds().values():
            expected = {name: column.sql_type for name, column in feed.columns.items()} | SOURCE_COLUMNS
            assert described(con, f"raw.{feed.name}") == expected, feed.name


def test_no_relation_of_the_warehouse_has_a_float(demo_workspace: Path):
    with warehouse(demo_workspace) as con:
        relations = con.execute(
            "select schema_name, table_name from duckdb_columns() "
            "where database_name = current_database() and not internal group by all order by all"
        ).fetchall()
        assert {schema for schema, _ in relations} == LAYERS
        for schema, relation in relations:
            assert no_floats(described(con, f'"{schema}"."{relation}"')) == [], f"{schema}.{relation}"


def test_published_money_has_the_type_of_the_contract(demo_workspace: Path):
    subjects = REPOSITORY / "dbt_project" / "models"
    sales_marts = {
        model.stem for name in SALES_SUBJECTS for model in (subjects / name / "marts").glob("*.sql")
    }
    with published(demo_workspace) as con:
        decimals = money = 0
        for relation, column, sql_type in con.execute(
            "select table_name, column_name, data_type from duckdb_columns() where not internal"
        ).fetchall():
            assert not sql_type.startswith(FLOATS), f"{relation}.{column}"
            if relation in sales_marts:
                assert not sql_type.startswith("DECIMAL") or sql_type in SALES_DECIMALS, (
                    f"{relation}.{column}"
                )
            elif sql_type.startswith("DECIMAL"):
                decimals += 1
                money += (relation, column) not in OTHER_DECIMALS
                assert sql_type == OTHER_DECIMALS.get((relation, column), MONEY), f"{relation}.{column}"
    assert money > 20
    assert decimals - money == len(OTHER_DECIMALS)


def test_published_parquet_has_the_types_of_the_database(demo_workspace: Path):
    parquet = demo_workspace / "published" / "current" / "parquet"
    files = sorted(parquet.rglob("*.parquet"))
    assert len(files) >= 7
    with published(demo_workspace) as con:
        for file in files:
            schema = "marts" if file.parent == parquet else file.parent.name
            assert described(con, f"read_parquet('{file}')") == described(con, f"{schema}.{file.stem}")


def test_models_cast_nothing_to_a_float():
    folders = ("models", "macros", "tests")
    files = [file for folder in folders for file in (REPOSITORY / "dbt_project" / folder).rglob("*.sql")]
    assert len(files) > 30
    found = [
        f"{file.relative_to(REPOSITORY)}: {match.group()}"
        for file in files
        for match in SQL_CAST.finditer(without_comments(file.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_code_between_makes_no_float():
    packages = [REPOSITORY / "kunderegnskab" / name for name in ("ingest", "publication", "quality", "audit")]
    assert all(package.is_dir() for package in packages)
    files = [file for package in packages for file in sorted(package.rglob("*.py"))]
    found = [f"{file.relative_to(REPOSITORY)}: {what}" for file in files for what in floats_made(file)]
    assert found == []


# --- helpers ----------------------------------------------------------------------------------------
def lake_files(workspace: Path) -> list[Path]:
    return sorted((workspace / "lake").rglob("*.parquet"))


def warehouse(workspace: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(workspace / "warehouse" / "kunderegnskab.duckdb"), read_only=True)


def described(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    return {name: sql_type for name, sql_type, *_ in con.execute(f"describe from {relation}").fetchall()}


def no_floats(types: dict[str, str]) -> list[str]:
    return [name for name, sql_type in types.items() if sql_type.startswith(FLOATS)]


def without_comments(sql: str) -> str:
    return re.sub(r"\{#.*?#\}|--[^\n]*", "", sql, flags=re.DOTALL)


def floats_made(file: Path) -> Iterator[str]:
    """Calls of float(), conversions to a float type, and SQL text that casts to one."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in ("float", "to_numeric", "float64"):
                yield f"line {node.lineno}: {name}()"
        elif isinstance(node, ast.Constant) and FLOAT_TYPE.search(str(node.value)):
            yield f"line {node.lineno}: {node.value!r}"
