"""What dbt builds is what the contracts declare, or the run is red: macros/contracts.sql compares when all is built.

The project here is the real one with made-up models, so that each fault has a model and dbt runs once. Which models
must have a contract belongs in test_project_rules.py.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from warehouse import DBT_PROJECT, dbt, statuses

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


def select_list(**changed: str) -> list[str]:
    """What is declared, with some columns written otherwise, left out (by nothing) or added."""
    return [sql for sql in (SELECT | changed).values() if sql]


# Kind and select list by name.
MODELS: dict[str, tuple[str, list[str]]] = {
    "table_as_declared": ("table", select_list()),
    "view_as_declared": ("view", select_list()),
    "column_missing": ("table", select_list(month="")),
    "column_too_many": ("table", select_list(surplus="1 as surplus")),
    "other_order": ("table", select_list()[::-1]),
    "other_type": ("table", select_list(line_count="cast(1 as int) as line_count")),
    "other_scale": ("table", select_list(amount="cast(1 as decimal(18, 2)) as amount")),
    "other_name": ("table", select_list(customer_id="'K1' as customer")),
    "view_of_other_type": ("view", select_list(customer_id="1 as customer_id")),
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
def project_with_faults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real settings and macros, and models of its own in the folder of the marts."""
    folder = tmp_path_factory.mktemp("contracts") / "project"
    for name in ("macros", "rules"):
        shutil.copytree(DBT_PROJECT / name, folder / name)
    marts = folder / "models" / "accounts" / "marts"
    marts.mkdir(parents=True)
    for name in ("dbt_project.yml", "profiles.yml", "models/_groups.yml"):
        shutil.copy(DBT_PROJECT / name, folder / name)
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


def test_every_table_that_breaks_its_contract_is_named_with_what_differs(project_with_faults: Path) -> None:
    done = dbt(project_with_faults.parent / "kunderegnskab.duckdb", "build", project=project_with_faults)
    assert not done.success
    said = [line.strip() for line in str(done.exception).splitlines()]
    assert "Tables are not what their contracts declare:" in said
    assert dict(line.split(": ", 1) for line in said if ": declared but" in line) == SAID


def test_tables_as_declared_are_no_fault(project_with_faults: Path) -> None:
    sound = "table_as_declared view_as_declared"
    done = dbt(
        project_with_faults.parent / "kunderegnskab.duckdb",
        "build",
        "--select",
        sound,
        project=project_with_faults,
    )
    assert done.success
    assert set(sound.split()) <= statuses(done).keys()
