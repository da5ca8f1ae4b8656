"""How much longer cost pools take to be given out than the same rows take to be written as they are.

    python benchmarks/allocation.py [POOLS CUSTOMERS MONTHS]

Both run in turn on the same made rows, on two threads of one DuckDB: the models allocation_steps and
allocations as dbt compiles them, written into the warehouse, and a plain copy of what each customer caused.
What counts is the ratio, and the processor seconds where the machine has other work too: its load is printed
with them. Tests never measure time; a claim about speed in the documents points here.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import duckdb
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.nodes import ModelNode

ROUNDS = 3
THREADS = 2
TARGET_SECONDS = 20
ROWS = (30, 100_000, 12)
DBT_PROJECT = Path(__file__).parents[1] / "dbt_project"

# Half the pools are by a count, half by minutes; every pool's cost leaves a rest to be given out, and many
# customers are alike, so that ties have to be told apart.
POOLS_SQL = """
    create table intermediate.int_pool_months as
    select
        'pool ' || pool as cost_pool_id, 'Pool ' || pool as pool_name, 'K55' as line_code,
        cast(date '2024-01-01' + to_months(cast(month as integer)) as date) as month,
        if(pool % 2 = 0, 'capacity', 'proportional') as method,
        'orders' as driver, 'all' as applies_to,
        cast(if(pool % 2 = 0, $customers * 90, null) as decimal(18, 6)) as practical_capacity_minutes,
        cast(1234567.89 * (pool + 1) + month as decimal(18, 4)) as pool_cost, cast(null as varchar) as problem
    from range($pools) as pools (pool), range($months) as months (month)
"""
RECEIVERS_SQL = """
    create table intermediate.int_pool_receivers as
    select
        pools.cost_pool_id, pools.month, 'K' || lpad(cast(customer as varchar), 7, '0') as customer_id,
        cast(
            if(
                pools.method = 'capacity',
                (hash(pools.cost_pool_id, customer) % 100000 + 1) / 1000,
                hash(pools.month, customer) % 40 + 1
            ) as decimal(18, 6)
        ) as weight
    from intermediate.int_pool_months as pools, range($customers) as customers (customer)
"""
COMPANY_SQL = "create table staging.stg_company as select cast(0.01 as decimal(18, 4)) as minor_unit"
PLAIN_SQL = "create or replace table audit.plain_copy as from intermediate.int_pool_receivers"


def main() -> None:
    """Make the rows, run both in turn, print seconds and ratios."""
    pools, customers, months = (int(argument) for argument in sys.argv[1:4]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as scratch:
        # dbt names the warehouse in every model, so the file must have that name.
        warehouse = Path(scratch) / "kunderegnskab.duckdb"
        models = _compiled(warehouse, ["allocation_steps", "allocations"])
        with duckdb.connect(str(warehouse), config={"threads": THREADS}) as con:
            for schema in ("staging", "intermediate", "audit"):
                con.execute(f"create schema if not exists {schema}")
            for sql in (COMPANY_SQL, POOLS_SQL, RECEIVERS_SQL):
                filled = {"$pools": pools, "$customers": customers, "$months": months}
                for name, number in filled.items():
                    sql = sql.replace(name, str(number))
                con.execute(sql)
            taken: list[Taken] = []
            ratios: list[float] = []
            for _ in range(ROUNDS):
                plain = _take(lambda: con.execute(PLAIN_SQL))
                for name in models:
                    con.execute(f"drop table if exists audit.{name}")
                given = _take(
                    lambda: [con.execute(f"create table audit.{n} as {q}") for n, q in models.items()]
                )
                taken.append(given)
                ratios.append(given.processor / plain.processor)
                print(
                    f"plain copy {plain}   allocation {given}   ratio {ratios[-1]:5.1f}   "
                    f"load {os.getloadavg()[0]:.1f}"
                )
            _check(con, pools * customers * months)
    clock = statistics.median(given.clock for given in taken)
    processor = statistics.median(given.processor for given in taken)
    print(
        f"{pools} pools x {customers:,} customers x {months} months on {THREADS} threads: "
        f"median {clock:.1f} s, {processor:.1f} s of processor, ratio {statistics.median(ratios):.1f}; "
        f"the target is less than {TARGET_SECONDS} s on {THREADS} free cores"
    )


def _compiled(warehouse: Path, names: list[str]) -> dict[str, str]:
    """The SQL of the models, in the order given."""
    os.environ["KUNDEREGNSKAB_WAREHOUSE"] = str(warehouse)
    folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    scratch = [
        "--target-path",
        str(warehouse.parent / "target"),
        "--log-path",
        str(warehouse.parent / "logs"),
    ]
    with redirect_stdout(StringIO()):
        outcome = dbtRunner().invoke(["--quiet", "compile", "--select", *names, *folders, *scratch])
    if outcome.exception:
        raise outcome.exception
    assert isinstance(outcome.result, RunExecutionResult)
    nodes = [run.node for run in outcome.result.results]
    by_name = {node.name: node.compiled_code for node in nodes if isinstance(node, ModelNode)}
    return {name: str(by_name[name]) for name in names}


def _check(con: duckdb.DuckDBPyConnection, row_count: int) -> None:
    """Time spent on the wrong amounts is no measure."""
    found = con.execute(
        "select (select count(*) from audit.allocations), (select sum(amount) from audit.allocations) "
        "= (select sum(allocated) from audit.allocation_steps), "
        "(select bool_and(allocated + unused + unallocated = pool_cost) from audit.allocation_steps)"
    ).fetchone()
    assert found == (row_count, True, True), found


@dataclass(frozen=True)
class Taken:
    """Seconds on the clock, and of all processors together."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{self.clock:6.2f} s ({self.processor:6.2f} s of processor)"


def _take(work: Callable[[], object]) -> Taken:
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return Taken(time.perf_counter() - clock, time.process_time() - processor)


if __name__ == "__main__":
    main()
