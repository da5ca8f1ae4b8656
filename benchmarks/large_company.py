"""The files of a large company, made by DuckDB in seconds: as many sales lines as asked, always the same.

Here: what its customers buy. Not here: what is measured on it (scale.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
from made_companies import write_at_rest

FIRST_YEAR = 2024
LINES_PER_DOCUMENT = 10
# Product groups hold so many products each.
PRODUCTS_PER_GROUP = 500
# A customer buys these again and again, unless every pair is new.
ASSORTMENT = 150
_RATE = "7.45"


@dataclass(frozen=True)
class Size:
    """How large the company is.

    Attributes:
        is_worst_case: no customer ever buys a product twice, so nothing folds.
    """

    lines: int
    customers: int
    products: int
    months: int = 24
    is_worst_case: bool = False


SIZES = {
    "2m": Size(2_000_000, 2_000, 20_000),
    "20m": Size(20_000_000, 20_000, 20_000),
    "6m_new_pairs": Size(6_000_000, 20_000, 20_000, is_worst_case=True),
    # For trying the benchmark itself.
    "20k": Size(20_000, 100, 1_000),
}

COMPANY = """\
name: Storkøb Engros A/S
currency: DKK
"""
FEEDS = """\
sales_lines:
  - files: salg/*.csv
    format: {type: csv}
    columns:
      document_no: document_no
      line_no: line_no
      document_type: document_type
      posting_date: posting_date
      customer_id: customer_id
      product_id: product_id
      quantity: quantity
      list_amount: list_amount
      net_amount: net_amount
      cost_amount: cost_amount
      currency: currency
      salesperson_id: salesperson_id
"""


def write_large_company(root: Path, size: Size) -> None:
    """Write company.yaml, feeds.yaml, a file of sales lines per month, customers, products and rates."""
    sales = root / "landing" / "salg"
    sales.mkdir(parents=True)
    (root / "policy").mkdir()
    write_at_rest(root / "company.yaml", COMPANY.encode())
    write_at_rest(root / "feeds.yaml", FEEDS.encode())
    with duckdb.connect() as con:
        for month in range(size.months):
            _copy(con, _sales_lines(size, month), sales / f"salg_{_month(month)}.csv")
        _copy(
            con,
            "select 'C' || lpad(i::varchar, 6, '0') as customer_id, 'Kunde ' || i as customer_name "
            f"from range({size.customers}) as r (i)",
            root / "landing" / "customers.csv",
        )
        _copy(
            con,
            "select 'V' || lpad(i::varchar, 6, '0') as product_id, 'Vare ' || i as product_name, "
            f"'Gruppe ' || i // {PRODUCTS_PER_GROUP} as product_group from range({size.products}) as r (i)",
            root / "landing" / "products.csv",
        )
    rates = "".join(f"EUR,{_month(month)}-01,{_RATE}\n" for month in range(size.months))
    write_at_rest(root / "policy" / "exchange_rates.csv", f"currency,rate_date,rate\n{rates}".encode())


def _month(number: int) -> str:
    return f"{FIRST_YEAR + number // 12}-{number % 12 + 1:02}"


def _copy(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    con.execute(f"copy ({query}) to '{path}' (format csv, header)")
    write_at_rest(path, path.read_bytes())


def _sales_lines(size: Size, month: int) -> str:
    """The lines of a month. Every customer of five buys in euros, every 33rd document is a credit note."""
    of_month = size.lines // size.months
    n = f"(i + {month * of_month})"
    document, customer = f"({n} // {LINES_PER_DOCUMENT})", f"({n} // {LINES_PER_DOCUMENT} % {size.customers})"
    if size.is_worst_case:
        # The how-manieth line of its customer it is: no two are the same.
        every = LINES_PER_DOCUMENT * size.customers
        place = f"({n} // {every} * {LINES_PER_DOCUMENT} + {n} % {LINES_PER_DOCUMENT})"
        product = f"(({place} + {customer} * 37) % {size.products})"
    else:
        # A document has ten neighbours of the assortment, so no product twice.
        product = (
            f"(({customer} * 37 "
            f"+ (hash({document}) % {ASSORTMENT} + {n} % {LINES_PER_DOCUMENT}) % {ASSORTMENT} * 101)"
            f" % {size.products})"
        )
    return f"""
        with lines as (
            select
                'F' || lpad({document}::varchar, 8, '0') as document_no,
                ({n} % {LINES_PER_DOCUMENT} + 1)::integer as line_no,
                {document} % 33 = 0 as is_credit_note,
                (date '{_month(month)}-01' + ({document} % 28)::integer)::date as posting_date,
                {customer} as customer,
                {product} as product,
                case when {document} % 33 = 0 then -1 else 1 end
                    * (1 + hash({n}, 1) % 24)::integer as quantity,
                (5 + hash({product}) % 50000 / 100)::decimal(18, 2) as price,
                (hash({n}, 2) % 20)::integer as discount_percent
            from range({of_month}) as r (i)
        )

        select
            document_no,
            line_no,
            case when is_credit_note then 'credit_note' else 'invoice' end as document_type,
            posting_date,
            'C' || lpad(customer::varchar, 6, '0') as customer_id,
            'V' || lpad(product::varchar, 6, '0') as product_id,
            quantity,
            (quantity * price)::decimal(18, 2) as list_amount,
            (quantity * price * (100 - discount_percent) / 100)::decimal(18, 2) as net_amount,
            (quantity * price * 0.6)::decimal(18, 2) as cost_amount,
            case when customer % 5 = 0 then 'EUR' end as currency,
            'S' || customer % 40 as salesperson_id
        from lines
        order by document_no, line_no
    """
