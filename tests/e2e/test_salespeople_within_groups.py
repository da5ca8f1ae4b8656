"""What salespeople have within each opening segment of the demo is what docs/sales.md says, added up a second time.

Without owners that change, the same is computed from raw files in tests/real.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

from running import published

ZERO = Decimal(0)


def test_every_window_is_the_owners_parts_of_the_segments_customers(demo_workspace: Path) -> None:
    with published(demo_workspace) as con:
        parts = con.execute(
            "select month, salesperson_id, customer_id, net_sales, db3 from marts.portfolio_accounts"
        ).fetchall()
        openings = {
            (customer, month): opening
            for customer, month, opening in con.execute(
                "select customer_id, month, opening_segment from marts.customer_segments"
            ).fetchall()
        }
        windows = con.execute(
            "select time_window, first_month, month from marts.time_windows where time_window <> 'all'"
        ).fetchall()
        found = {
            (window, month, scope): (net_sales, db3)
            for window, month, scope, net_sales, db3 in con.execute(
                "select time_window, month, scope_id, net_sales, db3 from marts.scope_windows "
                "where scope_type = 'salesperson_segment' and (net_sales <> 0 or db3 <> 0)"
            ).fetchall()
        }
    by_month: dict[date, list[tuple[str, str, Decimal, Decimal]]] = defaultdict(list)
    for month, *part in parts:
        by_month[month].append((part[0], part[1], part[2], part[3]))
    expected: dict[tuple[str, date, str], tuple[Decimal, Decimal]] = {}
    for window, first, last in windows:
        for month in (each for each in by_month if first <= each <= last):
            for salesperson, customer, net_sales, db3 in by_month[month]:
                scope = (window, last, f"{salesperson} / {openings[customer, last]}")
                before = expected.get(scope, (ZERO, ZERO))
                expected[scope] = (before[0] + net_sales, before[1] + db3)
    expected = {scope: sums for scope, sums in expected.items() if any(sums)}
    assert len({scope for *_, scope in expected}) > 20
    assert len({salesperson for _, salesperson, *_ in parts}) > 5
    assert found == expected
