"""Reads what is published in a process of its own: readers that `reading` starts and judges.

    python reader_worker.py read WORKSPACE     opens what is current, until WORKSPACE/stop exists
    python reader_worker.py hold WORKSPACE     opens it once, until WORKSPACE/stop exists
    python reader_worker.py parquet WORKSPACE  resolves what is current, opens file after file of that one
                                               publication while the next one is made, until WORKSPACE/stop exists

Each publication has other amounts, so a reader can see a mix of two.
"""

from __future__ import annotations

import json
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from companies import MONTHS

MARKED = "C2"
# Enough reads to hit every place where a refresh is killed, and the cores left to the refreshes.
PAUSE_SECONDS = {False: 0.2, True: 1.0}
# How often a reader of files waits for the next publication.
LONGEST_PAUSES = 100
_LAST = f"customer_id = '{MARKED}' and month = '{MONTHS[-1]}'"
FILE_QUERIES = (
    f"select net_sales from '{{folder}}/customer_accounts.parquet' where {_LAST}",
    f"select sum(invoiced_sales - returns) from '{{folder}}/product_accounts.parquet' where {_LAST}",
    f"select net_sales from '{{folder}}/customer_accounts.parquet' where {_LAST}",
)
QUERY = f"""
    select p.publication, p.run_id, b.run_id,
        (select net_sales from marts.customer_accounts
         where customer_id = '{MARKED}' and month = '{MONTHS[-1]}'),
        (select amount from marts.customer_account_lines
         where customer_id = '{MARKED}' and month = '{MONTHS[-1]}' and line_code = 'K30'),
        (select sum(invoiced_sales - returns) from marts.product_accounts
         where customer_id = '{MARKED}' and month = '{MONTHS[-1]}'),
        (select sum(amount) from marts.customer_account_lines where line_code = 'K30'),
        (select sum(net_sales) from marts.customer_accounts)
    from main._publication as p cross join audit.build as b
"""


def read_until_stopped(root: Path, *, hold: bool) -> None:
    """Reads, compares within each publication and prints how often and how many of them it saw."""
    database = root / "published" / "current" / "kunderegnskab.duckdb"
    reads = 0
    seen: dict[str, Decimal] = {}
    held = duckdb.connect(str(database), read_only=True) if hold else None
    while not (root / "stop").exists():
        if held is not None:
            row = held.execute(QUERY).fetchone()
        else:
            with duckdb.connect(str(database), read_only=True) as con:
                row = con.execute(QUERY).fetchone()
            pointer = json.loads((root / "published" / "current.json").read_bytes())
            assert (root / "published" / pointer["publication"] / "manifest.json").is_file()
        publication, amount = judge(row)
        if seen.setdefault(publication, amount) != amount:
            raise AssertionError(f"{publication} had {seen[publication]} and has {amount}")
        reads += 1
        time.sleep(PAUSE_SECONDS[hold])
    print(json.dumps({"reads": reads, "publications": len(seen)}))


def read_files_until_stopped(root: Path) -> None:
    """Reads as docs/contracts/bi.md says for more than one file; compares all that was read of one publication."""
    reads = 0
    seen: dict[str, Decimal] = {}
    while not (root / "stop").exists():
        resolved = (root / "published" / "current").resolve()
        amounts = []
        with duckdb.connect() as con:
            for number, query in enumerate(FILE_QUERIES):
                if number == 1:
                    # Until it is current no more, at best.
                    for _ in range(LONGEST_PAUSES):
                        if resolved != (root / "published" / "current").resolve() or (root / "stop").exists():
                            break
                        time.sleep(PAUSE_SECONDS[False])
                amounts += con.execute(query.format(folder=resolved / "parquet")).fetchall()
        if len(set(amounts)) != 1:
            raise AssertionError(f"a mix of two publications under {resolved}: {amounts}")
        ((amount,),) = set(amounts)
        if seen.setdefault(resolved.name, amount) != amount:
            raise AssertionError(f"{resolved.name} had {seen[resolved.name]} and has {amount}")
        reads += 1
    print(json.dumps({"reads": reads, "publications": len(seen)}))


def judge(row: tuple[Any, ...] | None) -> tuple[str, Decimal]:
    """The publication's name and amount, if everything that was read belongs together."""
    if row is None:
        raise AssertionError("nothing was read")
    publication, run_id, built_by, account, account_line, products, lines, accounts = row
    if run_id != built_by or not account == account_line == products or lines != accounts:
        raise AssertionError(f"a mix of two publications: {row}")
    return publication, account


if __name__ == "__main__":
    if sys.argv[1] == "parquet":
        read_files_until_stopped(Path(sys.argv[2]))
    else:
        read_until_stopped(Path(sys.argv[2]), hold=sys.argv[1] == "hold")
