"""The cost of credit time (K57), document by document (decision 0019).

Here: days of credit, what they cost, and the month they stand in.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kunderegnskab.audit.recalculation.arithmetic import (
    RATE,
    products,
)
from kunderegnskab.audit.recalculation.records import Records

_LATER = 10**7


@dataclass(frozen=True)
class Terms:
    """Interest from a day to before another; `rate` in 1/100000000 a year of `year` days."""

    start: int
    end: int
    rate: int
    year: int

    def days(self, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """How many of the days from `begins` to before `ends` lie in these terms; backwards ones negative."""
        return np.clip(ends, self.start, self.end) - np.clip(begins, self.start, self.end)


def cost_of_days(amounts: np.ndarray, days: np.ndarray, terms: Terms) -> np.ndarray:
    """amount x interest x days / days of the year, in 1/10000, rounded once."""
    cost = np.zeros(len(amounts), dtype="int64")
    there = days != 0
    cost[there] = products(amounts[there], days[there] * terms.rate, RATE * terms.year)
    return cost


def credit_postings(records: Records) -> pd.DataFrame:
    """What the months of every document cost: columns customer, day, line, amount.

    A month's cost is the cost to its end less the cost to the end of the month before, each rounded once for
    each of the terms that the document has met.
    """
    documents = _documents(records)
    customers = records.customer_of(documents["customer_id"]).to_numpy()
    amounts = documents["amount"].to_numpy(dtype="int64")
    calendar = records.calendar
    opening = calendar.first_day(records.first_month)
    begins = np.maximum(documents["invoice_date"].to_numpy(dtype="int64"), opening)
    ends = np.maximum(_ends(records, documents), opening)
    # A row for each document and month that its days touch.
    first = np.minimum(calendar.months_of(np.minimum(begins, ends)), records.last_month)
    last = np.clip(calendar.months_of(np.maximum(begins, ends) - 1), first, records.last_month)
    count = last - first + 1
    row = np.repeat(np.arange(len(documents)), count)
    place = (
        first[row] + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) - records.first_month
    )
    starts = [calendar.first_day(month) for month in records.months()]
    # A payment may be known before its month is posted: its days stand in the last posted month.
    limits = np.array([*starts, _LATER], dtype="int64")

    def cost_before(limit: np.ndarray, terms: Terms) -> np.ndarray:
        days = terms.days(np.minimum(begins[row], limit), np.minimum(ends[row], limit))
        return cost_of_days(amounts[row], days, terms)

    cost = np.zeros(len(row), dtype="int64")
    for terms in _all_terms(records):
        cost += cost_before(limits[place + 1], terms) - cost_before(limits[place], terms)
    days_of_posting = np.array([calendar.last_day(month) for month in records.months()], dtype="int64")
    return pd.DataFrame(
        {"customer": customers[row], "day": days_of_posting[place], "line": "credit_cost", "amount": cost}
    )


def _documents(records: Records) -> pd.DataFrame:
    """The receivables dated within the accounts or before; a later one is no credit yet."""
    documents = records.frame("receivables")
    accounts_end = records.calendar.last_day(records.last_month) + 1
    return documents[documents["invoice_date"] < accounts_end].reset_index(drop=True)


def _ends(records: Records, documents: pd.DataFrame) -> np.ndarray:
    """The first day on which each document costs nothing any more."""
    accounts_end = records.calendar.last_day(records.last_month) + 1
    lost = records.costs[records.costs["cost_type"] == "bad_debt"].dropna(subset=["document_no"])
    lost = lost[lost["document_no"].isin(documents["document_no"])]
    entries: dict[str, list[tuple[int, int]]] = {}
    for document, day, amount in zip(lost["document_no"], lost["posting_date"], lost["amount"], strict=True):
        entries.setdefault(str(document), []).append((int(day), int(amount)))
    found = []
    for document, begins, paid, owed in zip(
        documents["document_no"],
        documents["invoice_date"],
        documents["paid_date"],
        documents["amount"],
        strict=True,
    ):
        until = None if pd.isna(paid) else int(paid)
        ends = [accounts_end if until is None else until]
        # A balance in the customer's favour is written off as an income.
        sign = -1 if owed < 0 else 1
        bad_debts = [(day, sign * amount) for day, amount in entries.get(str(document), ())]
        given_up = given_up_on(bad_debts, until)
        if given_up is not None:
            ends.append(max(given_up, int(begins)))
        found.append(min(ends))
    return np.array(found, dtype="int64")


def given_up_on(bad_debts: Collection[tuple[int, int]], paid: int | None) -> int | None:
    """The day on which a document is given up, None if it is not.

    Args:
        bad_debts: day and amount of each bad debt on the document, with the sign of what was owed; one that
            is taken back has the other.
        paid: the day of its payment, None while it is open. What is posted from then on changes nothing.
    """
    since, total = None, 0
    days = sorted(day for day, _ in bad_debts)
    for day in dict.fromkeys(days):
        if paid is not None and day >= paid:
            break
        total += sum(amount for other, amount in bad_debts if other == day)
        if total <= 0:
            since = None
        elif since is None:
            since = day
    return since


def _all_terms(records: Records) -> list[Terms]:
    """The company's terms, and those of company.yaml before the first."""
    own = records.frame("credit_terms").sort_values("valid_from")
    company = records.company
    starts = [-_LATER, *(int(day) for day in own["valid_from"])]
    rates = [int(company.credit_interest_rate * RATE), *(int(rate) for rate in own["interest_rate"])]
    years = [int(company.day_count), *(int(days) for days in own["day_count"])]
    return [Terms(*terms) for terms in zip(starts, [*starts[1:], _LATER], rates, years, strict=True)]
