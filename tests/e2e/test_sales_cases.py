"""Published worked examples of segments, portfolios and sales, from feed files to marts, through a refresh.

Each example says first what it puts into the books and then what must come out of them. Its numbers, what
they were published in and how exactly they must hold stand in cases.json, beside the folder of datasets; none
is repeated here. How examples are entered and read back belongs in tests/worked_examples.py, examples of
costing in test_costing_cases.py: W06 is there. Those of bridges, which are only made for the last years, have a
company each, in tests/dbt/test_bridge_cases.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from worked_examples import NOTHING, ONE, OPENING, SALES, Books, Case, Published, Told, agree

HUNDRED = Decimal(100)

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


# --- W22: a ratio is a share of sales, not of cost ----------------------------------------------------
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
