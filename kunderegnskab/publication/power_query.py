"""Writes docs/connections/powerquery/: each published table as a query of Power Query (M).

Here: what Power BI and Excel are told of a table, from its contract. Not here: which tables there are
(documentation.py), and how a model is made of them (docs/connections/power-bi-and-excel.md).

`python -m kunderegnskab.publication.power_query` writes the files in place; a test fails when one is old.
"""

from __future__ import annotations

import re
from pathlib import Path

from kunderegnskab.installation import DBT_PROJECT
from kunderegnskab.publication.documentation import PublishedTable, published_tables

FOLDER = DBT_PROJECT.parent / "docs" / "connections" / "powerquery"
# What accounts are joined to beside the marts: names and order of the lines.
_OF_AUDIT = ("ladder",)
_TYPES = {
    "string": "type text",
    "bigint": "Int64.Type",
    "date": "type date",
    "boolean": "type logical",
}
# Power BI's fixed decimal number has four decimals and nineteen digits, exact. Others become binary floats.
_EXACT = re.compile(r"decimal\((\d+),([0-4])\)")
_EXACT_DIGITS = 19
_DECIMAL = re.compile(r"decimal\(\d+,\d+\)")

_PARQUET = """\
    Source = Parquet.Document(File.Contents(Publication & "{path}")),
"""
_POSTGRES = """\
    Database = PostgreSQL.Database(Server, DatabaseName, [CreateNavigationProperties = false]),
    Source = Database{{[Schema = "{schema}", Item = "{table}"]}}[Data],
"""
_QUERY = """\
// {name}: docs/contracts/marts.md says what its columns mean. Written by make docs.
let
{source}    Typed = Table.TransformColumnTypes(
        Source,
        {{
{types}
        }}
    )
in
    Typed
"""


def queries() -> dict[Path, str]:
    """Text of each file by its path: `parquet/` has the stored tables, `postgresql/` the views as well.

    Raises KeyError for a type that is not known here.
    """
    chosen = [table for table in published_tables() if table.schema == "marts" or table.name in _OF_AUDIT]
    found = {}
    for table in chosen:
        if not table.is_view:
            below = "" if table.schema == "marts" else f"{table.schema}\\"
            source = _PARQUET.format(path=f"parquet\\{below}{table.name}.parquet")
            found[FOLDER / "parquet" / f"{table.name}.pq"] = _query(table, source)
        schema = "kunderegnskab" if table.schema == "marts" else f"kunderegnskab_{table.schema}"
        source = _POSTGRES.format(schema=schema, table=table.name)
        found[FOLDER / "postgresql" / f"{table.name}.pq"] = _query(table, source)
    return found


def main() -> None:
    """Write the files, and remove those of tables that are gone."""
    written = queries()
    for path in FOLDER.glob("*/*.pq"):
        if path not in written:
            path.unlink()
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _query(table: PublishedTable, source: str) -> str:
    types = ",\n".join(
        f'            {{"{name}", {_type(data_type)}}}' for name, data_type in table.columns.items()
    )
    return _QUERY.format(name=f"{table.schema}.{table.name}", source=source, types=types)


def _type(data_type: str) -> str:
    exact = _EXACT.fullmatch(data_type)
    if exact and int(exact[1]) <= _EXACT_DIGITS:
        return "Currency.Type"
    if _DECIMAL.fullmatch(data_type):
        return "type number"
    return _TYPES[data_type]


if __name__ == "__main__":
    main()
