"""Salespeople: the list of them, and one with portfolio, bridge and customers.

Not here: whom to visit (visits.py), KPIs of any scope (overview.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from kunderegnskab.reading.reader import NothingToRead, Reader, Row
from kunderegnskab.reading.windows import SCOPE_WINDOWS


def salespeople(reader: Reader) -> list[Row]:
    """Those whom the viewer sees, by team, with the year so far beside last year.

    `customer_count` is of customers with an order in it.
    """
    return reader.rows(
        f"""
        select salespeople.salesperson_id, team, is_unassigned, scope_type, scope_id, month, time_window,
            customer_count, net_sales, compared_net_sales, db2, compared_db2, db3, compared_db3
        from marts.salespeople
        left join {SCOPE_WINDOWS} as windows
            on scope_type = 'salesperson' and scope_id = salespeople.salesperson_id
            and month = ? and time_window = 'ytd'
        order by is_unassigned, team, db3 desc nulls last, salespeople.salesperson_id
        """,
        [reader.last_month],
    )


@dataclass(frozen=True)
class Portfolio:
    """One salesperson.

    Attributes:
        salesperson: the row of marts.salespeople.
        bridge: rows of marts.portfolio_bridge of the year so far, added up by group, in their order.
        groups: own customers of today by segment: customers, net_sales, db3, of twelve months.
    """

    salesperson: Row
    bridge: tuple[Row, ...]
    groups: tuple[Row, ...]


def portfolio(reader: Reader, salesperson_id: str) -> Portfolio:
    """What is told of one salesperson.

    Raises NothingToRead where the viewer sees no such salesperson.
    """
    row = reader.row("select * from marts.salespeople where salesperson_id = ?", [salesperson_id])
    if row is None:
        raise NothingToRead(f"There is no salesperson {salesperson_id} to read.")
    month = reader.last_month
    return Portfolio(
        row,
        tuple(
            reader.rows(
                """
                select component_group, sum(amount) as amount, min(position) as position,
                    count(*) as components, any_value(component) as component
                from marts.portfolio_bridge
                where salesperson_id = ? and month = ? and time_window = 'ytd'
                group by component_group order by min(position)
                """,
                [salesperson_id, month],
            )
        ),
        tuple(
            reader.rows(
                """
                select customer_segments.segment, count(*) as customers,
                    sum(net_sales_r12) as net_sales, sum(db3_r12) as db3
                from marts.customer_segments
                inner join marts.sales_effort using (customer_id, month)
                where salesperson_id = ? and month = ?
                group by customer_segments.segment order by customer_segments.segment
                """,
                [salesperson_id, month],
            )
        ),
    )
