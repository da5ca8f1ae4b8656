"""Public datasets through the whole product, compared to the digit with an independent recomputation.

What the results must be is computed in `recompute`; how the files are read is declared in each dataset's
folder here. Rules that a small made-up company shows better belong in tests/dbt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from comparing import Refreshed, assert_same_rows, published_beside_recomputed
from recompute import COUNTS, DATASETS, LADDER, MEMO, PRODUCT_COLUMNS, UNKNOWN, PoolMonth

# Totals that were read off the raw files when the mappings were written: they would show a fault that
# mapping and recomputation have in common after a later change of both.
KNOWN_TOTALS = {
    "northwind": {"list_sales": "1354458.59", "net_sales": "1265793.0395", "freight": "64942.69"},
    "online_retail": {
        "list_sales": "4679020.591",
        "returns": "282312.54",
        "freight": "-123817.51",
        "other_direct": "122574.80",
        "db2": "4397950.761",
    },
    "foodmart": {"net_sales": "565238.13", "cogs": "225627.2336", "order_cost": "166482.44"},
    "sap_bikes": {"net_sales": "16774692.375"},
    "economic_json": {"net_sales": "180", "cogs": "36"},
}


@pytest.fixture(scope="session", params=DATASETS)
def refreshed(
    request: pytest.FixtureRequest, refreshed_workspace: Callable[[str], Path]
) -> Iterator[Refreshed]:
    """Each dataset."""
    with published_beside_recomputed(refreshed_workspace(request.param)) as dataset:
        yield dataset


def test_every_account_column_equals_the_recomputation(refreshed: Refreshed):
    columns = (*LADDER, *MEMO, *COUNTS)
    published = {
        (customer, month): dict(zip(columns, amounts, strict=True))
        for customer, month, *amounts in refreshed.rows(
            f"select customer_id, month, {', '.join(columns)} from marts.customer_accounts"
        )
    }
    assert_same_rows(published, refreshed.expected.accounts)


def test_totals_over_the_company_equal_the_recomputation(refreshed: Refreshed):
    columns = (*LADDER, *MEMO, *COUNTS)
    sums = ", ".join(f"sum({column})" for column in columns)
    (published,) = refreshed.rows(f"select {sums} from marts.customer_accounts")
    assert dict(zip(columns, published, strict=True)) == {
        column: refreshed.expected.total(column) for column in columns
    }


def test_totals_are_those_known_from_the_raw_files(refreshed: Refreshed):
    known = KNOWN_TOTALS[refreshed.name]
    sums = ", ".join(f"sum({column})" for column in known)
    (published,) = refreshed.rows(f"select {sums} from marts.customer_accounts")
    assert list(published) == [Decimal(total) for total in known.values()]


def test_account_lines_hold_the_same_amounts_as_the_columns(refreshed: Refreshed):
    rows = refreshed.rows(
        "select customer_id, month, column_name, amount from marts.customer_account_lines "
        "join audit.ladder using (line_code)"
    )
    published: dict[tuple[str, date], dict[str, Decimal]] = {}
    for customer, month, column, amount in rows:
        published.setdefault((customer, month), {})[column] = amount
    expected = {
        key: {column: row[column] for column in LADDER} for key, row in refreshed.expected.accounts.items()
    }
    assert_same_rows(published, expected)


def test_product_accounts_equal_the_recomputation(refreshed: Refreshed):
    published = {
        (customer, product, month): dict(zip(PRODUCT_COLUMNS, amounts, strict=True))
        for customer, product, month, *amounts in refreshed.rows(
            f"select customer_id, product_id, month, {', '.join(PRODUCT_COLUMNS)} from marts.product_accounts"
        )
    }
    assert_same_rows(published, refreshed.expected.product_accounts)


def test_dimensions_hold_every_customer_and_product_once(refreshed: Refreshed):
    customers = [customer for (customer,) in refreshed.rows("select customer_id from marts.customers")]
    products = [product for (product,) in refreshed.rows("select product_id from marts.products")]
    ((salespeople,),) = refreshed.rows("select count(*) from marts.salespeople where not is_unassigned")
    assert sorted(customers) == sorted(refreshed.expected.customers)
    assert sorted(products) == sorted(refreshed.expected.products)
    if refreshed.expected.salespeople:
        assert salespeople == refreshed.expected.salespeople


def test_row_ledger_accounts_for_every_record(refreshed: Refreshed):
    ledger = {
        (feed, Path(file).name): (read, left_out, rejected, loaded, is_balanced)
        for feed, file, read, left_out, rejected, loaded, is_balanced in refreshed.rows(
            "select feed, source_file, records_read, records_left_out, records_rejected, records_loaded, "
            "is_balanced from audit.row_ledger"
        )
    }
    assert ledger == {
        place: (read, left_out, 0, read - left_out, True)
        for place, (read, left_out) in refreshed.expected.records.items()
    }


@pytest.mark.parametrize(
    ("table", "grain"),
    [
        ("customer_accounts", "customer_id, month"),
        ("customer_account_lines", "customer_id, month, line_code"),
        ("product_accounts", "customer_id, product_id, month"),
        ("customers", "customer_id"),
        ("products", "product_id"),
        ("salespeople", "salesperson_id"),
        ("months", "month"),
        ("company_accounts", "month"),
    ],
)
def test_grain_is_unique(refreshed: Refreshed, table: str, grain: str):
    repeated = refreshed.rows(f"select {grain} from marts.{table} group by all having count(*) > 1 limit 1")
    assert repeated == []


def test_months_are_a_calendar_without_gaps(refreshed: Refreshed):
    months = [month for (month,) in refreshed.rows("select month from marts.months order by month")]
    posted = refreshed.expected.months
    assert (months[0], months[-1]) == (min(posted), max(posted))
    following = [date(month.year + month.month // 12, month.month % 12 + 1, 1) for month in months[:-1]]
    assert months[1:] == following


def test_cost_pools_give_out_what_the_ledger_holds(refreshed: Refreshed):
    columns = ("pool_cost", "driver_total", "rate", "allocated", "unallocated", "unused", "receiver_count")
    published = {
        (pool, month): dict(zip(columns, amounts, strict=True))
        for pool, month, *amounts in refreshed.rows(
            f"select cost_pool_id, month, {', '.join(columns)} from audit.allocation_steps"
        )
    }
    expected = {
        key: {
            "pool_cost": pool.cost,
            "driver_total": pool.driver_total,
            "rate": pool.rate,
            "allocated": pool.allocated,
            "unallocated": pool.unallocated,
            "unused": Decimal(0),
            "receiver_count": pool.receivers,
        }
        for key, pool in refreshed.expected.pools.items()
    }
    assert_same_rows(published, expected)


def test_every_share_of_a_pool_equals_the_recomputation(refreshed: Refreshed):
    published = {
        (pool, month, customer): {"weight": weight, "amount": amount}
        for pool, month, customer, weight, amount in refreshed.rows(
            "select cost_pool_id, month, customer_id, weight, amount from audit.allocations"
        )
    }
    assert_same_rows(published, refreshed.expected.allocations)


def test_shares_of_a_pool_are_the_order_cost_of_the_accounts(refreshed: Refreshed):
    shares = refreshed.rows("select month, sum(amount) from audit.allocations group by month order by month")
    accounts = refreshed.rows(
        "select month, sum(order_cost) from marts.customer_accounts group by month "
        "having sum(order_cost) <> 0 order by month"
    )
    assert shares == accounts


def test_company_account_goes_from_db_iii_to_everything_in_the_ledgers_pools(refreshed: Refreshed):
    """None of these ledgers holds sales, so there is no result of the ledger; its pools tie all the same."""
    expected = refreshed.expected
    calendar = refreshed.rows("select month from marts.months order by month")
    published = refreshed.rows(
        "select month, db2, db3, db3 - segment_cost - unused_capacity - unallocated "
        "+ bonus_timing + credit_cost_put_back, "
        "segment_cost, unused_capacity, unallocated, credit_cost_put_back, ledger_result "
        "from marts.company_accounts order by month"
    )
    zero = Decimal(0)
    rows = []
    for (month,) in calendar:
        pools = [pool for (_, posted), pool in expected.pools.items() if posted == month]
        db2 = expected.total("db2", month)
        unallocated = sum((pool.unallocated for pool in pools), start=zero)
        result = db2 - sum((pool.cost for pool in pools), start=zero)
        rows.append((month, db2, expected.total("db3", month), result, zero, zero, unallocated, zero, None))
    assert published == rows


def test_ledger_differs_from_the_accounts_by_what_no_customer_got_and_nothing_else(refreshed: Refreshed):
    """All pools here are order cost; accounts less ledger is what was not given out, turned round."""
    published = refreshed.rows(
        "select month, line_code, account_amount, ledger_amount, difference, unallocated, unexplained, cause "
        "from audit.ledger_reconciliation order by month"
    )
    months: dict[date, list[PoolMonth]] = {}
    for (_, month), pool in refreshed.expected.pools.items():
        months.setdefault(month, []).append(pool)
    rows = []
    for month, pools in sorted(months.items()):
        zero = Decimal(0)
        allocated = sum((pool.allocated for pool in pools), start=zero)
        cost = sum((pool.cost for pool in pools), start=zero)
        unallocated = sum((pool.unallocated for pool in pools), start=zero)
        cause = "unallocated" if unallocated else None
        rows.append((month, "K55", allocated, cost, -unallocated, -unallocated, zero, cause))
    assert published == rows


def test_quirks_of_the_datasets(refreshed: Refreshed):
    """What makes each dataset a trap, by name."""
    _QUIRKS[refreshed.name](refreshed)


def _northwind(refreshed: Refreshed) -> None:
    without_account = refreshed.rows(
        "select customer_id from marts.customers anti join marts.customer_accounts using (customer_id) "
        "order by 1"
    )
    assert without_account == [(UNKNOWN,), ("FISSA",), ("PARIS",)]
    managers = refreshed.rows(
        "select manager_id, count(*) from marts.salespeople group by all order by 1 nulls first"
    )
    assert managers == [(None, 2), ("2", 5), ("5", 3)]  # the second without a manager is 'Ikke tildelt'
    countries = refreshed.rows(
        "select distinct length(country_code) from marts.customers where not is_unknown"
    )
    assert countries == [(2,)]


def _online_retail(refreshed: Refreshed) -> None:
    ((unknown,),) = refreshed.rows("select count(*) from audit.unknown_customers where feed = 'sales_lines'")
    assert unknown == 68_980  # 69,014 lines without a customer, 34 of them fees
    ids = refreshed.rows("select count(*) from marts.customers where customer_id like '%.%'")
    assert ids == [(0,)]


def _foodmart(refreshed: Refreshed) -> None:
    ((buyers,),) = refreshed.rows("select count(distinct customer_id) from marts.customer_accounts")
    assert buyers == 5_581
    _foodmart_currencies(refreshed)
    _foodmart_costs_without_customers(refreshed)


def _foodmart_currencies(refreshed: Refreshed) -> None:
    """Each country's stores keep their books in its own currency: the pools tie per month and currency."""
    currency_of = {"stores_usa": "USD", "stores_mexico": "MXN", "stores_canada": "CAD"}
    published = {
        (currency_of[pool], month): cost
        for pool, month, cost in refreshed.rows(
            "select cost_pool_id, month, pool_cost from audit.allocation_steps"
        )
    }
    assert published == refreshed.expected.ledger
    totals = {
        currency: sum((cost for (of, _), cost in published.items() if of == currency), start=Decimal(0))
        for currency in currency_of.values()
    }
    # pesos at 0.11 and 0.12, Canadian dollars at 0.67 and 0.68: their stores cost nothing before 1998
    assert totals == {
        "USD": Decimal("384326.12"),
        "MXN": Decimal("89635.4752"),
        "CAD": Decimal("19585.89"),
    }


def _foodmart_costs_without_customers(refreshed: Refreshed) -> None:
    """Only Americans buy, and only in 1997; what all other stores and months cost is said to be nobody's."""
    steps = refreshed.rows(
        "select cost_pool_id, month, allocated, finding from audit.allocation_steps where pool_cost <> 0"
    )
    assert len(steps) == 24 + 12 + 12
    for pool, month, allocated, finding in steps:
        has_customers = pool == "stores_usa" and month.year == 1997
        assert allocated > 0 if has_customers else allocated == 0, (pool, month)
        assert finding == (None if has_customers else "no_receiver"), (pool, month)
    problems = refreshed.rows("from audit.ledger_mapping_problems")
    assert problems == []


def _sap_bikes(refreshed: Refreshed) -> None:
    ((padded,),) = refreshed.rows("select count(*) from marts.customers where customer_id like '0100000___'")
    assert padded == 40
    assert refreshed.rows(
        "select salesperson_name from marts.salespeople where salesperson_name like '%Duperr%'"
    ) == [("Pénélope Duperré",)]


def _economic_json(refreshed: Refreshed) -> None:
    # These are not among the products of the answer.
    unlisted = refreshed.rows(
        "select product_id, product_name, sum(list_sales) from marts.products "
        "inner join marts.product_accounts using (product_id) where not is_in_list group by all order by 1"
    )
    assert [(product, name) for product, name, _ in unlisted] == [
        ("3097", "(ikke i varelisten)"),
        ("3098", "(ikke i varelisten)"),
    ]
    assert sum(sales for _, _, sales in unlisted) == Decimal(60)


_QUIRKS = {
    "northwind": _northwind,
    "online_retail": _online_retail,
    "foodmart": _foodmart,
    "sap_bikes": _sap_bikes,
    "economic_json": _economic_json,
}
