"""A company's own KPI is a few rows of policy: every level, window, count, target and sum of the register follows.

The project's SQL was compiled before the company was made up, so it knows nothing of these KPIs. Formulas that cannot be
used are told in sales_policy_problems, which has unit tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import duckdb
import pytest
from replay import Replay
from two_years_company import COMPANY, FEEDS, HOTEL

DECEMBER = date(2025, 12, 1)
# Part, measure and coefficient.
FORMULAS = {
    "service_less_visits": [
        ("numerator", "freight", 1),
        ("numerator", "handling", 1),
        ("numerator", "order_cost", 1),
        ("numerator", "visit_minutes", -8),
    ],
    "db3_per_thousand_lines": [
        ("numerator", "db3", 1000),
        ("denominator", "line_count", 1),
        ("denominator", "return_line_count", 1),
    ],
    "buyers": [("numerator", "customer_count", 1)],
    "first_buyers": [("numerator", "new_customer_count", 1)],
    "first_buyers_pct": [("numerator", "new_customer_count", 1), ("denominator", "customer_count", 1)],
}
NAMED = [
    {"kpi_id": kpi_id, "name_da": f"Vores {kpi_id}", "name_en": f"Our {kpi_id}", "direction": "up"}
    for kpi_id in FORMULAS
]
TARGETS = [
    {
        "kpi_id": kpi_id,
        "scope_type": "company",
        "scope_id": "company",
        "month_from": date(2025, 1, 1),
        "month_to": DECEMBER,
        "target_value": target,
    }
    for kpi_id, target in (("service_less_visits", "-12000"), ("buyers", "5"))
]
OWN_FEEDS = {
    **FEEDS,
    "kpi_register": [*FEEDS["kpi_register"], *NAMED],
    "kpi_formulas": [
        {"kpi_id": kpi_id, "part": part, "measure": measure, "coefficient": coefficient}
        for kpi_id, formula in FORMULAS.items()
        for part, measure, coefficient in formula
    ],
    "kpi_targets": [*FEEDS["kpi_targets"], *TARGETS],
}

Kpis = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def company(replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with replay.run(tmp_path_factory.mktemp("own_kpis"), OWN_FEEDS, COMPANY) as connection:
        yield connection


def asked(company: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> list[dict[str, Any]]:
    cursor = company.execute(sql, values)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def kpis(company: duckdb.DuckDBPyConnection, scope_type: str, scope_id: str) -> Kpis:
    """The KPIs of a scope in December 2025, by KPI and window."""
    found = asked(
        company,
        "from marts.kpi_values where scope_type = ? and scope_id = ? and month = ?",
        scope_type,
        scope_id,
        DECEMBER,
    )
    return {(row["kpi_id"], row["time_window"]): row for row in found}


def months_of(time_window: str, year: int) -> tuple[date, date]:
    return date(year, 12 if time_window == "month" else 1, 1), date(year, 12, 1)


def summed(
    company: duckdb.DuckDBPyConnection, kpi_id: str, part: str, where: str, months: tuple[date, date]
) -> Decimal:
    """A part of a formula over the customer accounts."""
    terms = " + ".join(
        f"{coefficient} * sum({measure})" for p, measure, coefficient in FORMULAS[kpi_id] if p == part
    )
    sql = f"select {terms} as amount from marts.customer_accounts where {where} and month between ? and ?"
    return asked(company, sql, *months)[0]["amount"] or Decimal(0)


@pytest.mark.parametrize("time_window", ["month", "ytd", "r12"])
@pytest.mark.parametrize(
    ("scope_type", "scope_id", "where"),
    [("company", "company", "true"), ("customer", HOTEL, f"customer_id = '{HOTEL}'")],
)
def test_own_kpi_is_its_formula_over_the_accounts(
    company: duckdb.DuckDBPyConnection, scope_type: str, scope_id: str, where: str, time_window: str
) -> None:
    found = kpis(company, scope_type, scope_id)
    now, then = (months_of(time_window, year) for year in (2025, 2024))

    service = found["service_less_visits", time_window]
    assert service["denominator"] is None
    assert (
        service["value"]
        == service["numerator"]
        == summed(company, "service_less_visits", "numerator", where, now)
    )
    assert service["prior_year_value"] == summed(company, "service_less_visits", "numerator", where, then)

    per_line = found["db3_per_thousand_lines", time_window]
    for value, months in (("value", now), ("prior_year_value", then)):
        db3, lines = (
            summed(company, "db3_per_thousand_lines", part, where, months)
            for part in ("numerator", "denominator")
        )
        assert per_line[value] == (db3 / lines).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def test_own_kpi_has_a_row_for_every_scope_and_window(company: duckdb.DuckDBPyConnection) -> None:
    counted = asked(
        company,
        "select kpi_id, scope_type, time_window, count(*) as row_count from marts.kpi_values group by all",
    )
    of = {(row["kpi_id"], row["scope_type"], row["time_window"]): row["row_count"] for row in counted}
    expected = {place[1:]: count for place, count in of.items() if place[0] == "net_sales"}
    assert len(expected) == 27
    assert {place: count for place, count in of.items() if place[0] in FORMULAS} == {
        (kpi_id, *place): count for kpi_id in FORMULAS for place, count in expected.items()
    }


def test_customers_are_counted_over_the_window_and_not_summed(company: duckdb.DuckDBPyConnection) -> None:
    bought = "select count(distinct customer_id) as n from marts.customer_accounts where order_count > 0"
    year, before = months_of("r12", 2025), months_of("r12", 2024)
    now = asked(company, f"{bought} and month between ? and ?", *year)[0]["n"]
    then = asked(company, f"{bought} and month between ? and ?", *before)[0]["n"]
    found = kpis(company, "company", "company")
    assert (found["buyers", "r12"]["value"], found["buyers", "r12"]["prior_year_value"]) == (now, then)
    assert found["buyers", "month"]["value"] < now
    # Bager is new in 2025. Nobody is new in 2024, with which the accounts begin.
    assert found["first_buyers", "r12"]["value"] == 1
    assert found["first_buyers_pct", "r12"]["value"] == (Decimal(1) / now).quantize(Decimal("0.000001"))
    for kpi_id in ("first_buyers", "first_buyers_pct"):
        assert found[kpi_id, "r12"]["prior_year_value"] is None
        nobody = "select distinct value from marts.kpi_values where kpi_id = ? and month < ?"
        assert asked(company, nobody, kpi_id, date(2025, 1, 1)) == [{"value": None}]


def test_own_kpi_has_its_targets(company: duckdb.DuckDBPyConnection) -> None:
    found = kpis(company, "company", "company")
    # A twelfth of the year's sum; half a year has not half of the customers.
    assert found["service_less_visits", "month"]["target"] == -1000
    assert found["service_less_visits", "r12"]["target"] == -12000
    assert {found["buyers", window]["target"] for window in ("month", "ytd", "r12")} == {5}
    assert found["buyers", "r12"]["is_target_met"]
    assert found["first_buyers_pct", "r12"]["target"] is None


def test_own_kpi_is_in_the_register_with_its_formula(company: duckdb.DuckDBPyConnection) -> None:
    found = {row["kpi_id"]: row for row in asked(company, "from marts.kpi_register")}
    assert {kpi_id: found[kpi_id]["formula_en"] for kpi_id in FORMULAS} == {
        "service_less_visits": "freight + handling + order_cost + visit_minutes * -8",
        "db3_per_thousand_lines": "db3 * 1000 / (line_count + return_line_count)",
        "buyers": "customer_count",
        "first_buyers": "new_customer_count",
        "first_buyers_pct": "new_customer_count / customer_count",
    }
    assert found["buyers"]["name_da"] == "Vores buyers"
    assert all(found[kpi_id]["is_in_use"] for kpi_id in FORMULAS)


def test_company_with_own_kpis_keeps_every_rule(replay: Replay, company: duckdb.DuckDBPyConnection) -> None:
    assert [name for name, sql in replay.rules.items() if company.execute(sql).fetchone()] == []
    assert asked(company, "from audit.sales_policy_problems") == []


def test_what_the_company_does_not_use_is_not_computed(company: duckdb.DuckDBPyConnection) -> None:
    used = {row["kpi_id"] for row in asked(company, "select distinct kpi_id from marts.kpi_values")}
    assert used == {row["kpi_id"] for row in OWN_FEEDS["kpi_register"]}
