"""Renders docs/contracts/feeds.md from the input contract, and writes what else is generated from it.

`python -m kunderegnskab.feeds.documentation` writes the files in place; a test fails when one of them is old.
What a feed contains is declared in contracts.yaml; `dbt_sources` gives dbt's form of it, and
`kunderegnskab.publication.documentation` describes the published tables.
"""

from __future__ import annotations

from pathlib import Path

from kunderegnskab.feeds.contracts import SOURCE_COLUMNS, SQL_TYPES, Column, Feed, load_feeds
from kunderegnskab.feeds.dbt_sources import render_dbt_sources
from kunderegnskab.installation import DBT_PROJECT

FEEDS_DOCUMENT = DBT_PROJECT.parent / "docs" / "contracts" / "feeds.md"
DBT_SOURCES = DBT_PROJECT / "models" / "staging" / "_feeds.yml"

_INTRODUCTION = """\
# Feeds: the input contract

<!-- Generated from kunderegnskab/feeds/contracts.yaml: change that file, then run `make docs`. -->

A *feed* is a canonical input table. A company supplies the feeds it has; only `sales_lines` is required. A
feed that is not supplied is an empty table. How files are mapped to feeds is described in
[workspace.md](../workspace.md).

Sales and quantities of credit notes are negative. Costs are positive. A source's own signs are turned once,
in its mapping. The key must be unique over all files of the feed: a record that repeats a key is rejected,
the first one is kept. A record whose key has an empty part repeats none.

Every record carries where it came from: {source_columns}. `_source_record` counts the file's records from 1
after the header; in a workbook it is the row of the sheet, which `_source_sheet` names. For a file without
sheets that is the empty text.

The last column of each table says whose data a column holds, if a person's: see
[personal_data.md](../personal_data.md).
"""

_TYPES = {
    "id": "text key as the source wrote it; leading zeros kept, scientific notation refused",
    "text": "free text",
    "code": "one of the listed values",
    "date": "calendar date",
    "month": "first day of a month",
    "money": "amount; more than 4 decimals are refused",
    "quantity": "number; more than 6 decimals are refused",
    "rate": "share or rate, 0.06 for 6 %; more than 8 decimals are refused",
    "integer": "whole number",
    "boolean": "true or false",
}

_RULES = {
    "two_of_three_amounts": (
        "Two of `list_amount`, `discount_amount` and `net_amount` are needed; the third follows from "
        "list - discount = net, and where all three stand they must agree."
    ),
}


def render_feeds_document() -> str:
    """The text of docs/contracts/feeds.md: types, then one section per feed in the contract's order."""
    source_columns = ", ".join(f"`{name}` ({sql_type})" for name, sql_type in SOURCE_COLUMNS.items())
    types = [f"| {name} | {sql_type} | {_TYPES[name]} |" for name, sql_type in SQL_TYPES.items()]
    parts = [
        _INTRODUCTION.format(source_columns=source_columns),
        "\n".join(["| type | in the database | meaning |", "|---|---|---|", *types]) + "\n",
        *(_section(feed) for feed in load_feeds().values()),
    ]
    return "\n".join(parts)


def generated_files() -> dict[Path, str]:
    """Every file that follows from the contract, with the text that it must have."""
    return {FEEDS_DOCUMENT: render_feeds_document(), DBT_SOURCES: render_dbt_sources()}


def main() -> None:
    """Write the generated files."""
    for path, text in generated_files().items():
        path.write_text(text, encoding="utf-8")


def _section(feed: Feed) -> str:
    required = " Required." if feed.required else ""
    key = ", ".join(f"`{name}`" for name in feed.key)
    lines = [
        f"## {feed.name}",
        "",
        f"{feed.en} / *{feed.da}*. {feed.grain.capitalize()}. Key: {key}.{required}",
        "",
        *(line for rule in feed.rules for line in (_RULES[rule], "")),
        "| column | type | needed | da | en | personal |",
        "|---|---|---|---|---|---|",
        *(_row(name, column) for name, column in feed.columns.items()),
        "",
    ]
    return "\n".join(lines)


def _row(name: str, column: Column) -> str:
    needed = "yes" if column.required else ""
    if column.default is not None:
        needed = f"default `{column.default}`"
    meaning = column.en
    if column.values:
        meaning += ": " + ", ".join(f"`{value}`" for value in column.values)
    conditions = [f"{other} is {' or '.join(values)}" for other, values in column.personal_when.items()]
    personal = f"{column.personal or ''}{' where ' if conditions else ''}{' and '.join(conditions)}"
    return f"| `{name}` | {column.type} | {needed} | {column.da} | {meaning} | {personal} |"


if __name__ == "__main__":
    main()
