"""The account as it is read: line by line, beside the year before, for a customer or any other scope.

Here: the account of a scope over a window, and what is told of one customer beside it. Not here: lists of
customers, and how an account looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from kunderegnskab.language import Code
from kunderegnskab.reading.decisions import customer_notes, with_decisions
from kunderegnskab.reading.reader import NothingToRead, Reader, Row
from kunderegnskab.reading.windows import SCOPE_WINDOWS
from kunderegnskab.sql import identifier

ScopeType = Literal["company", "team", "salesperson", "salesperson_today", "segment", "chain", "customer"]
Window = Literal["month", "quarter", "ytd", "r12"]


@dataclass(frozen=True)
class Line:
    """One line of an account.

    Attributes:
        code: K00 to K60.
        column: its column in marts.customer_accounts.
        is_subtotal: whether it is a sum of lines above it.
        sign: 1 where its amount adds to the result, -1 where it is subtracted; 0 for subtotals.
        amount: company currency, as the ladder has it: costs are positive.
        compared: the same of the window before; None where that has nothing.
    """

    code: str
    column: str
    name: str
    is_subtotal: bool
    sign: int
    amount: Decimal
    compared: Decimal | None

    @property
    def effect(self) -> Decimal:
        """What the line does to the result: costs are negative."""
        return self.amount if self.is_subtotal else self.sign * self.amount

    @property
    def compared_effect(self) -> Decimal | None:
        """What the line did to the result in the window before; None where that has nothing."""
        if self.compared is None:
            return None
        return self.compared if self.is_subtotal else self.sign * self.compared

    @property
    def change(self) -> Decimal | None:
        """How much more it is than in the window before."""
        return None if self.compared is None else self.amount - self.compared


@dataclass(frozen=True)
class Account:
    """The account of a scope over a window, and the window before.

    Attributes:
        month: the window's last month. Shape: its first day.
        first_month: the window's first month.
        is_complete: whether the window has all its months.
        lines: those in use, in the ladder's order.
        measures: the row of SCOPE_WINDOWS: what else was counted, each with `compared_`.
    """

    scope_type: ScopeType
    scope_id: str
    month: date
    first_month: date
    is_complete: bool
    lines: tuple[Line, ...]
    measures: Row

    def line(self, column: str) -> Line | None:
        """The line of this column; None where the company does not use it."""
        return next((line for line in self.lines if line.column == column), None)

    def amount(self, column: str) -> Decimal:
        """A line's amount; 0 where the company does not use it."""
        line = self.line(column)
        return Decimal(0) if line is None else line.amount

    def share(self, line: Line, of: str = "net_sales") -> Decimal | None:
        """What a line does to the result as a part of another line; None where that is not above 0."""
        return ratio(line.effect, self.amount(of))

    def compared_share(self, line: Line, of: str = "net_sales") -> Decimal | None:
        """The same of the window before."""
        base = self.line(of)
        return ratio(line.compared_effect, None if base is None else base.compared)


@dataclass(frozen=True)
class CustomerAccount:
    """What is told of one customer.

    Attributes:
        customer: the row of marts.customers.
        account: twelve months.
        months: rows of marts.customer_accounts of those twelve months and the twelve before, oldest first.
        segment: the row of marts.customer_segments of the month; None where the customer is in none.
        actions: rows of marts.customer_actions with their decisions, what is worth most first.
        drivers: rows of marts.driver_opportunities, what is worth most first.
        gaps: rows of marts.customer_profile_gaps: beside the good customer.
        terms: rows of marts.terms_beyond_concept.
        effort: the row of marts.sales_effort of the month; None where nothing is owed or made.
        returns: rows of marts.return_reason_shares, largest amount first.
        notes: rows of marts.customer_notes, the newest first; none where the publication has no such table.
        owners: rows of salesperson_id and share, who owns the customer today, as far as the viewer may know.
    """

    customer: Row
    account: Account
    months: tuple[Row, ...]
    segment: Row | None
    actions: tuple[Row, ...]
    drivers: tuple[Row, ...]
    gaps: tuple[Row, ...]
    terms: tuple[Row, ...]
    effort: Row | None
    returns: tuple[Row, ...]
    owners: tuple[Row, ...]
    notes: tuple[Row, ...]


def ratio(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    """Part of whole, sums first; None where there is no whole above 0."""
    return None if part is None or whole is None or whole <= 0 else part / whole


def account(
    reader: Reader,
    scope_type: ScopeType,
    scope_id: str,
    language: Code,
    *,
    month: date | None = None,
    window: Window = "r12",
) -> Account:
    """The account of a scope over the window that ends with a month, the newest one if none is named.

    Raises NothingToRead where the viewer sees no such account: there is none, or it is not theirs.
    """
    month = month or reader.last_month
    measures = reader.row(
        f"""
        select * from {SCOPE_WINDOWS}
        where scope_type = ? and scope_id = ? and month = ? and time_window = ?
        """,
        [scope_type, scope_id, month, window],
    )
    if measures is None:
        raise NothingToRead(f"There is no account of {scope_id or scope_type} for {month:%Y-%m} to read.")
    ladder = reader.rows(
        f"""
        select line_code, column_name, name_{language} as name, line_kind, sign
        from audit.ladder where is_used and level = 'customer' order by position
        """
    )
    return Account(
        scope_type,
        scope_id,
        month,
        measures["first_month"],
        measures["is_complete"],
        tuple(
            Line(
                each["line_code"],
                each["column_name"],
                each["name"],
                each["line_kind"] == "subtotal",
                each["sign"],
                measures[each["column_name"]],
                measures[f"compared_{each['column_name']}"],
            )
            for each in ladder
        ),
        measures,
    )


def customer_account(
    reader: Reader, customer_id: str, language: Code, *, month: date | None = None
) -> CustomerAccount:
    """Everything that is told of one customer, for the twelve months that end with a month.

    Raises NothingToRead where the viewer sees no such customer: there is none, or it is not theirs.
    """
    customer = reader.row("select * from marts.customers where customer_id = ?", [customer_id])
    if customer is None:
        raise NothingToRead(f"There is no customer {customer_id} to read.")
    found = account(reader, "customer", customer_id, language, month=month)
    month = found.month

    def of(table: str, order: str) -> tuple[Row, ...]:
        query = (
            f"select * from marts.{identifier(table)} where customer_id = ? and month = ? order by {order}"
        )
        return tuple(reader.rows(query, [customer_id, month]))

    return CustomerAccount(
        customer=customer,
        account=found,
        months=tuple(
            reader.rows(
                """
                select * from marts.customer_accounts
                where customer_id = ? and month <= ? and month > cast(? as date) - interval 24 month
                order by month
                """,
                [customer_id, month, month],
            )
        ),
        segment=next(iter(of("customer_segments", "month")), None),
        actions=with_decisions(reader, of("customer_actions", "action_rank, driver")),
        drivers=of("driver_opportunities", "worth desc nulls last, driver"),
        gaps=of("customer_profile_gaps", "characteristic"),
        terms=of("terms_beyond_concept", "worth desc nulls last, term"),
        effort=next(iter(of("sales_effort", "month")), None),
        returns=tuple(
            reader.rows(
                """
                select * from marts.return_reason_shares
                where scope_type = 'customer' and scope_id = ? and month = ?
                order by amount desc, return_reason
                """,
                [customer_id, month],
            )
        ),
        owners=tuple(
            reader.rows(
                """
                select salesperson_id, max(share) as share from marts.current_portfolio_accounts
                where customer_id = ? and month <= ?
                group by salesperson_id order by share desc, salesperson_id
                """,
                [customer_id, month],
            )
        ),
        notes=customer_notes(reader, customer_id),
    )
