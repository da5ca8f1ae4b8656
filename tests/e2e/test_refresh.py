"""From landing files to what is published, through the command line: what a user gets, and when.

Whole refreshes are the demo's, the first and the next of the small company, and that of the README's `init`; what
follows from options, files and configuration is refreshed in this process (`quick`). What stops a publication belongs
in `test_gate` and `test_faulty_files`, being killed in `test_crash`.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from companies import MONTHS, at_rest, line, rest, sales_of, write_sales
from quick import Project, quickly, refreshed_quickly
from running import kunderegnskab, published, refreshed, rows, run, tree

from kunderegnskab.audit.recalculation.accounts import COLUMNS as LADDER_COLUMNS
from kunderegnskab.audit.recalculation.accounts import form
from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest.fingerprints import REST_NS
from kunderegnskab.publication.store import current, verify_chain, verify_files
from kunderegnskab.quality import door
from kunderegnskab.quality.certification import CheckResult
from kunderegnskab.quality.metric_checks import MetricCheck, run_checks

GRAINS = {
    "customers": "customer_id",
    "products": "product_id",
    "salespeople": "salesperson_id",
    "months": "month",
    "customer_account_lines": "customer_id, month, line_code",
    "customer_accounts": "customer_id, month",
    "company_accounts": "month",
    "product_accounts": "customer_id, product_id, month",
    "driver_opportunities": "customer_id, driver",
    "driver_bridge": "scope_type, scope_id, month, time_window, driver",
    "time_windows": "month, time_window",
    "scope_windows": "scope_type, scope_id, month, time_window",
    "kpi_register": "kpi_id",
    "kpi_targets": "kpi_id, scope_type, scope_id, month_from",
    "kpi_values": "kpi_id, scope_type, scope_id, month, time_window",
    "target_baselines": "kpi_id, scope_type, scope_id, month_from",
    "budget_follow_up": "scope_type, scope_id, month, time_window, measure",
    "portfolio_accounts": "salesperson_id, customer_id, month",
    "current_portfolio_accounts": "salesperson_id, customer_id, month",
    "scope_effects": "scope_type, scope_id, month, time_window",
    "price_volume_mix": "scope_type, scope_id, month, time_window, component",
    "portfolio_bridge": "salesperson_id, month, time_window, component",
    "portfolio_ratio_bridge": "scope_type, scope_id, month, time_window, component",
    "whale_curve": "month, rank",
    "revenue_pareto": "month, rank",
    "portfolio_concentration": "month",
    "segment_service_concepts": "month, segment",
    "sales_effort": "customer_id, month",
    "terms_beyond_concept": "customer_id, term",
    "visit_capacity": "scope_type, scope_id, month",
    "customer_actions": "customer_id, driver",
    "customer_notes": "note_id",
    "chain_accounts": "chain_id, month",
    "chain_whale_curve": "month, rank",
    "return_reasons": "customer_id, product_id, month, return_reason",
    "return_reason_shares": "scope_type, scope_id, return_reason",
    "customer_segments": "customer_id, month",
    "segment_override_reviews": "customer_id, decided_on",
    "segment_profiles": "segment, month",
    "customer_profile_gaps": "customer_id, characteristic",
    "segment_migration": "month, from_segment, to_segment",
    "segment_movements": "month",
}
# Long forms of tables that are published beside them.
VIEWS = {"customer_account_lines", "driver_bridge", "kpi_values", "price_volume_mix"}
MEMO_COLUMNS = (
    "dg1", "dg2", "dg3", "order_count", "line_count", "return_line_count", "visit_count", "visit_minutes",
    "freight_charged", "sales_without_cost", "returns_without_cost",
)  # fmt: skip
# Lines whose ledger accounts are income: a credit in the ledger is a positive amount in the account.
INCOME = ("K00",)


# --- what is published ------------------------------------------------------------------------------
def test_a_publication_is_whole(demo_workspace: Path):
    store = demo_workspace / "published"
    now = current(store)
    assert now is not None
    assert verify_files(now) == []
    assert verify_chain(store) == []
    files = {path.name for path in now.path.iterdir()}
    assert files == {"kunderegnskab.duckdb", "parquet", "quality", "manifest.json"}
    assert json.loads((store / "current.json").read_text())["publication"] == now.name


def test_marts_have_their_names_and_grains(demo_workspace: Path):
    with published(demo_workspace) as con:
        found = con.execute(
            "select table_name, table_type from information_schema.tables where table_schema = 'marts'"
        ).fetchall()
        assert dict(found) == {name: "VIEW" if name in VIEWS else "BASE TABLE" for name in GRAINS}
        for mart, grain in GRAINS.items():
            total, distinct = con.execute(
                f"select count(*), count(distinct ({grain})) from marts.{mart}"
            ).fetchall()[0]
            assert total == distinct, mart
            # Nobody has written a note in the demo.
            assert (total > 0) == (mart != "customer_notes"), mart


def test_customer_accounts_have_a_column_per_ladder_line(demo_workspace: Path):
    found = rows(
        demo_workspace,
        "select column_name from duckdb_columns() where table_name = 'customer_accounts' "
        "order by column_index",
    )
    assert [name for (name,) in found] == ["customer_id", "month", *LADDER_COLUMNS, *MEMO_COLUMNS]
    ladder = rows(
        demo_workspace, "select column_name from audit.ladder where level = 'customer' order by position"
    )
    assert [name for (name,) in ladder] == list(LADDER_COLUMNS)


def test_parquet_holds_what_duckdb_holds(demo_workspace: Path):
    parquet = demo_workspace / "published" / "current" / "parquet"
    stored = GRAINS.keys() - VIEWS
    assert {path.stem for path in parquet.glob("*.parquet")} == stored
    with published(demo_workspace) as con:
        for mart in stored:
            copy = f"read_parquet('{parquet / mart}.parquet')"
            for one, other in ((f"marts.{mart}", copy), (copy, f"marts.{mart}")):
                assert con.execute(f"select * from {one} except all select * from {other}").fetchall() == []


def test_every_booked_line_and_month_of_the_demo_ties_to_its_ledger(demo_workspace: Path):
    booked = {"K00", "K05", "K15", "K20", "K25", "K35", "K45", "K46", "K47"}
    ledger = {
        (role, month): -amount if role in INCOME else amount
        for (role, month), amount in ledger_by_role_and_month(demo_workspace / "landing" / "finans").items()
        if role in booked
    }
    # The demo's ledger books a bonus when it is settled, and no manual adjustment.
    accounts = {
        (code, month): amount
        for code, month, amount in rows(
            demo_workspace,
            "select line_code, month, sum(amount - adjustment) from marts.customer_account_lines "
            f"where line_code in {tuple(booked)} group by all",
        )
    }
    timing = dict(
        rows(demo_workspace, "select month, timing from audit.ledger_reconciliation where line_code = 'K20'")
    )
    differences = {
        key: accounts.get(key, Decimal(0))
        - ledger.get(key, Decimal(0))
        - (timing[key[1]] if key[0] == "K20" else 0)
        for key in accounts.keys() | ledger.keys()
    }
    assert {key: difference for key, difference in differences.items() if difference} == {}
    assert {code for code, _ in ledger} == booked
    assert len({month for _, month in ledger}) == 36


def test_db3_comes_down_to_the_result_of_the_ledger_in_every_month(demo_workspace: Path):
    """K60 - K70 - K75 - K80 + bonus accrued and not booked + the notional credit cost = K90, with K90 summed from the
    raw files. Timing of bonus is no part of K80: the bonus of a year is booked in the January after it."""
    ledger = ledger_by_role_and_month(demo_workspace / "landing" / "finans")
    result: dict[date, Decimal] = defaultdict(Decimal)
    for (role, month), amount in ledger.items():
        if role not in ("outside", "receivables"):
            result[month] -= amount
    company = rows(
        demo_workspace,
        "select c.month, sum(a.db3), any_value(c.segment_cost), any_value(c.unused_capacity), "
        "any_value(c.unallocated), any_value(c.credit_cost_put_back), any_value(c.ledger_result), "
        "any_value(c.difference), any_value(c.explained_differences), any_value(c.bonus_timing) "
        "from marts.company_accounts c join marts.customer_accounts a using (month) group by 1",
    )
    assert len(company) == 36
    for (
        month,
        db3,
        segment_cost,
        unused,
        unallocated,
        credit_cost,
        ledger_result,
        difference,
        explained,
        bonus_timing,
    ) in company:
        before_timing = db3 - segment_cost - unused - unallocated + credit_cost
        assert before_timing + bonus_timing == result[month] == ledger_result, month
        assert difference == 0, month
        assert segment_cost == ledger["K70", month] != 0, month
        assert unallocated - explained == ledger["K80", month] != 0, month
        assert credit_cost != 0 != unused, month
        assert (bonus_timing > 0) == (month.month != 1) or month.year == 2023, month


def test_cost_pools_of_the_ledger_are_given_out_or_shown(demo_workspace: Path):
    ledger = ledger_by_role_and_month(demo_workspace / "landing" / "finans")
    pools = {
        (f"pool:{pool}", month): (cost, given, unused, unallocated)
        for pool, month, cost, given, unused, unallocated in rows(
            demo_workspace,
            "select s.cost_pool_id, s.month, s.pool_cost, sum(a.amount), any_value(s.unused), any_value(s.unallocated) "
            "from audit.allocation_steps s join audit.allocations a using (cost_pool_id, month) group by all",
        )
    }
    assert len(pools) == 6 * 36
    for key, (cost, given, unused, unallocated) in pools.items():
        assert cost == ledger[key] == given + unused + unallocated, key


def test_bonus_is_accrued_in_the_year_that_earns_it(demo_workspace: Path):
    """The demo pays each customer's bonus of 2024 on the year's sales, in January 2025. The accounts, which know nothing
    of that payment in 2024, have accrued the same to the øre, so nothing of it is left for January."""
    costs = "read_parquet('" + str(demo_workspace / "landing/omkostninger/kundeomkostninger.parquet") + "')"
    paid = dict(
        rows(
            demo_workspace,
            f"""select "Kundenr.", sum("Beløb") from {costs} where "Art" = 'Årsbonus'
                and "Bogføringsdato" between '2025-01-01' and '2025-01-31' group by all""",
        )
    )
    roll_forward = "from audit.bonus_roll_forward where bonus_year = '2024-01-01'"
    accrued = dict(
        rows(
            demo_workspace,
            f"select customer_id, sum(accrued) {roll_forward} group by all having sum(accrued) <> 0",
        )
    )
    assert accrued == paid
    assert len(paid) > 5
    assert rows(demo_workspace, f"select sum(accrued - released) {roll_forward}") == [(0,)]
    months = dict(rows(demo_workspace, f"select month(month), sum(accrued) {roll_forward} group by all"))
    assert len([amount for amount in months.values() if amount > 0]) >= 10
    assert months[12] < sum(months.values()) / 4, "a hump in December"


def test_subtotals_of_the_ladder_add_up(demo_workspace: Path):
    broken = " or ".join(
        f"{subtotal} is distinct from {' + '.join(f'{effect} * {column}' for column, effect in above.items())}"
        for subtotal, above in form().subtotals.items()
    )
    assert rows(demo_workspace, f"select count(*) from marts.customer_accounts where {broken}") == [(0,)]


def test_the_manifest_names_every_file_that_was_read(demo_workspace: Path):
    now = current(demo_workspace / "published")
    assert now is not None
    landed = {f"landing/{name}" for name in tree(demo_workspace / "landing")}
    policy = {f"policy/{name}" for name in tree(demo_workspace / "policy")}
    read = {file.path for file in now.manifest.inputs}
    assert read == landed | policy
    for file in now.manifest.inputs:
        assert file.records_read == file.records_loaded + file.records_rejected + file.records_left_out


# --- again ------------------------------------------------------------------------------------------
REFRESH_AND_TELL_MODULES = """
import sys
from kunderegnskab_orchestration.commands.program import main
sys.argv = ["kunderegnskab", "refresh", "--workspace", sys.argv[1]]
try:
    main()
finally:
    heavy = {"dagster", "dbt", "great_expectations", "pandas"}
    heavy &= {name.partition(".")[0] for name in sys.modules}
    print(sorted(heavy))
"""


def test_nothing_changed_publishes_nothing_and_is_quick(small_to_change: Path):
    noted = Path("state") / "last_refresh.json"
    # What is known of the files' hashes: this workspace is a copy, so its files are read once more.
    fingerprints = Path("state") / "fingerprints.json"
    (small_to_change / noted).unlink()
    (small_to_change / fingerprints).unlink()
    before = tree(small_to_change)
    name = current_name(small_to_change)
    done = run(Path(sys.executable), "-c", REFRESH_AND_TELL_MODULES, small_to_change)
    assert done.code == 0, done.err
    said, *_, modules = done.out.splitlines()
    assert said == f"Nothing has changed since publication {name}; nothing new was published."
    # Without these, and without a log of a run, there was no run: that is what makes it quick.
    assert modules == "[]"
    assert json.loads((small_to_change / noted).read_text(encoding="utf-8"))["status"] == "unchanged"
    (small_to_change / noted).unlink()
    (small_to_change / fingerprints).unlink()
    assert tree(small_to_change) == before


def test_full_publishes_anew_with_the_same_numbers(project: Project, small_to_change: Path):
    before = accounts(small_to_change)
    report = refreshed_quickly(project, small_to_change, "--full")
    assert report["status"] == "published"
    assert report["publication"].startswith("0002-")
    assert accounts(small_to_change) == before
    first, second = sorted((small_to_change / "published").glob("000*"))
    contents = [
        {
            name: (mart["rows"], mart["content_sha256"], mart["query"])
            for name, mart in manifest["marts"].items()
            if name.startswith("marts.")
        }
        for manifest in (json.loads((path / "manifest.json").read_text()) for path in (first, second))
    ]
    assert contents[0] == contents[1]
    assert {name for name, (_, sha256, _) in contents[0].items() if sha256 is None} == {
        f"marts.{view}" for view in VIEWS
    }


def test_changed_new_and_vanished_files_change_exactly_their_rows(project: Project, small_to_change: Path):
    before = accounts(small_to_change)
    lines = sales_of("nord")
    assert lines[0][4:9] == ["C1", "V1", "1", "1.000,00", "900,00"]
    lines[0][7:9] = ["1.100,00", "1.000,00"]  # list and net 100.00 more
    write_sales(small_to_change, "nord", lines)
    extra = write_sales(small_to_change, "extra", [line("X1", "C2", date(2025, 3, 1), Decimal("250.50"))])
    refreshed(small_to_change)
    changed = accounts(small_to_change)
    march = ("C2", date(2025, 3, 1))
    assert {key for key in before.keys() | changed.keys() if before.get(key) != changed.get(key)} == {
        ("C1", MONTHS[0]),
        march,
    }
    deltas = {
        column: amount - before["C1", MONTHS[0]][column]
        for column, amount in changed["C1", MONTHS[0]].items()
    }
    assert {column for column, delta in deltas.items() if delta} == {
        "list_sales",
        "invoiced_sales",
        "net_sales",
        "db1",
        "db2",
        "db3",
    }
    assert set(filter(None, deltas.values())) == {Decimal(100)}
    assert changed[march]["net_sales"] - before[march]["net_sales"] == Decimal("225.45")
    assert changed[march]["line_count"] == 2

    extra.unlink()
    write_sales(small_to_change, "nord", sales_of("nord"))
    report = refreshed_quickly(project, small_to_change)
    assert report["publication"].startswith("0003-")
    assert len(report["changed"]) == 2
    # What it took back, as a refresh tells it: now less before.
    changes = report["changes"]
    assert changes["since"].startswith("0002-")
    assert changes["files"]["changed"] == ["landing/salg/nord.csv"]
    assert changes["files"]["gone"] == ["landing/salg/extra.csv"]
    assert changes["records"] - changes["records_before"] == -1
    all_months = changes["all_months"]
    assert Decimal(all_months["now"]["net_sales"]) - Decimal(all_months["before"]["net_sales"]) == Decimal(
        "-325.45"
    )
    assert [
        (month["month"], month["customers"], Decimal(month["net_sales"])) for month in changes["restated"]
    ] == [("2025-03-01", 1, Decimal("-225.45")), ("2024-01-01", 1, Decimal(-100))]
    assert str(extra.relative_to(small_to_change)) in report["changed"]
    assert accounts(small_to_change) == before


def test_changed_configuration_or_policy_publishes_anew(project: Project, small_to_change: Path):
    assert "made from the files that lie there now" in freshness(project, small_to_change)
    company = small_to_change / "company.yaml"
    company.write_text(company.read_text() + "credit_interest_rate: 0.07\n", encoding="utf-8")
    assert "files have changed since" in freshness(project, small_to_change)
    assert refreshed_quickly(project, small_to_change)["changed"] == ["company.yaml"]
    assert "made from the files that lie there now" in freshness(project, small_to_change)

    rule = "month,scope_type,scope_id,net_sales\n2025-01-01,company,all,1000.00\n"
    at_rest(small_to_change / "policy" / "budgets.csv", rule.encode())
    assert "files have changed since" in freshness(project, small_to_change)
    done = quickly(project, "refresh", "--workspace", small_to_change)
    assert "Changed since 0002-" in done.out
    assert ": policy/budgets.csv.\n" in done.out
    now = current(small_to_change / "published")
    assert now is not None
    assert now.manifest.number == 3
    parameters = now.manifest.parameters["company"]
    assert isinstance(parameters, dict)
    assert parameters["credit_interest_rate"] == "0.07"
    assert "policy/budgets.csv" in {file.path for file in now.manifest.inputs}


def test_the_door_looks_only_at_feeds_that_have_changed(
    project: Project, small_to_change: Path, monkeypatch: pytest.MonkeyPatch
):
    looked_at: set[str] = set()

    def noted(con: Any, stage: Any, checks: Sequence[MetricCheck]) -> list[CheckResult]:
        looked_at.update(check.subject for check in checks)
        return run_checks(con, stage, checks)

    monkeypatch.setattr(door, "run_checks", noted)
    for sales in (2000, 3000):
        time.sleep(REST_NS / 1e9)  # until then a file could still change without showing it
        looked_at.clear()
        budget = f"month,scope_type,scope_id,net_sales\n2025-01-01,company,all,{sales}.00\n"
        at_rest(small_to_change / "policy" / "budgets.csv", budget.encode())
        refreshed_quickly(project, small_to_change)
    assert looked_at == {"budgets"}
    refreshed_quickly(project, small_to_change, "--full")
    assert looked_at == set(load_feeds())


def test_a_baseline_stays_as_it_was_first_published(
    project: Project, small_to_change: Path, tmp_path: Path
) -> None:
    """What becomes of it is drift, and is told once."""
    with (small_to_change / "company.yaml").open("a", encoding="utf-8") as stream:
        stream.write(f"on_drift: {{command: [sh, -c, 'cat >> $0', {tmp_path / 'told'}]}}\n")
    header = "kpi_id,scope_type,scope_id,month_from,month_to,target_value,baseline_month_from,baseline_month_to,approved_on"
    target = "db1,company,company,2025-01-01,2025-12-01,99999,2024-01-01,2024-12-01,2020-01-01"
    at_rest(small_to_change / "policy" / "kpi_targets.csv", f"{header}\n{target}\n".encode())
    first = refreshed_quickly(project, small_to_change)["publication"]
    ((before, taken_from, drift),) = baselines(small_to_change)
    assert (taken_from, drift) == (None, 0)
    now = current(small_to_change / "published")
    assert now is not None
    assert now.manifest.parameters["segment_rules"] == {"in_force": "standard", "used": ["standard"]}
    assert now.manifest.parameters["baselines"] == []
    assert refreshed_quickly(project, small_to_change)["status"] == "unchanged"
    assert not (tmp_path / "told").exists()

    lines = sales_of("nord")
    lines[0][7:9] = ["1.100,00", "1.000,00"]  # 100.00 more in January 2024
    write_sales(small_to_change, "nord", lines)
    refreshed_quickly(project, small_to_change)
    assert baselines(small_to_change) == [(before, first, 100)]
    assert refreshed_quickly(project, small_to_change)["status"] == "unchanged"
    (sentence,) = json.loads((tmp_path / "told").read_text(encoding="utf-8"))["drift"]
    assert sentence.startswith("DB I af hele firmaet, mål fra 2025-01: udgangspunktet er nu ")
    now = current(small_to_change / "published")
    assert now is not None
    assert now.manifest.parameters["baselines"] == [first]


# --- telling ----------------------------------------------------------------------------------------
def test_status_says_what_is_published(project: Project, demo_workspace: Path):
    name = current_name(demo_workspace)
    report = kunderegnskab("status", "--json", "--workspace", demo_workspace)
    assert (report.code, report.err) == (0, "")
    assert report.json["company"] == "Nordlys Engros A/S"
    assert report.json["publication"] == name
    assert (report.json["first_month"], report.json["last_month"]) == ("2023-01", "2025-12")
    # Two of them the list of this small demo lacks, and an adjustment names them.
    assert report.json["customers"] == 42
    assert report.json["checks"]["waived"] == 0
    assert report.json["checks"]["passed"] > 100
    assert report.json["last_refresh"]["status"] == "published"
    assert datetime.fromisoformat(report.json["published_at"]).tzinfo is not None

    text = quickly(project, "status", "--workspace", demo_workspace)
    assert text.code == 0
    assert f"Nordlys Engros A/S: publication {name}" in text.out
    assert "months    2023-01 to 2025-12, 42 customers" in text.out
    assert "made from the files that lie there now" in text.out


def test_status_before_the_first_publication(project: Project, tmp_path: Path):
    quickly(project, "init", tmp_path / "new")
    done = quickly(project, "status", "--workspace", tmp_path / "new")
    command = f"kunderegnskab refresh --workspace {tmp_path / 'new'}"
    assert (done.code, done.out) == (0, f"Nothing is published yet. Run `{command}`.\n")


@pytest.mark.quick
def test_init_and_one_canonical_file_are_enough(tmp_path: Path):
    workspace = tmp_path / "new"
    made = kunderegnskab("init", workspace)
    assert made.code == 0
    assert f"kunderegnskab check-inputs --workspace {workspace}" in made.out
    at_rest(
        workspace / "landing" / "sales_lines.csv",
        b"document_no,document_type,posting_date,customer_id,product_id,quantity,net_amount,discount_amount\n"
        b"F1,invoice,2024-01-15,C1,P1,2,200.005,0\n"
        b"K1,credit_note,2024-02-01,C1,P1,-1,-100,0\n",
    )
    done = kunderegnskab("refresh", "--workspace", workspace)
    assert done.code == 0, done.err
    assert done.out.startswith("Published 0001-")
    assert str(workspace / "published" / "current" / "kunderegnskab.duckdb") in done.out
    assert rows(
        workspace,
        "select customer_id, month, list_sales, returns, db2, sales_without_cost "
        "from marts.customer_accounts order by month",
    ) == [
        ("C1", date(2024, 1, 1), *map(Decimal, ("200.005", "0", "200.005", "200.005"))),
        ("C1", date(2024, 2, 1), *map(Decimal, ("0", "100", "-100", "0"))),
    ]

    again = kunderegnskab("init", workspace)
    assert again.code == 1
    assert again.err == f"{workspace}: is there already and not empty; name a folder that does not exist.\n"


def test_a_folder_that_is_no_workspace(tmp_path: Path):
    done = kunderegnskab("refresh", "--workspace", tmp_path)
    assert done.code == 1
    assert done.err.startswith(f"{tmp_path}: is not a workspace, it has no company.yaml; ")
    assert "Traceback" not in done.err


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_check_inputs_changes_nothing_and_names_unused_files(
    project: Project, small_to_change: Path, options: tuple[str, ...]
):
    at_rest(small_to_change / "landing" / "salg" / "noter.txt", b"hej")
    before = tree(small_to_change)
    done = quickly(project, "check-inputs", *options, "--workspace", small_to_change)
    assert done.code == 0, done.err
    assert tree(small_to_change) == before
    if options:
        assert done.json["unread"] == [
            "landing/salg/noter.txt: is read by no mapping; map it in feeds.yaml, or remove it."
        ]
        files = {file["source_file"]: file["records_loaded"] for file in done.json["files"]}
        assert files == {"landing/salg/nord.csv": 48, "landing/salg/syd.csv": 48, "landing/kunder.xlsx": 4}
        assert done.json["problems"] == []
    else:
        assert (
            "landing/salg/noter.txt: is read by no mapping; map it in feeds.yaml, or remove it." in done.out
        )
        assert "All files can be read." in done.out


def test_check_inputs_asks_what_a_refresh_asks_of_the_files(project: Project, small_to_change: Path):
    calendar = ["fiscal_year,period_no,first_day,last_day"]
    for number in range(1, 13):
        first, after = date(2025, number, 1), date(2025 + number // 12, number % 12 + 1, 1)
        calendar.append(f"2025,{number},{first},{after - timedelta(days=1)}")
    at_rest(small_to_change / "policy" / "fiscal_calendar.csv", ("\n".join(calendar) + "\n").encode())
    before = tree(small_to_change)
    done = quickly(project, "check-inputs", "--json", "--workspace", small_to_change)
    assert done.code == 1
    assert tree(small_to_change) == before
    check = "door__fiscal_calendar__holds_every_day"
    named = [line for line in done.json["problems"] if line.startswith("The check ")]
    assert [line.split(" failed")[0] for line in named] == [f"The check {check}"]
    place = "_source_file=landing/salg/nord.csv, column_name=posting_date, calendar_year=2024, "
    assert any(place in line for line in done.json["problems"])

    waiver = {"check": check, "person": "Ida", "reason": "tried", "valid_to": "2099-12-31"}
    (small_to_change / "waivers.yaml").write_text(json.dumps([waiver]), encoding="utf-8")  # JSON is YAML
    assert quickly(project, "check-inputs", "--json", "--workspace", small_to_change).json["problems"] == []


def test_a_refresh_names_what_it_does_not_read_also_when_nothing_has_changed(
    project: Project, small_to_change: Path
):
    at_rest(small_to_change / "landing" / "salg" / "NORD.CSV", b"hej")
    at_rest(small_to_change / "policy" / "segment_rule.csv", b"hej")
    report = refreshed_quickly(project, small_to_change)
    assert report["status"] == "unchanged"
    assert [sentence.split(": ")[0] for sentence in report["unread"]] == [
        "landing/salg/NORD.CSV",
        "policy/segment_rule.csv",
    ]
    done = quickly(project, "refresh", "--workspace", small_to_change)
    assert "landing/salg/NORD.CSV: is read by no mapping; capital and small letters count" in done.err


def test_a_source_that_is_gone_hinders_the_publication_until_it_is_waived(
    project: Project, small_to_change: Path
):
    before = current(small_to_change / "published")
    (small_to_change / "landing" / "kunder.xlsx").unlink()
    done = quickly(project, "refresh", "--workspace", small_to_change)
    assert done.code == 1
    check = "door__customers__sources_have_not_fallen_silent"
    assert f"The check {check} failed (1 row): Every source of customers that fed the last" in done.err
    assert "source=feeds.yaml: customers, source 1, files=landing/kunder.xlsx, files_before=1" in done.err
    assert "feeds.yaml: customers, source 1: no file matches landing/kunder.xlsx; deliver one" in done.err
    assert current(small_to_change / "published") == before
    waiver = {"check": check, "reason": "the list is no longer kept", "person": "Bo Holm"}
    (small_to_change / "waivers.yaml").write_text(json.dumps([waiver]), encoding="utf-8")  # JSON is YAML
    assert refreshed_quickly(project, small_to_change)["status"] == "published"
    (small_to_change / "waivers.yaml").unlink()
    assert refreshed_quickly(project, small_to_change)["status"] == "published"


def test_check_inputs_takes_a_workspace_that_was_never_refreshed(small_workspace: Path, tmp_path: Path):
    workspace = tmp_path / "unrefreshed"
    for name in ("company.yaml", "feeds.yaml", "landing/kunder.xlsx", "landing/salg/nord.csv"):
        rest(at_rest(workspace / name, (small_workspace / name).read_bytes()))
    before = tree(workspace)
    assert kunderegnskab("check-inputs", "--workspace", workspace).code == 0
    assert tree(workspace) == before
    assert {path.name for path in workspace.iterdir()} == {"company.yaml", "feeds.yaml", "landing"}


# --- helpers ----------------------------------------------------------------------------------------
def current_name(workspace: Path) -> str:
    now = current(workspace / "published")
    assert now is not None
    return now.name


def baselines(workspace: Path) -> list[tuple[Any, ...]]:
    with published(workspace) as con:
        columns = "baseline_value, baseline_publication, drift"
        return con.execute(f"select {columns} from marts.target_baselines").fetchall()


def freshness(project: Project, workspace: Path) -> str:
    return quickly(project, "status", "--json", "--workspace", workspace).json["freshness"]


def accounts(workspace: Path) -> dict[tuple[str, date], dict[str, Any]]:
    """Every published account, by customer and month."""
    columns = (*LADDER_COLUMNS, "order_count", "line_count", "sales_without_cost")
    found = rows(workspace, f"select customer_id, month, {', '.join(columns)} from marts.customer_accounts")
    return {(customer, month): dict(zip(columns, row, strict=True)) for customer, month, *row in found}


def ledger_by_role_and_month(folder: Path) -> dict[tuple[str, date], Decimal]:
    """Sums of the raw ledger files by the account's role, read without the product; debit is positive."""
    with (folder / "kontoplan.csv").open(encoding="utf-8", newline="") as stream:
        roles = {row["Kontonr."]: row["Rolle"] for row in csv.DictReader(stream, delimiter=";")}
    sums: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    with (folder / "finansposter.csv").open(encoding="utf-16", newline="") as stream:
        for row in csv.DictReader(stream, delimiter=";"):
            text = row["Beløb"].replace(".", "").replace(",", ".")
            amount = -Decimal(text.strip("()")) if text.startswith("(") else Decimal(text)
            day = datetime.strptime(row["Bogføringsdato"], "%d-%m-%Y").date()
            sums[roles[row["Kontonr."]], day.replace(day=1)] += amount
    return sums
