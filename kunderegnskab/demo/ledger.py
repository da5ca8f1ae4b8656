"""The books: a chart of accounts, and double-entry postings per month that tie to the records exactly.

Everything in ten-thousandths of a krone (`money.UNITS_PER_ORE`), debit positive. What the records
are, `trade` decides.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd

from kunderegnskab.demo.company import MONTHS, Calendar, Customers
from kunderegnskab.demo.money import UNITS_PER_ORE, Ints, group_sum
from kunderegnskab.demo.trade import (
    CASH_SALE,
    DEPOSIT,
    DISCOUNT,
    FEE,
    FREIGHT_CHARGE,
    GOODS,
    Trade,
    line_cost_units,
    line_units,
)

# number: (name, role). A role is a ladder line, a cost pool or outside the account.
ACCOUNTS: dict[str, tuple[str, str]] = {
    "1010": ("Varesalg, Danmark (listepris)", "K00"),
    "1020": ("Varesalg, EU i EUR (listepris)", "K00"),
    "1030": ("Varesalg, Sverige i SEK (listepris)", "K00"),
    "1040": ("Gebyrer", "K00"),
    "1110": ("Fakturarabat", "K05"),
    "1120": ("Ordrerabat", "K05"),
    "1210": ("Returvarer og kreditnotaer", "K15"),
    "1310": ("Årsbonus til kunder", "K20"),
    "1320": ("Markedsføringstilskud til kunder", "K20"),
    "1410": ("Kontantrabat", "K25"),
    "2010": ("Vareforbrug", "K35"),
    "2020": ("Vareforbrug, hjemtagne varer", "K35"),
    "2110": ("Fragt ud", "K45"),
    "2120": ("Viderefaktureret fragt", "K45"),
    "2210": ("Håndtering af returvarer", "K46"),
    "2310": ("Provision til agenter", "K47"),
    "2320": ("Kortgebyrer", "K47"),
    "2330": ("Tab på debitorer", "K47"),
    "3110": ("Løn, ordremodtagelse", "pool:order_handling"),
    "3210": ("Løn, lager og pluk", "pool:warehouse"),
    "3220": ("Lagerhusleje", "pool:warehouse"),
    "3310": ("Løn, internt salg", "pool:inside_sales"),
    "3410": ("Løn, udekørende sælgere", "pool:outside_sales"),
    "3420": ("Biler og rejser, udekørende sælgere", "pool:outside_sales"),
    "3510": ("Fakturering", "pool:invoicing"),
    "3610": ("Løn, kundeservice", "pool:customer_service"),
    "4010": ("Kædeaftaler og messer", "K70"),
    "4110": ("Ledelse og administration", "K80"),
    "4120": ("It og kontorhold", "K80"),
    "4130": ("Afskrivninger", "K80"),
    "4910": ("Renter", "outside"),
    "4920": ("Selskabsskat", "outside"),
    "5300": ("Varelager", "outside"),
    "5600": ("Varedebitorer", "receivables"),
    "5800": ("Bank", "outside"),
    "6500": ("Kreditorer og skyldige omkostninger", "outside"),
    "6650": ("Skyldig pant", "outside"),
    "6800": ("Salgsmoms", "outside"),
}
COST_ACCOUNTS = {
    "freight": "2110",
    "bonus": "1310",
    "cash_discount": "1410",
    "return_handling": "2210",
    "commission": "2310",
    "marketing": "1320",
    "bad_debt": "2330",
    "other": "2320",
}
_GOODS_ACCOUNTS = {"DKK": "1010", "EUR": "1020", "SEK": "1030"}
# Kroner per month at scale 1: the first year, and what each year adds.
_CAPACITY_COSTS = {
    "3110": (94_000, 3_000),
    "3210": (178_000, 6_000),
    "3220": (62_000, 1_500),
    "3310": (128_000, 4_000),
    "3410": (540_000, 17_000),
    "3420": (146_000, 4_000),
    "3510": (34_000, 1_000),
    "3610": (46_000, 1_500),
    "4010": (38_000, 1_000),
    "4110": (150_000, 5_000),
    "4120": (55_000, 2_500),
    "4130": (40_000, 0),
    "4910": (21_000, 1_000),
    "4920": (30_000, 2_000),
}
_COST_CENTERS = {
    "31": "ORDRE",
    "32": "LAGER",
    "33": "SALG",
    "34": "SALG",
    "35": "ADM",
    "36": "SALG",
    "41": "ADM",
}


class _Post(Protocol):
    """Books `amount` on `account`, summed per month of `day`."""

    def __call__(self, voucher: str, account: str, amount: Ints, day: Ints) -> None: ...


def make(
    trade: Trade, who: Customers, days: Calendar, scale: float, rng: np.random.Generator
) -> pd.DataFrame:
    """One row per month, voucher and account: month (offset), voucher, account, amount, cost_center.

    The entries of each month sum to zero.
    """
    rows: list[tuple[int, str, str, int]] = []

    def post(voucher: str, account: str, amount: Ints, day: Ints) -> None:
        per_month = group_sum(amount, days.month[day], len(MONTHS))
        rows.extend((month, voucher, account, int(units)) for month, units in enumerate(per_month) if units)

    _post_sales(trade, post)
    _post_direct_costs(trade, post)
    _post_payments(trade, post)
    for account, (start, growth) in _CAPACITY_COSTS.items():
        for month in range(len(MONTHS)):
            kroner = int((start + growth * (month // 12)) * scale)
            # Capacity costs come from invoices and payroll in whole øre.
            units = (kroner * 100 + int(rng.integers(-150_000, 150_001) * scale)) * UNITS_PER_ORE
            rows.append((month, "OMK", account, units))
            rows.append((month, "OMK", "6500", -units))
    entries = pd.DataFrame(rows, columns=["month", "voucher", "account", "amount"])
    entries = entries.groupby(["month", "voucher", "account"], sort=True, as_index=False)["amount"].sum()
    entries["cost_center"] = [_COST_CENTERS.get(account[:2], "") for account in entries.account]
    return entries[entries.amount != 0].reset_index(drop=True)


def _post_sales(trade: Trade, post: _Post) -> None:
    """Revenue at list, discounts, returns, freight, deposits, VAT and cost of goods of all documents."""
    lines, documents = trade.lines, trade.documents
    net, list_units = line_units(lines, documents, "net"), line_units(lines, documents, "list")
    cost = line_cost_units(lines, documents)
    day, kind, is_credit = lines.day.to_numpy(), lines.kind.to_numpy(), lines.is_credit.to_numpy()

    def book(voucher: str, account: str, chosen: np.ndarray, units: Ints) -> None:
        post(voucher, account, units[chosen], day[chosen])

    goods = (kind == GOODS) & ~is_credit
    for currency, account in _GOODS_ACCOUNTS.items():
        book("SALG", account, goods & (lines.currency == currency).to_numpy(), -list_units)
    book("SALG", "1040", kind == FEE, -net)
    book("SALG", "1110", goods, list_units - net)
    book("SALG", "1120", kind == DISCOUNT, -net)
    book("SALG", "1210", is_credit, -net)
    book("SALG", "2120", kind == FREIGHT_CHARGE, -net)
    book("SALG", "6650", kind == DEPOSIT, -net)
    book("VARE", "2010", goods, cost)
    book("VARE", "2020", is_credit, cost)
    book("VARE", "5300", kind == GOODS, -cost)

    document_day = documents.day.to_numpy()
    rate = documents.rate.to_numpy()
    vat = documents.vat.to_numpy() * rate
    gross = documents.total.to_numpy() * rate + vat
    cash = (documents.customer == CASH_SALE).to_numpy()
    post("SALG", "6800", -vat, document_day)
    post("SALG", "5600", gross[~cash], document_day[~cash])
    post("SALG", "5800", gross[cash], document_day[cash])


def _post_direct_costs(trade: Trade, post: _Post) -> None:
    """Direct customer costs; discounts and losses come off the receivable, the rest is owed."""
    for cost_type, account in COST_ACCOUNTS.items():
        chosen = trade.costs[trade.costs.cost_type == cost_type]
        units, day = chosen.amount.to_numpy() * UNITS_PER_ORE, chosen.day.to_numpy()
        post("KUNDE", account, units, day)
        post("KUNDE", "5600" if cost_type in ("cash_discount", "bad_debt") else "6500", -units, day)
        if cost_type == "bad_debt":
            # The VAT of a lost document comes back from the tax authorities.
            documents = trade.documents.loc[chosen.document.to_numpy()]
            vat = (documents.vat * documents.rate).to_numpy()
            post("KUNDE", "6800", vat, day)
            post("KUNDE", "5600", -vat, day)


def _post_payments(trade: Trade, post: _Post) -> None:
    """Payments of receivables, less the cash discount that was taken."""
    paid = trade.receivables[trade.receivables.paid >= 0]
    day = paid.paid.to_numpy()
    discount = trade.costs[trade.costs.cost_type == "cash_discount"]
    off, off_day = discount.amount.to_numpy() * UNITS_PER_ORE, discount.day.to_numpy()
    for account, sign in (("5800", 1), ("5600", -1)):
        post("BETAL", account, sign * paid.amount.to_numpy(), day)
        post("BETAL", account, -sign * off, off_day)
