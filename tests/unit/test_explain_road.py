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


LADDER = [
    {"column_name": column, "line_kind": kind, "sign": sign, "position": position, "is_used": is_used}
    for position, (column, kind, sign, is_used) in enumerate(
        [
            ("net_sales", "amount", 1, True),
            ("discount", "amount", -1, False),
            ("cogs", "amount", -1, True),
            ("db1", "subtotal", 1, True),
            ("freight", "amount", -1, True),
            ("db2", "subtotal", 1, True),
        ]
    )
]
LINEAGE = {
    "intermediate.int_named": ["staging.stg_customers"],
    "intermediate.int_lines": ["intermediate.int_named"],
    "intermediate.int_all": ["staging.stg_customers", "staging.stg_products"],
}


def road(sql: str = "") -> Road:
    """The road of a publication with a table marts.accounts that `sql` makes."""
    marts = {
        "marts.accounts": table(
            ["customer_id", "month"], "db1", "net_sales", "segment", "name", "rest", "cogs"
        ),
        "marts.segments": table(["customer_id", "month"], "segment"),
        "marts.sums": table(["customer_id", "month"], "db1", "net_sales"),
    }
    models = {
        "marts.accounts": Model("marts", "accounts", "table", sql, (), ""),
        "intermediate.int_named": Model("intermediate", "int_named", "view", NAMED, (), ""),
    }

    def asked(query: str) -> Any:
        found = LINEAGE if "source_record" in query else COLUMNS
        return SimpleNamespace(fetchall=lambda: list(found.items()))

    trace: Any = SimpleNamespace(
        publication=SimpleNamespace(manifest=SimpleNamespace(marts=marts)),
        models=models,
        tables={"audit.models", "audit.column_lineage", "audit.ladder"},
        require=lambda relation: None,
        rows=lambda query, values=(), reads=(): LADDER,
        con=SimpleNamespace(execute=asked),
    )
    return Road(cast(Trace, trace))


def said(sql: str, column: str, given: tuple[str, ...] = ()) -> Said:
    """What `sql`, the model of marts.accounts, says of one of its columns."""
    return road(sql).said("marts.accounts", column, given)


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


UNION = """
with parts as (
    select customer_id, month, 'a' as segment, cast(net_sales as decimal(18, 4)) as name, db1 as rest
    from marts.sums
    union all
    select customer_id, month, 'b' as segment, net_sales as name, {rest} as rest from marts.sums
)
select customer_id, month, segment, name, cast(rest as decimal(18, 4)) as rest from parts
"""


def test_what_several_queries_take_over_alike_is_one_column() -> None:
    assert said(UNION.format(rest="db1"), "rest").passed_on == Leaf("marts.sums", "db1")


def test_what_several_queries_compute_is_told_by_the_word_that_each_gives() -> None:
    """Also from a column of the row that has another name within the query."""
    found = said(UNION.format(rest="net_sales - 1"), "rest")
    assert found == Said(
        "CASE segment WHEN 'a' THEN sums_db1 WHEN 'b' THEN name - 1 END",
        {"sums_db1": Leaf("marts.sums", "db1")},
    )


def test_subtotal_is_what_the_company_uses_of_the_lines_above_with_their_signs() -> None:
    assert road().subtotal("marts.accounts", "db1") == "net_sales - cogs"
    # Without all lines side by side there is no such sum, and a line is none.
    assert road().subtotal("marts.accounts", "db2") is None
    assert road().subtotal("marts.sums", "db1") is None
    assert road().subtotal("marts.accounts", "cogs") is None


def test_records_are_of_the_feed_that_their_numbers_come_from() -> None:
    assert road().records_feed("staging.stg_products") == "products"
    assert road().records_feed("intermediate.int_lines") == "customers"
    assert road().records_feed("intermediate.int_all") is None


def test_case_over_a_column_of_the_row_says_what_holds_for_each_of_its_values() -> None:
    one, other = Leaf("marts.sums", "db1"), Leaf("marts.sums", "net_sales")
    case = Said("CASE segment WHEN 'a' THEN one WHEN 'b' THEN 0 ELSE other END", {"one": one, "other": other})
    assert case.by_case() == [
        ("$segment = 'a'", Said("one", {"one": one})),
        ("$segment = 'b'", Said("0")),
        ("", Said("other", {"other": other})),
    ]
    # What it computes from the row alone stays one formula.
    assert Said("CASE segment WHEN 'a' THEN db1 ELSE 0 END").by_case() is None
    assert Said("CASE WHEN db1 > 0 THEN one END", {"one": one}).by_case() is None


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
