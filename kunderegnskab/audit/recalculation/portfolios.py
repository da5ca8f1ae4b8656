"""Whose the postings are: each one's owners on its day, and their parts (decision 0024).

Here: spans of days with the same owners, and parts that sum to the whole. Not here: what is summed from them
(kpis.py).
"""

from __future__ import annotations

from collections import defaultdict

import pandas as pd

from kunderegnskab.audit.recalculation.accounts import Accounts, Ladder
from kunderegnskab.audit.recalculation.arithmetic import RATE, products
from kunderegnskab.audit.recalculation.records import Records

UNASSIGNED = "Ikke tildelt"
_ALWAYS, _FOREVER = -(10**6), 10**6


def portfolios(accounts: Accounts) -> pd.DataFrame:
    """The accounts by owner: columns salesperson, customer, month and every line, in 1/10000.

    Lines are shared and subtotals added up from the shared lines.
    """
    owners = owner_spans(accounts.records)
    starts = owners[["customer", "start"]].drop_duplicates().sort_values("start")
    postings = accounts.postings.sort_values("day", kind="stable")
    spans = pd.merge_asof(postings, starts, left_on="day", right_on="start", by="customer")
    spans["start"] = spans["start"].fillna(_ALWAYS).astype("int64")
    sums = spans.groupby(["customer", "start", "month", "line"], as_index=False)["amount"].sum()
    owned = sums.merge(owners, on=["customer", "start"], how="left")
    nobody = owned["salesperson"].isna()
    owned["salesperson"] = owned["salesperson"].fillna(UNASSIGNED)
    owned["before"] = owned["before"].fillna(0).astype("int64")
    owned["upto"] = owned["upto"].fillna(RATE).astype("int64")
    shared = ((owned["before"] != 0) | (owned["upto"] != RATE)) & ~nobody
    parts = owned.loc[shared, "amount"]
    owned.loc[shared, "amount"] = products(parts, owned.loc[shared, "upto"], RATE) - products(
        parts, owned.loc[shared, "before"], RATE
    )
    return _by_line(owned, accounts.ladder)


def owner_spans(records: Records) -> pd.DataFrame:
    """The owners of every customer between two changes.

    Columns: customer, start (first day of the span), salesperson, before and upto: the shares of the owners
    before this one, without and with it, in 1/100000000. What the shares lack is UNASSIGNED's, the last one.
    """
    rows = records.frame("customer_owners")
    rows["customer"] = records.customer_of(rows["customer_id"])
    people = set(records.frame("salespeople")["salesperson_id"])
    is_known = rows["salesperson_id"].isin(people) | (not records.is_supplied("salespeople"))
    rows["salesperson"] = rows["salesperson_id"].where(is_known, UNASSIGNED).astype(object)
    found: list[tuple[str, int, str, int, int]] = []
    for customer, owned in rows.groupby("customer"):
        columns = owned[["valid_from", "valid_to", "salesperson", "share"]]
        spells = [
            (int(start), _FOREVER if pd.isna(end) else int(end) + 1, str(person), int(share))
            for start, end, person, share in columns.itertuples(index=False)
        ]
        changes = {_ALWAYS, *(start for start, *_ in spells), *(end for _, end, *_ in spells)}
        for start in sorted(changes):
            shares: dict[str, int] = defaultdict(int)
            for begins, ends, person, share in spells:
                if begins <= start < ends:
                    shares[person] += share
            before = 0
            for person in sorted(shares.keys() - {UNASSIGNED}):
                found.append((str(customer), start, person, before, before + shares[person]))
                before += shares[person]
            if before < RATE:
                found.append((str(customer), start, UNASSIGNED, before, RATE))
    spans = pd.DataFrame(found, columns=["customer", "start", "salesperson", "before", "upto"])
    return spans.astype({"start": "int64", "customer": object})


def _by_line(owned: pd.DataFrame, ladder: Ladder) -> pd.DataFrame:
    sums = owned.groupby(["salesperson", "customer", "month", "line"])["amount"].sum()
    return ladder.with_subtotals(sums.unstack("line", fill_value=0)).reset_index()
