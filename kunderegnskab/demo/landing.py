"""Which landing file carries what, in which convention: the other half of the demo's feeds.yaml.

What the records are, `company`, `trade` and `ledger` decide; how a value is written, `writers`.
The conventions differ from file to file on purpose: each is one that Danish systems use.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from kunderegnskab.demo import writers
from kunderegnskab.demo.company import (
    FIRST_DAY,
    LAST_DAY,
    MONTHS,
    PRICE_DAYS,
    SALESPEOPLE,
    YEARS,
    Calendar,
    Customers,
    Products,
    exchange_rates,
)
from kunderegnskab.demo.ledger import ACCOUNTS, COST_ACCOUNTS
from kunderegnskab.demo.trade import (
    CASH_SALE,
    DEPOSIT,
    DISCOUNT,
    FEE,
    FREIGHT_CHARGE,
    GOODS,
    NO_PRODUCT,
    RETURN_REASONS,
    Trade,
)
from kunderegnskab.demo.writers import Negative

_LINE_KINDS = {GOODS: "Vare", FREIGHT_CHARGE: "Fragt", FEE: "Gebyr", DISCOUNT: "Rabat", DEPOSIT: "Pant"}
# Lines without a product of the assortment name the service instead.
SERVICES = {FREIGHT_CHARGE: "FRAGT", FEE: "GEBYR", DISCOUNT: "RABAT", DEPOSIT: "PANT"}
_COST_KINDS = {
    "freight": "Fragt",
    "bonus": "Årsbonus",
    "cash_discount": "Kontantrabat",
    "return_handling": "Returhåndtering",
    "commission": "Provision",
    "marketing": "Markedsføringstilskud",
    "bad_debt": "Tab på debitor",
    "other": "Kortgebyr",
}
_ACTIVITY_KINDS = {
    "sales_visit": "Kundebesøg",
    "phone_call": "Telefonopkald",
    "quote": "Tilbud",
    "complaint": "Reklamation",
    "return": "Retur",
}
# Sales lines between two stock corrections in the old system's export.
_CORRECTION_EVERY = 400
_OLD_HEADER = [
    "Posttype",
    "Bilagsnr.",
    "Linjenr.",
    "Bilagstype",
    "Bogføringsdato",
    "Debitornr.",
    "Linjetype",
    "Varenr.",
    "Antal",
    "Listebeløb",
    "Nettobeløb",
    "Kostbeløb",
    "Valuta",
    "Sælgerkode",
    "Ordrenr.",
    "Udl.bilagsnr.",
    "Udl.linjenr.",
    "Returårsag",
]
_NEW_HEADER = [
    "Bilagsnr.",
    "Linjenr.",
    "Bilagstype",
    "Bogføringsdato",
    "Kundenr.",
    "Linjetype",
    "Varenr.",
    "Antal",
    "Nettobeløb",
    "Rabatbeløb",
    "Kostbeløb",
    "Valutakode",
    "Sælger",
    "Ordrenr.",
    "Krediterer",
    "Kreditererlinje",
    "Årsag",
]


def sales(landing: Path, days: Calendar, who: Customers, what: Products, trade: Trade) -> int:
    """2023 and 2024: a year per file, from the old system, with stock movements among the sales and a sum
    at the end; 2024 writes the minus after the number. From 2025: a month per file, from a new system that
    leaves signs to the document type. Returns the number of sales lines."""
    lines, documents = trade.lines, trade.documents
    year, month = days.year[lines.day.to_numpy()], days.month[lines.day.to_numpy()]
    text = _line_texts(who, what, lines, documents)
    for number, negative in ((0, "leading"), (1, "trailing")):
        chosen = year == number
        rows = _old_rows(lines[chosen], text[chosen], negative)
        path = landing / "salg" / f"salg_{YEARS[number]}.csv"
        writers.csv_file(path, _OLD_HEADER, rows, encoding="cp1252")
    for at in range(24, len(MONTHS)):
        chosen = month == at
        path = landing / "salg" / f"salg_{MONTHS[at]:%Y-%m}.csv"
        writers.csv_file(path, _NEW_HEADER, _new_rows(lines[chosen], text[chosen]), encoding="utf-8-sig")
    return len(lines)


def _line_texts(who: Customers, what: Products, lines: pd.DataFrame, documents: pd.DataFrame) -> pd.DataFrame:
    """The columns of the sales files that are text in both systems."""
    number = documents.number.to_numpy()
    original = lines.original.to_numpy()
    corrects = original >= 0
    customer, product, kind = (lines[c].to_numpy() for c in ("customer", "product", "kind"))
    service = np.array([SERVICES.get(k, "") for k in range(len(_LINE_KINDS))], dtype=object)
    codes = np.array([code for code, *_ in SALESPEOPLE] + [""], dtype=object)
    columns = pd.DataFrame(
        {
            "document": number[lines.document],
            "line": lines.line_no.astype(str),
            "date": writers.dates(lines.day.to_numpy(), "%d-%m-%Y"),
            "customer": np.array([*who.ids, ""], dtype=object)[
                np.where(customer == CASH_SALE, len(who), customer)
            ],
            "kind": np.array([_LINE_KINDS[k] for k in range(len(_LINE_KINDS))], dtype=object)[kind],
            "product": np.where(
                product == NO_PRODUCT, service[kind], np.array(what.ids, dtype=object)[product]
            ),
            # The company's own currency is left empty, as its system does.
            "currency": np.where(lines.currency == "DKK", "", lines.currency),
            "salesperson": codes[lines.salesperson],
            "order": np.array([f"O{200_000 + n}" for n in range(int(lines.order.max()) + 1)], dtype=object)[
                lines.order
            ],
            "corrects": np.where(corrects, number[lines.document.to_numpy()[original]], ""),
            "corrects_line": np.where(corrects, lines.line_no.to_numpy()[original].astype(str), ""),
            "reason": np.array(RETURN_REASONS, dtype=object)[lines.reason],
        }
    )
    # Plain objects: rows are written one by one, which pandas' own text type makes slow.
    return columns.astype(object)


def _old_rows(lines: pd.DataFrame, text: pd.DataFrame, negative: Negative) -> Iterator[Sequence[str]]:
    texts = [writers.numbers(lines[c].to_numpy(), 2, negative=negative) for c in ("list", "net", "cost")]
    kind = np.where(lines.is_credit, "Kreditnota", "Faktura")
    quantity = writers.numbers(lines.tenths.to_numpy(), 1, negative=negative, shortest=0)
    cost = np.where(lines.has_cost, np.array(texts[2], dtype=object), "")
    columns = [
        text.document,
        text.line,
        kind,
        text.date,
        text.customer,
        text.kind,
        text["product"],
        quantity,
        texts[0],
        texts[1],
        cost,
        text.currency,
        text.salesperson,
        text.order,
        text.corrects,
        text.corrects_line,
        text.reason,
    ]
    for number, row in enumerate(zip(*columns, strict=True), start=1):
        yield ("Salg", *row)
        if number % _CORRECTION_EVERY == 0:
            # The export takes stock corrections along; they are no sales and are left out by `where`.
            correction = f"LR-{number // _CORRECTION_EVERY:05d}"
            amounts = ["0,00"] * 3 + [""] * 6
            yield ("Regulering", correction, "10000", "Lager", row[3], "", "Vare", row[6], "1", *amounts)
    sums = [
        writers.numbers(np.array([lines[c].sum()]), 2, negative=negative)[0] for c in ("list", "net", "cost")
    ]
    yield ("", "I alt", *[""] * 7, *sums, *[""] * 6)


def _new_rows(lines: pd.DataFrame, text: pd.DataFrame) -> Iterator[Sequence[str]]:
    sign = np.where(lines.is_credit, -1, 1)
    net, discount = lines.net.to_numpy(), (lines["list"] - lines.net).to_numpy()
    cost = np.array(writers.numbers(lines.cost.to_numpy() * sign, 2), dtype=object)
    columns = [
        text.document,
        text.line,
        np.where(lines.is_credit, "Salgskreditnota", "Salgsfaktura"),
        text.date,
        text.customer,
        text.kind,
        text["product"],
        writers.numbers(lines.tenths.to_numpy() * sign, 1, shortest=0),
        writers.numbers(net * sign, 2),
        writers.numbers(discount * sign, 2),
        np.where(lines.has_cost, cost, ""),
        text.currency,
        text.salesperson,
        text.order,
        text.corrects,
        text.corrects_line,
        text.reason,
    ]
    return zip(*columns, strict=True)


def customers(landing: Path, who: Customers) -> int:
    """The customer file as people keep it: a title above the header, Ja/Nej, date cells, ids as text."""
    header = (
        "Nr.",
        "Navn",
        "Kædekontor",
        "CVR-nr.",
        "Land",
        "Branche",
        "Kundegruppe",
        "Betalingsfrist (dage)",
        "Kunde siden",
        "Koncernintern",
    )
    rows = [
        (
            who.ids[n],
            who.names[n],
            who.parent[n],
            who.cvr[n],
            who.country[n],
            who.industry[n],
            who.group[n],
            int(who.terms[n]),
            who.since[n],
            "Ja" if who.is_internal[n] else "Nej",
        )
        for n in range(len(who))
    ]
    sheets: dict[str, writers.Sheet] = {
        "Kunder": (f"Nordlys Engros A/S: kundekartotek pr. {LAST_DAY:%d-%m-%Y}", header, rows)
    }
    writers.excel_file(landing / "stamdata" / "kunder.xlsx", sheets)
    return len(rows)


def products(landing: Path, what: Products) -> tuple[int, int]:
    """Products and their standard costs as two sheets. Returns both numbers of rows.

    Unit costs become number cells, which Excel stores as text of at most 16 digits: exact in øre.
    """
    items = [(what.ids[n], what.names[n], what.group_name(n), what.units[n]) for n in range(len(what))]
    items += [(code, _LINE_KINDS[kind], "Ydelser", "stk") for kind, code in SERVICES.items()]
    costs = [
        (what.ids[n], first, Decimal(int(what.cost[at, n])).scaleb(-2))
        for n in range(len(what))
        for at, first in enumerate(PRICE_DAYS)
        if at == 0 or what.cost[at, n] != what.cost[at - 1, n]
    ]
    sheets: dict[str, writers.Sheet] = {
        "Varer": (None, ("Varenr.", "Beskrivelse", "Varegruppe", "Enhed"), items),
        "Kostpriser": (None, ("Varenr.", "Gælder fra", "Kostpris"), costs),
    }
    writers.excel_file(landing / "stamdata" / "varer.xlsx", sheets)
    return len(items), len(costs)


def salespeople(landing: Path) -> int:
    """Tab between fields, cp1252."""
    rows = [(code, name, team, leader) for code, name, team, leader, _ in SALESPEOPLE]
    path = landing / "stamdata" / "saelgere.csv"
    writers.csv_file(path, ("Kode", "Navn", "Team", "Leder"), rows, delimiter="\t", encoding="cp1252")
    return len(rows)


def owners(landing: Path, who: Customers) -> int:
    """Who is responsible for whom, from when to when; shares with decimal comma."""
    rows: list[tuple[str, str, str, str, str]] = []

    def add(customer: int, owner: int, first: int, last: int | None, tenths: int) -> None:
        share = "1" if tenths == 10 else f"0,{tenths}"
        until = "" if last is None else f"{FIRST_DAY + timedelta(last):%d.%m.%Y}"
        since = f"{FIRST_DAY + timedelta(first):%d.%m.%Y}"
        rows.append((who.ids[customer], SALESPEOPLE[owner][0], since, until, share))

    for n in range(len(who)):
        change, first = int(who.owner_change[n]), int(who.first_day[n])
        last_day = (LAST_DAY - FIRST_DAY).days
        tenths = int(who.share_tenths[n])
        if change > last_day:
            add(n, int(who.first_owner[n]), first, None, tenths)
        elif change <= first:  # the change was planned before the customer came
            add(n, int(who.last_owner[n]), first, None, tenths)
        else:
            add(n, int(who.first_owner[n]), first, change - 1, tenths)
            add(n, int(who.last_owner[n]), change, None, tenths)
        if who.second_owner[n] >= 0:
            add(n, int(who.second_owner[n]), first, None, tenths)
    header = ("Kundenr.", "Sælger", "Fra", "Til", "Andel")
    writers.csv_file(landing / "stamdata" / "kundeansvarlige.csv", header, rows)
    return len(rows)


def bonus_agreements(landing: Path, who: Customers) -> int:
    """The rate in per cent, on all sales of the year once they pass the step."""
    rows = [
        (
            who.ids[n],
            "01-01-2022",
            "",
            writers.numbers(np.array([tier_from]), 0)[0],
            "Faktureret salg minus returvarer, hele årets beløb",
            writers.numbers(np.array([rate]), 1)[0],
        )
        for n in range(len(who))
        for tier_from, rate in who.bonus_tiers[n]
    ]
    header = ("Kundenr.", "Gælder fra", "Gælder til", "Trin fra kr.", "Grundlag", "Sats i procent")
    writers.csv_file(landing / "aftaler" / "bonusaftaler.csv", header, rows, encoding="cp1252")
    return len(rows)


def customer_costs(landing: Path, who: Customers, trade: Trade) -> int:
    """Parquet from a data warehouse: real dates and decimals."""
    costs = trade.costs
    ids = np.array([*who.ids, None], dtype=object)
    numbers = np.array([*trade.documents.number, None], dtype=object)
    first = np.datetime64(FIRST_DAY)
    amounts = [Decimal(ore).scaleb(-2) for ore in costs.amount.tolist()]
    table = pa.table(
        {
            "Løbenr.": pa.array([f"OMK{n:07d}" for n in range(1, len(costs) + 1)]),
            "Bogføringsdato": pa.array(first + costs.day.to_numpy().astype("timedelta64[D]")),
            "Kundenr.": pa.array(ids[costs.customer]),
            "Art": pa.array(costs.cost_type.map(_COST_KINDS).tolist()),
            "Beløb": pa.array(amounts, pa.decimal128(18, 2)),
            "Bilagsnr.": pa.array(numbers[costs.document]),
            "Konto": pa.array(costs.cost_type.map(COST_ACCOUNTS).tolist()),
        }
    )
    writers.parquet_file(landing / "omkostninger" / "kundeomkostninger.parquet", table)
    return len(costs)


def activities(landing: Path, days: Calendar, who: Customers, trade: Trade) -> int:
    """A JSON object per line and a file per year."""
    acts = trade.activities
    when = writers.dates(acts.day.to_numpy(), "%Y-%m-%d")
    columns = zip(
        *(acts[c].tolist() for c in ("type", "customer", "quantity", "minutes", "salesperson")), strict=True
    )
    records = [
        {
            "id": f"A{number:06d}",
            "dato": day,
            "type": _ACTIVITY_KINDS[kind],
            "kunde": who.ids[customer],
            "antal": quantity,
            "minutter": minutes or None,
            "medarbejder": SALESPEOPLE[salesperson][0],
        }
        for number, (day, (kind, customer, quantity, minutes, salesperson)) in enumerate(
            zip(when, columns, strict=True), start=1
        )
    ]
    year = days.year[acts.day.to_numpy()]
    for number, name in enumerate(YEARS):
        first, last = np.searchsorted(year, [number, number + 1])
        writers.json_lines(landing / "crm" / f"aktiviteter_{name}.jsonl", records[first:last])
    return len(records)


def receivables(landing: Path, who: Customers, trade: Trade) -> int:
    """A space between thousands (no-break) and a real minus sign, as an export made for reading."""
    items = trade.receivables
    amount = writers.numbers(
        items.amount.to_numpy(), 4, thousands="\u00a0", negative="unicode_minus", shortest=2
    )
    invoiced, due, paid = (
        writers.dates(items[c].to_numpy(), "%d/%m-%Y") for c in ("invoiced", "due", "paid")
    )
    columns = [
        trade.documents.number.to_numpy()[items.document],
        np.array(who.ids, dtype=object)[items.customer],
        invoiced,
        due,
        paid,
        amount,
    ]
    header = ("Bilag", "Konto", "Fakturadato", "Forfaldsdato", "Betalt", "Beløb inkl. moms")
    path = landing / "debitor" / "debitorposter.csv.gz"
    writers.csv_file(path, header, zip(*columns, strict=True), encoding="utf-8-sig")
    return len(items)


def ledger(landing: Path, entries: pd.DataFrame) -> tuple[int, int]:
    """Entries and chart of accounts. Returns both numbers of rows."""
    month_ends = [date(m.year + m.month // 12, m.month % 12 + 1, 1) - timedelta(1) for m in MONTHS]
    columns = [
        [f"{n:06d}" for n in range(1, len(entries) + 1)],
        [f"{month_ends[month]:%d-%m-%Y}" for month in entries.month],
        entries.account,
        writers.numbers(entries.amount.to_numpy(), 4, negative="parentheses", shortest=2),
        entries.cost_center,
        entries.voucher + "-" + entries.month.map(lambda month: f"{MONTHS[month]:%Y%m}"),
    ]
    header = ("Løbenr.", "Bogføringsdato", "Kontonr.", "Beløb", "Afdeling", "Bilagsnr.")
    rows = zip(*columns, strict=True)
    writers.csv_file(landing / "finans" / "finansposter.csv", header, rows, encoding="utf-16")
    chart = [(number, name, role) for number, (name, role) in ACCOUNTS.items()]
    writers.csv_file(landing / "finans" / "kontoplan.csv", ("Kontonr.", "Kontonavn", "Rolle"), chart)
    return len(entries), len(chart)


def rates(landing: Path) -> int:
    """The canonical file that needs no mapping."""
    rows = [
        (code, day.isoformat(), f"{rate // 100}.{rate % 100:02d}") for code, day, rate in exchange_rates()
    ]
    path = landing / "exchange_rates.csv"
    writers.csv_file(path, ("currency", "rate_date", "rate"), rows, delimiter=",")
    return len(rows)
