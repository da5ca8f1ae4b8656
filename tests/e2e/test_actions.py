"""What the demo company's list of actions says is what docs/sales.md says, computed a second time.

The rules of the list, with few named rows, are dbt's unit tests; here it is a whole company's.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from actions_by_hand import actions, opportunities, published, published_customers, published_terms
from running import published as published_marts

from kunderegnskab.audit.trace import opened
from kunderegnskab.workspace import Workspace

# company.yaml of the demo says nothing else.
MINIMUM = 8
# It loses 206,765 kr. a year, with bonus, freight and visits of a better customer.
LOSS_MAKER = "002554"


def bad_debts(workspace: Path) -> dict[str, Decimal]:
    """Of each customer over the last twelve months, from the records that the publication is made of."""
    with opened(Workspace(workspace)) as trace:
        rows = trace.rows(
            "select customer_id, sum(amount) as amount from staging.stg_customer_costs, marts.time_windows "
            "where cost_type = 'bad_debt' and time_window = 'r12' "
            "and month = (select max(month) from marts.time_windows) "
            "and posting_date >= first_month and posting_date <= last_day(month) group by customer_id",
            reads=["staging.stg_customer_costs", "marts.time_windows"],
        )
    return {row["customer_id"]: row["amount"] for row in rows}


def test_opportunities_and_actions_equal_the_recomputation(demo_workspace: Path) -> None:
    lost = bad_debts(demo_workspace)
    assert lost, "no bad debt is left out"
    with published_marts(demo_workspace) as con:
        customers, terms = published_customers(con, lost), published_terms(con)
        for mart, by_hand in (
            ("driver_opportunities", opportunities(customers, MINIMUM)),
            ("customer_actions", actions(customers, terms, MINIMUM)),
        ):
            assert len(by_hand) > 50
            assert published(con, mart, next(iter(by_hand.values()))) == by_hand


def test_a_loss_maker_is_told_what_to_move(full_demo: Path) -> None:
    with published_marts(full_demo) as con:
        told = con.execute(
            "select term, worth, db3, distance from marts.customer_actions where customer_id = ?",
            [LOSS_MAKER],
        ).fetchall()
    ((db3, distance),) = {row[2:] for row in told}
    assert db3 < -200_000
    worth = {term: amount for term, amount, *_ in told if term}
    assert worth.keys() >= {"bonus", "free_freight", "visits"}
    assert 200_000 <= sum(worth[term] for term in ("bonus", "free_freight", "visits")) <= 400_000
    assert sum(amount for _, amount, *_ in told) <= distance
