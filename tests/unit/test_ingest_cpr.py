"""What looks like a CPR number is stopped at the door: the record is rejected, and nothing of it is kept.

Records that are rejected for other reasons belong in test_ingest_faults.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from datetime import date
from pathlib import Path

import duckdb
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from small_intake import SALES_COLUMNS, SALES_HEADER, problems_of, taken, workspace_of

from kunderegnskab.ingest import load_record
from kunderegnskab.ingest.cpr import column_has_cpr, has_cpr, masked
from kunderegnskab.ingest.rejects import reject_problems

NUMBER = "280255-1234"
# Stands beside the number in the same record, so it must be gone with it.
NEIGHBOUR = "Nabotekst"
REASON = "looks like a CPR number, which must never be loaded"
FEEDS = (
    """
    sales_lines:
      - files: {files}
        format: {format}
        columns: """
    + SALES_COLUMNS.replace("{", "{{").replace("}", ", order_no: note}}")
    + """
        expressions: {{customer_id: "\\"who\\" || 'x'"}}
        allow_rejects: {{count: 2, reason: being cleaned up}}
"""
)
HEADER = f"{SALES_HEADER},note,who,unread"
GOOD = "A,invoice,2024-01-05,1,100.00,0,n,w,u"


def feeds(files: str = "s.csv", form: str = "{type: csv}") -> str:
    return FEEDS.format(files=files, format=form)


def kept_text(folder: Path) -> str:
    """Everything that stands in the files below a folder, Parquet as the text of its cells."""
    texts = []
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            cells = duckdb.execute("from read_parquet($path)", {"path": str(path)}).fetchall()
            texts.append(repr(cells))
        if path.is_file():
            texts.append(path.read_bytes().decode("latin-1"))
    return "\n".join([*texts, *(str(path) for path in folder.rglob("*"))])


def in_sql(text: str, *, has_amounts: bool = False) -> bool:
    statement = f"select {column_has_cpr('x', has_amounts=has_amounts)} from (select ?::varchar as x)"
    return duckdb.execute(statement, [text]).fetchall()[0][0]


@pytest.mark.parametrize(
    "text",
    [
        NUMBER,
        "290200-1234",  # 2000 was a leap year, 1900 was not: the century is not written
        "311299-0000",
        f"Att. Bo Hansen ({NUMBER})",
        f"F-{NUMBER}-2",
        "280255\u20131234",
        "280255\u20111234",
        "280255 1234",
        "280255/1234",
        "280255.1234",
        "280255 - 1234",
        "280255\u00a01234",
        "280255\u202f1234",
        "280255\ufe631234",
        "280255\uff0d1234",
        "280255\u00ad1234",
        "280255\u22121234",
        "\uff12\uff18\uff10\uff12\uff15\uff15\uff0d\uff11\uff12\uff13\uff14",
        "\u0662\u0668\u0660\u0662\u0665\u0665-\u0661\u0662\u0663\u0664",
        "280255\uff0f1234",
        "280255\uff0e1234",
        "28.02.55-1234",
        "28 02 55 1234",
        "28/02/55-1234",
        "født 280255 1234, Århus",
        "280255--1234",
        "280255   -    1234",
        "28 - 02 - 55 - 1234",
        "280255\u200b-1234",
        "280255\u2060-1234",
        "280255-\ufeff1234",
        "28\u200d0255-1\u200b234",
        "2\u033180255-1234\ufe0f",
        "\U0001fbf2\U0001fbf8\U0001fbf0\U0001fbf2\U0001fbf5\U0001fbf5-1234",
        "280255-\U0001fbf1\U0001fbf2\U0001fbf3\U0001fbf4",
        "\u200bH\u00e5 280255-1234",
        "280255:1234",
        "280255 : 1234",
        "280255_1234",
        "28_02_55_1234",
        "280255\uff1a1234",
        "280255\uff3f1234",
        "28-02-1955-1234",
        "28.02.2012-1234",
        "28021955-1234",
        "29021956_1234",
    ],
)
def test_a_day_and_four_digits_are_a_cpr_number(text):
    assert has_cpr(text)
    assert "1234" not in masked(text)
    assert "******-****" in masked(text)
    assert not re.search(r"\d", masked(text).replace("F-", "").replace("-2", ""))
    assert in_sql(text)
    assert in_sql(text, has_amounts=True) == (text not in ("280255.1234", "280255\uff0e1234"))


@pytest.mark.parametrize(
    "text", ["280255-12 34", "28 02 55 12 34", "280255 12\u00a034", "28\u00a002\u00a055\u00a012\u00a034"]
)
def test_blanks_may_part_the_four_digits(text):
    assert has_cpr(text)
    assert masked(text) == "******-****"
    assert in_sql(text)


@pytest.mark.parametrize(
    "text", ["280255.1234", "-280255.1234", "1 280255.1234", "280255.1234 kr", "28021955.1234"]
)
def test_six_digits_a_dot_and_four_may_be_an_amount(text):
    assert has_cpr(text)
    assert in_sql(text)
    assert not in_sql(text, has_amounts=True)


@pytest.mark.parametrize(
    "text", ["28.02.55.1234", "28.0255.1234", "2802.55.1234", "280255..1234", "280255. 1234", "280255-1234"]
)
def test_no_amount_is_written_like_that(text):
    assert in_sql(text, has_amounts=True)


@pytest.mark.parametrize(
    "text",
    [
        "2802551234",
        "5712802551234",
        "1280255-1234",
        "280255-12345",
        "310455-1234",  # 31 April
        "290255-1234",
        "001255-1234",
        "281355-1234",
        "28-02-2024",
        "28.02.2024 1234",
        "28-02-2024 12:34",
        "29-02-1955-1234",
        "28-02-2155-1234",
        "28-02-25 12:34",
        "10:01:55 12:34",
        "10:01:55.1234",
        "280255-12-34",
        "2024-02-28 1234",
        "salg_2010-12_2011-06.csv",
        "1912-01-2012-12",
        "2024-12-31 23:30:00",
        "280255 12345",
        "280255 123",
        "280255x1234",
        "280255\u200b1234",
        "280255\U0001fbf51234",
        "Rødgrød 12345678901",
    ],
)
def test_ids_and_days_that_do_not_exist_are_none(text):
    assert not has_cpr(text)
    assert masked(text) == text
    assert not in_sql(text)


@pytest.mark.parametrize("column", ["doc", "type", "day", "qty", "net", "disc", "note", "who"])
def test_the_record_is_rejected_and_nothing_of_it_is_kept(tmp_path, column):
    names = HEADER.split(",")
    cells = f"B,invoice,2024-01-06,2,50.00,0,{NEIGHBOUR},{NEIGHBOUR},u".split(",")
    cells[names.index(column)] = f"x {NUMBER}"
    result = taken(workspace_of(tmp_path, feeds(), {"s.csv": f"{HEADER}\n{','.join(cells)}\n{GOOD}\n"}))
    assert result.rejects == [(1, column, None, REASON)]
    assert result.values("select document_no from raw.sales_lines") == ["A"]
    kept = kept_text(result.workspace.lake)
    assert NUMBER not in kept
    assert NEIGHBOUR not in kept
    # Its place is kept: the records after it have the numbers that they have in the file.
    assert result.values("select _source_record from raw.sales_lines") == [2]


def test_what_the_mapping_does_not_read_is_no_concern(tmp_path):
    row = GOOD.removesuffix("u") + NUMBER
    result = taken(workspace_of(tmp_path, feeds(), {"s.csv": f"{HEADER}\n{row}\n"}))
    assert result.rejects == []
    assert NUMBER not in kept_text(result.workspace.lake)


def test_the_sentence_says_where_and_what_to_do_but_not_the_number(tmp_path):
    row = GOOD.replace(",n,", f",{NUMBER},")
    result = taken(workspace_of(tmp_path, feeds(), {"s.csv": f"{HEADER}\n{row}\n"}))
    assert [problem.sentence() for problem in reject_problems(result.con, 9)] == [
        f"landing/s.csv, record 1, column note: {REASON}; remove it and deliver the file again, leave the record "
        "out with allow_rejects, or declare the column as not_personal if its numbers are no persons', in "
        "feeds.yaml."
    ]


def test_a_record_that_would_be_left_out_is_rejected_too(tmp_path):
    rows = [f"Total,,,,5,,,{NUMBER},", f",,,,,,{NUMBER},,"]
    totals = feeds() + "        total_rows: {column: doc, words: [Total]}\n        where: '\"doc\" = ''A'''\n"
    result = taken(workspace_of(tmp_path, totals, {"s.csv": "\n".join([HEADER, *rows, GOOD, ""])}))
    assert result.rejects == [(1, "who", None, REASON), (2, "note", None, REASON)]


def test_a_record_that_finds_one_in_a_lookup_is_rejected(tmp_path):
    lookup = feeds().replace(
        'expressions: {customer_id: "\\"who\\" || \'x\'"',
        "lookups: {contacts: {files: contacts.csv, key: doc, format: {type: csv}}}\n"
        "        expressions: {customer_id: contacts.name",
    )
    rows = f"B,invoice,2024-01-06,2,50.00,0,{NEIGHBOUR},w,u"
    contacts = f"doc,name\nA,Anna\nB,Bo {NUMBER}\nC,{NUMBER}\n"
    files = {"s.csv": f"{HEADER}\n{rows}\n{GOOD}\n", "contacts.csv": contacts}
    result = taken(workspace_of(tmp_path, lookup, files))
    assert result.rejects == [(1, "contacts.name", None, REASON)]
    assert result.values("select customer_id from raw.sales_lines") == ["Anna"]
    kept = kept_text(result.workspace.lake)
    assert NUMBER not in kept
    assert NEIGHBOUR not in kept


AMOUNTS = """
    sales_lines:
      - files: s.csv
        format: {type: csv}
        columns: {document_no: doc, document_type: type, posting_date: day, quantity: qty, discount_amount: disc}
        expressions: {net_amount: NET, order_no: note, customer_id: who}
"""


def test_an_amount_with_four_decimals_is_no_cpr_number(tmp_path):
    row = f"A,invoice,2024-01-05,280255.1234,280255.1234,0,{NEIGHBOUR},w,u"
    result = taken(
        workspace_of(tmp_path, AMOUNTS.replace("NET", "number(net) * 2"), {"s.csv": f"{HEADER}\n{row}\n"})
    )
    assert result.rejects == []
    assert result.values("select quantity::varchar from raw.sales_lines") == ["280255.123400"]
    dashed = row.replace("280255.1234,0", f"{NUMBER},0")
    refused = taken(
        workspace_of(
            tmp_path / "d", AMOUNTS.replace("NET", "number(net)"), {"s.csv": f"{HEADER}\n{dashed}\n"}
        )
    )
    assert refused.rejects == [(1, "net", None, REASON)]
    # As soon as its text is used as well, the column holds text.
    both = AMOUNTS.replace("NET", "number(net)").replace("order_no: note", "order_no: net")
    as_text = taken(workspace_of(tmp_path / "t", both, {"s.csv": f"{HEADER}\n{row}\n"}))
    assert as_text.rejects == [(1, "net", None, REASON)]


@pytest.mark.parametrize(
    ("signs", "quantity", "is_amount"),
    [
        ("", "280255.1234", True),
        ("", "28.02.55.1234", False),
        ('decimal: ",", thousands: "."', "28.02.55.1234", False),
        ('decimal: ","', "280255.1234", False),
        ('decimal: ",", thousands: " "', "280255.1234", False),
        ('decimal: ",", thousands: "\'"', "28.02.55.1234", False),
    ],
)
def test_a_dot_is_part_of_an_amount_only_where_the_format_says_so(tmp_path, signs, quantity, is_amount):
    form = AMOUNTS.replace("{type: csv}", f"{{type: csv{', ' * bool(signs)}{signs}}}").replace(
        "NET", "number(net)"
    )
    files = {"s.csv": f"{HEADER}\nA,invoice,2024-01-05,{quantity},1,0,n,w,u\n"}
    result = taken(workspace_of(tmp_path, form, files))
    assert result.rejects == ([] if is_amount else [(1, "qty", None, REASON)])
    assert is_amount or quantity not in kept_text(result.workspace.lake)


def test_what_is_no_amount_after_all_is_told_without_its_digits(tmp_path):
    row = f"A,invoice,2024-01-05,280255.1234 x,1,0,{NEIGHBOUR},w,u"
    files = {"s.csv": f"{HEADER}\n{row}\n"}
    result = taken(workspace_of(tmp_path, AMOUNTS.replace("NET", "number(net)"), files))
    ((_, column, text, _),) = result.rejects
    assert (column, text) == ("qty", "******-****")
    (problem,) = reject_problems(result.con, 9)
    assert "280255.1234" not in problem.sentence() + kept_text(result.workspace.lake)


NOT_PERSONAL = "        not_personal: {%s: day and serial number of our own}\n"


def test_a_column_whose_numbers_are_no_persons_is_declared_and_recorded(tmp_path):
    row = GOOD.replace("A,", f"{NUMBER},")
    declared = feeds() + NOT_PERSONAL % "DOC"
    workspace = workspace_of(tmp_path, declared, {"s.csv": f"{HEADER}\n{row}\n"})
    result = taken(workspace)
    assert result.values("select document_no from raw.sales_lines") == [NUMBER]
    assert load_record(workspace, result.intake).parameters["not_personal"] == [
        {
            "source": "feeds.yaml: sales_lines, source 1",
            "column": "DOC",
            "reason": "day and serial number of our own",
        }
    ]
    # Any other column is looked through as before.
    other = row.replace(",n,", f",{NUMBER},")
    refused = taken(workspace_of(tmp_path / "other", declared, {"s.csv": f"{HEADER}\n{other}\n"}))
    assert refused.rejects == [(1, "note", None, REASON)]


def test_a_declaration_for_a_column_that_is_not_read_or_without_a_reason_is_refused(tmp_path):
    files = {"s.csv": f"{HEADER}\n{GOOD}\n"}
    assert problems_of(workspace_of(tmp_path / "a", feeds() + NOT_PERSONAL % "unread", files)) == [
        "feeds.yaml: sales_lines, source 1: not_personal: unread is no column that this source reads; remove it, "
        "or correct it."
    ]
    (sentence,) = problems_of(
        workspace_of(tmp_path / "b", feeds() + "        not_personal: {doc: x}\n", files)
    )
    assert "not_personal.doc" in sentence


def workbook(path: Path) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate([HEADER, GOOD, GOOD.replace(",n,", f",{NUMBER},")]):
            sheet.write_row(number, 0, cells.split(","))


@pytest.mark.parametrize("kind", ["xlsx", "json", "parquet", "cp1252"])
def test_every_format_is_looked_through(tmp_path, kind):
    rows = [GOOD, GOOD.replace(",n,", f",{NUMBER} \u00e6,").replace(",w,", f",{NEIGHBOUR},")]
    file = tmp_path / f"s.{kind}"
    if kind == "xlsx":
        workbook(file)
    elif kind == "parquet":
        (tmp_path / "made.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
        duckdb.execute(
            f"copy (from read_csv('{tmp_path}/made.csv', all_varchar = true)) to '{file}' (format parquet)"
        )
    elif kind == "json":
        objects = [dict(zip(HEADER.split(","), row.split(","), strict=True)) for row in rows]
        file.write_text(json.dumps(objects), encoding="utf-8")
    else:
        file.write_text("\n".join([HEADER, *rows, ""]), encoding="cp1252")
    form = "{type: csv, encoding: cp1252}" if kind == "cp1252" else f"{{type: {kind}}}"
    # The rows repeat a key on purpose: the rejected one is no repetition.
    result = taken(workspace_of(tmp_path / "w", feeds(file.name, form), {file.name: file.read_bytes()}))
    assert [(record, reason) for record, _, _, reason in result.rejects] == [
        (3 if kind == "xlsx" else 2, REASON)
    ]
    kept = kept_text(result.workspace.lake)
    assert NUMBER not in kept
    assert NEIGHBOUR not in kept


def test_policy_files_are_looked_through(tmp_path):
    workspace = workspace_of(tmp_path, feeds(), {"s.csv": f"{HEADER}\n{GOOD}\n"})
    workspace.policy.mkdir()
    owners = workspace.policy / "salespeople.csv"
    owners.write_text(f"salesperson_id,salesperson_name\nBO,Bo {NUMBER}\n", encoding="utf-8")
    os.utime(owners, (0, 0))
    result = taken(workspace)
    assert result.rejects == [(1, "salesperson_name", None, REASON)]
    assert NUMBER not in kept_text(workspace.lake)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (f"s {NUMBER}.csv", f"{HEADER}\n{GOOD}\n"),
        ("s.csv", f"{HEADER.replace('unread', NUMBER)}\n{GOOD}\n"),
        # What DuckDB says of a line with too many fields quotes the line.
        ("s.csv", f"{HEADER}\n{GOOD}\n{GOOD},{NUMBER}\n"),
    ],
)
def test_no_sentence_quotes_one(tmp_path, name, content):
    (sentence,) = problems_of(workspace_of(tmp_path, feeds('"s*.csv"'), {name: content}))
    assert NUMBER not in sentence
    assert NUMBER not in kept_text(tmp_path / "lake") if (tmp_path / "lake").exists() else True


DAYS = st.dates(date(1900, 3, 1), date(2036, 12, 31))
# Nor the letters that text in a wrong encoding begins with: such a file is refused before it is typed.
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Nd"], exclude_characters="ÂÃâ\ufffd"),
    max_size=8,
)


PLANTED = st.tuples(DAYS, st.integers(0, 9999), TEXT, TEXT, st.integers(0, 7))


# Many in one file, because reading a file takes longer than reading its records.
@settings(max_examples=4, deadline=None)
@given(planted=st.lists(PLANTED, min_size=20, max_size=20))
def test_no_byte_of_it_is_in_the_lake(planted):
    numbers, lines = [], []
    for day, serial, before, after, column in planted:
        numbers.append(f"{day:%d%m%y}-{serial:04}")
        cells = [NEIGHBOUR] * 9
        cells[column] = '"' + f"{before}{numbers[-1]}{after}".replace('"', '""') + '"'
        lines.append(",".join(cells))
    with tempfile.TemporaryDirectory() as folder:
        files = {"s.csv": "\n".join([HEADER, GOOD, *lines, ""])}
        result = taken(workspace_of(Path(folder), feeds(), files))
        names = HEADER.split(",")
        assert result.rejects == [
            (record, names[column], None, REASON) for record, (*_, column) in enumerate(planted, start=2)
        ]
        kept = kept_text(result.workspace.lake)
    assert [number for number in numbers if number in kept] == []
    assert NEIGHBOUR not in kept
