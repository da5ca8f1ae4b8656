"""Publishes or reads in a process of its own, which the publication tests watch and kill.

    python publication_worker.py publish FOLDER ROUNDS    says `publishing <run id>` before each round
    python publication_worker.py read FOLDER              reads what is current until FOLDER/stop exists

Every row carries the run id that it was made by, so a reader can see a mix of two publications. What must
hold is said by the tests, not here.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from kunderegnskab.publication.publish import MartRequest, PublishRequest, publish
from kunderegnskab.quality import certification
from kunderegnskab.quality.certification import CheckResult, ExpectedCheck

TABLES = ("marts.customer_accounts", "marts.customer_account_lines", "audit.row_ledger")
CHECK = ExpectedCheck(stage="gate", check_name="gate__margin_is_plausible")


def build_warehouse(warehouse: Path, run_id: str) -> None:
    """Fills every table with rows of this run and certifies them."""
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(warehouse)) as con:
        con.execute("create schema if not exists marts; create schema if not exists audit")
        for table in TABLES:
            con.execute(
                f"""
                create or replace table {table} as
                select 'c' || i as customer_id, date '2024-01-01' as month, ? as run_id,
                    (i * 1234.56 - 9000000)::decimal(18,4) as amount, i::hugeint * 10000000000 as big
                from range(20000) as r (i)
                """,
                [run_id],
            )
        certification.start_load(con, load_id=run_id, run_id=run_id, input_hash=run_id, code_version="1.0")
        certification.start_build(con, run_id)
        passed = {"subject": "customer_accounts", "status": "passed"}
        certification.record(con, [CheckResult.model_validate(CHECK.model_dump() | passed)])


def publish_rounds(folder: Path, rounds: int) -> None:
    """Publishes again and again, each time what a new run has built."""
    warehouse = folder / "warehouse" / "kunderegnskab.duckdb"
    for _ in range(rounds):
        run_id = str(uuid.uuid4())
        build_warehouse(warehouse, run_id)
        request = PublishRequest(
            run_id=run_id,
            started_at=datetime.now(UTC),
            company="Nordlys Engros A/S",
            locale="da",
            currency="DKK",
            code_version="1.0",
            input_hash=run_id,
            inputs=[],
            parameters={},
            expected_checks=[CHECK],
            marts=[
                MartRequest(schema_name=schema, table=name, key=("customer_id", "month"))
                for schema, name in (table.split(".") for table in TABLES)
            ],
            keep_publications=2,
        )
        print(f"publishing {run_id}", flush=True)
        publish(warehouse, folder / "published", request, write_quality=write_report)


def write_report(folder: Path) -> None:
    """A quality report that says nothing."""
    (folder / "report.html").write_text("<!doctype html><title>Kvalitet</title>", encoding="utf-8")


def read_until_stopped(folder: Path) -> None:
    """Opens what is current as a BI tool does and prints how often, and how many publications it saw."""
    database = folder / "published" / "current" / "kunderegnskab.duckdb"
    reads, seen = 0, set()
    while not (database.exists() or (folder / "stop").exists()):  # before the first publication
        time.sleep(0.01)
    while not (folder / "stop").exists():
        with duckdb.connect(str(database), read_only=True) as con:
            (run_id,) = con.execute("select run_id from _publication").fetchone() or (None,)
            for table in TABLES:
                found = con.execute(f"select count(*), min(run_id), max(run_id) from {table}").fetchone()
                if found != (20000, run_id, run_id):
                    raise AssertionError(f"{table} holds {found} in the publication of run {run_id}")
        reads += 1
        seen.add(run_id)
        time.sleep(0.02)  # a core is left for the publisher
    print(json.dumps({"reads": reads, "publications": len(seen)}))


if __name__ == "__main__":
    if sys.argv[1] == "publish":
        publish_rounds(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        read_until_stopped(Path(sys.argv[2]))
