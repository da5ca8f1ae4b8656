"""What dbt builds is what the contracts declare, or the run is red: macros/contracts.sql compares when all is built.

The project here is the real one with made-up models, so that each fault has a model and dbt runs once. Which models
must have a contract belongs in test_project_rules.py.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from warehouse import DBT_PROJECT, dbt, run_results

# Every model declares the same columns, and its SQL gives:
DECLARED = (
    "customer_id string",
    "month date",
    "amount decimal(18, 4)",
    "line_count bigint",
    "is_unknown boolean",
)
SELECT = {
    "customer_id": "'K1' as customer_id",
    "month": "cast('2026-01-01' as date) as month",
    "amount": "cast(1 as decimal(18, 4)) as amount",
    "line_count": "cast(1 as bigint) as line_count",
    "is_unknown": "false as is_unknown",
}
WHOLE = list(SELECT)
MODELS: dict[str, tuple[str, list[str]]] = {
    "table_as_declared": ("table", [SELECT[name] for name in WHOLE]),
    "view_as_declared": ("view", [SELECT[name] for name in WHOLE]),
    "column_missing": ("table", [SELECT[name] for name in WHOLE if name != "month"]),
    "column_too_many": ("table", [*SELECT.values(), "1 as surplus"]),
    "other_order": ("table", [SELECT[name] for name in ("month", "customer_id", *WHOLE[2:])]),
    "other_type": (
        "table",
        [*list(SELECT.values())[:3], "cast(1 as int) as line_count", SELECT["is_unknown"]],
    ),
    "other_scale": (
        "table",
        [*list(SELECT.values())[:2], "cast(1 as decimal(18, 2)) as amount", *list(SELECT.values())[3:]],
    ),
    "other_name": ("table", ["'K1' as customer", *list(SELECT.values())[1:]]),
    "view_of_other_type": ("view", ["1 as customer_id", *list(SELECT.values())[1:]]),
}
SAID = {
    "column_missing": "declared but not built: month date; built but not declared: nothing",
    "column_too_many": "declared but not built: nothing; built but not declared: surplus integer",
    "other_order": "declared but not built: nothing; built but not declared: nothing; the order differs",
    "other_type": "declared but not built: line_count bigint; built but not declared: line_count integer",
    "other_scale": "declared but not built: amount decimal(18,4); built but not declared: amount decimal(18,2)",
    "other_name": "declared but not built: customer_id varchar; built but not declared: customer varchar",
    "view_of_other_type": "declared but not built: customer_id varchar; built but not declared: customer_id integer",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real settings and macros, and models of its own in the folder of the marts."""
    folder = tmp_path_factory.mktemp("contracts") / "project"
    for name in ("macros", "rules"):
        shutil.copytree(DBT_PROJECT / name, folder / name)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(DBT_PROJECT / name, folder)
    marts = folder / "models" / "marts"
    marts.mkdir(parents=True)
    columns = "".join(
        f"      - {{name: {name}, data_type: '{sql_type}'}}\n" for name, sql_type in map(split, DECLARED)
    )
    described = "".join(f"  - name: {name}\n    columns:\n{columns}" for name in MODELS)
    (marts / "_marts.yml").write_text(f"version: 2\nmodels:\n{described}", encoding="utf-8")
    for name, (kind, selected) in MODELS.items():
        sql = f"{{{{ config(materialized='{kind}') }}}}\nselect\n    {', '.join(selected)}\n"
        (marts / f"{name}.sql").write_text(sql, encoding="utf-8")
    return folder


def split(column: str) -> tuple[str, str]:
    name, _, sql_type = column.partition(" ")
    return name, sql_type


def test_every_table_that_breaks_its_contract_is_named_with_what_differs(project: Path) -> None:
    done = dbt(project.parent / "kunderegnskab.duckdb", "build", project=project)
    assert not done.success
    results = run_results(done)
    assert {run.node.name: str(run.status) for run in results if run.node.name in MODELS} == dict.fromkeys(
        MODELS, "success"
    )
    (at_end,) = [run for run in results if run.node.name not in MODELS]
    assert str(at_end.status) == "error"
    assert at_end.node.unique_id.startswith("operation.")
    said = dict(line.strip().split(": ", 1) for line in at_end.message.splitlines() if ": declared" in line)
    assert said == SAID


def test_tables_as_declared_are_no_fault(project: Path) -> None:
    sound = "table_as_declared view_as_declared"
    done = dbt(project.parent / "kunderegnskab.duckdb", "build", "--select", sound, project=project)
    assert done.success
    assert {run.node.name: str(run.status) for run in run_results(done)} == dict.fromkeys(
        sound.split(), "success"
    )
