"""`kunderegnskab explain`: every published cell of the demo company is what its parts make, down to the records.

How rules are declared is tested in tests/unit/test_explain_rules.py.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import duckdb
import pytest
from cells import asked, random_cells
from python_calamine import CalamineWorkbook
from quick import Project, quickly
from running import Done, kunderegnskab, rows

from kunderegnskab.audit.explain import book, explanation
from kunderegnskab.audit.explain import reach as reaching
from kunderegnskab.audit.explain.book import rules_of
from kunderegnskab.audit.explain.explanation import Cell, Explanation, explain, published_tables
from kunderegnskab.audit.explain.reach import reach
from kunderegnskab.audit.explain.records import source_records
from kunderegnskab.audit.explain.road import Leaf, Road, Said
from kunderegnskab.audit.explain.rules import POSTINGS, Raw, Records, Rule
from kunderegnskab.audit.trace import Trace, opened
from kunderegnskab.sql import identifier
from kunderegnskab.workspace import Workspace

MORE_CELLS = 150
SEED = 20260101

Explained = Callable[..., Done]
ExplainedJson = Callable[..., dict[str, Any]]


@pytest.fixture
def demo_copy(demo_workspace: Path, tmp_path: Path) -> Path:
    """The demo company at another place, to be changed: `trace` holds the first one open."""
    return shutil.copytree(demo_workspace, tmp_path / "workspace", symlinks=True)


@pytest.fixture(scope="module")
def trace(demo_workspace: Path) -> Iterator[Trace]:
    with opened(Workspace(demo_workspace)) as trace:
        yield trace


@pytest.fixture
def explained(project: Project, monkeypatch: pytest.MonkeyPatch) -> Explained:
    """`kunderegnskab explain` about a workspace."""
    # Wide, so that no line of the tree is folded.
    monkeypatch.setenv("COLUMNS", "500")
    return lambda workspace, *arguments: quickly(project, "explain", *arguments, "--workspace", workspace)


@pytest.fixture
def explained_json(explained: Explained) -> ExplainedJson:
    """What it tells a machine, which must add up."""

    def ask(workspace: Path, *arguments: str | Path) -> dict[str, Any]:
        done = explained(workspace, *arguments, "--json")
        assert done.code == 0, f"{done.out}\n{done.err}"
        return done.json

    return ask


# --- every cell ---------------------------------------------------------------------------------------
def test_cells_of_every_column_add_up(trace: Trace, capsys: pytest.CaptureFixture[str]) -> None:
    """One of each column of every published table that has rows, and others at random."""
    cells = list(first_cells(trace))
    assert len({(cell.table, cell.column) for cell in cells}) == len(cells) > 800
    cells += random_cells(trace, MORE_CELLS, SEED)
    found = asked(trace, cells)
    with capsys.disabled():
        print(f"\n{found}")
    assert found.wrong == []


def first_cells(trace: Trace) -> Iterator[Cell]:
    """A cell of each column, of each table that has rows."""
    for table, content in sorted(published_tables(trace).items()):
        if content.rows:
            key = ", ".join(map(identifier, content.key))
            (row,) = trace.rows(
                f"select {key} from {table} order by hash({key}), {key} limit 1", reads=[table]
            )
            for column in content.columns:
                yield Cell(table, row, column.name)


# Lists of records that nothing tells apart: several sources may read one record and find the same.
LISTS = {"raw.rejects", "raw.repeated_keys"}


def test_every_column_of_every_published_table_has_a_rule(trace: Trace) -> None:
    published = {
        (table, column.name)
        for table, content in trace.publication.manifest.marts.items()
        for column in content.columns
        if table not in LISTS
    }
    ruled = {(table, column) for table, columns in rules_of(trace).items() for column in columns}
    assert published - ruled == set()
    assert ruled - published == set()
    assert {name for name, content in trace.publication.manifest.marts.items() if not content.key} == LISTS


def test_a_row_whose_key_is_partly_empty_can_be_asked(
    explained_json: ExplainedJson, demo_workspace: Path
) -> None:
    """A share of a pool comes from no file."""
    ((customer, month, line, pool, amount),) = rows(
        demo_workspace,
        "select customer_id, month, line_code, source, amount from audit.account_sources "
        "where feed = 'cost_pools' order by all limit 1",
    )
    key = {"customer_id": customer, "month": month, "line_code": line, "feed": "cost_pools", "source": pool}
    options = [f"--at={name}={value}" for name, value in (key | {"file_sha256": ""}).items()]
    found = explained_json(demo_workspace, "audit.account_sources.amount", *options)
    assert Decimal(found["value"]) == amount
    assert found["adds_up"]


def test_a_list_whose_rows_have_no_key_says_so(explained: Explained, demo_workspace: Path) -> None:
    done = explained(demo_workspace, "raw.rejects.reason")
    assert done.code == 1
    assert "The rows of raw.rejects have no key by which one could be asked for" in done.err


def test_key_and_name_alone_are_proven_by_nothing(trace: Trace) -> None:
    """Every mart has figures whose parts are computed, not only names."""
    for table, columns in rules_of(trace).items():
        if table.startswith("marts.") and table in trace.publication.manifest.marts:
            assert any(not rule.name for alternatives in columns.values() for rule in alternatives), table


def test_records_have_a_feed(trace: Trace) -> None:
    """It follows from the lineage of their numbers; postings say of each record which feed's it is."""
    without = {
        source.of
        for columns in rules_of(trace).values()
        for alternatives in columns.values()
        for rule in alternatives
        for source in (rule.records, *rule.inputs.values())
        if isinstance(source, Records) and source.feed is None
    }
    assert without == {POSTINGS}


# --- down to the records ------------------------------------------------------------------------------
def busy_month(workspace: Path) -> tuple[str, date]:
    """A customer and month with sales, a credit note, bonus and a part of every pool."""
    ((customer, month),) = rows(
        workspace,
        """
        select customer_id, month from marts.customer_accounts
        where returns > 0 and bonus <> 0 and order_cost > 0 and sales_effort_cost > 0 and credit_cost <> 0
        order by invoiced_sales desc, customer_id, month limit 1
        """,
    )
    return customer, month


def test_contribution_margin_leads_to_the_records(demo_workspace: Path, trace: Trace) -> None:
    """Asked as a user asks, in a process of its own."""
    customer, month = busy_month(demo_workspace)
    options = ("--customer", customer, "--month", f"{month:%Y-%m}", "--depth", "8", "--json")
    found = kunderegnskab("explain", "db3", *options, "--workspace", demo_workspace).json
    assert found["adds_up"]
    assert found["cell"]["table"] == "marts.kpi_values"
    feeds = {record["feed"] for record in found["records"]}
    assert {"sales_lines", "customer_costs", "ledger_entries", "receivables"} <= feeds
    for record in found["records"]:
        assert record["file_state"] == "unchanged"
        assert len(record["sha256"]) == 64
        assert record["raw"], record
        assert record["read"] is None, record


def test_sum_of_the_records_is_the_line(demo_workspace: Path, trace: Trace) -> None:
    customer, month = busy_month(demo_workspace)
    cell = Cell(
        "marts.customer_account_lines",
        {"customer_id": customer, "month": month, "line_code": "K00"},
        "amount",
    )
    found = explain(trace, cell)
    records = source_records(trace, found.records)
    assert sum(record.value for record in records if isinstance(record.value, Decimal)) == found.value
    assert {record.feed for record in records} == {"sales_lines"}
    # The text of the record is the file's own line.
    for record in records[:20]:
        assert record.raw is not None
        assert customer in record.raw.values()


def test_share_of_a_pool_leads_to_its_ledger_entries(demo_workspace: Path, trace: Trace) -> None:
    customer, month = busy_month(demo_workspace)
    pools = rows(
        demo_workspace,
        f"select cost_pool_id from audit.allocations where customer_id = '{customer}' and month = '{month}'",
    )
    for (pool,) in pools:
        key = {"cost_pool_id": pool, "month": month}
        part = explain(trace, Cell("audit.allocations", {**key, "customer_id": customer}, "amount"))
        assert part.adds_up
        assert {"given_units", "driver_total", "remainder", "customers_before"} <= {
            each.name["input"] for each in part.parts if "input" in each.name
        }
        cost = explain(trace, Cell("audit.allocation_steps", key, "pool_cost"))
        assert cost.adds_up
        assert {record.feed for record in cost.records} == {"ledger_entries"}
        assert all("account_no" in each.name for each in cost.parts)


def test_receivers_of_a_pool_get_exactly_what_is_given_out(trace: Trace) -> None:
    """The largest remainder, receiver by receiver: the explained parts sum to the pool's units."""
    ((pool, month),) = trace.con.execute(
        "select cost_pool_id, month from published.audit.allocation_steps "
        "where receiver_count > 5 and given_units > 0 order by receiver_count, cost_pool_id, month limit 1"
    ).fetchall()
    key = {"cost_pool_id": pool, "month": month}
    receivers = trace.con.execute(
        "select customer_id from published.audit.allocations where cost_pool_id = ? and month = ?",
        [pool, month],
    ).fetchall()
    given = Decimal(0)
    for (customer,) in receivers:
        computed = explain(
            trace, Cell("audit.allocations", {**key, "customer_id": customer}, "amount")
        ).computed
        assert isinstance(computed, Decimal)
        given += computed
    assert given == explain(trace, Cell("audit.allocation_steps", key, "allocated")).value


def widest(workspace: Path, scope_type: str) -> tuple[str, date]:
    """The scope with the largest net sales in a month in which everything happens."""
    _, month = busy_month(workspace)
    ((scope, month),) = rows(
        workspace,
        "select scope_id, month from marts.kpi_values where kpi_id = 'net_sales' and time_window = 'month' "
        f"and scope_type = '{scope_type}' and month = '{month}' order by value desc, scope_id limit 1",
    )
    return scope, month


ALL_THE_WAY = [
    (kpi, scope_type)
    for kpi in ("net_sales", "db2", "db3")
    for scope_type in ("customer", "salesperson", "salesperson_segment", "company")
] + [("db3", "segment"), ("db3", "segment_opening"), ("db3", "chain")]


@pytest.mark.parametrize(("kpi", "scope_type"), ALL_THE_WAY)
def test_every_record_behind_a_number_is_reached(
    demo_workspace: Path, trace: Trace, kpi: str, scope_type: str
) -> None:
    """What the records give, with the cells that are computed and not added up, is what was published."""
    scope, month = widest(demo_workspace, scope_type)
    key = {
        "kpi_id": kpi,
        "scope_type": scope_type,
        "scope_id": scope,
        "month": month,
        "time_window": "month",
    }
    cell = Cell("marts.kpi_values", key, "value")
    found = reach(trace, cell)
    assert found.unreached == ()
    assert found.adds_up
    given = sum((each.gives for each in found.records if each.gives is not None), Decimal(0))
    computed = sum((each.gives for each in found.computed), Decimal(0))
    assert given + computed == explain(trace, cell).value
    # Nothing but accrued bonus, shares of pools and shared customers stands between.
    assert {each.column.rpartition(".")[0] for each in found.computed} <= {
        "audit.allocations",
        "audit.bonus_roll_forward",
        "marts.portfolio_accounts",
    }
    assert "sales_lines" in {record.feed for record in found.records}
    if kpi == "db3":
        assert {"ledger_entries", "receivables"} <= {record.feed for record in found.records}


def test_records_of_a_year_are_those_of_the_whole_company(demo_workspace: Path, trace: Trace) -> None:
    """Every record that counts in net sales is there, once per line of the account, and no other."""
    _, month = busy_month(demo_workspace)
    key = {"kpi_id": "net_sales", "scope_type": "company", "scope_id": "company", "month": month}
    found = reach(trace, Cell("marts.kpi_values", {**key, "time_window": "ytd"}, "value"))
    given = {
        (each.feed, each.source_file, each.source_record) for each in found.records if each.gives is not None
    }
    expected = trace.rows(
        "select distinct feed, source_file, source_record from audit.postings where source_file is not null "
        "and month between ? and ? "
        "and line_code in (select line_code from audit.ladder where line_kind = 'amount' and position < ("
        "select position from audit.ladder where column_name = 'net_sales'))",
        [month.replace(month=1), month],
        reads=["audit.postings", "audit.ladder"],
    )
    assert given == {tuple(row.values()) for row in expected}


def test_company_level_writes_all_records(
    explained: Explained, explained_json: ExplainedJson, demo_workspace: Path, tmp_path: Path
) -> None:
    _, month = busy_month(demo_workspace)
    done = explained(
        demo_workspace, "net_sales", "--month", f"{month:%Y-%m}", "--csv", tmp_path / "r.csv", "--language=en"
    )
    assert done.code == 0, done.err
    assert "parts shown; the other" in done.out
    assert "All source records behind the number" in done.out
    found = explained_json(demo_workspace, "net_sales", "--month", f"{month:%Y-%m}")
    assert found["records_complete"] is True
    assert found["records_add_up"] is True
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as stream:
        listed = list(csv.DictReader(stream))
    assert len(listed) == len(found["records"]) + len(found["computed"]) > 100
    assert sum(Decimal(row["gives"]) for row in listed if row["gives"]) == Decimal(found["value"])


def test_where_the_way_down_ends_it_is_said(explained_json: ExplainedJson, demo_workspace: Path) -> None:
    ((scope_id, month, window),) = rows(
        demo_workspace,
        "select scope_id, month, time_window from marts.price_volume_mix where scope_type = 'company' "
        "and component = 'mix' and db1_effect <> 0 order by all limit 1",
    )
    at = ["scope_type=company", f"scope_id={scope_id}", f"month={month}", f"time_window={window}"]
    options = [f"--at={each}" for each in [*at, "component=mix"]]
    found = explained_json(demo_workspace, "price_volume_mix.db1_effect", *options)
    assert found["records_complete"] is False
    assert any("whose records are not followed" in each for each in found["records_incomplete"])


def test_a_rule_that_forgets_a_sign_is_seen_at_the_records(
    demo_workspace: Path, trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope, month = widest(demo_workspace, "customer")
    place = {"customer_id": scope, "month": month, "line_code": "K30"}
    rule = rules_of(trace)["marts.customer_account_lines"]["amount"][-1]
    assert rule.total is not None
    unsigned = rule.model_copy(update={"total": rule.total.model_copy(update={"value": "lines.amount"})})
    lines = rules_of(trace)["marts.customer_account_lines"]
    wrong = {
        **rules_of(trace),
        "marts.customer_account_lines": {**lines, "amount": (*lines["amount"][:-1], unsigned)},
    }
    cell = Cell("marts.customer_account_lines", place, "amount")
    assert reach(trace, cell).adds_up
    monkeypatch.setattr(reaching, "rules_of", lambda trace: wrong)
    assert reach(trace, cell).adds_up is False


# --- what is wrong is said ----------------------------------------------------------------------------
def wrong_where(rule: Rule, more: str) -> Rule:
    assert rule.total is not None
    return rule.model_copy(
        update={"total": rule.total.model_copy(update={"where": f"({rule.total.where}) and {more}"})}
    )


def wrong_formula(rule: Rule, old: str, new: str) -> Rule:
    assert rule.formula is not None
    assert old in rule.formula
    return rule.model_copy(update={"formula": rule.formula.replace(old, new)})


WRONG_RULES: Mapping[tuple[str, str], Callable[[Rule], Rule]] = {
    # one customer less
    ("marts.company_accounts", "net_sales"): lambda rule: wrong_where(
        rule,
        "customer_id <> (select customer_id from marts.customer_accounts where month = $month "
        "order by net_sales desc limit 1)",
    ),
    # the units left over go to nobody
    ("audit.allocations", "amount"): lambda rule: wrong_formula(
        rule, "customers_before < units_left_over", "false"
    ),
    # what was accrued before is accrued again
    ("audit.bonus_roll_forward", "accrued"): lambda rule: (
        wrong_formula(rule, " - accrued_before", "") if "half_up" in (rule.formula or "") else rule
    ),
    # adjustments are forgotten
    ("audit.ledger_reconciliation", "unexplained"): lambda rule: wrong_formula(
        rule, " - unused_capacity", ""
    ),
}


@pytest.mark.parametrize(("table", "column"), WRONG_RULES)
def test_rule_that_leaves_something_out_does_not_add_up(
    trace: Trace, monkeypatch: pytest.MonkeyPatch, table: str, column: str
) -> None:
    key = trace.publication.manifest.marts[table].key
    drawn = trace.rows(
        f"select {', '.join(key)} from {table} order by hash({', '.join(key)}) limit 150", reads=[table]
    )
    assert all(explain(trace, Cell(table, row, column)).adds_up for row in drawn[:20])
    changed = tuple(WRONG_RULES[table, column](rule) for rule in rules_of(trace)[table][column])
    wrong = {**rules_of(trace), table: {**rules_of(trace)[table], column: changed}}
    monkeypatch.setattr(explanation, "rules_of", lambda trace: wrong)
    assert not all(explain(trace, Cell(table, row, column)).adds_up for row in drawn)


def test_column_that_the_road_leads_astray_does_not_add_up(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What follows from a model's SQL is proven like what is declared."""
    said = Road.said

    def astray(road: Road, table: str, column: str, given: Collection[str] = ()) -> Said:
        found = said(road, table, column, given)
        if column == "customer_group":
            assert found.passed_on == Leaf("staging.stg_customers", "customer_group")
            return Said("industry", {"industry": Leaf("staging.stg_customers", "industry")})
        return found

    monkeypatch.setattr(book, "_books", WeakKeyDictionary())
    monkeypatch.setattr(Road, "said", astray)
    customers = trace.rows("select customer_id from marts.customers limit 20", reads=["marts.customers"])
    found = [explain(trace, Cell("marts.customers", row, "customer_group")) for row in customers]
    assert not all(each.adds_up for each in found)
    assert all(explain(trace, Cell("marts.customers", row, "industry")).adds_up for row in customers)


def test_column_that_nothing_says_is_missed(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    read = book.read_table

    def forgetful(table: str) -> tuple[str, Raw, Raw]:
        file, patterns, columns = read(table)
        return file, patterns, {names: each for names, each in columns.items() if names != "share"}

    monkeypatch.setattr(book, "_books", WeakKeyDictionary())
    monkeypatch.setattr(book, "read_table", forgetful)
    assert "share" not in rules_of(trace)["marts.whale_curve"]
    assert "db3" in rules_of(trace)["marts.whale_curve"]


# A cell of each kind of rule, and a value that is not its.
PLANTED = {
    "a sum of records": ("marts.customer_account_lines", "amount", "amount + 0.0001", "line_code = 'K00'"),
    "a line of the account": ("marts.customer_accounts", "db2", "db2 - 1", "db2 <> 0"),
    "a ratio": ("marts.customer_accounts", "dg2", "dg2 + 0.000001", "dg2 is not null"),
    "a count": ("marts.customer_accounts", "order_count", "order_count + 1", "order_count > 0"),
    "a sum over customers": ("marts.company_accounts", "cogs", "cogs + 0.01", "true"),
    "a text of master data": ("marts.customers", "customer_name", "'Somebody else'", "not is_unknown"),
    "a share of a pool": ("audit.allocations", "amount", "amount + 0.01", "amount > 0"),
    "accrued bonus": ("audit.bonus_roll_forward", "accrued", "accrued + 0.01", "accrued > 0"),
}


def planted(workspace: Path, table: str, column: str, value: str, where: str) -> dict[str, Any]:
    """Change one published value; gives the key of its row."""
    current = (workspace / "published" / "current").resolve()
    database = current / "kunderegnskab.duckdb"
    database.chmod(0o644)
    with opened(Workspace(workspace)) as trace:
        key = trace.publication.manifest.marts[table].key
    with duckdb.connect(str(database)) as con:
        columns = ", ".join(key)
        row = con.execute(
            f"select {columns} from {table} where {where} order by {columns} limit 1"
        ).fetchone()
        assert row is not None
        at = " and ".join(f"{name} = ?" for name in key)
        # A view cannot hold a value of its own: what it shows becomes a table under its name.
        schema, _, name = table.partition(".")
        if con.execute(
            "select 1 from duckdb_views() where schema_name = ? and view_name = ?", [schema, name]
        ).fetchone():
            con.execute(f"create table {table}_shown as from {table}")
            con.execute(f"drop view {table}")
            con.execute(f"alter table {table}_shown rename to {name}")
        con.execute(f"update {table} set {column} = {value} where {at}", list(row))
    return dict(zip(key, row, strict=True))


def test_wrong_published_value_is_told(explained: Explained, demo_copy: Path) -> None:
    cells = {
        kind: Cell(table, planted(demo_copy, table, column, value, where), column)
        for kind, (table, column, value, where) in PLANTED.items()
    }
    with opened(Workspace(demo_copy)) as trace:
        assert [kind for kind, cell in cells.items() if explain(trace, cell).adds_up] == []
    cell = cells["a line of the account"]
    at = [f"--at={name}={value}" for name, value in cell.key.items()]
    danish = explained(demo_copy, f"{cell.table}.{cell.column}", *at)
    assert danish.code == 1
    assert "DELENE GIVER IKKE DET UDGIVNE TAL" in danish.out
    english = explained(demo_copy, f"{cell.table}.{cell.column}", *at, "--language", "en")
    assert english.code == 1
    assert "THE PARTS DO NOT MAKE WHAT WAS PUBLISHED" in english.out
    machine = explained(demo_copy, f"{cell.table}.{cell.column}", *at, "--json")
    assert machine.code == 1
    assert machine.json["adds_up"] is False


def test_wrong_value_below_is_told_too(explained: Explained, demo_copy: Path) -> None:
    key = planted(demo_copy, *PLANTED["a line of the account"])
    month = f"{key['month']:%Y-%m}"
    done = explained(demo_copy, "db2", "--customer", key["customer_id"], "--month", month, "--json")
    assert done.code == 1
    assert done.json["adds_up"] is False


def test_changed_landing_file_is_named(
    explained: Explained, explained_json: ExplainedJson, demo_copy: Path
) -> None:
    customer, month = busy_month(demo_copy)
    cell = ["customer_account_lines.amount", f"--at=customer_id={customer}", f"--at=month={month}"]
    cell.append("--at=line_code=K00")
    file = explained_json(demo_copy, *cell)["records"][0]["file"]
    path = demo_copy / file
    path.write_bytes(path.read_bytes() + b"\n")
    changed = explained(demo_copy, *cell, "--language", "en")
    # What was published is still what the records were when they were read.
    assert changed.code == 0
    assert f"{file} CHANGED since it was read" in changed.out
    records = explained_json(demo_copy, *cell)["records"]
    assert {record["file_state"] for record in records} == {"changed"}
    # The text of then is gone; the values that were read are not.
    assert all(record["raw"] is None and record["read"]["customer_id"] == customer for record in records)
    path.unlink()
    missing = explained(demo_copy, *cell, "--language", "da")
    assert missing.code == 0
    assert f"{file} FINDES IKKE mere" in missing.out


# --- how it is shown ----------------------------------------------------------------------------------
def test_both_languages(explained: Explained, demo_workspace: Path) -> None:
    customer, month = busy_month(demo_workspace)
    asked = ["dg2", "--customer", customer, "--month", f"{month:%Y-%m}"]
    danish, english = explained(demo_workspace, *asked), explained(demo_workspace, *asked, "--language", "en")
    assert danish.code == english.code == 0
    assert "Delene giver præcis det udgivne tal." in danish.out
    # A line that is subtracted: what is published, and what it gives to the number above.
    assert " (giver -" in danish.out
    assert " (gives -" in english.out
    assert "The parts make exactly what was published." in english.out
    ((value,),) = rows(
        demo_workspace,
        f"select dg2 from marts.customer_accounts where customer_id = '{customer}' and month = '{month}'",
    )
    plain = f"{value.normalize():f}"
    assert plain in english.out
    assert plain.replace(".", ",") in danish.out


def test_every_step_of_the_tree_has_its_formula_and_parts(
    explained_json: ExplainedJson, demo_workspace: Path
) -> None:
    customer, month = busy_month(demo_workspace)
    found = explained_json(
        demo_workspace, "customer_accounts.db1", f"--at=customer_id={customer}", f"--at=month={month}"
    )
    steps = [found]
    while steps:
        step = steps.pop()
        steps += step.get("parts", [])
        if "kind" in step and step["kind"] != "name":
            assert step["formula"], step
            assert step["adds_up"], step
    assert found["part_count"] == len(found["parts"]) > 0


def test_records_as_csv_and_workbook(
    explained_json: ExplainedJson, demo_workspace: Path, tmp_path: Path
) -> None:
    customer, month = busy_month(demo_workspace)
    found = explained_json(
        demo_workspace,
        "customer_account_lines.amount",
        f"--at=customer_id={customer}",
        f"--at=month={month}",
        "--at=line_code=K00",
        "--csv",
        tmp_path / "records.csv",
        "--xlsx",
        tmp_path / "records.xlsx",
    )
    with (tmp_path / "records.csv").open(encoding="utf-8", newline="") as stream:
        listed = list(csv.DictReader(stream))
    assert len(listed) == len(found["records"]) > 0
    assert sum(Decimal(row["value"]) for row in listed) == Decimal(found["value"])
    assert {row["file_state"] for row in listed} == {"unchanged"}
    assert [row["file"] for row in listed] == [record["file"] for record in found["records"]]
    book = CalamineWorkbook.from_path(str(tmp_path / "records.xlsx"))
    assert book.sheet_names == ["steps", "records"]
    sheet = book.get_sheet_by_name("records").to_python()
    assert sheet[0][:5] == ["feed", "file", "sheet", "record", "value"]
    assert len(sheet) == len(listed) + 1
    steps = book.get_sheet_by_name("steps").to_python()
    assert steps[1][3] == "True"


def test_publication_is_named_by_its_number(explained_json: ExplainedJson, demo_workspace: Path) -> None:
    customer, month = busy_month(demo_workspace)
    asked = ["net_sales", "--customer", customer, "--month", f"{month:%Y-%m}", "--depth", "1"]
    # The demo's first publication is the one that a quarter was closed on.
    assert explained_json(demo_workspace, *asked, "--publication", "2") == explained_json(
        demo_workspace, *asked
    )


def test_a_salesperson_and_a_segment_are_what_the_salesperson_has_of_it(
    explained_json: ExplainedJson, demo_workspace: Path
) -> None:
    scope, month = widest(demo_workspace, "salesperson_segment")
    salesperson, _, segment = scope.partition(" / ")
    asked = ["net_sales", "--segment", segment, "--month", f"{month:%Y-%m}", "--depth", "1"]
    of_both = explained_json(demo_workspace, *asked, "--salesperson", salesperson)
    assert (of_both["cell"]["key"]["scope_type"], of_both["cell"]["key"]["scope_id"]) == (
        "salesperson_segment",
        scope,
    )
    assert explained_json(demo_workspace, *asked)["cell"]["key"]["scope_type"] == "segment"


# --- what cannot be explained -------------------------------------------------------------------------
NOT_THERE = {
    "kpi": (["profitability", "--month", "2025-06"], "profitability is no KPI"),
    "customer": (["net_sales", "--customer", "nobody", "--month", "2025-06"], "no row has scope_id nobody"),
    "salesperson": (["net_sales", "--salesperson=NOBODY", "--month=2025-06"], "knows no salesperson NOBODY"),
    "month": (["net_sales", "--month", "1999-01"], "no row has month 1999-01-01 (they go from 20"),
    "month as it is not written": (["net_sales", "--month", "June"], "June is no month"),
    "no month": (["net_sales"], "Say which month"),
    "window": (
        ["net_sales", "--month", "2025-06", "--window", "week"],
        "time_window week (there are month, ",
    ),
    "language": (["net_sales", "--month", "2025-06", "--language", "de"], "use da or en"),
    "folder": (["net_sales", "--month", "2025-06", "--csv", "no/such/folder.csv"], "make it first"),
    "two scopes": (["net_sales", "--customer=1", "--team=2", "--month=2025-06"], "not both"),
    "table": (["nothing.db2", "--at", "month=2025-06"], "nothing.db2 is not published"),
    "column": (["months.nothing", "--at", "month=2025-06"], "marts.months has no column nothing"),
    "key": (
        ["months.year", "--at", "day=2025-06"],
        "by month; give --at month=… (missing: month) (not one of them: day)",
    ),
    "key without a value": (["months.year", "--at", "2025-06"], "--at 2025-06 is not a key column"),
    "value of another type": (["whale_curve.share", "--at=month=2025-06", "--at=rank=x"], "'x' is no"),
    "publication": (["net_sales", "--month=2025-06", "--publication=77"], "There is no publication 77"),
}


@pytest.mark.parametrize(("asked", "sentence"), NOT_THERE.values(), ids=NOT_THERE)
def test_what_is_not_there_is_one_plain_sentence(
    explained: Explained, demo_workspace: Path, asked: list[str], sentence: str
) -> None:
    done = explained(demo_workspace, *asked)
    assert done.code == 1
    assert done.out == ""
    (line,) = done.err.strip().splitlines()
    assert sentence in line
    assert "Traceback" not in done.err


def test_missing_lake_file_is_one_plain_sentence(explained: Explained, demo_copy: Path) -> None:
    customer, month = busy_month(demo_copy)
    for path in (demo_copy / "lake" / "sales_lines").glob("*.parquet"):
        path.unlink()
    done = explained(
        demo_copy,
        "customer_account_lines.amount",
        f"--at=customer_id={customer}",
        f"--at=month={month}",
        "--at=line_code=K00",
    )
    assert done.code == 1
    (line,) = done.err.strip().splitlines()
    assert "the typed copy of" in line
    assert "restore it from a backup" in line


def test_explanation_compares_values_and_not_their_types() -> None:
    same = Explanation(Cell("a.b", {}, "c"), Decimal("1.0000"), "formula", "1", None, (), 1)
    assert same.adds_up
    assert not Explanation(Cell("a.b", {}, "c"), None, "formula", "0", None, (), 0).adds_up
    assert not Explanation(Cell("a.b", {}, "c"), Decimal(0), "formula", "null", None, (), None).adds_up
