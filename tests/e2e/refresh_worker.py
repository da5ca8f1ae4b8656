"""Refreshes or reads in a process of its own, which `test_readers` starts and judges.

    python refresh_worker.py refresh WORKSPACE ROUNDS   refreshes, each time with another amount
    python refresh_worker.py read WORKSPACE             opens what is current, until WORKSPACE/stop exists
    python refresh_worker.py hold WORKSPACE             opens it once, until WORKSPACE/stop exists

The amount tells which publication a number belongs to, so a reader can see a mix of two.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from companies import MONTHS, line, write_sales

MARKED = "C2"
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


def marked_amount(number: int) -> Decimal:
    """Net sales of the extra line in publication `number`."""
    return Decimal(number) * 9


def refresh_rounds(root: Path, rounds: int) -> None:
    """Changes the extra line and refreshes, as the command does."""
    from kunderegnskab.progress import silent
    from kunderegnskab.publication import store
    from kunderegnskab.workspace import Workspace
    from orchestration.refresh import refresh

    for _ in range(rounds):
        number, _name = store.next_publication(root / "published", "next")
        extra = line("EXTRA", MARKED, date(MONTHS[-1].year, MONTHS[-1].month, 20), Decimal(10 * number))
        write_sales(root, "extra", [extra])
        outcome = refresh(Workspace(root), silent)
        if outcome.status != "published":
            raise AssertionError(outcome)
        print(outcome.publication, flush=True)


def read_until_stopped(root: Path, *, hold: bool) -> None:
    """Reads, compares within the publication and prints how often and how many publications it saw."""
    database = root / "published" / "current" / "kunderegnskab.duckdb"
    reads, seen = 0, set()
    held = duckdb.connect(str(database), read_only=True) if hold else None
    while not (root / "stop").exists():
        if held is not None:
            row = held.execute(QUERY).fetchone()
        else:
            with duckdb.connect(str(database), read_only=True) as con:
                row = con.execute(QUERY).fetchone()
            pointer = json.loads((root / "published" / "current.json").read_bytes())
            assert (root / "published" / pointer["publication"] / "manifest.json").is_file()
        seen.add(judge(row))
        reads += 1
        time.sleep(0.05)  # enough reads to hit every moment, and a core left for the refreshes
    print(json.dumps({"reads": reads, "publications": len(seen)}))


def judge(row: tuple[Any, ...] | None) -> str:
    """The publication's name, if everything that was read belongs to it."""
    if row is None:
        raise AssertionError("nothing was read")
    publication, run_id, built_by, account, account_line, products, lines, accounts = row
    number = int(publication.partition("-")[0])
    usual = Decimal(2 * (1000 + 10 * (len(MONTHS) - 1))) * Decimal("0.9")
    expected = usual + (marked_amount(number) if number > 1 else 0)
    if run_id != built_by or {account, account_line, products} != {expected} or lines != accounts:
        raise AssertionError(f"a mix of two publications: {row}, expected {expected}")
    return publication


if __name__ == "__main__":
    what, workspace = sys.argv[1], Path(sys.argv[2])
    if what == "refresh":
        refresh_rounds(workspace, int(sys.argv[3]))
    else:
        read_until_stopped(workspace, hold=what == "hold")
