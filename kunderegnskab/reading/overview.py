"""The year at a glance, of the company or of what is the viewer's own.

Here: figures with last year, months, who earns the money, what moved, what waits for somebody. Not here: the
account itself (accounts.py), and how any of it looks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from kunderegnskab.feeds import load_feeds
from kunderegnskab.reading.reader import Reader, Row
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.reading.windows import SCOPE_WINDOWS

BRIDGE = (
    "price",
    "exchange_rate",
    "volume",
    "mix",
    "new_customer",
    "lost_customer",
    "new_product",
    "lost_product",
    "not_comparable",
    "unit_cost",
    "off_invoice",
    "other_goods_cost",
)
"""What changes DB I between two windows, in the order in which it is told: columns of marts.scope_effects."""


@dataclass(frozen=True)
class Scope:
    """What the figures are of: scope_type and scope_id of marts.scope_windows."""

    scope_type: str
    scope_id: str


def own_scope(viewer: Viewer) -> Scope:
    """What this viewer answers for: the company, a team, or the own customers."""
    if viewer.sees_all:
        return Scope("company", "company")
    if viewer.role == "manager" and viewer.team:
        return Scope("team", viewer.team)
    return Scope("salesperson", viewer.salesperson_id or "")


def kpis(reader: Reader, scope: Scope, window: str, kpi_ids: Sequence[str] = ()) -> list[Row]:
    """Rows of marts.kpi_values with what the register says of each KPI, in the register's order.

    Args:
        kpi_ids: those wanted; all that are in use where it is empty.
    """
    return reader.rows(
        """
        select kpi_values.*, kpi_register.* exclude (kpi_id)
        from marts.kpi_values inner join marts.kpi_register using (kpi_id)
        where scope_type = ? and scope_id = ? and month = ? and time_window = ?
            and (len(?) = 0 or list_contains(?, kpi_id))
        order by position
        """,
        [scope.scope_type, scope.scope_id, reader.last_month, window, list(kpi_ids), list(kpi_ids)],
    )


def months(reader: Reader, scope: Scope, count: int = 12) -> list[Row]:
    """Rows of SCOPE_WINDOWS of single months, oldest first, with last year in `compared_`."""
    found = reader.rows(
        f"""
        select * from {SCOPE_WINDOWS}
        where scope_type = ? and scope_id = ? and time_window = 'month'
        order by month desc limit ?
        """,
        [scope.scope_type, scope.scope_id, count],
    )
    return found[::-1]


def effects(reader: Reader, scope: Scope, window: str = "ytd") -> Row | None:
    """The row of marts.scope_effects: what changed sales and DB I; None where nothing is compared."""
    return reader.row(
        """
        select * from marts.scope_effects
        where scope_type = ? and scope_id = ? and month = ? and time_window = ?
        """,
        [scope.scope_type, scope.scope_id, reader.last_month, window],
    )


@dataclass(frozen=True)
class Earners:
    """Who earns the money, the best customers first.

    Attributes:
        cumulative: DB III of twelve months added up from the best customer on.
    """

    cumulative: tuple[Decimal, ...]

    @property
    def peak(self) -> Decimal:
        """The highest that is reached."""
        return max(self.cumulative, default=Decimal(0))

    @property
    def peak_customers(self) -> int:
        """How many customers make it."""
        return self.cumulative.index(self.peak) + 1 if self.cumulative else 0

    @property
    def total(self) -> Decimal:
        """What is left of it in the end."""
        return self.cumulative[-1] if self.cumulative else Decimal(0)

    @property
    def erosion(self) -> Decimal:
        """What the others take away again."""
        return self.peak - self.total


def earners(reader: Reader) -> Earners:
    """The whale curve of the customers that the viewer sees."""
    if reader.has("marts.whale_curve"):
        query = "select cumulative_db3 as reached from marts.whale_curve where month = ? order by rank"
    else:
        # Of the company's curve two rows would tell the customer between them.
        query = """
            select sum(db3) over (order by db3 desc, scope_id rows unbounded preceding) as reached
            from marts.scope_windows
            where scope_type = 'customer' and time_window = 'r12' and month = ?
            order by db3 desc, scope_id
        """
    found = reader.rows(query, [reader.last_month])
    return Earners(tuple(row["reached"] for row in found))


def movers(reader: Reader, most: int = 5) -> tuple[list[Row], list[Row]]:
    """The customers whose DB III has risen and fallen most against last year, each with how much."""

    def moved(sign: str, order: str) -> list[Row]:
        return reader.rows(
            f"""
            select scope_id as customer_id, customer_name, month, time_window, scope_type,
                net_sales, compared_net_sales, db3, compared_db3, db3 - compared_db3 as change
            from {SCOPE_WINDOWS} as windows
            inner join marts.customers on windows.scope_id = customers.customer_id
            where scope_type = 'customer' and month = ? and time_window = 'ytd'
                and db3 - compared_db3 {sign} 0
            order by db3 - compared_db3 {order}, customer_id limit ?
            """,
            [reader.last_month, most],
        )

    return moved(">", "desc"), moved("<", "asc")


def actions(reader: Reader, month: date) -> list[Row]:
    """What could be agreed with the viewer's customers, by driver: customers and worth of twelve months.

    What is worth most first.
    """
    return reader.rows(
        """
        select driver, count(*) as customers, sum(worth) as worth
        from marts.customer_actions where month = ? and worth > 0
        group by driver order by worth desc, driver
        """,
        [month],
    )


@dataclass(frozen=True)
class Waiting:
    """What waits for somebody.

    Attributes:
        approvals: rows of audit.waiting_approvals, each with its record's `key` by column; empty for who does
            not see them.
        reviews: rows of marts.segment_override_reviews that are due, with the customer's name.
        missed: rows of marts.kpi_values whose target is not met, with the KPI's names.
        owed: how many customers are owed visits, and how many visits.
    """

    approvals: tuple[Row, ...]
    reviews: tuple[Row, ...]
    missed: tuple[Row, ...]
    owed: Row


def waiting(reader: Reader) -> Waiting:
    """What waits for somebody, as far as the viewer sees it."""
    approvals: list[Row] = []
    if reader.has("audit.waiting_approvals"):
        found = reader.rows("select * from audit.waiting_approvals order by feed, record_key")
        approvals = [{**row, "key": _key(row["feed"], row["record_key"])} for row in found]
    return Waiting(
        tuple(approvals),
        tuple(
            reader.rows(
                """
                select segment_override_reviews.*, customer_name
                from marts.segment_override_reviews inner join marts.customers using (customer_id)
                where is_due_for_review order by customer_id
                """
            )
        ),
        tuple(
            reader.rows(
                """
                select kpi_values.*, name_da, name_en, unit, direction
                from marts.kpi_values inner join marts.kpi_register using (kpi_id)
                where month = ? and time_window = 'ytd' and not is_target_met
                order by scope_type, scope_id, position
                """,
                [reader.last_month],
            )
        ),
        _owed(reader),
    )


def _key(feed: str, record_key: str) -> dict[str, str]:
    """The columns of a record's key, of which the publication has a text for people (audit.history)."""
    columns = load_feeds()[feed].key if feed in load_feeds() else ()
    found = re.fullmatch(", ".join(f"{re.escape(name)} (.*)" for name in columns), record_key, re.DOTALL)
    return dict(zip(columns, found.groups(), strict=True)) if found else {}


def _owed(reader: Reader) -> dict[str, Any]:
    row = reader.row(
        """
        select count(*) as customers, coalesce(sum(remaining_visits), 0) as visits
        from marts.sales_effort where month = ? and remaining_visits > 0
        """,
        [reader.last_month],
    )
    assert row is not None
    return row
