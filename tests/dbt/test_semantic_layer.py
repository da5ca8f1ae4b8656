"""The exposures name a consumer for every table, and the semantic layer gives the figures that the marts hold.

MetricFlow writes the SQL; it is run here directly, because MetricFlow's own results show amounts as floating-point
numbers. So sums are compared to the last digit. A rate is a quotient of floating-point numbers also in its SQL, and is
compared to the six decimals that the marts have.
"""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pytest
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlClient, SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup
from replay import Replay
from running import REPOSITORY
from small_company import APRIL, COMPANY, FEBRUARY, FEEDS, JANUARY
from warehouse import DBT_PROJECT, Build

from kunderegnskab.feeds import load_feeds

Manifest = dict[str, Any]
Answer = dict[tuple[Any, ...], dict[str, Any]]

# What the scopes of kpi_values are called in the semantic layer, and its windows of time.
SCOPES = {
    "company": [],
    "team": ["salesperson__team"],
    "salesperson": ["salesperson"],
    "segment_opening": ["customer_month__opening_segment"],
    "customer": ["customer"],
}
TIMES = {"month": "metric_time__month", "ytd": "metric_time__fiscal_year"}
# Half of the last of the six decimals that a rate has in the marts.
HALF_A_DIGIT = 5.000001e-7


def _order(
    document_no: str, posting_date: date, customer_id: str, net_amount: str, cost: str
) -> dict[str, Any]:
    return {
        "document_no": document_no,
        "document_type": "invoice",
        "posting_date": posting_date,
        "customer_id": customer_id,
        "product_id": "A",
        "quantity": "3",
        "list_amount": net_amount,
        "discount_amount": "0",
        "net_amount": net_amount,
        "cost_amount": cost,
    }


def _owner(customer_id: str, salesperson_id: str, **other: Any) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "salesperson_id": salesperson_id,
        "valid_from": date(2025, 1, 1),
        **other,
    }


def _class(axis: str, class_code: str, threshold_from: str | None) -> dict[str, Any]:
    return {
        "rule_version": "1",
        "valid_from": date(2025, 1, 1),
        "axis": axis,
        "class_code": class_code,
        "method": "absolute",
        "threshold_from": threshold_from,
        "minimum_months": 1,
    }


# What customers there are, and which of them are good, adds up over no months: those KPIs are asked for by their id.
OF_CUSTOMERS = {
    "customer_count",
    "new_customer_count",
    "lost_customer_count",
    "good_net_sales",
    "good_visit_count",
}


def _seed(name: str) -> list[dict[str, str]]:
    with (DBT_PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _standard_kpis() -> dict[str, str]:
    """The KPIs of the standard register that add up over months, and their names."""
    of_customers = {row["kpi_id"] for row in _seed("default_kpi_formulas") if row["measure"] in OF_CUSTOMERS}
    return {
        row["kpi_id"]: row["name_en"]
        for row in _seed("default_kpi_register")
        if row["kpi_id"] not in of_customers
    }


# KPIs of the company's own: a sum and a rate.
OWN = {
    "direct_cost": [("numerator", "freight", 1), ("numerator", "handling", 1)],
    "direct_cost_pct": [
        ("numerator", "freight", 1),
        ("numerator", "handling", 1),
        ("denominator", "net_sales", 1),
    ],
}

# The small company with two fiscal years, with salespeople who share, hand over and lack customers, with segments, and with
# a cost of every type.
FISCAL_YEAR_START = 3
SEMANTIC_FEEDS: dict[str, list[dict[str, Any]]] = {
    **FEEDS,
    "sales_lines": [
        *FEEDS["sales_lines"],
        _order("F5", APRIL, "1001", "700.10", "333.33"),
        _order("F6", APRIL, "1002", "99.99", "120.01"),
        _order("F7", FEBRUARY, "1003", "1000", "980"),
        # Less than the customer sends back that month.
        _order("F8", FEBRUARY, "1001", "50", "20"),
        # What it cost that comes back, nobody knows.
        {
            "document_no": "K8",
            "line_no": "1",
            "document_type": "credit_note",
            "line_type": "goods",
            "posting_date": APRIL,
            "customer_id": "1002",
            "quantity": -1,
            "list_amount": -9,
            "discount_amount": 0,
            "net_amount": -9,
        },
    ],
    "customer_costs": [
        *FEEDS["customer_costs"],
        *(
            {
                "cost_no": f"A {cost_type}",
                "posting_date": FEBRUARY,
                "customer_id": "1002",
                "cost_type": cost_type,
                "amount": amount,
            }
            for amount, cost_type in enumerate(load_feeds()["customer_costs"].columns["cost_type"].values, 1)
        ),
    ],
    "salespeople": [
        {"salesperson_id": "S1", "salesperson_name": "Sanne", "team": "Nord"},
        {"salesperson_id": "S2", "salesperson_name": "Søren", "team": "Syd"},
        {"salesperson_id": "S3", "salesperson_name": "Uden team"},
    ],
    "customer_owners": [
        # Handed over in February, after the credit note.
        _owner("1001", "S1", valid_to=date(2026, 2, 20)),
        _owner("1001", "S2", valid_from=date(2026, 2, 21)),
        _owner("1002", "S2", share="0.33333333"),
        _owner("1002", "S3", share="0.5"),
    ],
    "segment_rules": [
        _class("size", "A", "1060"),
        _class("size", "B", None),
        _class("margin", "1", "0.2"),
        _class("margin", "2", None),
    ],
    "activities": [
        *FEEDS["activities"],
        {
            "activity_no": "4",
            "activity_date": JANUARY,
            "customer_id": "1001",
            "activity_type": "sales_visit",
            "quantity": "1",
            "minutes": "50",
        },
    ],
    "kpi_register": [
        {"kpi_id": kpi_id, "name_da": kpi_id, "name_en": kpi_id, "direction": "down"}
        for kpi_id in [*_standard_kpis(), *OWN]
    ],
    "kpi_formulas": [
        {"kpi_id": kpi_id, "part": part, "measure": measure, "coefficient": coefficient}
        for kpi_id, formula in OWN.items()
        for part, measure, coefficient in formula
    ],
}


@pytest.fixture(scope="module")
def company(
    small: Build, manifest: Manifest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse of that company."""
    settings = {**COMPANY, "fiscal_year_start": FISCAL_YEAR_START}
    with Replay(manifest, small.warehouse).run(
        tmp_path_factory.mktemp("semantic"), SEMANTIC_FEEDS, settings
    ) as connection:
        yield connection


@pytest.fixture(scope="module")
def engine(small: Build, manifest: Manifest) -> MetricFlowEngine:
    """MetricFlow on the project; it only writes SQL, so what it knows of DuckDB is how that is spelt."""
    written = (small.warehouse.parent / "target" / "semantic_manifest.json").read_text(encoding="utf-8")
    client = SimpleNamespace(sql_engine_type=SqlEngine.DUCKDB, sql_plan_renderer=DuckDbSqlPlanRenderer())
    return MetricFlowEngine(
        SemanticManifestLookup(parse_manifest_from_dbt_generated_manifest(written)), cast(SqlClient, client)
    )


@pytest.fixture(scope="module")
def register() -> dict[str, str]:
    """The KPIs of the standard register that are metrics, and their names."""
    return _standard_kpis()


def ask(
    engine: MetricFlowEngine,
    company: duckdb.DuckDBPyConnection,
    metrics: Sequence[str],
    group_by: Sequence[str],
) -> Answer:
    """The metrics of each group; a group is named by its values in the order asked for."""
    request = MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=group_by)
    cursor = company.execute(engine.explain(request).sql_statement.sql)
    names = [column[0] for column in cursor.description or []]
    answer: Answer = {}
    for values in cursor.fetchall():
        row = dict(zip(names, values, strict=True))
        group = tuple(row[name].date() if isinstance(row[name], datetime) else row[name] for name in group_by)
        assert group not in answer
        answer[group] = {metric: row[metric] for metric in metrics}
    return answer


def is_sum(metric: Manifest) -> bool:
    return metric["type"] == "simple"


def metrics_of_accounts(manifest: Manifest) -> dict[str, Manifest]:
    """The metrics by name, but for those that are asked of any KPI by its id."""
    metrics = {metric["name"]: metric for metric in manifest["metrics"].values()}
    return {name: metric for name, metric in metrics.items() if not name.startswith("kpi_")}


def names_of_sums(manifest: Manifest) -> set[str]:
    return {name for name, metric in metrics_of_accounts(manifest).items() if is_sum(metric)}


# --- exposures ---------------------------------------------------------------------------------------


def test_every_mart_and_audit_table_has_a_consumer(manifest: Manifest) -> None:
    used = {table for exposure in manifest["exposures"].values() for table in exposure["depends_on"]["nodes"]}
    tables = {
        key
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["schema"] in ("marts", "audit")
    }
    assert used == tables


def test_exposures_say_who_and_what_for(manifest: Manifest) -> None:
    for exposure in manifest["exposures"].values():
        assert exposure["owner"]["name"], exposure["name"]
        assert exposure["maturity"], exposure["name"]
        assert exposure["label"], exposure["name"]
        assert exposure["description"], exposure["name"]


# --- the semantic layer ------------------------------------------------------------------------------


def test_every_kpi_is_a_metric_under_its_own_id_and_name(
    manifest: Manifest, register: dict[str, str]
) -> None:
    metrics = metrics_of_accounts(manifest)
    assert register.keys() <= metrics.keys()
    for name, metric in metrics.items():
        assert metric["description"].startswith(f"KPI {name}: ") == (name in register), name
        if name in register:
            assert metric["label"] == register[name]
    # What is no KPI is a sum that KPIs are made of.
    assert all(is_sum(metric) for name, metric in metrics.items() if name not in register)


@pytest.mark.parametrize("time_window", TIMES)
@pytest.mark.parametrize("scope_type", SCOPES)
def test_metrics_equal_the_kpis(
    engine: MetricFlowEngine,
    company: duckdb.DuckDBPyConnection,
    manifest: Manifest,
    register: dict[str, str],
    scope_type: str,
    time_window: str,
) -> None:
    # Of the fiscal year so far: as it stands at the end of the last month that the accounts have of the year.
    published = company.execute(
        """
        select scope_id, case when time_window = 'month' then kpis.month end, fiscal_year, kpi_id, value
        from marts.kpi_values as kpis
        inner join marts.months on kpis.month = months.month
        where
            scope_type = ? and time_window = ?
            and (
                time_window = 'month'
                or kpis.month in (select max(month) from marts.months group by fiscal_year)
            )
        """,
        [scope_type, time_window],
    ).fetchall()
    expected: Answer = {}
    for scope_id, month, fiscal_year, kpi_id, value in published:
        if kpi_id in OWN:
            continue
        scope = () if scope_type == "company" else (scope_id,)
        expected.setdefault((*scope, month or fiscal_year), {})[kpi_id] = value

    asked = ask(engine, company, list(register), [*SCOPES[scope_type], TIMES[time_window]])

    assert asked.keys() == expected.keys()
    sums = names_of_sums(manifest)
    for group, kpis in expected.items():
        for kpi_id, value in kpis.items():
            answer = asked[group][kpi_id]
            if value is None or kpi_id in sums:
                assert answer == value, (group, kpi_id)
            else:
                assert answer == pytest.approx(float(value), rel=1e-12, abs=HALF_A_DIGIT), (group, kpi_id)


@pytest.mark.parametrize("group_by", [[], ["customer"]], ids=["company", "customer"])
def test_sums_equal_the_customer_accounts(
    engine: MetricFlowEngine, company: duckdb.DuckDBPyConnection, manifest: Manifest, group_by: list[str]
) -> None:
    measures = {
        name: metric["type_params"]["measure"]["name"]
        for name, metric in metrics_of_accounts(manifest).items()
        if is_sum(metric)
    }
    columns = ", ".join(f"sum({measure}) as {metric}" for metric, measure in measures.items())
    keys = [*(["customer_id"] if group_by else []), "month"]
    accounts = company.execute(
        f"select {', '.join(keys)}, {columns} from marts.customer_accounts group by {', '.join(keys)}"
    ).fetchall()

    asked = ask(engine, company, list(measures), [*group_by, "metric_time__month"])

    assert asked == {row[: len(keys)]: dict(zip(measures, row[len(keys) :], strict=True)) for row in accounts}


def test_the_company_has_a_case_of_everything(
    engine: MetricFlowEngine, company: duckdb.DuckDBPyConnection, manifest: Manifest
) -> None:
    """Metrics that were zero throughout, or groups that were one, would show nothing."""
    metrics = list(metrics_of_accounts(manifest))
    asked = ask(engine, company, metrics, ["customer", "metric_time__month"])
    assert [metric for metric in metrics if not any(answer[metric] for answer in asked.values())] == []
    for scope_type, least in (("team", 3), ("salesperson", 4), ("segment_opening", 4)):
        groups = ask(engine, company, ["net_sales"], SCOPES[scope_type])
        assert len(groups) >= least, groups
    negative = [answer for answer in asked.values() if (answer["net_sales"] or 0) < 0]
    assert negative
    assert all(answer["dg2"] is None for answer in negative)


@pytest.mark.parametrize(
    "group_by",
    [
        "metric_time__quarter",
        "salesperson__salesperson_name",
        "customer__customer_group",
        "customer__is_internal",
        "customer_month__segment",
        "customer_month__is_good_customer",
    ],
)
def test_other_groups_sum_to_the_company(
    engine: MetricFlowEngine, company: duckdb.DuckDBPyConnection, group_by: str
) -> None:
    groups = ask(engine, company, ["net_sales", "db3"], [group_by])
    whole = ask(engine, company, ["net_sales", "db3"], [])[()]
    assert {m: sum(answer[m] for answer in groups.values()) for m in whole} == whole


@pytest.mark.parametrize("scope_type", ["company", "customer"])
def test_any_kpi_can_be_asked_for_by_its_id(
    engine: MetricFlowEngine, company: duckdb.DuckDBPyConnection, scope_type: str
) -> None:
    expected = company.execute(
        """
        select kpi_id, scope_id, month, value from marts.kpi_values
        where scope_type = ? and time_window = 'month'
        """,
        [scope_type],
    ).fetchall()
    assert {kpi_id for kpi_id, *_ in expected} >= OWN.keys()
    by_customer = ["customer"] if scope_type == "customer" else []

    asked = ask(engine, company, ["kpi_value"], ["kpi_value__kpi_id", *by_customer, "metric_time__month"])

    for kpi_id, scope_id, month, value in expected:
        answer = asked[(kpi_id, *([scope_id] if by_customer else []), month)]["kpi_value"]
        group = (kpi_id, scope_id, month)
        if value is None:
            assert answer is None, group
        else:
            assert answer == pytest.approx(float(value), rel=1e-12, abs=HALF_A_DIGIT), group
    assert any(value for kpi_id, _, _, value in expected if kpi_id == "direct_cost_pct")


def test_kpis_are_never_mixed(engine: MetricFlowEngine, company: duckdb.DuckDBPyConnection) -> None:
    assert {answer["kpi_value"] for answer in ask(engine, company, ["kpi_value"], ["customer"]).values()} == {
        None
    }


def test_the_time_spine_has_every_day(company: duckdb.DuckDBPyConnection) -> None:
    days = company.execute(
        "select min(day), max(day), count(*), count(distinct day) from intermediate.int_days"
    ).fetchone()
    assert days == (date(2026, 1, 1), date(2026, 4, 30), 120, 120)


def queries_of_the_page() -> list[dict[str, str]]:
    """The options of each `mf query` that docs/connections/metrics.md shows."""
    page = (REPOSITORY / "docs" / "connections" / "metrics.md").read_text(encoding="utf-8")
    lines = re.findall(r"^mf query (.*)$", page, flags=re.M)
    words = [shlex.split(line) for line in lines]
    return [dict(zip(each[::2], each[1::2], strict=True)) for each in words]


@pytest.mark.parametrize("query", queries_of_the_page(), ids=lambda query: query["--group-by"])
def test_the_queries_of_the_page_can_be_asked(
    engine: MetricFlowEngine, company: duckdb.DuckDBPyConnection, query: dict[str, str]
) -> None:
    asked = {*query["--metrics"].split(","), *query["--group-by"].split(",")}
    request = MetricFlowQueryRequest.create(
        metric_names=query["--metrics"].split(","),
        group_by_names=query["--group-by"].split(","),
        order_by_names=query["--order"].split(","),
        where_constraints=[query["--where"]] if "--where" in query else None,
        time_constraint_start=_moment(query.get("--start-time")),
        time_constraint_end=_moment(query.get("--end-time")),
    )
    found = company.execute(engine.explain(request).sql_statement.sql)
    assert {column[0] for column in found.description or ()} == asked


def _moment(day: str | None) -> datetime | None:
    return None if day is None else datetime.fromisoformat(day)


def test_the_page_has_four_queries() -> None:
    assert len(queries_of_the_page()) == 4
