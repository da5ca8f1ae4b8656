"""Control totals are what the records come to, and show when the lake is changed after it was read.

Whether later stages agree with them is tested in tests/dbt/test_planted_faults.py.
"""

from __future__ import annotations

from decimal import Decimal

import duckdb
from small_intake import SALES_HEADER, taken, workspace_of

from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest import load_warehouse
from kunderegnskab.ingest.totals import control_totals, measures

FEEDS = """
    sales_lines:
      - files: "s*.csv"
        format: {type: csv}
        columns: {document_no: doc, line_no: line, document_type: type, posting_date: day, quantity: qty,
          net_amount: net, discount_amount: disc, customer_id: who}
        where: '"net" <> ''0'''
        allow_rejects: {count: 2, reason: known faults}
"""
HEADER = f"{SALES_HEADER},line,who"
FILES = {
    "s1.csv": f"{HEADER}\nA,invoice,2024-01-05,1,100.10,0,1,K1\nA,invoice,2024-01-05,2,x,0,2,K1\n",
    "s2.csv": f"{HEADER}\nA,invoice,2024-01-05,4,7,0,1,K1\nB,invoice,2024-01-06,3,50,0,1,K2\nC,,,,0,,,\n",
}


def totals(con: duckdb.DuckDBPyConnection, measure: str) -> dict[str, Decimal]:
    found = con.execute("select stage, total from raw.feed_totals where measure = ?", [measure]).fetchall()
    return dict(found)


def test_each_stage_has_what_the_records_come_to(tmp_path):
    result = taken(workspace_of(tmp_path, FEEDS, FILES))
    # One record cannot be read, one is left out by the mapping, one repeats a key.
    assert totals(result.con, "record_count") == {"landing": 5, "lake": 5, "left_out": 3}
    assert totals(result.con, "net_amount") == {
        "landing": Decimal("157.10"),
        "lake": Decimal("157.10"),
        "left_out": Decimal("7"),
    }
    assert [receipt.control_totals["net_amount"] for receipt in result.intake.receipts] == [
        Decimal("100.10"),
        Decimal("57"),
    ]
    hashed = totals(result.con, "customer_id_hash")
    assert hashed["lake"] - hashed["left_out"] == sum(
        int(digest[:8], 16) for (digest,) in result.rows("select md5(customer_id) from raw.sales_lines")
    )


def test_a_lake_that_was_changed_after_it_was_read_differs(tmp_path):
    result = taken(workspace_of(tmp_path, FEEDS, FILES))
    lake = result.workspace.lake
    changed = lake / result.intake.receipts[0].lake_file
    duckdb.execute(
        f"copy (select * replace (net_amount + 0.02 as net_amount) from read_parquet('{changed}')) "
        f"to '{changed}.new' (format parquet)"
    )
    changed.with_name(f"{changed.name}.new").replace(changed)
    with duckdb.connect() as con:
        load_warehouse(con, result.workspace.company, lake, result.intake)
        found = totals(con, "net_amount")
    assert found["lake"] - found["landing"] == Decimal("0.02")


def test_a_hash_total_is_the_same_in_any_order_but_not_with_another_customer():
    feed = load_feeds()["segment_overrides"]
    assert set(measures(feed)) == {"record_count", "customer_id_hash"}
    with duckdb.connect() as con:

        def hashed(*customers: str | None) -> Decimal:
            rows = ", ".join("(null)" if each is None else f"('{each}')" for each in customers)
            relation = f"(select * from (values {rows}) as t (customer_id))"
            return control_totals(con, feed, relation)["customer_id_hash"]

        assert hashed("1", "2", None) == hashed("2", "1") == hashed("1") + hashed("2")
        assert hashed("1", "2") != hashed("1", "3")
