"""lineage.html of a publication: every table and view, its SQL, and what each column is made of.

Here: following the columns back to the feeds, and the page. Not here: reading lineage from SQL (lineage.py)
and the page's layout (lineage.html.j2, lineage_body.html.j2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Literal

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kunderegnskab.audit.lineage import ROWS
from kunderegnskab.audit.models import Model, read_models
from kunderegnskab.code_version import code_version
from kunderegnskab.problems import on_page
from kunderegnskab.workspace.notes import write_text

PAGE_FILE = "lineage.html"
_TEMPLATE = "lineage.html.j2"
_BODY = "lineage_body.html.j2"
_TEXTS = {
    "da": {
        "title": "Hvor tallene kommer fra",
        "intro": "Hver tabel i denne udgivelse, den SQL der beregnede den, og for hver kolonne hvad den er "
        "lavet af: et skridt tilbage, og de kolonner i kilderne som det begynder med.",
        "column": "Kolonne",
        "made_of": "Lavet af",
        "begins": "Begynder i kilderne",
        "rows": "rækkerne i",
        "sql": "SQL",
        "seed": "Kommer med programmet.",
        "publication": "Udgivelse",
    },
    "en": {
        "title": "Where the numbers come from",
        "intro": "Each table of this publication, the SQL that computed it, and of each column what it is "
        "made of: one step back, and the columns of the feeds that it begins with.",
        "column": "Column",
        "made_of": "Made of",
        "begins": "Begins in the feeds",
        "rows": "the rows of",
        "sql": "SQL",
        "seed": "Comes with the program.",
        "publication": "Publication",
    },
}
_LAYERS = {
    "da": {
        "marts": "Tabeller til læsere",
        "audit": "Tabeller til revision",
        "intermediate": "Mellemregninger",
        "staging": "Kilderne, som de er indlæst",
    },
    "en": {
        "marts": "Tables for readers",
        "audit": "Tables for auditors",
        "intermediate": "Steps between",
        "staging": "The feeds as they were loaded",
    },
}

# (schema, relation, column)
Place = tuple[str, str, str]
Edges = Mapping[Place, Sequence[Place]]


def read_edges(con: duckdb.DuckDBPyConnection, catalog: str) -> dict[Place, list[Place]]:
    """Column -> the columns one step back, of a publication's attached database."""
    edges: dict[Place, list[Place]] = {}
    for row in con.execute(
        "select schema_name, model, column_name, source_schema, source_relation, source_column "
        f"from {catalog}.audit.column_lineage order by all"
    ).fetchall():
        edges.setdefault(row[:3], []).append(row[3:])
    return edges


def beginnings(
    edges: Edges, columns: Mapping[tuple[str, str], Sequence[str]]
) -> Mapping[Place, frozenset[Place]]:
    """Column -> the columns of raw tables and seeds that it begins with, over all steps between.

    What is made of rows alone begins with every column of the relations that the rows come from.

    Args:
        columns: (schema, relation) -> its columns, of every relation that has edges.
    """

    @cache
    def of(place: Place) -> frozenset[Place]:
        schema, relation, column = place
        if column == ROWS and (schema, relation) in columns:
            return frozenset().union(*(of((schema, relation, each)) for each in columns[schema, relation]))
        if place not in edges:
            return frozenset([place])
        return frozenset().union(*(of(source) for source in edges[place]))

    return {place: of(place) for place in edges}


def write_lineage_page(
    directory: Path,
    con: duckdb.DuckDBPyConnection,
    *,
    company: str,
    publication: str,
    locale: Literal["da", "en"],
    kept: Path,
) -> None:
    """Write lineage.html into `directory`, from audit.models and audit.column_lineage of the warehouse.

    Args:
        kept: folder in which the body of the page, 2 MB that change with the models alone, is kept.
    """
    ((catalog,),) = con.execute("select current_database()").fetchall()
    models = read_models(con, catalog)
    edges = read_edges(con, catalog)
    columns: dict[tuple[str, str], list[str]] = {}
    for schema, relation, column in con.execute(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where database_name = current_database() and not internal order by table_oid, column_index"
    ).fetchall():
        if f"{schema}.{relation}" in models:
            columns.setdefault((schema, relation), []).append(column)
    for schema, relation, column in edges:
        if column not in columns.setdefault((schema, relation), []):
            columns[schema, relation].append(column)  # a view, which no publication holds
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=on_page,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(_TEMPLATE).render(
        t=_TEXTS[locale],
        locale=locale,
        company=company,
        publication=publication,
        body=_body(environment, models, edges, columns, locale, kept),
    )
    (directory / PAGE_FILE).write_text(page, encoding="utf-8", newline="\n")


def _body(
    environment: Environment,
    models: Mapping[str, Model],
    edges: Edges,
    columns: Mapping[tuple[str, str], Sequence[str]],
    locale: Literal["da", "en"],
    kept: Path,
) -> str:
    """The body of the page: what was kept, if it was made from the same, else a new one."""
    made_from = (code_version(), models, edges, columns)
    key = hashlib.sha256(repr(made_from).encode()).hexdigest()
    file = kept / f"lineage-{locale}.html"
    first_line = f"<!-- {key} -->\n"
    with suppress(OSError, UnicodeDecodeError):
        found = file.read_text(encoding="utf-8")
        if found.startswith(first_line):
            return found.removeprefix(first_line)
    begins = beginnings(edges, columns)
    body = environment.get_template(_BODY).render(
        t=_TEXTS[locale],
        layers=[(layer, title, _of_layer(models, layer)) for layer, title in _LAYERS[locale].items()],
        columns=columns,
        edges=edges,
        begins={place: _by_relation(found) for place, found in begins.items()},
        models=models,
        rows=ROWS,
    )
    write_text(file, first_line + body)
    return body


def _of_layer(models: Mapping[str, Model], layer: str) -> list[Model]:
    return sorted((model for model in models.values() if model.schema == layer), key=lambda model: model.name)


def _by_relation(places: frozenset[Place]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for _, relation, column in sorted(places):
        found.setdefault(relation, []).append(column)
    return found
