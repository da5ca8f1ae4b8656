"""What the change log says of two states of a workspace, and which changes it holds for approved.

The feeds are read as a refresh reads them; the publication between the two states holds no figures. Who must approve a
salesperson's change belongs in test_approvals.py, the check that stops a refresh in test_quality_checks.py, whole
refreshes in tests/e2e/test_history.py.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter
from change_logs import APPROVAL, COMPANY, EARLIER, Company
from companies import at_rest

from kunderegnskab.audit import history
from kunderegnskab.feeds import Feed
from kunderegnskab.problems import InputProblems
from kunderegnskab.quality.history_page import RUNS_SHOWN


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """A company whose segment rules need approval, published once."""
    made = Company(tmp_path)
    made.publish()
    assert made.log() == []
    return made


@pytest.mark.parametrize(
    ("rule", "unapproved"),
    [
        ({}, {"threshold_from"}),
        ({"approved_by": " SALGSCHEF"}, {"threshold_from", "approved_by"}),
        ({"approved_on": ""}, {"threshold_from", "approved_on"}),
        ({"approved_on": "2025-01-09"}, {"threshold_from", "approved_on"}),
        ({"approved_on": "2025-01-11"}, set()),
        ({"approved_by": "Direktør"}, set()),
        ({"approved_by": ""}, {"threshold_from", "approved_by"}),
        ({"approved_by": "Sanne"}, {"threshold_from", "approved_by"}),
        ({"approved_by": "sanne ", "approved_on": "2025-02-11"}, {"threshold_from", "approved_by", "approved_on"}),
        ({"changed_by": "", "approved_on": "2025-02-11"}, {"threshold_from", "changed_by", "approved_on"}),
    ],
    ids=[
        "as before", "same person in other letters", "day taken away", "earlier day", "later day",
        "another person", "nobody", "self", "self in other letters, later day", "maker not named",
    ],
)  # fmt: skip
def test_a_changed_threshold_needs_an_approval_of_its_own(
    company: Company, rule: dict[str, str], unapproved: set[str]
) -> None:
    company.rules("15000", **rule)
    assert company.unapproved() == unapproved


def test_a_new_rule_needs_maker_and_approver_and_a_removed_one_cannot_have_them(company: Company) -> None:
    text = (company.root / "policy" / "segment_rules.csv").read_text(encoding="utf-8")
    company.write("policy/segment_rules.csv", text + "2024-1,size,B,2024-01-01,absolute,,Sanne,Salgschef,\n")
    assert company.unapproved() == set()
    company.write("policy/segment_rules.csv", text + "2024-1,size,B,2024-01-01,absolute,,Sanne,,\n")
    # It has no threshold: what is empty before and after is no change.
    assert "method" in company.unapproved()
    assert "threshold_from" not in company.unapproved()
    company.write("policy/segment_rules.csv", text.splitlines(keepends=True)[0])
    assert "threshold_from" in company.unapproved()


def test_asking_for_less_approval_does_not_free_what_changes_with_it(company: Company) -> None:
    company.write("company.yaml", COMPANY)
    assert company.unapproved() == set()
    company.rules("15000")
    assert company.unapproved() == {"threshold_from"}
    assert ("company", "approval", "changed", "required", "own_portfolio") in company.log()


def test_more_approval_is_asked_for_from_the_same_refresh_on(tmp_path: Path) -> None:
    company = Company(tmp_path)
    company.write("company.yaml", COMPANY)
    company.publish()
    company.write("company.yaml", COMPANY + APPROVAL)
    company.rules("15000")
    assert company.unapproved() == {"threshold_from"}


def test_waivers_and_the_mapping_are_logged_with_their_files(company: Company) -> None:
    waiver = "- {check: gate__a, reason: Solgt fra, person: Mette Holm, valid_to: 2026-03-31}\n"
    company.write("waivers.yaml", waiver)
    company.write("feeds.yaml", "{}\n")
    assert company.log("feed, record_key, column_name, change, old_value, new_value") == [
        ("feeds", "feeds.yaml", "file_sha256", "added", None, _sha256(company.root / "feeds.yaml")),
        ("waivers", "check gate__a", "person", "added", None, "Mette Holm"),
        ("waivers", "check gate__a", "reason", "added", None, "Solgt fra"),
        ("waivers", "check gate__a", "valid_to", "added", None, "2026-03-31"),
    ]
    files = company.log("distinct source_file, old_file_sha256, new_file_sha256, after_published_at")
    at = EARLIER.replace(tzinfo=None)
    assert files == [
        (name, None, _sha256(company.root / name), at) for name in ("feeds.yaml", "waivers.yaml")
    ]


def test_of_waivers_what_changed_is_logged(tmp_path: Path) -> None:
    company = Company(tmp_path)
    waiver = "- {check: gate__a, reason: Solgt fra, person: Mette Holm}\n"
    company.write("waivers.yaml", waiver + "- {check: gate__b, reason: Ukendt, person: Bo}\n")
    company.publish()
    company.write("waivers.yaml", waiver.replace("}", ", valid_to: 2026-03-31}"))
    assert company.log("record_key, column_name, change, old_value, new_value") == [
        ("check gate__a", "valid_to", "changed", None, "2026-03-31"),
        ("check gate__b", "person", "removed", "Bo", None),
        ("check gate__b", "reason", "removed", "Ukendt", None),
        ("check gate__b", "valid_to", "removed", None, None),
    ]


def test_rates_and_costs_are_logged_where_they_change_past_figures(tmp_path: Path) -> None:
    company = Company(tmp_path)
    header = "product_id,valid_from,unit_cost\n"
    company.write("landing/product_costs.csv", header + "V1,2024-01-01,60\nV2,2024-01-01,70\n")
    company.publish()
    old = _sha256(company.root / "landing" / "product_costs.csv")
    later = "V3,2025-02-01,80\n"
    company.write("landing/product_costs.csv", header + f"V1,2024-01-01,61\nV1,2024-12-15,62\n{later}")
    new = _sha256(company.root / "landing" / "product_costs.csv")
    assert company.log(
        "record_key, change, cast(old_value as int), cast(new_value as int), old_file_sha256, new_file_sha256"
    ) == [
        ("product_id V1, valid_from 2024-01-01", "changed", 60, 61, old, new),
        ("product_id V1, valid_from 2024-12-15", "added", None, 62, None, new),
        ("product_id V2, valid_from 2024-01-01", "removed", 70, None, old, None),
    ]


def test_what_cannot_be_compared_stops_the_refresh(company: Company) -> None:
    assert company.earlier is not None
    (file,) = (each for each in company.earlier.manifest.inputs if each.feed == "segment_rules")
    company.rules("15000", "2025-02-11")
    (company.root / "lake" / file.lake_file).unlink()
    with pytest.raises(InputProblems) as stopped:
        company.log()
    said = str(stopped.value)
    assert said.startswith("policy/segment_rules.csv: ")
    assert f"lake/{file.lake_file}, is missing" in said
    assert "restore that file of the lake from a backup" in said


def test_a_repeated_key_that_is_allowed_is_no_change(tmp_path: Path) -> None:
    company = Company(tmp_path)
    company.write(
        "feeds.yaml",
        "product_costs:\n  - files: costs*.csv\n    format: {type: csv}\n"
        "    columns: {product_id: p, valid_from: d, unit_cost: c}\n"
        "    allow_rejects: {count: 1, reason: Leveret to gange}\n",
    )
    company.write("landing/costs.csv", "p,d,c\nV1,2024-01-01,60\nV1,2024-01-01,61\n")
    company.publish()
    assert company.log() == []
    # Another file has the feed compared, the repeated key included.
    company.write("landing/costs2.csv", "p,d,c\nV2,2024-01-01,62\n")
    assert company.log("record_key, change") == [("product_id V2, valid_from 2024-01-01", "added")]


def test_a_key_column_that_the_contract_did_not_have_has_its_default(tmp_path: Path) -> None:
    """Otherwise every record of the feed would seem to have gone and come with the update."""
    company = Company(tmp_path)
    budgets = "month,scope_type,scope_id,net_sales\n2025-01-01,company,company,100\n"
    company.write("policy/budgets.csv", budgets)
    company.publish()
    assert company.earlier is not None
    (before,) = [file for file in company.earlier.manifest.inputs if file.feed == "budgets"]
    lake_file = company.root / "lake" / before.lake_file
    as_it_was = lake_file.with_suffix(".earlier")
    with duckdb.connect() as con:
        con.execute(f"copy (select * exclude (segment) from '{lake_file}') to '{as_it_was}' (format parquet)")
    as_it_was.replace(lake_file)
    company.write("policy/budgets.csv", budgets + "2025-02-01,company,company,200\n")
    key = "month 2025-02-01, scope_type company, segment all, scope_id company"
    assert company.log("record_key, column_name, change") == [(key, "net_sales", "added")]


def test_a_feed_of_the_same_files_is_not_compared(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    whole = history._note_changes

    def noted(con: duckdb.DuckDBPyConnection, feed: Feed, *rest: Any, **named: Any) -> None:
        compared.append(feed.name)
        whole(con, feed, *rest, **named)

    monkeypatch.setattr(history, "_note_changes", noted)
    assert company.log() == []
    assert compared == []
    company.rules("15000")
    assert len(company.log()) == 1
    assert compared == ["segment_rules"]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_of_old_publications_only_what_did_not_pass_is_carried_on(tmp_path: Path) -> None:
    """There are hundreds of checks at each publication, for years."""
    made = Company(tmp_path)
    made.publish()
    assert made.earlier is not None
    with duckdb.connect(str(made.earlier.database)) as con:
        con.execute("insert into audit.check_results values ('gate', 'now', 'x', true, 'passed', 0, '')")
        con.execute(
            """
            create table audit.check_history as
            select format('{:04d}-x', i) as publication, 'run' || i as run_id, 'gate' as stage, check_name,
                'x' as subject, true as is_blocking, case check_name when 'good' then 'passed' else status end
                as status, 0::bigint as failing_rows, '' as observed
            from range(9970, 10021) as numbers (i), (values ('good', ''), ('bad', 'waived')) as c (check_name, status)
            """
        )
    held = made.checks()
    assert [name for name, check, _ in held if check == "bad"] == sorted(f"{n}-x" for n in range(9970, 10021))
    # With the publication of now they are as many as the page of checks shows.
    assert {name for name, check, _ in held if check == "good"} == {f"{n}-x" for n in range(9982, 10021)}
    assert (made.earlier.name, "now", "passed") in held
    assert RUNS_SHOWN == 40


def test_a_word_that_an_earlier_version_kept_as_it_was_written_has_not_changed(tmp_path: Path) -> None:
    company = Company(tmp_path)
    header = "cost_pool_id,activity_type,valid_from,minutes_per_unit\n"
    company.write("policy/activity_times.csv", f"{header}salg,Møde i byen,2024-01-01,30\n")
    company.publish()
    assert company.earlier is not None
    manifest = company.earlier.manifest
    (file,) = [each for each in manifest.inputs if each.feed == "activity_times"]
    as_written = file.model_copy(update={"lake_file": "activity_times/as_written.parquet"})
    with duckdb.connect() as con:
        con.execute(
            f"copy (select * replace ('Møde i byen' as activity_type) from '{tmp_path / 'lake' / file.lake_file}') "
            f"to '{tmp_path / 'lake' / as_written.lake_file}'"
        )
    inputs = [as_written if each is file else each for each in manifest.inputs]
    company.earlier = replace(company.earlier, manifest=manifest.model_copy(update={"inputs": inputs}))
    assert company.log() == []
    company.write("policy/activity_times.csv", f"{header}salg,Møde i byen,2024-01-01,40\n")
    assert company.log() == [("activity_times", "minutes_per_unit", "changed", "30.000000", "40.000000")]


def test_a_change_names_the_sheet_that_the_record_stands_on(tmp_path: Path) -> None:
    company = Company(tmp_path)
    company.write(
        "feeds.yaml",
        "".join(
            ["segment_overrides:\n"]
            + [
                "  - files: afgørelser.xlsx\n"
                f"    format: {{type: xlsx, sheet: {sheet}}}\n"
                "    columns: {customer_id: kunde, segment: segment, decided_on: dag, reason: hvorfor, "
                "decided_by: hvem}\n"
                "    shares_files: a sheet each\n"
                for sheet in ("Jan", "Feb")
            ]
        ),
    )

    def write(february: str) -> None:
        content = io.BytesIO()
        with xlsxwriter.Workbook(content) as book:
            for sheet, customer, segment in (("Jan", "C1", "A1"), ("Feb", "C2", february)):
                rows = book.add_worksheet(sheet)
                rows.write_row(0, 0, ("kunde", "segment", "dag", "hvorfor", "hvem"))
                rows.write_row(1, 0, (customer, segment, "2025-01-10", "aftale", "Sanne"))
        at_rest(tmp_path / "landing" / "afgørelser.xlsx", content.getvalue())

    write("A1")
    company.publish()
    write("A2")
    assert company.log("source_file, source_sheet, source_record, new_value") == [
        ("landing/afgørelser.xlsx", "Feb", 2, "A2")
    ]
