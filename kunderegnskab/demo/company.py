"""Who Nordlys Engros A/S is: calendar, salespeople, customers, owners, products, exchange rates.

What these people buy from each other: see `trade`; the books: see `ledger`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kunderegnskab.demo.money import Ints, div_round

FIRST_DAY = date(2023, 1, 1)
LAST_DAY = date(2025, 12, 31)
YEARS = (2023, 2024, 2025)
MONTHS = tuple(date(year, month, 1) for year in YEARS for month in range(1, 13))
# The annual accounts of 2024 are done; what comes later is listed beside what was closed.
CLOSED_MONTHS = (date(2024, 10, 1), date(2024, 11, 1), date(2024, 12, 1))
# The rank among the largest customers that a loss-maker holds: large, and not all of the largest.
_LOSS_MAKING_RANKS = (1, 3, 4, 7, 9, 12, 15, 19)

SALESPEOPLE = (
    # code, name, team, leader, first share of the customers
    ("ANHO", "Anne Holm", "Øst", "", 0.06),
    ("BJKR", "Bjarke Krogh", "Øst", "ANHO", 0.10),
    ("CALU", "Camilla Lund", "Øst", "ANHO", 0.10),
    ("DAVI", "Dan Vinther", "Øst", "ANHO", 0.09),
    ("ELBA", "Ellen Bang", "Fyn og Syd", "", 0.06),
    ("FRDA", "Frederik Dahl", "Fyn og Syd", "ELBA", 0.10),
    ("GISK", "Gitte Skov", "Fyn og Syd", "ELBA", 0.09),
    ("HEBR", "Henrik Brandt", "Fyn og Syd", "ELBA", 0.08),
    ("IDMØ", "Ida Møller", "Midt og Nord", "", 0.06),
    ("JEÅG", "Jens Ågaard", "Midt og Nord", "IDMØ", 0.10),
    ("KAFR", "Karen Friis", "Midt og Nord", "IDMØ", 0.09),
    ("LANY", "Lars Nygaard", "Midt og Nord", "IDMØ", 0.07),
)
# Salespeople who hand over all their customers to their team, with their last day: Dan Vinther stops, Gitte
# Skov goes on leave.
HAND_OVERS = ((3, date(2024, 9, 30)), (6, date(2025, 5, 31)))
# All outlets of one chain buy elsewhere after this day.
CHAIN_LOST_ON = date(2024, 11, 29)
# From when on price list and standard costs hold. Prices rise in two steps in 2025; in April coffee gets
# dearer to buy.
PRICE_DAYS = (date(2023, 1, 1), date(2024, 1, 1), date(2025, 1, 1), date(2025, 4, 1), date(2025, 7, 1))

_TOWNS = [
    "Aarhus",
    "Aalborg",
    "Odense",
    "Esbjerg",
    "Randers",
    "Kolding",
    "Horsens",
    "Vejle",
    "Roskilde",
    "Herning",
    "Silkeborg",
    "Næstved",
    "Viborg",
    "Fredericia",
    "Køge",
    "Holstebro",
    "Taastrup",
    "Slagelse",
    "Hillerød",
    "Sønderborg",
    "Svendborg",
    "Hjørring",
    "Holbæk",
    "Frederikshavn",
    "Nørresundby",
    "Ringsted",
    "Haderslev",
    "Skive",
    "Ølstykke",
    "Nykøbing",
    "Middelfart",
    "Grenaa",
    "Ikast",
    "Varde",
    "Tønder",
    "Struer",
]
_WORDS = [
    "Lyng",
    "Havblik",
    "Strandglimt",
    "Egely",
    "Klitten",
    "Birkelund",
    "Fjordly",
    "Kornblomst",
    "Ankeret",
    "Mølleåen",
    "Rosengård",
    "Sølyst",
    "Vesterlund",
    "Skovbo",
    "Fyrtårnet",
    "Kildehøj",
    "Enghave",
    "Bøgely",
    "Østerstjerne",
    "Nattergal",
    "Hvidtjørn",
    "Stenbro",
    "Ravkysten",
    "Pilekær",
    "Solhjem",
    "Lærken",
    "Gyvel",
    "Tranebær",
    "Åkanden",
    "Vindrosen",
]
_INDUSTRIES = (
    # industry, name pattern, group, share, which assortment it buys (see _TASTES)
    ("Restaurant", "Restaurant {} ApS", "Fri", 0.24, 0),
    ("Café", "Café {}", "Fri", 0.18, 1),
    ("Hotel", "Hotel {} A/S", "Kæde", 0.10, 0),
    ("Kantine", "{} Kantinedrift A/S", "Kæde", 0.12, 0),
    ("Detailhandel", "{} Købmandsgård", "Fri", 0.14, 1),
    ("Institution", "Plejehjemmet {}", "Offentlig", 0.12, 2),
    ("Kontor", "{} Kontorhotel ApS", "Fri", 0.10, 2),
)


class _Group(NamedTuple):
    """A product group: items (their names), cost per mille of the list price, median price in øre, rises of
    price and cost in per mille at each of PRICE_DAYS but the first, share of the lines per taste, season."""

    name: str
    unit: str
    items: str
    cost: int
    price: int
    price_rises: tuple[int, int, int, int]
    cost_rises: tuple[int, int, int, int]
    shares: tuple[int, int, int]
    season: tuple[float, ...]


# How much more or less of its lines a group has from January to December.
_EVEN = (1.0,) * 12
_SUMMER = (0.6, 0.6, 0.8, 1.0, 1.4, 1.7, 1.7, 1.5, 1.0, 0.7, 0.6, 0.9)
_WINTER = (1.3, 1.3, 1.1, 0.9, 0.8, 0.7, 0.7, 0.8, 1.0, 1.1, 1.3, 1.3)
_CHRISTMAS = (0.6, 0.7, 0.8, 0.9, 0.9, 0.8, 0.7, 0.8, 0.9, 1.2, 1.9, 2.2)


_PRODUCT_GROUPS = (
    _Group(
        "Øl og vand",
        "kolli",
        "Pilsner|Hvedeøl|Kildevand|Hyldebrus",
        725,
        16900,
        (35, 15, 0, 10),
        (45, 20, 0, 10),
        (12, 22, 4),
        _SUMMER,
    ),
    _Group(
        "Kaffe og te",
        "kasse",
        "Formalet kaffe|Hele bønner|Sort te|Urtete",
        590,
        34900,
        (60, 30, 0, 110),
        (75, 35, 180, 20),
        (9, 20, 12),
        _WINTER,
    ),
    _Group(
        "Kolonial",
        "kolli",
        "Hvedemel|Rørsukker|Rapsolie|Flåede tomater",
        700,
        18900,
        (30, 12, 0, 8),
        (35, 12, 0, 8),
        (16, 12, 4),
        _EVEN,
    ),
    _Group(
        "Frostvarer",
        "kg",
        "Pommes frites|Grøntsager|Torskefilet|Bær",
        680,
        4900,
        (40, 18, 0, 12),
        (50, 15, 0, 10),
        (14, 5, 2),
        _EVEN,
    ),
    _Group(
        "Mejeri",
        "kolli",
        "Piskefløde|Smør|Skæreost|Mælk",
        790,
        14900,
        (25, 25, 0, 15),
        (40, 35, 0, 20),
        (14, 12, 4),
        _EVEN,
    ),
    _Group(
        "Emballage",
        "karton",
        "Pizzaæske|Kaffebæger|Bærepose|Bagepapir",
        560,
        29900,
        (20, 10, 0, 5),
        (10, 10, 0, 5),
        (8, 12, 8),
        _SUMMER,
    ),
    _Group(
        "Rengøring",
        "dunk",
        "Universalrens|Opvaskemiddel|Afkalker|Sæbe",
        520,
        21900,
        (25, 15, 0, 10),
        (20, 15, 0, 10),
        (8, 5, 18),
        _EVEN,
    ),
    _Group(
        "Papirvarer",
        "kolli",
        "Servietter|Køkkenrulle|Toiletpapir|Dug",
        610,
        19900,
        (30, 5, 0, 5),
        (25, 5, 0, 5),
        (9, 7, 20),
        _EVEN,
    ),
    _Group(
        "Borddækning",
        "sæt",
        "Tallerken|Vinglas|Bestik|Kop",
        500,
        38900,
        (20, 10, 0, 10),
        (20, 10, 0, 10),
        (4, 3, 4),
        _CHRISTMAS,
    ),
    _Group(
        "Køkkenudstyr",
        "stk",
        "Skærebræt|Gryde|Kokkekniv|Kande",
        540,
        44900,
        (20, 15, 0, 10),
        (15, 15, 0, 10),
        (3, 2, 3),
        _EVEN,
    ),
    _Group(
        "Kontorartikler",
        "pakke",
        "Kopipapir|Mappe|Kuglepen|Etiketter",
        600,
        15900,
        (15, 10, 0, 5),
        (20, 10, 0, 5),
        (1, 2, 18),
        _EVEN,
    ),
    _Group(
        "Snacks",
        "kolli",
        "Chokolade|Saltede nødder|Kiks|Lakrids",
        640,
        23900,
        (55, 25, 0, 20),
        (70, 30, 0, 20),
        (6, 14, 5),
        _CHRISTMAS,
    ),
)
_TASTE_COUNT = 4  # the last is what loss-makers buy: beer, dairy and groceries at thin margins
_THIN_MARGIN_SHARES = (30, 3, 25, 8, 28, 1, 1, 2, 0, 0, 1, 1)
DRINKS = 0  # the product group with deposit


@dataclass(frozen=True)
class Customers:
    """One element per customer in every array.

    Owners are indexes into SALESPEOPLE, days offsets in `Calendar`.
    """

    ids: list[str]
    names: list[str]
    industry: list[str]
    group: list[str]
    parent: list[str]
    country: list[str]
    currency: NDArray[Any]
    cvr: list[str]
    since: list[date]
    terms: Ints
    size: NDArray[np.float64]
    taste: Ints
    is_loss_making: NDArray[np.bool_]
    is_internal: NDArray[np.bool_]
    is_bad_debtor: NDArray[np.bool_]
    first_day: Ints
    last_day: Ints
    first_owner: Ints
    last_owner: Ints
    owner_change: Ints
    second_owner: Ints
    share_tenths: Ints
    discount_permille: Ints
    bonus_tiers: list[tuple[tuple[int, int], ...]]
    lateness: Ints

    def __len__(self) -> int:
        return len(self.ids)

    def owner_on(self, customer: Ints, day: Ints) -> Ints:
        """The (first) owner of each customer on each day."""
        return np.where(
            day < self.owner_change[customer], self.first_owner[customer], self.last_owner[customer]
        )


@dataclass(frozen=True)
class Products:
    """One element per product; `price` and `cost` are øre per unit, one row for each of PRICE_DAYS.

    `season` is how much more or less is bought of a product, one row for each month of the year.
    """

    ids: list[str]
    names: list[str]
    group: Ints
    units: list[str]
    price: Ints
    cost: Ints
    line_share: NDArray[np.float64]
    season: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ids)

    def group_name(self, product: int) -> str:
        """The product group's name."""
        return _PRODUCT_GROUPS[self.group[product]].name

    @property
    def is_weighed(self) -> NDArray[np.bool_]:
        """Products sold by weight, in tenths of a kilo."""
        return np.array([unit == "kg" for unit in self.units])


@dataclass(frozen=True)
class Calendar:
    """Every day from FIRST_DAY to LAST_DAY as an offset, with the pull of season, weekday and growth.

    `price_list` is the place among PRICE_DAYS of the one in force.
    """

    weight: NDArray[np.float64]
    is_workday: NDArray[np.bool_]
    month: Ints
    year: Ints
    price_list: Ints

    def __len__(self) -> int:
        return len(self.weight)

    def draw(self, rng: np.random.Generator, first: Ints, last: Ints) -> Ints:
        """One workday for each pair of first and last day, busy days more often."""
        edges = np.concatenate([[0.0], np.cumsum(self.weight)])
        low, high = edges[first], edges[last + 1]
        day = np.searchsorted(edges, low + (high - low) * rng.random(len(first)), side="right") - 1
        return self.workday_on_or_before(np.clip(day, first, last).astype(np.int64))

    def workday_on_or_before(self, day: Ints) -> Ints:
        """The day itself, or the last workday before it; days past the end become the last workday."""
        latest = np.maximum.accumulate(np.where(self.is_workday, np.arange(len(self)), 0))
        return latest[np.clip(day, 0, len(self) - 1)]


def calendar() -> Calendar:
    """The period's calendar; closed days are the fixed holidays of wholesale."""
    days = [FIRST_DAY + timedelta(n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
    season = (0.86, 0.86, 0.96, 1.0, 1.1, 1.14, 0.88, 0.95, 1.0, 1.0, 1.1, 1.2)
    closed = {(1, 1), (5, 1), (6, 5), (12, 24), (12, 25), (12, 26), (12, 31)}
    is_workday = np.array([d.weekday() < 5 and (d.month, d.day) not in closed for d in days])
    growth = 1 + 0.03 * np.arange(len(days)) / 365
    return Calendar(
        weight=np.where(is_workday, [season[d.month - 1] for d in days] * growth, 0.0),
        is_workday=is_workday,
        month=np.array([(d.year - FIRST_DAY.year) * 12 + d.month - 1 for d in days], dtype=np.int64),
        year=np.array([d.year - FIRST_DAY.year for d in days], dtype=np.int64),
        price_list=np.array([sum(d >= first for first in PRICE_DAYS) - 1 for d in days], dtype=np.int64),
    )


def day_number(day: date) -> int:
    """The offset of `day` in `Calendar`."""
    return (day - FIRST_DAY).days


def exchange_rates() -> list[tuple[str, date, int]]:
    """(currency, Monday, kroner per 100 units of the currency) for every week.

    Rates have two decimals, so that an amount in cents times the rate is exact with four decimals, and the
    ledger (four decimals) ties to the lines without a rounding difference.
    """
    monday = date(2022, 12, 26)
    rates = []
    week = 0
    while monday <= LAST_DAY:
        rates.append(("EUR", monday, 745 + (0, 1, 0, -1, 0, 1)[week % 6]))
        rates.append(("SEK", monday, 66 + (0, -1, -2, -1, 0, 1, 1, 2, 1)[(week // 4) % 9]))
        monday += timedelta(7)
        week += 1
    return rates


def daily_rates(count: int) -> dict[str, Ints]:
    """Per currency the rate of each day (kroner per 100): the last one on or before it."""
    by_day = {"DKK": np.full(count, 100, dtype=np.int64)}
    for currency in ("EUR", "SEK"):
        weekly = [(day_number(day), rate) for code, day, rate in exchange_rates() if code == currency]
        at = np.searchsorted(np.array([day for day, _ in weekly]), np.arange(count), side="right") - 1
        by_day[currency] = np.array([rate for _, rate in weekly], dtype=np.int64)[at]
    return by_day


def products(rng: np.random.Generator, scale: float) -> Products:
    """About 600 x scale products, at least 60, evenly over the groups."""
    count = max(60, round(600 * scale))
    group = np.arange(count, dtype=np.int64) % len(_PRODUCT_GROUPS)
    names, units = [], []
    for number, g in enumerate(group):
        items = _PRODUCT_GROUPS[g].items.split("|")
        serial = number // len(_PRODUCT_GROUPS)
        names.append(f"{items[serial % len(items)]} nr. {1 + serial // len(items)}")
        units.append(_PRODUCT_GROUPS[g].unit)
    base_price = np.array([_PRODUCT_GROUPS[g].price for g in group], dtype=np.int64)
    cost_share = np.array([_PRODUCT_GROUPS[g].cost for g in group], dtype=np.int64)
    # Prices end on a multiple of 5 øre, as in a price list.
    price = [div_round((base_price * rng.lognormal(0, 0.5, count)).astype(np.int64), 5) * 5]
    cost = [div_round(price[0] * (cost_share + rng.integers(-60, 61, count)), 1000)]
    for number in range(len(PRICE_DAYS) - 1):
        rise = np.array([_PRODUCT_GROUPS[g].price_rises[number] for g in group], dtype=np.int64)
        cost_rise = np.array([_PRODUCT_GROUPS[g].cost_rises[number] for g in group], dtype=np.int64)
        noise = np.where(cost_rise > 0, rng.integers(-10, 11, count), 0)
        price.append(div_round(price[-1] * (1000 + rise), 5000) * 5)
        cost.append(div_round(cost[-1] * (1000 + cost_rise + noise), 1000))
    popularity = rng.lognormal(0, 1.0, count)
    taste_shares = [[g.shares[taste] for g in _PRODUCT_GROUPS] for taste in range(_TASTE_COUNT - 1)]
    taste_shares.append(list(_THIN_MARGIN_SHARES))
    line_share = np.array(taste_shares)[:, group] * popularity
    # Of their groups, too, loss-makers choose what leaves least.
    line_share[-1] *= (cost[0] / price[0]) ** 12
    return Products(
        ids=[f"V{10000 + 13 * number}" for number in range(count)],
        names=names,
        group=group,
        units=units,
        price=np.stack(price),
        cost=np.stack(cost),
        line_share=line_share / line_share.sum(axis=1, keepdims=True),
        season=np.array([_PRODUCT_GROUPS[g].season for g in group]).T,
    )


def customers(rng: np.random.Generator, scale: float, days: Calendar) -> Customers:
    """About 400 x scale customers, at least 40, few of them large."""
    count = max(40, round(400 * scale))
    last = len(days) - 1
    size = rng.lognormal(0, 1.15, count)
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(-size, kind="stable")] = np.arange(count)
    is_loss_making = np.isin(rank, _LOSS_MAKING_RANKS)

    industry = rng.choice(len(_INDUSTRIES), count, p=[share for *_, share, _ in _INDUSTRIES])
    names: list[str] = []
    seen: set[str] = set()
    for number, kind in enumerate(industry):
        base = _INDUSTRIES[kind][1].format(_WORDS[int(rng.integers(len(_WORDS)))])
        name = f"{base}, {_TOWNS[int(rng.integers(len(_TOWNS)))]}"
        name = f"{name} ({number})" if name in seen else name
        seen.add(name)
        names.append(name)
    # Foreign customers are every 17th and 29th by rank, so that a small demo has them too.
    country = np.where(rank % 17 == 11, "DE", np.where(rank % 29 == 13, "SE", "DK"))
    country = np.where(is_loss_making, "DK", country)
    currency = np.where(country == "DE", "EUR", np.where(country == "SE", "SEK", "DKK"))

    # Every tenth customer is new in the period, every twelfth lost; the large loss-makers stay.
    spread = rng.permutation(count)
    may_move = ~is_loss_making
    first_day = np.where(may_move & (spread % 10 == 0), rng.integers(60, 900, count), 0)
    last_day = np.where(may_move & (spread % 12 == 1), rng.integers(300, 1000, count), last)
    parent = _parents(industry)
    leaves = _outlets_of_the_lost_chain(parent, size, is_loss_making)
    first_day = np.where(leaves, 0, first_day)
    last_day = np.where(leaves, day_number(CHAIN_LOST_ON), last_day)
    may_owe = (last_day < last) & ~leaves & (country == "DK")
    is_bad_debtor = may_owe & (np.cumsum(may_owe) % 3 == 2)

    shares = np.array([share for *_, share in SALESPEOPLE])
    first_owner = rng.choice(len(SALESPEOPLE), count, p=shares / shares.sum())
    # A change goes to the next colleague of the same team of four.
    colleague = first_owner // 4 * 4 + (first_owner + 1 + rng.integers(0, 2, count)) % 4
    changes = spread % 7 == 2
    owner_change = np.where(changes, rng.integers(90, last - 90, count), last + 1)
    for owner, last_of_owner in HAND_OVERS:
        colleague = np.where(colleague == owner, owner - 1, colleague)
        owner_change = np.where(first_owner == owner, day_number(last_of_owner) + 1, owner_change)
    last_owner = np.where(owner_change <= last, colleague, first_owner)
    owner_change = np.where(last_owner == first_owner, last + 1, owner_change)
    # Shared accounts: a second owner from the other half of the team, for those who never change.
    is_shared = (spread % 19 == 4) & (owner_change > last)
    second = first_owner // 4 * 4 + (first_owner + 2) % 4
    stays = ~np.isin(second, [owner for owner, _ in HAND_OVERS])
    second_owner = np.where(is_shared & stays, second, -1)
    # A few accounts are only partly handed out: the rest is 'Ikke tildelt'.
    share_tenths = np.where(second_owner >= 0, 5, np.where(spread % 97 == 6, 6, 10))

    discount = np.clip(np.rint(18 * np.log1p(size) + rng.integers(0, 40, count)), 0, 90).astype(np.int64)
    discount = np.where(is_loss_making, 114 + rng.integers(0, 30, count), discount)
    tiers: list[tuple[tuple[int, int], ...]] = []
    for number in range(count):
        if is_loss_making[number]:
            tiers.append(((0, 70), (300_000, 90), (1_200_000, 100)))
        elif rank[number] < count * 0.25:
            low = int(rng.integers(5, 16))
            tiers.append(((250_000, low), (750_000, low + 10), (2_000_000, low + 20)))
        else:
            tiers.append(())
    terms = np.where(rank < count * 0.1, 45, rng.choice([8, 14, 30, 30], count)).astype(np.int64)
    lateness = rng.choice([-2, 0, 3, 9, 28], count, p=[0.2, 0.35, 0.25, 0.13, 0.07]).astype(np.int64)
    ids = [f"{1000 + 7 * number:06d}" for number in range(count)]
    return Customers(
        ids=ids,
        names=names,
        industry=[_INDUSTRIES[kind][0] for kind in industry],
        group=[_INDUSTRIES[kind][2] for kind in industry],
        parent=["" if head < 0 else ids[head] for head in parent],
        country=[str(code) for code in country],
        currency=currency,
        cvr=_cvr_numbers(country),
        since=[
            FIRST_DAY + timedelta(int(first))
            if first
            else date(int(1995 + spread[n] % 27), 1 + n % 12, 1 + n % 28)
            for n, first in enumerate(first_day)
        ],
        terms=terms,
        size=size,
        taste=np.where(
            is_loss_making, _TASTE_COUNT - 1, np.array([_INDUSTRIES[kind][4] for kind in industry])
        ),
        is_loss_making=is_loss_making,
        is_internal=rank == count // 2,
        is_bad_debtor=is_bad_debtor,
        first_day=first_day.astype(np.int64),
        last_day=last_day.astype(np.int64),
        first_owner=first_owner.astype(np.int64),
        last_owner=last_owner.astype(np.int64),
        owner_change=owner_change.astype(np.int64),
        second_owner=second_owner.astype(np.int64),
        share_tenths=share_tenths.astype(np.int64),
        discount_permille=discount,
        bonus_tiers=tiers,
        lateness=lateness,
    )


def _parents(industry: Ints) -> Ints:
    """The head of each customer's chain, as its position; -1 for heads and for who is in no chain."""
    of_chains = np.array([_INDUSTRIES[kind][2] == "Kæde" for kind in industry])
    heads = np.flatnonzero(of_chains)[:6]
    parent = np.full(len(industry), -1, dtype=np.int64)
    outlets = np.setdiff1d(np.flatnonzero(of_chains), heads)
    parent[outlets] = heads[outlets % len(heads)] if len(heads) else -1
    return parent


def _outlets_of_the_lost_chain(
    parent: Ints, size: NDArray[np.float64], is_loss_making: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The customers of the smallest chain of several outlets without a loss-maker; nobody if none is."""
    chain = np.where(parent < 0, np.arange(len(parent)), parent)
    smallest, its_size = -1, np.inf
    for head in np.unique(parent[parent >= 0]):
        members = chain == head
        if not is_loss_making[members].any() and size[members].sum() < its_size:
            smallest, its_size = int(head), float(size[members].sum())
    return chain == smallest


def _cvr_numbers(country: NDArray[Any]) -> list[str]:
    """Numbers from a series that is not issued (99...), with a valid check digit; none abroad."""
    weights = (2, 7, 6, 5, 4, 3, 2)
    numbers: list[str] = []
    serial = 9_900_000
    for code in country:
        if code != "DK":
            numbers.append("")
            continue
        while True:
            serial += 1
            rest = sum(w * int(digit) for w, digit in zip(weights, str(serial), strict=True)) % 11
            if rest != 1:  # would need the check digit 10
                break
        numbers.append(f"{serial}{(11 - rest) % 11}")
    return numbers
