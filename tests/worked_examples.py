"""The published worked examples: read from their file, entered in the books of one company, read back.

What each example puts into the books and what must come out of them belongs in tests/e2e/test_costing_cases.py
and tests/e2e/test_sales_cases.py, refreshing the company in tests/e2e/conftest.py.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from companies import at_rest

from kunderegnskab.audit.recalculation.accounts import COLUMNS

OPENING = date(2001, 1, 1)
ORE = Decimal("0.01")
ONE = Decimal(1)
NOTHING = Decimal(0)
# What an example that states a rate is given to do: more units a month than any of them uses, so that the
# pool costs rate x capacity and one unit costs exactly the rate.
CAPACITY_UNITS = Decimal(500_000)
POLICY = ("cost_pools", "activity_times", "segment_rules")


@dataclass
class Case:
    """One worked example: its numbers as the file states them, and the months that it has to itself."""

    id: str
    source: str
    inputs: Any
    published: Any
    exact: Any
    tolerance: Decimal
    months: dict[str, date] = field(default_factory=dict)

    def own(self, name: str) -> str:
        """A key of a customer, pool or activity type that no other example has."""
        return f"{self.id}-{name}"


def read_cases(datasets: Path) -> dict[str, Case]:
    """Every worked example of the file beside the folder of datasets, by id. Numbers are decimals."""
    path = datasets.parent / "cases.json"
    if not path.is_file():
        reason = f"there are no worked examples at {path}; they belong beside the folder of datasets"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    entries = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal, parse_int=Decimal)
    taken = ("id", "source", "inputs", "published", "exact", "tolerance")
    return {entry["id"]: Case(**{name: entry[name] for name in taken}) for entry in entries}


def agree(
    case: Case,
    found: Any,
    expected: Any,
    *,
    tolerance: Decimal | None = None,
    without: Collection[str] = (),
) -> None:
    """Every number of `expected`, and no other, was found; both may be nested.

    `without` names entries of `expected` that are no result. Without `tolerance`, the example's own holds.
    """
    allowed = case.tolerance if tolerance is None else tolerance
    must_be = dict(
        leaves(expected if not without else {k: expected[k] for k in expected if k not in without})
    )
    is_now = dict(leaves(found))
    assert is_now.keys() == must_be.keys(), f"{case.id}: {sorted(is_now)} are compared with {sorted(must_be)}"
    wrong = [
        f"{name or 'it'} is {is_now[name]}, must be {number}"
        for name, number in must_be.items()
        if not -allowed <= is_now[name] - number <= allowed
    ]
    assert not wrong, f"{case.id} ({case.source}; within {allowed}): {'; '.join(wrong)}"


def leaves(numbers: Any, path: str = "") -> Iterator[tuple[str, Decimal]]:
    """The numbers of nested mappings and lists, each with its dotted path."""
    if isinstance(numbers, Mapping):
        for name, inner in numbers.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(numbers, list):
        yield from leaves({str(position): inner for position, inner in enumerate(numbers)}, path)
    else:
        yield path, numbers


def split(total: Decimal, parts: int, unit: Decimal) -> list[Decimal]:
    """A total in parts that are whole units and differ by one unit at most."""
    each, left = divmod(total / unit, parts)
    assert left == int(left), f"{total} is not a whole number of {unit}"
    return [(each + (ONE if position < left else NOTHING)) * unit for position in range(parts)]


class Books:
    """The files of one company; every example has months, customers, pools and accounts of its own."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = parameters
        self.records: dict[str, list[dict[str, Any]]] = {}
        self.documents: Counter[str] = Counter()
        self.last_month: date | None = None

    def month(self, case: Case, name: str = "") -> date:
        """The next free month, which the example keeps under that name."""
        case.months[name] = self._next_month()
        return case.months[name]

    def year(self, case: Case, name: str = "") -> date:
        """The last of twelve months, which the example keeps under that name; the others stay empty."""
        for _ in range(11):
            self._next_month()
        return self.month(case, name)

    def two_years(self, case: Case) -> tuple[date, date]:
        """The month of before and that of now: one follows the other, each in a year of its own.

        Nothing else is in the two years, so these months are compared in the quarter that ends with the month
        `quarter`, and in the twelve months that end with the month `year`.
        """
        months = [self._next_month() for _ in range(24)]
        case.months.update(first=months[0], then=months[11], now=months[12])
        case.months.update(quarter=months[14], year=months[23])
        return case.months["then"], case.months["now"]

    def _next_month(self) -> date:
        if self.last_month is None:
            self.last_month = OPENING
        else:
            self.last_month = (self.last_month + timedelta(days=31)).replace(day=1)
        return self.last_month

    def add(self, feed: str, **values: Any) -> int:
        """One record of a feed; its number within the feed."""
        records = self.records.setdefault(feed, [])
        records.append(values)
        return len(records)

    # --- sales ----------------------------------------------------------------------------------------
    def sell(
        self,
        case: Case,
        customer: str,
        month: date,
        *,
        list_amount: Decimal,
        net_amount: Decimal | None = None,
        cost: Decimal | None,
        quantity: Decimal | None = None,
        orders: Decimal = ONE,
        lines: Decimal | None = None,
        **more: str,
    ) -> None:
        """Invoices over these totals: one per order, with the lines spread over them.

        No net amount means no discount, no cost that the lines carry none, no quantity one unit a line.
        """
        line_count = int(orders if lines is None else lines)
        amounts = {
            "list_amount": split(list_amount, line_count, ORE),
            "net_amount": split(list_amount if net_amount is None else net_amount, line_count, ORE),
            "quantity": split(Decimal(line_count) if quantity is None else quantity, line_count, ONE),
        }
        if cost is not None:
            amounts["cost_amount"] = split(cost, line_count, ORE)
        line = 0
        documents = f"F-{case.own(customer)}-{month:%y%m}"
        for lines_of_order in split(Decimal(line_count), int(orders), ONE):
            self.documents[documents] += 1
            for line_no in range(1, int(lines_of_order) + 1):
                self.add(
                    "sales_lines",
                    document_no=f"{documents}-{self.documents[documents]}",
                    line_no=line_no,
                    document_type="invoice",
                    posting_date=month.replace(day=15),
                    customer_id=case.own(customer),
                    **{column: values[line] for column, values in amounts.items()},
                    **more,
                )
                line += 1

    def credit(
        self, case: Case, customer: str, month: date, *, net_amount: Decimal, cost: Decimal, quantity: Decimal
    ) -> None:
        """A credit note of one line; what it takes back is negative, as the contract has it."""
        self.add(
            "sales_lines",
            document_no=f"K-{case.own(customer)}-{month:%y%m}",
            line_no=1,
            document_type="credit_note",
            posting_date=month.replace(day=20),
            customer_id=case.own(customer),
            list_amount=net_amount,
            net_amount=net_amount,
            cost_amount=cost,
            quantity=quantity,
        )

    def direct_cost(self, case: Case, customer: str, month: date, cost_type: str, amount: Decimal) -> None:
        """A cost that is the customer's own."""
        number = len(self.records.get("customer_costs", ())) + 1
        self.add(
            "customer_costs",
            cost_no=number,
            posting_date=month.replace(day=25),
            customer_id=case.own(customer),
            cost_type=cost_type,
            amount=amount,
        )

    def act(self, case: Case, customer: str, month: date, activity: str, quantity: Decimal) -> None:
        """So many units of an activity for the customer; an example that has none leaves no record."""
        if quantity:
            number = len(self.records.get("activities", ())) + 1
            self.add(
                "activities",
                activity_no=number,
                activity_date=month.replace(day=10),
                customer_id=case.own(customer),
                activity_type=activity,
                quantity=quantity,
            )

    # --- pools ----------------------------------------------------------------------------------------
    def capacity_pool(
        self,
        case: Case,
        name: str,
        month: date,
        *,
        cost: Decimal,
        minutes: Decimal,
        times: Mapping[str, Decimal],
        line: str = "K55",
    ) -> None:
        """A pool with a practical capacity and minutes per unit of each activity."""
        self._pool(case, name, month, method="capacity", line=line, minutes=minutes)
        for activity, minutes_per_unit in times.items():
            self.add(
                "activity_times",
                cost_pool_id=case.own(name),
                activity_type=activity,
                valid_from=month,
                minutes_per_unit=minutes_per_unit,
            )
        self.post(case, name, month, cost)

    def rate_pool(
        self, case: Case, name: str, month: date, *, rate: Decimal, activity: str, line: str = "K55"
    ) -> None:
        """A pool that charges a rate per unit of one activity: one minute a unit, one rate a minute."""
        self.capacity_pool(
            case,
            name,
            month,
            cost=rate * CAPACITY_UNITS,
            minutes=CAPACITY_UNITS,
            times={activity: ONE},
            line=line,
        )

    def proportional_pool(
        self, case: Case, name: str, month: date, *, cost: Decimal, driver: str, line: str = "K55"
    ) -> None:
        """A pool that is shared whole by a driver."""
        self._pool(case, name, month, method="proportional", line=line, driver=driver)
        self.post(case, name, month, cost)

    def post(self, case: Case, name: str, month: date, amount: Decimal) -> None:
        """What the pool of that name cost in a month, in the ledger."""
        number = len(self.records.get("ledger_entries", ())) + 1
        self.add(
            "ledger_entries",
            entry_no=number,
            posting_date=month.replace(day=28),
            account_no=case.own(name),
            amount=amount,
        )

    def _pool(
        self,
        case: Case,
        name: str,
        month: date,
        *,
        method: str,
        line: str,
        driver: str = "",
        minutes: Decimal | None = None,
    ) -> None:
        self.add(
            "cost_pools",
            cost_pool_id=case.own(name),
            valid_from=month,
            pool_name=f"{case.id} {name}",
            ladder_line=line,
            method=method,
            driver=driver,
            practical_capacity_minutes=minutes,
        )
        pool = f"pool:{case.own(name)}"
        self.add("ledger_accounts", account_no=case.own(name), account_name=pool, account_role=pool)

    # --- files ----------------------------------------------------------------------------------------
    def write(self, root: Path) -> None:
        """A workspace with one canonical file per feed, which needs no mapping."""
        company = {"name": "Regnestykkernes Engros A/S", "currency": "DKK", "salesperson_keys": "plain"}
        company |= self.parameters
        lines = "".join(f"{key}: {value}\n" for key, value in company.items())
        at_rest(root / "company.yaml", lines.encode())
        at_rest(root / "feeds.yaml", b"{}\n")
        for feed, records in self.records.items():
            columns = list(dict.fromkeys(column for record in records for column in record))
            with io.StringIO(newline="") as stream:
                writer = csv.DictWriter(stream, columns)
                writer.writeheader()
                writer.writerows(
                    {name: as_text(value) for name, value in record.items()} for record in records
                )
                folder = "policy" if feed in POLICY else "landing"
                at_rest(root / folder / f"{feed}.csv", stream.getvalue().encode())


def as_text(value: Any) -> str:
    """A value as a canonical file has it; nothing is an empty field."""
    if value is None:
        return ""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


@dataclass(frozen=True)
class Published:
    """The published marts, asked for one example at a time."""

    con: duckdb.DuckDBPyConnection

    def account(self, case: Case, customer: str, *months: date) -> dict[str, Decimal]:
        """The account of a customer, summed over these months or all of the example's."""
        return self._sum("marts.customer_accounts", COLUMNS, case, months, customer)

    def company(self, case: Case, *months: date) -> dict[str, Decimal]:
        """The account of the company, summed over these months or all of the example's."""
        return self._sum("marts.company_accounts", (*COLUMNS, *_COMPANY), case, months, None)

    def lines(self, case: Case, customer: str) -> dict[str, Decimal]:
        """The account of a customer over the example's months by line code."""
        return dict(
            self.con.execute(
                "select line_code, sum(amount) from marts.customer_account_lines "
                "where customer_id = ? group by line_code",
                [case.own(customer)],
            ).fetchall()
        )

    def ratio(self, case: Case, customer: str, name: str, month: date) -> Decimal:
        """dg1, dg2 or dg3 of a customer's month as published."""
        (found,) = self.con.execute(
            f"select {name} from marts.customer_accounts where customer_id = ? and month = ?",
            [case.own(customer), month],
        ).fetchall()
        return found[0]

    def amounts(self, case: Case) -> set[Decimal]:
        """Every amount of any line that is published for the example's customers: by month, and in all."""
        found = self.con.execute(
            "select sum(amount) from marts.customer_account_lines where starts_with(customer_id, ?) "
            "group by grouping sets ((customer_id, line_code, month), (customer_id, line_code))",
            [case.own("")],
        ).fetchall()
        return {amount for (amount,) in found}

    def step(self, case: Case, pool: str, month: date) -> dict[str, Any]:
        """What became of a pool in a month."""
        (step,) = self.records(
            "select * from audit.allocation_steps where cost_pool_id = ? and month = ?", case.own(pool), month
        )
        return step

    def steps(self, case: Case) -> list[dict[str, Any]]:
        """What became of every pool of the example in each of its months."""
        return self.records(
            "select * from audit.allocation_steps where starts_with(cost_pool_id, ?) and month in ? "
            "order by cost_pool_id, month",
            case.own(""),
            list(case.months.values()),
        )

    def shares(self, case: Case, pool: str, month: date, column: str = "amount") -> dict[str, Decimal]:
        """What each customer was given of a pool in a month: amount, or weight (minutes or driver units)."""
        found = self.con.execute(
            f"select customer_id, {column} from audit.allocations where cost_pool_id = ? and month = ?",
            [case.own(pool), month],
        ).fetchall()
        return {customer.removeprefix(case.own("")): number for customer, number in found}

    def records(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """The answer to a query, by the names of its columns."""
        asked = self.con.execute(query, list(values))
        names = [column[0] for column in asked.description or ()]
        return [dict(zip(names, row, strict=True)) for row in asked.fetchall()]

    def _sum(
        self, table: str, columns: Collection[str], case: Case, months: Collection[date], customer: str | None
    ) -> dict[str, Decimal]:
        sums = ", ".join(f"sum({column})" for column in columns)
        where, values = "month in ?", [list(months or case.months.values())]
        if customer is not None:
            where, values = f"{where} and customer_id = ?", [*values, case.own(customer)]
        (row,) = self.con.execute(f"select {sums} from {table} where {where}", values).fetchall()
        assert row[0] is not None, f"{table} holds nothing of {case.id} {customer or ''}"
        return dict(zip(columns, row, strict=True))


_COMPANY = ("segment_cost", "unused_capacity", "unallocated", "bonus_timing", "credit_cost_put_back")


PutIn = Callable[[Case, Books], None]


@dataclass(frozen=True)
class Told:
    """The examples, and the marts that were made of them."""

    cases: Mapping[str, Case]
    marts: Published


class Examples:
    """The examples of one kind: what each puts into the books, in this order."""

    def __init__(self) -> None:
        self.put_in: dict[str, PutIn] = {}

    def puts_in(self, *case_ids: str) -> Callable[[PutIn], PutIn]:
        """Marks what these examples put into the books."""

        def remember(put_in: PutIn) -> PutIn:
            self.put_in.update(dict.fromkeys(case_ids, put_in))
            return put_in

        return remember


# Filled by the tests of each kind, which are all in the books of one company. Those of sales come first: W34 needs to be
# alone with its past, and costing looks at nothing but the months of its own.
SALES = Examples()
COSTING = Examples()


def books_of(cases: Mapping[str, Case]) -> Books:
    """The books of the company of all examples, which get their months by this."""
    credit = cases["W37"].inputs["credit"]
    books = Books({"credit_interest_rate": credit["rate"], "day_count": credit["year"]})
    for examples in (SALES, COSTING):
        for case_id, put_in in examples.put_in.items():
            put_in(cases[case_id], books)
    return books
