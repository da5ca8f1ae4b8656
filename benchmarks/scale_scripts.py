"""What somebody would write by hand who only wants the sums: the measure of what a refresh may cost.

    .venv/bin/python benchmarks/scale_scripts.py limit COMPANY OUTPUT     DuckDB, exact
    .venv/bin/python benchmarks/scale_scripts.py pandas COMPANY OUTPUT    pandas, DB I in floats

Both read the sales lines of a company of large_company.py, checking nothing. They print what they came to.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

TYPES = {
    "document_no": "VARCHAR",
    "line_no": "INTEGER",
    "document_type": "VARCHAR",
    "posting_date": "DATE",
    "customer_id": "VARCHAR",
    "product_id": "VARCHAR",
    "quantity": "DECIMAL(18, 6)",
    "list_amount": "DECIMAL(18, 4)",
    "net_amount": "DECIMAL(18, 4)",
    "cost_amount": "DECIMAL(18, 4)",
    "currency": "VARCHAR",
    "salesperson_id": "VARCHAR",
}


def limit(company: Path, output: Path) -> dict[str, str]:
    """Typed rows as Parquet, then ten sums by customer and month."""
    import duckdb

    with duckdb.connect() as con:
        con.execute("set preserve_insertion_order = false")
        files = company / "landing" / "salg" / "*.csv"
        con.execute(
            f"copy (from read_csv('{files}', header = true, auto_detect = false, columns = {TYPES})) "
            f"to '{output / 'sales'}.parquet' (format parquet, compression zstd)"
        )
        con.execute(
            f"""
            create table customer_months as
            select
                customer_id,
                date_trunc('month', posting_date)::date as month,
                currency,
                sum(list_amount) as list_amount,
                sum(net_amount) as net_amount,
                sum(cost_amount) as cost_amount,
                sum(quantity) as quantity,
                sum(list_amount) filter (where document_type = 'credit_note') as returned_list_amount,
                sum(net_amount) filter (where document_type = 'credit_note') as returns,
                sum(cost_amount) filter (where document_type = 'credit_note') as returned_cost_amount,
                count(*) as line_count,
                count(*) filter (where document_type = 'credit_note') as return_line_count,
                max(posting_date) as last_date
            from read_parquet('{output / "sales"}.parquet')
            group by all
            """
        )
        con.execute(f"copy customer_months to '{output / 'sums'}.csv'")
        (row,) = con.execute(
            "select sum(net_amount), sum(cost_amount), count(*) from customer_months"
        ).fetchall()
    return dict(zip(("net_amount", "cost_amount", "rows"), map(str, row), strict=True))


def with_pandas(company: Path, output: Path) -> dict[str, str]:
    """Net sales and cost by customer and month, as floats."""
    import pandas as pd

    parts = []
    for file in sorted((company / "landing" / "salg").glob("*.csv")):
        columns = ["posting_date", "customer_id", "currency", "net_amount", "cost_amount"]
        frame = pd.read_csv(file, usecols=columns)
        frame["month"] = frame["posting_date"].str.slice(0, 7)
        parts.append(
            frame.groupby(["customer_id", "month", "currency"], dropna=False, sort=False)[
                ["net_amount", "cost_amount"]
            ].sum()
        )
    sums = pd.concat(parts)
    sums.to_csv(output / "sums.csv")
    return {
        "net_amount": f"{sums['net_amount'].sum():.2f}",
        "cost_amount": f"{sums['cost_amount'].sum():.2f}",
        "rows": str(len(sums)),
    }


if __name__ == "__main__":
    _, _which, _company, _output = sys.argv
    print(json.dumps({"limit": limit, "pandas": with_pandas}[_which](Path(_company), Path(_output))))
