"""Many faults are few sentences: records that fail alike are told together, with what may be declared wrongly.

What a single fault says belongs in test_ingest_faults, what a screen may be sent in test_problems.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from small_intake import problems_of, taken, workspace_of

from kunderegnskab.ingest.rejects import reject_problems

FEEDS = """
sales_lines:
  - files: salg.csv
    format: {{type: csv, delimiter: ";", decimal: ",", thousands: ".", date: "%d-%m-%Y"{form}}}
    columns: {{document_no: Bilag, posting_date: Dato, customer_id: Kunde{columns}}}
    expressions: {{{expressions}}}
    values: {{discount_amount: "0"{values}}}
{more}
"""
HEADER = "Bilag;Type;Dato;Kunde;Antal;Beløb"


def feeds(form: str = "", columns: str = "", expressions: str = "", values: str = "", more: str = "") -> str:
    """A mapping of the file whose type, quantity and amount are mapped plainly unless an expression has them."""
    plain = {"document_type": "Type", "quantity": "Antal", "net_amount": "Beløb"}
    left = "".join(
        f", {name}: {column}" for name, column in plain.items() if f"{name}:" not in expressions + values
    )
    return FEEDS.format(form=form, columns=left + columns, expressions=expressions, values=values, more=more)


def row(n: int, **other: str) -> str:
    """Record n, good but for what is given."""
    fields = {"Type": "invoice", "Dato": "28-02-2024", "Kunde": "K1", "Antal": "2", "Beløb": "1,00"} | other
    return ";".join([str(n), *fields.values()])


def sentences(root: Path, rows: list[str], mapping: str = "", **files: str) -> list[str]:
    landing = {"salg.csv": "\n".join([HEADER, *rows, ""])} | {
        f"{name}.csv": text for name, text in files.items()
    }
    result = taken(workspace_of(root, mapping or feeds(), landing))
    return [problem.sentence() for problem in reject_problems(result.con, limit=20)]


def test_records_that_fail_alike_are_one_sentence_with_their_total(tmp_path):
    rows = [row(n, Dato="03/31/2018" if 88 < n < 100 else "28-02-2024") for n in range(1, 1001)]
    assert sentences(tmp_path, rows) == [
        "landing/salg.csv, column Dato: 11 records of 1,000, first 89, 90, 91: '03/31/2018' is not a date of the "
        "form %d-%m-%Y; the format's `date` may be wrong; else correct it in the source and deliver the file "
        "again, or allow them with allow_rejects in feeds.yaml."
    ]


def test_a_few_of_many_are_slips_of_the_pen(tmp_path):
    (sentence,) = sentences(tmp_path, [row(n, Antal="x" if n in (5, 7) else "2") for n in range(1, 30)])
    assert "column Antal: 2 records of 29, 5, 7: 'x' is not a number" in sentence
    assert "may be wrong" not in sentence


def test_other_columns_and_other_faults_are_other_sentences(tmp_path):
    rows = [row(1, Antal="x"), row(2, Beløb="x"), row(3, Antal=""), row(4, Antal="y"), row(4)]
    assert [re.split("[:;]", sentence)[0] for sentence in sentences(tmp_path, rows)] == [
        "landing/salg.csv, column Antal",  # records 1 and 4
        "landing/salg.csv, record 2, column Beløb",
        "landing/salg.csv, record 3, column Antal",
    ]


def test_what_is_not_shown_is_counted(tmp_path):
    rows = [row(1, Antal="x"), row(2, Beløb="x"), row(3, Dato="x"), row(4, Dato="x")]
    result = taken(workspace_of(tmp_path, feeds(), {"salg.csv": "\n".join([HEADER, *rows, ""])}))
    assert [problem.sentence() for problem in reject_problems(result.con, limit=1)][1:] == [
        "landing/salg.csv: 3 more records are rejected, in 2 other ways; correct what is named first."
    ]


HINTS = {
    "decimal sign": (row(1, Beløb="1234.50"), {}, "`decimal`, `thousands` or `negative` may be wrong"),
    "thousands sign": (row(1, Beløb="1 234,50"), {}, "`decimal`, `thousands` or `negative` may be wrong"),
    "negative": (row(1, Beløb="1,50-"), {}, "`decimal`, `thousands` or `negative` may be wrong"),
    "date": (row(1, Dato="2024-02-28"), {}, "the format's `date` may be wrong"),
    "words": (row(1, Type="Faktura"), {}, "an expression translates"),
    "encoding": (row(1, Type="Kreditn°ta"), {}, "the format's `encoding` may be wrong"),
    "empty column": (row(1, Antal=""), {}, "the mapping may name another column"),
    "number in an expression": (
        row(1, Beløb="1234.50"),
        {"expressions": """net_amount: '-number("Beløb")'"""},
        "`decimal`, `thousands` or `negative` may be wrong",
    ),
    "date in a condition": (
        row(1, Dato="2024-02-28"),
        {"more": """    where: date("Dato") > date '2020-01-01'"""},
        "the format's `date` may be wrong",
    ),
    "lookup": (
        row(1),
        {
            "more": "    lookups: {kunder: {files: kunder.csv, format: {type: csv}, key: nr, "
            "source_column: Kunde}}",
            "columns": ", salesperson_id: kunder.sælger",
        },
        "the lookup's `key` or `source_column` may be wrong",
    ),
}


@pytest.mark.parametrize("fault", HINTS)
def test_when_most_records_fail_alike_the_declaration_is_suspected(tmp_path, fault):
    line, mapping, hint = HINTS[fault]
    rows = [line.replace("1;", f"{n};", 1) for n in range(1, 4)]
    (sentence,) = sentences(tmp_path, rows, feeds(**mapping), kunder="nr,sælger\nK9,AB\n")
    assert "3 records of 3, 1, 2, 3: " in sentence or "3 records of 3, first" in sentence
    assert hint in sentence


@pytest.mark.parametrize(("sign", "name"), [(",", "commas"), ("\t", "tabs"), ("|", "bars")])
def test_a_wrong_delimiter_is_said_as_such(tmp_path, sign, name):
    content = "\n".join([HEADER, row(1), ""]).replace(",00", "").replace(";", sign)
    (sentence,) = problems_of(workspace_of(tmp_path, feeds(), {"salg.csv": content}))
    assert sentence.startswith(f"landing/salg.csv: {name} stand between its fields, not ';' as declared; ")
    assert "declare `delimiter: " in sentence


def test_a_wrong_delimiter_is_said_even_where_names_are_wrong_too(tmp_path):
    content = HEADER.replace("Beløb", "Belob").replace(";", ",") + "\n"
    (sentence,) = problems_of(workspace_of(tmp_path, feeds(), {"salg.csv": content}))
    assert "its header is one column, 'Bilag,Type,Dato,Kunde,Antal,Belob'" in sentence
    assert "so commas seem to stand between its fields" in sentence


def test_a_wrong_delimiter_is_said_where_the_names_are_declared(tmp_path):
    names = f", header_row: 0, column_names: [{HEADER.replace(';', ', ')}]"
    content = row(1).replace(",00", "").replace(";", ",") + "\n"
    (sentence,) = problems_of(workspace_of(tmp_path, feeds(names), {"salg.csv": content}))
    assert sentence.startswith("landing/salg.csv: commas stand between its fields, not ';' as declared; ")


def test_a_canonical_file_with_another_delimiter_is_said_as_such(tmp_path):
    files = {
        "salg.csv": f"{HEADER}\n{row(1)}\n",
        "customers.csv": "customer_id;customer_name\nK1;Nordbyens Bageri\n",
    }
    assert problems_of(workspace_of(tmp_path, feeds(), files)) == [
        "landing/customers.csv: semicolons stand between its fields, not ',' as declared; declare "
        '`delimiter: ";"` in its format in feeds.yaml, or export the file as declared.'
    ]


def test_a_wrong_encoding_of_the_header_is_said_as_such(tmp_path):
    content = f"{HEADER}\n{row(1)}\n".encode()
    (sentence,) = problems_of(workspace_of(tmp_path, feeds(", encoding: cp1252"), {"salg.csv": content}))
    assert sentence.startswith("landing/salg.csv: its text is utf-8, not cp1252 as declared; ")


@pytest.mark.parametrize("text", ["\x00\u00a00", "Æ\x00B", "a\x00b"])
@pytest.mark.parametrize("column", ["product_id", "return_reason"])
def test_text_with_a_nul_is_refused_and_never_cut(tmp_path, text, column):
    mapping = feeds(columns=f", {column}: Kunde").replace(", customer_id: Kunde", "")
    (sentence,) = sentences(tmp_path, [row(1, Kunde=text)], mapping)
    assert "column Kunde: '" in sentence
    assert "\\x00" in sentence
    assert "is not text, it has a NUL in it; " in sentence


def test_every_reject_has_a_kind(tmp_path):
    rows = [row(1), row(1), row(2, Dato="x"), row(3, Kunde="311299-1234")]
    mapping = feeds(columns="", values=", line_no: '1'")
    result = taken(workspace_of(tmp_path, mapping, {"salg.csv": "\n".join([HEADER, *rows, ""])}))
    kinds = result.values("select kind from raw.rejects order by source_record")
    assert kinds == ["repeated_key", "date", "personal"]
