"""What would change a number without anybody seeing it is refused at the door: one planted fault per rule."""

from __future__ import annotations

from decimal import Decimal

from small_intake import SALES_COLUMNS, SALES_HEADER, taken, workspace_of

FEEDS = (
    """
    sales_lines:
      - files: "s*.csv"
        format: {type: csv}
        columns: """
    + SALES_COLUMNS
)
LINE = "A,invoice,2024-01-05,1,100.00,0"


def test_a_lookup_that_finds_nothing_rejects_the_record_unless_it_is_optional(tmp_path):
    lookup = """
        lookups:
          groups: {files: groups.csv, key: doc, format: {type: csv}OPTIONAL}
        expressions: {return_reason: groups.name}
"""
    files = {
        "s.csv": f"{SALES_HEADER}\n{LINE}\nB,invoice,2024-01-05,1,50.00,0\n",
        "groups.csv": "doc,name\nA,x\n",
    }
    missed = taken(workspace_of(tmp_path / "one", FEEDS + lookup.replace("OPTIONAL", ""), files))
    ((record, column, text, reason),) = missed.rejects
    assert (record, column, text) == (2, "doc", "B")
    assert reason == "stands nowhere in landing/groups.csv, column doc"
    allowed = taken(
        workspace_of(tmp_path / "two", FEEDS + lookup.replace("OPTIONAL", ", optional: true"), files)
    )
    assert allowed.rejects == []
    assert allowed.rows("select sum(net_amount) from raw.sales_lines") == [(Decimal(150),)]


def test_overlapping_exports_without_line_numbers_do_not_count_twice(tmp_path):
    files = {
        "s1.csv": f"{SALES_HEADER}\n{LINE}\n",
        "s2.csv": f"{SALES_HEADER}\n{LINE}\nB,invoice,2024-01-05,1,7,0\n",
    }
    result = taken(workspace_of(tmp_path, FEEDS, files))
    assert result.rows("select sum(net_amount) from raw.sales_lines") == [(Decimal(107),)]
    ((record, column, text, reason),) = result.rejects
    assert (record, column, text) == (1, "document_no", "A")
    assert "landing/s1.csv too" in reason


def test_allowed_rejects_are_counted_for_the_whole_source(tmp_path):
    bad = "A,invoice,2024-01-05,1,x,0"
    files = {f"s{n}.csv": f"{SALES_HEADER}\n{bad}\n{n},invoice,2024-01-05,1,1,0\n" for n in (1, 2, 3)}
    feeds = FEEDS + "\n        allow_rejects: {count: 2, reason: known faults}\n"
    result = taken(workspace_of(tmp_path, feeds, files))
    assert result.rows("select source_file, rejects_allowed from raw.files order by 1") == [
        ("landing/s1.csv", 1),
        ("landing/s2.csv", 1),
        ("landing/s3.csv", 0),
    ]


def test_a_name_that_begins_like_a_total_row_is_no_total_row(tmp_path):
    files = {"s.csv": f"{SALES_HEADER}\nTotal-17,invoice,2024-01-05,1,5,0\nTOTAL:,,,,5,\n"}
    feeds = FEEDS + "\n        total_rows: {column: doc, words: [Total]}\n"
    result = taken(workspace_of(tmp_path, feeds, files))
    assert result.rejects == []
    assert result.values("select document_no from raw.sales_lines") == ["Total-17"]
    assert result.values("select reason from raw.left_out") == ["total row"]


def test_a_changed_lake_file_is_read_again(tmp_path):
    workspace = workspace_of(tmp_path, FEEDS, {"s.csv": f"{SALES_HEADER}\n{LINE}\n"})
    (receipt,) = taken(workspace).intake.receipts
    kept = workspace.lake / receipt.lake_file
    kept.write_bytes(kept.read_bytes()[:-1] + b"!")
    again = taken(workspace)
    assert again.intake.read == ("landing/s.csv",)
    assert again.rows("select sum(net_amount) from raw.sales_lines") == [(Decimal(100),)]
