"""Published worked examples of segments, portfolios and sales, from feed files to marts, through a refresh.

Each example says first what it puts into the books and then what must come out of them. Its numbers, what
they were published in and how exactly they must hold stand in cases.json, beside the folder of datasets; none
is repeated here. How examples are entered and read back belongs in tests/worked_examples.py, examples of
costing in test_costing_cases.py: W06 is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from worked_examples import NOTHING, ONE, OPENING, SALES, Books, Case, Published, Told, agree

HUNDRED = Decimal(100)
# Windows that compare the same two months of Books.two_years: each with the month that it ends with.
WINDOWS = {"quarter": "quarter", "ytd": "year", "r12": "year"}
in_every_window = pytest.mark.parametrize("window", WINDOWS)

puts_in = SALES.puts_in


# --- W34: from segment to segment ---------------------------------------------------------------------
# The first example of the company: a customer who is lost stays in the segments for good, so all customers of
# the example's two ends must be its own.
W34_SALES = {"A": Decimal(9000), "B": Decimal(3000), "C": Decimal(500)}
W34_RATIOS = {"1": Decimal("0.30"), "2": Decimal("0.20"), "3": Decimal("0.10")}


@puts_in("W34")
def moving_customers(case: Case, books: Books) -> None:
    for axis, bounds in (("size", W34_SALES), ("margin", W34_RATIOS)):
        for class_code, bound in bounds.items():
            # The best classes from their bound on, the last one without.
            books.add(
                "segment_rules",
                rule_version=case.id,
                axis=axis,
                class_code=class_code,
                valid_from=OPENING,
                method="absolute",
                threshold_from=None if class_code == list(bounds)[-1] else bound,
                hysteresis=NOTHING,
                minimum_months=0,
            )
    then, now = books.two_years(case)
    for month, segments in ((then, case.inputs["opening"]), (now, case.inputs["closing"])):
        for customer, (size, margin) in segments.items():
            sales = W34_SALES[size]
            cost = sales * (ONE - W34_RATIOS[margin])
            books.sell(case, customer, month, list_amount=sales, cost=cost)


def test_W34_each_customer_is_in_its_segment(told: Told):
    case, marts = told.cases["W34"], told.marts
    lost = case.inputs["opening"].keys() - case.inputs["closing"].keys()
    must_be = {
        "then": case.inputs["opening"],
        "year": case.inputs["closing"] | dict.fromkeys(lost, "Tabt"),
    }
    for name, segments in must_be.items():
        found = marts.records(
            "select customer_id, segment from marts.customer_segments where month = ?", case.months[name]
        )
        assert {row["customer_id"]: row["segment"] for row in found} == {
            case.own(customer): segment for customer, segment in segments.items()
        }


def test_W34_migration_stability_upgrade_and_churn(told: Told):
    case, marts = told.cases["W34"], told.marts
    month = case.months["year"]
    found = marts.records("select * from marts.segment_migration where month = ?", month)
    moves = {(row["from_segment"], row["to_segment"]): row for row in found}
    customers = {move: Decimal(row["customers"]) for move, row in moves.items()}
    # A move that nobody has made has no row, and no row is a move that the example lacks.
    matrix = {
        before: {after: customers.get((before, after), NOTHING) for after in row}
        for before, row in case.exact["matrix"].items()
    }
    assert sum(customers.values()) == sum(sum(row.values()) for row in matrix.values())
    opening = dict.fromkeys(case.inputs["order"], NOTHING)
    closing = dict.fromkeys(case.inputs["order"], NOTHING)
    for (before, after), row in moves.items():
        if before in opening:
            opening[before] += row["customers"] - row["entered_customers"]
        if after in closing:
            closing[after] += row["customers"]
    (movements,) = marts.records("select * from marts.segment_movements where month = ?", month)
    agree(
        case,
        {
            "matrix": matrix,
            "opening": opening,
            "closing": closing,
            "retained": Decimal(movements["retained_customers"]),
            "stability": movements["stability"],
            "net_upgrade": movements["net_upgrade"],
            "churn": movements["churn"],
        },
        case.exact,
    )
    assert movements["opening_customers"] == sum(opening.values())
    assert movements["closing_customers"] == sum(closing.values())


def test_W34_the_money_moves_with_the_customers(told: Told):
    case, marts = told.cases["W34"], told.marts
    found = marts.records("select * from marts.segment_migration where month = ?", case.months["year"])
    for row in found:
        size, margin = row["to_segment"] if row["to_segment"] in case.inputs["order"] else (None, None)
        sales = row["customers"] * W34_SALES.get(size, NOTHING)
        assert (row["net_sales"], row["db2"]) == (sales, sales * W34_RATIOS.get(margin, NOTHING))


# --- W07, W24: the whale curve and the Gini coefficient -----------------------------------------------
@puts_in("W07")
def ten_customers(case: Case, books: Books) -> None:
    earn(case, books, "", case.inputs["profit"])


@puts_in("W24")
def three_customers(case: Case, books: Books) -> None:
    earn(case, books, "gaps", numbered("gap", case.inputs["gaps"]))
    for number, sales in enumerate(case.inputs["gini"]):
        earn(case, books, f"gini-{number}", numbered(f"list-{number}", sales))


def numbered(name: str, amounts: Iterable[Decimal]) -> dict[str, Decimal]:
    return {f"{name}-{number}": amount for number, amount in enumerate(amounts)}


def earn(case: Case, books: Books, name: str, results: dict[str, Decimal]) -> None:
    """A year of the customers' own: some buy what costs nothing, some cost and buy nothing, some do neither."""
    month = books.year(case, name)
    for customer, result in results.items():
        if result > 0:
            books.sell(case, customer, month, list_amount=result, cost=NOTHING)
        elif result < 0:
            books.direct_cost(case, customer, month, "freight", -result)
        else:
            # A visit gives an account, and costs nothing where no pool does.
            books.act(case, customer, month, "sales_visit", ONE)


def curve(marts: Published, case: Case, name: str = "") -> list[dict[str, Any]]:
    found = marts.records("select * from marts.whale_curve where month = ? order by rank", case.months[name])
    assert all(row["customer_id"].startswith(case.own("")) for row in found)
    return found


def concentration(marts: Published, case: Case, name: str = "") -> dict[str, Any]:
    (found,) = marts.records("select * from marts.portfolio_concentration where month = ?", case.months[name])
    return found


def test_W07_the_whale_curve(told: Told):
    case, marts = told.cases["W07"], told.marts
    points, sums = curve(marts, case), concentration(marts, case)
    profits = {row["customer_id"].removeprefix(case.own("")): row["db3"] for row in points}
    agree(case, profits, case.inputs["profit"], tolerance=NOTHING)
    agree(
        case,
        {
            "cum": [row["cumulative_db3"] for row in points],
            "peak": sums["peak_db3"],
            "peak_n": Decimal(sums["peak_customers"]),
            "peak_pct": sums["peak_share"] * HUNDRED,
            "erosion": sums["erosion"],
            "area": (sums["concentration_d"] + ONE) / 2,
            "D": sums["concentration_d"],
            "stobachoff": sums["stobachoff_s"],
        },
        case.exact,
    )
    agree(
        case,
        {
            "total": sums["total_db3"],
            "cum_pct_rounded": [(row["share"] * HUNDRED).quantize(ONE, ROUND_HALF_UP) for row in points],
        },
        case.published,
        tolerance=NOTHING,
    )


def test_W24_the_curve_of_the_gaps(told: Told):
    case, marts = told.cases["W24"], told.marts
    sums = concentration(marts, case, "gaps")
    agree(
        case,
        {
            "cum": [row["cumulative_db3"] for row in curve(marts, case, "gaps")],
            "peak": sums["peak_db3"],
            "peak_n": Decimal(sums["peak_customers"]),
            "end": sums["total_db3"],
            "erosion": sums["erosion"],
        },
        case.published,
        without=("gini",),
    )


def test_W24_the_gini_coefficient_of_sales(told: Told):
    case, marts = told.cases["W24"], told.marts
    lists = [concentration(marts, case, f"gini-{number}") for number in range(len(case.inputs["gini"]))]
    published = case.published["gini"]
    agree(case, [sums["net_sales_gini"] for sums in lists], published)
    # All sales are earned and nobody costs anything, so the whale curve says the same.
    agree(case, [sums["concentration_d"] for sums in lists], published)


# --- W15, W17-W19: price, volume and mix --------------------------------------------------------------
@puts_in("W15")
def three_items(case: Case, books: Books) -> None:
    for month, period in zip(books.two_years(case), ("0", "1"), strict=True):
        for item, quantity in case.inputs[f"q{period}"].items():
            sell_item(case, books, "buyer", item, month, quantity, case.inputs[f"p{period}"][item], NOTHING)


@puts_in("W17")
def two_products(case: Case, books: Books) -> None:
    for month, plan in zip(books.two_years(case), ("budget", "actual"), strict=True):
        for item, quantity in case.inputs[plan].items():
            sell_at_contribution(case, books, "buyer", item, month, quantity)


@puts_in("W18")
def furniture(case: Case, books: Books) -> None:
    # Each product has a buyer of its own, so that the account of the buyer is the product's.
    then, now = books.two_years(case)
    budget = case.inputs["budget"]
    for item, quantity in budget.items():
        sell_at_contribution(case, books, item, item, then, quantity)
        # Of the actual total only the sum is stated: in the mix of the budget.
        in_the_mix = case.inputs["actual_total"] * quantity / sum(budget.values())
        sell_at_contribution(case, books, item, item, now, in_the_mix)


@puts_in("W19")
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
    ((segment,),) = marts.con.execute(
        "select opening_segment from marts.customer_segments where customer_id = ? and month = ?",
        [case.own(customer), case.months[WINDOWS[window]]],
    ).fetchall()
    return {
        "company": "company",
        "customer": case.own(customer),
        "segment": segment,
        "salesperson": "Ikke tildelt",
    }


@in_every_window
def test_W15_price_volume_and_mix_in_every_scope(told: Told, window: str):
    case, marts = told.cases["W15"], told.marts
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
def test_W17_textbook_volume_is_volume_and_mix(told: Told, window: str):
    case, marts = told.cases["W17"], told.marts
    for scope_type, scope_id in scopes(marts, case, "buyer", window).items():
        found = only(effects(marts, case, window, "db1_effect", scope_type, scope_id), "volume", "mix")
        agree(case, {"volume": found["volume"] + found["mix"], "mix": found["mix"]}, case.published)
        agree(case, {"quantity": found["volume"]}, case.exact)


@in_every_window
def test_W18_quantity_at_the_mix_of_the_budget(told: Told, window: str):
    case, marts = told.cases["W18"], told.marts
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
def test_W19_new_and_lost_customers_and_products(told: Told, window: str):
    case, marts = told.cases["W19"], told.marts
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
def test_W19_the_ratio_by_customer(told: Told, window: str):
    case, marts = told.cases["W19"], told.marts
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


@puts_in("W35")
def flat_ratio(case: Case, books: Books) -> None:
    for month, amounts in zip(books.two_years(case), (case.inputs["p0"], case.inputs["p1"]), strict=True):
        books.sell(case, "buyer", month, list_amount=amounts["K10"], cost=amounts["vareforbrug"])
        books.credit(case, "buyer", month, quantity=-ONE, net_amount=-amounts["retur"], cost=NOTHING)
        for cost_type, name in (("bonus", "bonus"), ("freight", "fragt")):
            books.direct_cost(case, "buyer", month, cost_type, amounts[name])


@in_every_window
def test_W35_four_movements_behind_a_ratio_that_stands_still(told: Told, window: str):
    case, marts = told.cases["W35"], told.marts
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


def test_W35_the_account_behind_it(told: Told):
    case, marts = told.cases["W35"], told.marts
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
@puts_in("W36")
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
def test_W36_transfers_sum_to_zero_and_what_follows_is_the_receivers(told: Told, window: str):
    case, marts = told.cases["W36"], told.marts
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


# --- W22: a ratio is a share of sales, not of cost ----------------------------------------------------
# The last example of sales: a window of time ends with a posted month, so that the two years of the one before need a
# month after them.
@puts_in("W22")
def one_sale(case: Case, books: Books) -> None:
    month = books.month(case)
    books.sell(case, "buyer", month, list_amount=case.inputs["price"], cost=case.inputs["variable"])


def test_W22_the_published_ratio_is_of_cost_and_wrong(told: Told):
    case, marts = told.cases["W22"], told.marts
    agree(case, {"DB": marts.account(case, "buyer")["db1"]}, case.published, without=("DG_pct_published",))
    for mart in ("customer_accounts", "portfolio_accounts", "company_accounts"):
        found = marts.records(f"select dg1 from marts.{mart} where month = ?", case.months[""])
        assert found, mart
        for row in found:
            agree(case, {"DG_pct": row["dg1"] * HUNDRED}, case.exact)
            assert abs(row["dg1"] * HUNDRED - case.published["DG_pct_published"]) > case.tolerance
