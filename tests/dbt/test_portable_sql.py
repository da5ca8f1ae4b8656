"""The SQL of the dbt project keeps to the portable subset, and the rules that say so work."""

from __future__ import annotations

from pathlib import Path

import pytest
from portable_sql import RULES, violations
from warehouse import DBT_PROJECT

pytestmark = pytest.mark.quick

SQL_FILES = sorted(
    [
        *(DBT_PROJECT / "models").rglob("*.sql"),
        *(DBT_PROJECT / "rules").glob("*.sql"),
        DBT_PROJECT / "macros" / "rules.sql",
    ]
)

MODEL = Path("models/accounts/intermediate/model.sql")
MART = Path("models/accounts/marts/mart.sql")
RULE = Path("rules/rule.sql")
KIND_OF_RULE = Path("macros/rules.sql")

# One line of SQL that breaks each rule, and the kind of file it is in.
PLANTED: list[tuple[str, Path, str]] = [
    ("avg", MODEL, "select avg(amount) as amount from a"),
    ("division", MODEL, "select db1 / net_sales as dg1 from a"),
    ("division", MODEL, "select db1 // net_sales as dg1 from a"),
    ("percentile", MODEL, "select median(amount) as amount from a"),
    ("percentile", MODEL, "select quantile_cont(amount, 0.5) as amount from a"),
    ("inexact type", MODEL, "select cast(amount as double) as amount from a"),
    ("bare decimal", MODEL, "select cast(amount as decimal) as amount from a"),
    ("exponent", MODEL, "select 1e2 as amount from a"),
    ("cast to int", MODEL, "select cast(amount as int) as amount from a"),
    ("double colon", MODEL, "select month::date as month from a"),
    ("text type", MODEL, "select cast(line_no as varchar) as line_no from a"),
    ("quoted identifier", MODEL, 'select "month" from a'),
    ("quote in literal", MODEL, "select 'it''s' as name from a"),
    ("quote in literal", MODEL, "select 'a\\b' as name from a"),
    ("qualify", MODEL, "select month from a qualify rank = 1"),
    ("distinct on", MODEL, "select distinct on (month) month, amount from a"),
    ("group by all", MODEL, "select month, sum(amount) as amount from a group by all"),
    ("star except", MODEL, "select * exclude (month) from a"),
    ("columns()", MODEL, "select sum(columns('k.*')) from a"),
    ("pivot", MODEL, "pivot a on line_code"),
    ("pivot", MODEL, "unpivot a on list_sales, returns"),
    ("union by name", MODEL, "select month from a union all by name select month from b"),
    ("from first", MODEL, "from a"),
    ("from first", MODEL, "with b as (from a) select month from b"),
    ("from first", MODEL, "with b as (select month from a) from b"),
    ("from first", MODEL, "select month from a union all from b"),
    ("trailing comma", MODEL, "select month, from a"),
    ("bare union", MODEL, "select month from a union select month from b"),
    ("engine's own join", MODEL, "select month from a asof join b on a.month >= b.month"),
    ("using", MODEL, "select month from a inner join b using (month)"),
    ("recursive", MODEL, "with recursive b as (select 1) select month from b"),
    ("sample", MODEL, "select month from a using sample 10"),
    ("final star", MART, "with a as (select * from b) select * from a"),
    ("final star", MART, "select a.* from a"),
    ("final star", MART, "select month, a.* from a"),
    ("null order", MODEL, "select row_number() over (partition by a order by b asc) as n from a"),
    ("null order", MODEL, "select row_number() over (order by b nulls last, c) as n from a"),
    (
        "null order",
        MODEL,
        "select sum(b) over (order by coalesce(c, 1), d nulls last rows 1 preceding) from a",
    ),
    (
        "window frame",
        MODEL,
        "select sum(b) over (order by c nulls last range between 1 preceding and 1 following)",
    ),
    ("filter over window", MODEL, "select sum(b) filter (where c) over (partition by d) from a"),
    ("ignore nulls", MODEL, "select last_value(b ignore nulls) over (order by c nulls last) from a"),
    ("interval", MODEL, "select month + interval 1 month as month from a"),
    ("dbt date macros", MODEL, "select {{ dbt.dateadd('month', 1, 'month') }} as month from a"),
    ("weekday", MODEL, "select dayofweek(posting_date) as n from a"),
    ("date format", MODEL, "select strftime(posting_date, 'x') as n from a"),
    ("time zone", MODEL, "select posted_at at time zone 'UTC' as n from a"),
    ("clock", MODEL, "select current_date as today from a"),
    ("concat", MODEL, "select concat(a, b) as n from a"),
    ("regular expression", MODEL, "select regexp_replace(a, 'x', 'y') as n from a"),
    ("hash", MODEL, "select hash(a) as n from a"),
    ("list or struct", MODEL, "select unnest(generate_series(1, 3)) as n"),
    ("lambda", MODEL, "select list_transform(a, x -> x) as n from a"),
    ("file", MODEL, "select a from read_parquet('x.parquet')"),
    ("merge", MODEL, "{{ config(incremental_strategy='merge') }} select month from a"),
    ("comparison that skips NULL", RULE, "select month from a where amount <> total"),
    ("comparison that skips NULL", RULE, "select month from a where amount != total"),
    ("comparison that skips NULL", KIND_OF_RULE, "select month from a where amount <> total"),
]

PORTABLE = [
    "select trim(a) as a, extract(month from b) as m from c where a is distinct from b",
    "-- avg(x) / 2\nselect 'a / b' as a from c /* x::int */ {# median(x) #}",
    "select {{ safe_ratio('db1', 'net_sales') }} as dg1 from {{ ref('a') }} where a <> 0",
    "with a as (select * from b) select month, count(*) as n from a group by month",
    "select sum(a) over (partition by b order by c asc nulls last rows unbounded preceding) as d from e",
]


def test_sql_is_portable() -> None:
    assert len(SQL_FILES) > 100
    found = [
        str(violation)
        for path in SQL_FILES
        for violation in violations(path.relative_to(DBT_PROJECT), path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("rule", "path", "sql"), PLANTED)
def test_planted_violation_is_found_with_its_line(rule: str, path: Path, sql: str) -> None:
    found = violations(path, f"-- a comment\n\n{sql}")
    assert rule in {violation.rule for violation in found}
    assert {violation.line for violation in found} == {3}
    assert all(violation.instead for violation in found)


def test_every_rule_has_a_planted_violation() -> None:
    assert {rule.name for rule in RULES} == {rule for rule, _, _ in PLANTED}


@pytest.mark.parametrize("sql", PORTABLE)
def test_portable_sql_is_left_alone(sql: str) -> None:
    assert violations(MODEL, sql) == []


def test_null_blind_comparison_is_only_forbidden_in_rules() -> None:
    assert violations(MODEL, "select month from a where amount <> 0") == []
