"""The list of visits and the month's report: what stands on them is what is published."""

from __future__ import annotations

import io
from decimal import Decimal

import openpyxl
import pytest
from pypdf import PdfReader
from statements_formulas import Recomputed

from kunderegnskab.personal.names import Salesperson
from kunderegnskab.reading.month_report import month_report
from kunderegnskab.reading.reader import NothingToRead, Reader
from kunderegnskab.reading.visits import find_salesperson, visit_list
from kunderegnskab.statements import month_report as report_paper
from kunderegnskab.statements import tables
from kunderegnskab.statements import visits as visits_paper
from kunderegnskab.statements.common import Writing
from kunderegnskab.statements.paper import Paper
from kunderegnskab.statements.words import words


@pytest.fixture
def busiest(reader: Reader) -> str:
    """The salesperson with the longest list."""
    row = reader.row(
        """
        select salesperson_id from marts.sales_effort where month = ?
        group by salesperson_id order by count(*) desc, salesperson_id limit 1
        """,
        [reader.last_month],
    )
    assert row is not None
    return row["salesperson_id"]


def pages_of(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def test_the_list_has_every_customer_in_the_published_order(reader: Reader, writing: Writing, busiest: str):
    content = visits_paper.content(reader, visit_list(reader, busiest, writing.code), writing)
    ranked = reader.rows(
        "select * from marts.sales_effort where month = ? and salesperson_id = ? order by priority_rank",
        [reader.last_month, busiest],
    )
    assert [row["told"].split(" · ")[0] for row in content["rows"]] == [row["customer_id"] for row in ranked]
    for shown, row in zip(content["rows"], ranked, strict=True):
        assert shown["reason"] == row[f"reason_{writing.code}"]
        assert shown["at_stake"] == writing.language.whole(row["at_stake"])
        assert shown["last"] == writing.language.day(row["last_visit_date"])
        assert shown["is_owed"] == bool(row["remaining_visits"])
        # What to talk about: never that the salesperson comes too often.
        talked_about = reader.row(
            "select * from marts.customer_actions where customer_id = ? and month = ? and driver <> 'sales_effort' "
            "and worth > 0 order by action_rank limit 1",
            [row["customer_id"], reader.last_month],
        )
        assert shown["action"] == ("" if talked_about is None else talked_about[f"sentence_{writing.code}"])


def test_the_list_is_printed_under_the_name_in_clear(reader: Reader, writing: Writing, busiest: str):
    content = visits_paper.content(reader, visit_list(reader, busiest, writing.code), writing)
    pages = pages_of(Paper().pdf("visits", content))
    name = reader.salesperson_name(busiest)
    assert name
    assert name != busiest
    assert name in pages[0]
    assert all(reader.publication.head in page for page in pages)
    assert f"{len(pages)}" in pages[-1]


def test_a_salesperson_is_found_by_key_own_key_and_name(reader: Reader, busiest: str):
    names = [Salesperson(busiest, "4711", "Åse Dahl", reader.last_month, None)]
    assert {find_salesperson(reader, asked, names) for asked in (busiest, "4711", "åse dahl ")} == {busiest}
    with pytest.raises(NothingToRead, match="knows no salesperson 'Nobody'"):
        find_salesperson(reader, "Nobody", names)
    (other,) = [
        row["salesperson_id"]
        for row in reader.rows(
            "select salesperson_id from marts.salespeople where salesperson_id <> ? order by 1 limit 1",
            [busiest],
        )
    ]
    with pytest.raises(NothingToRead, match="2 salespeople are called 'Åse Dahl'"):
        find_salesperson(
            reader, "Åse Dahl", [*names, Salesperson(other, "1", "Åse Dahl", reader.last_month, None)]
        )


def test_nobody_visits_in_a_month_without_accounts(reader: Reader, busiest: str):
    with pytest.raises(NothingToRead, match="in 1999-01"):
        visit_list(reader, busiest, "da", month=reader.last_month.replace(year=1999, month=1))


def test_groups_and_portfolios_add_up_to_the_company(reader: Reader):
    found = month_report(reader, "da")
    for column in ("net_sales", "db2", "db3"):
        company = found.account.amount(column)
        assert sum(row[column] for row in found.segments) == company
        assert sum(row[column] for row in found.portfolios) == company
    parts = ("own_development", "transfer", "received", "new_and_lost", "pool_rates")
    assert sum(row["transfer"] for row in found.portfolios) == 0
    for row in found.portfolios:
        change = row["db3"] - row["compared_db3"]
        assert sum(row[part] for part in parts) == pytest.approx(change, abs=Decimal("0.01")), row["scope_id"]
    assert found.curve[-1]["cumulative_db3"] == found.account.amount("db3")
    assert sum(row["worth"] for row in found.drivers) == found.all_actions["worth"]


def test_the_tie_out_ends_with_the_ledger(reader: Reader, writing: Writing):
    content = report_paper.content(reader, month_report(reader, writing.code), writing)
    tie_out = content["tables"][-1]
    months = reader.rows(
        """
        select * from marts.company_accounts
        where month > cast($month as date) - interval 12 month and month <= $month order by month
        """,
        {"month": reader.last_month},
    )
    shown = [(row[0], row[1], row[-2], row[-1]) for row in tie_out["rows"]]
    language = writing.language
    assert shown == [
        (
            language.month(row["month"]),
            language.whole(row["db3"]),
            language.whole(row["ledger_result"]),
            language.money(row["difference"]),
        )
        for row in months
    ]
    assert tie_out["total"][-2] == language.whole(sum(row["ledger_result"] for row in months))


def test_workbooks_have_the_same_rows_and_sums(reader: Reader, writing: Writing, busiest: str):
    listed = visit_list(reader, busiest, writing.code)
    made = tables.visits(reader, listed, writing)
    assert made == tables.visits(reader, listed, writing)
    sheet = openpyxl.load_workbook(io.BytesIO(made)).worksheets[0]
    assert [row[1] for row in sheet.iter_rows(min_row=2, values_only=True)] == [
        row["customer_id"] for row in listed.visits
    ]
    found = month_report(reader, writing.code, actions=None)
    assert len(found.actions) == found.all_actions["actions"]
    made = tables.month_report(reader, found, writing)
    assert made == tables.month_report(reader, found, writing)
    book = Recomputed(made)
    db3 = found.account.amount("db3")
    for key, head in (("groups", "short_db3"), ("salespeople", "short_db3"), ("tie_out", "short_db3")):
        sheet = book.book[writing.word(key)]
        (column,) = [cell.column_letter for cell in sheet[1] if cell.value == writing.word(head)]
        assert book.at(sheet.title, f"{column}{sheet.max_row}") == db3, key
    actions = book.book[writing.word("sheet_actions")]
    total = book.at(actions.title, f"F{actions.max_row}")
    assert total == found.all_actions["worth"]
    assert reader.publication.head in [row[1].value for row in book.book[writing.word("sheet_trace")]]


def test_the_report_has_a_page_for_each_part(reader: Reader, writing: Writing):
    content = report_paper.content(reader, month_report(reader, writing.code), writing)
    paper = Paper()
    made = paper.pdf("management", content)
    assert made == Paper().pdf("management", content)
    pages = pages_of(made)
    titles = [content["overview"]["title"], *(table["title"] for table in content["tables"])]
    assert len(pages) == len(titles) == 5
    for page, title in zip(pages, titles, strict=True):
        assert title in page.replace("\n", " ")
        assert reader.publication.head in page


def test_both_languages_have_every_word_with_the_same_parts():
    danish, english = words("da"), words("en")
    for key, word in danish.items():
        assert word, key
        assert sorted(part for part in word.split("{")[1:] if part) or "{" not in english[key], key
        assert {p.split("}")[0] for p in word.split("{")[1:]} == {
            p.split("}")[0] for p in english[key].split("{")[1:]
        }, key
