"""What is wrong with a file is said in one plain sentence that names file, record and column.

That nothing is lost meanwhile belongs in test_ingest_records.
"""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from xml.etree.ElementTree import ParseError

import duckdb
import pyarrow as pa
import pytest
import xlsxwriter
from pyarrow import parquet
from small_intake import problems_of, taken, workspace_of, write_files

from kunderegnskab.ingest import landing
from kunderegnskab.ingest.fingerprints import KnownFiles
from kunderegnskab.ingest.readers import read_records
from kunderegnskab.ingest.rejects import reject_problems
from kunderegnskab.problems import InputProblems, refusal_of
from kunderegnskab.workspace import Format

FORM = 'type: csv, delimiter: ";", decimal: ",", thousands: ".", date: "%d-%m-%Y"'
FEEDS = """
sales_lines:
  - files: {files}
    format: {{{form}}}
    columns:
      document_no: Bilag
      line_no: Linje
      document_type: Type
      posting_date: Dato
      customer_id: Kunde
      quantity: Antal
      net_amount: Beløb
    values: {{discount_amount: "0"}}
"""
HEADER = "Bilag;Linje;Type;Dato;Kunde;Antal;Beløb"
GOOD = "1;1;invoice;28-02-2024;K1;2;1.234,50"
ACTION = "correct it in the source and deliver the file again, or allow it with allow_rejects in feeds.yaml."


def reject_sentences(root: Path, *rows: str, form: str = FORM) -> list[str]:
    feeds = FEEDS.format(files="salg.csv", form=form)
    result = taken(workspace_of(root, feeds, {"salg.csv": "\n".join([HEADER, GOOD, *rows, ""])}))
    # What is rejected leaves no trace in the feed.
    assert result.values("select net_amount from raw.sales_lines") == [Decimal("1234.5")]
    return [problem.sentence() for problem in reject_problems(result.con, limit=10)]


@pytest.mark.parametrize(
    ("row", "where_and_what"),
    [
        (
            "2;1;invoice;28-02-2024;K1;2;12x4,50",
            "column Beløb: '12x4,50' is not a number with at most 4 decimals written like 1.234,56",
        ),
        (
            "2;1;invoice;28-02-2024;K1;2;1234.50",
            "column Beløb: '1234.50' is not a number with at most 4 decimals written like 1.234,56",
        ),
        (
            "2;1;invoice;28-02-2024;K1;2;1,23456",
            "column Beløb: '1,23456' is not a number with at most 4 decimals written like 1.234,56",
        ),
        (
            "2;1;invoice;02-28-2024;K1;2;1,00",
            "column Dato: '02-28-2024' is not a date of the form %d-%m-%Y",
        ),
        ("2;1;invoice;31-02-2024;K1;2;1,00", "column Dato: '31-02-2024' is not a date of the form %d-%m-%Y"),
        ("2;1;invoice;;K1;2;1,00", "column Dato: a value is required here but the field is empty"),
        ("2;1;faktura;28-02-2024;K1;2;1,00", "column Type: 'faktura' is not one of invoice, credit_note"),
        (
            "2;1;invoice;28-02-2024;5,70123E+12;2;1,00",
            "column Kunde: '5,70123E+12' is a number in scientific notation, expected the id as text with "
            "all "
            "its digits",
        ),
        (
            "2;1;invoice;28-02-2024;K1;2;",
            "column net_amount: two of list_amount, discount_amount and net_amount are needed, the third "
            "follows from them",
        ),
    ],
)
def test_a_bad_record_is_named(tmp_path, row, where_and_what):
    assert reject_sentences(tmp_path, row) == [f"landing/salg.csv, record 2, {where_and_what}; {ACTION}"]


@pytest.mark.parametrize(
    ("row", "what"),
    [(GOOD, "with the same values"), ("1;1;invoice;28-02-2024;K2;2;1,00", "but differs in customer_id, list_amount, net_amount")],
)  # fmt: skip
def test_a_repeated_key_says_what_differs_and_how_it_can_be_made_unique(tmp_path, row, what):
    assert reject_sentences(tmp_path, row) == [
        "landing/salg.csv, record 2, column document_no, line_no: 'document_no = 1, line_no = 1' repeats the key of "
        f"landing/salg.csv, record 1, {what}; deliver each record once; where both are records of their own, "
        "make the key unique with an expression in feeds.yaml, such as document_no: Type || '-' || No, or "
        "allow it with allow_rejects in feeds.yaml."
    ]


def test_article_numbers_that_look_like_exponents_are_ids(tmp_path):
    feeds = FEEDS.format(files="salg.csv", form=FORM)
    row = GOOD.replace("K1", "12E3")
    result = taken(workspace_of(tmp_path, feeds, {"salg.csv": f"{HEADER}\n{row}\n"}))
    assert result.values("select customer_id from raw.sales_lines") == ["12E3"]


def test_rejects_come_by_file_and_record_and_can_be_limited(tmp_path):
    faults = ["31-02-2024;K1;2;1,00", "28-02-2024;5,7E+12;2;1,00", "28-02-2024;K1;?;1,00", ";K1;2;1,00"] * 4
    rows = [f"{n};1;invoice;{fault}" for n, fault in enumerate(faults, start=2)]
    sentences = reject_sentences(tmp_path, *rows)
    assert [sentence.split("first ")[1].split(":")[0] for sentence in sentences] == [
        "2, 6, 10", "3, 7, 11", "4, 8, 12", "5, 9, 13"
    ]  # fmt: skip


def test_long_text_is_cut_in_a_sentence(tmp_path):
    (sentence,) = reject_sentences(tmp_path, f"2;1;invoice;28-02-2024;K1;2;{'x' * 5000}")
    assert len(sentence) < 400


def test_rejects_of_one_feed(tmp_path):
    feeds = FEEDS.format(files="salg.csv", form=FORM)
    bad = "2;1;invoice;28-02-2024;K1;2;?"
    result = taken(workspace_of(tmp_path, feeds, {"salg.csv": f"{HEADER}\n{bad}\n"}))
    assert len(reject_problems(result.con, limit=5, feed="sales_lines")) == 1
    assert reject_problems(result.con, limit=5, feed="customers") == []


# --- whole files ----------------------------------------------------------------------------------------
def refusals(root: Path, name: str, content: bytes, form: str = FORM) -> list[str]:
    sentences = problems_of(workspace_of(root, FEEDS.format(files=name, form=form), {name: content}))
    assert not [sentence for sentence in sentences if str(root) in sentence]  # no path of this machine
    return sentences


def table(*rows: str) -> str:
    return "\n".join([HEADER, *rows, ""])


BYTES = table(GOOD).encode()
PACKED = gzip.compress(table(*[GOOD] * 5000).encode())
DELIVER = "deliver the file again"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "landing/salg.csv: is empty (0 bytes); deliver the file again, or remove it."),
        (
            table(GOOD).replace("Beløb", "Belob").encode(),
            "landing/salg.csv, column Beløb: the column is missing, the file has Bilag, Linje, Type, Dato, "
            "Kunde, "
            "Antal, Belob; deliver the file with that column, or correct its name in feeds.yaml.",
        ),
        (
            table(GOOD).replace("Beløb", "Beløb;beløb").encode(),
            "landing/salg.csv, column Beløb: the header has this column 2 times; give each column its own "
            "name in "
            "the file.",
        ),
        (
            table(GOOD).encode("cp1252"),
            "landing/salg.csv: line 1 is not utf-8 text as declared; correct `encoding` in feeds.yaml, or "
            "export "
            "the file again.",
        ),
        (
            table(GOOD).encode() + "2;1;invoice;28-02-2024;Ærø;2;1,00\n".encode("cp1252"),
            "landing/salg.csv: line 3 is not utf-8 text as declared; correct `encoding` in feeds.yaml, or "
            "export "
            "the file again.",
        ),
        (
            table(*[GOOD] * 3000).encode() + b"2;1;invoice;28-02-2024;\xc6r\xf8;2;1,00\n",
            "landing/salg.csv: line 3002 is not utf-8 text as declared; correct `encoding` in feeds.yaml, "
            "or export "
            "the file again.",
        ),
        (
            table(GOOD, "2;1;invoice;28-02-2024;K1;2").encode(),
            "landing/salg.csv: line 3 has 6 fields, the header has 7; correct that line (an unquoted "
            "delimiter or a "
            "file that was cut off), or `delimiter` in feeds.yaml.",
        ),
        (
            table(GOOD, "2;1;invoice;28-02-2024;K1;2;1,00;mere").encode(),
            "landing/salg.csv: line 3 has 8 fields, the header has 7; correct that line (an unquoted "
            "delimiter or a "
            "file that was cut off), or `delimiter` in feeds.yaml.",
        ),
        (
            table(GOOD, '2;1;invoice;28-02-2024;"K1;2;1,00').encode(),
            "landing/salg.csv: line 3 opens a quote that is never closed; correct that line, or `quote` in "
            "feeds.yaml.",
        ),
        (
            table(GOOD).encode() + b"2;1;invoice;28-02-2024;K1;2;1,00\r\n" + GOOD.encode() + b"\n",
            "landing/salg.csv: cannot be read as csv, its lines do not all end in the same way or a quote "
            "stands in "
            "the wrong place; export the file again with one kind of line end.",
        ),
    ],
    ids=[
        "empty",
        "column",
        "column twice",
        "encoding of header",
        "of a line",
        "of a late line",
        "short",
        "long",
        "quote",
        "ends",
    ],
)
def test_a_csv_that_is_not_as_declared_is_refused(tmp_path, content, sentence):
    assert refusals(tmp_path, "salg.csv", content) == [sentence]


def test_utf8_that_is_declared_as_cp1252_is_seen(tmp_path):
    content = table(GOOD.replace("K1", "Ærø")).replace("Beløb", "Belob").encode()
    form = f"{FORM}, encoding: cp1252"
    feeds = FEEDS.format(files="salg.csv", form=form).replace("Beløb", "Belob")
    assert problems_of(workspace_of(tmp_path, feeds, {"salg.csv": content})) == [
        "landing/salg.csv, record 1, column Kunde: 'Ã†rÃ¸' shows that the text is not cp1252 as declared; "
        "correct "
        "`encoding` in feeds.yaml, or export the file again."
    ]


@pytest.mark.parametrize(
    "text", ["Årø", "Ødis", "é", "ü", "5 £", "½ kg", "10 °C", "a – b", "“x”", "€ 5", "x\u00a0y"]
)
def test_utf8_signs_read_as_cp1252_are_seen(tmp_path, text):
    content = table(GOOD.replace("K1", text)).replace("Beløb", "Belob").encode()
    feeds = FEEDS.format(files="salg.csv", form=f"{FORM}, encoding: cp1252").replace("Beløb", "Belob")
    (sentence,) = problems_of(workspace_of(tmp_path, feeds, {"salg.csv": content}))
    assert "not cp1252" in sentence


# More than DuckDB reads at once.
ENDLESS = 33_000_000
LONG_LINE = (
    "is longer than 2 MB, which no record is; correct it (a line end is missing, or a quote is not closed), or export "
    "the file again."
)


@pytest.mark.parametrize("length", [2_500_000, 5_000_000, ENDLESS], ids=["2.5 MB", "5 MB", "33 MB"])
@pytest.mark.parametrize("after", ["", "\n", f"\n{GOOD}\n"], ids=["end", "line end", "record"])
def test_a_line_that_is_too_long_is_refused_wherever_it_stands(tmp_path, length, after):
    content = f"{HEADER}\n{GOOD}\n2;1;invoice;28-02-2024;{'K' * length};2;1,00{after}"
    assert refusals(tmp_path, "salg.csv", content.encode()) == [f"landing/salg.csv: line 3 {LONG_LINE}"]


@pytest.mark.parametrize(
    ("message", "is_long"),
    [
        ("The Parallel CSV Reader currently does not support a full read on this file.", True),
        ("Unknown TimeZone 'localtime'!", False),
    ],
)
def test_only_the_reader_of_csv_files_finds_lines_too_long(tmp_path, message, is_long):
    write_files(tmp_path, {"salg.csv": f"{HEADER}\n{GOOD}\n"})
    form, target = Format(type="csv", delimiter=";"), tmp_path / "records.parquet"
    with duckdb.connect() as con:
        records = read_records(con, tmp_path / "salg.csv", "salg.csv", form, ["Antal"], target)
    problem = records.problem(duckdb.NotImplementedException(f"Not implemented Error: {message}"))
    assert (problem is not None) is is_long


ENDLESS_FILES: dict[str, tuple[str, Callable[[], bytes], str, str]] = {
    "the only record": ("salg.csv", lambda: f"{HEADER}\n{'K' * ENDLESS}".encode(), FORM, "line 2"),
    "no line end at all": ("salg.csv", lambda: (HEADER + "K" * ENDLESS).encode(), FORM, "line 1"),
    "packed": (
        "salg.csv.gz",
        lambda: gzip.compress(f"{HEADER}\n{GOOD}\n{'K' * ENDLESS}\n".encode(), 1),
        FORM,
        "line 3",
    ),
    "utf-16": (
        "salg.csv",
        lambda: f"{HEADER}\r\n{GOOD}\r\n{'K' * ENDLESS}".encode("utf-16"),
        FORM + ", encoding: utf-16",
        "line 3",
    ),
    "old line ends": ("salg.csv", lambda: f"{HEADER}\r{GOOD}\r{'K' * ENDLESS}\r".encode(), FORM, "line 3"),
    "without quotes": ("salg.csv", lambda: f"{HEADER}\n{GOOD}\n{'K' * ENDLESS}".encode(), FORM + ', quote: ""', "line 3"),
    "in quotes": ("salg.csv", lambda: f'{HEADER}\n{GOOD}\n"{"K" * ENDLESS}"'.encode(), FORM, "line 3"),
    "zeros of a disk that was full": (
        "salg.csv",
        lambda: f"{HEADER}\n{GOOD}\n".encode() + bytes(ENDLESS),
        FORM,
        "line 3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", list(ENDLESS_FILES))
def test_a_last_line_without_end_is_not_lost(tmp_path, case):
    name, content, form, line = ENDLESS_FILES[case]
    assert refusals(tmp_path, name, content(), form) == [f"landing/{name}: {line} {LONG_LINE}"]


def test_a_record_of_many_lines_in_quotes_is_refused_when_it_is_too_long(tmp_path):
    content = f'{HEADER}\n{GOOD}\n2;1;invoice;28-02-2024;"{"K" * 99}' + "K\n" * (ENDLESS // 2) + '";2;1,00\n'
    (sentence,) = refusals(tmp_path, "salg.csv", content.encode())
    assert sentence.startswith("landing/salg.csv: line 3 ")


def test_a_record_behind_millions_of_empty_lines_is_read_or_the_file_refused(tmp_path):
    content = f"{HEADER}\n{GOOD}\n" + "\n" * 40_000_000 + GOOD.replace("1;1", "2;1", 1) + "\n"
    workspace = workspace_of(tmp_path, FEEDS.format(files="salg.csv", form=FORM), {"salg.csv": content})
    sentences = problems_of(workspace)
    if sentences:
        assert [sentence.endswith(LONG_LINE) for sentence in sentences] == [True]
    else:
        assert taken(workspace).values("select count(*) from raw.sales_lines") == [2]


def test_a_last_record_of_a_json_file_may_be_long(tmp_path):
    lines = [
        json.dumps(dict(zip(HEADER.split(";"), row.split(";"), strict=True)))
        for row in (GOOD, f"2;1;invoice;28-02-2024;{'K' * 5_000_000};2;1,00")
    ]
    feeds = FEEDS.format(files="salg.json", form=FORM.replace('csv, delimiter: ";"', "json"))
    result = taken(workspace_of(tmp_path, feeds, {"salg.json": "\n".join(lines)}))
    assert result.values("select strlen(customer_id) from raw.sales_lines order by 1") == [2, 5_000_000]


def test_a_missing_header_row_is_named(tmp_path):
    (sentence,) = refusals(tmp_path, "salg.csv", BYTES, f"{FORM}, header_row: 9")
    assert sentence.startswith("landing/salg.csv: has no header in row 9; ")


@pytest.mark.parametrize(
    "content",
    [
        PACKED[: len(PACKED) // 2],
        PACKED[:15],
        PACKED[:-4],
        b"not packed",
        PACKED[:40] + b"\0\0\0" + PACKED[43:],
    ],
    ids=["half", "start", "no length", "not packed", "damaged"],
)
def test_a_damaged_gz_is_refused(tmp_path, content):
    assert refusals(tmp_path, "salg.csv.gz", content) == [
        "landing/salg.csv.gz: cannot be unpacked, it is damaged or cut off; deliver the file again."
    ]


def parquet_bytes(folder: Path) -> bytes:
    path = folder / "salg.parquet"
    duckdb.connect().sql(
        "select i::varchar as Bilag, '1' as Linje, 'invoice' as Type, '28-02-2024' as Dato, 'K1' as Kunde, "
        "1 as Antal, hash(i) as Beløb from range(10000) t(i)"
    ).write_parquet(str(path))
    return path.read_bytes()


@pytest.mark.parametrize("names", [["NET", "net"], ["net", "Net"], ["net", "net"], ["net", "x", "NET"]])
def test_a_parquet_with_a_column_twice_is_refused(tmp_path, names):
    path = tmp_path / "t.parquet"
    columns = ["Bilag", "Linje", "Type", "Dato", "Kunde", "Antal", *names]
    row = ["1", "1", "invoice", "2024-02-28", "K1", "2", *(str(100 + n) for n in range(len(names)))]
    parquet.write_table(pa.table([pa.array([cell]) for cell in row], columns), path)
    feeds = FEEDS.format(files="salg.parquet", form="type: parquet").replace("Beløb", "net")
    assert problems_of(workspace_of(tmp_path / "w", feeds, {"salg.parquet": path.read_bytes()})) == [
        "landing/salg.parquet, column net: the header has this column 2 times; give each column its own name "
        "in the file."
    ]


def test_a_column_twice_of_which_nothing_is_read_is_no_fault_in_a_parquet(tmp_path):
    path = tmp_path / "t.parquet"
    columns = ["x", "X", "Bilag", "Linje", "Type", "Dato", "Kunde", "Antal", "Beløb", "x_1"]
    row = ["7", "8", "1", "1", "invoice", "2024-02-28", "K1", "2", "9.50", "6"]
    parquet.write_table(pa.table([pa.array([cell]) for cell in row], columns), path)
    feeds = FEEDS.format(files="salg.parquet", form="type: parquet")
    result = taken(workspace_of(tmp_path / "w", feeds, {"salg.parquet": path.read_bytes()}))
    assert result.values("select net_amount from raw.sales_lines") == [Decimal("9.5")]


@pytest.mark.parametrize("damage", ["half", "middle", "text"])
def test_a_damaged_parquet_is_refused(tmp_path, damage):
    content = parquet_bytes(tmp_path)
    middle = len(content) // 2
    content = {
        "half": content[:middle],
        "middle": content[:100] + b"\xff" * 5000 + content[5100:],
        "text": b"Bilag;Linje\n1;1\n",
    }[damage]
    assert refusals(tmp_path / "w", "salg.parquet", content, 'type: parquet, date: "%d-%m-%Y"') == [
        "landing/salg.parquet: is not a readable Parquet file, it is damaged or cut off; deliver the file "
        "again."
    ]


@pytest.mark.parametrize(
    ("file", "called", "error"),
    [
        ("salg.xlsx", "openpyxl.reader.excel.ExcelReader.read", MemoryError()),
        (
            "salg.xlsx",
            "openpyxl.reader.excel.ExcelReader.read",
            ParseError("out of memory: line 1, column 0"),
        ),
        ("salg.xlsx", "openpyxl.reader.excel.ExcelReader.read", OSError(28, "No space left on device")),
        ("salg.parquet", "pyarrow.parquet.read_schema", pa.ArrowMemoryError("malloc of size 64 failed")),
        ("salg.parquet", "pyarrow.parquet.read_schema", PermissionError(13, "Permission denied")),
    ],
)
def test_what_the_system_does_not_give_is_no_fault_of_the_file(
    tmp_path, monkeypatch, file: str, called: str, error: Exception
):
    def refuse(*_: object, **__: object) -> None:
        raise error

    form = file.partition(".")[2]
    content = parquet_bytes(tmp_path)
    if form == "xlsx":
        book = io.BytesIO()
        xlsxwriter.Workbook(book).close()
        content = book.getvalue()
    feeds = FEEDS.format(files=file, form=f"type: {form}")
    workspace = workspace_of(tmp_path / "w", feeds, {file: content})
    monkeypatch.setattr(called, refuse)
    with pytest.raises(type(error)) as raised:
        taken(workspace)
    assert raised.value is error
    assert refusal_of(raised.value)


@pytest.mark.parametrize(
    "content",
    [
        '[{"Bilag": 1},',
        '[{"Bilag": 1}',
        '[{"Bilag": 1',
        '{"Bilag": 1}\n{"Bila',
        "{}}",
        '[{"Bilag": NaN}]',
        '[{"Bilag": -Infinity}]',
        "<html>",
        "Bilag;Linje",
        "[" * 100_000,
        '[{"Bilag": "\\ud800"}]',
    ],
)
def test_broken_json_is_refused(tmp_path, content):
    (sentence,) = refusals(tmp_path, "salg.json", content.encode(), "type: json")
    assert sentence.startswith("landing/salg.json: is not valid JSON (")


@pytest.mark.parametrize(
    ("value", "why"),
    [("NaN", "NaN is no JSON value"), (r'"\u00015"', r"a text has the character \u0001")],
)
def test_json_that_would_give_other_values_is_refused_in_plain_words(tmp_path, value, why):
    content = f'[{{"Bilag": "1", "Beløb": {value}}}]'
    assert refusals(tmp_path, "salg.json", content.encode(), "type: json") == [
        f"landing/salg.json: is not valid JSON ({why}); deliver the file again, it may be cut off."
    ]


def test_json_without_the_declared_records_is_refused(tmp_path):
    content = b'{"data": [{"Bilag": 1}]}'
    assert refusals(tmp_path, "salg.json", content, "type: json, records: collection") == [
        "landing/salg.json: has no collection, where its records are declared to be; correct `records` in "
        "feeds.yaml, or deliver the file again."
    ]


TWICE = "stands more than once in one object, so its value is unknown"
JSON_ROW = dict(zip(HEADER.split(";"), ["1", "1", "invoice", "2024-02-28", "K1", 2, 1], strict=True))


def json_rejects(root: Path, content: str, form: str = "type: json") -> tuple[list[object], list[str]]:
    """The documents that are loaded, and what is said of those that are rejected."""
    feeds = FEEDS.format(files="salg.json", form=form)
    result = taken(workspace_of(root, feeds, {"salg.json": content}))
    said = [f"{record} {column}: {reason}" for record, column, _, reason in result.rejects]
    return result.values("select document_no from raw.sales_lines order by _source_record"), said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"Beløb": 1', '"Beløb": 100, "Beløb": 200'),
        ('"Beløb": 1', '"Beløb": 1, "Beløb": 1'),
        ('"Beløb": 1', '"Bel\\u00f8b": 7, "x": {}, "Beløb": null'),
    ],
)
def test_a_json_record_with_a_key_twice_is_rejected(tmp_path, old, new):
    good = json.dumps(JSON_ROW, ensure_ascii=False)
    assert old in good
    assert json_rejects(tmp_path, f"[{good}, {good.replace(old, new)}]") == (["1"], [f"2 Beløb: {TWICE}"])


@pytest.mark.parametrize(
    "document",
    [
        '{"no": "7", "lines": [{"p": {"q": 1}}], "lines": [{"p": {"q": 2}}]}',
        '{"no": "7", "lines": [{"p": {"q": 1}, "p": {"q": 2}}]}',
        '{"no": "7", "lines": [{"p": {"q": 1, "q": 2}}]}',
        '{"no": "7", "no": "8", "lines": [{"p": {"q": 1}}]}',
    ],
)
def test_a_json_key_twice_on_the_way_to_a_value_is_rejected(tmp_path, document):
    form, columns = "{type: json, records: lines}", "{customer_id: no, customer_name: lines.p.q}"
    feeds = f"customers:\n  - files: k.json\n    format: {form}\n    columns: {columns}\n"
    sales = "document_no,line_no,document_type,posting_date,customer_id,quantity,net_amount,discount_amount\n"
    files = {"k.json": document, "sales_lines.csv": f"{sales}1,1,invoice,2024-01-01,7,1,1,0\n"}
    result = taken(workspace_of(tmp_path, feeds, files))
    assert [reason for *_, reason in result.rejects] == [TWICE]


def test_a_json_key_twice_that_is_not_read_is_no_fault(tmp_path):
    content = json.dumps(JSON_ROW).replace('{"Bilag"', '{"x": 1, "x": 2, "Bilag"')
    assert json_rejects(tmp_path, content) == (["1"], [])


OTHER_CASE = "is written in other small and capital letters: name it alike in all records"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"Kunde"', '"KUNDE"', f"2 Kunde: {OTHER_CASE}"),
        ('"Beløb"', '"BELØB"', f"2 Beløb: {OTHER_CASE}"),
        ('"Kunde"', '"kunde": "K2", "Kunde"', f"2 Kunde: {TWICE}"),
    ],
)
def test_a_json_key_in_other_letters_is_not_passed_over(tmp_path, old, new, said):
    good = json.dumps(JSON_ROW, ensure_ascii=False)
    assert json_rejects(tmp_path, f"[{good}, {good.replace(old, new)}]") == (["1"], [said])


NO_OBJECT = "is sought in a record that is no object: correct `records`, or deliver objects"


@pytest.mark.parametrize("record", ["[ROW]", "5", '"x"', "null", "true", "[]", "[[]]"])
@pytest.mark.parametrize("form", ["type: json", "type: json, records: lines"])
def test_a_json_record_that_is_no_object_is_said_to_be_none(tmp_path, form, record):
    row = json.dumps(JSON_ROW, ensure_ascii=False)
    records = f"[{row}, {record.replace('ROW', row)}]"
    if "records" in form:
        feeds = FEEDS.format(files="salg.json", form=form)
        for column in HEADER.split(";"):
            feeds = feeds.replace(f": {column}", f": lines.{column}")
        result = taken(workspace_of(tmp_path, feeds, {"salg.json": f'{{"lines": {records}}}'}))
        said = [f"{number}: {reason}" for number, _, _, reason in result.rejects]
    else:
        said = [each.replace(" Bilag", "") for each in json_rejects(tmp_path, records)[1]]
    assert said == [f"2: {NO_OBJECT}"]


MISSING = "has no lines, where its records are declared to be"
SEVERAL = (
    "is sought in one object that has none of the mapped columns, where `records` declares an array: correct "
    "`records`, or deliver an array"
)


@pytest.mark.parametrize(
    ("second", "said", "left_out"),
    [
        ('"line": [{"q": 1}]', [f"2 Bilag: {MISSING}"], []),
        ('"lines": null', [f"2 Bilag: {MISSING}"], []),
        ('"Lines": {"q": 1}', [f"2 Bilag: {MISSING}"], []),
        ('"lines": []', [], ["document without lines"]),
        ('"lines": [ ]', [], ["document without lines"]),
        ('"lines": {"a": {"q": 1}, "b": {"q": 2}}', [f"2 Bilag: {SEVERAL}"], []),
        ('"lines": {"a": 1}', [f"2 Bilag: {SEVERAL}"], []),
    ],
)
def test_a_json_document_without_records_is_named(tmp_path, second, said, left_out):
    form = "type: json, records: lines"
    head = json.dumps(JSON_ROW, ensure_ascii=False).removesuffix("}").replace(', "Antal": 2', "")
    feeds = FEEDS.format(files="salg.json", form=form).replace("Antal", "lines.q")
    content = f'{head}, "lines": [{{"q": 3}}]}}\n{head.replace("1", "2", 1)}, {second}}}'
    result = taken(workspace_of(tmp_path, feeds, {"salg.json": content}))
    assert result.values("select document_no from raw.sales_lines") == ["1"]
    assert [f"{record} {column}: {reason}" for record, column, _, reason in result.rejects] == said
    (receipt,) = result.intake.receipts
    assert (receipt.records_read, receipt.records_left_out) == (2, len(left_out))
    lake = result.workspace.lake / receipt.lake_file
    query = f"select _reason from read_parquet('{lake}') where _record_status = 'left_out'"
    assert result.values(query) == left_out


@pytest.mark.parametrize(
    ("value", "what"),
    [('{"a": 1}', "is an object, "), ('["a", "b"]', "is an array, "), ("[]", "is an array, ")],
)
@pytest.mark.parametrize("column", ["Kunde", "Beløb"])
def test_a_json_value_that_is_several_is_rejected(tmp_path, column, value, what):
    bad = json.dumps(JSON_ROW | {column: "?"}, ensure_ascii=False).replace('"?"', value)
    loaded, said = json_rejects(tmp_path, f"{json.dumps(JSON_ROW, ensure_ascii=False)}\n{bad}")
    assert loaded == ["1"]
    assert [each.partition("expected")[0] for each in said] == [f"2 {column}: {what}"]


@pytest.mark.parametrize(
    "value",
    [{"a": 1}, ["a", "b"], [{"a": 1}], b"\xc6\xff"],
    ids=["struct", "list", "structs", "bytes"],
)
def test_a_parquet_value_that_is_no_text_is_rejected(tmp_path, value):
    path = tmp_path / "t.parquet"
    names = HEADER.split(";")
    cells = ["1", "1", "invoice", "2024-02-28", value, "2", "1"]
    rows = [pa.array([cell, cell]) for cell in cells]
    rows[0] = pa.array(["1", "2"])
    rows[4] = pa.array([None, value])
    parquet.write_table(pa.table(rows, names), path)
    feeds = FEEDS.format(files="salg.parquet", form="type: parquet")
    result = taken(workspace_of(tmp_path / "w", feeds, {"salg.parquet": path.read_bytes()}))
    assert [(record, column) for record, column, *_ in result.rejects] == [(2, "Kunde")]
    assert "expected one" in result.rejects[0][3] or "bytes" in result.rejects[0][3]


def test_text_that_a_parquet_keeps_as_bytes_is_read(tmp_path):
    path = tmp_path / "t.parquet"
    cells = ["1", "1", "invoice", "2024-02-28", "Ærø".encode(), "2", "1"]
    parquet.write_table(pa.table([pa.array([cell]) for cell in cells], HEADER.split(";")), path)
    feeds = FEEDS.format(files="salg.parquet", form="type: parquet")
    result = taken(workspace_of(tmp_path / "w", feeds, {"salg.parquet": path.read_bytes()}))
    assert result.values("select customer_id from raw.sales_lines") == ["Ærø"]


def test_a_lookup_key_that_nobody_knows_is_refused(tmp_path):
    feeds = FEEDS.format(files="salg.csv", form=FORM) + (
        '    lookups: {other: {files: o.json, format: {type: json}, key: k, source_column: "Bilag"}}\n'
    )
    content = '[{"k": "1"}, {"k": "2", "k": "3"}]'
    files = {"salg.csv": table(GOOD), "o.json": content}
    assert problems_of(workspace_of(tmp_path, feeds, files)) == [
        f"landing/o.json, record 2, column k: {TWICE}; correct it in the source and deliver the file again."
    ]


def workbook_bytes() -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Salg")
        sheet.write_row(0, 0, HEADER.split(";"))
        for row in range(1, 500):
            sheet.write_row(row, 0, GOOD.split(";"))
    return out.getvalue()


@pytest.mark.parametrize("damage", ["none left", "half", "text"])
def test_a_damaged_workbook_is_refused(tmp_path, damage):
    content = workbook_bytes()
    content = {"none left": b"", "half": content[: len(content) // 2], "text": b"Bilag;Linje"}[damage]
    (sentence,) = refusals(tmp_path, "salg.xlsx", content, "type: xlsx")
    expected = "is empty (0 bytes)" if damage == "none left" else "is not a readable Excel workbook"
    assert sentence.startswith(f"landing/salg.xlsx: {expected}; ")


def test_a_missing_sheet_is_named(tmp_path):
    assert refusals(tmp_path, "salg.xlsx", workbook_bytes(), "type: xlsx, sheet: Ark1") == [
        "landing/salg.xlsx: has no sheet Ark1, it has Salg; correct `sheet` in feeds.yaml, or name the "
        "sheet as "
        "before."
    ]


def test_a_missing_header_row_of_a_sheet_is_named(tmp_path):
    (sentence,) = refusals(tmp_path, "salg.xlsx", workbook_bytes(), "type: xlsx, header_row: 1000")
    assert sentence.startswith("landing/salg.xlsx: has no header in row 1000; ")


def test_every_bad_file_is_named_at_once(tmp_path):
    files = {"salg.csv": BYTES, "salg2.csv": b"", "salg3.csv": b"x\n"}
    sentences = problems_of(workspace_of(tmp_path, FEEDS.format(files="'*.csv'", form=FORM), files))
    assert sentences[0].startswith("landing/salg2.csv: is empty")
    assert {sentence.split(",")[0] for sentence in sentences[1:]} == {"landing/salg3.csv"}


def test_no_sales_file_is_said(tmp_path):
    assert problems_of(workspace_of(tmp_path, FEEDS.format(files="salg.csv", form=FORM))) == [
        "landing/salg.csv: there is no file for the required feed sales_lines; deliver one, or correct "
        "feeds.yaml."
    ]
    assert problems_of(workspace_of(tmp_path / "b")) == [
        "landing/sales_lines.csv: there is no file for the required feed sales_lines; deliver one, or "
        "correct "
        "feeds.yaml."
    ]


# --- files in motion ------------------------------------------------------------------------------------
WRITER = """
import os, sys, time
with open(sys.argv[1], "w") as stream:
    stream.write({header!r} + "\\n")
    stream.flush()
    os.utime(sys.argv[1], (1, 1))
    print("open", flush=True)
    sys.stdin.readline()
    stream.write({row!r} + "\\n")
"""


def test_a_file_that_a_process_is_writing_is_refused_and_read_when_it_is_done(tmp_path, monkeypatch):
    monkeypatch.setattr(landing, "PATIENCE_SECONDS", 0.3)
    workspace = workspace_of(tmp_path, FEEDS.format(files="salg.csv", form=FORM))
    command = [
        sys.executable,
        "-c",
        WRITER.format(header=HEADER, row=GOOD),
        str(workspace.landing / "salg.csv"),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        # Its last change looks old, as after a stalled transfer; only the open handle gives it away.
        assert problems_of(workspace) == [
            "landing/salg.csv: is still being written; run again when the transfer is finished, or deliver "
            "it "
            "under another name and rename it."
        ]
        writer.communicate("go on\n", timeout=10)
    monkeypatch.setattr(landing, "SETTLE_SECONDS", 0.1)
    monkeypatch.setattr(landing, "PATIENCE_SECONDS", 5.0)
    assert taken(workspace).values("select document_no from raw.sales_lines") == ["1"]


def test_a_file_that_was_just_changed_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(landing, "SETTLE_SECONDS", 0.4)
    workspace = workspace_of(tmp_path, FEEDS.format(files="salg.csv", form=FORM), {"salg.csv": BYTES})
    (workspace.landing / "salg.csv").touch()
    assert problems_of(workspace) == []


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    workspace = workspace_of(tmp_path, FEEDS.format(files="salg.csv", form=FORM), {"salg.csv": BYTES})
    whole = landing.fingerprint

    def then_overwritten(path: Path, name: str, known: KnownFiles) -> landing.LandingFile:
        file = whole(path, name, known)
        path.write_bytes(BYTES.replace(b"1.234,50", b"9.234,50"))  # of the same size
        return file

    monkeypatch.setattr("kunderegnskab.ingest.lake.fingerprint", then_overwritten)
    assert problems_of(workspace) == [
        "landing/salg.csv: changed while it was read; run again when the transfer is finished."
    ]
    assert list(workspace.lake.rglob("*.json")) == []


def test_nothing_is_left_behind_by_a_refused_file(tmp_path):
    workspace = workspace_of(tmp_path, FEEDS.format(files="salg.csv", form=FORM), {"salg.csv": b"x\n"})
    assert problems_of(workspace)
    assert [path.name for path in workspace.lake.rglob("*")] == []


DOCUMENTS = [
    ' [{"Bilag": 1, "x": [1, {"y": "a]"}]}, {"Bilag": -2.5e1, "x": []}, {"Bilag": null}]\n',
    '{"page": [1], "data": {"list": [{"Bilag": 1}, {"Bilag": "2"}]}}\n',
]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("document", DOCUMENTS, ids=["array", "object"])
def test_json_is_refused_wherever_it_was_cut_off(tmp_path, document, mark):
    path = tmp_path / "salg.json"
    form = Format(type="json")
    con = duckdb.connect()

    def records(content: bytes) -> int:
        path.write_bytes(mark + content)
        read = read_records(con, path, path.name, form, ["Bilag"], tmp_path / "records.parquet")
        ((count,),) = con.execute(f"select count(*) from ({read.relation})").fetchall()
        return count

    whole = document.encode()
    assert records(whole) == (3 if document.startswith(" [") else 1)
    end = len(whole.rstrip())
    taken_anyway = []
    for length in range(len(whole) - len(whole.lstrip()) + 1, end):
        try:
            records(whole[:length])
        except InputProblems:
            continue
        taken_anyway.append(whole[:length])
    assert taken_anyway == []
