"""The SQL that a mapping may carry: what it can do, and that it cannot reach beyond its record.

Reading conventions themselves belong in test_ingest_conventions.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from small_intake import Taken, problems_of, taken, workspace_of

from kunderegnskab.workspace.expressions import BadExpression, parse

FEEDS = """
sales_lines:
  - files: salg.csv
    format: {{type: csv, delimiter: ";", decimal: ",", thousands: ".", date: "%d-%m-%Y"}}
    columns: {{document_no: Bilag, quantity: Antal}}
    values: {{discount_amount: "0", document_type: invoice}}
    expressions:
      posting_date: date(Dato)
      net_amount: {net}
    {more}
"""
HEADER = "Bilag;Dato;Antal;Beløb;Tekst"


def sales(root: Path, rows: list[str], net: str = 'number("Beløb")', more: str = "", **files: str) -> Taken:
    feeds = FEEDS.format(net=net, more=more)
    content = "\n".join([HEADER, *rows, ""])
    return taken(workspace_of(root, feeds, {"salg.csv": content, **files}))


def refusal(root: Path, net: str, more: str = "") -> str:
    workspace = workspace_of(
        root, FEEDS.format(net=net, more=more), {"salg.csv": f"{HEADER}\n1;01-02-2024;1;5,00;x\n"}
    )
    (sentence,) = problems_of(workspace)
    return sentence


def test_number_reads_by_the_files_conventions(tmp_path):
    result = sales(tmp_path, ["1;01-02-2024;2;1.234,56;x"], net='number("Beløb") * number(Antal) * 0.5')
    assert result.values("select net_amount from raw.sales_lines") == [Decimal("1234.56")]


def test_column_names_are_found_whatever_their_case(tmp_path):
    result = sales(tmp_path, ["1;01-02-2024;2;3,00;x"], net='number("BELØB") + number("beløb")')
    assert result.values("select net_amount from raw.sales_lines") == [Decimal(6)]


def test_unreadable_number_in_an_expression_rejects_the_record(tmp_path):
    result = sales(tmp_path, ["1;01-02-2024;1;5,00;x", "2;01-02-2024;1;5.00;x", "3;2024-02-01;1;5,00;x"])
    assert result.values("select document_no from raw.sales_lines") == ["1"]
    assert [reject[:3] for reject in result.rejects] == [(2, "Beløb", "5.00"), (3, "Dato", "2024-02-01")]
    assert "cannot be computed" in result.rejects[0][3]


def test_overflow_in_an_expression_rejects_the_record(tmp_path):
    rows = ["1;01-02-2024;1;99.999.999.999.999,00;x", "2;01-02-2024;1;5,00;x"]
    result = sales(tmp_path, rows, net='number("Beløb") * number("Beløb")')
    assert result.values("select net_amount from raw.sales_lines") == [Decimal(25)]
    assert [reject[0] for reject in result.rejects] == [1]


def test_a_result_with_too_many_decimals_is_rejected_not_rounded(tmp_path):
    result = sales(tmp_path, ["1;01-02-2024;1;0,00005;x", "2;01-02-2024;1;0,0005;x"])
    assert result.values("select net_amount from raw.sales_lines") == [Decimal("0.0005")]
    assert "round it in the expression" in result.rejects[0][3]


def test_an_empty_field_in_an_expression_is_missing_not_unreadable(tmp_path):
    result = sales(tmp_path, ["1;01-02-2024;1;;x"], net='coalesce(number("Beløb"), 0)')
    assert result.values("select net_amount from raw.sales_lines") == [Decimal(0)]


@pytest.mark.parametrize("net", ['number("Beløb") / 2', "Antal::double", "sqrt(number(Antal))"])
def test_a_binary_float_is_refused(tmp_path, net):
    assert "gives a binary float, which is never exact" in refusal(tmp_path, net)


def test_a_wrong_type_is_refused(tmp_path):
    assert "gives DATE, expected money" in refusal(tmp_path, "date(Dato)")


def test_an_unknown_column_is_named(tmp_path):
    sentence = refusal(tmp_path, 'number("Beloeb")')
    assert sentence.startswith("landing/salg.csv, column Beloeb: the column is missing, the file has Bilag, ")


def test_an_unknown_function_is_refused(tmp_path):
    assert "cannot be run" in refusal(tmp_path, "tal(Antal)")


@pytest.mark.parametrize(
    "text",
    [
        "(select 1)",
        "exists(select 1)",
        "Antal in (select 1)",
        "sum(number(Antal))",
        "row_number() over ()",
        "*",
        "columns('A')",
        "Antal; drop table x",
        "Antal; Bilag",
        "Antal Bilag",
        "attach 'other.duckdb'",
        "copy x to 'y'",
        "install httpfs",
        "set threads = 1",
        "a.b.c",
        "unnest([1, 2])",
        "now()",
        "current_date",
        "today()",
        "random()",
        "uuid()",
        "getenv('HOME')",
        "current_setting('threads')",
        "query('select 1')",
        "case when",
        "'open",
        "",
    ],
)
def test_what_is_no_expression_over_one_record_is_refused(text):
    with pytest.raises(BadExpression):
        parse(text)


@pytest.mark.parametrize(
    "net",
    [
        "read_text('{secret}')",
        "read_csv('{secret}')",
        "(select content from read_text('{secret}'))",
        "glob('{secret}')",
        "parquet_scan('{secret}')",
    ],
)
def test_an_expression_reads_no_file(tmp_path, net):
    secret = tmp_path / "secret.txt"
    secret.write_text("hemmelig", encoding="utf-8")
    sentence = refusal(tmp_path / "company", f'"{net.format(secret=secret)}"')
    assert sentence.startswith("feeds.yaml: sales_lines, source 1")
    assert "hemmelig" not in sentence


def test_where_leaves_out_and_counts(tmp_path):
    rows = ["1;01-02-2024;1;5,00;Salg", "2;01-02-2024;1;5,00;Primo", "3;01-02-2024;1;5,00;"]
    result = sales(tmp_path, rows, more="where: Tekst = 'Salg'")
    assert result.values("select document_no from raw.sales_lines") == ["1"]
    assert result.rows("select source_record, reason from raw.left_out order by 1") == [
        (2, "where: Tekst = 'Salg'"),
        (3, "where: Tekst = 'Salg'"),
    ]
    assert result.rows(
        "select records_read, records_loaded, records_rejected, records_left_out from raw.files"
    ) == [(3, 1, 0, 2)]


def test_a_record_that_where_cannot_judge_is_rejected_not_left_out(tmp_path):
    rows = ["1;01-02-2024;x;5,00;Salg", "2;01-02-2024;1;5,00;Salg"]
    result = sales(tmp_path, rows, more="where: number(Antal) > 0")
    assert [reject[:3] for reject in result.rejects] == [(1, "Antal", "x")]
    assert result.values("select count(*) from raw.left_out") == [0]


def test_what_is_left_out_need_not_be_readable(tmp_path):
    result = sales(tmp_path, ["1;?;?;?;Note", "2;01-02-2024;1;5,00;Salg"], more="where: Tekst <> 'Note'")
    assert result.rejects == []
    assert result.values("select records_left_out from raw.files") == [1]


LOOKUP = """lookups:
      hoved: {files: hoved.csv, key: Nr, source_column: Bilag, format: {type: csv, date: "%Y%m%d"}}
"""


def test_a_lookup_gives_columns_by_its_own_conventions(tmp_path):
    feeds = FEEDS.format(net='number("Beløb") * number(hoved.faktor)', more=LOOKUP).replace(
        "posting_date: date(Dato)", "posting_date: date(hoved.dag)"
    )
    files = {
        "salg.csv": f"{HEADER}\n1;;2;10,00;x\n2;;2;10,00;x\n 1 ;;2;20,00;x\n",
        "hoved.csv": "Nr,dag,faktor\n1,20240301,0.5\n",
    }
    result = taken(workspace_of(tmp_path, feeds, files))
    assert result.rows(
        "select posting_date::varchar, net_amount from raw.sales_lines order by _source_record"
    ) == [
        ("2024-03-01", Decimal(5)),
        ("2024-03-01", Decimal(10)),
    ]
    assert [reject[0] for reject in result.rejects] == [2]  # nothing to look up, so there is no date


def test_a_lookup_with_a_repeated_key_is_refused(tmp_path):
    feeds = FEEDS.format(net="number(hoved.faktor)", more=LOOKUP)
    files = {
        "salg.csv": f"{HEADER}\n1;01-02-2024;2;10,00;x\n",
        "hoved.csv": "Nr,dag,faktor\n1,,1\n2,,1\n1,,2\n",
    }
    (sentence,) = problems_of(workspace_of(tmp_path, feeds, files))
    assert sentence == (
        "landing/hoved.csv, record 3, column Nr: the key 1 stands 2 times, which would multiply the "
        "records of "
        "feeds.yaml: sales_lines, source 1; look up a column whose values are unique."
    )


@pytest.mark.parametrize(
    ("net", "sentence_end"),
    [
        ("number(kunder.x)", "kunder.x names no lookup of this source; declare it under `lookups`."),
    ],
)
def test_an_undeclared_lookup_is_refused(tmp_path, net, sentence_end):
    assert refusal(tmp_path, net).endswith(sentence_end)


def test_a_lookup_without_its_file_is_refused(tmp_path):
    assert refusal(tmp_path, "number(hoved.faktor)", LOOKUP) == (
        "landing/hoved.csv: is 0 files, but the lookup hoved of feeds.yaml: sales_lines, source 1 needs "
        "exactly "
        "one; deliver that file, or correct `files`."
    )
