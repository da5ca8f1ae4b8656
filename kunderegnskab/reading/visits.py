"""Whom a salesperson visits first, and which customers stand on whose list.

Here: the list of visits as the publication ranks it, and finding a salesperson by what people call one. Not
here: why a customer stands where it does; the publication says it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from kunderegnskab.language import Code
from kunderegnskab.personal.names import Salesperson
from kunderegnskab.problems import quoted
from kunderegnskab.reading.decisions import holding, with_decisions
from kunderegnskab.reading.reader import NothingToRead, Reader, Row


@dataclass(frozen=True)
class VisitList:
    """A salesperson's customers by priority.

    Attributes:
        month: the last month of the twelve that are measured. Shape: its first day.
        visits: rows of marts.sales_effort, first who is visited first, with `customer_name`, `industry`,
            `net_sales` of the twelve months (company currency), `first_action` (a sentence or None;
            rejected ones come last) with its `driver` and decision, and `reason`; in one language.
        capacity: the row of marts.visit_capacity with `sentence`; None where nothing is known of hours.
    """

    salesperson_id: str
    month: date
    visits: tuple[Row, ...]
    capacity: Row | None


def find_salesperson(reader: Reader, asked: str, names: Sequence[Salesperson]) -> str:
    """A salesperson as the publication names them, by that key, the company's own key, or the name.

    Args:
        names: who is behind the pseudonyms, as far as the viewer may know it.

    Raises NothingToRead where the viewer sees nobody, or several, of that name.
    """
    seen = {row["salesperson_id"] for row in reader.rows("select salesperson_id from marts.salespeople")}
    if asked in seen:
        return asked
    found = {
        each.pseudonym
        for each in names
        if each.pseudonym in seen
        and (
            each.salesperson_id == asked
            or (each.salesperson_name or "").casefold() == asked.strip().casefold()
        )
    }
    # Where keys are published as they are, the publication has the names itself.
    found |= {
        row["salesperson_id"]
        for row in reader.rows(
            "select salesperson_id from marts.salespeople where lower(salesperson_name) = lower(?)",
            [asked.strip()],
        )
    }
    if len(found) == 1:
        return found.pop()
    if found:
        raise NothingToRead(
            f"{len(found)} salespeople are called {quoted(asked)}; "
            f"name one by key: {', '.join(sorted(found))}."
        )
    raise NothingToRead(
        f"{reader.publication.name} knows no salesperson {quoted(asked)}; "
        "`kunderegnskab salespeople` shows who is listed."
    )


def customers_with_accounts(
    reader: Reader, salesperson_id: str | None = None, *, month: date | None = None
) -> list[str]:
    """The numbers of all customers with an account in the twelve months, in order; on one list if named.

    Records without a customer's number are no customer.
    """
    return [
        row["customer_id"]
        for row in reader.rows(
            """
            select scope_id as customer_id
            from marts.scope_windows
            inner join marts.customers on customer_id = scope_id
            where scope_type = 'customer' and time_window = 'r12' and month = $month and not is_unknown
                and (
                    $salesperson_id is null
                    or scope_id in (
                        select customer_id from marts.sales_effort
                        where month = $month and salesperson_id = $salesperson_id
                    )
                )
            order by customer_id
            """,
            {"month": month or reader.last_month, "salesperson_id": salesperson_id},
        )
    ]


def visit_list(
    reader: Reader, salesperson_id: str, language: Code, *, month: date | None = None
) -> VisitList:
    """A salesperson's customers, first who is visited first. Raises NothingToRead where there are none."""
    month = month or reader.last_month
    values = {"month": month, "salesperson_id": salesperson_id}
    visits = reader.rows(
        f"""
        select sales_effort.*, reason_{language} as reason, customer_name, industry,
            net_sales_r12 as net_sales, first_action, driver
        from marts.sales_effort
        inner join marts.customers using (customer_id)
        left join (
            select customer_id, month, net_sales_r12 from marts.customer_segments
        ) as segments using (customer_id, month)
        left join (
            select customer_id, month, driver, sentence_{language} as first_action
            from marts.customer_actions
            left join ({holding(reader)}) as decisions using (customer_id, driver)
            -- Less of the salesperson's time is nothing to agree on a visit that is owed.
            where driver <> 'sales_effort' and worth > 0
            qualify row_number() over (
                partition by customer_id, month
                order by coalesce(decision = 'rejected', false), action_rank, driver
            ) = 1
        ) as actions using (customer_id, month)
        where month = $month and salesperson_id = $salesperson_id
        order by priority_rank, customer_id
        """,
        values,
    )
    if not visits:
        raise NothingToRead(
            f"No customer was on the list of {reader.salesperson_name(salesperson_id)} in {month:%Y-%m}."
        )
    capacity = reader.row(
        f"""
        select *, sentence_{language} as sentence from marts.visit_capacity
        where scope_type = 'salesperson' and scope_id = $salesperson_id and month = $month
        """,
        values,
    )
    return VisitList(salesperson_id, month, with_decisions(reader, visits), capacity)
