"""Each planted fault turns the control that is there for it red, and no other.

One company is published, a month of it closed, and published again; each fault is planted in that and taken back.
Elsewhere: a flipped byte in a landing, lake, published or manifest file, a deleted publication, changed configuration
and a figure forged with all hashes in test_verify.py; a threshold changed without approval in test_history.py;
corrected and new files of a closed month, and a month closed on a publication that is not there, in test_close.py;
faults of the ledger and its chart in test_ledger_faults.py, of records in test_faulty_files.py, of models in tests/dbt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from companies import MONTHS, at_rest
from quick import Project, quickly, refreshed_quickly
from running import Done, keep_pristine, put_back, rows

from kunderegnskab.file_hash import file_sha256
from kunderegnskab.publication import store
from kunderegnskab.publication.content_hash import columns_of, table_content
from kunderegnskab.publication.manifest import Manifest

EXPECTED_FILES = "gate__customer_accounts__expected_files_are_there"
NUMBERS = "gate__product_accounts__document_numbers_have_no_gaps"
REPEATED = "door__sales_lines__rejects_within_allowance"
APPROVED = "gate__kpi_values__changes_are_approved"

CLOSED = MONTHS[5]
CUSTOMERS = ("C1", "C2", "C3")
# C3 buys in euros, so that what its lines are worth depends on a rate.
EURO, RATE = "C3", Decimal("7.5")
FREIGHT = Decimal(20)
BONUS_RATE = Decimal("0.02")
# The first line of the file is F1001, and so on by month and customer.
FIRST_DOCUMENT = 1001
COMPANY = "name: Lille Engros A/S\ncurrency: DKK\n"
FEEDS = f"""\
customer_costs:
  - files: fragt/*.csv
    format: {{type: csv}}
    columns: {{cost_no: nr, posting_date: dato, customer_id: kunde, amount: beløb}}
    values: {{cost_type: freight}}
    monthly_since: {MONTHS[-3]:%Y-%m}
sales_lines:
  - files: salg/*.csv
    format: {{type: csv}}
    columns:
      document_no: bilag
      line_no: linje
      posting_date: dato
      customer_id: kunde
      product_id: vare
      quantity: antal
      list_amount: liste
      net_amount: netto
      cost_amount: kost
      currency: valuta
    values: {{document_type: invoice}}
"""
SALES_HEADER = ("bilag", "linje", "dato", "kunde", "vare", "antal", "liste", "netto", "kost", "valuta")
TARGETS = f"""\
kpi_id,scope_type,scope_id,month_from,month_to,target_value,baseline_month_from,baseline_month_to,approved_by,approved_on
db1,company,company,2025-01-01,2025-12-01,20000,{MONTHS[0]},{MONTHS[11]},Direktør,2025-01-10
"""


# --- the company --------------------------------------------------------------------------------------
def sales() -> list[list[str]]:
    """An invoice per month and customer, numbered without a gap: list 1,000, net 900, cost 600."""
    places = [(month, customer) for month in MONTHS for customer in CUSTOMERS]
    return [
        [
            f"F{number}", "1", f"{month.replace(day=15)}", customer, "V1", "1", "1000", "900", "600",
            "EUR" if customer == EURO else "",
        ]
        for number, (month, customer) in enumerate(places, start=FIRST_DOCUMENT)
    ]  # fmt: skip


def line_of(lines: list[list[str]], customer: str) -> list[str]:
    """The customer's line of the closed month."""
    return next(line for line in lines if line[3] == customer and line[2] == f"{CLOSED.replace(day=15)}")


def write(root: Path, file: str, *records: list[str]) -> None:
    at_rest(root / file, "".join(",".join(record) + "\n" for record in records).encode())


def write_sales(root: Path, lines: list[list[str]], name: str = "salg") -> None:
    write(root, f"landing/salg/{name}.csv", [*SALES_HEADER], *lines)


def write_agreement(root: Path, rate: Decimal) -> None:
    write(
        root, "policy/bonus_agreements.csv",
        ["customer_id", "valid_from", "tier_from", "rate"], ["C1", "2024-01-01", "0", str(rate)],
    )  # fmt: skip


def write_rates(root: Path, of_closed: Decimal) -> None:
    rates = [[f"{month}", "EUR", str(of_closed if month == CLOSED else RATE)] for month in MONTHS]
    write(root, "landing/exchange_rates.csv", ["rate_date", "currency", "rate"], *rates)


def freight_file(root: Path) -> Path:
    """The last month's freight bills."""
    return root / "landing" / "fragt" / f"{MONTHS[-1]:%Y-%m}.csv"


@pytest.fixture(scope="module")
def published_company(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company with a closed month, published before and after the closing, with nothing red."""
    root = tmp_path_factory.mktemp("audit_faults") / "workspace"
    (root / "policy").mkdir(parents=True)
    (root / "company.yaml").write_text(COMPANY, encoding="utf-8")
    (root / "feeds.yaml").write_text(FEEDS, encoding="utf-8")
    customers = [[customer, f"Kunde {customer}"] for customer in CUSTOMERS]
    write(root, "landing/customers.csv", ["customer_id", "customer_name"], *customers)
    for month in MONTHS:
        bill = [f"{month:%y%m}", f"{month.replace(day=20)}", "C1", str(FREIGHT)]
        write(root, f"landing/fragt/{month:%Y-%m}.csv", ["nr", "dato", "kunde", "beløb"], bill)
    write_sales(root, sales())
    write_rates(root, RATE)
    write_agreement(root, BONUS_RATE)
    (root / "policy" / "kpi_targets.csv").write_text(TARGETS, encoding="utf-8")
    assert refreshed_quickly(project, root)["status"] == "published"
    closed = close(project, root, f"{CLOSED:%Y-%m}")
    assert closed.code == 0, closed.out
    assert refreshed_quickly(project, root)["status"] == "published"
    assert red(root) == set()
    assert verify(project, root, "--last", "0").json["status"] == "incomplete"
    keep_pristine(root)
    return root


@pytest.fixture
def company(published_company: Path) -> Iterator[Path]:
    """Put back when the test is over."""
    yield published_company
    put_back(published_company)


# --- what the checks of a refresh see -----------------------------------------------------------------
def late_file(root: Path) -> None:
    freight_file(root).unlink()


def gap_in_the_numbers(root: Path) -> None:
    write_sales(root, [line for line in sales() if line[0] != "F1040"])


def repeated_document(root: Path) -> None:
    write_sales(root, [line for line in sales() if line[0] == "F1040"], "igen")


def self_approved_decision(root: Path) -> None:
    """By a salesperson on an own customer, approved by the same one's code."""
    write(root, "landing/salespeople.csv", ["salesperson_id", "salesperson_name"], ["SH", "Sanne"])
    owner = ["C1", "SH", "2024-01-01"]
    write(root, "policy/customer_owners.csv", ["customer_id", "salesperson_id", "valid_from"], owner)
    write(
        root, "policy/segment_overrides.csv",
        ["customer_id", "decided_on", "segment", "reason", "decided_by", "approved_by"],
        ["C1", "2025-03-10", "A1", "Åbner nyt", "Sanne", "SH"],
    )  # fmt: skip


# Fault -> the check that turns red, whether it lets nothing be published, and what it says of the place.
CHECKED: dict[Callable[[Path], None], tuple[str, bool, str]] = {
    late_file: (EXPECTED_FILES, False, f"{MONTHS[-1]}"),
    gap_in_the_numbers: (NUMBERS, False, "1040"),
    repeated_document: (REPEATED, True, "landing/salg/igen.csv, record 1"),
    self_approved_decision: (APPROVED, True, "Sanne"),
}


@pytest.mark.parametrize("plant", CHECKED, ids=lambda plant: plant.__name__)
def test_a_fault_turns_its_own_check_red(
    project: Project, company: Path, plant: Callable[[Path], None]
) -> None:
    check, is_blocking, place = CHECKED[plant]
    before = store.current(company / "published")
    plant(company)
    done = quickly(project, "refresh", "--workspace", company, "--json")
    assert red(company) == {check}
    said = "\n".join((*done.json["problems"], *done.json["warnings"]))
    assert check in said
    assert done.code == is_blocking
    assert (store.current(company / "published") == before) is is_blocking
    ((detail,),) = in_warehouse(
        company, f"select detail from audit.check_results where check_name = '{check}'"
    )
    assert place in said + detail


def test_no_month_is_closed_before_its_files_are_there(project: Project, company: Path) -> None:
    late_file(company)
    assert refreshed_quickly(project, company)["status"] == "published"
    refused = close(project, company, f"{MONTHS[-1]:%Y-%m}")
    assert refused.code == 1
    assert f"is missing for {MONTHS[-1]:%Y-%m} or before" in refused.json["problems"][0]


# --- what becomes of a closed month -------------------------------------------------------------------
RESTATED = (
    "select customer_id, line_code, cause, closed_amount, difference from audit.restatements "
    f"where month = date '{CLOSED}' order by all"
)
DB3_OF_ACCOUNTS = "select customer_id, db3 from marts.customer_accounts where month = date '{}' order by 1"


def test_a_changed_file_of_a_closed_month_is_explained_to_the_ore(project: Project, company: Path) -> None:
    before = dict(rows(company, DB3_OF_ACCOUNTS.format(CLOSED)))
    lines = sales()
    line_of(lines, "C2")[6:9] = ["1000", "912.37", "600"]
    write_sales(company, lines)
    assert refreshed_quickly(project, company)["status"] == "published"

    more = Decimal("12.37")
    assert rows(company, RESTATED) == [("C2", "K05", "changed_file", Decimal(100), -more)]
    after = dict(rows(company, DB3_OF_ACCOUNTS.format(CLOSED)))
    assert {customer: after[customer] - before[customer] for customer in CUSTOMERS} == {
        "C1": 0,
        "C2": more,
        "C3": 0,
    }
    # The baseline stays as it was published; what the restatement has made of it is its drift.
    assert rows(company, "select baseline_value, drift from marts.target_baselines") == [
        (BASELINE, more),
    ]
    assert red(company) == set()


# DB I of twelve months: 300 a month of two customers, less the bonus, and 300 euros of the third.
BASELINE = 12 * (300 * 2 - 900 * BONUS_RATE + 300 * RATE)


def test_changed_rules_of_a_closed_month_are_told_apart_from_changed_files(
    project: Project, company: Path
) -> None:
    """An agreement and a rate that is applied to the same records: both restate, the policy is in the log."""
    write_agreement(company, Decimal("0.03"))
    write_rates(company, Decimal("7.4"))
    assert refreshed_quickly(project, company)["status"] == "published"
    restated = {
        (customer, line): (cause, difference)
        for customer, line, cause, _, difference in rows(company, RESTATED)
    }
    assert restated == {
        ("C1", "K20"): ("agreement", Decimal(900) * (Decimal("0.03") - BONUS_RATE)),
        ("C3", "K00"): ("rule", Decimal(-100)),
        ("C3", "K05"): ("rule", Decimal(-10)),
        ("C3", "K35"): ("rule", Decimal(-60)),
    }
    # The sales file is the same; what can be behind it is named, with its content then and now.
    agreement, rates = "policy/bonus_agreements.csv", "landing/exchange_rates.csv"
    assert rows(company, "select distinct changed_files from audit.restatements") == [
        (f"{rates}, {agreement}",)
    ]
    assert rows(
        company,
        "select feed, source_file, cause, closed_sha256 <> current_sha256 from audit.restatement_files "
        f"where month = date '{CLOSED}' order by feed",
    ) == [
        ("bonus_agreements", agreement, "changed_file", True),
        ("exchange_rates", rates, "changed_file", True),
    ]
    assert rows(
        company,
        "select feed, column_name, cast(old_value as decimal(9, 2)), cast(new_value as decimal(9, 2)) "
        "from audit.change_log where feed <> 'period_events'",
    ) == [
        ("bonus_agreements", "rate", BONUS_RATE, Decimal("0.03")),
        ("exchange_rates", "rate", RATE, Decimal("7.4")),
    ]
    assert red(company) == set()


def test_what_changes_beside_the_customers_lines_is_restated_too(project: Project, company: Path) -> None:
    """A customer handed over, and a cost of the company booked, back in the closed month."""
    kept = "select * from audit.closed_figures order by all"
    figures = rows(company, kept)
    assert {row[1] for row in figures} == {CLOSED}
    owner = ["C2", "ANNA", f"{CLOSED}"]
    write(company, "policy/customer_owners.csv", ["customer_id", "salesperson_id", "valid_from"], owner)
    write(company, "landing/salespeople.csv", ["salesperson_id", "salesperson_name"], ["ANNA", "Anna"])
    write(company, "landing/ledger_accounts.csv", ["account_no", "account_role"], ["7000", "K80"])
    entry = ["1", f"{CLOSED.replace(day=28)}", "7000", "250"]
    write(company, "landing/ledger_entries.csv", ["entry_no", "posting_date", "account_no", "amount"], entry)
    assert refreshed_quickly(project, company)["status"] == "published"

    assert rows(company, RESTATED) == []
    of_all = 300 * 2 - FREIGHT - 900 * BONUS_RATE + 300 * RATE
    assert rows(
        company,
        "select level, scope_id in ('company', 'Ikke tildelt'), measure, closed_amount, current_amount, "
        "difference from audit.figure_restatements where measure in ('db3', 'unallocated') order by all",
    ) == [
        ("company", True, "unallocated", 0, 250, 250),
        ("salesperson", False, "db3", 0, 300, 300),
        ("salesperson", True, "db3", of_all, of_all - 300, -300),
    ]
    assert rows(company, "select distinct changed_files from audit.figure_restatements") == [
        (
            "landing/ledger_accounts.csv, landing/ledger_entries.csv, landing/salespeople.csv, "
            "policy/customer_owners.csv",
        )
    ]
    assert rows(company, "select source_file, line_code, amount, cause from audit.late_postings") == [
        ("landing/ledger_entries.csv", "K80", 250, "new_file")
    ]
    assert rows(company, kept) == figures
    assert verify(project, company).json["status"] == "holds"


def without_events(text: str) -> str:
    return text.splitlines(keepends=True)[0]


def of_another_reason(text: str) -> str:
    return text.replace("Halvår", "Kvartal")


@pytest.mark.parametrize("change", [without_events, of_another_reason])
def test_a_published_decision_to_close_cannot_be_taken_back_silently(
    project: Project, company: Path, change: Callable[[str], str]
) -> None:
    path = company / "policy" / "period_events.csv"
    text = path.read_text(encoding="utf-8")
    assert change(text) != text
    at_rest(path, change(text).encode())
    assert found(verify(project, company, "--last", "0")) == {("landing", "policy/period_events.csv")}

    before = store.current(company / "published")
    refused = quickly(project, "refresh", "--workspace", company, "--json")
    assert refused.code == 1
    (problem,) = refused.json["problems"]
    assert f"policy/period_events.csv: event 1 (close {CLOSED:%Y-%m})" in problem
    assert store.current(company / "published") == before


# --- what verify sees ---------------------------------------------------------------------------------
def test_a_figure_forged_with_its_files_hash_breaks_the_chain(project: Project, company: Path) -> None:
    """The manifest then says what the file is, but the next manifest, or current.json, does not."""
    for publication in store.publications(company / "published"):
        rewrite(publication, forged(publication, "marts.customer_accounts", "db3 = db3 + 1"))
        assert found(verify(project, company, "--last", "0")) == {("chain", publication.name)}
        put_back(company)


def test_a_table_of_other_models_is_seen_by_reperformance_alone(project: Project, company: Path) -> None:
    """What another model would have given, published with every hash right: the second path does not know it."""
    now = store.current(company / "published")
    assert now is not None
    rewrite(now, forged(now, "marts.whale_curve", "cumulative_db3 = cumulative_db3 + 1"))
    store.make_current(store.publications(company / "published")[-1])
    assert found(verify(project, company)) == {("reperformance", f"{now.name} marts.whale_curve")}


def test_a_wrong_formula_is_seen_by_the_second_path_alone(project: Project, company: Path) -> None:
    """A program whose models and tests read the same wrong formula gives the same figure as often as it is run."""
    freight_in_percent_of = ("freight_pct", "denominator")
    program = project.with_seed_row(
        "audit.default_kpi_formulas",
        (*freight_in_percent_of, "invoiced_sales", 1),
        (*freight_in_percent_of, "list_sales", 1),
    )

    done = quickly(program, "refresh", "--full", "--workspace", company, "--json")
    assert done.json["status"] == "published", done.out
    assert red(company) == set()
    name = done.json["publication"]
    verified = verify(program, company)
    counted = [
        int(word)
        for line in verified.json["done"]
        if line.startswith(f"Computed {name} again")
        for word in line.split()
        if word.isdigit()
    ]
    # Tables, checks and pages.
    assert len(counted) == 6
    assert counted[::2] == counted[1::2]
    # Twenty are named, the rest are counted.
    assert found(verified) == {
        ("recalculation", f"{name} marts.kpi_values.freight_pct"),
        ("recalculation", name),
    }


# --- helpers ------------------------------------------------------------------------------------------
def close(project: Project, root: Path, month: str) -> Done:
    decided = ("--by", "Regnskabschef", "--reason", "Halvår lukket")
    return quickly(project, "close", month, *decided, "--workspace", root, "--json")


def verify(project: Project, root: Path, *options: str) -> Done:
    return quickly(project, "verify", "--workspace", root, "--json", *options)


def found(verified: Done) -> set[tuple[str, str]]:
    """What verify found, by control and subject."""
    assert set(verified.json["not_done"]) <= {"No publication was read or computed again (--last 0)."}
    return {(finding["control"], finding["subject"]) for finding in verified.json["findings"]}


def in_warehouse(root: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(root / "warehouse" / "kunderegnskab.duckdb"), read_only=True) as con:
        return con.execute(query).fetchall()


def red(root: Path) -> set[str]:
    """The checks of the last refresh, published or not, that did not pass."""
    query = "select check_name from audit.check_results where status <> 'passed'"
    return {name for (name,) in in_warehouse(root, query)}


def forged(publication: store.Publication, table: str, change: str) -> Manifest:
    """Change a published table; gives a manifest with the hashes of what is there now."""
    with duckdb.connect(str(publication.database)) as con:
        con.execute(f"update {table} set {change}")
        content = publication.manifest.marts[table]
        sha256 = table_content(con, table, content.key, columns_of(con, table)).sha256
    file = publication.manifest.files[publication.database.name].model_copy(
        update={
            "sha256": file_sha256(publication.database),
            "size": publication.database.stat().st_size,
        }
    )
    return publication.manifest.model_copy(
        update={
            "marts": publication.manifest.marts
            | {table: content.model_copy(update={"content_sha256": sha256})},
            "files": publication.manifest.files | {publication.database.name: file},
        }
    )


def rewrite(publication: store.Publication, manifest: Manifest) -> None:
    (publication.path / "manifest.json").write_bytes(manifest.canonical())
