"""Rules are found, named, whole and complete; and what dbt compiles follows from the code alone.

That each rule turns red for its fault is shown in test_planted_faults.py and test_planted_sales_faults.py.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from dbt_common.clients.jinja import get_environment
from jinja2 import meta
from jinja2 import nodes as jinja
from ruamel.yaml import YAML
from warehouse import DBT_PROJECT

from kunderegnskab.dbt.answers import rules_sql
from kunderegnskab.dbt.project import rules

pytestmark = pytest.mark.quick

Manifest = dict[str, Any]
RULES = DBT_PROJECT / "rules"
# It calls the rules by name.
OWN_RULE = RULES / "own_rule.sql"


def model_tests(manifest: Manifest) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]


def own_rules(manifest: Manifest) -> list[tuple[str, str]]:
    """Each rule of the folder rules/ that a model lists, with the model's name."""
    return [
        (rule, manifest["nodes"][test["attached_node"]]["name"])
        for test in model_tests(manifest)
        for rule in test["test_metadata"]["kwargs"].get("own", [])
    ]


# --- the rules of each model ------------------------------------------------------------------------
def test_every_dbt_test_holds_the_rules_of_one_model(manifest: Manifest) -> None:
    found = [
        (test["name"], test["attached_node"], test["test_metadata"]["name"]) for test in model_tests(manifest)
    ]
    assert found
    assert [
        each for each in found if each != (f"{manifest['nodes'][each[1]]['name']}__rules", each[1], "rules")
    ] == []
    assert [model for model, tests in Counter(model for _, model, _ in found).items() if tests > 1] == []


def test_no_two_rules_have_one_name(manifest: Manifest) -> None:
    named = Counter(rule for test in model_tests(manifest) for rule in rules(test))
    assert [rule for rule, times in named.items() if times > 1] == []
    assert len(named) > 300


def test_compiled_tests_hold_every_rule_by_name(manifest: Manifest) -> None:
    """What a report says of a rule is asked with the SQL found so; one that is not found could not be told."""
    assert [
        test["name"]
        for test in model_tests(manifest)
        if not rules(test) or list(rules_sql(test["compiled_code"])) != rules(test)
    ] == []


# --- the rules with a file of their own ---------------------------------------------------------------
def test_every_file_of_rules_is_listed_by_the_model_it_is_named_after(manifest: Manifest) -> None:
    listed = own_rules(manifest)
    assert sorted(rule for rule, _ in listed) == sorted(
        file.stem for file in RULES.glob("*.sql") if file != OWN_RULE
    )
    # What leads from a model back to its records is named after the records.
    assert [
        (rule, model)
        for rule, model in listed
        if not rule.startswith((f"{model}__", f"postings__sum_to_{model}"))
    ] == []


def test_every_file_of_rules_is_the_macro_of_its_name() -> None:
    assert [
        file.name
        for file in RULES.glob("*.sql")
        if re.findall(r"\{%-? macro (\w+)\(", file.read_text(encoding="utf-8")) != [file.stem]
    ] == []


def test_own_rule_names_every_file_of_rules() -> None:
    named = re.findall(r"^    \{\{ (\w+)\(\) \}\}$", OWN_RULE.read_text(encoding="utf-8"), re.MULTILINE)
    assert named == sorted(file.stem for file in RULES.glob("*.sql") if file != OWN_RULE)


# --- compiled SQL is a function of the code -----------------------------------------------------------
# All that SQL may use of dbt while it is compiled: none of it differs between two companies, days or machines.
# `adapter.dispatch` chooses the engine's form of a macro.
ALLOWED = {"ref", "source", "config", "return", "adapter.dispatch"}
# What a file may use besides. The schema is that of profiles.yml, the model is the one that a test belongs to, and
# whatever compiles a model executes it: only who looks for references alone does not.
ALLOWED_IN = {
    "macros/leaves.sql": {"execute"},
    "macros/schema_names.sql": {"target.schema"},
    "macros/rules.sql": {"context['model']"},
    "rules/own_rule.sql": {"context[name]"},
}
# They run when something is built, not while it is compiled: how tables get into the warehouse, and what is compared
# when all is built.
AT_BUILD = ("macros/materializations.sql", "macros/contracts.sql")


def sql_files() -> Iterator[Path]:
    for folder in ("models", "macros", "rules"):
        yield from sorted((DBT_PROJECT / folder).rglob("*.sql"))


@cache
def macros_of_the_project() -> set[str]:
    return {
        macro.name.removeprefix("dbt_macro__")
        for file in sql_files()
        for macro in _parsed(file.read_text(encoding="utf-8")).find_all(jinja.Macro)
    }


def asked_of_dbt(sql: str) -> set[str]:
    """What a file uses that neither it nor a macro of the project defines, and that not every file may use."""
    parsed = _parsed(sql)
    undefined = meta.find_undeclared_variables(parsed) - macros_of_the_project()
    return {used for name in undefined for used in _uses(parsed, name)} - ALLOWED


def _parsed(sql: str) -> jinja.Template:
    return get_environment(None).parse(sql)


def _uses(parsed: jinja.Template, name: str) -> Iterator[str]:
    """How a name is used: `name.attribute`, `name['key']`, `name[variable]`, or as it is."""
    inner: set[int] = set()
    for node in parsed.find_all((jinja.Getattr, jinja.Getitem)):
        if isinstance(node.node, jinja.Name) and node.node.name == name:
            inner.add(id(node.node))
            if isinstance(node, jinja.Getattr):
                yield f"{name}.{node.attr}"
            elif isinstance(node.arg, jinja.Const):
                yield f"{name}[{node.arg.value!r}]"
            else:
                yield f"{name}[{getattr(node.arg, 'name', '?')}]"
    if any(node.name == name and id(node) not in inner for node in parsed.find_all(jinja.Name)):
        yield name


def test_compiled_sql_follows_from_the_code_alone() -> None:
    """A refresh of one company may be told by the SQL that was compiled for another."""
    files = {
        file.relative_to(DBT_PROJECT).as_posix(): file.read_text(encoding="utf-8") for file in sql_files()
    }
    asked = {name: asked_of_dbt(sql) for name, sql in files.items() if name not in AT_BUILD}
    assert len(asked) > 200
    assert {name: what for name, what in asked.items() if what} == ALLOWED_IN


def test_yaml_files_hold_no_jinja_but_shared_descriptions() -> None:
    """What stands in YAML files may depend on nothing else either."""
    files = [*(DBT_PROJECT / "models").rglob("*.yml"), *(DBT_PROJECT / "seeds").rglob("*.yml")]
    assert len(files) > 10
    jinja_in = re.compile(r"\{\{(?! doc\('\w+'\) \}\})|\{%")
    assert [file.name for file in files if jinja_in.search(file.read_text(encoding="utf-8"))] == []
    project = YAML(typ="safe", pure=True).load(DBT_PROJECT / "dbt_project.yml")
    assert project.pop("on-run-end") == ["{{ require_contracts(results) }}"]
    assert "{{" not in json.dumps(project)


@pytest.mark.parametrize(
    "sql",
    [
        "select {{ run_query('select 1') }} as n",
        "{% if execute %}select 1 as n{% endif %}",
        "select '{{ env_var(\"HOME\") }}' as n",
        "select {{ var('n') }} as n",
        "select '{{ target.name }}' as n",
        "select '{{ this }}' as n",
        "select {{ adapter.get_columns_in_relation(ref('a')) }} as n",
        "{% call statement('n', fetch_result=true) %}select 1{% endcall %}",
        "select {{ load_result('n') }} as n",
        "select '{{ run_started_at }}' as n",
        "select '{{ invocation_id }}' as n",
        "select '{{ modules.datetime.date.today() }}' as n",
        "{% if is_incremental() %}select 1 as n{% endif %}",
        "{% for node in graph.nodes %}select 1 as n{% endfor %}",
        "select {{ context['env_var']('HOME') }} as n",
        "select {{ builtins.var('n') }} as n",
        "{% macro m() %}select '{{ flags.FULL_REFRESH }}' as n{% endmacro %}",
        "{% macro default__m() %}{% do return(run_query('select 1')) %}{% endmacro %}",
    ],
)
def test_sql_that_asks_the_database_or_the_machine_is_found(sql: str) -> None:
    assert len(asked_of_dbt(sql)) == 1


def test_sql_that_asks_for_no_more_than_the_code_is_left_alone() -> None:
    sql = (
        "{{ config(materialized='view') }} select {{ div_round('a', 'b', 2) }} as n from {{ ref('a') }} as a"
    )
    assert asked_of_dbt(sql) == set()
    dispatched = "{% macro m(a) %}{{ return(adapter.dispatch('m', 'kunderegnskab')(a)) }}{% endmacro %}"
    assert asked_of_dbt(dispatched) == set()
