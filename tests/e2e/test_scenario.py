"""`kunderegnskab scenario`: another policy on the records of the current publication, beside it.

A company with rules, owners and bonus is published once; what a scenario says is what the next publication says when
the same policy is put in force. What rules mean belongs in the unit tests beside the models.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from companies import FEEDS, at_rest, write_small_company
from filelock import FileLock
from quick import Project, quickly, refreshed_quickly
from running import Done, copied, kunderegnskab, tree

from kunderegnskab.publication import store
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import sole_writer

RULES = """\
rule_version,axis,class_code,valid_from,method,threshold_from,hysteresis,minimum_months,is_good
2024-1,size,A,2024-01-01,absolute,20000,0,1,true
2024-1,size,B,2024-01-01,absolute,,0,1,false
2024-1,margin,1,2024-01-01,absolute,0.25,0,1,true
2024-1,margin,2,2024-01-01,absolute,,0,1,false
"""
OWNERS = "customer_id,salesperson_id,valid_from\nC1,S1,2024-01-01\nC2,S1,2024-01-01\nC3,S2,2024-01-01\n"
BONUS = "customer_id,valid_from,valid_to,tier_from,rate\nC2,2024-01-01,,0,0.02\n"
CONCEPTS = """\
segment,valid_from,services,visits_per_year
A1,2024-01-01,Besøg,12
B1,2024-01-01,Besøg,4
"""
POLICY = {
    "segment_rules": RULES,
    "customer_owners": OWNERS,
    "bonus_agreements": BONUS,
    "service_concepts": CONCEPTS,
}


@pytest.fixture(scope="module")
def published(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company, published once. To be read only."""
    root = tmp_path_factory.mktemp("scenario") / "workspace"
    write_small_company(root)
    write_policy(root / "policy", POLICY)
    refreshed_quickly(project, root)
    return root


@pytest.fixture
def company(published: Path, tmp_path: Path) -> Path:
    """A copy of it, for one test."""
    return copied(published, tmp_path / "workspace")


def write_policy(folder: Path, files: Mapping[str, str]) -> Path:
    for feed, text in files.items():
        at_rest(folder / f"{feed}.csv", text.encode())
    return folder


def tried(project: Project, company: Path, files: Mapping[str, str], *options: str | Path) -> Done:
    """The scenario `trial` of these files; lake, publications and warehouse must stay as they were."""
    before = kept(company)
    policy = ("--policy", write_policy(company / "trial", files)) if files else ()
    done = quickly(project, "scenario", "trial", *policy, *options, "--workspace", company)
    assert kept(company) == before
    return done


def kept(company: Path) -> dict[str, Any]:
    return {
        name: tree(company / name)
        for name in ("published", "lake", "warehouse", "policy", "runs", "personal")
    }


def report(project: Project, company: Path, files: Mapping[str, str], *options: str | Path) -> dict[str, Any]:
    done = tried(project, company, files, "--json", *options)
    assert done.code == 0, f"{done.out}\n{done.err}"
    assert done.json["status"] == "compared"
    assert done.json["problems"] == []
    return done.json


def differences(said: dict[str, Any], level: str, measure: str) -> dict[str, Decimal]:
    return {
        each["scope_id"]: Decimal(each["difference"])
        for each in said["amounts"]
        if (each["level"], each["measure"]) == (level, measure)
    }


def moved(said: dict[str, Any], fact: str) -> dict[str, tuple[str, str]]:
    return {
        each["customer_id"]: (each["before"], each["after"])
        for each in said["places"]
        if each["fact"] == fact
    }


def figures(file: Path) -> dict[tuple[str, str, str], Decimal | None]:
    """What comparison.csv says of `after`, by level, scope and measure."""
    with file.open(encoding="utf-8", newline="") as stream:
        return {
            (row["level"], row["scope_id"], row["measure"]): Decimal(row["after"]) if row["after"] else None
            for row in csv.DictReader(stream)
        }


def test_the_policy_in_force_differs_in_nothing(project: Project, company: Path) -> None:
    said = report(project, company, POLICY, "--set", "pvm_leaf=product")
    assert said["differs"] is False
    assert (said["amounts"], said["places"]) == ([], [])
    assert said["policy"] == {feed: f"trial/{feed}.csv" for feed in POLICY}
    done = tried(project, company, POLICY)
    assert "Intet er anderledes." in done.out
    # Not only in what is compared: every table of marts is what was published, but for targets' publications.
    made = store.current(Workspace(company).published)
    assert made is not None
    with duckdb.connect() as con:
        con.execute(f"attach '{made.database}' as published (read_only)")
        con.execute(
            f"attach '{company}/state/scenarios/trial/kunderegnskab.duckdb' as kunderegnskab (read_only)"
        )
        tables = [name for name in made.manifest.marts if name.startswith("marts.")]
        assert "marts.customer_accounts" in tables
        assert [
            name
            for name in tables
            if con.execute(
                f"select 1 from (from published.{name} except from kunderegnskab.{name}) union all "
                f"select 1 from (from kunderegnskab.{name} except from published.{name})"
            ).fetchone()
        ] == []


def test_another_threshold_moves_customers_between_segments(project: Project, company: Path) -> None:
    # Net sales of 2025: C1 and C3 12,690 each, C2 and C4 25,380 less what bonus takes.
    said = report(project, company, {"segment_rules": RULES.replace("absolute,20000", "absolute,12000")})
    assert moved(said, "segment") == {"C1": ("B1", "A1"), "C3": ("B1", "A1")}
    assert moved(said, "salesperson") == {}
    assert differences(said, "segment", "customers") == {"A1": 2, "B1": -2}
    sums = differences(said, "segment", "db3")
    assert sums["A1"] == -sums["B1"] > 0
    # A1 is owed twelve visits, B1 four.
    assert differences(said, "customer", "planned_visits") == {"C1": 8, "C3": 8}
    assert differences(said, "company", "planned_visits") == {"company": 16}
    assert differences(said, "company", "db3") == {}


def test_another_rate_of_bonus_takes_its_part_of_every_level(project: Project, company: Path) -> None:
    said = report(project, company, {"bonus_agreements": BONUS.replace("0.02", "0.05")})
    (taken,) = differences(said, "customer", "db3").values()
    assert taken == differences(said, "customer", "net_sales")["C2"] < 0
    assert differences(said, "company", "bonus") == {"company": -taken}
    for level, scope in (("company", "company"), ("segment", "A1"), ("salesperson", "S1")):
        assert differences(said, level, "db3") == {scope: taken}


def test_other_owners_move_portfolios_and_leave_the_company(project: Project, company: Path) -> None:
    said = report(project, company, {"customer_owners": OWNERS + "C4,S2,2025-07-01\n"})
    assert moved(said, "salesperson") == {"C4": ("Ikke tildelt", "S2")}
    then, today = (differences(said, level, "net_sales") for level in ("salesperson", "salesperson_today"))
    # By the owner then half a year moves, by the owner today all twelve months.
    assert 0 < then["S2"] < today["S2"]
    assert then["S2"] + then["Ikke tildelt"] == today["S2"] + today["Ikke tildelt"] == 0
    assert {each["level"] for each in said["amounts"]} == {"salesperson", "salesperson_today"}


def test_a_key_of_company_yaml_is_tried(project: Project, company: Path) -> None:
    at_rest(
        company / "landing" / "receivables.csv",
        (
            b"document_no,customer_id,invoice_date,due_date,paid_date,amount\n"
            b"D1,C1,2025-01-01,2025-02-01,2025-04-11,36500\n"
        ),
    )
    refreshed_quickly(project, company)
    # A hundred days of 36,500 at 6 % are 600, at 12 % twice that.
    said = report(project, company, {}, "--set", "credit_interest_rate=0.12")
    assert differences(said, "company", "credit_cost") == {"company": 600}
    assert differences(said, "customer", "db3") == {"C1": -600}
    assert said["set"] == {"credit_interest_rate": 0.12}


def test_chains_classed_as_one_are_compared_with_their_customers(project: Project, company: Path) -> None:
    """C1 and C3 sell 12,690 each, which is B; as one chain they are A, and a decision on C3 alone is refused."""
    (company / "landing" / "kunder.xlsx").unlink()
    at_rest(company / "feeds.yaml", FEEDS.partition("customers:")[0].encode())
    listed = "customer_id,parent_customer_id\nC1,\nC2,\nC3,C1\nC4,\n"
    at_rest(company / "landing" / "customers.csv", listed.encode())
    refreshed_quickly(project, company)
    said = report(project, company, {}, "--set", "segment_level=chain")
    assert moved(said, "segment") == {"C1": ("B1", "A1"), "C3": ("B1", "A1")}
    assert differences(said, "segment", "customers") == {"A1": 2, "B1": -2}
    # Every outlet is owed the visits of its chain's concept.
    assert differences(said, "customer", "planned_visits") == {"C1": 8, "C3": 8}
    assert differences(said, "company", "db3") == {}
    overrides = "customer_id,decided_on,segment,reason,decided_by\nC3,2025-03-10,B1,Lukker,Sanne\n"
    files = {"segment_overrides": overrides}
    refused = tried(project, company, files, "--set", "segment_level=chain", "--json")
    assert (refused.code, refused.json["status"]) == (1, "refused")
    (problem,) = (line for line in refused.json["problems"] if "outlet of the chain" in line)
    assert "C3 2025-03-10" in problem
    assert "source_file=trial/segment_overrides.csv, source_record=1" in problem


def test_what_a_scenario_says_is_what_a_refresh_then_publishes(project: Project, company: Path) -> None:
    files = {
        "segment_rules": RULES.replace("absolute,20000", "absolute,12000"),
        "bonus_agreements": BONUS + "C1,2025-01-01,,0,0.1\n",
    }
    report(project, company, files)
    foreseen = figures(company / "state" / "scenarios" / "trial" / "comparison.csv")
    write_policy(company / "policy", files)
    refreshed_quickly(project, company)
    said = report(project, company, POLICY)
    assert said["differs"]
    back = duckdb.read_parquet(f"{company}/state/scenarios/trial/comparison.parquet")
    assert {
        (level, scope, measure): before for level, scope, _, measure, before, _, _ in back.fetchall()
    } == foreseen


def test_the_workbook_has_a_sheet_for_each_level(project: Project, company: Path, tmp_path: Path) -> None:
    file = tmp_path / "rules.xlsx"
    report(
        project, company, {"segment_rules": RULES.replace("absolute,20000", "absolute,12000")}, "--xlsx", file
    )
    book = openpyxl.load_workbook(file)
    assert book.sheetnames == [
        "scenario",
        "company",
        "segment",
        "salesperson",
        "salesperson_today",
        "customer",
    ]
    header, *customers = book["customer"].iter_rows(values_only=True)
    found = {row[0]: dict(zip(header, row, strict=True)) for row in customers}
    assert (found["C1"]["segment before"], found["C1"]["segment after"]) == ("B1", "A1")
    assert found["C1"]["db3 difference"] == 0
    assert (found["C4"]["segment before"], found["C4"]["segment after"]) == ("A1", "A1")
    missing = tried(project, company, POLICY, "--xlsx", tmp_path / "no" / "rules.xlsx")
    assert missing.code == 1
    assert "There is no folder" in missing.err


def test_the_terminal_names_who_moves_and_by_how_much(project: Project, company: Path) -> None:
    done = tried(project, company, {"segment_rules": RULES.replace("absolute,20000", "absolute,12000")})
    assert done.code == 0, done.err
    assert "Kunder, der skifter segment: 2; der skifter sælger: 0." in done.out
    assert "C1 Ærø Båd & Træ" in done.out
    assert "B1 > A1" in done.out
    assert "Nothing is published." in done.out
    assert "computing the scenario trial" in done.err


@pytest.mark.parametrize(
    ("files", "options", "sentence"),
    [
        ({}, (), "Say what is tried: --policy DIR, --set key=value, or both."),
        ({"segment_rule": RULES}, (), "trial/segment_rule.csv: is no file of rules or rates"),
        ({"sales_lines": "document_no\n"}, (), "trial/sales_lines.csv: is no file of rules or rates"),
        (
            {"segment_rules": RULES.replace("0.25", "meget")},
            (),
            "trial/segment_rules.csv, record 3, column threshold_from: 'meget' ",
        ),
        ({"segment_rules": RULES + RULES.splitlines()[1] + "\n"}, (), "trial/segment_rules.csv, record 5"),
        ({"customer_owners": "customer_id,owner\nC1,S1\n"}, (), "owner is not a column of the feed customer_owners"),
        ({}, ("--set", "pvm_leaf=brand"), "--set: the key pvm_leaf: Input should be 'product' or 'product_group'"),
        ({}, ("--set", "pvm_leave=product"), "--set: the key pvm_leave is not known"),
        ({}, ("--set", "pvm_leaf"), "--set pvm_leaf: has no key and value with = between them"),
        ({}, ("--set", "day_count=360", "--set", "day_count=365"), "day_count is given twice"),
        ({}, ("--set", "timezone=UTC"), "--set timezone: no figure of a scenario can follow from it"),
    ],
)  # fmt: skip
def test_what_cannot_be_tried_is_said(
    project: Project, company: Path, files: Mapping[str, str], options: tuple[str, ...], sentence: str
) -> None:
    done = tried(project, company, files, *options)
    assert done.code == 1
    assert sentence in done.err
    assert "Traceback" not in done.err
    assert not (company / "state" / "scenarios" / "trial").exists()


def test_a_policy_that_a_refresh_would_refuse_is_compared_and_refused(
    project: Project, company: Path
) -> None:
    overrides = "customer_id,decided_on,segment,reason,decided_by\nC1,2025-03-10,Å9,Åbner nyt,Sanne\n"
    done = tried(project, company, {"segment_overrides": overrides}, "--json")
    assert done.code == 1
    assert done.json["status"] == "refused"
    assert any("Å9" in line for line in done.json["problems"])
    assert (company / "state" / "scenarios" / "trial" / "comparison.csv").is_file()
    shown = tried(project, company, {"segment_overrides": overrides})
    assert "A refresh with this policy would publish nothing:" in shown.err
    assert "Virksomhed" in shown.out or "Nettoomsætning" in shown.out or "Intet er anderledes." in shown.out


def test_only_a_publication_of_this_program_is_tried(
    project: Project, company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kunderegnskab.scenario.trial.code_version", lambda: "another")
    done = tried(project, company, POLICY)
    assert done.code == 1
    assert "run `kunderegnskab refresh` first" in done.err
    write_small_company(tmp_path / "new")
    done = quickly(project, "scenario", "trial", "--set", "day_count=360", "--workspace", tmp_path / "new")
    assert done.code == 1
    assert "There is no publication to compare with yet" in done.err


@pytest.mark.parametrize("name", ["../trial", "a/b", ".", "a.lock", ""])
def test_a_name_is_no_path(project: Project, company: Path, name: str) -> None:
    done = quickly(project, "scenario", name, "--set", "day_count=360", "--workspace", company)
    assert done.code == 1
    assert "A scenario cannot be called" in done.err


def test_salespeople_of_the_files_are_named_by_pseudonyms(project: Project, tmp_path: Path) -> None:
    company = tmp_path / "workspace"
    write_small_company(company)
    settings = company / "company.yaml"
    settings.write_text(
        settings.read_text(encoding="utf-8").replace("salesperson_keys: plain\n", ""), encoding="utf-8"
    )
    write_policy(company / "policy", POLICY)
    refreshed_quickly(project, company)
    said = tried(project, company, {"customer_owners": OWNERS + "C4,KIRSTEN,2025-07-01\n"}, "--json")
    assert said.code == 0, said.err
    (place,) = said.json["places"]
    assert place["after"].startswith("S-")
    assert "KIRSTEN" not in said.out + said.err
    folder = company / "state" / "scenarios" / "trial"
    assert "KIRSTEN" not in (folder / "comparison.csv").read_text(encoding="utf-8")
    assert (folder / "kunderegnskab.duckdb").stat().st_mode & 0o077 == 0
    # Whoever removes a name is told where a file that was tried has the key.
    who = ("--salesperson", "S1", "--by", "HR", "--reason", "Fratrådt", "--dry-run")
    listed = quickly(project, "purge", *who, "--workspace", company)
    assert "state/scenarios/trial holds the key, in a file that was tried as customer_owners" in listed.out
    # Nor where a record is refused for the key itself.
    refused = tried(project, company, {"customer_owners": OWNERS + "C4,1.5E+11,2025-07-01\n"})
    assert refused.code == 1
    assert "trial/customer_owners.csv, record 4, column salesperson_id" in refused.err
    assert "1.5E+11" not in refused.out + refused.err


def test_a_refresh_at_work_is_no_hindrance_and_a_scenario_hinders_none(
    company: Path, project: Project
) -> None:
    """With processes and dbt of their own, while somebody holds the workspace's lock."""
    policy = write_policy(
        company / "trial", {"segment_rules": RULES.replace("absolute,20000", "absolute,12000")}
    )
    with sole_writer(Workspace(company)):
        done = kunderegnskab("scenario", "trial", "--policy", policy, "--json", "--workspace", company)
    assert done.code == 0, f"{done.out}\n{done.err}"
    assert {each["customer_id"] for each in done.json["places"]} == {"C1", "C3"}
    # Another builder of the same name is refused, of another is not; a refresh goes on beside it.
    with FileLock(company / "state" / "scenarios" / "trial.lock"):
        busy = quickly(project, "scenario", "trial", "--policy", policy, "--workspace", company)
        assert busy.code == 1
        assert "Another command is building the scenario trial" in busy.err
        write_policy(company / "policy", {"segment_rules": RULES.replace("absolute,20000", "absolute,12000")})
        assert refreshed_quickly(project, company)["status"] == "published"
