"""An explanation as people and programs read it: a tree on the terminal, JSON, CSV, Excel.

Here: words, numbers by locale, layout. Not here: what is explained (explanation.py, ask.py).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import xlsxwriter
from babel.numbers import format_decimal
from rich.text import Text
from rich.tree import Tree

from kunderegnskab.audit.explain.ask import Branch
from kunderegnskab.audit.explain.explanation import CannotExplain, Cell, Explanation, Part, Value
from kunderegnskab.audit.explain.reach import Computed, Reached
from kunderegnskab.audit.explain.records import SourceRecord
from kunderegnskab.audit.trace import Trace
from kunderegnskab.spreadsheets import SHEET_ROWS, inert, write_cell

Locale = Literal["da", "en"]

_RECORDS_SHOWN = 10
_WORDS = {
    "da": {
        "adds_up": "Delene giver præcis det udgivne tal.",
        "does_not": "DELENE GIVER IKKE DET UDGIVNE TAL: de giver {computed}.",
        "name": "Nøgle eller navn, som rækken kendes på.",
        "more": "… og {count} til, i alt {sum}",
        "parts": "{shown} af {all} dele er vist; de andre {count} er i alt {sum}",
        "all": "Alle kildeposter bag tallet",
        "shown": "Kildeposter i de viste trin (alle med --csv, --xlsx eller --json)",
        "incomplete": "Posterne er ufuldstændige: {reason}",
        "records": "{count} poster",
        "gives": "giver {value}",
        "record": "{file}, post {number}",
        "record_of_sheet": "{file}, ark {sheet}, post {number}",
        "read": "læst som",
        "unchanged": "{unchanged} af {files} filer er uændrede siden de blev læst",
        "changed": "ÆNDRET siden den blev læst",
        "missing": "FINDES IKKE mere",
    },
    "en": {
        "adds_up": "The parts make exactly what was published.",
        "does_not": "THE PARTS DO NOT MAKE WHAT WAS PUBLISHED: they make {computed}.",
        "name": "A key or name that tells the row from others.",
        "more": "… and {count} more, {sum} together",
        "parts": "{shown} of {all} parts shown; the other {count} are {sum} together",
        "all": "All source records behind the number",
        "shown": "Source records of the steps shown (all with --csv, --xlsx or --json)",
        "incomplete": "Records incomplete: {reason}",
        "records": "{count} records",
        "gives": "gives {value}",
        "record": "{file}, record {number}",
        "record_of_sheet": "{file}, sheet {sheet}, record {number}",
        "read": "read as",
        "unchanged": "{unchanged} of {files} files are unchanged since they were read",
        "changed": "CHANGED since it was read",
        "missing": "IS NOT there any more",
    },
}


@dataclass(frozen=True)
class Names:
    """What columns, ladder lines and KPIs are called in a language."""

    locale: Locale
    by_column: Mapping[str, str]

    def of(self, column: str) -> str:
        """The name of a column, or the column itself."""
        return self.by_column.get(column, column)


def names_of(trace: Trace, locale: Locale) -> Names:
    """The names that the publication gives its ladder lines and KPIs."""
    found = trace.rows(
        f"select column_name as id, name_{locale} as name from audit.ladder "
        f"union all select kpi_id, name_{locale} from marts.kpi_register",
        reads=["audit.ladder", "marts.kpi_register"],
    )
    return Names(locale, {row["id"]: row["name"] for row in found if row["name"]})


# --- terminal ---------------------------------------------------------------------------------------
def tree(root: Branch, records: Sequence[SourceRecord], names: Names, reached: Reached | None = None) -> Tree:
    """The explanation as a tree for the terminal.

    Args:
        reached: all that lies behind the value, where `records` are not only those of the steps shown.
    """
    assert root.explanation is not None
    words = _WORDS[names.locale]
    top = Tree(_headline(root.explanation, names))
    _add_steps(top, root, names)
    if records:
        _add_records(top, words["all" if reached is not None else "shown"], records, names)
    for reason in incomplete(reached) if reached is not None else ():
        top.add(Text(words["incomplete"].format(reason=reason), "bold red"))
    wrong = [each for each in root.explanations() if not each.adds_up]
    for each in wrong:
        top.add(
            Text(f"{_place(each.cell)}: ", "bold red").append(
                words["does_not"].format(computed=number(each.computed, names.locale))
            )
        )
    if not wrong:
        top.add(Text(words["adds_up"], "green"))
    return top


def _headline(explanation: Explanation, names: Names) -> Text:
    text = Text(names.of(str(explanation.cell.key.get("kpi_id", explanation.cell.column))), "bold")
    text.append(f" {number(explanation.value, names.locale)}", "bold cyan")
    return text.append(f"   {_place(explanation.cell)}", "dim")


def _add_steps(node: Tree, branch: Branch, names: Names) -> None:
    explanation = branch.explanation
    if explanation is not None:
        said = explanation.words
        if said is not None:
            node.add(Text(getattr(said, names.locale), "italic"))
        if explanation.kind == "name" and said is None:
            node.add(Text(_WORDS[names.locale]["name"], "italic"))
        elif explanation.formula and not (explanation.kind == "total" and said is not None):
            node.add(Text(f"= {readable(explanation.formula, names)}", "yellow"))
    parts = explanation.parts if explanation is not None else branch.part.parts if branch.part else ()
    shared = _shared(parts)
    for child in branch.branches:
        assert child.part is not None
        if not child.part.name:
            continue  # one value that was looked up: it stands in the line above already
        label = Text(_label(child.part, shared, names))
        # A cost that is subtracted gives another number than the cell holds that stands behind it.
        published = child.part.value if child.explanation is None else child.explanation.value
        label.append(f"  {number(published, names.locale)}", "cyan")
        if published != child.part.value:
            gives = _WORDS[names.locale]["gives"].format(value=number(child.part.value, names.locale))
            label.append(f" ({gives})", "cyan")
        if child.part.records:
            count = _WORDS[names.locale]["records"].format(count=child.part.records)
            label.append(f"   {count}", "dim")
        if child.part.formula:
            label.append(f"   = {readable(child.part.formula, names)}", "yellow")
        if child.part.cell is not None:
            label.append(f"   {_place(child.part.cell)}", "dim")
        _add_steps(node.add(label), child, names)
    if unshown := parts[len(branch.branches) :] if branch.branches else ():
        rest = [part.value for part in unshown if isinstance(part.value, int | Decimal)]
        more = _WORDS[names.locale]["parts"]
        node.add(
            more.format(
                shown=len(branch.branches),
                all=len(parts),
                count=len(unshown),
                sum=number(sum(rest, Decimal(0)), names.locale),
            )
        )


def incomplete(reached: Reached) -> list[str]:
    """Why records are not all that lies behind the value, in sentences; empty if they are."""
    reasons = list(reached.unreached)
    if reached.adds_up is False:
        reasons.append("what the records and the computed cells give is not the published value")
    return reasons


def _add_records(top: Tree, title: str, records: Sequence[SourceRecord], names: Names) -> None:
    words = _WORDS[names.locale]
    states = {record.source_file: record.file_state for record in records}
    states |= {each.path: each.file_state for record in records for each in record.lookups}
    unchanged = sum(state == "unchanged" for state in states.values())
    count = words["records"].format(count=len(records))
    node = top.add(f"{title}: {count}; {words['unchanged'].format(unchanged=unchanged, files=len(states))}")
    for file, state in sorted(states.items()):
        if state != "unchanged":
            node.add(Text(f"{file} {words[state]}", "bold red"))
    for record in records[:_RECORDS_SHOWN]:
        place = words["record_of_sheet" if record.source_sheet else "record"].format(
            file=record.source_file, sheet=record.source_sheet, number=record.source_record
        )
        line = node.add(Text(place).append(f"  {number(record.value, names.locale)}", "cyan"))
        if record.raw is not None:
            line.add(Text(_listed(record.raw), "dim"))
        elif record.read is not None:
            line.add(Text(f"{words['read']}: {_listed(record.read)}", "dim"))
    if len(records) > _RECORDS_SHOWN:
        rest = [each.value for each in records[_RECORDS_SHOWN:] if isinstance(each.value, int | Decimal)]
        node.add(
            words["more"].format(
                count=len(records) - _RECORDS_SHOWN, sum=number(sum(rest, Decimal(0)), names.locale)
            )
        )


def _listed(cells: Mapping[str, str | None] | None) -> str:
    return "; ".join(f"{name}={text}" for name, text in (cells or {}).items())


def _shared(parts: Sequence[Part]) -> set[str]:
    """What all parts have in common, and so tells none from the others."""
    names = parts[0].name if len(parts) > 1 else {}
    return {name for name in names if len({part.name.get(name) for part in parts}) == 1}


def _label(part: Part, shared: set[str], names: Names) -> str:
    if set(part.name) <= {"column", "input"}:
        return names.of(str(next(iter(part.name.values()))))
    return ", ".join(
        f"{value:%Y-%m-%d}" if isinstance(value, date) else str(value)
        for name, value in part.name.items()
        if name not in shared
    )


def readable(formula: str, names: Names) -> str:
    """A formula with the names that people know in place of columns; a long one as it is."""
    return " ".join(formula.split()) if len(formula) > 300 else _renamed(" ".join(formula.split()), names)


def _renamed(formula: str, names: Names) -> str:
    return re.sub(r"[a-z_][a-z0-9_]*", lambda found: names.of(found[0]), formula)


def _place(cell: Cell) -> str:
    key = ", ".join(f"{name}={value}" for name, value in cell.key.items())
    return f"{cell.table}.{cell.column} [{key}]"


def number(value: Value, locale: Locale) -> str:
    """A value as people read it: all its digits, separators by locale."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return {"da": ("nej", "ja"), "en": ("no", "yes")}[locale][value]
    if isinstance(value, int | Decimal):
        places = max(-Decimal(value).normalize().as_tuple().exponent, 0)  # ty: ignore[unsupported-operator]
        return format_decimal(value, f"#,##0.{'0' * places}" if places else "#,##0", locale=locale)
    return str(value)


# --- JSON, CSV, Excel -------------------------------------------------------------------------------
def as_json(
    root: Branch, records: Sequence[SourceRecord], reached: Reached, publication: str
) -> dict[str, Any]:
    """The explanation for scripts; exact values are text."""
    assert root.explanation is not None
    return {
        "publication": publication,
        **_step(root),
        "adds_up": all(each.adds_up for each in root.explanations()),
        "records_complete": not incomplete(reached),
        "records_incomplete": incomplete(reached),
        "records_add_up": reached.adds_up,
        "computed": [
            {"part_of": each.column, "cells": each.cells, "gives": _exact(each.gives)}
            for each in reached.computed
        ],
        "records": [
            {
                "feed": record.feed,
                "file": record.source_file,
                "sha256": record.sha256,
                "file_state": record.file_state,
                "sheet": record.source_sheet,
                "record": record.source_record,
                "value": _exact(record.value),
                "part_of": record.part_of,
                "gives": _exact(record.gives),
                "lookups": [
                    {"file": each.path, "sha256": each.sha256, "file_state": each.file_state}
                    for each in record.lookups
                ],
                "raw": record.raw,
                "read": record.read,
            }
            for record in records
        ],
    }


def _step(branch: Branch) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if branch.part is not None:
        found |= {"part": {name: _exact(value) for name, value in branch.part.name.items()}}
        found |= {"value": _exact(branch.part.value), "record_count": branch.part.records}
        if branch.part.formula:
            found["formula"] = branch.part.formula
        if branch.part.cell is not None:
            found["cell"] = _cell(branch.part.cell)
    if (explanation := branch.explanation) is not None:
        found |= {
            "cell": _cell(explanation.cell),
            "value": _exact(explanation.value),
            "kind": explanation.kind,
            "formula": explanation.formula,
            "computed": _exact(explanation.computed),
            "adds_up": explanation.adds_up,
            "part_count": len(explanation.parts),
        }
        if explanation.words is not None:
            found["words"] = explanation.words.model_dump()
        followed = len(branch.branches)
        found["parts"] = [_step(child) for child in branch.branches] + [
            _step(Branch(part, None)) for part in explanation.parts[followed:]
        ]
    elif branch.branches:
        found["parts"] = [_step(child) for child in branch.branches]
    if branch.why_not:
        found["why_not"] = branch.why_not
    return found


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "table": cell.table,
        "key": {name: _exact(value) for name, value in cell.key.items()},
        "column": cell.column,
    }


def _exact(value: Value) -> str | int | bool | None:
    return value if value is None or isinstance(value, bool | int) else str(value)


_RECORD_COLUMNS = (
    "feed", "file", "sheet", "record", "value", "part_of", "gives", "sha256", "file_state", "lookups", "raw",
    "read",
)  # fmt: skip


def _record_rows(
    records: Sequence[SourceRecord], computed: Sequence[Computed]
) -> Iterator[tuple[object, ...]]:
    """What gives the published value: records, and what is computed on the way and stands for others."""
    yield from (
        (
            record.feed,
            record.source_file,
            record.source_sheet,
            record.source_record,
            record.value,
            record.part_of,
            record.gives,
            record.sha256,
            record.file_state,
            "; ".join(f"{each.path} {each.sha256} {each.file_state}" for each in record.lookups),
            _listed(record.raw),
            _listed(record.read),
        )
        for record in records
    )
    for each in computed:
        yield (
            "computed",
            None,
            None,
            None,
            None,
            each.column,
            each.gives,
            None,
            None,
            None,
            f"{each.cells} cells",
            None,
        )


def write_csv(path: Path, records: Sequence[SourceRecord], computed: Sequence[Computed]) -> None:
    """All source records, one row each, then a row per computed column: `gives` adds up to the value."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_RECORD_COLUMNS)
        writer.writerows(map(inert, row) for row in _record_rows(records, computed))


def write_xlsx(
    path: Path, root: Branch, records: Sequence[SourceRecord], computed: Sequence[Computed]
) -> None:
    """Two sheets: the steps down, and what `write_csv` writes.

    Raises CannotExplain for more records than a sheet holds.
    """
    if len(records) + len(computed) >= SHEET_ROWS:
        raise CannotExplain(
            f"{len(records):,} records are more than the {SHEET_ROWS:,} that a sheet holds; use --csv."
        )
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    bold = book.add_format({"bold": True})
    steps = book.add_worksheet("steps")
    steps.write_row(0, 0, ("level", "value", "computed", "adds_up", "cell", "rule"), bold)
    for row, (level, each) in enumerate(_leveled(root, 0), start=1):
        for column, value in enumerate(
            (level, each.value, each.computed, str(each.adds_up), _place(each.cell), each.formula)
        ):
            write_cell(steps, row, column, value)
    sheet = book.add_worksheet("records")
    sheet.write_row(0, 0, _RECORD_COLUMNS, bold)
    for row, values in enumerate(_record_rows(records, computed), start=1):
        for column, value in enumerate(values):
            write_cell(sheet, row, column, value)
    book.close()


def _leveled(branch: Branch, level: int) -> list[tuple[int, Explanation]]:
    own = [(level, branch.explanation)] if branch.explanation is not None else []
    return own + [each for child in branch.branches for each in _leveled(child, level + 1)]
