"""What the demo company's windows say of the rates of its pools is what docs/sales.md says, computed a second time.

The cases, with few named rows, are dbt's unit tests; here it is a whole company's. That bridges add up is a rule.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from rates_by_hand import Remeasured, earlier, of_window, published_changes
from running import published

from kunderegnskab.audit.trace import opened
from kunderegnskab.workspace import Workspace

WINDOWS_OF_CUSTOMERS = """
    select scopes.scope_id, time_window, first_month, month, order_cost_rate_change, sales_effort_cost_rate_change
    from marts.scope_windows as scopes
    inner join marts.time_windows as windows using (month, time_window)
    where scopes.scope_type = 'customer' and compared_first_month is not null
"""
POOL_RATES = """
    select
        (select sum(amount) from marts.portfolio_bridge
            where component = 'pool_rates' and month = $month and time_window = 'r12'),
        (select sum(order_cost_rate_change + sales_effort_cost_rate_change) from marts.scope_windows
            where scope_type = 'company' and month = $month and time_window = 'r12')
"""


def remeasured(workspace: Path) -> Remeasured:
    """Customer service is timed again at the turn of 2025: a return takes 30 minutes instead of 35."""
    with opened(Workspace(workspace)) as trace:
        times = trace.rows(
            "select activity_type, valid_from, minutes_per_unit, applies_to from staging.stg_activity_times "
            "where cost_pool_id = 'customer_service' order by valid_from",
            reads=["staging.stg_activity_times"],
        )
        caused = trace.rows(
            "select customer_id, month, driver, quantity from intermediate.int_customer_drivers "
            "where driver in ('complaint', 'return')",
            reads=["intermediate.int_customer_drivers"],
        )
    assert {row["applies_to"] for row in times} == {"all"}

    def equation(month: date) -> dict[str, Decimal]:
        return {
            row["activity_type"]: row["minutes_per_unit"]
            for row in times
            if earlier(row["valid_from"], 0) <= month
        }

    first_month = min(row["valid_from"] for row in times)
    found: dict[tuple[str, date, int, str], Decimal] = {}
    for row in caused:
        for back in (3, 12):
            month, before = row["month"], earlier(row["month"], back)
            if before >= first_month and equation(before) != equation(month):
                key = ("customer_service", month, back, row["customer_id"])
                found[key] = found.get(key, Decimal(0)) + row["quantity"] * equation(before)[row["driver"]]
    assert found, "nothing is timed again"
    return found


def test_rates_of_every_customer_and_window_equal_the_recomputation(demo_workspace: Path) -> None:
    again = remeasured(demo_workspace)
    with published(demo_workspace) as con:
        changes = published_changes(con, again)
        rows = con.execute(WINDOWS_OF_CUSTOMERS).fetchall()
        of_portfolios, of_company = con.execute(POOL_RATES, {"month": date(2025, 12, 1)}).fetchall()[0]
    assert len(rows) > 1000
    for customer, window, first_month, month, *found in rows:
        by_hand = [of_window(changes, customer, line, window, first_month, month) for line in ("K55", "K56")]
        assert found == by_hand, (customer, window, month)
    # What pools cost more per minute is the company's doing, and no salesperson's own.
    assert of_company > 0
    assert of_portfolios == -of_company
