"""The list of customers: searched, filtered, sorted, a page of it at a time.

Here: the rows and what they can be narrowed by. Not here: one customer (accounts.py), and how a list looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kunderegnskab.reading.reader import Reader, Row
from kunderegnskab.reading.windows import SCOPE_WINDOWS

SORTS = {
    "customer_name": "customer_name",
    "customer_id": "customer_id",
    "segment": "segment",
    "net_sales": "net_sales",
    "change": "net_sales_change",
    "db2": "db2",
    "db3": "db3",
    "db3_change": "db3_change",
    "dg3": "dg3",
    "actions": "actions_worth",
    "remaining": "remaining_visits",
    "visit": "last_visit_date",
}
"""What the list can be sorted by: name -> column."""
COLUMNS = ("segment", "owner", "industry", "chain", "net_sales", "change", "db2", "db3", "db3_change", "dg3",
           "actions", "remaining", "visit")  # fmt: skip
"""Columns to choose from, in their order."""
USUAL = ("segment", "net_sales", "change", "db2", "db3", "dg3", "actions")
"""The columns where nobody chooses."""
PAGE = 50
"""Customers per page."""


@dataclass(frozen=True)
class Wanted:
    """What of the list is wanted. Whatever is empty narrows nothing.

    Attributes:
        search: in name and number.
        salesperson: on whose list of visits they stand, as marts.sales_effort says it.
        group: `loss` for DB III below 0, `good` for the good customers, `up_down` for more sales with less
            DB III.
        page: from 1.
    """

    search: str = ""
    segment: str = ""
    salesperson: str = ""
    chain: str = ""
    industry: str = ""
    group: Literal["", "loss", "good", "up_down"] = ""
    sort: str = "db3"
    descending: bool = False
    page: int = 1


@dataclass(frozen=True)
class Listed:
    """Customers of one page, and what all pages have together.

    Attributes:
        rows: customers with their figures of twelve months; `salesperson_id` is whose list of visits they
            stand on, None where the viewer may not know.
        totals: customers, net_sales, db2, db3, actions_worth of all that match.
        choices: what to narrow by: segments, salespeople, chains, industries.
    """

    rows: tuple[Row, ...]
    totals: Row
    choices: dict[str, list[Row]]


def _units(amount: str) -> str:
    """SQL of an amount as a whole number of its smallest unit."""
    return f"cast(cast({amount} as decimal(24, 4)) * 10000 as hugeint)"


_LIST = f"""
with worth as (
    select customer_id, sum(worth) as actions_worth from marts.customer_actions group by customer_id
),
listed as (
    select customers.customer_id, customers.customer_name, customers.industry, customers.chain_id,
        customers.chain_name, customers.chain_customers, segments.segment, segments.is_good_customer,
        segments.net_sales_r12 as net_sales, segments.db2_r12 as db2, segments.db3_r12 as db3,
        -- Half away from zero in whole units of the money, as the publication rounds its ratios.
        case when segments.net_sales_r12 > 0 then cast(
            sign(segments.db3_r12) * cast(
                (2000000 * {_units("abs(segments.db3_r12)")} + {_units("segments.net_sales_r12")})
                // (2 * {_units("segments.net_sales_r12")})
                as decimal(24, 0)
            ) * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)
        ) end as dg3,
        windows.net_sales - windows.compared_net_sales as net_sales_change,
        windows.db3 - windows.compared_db3 as db3_change,
        windows.net_sales > windows.compared_net_sales and windows.db3 < windows.compared_db3 as is_up_down,
        salespeople.salesperson_id, worth.actions_worth, effort.remaining_visits, effort.last_visit_date
    from marts.customers
    inner join marts.customer_segments as segments using (customer_id)
    left join {SCOPE_WINDOWS} as windows
        on windows.scope_type = 'customer' and windows.scope_id = customers.customer_id
        and windows.month = segments.month and windows.time_window = 'r12'
    left join worth using (customer_id)
    left join marts.sales_effort as effort
        on effort.customer_id = customers.customer_id and effort.month = segments.month
    -- Whoever shares a customer with a salesperson of another team is not told who that is.
    left join marts.salespeople on salespeople.salesperson_id = effort.salesperson_id
    where segments.month = $month
),
wanted as (
    select * from listed
    where ($search = '' or contains(lower(customer_name), lower($search)) or contains(customer_id, $search))
        and ($segment = '' or segment = $segment)
        and ($salesperson = '' or salesperson_id = $salesperson)
        and ($chain = '' or chain_id = $chain)
        and ($industry = '' or industry = $industry)
        and case $group when 'loss' then db3 < 0 when 'good' then is_good_customer
            when 'up_down' then is_up_down else true end
)
"""


def listed(reader: Reader, wanted: Wanted, *, most: int | None = PAGE) -> Listed:
    """The customers of the viewer that are wanted.

    Args:
        most: customers per page; None for all of them.
    """
    values = {
        "month": reader.last_month,
        "search": wanted.search.strip(),
        "segment": wanted.segment,
        "salesperson": wanted.salesperson,
        "chain": wanted.chain,
        "industry": wanted.industry,
        "group": wanted.group,
    }
    column = SORTS.get(wanted.sort, "db3")
    order = f"{column} {'desc' if wanted.descending else 'asc'} nulls last, customer_id"
    page = "" if most is None else f" limit {int(most)} offset {int(most) * (max(wanted.page, 1) - 1)}"
    totals = reader.row(
        _LIST + "select count(*) as customers, coalesce(sum(net_sales), 0) as net_sales, "
        "coalesce(sum(db2), 0) as db2, coalesce(sum(db3), 0) as db3, "
        "coalesce(sum(actions_worth), 0) as actions_worth from wanted",
        values,
    )
    assert totals is not None
    return Listed(
        tuple(reader.rows(f"{_LIST} select * from wanted order by {order}{page}", values)),
        totals,
        {
            "segments": reader.rows(
                "select distinct segment as id, segment as name from marts.customer_segments "
                "where month = ? order by 1",
                [reader.last_month],
            ),
            "salespeople": reader.rows("select salesperson_id as id from marts.salespeople order by 1"),
            "chains": reader.rows(
                "select chain_id as id, any_value(chain_name) as name from marts.customers "
                "where chain_customers > 1 group by chain_id order by name"
            ),
            "industries": reader.rows(
                "select distinct industry as id, industry as name from marts.customers "
                "where industry is not null order by 1"
            ),
        },
    )
