"""What would change a number without anybody seeing it is refused at the door: one planted fault per rule."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest
import xlsxwriter
from small_intake import SALES_COLUMNS, SALES_HEADER, problems_of, taken, workspace_of

from kunderegnskab.ingest.rejects import reject_problems
from kunderegnskab.quality.door import run_door

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
    assert reason == (
        "stands in landing/s1.csv too, and some of its lines have no number, so they cannot be told apart; record "
        "1 there has the same values"
    )


def test_an_overlapping_export_that_was_corrected_since_is_said_to_differ(tmp_path):
    files = {
        "s1.csv": f"{SALES_HEADER}\nB,invoice,2024-01-05,1,7,0\n{LINE}\n",
        "s2.csv": f"{SALES_HEADER}\n{LINE}\n{LINE.replace('100.00', '100.01')}\n",
    }
    result = taken(workspace_of(tmp_path, FEEDS, files))
    assert [reason.split("; ")[1] for *_, reason in result.rejects] == [
        "record 2 there has the same values",
        "no line there has the same values",
    ]
    assert result.rows("select source_record from raw.repeated_keys where differs") == [(2,)]


@pytest.mark.parametrize("numbered", ["a1", "b1"])
@pytest.mark.parametrize("number", ["", "10000"])
def test_a_document_that_lacks_numbers_in_either_file_counts_once(tmp_path, numbered, number):
    other = FEEDS.replace("s*.csv", "b*.csv").replace("{document_no", "{line_no: no, document_no")
    both = FEEDS.replace("s*.csv", "a*.csv").replace("{document_no", "{line_no: no, document_no")
    files = {
        f"{name}.csv": f"{SALES_HEADER},no\n{LINE},{'10000' if name == numbered else number}\n"
        f"{LINE.replace('100.00', amount)},\nB,invoice,2024-01-05,1,7,0,1\n"
        for name, amount in (("a1", "50.00"), ("b1", "50.01"))
    }
    files["b1.csv"] = files["b1.csv"].replace("B,", "C,")
    result = taken(workspace_of(tmp_path, both + other.partition("sales_lines:")[2], files))
    assert result.rows("select sum(net_amount) from raw.sales_lines") == [(Decimal(164),)]
    assert result.rows("select source_file, source_record, differs from raw.repeated_keys order by 2") == [
        ("landing/b1.csv", 1, False),
        ("landing/b1.csv", 2, True),
    ]


def test_a_document_without_numbers_and_one_of_numbers_alone_count_once(tmp_path):
    plain = "{document_no: doc"
    both = (
        FEEDS.replace("s*.csv", "a*.csv")
        + FEEDS.replace("s*.csv", "b*.csv")
        .replace(plain, plain.replace("{", "{line_no: no, "))
        .partition("sales_lines:")[2]
    )
    halves = (LINE, LINE.replace("100.00", "50.00"))
    files = {
        "a1.csv": "\n".join([SALES_HEADER, *halves, ""]),
        "b1.csv": "\n".join(
            [f"{SALES_HEADER},no", *(f"{line},{no}0000" for no, line in enumerate(halves, 1)), ""]
        ),
    }
    result = taken(workspace_of(tmp_path, both, files))
    assert result.rows("select sum(net_amount), count(*) from raw.sales_lines") == [(Decimal(150), 2)]


# --- one file, two sources ------------------------------------------------------------------------------
TWO_GLOBS = (
    FEEDS
    + """
      - files: "salg*.csv"
        format: {type: csv}
        columns: """
    + SALES_COLUMNS
)
JSON_AND_WHERE = """
    customer_costs:
      - files: "**/*.json"
        format: {type: json}
        columns: {cost_no: no, posting_date: day, amount: amount}
        values: {cost_type: freight}
        shares_files: one of them alone does not say so for the other
      - files: "costs/x.json"
        format: {type: json}
        columns: {cost_no: no, posting_date: day, amount: amount}
        values: {cost_type: bonus}
        where: number(amount) < 0
"""


def test_a_file_that_two_sources_read_is_refused_by_name(tmp_path):
    files = {
        "salg1.csv": f"{SALES_HEADER}\n{LINE}\n",
        "s2.csv": f"{SALES_HEADER}\n{LINE}\n".replace("A,", "B,"),
    }
    assert problems_of(workspace_of(tmp_path, TWO_GLOBS, files)) == [
        "landing/salg1.csv: is read by 2 sources of sales_lines, so its records would count more than once: "
        "feeds.yaml: sales_lines, source 1 (s*.csv) and feeds.yaml: sales_lines, source 2 (salg*.csv); correct "
        "`files` so that one source reads it, or say in `shares_files` of each why all do."
    ]


def test_that_holds_for_every_format_and_feed(tmp_path):
    files = {
        "s.csv": f"{SALES_HEADER}\n{LINE}\n",
        "costs/x.json": '[{"no": 1, "day": "2024-01-05", "amount": 5}]',
        "y.json": '[{"no": 2, "day": "2024-01-05", "amount": 5}]',
    }
    (sentence,) = problems_of(workspace_of(tmp_path, FEEDS + JSON_AND_WHERE, files))
    assert sentence.startswith("landing/costs/x.json: is read by 2 sources of customer_costs")


def test_sources_that_share_a_file_by_declaration_take_each_record_once(tmp_path):
    shared = TWO_GLOBS.replace("format:", "shares_files: goods and gifts\n        format:")
    head, tail = shared.rsplit("format:", 1)
    parted = (
        head.replace("format:", "where: doc = 'A'\n        format:")
        + "where: doc <> 'A'\n        format:"
        + tail
    )
    files = {"salg1.csv": f"{SALES_HEADER}\n{LINE}\n{LINE.replace('A,', 'B,', 1)}\n"}
    result = taken(workspace_of(tmp_path / "parted", parted, files))
    assert result.rejects == []
    assert result.rows("select sum(net_amount) from raw.sales_lines") == [(Decimal(200),)]
    overlapping = taken(workspace_of(tmp_path / "overlapping", shared, files))
    assert [(record, reason) for record, _, _, reason in overlapping.rejects] == [
        (1, "is read by two sources and has no key that tells the two apart"),
        (2, "is read by two sources and has no key that tells the two apart"),
    ]
    assert overlapping.rows("select sum(net_amount) from raw.sales_lines") == [(Decimal(200),)]
    assert overlapping.rows(
        "select records_read - records_loaded - records_rejected - records_left_out from raw.files"
    ) == [(0,)]


@pytest.mark.parametrize(
    ("rows", "more", "untaken"),
    [
        (["C,invoice"], "", [("landing/salg1.csv", 3)]),
        (["a,invoice", ",invoice"], "", [("landing/salg1.csv", 3), ("landing/salg1.csv", 4)]),
        (["B,invoice"], "", []),
        (["C,invoice"], "\n        leaves_out: C is a test customer", []),
    ],
)
def test_records_of_a_shared_file_that_no_source_takes_are_named(tmp_path, rows, more, untaken):
    shared = TWO_GLOBS.replace("format:", "shares_files: goods and gifts\n        format:")
    head, tail = shared.rsplit("format:", 1)
    parted = (
        head.replace("format:", "where: doc = 'A'\n        format:")
        + f"where: doc = 'B'{more}\n        format:"
        + tail
    )
    rest = [f"{row}{LINE.removeprefix('A,invoice')}" for row in rows]
    content = "\n".join([SALES_HEADER, LINE, LINE.replace("A,", "B,", 1), *rest, ""])
    result = taken(workspace_of(tmp_path, parted, {"salg1.csv": content}))
    (check,) = [
        each
        for each in run_door(result.con, ["sales_lines"], date(2025, 6, 30))
        if each.check_name == "door__sales_lines__shared_files_are_taken_whole"
    ]
    assert (check.is_blocking, check.status) == (False, "failed" if untaken else "passed")
    assert check.detail.splitlines() == [
        f"source_file={file}, source_record={record}" for file, record in untaken
    ]


SHEETS = """
    sales_lines:
      - files: bog.xlsx
        format: {type: xlsx, sheet: Jan}
        columns: COLUMNS
        shares_files: a sheet each
        where: type = 'invoice'
      - files: bog.xlsx
        format: {type: xlsxOTHER}
        columns: COLUMNS
        shares_files: a sheet each
        where: type = 'invoice'
""".replace("COLUMNS", SALES_COLUMNS)


def sheets(tmp_path, second, january, february):
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        for name, rows in {"Jan": january, "Feb": february}.items():
            sheet = book.add_worksheet(name)
            for place, row in enumerate([SALES_HEADER, *rows]):
                sheet.write_row(place, 0, row.split(","))
        if second == "":
            book.get_worksheet_by_name("Feb").hide()
    feeds = SHEETS.replace("OTHER", second)
    return taken(workspace_of(tmp_path, feeds, {"bog.xlsx": content.getvalue()}))


@pytest.mark.parametrize(
    ("second", "february", "rejected"),
    [
        (", sheet: Feb", ["B,invoice,2024-02-05,1,50,0"], []),
        (", sheet: Feb", ["B,credit_note,2024-02-05,-1,-50,0"], []),
        (", sheet: Feb", ["A,invoice,2024-02-05,1,50,0"], ["stands in landing/bog.xlsx!Feb too"]),
        # The first sheet, named and not.
        ("", ["B,invoice,2024-02-05,1,50,0"], ["is read by two sources"]),
    ],
    ids=["own lines", "left out by its source", "same document", "same sheet"],
)
def test_sheets_of_one_workbook_share_no_record(tmp_path, second, february, rejected):
    result = sheets(tmp_path, second, [LINE], february)
    assert [reason.split(",")[0].split(" and has")[0] for *_, reason in result.rejects] == rejected
    (check,) = [
        each
        for each in run_door(result.con, ["sales_lines"], date(2025, 6, 30))
        if each.check_name == "door__sales_lines__shared_files_are_taken_whole"
    ]
    assert check.status == "passed"


def test_a_rejected_record_is_named_with_its_sheet(tmp_path):
    good, bad = "B,invoice,2024-01-05,1,5,0", "C,invoice,2024-01-05,1,x,0"
    result = sheets(
        tmp_path, ", sheet: Feb", [LINE, bad], [bad.replace("C", "D"), good, bad.replace("C", "E")]
    )
    assert [each.sentence().split(": ")[0] for each in reject_problems(result.con, limit=9)] == [
        "landing/bog.xlsx, sheet 'Feb', column net",
        "landing/bog.xlsx, sheet 'Jan', record 3, column net",
    ]
    assert result.rows("select source_sheet, source_record from raw.rejects order by all") == [
        ("Feb", 2),
        ("Feb", 4),
        ("Jan", 3),
    ]


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
