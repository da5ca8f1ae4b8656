"""What differs between a publication and a scenario: amounts by level over twelve months, and who moved.

How it is written and shown belongs in files.py and in the command, what marts mean in dbt_project/.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal, get_args

import duckdb

from kunderegnskab.publication.store import Publication
from kunderegnskab.sql import identifier, literal
from kunderegnskab.workspace import WAREHOUSE_CATALOG

Level = Literal["company", "segment", "salesperson", "salesperson_today", "customer"]
Fact = Literal["segment", "salesperson"]
MEASURES = ("customers", "net_sales", "db1", "db2", "db3", "planned_visits")
"""What each level but the company is measured by; the company has the lines of its account, too."""

_BEFORE = "published"
# As DuckDB calls the warehouse, because its views name their tables so.
_AFTER = WAREHOUSE_CATALOG
_AMOUNT = "decimal(38, 4)"
_LINES = ("net_sales", "db1", "db2", "db3")


@dataclass(frozen=True)
class Amount:
    """A measure of a scope over the twelve months; None where there is no such scope, or none of its kind.

    Attributes:
        scope_id: segment, customer, or salesperson as the publication names them; `company`.
        name: of a customer.
        measure: one of MEASURES, or a column of marts.company_accounts.
    """

    level: Level
    scope_id: str
    name: str | None
    measure: str
    before: Decimal | None
    after: Decimal | None

    @property
    def difference(self) -> Decimal:
        """What is added, in the measure's unit: money, customers or visits; 0 where nothing changes."""
        return (self.after or Decimal(0)) - (self.before or Decimal(0))


@dataclass(frozen=True)
class Place:
    """Where a customer stands at the end of the twelve months: its segment, or who owns it then."""

    customer_id: str
    name: str | None
    fact: Fact
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Comparison:
    """A scenario beside the publication that it was tried on.

    Attributes:
        first_month, month: the first and the last of the months that are compared.
        amounts: of every scope that either has, by level, in the order of MEASURES.
        places: of every customer with an account in these months.
        line_names: names of the lines of the account by column.
    """

    publication: str
    first_month: date
    month: date
    amounts: tuple[Amount, ...]
    places: tuple[Place, ...]
    line_names: dict[str, str]

    def at(self, level: Level) -> list[Amount]:
        """All amounts of a level."""
        return [amount for amount in self.amounts if amount.level == level]

    @property
    def moved(self) -> list[Place]:
        """The customers that stand elsewhere."""
        return [place for place in self.places if place.before != place.after]

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        return bool(self.moved) or any(amount.before != amount.after for amount in self.amounts)


def compared(base: Publication, warehouse: Path, locale: Literal["da", "en"]) -> Comparison:
    """A scenario's warehouse beside the publication, over the last twelve months that have been posted.

    Segments are those at the end of these months, so that the segments add up to the customers.
    Salespeople are measured twice: by who owned the customers month by month (`salesperson`), as KPIs are,
    and with all twelve months of the customers that they own at the end (`salesperson_today`).

    Args:
        locale: of the names of the account's lines.
    """
    with duckdb.connect() as con:
        con.execute(f"attach {literal(base.database.resolve())} as {_BEFORE} (read_only)")
        con.execute(f"attach {literal(warehouse)} as {_AFTER} (read_only)")
        ((first_month, month),) = con.execute(
            f"select first_month, month from {_BEFORE}.marts.time_windows where time_window = 'r12' "
            "order by month desc limit 1"
        ).fetchall()
        con.execute(
            "create table amounts "
            f"(side varchar, level varchar, id varchar, measure varchar, amount {_AMOUNT})"
        )
        con.execute("create table places (side varchar, customer_id varchar, fact varchar, place varchar)")
        for side in (_BEFORE, _AFTER):
            con.execute(f"use {side}.marts")
            _take(con, side, first_month, month)
        con.execute("use memory.main")
        names = f"select customer_id, customer_name from {_AFTER}.marts.customers"
        amounts = con.execute(
            f"""
            select a.level, a.id, n.customer_name, a.measure,
                any_value(a.amount) filter (side = '{_BEFORE}'),
                any_value(a.amount) filter (side = '{_AFTER}')
            from amounts as a left join ({names}) as n on a.level = 'customer' and a.id = n.customer_id
            group by a.level, a.id, n.customer_name, a.measure
            """
        ).fetchall()
        places = con.execute(
            f"""
            select p.customer_id, n.customer_name, p.fact,
                any_value(p.place) filter (side = '{_BEFORE}'), any_value(p.place) filter (side = '{_AFTER}')
            from places as p left join ({names}) as n on p.customer_id = n.customer_id
            group by p.customer_id, n.customer_name, p.fact order by p.customer_id, p.fact desc
            """
        ).fetchall()
        lines = con.execute(
            f"select column_name, name_{locale} from {_AFTER}.audit.ladder order by position"
        ).fetchall()
        columns = _company_columns(con, _AFTER)
    order = {measure: place for place, measure in enumerate((*MEASURES[:1], *columns, *MEASURES[-1:]))}
    levels = get_args(Level)
    return Comparison(
        base.name,
        first_month,
        month,
        tuple(
            sorted(
                (Amount(*row) for row in amounts),
                key=lambda each: (levels.index(each.level), each.scope_id, order[each.measure]),
            )
        ),
        tuple(Place(*row) for row in places),
        {column: name for column, name in lines if column and name},
    )


def _take(con: duckdb.DuckDBPyConnection, side: str, first_month: date, month: date) -> None:
    """Note one side's amounts and places; its marts are in use."""
    window = f"month between date '{first_month}' and date '{month}'"
    at_end = f"month = date '{month}'"
    sums = ", ".join(f"sum({line}) as {line}" for line in _LINES)
    con.execute(
        f"""
        create or replace temp table customers_of_{side} as
        select accounts.customer_id, 1 as customers, {_prefixed("accounts", _LINES)},
            effort.planned_visits, segments.segment
        from (
            select customer_id, {sums} from customer_accounts where {window} group by customer_id
        ) as accounts
        left join (select customer_id, segment from customer_segments where {at_end}) as segments
            on accounts.customer_id = segments.customer_id
        left join (select customer_id, planned_visits from sales_effort where {at_end}) as effort
            on accounts.customer_id = effort.customer_id
        """
    )
    customers = f"temp.customers_of_{side}"
    _note(con, side, "customer", "customer_id", customers)
    for level, scope in (("segment", "segment"), ("company", "'company'")):
        summed = ", ".join(f"sum({measure}) as {measure}" for measure in MEASURES)
        _note(con, side, level, "id", f"(select {scope} as id, {summed} from {customers} group by all)")
    effort = (
        f"(select salesperson_id, sum(planned_visits) as planned_visits from sales_effort where {at_end} "
        "group by salesperson_id)"
    )
    for level, portfolios in (
        ("salesperson", "portfolio_accounts"),
        ("salesperson_today", "current_portfolio_accounts"),
    ):
        _note(
            con,
            side,
            level,
            "salesperson_id",
            f"""(
                select portfolios.*, effort.planned_visits
                from (
                    select salesperson_id, count(distinct customer_id) as customers, {sums}
                    from {portfolios} where {window} group by salesperson_id
                ) as portfolios
                left join {effort} as effort on portfolios.salesperson_id = effort.salesperson_id
            )""",
        )
    lines = [column for column in _company_columns(con, side) if column not in _LINES]
    summed = ", ".join(f"sum({identifier(column)}) as {identifier(column)}" for column in lines)
    _note(con, side, "company", "'company'", f"(select {summed} from company_accounts where {window})", lines)
    con.execute(
        f"""
        insert into memory.main.places
        select '{side}', customer_id, 'segment', segment from {customers}
        union all
        select '{side}', customer_id, 'salesperson',
            string_agg(distinct salesperson_id, ', ' order by salesperson_id)
        from current_portfolio_accounts where {window} group by customer_id
        """
    )


def _note(
    con: duckdb.DuckDBPyConnection,
    side: str,
    level: str,
    scope_id: str,
    relation: str,
    measures: Iterable[str] = MEASURES,
) -> None:
    """Note a row for each measure of a relation that has a column for each of them; NULL is none."""
    for measure in measures:
        column = identifier(measure)
        con.execute(
            f"insert into memory.main.amounts select '{side}', '{level}', {scope_id}, {literal(measure)}, "
            f"cast({column} as {_AMOUNT}) from {relation} where {column} is not null"
        )


def _company_columns(con: duckdb.DuckDBPyConnection, side: str) -> list[str]:
    """The amounts of marts.company_accounts, in its order."""
    found = con.execute(f"describe {side}.marts.company_accounts").fetchall()
    return [name for name, sql_type, *_ in found if sql_type == "DECIMAL(18,4)"]


def _prefixed(relation: str, columns: Iterable[str]) -> str:
    return ", ".join(f"{relation}.{column}" for column in columns)
