"""The files of a comparison: Parquet and CSV with a row per measure, a workbook with a row per scope."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from kunderegnskab.scenario.comparison import MEASURES, Amount, Comparison, Fact, Level, Place
from kunderegnskab.spreadsheets import inert, write_cell

if TYPE_CHECKING:
    from xlsxwriter.workbook import Format, Workbook

    from kunderegnskab.scenario.trying import Tried

AMOUNTS, PLACES = "comparison", "places"
_MONEY = pa.decimal128(38, 4)
_AMOUNTS = pa.schema(
    [
        *((name, pa.string()) for name in ("level", "scope_id", "name", "measure")),
        *((name, _MONEY) for name in ("before", "after", "difference")),
    ]
)
_PLACES = pa.schema([(name, pa.string()) for name in ("customer_id", "name", "fact", "before", "after")])


def write_files(folder: Path, comparison: Comparison) -> None:
    """Write `comparison` (a row per scope and measure) and `places` (a row per customer and fact), twice."""
    for name, schema, rows in (
        (AMOUNTS, _AMOUNTS, [amount_row(each) for each in comparison.amounts]),
        (PLACES, _PLACES, [asdict(each) for each in comparison.places]),
    ):
        pq.write_table(pa.Table.from_pylist(rows, schema), folder / f"{name}.parquet")
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(schema.names)
            writer.writerows([inert(row[column]) for column in schema.names] for row in rows)


def amount_row(amount: Amount) -> dict[str, Any]:
    """An amount as its files have it."""
    return asdict(amount) | {"difference": amount.difference}


def write_workbook(path: Path, tried: Tried) -> None:
    """What was tried, and a sheet for each level."""
    comparison = tried.comparison
    book = xlsxwriter.Workbook(str(path))
    bold = book.add_format({"bold": True})
    about = book.add_worksheet("scenario")
    for row, (name, value) in enumerate(_about(tried)):
        about.write_string(row, 0, name, bold)
        write_cell(about, row, 1, value)
    about.set_column(0, 0, 24)
    company = [
        (comparison.line_names.get(each.measure, each.measure), each.before, each.after, each.difference)
        for each in comparison.at("company")
    ]
    _sheet(book, bold, "company", ("line", "before", "after", "difference"), company)
    places = {(place.customer_id, place.fact): place for place in comparison.places}
    for level in ("segment", "salesperson", "salesperson_today", "customer"):
        _sheet(book, bold, level, *_wide(comparison, level, places))
    book.close()


def _about(tried: Tried) -> Iterator[tuple[str, object]]:
    yield "scenario", tried.trial.name
    yield "compared with", tried.comparison.publication
    yield "first month", f"{tried.comparison.first_month:%Y-%m}"
    yield "last month", f"{tried.comparison.month:%Y-%m}"
    for source in tried.trial.sources:
        yield f"instead of {source.feed}", source.label
    for key, value in tried.trial.settings.items():
        yield f"company.yaml: {key}", value if isinstance(value, str) else json.dumps(value)
    for problem in tried.problems:
        yield "would not be published", problem


def _wide(
    comparison: Comparison, level: Level, places: Mapping[tuple[str, Fact], Place]
) -> tuple[list[str], list[list[object]]]:
    """Header and rows of a level: a row per scope, three columns per measure."""
    is_customer = level == "customer"
    facts = get_args(Fact) if is_customer else ()
    header = [level, *(["name"] if is_customer else [])]
    header += [f"{fact} {side}" for fact in facts for side in ("before", "after")]
    header += [f"{measure} {side}" for measure in MEASURES for side in ("before", "after", "difference")]
    rows: list[list[object]] = []
    for scope_id, amounts in by_scope(comparison.at(level)).items():
        row: list[object] = [scope_id]
        if is_customer:
            row.append(next(iter(amounts.values())).name)
        for fact in facts:
            place = places.get((scope_id, fact))
            row += [place.before, place.after] if place else [None, None]
        for measure in MEASURES:
            amount = amounts.get(measure)
            row += [amount.before, amount.after, amount.difference] if amount else [None] * 3
        rows.append(row)
    return header, rows


def by_scope(amounts: Sequence[Amount]) -> dict[str, dict[str, Amount]]:
    """Amounts of a level by scope and measure."""
    found: dict[str, dict[str, Amount]] = {}
    for amount in amounts:
        found.setdefault(amount.scope_id, {})[amount.measure] = amount
    return found


def _sheet(
    book: Workbook, bold: Format, name: str, header: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    sheet = book.add_worksheet(name)
    sheet.write_row(0, 0, header, bold)
    sheet.freeze_panes(1, 1)
    money = book.add_format({"num_format": "#,##0.00"})
    for column, title in enumerate(header):
        sheet.set_column(column, column, max(len(title) + 2, 14), money)
    for row, values in enumerate(rows, start=1):
        for column, value in enumerate(values):
            if value is not None:
                write_cell(sheet, row, column, value)
