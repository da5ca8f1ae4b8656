"""Signs that contradict the contract are found in each file for itself; what only looks like it passes."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import duckdb
import pytest
import xlsxwriter
from field_cases import field_case
from small_intake import taken, workspace_of

from kunderegnskab.quality.door import run_door
from kunderegnskab.workspace import Workspace

HEADER = ("doc", "type", "day", "kind", "qty", "net", "cost")
SOURCE = """
      - files: {files}
        format: {{type: {type}}}
        columns: {{document_no: doc, document_type: type, posting_date: day, line_type: kind, quantity: qty, net_amount: net, cost_amount: cost}}
        values: {{discount_amount: "0"}}
"""
Line = tuple[str, str, str, str, str]


def line(kind: str, quantity: str, net: str, cost: str, what: str = "goods") -> Line:
    return (kind, what, quantity, net, cost)


def rows_of(lines: Sequence[Line]) -> list[tuple[str, ...]]:
    return [
        (f"{'F' if kind == 'invoice' else 'K'}{number}", kind, "2025-01-15", what, quantity, net, cost)
        for number, (kind, what, quantity, net, cost) in enumerate(lines, start=1)
    ]


def as_csv(lines: Sequence[Line]) -> bytes:
    return "\n".join(map(",".join, [HEADER, *rows_of(lines)])).encode()


def as_json(lines: Sequence[Line]) -> bytes:
    return json.dumps([dict(zip(HEADER, row, strict=True)) for row in rows_of(lines)]).encode()


def as_xlsx(lines: Sequence[Line]) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet()
        for place, row in enumerate([HEADER, *rows_of(lines)]):
            sheet.write_row(place, 0, row)
    return content.getvalue()


WRITERS: dict[str, Callable[[Sequence[Line]], bytes]] = {"csv": as_csv, "json": as_json, "xlsx": as_xlsx}
RIGHT = [line("invoice", "10", "1000", "600"), line("credit_note", "-50", "-5000", "-3000")]


def turned(root: Path, lines: Sequence[Line], form: str = "csv") -> list[str]:
    """The columns that are named of a file beside one that is right."""
    feeds = "sales_lines:" + SOURCE.format(files="right.csv", type="csv")
    feeds += SOURCE.format(files=f"other.{form}", type=form)
    right = as_csv(RIGHT).replace(b"\n", b"\nR-")  # other documents than those of the other file
    return named(workspace_of(root, feeds, {"right.csv": right, f"other.{form}": WRITERS[form](lines)}))


def named(workspace: Workspace, feed: str = "sales_lines") -> list[str]:
    result = taken(workspace)
    (check,) = [
        each
        for each in run_door(result.con, [feed], date(2025, 6, 30))
        if each.check_name == f"door__{feed}__signs_are_those_of_the_contract"
    ]
    assert check.is_blocking
    assert (check.status == "failed") == bool(check.detail)
    return [f"{Path(file).name}: {column}" for file, column in duckdb_rows(result.con, check.failing_sql)]


def duckdb_rows(con: duckdb.DuckDBPyConnection, failing: str | None) -> list[tuple[str, str]]:
    if not failing:
        return []
    return con.execute(f"select _source_file, column_name from ({failing})").fetchall()


@pytest.mark.parametrize("form", list(WRITERS))
def test_a_file_of_positive_credit_notes_beside_one_that_is_right(tmp_path: Path, form: str) -> None:
    found = turned(tmp_path, [line("credit_note", "2", "2000", "1200")], form)
    assert found == [f"other.{form}: cost_amount", f"other.{form}: net_amount", f"other.{form}: quantity"]


@pytest.mark.parametrize(
    ("lines", "columns"),
    [
        ([line("invoice", "10", "1000", "-600")], ["cost_amount"]),
        ([line("invoice", "10", "1000", "600"), line("credit_note", "-1", "-100", "60")], ["cost_amount"]),
        ([line("invoice", "10", "1000", "600"), line("credit_note", "-1", "100", "-60")], ["net_amount"]),
        ([line("invoice", "-10", "1000", "600")], ["quantity"]),
        ([line("invoice", "1", "100", "", "discount"), line("invoice", "1", "50", "", "discount")], ["net_amount"]),
        ([line("invoice", "1", "-50", "", "freight_charge"), line("invoice", "1", "50", "")], ["net_amount"]),
        ([line("invoice", "1", "-50", "", "fee")], ["net_amount"]),
        # One large line that is right hides no small ones, and one large turned line is not outnumbered.
        ([line("credit_note", "-1", "-5000", "-1"), *[line("credit_note", "-1", "10", "-1")] * 2], ["net_amount"]),
        ([line("credit_note", "-1", "5000", "-1"), *[line("credit_note", "-1", "-10", "-1")] * 2], ["net_amount"]),
    ],
    ids=["cost", "cost of credit notes", "net of credit notes", "quantity", "discount", "freight", "fee", "most lines", "most money"],
)  # fmt: skip
def test_a_sign_that_is_turned_is_named(tmp_path: Path, lines: list[Line], columns: list[str]) -> None:
    assert turned(tmp_path, lines) == [f"other.csv: {column}" for column in columns]


@pytest.mark.parametrize(
    "lines",
    [
        [line("credit_note", "-5", "-500", "-300")],
        [line("invoice", "2", "2000", "1200"), line("invoice", "-1", "-1000", "-600")],
        [line("invoice", "10", "1000", "600"), line("invoice", "0", "0", "-45")],
        [line("credit_note", "0", "-50", "")],
        [line("credit_note", "-1", "-100", "-60"), line("credit_note", "1", "30", "", "fee")],
        [line("invoice", "1", "300", "100"), line("invoice", "1", "-100", "", "discount")],
        [line("invoice", "1", "0", "0"), line("credit_note", "-1", "0", "0")],
        [line("credit_note", "1", "-500", "", "discount"), line("credit_note", "-1", "-50", "", "freight_charge")],
        [line("invoice", "1", "-50", "", "deposit")],
    ],
    ids=["returns alone", "cancelled line", "cost adjusted", "price corrected", "fee kept", "discount", "nothing",
         "given later", "bottles come back"],
)  # fmt: skip
def test_what_only_looks_turned_passes(tmp_path: Path, lines: list[Line]) -> None:
    assert turned(tmp_path, lines) == []


@pytest.mark.parametrize("case", ["01-margins", "02-positive-credit-memos", "09-combined"])
def test_the_field_cases(tmp_path: Path, case: str) -> None:
    shutil.copytree(field_case(case), tmp_path / "case")
    found = named(Workspace(tmp_path / "case"))
    columns = ("cost_amount", "net_amount", "quantity")
    assert found == (
        [] if case == "01-margins" else [f"kreditnotalinjer.csv: {column}" for column in columns]
    )


AMOUNTS = """
    sales_lines:
      - files: s.csv
        format: {{type: csv}}
        columns: {{document_no: doc, document_type: type, posting_date: day, quantity: qty, {columns}}}
"""


@pytest.mark.parametrize(
    ("columns", "lines", "found"),
    [
        # List and net swapped: the higher amount is the net one.
        ("list_amount: one, net_amount: other", ["invoice,1,90,100", "credit_note,-1,-90,-90"], ["discount_amount"]),
        ("list_amount: one, net_amount: other", ["credit_note,-1,-90,-100"], ["discount_amount"]),
        ("net_amount: one, discount_amount: other", ["invoice,1,90,-10", "invoice,1,90,0"], ["discount_amount"]),
        ("net_amount: one, list_amount: other", ["invoice,1,90,-100"], ["discount_amount", "list_amount"]),
        ("discount_amount: one, list_amount: other", ["credit_note,-1,10,-100"], ["discount_amount"]),
        ("net_amount: one, discount_amount: other", ["invoice,1,90,10", "invoice,1,110,-20"], []),
        ("net_amount: one, discount_amount: other", ["invoice,1,90,20", "invoice,1,5,-1", "invoice,1,5,-1"], []),
    ],
    ids=["swapped", "swapped credit note", "discount turned", "list turned", "credit turned", "one surcharge", "small surcharges"],
)  # fmt: skip
def test_list_and_discount_have_their_sign(
    tmp_path: Path, columns: str, lines: list[str], found: list[str]
) -> None:
    rows = "".join(f"D{number},2025-01-02,{line}\n" for number, line in enumerate(lines))
    content = f"doc,day,type,qty,one,other\n{rows}"
    workspace = workspace_of(tmp_path, AMOUNTS.format(columns=columns), {"s.csv": content})
    assert named(workspace) == [f"s.csv: {column}" for column in found]


@pytest.mark.parametrize(
    ("expression", "parted", "found"),
    [
        ("net_amount: '-number(net)'", "cust <> 'C'", ["net_amount"]),
        ("net_amount: number(net), quantity: '-number(qty)'", "cust = 'D'", ["quantity"]),
        ("net_amount: number(net)", "cust <> 'C'", []),
    ],
)
def test_a_source_that_shares_its_file_hides_behind_no_other(
    tmp_path: Path, expression: str, parted: str, found: list[str]
) -> None:
    feeds = f"""
    sales_lines:
      - files: s.csv
        format: {{type: csv}}
        columns: {{document_no: doc, document_type: type, posting_date: day, quantity: qty, net_amount: net}}
        values: {{discount_amount: "0"}}
        where: cust = 'C'
        shares_files: parted by cust
      - files: s.csv
        format: {{type: csv}}
        columns: {{document_no: doc, document_type: type, posting_date: day{"" if "quantity" in expression else ", quantity: qty"}}}
        values: {{discount_amount: "0"}}
        expressions: {{{expression}}}
        where: {parted}
        shares_files: parted by cust
    """
    rows = ["1,invoice,C,1,1000", "2,invoice,C,1,1000", "3,invoice,D,1,100"]
    content = "doc,type,cust,qty,net,day\n" + "".join(f"{row},2025-01-02\n" for row in rows)
    source = "s.csv (feeds.yaml: sales_lines, source 2)"
    assert named(workspace_of(tmp_path, feeds, {"s.csv": content})) == [f"{source}: {each}" for each in found]


SHEETS = {
    "sales_lines": (
        "document_no line_no document_type posting_date quantity net_amount discount_amount",
        [
            ["A", "1", "invoice", "2025-01-02", 1, 100, 0],
            ["B", "1", "credit_note", "2025-01-02", -2, -900, 0],
        ],
        [["C", "1", "invoice", "2025-02-02", 1, 100, 0], ["D", "1", "credit_note", "2025-02-02", 1, 300, 0]],
        ["net_amount", "quantity"],
    ),
    "customer_costs": (
        "cost_no posting_date customer_id cost_type amount",
        [["1", "2025-01-02", "X", "freight", 900], ["2", "2025-01-03", "X", "freight", 900]],
        [["3", "2025-02-02", "X", "freight", -10], ["4", "2025-02-03", "X", "freight", -20]],
        ["amount"],
    ),
    "product_costs": (
        "product_id valid_from unit_cost",
        [["P", "2025-01-01", 5]],
        [["Q", "2025-01-01", -5]],
        ["unit_cost"],
    ),
}


@pytest.mark.parametrize("first", ["right", "turned"])
@pytest.mark.parametrize("feed", SHEETS)
def test_a_sheet_hides_behind_no_other_of_its_workbook(tmp_path: Path, feed: str, first: str) -> None:
    header, right, turned_rows, found = SHEETS[feed]
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        for name in ("right", "turned") if first == "right" else ("turned", "right"):
            sheet = book.add_worksheet(name)
            for place, row in enumerate([header.split(), *(right if name == "right" else turned_rows)]):
                sheet.write_row(place, 0, row)
    columns = ", ".join(f"{column}: {column}" for column in header.split())
    source = f"""
      - files: bog.xlsx
        format: {{type: xlsx, sheet: SHEET}}
        columns: {{{columns}}}
        shares_files: a sheet each"""
    feeds = f"    {feed}:" + "".join(source.replace("SHEET", name) for name in ("right", "turned"))
    files: dict[str, str | bytes] = {"bog.xlsx": content.getvalue()}
    if feed != "sales_lines":
        feeds += "\n    sales_lines:" + SOURCE.format(files="right.csv", type="csv")
        files["right.csv"] = as_csv(RIGHT)
    of_the_turned = f"bog.xlsx (feeds.yaml: {feed}, source 2)"
    assert named(workspace_of(tmp_path, feeds, files), feed) == [f"{of_the_turned}: {each}" for each in found]


@pytest.mark.parametrize(
    ("feed", "header", "right", "lines", "found"),
    [
        ("customer_costs", "cost_no,posting_date,customer_id,cost_type,amount", "1,2025-01-02,A,freight,1000",
         ["2,2025-01-02,B,freight,-10", "3,2025-01-03,B,freight,-20"], ["amount"]),
        ("customer_costs", "cost_no,posting_date,customer_id,cost_type,amount", "1,2025-01-02,A,bonus,1000",
         ["2,2025-01-02,B,freight,1000", "3,2025-01-03,B,bonus,-20"], ["amount"]),
        ("product_costs", "product_id,valid_from,unit_cost", "A,2025-01-02,10", ["B,2025-01-01,-50"], ["unit_cost"]),
        ("product_costs", "product_id,valid_from,unit_cost", "A,2025-01-02,10",
         ["NEG,2024-01-01,-50", "PN,2024-01-01,5", "PO,2024-01-01,500"], ["unit_cost"]),
        ("customer_costs", "cost_no,posting_date,customer_id,cost_type,amount", "1,2025-01-02,A,freight,1000",
         ["2,2025-01-02,B,bonus,-900", "3,2025-01-03,B,bonus,20", "4,2025-01-03,B,bonus,20"], []),
        ("receivables", "document_no,customer_id,invoice_date,amount", "1,A,2025-01-02,1000",
         ["2,B,2025-01-02,-100", "3,B,2025-01-03,-100"], ["amount"]),
        ("receivables", "document_no,customer_id,invoice_date,amount", "1,A,2025-01-02,1000",
         ["2,B,2025-01-02,-100", "3,B,2025-01-03,60", "4,B,2025-01-03,60"], []),
    ],
    ids=["freight", "one type", "unit cost", "one unit cost", "a large correction", "receivables", "a credit note"],
)  # fmt: skip
def test_costs_and_receivables_are_positive_in_every_file(
    tmp_path: Path, feed: str, header: str, right: str, lines: list[str], found: list[str]
) -> None:
    columns = ", ".join(f"{column}: {column}" for column in header.split(","))
    source = "      - {files: %s.csv, format: {type: csv}, columns: {" + columns + "}}\n"
    feeds = f"    {feed}:\n" + source % "one" + source % "other"
    feeds += "    sales_lines:" + SOURCE.format(files="right.csv", type="csv")
    files: dict[str, str | bytes] = {
        "right.csv": as_csv(RIGHT),
        "one.csv": f"{header}\n{right}\n",
        "other.csv": "\n".join([header, *lines, ""]),
    }
    assert named(workspace_of(tmp_path, feeds, files), feed) == [f"other.csv: {each}" for each in found]
