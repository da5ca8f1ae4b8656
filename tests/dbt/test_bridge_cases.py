"""Published worked examples of bridges, from records to marts: each in the books of a company of its own.

Bridges are made for the windows of the last years alone, and an example has two years to itself. Each example says
first what it puts into the books and then what must come out of them. Its numbers, what they were published in and
how exactly they must hold stand in cases.json, beside the folder of datasets; none is repeated here. Examples that
need no bridge belong in tests/e2e, where they go through a refresh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from replay import Replay
from small_company import COMPANY
from worked_examples import NOTHING, ONE, Books, Case, Examples, Published, agree, read_cases

HUNDRED = Decimal(100)
# Windows that compare the same two months of Books.two_years: each with the month that it ends with.
WINDOWS = {"quarter": "quarter", "ytd": "year", "r12": "year"}
in_every_window = pytest.mark.parametrize("window", WINDOWS)

BRIDGES = Examples()
Tell = Callable[[str], tuple[Case, Published]]


@pytest.fixture(scope="module")
def told(datasets: Path, replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tell]:
    """An example by its number, and the marts that were made of its books alone."""
    cases = read_cases(datasets)

    with ExitStack() as companies:

        @cache
        def tell(case_id: str) -> tuple[Case, Published]:
            case, books = cases[case_id], Books({})
            # Windows of time lie between the first and the last posted month: a sale before the two years, and one
            # after them.
            earlier = books.year(case, "earlier")
            BRIDGES.put_in[case_id](case, books)
            later = books.month(case, "later")
            for month in (earlier, later):
                books.sell(case, "another", month, list_amount=ONE, cost=NOTHING)
            settings = {**COMPANY, "fiscal_year_start": 1}
            company = replay.run(tmp_path_factory.mktemp(case_id), books.records, settings)
            return case, Published(companies.enter_context(company))

        yield tell


# --- W15, W17-W19: price, volume and mix --------------------------------------------------------------
@BRIDGES.puts_in("W15")
def three_items(case: Case, books: Books) -> None:
    for month, period in zip(books.two_years(case), ("0", "1"), strict=True):
        for item, quantity in case.inputs[f"q{period}"].items():
            sell_item(case, books, "buyer", item, month, quantity, case.inputs[f"p{period}"][item], NOTHING)


@BRIDGES.puts_in("W17")
def two_products(case: Case, books: Books) -> None:
    for month, plan in zip(books.two_years(case), ("budget", "actual"), strict=True):
        for item, quantity in case.inputs[plan].items():
            sell_at_contribution(case, books, "buyer", item, month, quantity)


@BRIDGES.puts_in("W18")
def furniture(case: Case, books: Books) -> None:
    # Each product has a buyer of its own, so that the account of the buyer is the product's.
    then, now = books.two_years(case)
    budget = case.inputs["budget"]
    for item, quantity in budget.items():
        sell_at_contribution(case, books, item, item, then, quantity)
        # Of the actual total only the sum is stated: in the mix of the budget.
        in_the_mix = case.inputs["actual_total"] * quantity / sum(budget.values())
        sell_at_contribution(case, books, item, item, now, in_the_mix)


@BRIDGES.puts_in("W19")
def new_and_lost(case: Case, books: Books) -> None:
    then, now = books.two_years(case)
    for fields in case.inputs["rows"]:
        row = dict(zip(case.inputs["columns"], fields, strict=True))
        for month, period in ((then, "0"), (now, "1")):
            quantity, price, cost = row[f"q{period}"], row[f"p{period}"], row[f"c{period}"]
            if quantity:
                sell_item(case, books, row["customer"], row["item"], month, quantity, price, cost)


def sell_at_contribution(
    case: Case, books: Books, customer: str, item: str, month: Any, quantity: Decimal
) -> None:
    """At a contribution per unit as the example has it, on top of a cost that it does not tell."""
    cost = HUNDRED
    sell_item(case, books, customer, item, month, quantity, cost + case.inputs["cm"][item], cost)


def sell_item(
    case: Case,
    books: Books,
    customer: str,
    item: str,
    month: Any,
    quantity: Decimal,
    price: Decimal,
    cost: Decimal,
) -> None:
    books.sell(
        case,
        customer,
        month,
        quantity=quantity,
        list_amount=quantity * price,
        cost=quantity * cost,
        product_id=case.own(item),
    )


def effects(
    marts: Published,
    case: Case,
    window: str,
    column: str,
    scope_type: str = "company",
    scope_id: str = "company",
    mart: str = "price_volume_mix",
) -> dict[str, Decimal]:
    """The components of a bridge between the example's two months; they add up, whatever they are."""
    found = marts.records(
        f"select component, {column} as effect from marts.{mart} "
        "where scope_type = ? and scope_id = ? and time_window = ? and month = ?",
        scope_type,
        scope_id,
        window,
        case.months[WINDOWS[window]],
    )
    components = {row["component"]: row["effect"] for row in found}
    steps = sum(effect for name, effect in components.items() if name not in ("opening", "closing"))
    assert components["opening"] + steps == components["closing"]
    return components


def only(components: dict[str, Decimal], *names: str) -> dict[str, Decimal]:
    """These components, where no other has an effect."""
    others = {name: effect for name, effect in components.items() if name not in names and effect}
    assert not others.keys() - {"opening", "closing"}, others
    return {name: components[name] for name in names}


def scopes(marts: Published, case: Case, customer: str, window: str) -> dict[str, str]:
    """Scopes that have nothing in the example's time but this customer, who has no salesperson."""
    ((segment, opening_segment),) = marts.con.execute(
        "select segment, opening_segment from marts.customer_segments where customer_id = ? and month = ?",
        [case.own(customer), case.months[WINDOWS[window]]],
    ).fetchall()
    return {
        "company": "company",
        "customer": case.own(customer),
        "segment": segment,
        "segment_opening": opening_segment,
        "salesperson": "Ikke tildelt",
    }


@in_every_window
def test_W15_price_volume_and_mix_in_every_scope(told: Tell, window: str):
    case, marts = told("W15")
    for scope_type, scope_id in scopes(marts, case, "buyer", window).items():
        found = effects(marts, case, window, "revenue_effect", scope_type, scope_id)
        agree(case, {"convA": only(found, "price", "volume", "mix")}, case.exact, without=("convB_midpoint",))
        agree(case, {"R0": found["opening"], "R1": found["closing"]}, case.published, without=("convC",))
        # Other conventions divide the same change differently (C: price at the quantity of then, B: both at the
        # middle). Of theirs, the sum holds for ours; the parts do not.
        change = found["price"] + found["volume"] + found["mix"]
        agree(case, change, sum(case.published["convC"].values()))
        agree(case, change, sum(case.exact["convB_midpoint"].values()))
        assert found["price"] not in (
            case.published["convC"]["price_at_q0"],
            case.exact["convB_midpoint"]["price"],
        )


@in_every_window
def test_W17_textbook_volume_is_volume_and_mix(told: Tell, window: str):
    case, marts = told("W17")
    for scope_type, scope_id in scopes(marts, case, "buyer", window).items():
        found = only(effects(marts, case, window, "db1_effect", scope_type, scope_id), "volume", "mix")
        agree(case, {"volume": found["volume"] + found["mix"], "mix": found["mix"]}, case.published)
        agree(case, {"quantity": found["volume"]}, case.exact)


@in_every_window
def test_W18_quantity_at_the_mix_of_the_budget(told: Tell, window: str):
    case, marts = told("W18")
    items = case.inputs["budget"]
    company = effects(marts, case, window, "db1_effect")
    quantity = {
        item: only(effects(marts, case, window, "db1_effect", "customer", case.own(item)), "volume")["volume"]
        for item in items
    }
    quantity["total"] = only(company, "volume")["volume"]
    agree(
        case,
        {
            "weighted_avg_cm": company["opening"] / sum(items.values()),
            "quantity_k": {name: effect / 1000 for name, effect in quantity.items()},
        },
        case.published,
    )


# The names of the example, and ours.
W19_COMPONENTS = {
    "price": "price",
    "volume": "volume",
    "mix": "mix",
    "new_customer": "new_customer",
    "new_item": "new_product",
    "lost_customer": "lost_customer",
    "lost_item": "lost_product",
}


@in_every_window
def test_W19_new_and_lost_customers_and_products(told: Tell, window: str):
    case, marts = told("W19")
    for column, name, ends, more in (
        ("revenue_effect", "revenue", ("R0", "R1"), {}),
        ("db1_effect", "db", ("DB0", "DB1"), {"cost": "unit_cost"}),
    ):
        components = {"opening": "opening", "closing": "closing"} | W19_COMPONENTS | more
        found = effects(marts, case, window, column)
        only(found, *components.values())
        named = {theirs: found[ours] for theirs, ours in components.items()}
        named = {ends[0]: named.pop("opening"), ends[1]: named.pop("closing"), **named}
        agree(case, named, case.exact[name])


@in_every_window
def test_W19_the_ratio_by_customer(told: Tell, window: str):
    case, marts = told("W19")
    found = effects(marts, case, window, "dg1_effect", mart="portfolio_ratio_bridge")
    only(found, "rate", "mix", "new_customers", "lost_customers")
    components = {
        "DG0": "opening",
        "DG1": "closing",
        "rate": "rate",
        "mix": "mix",
        "new": "new_customers",
        "lost": "lost_customers",
    }
    agree(
        case,
        {theirs: found[ours] * HUNDRED for theirs, ours in components.items()},
        case.exact["dg_by_customer_pp"],
    )


# --- W35: what the drivers take of invoiced sales -----------------------------------------------------
# The names of the example, and ours.
W35_DRIVERS = {
    "retur": "returns",
    "bonus": "bonus",
    "vareforbrug": "cogs",
    "fragt": "freight",
    "total": "db2",
}


@BRIDGES.puts_in("W35")
def flat_ratio(case: Case, books: Books) -> None:
    for month, amounts in zip(books.two_years(case), (case.inputs["p0"], case.inputs["p1"]), strict=True):
        books.sell(case, "buyer", month, list_amount=amounts["K10"], cost=amounts["vareforbrug"])
        books.credit(case, "buyer", month, quantity=-ONE, net_amount=-amounts["retur"], cost=NOTHING)
        for cost_type, name in (("bonus", "bonus"), ("freight", "fragt")):
            books.direct_cost(case, "buyer", month, cost_type, amounts[name])


@in_every_window
def test_W35_four_movements_behind_a_ratio_that_stands_still(told: Tell, window: str):
    case, marts = told("W35")
    for scope_type, scope_id in scopes(marts, case, "buyer", window).items():
        found = {
            row["driver"]: row
            for row in marts.records(
                "select * from marts.driver_bridge "
                "where scope_type = ? and scope_id = ? and time_window = ? and month = ?",
                scope_type,
                scope_id,
                window,
                case.months[WINDOWS[window]],
            )
        }
        total = found["db2"]
        agree(
            case,
            {
                "DB": [total["compared_amount"], total["amount"]],
                "pct": [total["compared_rate"] * HUNDRED, total["rate"] * HUNDRED],
                "bridge_pp": {
                    theirs: found[ours]["effect"] * HUNDRED for theirs, ours in W35_DRIVERS.items()
                },
            },
            case.exact,
        )
        drivers = {name: row["effect"] for name, row in found.items() if name != "db2"}
        assert sum(drivers.values()) == total["effect"]
        assert not any(effect for name, effect in drivers.items() if name not in W35_DRIVERS.values())


def test_W35_the_account_behind_it(told: Tell):
    case, marts = told("W35")
    lines = {"K10": "invoiced_sales"} | {
        theirs: ours for theirs, ours in W35_DRIVERS.items() if theirs != "total"
    }
    for name, period in (("then", "p0"), ("now", "p1")):
        account = marts.account(case, "buyer", case.months[name])
        agree(
            case,
            {theirs: account[ours] for theirs, ours in lines.items()},
            case.inputs[period],
            tolerance=NOTHING,
        )
    contributions = [marts.account(case, "buyer", case.months[name])["db2"] for name in ("then", "now")]
    agree(case, contributions, case.exact["DB"])


# --- W36: a customer changes hands --------------------------------------------------------------------
@BRIDGES.puts_in("W36")
def handed_over(case: Case, books: Books) -> None:
    then, now = books.two_years(case)
    owners_then, owners_now = case.inputs["owner_p0"], case.inputs["owner_p1"]
    for salesperson in dict.fromkeys([*owners_then.values(), *owners_now.values()]):
        books.add("salespeople", salesperson_id=case.own(salesperson), salesperson_name=salesperson)
    for customer, owner in owners_then.items():
        spans = [(case.months["first"], owner)]
        if owners_now[customer] != owner:
            spans.append((now, owners_now[customer]))
        for number, (valid_from, salesperson) in enumerate(spans, start=1):
            books.add(
                "customer_owners",
                customer_id=case.own(customer),
                salesperson_id=case.own(salesperson),
                valid_from=valid_from,
                valid_to=None if number == len(spans) else then.replace(day=31),
            )
    for month, results in ((then, case.inputs["db_p0"]), (now, case.inputs["db_p1"])):
        for customer, result in results.items():
            books.sell(case, customer, month, list_amount=result, cost=NOTHING)


@in_every_window
def test_W36_transfers_sum_to_zero_and_what_follows_is_the_receivers(told: Tell, window: str):
    case, marts = told("W36")
    month = case.months[WINDOWS[window]]
    found = marts.records(
        "select salesperson_id, component_group, sum(amount) as amount from marts.portfolio_bridge "
        "where time_window = ? and month = ? group by salesperson_id, component_group",
        window,
        month,
    )
    bridges: dict[str, dict[str, Decimal]] = {}
    for row in found:
        owner = row["salesperson_id"].removeprefix(case.own(""))
        bridges.setdefault(owner, {})[row["component_group"]] = row["amount"]
    # Nobody is new or lost, and nobody else has anything.
    others = bridges.keys() - case.exact.keys()
    assert not any(amount for owner in others for amount in bridges[owner].values())
    assert not any(groups.pop("new_and_lost") for groups in bridges.values())
    names = {
        "open": "opening",
        "retained": "own_development",
        "transfer": "transfer",
        "development_received": "received",
        "close": "closing",
    }
    company = {group: sum(groups[group] for groups in bridges.values()) for group in names.values()}
    assert company["transfer"] == 0
    agree(
        case,
        {
            **{
                owner: {theirs: bridges[owner][ours] for theirs, ours in names.items()}
                for owner in case.exact
                if owner != "company"
            },
            "company": {
                "open": company["opening"],
                "change": company["own_development"] + company["transfer"] + company["received"],
                "close": company["closing"],
            },
        },
        case.exact,
    )
