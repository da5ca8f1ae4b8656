"""What the change log says of two states of a workspace, and which changes it holds for approved.

The feeds are read as a refresh reads them; the publication between the two states holds no figures. The check that
stops a refresh belongs in test_quality_checks.py, whole refreshes in tests/e2e/test_history.py.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from companies import at_rest

from kunderegnskab.audit import history
from kunderegnskab.audit.history import load_history
from kunderegnskab.feeds import Feed
from kunderegnskab.ingest import load_record, load_warehouse, read_load_record, record_load, take_in
from kunderegnskab.problems import InputProblems
from kunderegnskab.publication.inputs import recorded
from kunderegnskab.publication.manifest import Manifest
from kunderegnskab.publication.store import Publication
from kunderegnskab.quality.history_page import RUNS_SHOWN
from kunderegnskab.workspace import Workspace

COMPANY = "name: Lille Engros A/S\ncurrency: DKK\n"
APPROVAL = "approval_required: [segment_rules]\n"
SALES = (
    "document_no,line_no,document_type,posting_date,quantity,net_amount,list_amount\n"
    "F1,1,invoice,2025-01-15,1,10,10\n"
)
RULES = (
    "rule_version,axis,class_code,valid_from,method,threshold_from,changed_by,approved_by,approved_on\n"
    "2024-1,size,A,2024-01-01,absolute,{threshold},{changed_by},{approved_by},{approved_on}\n"
)
EARLIER = datetime(2025, 2, 10, 12, tzinfo=UTC)


class Company:
    """A workspace, and the publication that was made of an earlier state of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("company.yaml", COMPANY + APPROVAL)
        self.write("landing/sales_lines.csv", SALES)
        self.rules()
        self.earlier: Publication | None = None

    def write(self, file: str, text: str) -> None:
        at_rest(self.root / file, text.encode())

    def rules(
        self,
        threshold: str = "20000",
        approved_on: str = "2025-01-10",
        approved_by: str = "Salgschef",
        changed_by: str = "Sanne",
    ) -> None:
        """The segment rules: one, as it is before anything changes unless the test says otherwise."""
        text = RULES.format(
            threshold=threshold, changed_by=changed_by, approved_by=approved_by, approved_on=approved_on
        )
        self.write("policy/segment_rules.csv", text)

    def publish(self) -> None:
        """What is here now becomes the earlier publication."""
        path = self.root / "published" / "0001-earlier"
        path.mkdir(parents=True)
        with duckdb.connect(str(path / "kunderegnskab.duckdb")) as con:
            con.execute("create schema audit")
            con.execute(
                "create table audit.check_results (stage varchar, check_name varchar, subject varchar, "
                "is_blocking boolean, status varchar, failing_rows bigint, observed varchar)"
            )
        with duckdb.connect() as con:
            workspace = Workspace(self.root)
            intake = take_in(workspace, workspace.lake)
            load_warehouse(con, workspace.company, workspace.lake, intake)
            record_load(con, load_record(workspace, intake))
            load = read_load_record(con)
        manifest = Manifest(
            number=1,
            publication=path.name,
            run_id="earlier",
            started_at=EARLIER,
            published_at=EARLIER,
            company="Lille Engros A/S",
            locale="da",
            currency="DKK",
            code_version="1",
            code_commit=None,
            lock_sha256=None,
            engines={},
            input_hash="",
            inputs=[recorded(each) for each in load.receipts],
            parameters=load.parameters,
            allowances=[],
            waivers=[],
            marts={},
            files={},
            checks=[],
            previous=None,
        )
        # As it is read back: its keys are sorted.
        self.earlier = Publication(path, Manifest.model_validate_json(manifest.canonical()), "0" * 64)

    def log(self, columns: str = "feed, column_name, change, old_value, new_value") -> list[tuple[Any, ...]]:
        """The change log of a refresh of what is here now."""
        return self.history(f"select {columns} from audit.change_log order by all")

    def checks(self) -> list[tuple[Any, ...]]:
        """Publication, check and status of the checks that a refresh of what is here now carries on."""
        return self.history("select publication, check_name, status from audit.check_history order by all")

    def history(self, query: str) -> list[tuple[Any, ...]]:
        """What the history of a refresh of what is here now answers."""
        with duckdb.connect() as con:
            workspace = Workspace(self.root)
            intake = take_in(workspace, workspace.lake)
            load_warehouse(con, workspace.company, workspace.lake, intake)
            record_load(con, load_record(workspace, intake))
            parameters = read_load_record(con).parameters
            load_history(con, workspace.lake, intake.receipts, parameters, self.earlier)
            return con.execute(query).fetchall()

    def unapproved(self) -> set[str]:
        """The columns whose change needs an approval that it does not have."""
        found = self.log("column_name, needs_approval, is_approved")
        return {name for name, needed, is_approved in found if needed and not is_approved}


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


def test_taking_a_feed_off_the_list_does_not_free_what_changes_with_it(company: Company) -> None:
    company.write("company.yaml", COMPANY)
    assert company.unapproved() == set()
    company.rules("15000")
    assert company.unapproved() == {"threshold_from"}
    listed = ("company", "approval_required", "changed", '["segment_rules"]', "[]")
    assert listed in company.log()


def test_a_feed_that_is_put_on_the_list_is_guarded_from_the_same_refresh_on(tmp_path: Path) -> None:
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
