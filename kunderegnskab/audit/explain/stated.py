"""What the dbt project's own rules say of a table: which columns are ratios, which sum up those of another.

The rules are tested at each refresh (dbt_project/macros/rules.sql), so `explain` takes them as they stand in
the YAML files of the models. Not here: what is declared for `explain` alone (rules.py).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ruamel.yaml import YAML

from kunderegnskab.installation import DBT_PROJECT

MODELS = DBT_PROJECT / "models"
SEEDS = DBT_PROJECT / "seeds"
_MODEL = re.compile(r"^  - name: (\w+)$", re.MULTILINE)
# A model's rules stand before its columns; only they are read, because YAML is read slowly.
_COLUMNS = re.compile(r"^    columns:$", re.MULTILINE)


@dataclass(frozen=True)
class Sum:
    """Columns that add up the same columns of another table.

    Attributes:
        parts: that table, as `schema.table`.
        by: columns of both tables that tell which parts belong to a row.
    """

    parts: str
    by: tuple[str, ...]
    columns: frozenset[str]


@dataclass(frozen=True)
class Stated:
    """What is stated of one table.

    Attributes:
        grain: columns that tell its rows apart; the first of those that do so alone, where no grain is named.
        ratios: column -> its numerator and its denominator, columns of the same row.
    """

    grain: tuple[str, ...] = ()
    ratios: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    sums: tuple[Sum, ...] = ()


@cache
def stated(table: str) -> Stated:
    """What the rules of a table say; nothing of a table that the project does not know.

    Args:
        table: as `schema.table`.
    """
    text = _texts().get(table)
    if text is None:
        return Stated()
    (model,) = YAML(typ="safe", pure=True).load(text)
    arguments: dict[str, Any] = {}
    for test in model.get("data_tests", ()):
        if isinstance(test, dict) and "rules" in test:
            arguments = test["rules"]["arguments"]
    ratios = arguments.get("ratios_follow_from_sums") or {"ratios": {}}
    return Stated(
        tuple(arguments.get("grain") or arguments.get("unique", [])[:1]),
        {name: (numerator, denominator) for name, (numerator, denominator) in ratios["ratios"].items()},
        tuple(
            Sum(_place(rule["parts"]), tuple(rule["by"]), frozenset(_written_out(rule["columns"])))
            for rule in arguments.get("sums_to") or ()
            if "parts" in rule and "columns" in rule
        ),
    )


@cache
def _texts() -> dict[str, str]:
    """`schema.table` -> the part of its YAML file that says what must hold of it."""
    found = {}
    # A model lies in a folder that is named after its schema; seeds are in schema audit.
    schemas = {path.stem: path.parent.name for path in MODELS.rglob("*.sql")}
    for file in sorted([*MODELS.rglob("_*.yml"), *SEEDS.glob("_*.yml")]):
        if file.match("_unit_tests*.yml"):
            continue
        text = file.read_text(encoding="utf-8")
        starts = list(_MODEL.finditer(text))
        ends = [start.start() for start in starts[1:]] + [len(text)]
        for start, end in zip(starts, ends, strict=True):
            model = text[start.start() : end]
            columns = _COLUMNS.search(model)
            found[f"{schemas.get(start[1], 'audit')}.{start[1]}"] = (
                model[: columns.start()] if columns else model
            )
    return found


def _written_out(columns: Iterable[str]) -> Iterator[str]:
    """The columns, with those of the customers' lines in place of `<lines>`."""
    for column in columns:
        if column != "<lines>":
            yield column
            continue
        with (SEEDS / "default_ladder.csv").open(encoding="utf-8", newline="") as file:
            yield from (line["column_name"] for line in csv.DictReader(file) if line["level"] == "customer")


def _place(model: str) -> str:
    return next((table for table in _texts() if table.partition(".")[2] == model), f"marts.{model}")
