"""What the customers buy, return, cost and pay: sales lines, activities, direct costs, receivables.

All tables are pandas frames of whole numbers (amounts in øre or cents, quantities in tenths, days as
offsets in `Calendar`). `ledger` books them, `landing` writes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kunderegnskab.demo.company import (
    CLOSED_MONTHS,
    DRINKS,
    MONTHS,
    YEARS,
    Calendar,
    Customers,
    Products,
    daily_rates,
)
from kunderegnskab.demo.money import UNITS_PER_ORE, Ints, div_round, group_sum

# A sale over the counter has no customer number; the account keeps it under '(ukendt)'.
CASH_SALE = -1
GOODS, FREIGHT_CHARGE, FEE, DISCOUNT, DEPOSIT = range(5)
NO_PRODUCT = -1
RETURN_REASONS = ("", "Fejllevering", "Beskadiget", "Fortrudt", "Udløbet dato", "Prisfejl")
_DAMAGED, _PRICE_ERROR = 2, 5
_CREDIT_LAG_DAYS = (8, 80)
# The last month of the quarter that is closed, counted from the first one: its credit notes come too late.
_LATE_MONTH = MONTHS.index(CLOSED_MONTHS[-1])
# Of a customer's lines, those of the products that it always buys.
_USUAL_SHARE = 0.97


@dataclass(frozen=True)
class Trade:
    """The records of the period.

    Attributes:
        lines: one row per sales line, in posting order; `list`, `net`, `cost` in the line's currency.
        documents: one row per document, indexed by `lines.document`.
        costs: one row per direct customer cost; `amount` in øre.
        activities: one row per activity.
        receivables: one row per document with a customer; `amount` in ten-thousandths of a krone.
    """

    lines: pd.DataFrame
    documents: pd.DataFrame
    costs: pd.DataFrame
    activities: pd.DataFrame
    receivables: pd.DataFrame


def make(rng: np.random.Generator, scale: float, days: Calendar, who: Customers, what: Products) -> Trade:
    """All records of the period, sub-records first: what follows from sales is derived from them."""
    lines = _number(_credit_notes(rng, days, who, _invoice_lines(rng, scale, days, who, what)))
    lines["salesperson"] = np.where(
        lines.customer == CASH_SALE, -1, who.owner_on(lines.customer.to_numpy(), lines.day.to_numpy())
    )
    documents = _documents(lines, days)
    receivables = _receivables(rng, days, who, documents)
    return Trade(
        lines=lines,
        documents=documents,
        costs=_costs(rng, days, who, lines, documents, receivables),
        activities=_activities(rng, days, who, lines),
        receivables=receivables,
    )


def before_late_credit_notes(trade: Trade, days: Calendar) -> Trade:
    """The records as they were before the credit notes of the closed quarter's last month were sent along.

    What was collected and counted when the goods came back stays; what names a credit note comes with it.
    """
    documents, lines = trade.documents, trade.lines
    kept = ~(documents.is_credit.to_numpy() & (days.month[documents.day.to_numpy()] == _LATE_MONTH))
    new_number = np.cumsum(kept) - 1
    kept_lines = kept[lines.document.to_numpy()]
    new_position = np.cumsum(kept_lines) - 1
    left = lines[kept_lines]
    original = left.original.to_numpy()

    def of_kept(table: pd.DataFrame) -> pd.DataFrame:
        document = table.document.to_numpy()
        rows = (document < 0) | kept[document]
        return (
            table[rows]
            .assign(document=np.where(document < 0, -1, new_number[document])[rows])
            .reset_index(drop=True)
        )

    return Trade(
        lines=left.assign(
            document=new_number[left.document.to_numpy()],
            original=np.where(original < 0, -1, new_position[original]),
        ).reset_index(drop=True),
        documents=documents[kept].reset_index(drop=True),
        costs=of_kept(trade.costs),
        activities=trade.activities,
        receivables=of_kept(trade.receivables),
    )


def _invoice_lines(
    rng: np.random.Generator, scale: float, days: Calendar, who: Customers, what: Products
) -> pd.DataFrame:
    """Goods lines of all orders, and the charges, fees, deposits and discounts on their invoices."""
    orders = _orders(rng, scale, days, who)
    per_order = np.maximum(1, rng.poisson(orders.mean_lines.to_numpy()))
    order = np.repeat(np.arange(len(orders)), per_order)
    place = np.arange(len(order)) - np.repeat(np.cumsum(per_order) - per_order, per_order)
    customer = orders.customer.to_numpy()[order]
    # Every thirtieth large order is delivered in two parts, so an order is not the same as an invoice.
    is_later_part = (
        (orders.is_split.to_numpy()[order]) & (place >= per_order[order] // 2) & (per_order[order] > 5)
    )
    day = days.workday_on_or_before(orders.day.to_numpy()[order] + np.where(is_later_part, 9, 2))

    product = _chosen_products(rng, who, what, customer, days.month[day] % 12)
    price_list = days.price_list[day]
    price = what.price[price_list, product]
    worth = orders.line_worth.to_numpy()[order] * rng.lognormal(0, 0.6, len(order))
    weighed = what.is_weighed[product]
    tenths = np.where(
        weighed, np.maximum(5, np.rint(worth * 10 / price)), 10 * np.maximum(1, np.rint(worth / price))
    ).astype(np.int64)

    currency = np.where(customer == CASH_SALE, "DKK", who.currency[customer])
    price = div_round(price * 100, _price_list_rate(currency))
    list_amount = div_round(price * tenths, 10)
    campaign = np.where(rng.random(len(order)) < 0.08, 50, 0)
    permille = np.where(customer == CASH_SALE, 0, who.discount_permille[customer] + campaign)
    net = list_amount - div_round(list_amount * permille, 1000)
    # Purchase prices differ a little from the standard cost; cost follows the day's rate abroad.
    noise = rng.integers(-15, 16, len(order))
    cost_dkk = div_round(what.cost[price_list, product] * tenths * (1000 + noise), 10_000)
    has_cost = rng.random(len(order)) >= 0.004
    goods = pd.DataFrame(
        {
            "order": order,
            "part": is_later_part.astype(np.int64),
            "day": day,
            "customer": customer,
            "currency": currency,
            "kind": GOODS,
            "product": product,
            "tenths": tenths,
            "price": price,
            "list": list_amount,
            "net": net,
            "cost": div_round(cost_dkk * 100, _day_rate(currency, day, len(days))),
            "has_cost": has_cost,
            "standard_cost": what.cost[price_list, product],
            "permille": permille,
        }
    )
    goods["is_drink"] = what.group[product] == DRINKS
    lines = pd.concat([goods, _extra_lines(rng, who, goods)], ignore_index=True)
    return lines.sort_values(["day", "order", "part", "kind"], kind="stable", ignore_index=True)


def _chosen_products(
    rng: np.random.Generator, who: Customers, what: Products, customer: Ints, month: Ints
) -> Ints:
    """The product of each line: what its customer always buys, by season, and now and then something else."""
    taste = np.where(customer == CASH_SALE, 1, who.taste[customer])
    product = np.empty(len(customer), dtype=np.int64)
    is_usual = (customer != CASH_SALE) & (rng.random(len(customer)) < _USUAL_SHARE)
    for number, shares in enumerate(what.line_share):
        bought = ~is_usual & (taste == number)
        at = np.searchsorted(np.cumsum(shares), rng.random(int(bought.sum())))
        product[bought] = np.minimum(at, len(what) - 1)
    assortment, weight = _assortments(rng, who, what)
    for number, season in enumerate(what.season):
        bought = is_usual & (month == number)
        edges = np.cumsum(weight * season[assortment], axis=1)
        draw = rng.random(int(bought.sum())) * edges[customer[bought], -1]
        place = (edges[customer[bought]] <= draw[:, None]).sum(axis=1)
        product[bought] = assortment[customer[bought], place]
    return product


def _assortments(
    rng: np.random.Generator, who: Customers, what: Products
) -> tuple[Ints, NDArray[np.float64]]:
    """What each customer buys again and again: products (customers x places), and the weight of each place.

    Large customers have a wider assortment; places beyond it have no weight.
    """
    width = np.clip(np.rint(5 + 8 * who.size**0.6), 6, 60)
    # The largest of these are a draw without replacement by the shares.
    with np.errstate(divide="ignore"):
        liking = np.log(what.line_share)[who.taste] + rng.gumbel(size=(len(who), len(what)))
    place = np.arange(min(60, len(what)))
    assortment = np.argsort(-liking, axis=1, kind="stable")[:, : len(place)]
    return assortment, np.where(place < width[:, None], 1 / (place + 4), 0.0)


def _orders(rng: np.random.Generator, scale: float, days: Calendar, who: Customers) -> pd.DataFrame:
    """Orders with their day, mean number of lines and worth of a line in øre."""
    presence = (who.last_day - who.first_day + 1) / len(days)
    # Loss-makers order four times as often, and little at a time.
    per_customer = who.size**0.6 * np.where(who.is_loss_making, 4.0, 1.0)
    mean_lines = np.where(who.is_loss_making, 2.2, np.clip(3.2 + 2.2 * who.size**0.4, 2, 12))
    # The rest are charges, deposits and returns.
    target = 150_000 * scale * 0.86
    frequency = per_customer * presence * target / float((per_customer * presence * mean_lines).sum())
    count = rng.poisson(frequency)
    customer = np.repeat(np.arange(len(who)), count)
    worth = 140_000 * who.size**0.35 * np.where(who.is_loss_making, 0.75, 1.0)
    cash = round(90 * scale) + 6
    orders = pd.DataFrame(
        {
            "customer": np.concatenate([customer, np.full(cash, CASH_SALE)]),
            "day": np.concatenate(
                [
                    days.draw(rng, who.first_day[customer], who.last_day[customer]),
                    days.draw(rng, np.zeros(cash, dtype=np.int64), np.full(cash, len(days) - 1)),
                ]
            ),
            "mean_lines": np.concatenate([mean_lines[customer], np.full(cash, 1.5)]),
            "line_worth": np.concatenate([worth[customer], np.full(cash, 40_000.0)]),
        }
    )
    orders["is_split"] = rng.random(len(orders)) < 1 / 30
    return orders.sort_values(["day", "customer"], kind="stable", ignore_index=True)


def _extra_lines(rng: np.random.Generator, who: Customers, goods: pd.DataFrame) -> pd.DataFrame:
    """Freight charges, small-order fees, deposits and a discount line now and then, per invoice."""
    keys = ["order", "part", "day", "customer", "currency"]
    drinks = goods.tenths.where(goods.is_drink, 0)
    invoice = (
        goods.assign(drinks=drinks).groupby(keys, sort=True).agg(net=("net", "sum"), drinks=("drinks", "sum"))
    )
    invoice = invoice.reset_index()
    rate = _price_list_rate(invoice.currency.to_numpy())
    net_dkk = div_round(invoice.net.to_numpy() * rate, 100)
    known = invoice.customer.to_numpy() != CASH_SALE
    is_free = (who.is_loss_making | (who.size > 4))[invoice.customer]
    domestic = invoice.currency.to_numpy() == "DKK"
    is_discounted = (rng.random(len(invoice)) < 0.04) & (net_dkk > 2_000_000)

    def extra(chosen: np.ndarray, kind: int, tenths: Ints, price: Ints) -> pd.DataFrame:
        amount = div_round(tenths * price, 10)[chosen]
        part = invoice.loc[chosen, keys].assign(kind=kind, product=NO_PRODUCT, tenths=tenths[chosen])
        return part.assign(
            price=price[chosen], list=amount, net=amount, cost=0, has_cost=False, standard_cost=0, permille=0
        )

    one = np.full(len(invoice), 10, dtype=np.int64)
    freight = div_round(np.full(len(invoice), 12_500 * 100), rate)
    fee = div_round(np.full(len(invoice), 3_900 * 100), rate)
    rebate = -div_round(invoice.net.to_numpy(), 100)
    deposit = np.full(len(invoice), 2_400, dtype=np.int64)
    return pd.concat(
        [
            extra(known & ~is_free & (net_dkk < 600_000), FREIGHT_CHARGE, one, freight),
            extra(known & ~is_free & (net_dkk < 120_000), FEE, one, fee),
            extra(is_discounted & known, DISCOUNT, one, rebate),
            extra(domestic & (invoice.drinks.to_numpy() > 0), DEPOSIT, invoice.drinks.to_numpy(), deposit),
        ],
        ignore_index=True,
    ).assign(is_drink=False)


def _credit_notes(
    rng: np.random.Generator, days: Calendar, who: Customers, lines: pd.DataFrame
) -> pd.DataFrame:
    """`lines` and the credit lines that correct some of them, often in a later month.

    A returned line brings its cost back unless the goods are damaged; a price error has no quantity.
    """
    lines = lines.assign(is_credit=False, reason=0, original=-1)
    candidates = (lines.kind == GOODS) & (lines.customer != CASH_SALE)
    chance = np.where(who.is_loss_making[lines.customer], 0.085, 0.022)
    chosen = candidates & (rng.random(len(lines)) < chance)
    credit = lines[chosen].assign(original=np.flatnonzero(chosen), is_credit=True)
    # Lines of one invoice and lag share a credit note: the lag follows the invoice, not the line.
    low, high = _CREDIT_LAG_DAYS
    invoice = credit.order.to_numpy() * 2 + credit.part.to_numpy()
    lag = low + (invoice * 7919) % (high - low)
    credit["day"] = credit.day + lag
    credit = credit[credit.day < len(days)]
    credit["day"] = days.workday_on_or_before(credit.day.to_numpy())
    draw = rng.random(len(credit))
    reason = np.searchsorted(np.array([0.3, 0.5, 0.75, 0.88]), draw, side="right") + 1
    is_price_error = reason == _PRICE_ERROR
    whole = (rng.random(len(credit)) < 0.55) | (credit.tenths.to_numpy() <= 10)
    sold = credit.tenths.to_numpy()
    returned = np.where(
        whole, sold, np.maximum(10, (sold * rng.random(len(credit))).astype(np.int64) // 10 * 10)
    )
    sold_list, sold_net = credit["list"].to_numpy(), credit.net.to_numpy()
    back_list = np.where(whole, sold_list, div_round(credit.price.to_numpy() * returned, 10))
    back_net = np.where(whole, sold_net, back_list - div_round(back_list * credit.permille.to_numpy(), 1000))
    error = div_round(sold_net, 20)
    keeps_cost = ~is_price_error & (reason != _DAMAGED)
    back_cost = np.where(keeps_cost, div_round(credit.cost.to_numpy() * returned, sold), 0)
    credit = credit.assign(
        reason=reason,
        tenths=np.where(is_price_error, 0, -returned),
        list=-np.where(is_price_error, error, back_list),
        net=-np.where(is_price_error, error, back_net),
        cost=-back_cost,
        has_cost=credit.has_cost.to_numpy() | ~keeps_cost,
    )
    return pd.concat([lines, credit], ignore_index=True)


def _number(lines: pd.DataFrame) -> pd.DataFrame:
    """`lines` in posting order, with document, line number and the position of the line they correct."""
    lines = lines.assign(row=np.arange(len(lines)))
    lines = lines.sort_values(["day", "is_credit", "order", "part"], kind="stable", ignore_index=True)
    position = np.empty(len(lines), dtype=np.int64)
    position[lines.row.to_numpy()] = np.arange(len(lines))
    keys = lines[["day", "is_credit", "order", "part"]]
    starts = (keys != keys.shift()).any(axis=1).to_numpy()
    document = np.cumsum(starts) - 1
    first = np.flatnonzero(starts)
    original = lines.original.to_numpy()
    return lines.drop(columns=["row", "is_drink"]).assign(
        document=document,
        line_no=(np.arange(len(lines)) - first[document] + 1) * 10_000,
        original=np.where(original < 0, -1, position[original]),
    )


def _documents(lines: pd.DataFrame, days: Calendar) -> pd.DataFrame:
    """One row per document: number, customer, day, totals in the document's currency and in kroner."""
    first = lines.drop_duplicates("document")
    count = len(first)
    document = lines.document.to_numpy()
    kind = lines.kind.to_numpy()
    net = lines.net.to_numpy()
    goods = np.where(kind == GOODS, net, 0)
    is_credit = first.is_credit.to_numpy()
    rate = _day_rate(first.currency.to_numpy(), first.day.to_numpy(), len(days))
    serial = np.where(is_credit, np.cumsum(is_credit), np.cumsum(~is_credit))
    total = group_sum(net, document, count)
    vat = np.where(first.currency == "DKK", div_round(total, 4), 0)
    return pd.DataFrame(
        {
            "number": [
                f"{'SK' if c else 'SF'}-{100_000 + n}" for c, n in zip(is_credit, serial, strict=True)
            ],
            "is_credit": is_credit,
            "customer": first.customer.to_numpy(),
            "day": first.day.to_numpy(),
            "currency": first.currency.to_numpy(),
            "rate": rate,
            "goods": group_sum(goods, document, count),
            "total": total,
            "vat": vat,
            "tenths": group_sum(np.where(kind == GOODS, lines.tenths.to_numpy(), 0), document, count),
            "price_errors": group_sum(
                (lines.reason.to_numpy() == _PRICE_ERROR).astype(np.int64), document, count
            ),
            "lines": np.bincount(document, minlength=count),
        }
    )


def line_units(lines: pd.DataFrame, documents: pd.DataFrame, column: str) -> Ints:
    """A money column of `lines` in ten-thousandths of a krone, at the posting date's rate."""
    return lines[column].to_numpy() * documents.rate.to_numpy()[lines.document.to_numpy()]


def line_cost_units(lines: pd.DataFrame, documents: pd.DataFrame) -> Ints:
    """Cost of goods in ten-thousandths of a krone; the standard cost where the line carries none."""
    standard = lines.tenths.to_numpy() * lines.standard_cost.to_numpy() * (UNITS_PER_ORE // 10)
    return np.where(lines.has_cost.to_numpy(), line_units(lines, documents, "cost"), standard)


def _receivables(
    rng: np.random.Generator, days: Calendar, who: Customers, documents: pd.DataFrame
) -> pd.DataFrame:
    """Open and paid documents as of the last day, VAT included; -1 is not paid.

    Kroner documents carry 25 % VAT, documents abroad none (reverse charge, export). Amounts of foreign
    documents keep four decimals, like the ledger, so that both tie to the lines.
    """
    known = documents[documents.customer != CASH_SALE]
    customer = known.customer.to_numpy()
    invoiced = known.day.to_numpy()
    terms = np.where(known.is_credit, 0, who.terms[customer])
    due = invoiced + terms
    takes_discount = (customer % 10 == 3) & (known.currency == "DKK").to_numpy() & ~known.is_credit.to_numpy()
    late = np.maximum(who.lateness[customer] + rng.integers(-3, 6, len(known)), -terms)
    paid = np.where(takes_discount, invoiced + 6, due + np.where(known.is_credit, 0, late))
    # Bad debtors stop paying two months before they are gone.
    is_lost = (
        who.is_bad_debtor[customer] & (invoiced > who.last_day[customer] - 60) & ~known.is_credit.to_numpy()
    )
    return pd.DataFrame(
        {
            "document": known.index.to_numpy(),
            "customer": customer,
            "invoiced": invoiced,
            "due": due,
            "paid": np.where(is_lost | (paid >= len(days)), -1, paid),
            "amount": (known.total + known.vat).to_numpy() * known.rate.to_numpy(),
            "takes_discount": takes_discount,
            "is_lost": is_lost,
        }
    )


def _costs(
    rng: np.random.Generator,
    days: Calendar,
    who: Customers,
    lines: pd.DataFrame,
    documents: pd.DataFrame,
    receivables: pd.DataFrame,
) -> pd.DataFrame:
    """Direct customer costs in øre, in posting order; customer and document are -1 where unknown."""
    parts = [
        _freight(rng, who, documents),
        _return_handling(rng, documents),
        _bonus(who, days, lines, documents),
        _marketing(who),
        _commission_and_fees(who, documents, days),
        _settlement_costs(who, documents, receivables, len(days)),
    ]
    costs = pd.concat(parts, ignore_index=True)
    costs = costs[costs.amount.to_numpy() != 0]
    return costs.sort_values(["day", "cost_type", "customer", "document"], kind="stable", ignore_index=True)


def _cost_table(
    cost_type: object, day: Ints, customer: object, document: object, amount: Ints
) -> pd.DataFrame:
    table = {"cost_type": cost_type, "day": day, "customer": customer, "document": document, "amount": amount}
    return pd.DataFrame(table)


def _freight(rng: np.random.Generator, who: Customers, documents: pd.DataFrame) -> pd.DataFrame:
    """The carrier's invoice per shipment; some customers collect, a few shipments have no customer."""
    sent = documents[~documents.is_credit & (documents.customer != CASH_SALE)]
    customer = sent.customer.to_numpy()
    zone = np.where(
        customer % 23 == 8, 46_000, np.array([8_500, 10_500, 14_500])[customer % 3]
    )  # 46,000: islands
    base = np.where(who.is_loss_making[customer], 22_000, np.where(sent.currency == "DKK", zone, 34_000))
    permille = np.where(who.is_loss_making[customer], 38, 14)
    goods = div_round(sent.goods.to_numpy() * sent.rate.to_numpy(), 100)
    amount = base + div_round(goods * permille, 1000) + sent.tenths.to_numpy() * 6
    amount = div_round(amount * rng.integers(900, 1101, len(sent)), 1000)
    amount = np.where(customer % 16 == 5, 0, amount)
    is_astray = rng.random(len(sent)) < 0.0005
    return _cost_table(
        "freight",
        sent.day.to_numpy(),
        np.where(is_astray, CASH_SALE, customer),
        np.where(is_astray, -1, sent.index.to_numpy()),
        amount,
    )


def _return_handling(rng: np.random.Generator, documents: pd.DataFrame) -> pd.DataFrame:
    """Collecting and checking the goods of each credit note that brings any back."""
    back = documents[documents.is_credit & (documents.tenths < 0)]
    amount = 14_500 + (back.lines * 2_500).to_numpy() + rng.integers(0, 4_000, len(back))
    return _cost_table(
        "return_handling", back.day.to_numpy(), back.customer.to_numpy(), back.index.to_numpy(), amount
    )


def _bonus(who: Customers, days: Calendar, lines: pd.DataFrame, documents: pd.DataFrame) -> pd.DataFrame:
    """Settled in January for the year before, on invoiced sales less returns; 2022 is 94 % of 2023."""
    counts = np.isin(lines.kind, (GOODS, FEE, DISCOUNT)) & (lines.customer != CASH_SALE)
    sold = lines[counts]
    units = line_units(sold, documents, "net")
    year = days.year[sold.day.to_numpy()]
    basis = group_sum(units, year * len(who) + sold.customer.to_numpy(), len(YEARS) * len(who))
    basis = div_round(basis, UNITS_PER_ORE).reshape(len(YEARS), len(who))
    basis = np.concatenate([div_round(basis[:1] * 94, 100), basis[:-1]])
    parts = []
    for number in range(len(YEARS)):
        permille = np.zeros(len(who), dtype=np.int64)
        for customer, tiers in enumerate(who.bonus_tiers):
            for tier_from, rate in tiers:
                if basis[number, customer] > tier_from * 100:
                    permille[customer] = rate
        amount = div_round(np.maximum(basis[number], 0) * permille, 1000)
        day = number * 365 + (1 if number == 2 else 0) + 19
        parts.append(_cost_table("bonus", np.full(len(who), day), np.arange(len(who)), -1, amount))
    return pd.concat(parts, ignore_index=True)


def _marketing(who: Customers) -> pd.DataFrame:
    """Contributions to chains' own campaigns, each May and October."""
    chains = np.flatnonzero((np.array(who.group) == "Kæde") & (who.size > 1.5) & (who.first_day == 0))
    parts = []
    for year in range(len(YEARS)):
        for day_of_year, ore in ((134, 450_000), (287, 600_000)):
            day = year * 365 + (1 if year == 2 else 0) + day_of_year
            alive = chains[who.last_day[chains] > day]
            amount = ore * np.minimum(np.rint(who.size[alive]).astype(np.int64), 6) // 2
            parts.append(_cost_table("marketing", np.full(len(alive), day), alive, -1, amount))
    return pd.concat(parts, ignore_index=True)


def _commission_and_fees(who: Customers, documents: pd.DataFrame, days: Calendar) -> pd.DataFrame:
    """Agents abroad get 4 % of the month's goods, card payers cost a fee; both booked at month end."""
    sold = documents[documents.customer != CASH_SALE]
    month = days.month[sold.day.to_numpy()]
    cells = int(days.month[-1] + 1)
    units = group_sum(
        (sold.goods * sold.rate).to_numpy(), sold.customer.to_numpy() * cells + month, len(who) * cells
    )
    goods = div_round(np.maximum(units, 0), UNITS_PER_ORE)
    customer, month = np.divmod(np.arange(len(who) * cells), cells)
    month_end = np.array([np.flatnonzero(days.month == m)[-1] for m in range(cells)])
    day = days.workday_on_or_before(month_end[month])
    abroad = who.currency[customer] != "DKK"
    pays_by_card = ~abroad & (customer % 12 == 7)
    return pd.concat(
        [
            _cost_table("commission", day, customer, -1, np.where(abroad, div_round(goods * 40, 1000), 0)),
            _cost_table("other", day, customer, -1, np.where(pays_by_card, div_round(goods * 9, 1000), 0)),
        ],
        ignore_index=True,
    )


def _settlement_costs(
    who: Customers, documents: pd.DataFrame, receivables: pd.DataFrame, day_count: int
) -> pd.DataFrame:
    """Early payers take 2 %; unpaid invoices are given up four months after the customer left."""
    net = documents.total.to_numpy()[receivables.document]
    taken = (receivables.takes_discount & (receivables.paid >= 0)).to_numpy()
    given_up = who.last_day[receivables.customer] + 120
    lost = receivables.is_lost.to_numpy() & (given_up < day_count)
    customer, document = receivables.customer.to_numpy(), receivables.document.to_numpy()
    return pd.concat(
        [
            _cost_table(
                "cash_discount",
                receivables.paid.to_numpy()[taken],
                customer[taken],
                document[taken],
                div_round(net[taken], 50),
            ),
            _cost_table("bad_debt", given_up[lost], customer[lost], document[lost], net[lost]),
        ],
        ignore_index=True,
    )


def _activities(
    rng: np.random.Generator, days: Calendar, who: Customers, lines: pd.DataFrame
) -> pd.DataFrame:
    """Visits, calls, quotes and complaints, and the returns of the credit notes."""
    presence = (who.last_day - who.first_day + 1) / 365.25
    # Visits follow habit more than earnings: loss-makers get most, small customers more than they carry.
    kinds = (
        ("sales_visit", np.where(who.is_loss_making, 42, 9 + 3 * np.log1p(who.size)), 45, 120),
        ("phone_call", np.where(who.is_loss_making, 60, 14 + 8 * np.log1p(who.size)), 5, 25),
        ("quote", np.where(who.is_loss_making, 6, 1.5), 20, 60),
        ("complaint", np.where(who.is_loss_making, 7, 0.5), 10, 45),
    )
    parts = []
    for activity_type, per_year, low, high in kinds:
        count = rng.poisson(per_year * presence)
        customer = np.repeat(np.arange(len(who)), count)
        day = days.draw(rng, who.first_day[customer], who.last_day[customer])
        minutes = rng.integers(low // 5, high // 5 + 1, len(customer)) * 5
        parts.append(
            pd.DataFrame(
                {"day": day, "type": activity_type, "customer": customer, "quantity": 1, "minutes": minutes}
            )
        )
    back = lines[lines.is_credit & (lines.tenths < 0)]
    returns = back.groupby("document", sort=True).agg(day=("day", "first"), customer=("customer", "first"))
    returns = returns.assign(type="return", quantity=back.groupby("document").size(), minutes=0)
    activities = pd.concat([*parts, returns.reset_index(drop=True)], ignore_index=True)
    activities = activities.sort_values(["day", "type", "customer"], kind="stable", ignore_index=True)
    activities["salesperson"] = who.owner_on(activities.customer.to_numpy(), activities.day.to_numpy())
    return activities


def _price_list_rate(currency: np.ndarray) -> Ints:
    """Kroner per 100 units at which the price lists abroad are made."""
    return np.select([currency == "EUR", currency == "SEK"], [745, 66], 100).astype(np.int64)


def _day_rate(currency: np.ndarray, day: Ints, day_count: int) -> Ints:
    """Kroner per 100 units of each currency on each day."""
    rates = daily_rates(day_count)
    return np.select(
        [currency == code for code in ("EUR", "SEK")], [rates[code][day] for code in ("EUR", "SEK")], 100
    )
