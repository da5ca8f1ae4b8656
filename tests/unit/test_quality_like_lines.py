"""Lines without a number that are alike within a document are named in pairs, and count."""

from __future__ import annotations

import json
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from field_cases import field_case
from small_intake import SALES_COLUMNS, SALES_HEADER, Taken, taken, workspace_of

from kunderegnskab.quality.door import run_door
from kunderegnskab.workspace import Workspace

CHECK = "door__sales_lines__lines_without_number_are_told_apart"
LINE = "A,invoice,2024-01-05,1,100.00,0"
FEEDS = """
    sales_lines:
      - files: "s.*"
        format: {{type: {form}}}
        columns: """ + SALES_COLUMNS.replace("{", "{{").replace("}", "{more}}}")


def pairs(found: Taken) -> list[str]:
    """The records that are alike, as the check names them."""
    (check,) = [
        each for each in run_door(found.con, ["sales_lines"], date(2025, 6, 30)) if each.check_name == CHECK
    ]
    assert not check.is_blocking
    return [line.rsplit("records=", 1)[1] for line in check.detail.splitlines()]


def sales(root: Path, rows: list[str], form: str = "csv", more: str = "") -> Taken:
    header = SALES_HEADER + ",who,no"
    content = "\n".join([header, *rows])
    if form == "json":
        content = json.dumps([dict(zip(header.split(","), row.split(","), strict=True)) for row in rows])
    return taken(workspace_of(root, FEEDS.format(form=form, more=more), {f"s.{form}": content}))


@pytest.mark.parametrize("form", ["csv", "json"])
def test_like_lines_are_named_and_count(tmp_path: Path, form: str) -> None:
    rows = [f"{LINE},AB,1", f"B{LINE[1:]},AB,1", f"{LINE},CD,2", f"{LINE},AB,3"]
    found = sales(tmp_path, rows, form, ", salesperson_id: who")
    assert pairs(found) == ["1, 3, 4"]
    assert found.rows("select sum(net_amount) from raw.sales_lines") == [(Decimal(400),)]


def test_what_tells_lines_apart_is_no_pair(tmp_path: Path) -> None:
    other = LINE.replace("100.00", "100.01")
    assert pairs(sales(tmp_path / "amounts", [f"{LINE},AB,1", f"{other},AB,1"])) == []
    numbered = [f"{LINE},AB,1", f"{LINE},AB,2"]
    assert pairs(sales(tmp_path / "numbers", numbered, more=", line_no: no")) == []
    assert pairs(sales(tmp_path / "orders", numbered, more=", order_no: no")) == []
    units = [f"{LINE},stk,1", f"{LINE},kasse,2"]
    assert pairs(sales(tmp_path / "units", units, more=", unit_of_measure: who")) == []


def test_the_unit_of_like_lines_is_shown(tmp_path: Path) -> None:
    found = sales(tmp_path, [f"{LINE},stk,1", f"{LINE},stk,2"], more=", unit_of_measure: who")
    (check,) = [
        each for each in run_door(found.con, ["sales_lines"], date(2025, 6, 30)) if each.check_name == CHECK
    ]
    assert "unit_of_measure=stk" in check.detail


def test_the_field_case_of_two_sellers(tmp_path: Path) -> None:
    shutil.copytree(field_case("09-combined"), tmp_path / "case")
    assert pairs(taken(Workspace(tmp_path / "case"))) == ["1, 2", "3, 4"]


ALIKE = "door__sales_lines__numbers_are_written_alike"


def alike(found: Taken) -> list[str]:
    """The numbers and records that differ only in how they are written."""
    (check,) = [
        each for each in run_door(found.con, ["sales_lines"], date(2025, 6, 30)) if each.check_name == ALIKE
    ]
    assert not check.is_blocking
    return check.detail.splitlines()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("A,1", "A,01"),
        ("A,1", "A,1.0"),
        ("0007,1", "7,1"),
        ("7.0,10", "7,010"),
        ("A,10000", "A,10.000"),
        ("A,1", "A,1.00"),
        ("A,10000", "A,10 000"),
        ("A,1", "A,+1"),
        ("f1,1", "F1,1"),
        ("F 1,1", "F1,1"),
        ("F-1,1", "F\u20111,1"),
        ("F1,1", "\uff26\uff11,1"),
        ("F1,1", "F\u200b1,1"),
        ("F0001,1", "F1,1"),
        ("0001,", "1,"),
        ("f1,", "F1,"),
        ("F1,1", "f1,01"),
    ],
)
def test_lines_whose_numbers_are_written_alike_are_named_and_count(
    tmp_path: Path, first: str, second: str
) -> None:
    line = "invoice,2024-01-05,1,100.00,0,AB"
    rows = [f"{number.split(',')[0]},{line},{number.split(',')[1]}" for number in (first, "B,2", second)]
    found = sales(tmp_path, rows, more=", line_no: no")
    numbers = " and ".join(sorted(each.rstrip(",").replace(",", ", ") for each in (first, second)))
    assert alike(found) == [f"numbers={numbers}, records=landing/s.csv 1, landing/s.csv 3"]
    assert found.rows("select sum(net_amount) from raw.sales_lines") == [(Decimal(300),)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("A,1", "A,10"),
        ("A,1", "B,01"),
        ("A,10000", "A,1.00"),
        ("1.000,1", "1,1"),
        ("A,10.000", "A,10"),
        ("F10,1", "F1,1"),
        ("F1,", "F1,1"),
        ("F100,", "F1,"),
        ("A,1.05", "A,1.5"),
        ("A-1,", "A1,"),
    ],
)
def test_other_line_numbers_are_not_alike(tmp_path: Path, first: str, second: str) -> None:
    line = "invoice,2024-01-05,1,100.00,0,AB"
    rows = [f"{number.split(',')[0]},{line},{number.split(',')[1]}" for number in (first, second)]
    assert alike(sales(tmp_path, rows, more=", line_no: no")) == []
