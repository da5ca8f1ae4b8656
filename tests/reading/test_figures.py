"""What is read of a publication, on tables that are made by hand: comparisons, owners, targets, classes.

Who sees which rows belongs in test_scope.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from manifests import manifest_of

from kunderegnskab.publication.store import Publication
from kunderegnskab.reading import accounts, chains, customers, kpis, overview, salespeople, segments
from kunderegnskab.reading.reader import Reader
from kunderegnskab.reading.scope import Viewer, make_views
from kunderegnskab.reading.windows import is_compared

FINANCE = Viewer("karen", "finance")
MONTH = "date '2025-12-01'"
BEFORE = "date '2024-12-01'"


@contextmanager
def reading(tables: Mapping[str, str], viewer: Viewer = FINANCE) -> Generator[Reader]:
    """A reader of a publication.

    Args:
        tables: of marts, or of audit where the name begins with `audit_`: the query that each is made by.
    """
    with duckdb.connect() as con:
        con.execute("attach ':memory:' as published; attach ':memory:' as seen_by")
        con.execute("create schema published.marts; create schema published.audit")
        for name, query in tables.items():
            schema, table = (
                ("audit", name.removeprefix("audit_")) if name.startswith("audit_") else ("marts", name)
            )
            con.execute(f"create table published.{schema}.{table} as {query}")
        con.execute("use seen_by")
        make_views(con, "published", viewer)
        manifest = manifest_of(1, "0001-1", run_id="1", at=datetime(2026, 1, 1, tzinfo=UTC))
        yield Reader(Publication(Path("0001-1"), manifest, "0" * 64), viewer, {}, con)


def rows(columns: str, *values: str) -> str:
    return f"select * from (values {', '.join(f'({each})' for each in values)}) as t({columns})"


def windows(*, compared: bool) -> str:
    """The windows up to the newest month; the windows before are those of a year ago, or there are none."""
    before = BEFORE if compared else "null::date"
    return rows(
        "time_window, month, first_month, is_complete, compared_first_month, compared_last_month",
        *(f"'{each}', {MONTH}, {MONTH}, true, {before}, {before}" for each in ("month", "ytd", "r12")),
    )


def scopes(*scopes: str) -> str:
    """Sales have grown from 0 to 100 in each, DB III has fallen from 0 to -10: as is said of a first year too."""
    return rows(
        "scope_type, scope_id, month, time_window, scope_customers, customer_count, order_count, net_sales, db2, db3, "
        "compared_order_count, compared_net_sales, compared_db2, compared_db3",
        *(
            f"{scope}, {MONTH}, '{window}', 5::decimal(18, 4), 3::decimal(18, 4), 1, 100::decimal(18, 4), "
            "0::decimal(18, 4), -10::decimal(18, 4), 0, 0::decimal(18, 4), 0::decimal(18, 4), 0::decimal(18, 4)"
            for scope in scopes
            for window in ("month", "ytd", "r12")
        ),
    )


def one_customer(*, compared: bool, **others: str) -> dict[str, str]:
    """A company with one customer, C1 of salesperson S1."""
    return {
        "time_windows": windows(compared=compared),
        "scope_windows": scopes(
            "'company', 'company'", "'salesperson', 'S1'", "'chain', 'C1'", "'customer', 'C1'"
        ),
        "customers": rows(
            "customer_id, customer_name, industry, chain_id, chain_name, chain_customers",
            "'C1', 'Ærø Båd', null, 'C1', 'Ærø Båd', 1",
        ),
        "salespeople": rows(
            "salesperson_id, team, is_unassigned", "'S1', 'Fyn', false", "'S2', 'Fyn', false"
        ),
        "customer_actions": rows("customer_id, worth", "'C1', 5::decimal(18, 4)"),
        "customer_segments": segmented("'C1', 'A1', 100.0000, -10.0000"),
        "sales_effort": effort("'C1', 'S1'"),
        "current_portfolio_accounts": rows(
            "customer_id, salesperson_id, month, share", f"'C1', 'S1', {MONTH}, 1::decimal(18, 8)"
        ),
        **others,
    }


def segmented(*members: str) -> str:
    return (
        f"select *, {MONTH} as month, segment as opening_segment, true as is_good_customer, "
        "0::decimal(18, 4) as db2_r12 from ("
        + rows("customer_id, segment, net_sales_r12, db3_r12", *members)
        + ")"
    )


def effort(*owned: str) -> str:
    return (
        f"select *, {MONTH} as month, 1::decimal(18, 4) as remaining_visits, null::date as last_visit_date from ("
        + rows("customer_id, salesperson_id", *owned)
        + ")"
    )


# --- the year before ------------------------------------------------------------------------------------------
def test_in_the_first_year_nothing_has_grown() -> None:
    ladder = rows(
        "line_code, column_name, name_da, name_en, line_kind, sign, is_used, level, position",
        "'K60', 'db3', 'DB III', 'DB III', 'subtotal', 1, true, 'customer', 1",
    )
    with reading(one_customer(compared=False, audit_ladder=ladder)) as reader:
        assert not is_compared(reader, "ytd")
        assert overview.movers(reader) == ([], [])
        (month,) = overview.months(reader, overview.own_scope(FINANCE))
        assert (month["net_sales"], month["compared_net_sales"]) == (100, None)
        found = customers.listed(reader, customers.Wanted())
        assert [(row["net_sales_change"], row["db3_change"]) for row in found.rows] == [(None, None)]
        assert customers.listed(reader, customers.Wanted(group="up_down")).totals["customers"] == 0
        (chain,) = chains.chains(reader)
        assert (chain["net_sales"], chain["compared_net_sales"], chain["compared_db3"]) == (100, None, None)
        (salesperson, _) = salespeople.salespeople(reader)
        assert (salesperson["db3"], salesperson["compared_db3"]) == (-10, None)
        account = accounts.account(reader, "customer", "C1", "da")
        assert account.measures["compared_order_count"] is None
        assert [line.compared for line in account.lines] == [None]


def test_a_customer_without_sales_the_year_before_has_grown_from_nothing() -> None:
    with reading(one_customer(compared=True)) as reader:
        assert is_compared(reader, "ytd")
        risen, fallen = overview.movers(reader)
        assert (risen, [row["change"] for row in fallen]) == ([], [-10])
        found = customers.listed(reader, customers.Wanted(group="up_down"))
        assert [(row["net_sales_change"], row["db3_change"]) for row in found.rows] == [(100, -10)]


# --- customers and their salespeople --------------------------------------------------------------------------
def test_who_owns_a_customer_is_whose_list_of_visits_it_is_on() -> None:
    shared = rows(
        "customer_id, salesperson_id, month, share",
        f"'C1', 'S1', {MONTH}, 0.5",
        f"'C1', 'S2', {MONTH}, 0.5",
    )
    bridge = (
        f"select '' as salesperson_id, {MONTH} as month, 'ytd' as time_window, '' as component, "
        "'' as component_group, 0 as amount, 1 as position"
    )
    profiles = rows("segment, month, customer_count", f"'A1', {MONTH}, 1")
    tables = one_customer(
        compared=True, current_portfolio_accounts=shared, portfolio_bridge=bridge, segment_profiles=profiles
    )
    with reading(tables) as reader:
        for salesperson, count in (("S1", 1), ("S2", 0)):
            wanted = customers.Wanted(salesperson=salesperson)
            assert customers.listed(reader, wanted).totals["customers"] == count
            groups = salespeople.portfolio(reader, salesperson).groups
            assert sum(row["customers"] for row in groups) == count
    # Of a customer that is on another's list one is not told whose.
    own = Viewer("bo", "salesperson", "S2")
    with reading(tables, own) as reader:
        (row,) = customers.listed(reader, customers.Wanted()).rows
        assert (row["customer_id"], row["salesperson_id"]) == ("C1", None)


def test_customers_and_outlets_are_those_with_an_order() -> None:
    with reading(one_customer(compared=True)) as reader:
        assert [row["customer_count"] for row in salespeople.salespeople(reader)] == [3, None]
        assert [row["customer_count"] for row in chains.chains(reader)] == [3]


@pytest.mark.parametrize(
    ("db3", "net_sales", "dg3"),
    [
        # A half goes away from zero; as a double it is a little less than one.
        ("0.0003", "200.0000", "0.000002"),
        ("-0.0003", "200.0000", "-0.000002"),
        ("0.0010", "3.0000", "0.000333"),
        ("99999999999999.9999", "100.0000", "999999999999.999999"),
        ("1.0000", "0.0000", None),
        ("1.0000", "-2.0000", None),
    ],
)
def test_the_ratio_of_the_list_is_exact(db3: str, net_sales: str, dg3: str | None) -> None:
    amounts = f"'C1', 'A1', cast('{net_sales}' as decimal(18, 4)), cast('{db3}' as decimal(18, 4))"
    with reading(one_customer(compared=True, customer_segments=segmented(amounts))) as reader:
        (row,) = customers.listed(reader, customers.Wanted()).rows
        assert row["dg3"] == (None if dg3 is None else Decimal(dg3))


# --- targets --------------------------------------------------------------------------------------------------
def targeted() -> dict[str, str]:
    """A target of each year, the newer one without a baseline, and one of next year; the KPI is 0.3, it was 0.2."""
    values = [
        f"'dg3', 'company', 'company', 'ytd', {month}, {value}, {attainment}, {is_met}"
        for month, value, attainment, is_met in ((BEFORE, 0.2, 0.8, False), (MONTH, 0.3, 1.5, True))
    ]
    return {
        "time_windows": windows(compared=True),
        "kpi_register": rows(
            "kpi_id, name_da, name_en, unit, direction, position", "'dg3', 'DG', 'DG', 'ratio', 'up', 1"
        ),
        "kpi_targets": rows(
            "kpi_id, scope_type, scope_id, month_from, month_to, last_month, target_value, direction",
            *(
                f"'dg3', 'company', 'company', date '{year}-01-01', date '{year}-12-01', date '{year}-12-01', {target}, 'up'"
                for year, target in ((2024, 0.25), (2025, 0.2), (2026, 0.4))
            ),
        ),
        "target_baselines": rows(
            "kpi_id, scope_type, scope_id, month_from, baseline_value, drift, value_so_far, target_value",
            "'dg3', 'company', 'company', date '2024-01-01', 0.1, 0, 0.2, 0.25",
        ),
        "kpi_values": rows(
            "kpi_id, scope_type, scope_id, time_window, month, value, attainment, is_target_met", *values
        ),
    }


def test_a_target_shows_what_was_reached_in_its_own_period_and_needs_no_baseline() -> None:
    with reading(targeted()) as reader:
        found = kpis.targets(reader)
    assert [
        (
            row["month_from"].year,
            row["target_value"],
            row["baseline_value"],
            row["attainment"],
            row["is_target_met"],
        )
        for row in found
    ] == [
        (2026, Decimal("0.40"), None, None, None),
        (2025, Decimal("0.20"), None, Decimal("1.5"), True),
        (2024, Decimal("0.25"), Decimal("0.1"), Decimal("0.8"), False),
    ]
    assert [row["month"] for row in found] == [None, date(2025, 12, 1), date(2024, 12, 1)]


# --- groups ---------------------------------------------------------------------------------------------------
def classes(*codes: str, valid_from: str = "2020-01-01", valid_before: str = "9999-12-31") -> list[str]:
    return [f"{each}, date '{valid_from}', date '{valid_before}'" for each in codes]


def test_groups_stand_by_the_classes_of_the_company_that_are_in_force() -> None:
    rules = rows(
        "axis, class_code, position, valid_from, valid_before",
        *classes("'size', 'A', 1", "'margin', '1', 1", valid_before="2025-12-31"),
        *classes("'size', 'stor', 1", "'size', 'lille', 2", valid_from="2025-12-31"),
        *classes("'margin', '+', 1", "'margin', '-', 2", valid_from="2025-12-31"),
    )
    members = segmented(
        "'C1', 'lilleN', 1.0000, 1.0000", "'C2', 'stor-', 1.0000, 1.0000", "'C3', 'Ny', 1.0000, 1.0000",
        "'C4', 'stor+', 1.0000, 1.0000", "'C5', 'A1', 1.0000, 1.0000",
    )  # fmt: skip
    tables = {
        "time_windows": windows(compared=True),
        "customer_segments": members,
        "audit_segment_rules": rules,
    }
    with reading(tables) as reader:
        axes = segments.axes(reader)
        assert (axes.sizes, axes.margins, axes.negative) == (("stor", "lille"), ("+", "-"), "N")
        assert [row["segment"] for row in segments.segments(reader)] == [
            "stor+",
            "stor-",
            "lilleN",
            "A1",
            "Ny",
        ]


def test_the_good_customers_are_a_group_of_their_own() -> None:
    profiles = rows(
        "segment, month, customer_count, median_net_sales",
        f"'A1', {MONTH}, 9, 1",
        f"'{segments.GOOD_CUSTOMERS}', {MONTH}, 9, 2",
        f"'{segments.GOOD_CUSTOMERS}', {BEFORE}, 9, 3",
    )
    with reading({"time_windows": windows(compared=True), "segment_profiles": profiles}) as reader:
        good = segments.good_customers(reader)
    assert good is not None
    assert good["median_net_sales"] == 2
