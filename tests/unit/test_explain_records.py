"""Records behind a number: how a value hangs on its parts, and the files that a record came from.

Whether all records of a published number are reached is tested in tests/e2e/test_explain.py.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlglot
import xlsxwriter
from small_intake import SALES_COLUMNS, SALES_HEADER, workspace_of

from kunderegnskab.audit.explain.explanation import RecordKey
from kunderegnskab.audit.explain.reach import _factor, _linear
from kunderegnskab.audit.explain.records import source_records
from kunderegnskab.audit.explain.rules import Total
from kunderegnskab.audit.trace import Trace
from kunderegnskab.ingest import take_in
from kunderegnskab.pseudonyms import PLAIN
from kunderegnskab.publication.inputs import recorded
from kunderegnskab.publication.manifest import InputFile

FACTORS = {
    "amount": "1",
    "lines.amount": "1",
    "-amount": "-1",
    "ladder.sign * lines.amount": "ladder.sign",
    "case $column when 'a' then members.a else members.b end": "1",
    "case $column when 'a' then -members.a else members.b end": None,
    "accrued - released": None,
    "sign * (a - b)": None,
    "ratio(a, b)": None,
    "sum(amount)": None,
}


@pytest.mark.parametrize(("value", "factor"), FACTORS.items())
def test_a_part_is_passed_on_with_its_sign_or_not_at_all(value: str, factor: str | None) -> None:
    assert _factor(Total(of="marts.months", value=value)) == factor


LINEAR = {
    "numerator": {"numerator": "1"},
    "a + b - c": {"a": "1", "b": "1", "c": "-(1)"},
    "a - (b - c)": {"a": "1", "b": "-(1)", "c": "-(-(1))"},
    "coefficient * amount": {"coefficient": None, "amount": '"coefficient"'},
    "ratio(a, b)": None,
    "a + 1": None,
    "a + a": None,
    "coalesce(a, 0)": None,
    "case when a > 0 then b end": None,
}


@pytest.mark.parametrize(("formula", "factors"), LINEAR.items())
def test_a_formula_adds_up_or_computes(formula: str, factors: dict[str, str | None] | None) -> None:
    assert _linear(sqlglot.parse_one(formula, dialect="duckdb")) == factors


def test_lookup_files_stand_beside_the_record_with_their_state(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    content = {"lines.csv": b"1\n", "same.csv": b"a\n", "other.csv": b"b\n"}
    for name, text in content.items():
        (landing / name).write_bytes(text)
    sha256 = {f"landing/{name}": hashlib.sha256(text).hexdigest() for name, text in content.items()}
    (landing / "other.csv").write_bytes(b"changed\n")
    file = InputFile(
        feed="sales_lines",
        path="landing/lines.csv",
        sha256=sha256["landing/lines.csv"],
        size=2,
        records_read=1,
        records_loaded=1,
        records_rejected=0,
        records_left_out=0,
        lake_file="sales_lines/a.parquet",
        lake_sha256="0" * 64,
        lookups={
            **{name: sha256[name] for name in ("landing/other.csv", "landing/same.csv")},
            "landing/gone.csv": "1" * 64,
        },
    )
    trace: Any = SimpleNamespace(
        inputs=lambda _: [file],
        workspace=SimpleNamespace(root=tmp_path, lake=tmp_path / "lake", sources=[]),
        rows=lambda *_, **__: [],
        publication=SimpleNamespace(
            manifest=SimpleNamespace(inputs=[file], input_hashes={**file.lookups, file.path: file.sha256})
        ),
    )
    (record,) = source_records(cast(Trace, trace), [RecordKey("sales_lines", "landing/lines.csv", "", 1, 5)])
    assert record.file_state == "unchanged"
    assert [(each.path, each.sha256, each.file_state) for each in record.lookups] == [
        ("landing/gone.csv", "1" * 64, "missing"),
        ("landing/other.csv", sha256["landing/other.csv"], "changed"),
        ("landing/same.csv", sha256["landing/same.csv"], "unchanged"),
    ]


def test_text_is_that_of_the_record_on_its_own_sheet(tmp_path: Path) -> None:
    """Where an earlier publication does not say which sheet it is, there is none rather than another record's."""
    source = """
  - files: bog.xlsx
    format: {{type: xlsx, sheet: {sheet}}}
    columns: {columns}
    shares_files: a sheet each"""
    sources = "".join(source.format(sheet=sheet, columns=SALES_COLUMNS) for sheet in ("Jan", "Feb"))
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        for sheet, document in (("Jan", "J"), ("Feb", "F")):
            rows = book.add_worksheet(sheet)
            rows.write_row(0, 0, SALES_HEADER.split(","))
            rows.write_row(1, 0, (document, "invoice", "2025-01-05", "1", "100", "0"))
    company = workspace_of(tmp_path, f"sales_lines:{sources}\n", {"bog.xlsx": content.getvalue()})
    inputs = [recorded(receipt) for receipt in take_in(company, company.lake).receipts]
    trace: Any = SimpleNamespace(
        inputs=lambda _: inputs,
        workspace=company,
        rows=lambda *_, **__: [],
        pseudonyms_of=lambda _: PLAIN,
        publication=SimpleNamespace(
            manifest=SimpleNamespace(inputs=inputs, input_hashes={each.path: each.sha256 for each in inputs})
        ),
    )
    records = source_records(
        cast(Trace, trace),
        [RecordKey("sales_lines", "landing/bog.xlsx", sheet, 2, 1) for sheet in ("Jan", "Feb", None)],
    )
    assert [record.raw["doc"] if record.raw else None for record in records] == ["J", "F", None]
