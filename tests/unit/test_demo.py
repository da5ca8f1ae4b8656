"""The demo company: files read back by their own declared conventions, and sums made a second time.

Nothing here uses the product's readers, so that a fault in them cannot hide one in the demo.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook
from ruamel.yaml import YAML

from kunderegnskab.demo import DemoSummary, generate
from kunderegnskab.workspace.company import Company
from kunderegnskab.workspace.mapping import Format, Source

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data"
SCALE = 0.05
LINE_TYPES = {
    "Vare": "goods",
    "Fragt": "freight_charge",
    "Gebyr": "fee",
    "Rabat": "discount",
    "Pant": "deposit",
}
COST_LINES = {
    "Fragt": "K45",
    "Årsbonus": "K20",
    "Markedsføringstilskud": "K20",
    "Kontantrabat": "K25",
    "Returhåndtering": "K46",
    "Provision": "K47",
    "Kortgebyr": "K47",
    "Tab på debitor": "K47",
}
Amounts = dict[Any, Decimal]


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("landing")


@pytest.fixture(scope="module", autouse=True)
def summary(landing: Path) -> DemoSummary:
    return generate(landing, scale=SCALE)


@pytest.fixture(scope="module")
def feeds() -> dict[str, list[Source]]:
    mapped = YAML(typ="safe").load(DATA / "feeds.yaml")
    return {feed: [Source.model_validate(source) for source in sources] for feed, sources in mapped.items()}


@pytest.fixture(scope="module")
def contracts() -> dict[str, Any]:
    path = ROOT / "kunderegnskab" / "feeds" / "contracts.yaml"
    return YAML(typ="safe").load(path)["feeds"]


@pytest.fixture(scope="module")
def lines(landing: Path, feeds: dict[str, list[Source]]) -> list[dict[str, Any]]:
    return list(sales_lines(landing, feeds["sales_lines"]))


@pytest.fixture(scope="module")
def facts(landing: Path, feeds: dict[str, list[Source]], lines: list[dict[str, Any]]) -> Amounts:
    """(customer, month, ladder line) -> amount in kroner, from the files."""
    return customer_facts(landing, feeds, lines)


# Reading, by the declared conventions


def number(text: str, form: Format) -> Decimal:
    """The number that `text` is by `form`; anything else is an error."""
    value = text
    is_negative = False
    marks = {
        "leading": r"-(.*)",
        "trailing": r"(.*)-",
        "unicode_minus": "\u2212(.*)",
        "parentheses": r"\((.*)\)",
    }
    for name in form.negative:
        if match := re.fullmatch(marks[name], value):
            value, is_negative = match.group(1), True
            break
    if form.thousands is not None:
        mark = "\u00a0" if form.thousands == " " else form.thousands
        whole = value.split(form.decimal)[0]
        assert re.fullmatch(rf"\d{{1,3}}(?:{re.escape(mark)}\d{{3}})*", whole), text
        value = value.replace(mark, "")
    assert re.fullmatch(rf"\d+(?:{re.escape(form.decimal)}\d+)?", value), text
    amount = Decimal(value.replace(form.decimal, "."))
    return -amount if is_negative else amount


def day(text: str, form: Format) -> date:
    return datetime.strptime(text, form.date).date()


def records(landing: Path, source: Source) -> Iterator[tuple[dict[str, Any], Format]]:
    """Every record below the header of every file of the source, totals and all."""
    paths = sorted(landing.glob(source.files))
    assert paths, source.files
    form = source.format
    for path in paths:
        if form.type == "csv":
            body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            text = io.StringIO(body.decode(form.encoding), newline="")
            yield from ((row, form) for row in csv.DictReader(text, delimiter=form.delimiter))
        elif form.type == "xlsx":
            workbook = CalamineWorkbook.from_path(path)
            rows = workbook.get_sheet_by_name(form.sheet or workbook.sheet_names[0]).to_python(
                skip_empty_area=False
            )
            header = [str(cell) for cell in rows[form.header_row - 1]]
            yield from ((dict(zip(header, row, strict=True)), form) for row in rows[form.header_row :])
        elif form.type == "parquet":
            yield from ((row, form) for row in pq.read_table(path).to_pylist())
        else:
            yield from ((json.loads(line), form) for line in path.read_text(encoding="utf-8").splitlines())


def sales_lines(landing: Path, sources: list[Source]) -> Iterator[dict[str, Any]]:
    for source in sources:
        for row, form in records(landing, source):
            is_new = "Kundenr." in row
            if not is_new and row["Posttype"] != "Salg":
                continue
            is_credit = row["Bilagstype"] in ("Kreditnota", "Salgskreditnota")
            sign = -1 if is_new and is_credit else 1
            net = sign * number(row["Nettobeløb"], form)
            yield {
                "document": row["Bilagsnr."],
                "line": row["Linjenr."],
                "is_credit": is_credit,
                "day": day(row["Bogføringsdato"], form),
                "customer": row["Kundenr." if is_new else "Debitornr."],
                "product": row["Varenr."],
                "type": LINE_TYPES[row["Linjetype"]],
                "quantity": sign * number(row["Antal"], form),
                "net": net,
                "list": net + sign * number(row["Rabatbeløb"], form)
                if is_new
                else number(row["Listebeløb"], form),
                "cost": sign * number(row["Kostbeløb"], form) if row["Kostbeløb"] else None,
                "currency": row["Valutakode" if is_new else "Valuta"],
                "salesperson": row["Sælger" if is_new else "Sælgerkode"],
                "order": row["Ordrenr."],
                "original": (row["Krediterer"], row["Kreditererlinje"])
                if is_new
                else (row["Udl.bilagsnr."], row["Udl.linjenr."]),
                "reason": row["Årsag" if is_new else "Returårsag"],
            }


def customer_facts(landing: Path, feeds: dict[str, list[Source]], lines: list[dict[str, Any]]) -> Amounts:
    rates: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
    for row in csv.DictReader((landing / "exchange_rates.csv").open(encoding="utf-8")):
        rates[row["currency"]].append((row["rate_date"], Decimal(row["rate"])))
    unit_costs: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
    for row, _ in records(landing, feeds["product_costs"][0]):
        unit_costs[row["Varenr."]].append((row["Gælder fra"], Decimal(repr(row["Kostpris"]))))

    # What comes back takes the cost that it was sold at.
    sold_on = {(line["document"], line["line"]): line["day"] for line in lines}
    total: Amounts = defaultdict(Decimal)
    for line in lines:
        rate = Decimal(1)
        if line["currency"]:
            known = rates[line["currency"]]
            rate = known[bisect_right(known, (line["day"].isoformat(), Decimal("Infinity"))) - 1][1]
        month = line["day"].replace(day=1)

        def add(code: str, amount: Decimal, who: str = line["customer"], month: date = month) -> None:
            total[who, month, code] += amount

        net, kind, is_credit = line["net"] * rate, line["type"], line["is_credit"]
        if kind in ("goods", "fee"):
            if is_credit:
                add("K15", -net)
            else:
                add("K00", line["list"] * rate)
                add("K05", line["list"] * rate - net)
        if kind == "discount":
            add("K15" if is_credit else "K05", -net)
        if kind == "freight_charge":
            add("K45", -net)
        if kind == "deposit":
            add("deposit", net)
        if kind == "goods":
            if line["cost"] is not None:
                add("K35", line["cost"] * rate)
            else:
                costed = sold_on[line["original"]] if is_credit else line["day"]
                valid = [cost for since, cost in unit_costs[line["product"]] if since <= costed]
                add("K35", line["quantity"] * valid[-1])
    for row, _ in records(landing, feeds["customer_costs"][0]):
        total[row["Kundenr."] or "", row["Bogføringsdato"].replace(day=1), COST_LINES[row["Art"]]] += row[
            "Beløb"
        ]
    return total


def ledger(landing: Path, feeds: dict[str, list[Source]]) -> tuple[Amounts, Amounts]:
    """Debit-positive sums per (month, role) and per (month, account, voucher)."""
    roles = {row["Kontonr."]: row["Rolle"] for row, _ in records(landing, feeds["ledger_accounts"][0])}
    by_role: Amounts = defaultdict(Decimal)
    by_account: Amounts = defaultdict(Decimal)
    for row, form in records(landing, feeds["ledger_entries"][0]):
        month = day(row["Bogføringsdato"], form).replace(day=1)
        amount = number(row["Beløb"], form)
        by_role[month, roles[row["Kontonr."]]] += amount
        by_account[month, row["Kontonr."], row["Bilagsnr."].split("-")[0]] += amount
    return by_role, by_account


# The tests


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_and_scale_give_the_same_bytes(landing: Path, tmp_path: Path) -> None:
    generate(tmp_path / "again", scale=SCALE)
    assert digests(tmp_path / "again") == digests(landing)


def test_another_seed_gives_other_records_in_the_same_files(landing: Path, tmp_path: Path) -> None:
    generate(tmp_path, scale=SCALE, seed=1)
    other, first = digests(tmp_path), digests(landing)
    assert other.keys() == first.keys()
    assert other["salg/salg_2023.csv"] != first["salg/salg_2023.csv"]


@pytest.mark.parametrize("scale", [0, -1])
def test_scale_must_be_positive(scale: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="scale must be positive"):
        generate(tmp_path, scale=scale)


def test_the_summary_counts_what_the_files_hold(
    landing: Path, feeds: dict[str, list[Source]], summary: DemoSummary, lines: list[dict[str, Any]]
) -> None:
    read = {feed: sum(1 for source in feeds[feed] for _ in records(landing, source)) for feed in feeds}
    read["sales_lines"] = len(lines)
    read["exchange_rates"] = len((landing / "exchange_rates.csv").read_text().splitlines()) - 1
    assert read == summary.records
    assert len(summary.months) == 36
    assert {line["day"].replace(day=1) for line in lines} == set(summary.months)
    assert summary.records["sales_lines"] == pytest.approx(150_000 * SCALE, rel=0.15)
    assert summary.records["salespeople"] == 12


def test_the_ledger_ties_to_the_records_exactly(
    landing: Path, feeds: dict[str, list[Source]], facts: Amounts, summary: DemoSummary
) -> None:
    booked, _ = ledger(landing, feeds)
    recorded: Amounts = defaultdict(Decimal)
    for (_, month, code), amount in facts.items():
        recorded[month, code] += amount
    for month in summary.months:
        for code in ("K00", "K05", "K15", "K20", "K25", "K35", "K45", "K46", "K47"):
            expected = -recorded[month, code] if code == "K00" else recorded[month, code]
            assert booked[month, code] == expected, (month, code)


def test_every_month_of_the_ledger_balances(landing: Path, feeds: dict[str, list[Source]]) -> None:
    booked, _ = ledger(landing, feeds)
    per_month: Amounts = defaultdict(Decimal)
    for (month, _), amount in booked.items():
        per_month[month] += amount
    assert set(per_month.values()) == {Decimal(0)}


def test_receivables_and_deposits_tie_to_their_accounts(
    landing: Path, feeds: dict[str, list[Source]], facts: Amounts, summary: DemoSummary
) -> None:
    _, booked = ledger(landing, feeds)
    invoiced: Amounts = defaultdict(Decimal)
    paid: Amounts = defaultdict(Decimal)
    for row, form in records(landing, feeds["receivables"][0]):
        amount = number(row["Beløb inkl. moms"], form)
        invoiced[day(row["Fakturadato"], form).replace(day=1)] += amount
        if row["Betalt"]:
            paid[day(row["Betalt"], form).replace(day=1)] += amount
    deposits: Amounts = defaultdict(Decimal)
    for (_, month, code), amount in facts.items():
        deposits[month] += amount if code == "deposit" else 0
    for month in summary.months:
        assert booked[month, "5600", "SALG"] == invoiced[month]
        assert booked[month, "5600", "BETAL"] == -(paid[month] - booked[month, "1410", "KUNDE"])
        assert booked[month, "6650", "SALG"] == -deposits[month]


def test_when_the_quarter_was_closed_its_last_credit_notes_were_not_there(
    landing: Path, feeds: dict[str, list[Source]], lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    """They come later in all files alike, so that the books tie at both times."""
    summary = generate(tmp_path, scale=SCALE, at_the_close=True)
    before, now = digests(tmp_path), digests(landing)
    assert {name for name in now if before[name] != now[name]} == {
        "debitor/debitorposter.csv.gz",
        "finans/finansposter.csv",
        "omkostninger/kundeomkostninger.parquet",
        "salg/salg_2024.csv",
    }
    known = list(sales_lines(tmp_path, feeds["sales_lines"]))
    late = [line for line in lines if line["is_credit"] and line["day"].strftime("%Y-%m") == "2024-12"]
    assert late
    assert known == [line for line in lines if line not in late]

    facts = customer_facts(tmp_path, feeds, known)
    test_the_ledger_ties_to_the_records_exactly(tmp_path, feeds, facts, summary)
    test_every_month_of_the_ledger_balances(tmp_path, feeds)
    test_receivables_and_deposits_tie_to_their_accounts(tmp_path, feeds, facts, summary)
    test_the_summary_counts_what_the_files_hold(tmp_path, feeds, summary, known)


def test_large_loss_making_customers_exist(facts: Amounts, summary: DemoSummary) -> None:
    signs = {"K00": 1, "K05": -1, "K15": -1, "K20": -1, "K25": -1, "K35": -1, "K45": -1, "K46": -1, "K47": -1}
    db2: Amounts = defaultdict(Decimal)
    sales: Amounts = defaultdict(Decimal)
    for (customer, _, code), amount in facts.items():
        db2[customer] += signs.get(code, 0) * amount
        sales[customer] += amount if code == "K00" else 0
    assert len(summary.loss_makers) == 8
    median = sorted(sales.values())[len(sales) // 2]
    assert all(db2[customer] < 0 for customer in summary.loss_makers)
    assert all(sales[customer] > median for customer in summary.loss_makers)
    assert sum(db2.values()) > 0


def test_credit_lines_correct_an_invoice_line_often_in_a_later_month(lines: list[dict[str, Any]]) -> None:
    invoiced = {(line["document"], line["line"]): line for line in lines if not line["is_credit"]}
    credits = [line for line in lines if line["is_credit"]]
    in_a_later_month = 0
    for credit in credits:
        original = invoiced[credit["original"]]
        assert credit["reason"]
        assert credit["net"] < 0
        assert credit["quantity"] <= 0
        assert original["quantity"] + credit["quantity"] >= 0
        assert original["net"] + credit["net"] >= 0
        assert [original[k] for k in ("customer", "product", "currency")] == [
            credit[k] for k in ("customer", "product", "currency")
        ]
        assert original["day"] < credit["day"]
        in_a_later_month += original["day"].replace(day=1) < credit["day"].replace(day=1)
    assert in_a_later_month > len(credits) // 4


def test_the_sales_have_every_kind_of_line_customer_and_gap(
    lines: list[dict[str, Any]], landing: Path
) -> None:
    assert {line["type"] for line in lines} == set(LINE_TYPES.values())
    assert {line["currency"] for line in lines} == {"", "EUR", "SEK"}
    assert any(line["customer"] == "" for line in lines)
    assert any(line["type"] == "goods" and line["cost"] is None for line in lines)
    assert any(line["quantity"] % 1 for line in lines)
    keys = Counter((line["document"], line["line"]) for line in lines)
    assert set(keys.values()) == {1}
    invoices = {(line["order"], line["document"]) for line in lines if not line["is_credit"]}
    assert len(invoices) > len({order for order, _ in invoices}), "some orders are invoiced in two parts"
    for prefix in ("SF-", "SK-"):
        serials = sorted({int(line["document"][3:]) for line in lines if line["document"].startswith(prefix)})
        assert serials == list(range(serials[0], serials[0] + len(serials)))
    assert all(line["order"] and line["day"].weekday() < 5 for line in lines)


def test_prices_rise_in_two_steps_and_coffee_gets_dearer_to_buy_between_them(
    landing: Path, feeds: dict[str, list[Source]], lines: list[dict[str, Any]]
) -> None:
    lists = (date(2023, 1, 1), date(2024, 1, 1), date(2025, 1, 1), date(2025, 7, 1))
    prices: dict[tuple[str, date], set[Decimal]] = defaultdict(set)
    for line in lines:
        is_domestic_sale = line["type"] == "goods" and not line["is_credit"] and not line["currency"]
        if is_domestic_sale and line["quantity"] % 1 == 0:
            in_force = max(first for first in lists if first <= line["day"])
            prices[line["product"], in_force].add(line["list"] / line["quantity"])
    assert all(len(found) == 1 for found in prices.values())
    for product in {product for product, _ in prices}:
        known = [next(iter(prices[product, first])) for first in lists if (product, first) in prices]
        assert known == sorted(set(known))

    groups = {row["Varenr."]: row["Varegruppe"] for row, _ in records(landing, feeds["products"][0])}
    costs: dict[str, dict[date, Decimal]] = defaultdict(dict)
    for row, _ in records(landing, feeds["product_costs"][0]):
        costs[row["Varenr."]][row["Gælder fra"]] = Decimal(str(row["Kostpris"]))
    shock = date(2025, 4, 1)
    assert {groups[product] for product, found in costs.items() if shock in found} == {"Kaffe og te"}
    for found in costs.values():
        if shock in found:
            assert Decimal("1.15") < found[shock] / found[date(2025, 1, 1)] < Decimal("1.21")


def test_customers_buy_the_same_goods_again(lines: list[dict[str, Any]]) -> None:
    bought: dict[int, Amounts] = {year: defaultdict(Decimal) for year in (2023, 2024, 2025)}
    for line in lines:
        if line["type"] == "goods" and line["customer"]:
            bought[line["day"].year][line["customer"], line["product"], line["currency"]] += line["net"]
    for year in (2024, 2025):
        again = sum(net for what, net in bought[year].items() if bought[year - 1].get(what, 0) > 0)
        assert again / sum(bought[year].values()) > Decimal("0.8")


def test_goods_have_their_seasons(
    landing: Path, feeds: dict[str, list[Source]], lines: list[dict[str, Any]]
) -> None:
    groups = {row["Varenr."]: row["Varegruppe"] for row, _ in records(landing, feeds["products"][0])}
    sold: Amounts = defaultdict(Decimal)
    for line in lines:
        sold[groups.get(line["product"]), line["day"].month] += line["net"]
    for group, high, low in (("Øl og vand", (5, 6), (1, 2)), ("Snacks", (11, 12), (6, 7))):
        more, less = (sum(sold[group, month] for month in months) for months in (high, low))
        assert more > less * Decimal("1.5")


def test_one_chain_is_lost(
    landing: Path, feeds: dict[str, list[Source]], lines: list[dict[str, Any]]
) -> None:
    chains: dict[str, set[str]] = defaultdict(set)
    for row, _ in records(landing, feeds["customers"][0]):
        if row["Kædekontor"]:
            chains[row["Kædekontor"]] |= {row["Kædekontor"], row["Nr."]}
    last: dict[str, date] = defaultdict(lambda: date.min)
    for line in lines:
        if not line["is_credit"]:
            last[line["customer"]] = max(last[line["customer"]], line["day"])
    ends = {head: max(last[outlet] for outlet in outlets) for head, outlets in chains.items()}
    lost = [head for head, end in ends.items() if end < date(2025, 10, 1)]
    assert len(lost) == 1
    # All its outlets are lost customers at the end of the accounts: they bought last more than twelve months before.
    assert date(2024, 10, 1) <= ends[lost[0]] <= date(2024, 12, 31)


def test_owners_change_and_share(
    landing: Path, feeds: dict[str, list[Source]], lines: list[dict[str, Any]], summary: DemoSummary
) -> None:
    owners: dict[str, list[tuple[date, date, Decimal, str]]] = defaultdict(list)
    for row, form in records(landing, feeds["customer_owners"][0]):
        until = day(row["Til"], form) if row["Til"] else date(9999, 12, 31)
        span = (day(row["Fra"], form), until, number(row["Andel"], form), row["Sælger"])
        owners[row["Kundenr."]].append(span)
    assert all(since <= until for spans in owners.values() for since, until, *_ in spans)
    assert sum(len({who for *_, who in spans}) > 1 for spans in owners.values()) >= 4
    assert any(sorted(share for *_, share, _ in spans) == [Decimal("0.5")] * 2 for spans in owners.values())
    for who_left, last_day in (("DAVI", date(2024, 9, 30)), ("GISK", date(2025, 5, 31))):
        assert {until for spans in owners.values() for _, until, _, who in spans if who == who_left} == {
            last_day
        }
    for line in lines:
        if line["customer"]:
            active = [span for span in owners[line["customer"]] if span[0] <= line["day"] <= span[1]]
            assert sum(share for *_, share, _ in active) <= 1
            if not line["is_credit"]:
                assert line["salesperson"] in {who for *_, who in active}


def test_each_file_is_written_in_its_declared_convention(landing: Path) -> None:
    def raw(name: str) -> bytes:
        return (landing / name).read_bytes()

    def amounts(name: str, encoding: str) -> str:
        return raw(name).decode(encoding)

    old, updated = raw("salg/salg_2023.csv"), raw("salg/salg_2024.csv")
    assert "Bogføringsdato".encode("cp1252") in old
    assert re.search(rb";-\d+,\d\d;", old)
    assert not re.search(rb"\d-;", old)
    assert re.search(rb";\d+,\d\d-;", updated)
    assert not re.search(rb";-\d", updated)
    assert re.search(rb";\d{1,3}\.\d{3},\d\d;", old)
    for body in (old, updated):
        assert body.splitlines()[-1].startswith(b";I alt;")
        assert b"\r\nRegulering;" in body
    new = raw("salg/salg_2025-07.csv")
    assert new.startswith(b"\xef\xbb\xbf")
    credits = [row for row in new.splitlines() if b";Salgskreditnota;" in row]
    assert credits
    assert not any(re.search(rb";-\d", row) for row in credits), "the document type has the sign"

    customers = CalamineWorkbook.from_path(landing / "stamdata" / "kunder.xlsx").get_sheet_by_name("Kunder")
    rows = customers.to_python(skip_empty_area=False)
    assert str(rows[0][0]).startswith("Nordlys Engros A/S")
    assert not any(rows[1])
    assert rows[2][0] == "Nr."
    first = dict(zip(rows[2], rows[3], strict=True))
    assert first["Nr."] == "001000"
    assert isinstance(first["Kunde siden"], date)
    assert {row[-1] for row in rows[3:]} == {"Ja", "Nej"}

    costs = pq.read_schema(landing / "omkostninger" / "kundeomkostninger.parquet")
    assert str(costs.field("Beløb").type) == "decimal128(18, 2)"
    assert str(costs.field("Bogføringsdato").type) == "date32[day]"

    receivables = gzip.decompress(raw("debitor/debitorposter.csv.gz"))
    assert receivables.startswith(b"\xef\xbb\xbf")
    assert re.search("\u2212\\d", receivables.decode("utf-8"))
    assert re.search("\\d\u00a0\\d{3},\\d\\d", receivables.decode("utf-8"))
    assert re.search(r";\d\d/\d\d-\d{4};", receivables.decode("utf-8"))

    assert raw("finans/finansposter.csv").startswith(b"\xff\xfe")
    assert re.search(r";\([\d.]+,\d{2,4}\);", amounts("finans/finansposter.csv", "utf-16"))
    assert re.search(r";\d\d\.\d\d\.\d{4};", amounts("stamdata/kundeansvarlige.csv", "utf-8"))
    assert "\tØst\t" in amounts("stamdata/saelgere.csv", "cp1252")
    assert amounts("exchange_rates.csv", "utf-8").startswith("currency,rate_date,rate\r\nEUR,2022-12-26,7.4")


def test_the_total_row_is_the_sum_of_the_file(landing: Path, feeds: dict[str, list[Source]]) -> None:
    for source in feeds["sales_lines"][:2]:
        *details, (total, form) = records(landing, source)
        assert source.total_rows is not None
        assert total[source.total_rows.column] in source.total_rows.words
        for column in ("Listebeløb", "Nettobeløb"):
            assert number(total[column], form) == sum(number(row[column], form) for row, _ in details)


def test_late_payers_open_items_and_losses_exist(landing: Path, feeds: dict[str, list[Source]]) -> None:
    items = list(records(landing, feeds["receivables"][0]))
    days_late = [(day(r["Betalt"], f) - day(r["Forfaldsdato"], f)).days for r, f in items if r["Betalt"]]
    assert max(days_late) > 20
    assert min(days_late) < 0
    assert any(not row["Betalt"] for row, _ in items)
    kinds = Counter(row["Art"] for row, _ in records(landing, feeds["customer_costs"][0]))
    assert set(kinds) == set(COST_LINES)


def test_the_mapping_names_columns_that_exist(
    landing: Path, feeds: dict[str, list[Source]], contracts: dict[str, Any]
) -> None:
    for feed, sources in feeds.items():
        for source in sources:
            header = set(next(records(landing, source))[0])
            quoted = {name for text in source.expressions.values() for name in re.findall(r'"([^"]+)"', text)}
            assert set(source.columns.values()) | quoted <= header, source.files
            assert source.mapped <= set(contracts[feed]["columns"]), source.files
            required = {name for name, column in contracts[feed]["columns"].items() if column.get("required")}
            assert required <= source.mapped, source.files


def test_every_landing_file_feeds_something(landing: Path, feeds: dict[str, list[Source]]) -> None:
    used = {path for sources in feeds.values() for source in sources for path in landing.glob(source.files)}
    assert {path for path in landing.rglob("*") if path.is_file()} - used == {landing / "exchange_rates.csv"}


def test_the_company_file_is_valid() -> None:
    company = Company.model_validate(YAML(typ="safe").load(DATA / "company.yaml"))
    assert (company.name, company.currency) == ("Nordlys Engros A/S", "DKK")


def test_policy_files_follow_their_contract(contracts: dict[str, Any]) -> None:
    files = sorted((DATA / "policy").glob("*.csv"))
    assert files
    assert [wrong for path in files for wrong in faults_of_policy_file(path, contracts[path.stem])] == []


def faults_of_policy_file(path: Path, contract: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    if not rows:
        yield path.name, "is empty"
    defaults = {
        name: column["default"] for name, column in contract["columns"].items() if "default" in column
    }
    keys = Counter(tuple((defaults | row)[column] for column in contract["key"]) for row in rows)
    yield from ((path.name, "repeats the key", key) for key, count in keys.items() if count > 1)
    for row in rows:
        yield from ((path.name, name, "is no column") for name in set(row) - set(contract["columns"]))
        for name, column in contract["columns"].items():
            value = row.get(name)
            if not value:
                if name in row and column.get("required"):
                    yield path.name, name, "is empty", row
            elif not can_be(column, value):
                yield path.name, name, f"cannot be {value!r}"


def can_be(column: dict[str, Any], value: str) -> bool:
    try:
        if column["type"] in ("date", "month"):
            return date.fromisoformat(value).day == 1 or column["type"] == "date"
        if column["type"] in ("money", "quantity", "rate", "integer"):
            return Decimal(value).is_finite()
    except (ValueError, ArithmeticError):
        return False
    return column["type"] != "code" or value in column["values"]


def test_pools_of_the_ledger_and_of_the_policy_are_the_same(
    landing: Path, feeds: dict[str, list[Source]]
) -> None:
    roles = {row["Rolle"] for row, _ in records(landing, feeds["ledger_accounts"][0])}
    with (DATA / "policy" / "cost_pools.csv").open(encoding="utf-8") as file:
        pools = {f"pool:{row['cost_pool_id']}" for row in csv.DictReader(file)}
    assert {role for role in roles if role.startswith("pool:")} == pools
