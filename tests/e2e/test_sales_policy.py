"""A change of the sales team's policy changes what it should and nothing else, and the manifest says which rules hold.

One small company is published; each change of its policy or files is published on top, in this process (`quick`). What the rules mean belongs in
the unit tests beside the models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from companies import at_rest, sales_of, write_sales, write_small_company
from quick import Project, quickly, refreshed_quickly
from running import keep_pristine, published, put_back, rows, tree

from kunderegnskab.publication.content_hash import columns_of, table_content

RULES = """\
rule_version,axis,class_code,valid_from,method,threshold_from,hysteresis,minimum_months,is_good
2024-1,size,A,2024-01-01,absolute,20000,0,1,true
2024-1,size,B,2024-01-01,absolute,,0,1,false
2024-1,margin,1,2024-01-01,absolute,0.25,0,1,true
2024-1,margin,2,2024-01-01,absolute,,0,1,false
"""
OVERRIDES = "customer_id,decided_on,segment,reason,decided_by,valid_to\n"
OWNERS = "customer_id,salesperson_id,valid_from\nC1,S1,2024-01-01\nC2,S1,2024-01-01\nC3,S2,2024-01-01\n"
TARGETS = """\
kpi_id,scope_type,scope_id,month_from,month_to,target_value,baseline_month_from,baseline_month_to,approved_by,approved_on
net_sales,company,company,2025-01-01,2025-12-01,90000,2024-01-01,2024-12-01,Direktør,2025-01-10
dg1,salesperson,S1,2025-01-01,2025-12-01,0.35,2024-01-01,2024-12-01,Salgschef,2025-01-10
"""
# What knows nothing of segments: a change of their rules must leave every row of these as it was. Not
# target_baselines: from the second publication on they name the first.
KNOW_NO_SEGMENTS = (
    "customers", "products", "salespeople", "months", "customer_account_lines", "customer_accounts",
    "company_accounts", "product_accounts", "time_windows", "portfolio_accounts", "current_portfolio_accounts",
    "portfolio_bridge", "whale_curve", "portfolio_concentration", "revenue_pareto", "kpi_register",
    "kpi_targets", "budget_follow_up",
)  # fmt: skip


@pytest.fixture(scope="module")
def company(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company with rules, owners and targets, published once."""
    root = tmp_path_factory.mktemp("sales_policy") / "workspace"
    write_small_company(root)
    for feed, text in (
        ("segment_rules", RULES),
        ("segment_overrides", OVERRIDES),
        ("customer_owners", OWNERS),
        ("kpi_targets", TARGETS),
    ):
        write_policy(root, feed, text)
    refreshed_quickly(project, root)
    keep_pristine(root)
    return root


@pytest.fixture
def workspace(company: Path) -> Iterator[Path]:
    yield company
    put_back(company)


def write_policy(root: Path, feed: str, text: str) -> None:
    at_rest(root / "policy" / f"{feed}.csv", text.encode())


def manifest(root: Path) -> dict[str, Any]:
    return json.loads((root / "published" / "current" / "manifest.json").read_text(encoding="utf-8"))


def contents(root: Path) -> dict[str, str]:
    """The content hash of every mart, also of those that are views, of which the manifest has none."""
    marts = {name: mart for name, mart in manifest(root)["marts"].items() if name.startswith("marts.")}
    with published(root) as con:
        return {
            name.removeprefix("marts."): mart["content_sha256"]
            or table_content(con, name, mart["key"], columns_of(con, name)).sha256
            for name, mart in marts.items()
        }


def segments(root: Path) -> dict[tuple[str, Any], tuple[Any, ...]]:
    found = rows(
        root,
        "select customer_id, month, size_class, margin_class, calculated_segment, override_segment, segment, "
        "opening_segment, is_good_customer from marts.customer_segments",
    )
    return {(customer, month): tuple(others) for customer, month, *others in found}


def company_kpis(root: Path) -> list[tuple[Any, ...]]:
    """What no rule of segments moves: KPIs of other scopes, but for those of good customers."""
    return rows(
        root,
        "select * from marts.kpi_values where segment is null and kpi_id not in ("
        "select kpi_id from audit.kpi_formulas where measure in ('good_net_sales', 'good_visit_count')"
        ") order by all",
    )


def test_the_manifest_names_the_rules(company: Path):
    assert manifest(company)["parameters"]["segment_rules"] == {"in_force": "2024-1", "used": ["2024-1"]}


def test_a_threshold_moves_the_customers_between_old_and_new(project: Project, workspace: Path):
    before, kpis, marts = segments(workspace), company_kpis(workspace), contents(workspace)
    write_policy(workspace, "segment_rules", RULES.replace("absolute,20000", "absolute,22000"))
    refreshed_quickly(project, workspace)

    after, changed = segments(workspace), contents(workspace)
    sizes = {
        (customer, month): value
        for customer, month, value in rows(
            workspace, "select customer_id, month, size_value from marts.customer_segments"
        )
    }
    moved = {key for key in before if before[key][0] != after[key][0]}
    assert moved == {key for key, size in sizes.items() if 20000 <= size < 22000} != set()
    # Whoever has not moved has the segment as before; its opening may be of a month in which others moved, not its own.
    for key in before.keys() - moved:
        assert before[key][:5] == after[key][:5], key
    assert company_kpis(workspace) == kpis
    assert {name for name in KNOW_NO_SEGMENTS if marts[name] != changed[name]} == set()
    assert marts["customer_segments"] != changed["customer_segments"]


def test_a_new_version_holds_from_its_day(project: Project, workspace: Path):
    before = segments(workspace)
    later = RULES.split("\n", 1)[1].replace("2024-1", "2025-7").replace("2024-01-01", "2025-07-01")
    write_policy(workspace, "segment_rules", RULES + later.replace("absolute,20000", "absolute,99000"))
    refreshed_quickly(project, workspace)

    after = segments(workspace)
    assert {month for (customer, month) in before if before[customer, month] != after[customer, month]} == {
        month for (_, month) in before if month.isoformat() >= "2025-07-01"
    }
    assert manifest(workspace)["parameters"]["segment_rules"] == {
        "in_force": "2025-7",
        "used": ["2024-1", "2025-7"],
    }


def test_an_override_moves_its_customer_while_it_is_in_force(project: Project, workspace: Path):
    before, kpis, marts = segments(workspace), company_kpis(workspace), contents(workspace)
    write_policy(workspace, "segment_overrides", OVERRIDES + "C1,2025-03-10,A1,Åbner nyt,Sanne,2025-05-31\n")
    refreshed_quickly(project, workspace)

    after, changed = segments(workspace), contents(workspace)
    touched = {key for key in before if before[key] != after[key]}
    assert touched == {(c, m) for c, m in before if c == "C1" and m.month in (3, 4, 5) and m.year == 2025}
    for key in touched:
        calculated, override, segment = after[key][2:5]
        assert (calculated, override, segment) == (before[key][2], "A1", "A1")
    assert company_kpis(workspace) == kpis
    assert {name for name in KNOW_NO_SEGMENTS if marts[name] != changed[name]} == set()
    assert rows(workspace, "select status, is_due_for_review from marts.segment_override_reviews") == [
        ("expired", False)
    ]


def test_an_override_to_a_segment_nobody_knows_is_refused(project: Project, workspace: Path):
    before = tree(workspace / "published")
    write_policy(workspace, "segment_overrides", OVERRIDES + "C1,2025-03-10,Å9,Åbner nyt,Sanne,\n")
    done = quickly(project, "refresh", "--workspace", workspace)
    assert done.code != 0
    said = done.out + done.err
    assert "segment_overrides.csv" in said
    assert "Å9" in said
    assert tree(workspace / "published") == before


def test_a_restated_baseline_is_drift_and_moves_no_target(project: Project, workspace: Path):
    query = (
        "select kpi_id, baseline_value, current_value, drift, target_value, baseline_publication "
        "from marts.target_baselines order by kpi_id"
    )
    approved = {kpi: values for kpi, *values in rows(workspace, query)}
    first = manifest(workspace)["publication"]
    targets = rows(
        workspace, "select kpi_id, month, time_window, target from marts.kpi_values where target is not null"
    )
    baseline, current, drift = approved["net_sales"][:3]
    assert (baseline, drift) == (current, 0)

    # A year later the books are corrected: one invoice of 2024 comes to 1,000 kr. net more.
    lines = sales_of("nord")
    lines[5][7:10] = ["2.050,00", "1.945,00", "630,00"]
    write_sales(workspace, "nord", lines)
    refreshed_quickly(project, workspace)

    restated = {kpi: values for kpi, *values in rows(workspace, query)}
    assert restated["net_sales"][0] == approved["net_sales"][0]
    assert restated["net_sales"][2] == restated["net_sales"][1] - approved["net_sales"][0] == Decimal(1000)
    assert restated["dg1"][2] > 0
    assert restated["net_sales"][4] == first
    assert manifest(workspace)["parameters"]["baselines"] == [first]
    assert (
        rows(
            workspace,
            "select kpi_id, month, time_window, target from marts.kpi_values where target is not null",
        )
        == targets
    )
    # Nothing new: what was carried on is carried on again, and nothing is published.
    assert refreshed_quickly(project, workspace)["status"] == "unchanged"
