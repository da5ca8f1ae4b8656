"""Builds warehouses for the dbt tests: the raw schema from the input contract, and runs of dbt on it.

Only what more than one test module needs belongs here; the records of the small company are in
small_company.py.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.artifacts.resources.types import NodeType
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunner, dbtRunnerResult
from ruamel.yaml import YAML

from kunderegnskab.dbt.project import ensure_manifest
from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest.totals import RECORD_COUNT, control_totals
from kunderegnskab.workspace import Workspace
from kunderegnskab_orchestration import dbt_launcher

ROOT = Path(__file__).parents[2]
DBT_PROJECT = ROOT / "dbt_project"
CONTRACTS = ROOT / "kunderegnskab" / "feeds" / "contracts.yaml"

TYPES = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "code": "VARCHAR",
    "date": "DATE",
    "month": "DATE",
    "money": "DECIMAL(18,4)",
    "quantity": "DECIMAL(18,6)",
    "rate": "DECIMAL(18,8)",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
}
RECORD_COLUMNS = {
    "_source_file": "VARCHAR",
    "_file_sha256": "VARCHAR",
    "_source_sheet": "VARCHAR",
    "_source_record": "BIGINT",
}
OTHER_TABLES: dict[str, dict[str, str]] = {
    "company": {
        "company_name": "VARCHAR",
        "currency": "VARCHAR",
        "minor_unit": "DECIMAL(18,4)",
        "fiscal_year_start": "BIGINT",
        "locale": "VARCHAR",
        "credit_interest_rate": "DECIMAL(18,8)",
        "day_count": "BIGINT",
        "reconciliation_tolerance": "DECIMAL(18,4)",
        "ledger_closed_to": "DATE",
        "analysis_months": "BIGINT",
        "pvm_leaf": "VARCHAR",
        "benchmark_minimum_customers": "BIGINT",
        "segment_level": "VARCHAR",
        "rates": "VARCHAR",
    },
    "feeds": {"feed": "VARCHAR", "is_supplied": "BOOLEAN", "file_count": "BIGINT"},
    "files": {
        "feed": "VARCHAR",
        "source_file": "VARCHAR",
        "file_sha256": "VARCHAR",
        "records_read": "BIGINT",
        "records_loaded": "BIGINT",
        "records_rejected": "BIGINT",
        "records_left_out": "BIGINT",
        "rejects_allowed": "BIGINT",
    },
    "rejects": {
        "feed": "VARCHAR",
        "source_file": "VARCHAR",
        "file_sha256": "VARCHAR",
        "source_sheet": "VARCHAR",
        "source_record": "BIGINT",
        "column_name": "VARCHAR",
        "raw_value": "VARCHAR",
        "reason": "VARCHAR",
        "kind": "VARCHAR",
    },
    "left_out": {
        "feed": "VARCHAR",
        "source_file": "VARCHAR",
        "file_sha256": "VARCHAR",
        "source_sheet": "VARCHAR",
        "source_record": "BIGINT",
        "reason": "VARCHAR",
    },
    "closed_sources": {
        "publication": "VARCHAR",
        "month": "DATE",
        "customer_id": "VARCHAR",
        "line_code": "VARCHAR",
        "feed": "VARCHAR",
        "source": "VARCHAR",
        "file_sha256": "VARCHAR",
        "amount": "DECIMAL(18,4)",
        "posting_count": "BIGINT",
    },
    "feed_totals": {
        "feed": "VARCHAR",
        "stage": "VARCHAR",
        "measure": "VARCHAR",
        "total": "DECIMAL(28,6)",
    },
    "expected_files": {"feed": "VARCHAR", "source": "VARCHAR", "first_month": "DATE"},
    "file_days": {
        "feed": "VARCHAR",
        "source": "VARCHAR",
        "source_file": "VARCHAR",
        "day": "DATE",
        "is_month": "BOOLEAN",
        "record_count": "BIGINT",
    },
    "closed_figures": {
        "publication": "VARCHAR",
        "month": "DATE",
        "level": "VARCHAR",
        "scope_id": "VARCHAR",
        "measure": "VARCHAR",
        "amount": "DECIMAL(18,4)",
    },
    "closed_files": {
        "publication": "VARCHAR",
        "feed": "VARCHAR",
        "source_file": "VARCHAR",
        "file_sha256": "VARCHAR",
    },
    "published_baselines": {
        "kpi_id": "VARCHAR",
        "scope_type": "VARCHAR",
        "scope_id": "VARCHAR",
        "month_from": "DATE",
        "baseline_month_from": "DATE",
        "baseline_month_to": "DATE",
        "approved_on": "DATE",
        "baseline_value": "DECIMAL(18,6)",
        "baseline_publication": "VARCHAR",
        "rule_version": "VARCHAR",
    },
}

Record = Mapping[str, Any]


@cache
def contract() -> dict[str, Any]:
    """The feeds of the input contract, by name."""
    return YAML(typ="safe", pure=True).load(CONTRACTS)["feeds"]


def create_raw(
    warehouse: Path,
    feeds: Mapping[str, Sequence[Record]],
    *,
    company: Record | None = None,
    rejects: Sequence[Record] = (),
    left_out: Sequence[Record] = (),
    rejects_allowed: int = 0,
    published_baselines: Sequence[Record] = (),
    closed_sources: Sequence[Record] = (),
    closed_figures: Sequence[Record] = (),
    closed_files: Sequence[Record] = (),
) -> None:
    """Creates the raw schema in a new warehouse file: every feed of the contract.

    Each feed in `feeds` has one file; a feed that is not there is not supplied. A record holds the columns it
    needs; a missing column gets the contract's default. Record numbers are positions in the list, from 1.
    """
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema raw")
        for feed, spec in contract().items():
            columns = {name: TYPES[column["type"]] for name, column in spec["columns"].items()}
            defaults = {n: c["default"] for n, c in spec["columns"].items() if "default" in c}
            rows = [
                {
                    **defaults,
                    **record,
                    "_source_file": f"{feed}.csv",
                    "_file_sha256": f"sha-{feed}",
                    "_source_sheet": "",
                    "_source_record": number,
                }
                for number, record in enumerate(feeds.get(feed, []), start=1)
            ]
            _create(connection, feed, columns | RECORD_COLUMNS, rows)
        lost = [*rejects, *left_out]
        others: dict[str, list[Record]] = {
            "company": [company] if company else [],
            "feeds": [
                {"feed": feed, "is_supplied": feed in feeds, "file_count": int(feed in feeds)}
                for feed in contract()
            ],
            "files": [
                {
                    "feed": feed,
                    "source_file": f"{feed}.csv",
                    "file_sha256": f"sha-{feed}",
                    "records_read": len(records) + sum(r["feed"] == feed for r in lost),
                    "records_loaded": len(records),
                    "records_rejected": sum(r["feed"] == feed for r in rejects),
                    "records_left_out": sum(r["feed"] == feed for r in left_out),
                    "rejects_allowed": rejects_allowed,
                }
                for feed, records in feeds.items()
            ],
            "rejects": [{"source_sheet": "", **record} for record in rejects],
            "left_out": [{"source_sheet": "", **record} for record in left_out],
            "published_baselines": list(published_baselines),
            "closed_sources": list(closed_sources),
            "closed_figures": list(closed_figures),
            "closed_files": list(closed_files),
            "feed_totals": [
                total
                for feed in feeds
                for total in _totals(connection, feed, sum(r["feed"] == feed for r in lost))
            ],
            "expected_files": [],
            "file_days": [],
        }
        for table, columns in OTHER_TABLES.items():
            _create(connection, table, columns, others[table])


def _totals(connection: duckdb.DuckDBPyConnection, feed: str, lost: int) -> Iterator[Record]:
    """The feed's rows of raw.feed_totals; `lost` are its records that were rejected or left out."""
    loaded = control_totals(connection, load_feeds()[feed], f"raw.{feed}")
    for measure, total in loaded.items():
        unloaded = lost if measure == RECORD_COUNT else 0
        stages = {"landing": total + unloaded, "lake": total + unloaded, "left_out": unloaded}
        for stage, of_stage in stages.items():
            yield {"feed": feed, "stage": stage, "measure": measure, "total": of_stage}


def _create(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], rows: Sequence[Record]
) -> None:
    connection.execute(
        f"create table raw.{table} ({', '.join(f'{name} {type_}' for name, type_ in columns.items())})"
    )
    for row in rows:
        unknown = row.keys() - columns.keys()
        if unknown:
            raise KeyError(f"raw.{table} has no column {sorted(unknown)}")
        values = [row.get(name) for name in columns]
        connection.execute(f"insert into raw.{table} values ({', '.join('?' * len(values))})", values)


def rows(warehouse: Path, sql: str) -> list[dict[str, Any]]:
    """The result of a query as dictionaries."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        cursor = connection.execute(sql)
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def execute(warehouse: Path, sql: str) -> None:
    """Runs a statement that changes the warehouse."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(sql)


def money(value: str) -> Decimal:
    """A money amount with the four decimals that the warehouse returns."""
    return Decimal(value).quantize(Decimal("0.0001"))


@contextmanager
def _environment(values: Mapping[str, str]) -> Generator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def dbt(warehouse: Path, *arguments: str, project: Path = DBT_PROJECT) -> dbtRunnerResult:
    """Runs a dbt command on a warehouse; target and logs stay beside the warehouse, never in the project."""
    if project == DBT_PROJECT:
        begin_with_shared_parse(warehouse)
    environment = {
        "KUNDEREGNSKAB_WAREHOUSE": str(warehouse),
        "DBT_TARGET_PATH": str(warehouse.parent / "target"),
        "DBT_LOG_PATH": str(warehouse.parent / "logs"),
    }
    folders = ["--project-dir", str(project), "--profiles-dir", str(project)]
    with _environment(environment):
        try:
            return dbtRunner().invoke(["--quiet", *arguments, *folders])
        finally:
            # dbt keeps the warehouse open for as long as its process lives, which here is the tests'.
            DuckDBConnectionManager.close_all_connections()


def begin_with_shared_parse(warehouse: Path) -> None:
    """Gives dbt the product's parse of the project, which saves it 5 s for each new warehouse."""
    target = warehouse.parent / "target"
    if not target.exists():
        parsed = ensure_manifest(Workspace(warehouse.parent)).with_name("partial_parse.msgpack")
        target.mkdir()
        shutil.copy(parsed, target)
    dbt_launcher._share_parse_between_warehouses()


def statuses(result: dbtRunnerResult) -> dict[str, str]:
    """The status of every node that a command ran, by name; not of exposures, with which dbt does nothing."""
    return {
        run.node.name: str(run.status)
        for run in run_results(result)
        if run.node.resource_type != NodeType.Exposure
    }


def run_results(result: dbtRunnerResult) -> list[Any]:
    """What a command gave for each node; raises the command's own exception if it could not run."""
    if result.exception:
        raise result.exception
    assert isinstance(result.result, RunExecutionResult)
    return list(result.result.results)


def failures(result: dbtRunnerResult) -> set[str]:
    """The names of the nodes that failed or could not run."""
    return {name for name, status in statuses(result).items() if status not in ("success", "pass")}


@dataclass(frozen=True)
class Build:
    """A warehouse after `dbt build`, and the status of every node by name."""

    warehouse: Path
    statuses: dict[str, str]

    def failed(self) -> set[str]:
        return {name for name, status in self.statuses.items() if status not in ("success", "pass")}
