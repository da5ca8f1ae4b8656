"""The quality report: complete, in both languages, readable without network or scripts."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

import pytest

from kunderegnskab.quality.certification import CheckResult, Status
from kunderegnskab.quality.report import CAUSES, RESTATED_BY, TEXTS, ReportTitle, write_report

Locale = Literal["da", "en"]

CASES: list[tuple[str, bool, Status, int | None, str, str]] = [
    ("a_pass", True, "passed", 0, "no earlier publication", ""),
    ("b_waiver", True, "waived", None, "-1234567.8901 %", "Waived by Lise Holm: Fil mangler"),
    ("c_warning", False, "failed", 1234, "12345678901234.5678", ""),
    ("d_failure", True, "failed", 2, "0", "customer_name=<script>alert(1)</script>"),
    ("e_error", True, "error", None, "", "Catalog Error"),
    ("f_warning_error", False, "error", None, "", ""),
]
RESULTS = [
    CheckResult(
        check_name=name,
        stage="gate",
        subject="customer_accounts",
        is_blocking=is_blocking,
        status=status,
        failing_rows=failing_rows,
        observed=observed,
        expectation=f"English sentence of {name}.",
        expectation_da=f"Dansk sætning for {name}.",
        detail=detail,
    )
    for name, is_blocking, status, failing_rows, observed, detail in CASES
] + [
    CheckResult(
        check_name="unique_customers",
        stage="dbt",
        subject="customers",
        is_blocking=True,
        status="passed",
        expectation="Customer numbers are unique.",
    )
]


def _line(code: str, position: int, column: str, kind: str, sign: int, da: str, en: str) -> dict[str, Any]:
    return {
        "line_code": code, "position": position, "column_name": column, "line_kind": kind, "sign": sign,
        "is_used": code != "K46", "name_da": da, "name_en": en,
    }  # fmt: skip


LADDER: list[dict[str, Any]] = [
    _line("K10", 30, "invoiced_sales", "subtotal", 0, "Faktureret salg", "Invoiced sales"),
    _line("K00", 10, "list_sales", "amount", 1, "Salg til listepris", "Sales at list price"),
    _line("K05", 20, "invoice_discount", "amount", -1, "Fakturarabat", "Invoice discount"),
    _line("K20", 25, "bonus", "amount", -1, "Bonus", "Bonus"),
    _line("K46", 46, "handling", "amount", -1, "Returhåndtering", "Return handling"),
    _line("K57", 57, "credit_cost", "amount", -1, "Kredittid", "Credit time"),
    _line("K60", 60, "db3", "subtotal", 0, "Kundens resultat", "Result of the customer"),
    _line("K70", 70, "segment_cost", "amount", -1, "Kanaler", "Channels"),
    _line("K75", 75, "unused_capacity", "amount", -1, "Ledigt", "Unused"),
    _line("K80", 80, "unallocated", "amount", -1, "Ufordelt", "Not given out"),
    _line("K90", 90, "ledger_result", "subtotal", 0, "Finans' resultat", "Result of the ledger"),
]


def _reconciled(month: date, line: str, account: str, ledger: str, **parts: str) -> dict[str, Any]:
    causes = dict.fromkeys(CAUSES["en"], Decimal(0)) | {name: Decimal(part) for name, part in parts.items()}
    amounts = {"account_amount": Decimal(account), "ledger_amount": Decimal(ledger)}
    difference = Decimal(account) - Decimal(ledger)
    return {"month": month, "line_code": line, **amounts, "difference": difference, **causes}


RECONCILIATION = [
    _reconciled(date(2026, 1, 1), "K00", "1000000.0000", "1000000.0000"),
    _reconciled(date(2026, 2, 1), "K00", "500000.5000", "500000.0000", unexplained="0.5000"),
    _reconciled(date(2026, 1, 1), "K57", "75.2500", "0", notional="75.2500"),
    _reconciled(date(2026, 1, 1), "(ukendt)", "0", "-12.0000", unmapped_account="12.0000"),
]
COMPANY_ACCOUNTS = [
    {"month": date(2026, 1, 1), "db3": Decimal("250.0000"), "segment_cost": Decimal("20.0000"),
     "unused_capacity": Decimal("30.0000"), "unallocated": Decimal("40.0000"),
     "rate_difference": Decimal("0.0000"),
     "bonus_timing": Decimal("60.5000"), "credit_cost_put_back": Decimal("75.2500"), "ledger_result": Decimal("295.7500"),
     "difference": Decimal("0.0000")},
    {"month": date(2026, 2, 1), "db3": Decimal("99.0000"), "segment_cost": Decimal("0.0000"),
     "unused_capacity": Decimal("0.0000"), "unallocated": Decimal("0.0000"),
     "rate_difference": Decimal("0.0000"),
     "bonus_timing": Decimal("0.0000"), "credit_cost_put_back": Decimal("0.0000"), "ledger_result": None, "difference": None},
]  # fmt: skip

ROW_LEDGER: list[dict[str, Any]] = [
    {"feed": "sales_lines", "source_file": "salg & retur.csv", "file_sha256": "aabb", "records_read": 1000000,
     "records_loaded": 999998, "records_rejected": 1, "rejects_allowed": 1, "records_left_out": 1,
     "is_balanced": True},
    {"feed": "customer_costs", "source_file": "fragt.csv", "file_sha256": "cc", "records_read": 2,
     "records_loaded": 1, "records_rejected": 0, "rejects_allowed": 0, "records_left_out": 0,
     "is_balanced": None},
]  # fmt: skip

JANUARY = date(2026, 1, 1)
CLOSES: list[dict[str, Any]] = [
    {"month": JANUARY, "event": "close", "is_in_force": True, "publication": "0001-a", "decided_by": "Lise",
     "decided_on": date(2026, 2, 9), "reason": "Månedsafslutning"},
    {"month": date(2025, 12, 1), "event": "close", "is_in_force": False, "publication": "0001-a",
     "decided_by": "Ole", "decided_on": date(2026, 2, 9), "reason": "Genåbnet siden"},
]  # fmt: skip


def _restated(customer: str, line: str, cause: str, source: str, then: str, now: str) -> dict[str, Any]:
    amounts = {"closed_amount": Decimal(then), "current_amount": Decimal(now)}
    key = {"month": JANUARY, "customer_id": customer, "line_code": line, "cause": cause, "source": source}
    return {**key, **amounts, "difference": Decimal(now) - Decimal(then), "changed_files": None}


RESTATED = [
    _restated("C2", "K00", "new_file", "sent.csv", "0", "1000.0000"),
    _restated("C1", "K00", "new_file", "sent.csv", "0", "2500.2500"),
    _restated("C1", "K05", "changed_file", "nord.csv", "10.0000", "4.0000"),
    _restated("C1", "K35", "rule", "nord.csv", "1.0000", "2.0000") | {"changed_files": "priser.csv"},
]
FIGURES = [
    {"month": JANUARY, "level": level, "scope_id": scope, "measure": measure, "closed_amount": Decimal(0),
     "current_amount": Decimal(7), "difference": Decimal(7), "changed_files": "ejere.csv"}
    for level, scope, measure in (
        ("salesperson", "ANNA", "db3"), ("salesperson", "ANNA", "visit_count"), ("company", "company", "unallocated"),
    )
]  # fmt: skip


def _late(file: str, record: int, day: int, line: str = "K00") -> dict[str, Any]:
    return {"month": JANUARY, "feed": "sales_lines", "source_file": file, "cause": "new_file",
            "source_sheet": "", "source_record": record, "posting_date": date(2026, 1, day), "line_code": line}  # fmt: skip


LATE = [_late("sent.csv", 1, 20), _late("sent.csv", 1, 20, "K05"), _late("sent.csv", 2, 22)]


class Page(HTMLParser):
    """Collects what could reach out, what is shown, and checks that tags are closed in order."""

    VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.language: str | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "html":
            self.language = dict(attrs)["lang"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def written(directory: Path, locale: Locale, **changes: Any) -> tuple[Page, str, dict[str, Any]]:
    title = ReportTitle(
        company_name="Nørd & Søn A/S",
        publication="0001-abcdef12",
        run_id="abcdef1234",
        as_of=date(2026, 3, 1),
        locale=locale,
    )
    values: dict[str, Any] = {"results": RESULTS, "ladder": LADDER, "row_ledger": ROW_LEDGER}
    values |= {"reconciliation": RECONCILIATION, "company_accounts": COMPANY_ACCOUNTS}
    values |= {"period_closes": CLOSES, "restatements": RESTATED}
    values |= {"figure_restatements": FIGURES, "late_postings": LATE} | changes
    write_report(directory, values.pop("results"), title=title, **values)
    html = (directory / "report.html").read_text(encoding="utf-8")
    return Page(html), html, json.loads((directory / "report.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("locale", ["da", "en"])
def test_the_page_is_whole_and_has_every_check_file_and_line(tmp_path: Path, locale: Locale) -> None:
    page, html, _ = written(tmp_path, locale)
    assert html.startswith("<!doctype html>\n")
    assert page.open == []
    assert page.language == locale
    assert "Nørd & Søn A/S" in page.text
    assert "0001-abcdef12" in page.text
    for result in RESULTS:
        assert result.check_name in page.text
    for row in ROW_LEDGER:
        assert row["source_file"] in page.text
    for line in LADDER:
        assert line[f"name_{locale}"] in page.text
    assert page.text.index("K00") < page.text.index("K05") < page.text.index("K10")
    assert TEXTS[locale]["no"] in page.text, "a file whose balance is unknown does not balance"


@pytest.mark.parametrize("locale", ["da", "en"])
def test_the_page_asks_for_nothing_from_anywhere(tmp_path: Path, locale: Locale) -> None:
    page, html, _ = written(tmp_path, locale)
    assert "://" not in html
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert not {"src", "srcset", "action", "data"} & {name for name, _ in page.attributes}
    assert {value for name, value in page.attributes if name == "href"} == {"history.html", "lineage.html"}
    assert not {name for name, _ in page.attributes if name.startswith("on")}
    assert "url(" not in html
    assert "@import" not in html


def test_what_came_from_the_data_is_text_and_never_markup(tmp_path: Path) -> None:
    page, html, _ = written(tmp_path, "da")
    assert "<script" not in html
    assert "customer_name=<script>alert(1)</script>" in page.text


def test_what_needs_attention_comes_first(tmp_path: Path) -> None:
    page, _, data = written(tmp_path, "en")
    order = ["e_error", "d_failure", "b_waiver", "c_warning", "f_warning_error", "unique_customers", "a_pass"]
    assert [check["check_name"] for check in data["checks"]] == order
    places = [page.text.index(f"{name}") for name in order if name != "c_warning"]
    assert places == sorted(places)
    assert data["counts"] == {"error": 1, "failed": 1, "waived": 1, "warning": 2, "passed": 2}


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ("da", ["-1.234.567,8901 %", "12.345.678.901.234,5678", "1.234", "1.000.000", "1. marts 2026"]),
        ("en", ["-1,234,567.8901 %", "12,345,678,901,234.5678", "1,234", "1,000,000", "March 1, 2026"]),
    ],
)
def test_numbers_and_dates_are_written_as_the_language_does(
    tmp_path: Path, locale: Locale, shown: list[str]
) -> None:
    page, _, data = written(tmp_path, locale)
    for text in shown:
        assert text in page.text
    observed = {check["check_name"]: check["observed"] for check in data["checks"]}
    assert observed["c_warning"] == "12345678901234.5678", "programs get the number as it was measured"


def test_each_language_has_its_own_sentences_and_danish_falls_back_to_english(tmp_path: Path) -> None:
    danish, _, _ = written(tmp_path, "da")
    english, _, data = written(tmp_path, "en")
    assert "Dansk sætning for a_pass." in danish.text
    assert "English sentence of a_pass." not in danish.text
    assert "Customer numbers are unique." in danish.text
    assert "English sentence of a_pass." in english.text
    assert "Dansk" not in english.text
    assert data["checks"][0]["expectation_da"] == "Dansk sætning for e_error."
    assert set(TEXTS["da"]) == set(TEXTS["en"])


def test_a_report_without_checks_files_or_ladder_is_still_a_page(tmp_path: Path) -> None:
    page, _, data = written(
        tmp_path, "da", results=[], ladder=[], row_ledger=[], reconciliation=[], company_accounts=[],
        period_closes=[], restatements=[], figure_restatements=[], late_postings=[],
    )  # fmt: skip
    assert page.text.count("Ingen.") == 3
    assert TEXTS["da"]["no_ledger"] in page.text
    assert TEXTS["da"]["no_closing"] in page.text
    assert TEXTS["da"]["late"] not in page.text
    assert data["checks"] == []


def test_the_json_holds_decimals_as_exact_text(tmp_path: Path) -> None:
    ladder = [{**LADDER[0], "threshold": Decimal("12345678901234.5678")}]
    _, _, data = written(tmp_path, "en", ladder=ladder, company_accounts=[])
    assert data["ladder"][0]["threshold"] == "12345678901234.5678"
    assert data["as_of"] == "2026-03-01"


def test_the_ledger_is_shown_line_by_line_with_what_explains_each_difference(tmp_path: Path) -> None:
    page, _, data = written(tmp_path, "da")
    assert [line["line_code"] for line in data["tie_out"]] == ["(ukendt)", "K00", "K57"]
    assert (data["tie_out"][1]["account_amount"], data["tie_out"][1]["unexplained"]) == (
        "1500000.5000",
        "0.5000",
    )
    tie_out = page.text[page.text.index(TEXTS["da"]["tie_out"]) :]
    assert "1.500.000,50" in tie_out
    for cause, amount in (("unexplained", "0,50"), ("notional", "75,25"), ("unmapped_account", "12,00")):
        assert f"{CAUSES['da'][cause]}: {amount}" in tie_out
    assert CAUSES["da"]["timing"] not in tie_out
    assert TEXTS["da"]["unmapped"] in tie_out


def test_only_months_that_the_ledger_covers_are_tied(tmp_path: Path) -> None:
    page, _, data = written(tmp_path, "en")
    assert [row["month"] for row in data["tie_out_months"]] == ["2026-01-01"]
    assert "= K90 Result of the ledger" in page.text
    assert "295.75" in page.text
    assert f": {TEXTS['en']['bonus_timing']}" in page.text
    assert "60.50" in page.text


def test_a_line_out_of_use_is_shown_as_such(tmp_path: Path) -> None:
    page, _, _ = written(tmp_path, "da")
    assert page.text.count(TEXTS["da"]["not_used"]) == 1
    assert set(CAUSES["da"]) == set(CAUSES["en"])


def test_passed_checks_are_folded_below_what_needs_attention(tmp_path: Path) -> None:
    page, html, _ = written(tmp_path, "en")
    fold = html[html.index("<details>") : html.index("</details>")]
    assert "a_pass" in fold
    assert "unique_customers" in fold
    assert not [name for name in ("d_failure", "b_waiver", "c_warning") if name in fold]
    assert f"{TEXTS['en']['passed_checks']}: 2" in page.text


def test_closed_months_show_what_changed_them_and_late_postings(tmp_path: Path) -> None:
    page, _, data = written(tmp_path, "da")
    assert "Månedsafslutning" in page.text
    assert "Genåbnet siden" not in page.text, "a month that was reopened is not closed"
    sums = [(row["line_code"], row["source"], row["difference"]) for row in data["restatements"]]
    assert sums == [
        ("K00", "sent.csv", "3500.2500"),
        ("K05", "nord.csv", "-6.0000"),
        ("K35", "nord.csv", "1.0000"),
    ]
    assert "nord.csv; ændret siden: priser.csv" in page.text
    figures = [(row["scope_id"], row["measure"]) for row in data["figure_restatements"]]
    assert figures == [("company", "unallocated"), ("ANNA", "db3")]
    assert page.text.count("ændret siden: ejere.csv") == 2
    for text in ("3.500,25", "-6,00", "ny fil: sent.csv", "ændret fil: nord.csv", "2026-01-20 – 2026-01-22"):
        assert text in page.text
    assert [(row["source_file"], row["records"]) for row in data["late_postings"]] == [("sent.csv", 2)]
    assert set(RESTATED_BY["da"]) == set(RESTATED_BY["en"])
