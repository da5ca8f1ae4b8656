"""Cases from the field whose files are read value by value: quotients, moments, numbers like persons' numbers.

Each is taken in as it lies in the folder of field cases, beside what must come of it.
"""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from field_cases import field_case
from small_intake import problems_of, rest, taken

from kunderegnskab.quality.door import run_door
from kunderegnskab.workspace import Workspace


def case(name: str, root: Path) -> Workspace:
    """A copy of a case, its files at rest."""
    shutil.copytree(field_case(name), root, copy_function=shutil.copyfile)
    for path in root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
        if path.is_file():
            rest(path)
    return Workspace(root)


def with_feeds(workspace: Workspace, feeds: str) -> Workspace:
    (workspace.root / "feeds.yaml").write_text(feeds, encoding="utf-8")
    return Workspace(workspace.root)


DIVIDED = {
    'round(1 / number("ValutaPrDKK"), 6)': 'divide(1, number("ValutaPrDKK"), 6)',
    'round(number("BruttoInklMoms") / 1.19, 2)': 'divide(number("BruttoInklMoms"), 1.19, 2)',
    'round(number(po."Beløb") * number("Antal") / number(po."Antal"), 2)': (
        'divide(number(po."Beløb") * number("Antal"), number(po."Antal"), 2)'
    ),
}


def test_division_is_exact_and_what_is_not_is_refused_with_what_to_write(tmp_path):
    workspace = case("08-division", tmp_path / "case")
    for name in ("feeds.yaml", "feeds_integer_division.yaml.txt"):
        feeds = (field_case("08-division") / name).read_text(encoding="utf-8")
        refused = problems_of(with_feeds(workspace, feeds))
        assert len(refused) == 3
        assert all("divide(a, b, decimals)" in sentence for sentence in refused)
    feeds = (field_case("08-division") / "feeds.yaml").read_text(encoding="utf-8")
    for inexact, exact in DIVIDED.items():
        feeds = feeds.replace(inexact, exact)
    result = taken(with_feeds(workspace, feeds))
    assert result.rejects == []
    assert result.rows("select currency, rate from raw.exchange_rates order by 1") == [
        ("EUR", Decimal("7.46")),
        ("USD", Decimal("7.142857")),
    ]
    assert result.rows("select document_no, net_amount, cost_amount from raw.sales_lines order by 1") == [
        ("V1", 1000, 600),
        ("V2", 1000, 600),
        ("V3", 450, 300),
        ("V4", 600, 400),
    ]


@pytest.mark.parametrize("kind", ["parquet", "json"])
def test_moments_with_a_zone_are_days_in_danish_time(tmp_path, kind):
    workspace = case("07-dates-with-time", tmp_path / "case")
    feeds = (workspace.root / "feeds.yaml").read_text(encoding="utf-8").replace("parquet", kind)
    result = taken(with_feeds(workspace, feeds))
    assert result.rejects == []
    days = result.values("select posting_date::varchar from raw.sales_lines order by document_no limit 2")
    assert days == ["2025-01-01", "2025-07-01"]


def test_document_numbers_like_persons_numbers_are_loaded_once_declared(tmp_path):
    workspace = case("13-datelike-numbers", tmp_path / "case")
    assert len(taken(workspace).rejects) == 3
    feeds = (workspace.root / "feeds.yaml").read_text(encoding="utf-8")
    declared = "    not_personal: {Bilag: day and serial number, Vare: item numbers of the supplier}\n"
    result = taken(with_feeds(workspace, feeds + declared))
    assert result.rejects == []
    assert result.rows("select document_no, product_id from raw.sales_lines order by 1") == [
        ("100125-1001", "A"),
        ("100125-1002", "A"),
        ("F3", "310170-0012"),
        ("F4", "320170-0012"),
    ]


COMBINED = """
sales_lines:
  - files: ordrer.parquet
    format: {type: parquet}
    columns: {document_no: nr, line_no: linje, posting_date: created_at, customer_id: kunde, quantity: antal, net_amount: netto, cost_amount: kost}
    values: {document_type: invoice, discount_amount: "0"}
  - files: valuta.csv
    format: {type: csv, delimiter: ";", decimal: ",", thousands: ".", date: "%d-%m-%Y"}
    columns: {document_no: Bilag, line_no: Linje, posting_date: Dato, customer_id: Kunde, quantity: Antal, net_amount: Netto, cost_amount: Kost, currency: Valuta}
    values: {document_type: invoice, discount_amount: "0"}
"""


def test_of_several_cases_together_moments_are_days_and_rates_far_off_are_named(tmp_path):
    workspace = with_feeds(case("09-combined", tmp_path / "case"), COMBINED)
    result = taken(workspace)
    days = "select posting_date::varchar from raw.sales_lines where document_no in ('T1', 'T2') order by document_no"
    assert result.values(days) == ["2025-01-01", "2025-07-01"]
    # One rate of USD alone cannot be far from the others; the company's own currency gives the file away.
    checks = {each.check_name: each for each in run_door(result.con, ["exchange_rates"], date(2025, 2, 1))}
    far_off = checks["door__exchange_rates__rates_are_near_the_usual_one"]
    assert (far_off.status, far_off.is_blocking) == ("failed", False)
    assert "exchange_rates.csv, _source_record=3, currency=DKK" in str(far_off)
