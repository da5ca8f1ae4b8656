"""How rules for `explain` are declared: what is no declaration is refused, and the product's own hold together.

Whether a rule makes what was published is tested in tests/e2e/test_explain.py.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from ruamel.yaml import YAML
from running import REPOSITORY
from sqlglot import exp

from kunderegnskab.audit.explain import rules
from kunderegnskab.audit.explain.book import Book
from kunderegnskab.audit.explain.explanation import read_by
from kunderegnskab.audit.explain.road import Leaf, NoRoad, Said
from kunderegnskab.audit.explain.rules import Records, Rule, Total, Words, declared_tables
from kunderegnskab.audit.explain.stated import Sum, stated
from kunderegnskab.audit.trace import FISCAL_CALENDAR
from kunderegnskab.feeds import load_feeds

RELATION = re.compile(r"\b(raw|staging|intermediate|marts|audit)\.([a-z_][a-z0-9_]*)")
PARAMETER = re.compile(r"\$([a-z_][a-z0-9_]*)")
# Tables that the load writes, beside one per feed.
LOADED = {"raw.company", "raw.feeds", "raw.files", "raw.published_baselines", "raw.rejects"}


class Tables:
    """What a publication would say of its tables.

    Attributes:
        models: `table.column` -> what its model says of the column.
    """

    groups: Mapping[str, tuple[str, ...]] = {"lines": ("sales", "result"), "amounts": ("sales",)}
    # A subtotal of the ladder -> what it is made of.
    subtotals: Mapping[str, str] = {}

    def __init__(
        self,
        columns: Mapping[str, tuple[str, ...]],
        keys: Mapping[str, tuple[str, ...]],
        models: Mapping[str, Said] | None = None,
        seeds: Collection[str] = (),
    ) -> None:
        self._columns = columns
        self._keys = keys
        self._models = models or {}
        self._seeds = seeds

    def tables(self) -> Iterator[str]:
        return iter(self._columns)

    def key(self, table: str) -> tuple[str, ...]:
        return self._keys.get(table, ())

    def columns(self, table: str) -> tuple[str, ...]:
        return self._columns.get(table, ())

    def figures(self, table: str) -> tuple[str, ...]:
        return tuple(name for name in self.columns(table) if name not in self.key(table))

    def is_noted(self, table: str) -> bool:
        return False

    def is_seed(self, table: str) -> bool:
        return table in self._seeds

    def records_feed(self, relation: str) -> str | None:
        return next(
            (feed for feed in load_feeds() if relation.endswith((f".stg_{feed}", f".int_{feed}"))), None
        )

    def subtotal(self, table: str, column: str) -> str | None:
        return self.subtotals.get(column)

    def source_key(self, relation: str) -> tuple[str, ...]:
        return {"staging.stg_customers": ("customer_id",)}.get(relation, self.key(relation))

    def said(self, table: str, column: str, given: Collection[str] = ()) -> Said:
        if f"{table}.{column}" not in self._models:
            raise NoRoad("no SQL")
        return self._models[f"{table}.{column}"]


MONTHS = Tables(
    {"marts.months": ("month", "year", "days", "share", "sales", "result")}, {"marts.months": ("month",)}
)


@pytest.fixture
def declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of declarations, in the place of the product's."""
    monkeypatch.setattr(rules, "RULES", tmp_path)
    return tmp_path


def declare(
    folder: Path, columns: str, name: str = "room.yaml", table: str = "marts.months", patterns: str = ""
) -> None:
    text = f"# A room.\n{patterns}\ntables:\n  {table}:\n    {columns}\n"
    (folder / name).write_text(text, encoding="utf-8")


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
    columns = Book(MONTHS)["marts.months"]
    assert columns["month"] == (Rule(name=True),)
    assert columns["days"][0].total == Total(of="marts.customers", how="count")
    assert columns["days"][1].records == Records(
        of="staging.stg_customers", feed="customers", value="customer_name", how="only"
    )
    assert columns["share"][0].inputs == {"part": "year - 1", "whole": Total(of="marts.customers")}


NO_DECLARATIONS = {
    "no way, and nothing else that says one": "year: {words: {da: År, en: Year}}",
    "a pattern that is none": "year: {like: nothing}",
    "a name that nothing fills": "year: {formula: 'a + {b}'}",
    "no declaration at all": "year: 1",
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
        Book(MONTHS)["marts.months"]["year"]


def test_table_declared_twice_is_refused(declared: Path) -> None:
    declare(declared, "month: {name: true}", "a.yaml")
    declare(declared, "month: {name: true}", "b.yaml")
    with pytest.raises(ValueError, match=r"b\.yaml: marts\.months is declared twice"):
        Book(MONTHS)


def test_text_and_pattern_are_said_once(declared: Path) -> None:
    """A pattern's {names} are filled by who is like it, and by the texts of the file."""
    declare(
        declared,
        "days: {like: of_year, which: 2024, da: Dage, en: Days}\n    share: {like: of_year, which: 2025, how: max}",
        patterns="""patterns:
  own: year = $year
  of_year: {total: {of: marts.customers, value: "{column}", where: "{own} and {which}"}}
""",
    )
    columns = Book(MONTHS)["marts.months"]
    total = Total(of="marts.customers", value="days", where="year = $year and 2024")
    assert columns["days"] == (Rule(total=total, words=Words(da="Dage", en="Days")),)


def test_one_declaration_holds_for_several_columns_and_for_a_group(declared: Path) -> None:
    declare(declared, "days, share: {formula: year}\n    <lines>: {formula: '{column} + 1'}")
    columns = Book(MONTHS)["marts.months"]
    assert columns["days"] == columns["share"] == (Rule(formula="year"),)
    assert columns["sales"] == (Rule(formula="sales + 1"),)
    assert columns["result"] == (Rule(formula="result + 1"),)


def test_star_stands_for_columns_that_nothing_else_says(declared: Path) -> None:
    """`{*}` is what it stands for; a column that another key names, a key and a stated ratio are no such ones."""
    table = "marts.customer_accounts"
    declare(declared, "db*: {formula: 'x{*}'}\n    d*2, db3: {formula: 'y{*}'}", table=table)
    columns = ("db_key", "db1", "db2", "db3", "dg2")
    found = Book(Tables({table: columns}, {table: ("db_key",)}))[table]
    formulas = {name: rule.formula for name, (rule,) in found.items()}
    assert formulas == {
        "db_key": None,
        "db1": "x1",
        "db2": "x2",
        "db3": "y",
        "dg2": "ratio(db2, net_sales)",
    }


def test_declaration_like_several_rules_is_each_of_them(declared: Path) -> None:
    patterns = """patterns:
  both: [{when: $month is null, formula: '0'}, {like: rest}]
  rest: {formula: "{what}"}
"""
    declare(declared, "days: [{like: both, what: year, da: Dage, en: Days}]", patterns=patterns)
    words = Words(da="Dage", en="Days")
    assert Book(MONTHS)["marts.months"]["days"] == (
        Rule(when="$month is null", formula="0", words=words),
        Rule(formula="year", words=words),
    )


def test_patterns_of_what_is_in_common_hold_in_every_file(declared: Path) -> None:
    shared = "patterns:\n  own: year = $year\n  other: month\n"
    declare(declared, "year: {name: true}", "conformed.yaml", "marts.years", shared)
    declare(
        declared,
        "days: {count_of: marts.customers, where: '{own} and {other}'}",
        patterns="patterns:\n  other: day",
    )
    (rule,) = Book(MONTHS)["marts.months"]["days"]
    assert rule.total == Total(of="marts.customers", how="count", where="year = $year and day")


def test_group_that_is_none_is_refused(declared: Path) -> None:
    declare(declared, "<some>: {formula: year}")
    with pytest.raises(ValueError, match=r"^room\.yaml: marts\.months\.<some>: "):
        Book(MONTHS)["marts.months"]


LOOKUPS: Mapping[str, Total | Records] = {
    # The whole key, of the row where nothing else is said.
    "{published: marts.months.days}": Total(
        of="marts.months", value="days", how="only", where="month = $month"
    ),
    "{published: marts.months.days, at: {month: (select 1)}}": Total(
        of="marts.months", value="days", how="only", where="month = (select 1)"
    ),
    # A part of the key, and rows that hold more.
    "{sum_of: marts.months.days, at: [year], where: days > 0}": Total(
        of="marts.months", value="days", where="year = $year and days > 0"
    ),
    "{sum_of: marts.months.days, at: {kind: of a word}}": Total(
        of="marts.months", value="days", where="kind = 'of a word'"
    ),
    "{count_of: marts.months}": Total(of="marts.months", how="count"),
    # Whatever else is added up.
    "{of: marts.months, value: days}": Total(of="marts.months", value="days"),
    # The version of a day.
    "{sum_of: marts.months.days, at: [year], as_of: last_day($month)}": Total(
        of="marts.months",
        value="days",
        where="year = $year and valid_from = (select max(valid_from) from marts.months where year = $year and "
        "valid_from <= last_day($month))",
    ),
    # The column that the row names, of a table that has them side by side.
    "{published: marts.months, named: lower('Days')}": Total(
        of="(unpivot (select * from marts.months where month = $month) on columns(* exclude (month)) into name "
        "measure value amount) as figures",
        value="amount",
        how="only",
        by=("month", "measure"),
        cell="marts.months.$measure",
        where="measure = lower('Days')",
    ),
    # A column with a sign or a factor is published too, and so is one of a table that others are joined to.
    "{of: marts.months, value: -days}": Total(of="marts.months", value="-days", cell="marts.months.days"),
    "{of: marts.months as m inner join marts.x on true, value: x.sign * m.days}": Total(
        of="marts.months as m inner join marts.x on true",
        value="x.sign * m.days",
        by=("m.month",),
        cell="marts.months.days",
    ),
    "{of: marts.months as m left join marts.x on true, value: x.days}": Total(
        of="marts.months as m left join marts.x on true", value="x.days"
    ),
    # A column of another table stands for its value in the row with the same key.
    "{count_of: marts.customers, where: since > marts.months.days}": Total(
        of="marts.customers",
        how="count",
        where="since > (select days from marts.months where month = $month)",
    ),
    "{records_of: intermediate.int_customers.quantity, at: [month]}": Records(
        of="intermediate.int_customers", feed="customers", value="quantity", where="month = $month"
    ),
    "{supplied: customers.customer_name}": Records(
        of="staging.stg_customers",
        feed="customers",
        value="customer_name",
        how="only",
        where="customer_id = $customer_id",
    ),
}


@pytest.mark.parametrize(("lookup", "written_out"), LOOKUPS.items())
def test_lookup_is_written_out_by_key(declared: Path, lookup: str, written_out: Total | Records) -> None:
    declare(declared, f"year: {lookup}\n    share: {{formula: a, inputs: {{a: {lookup}}}}}")
    columns = Book(MONTHS)["marts.months"]
    (rule,) = columns["year"]
    assert (rule.total or rule.records) == written_out
    assert columns["share"][0].inputs == {"a": written_out}


def test_place_is_by_what_comes_before(declared: Path) -> None:
    declare(declared, "days: {place_by: '-sales, month', at: [year]}")
    before = Total(
        of="marts.months", how="count", where="year = $year and (-sales, month) < (-$sales, $month)"
    )
    assert Book(MONTHS)["marts.months"]["days"] == (Rule(formula="before + 1", inputs={"before": before}),)


def test_inputs_follow_from_the_names_in_a_formula(declared: Path) -> None:
    """Columns of other tables, patterns, and what these need in their turn, each after what it needs."""
    patterns = """patterns:
  whole: {of: marts.customers, value: "{column}", where: since >= $first and year = $year}
  first: month - marts.months.share
  unused: {of: marts.customers}
"""
    declare(
        declared,
        "days: {formula: 'a + b + whole + year + marts.months.result', inputs: {'a, b': {of: 'marts.{input}'}}}",
        patterns=patterns,
    )
    road = Tables(
        {"marts.months": ("month", "year", "days")},
        {"marts.months": ("month",)},
    )
    (rule,) = Book(road)["marts.months"]["days"]
    assert rule.formula == "a + b + whole + year + result"

    def published(column: str) -> Total:
        return Total(of="marts.months", value=column, how="only", where="month = $month")

    assert list(rule.inputs.items()) == [
        ("a", Total(of="marts.a")),
        ("b", Total(of="marts.b")),
        ("share", published("share")),
        ("first", "month - share"),
        ("whole", Total(of="marts.customers", value="days", where="since >= $first and year = $year")),
        ("result", published("result")),
    ]


def test_column_of_another_table_that_the_row_has_too_is_called_by_its_table(declared: Path) -> None:
    declare(declared, "days: {formula: share - marts.customers.share}")
    road = Tables({"marts.months": ("month", "days", "share")}, {"marts.months": ("month",)})
    assert Book(road)["marts.months"]["days"][0].formula == "share - customers_share"


# --- what need not be declared ------------------------------------------------------------------------
def test_what_nobody_declares_follows_from_keys_rules_and_models(declared: Path) -> None:
    table = "marts.customer_accounts"
    columns = ("customer_id", "month", "db1", "net_sales", "dg1", "name", "rest", "level", "other")
    models = {
        f"{table}.name": Said("name", {"name": Leaf("staging.stg_customers", "customer_name")}),
        f"{table}.rest": Said("net_sales - db1"),
        f"{table}.level": Said("coalesce(own, 0)", {"own": Leaf("marts.months", "days")}),
    }
    declare(declared, "rest: {da: Resten, en: The rest}", table=table)
    keys = {table: ("customer_id", "month"), "marts.months": ("month",)}
    found = Book(Tables({table: columns}, keys, models))[table]
    assert found["month"] == (Rule(name=True),)
    assert found["dg1"] == (Rule(formula="ratio(db1, net_sales)"),)
    (name,) = found["name"]
    assert name.records == Records(
        of="staging.stg_customers",
        feed="customers",
        value="customer_name",
        how="only",
        where="customer_id = $customer_id",
    )
    assert found["rest"] == (Rule(formula="net_sales - db1", words=Words(da="Resten", en="The rest")),)
    days = Total(of="marts.months", value="days", how="only", where="month = $month")
    assert found["level"] == (Rule(formula="coalesce(own, 0)", inputs={"own": days}),)
    # Nothing says how these come about, so nobody pretends to know.
    assert "other" not in found
    assert "net_sales" not in found


def test_what_a_model_takes_over_by_a_column_of_the_row_is_a_rule_for_each(declared: Path) -> None:
    """With what is declared of some of them before."""
    declare(declared, "days: [{when: $year = 0, formula: '0'}, {}]")
    case = Said(
        "CASE kind WHEN 'a' THEN first WHEN 'b' THEN second END",
        {"first": Leaf("marts.months", "result"), "second": Leaf("marts.months", "share")},
    )
    columns = {"marts.months": ("month", "kind", "days")}
    found = Book(Tables(columns, {"marts.months": ("month",)}, {"marts.months.days": case}))
    total = Total(of="marts.months", value="result", how="only", where="month = $month")
    assert found["marts.months"]["days"] == (
        Rule(when="$year = 0", formula="0"),
        Rule(when="$kind = 'a'", total=total),
        Rule(when="$kind = 'b'", total=total.model_copy(update={"value": "share"})),
        Rule(formula="NULL"),
    )


def test_subtotal_follows_from_the_ladder_where_the_model_says_nothing(declared: Path) -> None:
    declare(declared, "days: {formula: year}\n    result: {da: Resultat, en: Result}")
    road = Tables(
        {"marts.months": ("month", "days", "year", "sales", "result")}, {"marts.months": ("month",)}
    )
    road.subtotals = {"result": "sales - cost"}
    words = Words(da="Resultat", en="Result")
    assert Book(road)["marts.months"]["result"] == (Rule(formula="sales - cost", words=words),)


def test_formula_that_nobody_reads_is_not_taken_from_a_model(declared: Path) -> None:
    declare(declared, "days: {formula: year}")
    long = " + ".join(["year"] * 200)
    columns = {"marts.months": ("month", "share", "days", "year")}
    book = Book(Tables(columns, {"marts.months": ("month",)}, {"marts.months.share": Said(long)}))
    assert "share" not in book["marts.months"]


def test_rules_of_the_dbt_project_are_read_as_they_stand() -> None:
    accounts = stated("marts.company_accounts")
    assert accounts.grain == ("month",)
    assert accounts.ratios["dg2"] == ("db2", "net_sales")
    (total,) = accounts.sums
    assert isinstance(total, Sum)
    assert (total.parts, total.by) == ("marts.customer_accounts", ("month",))
    assert "other_direct" in total.columns
    assert stated("marts.nothing").ratios == {}


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


@cache
def own_book() -> Book:
    """The product's rules, over the tables as the dbt project declares them."""
    columns: dict[str, tuple[str, ...]] = {}
    for file in sorted((REPOSITORY / "dbt_project").rglob("_*.yml")):
        if file.match("_unit_tests*.yml"):
            continue
        declared: dict[str, Any] = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8")) or {}
        for model in declared.get("models", []):
            (sql,) = file.parent.rglob(f"{model['name']}.sql")
            names = tuple(column["name"] for column in model.get("columns", ()))
            columns[f"{sql.parent.name}.{model['name']}"] = names
        for seed in declared.get("seeds", []):
            columns[f"audit.{seed['name']}"] = tuple(column["name"] for column in seed["columns"])

    class Project(Tables):
        """A model says nothing here: what follows from its SQL is tested on a publication."""

        def key(self, table: str) -> tuple[str, ...]:
            return stated(table).grain

        def figures(self, table: str) -> tuple[str, ...]:
            return tuple(name for name in self.columns(table) if name not in self.key(table))

        def records_feed(self, relation: str) -> str | None:
            """A step is called by the feed whose records it has."""
            name = relation.partition(".")[2]
            return next((feed for feed in load_feeds() if name == f"stg_{feed}" or f"_{feed}_" in name), None)

        def source_key(self, relation: str) -> tuple[str, ...]:
            feed = relation.removeprefix("staging.stg_")
            return load_feeds()[feed].key if feed in load_feeds() else stated(relation).grain

        def said(self, table: str, column: str, given: Collection[str] = ()) -> Said:
            return Said("null")

    with (REPOSITORY / "dbt_project" / "seeds" / "default_ladder.csv").open(encoding="utf-8") as stream:
        lines = [line for line in csv.DictReader(stream) if line["level"] == "customer"]
    road = Project(columns, {})
    road.groups = {
        "lines": tuple(line["column_name"] for line in lines),
        "amounts": tuple(line["column_name"] for line in lines if line["line_kind"] == "amount"),
        "subtotals": tuple(line["column_name"] for line in lines if line["line_kind"] != "amount"),
        "counts": ("order_count", "visit_count"),
    }
    return Book(road)


def own_rules() -> Iterator[tuple[str, str, Rule]]:
    for table, columns in own_book().items():
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


def test_every_function_of_the_calendar_asks_for_the_calendar() -> None:
    path = REPOSITORY / "kunderegnskab" / "audit" / "explain" / "calendar.sql"
    functions = re.findall(r"^create macro (\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert "period_of" in functions
    assert [name for name in functions if FISCAL_CALENDAR not in read_by(f"select {name}(month)")] == []


def test_every_relation_that_a_rule_reads_is_one() -> None:
    models = {
        f"{path.parent.name}.{path.stem}" for path in (REPOSITORY / "dbt_project" / "models").rglob("*.sql")
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
    assert set(own_book()) <= known


def test_declared_tables_are_read_one_by_one_as_their_files_hold_them() -> None:
    """A table is cut out of its file as text; nothing of it may be lost or go to another one."""
    whole = {}
    for path in sorted(rules.RULES.glob("*.yaml")):
        whole |= YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))["tables"]
    assert set(declared_tables(rules.RULES)) == set(whole)
    assert {table: rules.read_table(table)[2] for table in whole} == {
        table: columns or {} for table, columns in whole.items()
    }


def test_records_name_a_feed() -> None:
    feeds = set(load_feeds())
    wrong = [
        (table, column, source.feed)
        for table, column, rule in own_rules()
        for source in (rule.records, *rule.inputs.values())
        if isinstance(source, Records) and source.feed is not None and source.feed not in feeds
    ]
    assert wrong == []
