"""No record is lost: every one is loaded, rejected or left out, once, and can be found again.

How single files are read belongs in test_ingest_formats.
"""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_intake import Taken, problems_of, rest, taken, workspace_of, write_files

from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest import take_in

FEEDS = """
sales_lines:
  - files: "*.csv"
    format: {type: csv, delimiter: ";", decimal: ",", date: "%d-%m-%Y"}
    columns:
      document_no: doc
      line_no: line
      document_type: type
      posting_date: day
      quantity: qty
      list_amount: list
      discount_amount: disc
      net_amount: net
    where: note <> 'ud'
"""
HEADER = "doc;line;type;day;qty;list;disc;net;note"
BALANCE = (
    "select count(*) from raw.files "
    "where records_read <> records_loaded + records_rejected + records_left_out"
)


def sales(root: Path, *rows: str, feeds: str = FEEDS) -> Taken:
    return taken(workspace_of(root, feeds, {"salg.csv": "\n".join([HEADER, *rows, ""])}))


def good(document: int, line: int = 1) -> str:
    return f"{document};{line};invoice;01-02-2024;1;10,00;;9,50;x"


# --- the row ledger -------------------------------------------------------------------------------------
FIELD = st.one_of(
    st.sampled_from(
        ["", "1", "2", "-3,50", "1.5", "invoice", "credit_note", "01-02-2024", "31-02-2024", "ud", "x"]
    ),
    st.text(alphabet="abcø019,.-;\"'\n\r\t \u00a0%(){}\\", max_size=6),
)


# Few files with many records, because reading a file takes longer than reading its records.
@settings(max_examples=8, deadline=None)
@given(rows=st.lists(st.lists(FIELD, min_size=9, max_size=9), max_size=24), good_rows=st.integers(0, 2))
def test_every_record_is_loaded_rejected_or_left_out(tmp_path_factory, rows, good_rows):
    quoted = [";".join('"' + field.replace('"', '""') + '"' for field in row) for row in rows]
    result = sales(tmp_path_factory.mktemp("w"), *[good(1000 + n) for n in range(good_rows)], *quoted)
    (counts,) = result.rows(
        "select records_read, records_loaded, records_rejected, records_left_out from raw.files"
    )
    assert counts[0] == good_rows + len(rows)
    assert counts[0] == sum(counts[1:])
    listed = [
        *result.values("select _source_record from raw.sales_lines"),
        *result.values("select source_record from raw.rejects"),
        *result.values("select source_record from raw.left_out"),
    ]
    assert sorted(listed) == list(range(1, counts[0] + 1))
    assert result.values("select count(*) from raw.sales_lines") == [counts[1]]


def test_records_keep_their_place_in_a_file_that_several_threads_read(tmp_path):
    rows = [
        f"{n};1;invoice;01-02-2024;{n % 7};{n},00;;{n},00;{'ud' if n % 11 == 0 else 'x'}"
        for n in range(1, 200_001)
    ]
    result = sales(tmp_path, *rows)
    wrong = "select count(*) from raw.sales_lines where document_no <> _source_record::varchar"
    assert result.values(wrong) == [0]
    assert result.values(BALANCE) == [0]
    assert result.values("select records_left_out from raw.files") == [200_000 // 11]


# --- amounts --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ("10,00;0,50;", ("10", "0.5", "9.5")),
        ("10,00;;9,50", ("10", "0.5", "9.5")),
        (";0,50;9,50", ("10", "0.5", "9.5")),
        ("10,00;0,50;9,50", ("10", "0.5", "9.5")),
        ("-10,00;;-9,50", ("-10", "-0.5", "-9.5")),
        ("0;;0", ("0", "0", "0")),
    ],
)
def test_two_of_three_amounts_give_the_third(tmp_path, amounts, expected):
    result = sales(tmp_path, f"1;1;invoice;01-02-2024;1;{amounts};x")
    assert result.rejects == []
    assert result.rows("select list_amount, discount_amount, net_amount from raw.sales_lines") == [
        tuple(Decimal(amount) for amount in expected)
    ]


@pytest.mark.parametrize(
    ("amounts", "reason"),
    [
        (
            "10,00;;",
            "two of list_amount, discount_amount and net_amount are needed, the third follows from them",
        ),
        (";;", "two of list_amount, discount_amount and net_amount are needed, the third follows from them"),
        ("10,00;0,50;9,51", "list_amount - discount_amount does not give net_amount"),
        ("99999999999999,00;-1,00;", "list_amount, discount_amount and net_amount do not fit DECIMAL(18,4)"),
    ],
)
def test_amounts_that_do_not_fit_together_are_rejected(tmp_path, amounts, reason):
    result = sales(tmp_path, f"1;1;invoice;01-02-2024;1;{amounts};x", good(2))
    assert [(record, column, why) for record, column, _, why in result.rejects] == [(1, "net_amount", reason)]
    assert result.values("select document_no from raw.sales_lines") == ["2"]


# --- keys -----------------------------------------------------------------------------------------------
def test_a_repeated_key_is_rejected_and_the_first_record_kept(tmp_path):
    result = sales(tmp_path, good(1), good(2), good(1))
    assert result.rejects == [
        (
            3,
            "document_no, line_no",
            "document_no = 1, line_no = 1",
            "repeats the key of landing/salg.csv, record 1, with the same values",
        )
    ]
    assert result.values("select _source_record from raw.sales_lines order by 1") == [1, 2]
    assert result.rows("select records_loaded, records_rejected from raw.files") == [(2, 1)]


def test_a_repeated_key_in_another_file_is_found(tmp_path):
    workspace = workspace_of(
        tmp_path, FEEDS, {"a.csv": f"{HEADER}\n{good(1)}\n", "b.csv": f"{HEADER}\n{good(2)}\n{good(1)}\n"}
    )
    result = taken(workspace)
    assert result.rejects[0][0] == 2
    assert result.rejects[0][3] == "repeats the key of landing/a.csv, record 1, with the same values"
    assert result.values(BALANCE) == [0]


def test_lines_without_a_number_may_be_the_same(tmp_path):
    row = good(1).replace("1;1;", "1;;", 1)
    result = sales(tmp_path, row, row)
    assert result.rejects == []
    assert result.values("select count(*) from raw.sales_lines") == [2]


def test_a_file_that_feeds_a_feed_twice_loses_only_the_repeated_key(tmp_path):
    feeds = """
    sales_lines:
      - files: salg.csv
        format: {type: csv}
        columns: {document_no: doc, posting_date: day, quantity: qty, net_amount: net}
        values: {document_type: invoice, discount_amount: "0"}
    customer_costs:
      - files: salg.csv
        format: {type: csv}
        columns: {cost_no: doc, posting_date: day, amount: fragt}
        values: {cost_type: freight}
        shares_files: a row has freight and bonus
      - files: salg.csv
        format: {type: csv}
        columns: {cost_no: doc, posting_date: day, amount: bonus}
        values: {cost_type: bonus}
        shares_files: a row has freight and bonus
    """
    result = taken(
        workspace_of(tmp_path, feeds, {"salg.csv": "doc,day,qty,net,fragt,bonus\n1,2024-01-01,1,1,5,7\n"})
    )
    assert result.values("select count(*) from raw.customer_costs") == [1]
    assert result.values(BALANCE) == [0]
    counts = (
        "select records_read, records_loaded, records_rejected from raw.files where feed = 'customer_costs'"
    )
    assert result.rows(counts) == [(2, 1, 1)]


@pytest.mark.parametrize(
    "feeds",
    [
        FEEDS,
        FEEDS.replace('"*.csv"', "a.csv")
        + FEEDS.replace('"*.csv"', "b.csv").replace("sales_lines:", "").lstrip("\n"),
    ],
    ids=["one source", "two sources"],
)
def test_the_same_content_twice_is_refused(tmp_path, feeds):
    content = f"{HEADER}\n{good(1)}\n"
    assert problems_of(workspace_of(tmp_path, feeds, {"a.csv": content, "b.csv": content})) == [
        "landing/b.csv: has the same content as landing/a.csv; remove one of the two files."
    ]


# --- files that come and go -----------------------------------------------------------------------------
def test_an_unchanged_file_is_not_read_again(tmp_path):
    workspace = workspace_of(
        tmp_path, FEEDS, {"a.csv": f"{HEADER}\n{good(1)}\n", "b.csv": f"{HEADER}\n{good(2)}\n"}
    )
    assert take_in(workspace, workspace.lake).read == ("landing/a.csv", "landing/b.csv")
    assert take_in(workspace, workspace.lake).read == ()
    rest(workspace.landing / "a.csv")
    assert take_in(workspace, workspace.lake).read == ()
    assert take_in(workspace, workspace.lake, again=True).read == ("landing/a.csv", "landing/b.csv")


def test_a_changed_file_takes_its_old_records_along(tmp_path):
    workspace = workspace_of(tmp_path, FEEDS, {"a.csv": f"{HEADER}\n{good(1)}\n{good(2)}\n"})
    taken(workspace)
    write_files(workspace.landing, {"a.csv": f"{HEADER}\n{good(3)}\n"})
    result = taken(workspace)
    assert result.intake.read == ("landing/a.csv",)
    assert result.values("select document_no from raw.sales_lines") == ["3"]


def test_a_vanished_file_takes_its_records_along(tmp_path):
    workspace = workspace_of(
        tmp_path, FEEDS, {"a.csv": f"{HEADER}\n{good(1)}\n", "b.csv": f"{HEADER}\n{good(2)}\n"}
    )
    taken(workspace)
    (workspace.landing / "a.csv").unlink()
    result = taken(workspace)
    assert result.values("select document_no from raw.sales_lines") == ["2"]
    assert result.values("select source_file from raw.files") == ["landing/b.csv"]


def test_a_changed_mapping_reads_the_file_again(tmp_path):
    workspace = workspace_of(tmp_path, FEEDS, {"a.csv": f"{HEADER}\n{good(1)}\n"})
    taken(workspace)
    result = taken(workspace_of(tmp_path, FEEDS.replace("note <> 'ud'", "note <> 'x'")))
    assert result.intake.read == ("landing/a.csv",)
    assert result.values("select records_left_out from raw.files") == [1]


def test_a_changed_lookup_reads_the_file_again(tmp_path):
    feeds = FEEDS.replace("posting_date: day", "posting_date: dage.day") + (
        '    lookups: {dage: {files: dage.txt, key: doc, format: {type: csv, date: "%Y-%m-%d"}}}\n'
    )
    workspace = workspace_of(
        tmp_path, feeds, {"a.csv": f"{HEADER}\n{good(1)}\n", "dage.txt": "doc,day\n1,2024-01-01\n"}
    )
    taken(workspace)
    write_files(workspace.landing, {"dage.txt": "doc,day\n1,2024-05-05\n"})
    result = taken(workspace)
    assert result.values("select posting_date::varchar from raw.sales_lines") == ["2024-05-05"]


def test_allowed_rejects_are_noted_without_reading_again(tmp_path):
    workspace = workspace_of(tmp_path, FEEDS, {"a.csv": f"{HEADER}\nx\n".replace("x\n", "1;1;?;;;;;;x\n")})
    assert taken(workspace).values("select rejects_allowed from raw.files") == [0]
    allowed = FEEDS + "    allow_rejects: {count: 2, reason: kendt fejl i 2019}\n"
    result = taken(workspace_of(tmp_path, allowed))
    assert result.intake.read == ()
    assert result.values("select rejects_allowed from raw.files") == [2]
    assert result.intake.receipts[0].allowance_reason == "kendt fejl i 2019"


def test_a_lake_file_without_its_receipt_is_read_again(tmp_path):
    workspace = workspace_of(tmp_path, FEEDS, {"a.csv": f"{HEADER}\n{good(1)}\n"})
    (receipt,) = take_in(workspace, workspace.lake).receipts
    (workspace.lake / receipt.lake_file).with_suffix(".json").unlink()
    assert take_in(workspace, workspace.lake).read == ("landing/a.csv",)
    (workspace.lake / receipt.lake_file).unlink()
    assert take_in(workspace, workspace.lake).read == ("landing/a.csv",)


def test_reading_twice_gives_the_same_bytes(tmp_path):
    workspace = workspace_of(tmp_path, FEEDS, {"a.csv": f"{HEADER}\n{good(1)}\n{good(2)}\n"})
    first = take_in(workspace, workspace.lake).receipts
    second = take_in(workspace, tmp_path / "other lake").receipts
    assert [receipt.lake_sha256 for receipt in first] == [receipt.lake_sha256 for receipt in second]


def test_unfinished_and_hidden_files_are_no_files(tmp_path):
    content = f"{HEADER}\n{good(1)}\n"
    feeds = FEEDS.replace('"*.csv"', '"*"')
    names = ["a.csv", "b.csv.part", "c.filepart", ".hidden", "~$d.xlsx"]
    result = taken(workspace_of(tmp_path, feeds, dict.fromkeys(names, content)))
    assert result.values("select source_file from raw.files") == ["landing/a.csv"]


# --- canonical files ------------------------------------------------------------------------------------
CANONICAL = (
    "document_no,document_type,posting_date,quantity,net_amount,discount_amount\n1,invoice,2024-01-01,1,1,0\n"
)


def test_canonical_files_need_no_mapping_and_no_optional_columns(tmp_path):
    workspace = workspace_of(tmp_path, None, {"sales_lines.csv": CANONICAL})
    write_files(tmp_path / "policy", {"salespeople.csv": "salesperson_id,salesperson_name\nHH,Hanne\n"})
    result = taken(workspace)
    assert result.rejects == []
    assert result.rows("select document_no, line_type from raw.sales_lines") == [("1", "goods")]
    assert result.rows("select salesperson_name, _source_file from raw.salespeople") == [
        ("Hanne", "policy/salespeople.csv")
    ]


def test_a_canonical_parquet_file(tmp_path):
    path = tmp_path / "sales_lines.parquet"
    buffer = io.StringIO(CANONICAL)
    duckdb.read_csv(buffer).write_parquet(str(path))
    workspace = workspace_of(tmp_path / "w", None, {"sales_lines.parquet": path.read_bytes()})
    assert taken(workspace).values("select net_amount from raw.sales_lines") == [Decimal(1)]


def test_a_misspelt_column_of_a_canonical_file_is_refused(tmp_path):
    content = CANONICAL.replace("quantity", "quantty")
    sentences = problems_of(workspace_of(tmp_path, None, {"sales_lines.csv": content}))
    assert sentences[0].startswith(
        "landing/sales_lines.csv: quantty is not a column of the feed sales_lines; remove it"
    )
    assert sentences[1].startswith("landing/sales_lines.csv, column quantity: the required column is missing")


# --- types ----------------------------------------------------------------------------------------------
def test_no_number_is_a_binary_float_anywhere(tmp_path):
    result = sales(tmp_path, good(1))
    for name, feed in load_feeds().items():
        types = {row[0]: row[1] for row in result.rows(f"describe raw.{name}")}
        assert types == {
            **{column: declared.sql_type for column, declared in feed.columns.items()},
            "_source_file": "VARCHAR",
            "_file_sha256": "VARCHAR",
            "_source_sheet": "VARCHAR",
            "_source_record": "BIGINT",
        }
    for receipt in result.intake.receipts:
        lake = result.rows(f"describe select * from '{result.workspace.lake / receipt.lake_file}'")
        assert not [row for row in lake if row[1] in ("DOUBLE", "FLOAT")]


def test_a_feed_that_is_not_supplied_is_an_empty_table(tmp_path):
    result = sales(tmp_path, good(1))
    assert result.values("select count(*) from raw.receivables") == [0]
    assert result.values("select is_supplied from raw.feeds where feed = 'receivables'") == [False]


def test_types_of_activities_are_read_in_any_letters(tmp_path: Path) -> None:
    feeds = """
        sales_lines:
          - files: s.csv
            format: {type: csv}
            columns: {document_no: n, posting_date: d, quantity: n, net_amount: n}
            values: {document_type: invoice, discount_amount: "0"}
        activities:
          - files: a.csv
            format: {type: csv}
            columns: {activity_no: n, activity_date: d, customer_id: n, activity_type: t}
    """
    visits = ["sales_visit", "Sales_Visit", "SALES_VISIT", "sales _visit", "\uff33ales_visit"]
    own = ["Gåtur i by", "GÅTUR I BY", "ga\u030atur i by", "gåtur\u00a0i  by", "Gåturiby", "\uff27åtur i by"]
    types = visits + own
    rows = "".join(f"{number},2025-01-02,{each}\n" for number, each in enumerate(types))
    found = taken(workspace_of(tmp_path, feeds, {"s.csv": "n,d\n1,2025-01-02\n", "a.csv": f"n,d,t\n{rows}"}))
    read = found.values("select activity_type from raw.activities order by activity_no::int")
    assert read == ["sales_visit"] * len(visits) + ["gåturiby"] * len(own)
