"""Chains: the list of them, and one with its account and its outlets."""

from __future__ import annotations

from dataclasses import dataclass

from kunderegnskab.reading.reader import NothingToRead, Reader, Row
from kunderegnskab.reading.windows import SCOPE_WINDOWS


def chains(reader: Reader) -> list[Row]:
    """Chains of two or more customers that the viewer sees whole, most sales first.

    Rows of SCOPE_WINDOWS; `customer_count` is of outlets with an order in the twelve months.
    """
    return reader.rows(
        f"""
        select windows.*, customer_name as chain_name
        from {SCOPE_WINDOWS} as windows left join marts.customers on scope_id = customer_id
        where scope_type = 'chain' and month = ? and time_window = 'r12' and scope_id <> '(uden kæde)'
        order by net_sales desc, scope_id
        """,
        [reader.last_month],
    )


@dataclass(frozen=True)
class Chain:
    """One chain.

    Attributes:
        outlets: the customers of the chain that the viewer sees, with twelve months, most sales first.
        is_whole: whether the viewer sees all of them, and so the chain's account.
    """

    chain_id: str
    name: str
    outlets: tuple[Row, ...]
    is_whole: bool


def chain(reader: Reader, chain_id: str) -> Chain:
    """What is told of one chain.

    Raises NothingToRead where the viewer sees none of its customers.
    """
    outlets = reader.rows(
        """
        select customers.*, segment, net_sales_r12 as net_sales, db2_r12 as db2, db3_r12 as db3,
            customer_segments.month
        from marts.customers
        left join marts.customer_segments
            on customer_segments.customer_id = customers.customer_id and customer_segments.month = ?
        where chain_id = ? and chain_customers > 1
        order by net_sales_r12 desc nulls last, customers.customer_id
        """,
        [reader.last_month, chain_id],
    )
    if not outlets:
        raise NothingToRead(f"There is no chain {chain_id} to read.")
    return Chain(
        chain_id,
        outlets[0]["chain_name"] or chain_id,
        tuple(outlets),
        len(outlets) == outlets[0]["chain_customers"],
    )
