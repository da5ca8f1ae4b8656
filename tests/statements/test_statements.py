"""Customers' statements on paper and in Excel: what stands on them is what is published, for every customer."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import openpyxl
import pytest
from pypdf import PdfReader
from statements_formulas import Recomputed

from kunderegnskab.months import months_on
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.reading.accounts import CustomerAccount, customer_account
from kunderegnskab.reading.reader import Reader
from kunderegnskab.reading.visits import customers_with_accounts
from kunderegnskab.statements import customer, workbook
from kunderegnskab.statements.common import Writing
from kunderegnskab.statements.files import file_names, write_statements
from kunderegnskab.statements.paper import Paper

TOP = 6  # the first line's row on the sheet of the account
NAMES = [
    "=1+1",
    "@SUM(A1)",
    "#panic() $x$ *b* _i_ @ref <label> \\ // /* [x]",
    '"; drop table x; --',
    "a" * 300,
    "Ærø \u202egnirts",
    "上海公司 שלום 😀",
]


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def some_customers(reader: Reader) -> list[str]:
    """Who leaves least and most, and one of each segment that is no class: new, lost, inside the group."""
    return [
        row["customer_id"]
        for row in reader.rows(
            """
            select customer_id from marts.customer_segments
            inner join marts.customer_accounts using (customer_id, month)
            where month = $month
            qualify (
                    size_class is null and not starts_with(segment, '(')
                    and row_number() over (partition by segment order by net_sales_r12 desc, customer_id) = 1
                )
                or row_number() over (order by db3_r12, customer_id) = 1
                or row_number() over (order by db3_r12 desc, customer_id) = 1
            order by customer_id
            """,
            {"month": reader.last_month},
        )
    ]


def published(reader: Reader, customer_id: str, months_before: int) -> dict[str, Decimal]:
    """What the customer's lines come to over twelve months, by code, asked of the rows of accounts."""
    return {
        row["line_code"]: row["amount"]
        for row in reader.rows(
            """
            select line_code, sum(case when line_kind = 'subtotal' then amount else sign * amount end) as amount
            from marts.customer_account_lines inner join audit.ladder using (line_code)
            where customer_id = ? and month > cast(? as date) - to_months(cast(? as integer))
                and month <= cast(? as date) - to_months(cast(? as integer))
            group by line_code
            """,
            [customer_id, reader.last_month, 12 + months_before, reader.last_month, months_before],
        )
    }


def with_name(found: CustomerAccount, name: str) -> CustomerAccount:
    return replace(found, customer={**found.customer, "customer_name": name})


# --- paper --------------------------------------------------------------------------------------------
def test_the_account_on_paper_is_the_published_one(reader: Reader, writing: Writing):
    for customer_id in some_customers(reader):
        found = customer_account(reader, customer_id, writing.code)
        content = customer.content(reader, found, writing)
        now, before = published(reader, customer_id, 0), published(reader, customer_id, 12)
        rows = {
            line.code: row for line, row in zip(found.account.lines, content["account"]["rows"], strict=True)
        }
        assert rows
        for code, row in rows.items():
            amount, compared = now.get(code, Decimal(0)), before.get(code, Decimal(0))
            assert row["amount"] == writing.language.whole(amount)
            assert row["before"] == writing.language.whole(compared)
            assert row["change"] == writing.language.change(amount - compared)
            share = amount / now["K30"] if now.get("K30", 0) > 0 else None
            assert row["share"] == writing.language.percent(share)
        worth = reader.row(
            "select sum(worth) as worth from marts.customer_actions where customer_id = ?", [customer_id]
        )
        assert worth is not None
        assert content["actions"]["total"] == writing.amount(worth["worth"] or Decimal(0))


def test_a_bar_begins_where_the_one_before_it_ends(reader: Reader):
    """Of a waterfall: costs hang on what is left, subtotals stand on nothing."""
    writing = Writing(reader.publication, "da")
    for customer_id in some_customers(reader):
        table = customer.content(reader, customer_account(reader, customer_id, "da"), writing)["account"]
        reached = table["zero"]
        for row in table["rows"]:
            assert 0 <= row["from"] <= row["to"] <= 1
            ends = [row["from"], row["to"]]
            begun = table["zero"] if row["is_subtotal"] else reached
            assert min(abs(end - begun) for end in ends) < 2e-5, row
            ends.remove(min(ends, key=lambda end: abs(end - begun)))
            if row["is_subtotal"]:
                assert abs(ends[0] - reached) < 2e-5, row
            (reached,) = ends


def test_a_statement_is_one_page_for_archives_that_says_what_it_was_made_of(reader: Reader, writing: Writing):
    paper = Paper()
    for customer_id in some_customers(reader):
        found = customer_account(reader, customer_id, writing.code)
        made = paper.pdf("customer", customer.content(reader, found, writing))
        text, read = text_of(made), PdfReader(io.BytesIO(made))
        assert len(read.pages) == 1, customer_id
        assert read.metadata is not None
        assert read.metadata.creation_date == reader.publication.manifest.published_at.replace(microsecond=0)
        assert reader.publication.head in text
        assert {"da": "Side 1 af 1", "en": "Page 1 of 1"}[writing.code] in text
        assert found.customer["customer_name"].split(",")[0] in text.replace("\n", " ")
        assert b"<pdfaid:part>2</pdfaid:part>" in made
        assert b"<pdfuaid:part>1</pdfuaid:part>" in made


def test_the_same_statement_has_the_same_bytes_whatever_was_made_before(reader: Reader, tmp_path: Path):
    writing = Writing(reader.publication, "da")
    ids = some_customers(reader)
    together = write_statements(reader, writing, ids, tmp_path, "both")
    assert len(together) == 2 * len(ids)
    for customer_id in ids:
        found = customer_account(reader, customer_id, "da")
        alone = Paper().pdf("customer", customer.content(reader, found, writing))
        name = file_names([customer_id], "statement")[customer_id]
        assert (tmp_path / f"{name}.pdf").read_bytes() == alone
        assert (tmp_path / f"{name}.xlsx").read_bytes() == workbook.statement(reader, found, writing)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in together}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_text_wherever_it_stands(reader: Reader, name: str):
    writing = Writing(reader.publication, "en")
    found = with_name(customer_account(reader, some_customers(reader)[0], "en"), name)
    made = Paper().pdf("customer", customer.content(reader, found, writing))
    shown = name.replace("\u202e", "\\u202e")
    if "上" not in name:
        assert "".join(shown.split()) in "".join(text_of(made).split())
    book = openpyxl.load_workbook(io.BytesIO(workbook.statement(reader, found, writing)))
    cell = book.worksheets[0]["A1"]
    assert (cell.value, cell.data_type) == (shown, "s")


def test_what_no_font_has_is_a_box_and_no_failure(reader: Reader):
    """Both standards ask for every sign, so such a paper keeps to none."""
    writing = Writing(reader.publication, "da")
    found = with_name(customer_account(reader, some_customers(reader)[0], "da"), "上海公司")
    made = Paper().pdf("customer", customer.content(reader, found, writing))
    assert b"pdfaid" not in made
    assert reader.publication.head in text_of(made)


def test_a_fault_of_the_template_is_not_hidden():
    with pytest.raises(RuntimeError, match="does not contain key"):
        Paper().pdf("customer", {"made_at": 0})


# --- workbook -----------------------------------------------------------------------------------------
def test_formulas_recompute_to_the_published_oere(reader: Reader, writing: Writing):
    account, trace = (writing.word(key) for key in ("sheet_account", "sheet_trace"))
    for customer_id in some_customers(reader):
        found = customer_account(reader, customer_id, writing.code)
        book = Recomputed(workbook.statement(reader, found, writing))
        now, before = published(reader, customer_id, 0), published(reader, customer_id, 12)
        for row, line in enumerate(found.account.lines, TOP):
            amount, compared = now.get(line.code, Decimal(0)), before.get(line.code, Decimal(0))
            assert book.book[account][f"A{row}"].value == line.code
            assert book.at(account, f"C{row}") == amount, (customer_id, line.code)
            assert book.at(account, f"E{row}") == compared, (customer_id, line.code)
            assert book.at(account, f"G{row}") == amount - compared
            share = book.at(account, f"D{row}")
            assert (share is None) == (now.get("K30", Decimal(0)) <= 0)
            if share is not None:
                assert share == amount / now["K30"]
            for column in "CEG":
                assert book.book[account][f"{column}{row}"].data_type == "f"
        bottom = book.book[trace].max_row
        differences = [
            book.at(trace, f"D{row}") for row in range(bottom - len(found.account.lines) + 1, bottom + 1)
        ]
        assert differences == [0] * len(found.account.lines)


def test_every_month_adds_up_to_what_is_published(reader: Reader):
    writing = Writing(reader.publication, "da")
    (customer_id,) = some_customers(reader)[:1]
    found = customer_account(reader, customer_id, "da")
    book = Recomputed(workbook.statement(reader, found, writing))
    months = writing.word("sheet_months")
    by_month = {row["month"]: row for row in found.months}
    sheet = book.book[months]
    for number in range(12):
        month = months_on(found.account.first_month, number)
        column = sheet.cell(1, 3 + number).column_letter
        for row, line in enumerate(found.account.lines, 4):
            amount = by_month[month][line.column] if month in by_month else Decimal(0)
            assert book.at(months, f"{column}{row}") == (amount if line.is_subtotal else line.sign * amount)


def test_a_workbook_shows_its_numbers_without_being_computed(reader: Reader):
    writing = Writing(reader.publication, "da")
    (customer_id,) = some_customers(reader)[:1]
    found = customer_account(reader, customer_id, "da")
    book = openpyxl.load_workbook(io.BytesIO(workbook.statement(reader, found, writing)), data_only=True)
    for row, line in enumerate(found.account.lines, TOP):
        assert book.worksheets[0][f"C{row}"].value == pytest.approx(float(line.effect), abs=1e-6)
    assert book.properties.created == reader.publication.manifest.published_at.replace(
        tzinfo=None, microsecond=0
    )


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_computes_the_same(reader: Reader, tmp_path: Path):
    writing = Writing(reader.publication, "da")
    ids = some_customers(reader)
    files = write_statements(reader, writing, ids, tmp_path, "xlsx")
    for file in files:
        # What is noted beside the formulas must not help.
        book = openpyxl.load_workbook(file)
        book.save(file)
    subprocess.run(
        [
            *("soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile"),
            *("--convert-to", "xlsx", "--outdir", str(tmp_path / "computed"), *map(str, files)),
        ],
        check=True,
        capture_output=True,
        timeout=300,
    )
    for customer_id, file in zip(ids, files, strict=True):
        book = openpyxl.load_workbook(tmp_path / "computed" / file.name, data_only=True)
        now, before = published(reader, customer_id, 0), published(reader, customer_id, 12)
        for row, line in enumerate(customer_account(reader, customer_id, "da").account.lines, TOP):
            for column, amounts in (("C", now), ("E", before)):
                shown = Decimal(repr(book.worksheets[0][f"{column}{row}"].value or 0))
                oere = Decimal("0.0001")
                assert shown.quantize(oere, ROUND_HALF_UP) == amounts.get(line.code, 0), (
                    customer_id,
                    line.code,
                )


# --- files --------------------------------------------------------------------------------------------
def test_every_id_has_a_name_of_its_own_that_every_system_takes():
    ids = [
        *(
            "1001",
            "K-100",
            "k-100",
            "../../etc/passwd",
            "a/b",
            "a\\b",
            "a:b",
            "CON",
            ".",
            "..",
            "",
            " x ",
            "æøå",
        ),
        *("x" * 300, "a\0b", "ends.", "上海", "-rf"),
    ]
    names = file_names(ids, "statement")
    assert len({name.casefold() for name in names.values()}) == len(ids)
    assert all(re.fullmatch(r"statement-[A-Za-z0-9_.-]+", name) and len(name) < 80 for name in names.values())
    assert not any(name.endswith(".") for name in names.values())
    assert names["1001"] == "statement-1001"


def test_a_customer_that_is_not_there_is_named(reader: Reader, tmp_path: Path):
    writing = Writing(reader.publication, "da")
    with pytest.raises(KunderegnskabError, match="no customer nobody"):
        write_statements(reader, writing, ["nobody"], tmp_path, "pdf")
    assert list(tmp_path.iterdir()) == []


def test_all_are_those_with_an_account(reader: Reader):
    ids = customers_with_accounts(reader)
    expected = reader.rows(
        """
        select distinct customer_id from marts.customer_accounts inner join marts.customers using (customer_id)
        where month > cast($month as date) - interval 24 month and not is_unknown
        """,
        {"month": reader.last_month},
    )
    assert set(ids) <= {row["customer_id"] for row in expected}
    assert set(ids) >= set(some_customers(reader)) - {
        row["customer_id"]
        for row in reader.rows("select customer_id from marts.customer_segments where segment = 'Tabt'")
    }
    lists = [
        set(customers_with_accounts(reader, row["salesperson_id"]))
        for row in reader.rows("select salesperson_id from marts.salespeople")
    ]
    assert sum(map(len, lists)) == len(ids), "every customer is on one list"
    assert set().union(*lists) == set(ids)


def test_notes_have_room_on_the_one_page(reader: Reader, writing: Writing) -> None:
    """Of a customer with more actions than fit, and one of them rejected."""
    row = reader.row(
        "select customer_id from marts.customer_actions group by customer_id order by count(*) desc, 1 limit 1"
    )
    assert row is not None
    found = customer_account(reader, row["customer_id"], writing.code)
    first, *rest = found.actions
    rejected = {
        **first,
        "decision": "rejected",
        "decision_by": "lise",
        "decision_on": date(2026, 1, 2),
        "decision_note": "Rabatten er aftalt til juni og kan ikke ændres før",
    }
    notes = tuple(
        {
            "note": f"{text} {'lang ' * 60}",
            "decision": None,
            "written_by": "lise",
            "written_on": date(2026, 1, 2),
        }
        for text in ("=1+1", "Anden", "Tredje", "Fjerde")
    )
    found = replace(found, actions=(rejected, *rest), notes=notes)
    pdf = PdfReader(io.BytesIO(Paper().pdf("customer", customer.content(reader, found, writing))))
    text = " ".join(pdf.pages[0].extract_text().split())
    assert len(pdf.pages) == 1
    assert all(each in text for each in ("=1+1", "Anden", "Tredje", "(lise, ", "er aftalt til juni"))
    assert "Fjerde" not in text
    with zipfile.ZipFile(io.BytesIO(workbook.statement(reader, found, writing))) as book:
        assert "=1+1 lang" in book.read("xl/sharedStrings.xml").decode()
        assert not any(
            b"<f>1+1" in book.read(name) for name in book.namelist() if name.startswith("xl/worksheets/")
        )
