"""Every format and encoding gives the same records, numbered as a person would number them.

What is wrong with a file and how that is said belongs in test_ingest_faults.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from datetime import date, datetime
from datetime import time as clock
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from small_intake import Taken, problems_of, taken, workspace_of, write_files

from kunderegnskab.ingest.readers import read_records
from kunderegnskab.workspace import Format

FEEDS = """
sales_lines:
  - files: salg.csv
    format: {{type: csv}}
    columns: {{document_no: doc, posting_date: day, quantity: qty, net_amount: net}}
    values: {{document_type: invoice, discount_amount: "0"}}
customers:
  - files: {files}
    format: {{{form}}}
    columns:
      customer_id: Nr
      customer_name: Navn
      payment_terms_days: Dage
      customer_since: Siden
      is_internal: Intern
"""
SALES = {"salg.csv": "doc,day,qty,net\n1,2024-01-01,1,1\n"}
CUSTOMERS = [
    ("0007", "Ærø Øl & Åbrød A/S", 30, date(2024, 2, 29), True),
    ("8", 'Müller; "Søn"', None, None, False),
]
FORM = 'decimal: ",", thousands: ".", date: "%d-%m-%Y", true_words: [Ja], false_words: [Nej]'


def customers(root: Path, name: str, content: bytes | str, form: str) -> Taken:
    feeds = FEEDS.format(files=name, form=form)
    return taken(workspace_of(root, feeds, {**SALES, name: content}))


def rows_of(result: Taken) -> list[tuple[Any, ...]]:
    assert result.rejects == []
    return result.rows(
        "select customer_id, customer_name, payment_terms_days, customer_since, is_internal "
        "from raw.customers order by _source_record"
    )


def csv_text(line_end: str = "\r\n") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator=line_end)
    writer.writerow(["Nr", "Navn", "Dage", "Siden", "Intern", ""])
    for number, name, days, since, internal in CUSTOMERS:
        day = since.strftime("%d-%m-%Y") if since else ""
        writer.writerow([number, name, days, day, "Ja" if internal else "nej", "x"])
    return out.getvalue()


def below(head: str, line_end: str) -> str:
    """The customers, with something else than their header above them."""
    return head + csv_text(line_end).split(line_end, 1)[1]


NAMES = "Nr;Navn;Dage;Siden;Intern;"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
@pytest.mark.parametrize(
    ("head", "header_row"),
    [
        ('Nr;Navn;Dage;Siden;Intern;"i\nalt"\r\n', 1),
        ('Nr;Navn;Dage;Siden;Intern;"i\r\nalt, i\ndag"\n', 1),
        ('Nr;Navn;Dage;Siden;Intern;"i\ralt"\n', 1),
        (f"sep=;\n{NAMES}\r\n", 2),
        (f"sep=;\r\n{NAMES}\n", 2),
        (f'"Rapport";;\n"fra\ni går";\r\n{NAMES}\r\n', 3),
        (f"\n\r\n{NAMES}\n", 3),
    ],
)
def test_records_begin_behind_the_header_however_its_lines_end(
    tmp_path: Path, head: str, header_row: int, line_end: str, encoding: str
):
    content = below(head, line_end)
    form = f'type: csv, delimiter: ";", header_row: {header_row}, encoding: {encoding}, {FORM}'
    assert rows_of(customers(tmp_path / "w", "k.csv", content.encode(encoding), form)) == CUSTOMERS
    # A line that cannot be read keeps its number in the file.
    broken = content + "9;To;fejl" + line_end
    (sentence,) = problems_of(
        workspace_of(
            tmp_path / "broken",
            FEEDS.format(files="k.csv", form=form),
            {**SALES, "k.csv": broken.encode(encoding)},
        )
    )
    assert sentence.startswith("landing/k.csv: line ")
    assert " has 3 fields, the header has 6; " in sentence


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        *(("w", name) for name in ("k[1].csv", "k*.csv", "k?.csv", "net=7/k.csv", "k{1,2}.csv", "[.csv")),
        *((folder, "k[1].csv") for folder in ("firma[1]", "customer_id=7", "payment_terms_days=1/*")),
    ],
)
def test_a_name_that_looks_like_a_pattern_is_that_file_alone(tmp_path: Path, folder: str, name: str):
    form = f'type: csv, delimiter: ";", {FORM}'
    others = {each: csv_text().replace("0007", "999") for each in ("k1.csv", "kx.csv", "landing.csv")}
    feeds = FEEDS.format(
        files=json.dumps(name if "=" in name else re.sub(r"[*?[]", r"[\g<0>]", name)), form=form
    )
    files = {**SALES, **others, name: csv_text()}
    assert rows_of(taken(workspace_of(tmp_path / folder, feeds, files))) == CUSTOMERS


def test_line_ends_within_the_fields_of_a_large_file_are_no_ends_of_records(tmp_path: Path):
    """DuckDB reads parts of it side by side, and says itself that it cannot read such a file so."""
    note = "leveret, kunden\nringer igen; se\n\nfaktura\n"
    header = "doc,day,qty,net,note\n"
    count = 120_000
    content = header + "".join(f'{n},2024-01-01,1,1,"{note * (n % 7)}"\n' for n in range(count))
    assert len(content) > 16 << 20
    feeds = FEEDS.format(files="k.csv", form=f'type: csv, delimiter: ";", {FORM}')
    workspace = workspace_of(
        tmp_path, feeds.replace("net_amount: net}", "net_amount: net, return_reason: note}")
    )
    write_files(workspace.landing, {"salg.csv": content, "k.csv": csv_text()})
    found = taken(workspace).rows(
        "select count(*), count(distinct document_no), sum(net_amount), "
        "count(*) filter (length(coalesce(return_reason, '')) >= 30 * (document_no::int % 7)) from raw.sales_lines"
    )
    assert found == [(count, count, count, count)]


@pytest.mark.parametrize("content", ["parquet", "json"])
def test_a_folder_like_a_partition_gives_no_column(tmp_path: Path, content: str):
    name = f"Nr=7/Dage=__HIVE_DEFAULT_PARTITION__/k[1].{content}"
    record = {"Nr": "0007", "Navn": "Ø", "Dage": 30, "Siden": "2024-02-29", "Intern": True}
    if content == "json":
        data = json.dumps([record]).encode()
    else:
        out = io.BytesIO()
        parquet.write_table(pa.Table.from_pylist([record]), out)
        data = out.getvalue()
    feeds = FEEDS.format(files="'Nr=7/**/*'", form=f"type: {content}")
    result = taken(workspace_of(tmp_path / "currency=EUR", feeds, {**SALES, name: data}))
    assert rows_of(result) == [("0007", "Ø", 30, date(2024, 2, 29), True)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize(("packed", "line_end"), [(False, "\n"), (True, "\r\n")], ids=["plain", "packed"])
def test_csv_in_every_encoding(tmp_path, encoding, packed, line_end):
    content = csv_text(line_end).encode(encoding)
    name = "kunder.csv.gz" if packed else "kunder.csv"
    content = gzip.compress(content) if packed else content
    result = customers(tmp_path, name, content, f'type: csv, delimiter: ";", encoding: {encoding}, {FORM}')
    assert rows_of(result) == CUSTOMERS


def test_csv_with_a_byte_order_mark_that_is_not_declared(tmp_path):
    content = csv_text().encode("utf-8-sig")
    assert rows_of(customers(tmp_path, "k.csv", content, f'type: csv, delimiter: ";", {FORM}')) == CUSTOMERS


def test_csv_without_header(tmp_path):
    content = csv_text().partition("\r\n")[2]
    form = (
        f'type: csv, delimiter: ";", header_row: 0, column_names: [Nr, Navn, Dage, Siden, Intern, x], {FORM}'
    )
    assert rows_of(customers(tmp_path, "k.csv", content, form)) == CUSTOMERS


@pytest.mark.parametrize(
    "titles", ["Kundeliste\r\n\r\n", "Kundeliste;2024;;;;\r\nUdskrevet;i dag\r\n", '"Kunde\r\nliste"\r\n\r\n']
)
def test_csv_with_title_rows(tmp_path, titles):
    form = f'type: csv, delimiter: ";", header_row: 3, {FORM}'
    assert rows_of(customers(tmp_path, "k.csv", titles + csv_text(), form)) == CUSTOMERS


def test_csv_without_quoting_keeps_quotes_as_text(tmp_path):
    form = f'type: csv, delimiter: "\\t", quote: "", {FORM}'
    content = 'Nr\tNavn\tDage\tSiden\tIntern\n1\t19" skærm\t\t\tJa\n'
    assert rows_of(customers(tmp_path, "k.csv", content, form)) == [("1", '19" skærm', None, None, True)]


def test_words_that_mean_nothing_elsewhere_stay_text(tmp_path):
    content = "Nr,Navn,Dage,Siden,Intern\nNA,NULL,,,true\nnan,None,,,false\n#N/A,n/a,,,0\n"
    assert [row[:2] for row in rows_of(customers(tmp_path, "k.csv", content, "type: csv"))] == [
        ("NA", "NULL"),
        ("nan", "None"),
        ("#N/A", "n/a"),
    ]


def test_blanks_of_every_kind_around_values_are_no_part_of_them(tmp_path):
    content = "Nr ,\u00a0Navn,Dage,Siden,Intern\n\u00a07 ,\tÅ\u202f, 30\u00a0, 2024-01-01 , true \n"
    row = ("7", "Å", 30, date(2024, 1, 1), True)
    assert rows_of(customers(tmp_path, "k.csv", content, "type: csv")) == [row]


def test_letters_in_two_forms_are_one(tmp_path):
    content = "Nr,Navn,Dage,Siden,Intern\nA\u030a1,A\u030abo,,,1\n"  # A with a ring above it, not Å
    assert rows_of(customers(tmp_path, "k.csv", content, "type: csv"))[0][:2] == ("Å1", "Åbo")


def test_record_numbers_of_csv_count_records_not_lines(tmp_path):
    content = 'Nr,Navn,Dage,Siden,Intern\n1,"to\nlinjer",,,1\n\n2,b,x,,1\n\n3,c,,,1\n'
    result = customers(tmp_path, "k.csv", content, "type: csv")
    assert result.values("select _source_record from raw.customers order by 1") == [1, 3]
    assert result.rejects[0][0] == 2


def test_rows_of_delimiters_alone_are_counted_as_empty(tmp_path):
    content = "Nr,Navn,Dage,Siden,Intern\n1,a,,,1\n,,,,\n , ,\u00a0,,\n2,b,,,1\n"
    result = customers(tmp_path, "k.csv", content, "type: csv")
    assert result.values("select _source_record from raw.customers order by 1") == [1, 4]
    left_out = result.rows("select source_record, reason from raw.left_out order by 1")
    assert left_out == [(2, "empty row"), (3, "empty row")]


# --- xlsx -----------------------------------------------------------------------------------------------
def workbook(fill: Callable[[xlsxwriter.Workbook, Any], None], sheets: tuple[str, ...] = ("Ark1",)) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        for sheet in [book.add_worksheet(name) for name in sheets]:
            fill(book, sheet)
    return out.getvalue()


HEADER_CELLS = ["Nr", "Navn", "Dage", "Siden", "Intern"]


def sheets_of(rows: dict[str, list[list[str]]], hidden: str = "") -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        for name, cells in rows.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(cells):
                sheet.write_row(number, 0, row)
            if name == hidden:
                sheet.hide()
            else:
                sheet.activate()
                sheet.set_first_sheet()
    return out.getvalue()


RECORDS = [HEADER_CELLS, ["1", "A", "", "", "true"]]


@pytest.mark.parametrize(
    ("rows", "hidden", "what"),
    [
        ({"Jan": RECORDS, "Feb": RECORDS}, "", "the sheets 'Jan' and 'Feb' all have the columns"),
        ({"Om": [["Noter"]], "Jan": RECORDS, "Feb": RECORDS}, "", "the sheets 'Jan' and 'Feb' all have"),
        ({"Gammel": RECORDS, "Ny": RECORDS}, "Gammel", "its first sheet, 'Gammel', is hidden"),
        ({"Gammel": [["Noter"]], "Ny": RECORDS}, "Gammel", "its first sheet, 'Gammel', is hidden"),
    ],
)
def test_a_workbook_of_which_nobody_says_which_sheet_is_read_is_refused(tmp_path, rows, hidden, what):
    files = {**SALES, "k.xlsx": sheets_of(rows, hidden)}
    feeds = FEEDS.format(files="k.xlsx", form="type: xlsx")
    (sentence,) = problems_of(workspace_of(tmp_path / "a", feeds, files))
    assert sentence.startswith(f"landing/k.xlsx: {what}")
    assert sentence.endswith(
        "and nothing says which sheet is read; name it as `sheet` in the format in feeds.yaml; a source reads "
        "one sheet."
    )
    named = FEEDS.format(files="k.xlsx", form=f"type: xlsx, sheet: {list(rows)[-1]}")
    assert taken(workspace_of(tmp_path / "b", named, files)).values(
        "select customer_id from raw.customers"
    ) == ["1"]


@pytest.mark.parametrize(
    ("rows", "hidden"),
    [
        ({"Jan": RECORDS, "Om": [["Noter"]]}, ""),
        ({"Jan": RECORDS, "Feb": [HEADER_CELLS]}, ""),
        ({"Jan": RECORDS, "Gammel": RECORDS}, "Gammel"),
    ],
)
def test_the_first_sheet_is_read_where_no_other_can_be_meant(tmp_path, rows, hidden):
    result = customers(tmp_path, "k.xlsx", sheets_of(rows, hidden), "type: xlsx")
    assert result.values("select customer_id from raw.customers") == ["1"]


def fill_customers(book: xlsxwriter.Workbook, sheet: Any, top: int = 0) -> None:
    day = book.add_format({"num_format": "dd-mm-yyyy"})
    sheet.write_row(top, 0, ["Nr", "Navn", "Dage", "Siden", "Intern"])
    for row, (number, name, days, since, internal) in enumerate(CUSTOMERS, start=top + 1):
        sheet.write_string(row, 0, number)
        sheet.write_row(row, 1, [name, days])
        if since:
            sheet.write_datetime(row, 3, datetime.combine(since, clock()), day)
        sheet.write_boolean(row, 4, internal)


def test_xlsx(tmp_path):
    result = customers(tmp_path, "k.xlsx", workbook(fill_customers), f"type: xlsx, {FORM}")
    assert rows_of(result) == CUSTOMERS


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([["1", "A", 8, "", 1, "x"]], 1),
        ([["1", "A", 8], [], ["2", "B", None, None, None, None, 7]], 3),
        ([["1", "A", 8], [None, None, None, None, None, 0]], 2),
    ],
    ids=["every row", "a later row", "beside an empty row"],
)
def test_a_workbook_without_header_has_no_more_columns_than_names(tmp_path, rows, place):
    form = f"type: xlsx, header_row: 0, column_names: [Nr, Navn, Dage, Siden, Intern], {FORM}"
    files = {**SALES, "k.xlsx": sheets_of({"Kunder": rows})}
    assert problems_of(workspace_of(tmp_path, FEEDS.format(files="k.xlsx", form=form), files)) == [
        f"landing/k.xlsx, record {place}: has a value beside the 5 columns that `column_names` names; name all "
        "columns of the sheet there in their order, or empty what stands beside them."
    ]


def test_xlsx_record_numbers_are_sheet_rows(tmp_path):
    def fill(book: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.write(0, 0, "Kundeliste")
        sheet.write_row(3, 0, ["Nr", "Navn", "Dage", "Siden", "Intern"])
        sheet.write_row(4, 0, ["a", "A"])
        sheet.write_row(6, 0, ["b", "B", "30"])
        sheet.write_row(7, 0, ["c", "C", "tredive"])
        sheet.write_row(9, 0, ["I alt", "", 60])

    feeds_form = f"type: xlsx, sheet: Kunder, header_row: 4, {FORM}"
    content = workbook(fill, ("Kunder",))
    feeds = (
        FEEDS.format(files="k.xlsx", form=feeds_form) + "    total_rows: {column: Nr, words: [i alt, Sum]}\n"
    )
    result = taken(workspace_of(tmp_path, feeds, {**SALES, "k.xlsx": content}))
    assert result.rows("select customer_id, _source_record from raw.customers order by 2") == [
        ("a", 5),
        ("b", 7),
    ]
    assert [reject[:3] for reject in result.rejects] == [(8, "Dage", "tredive")]
    left_out = result.rows("select source_record, reason from raw.left_out order by 1")
    assert left_out == [(6, "empty row"), (9, "empty row"), (10, "total row")]


def test_xlsx_numbers_are_what_the_sheet_shows(tmp_path):
    def fill(book: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.write_row(0, 0, ["Nr", "Navn", "Dage", "Siden", "Intern"])
        sheet.write_row(1, 0, [1001, 12.5, 30])
        sheet.write_row(2, 0, [999999999999999, 0.00001])
        sheet.write_row(3, 0, ["NA", 1e14])

    result = customers(tmp_path, "k.xlsx", workbook(fill), f"type: xlsx, {FORM}")
    assert [row[:3] for row in rows_of(result)] == [
        ("1001", "12,5", 30),
        ("999999999999999", "0,00001", None),
        ("NA", "100000000000000", None),
    ]


@pytest.mark.parametrize("cell", [1e15, 1234567890123456789])
def test_xlsx_ids_longer_than_excel_can_hold_are_refused(tmp_path, cell):
    def fill(book: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.write_row(0, 0, ["Nr", "Navn", "Dage", "Siden", "Intern"])
        sheet.write_row(1, 0, [cell, "x"])

    result = customers(tmp_path, "k.xlsx", workbook(fill), f"type: xlsx, {FORM}")
    assert "scientific notation" in result.rejects[0][3]


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?"])
def test_xlsx_error_values_are_rejected_not_empty(tmp_path, error):
    def fill(book: xlsxwriter.Workbook, sheet: Any) -> None:
        fill_customers(book, sheet)
        sheet.write_formula(2, 2, "=A1", None, error)

    result = customers(tmp_path, "k.xlsx", workbook(fill), f"type: xlsx, {FORM}")
    assert [reject[:3] for reject in result.rejects] == [(3, "Dage", error)]


def test_xlsx_formulas_give_their_value(tmp_path):
    def fill(book: xlsxwriter.Workbook, sheet: Any) -> None:
        fill_customers(book, sheet)
        sheet.write_formula(1, 2, "=10+20", None, 30)

    assert rows_of(customers(tmp_path, "k.xlsx", workbook(fill), f"type: xlsx, {FORM}")) == CUSTOMERS


# --- parquet --------------------------------------------------------------------------------------------
def test_parquet_types_are_read_by_the_conventions_of_the_feed(tmp_path):
    path = tmp_path / "k.parquet"
    columns = {
        "Nr": pa.array([row[0] for row in CUSTOMERS]),
        "Navn": pa.array([row[1] for row in CUSTOMERS]).dictionary_encode(),
        "Dage": pa.array([row[2] for row in CUSTOMERS], pa.float64()),
        "Siden": pa.array([row[3] for row in CUSTOMERS]).cast(pa.timestamp("us")),
        "Intern": pa.array([row[4] for row in CUSTOMERS]),
    }
    parquet.write_table(pa.table(columns), path)
    result = customers(tmp_path / "w", "k.parquet", path.read_bytes(), f"type: parquet, {FORM}")
    assert rows_of(result) == CUSTOMERS


MONEY_FEEDS = """
sales_lines:
  - files: salg.*
    format: {{{form}}}
    columns: {{document_no: doc, posting_date: day, quantity: qty, net_amount: net, discount_amount: disc}}
    values: {{document_type: invoice}}
"""


@pytest.mark.parametrize("decimal", [".", ","])
def test_parquet_decimals_stay_exact_and_float_noise_is_rejected(tmp_path, decimal):
    path = tmp_path / "salg.parquet"
    duckdb.connect().sql(
        "select i::varchar as doc, date '2024-01-01' as day, 1::bigint as qty, 0::decimal(9,2) as disc, "
        "case i when 1 then 12345678901234.5678::decimal(18,4) end as net from range(1, 2) t(i)"
    ).write_parquet(str(path))
    feeds = MONEY_FEEDS.format(form=f'type: parquet, decimal: "{decimal}"')
    result = taken(workspace_of(tmp_path / "w", feeds, {"salg.parquet": path.read_bytes()}))
    assert result.values("select net_amount from raw.sales_lines") == [Decimal("12345678901234.5678")]

    duckdb.connect().sql(
        "select '1' as doc, date '2024-01-01' as day, 1 as qty, 0 as disc, 0.1::double + 0.2::double as net"
    ).write_parquet(str(path))
    result = taken(workspace_of(tmp_path / "v", feeds, {"salg.parquet": path.read_bytes()}))
    assert [reject[1] for reject in result.rejects] == ["net"]


# --- json -----------------------------------------------------------------------------------------------
JSON_CUSTOMERS = [
    {"Nr": "0007", "Navn": "Ærø Øl & Åbrød A/S", "Dage": 30, "Siden": "29-02-2024", "Intern": True},
    {"Nr": 8, "Navn": 'Müller; "Søn"', "Dage": None, "Intern": False},
]


@pytest.mark.parametrize(
    ("shape", "encoding", "packed", "ascii_only"),
    [
        ("array", "utf-8", False, False),
        ("array", "utf-8", False, True),
        ("array", "utf-8", True, False),
        ("array", "utf-8-sig", False, False),
        ("array", "cp1252", False, False),
        ("lines", "utf-16", False, False),
        ("lines", "utf-8-sig", True, False),
        ("pretty", "utf-8", False, False),
        ("pretty", "cp1252", True, False),
        ("records", "utf-8", False, False),
        ("records", "utf-16", False, True),
    ],
)
def test_json_in_every_shape(tmp_path, shape, encoding, packed, ascii_only):
    def dumped(value: Any, indent: int | None = None) -> str:
        return json.dumps(value, ensure_ascii=ascii_only, indent=indent)

    text = {
        "array": dumped(JSON_CUSTOMERS),
        "lines": "\r\n".join(map(dumped, JSON_CUSTOMERS)) + "\n\n",
        "pretty": dumped(JSON_CUSTOMERS, indent=2),
        "records": dumped({"page": 1, "data": {"list": JSON_CUSTOMERS}}),
    }[shape]
    content = gzip.compress(text.encode(encoding)) if packed else text.encode(encoding)
    name = "k.json.gz" if packed else "k.json"
    form = f"type: json, encoding: {encoding}, {FORM}"
    feeds = FEEDS.format(files=name, form=form)
    if shape == "records":
        feeds = feeds.replace("type: json", "type: json, records: data.list")
        for column in ("Nr", "Navn", "Dage", "Siden", "Intern"):
            feeds = feeds.replace(f": {column}", f": data.list.{column}")
    assert rows_of(taken(workspace_of(tmp_path, feeds, {**SALES, name: content}))) == CUSTOMERS


NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,20})?", fullmatch=True)


@settings(max_examples=25, deadline=None)
@given(numbers=st.lists(NUMBERS, min_size=1, max_size=8), decimal=st.sampled_from([".", ","]))
def test_json_numbers_keep_their_digits(tmp_path_factory, numbers, decimal):
    folder = tmp_path_factory.mktemp("json")
    path = folder / "n.json"
    path.write_text("[" + ", ".join(f'{{"n": {number}, "t": "a {number}"}}' for number in numbers) + "]")
    with duckdb.connect() as con:
        form = Format(type="json", decimal=decimal)
        records = read_records(con, path, "n.json", form, ["n", "t"], folder / "out.parquet")
        read = con.execute(f"select n, t from ({records.relation})").fetchall()
    wholes = [re.sub(r"\.0+$", "", number) for number in numbers]
    assert read == [
        (whole.replace(".", decimal), f"a {number}") for whole, number in zip(wholes, numbers, strict=True)
    ]


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize(
    ("number", "text"),
    [("1.0", "1"), ("1001.00", "1001"), ("0.0", "0"), ("10.50", "10.50"), ("-20.0", "-20")],
)
def test_json_numbers_that_are_whole_have_no_decimals(tmp_path, number, text, decimal):
    path = tmp_path / "n.json"
    path.write_text(f'{{"n": {number}, "t": "{number}"}}')
    with duckdb.connect() as con:
        form = Format(type="json", decimal=decimal)
        records = read_records(con, path, "n.json", form, ["n", "t"], tmp_path / "out.parquet")
        read = con.execute(f"select n, t from ({records.relation})").fetchall()
    assert read == [(text.replace(".", decimal), number)]


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pa.array([1001.0, None, 1.5]), ["1001", None, "1.5"]),
        (pa.array([1.0, 20.0], pa.float32()), ["1", "20"]),
        (pa.array([Decimal("7.00"), Decimal("7.10")]), ["7", "7.10"]),
    ],
    ids=["double", "float", "decimal"],
)
def test_parquet_numbers_that_are_whole_have_no_decimals(tmp_path, values, texts, decimal):
    path = tmp_path / "n.parquet"
    parquet.write_table(pa.table({"n": values}), path)
    with duckdb.connect() as con:
        form = Format(type="parquet", decimal=decimal)
        records = read_records(con, path, path.name, form, ["n"], tmp_path / "out.parquet")
        read = [text for (text,) in con.execute(f"select n from ({records.relation})").fetchall()]
    assert read == [text and text.replace(".", decimal) for text in texts]


def test_json_header_fields_stand_beside_line_fields(tmp_path):
    invoices = {
        "collection": [
            {
                "no": 1,
                "date": "2024-01-05",
                "lines": [{"q": 1, "p": {"net": 10.10}}, {"q": 2, "p": {"net": 20}}],
            },
            {"no": 2, "date": "2024-01-06", "lines": {"q": 3, "p": {"net": 30}}},
            {"no": 3, "date": "2024-01-07", "lines": []},
        ]
    }
    feeds = """
    sales_lines:
      - files: f.json
        format: {type: json, records: collection.lines}
        columns:
          document_no: collection.no
          posting_date: collection.date
          quantity: collection.lines.q
          net_amount: collection.lines.p.net
        values: {document_type: invoice, discount_amount: "0"}
    """
    result = taken(workspace_of(tmp_path, feeds, {"f.json": json.dumps(invoices)}))
    assert result.rejects == []
    rows = result.rows(
        "select document_no, quantity::int, net_amount, _source_record from raw.sales_lines order by 4"
    )
    assert rows == [("1", 1, Decimal("10.1"), 1), ("1", 2, Decimal(20), 2), ("2", 3, Decimal(30), 3)]


def test_json_exponents_are_rejected_not_guessed(tmp_path):
    content = (
        '[{"Nr": 1.5e20, "Navn": "a", "Intern": true}, {"Nr": 2, "Navn": "b", "Dage": 3e1, "Intern": true}]'
    )
    result = customers(tmp_path, "k.json", content, f"type: json, {FORM}")
    assert [reject[:3] for reject in result.rejects] == [(1, "Nr", "1,5e20"), (2, "Dage", "3e1")]


def test_json_page_without_records_is_no_fault(tmp_path):
    feeds = FEEDS.format(files="k.json", form="type: json, records: data")
    assert problems_of(workspace_of(tmp_path, feeds, {**SALES, "k.json": '{"data": []}'})) == []
