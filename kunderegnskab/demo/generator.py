"""Makes the demo company's landing folder: the order of the steps, and what was made.

The company, its trade, its books and its files are made by `company`, `trade`, `ledger` and `landing`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from kunderegnskab.demo import company, ledger, trade
from kunderegnskab.demo import landing as files

# Of the random numbers, unless another is asked for.
SEED = 20260101


@dataclass(frozen=True)
class DemoSummary:
    """What `generate` made.

    Attributes:
        months: first days of the months covered, in order.
        records: number of records per canonical feed.
        loss_makers: ids of the large customers that lose money by design.
    """

    months: tuple[date, ...]
    records: dict[str, int]
    loss_makers: tuple[str, ...]


def generate(
    landing: Path,
    *,
    scale: float = 1.0,
    seed: int = SEED,
    at_the_close: bool = False,
    progress: Callable[[str], None] | None = None,
) -> DemoSummary:
    """Write the landing files of Nordlys Engros A/S, 2023-01 to 2025-12.

    The same seed and scale give the same bytes. Files of the same names are overwritten; others are left.

    Args:
        landing: where to write; made if missing.
        scale: 1 is about 400 customers and 150,000 sales lines; at least 40 customers and 60 products.
        seed: of the random numbers.
        at_the_close: as the files were when the fourth quarter of 2024 was closed: without the credit notes
            of its last month, in the sales, the ledger and the customer ledger alike.
        progress: told what is being done.

    Raises:
        ValueError: scale is not positive.
    """
    if scale <= 0:
        raise ValueError(f"scale must be positive, not {scale}")
    tell = progress or (lambda _: None)
    # A generator per part, so that one more draw in one part does not change the others.
    for_customers, for_products, for_trade, for_ledger = (
        np.random.default_rng(part) for part in np.random.SeedSequence(seed).spawn(4)
    )
    tell("customers and products")
    days = company.calendar()
    who = company.customers(for_customers, scale, days)
    what = company.products(for_products, scale)
    tell("sales, costs and activities")
    records = trade.make(for_trade, scale, days, who, what)
    if at_the_close:
        records = trade.before_late_credit_notes(records, days)
    tell("ledger")
    entries = ledger.make(records, who, days, scale, for_ledger)
    tell("sales files")
    made = {"sales_lines": files.sales(landing, days, who, what, records)}
    tell("other files")
    made["customers"] = files.customers(landing, who)
    made["products"], made["product_costs"] = files.products(landing, what)
    made["salespeople"] = files.salespeople(landing)
    made["customer_owners"] = files.owners(landing, who)
    made["bonus_agreements"] = files.bonus_agreements(landing, who)
    made["customer_costs"] = files.customer_costs(landing, who, records)
    made["activities"] = files.activities(landing, days, who, records)
    made["receivables"] = files.receivables(landing, who, records)
    made["ledger_entries"], made["ledger_accounts"] = files.ledger(landing, entries)
    made["exchange_rates"] = files.rates(landing)
    loss_makers = tuple(who.ids[n] for n in np.flatnonzero(who.is_loss_making))
    return DemoSummary(months=company.MONTHS, records=made, loss_makers=loss_makers)
