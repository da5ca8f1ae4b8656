"""The customer accounts from the records: every posting on its line, and the lines added up.

Here: which line a record belongs to, and the form of the account. Not here: what no record carries by itself
(bonus.py, pools.py, credit.py) and whose the postings are (portfolios.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from kunderegnskab.audit.recalculation.arithmetic import months_of
from kunderegnskab.audit.recalculation.bonus import bonus_postings
from kunderegnskab.audit.recalculation.credit import credit_postings
from kunderegnskab.audit.recalculation.pools import pool_postings
from kunderegnskab.audit.recalculation.records import Records

# The standard form: code, column, effect on the result (0: a subtotal of what stands above it). The number in
# the code is the line's place, until the company moves it.
_STANDARD = (
    ("K00", "list_sales", 1),
    ("K05", "invoice_discount", -1),
    ("K10", "invoiced_sales", 0),
    ("K15", "returns", -1),
    ("K20", "bonus", -1),
    ("K25", "cash_discount", -1),
    ("K30", "net_sales", 0),
    ("K35", "cogs", -1),
    ("K40", "db1", 0),
    ("K45", "freight", -1),
    ("K46", "handling", -1),
    ("K47", "other_direct", -1),
    ("K50", "db2", 0),
    ("K55", "order_cost", -1),
    ("K56", "sales_effort_cost", -1),
    ("K57", "credit_cost", -1),
    ("K60", "db3", 0),
)
COLUMNS = tuple(column for _, column, _ in _STANDARD)
_COLUMN_OF = {code: column for code, column, _ in _STANDARD}
_AMOUNTS = [column for _, column, effect in _STANDARD if effect]

# Kind of a customer cost -> line. Settled bonus is not among them: see bonus.py.
_COST_LINES = {
    "marketing": "bonus",
    "cash_discount": "cash_discount",
    "return_write_down": "cogs",
    "freight": "freight",
    "return_handling": "handling",
    "commission": "other_direct",
    "bad_debt": "other_direct",
    "other": "other_direct",
}
POSTING = ["customer", "day", "line", "amount"]


@dataclass(frozen=True)
class Ladder:
    """The form of the account: subtotal -> the amount columns above it with their effect, 1 or -1."""

    subtotals: dict[str, dict[str, int]]
    unused: frozenset[str]

    def with_subtotals(self, amounts: pd.DataFrame) -> pd.DataFrame:
        """The amounts with every subtotal, as columns in the order of the standard form."""
        amounts = amounts.reindex(columns=_AMOUNTS, fill_value=0)
        amounts[list(self.unused)] = 0
        for subtotal, above in self.subtotals.items():
            amounts[subtotal] = 0
            for column, effect in above.items():
                amounts[subtotal] += effect * amounts[column]
        return amounts[list(COLUMNS)]


class Accounts:
    """All postings of a publication's records, and the accounts that they add up to."""

    def __init__(self, records: Records) -> None:
        self.records = records

    @cached_property
    def ladder(self) -> Ladder:
        """The form in force: the standard with what the company changes of it."""
        own = self.records.frame("ladder_lines")
        codes = [str(code) for code in own["line_code"]]
        moved = {
            code: int(position)
            for code, position in zip(codes, own["position"], strict=True)
            if not pd.isna(position)
        }
        return form(moved, [code for code, is_used in zip(codes, own["is_used"], strict=True) if not is_used])

    @cached_property
    def from_records(self) -> pd.DataFrame:
        """The postings that a sales line or a customer cost carries; settled bonus is not among them."""
        lines = self.records.sales
        kind = lines["line_type"]
        is_invoice = lines["document_type"] == "invoice"
        sold = is_invoice & kind.isin(["goods", "fee"])
        parts = [
            _posted(lines[sold], "list_sales", lines.loc[sold, "list_amount"]),
            _posted(lines[sold], "invoice_discount", lines.loc[sold, "discount_amount"]),
        ]
        for rows, line in (
            (is_invoice & (kind == "discount"), "invoice_discount"),
            (~is_invoice & kind.isin(["goods", "fee", "discount"]), "returns"),
            (kind == "freight_charge", "freight"),
        ):
            parts.append(_posted(lines[rows], line, -lines.loc[rows, "net_amount"]))
        goods = (kind == "goods") & lines["cogs"].notna()
        parts.append(_posted(lines[goods], "cogs", lines.loc[goods, "cogs"]))
        costs = self.records.costs
        for kind_of_cost, line in _COST_LINES.items():
            rows = costs["cost_type"] == kind_of_cost
            parts.append(_posted(costs[rows], line, costs.loc[rows, "amount"]))
        return pd.concat(parts, ignore_index=True)

    @cached_property
    def adjustments(self) -> pd.DataFrame:
        """The manual adjustments, posted on the first day of their months."""
        found = self.records.frame("adjustments")
        first_day = self.records.calendar.first_day
        return pd.DataFrame(
            {
                "customer": self.records.customer_of(found["customer_id"]),
                "day": np.array([first_day(month) for month in months_of(found["month"])], dtype="int64"),
                "line": [_COLUMN_OF[code] for code in found["line_code"]],
                "amount": found["amount"].astype("int64"),
            },
            columns=POSTING,
        )

    @cached_property
    def postings(self) -> pd.DataFrame:
        """Every posting: customer, day (since 1970), month, line (its column), amount (1/10000)."""
        bonus = bonus_postings(self.records, form().with_subtotals(self.by_month(self.from_records)))
        with_bonus = self.by_month(pd.concat([self.from_records, bonus], ignore_index=True))
        parts = [
            self.from_records,
            bonus,
            pool_postings(self.records, form().with_subtotals(with_bonus)),
            self.adjustments,
        ]
        if "credit_cost" not in self.ladder.unused:
            parts.append(credit_postings(self.records))
        found = pd.concat([part for part in parts if len(part)], ignore_index=True)
        found["month"] = self.records.calendar.months_of(found["day"])
        return found

    def by_month(self, postings: pd.DataFrame) -> pd.DataFrame:
        """The sums of postings, a row for each customer and month (the index) and a column for each line."""
        months = self.records.calendar.months_of(postings["day"])
        month = pd.Series(months, index=postings.index, name="month")
        sums = postings.groupby([postings["customer"], month, postings["line"]])["amount"].sum()
        return sums.unstack("line", fill_value=0)

    @cached_property
    def per_customer(self) -> pd.DataFrame:
        """The customer accounts: columns customer, month and every line, in 1/10000."""
        return self.ladder.with_subtotals(self.by_month(self.postings)).reset_index()


def form(moved: Mapping[str, int] | None = None, left_out: Iterable[str] = ()) -> Ladder:
    """The standard form of the account, or a company's own.

    Args:
        moved: line code -> another position than the standard's.
        left_out: codes of the lines that are not used.
    """
    place = {code: int(code[1:]) for code, _, _ in _STANDARD} | dict(moved or {})
    unused = set(left_out)
    subtotals = {
        subtotal: {
            column: effect
            for other, column, effect in _STANDARD
            if effect and other not in unused and place[other] < place[code]
        }
        for code, subtotal, own in _STANDARD
        if not own
    }
    return Ladder(subtotals, frozenset(_COLUMN_OF[code] for code in unused & _COLUMN_OF.keys()))


def _posted(rows: pd.DataFrame, line: str, amounts: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer": rows["customer"],
            "day": rows["posting_date"].astype("int64"),
            "line": line,
            "amount": amounts.astype("int64"),
        },
        columns=POSTING,
    )
