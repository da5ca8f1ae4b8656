"""The small pieces of the recalculation, against numbers worked out by hand.

A whole company's recalculation belongs in an e2e test: it needs a publication.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_intake import taken, workspace_of

from kunderegnskab.audit.recalculation import Recalculated, compare
from kunderegnskab.audit.recalculation.accounts import COLUMNS, form
from kunderegnskab.audit.recalculation.arithmetic import (
    QUANTITY,
    day_number,
    fiscal_year,
    largest_remainder,
    last_day,
    month_number,
    months_of,
    products,
    quotient,
    ratio,
)
from kunderegnskab.audit.recalculation.bonus import accruals, bonus_of_year, released
from kunderegnskab.audit.recalculation.calendar import Calendar
from kunderegnskab.audit.recalculation.credit import Terms, _documents, _ends, cost_of_days, given_up_on
from kunderegnskab.audit.recalculation.kpis import first_of_window, value
from kunderegnskab.audit.recalculation.pools import sells_goods
from kunderegnskab.audit.recalculation.records import Records, Supplied
from kunderegnskab.ingest import load_record

KRONE = 10_000
ØRE = 100
# 1 % of all sales, 2 % of all from 500,000.
TIERS = ((0, 1_000_000), (500_000 * KRONE, 2_000_000))


SALES = """document_no,line_no,document_type,posting_date,product_id,quantity,unit_of_measure,currency,\
net_amount,discount_amount,cost_amount,original_document_no,original_line_no
F1,grams,invoice,2025-01-14,V3,0.1,G,,9,0,6,,
F1,other,invoice,2025-01-14,V4,0.1,G,,9,0,6,,
F1,rupiah,invoice,2025-01-14,V3,1,,IDR,0.1,0,0,,
K1,back,credit_note,2025-02-14,V3,-2,,,-9,0,,F1,grams
K1,bare,credit_note,2025-02-14,V4,-2,,,-9,0,,F1,other
"""


def test_what_rounds_to_nothing_is_an_order_or_a_cost_as_the_records_have_it(tmp_path: Path) -> None:
    # The same rows as in the unit test of int_sales_lines_valued.
    files = {
        "sales_lines.csv": SALES,
        "products.csv": "product_id,product_name,unit_of_measure\nV3,a,KG\nV4,b,KG\n",
        "unit_conversions.csv": "product_id,unit_of_measure,factor\nV3,G,0.000001\nV4,G,0.000001\n",
        "product_costs.csv": "product_id,valid_from,unit_cost\nV3,2024-01-01,5\nV3,2025-02-01,7\n",
        "exchange_rates.csv": "currency,rate_date,rate\nIDR,2025-01-01,0.00043\n",
    }
    workspace = workspace_of(tmp_path, files=files)
    found = taken(workspace)
    supplied = Supplied.to_warehouse(workspace, load_record(workspace, found.intake))
    lines = Records(supplied, found.con).sales.set_index("line_no")
    assert list(lines.index[sells_goods(lines)]) == ["rupiah"]
    assert lines.at["rupiah", "net_amount"] == 0
    assert lines.at["back", "cogs"] == -10 * KRONE
    assert pd.isna(lines.at["bare", "cogs"])


@pytest.mark.parametrize(
    ("numerator", "denominator", "nearest"),
    [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (-5, 3, -2), (5, -2, -3), (0, 7, 0), (10**30 + 1, 2, 5 * 10**29 + 1)],
)
def test_a_half_is_rounded_away_from_zero(numerator: int, denominator: int, nearest: int) -> None:
    assert quotient(numerator, denominator) == nearest


def test_products_are_exact_where_64_bits_are_too_few() -> None:
    left, right = np.array([9_007_199_254_740_993, -5]), np.array([10**8, 10**8])
    assert products(left, right, 10**8).tolist() == [9_007_199_254_740_993, -5]


def test_a_ratio_has_six_decimals_and_none_without_a_positive_denominator() -> None:
    assert ratio(2, 3) == Decimal("0.666667")
    assert ratio(-1, 8) == Decimal("-0.125")
    assert ratio(1, 0) is None
    assert ratio(1, -5) is None


def test_ten_kroner_by_three_is_shared_to_the_oere() -> None:
    # W25 of the worked examples: 10.00 in three equal parts; the odd øre goes to the first by key.
    assert largest_remainder(1000, {"c": 1, "a": 1, "b": 1}) == {"a": 334, "b": 333, "c": 333}


def test_units_left_go_to_the_largest_remainders() -> None:
    # 100 x 1/6, 2/6, 3/6 = 16 2/3, 33 1/3, 50
    assert largest_remainder(100, {"a": 1, "b": 2, "c": 3}) == {"a": 17, "b": 33, "c": 50}
    assert largest_remainder(-100, {"a": 1, "b": 2, "c": 3}) == {"a": -17, "b": -33, "c": -50}


def test_the_scale_of_the_weights_changes_no_share() -> None:
    weights = {f"{number:03}": number * number % 97 + 1 for number in range(200)}
    shares = largest_remainder(123_457, weights)
    assert sum(shares.values()) == 123_457
    assert largest_remainder(123_457, {key: weight * 1000 for key, weight in weights.items()}) == shares


def test_the_rate_of_the_tier_reached_holds_for_all_sales() -> None:
    assert bonus_of_year(Fraction(499_999 * KRONE), TIERS, False) == Fraction(499_999 * KRONE, 100)
    assert bonus_of_year(Fraction(500_000 * KRONE), TIERS, False) == 10_000 * KRONE


def test_marginal_rates_hold_for_the_part_within_their_tier() -> None:
    # 1 % of 500,000 and 2 % of 40,000
    assert bonus_of_year(Fraction(540_000 * KRONE), TIERS, True) == 5_800 * KRONE


def test_sales_below_the_first_tier_earn_nothing() -> None:
    assert bonus_of_year(Fraction(99), ((100, 1_000_000),), False) == 0
    assert bonus_of_year(Fraction(-1), TIERS, True) == 0


def test_steady_sales_accrue_the_same_every_month() -> None:
    # docs/workspace.md: 45,000 a month heads for 540,000, so 900 a month, and no jump at 500,000.
    assert accruals([45_000 * KRONE] * 12, 12, TIERS, False, ØRE) == [900 * KRONE] * 12


def test_the_month_whose_outlook_passes_a_tier_catches_up() -> None:
    # 40,000 heads for 480,000: 400. With 50,000 more, 90,000 heads for 540,000: 1,800 to date.
    assert accruals([40_000 * KRONE, 50_000 * KRONE], 12, TIERS, False, ØRE) == [400 * KRONE, 1400 * KRONE]


def test_bonus_for_a_tier_out_of_sight_is_taken_back() -> None:
    # 45,000, then nothing: 270,000 in sight, 450 to date.
    assert accruals([45_000 * KRONE, 0], 12, TIERS, False, ØRE) == [900 * KRONE, -450 * KRONE]


def test_accruals_are_whole_minor_units_that_sum_to_the_year() -> None:
    # 1 % of 3 x 33.33: 0.3333, 0.6666 and 0.9999 to date.
    assert accruals([333_300] * 3, 3, TIERS, False, ØRE) == [33 * ØRE, 34 * ØRE, 33 * ØRE]


def test_a_settlement_within_the_year_uses_up_no_more_than_has_accrued() -> None:
    accrued = {0: 100, 1: 100, 2: 100}
    assert list(released(accrued, {1: 150}, 11)) == [(1, 150)]
    assert list(released(accrued, {1: 250}, 11)) == [(1, 200)]


def test_the_first_settlement_after_the_year_uses_up_all_of_it() -> None:
    accrued = dict.fromkeys(range(12), 100)
    assert list(released(accrued, {3: 150, 13: 900, 14: 50}, 11)) == [(3, 150), (13, 1050), (14, 0)]


def test_credit_time_costs_by_day() -> None:
    # A worked example: 100,000 at 8 % for 60 days costs 1,315.07 by 365 and 1,333.33 by 360 days.
    amounts, days = np.array([100_000 * KRONE]), np.array([60])
    for year, cost in ((365, 13_150_685), (360, 13_333_333)):
        assert cost_of_days(amounts, days, Terms(0, 10**6, 8_000_000, year)).tolist() == [cost]


def test_days_are_counted_at_the_terms_they_lie_in() -> None:
    terms = Terms(100, 200, 8_000_000, 365)
    begins, ends = np.array([90, 150, 150, 210]), np.array([110, 250, 120, 300])
    # The third is paid before it is invoiced: its days count backwards.
    assert terms.days(begins, ends).tolist() == [10, 50, -30, 0]


def test_months_and_fiscal_years() -> None:
    month = month_number(date(2025, 2, 14))
    assert months_of([day_number(date(2025, 2, 28)), day_number(date(1969, 12, 31))]).tolist() == [month, -1]
    assert last_day(month) == day_number(date(2025, 2, 28))
    assert fiscal_year(month, 1) == month_number(date(2025, 1, 1))
    assert fiscal_year(month, 7) == month_number(date(2024, 7, 1))
    assert first_of_window("ytd", month, 7) == month_number(date(2024, 7, 1))
    assert first_of_window("r12", month, 7) == month_number(date(2024, 3, 1))


def test_fiscal_years_are_named_by_where_they_end_or_as_the_calendar_names_them() -> None:
    june, july = month_number(date(2025, 6, 1)), month_number(date(2025, 7, 1))
    assert [Calendar().fiscal_year(month, 1) for month in (june, july)] == [2025, 2025]
    assert [Calendar().fiscal_year(month, 7) for month in (june, july)] == [2025, 2026]
    period = (1999, 1, day_number(date(2025, 6, 2)), day_number(date(2025, 6, 29)))
    assert [Calendar.of([period]).fiscal_year(month, 7) for month in (june, july)] == [1999, 2026]


def test_subtotals_follow_the_order_of_the_lines() -> None:
    amounts = pd.DataFrame({"list_sales": [100], "bonus": [10], "cogs": [60], "credit_cost": [3]})
    standard = form().with_subtotals(amounts).loc[0]
    assert [standard[line] for line in ("net_sales", "db1", "db2", "db3")] == [90, 30, 30, 27]
    # Bonus below DB I, and no credit time.
    own = form({"K20": 42}, ["K57"]).with_subtotals(amounts).loc[0]
    assert [own[line] for line in ("net_sales", "db1", "db2", "db3", "credit_cost")] == [100, 40, 30, 30, 0]


def test_a_kpi_without_a_positive_denominator_is_none() -> None:
    sums = dict.fromkeys(COLUMNS, 0) | {"db2": 50, "net_sales": -200, "returns": 10, "invoiced_sales": 80}
    assert value("db2", sums) == Decimal("0.0050")
    assert value("dg2", sums) is None
    assert value("return_pct", sums) == Decimal("0.125")


def test_every_difference_is_listed() -> None:
    where = ("marts.kpi_values", "db2", "company", "company", date(2025, 1, 1), "month")
    same = Recalculated(*where, Decimal("1.0000"), Decimal(1), True)
    other = Recalculated(*where, Decimal("1.0001"), Decimal(1), False)
    found = compare([same, other, same])
    assert found.figures == 3
    assert found.differences == (other,)


UNITS = """document_no,line_no,document_type,posting_date,product_id,quantity,unit_of_measure,net_amount,discount_amount
F1,cases,invoice,2025-01-14,PN,10,KS,1000,0
F1,bare,invoice,2025-01-14,PN,48,,200,0
F1,pieces,invoice,2025-01-14,EMPTY,10,STK,1000,0
F1,empty,invoice,2025-01-14,EMPTY,48,,200,0
F1,listed,invoice,2025-01-14,LISTED,48,,200,0
F1,case,invoice,2025-01-14,LISTED,2,KS,200,0
F1,none,invoice,2025-01-14,NONE,48,,200,0
"""


def test_lines_without_a_unit_have_no_unit_cost_beside_lines_that_name_one(tmp_path: Path) -> None:
    costs = "".join(f"{product},2024-01-01,5\n" for product in ("PN", "EMPTY", "LISTED", "NONE"))
    files = {
        "sales_lines.csv": UNITS,
        "products.csv": "product_id,product_name,unit_of_measure\nEMPTY,a,\nLISTED,b,STK\nNONE,c,\n",
        "unit_conversions.csv": "product_id,unit_of_measure,factor\nLISTED,KS,24\n",
        "product_costs.csv": f"product_id,valid_from,unit_cost\n{costs}",
    }
    workspace = workspace_of(tmp_path, files=files)
    found = taken(workspace)
    supplied = Supplied.to_warehouse(workspace, load_record(workspace, found.intake))
    cogs = Records(supplied, found.con).sales.set_index("line_no")["cogs"]
    assert set(cogs.index[cogs.isna()]) == {"bare", "empty"}
    assert (cogs["cases"], cogs["listed"], cogs["case"]) == (50 * KRONE, 240 * KRONE, 240 * KRONE)


NO_PRODUCT = """document_no,line_no,document_type,posting_date,product_id,quantity,unit_of_measure,net_amount,discount_amount
F1,cases,invoice,2025-01-14,,10,KS,1000,0
F1,blank,invoice,2025-01-14, ,2,KS,1000,0
F1,pieces,invoice,2025-01-14,,48,STK,200,0
"""


@pytest.mark.parametrize(
    ("conversions", "quantities"),
    [("", [10, 2, 48]), ("(ukendt),KS,24\n", [240, 48, 48]), ("(ukendt),STK,0.5\n", [10, 2, 24])],
)
def test_units_of_lines_without_a_product_are_those_of_one(
    tmp_path: Path, conversions: str, quantities: list[int]
) -> None:
    files = {
        "sales_lines.csv": NO_PRODUCT,
        "unit_conversions.csv": f"product_id,unit_of_measure,factor\nV3,KS,10\n{conversions}",
    }
    workspace = workspace_of(tmp_path, files=files)
    found = taken(workspace)
    supplied = Supplied.to_warehouse(workspace, load_record(workspace, found.intake))
    lines = Records(supplied, found.con).sales.set_index("line_no")
    assert [
        int(lines.at[line, "quantity"]) // QUANTITY for line in ("cases", "blank", "pieces")
    ] == quantities


CREDIT = """document_no,customer_id,invoice_date,paid_date,amount
OWED,A,2025-01-01,2025-03-02,36500
CREDIT,A,2025-01-01,2025-03-02,-36500
OPEN,A,2025-01-01,,-36500
BACK,A,2025-01-01,2025-03-02,-36500
"""
BAD_DEBTS = """cost_no,posting_date,customer_id,cost_type,amount,document_no
1,2025-01-11,A,bad_debt,36500,OWED
2,2025-01-11,A,bad_debt,-36500,CREDIT
3,2025-01-11,A,bad_debt,-36500,OPEN
4,2025-01-11,A,bad_debt,-36500,BACK
5,2025-01-12,A,bad_debt,36500,BACK
"""


def test_a_balance_in_the_customers_favour_is_given_up_too(tmp_path: Path) -> None:
    sales = "document_no,document_type,posting_date,quantity,net_amount,discount_amount\nF1,invoice,2025-03-31,1,9,0\n"
    files = {"sales_lines.csv": sales, "receivables.csv": CREDIT, "customer_costs.csv": BAD_DEBTS}
    workspace = workspace_of(tmp_path, files=files)
    found = taken(workspace)
    supplied = Supplied.to_warehouse(workspace, load_record(workspace, found.intake))
    records = Records(supplied, found.con)
    start = day_number(date(2025, 1, 1))
    assert list(_ends(records, _documents(records)) - start) == [10, 10, 10, 60]


@pytest.mark.parametrize(
    ("bad_debts", "paid", "day"),
    [
        ([], None, None),
        ([(41, 80)], None, 41),
        ([(41, 80)], 101, 41),
        ([(70, 50), (41, 30)], 101, 41),
        ([(101, 80)], 101, None),
        ([(120, 80)], 101, None),
        ([(41, 80), (51, -80)], 101, None),
        ([(41, 80), (51, -80), (64, 80)], 101, 64),
        ([(41, 80), (101, -80)], 101, 41),
        ([(41, 80), (51, -30)], 101, 41),
        ([(41, 80), (41, -80)], None, None),
    ],
    ids=["none", "open", "paid later", "in parts", "same day", "paid first", "mistake", "again", "recovered", "less",
         "taken back at once"],
)  # fmt: skip
def test_a_document_is_given_up_from_its_bad_debt_to_its_payment(
    bad_debts: list[tuple[int, int]], paid: int | None, day: int | None
) -> None:
    assert given_up_on(bad_debts, paid) == day
