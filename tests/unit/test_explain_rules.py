"""How rules for `explain` are declared: what is no declaration is refused, and the product's own hold together.

Whether a rule makes what was published is tested in tests/e2e/test_explain.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlglot
from running import REPOSITORY
from sqlglot import exp

from kunderegnskab.audit.explain import rules
from kunderegnskab.audit.explain.rules import Records, Rule, Total, load_rules
from kunderegnskab.feeds import load_feeds

RELATION = re.compile(r"\b(raw|staging|intermediate|marts|audit)\.([a-z_][a-z0-9_]*)")
PARAMETER = re.compile(r"\$([a-z_][a-z0-9_]*)")
# Tables that the load writes, beside one per feed.
LOADED = {"raw.company", "raw.feeds", "raw.files", "raw.published_baselines", "raw.rejects"}


@pytest.fixture
def declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of declarations, in the place of the product's."""
    monkeypatch.setattr(rules, "RULES", tmp_path)
    load_rules.cache_clear()
    yield tmp_path
    load_rules.cache_clear()


def declare(folder: Path, columns: str, name: str = "room.yaml", table: str = "marts.months") -> None:
    (folder / name).write_text(f"tables:\n  {table}:\n    {columns}\n", encoding="utf-8")


# --- the form of a declaration ------------------------------------------------------------------------
def test_each_way_is_read(declared: Path) -> None:
    declare(
        declared,
        """month: {name: true}
    year: {formula: extract(year from month), words: {da: År, en: Year}}
    days:
      - {when: $year = 2024, total: {of: marts.customers, how: count}}
      - records: {of: staging.stg_customers, feed: customers, value: customer_name, how: only}
    share: {formula: "ratio(part, whole)", inputs: {part: year - 1, whole: {of: marts.customers}}}""",
    )
    columns = load_rules()["marts.months"]
    assert columns["month"] == (Rule(name=True),)
    assert columns["days"][0].total == Total(of="marts.customers", how="count")
    assert columns["days"][1].records == Records(
        of="staging.stg_customers", feed="customers", value="customer_name", how="only"
    )
    assert columns["share"][0].inputs == {"part": "year - 1", "whole": Total(of="marts.customers")}


NO_DECLARATIONS = {
    "no way": "year: {words: {da: År, en: Year}}",
    "two ways": "year: {name: true, formula: '1'}",
    "a name that is no name": "year: {name: false}",
    "inputs without a formula": "year: {total: {of: marts.months}, inputs: {a: {of: marts.months}}}",
    "a word that the form does not know": "year: {formula: '1', because: of it}",
    "a way to put together that is none": "year: {total: {of: marts.months, how: average}}",
    "records put together as a count": "year: {records: {of: staging.stg_customers, how: count}}",
    "a total of nothing": "year: {total: {value: year}}",
    "an input that is neither total nor records": "year: {formula: a, inputs: {a: {value: year}}}",
    "a sentence in one language": "year: {formula: '1', words: {da: År}}",
    "an empty cell of YAML": "year:",
    "a formula that YAML reads as nothing": "year: {formula: null}",
    "no rule": "year: []",
    "a last rule that may not hold": "year: {when: $month is null, formula: '1'}",
    "a rule after the one that always holds": "year: [{formula: '1'}, {formula: '2'}]",
}


@pytest.mark.parametrize("columns", NO_DECLARATIONS.values(), ids=NO_DECLARATIONS)
def test_what_is_no_declaration_is_refused_by_its_place(declared: Path, columns: str) -> None:
    declare(declared, columns)
    with pytest.raises(ValueError, match=r"^room\.yaml: marts\.months\.year: "):
        load_rules()


def test_table_declared_twice_is_refused(declared: Path) -> None:
    declare(declared, "month: {name: true}", "a.yaml")
    declare(declared, "month: {name: true}", "b.yaml")
    with pytest.raises(ValueError, match=r"b\.yaml: marts\.months is declared twice"):
        load_rules()


def test_table_shares_the_rules_of_another_but_for_its_own(declared: Path) -> None:
    declare(declared, "year: {formula: '1'}\n    month: {name: true}", "a.yaml")
    declare(declared, "same_as: marts.months\n    year: {formula: '2'}", "b.yaml", "marts.weeks")
    assert load_rules()["marts.weeks"] == {
        "year": (Rule(formula="2"),),
        "month": (Rule(name=True),),
    }


# --- the product's own --------------------------------------------------------------------------------
def texts(rule: Rule) -> Iterator[str]:
    """Every piece of SQL in a rule, but for its condition."""
    yield from filter(None, [rule.formula])
    for source in (rule.total, rule.records, *rule.inputs.values()):
        if isinstance(source, str):
            yield source
        elif source is not None:
            yield from (source.of, source.value, source.where, *source.by)
            yield from filter(None, [source.distinct if isinstance(source, Records) else source.cell])


def own_rules() -> Iterator[tuple[str, str, Rule]]:
    for table, columns in load_rules().items():
        for column, alternatives in columns.items():
            yield from ((table, column, rule) for rule in alternatives)


def test_no_rule_reads_the_value_that_it_explains() -> None:
    """A condition may tell cases apart by it; that a total holds other rows tests/e2e/test_explain.py sees."""
    wrong = []
    for table, column, rule in own_rules():
        asked = {name for text in texts(rule) for name in PARAMETER.findall(text)}
        computed = [text for text in (rule.formula, *rule.inputs.values()) if isinstance(text, str)]
        for text in computed:
            tree = sqlglot.parse_one(PARAMETER.sub("NULL", text), dialect="duckdb")
            asked |= {found.name for found in tree.find_all(exp.Column)}
        if column in asked - set(rule.inputs) and not rule.name:
            wrong.append((table, column))
    assert wrong == []


def test_every_relation_that_a_rule_reads_is_one() -> None:
    models = {
        f"{path.relative_to(REPOSITORY / 'dbt_project' / 'models').parts[0]}.{path.stem}"
        for path in (REPOSITORY / "dbt_project" / "models").rglob("*.sql")
    }
    seeds = {f"audit.{path.stem}" for path in (REPOSITORY / "dbt_project" / "seeds").glob("*.csv")}
    known = models | seeds | LOADED | {f"raw.{feed}" for feed in load_feeds()}
    unknown = {
        (table, column, f"{schema}.{name}")
        for table, column, rule in own_rules()
        for text in (*texts(rule), rule.when or "")
        for schema, name in RELATION.findall(text)
        if f"{schema}.{name}" not in known
    }
    assert unknown == set()
    assert set(load_rules()) <= known


def test_records_name_a_feed() -> None:
    feeds = set(load_feeds())
    wrong = [
        (table, column, source.feed)
        for table, column, rule in own_rules()
        for source in (rule.records, *rule.inputs.values())
        if isinstance(source, Records) and source.feed is not None and source.feed not in feeds
    ]
    assert wrong == []
