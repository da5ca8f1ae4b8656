"""Control totals of a feed: sums that a file, the lake and the warehouse must agree on.

Here: which sums there are and how they are taken from records. What becomes of them after loading, and
whether they agree, the model audit.control_totals says.
"""

from __future__ import annotations

from decimal import Decimal

import duckdb

from kunderegnskab.feeds import Feed

RECORD_COUNT = "record_count"
# Wide enough for the sum of a billion quantities of 18 digits.
SQL_TYPE = "decimal(28,6)"


def measures(feed: Feed) -> dict[str, str]:
    """Measure -> SQL of its total over the feed's columns.

    Measures are the number of records, each column of money or quantities, and a hash total of customer
    numbers: a sum that is the same in any order, and another one when a single record changes its customer.
    """
    amounts = [name for name, column in feed.columns.items() if column.type in ("money", "quantity")]
    sums = {name: f"sum({name})" for name in amounts}
    if "customer_id" in feed.columns:
        # As macro customer_hash has it, so that staging and marts can be compared.
        sums["customer_id_hash"] = "sum(cast('0x' || substr(md5(customer_id), 1, 8) as bigint))"
    return {RECORD_COUNT: "count(*)", **sums}


def control_totals(con: duckdb.DuckDBPyConnection, feed: Feed, relation: str) -> dict[str, Decimal]:
    """Measure -> its total over the records of a relation; 0 where there are none.

    Args:
        relation: SQL of a table or a query in parentheses, with the feed's columns.
    """
    chosen = ", ".join(f"cast(coalesce({total}, 0) as {SQL_TYPE})" for total in measures(feed).values())
    (row,) = con.execute(f"select {chosen} from {relation}").fetchall()
    return dict(zip(measures(feed), row, strict=True))
