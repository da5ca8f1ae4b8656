"""What a model's SQL says of a column: passed on, computed from the row, or nothing that can be followed.

That it makes the published values is tested in tests/e2e/test_explain.py.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from kunderegnskab.audit.explain.road import Leaf, NoRoad, Road, Said
from kunderegnskab.audit.models import Model
from kunderegnskab.audit.trace import Trace
from kunderegnskab.publication.manifest import MartColumn, MartContent

COLUMNS = {
    "staging.stg_customers": ["customer_id", "customer_name", "customer_group"],
    "intermediate.int_sums": ["customer_id", "db1"],
    "intermediate.int_named": ["customer_id", "known_as"],
}
NAMED = "select customer_id, customer_name as known_as from staging.stg_customers"


def table(key: list[str], *columns: str) -> MartContent:
    named = [MartColumn(name=name, type="VARCHAR") for name in (*key, *columns)]
    return MartContent(rows=1, content_sha256="0" * 64, key=key, columns=named)


def said(sql: str, column: str, given: tuple[str, ...] = ()) -> Said:
    """What `sql`, the model of marts.accounts, says of one of its columns."""
    marts = {
        "marts.accounts": table(["customer_id", "month"], "db1", "net_sales", "segment", "name", "rest"),
        "marts.segments": table(["customer_id", "month"], "segment"),
    }
    models = {
        "marts.accounts": Model("marts", "accounts", "table", sql, (), ""),
        "intermediate.int_named": Model("intermediate", "int_named", "view", NAMED, (), ""),
    }
    found = list(COLUMNS.items())
    trace: Any = SimpleNamespace(
        publication=SimpleNamespace(manifest=SimpleNamespace(marts=marts)),
        models=models,
        tables={"audit.models", "audit.column_lineage"},
        require=lambda relation: None,
        con=SimpleNamespace(execute=lambda query: SimpleNamespace(fetchall=lambda: found)),
    )
    return Road(cast(Trace, trace)).said("marts.accounts", column, given)


ACCOUNTS = """
with sums as (select customer_id, month, db1, net_sales from marts.segments),
joined as (
    select sums.customer_id, sums.month, sums.db1, sums.net_sales, now.segment, people.customer_name
    from sums
    left join marts.segments as now on sums.customer_id = now.customer_id
    left join staging.stg_customers as people on sums.customer_id = people.customer_id
)
"""


def test_column_of_another_table_is_passed_on_under_another_name() -> None:
    found = said(f"{ACCOUNTS} select joined.customer_id, month, segment as name from joined", "name")
    assert found.passed_on == Leaf("marts.segments", "segment")


def test_column_of_a_record_is_passed_on_through_a_model_between() -> None:
    sql = "select named.customer_id, named.known_as as name from intermediate.int_named as named"
    assert said(sql, "name").passed_on == Leaf("staging.stg_customers", "customer_name")


def test_formula_names_the_columns_of_the_row() -> None:
    """Also where a step before has another name for it; and a cast to the contract's type is no part of it."""
    sql = f"""{ACCOUNTS}, renamed as (select customer_id, net_sales as sales, db1 as margin from joined)
        select customer_id, cast(margin as decimal(18, 4)) as db1, sales as net_sales,
        cast(sales - margin as decimal(18, 4)) as rest from renamed"""
    assert said(sql, "rest") == Said("net_sales - db1")


def test_formula_reads_what_the_row_does_not_have() -> None:
    found = said(
        f"{ACCOUNTS} select customer_id, month, coalesce(customer_name, customer_id) as name from joined",
        "name",
    )
    assert found == Said(
        "COALESCE(customer_name, customer_id)",
        {"customer_name": Leaf("staging.stg_customers", "customer_name")},
    )
    assert found.passed_on is None


def test_the_same_source_joined_twice_is_two_rows() -> None:
    """What another row has is not the row's own column, whatever it is called."""
    sql = """with known as (select customer_id, month, segment from marts.segments)
        select now.customer_id, now.month, now.segment, coalesce(before.segment, now.segment) as name
        from known as now left join known as before on now.customer_id = before.customer_id"""
    found = said(sql, "name")
    assert found.formula != "COALESCE(segment, segment)"
    assert Leaf("marts.segments", "segment") in found.reads.values()


def test_what_is_given_is_named_as_it_is() -> None:
    sql = "select sums.customer_id, sums.db1 || company.currency as name from intermediate.int_sums as sums cross join (select currency from raw.company) as company"
    with pytest.raises(NoRoad):
        said(sql, "name")
    assert "currency" in said(sql, "name", ("currency", "db1")).formula


NO_ROADS = {
    "a sum": "select customer_id, sum(db1) as name from intermediate.int_sums group by customer_id",
    "a rank": "select customer_id, row_number() over (order by db1) as name from intermediate.int_sums",
    "another query": "select customer_id, (select max(db1) from intermediate.int_sums) as name from marts.segments",
    "a union": "select segment as name from marts.segments union all select 'x' as name from marts.segments",
    "a row that no column tells": "select db1 as name from intermediate.int_sums",
    "a source that nobody knows": "select things.what as name from unknown_part as things",
    "no SQL": "select from where",
}


@pytest.mark.parametrize("sql", NO_ROADS.values(), ids=NO_ROADS)
def test_what_is_more_than_a_row_is_not_followed(sql: str) -> None:
    with pytest.raises(NoRoad):
        said(sql, "name")
