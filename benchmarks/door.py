"""How much longer the door takes than DuckDB takes to read the same file and write it as it is.

    python benchmarks/door.py [LINES]

Both are run in turn on the same made file, in one process each, and the ratios are printed: what counts is
the ratio, not the seconds. Tests never measure time; a claim about speed in the documents points here.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from kunderegnskab.ingest import take_in
from kunderegnskab.workspace import Workspace

ROUNDS = 3
COMPANY = "name: Benchmark\ncurrency: DKK\n"
FEEDS = """\
sales_lines:
  - files: sales.csv
    format: {type: csv, delimiter: ";", decimal: ",", thousands: ".", date: "%d-%m-%Y"}
    columns:
      document_no: Bilagsnr.
      line_no: Linjenr.
      posting_date: Dato
      customer_id: Kunde
      product_id: Vare
      quantity: Antal
      list_amount: Liste
      net_amount: Netto
      cost_amount: Kost
    values: {document_type: invoice}
"""
LINES_SQL = """
    select i // 5 as "Bilagsnr.", i % 5 + 1 as "Linjenr.",
        strftime(date '2024-01-01' + cast(i % 700 as integer), '%d-%m-%Y') as "Dato",
        'K' || i % 4000 as "Kunde", 'V' || i % 900 as "Vare", i % 24 + 1 as "Antal",
        format('{:t.}', i % 9000 + 1000) || ',50' as "Liste",
        format('{:t.}', i % 9000 + 1000) || ',25' as "Netto", i % 700 || ',75' as "Kost"
    from range($lines) as made (i)
"""


def main() -> None:
    """Make the file, run both in turn, print the ratios."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        workspace = Workspace(root)
        workspace.landing.mkdir()
        (root / "company.yaml").write_text(COMPANY, encoding="utf-8")
        (root / "feeds.yaml").write_text(FEEDS, encoding="utf-8")
        sales = workspace.landing / "sales.csv"
        with duckdb.connect() as con:
            con.execute(
                f"copy ({LINES_SQL.replace('$lines', str(lines))}) to '{sales}' (header, delimiter ';')"
            )
        time.sleep(2.5)  # the door waits until a file has been left alone for a while
        ratios = []
        for _ in range(ROUNDS):
            plain = _seconds(lambda: _plain_copy(sales, root / "plain.parquet"))
            door = _seconds(lambda: take_in(workspace, workspace.lake, again=True))
            ratios.append(door / plain)
            print(f"plain copy {plain:6.2f} s   door {door:6.2f} s   ratio {door / plain:5.2f}")
        print(f"{lines:,} lines, median ratio {statistics.median(ratios):.2f}")


def _plain_copy(source: Path, target: Path) -> None:
    with duckdb.connect() as con:
        con.execute(
            f"copy (select * from read_csv('{source}', delim = ';', header = true, all_varchar = true)) "
            f"to '{target}' (format parquet, compression zstd)"
        )


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
