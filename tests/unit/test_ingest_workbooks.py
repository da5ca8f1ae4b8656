"""Workbooks that are not as Excel saves them: cells without a value, sheets without end, files that attack.

What ordinary workbooks give belongs in test_ingest_formats.
"""

from __future__ import annotations

import io
import json
import shutil
import time
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from field_cases import field_case
from ruamel.yaml import YAML
from small_intake import SALES_HEADER, problems_of, rest, taken, workspace_of
from small_workbooks import MAIN, cell, row, workbook

from kunderegnskab.ingest.rejects import reject_problems
from kunderegnskab.workspace import Workspace

FEEDS = """
sales_lines:
  - files: salg.xlsx
    format: {type: xlsx, decimal: ","}
    columns: {document_no: doc, document_type: type, posting_date: day, quantity: qty, net_amount: net,
      discount_amount: disc, currency: cur}
"""
HEADER = [*SALES_HEADER.split(","), "cur"]
GOOD = ["F1", "invoice", "2025-01-31", "2", "10", "0", "DKK"]


def rows_with(more: str, good: int = 1) -> str:
    lines = [row(1, HEADER), *(row(n, [f"F{n}", *GOOD[1:]]) for n in range(2, 2 + good))]
    return "".join([*lines, row(2 + good, [f"F{2 + good}", *GOOD[1:]], more)])


# --- cells whose value nobody knows -----------------------------------------------------------------------
NOT_COMPUTED = {
    "openpyxl": '<c r="{}"><f>1+1</f><v></v></c>',
    "empty element": '<c r="{}"><f>1+1</f><v/></c>',
    "no element": '<c r="{}"><f>1+1</f></c>',
    "text without a value": '<c r="{}" t="str"><f>A1</f></c>',
    "shared": '<c r="{}"><f t="shared" si="0"/></c>',
    "array": '<c r="{}"><f t="array" ref="A1:A2">B1:B2</f></c>',
    "styled": '<c r="{}" s="0"><f>1+1</f><v/></c>',
}


@pytest.mark.parametrize("form", NOT_COMPUTED)
@pytest.mark.parametrize("column", HEADER)
def test_a_formula_that_was_never_computed_is_refused_in_every_mapped_column(tmp_path, form, column):
    place = f"{chr(ord('A') + HEADER.index(column))}3"
    content = workbook(rows_with(NOT_COMPUTED[form].format(place)))
    result = taken(workspace_of(tmp_path, FEEDS, {"salg.xlsx": content}))
    assert result.values("select document_no from raw.sales_lines") == ["F2"]
    (problem,) = reject_problems(result.con, limit=9)
    assert problem.sentence() == (
        f"landing/salg.xlsx, sheet 'Salg', record 3, column {column}: salg.xlsx!Salg!{place} is a formula without a stored value; "
        "open the workbook in Excel so that it computes, correct what it shows, save and deliver it again, or allow "
        "it with allow_rejects in feeds.yaml."
    )


@pytest.mark.parametrize("column", ["doc", "net", "cur"])
def test_an_error_is_refused_in_every_mapped_column(tmp_path, column):
    place = f"{chr(ord('A') + HEADER.index(column))}3"
    content = workbook(rows_with(f'<c r="{place}" t="e"><f>NA()</f><v>#N/A</v></c>'))
    result = taken(workspace_of(tmp_path, FEEDS, {"salg.xlsx": content}))
    (problem,) = reject_problems(result.con, limit=9)
    assert f"column {column}: '#N/A' is the error that salg.xlsx!Salg!{place} shows; " in problem.sentence()


@pytest.mark.parametrize(
    "expression",
    [
        """currency: "coalesce(nullif(cur, ''), 'DKK')" """,
        "currency: \"case when cur = 'x' then 'EUR' else 'DKK' end\"",
    ],
)
def test_an_expression_does_not_hide_an_unknown_value(tmp_path, expression):
    feeds = FEEDS.replace(", currency: cur", "") + f"    expressions: {{{expression}}}\n"
    content = workbook(rows_with(NOT_COMPUTED["openpyxl"].format("G3")))
    result = taken(workspace_of(tmp_path, feeds, {"salg.xlsx": content}))
    assert [reject[:2] for reject in result.rejects] == [(3, "cur")]


def test_a_condition_does_not_leave_out_what_cannot_be_known(tmp_path):
    feeds = FEEDS + "    where: cur = 'DKK'\n"
    content = workbook(rows_with(NOT_COMPUTED["openpyxl"].format("G3")))
    result = taken(workspace_of(tmp_path, feeds, {"salg.xlsx": content}))
    assert [reject[:2] for reject in result.rejects] == [(3, "cur")]


def test_total_rows_are_left_out_whatever_their_sums_are(tmp_path):
    feeds = FEEDS + "    total_rows: {column: doc, words: [I alt]}\n"
    total = row(3, ["I alt"], NOT_COMPUTED["openpyxl"].format("E3"))
    content = workbook(rows_with("").replace(row(3, ["F3", *GOOD[1:]]), total))
    result = taken(workspace_of(tmp_path, feeds, {"salg.xlsx": content}))
    assert result.rows("select source_record, reason from raw.left_out") == [(3, "total row")]
    assert result.rejects == []


def test_a_lookup_with_an_unknown_value_is_refused(tmp_path):
    feeds = FEEDS.replace(", currency: cur", ", currency: valuta.kode") + (
        "    lookups: {valuta: {files: valuta.xlsx, format: {type: xlsx}, key: nr, source_column: cur}}\n"
    )
    rows = row(1, ["nr", "kode"]) + row(2, ["DKK"], NOT_COMPUTED["openpyxl"].format("B2"))
    files = {"salg.xlsx": workbook(rows_with("")), "valuta.xlsx": workbook(rows)}
    result = taken(workspace_of(tmp_path, feeds, files))
    assert [reject[1] for reject in result.rejects] == ["valuta.kode"] * 2
    assert "valuta.xlsx!Salg!B2 is a formula without a stored value" in result.rejects[0][3]


def test_what_nobody_asks_for_may_be_unknown(tmp_path):
    content = workbook(rows_with(NOT_COMPUTED["openpyxl"].format("H3")))
    result = taken(workspace_of(tmp_path, FEEDS, {"salg.xlsx": content}))
    assert result.values("select document_no from raw.sales_lines order by 1") == ["F2", "F3"]


def test_a_formula_that_gives_empty_text_is_computed(tmp_path):
    content = workbook(rows_with('<c r="G3" t="str"><f>IF(1=1,"","x")</f><v></v></c>'))
    result = taken(workspace_of(tmp_path, FEEDS, {"salg.xlsx": content}))
    assert result.values("select currency from raw.sales_lines order by document_no") == ["DKK", None]


# --- merged cells ----------------------------------------------------------------------------------------
def workbook_of(lines: list[list[str]], *merged: str) -> bytes:
    """A workbook as openpyxl writes it, with the header of HEADER in row 1 and these ranges merged."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Salg"
    for line in [HEADER, *lines]:
        sheet.append(line)
    for cells in merged:
        sheet.merge_cells(cells)
    with io.BytesIO() as out:
        book.save(out)
        return out.getvalue()


LINES = [[f"F{number}", *GOOD[1:]] for number in (2, 3, 4, 5)]


@pytest.mark.parametrize(
    ("merged", "refused"),
    [
        ("G2:G4", {3: ("cur", "G3"), 4: ("cur", "G4")}),  # down, as one value for several records
        ("A4:A5", {5: ("doc", "A5")}),
        ("E3:F3", {3: ("disc", "F3")}),  # across
        ("F3:G4", {3: ("cur", "G3"), 4: ("disc", "F4")}),
        ("G1:G2", {2: ("cur", "G2")}),  # from the header down
    ],
)
def test_a_record_within_merged_cells_is_refused_by_cell(tmp_path, merged, refused):
    content = workbook_of(LINES, merged)
    result = taken(workspace_of(tmp_path, FEEDS, {"salg.xlsx": content}))
    found = {record: (column, reason) for record, column, _, reason in result.rejects}
    assert found == {
        record: (
            column,
            f"salg.xlsx!Salg!{place} is part of the merged cells {merged}, of which only the first has a value",
        )
        for record, (column, place) in refused.items()
    }
    (problem, *_) = reject_problems(result.con, 10)
    assert "unmerge the cells, write the value into each of them" in problem.sentence()


@pytest.mark.parametrize("merged", ["H2:H5", "A7:G7", "B7:G9"])
def test_merged_cells_of_no_record_or_mapped_column_are_no_matter(tmp_path, merged):
    lines = [[*line, "note"] for line in LINES] + [[], ["I alt"]]
    feeds = FEEDS + "    total_rows: {column: doc, words: [I alt]}\n"
    result = taken(workspace_of(tmp_path, feeds, {"salg.xlsx": workbook_of(lines, merged)}))
    assert result.rejects == []
    assert len(result.values("select document_no from raw.sales_lines")) == 4


def test_merged_cells_without_a_value_are_empty(tmp_path):
    lines = [line[:-1] for line in LINES]
    result = taken(workspace_of(tmp_path, FEEDS, {"salg.xlsx": workbook_of(lines, "G2:G4")}))
    assert result.rejects == []
    assert result.values("select distinct currency from raw.sales_lines") == [None]


def test_text_is_what_was_written(tmp_path):
    rich = '<c r="G3" t="inlineStr"><is><r><t>E</t></r><r><t xml:space="preserve">UR</t></r></is></c>'
    content = workbook(rows_with(rich).replace(">F2<", ">a_x000A_b_x005F_x000A_c<"))
    result = taken(workspace_of(tmp_path, FEEDS, {"salg.xlsx": content}))
    assert result.rows("select document_no, currency from raw.sales_lines order by 1") == [
        ("F3", "EUR"),
        ("a\nb_x000A_c", "DKK"),
    ]


def test_a_header_that_was_never_computed_names_no_column(tmp_path):
    rows = rows_with("").replace(row(1, HEADER), row(1, HEADER, NOT_COMPUTED["openpyxl"].format("G1")))
    (sentence,) = problems_of(workspace_of(tmp_path, FEEDS, {"salg.xlsx": workbook(rows)}))
    assert sentence.startswith(
        "landing/salg.xlsx, column cur: the column is missing, the file has doc, type, day, qty, net, disc; "
    )


# --- sheets without end -----------------------------------------------------------------------------------
def test_a_sheet_that_declares_all_there_is_is_read_as_what_it_has(tmp_path):
    content = workbook(rows_with(""), dimension="A1:XFD1048576")
    result = taken(workspace_of(tmp_path, FEEDS, {"salg.xlsx": content}))
    assert result.rows("select records_read, records_loaded from raw.files") == [(2, 2)]


@pytest.mark.parametrize("more", [cell("XFD1048576", "x"), '<c r="XFD1048576"/>', '<c r="A1048576" s="0"/>'])
def test_a_cell_at_the_end_of_the_sheet_is_no_matter_of_memory_or_hours(tmp_path, more):
    content = workbook(rows_with("") + f'<row r="1048576">{more}</row>', dimension="A1:XFD1048576")
    began = time.monotonic()
    result = taken(workspace_of(tmp_path, FEEDS, {"salg.xlsx": content}))
    assert time.monotonic() - began < 120
    assert result.values("select document_no from raw.sales_lines order by 1") == ["F2", "F3"]
    (counts,) = result.rows("select records_read, records_loaded, records_left_out from raw.files")
    assert counts == ((1048575, 2, 1048573) if "<t>" in more else (2, 2, 0))


def test_a_header_as_wide_as_a_sheet_can_be(tmp_path):
    content = workbook(rows_with("").replace("</row>", cell("XFD1", "sidste") + "</row>", 1))
    result = taken(workspace_of(tmp_path, FEEDS, {"salg.xlsx": content}))
    assert result.values("select records_loaded from raw.files") == [2]


# --- files that attack, and damaged ones ------------------------------------------------------------------
UNREADABLE = "landing/salg.xlsx: is not a readable Excel workbook; save it again as .xlsx and deliver it."
TOO_LARGE = (
    "landing/salg.xlsx: is too large for a workbook, or says so; save its sheet as csv, deliver that, and "
    "declare it in feeds.yaml."
)
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "{}">]>'.format("&a;" * 1000)
ATTACKS = {
    "entities": (workbook(rows_with("").replace("DKK", "&b;"), before=LAUGHS), UNREADABLE),
    "a file from outside": (
        workbook(
            rows_with("").replace("DKK", "&b;"),
            before='<!DOCTYPE x [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
        ),
        UNREADABLE,
    ),
    "entities in the styles": (
        workbook(rows_with(""), **{"xl/styles.xml": f'{LAUGHS}<styleSheet xmlns="{MAIN}">&b;</styleSheet>'}),
        UNREADABLE,
    ),
    "a sheet of 1.1 GB, by its own account": (workbook("", declared=1_100 << 20), TOO_LARGE),
    "styles of 40 MB": (
        workbook(
            rows_with(""), **{"xl/styles.xml": f'<styleSheet xmlns="{MAIN}">{" " * (40 << 20)}</styleSheet>'}
        ),
        TOO_LARGE,
    ),
    "a row of a million cells": (workbook(f'<row r="1">{"<c/>" * 1_000_000}</row>'), TOO_LARGE),
    "a million elements in each other": (workbook("<row>" * 1_000_000), TOO_LARGE),
    "row numbers beyond the sheet": (workbook(rows_with("") + '<row r="99999999999"><c/></row>'), UNREADABLE),
    "a row twice": (workbook(rows_with("") + row(3, GOOD)), UNREADABLE),
    "a cell twice": (workbook(rows_with(cell("A3", "F9") + cell("A3", "F8"))), UNREADABLE),
    "a cell in another row": (workbook(rows_with("").replace('r="A3"', 'r="A2"')), UNREADABLE),
    "no number": (workbook(rows_with('<c r="E3"><v>1,5</v></c>')), UNREADABLE),
    "a string that is not there": (workbook(rows_with('<c r="E3" t="s"><v>7</v></c>')), UNREADABLE),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_workbook_that_attacks_is_refused(tmp_path, monkeypatch, attack):
    content, sentence = ATTACKS[attack]
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    workspace = workspace_of(tmp_path / "w", FEEDS, {"salg.xlsx": content})
    assert problems_of(workspace) == [sentence]
    assert list(scratch.iterdir()) == []
    assert list(workspace.lake.rglob("*.parquet")) == []


# --- the case from the field ------------------------------------------------------------------------------
def test_the_workbook_from_the_field(tmp_path):
    root = shutil.copytree(field_case("06-xlsx"), tmp_path / "w")
    for path in root.rglob("*"):
        rest(path)
    result = taken(Workspace(root))
    assert result.rows(
        "select document_no, posting_date, customer_id, net_amount from raw.sales_lines order by 1"
    ) == [
        ("X1", date(2025, 1, 10), "00123", Decimal("1000.5")),
        ("X2", date(2025, 1, 11), "00123", Decimal("1234.5")),
        ("X4", date(2025, 1, 13), "00123", Decimal("0.3")),
        ("X5", date(2025, 1, 14), "00123", Decimal("57.7")),
        ("X6", date(2025, 1, 15), "123", Decimal("100")),
    ]
    assert [reject[:3] for reject in result.rejects] == [
        (4, "Dato", "45669"),
        (8, "Netto", None),
        (9, "Netto", "1234,123456789"),
    ]
    assert "salg.xlsx!Salg!F8 is a formula without a stored value" in result.rejects[1][3]


def test_the_workbook_of_the_combined_case(tmp_path):
    case = field_case("09-combined")
    mapping = YAML(typ="safe").load((case / "feeds.yaml").read_text(encoding="utf-8"))
    (source,) = [each for each in mapping["sales_lines"] if each["files"] == "ark.xlsx"]
    files = {"ark.xlsx": (case / "landing" / "ark.xlsx").read_bytes()}
    result = taken(workspace_of(tmp_path, json.dumps({"sales_lines": [source]}), files))
    assert result.rows(
        "select document_no, posting_date, customer_id, net_amount from raw.sales_lines order by 1"
    ) == [
        ("X1", date(2025, 1, 10), "00123", Decimal("1000.5")),
        ("X2", date(2025, 1, 11), "00123", Decimal("1234.5")),
        ("X3", date(2025, 1, 12), "00123", Decimal("1000")),
        ("X4", date(2025, 1, 13), "00123", Decimal("0.3")),
        ("X5", date(2025, 1, 14), "00123", Decimal("57.7")),
        ("X6", date(2025, 1, 15), "123", Decimal("100")),
    ]
    assert [reject[:2] for reject in result.rejects] == [(8, "Netto"), (9, "Netto")]
    assert "ark.xlsx!Salg!F8 is a formula without a stored value" in result.rejects[0][3]


# The parts of a workbook that are read for its values; others (theme, properties) are not opened.
READ_PARTS = (
    "[Content_Types].xml",
    "xl/workbook.xml",
    "xl/_rels/workbook.xml.rels",
    "xl/styles.xml",
    "xl/sharedStrings.xml",
    "xl/worksheets/sheet1.xml",
)
STRINGS_TYPE = (
    b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument'
    b'.spreadsheetml.sharedStrings+xml"/>'
)
ENTITIES = {
    "a bomb": LAUGHS,
    "a file from outside": '<!DOCTYPE x [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
    "a server": '<!DOCTYPE x [<!ENTITY b SYSTEM "http://127.0.0.1:9/b">]>',
    "parameters": '<!DOCTYPE x [<!ENTITY % b SYSTEM "file:///etc/passwd"> %b;]>',
}


@pytest.mark.parametrize("entity", ENTITIES)
def test_no_part_of_a_workbook_may_declare_entities(tmp_path: Path, entity: str) -> None:
    """Also where none is used: who declares one wants something else than to deliver figures."""
    book = openpyxl.Workbook()
    book.active.title = "Salg"
    for line in (HEADER, GOOD):
        book.active.append(line)
    saved, plain = io.BytesIO(), io.BytesIO()
    book.save(saved)
    # As Excel does, and openpyxl does not, it keeps strings in a part of their own.
    with zipfile.ZipFile(saved) as made, zipfile.ZipFile(plain, "w") as packed:
        for name in made.namelist():
            packed.writestr(name, made.read(name).replace(b"</Types>", STRINGS_TYPE + b"</Types>"))
        packed.writestr("xl/sharedStrings.xml", f'<?xml version="1.0"?><sst xmlns="{MAIN}"/>')
    assert problems_of(workspace_of(tmp_path / "plain", FEEDS, {"salg.xlsx": plain.getvalue()})) == []
    for number, part in enumerate(READ_PARTS):
        attacked = with_declaration(plain, part, ENTITIES[entity])
        workspace = workspace_of(tmp_path / str(number), FEEDS, {"salg.xlsx": attacked})
        assert problems_of(workspace) == [UNREADABLE], part


def with_declaration(content: io.BytesIO, part: str, declaration: str) -> bytes:
    """A workbook with a declaration at the beginning of one part."""
    changed = io.BytesIO()
    with zipfile.ZipFile(content) as made, zipfile.ZipFile(changed, "w") as packed:
        assert part in made.namelist()
        for name in made.namelist():
            before, sign, after = made.read(name).decode("utf-8").rpartition("?>")
            told = declaration if name == part else ""
            packed.writestr(name, f"{before}{sign}{told}{after}")
    return changed.getvalue()


def test_workbooks_are_parsed_by_what_refuses_entities() -> None:
    """openpyxl takes it where it is installed, unless lxml is, which would resolve none but not refuse either."""
    assert openpyxl.DEFUSEDXML
    assert not openpyxl.LXML
