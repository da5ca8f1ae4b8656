"""What stands on the pages: figures as published, in one language, as valid pages whose links lead somewhere."""

from __future__ import annotations

import io
import re
import string
from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import urlencode

import duckdb
import openpyxl
import pytest
from looking import Looking, Shown, one_of_each_column

from kunderegnskab.audit import trace
from kunderegnskab.language import CODES, Code, Language
from kunderegnskab.reading.scope import Role
from kunderegnskab.sql import literal
from kunderegnskab.web.all_pages import PAGES
from kunderegnskab.web.figures import trace_address
from kunderegnskab.web.texts import TEXTS
from kunderegnskab.workspace import Workspace


def pages(look: Looking, language: Code = "da") -> Iterator[Shown]:
    """Every page that somebody may open."""
    for address in look.addresses():
        shown = look.look(address, language)
        assert shown.status == 200, address
        yield shown


# --- texts ----------------------------------------------------------------------------------------------------
def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_each_text_is_there_in_both_languages_with_the_same_places_for_values() -> None:
    assert [key for key, (da, en) in TEXTS.items() if not da or not en or fields(da) != fields(en)] == []


def test_no_text_is_named_as_a_template_would_read_otherwise() -> None:
    """`t.clear` of a template would be what every dictionary has."""
    assert [key for key in TEXTS if hasattr(dict, key)] == []


def test_every_page_of_the_menu_has_a_name() -> None:
    assert [page.name for page in PAGES if page.menu and f"menu_{page.menu}" not in TEXTS] == []


@pytest.mark.parametrize("language", CODES)
def test_a_page_speaks_one_language(looks: dict[Role, Looking], language: Code) -> None:
    """No sentence or heading of the other one; single words are alike in both, or stand in what a company writes."""
    other = "en" if language == "da" else "da"
    place = CODES.index(other)
    mine = {texts[1 - place] for texts in TEXTS.values()}
    foreign = [
        texts[place]
        for texts in TEXTS.values()
        if len(texts[place].split()) > 2 and not fields(texts[place]) and texts[place] not in mine
    ]
    for shown in pages(looks["finance"], language):
        assert shown.all("html")[0].get("lang") == language
        assert [text for text in foreign if text in shown.text] == [], shown.address


# --- pages ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["salesperson", "manager", "finance"])
def test_pages_are_valid_and_say_what_their_parts_are(looks: dict[Role, Looking], role: Role) -> None:
    for shown in pages(looks[role]):
        assert not shown.parser.errors, shown.address
        assert len(shown.all("h1")) == len(shown.all("main")) == 1, shown.address
        for table in shown.all("table"):
            assert table.find("caption") is not None, shown.address
            assert all(cell.get("scope") in ("col", "row") for cell in table.iter("th")), shown.address
        assert not shown.all("script"), shown.address
        assert not [each for each in shown.root.iter() if each.get("style")], shown.address
        named = [each.get("id") for each in shown.root.iter() if each.get("id")]
        assert len(named) == len(set(named)), shown.address
        assert "None" not in shown.text, shown.address
        assert "built-in" not in shown.text, shown.address


@pytest.mark.parametrize("role", ["salesperson", "finance"])
def test_every_link_answers(looks: dict[Role, Looking], role: Role) -> None:
    look = looks[role]
    links = list(dict.fromkeys(link for shown in pages(look) for link in shown.links))
    # Of what explains a column one, of pages of one thing a few: the others are made in the same way.
    asked, counts = [], dict[str, int]()
    for link in one_of_each_column(links):
        kind = re.split(r"[?/]", link)[1] if link.startswith("/") else link
        counts[kind] = counts.get(kind, 0) + 1
        if kind in ("spor", "gruppe") or counts[kind] <= 6:
            asked.append(link)
    assert len(asked) > 60
    assert [
        link for link in asked if look.look(link if link.startswith("/") else f"/{link}").status != 200
    ] == []


# --- figures --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", CODES)
def test_the_account_is_the_published_one(looks: dict[Role, Looking], language: Code) -> None:
    look, write = looks["finance"], Language(language)
    customer = look.ids["customer_id"]
    shown = look.look(f"/kunde/{customer}", language)
    columns = ("net_sales", "db1", "db2", "db3", "compared_net_sales", "compared_db3")
    amounts = look.ask(
        f"select {', '.join(columns)} from marts.scope_windows where scope_type = 'customer' and scope_id = ? "
        "and time_window = 'r12' and month = (select max(month) from marts.time_windows)",
        customer,
    )
    for column, amount in zip(columns, amounts, strict=True):
        assert write.whole(amount) in shown.text, column
    freight, sales = look.ask(
        "select freight, net_sales from marts.scope_windows where scope_type = 'customer' and scope_id = ? "
        "and time_window = 'r12' and month = (select max(month) from marts.time_windows)",
        customer,
    )
    assert write.whole(-freight) in shown.text
    assert write.percent(freight / sales) in shown.text
    worth = look.ask(
        "select sum(worth) from marts.customer_actions where customer_id = ? and worth > 0", customer
    )
    assert worth is None or write.whole(worth) in shown.text


def test_the_overview_is_the_company_for_finance_and_the_own_portfolio_for_who_sells(
    looks: dict[Role, Looking],
) -> None:
    write = Language("da")
    for role, scope_type in (("finance", "company"), ("manager", "team"), ("salesperson", "salesperson")):
        look = looks[role]
        scope = {"company": "company", "team": look.viewer.team}.get(scope_type, look.viewer.salesperson_id)
        value = look.ask(
            "select value from marts.kpi_values where kpi_id = 'db3' and scope_type = ? and scope_id = ? "
            "and time_window = 'ytd' and month = (select max(month) from marts.time_windows)",
            scope_type,
            scope,
        )
        assert write.whole(value) in look.look("/").text
    company = looks["finance"].ask("select sum(db3_r12) from marts.customer_segments where month = "
                                   "(select max(month) from marts.time_windows)")  # fmt: skip
    assert write.whole(company) not in looks["salesperson"].look("/").text


def test_the_list_is_narrowed_sorted_and_added_up(looks: dict[Role, Looking]) -> None:
    look, write = looks["finance"], Language("da")
    count, total = look.ask(
        "select count(*), sum(db3_r12) from marts.customer_segments where db3_r12 < 0 "
        "and month = (select max(month) from marts.time_windows)"
    )
    shown = look.look("/kunder?group=loss")
    assert write.whole(total) in shown.text
    assert f"af {write.count(count)}" in shown.text
    names = [
        cell.findtext("a")
        for table in shown.all("table")
        for row in table.iter("tr")
        for cell in row.findall("th")
        if cell.get("scope") == "row"
    ]
    wanted = look.con.execute(
        "select customer_name from marts.customer_segments join marts.customers using (customer_id) "
        "where db3_r12 < 0 and month = (select max(month) from marts.time_windows) "
        "order by db3_r12, customer_id limit 50"
    ).fetchall()
    assert names == [name for (name,) in wanted]
    name = names[0] or ""
    assert name in look.look(f"/kunder?{urlencode({'search': name.upper()})}").text
    assert "Ingen kunder passer" in look.look("/kunder?search=%25").text


def test_the_list_as_a_workbook_has_all_pages_of_it(looks: dict[Role, Looking]) -> None:
    look = looks["finance"]
    answer = look.client.get("/kunder.xlsx?columns=segment,net_sales,db3&sort=db3&order=desc")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    heads, *rows = sheet.iter_rows(values_only=True)
    assert heads == ("Nummer", "Kunde", "Gruppe", "Nettoomsætning", "DB III")
    wanted = look.con.execute(
        "select customer_id, net_sales_r12, db3_r12 from marts.customer_segments "
        "where month = (select max(month) from marts.time_windows) order by db3_r12 desc, customer_id"
    ).fetchall()
    assert [(row[0], Decimal(str(row[3])), Decimal(str(row[4]))) for row in rows] == wanted
    own = looks["salesperson"].client.get("/kunder.xlsx")
    found = openpyxl.load_workbook(io.BytesIO(own.content)).active
    assert found is not None
    assert 1 < found.max_row < sheet.max_row


# --- the trace ------------------------------------------------------------------------------------------------
def down(look: Looking, address: str) -> list[Shown]:
    """From a number to its records: always the first part that leads on."""
    way = [look.look(address)]
    for _ in range(12):
        assert way[-1].status == 200, way[-1].address
        if "Posterne i filerne" in way[-1].text:
            return way
        onward = [
            link
            for link in way[-1].links
            if link.startswith("/spor") and link not in {each.address for each in way}
        ]
        assert onward, way[-1].text
        way.append(look.look(onward[0]))
    raise AssertionError(f"no record behind {address}")


def sales_of(look: Looking, customer: str) -> str:
    month = look.ask(
        "select max(month) from marts.customer_accounts where customer_id = ? and list_sales > 0", customer
    )
    return trace_address("customer_accounts", "list_sales", {"customer_id": customer, "month": month})


@pytest.mark.parametrize("role", ["finance", "salesperson"])
def test_a_number_leads_to_the_records_of_the_files(looks: dict[Role, Looking], role: Role) -> None:
    look = looks[role]
    customer = look.ids["customer_id"]
    way = down(look, sales_of(look, customer))
    assert all("Delene giver præcis det udgivne tal." in shown.text for shown in way)
    assert "landing/" in way[-1].text
    assert "Filen er uændret" in way[-1].text
    assert way[-1].all("article")


def test_a_kpi_of_the_company_leads_down_too(looks: dict[Role, Looking]) -> None:
    look = looks["finance"]
    month = look.ask("select max(month) from marts.time_windows")
    key = {
        "kpi_id": "net_sales",
        "scope_type": "company",
        "scope_id": "company",
        "month": month,
        "time_window": "month",
    }
    assert len(down(look, trace_address("kpi_values", "value", key))) > 3


def test_nobody_gets_by_a_trace_what_is_not_theirs(looks: dict[Role, Looking]) -> None:
    look = looks["salesperson"]
    own = {customer for (customer,) in look.con.execute(
        "select distinct customer_id from marts.current_portfolio_accounts where salesperson_id = ?",
        [look.viewer.salesperson_id],
    ).fetchall()}  # fmt: skip
    foreign = look.con.execute(
        "select distinct customer_id, customer_name from marts.customers join marts.customer_accounts "
        "using (customer_id) where list_sales > 0 and not list_contains(?, customer_id) order by 1",
        [sorted(own)],
    ).fetchall()
    assert look.look(sales_of(look, foreign[0][0])).status == 404
    month = look.ask("select max(month) from marts.time_windows")
    company = {"scope_type": "company", "scope_id": "company", "month": month, "time_window": "ytd"}
    assert look.look(trace_address("scope_windows", "db3", company)).status == 404
    assert look.look(trace_address("kpi_values", "value", {"kpi_id": "db3", **company})).status == 404
    # The company's ratio is theirs to know, not what it is made of.
    ratio = look.look(trace_address("kpi_values", "value", {"kpi_id": "dg3", **company}))
    assert ratio.status == 200
    sums = look.ask("select numerator, denominator from marts.kpi_values where kpi_id = 'dg3' and scope_type = "
                    "'company' and time_window = 'ytd' and month = ?", month)  # fmt: skip
    assert not [each for each in sums if Language("da").whole(each).split(",")[0] in ratio.text]
    assert look.look(trace_address("kpi_values", "numerator", {"kpi_id": "dg3", **company})).status == 404
    # What a customer is measured by is made of other customers.
    for driver in ("discount", "freight", "sales_effort"):
        shown = look.look(
            trace_address(
                "driver_opportunities",
                "benchmark",
                {"customer_id": look.ids["customer_id"], "driver": driver},
            )
        )
        assert not [name for _, name in foreign if name in shown.text]
        assert not [customer for customer, _ in foreign if customer in shown.text]


@pytest.mark.parametrize(
    "query",
    [
        "tal=x",
        "tal=marts.customers",
        "tal=marts.customers.customer_name",
        "tal=marts.customer_accounts.net_sales&customer_id=1&month=x",
        "tal=marts.customer_accounts.net_sales;drop table x&customer_id=1",
        "tal=..%2F..%2Fcompany.yaml.x",
        "tal=duckdb_settings.name.value",
    ],
)
def test_what_names_no_number_is_not_found(looks: dict[Role, Looking], query: str) -> None:
    assert looks["finance"].look(f"/spor?{query}").status == 404


def test_what_explains_opens_the_lake_and_nothing_else(readable_company: Workspace) -> None:
    with trace.opened(readable_company) as opened:
        assert opened.rows("select count(*) as n from raw.customers", reads=["raw.customers"])[0]["n"] > 0
        for attempt in (
            "from read_text('/etc/hostname')",
            f"from read_text({literal(readable_company.root / 'company.yaml')})",
            "set enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                opened.con.execute(attempt)
