"""Renders docs/contracts/marts.md from the dbt project's declarations of the published tables.

`python -m kunderegnskab.publication.documentation` writes the file in place; a test fails when it is old.
What a table means is written in dbt_project/models/*/_*.yml (what many columns say, in columns.md) and
kunderegnskab/publication/evidence.yaml, the order and signs of the ladder in
dbt_project/seeds/default_ladder.csv.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML

from kunderegnskab.installation import DBT_PROJECT
from kunderegnskab.publication.evidence import declared_evidence
from kunderegnskab.quality.certification import Build, CheckResult

MARTS_DOCUMENT = DBT_PROJECT.parent / "docs" / "contracts" / "marts.md"
_SHARED_TEXT = re.compile(r"{% docs (\w+) %}(.*?){% enddocs %}", re.DOTALL)
_USED_TEXT = re.compile(r"{{ doc\('(\w+)'\) }}")

_INTRODUCTION = """\
# Published tables: the output contract

<!-- Generated from dbt_project/models/*/_*.yml, dbt_project/models/columns.md, dbt_project/seeds and
kunderegnskab/publication/evidence.yaml: change those files, then run `make docs`. -->

A publication holds these tables twice: in `kunderegnskab.duckdb` as `marts.<table>` and `audit.<table>`,
and as `parquet/<table>.parquet` and `parquet/audit/<table>.parquet`. What is called a view here is one over
these tables and stands in `kunderegnskab.duckdb` alone; a client older than DuckDB 1.2 that attaches that
file to another database asks views after `use <name it was attached as>`. What joins to what, and what must
not be added up, is in [bi.md](bi.md). Names, grains and key columns are stable; a change of them is named in
CHANGELOG.md.

Money is in the company's currency, with 4 decimals, never rounded to the minor unit. Sales and results are
positive when they are earned. Deductions and costs are positive amounts to subtract, so a negative one
raises the result. Ratios are computed from sums; do not average them, sum numerator and denominator and
divide. Months are dates, the first day. `(ukendt)` is the customer or product of records that carry no
number.
"""

_LADDER = """\
## The ladder

The lines of the standard account in their order; table `audit.ladder` has them as the company changed them
(feed `ladder_lines`). *Effect* is what a positive amount does to the result; a subtotal is the sum of
everything above it. K70 to K90 are lines of the company only.

| line | column | effect | da | en |
|---|---|---|---|---|
"""

_CERTIFICATION = """\
### audit.build

One row: which load and build the publication was made from. Columns: {build}.

### audit.check_results

One row per check. `stage` is door, dbt or gate; `status` is passed, failed, waived or error; a failed check
that does not block is a warning. Columns: {check_results}, `stamp` (the load or build that it holds for),
`checked_at`.

### main._publication

One row, in the DuckDB file only: name of the publication, run, time, input hash, company, currency, locale
and the previous publication.
"""

_RAW = """\
## Schema raw

What was loaded besides the feeds' records, which lie in the lake. A publication is computed again from these.
"""

_NOT_PUBLISHED = """\
## Not published

These are views in the working warehouse. They are computed from the lake when asked, and no publication
holds them.
"""


@dataclass(frozen=True)
class PublishedTable:
    """A model of marts or audit that publications hold.

    Attributes:
        columns: name and type as the contract writes it, such as `decimal(18,4)`.
        is_view: whether it stands in the DuckDB file alone.
    """

    schema: str
    name: str
    columns: dict[str, str]
    is_view: bool


def published_tables() -> list[PublishedTable]:
    """The tables and views of marts, and the tables of audit that are models, in the document's order."""
    found = [
        PublishedTable(
            schema,
            model["name"],
            {column["name"]: column["data_type"] for column in model["columns"]},
            _is_view(model["name"], schema),
        )
        for schema in ("marts", "audit")
        for model in _declared_models(schema)
    ]
    return [table for table in found if table.schema == "marts" or not table.is_view]


def render_marts_document() -> str:
    """The text of docs/contracts/marts.md.

    Raises KeyError when a column lacks its type or description.
    """
    marts = [(model, "marts") for model in _declared_models("marts")]
    audit = [(model, "audit") for model in _declared_models("audit")]
    views = [(model, schema) for model, schema in audit if _is_view(model["name"], schema)]
    tables = [entry for entry in audit if entry not in views]
    parts = [
        _INTRODUCTION,
        _LADDER + "".join(f"{line}\n" for line in _ladder_rows()),
        "## Schema marts\n",
        *(_section(model, schema) for model, schema in marts),
        "## Schema audit\n",
        *(_section(model, schema) for model, schema in tables),
        *(_section(_with_types(seed), "audit") for seed in _declared("seeds/_seeds.yml", "seeds")),
        *(_section(model, "audit") for model in _evidence("audit")),
        _CERTIFICATION.format(build=_fields(Build), check_results=_fields(CheckResult)),
        _RAW,
        *(_section(table, "raw") for table in _evidence("raw")),
        _NOT_PUBLISHED,
        *(_section(model, schema) for model, schema in views),
    ]
    return "\n".join(parts).rstrip("\n") + "\n"


def main() -> None:
    """Write the document."""
    MARTS_DOCUMENT.write_text(render_marts_document(), encoding="utf-8")


def _declared_models(layer: str) -> list[dict[str, Any]]:
    """The models of a layer, subject by subject; unit tests have YAML files of their own."""
    models = []
    for folder in sorted((DBT_PROJECT / "models").glob(f"*/{layer}")):
        subject = folder.parent
        declared = _declared(f"models/{subject.name}/_{subject.name}.yml", "models")
        models += [model for model in declared if (folder / f"{model['name']}.sql").exists()]
    return models


def _evidence(schema: str) -> list[dict[str, Any]]:
    """The published tables of a schema that are no models, in the form of a model's declaration."""
    (source,) = _declared("models/staging/_raw.yml", "sources")
    read_by_models = {table["name"]: table for table in source["tables"]} if schema == "raw" else {}
    return [
        {
            "name": name,
            "key": table["key"],
            **_described(table if "columns" in table else read_by_models[name]),
        }
        for name, table in declared_evidence()[schema].items()
    ]


def _described(table: dict[str, Any]) -> dict[str, Any]:
    columns = table["columns"]
    if isinstance(columns, dict):
        columns = [{"name": name, **said} for name, said in columns.items()]
    return {"description": table["description"], "columns": columns}


def _declared(file: str, kind: str) -> list[dict[str, Any]]:
    text = _USED_TEXT.sub(
        lambda use: _shared_texts()[use[1]], (DBT_PROJECT / file).read_text(encoding="utf-8")
    )
    return YAML(typ="safe", pure=True).load(text)[kind]


@cache
def _shared_texts() -> dict[str, str]:
    """The descriptions that many columns share, by the name that doc() knows them by."""
    text = (DBT_PROJECT / "models" / "columns.md").read_text(encoding="utf-8")
    return {block[1]: block[2].strip() for block in _SHARED_TEXT.finditer(text)}


def _is_view(name: str, schema: str) -> bool:
    (sql,) = (DBT_PROJECT / "models").glob(f"*/{schema}/{name}.sql")
    return re.search(r"config\([^)]*materialized='view'", sql.read_text(encoding="utf-8")) is not None


def _ladder_rows() -> Iterator[str]:
    effects = {"1": "+", "-1": "-", "0": "="}
    with (DBT_PROJECT / "seeds" / "default_ladder.csv").open(encoding="utf-8", newline="") as stream:
        for line in sorted(csv.DictReader(stream), key=lambda line: int(line["position"])):
            cells = (line["line_code"], f"`{line['column_name']}`", effects[line["sign"]])
            yield f"| {' | '.join(cells)} | {line['name_da']} | {line['name_en']} |"


def _with_types(seed: dict[str, Any]) -> dict[str, Any]:
    types = seed["config"]["column_types"]
    return seed | {"columns": [column | {"data_type": types[column["name"]]} for column in seed["columns"]]}


def _section(model: dict[str, Any], schema: str) -> str:
    key = ", ".join(f"`{name}`" for name in _key(model))
    is_published_view = schema == "marts" and _is_view(model["name"], schema)
    lines = [
        f"### {schema}.{model['name']}",
        "",
        " ".join(model["description"].split())
        + (f" Key: {key}." if key else "")
        + (" A view." if is_published_view else ""),
        "",
        "| column | type | meaning |",
        "|---|---|---|",
        *(
            f"| `{column['name']}` | {column['data_type']} | {' '.join(column['description'].split())} |"
            for column in model["columns"]
        ),
        "",
    ]
    return "\n".join(lines)


def _key(model: dict[str, Any]) -> list[str]:
    """The table's own key or the grain or the first unique column of its rules; none where it is a list."""
    if "key" in model:
        return model["key"]
    rules = {
        kind: named
        for test in model.get("data_tests", [])
        for kind, named in test["rules"]["arguments"].items()
    }
    return rules.get("grain") or rules.get("unique", [])[:1]


def _fields(model: type[BaseModel]) -> str:
    return ", ".join(f"`{name}`" for name in model.model_fields)


if __name__ == "__main__":
    main()
