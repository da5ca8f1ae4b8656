"""What the month's report tells of the whole company: groups, portfolios, actions, the tie to the ledger.

Here: its figures for the twelve months that end with a month. Not here: words, and how it looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kunderegnskab.language import Code
from kunderegnskab.reading import overview
from kunderegnskab.reading.accounts import Account, account
from kunderegnskab.reading.decisions import with_decisions
from kunderegnskab.reading.quality import AT_ACTUAL_RATES
from kunderegnskab.reading.reader import Reader, Row
from kunderegnskab.reading.windows import SCOPE_WINDOWS
from kunderegnskab.sql import literals

BRIDGE = ("own_development", "transfer", "received", "new_and_lost", "pool_rates")
"""What the change of a portfolio's DB III is the sum of, by marts.portfolio_bridge.component_group."""

MOST_ACTIONS = 14
"""How many actions are listed where nobody says."""


@dataclass(frozen=True)
class MonthReport:
    """The company over twelve months, all amounts in its currency.

    Attributes:
        account: the company's, beside the twelve months before.
        months: rows of marts.company_accounts of those months and the twelve before, oldest first.
        concentration: the row of marts.portfolio_concentration; None where nobody has an account.
        segments: rows of SCOPE_WINDOWS of the customers who are in a segment now; `good_customers`.
        portfolios: the same of salespeople by who owned the customers when, with what the change of DB III
            is the sum of (BRIDGE); None where nothing is compared.
        curve: rows of marts.whale_curve, from who earns most.
        drivers: by driver of marts.customer_actions `customers` and `worth`, largest worth first.
        actions: rows of marts.customer_actions with `customer_name`, `salesperson_id`, `sentence`, of all
            customers; what is worth most first, as many as were asked for.
        all_actions: `actions`, `customers` and `worth` of all of them, also those that are not listed.
    """

    account: Account
    months: tuple[Row, ...]
    concentration: Row | None
    segments: tuple[Row, ...]
    portfolios: tuple[Row, ...]
    curve: tuple[Row, ...]
    drivers: tuple[Row, ...]
    actions: tuple[Row, ...]
    all_actions: Row


def month_report(
    reader: Reader, language: Code, *, month: date | None = None, actions: int | None = MOST_ACTIONS
) -> MonthReport:
    """The company's report for the twelve months that end with a month, the newest one if none is named.

    For viewers who see all: it names customers and salespeople of every team. Raises NothingToRead where
    there is no account of the company.
    """
    found = account(reader, "company", "company", language, month=month)
    values = {"month": found.month}
    scopes = f"select * from {SCOPE_WINDOWS} where month = $month and time_window = 'r12'"
    sums = reader.row(
        """
        select count(*) as actions, count(distinct customer_id) as customers, coalesce(sum(worth), 0) as worth
        from marts.customer_actions where month = $month and worth > 0
        """,
        values,
    )
    assert sums is not None
    return MonthReport(
        account=found,
        months=tuple(
            {**AT_ACTUAL_RATES, **row}
            for row in reader.rows(
                """
                select * from marts.company_accounts
                where month <= $month and month > cast($month as date) - interval 24 month
                order by month
                """,
                values,
            )
        ),
        concentration=reader.row("select * from marts.portfolio_concentration where month = $month", values),
        segments=tuple(
            reader.rows(
                f"""
                select scopes.*, coalesce(good_customers, 0) as good_customers
                from ({scopes} and scope_type = 'segment') as scopes
                left join (
                    select segment as scope_id, count(*) filter (where is_good_customer) as good_customers
                    from marts.customer_segments where month = $month group by segment
                ) as good using (scope_id)
                order by scope_id
                """,
                values,
            )
        ),
        portfolios=tuple(
            reader.rows(
                f"""
                select scopes.*, bridge.* exclude (salesperson_id)
                from ({scopes} and scope_type = 'salesperson') as scopes
                left join (
                    pivot (
                        select salesperson_id, component_group, amount from marts.portfolio_bridge
                        where month = $month and time_window = 'r12'
                    )
                    on component_group in ({literals(BRIDGE)})
                    using sum(amount)
                ) as bridge on bridge.salesperson_id = scopes.scope_id
                order by db3 desc, scope_id
                """,
                values,
            )
        ),
        curve=tuple(
            reader.rows("select * from marts.whale_curve where month = $month order by rank", values)
        ),
        drivers=tuple(overview.actions(reader, found.month)),
        actions=with_decisions(
            reader,
            reader.rows(
                f"""
                select customer_actions.*, sentence_{language} as sentence, customer_name, salesperson_id
                from marts.customer_actions
                inner join marts.customers using (customer_id)
                left join (
                    select customer_id, month, salesperson_id from marts.sales_effort
                ) as lists using (customer_id, month)
                where month = $month and worth > 0
                order by worth desc, customer_id, driver
                limit $limit
                """,
                {**values, "limit": actions},
            ),
        ),
        all_actions=sums,
    )
