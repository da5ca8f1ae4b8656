"""Personal data: pseudonyms of salespeople, the table of their names, and removing names.

What a publication holds belongs in tests/e2e/test_personal.py.
"""

from __future__ import annotations

import dataclasses
import stat
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from small_intake import workspace_of, write_files

from kunderegnskab import pseudonyms as module
from kunderegnskab.audit.history import _CHANGE_LOG_COLUMNS, CHANGE_LOG, _name_by_pseudonyms
from kunderegnskab.feeds import Feed, load_feeds
from kunderegnskab.ingest import Intake, input_hash, load_warehouse, take_in
from kunderegnskab.personal import purge as purging
from kunderegnskab.personal.names import purged, read_names, save_names, write_names
from kunderegnskab.personal.purge import CannotPurge, purge
from kunderegnskab.problems import InputProblems
from kunderegnskab.pseudonyms import (
    PLAIN,
    Pseudonyms,
    SecretMissing,
    for_refresh,
    is_pseudonym,
    of_today,
    recorded_in,
)
from kunderegnskab.quality.gate import PERSONAL, run_gate
from kunderegnskab.quality.name_search import cells_that_are
from kunderegnskab.workspace import Workspace

SECRET = "ab" * 32
FEEDS = """
    sales_lines:
      - files: salg.csv
        format: {type: csv}
        columns: {document_no: doc, document_type: type, posting_date: day, quantity: qty, net_amount: net,
                  discount_amount: disc, salesperson_id: rep}
"""
SALES = "doc,type,day,qty,net,disc,rep\nF1,invoice,2024-01-15,1,10,0,BO\nF2,invoice,2024-02-15,1,10,0,\n"
PEOPLE = "salesperson_id,salesperson_name,team,manager_id\nANNA,Anna Holm,Øst,\nBO,Bo Lund,Øst,ANNA\n"
TARGETS = (
    "kpi_id,scope_type,scope_id,segment,month_from,month_to,target_value\n"
    "db2,salesperson,BO,,2024-01-01,2024-12-01,1\ndb2,team,BO,,2024-01-01,2024-12-01,1\n"
    "db2,salesperson,Ikke tildelt,,2024-01-01,2024-12-01,1\n"
    "db2,salesperson_segment,BO,A1,2024-01-01,2024-12-01,1\n"
)


def company_of(root: Path, files: Mapping[str, str] = {}) -> Workspace:
    workspace = workspace_of(root, FEEDS, {"salg.csv": SALES, "salespeople.csv": PEOPLE, **files})
    write_files(workspace.policy, {"kpi_targets.csv": TARGETS})
    return workspace


def loaded(workspace: Workspace) -> tuple[duckdb.DuckDBPyConnection, Intake, Pseudonyms]:
    intake = take_in(workspace, workspace.lake)
    pseudonyms = for_refresh(workspace, None)
    con = duckdb.connect()
    load_warehouse(con, workspace.company, workspace.lake, intake, pseudonyms)
    return con, intake, pseudonyms


# --- pseudonyms -----------------------------------------------------------------------------------------
@settings(deadline=None, max_examples=50)
@given(st.one_of(st.none(), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_python_and_sql_give_the_same_pseudonym(key: str | None) -> None:
    pseudonyms = Pseudonyms(SECRET)
    with duckdb.connect() as con:
        ((found,),) = con.execute(
            f"select {pseudonyms.sql('k')} from (select ?::varchar as k)", [key]
        ).fetchall()
    assert found == pseudonyms.of(key)
    assert is_pseudonym(str(found)) == bool(key and key != "Ikke tildelt")


def test_another_secret_gives_other_pseudonyms_and_plain_keys_stay() -> None:
    assert Pseudonyms(SECRET).of("BO") != Pseudonyms("cd" * 32).of("BO")
    assert PLAIN.of("BO") == "BO"
    assert PLAIN.fingerprint is None
    assert SECRET[:8] not in str(Pseudonyms(SECRET).fingerprint)


def test_the_warehouse_holds_pseudonyms_where_the_contract_says_salesperson(tmp_path: Path) -> None:
    con, _, pseudonyms = loaded(company_of(tmp_path))
    bo, anna = pseudonyms.of("BO"), pseudonyms.of("ANNA")
    assert con.execute("select salesperson_id from raw.sales_lines order by document_no").fetchall() == [
        (bo,),
        (None,),
    ]
    people = "select salesperson_id, salesperson_name, team, manager_id from raw.salespeople order by _source_record"
    assert con.execute(people).fetchall() == [(anna, anna, "Øst", None), (bo, bo, "Øst", anna)]
    # A team may be called as a salesperson is.
    targets = "select scope_type, scope_id, segment from raw.kpi_targets order by _source_record"
    assert con.execute(targets).fetchall() == [
        ("salesperson", bo, "all"),
        ("team", "BO", "all"),
        ("salesperson", "Ikke tildelt", "all"),
        ("salesperson_segment", bo, "A1"),
    ]


def test_rejects_and_repeated_keys_name_nobody(tmp_path: Path) -> None:
    files = {
        "salg.csv": SALES + "F3,invoice,2024-02-15,1,10,0,1E+15\nF4,invoice,x,1,10,0,BO\n",
        "salespeople.csv": PEOPLE + "BO,Bo Lund,Vest,\n",
    }
    con, _, pseudonyms = loaded(company_of(tmp_path, files))
    found = con.execute(
        "select column_name, raw_value from raw.rejects order by feed, source_record"
    ).fetchall()
    assert found == [
        ("rep", pseudonyms.of("1E+15")),
        ("day", "x"),
        ("salesperson_id", f"salesperson_id = {pseudonyms.of('BO')}"),
    ]


def test_texts_of_records_show_pseudonyms(tmp_path: Path) -> None:
    workspace = company_of(tmp_path)
    _, _, pseudonyms = loaded(workspace)
    bo = pseudonyms.of("BO")
    assert pseudonyms.shown("sales_lines", {"doc": "BO", "REP": " BO ", "net": None}, ()) == {
        "doc": "BO",
        "REP": bo,
        "net": None,
    }
    shown = pseudonyms.shown("salespeople", {"salesperson_id": "BO", "salesperson_name": "Bo Lund"}, ())
    assert shown == {"salesperson_id": bo, "salesperson_name": "(...)"}
    assert pseudonyms.shown("kpi_targets", {"scope_id": "BO"}, [bo]) == {"scope_id": bo}
    assert pseudonyms.shown("kpi_targets", {"scope_id": "BO"}, ["BO"]) == {"scope_id": "BO"}


def test_columns_that_an_expression_uses_are_masked_too(tmp_path: Path) -> None:
    feeds = (
        FEEDS.replace(", salesperson_id: rep", "") + '        expressions: {salesperson_id: upper("rep")}\n'
    )
    workspace = workspace_of(tmp_path, feeds, {"salg.csv": SALES})
    for_refresh(workspace, None)
    assert of_today(workspace).texts == {"sales_lines": {"rep": "salesperson_key"}}


# --- the secret -----------------------------------------------------------------------------------------
def test_the_first_refresh_makes_a_secret_for_its_owner_alone(tmp_path: Path) -> None:
    workspace = company_of(tmp_path)
    before = input_hash(workspace, {})
    made = for_refresh(workspace, None)
    assert for_refresh(workspace, None) == made
    assert stat.S_IMODE(workspace.personal.stat().st_mode) == 0o700
    assert stat.S_IMODE((workspace.personal / "secret.key").stat().st_mode) == 0o600
    assert input_hash(workspace, {}) != before  # what is published would change


def test_a_company_with_plain_keys_has_no_secret(tmp_path: Path) -> None:
    workspace = company_of(tmp_path)
    company = workspace.company.model_copy(update={"salesperson_keys": "plain"})
    workspace.__dict__["company"] = company
    assert for_refresh(workspace, None) == PLAIN
    assert not workspace.personal.exists()


def test_a_lost_secret_stops_the_refresh(tmp_path: Path) -> None:
    workspace = company_of(tmp_path)
    parameters = {"personal": for_refresh(workspace, None).parameter()}
    (workspace.personal / "secret.key").unlink()
    with pytest.raises(
        SecretMissing, match=r"^personal/secret.key: is missing, so salespeople would get other"
    ):
        for_refresh(workspace, parameters)
    with pytest.raises(SecretMissing, match="0001-a names salespeople by pseudonyms that were made with it"):
        recorded_in(workspace, "0001-a", parameters)


def test_another_secret_does_not_pass_for_the_one_recorded(tmp_path: Path) -> None:
    workspace = company_of(tmp_path)
    parameters = {"personal": for_refresh(workspace, None).parameter()}
    assert recorded_in(workspace, "0001-a", parameters).secret
    (workspace.personal / "secret.key").write_text("cd" * 32, encoding="utf-8")
    with pytest.raises(SecretMissing, match="is another one"):
        recorded_in(workspace, "0001-a", parameters)
    assert recorded_in(workspace, "0001-a", {}) == PLAIN  # published before there were pseudonyms


def test_what_is_no_secret_is_refused(tmp_path: Path) -> None:
    workspace = company_of(tmp_path)
    for_refresh(workspace, None)
    (workspace.personal / "secret.key").write_text("'; drop table x; --", encoding="utf-8")
    with pytest.raises(SecretMissing, match="does not hold 64 hexadecimal digits"):
        for_refresh(workspace, None)


# --- the table of names ---------------------------------------------------------------------------------
def test_the_table_says_who_is_behind_a_pseudonym_and_until_when_they_were_active(tmp_path: Path) -> None:
    workspace = company_of(tmp_path)
    _, intake, pseudonyms = loaded(workspace)
    write_names(workspace, intake, pseudonyms)
    listed = {each.salesperson_id: each for each in read_names(workspace)}
    assert stat.S_IMODE((workspace.personal / "salespeople.csv").stat().st_mode) == 0o600
    assert {key: (each.pseudonym, each.salesperson_name) for key, each in listed.items()} == {
        "ANNA": (pseudonyms.of("ANNA"), "Anna Holm"),
        "BO": (pseudonyms.of("BO"), "Bo Lund"),
    }
    assert listed["BO"].last_active == date(2024, 12, 31)  # the target's end
    assert listed["ANNA"].last_active == listed["ANNA"].first_seen


def test_two_salespeople_with_one_pseudonym_stop_the_refresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = company_of(tmp_path)
    _, intake, pseudonyms = loaded(workspace)
    monkeypatch.setattr(module, "_digest", lambda *_: "0" * 64)
    with pytest.raises(InputProblems, match="gives two salespeople the pseudonym S-0000000000"):
        write_names(workspace, intake, pseudonyms)


# --- removing names -------------------------------------------------------------------------------------
def test_a_purged_name_is_noted_without_key_and_name_and_not_listed_again(tmp_path: Path) -> None:
    workspace = company_of(tmp_path)
    _, intake, pseudonyms = loaded(workspace)
    write_names(workspace, intake, pseudonyms)
    bo = pseudonyms.of("BO")
    tried = purge(workspace, "BO", by="HR", reason="Fratrådt", today=date(2026, 1, 1), dry_run=True)
    assert tried.is_dry_run
    assert len(read_names(workspace)) == 2
    assert purge(workspace, "BO", by="HR", reason="Fratrådt", today=date(2026, 1, 1)).pseudonyms == (bo,)
    assert [each.salesperson_id for each in read_names(workspace)] == ["ANNA"]
    note = (workspace.personal / "purged.jsonl").read_text(encoding="utf-8")
    assert '"BO"' not in note
    assert "Bo Lund" not in note
    write_names(workspace, intake, pseudonyms)
    assert [each.salesperson_id for each in read_names(workspace)] == ["ANNA"]
    assert purged(workspace) == {bo}


def test_a_purge_that_was_killed_after_its_note_is_finished_by_the_next_refresh(tmp_path: Path) -> None:
    workspace = company_of(tmp_path)
    _, intake, pseudonyms = loaded(workspace)
    write_names(workspace, intake, pseudonyms)
    people = read_names(workspace)
    purge(workspace, "BO", by="HR", reason="Fratrådt", today=date(2026, 1, 1))
    save_names(workspace, people)  # as it was when the note had been written and the name was not yet removed
    write_names(workspace, intake, pseudonyms)
    assert [each.salesperson_id for each in read_names(workspace)] == ["ANNA"]


def test_a_purge_that_proves_nothing_leaves_names_and_notes_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = company_of(tmp_path)
    _, intake, pseudonyms = loaded(workspace)
    write_names(workspace, intake, pseudonyms)
    purge(workspace, "ANNA", by="HR", reason="Fratrådt", today=date(2026, 1, 1))
    people, note = read_names(workspace), (workspace.personal / "purged.jsonl").read_bytes()
    hashes = iter(["a" * 64, "b" * 64, "c" * 64, "d" * 64])
    monkeypatch.setattr(purging, "_hash", lambda _: next(hashes))
    with pytest.raises(CannotPurge, match="so they were put back"):
        purge(workspace, "BO", by="HR", reason="Fratrådt", today=date(2026, 1, 1))
    assert read_names(workspace) == people
    assert (workspace.personal / "purged.jsonl").read_bytes() == note


def test_names_are_purged_when_they_have_been_kept_long_enough(tmp_path: Path) -> None:
    workspace = company_of(tmp_path)
    _, intake, pseudonyms = loaded(workspace)
    write_names(workspace, intake, pseudonyms)
    people = [
        dataclasses.replace(each, last_active=None if each.salesperson_id == "ANNA" else each.last_active)
        for each in read_names(workspace)
    ]
    save_names(workspace, people)
    # Active to the end of December 2024; kept for 36 months after that one.
    assert purge(workspace, None, by="HR", reason="x", today=date(2027, 12, 31)).pseudonyms == ()
    due = purge(workspace, None, by="HR", reason="x", today=date(2028, 1, 1))
    assert due.pseudonyms == (pseudonyms.of("BO"),)


@pytest.mark.parametrize(
    ("who", "by", "sentence"),
    [("BO", " ", "Say who decides it"), ("NOBODY", "HR", "lists no salesperson NOBODY")],
)
def test_a_purge_that_cannot_be_done_says_why(tmp_path: Path, who: str, by: str, sentence: str) -> None:
    workspace = company_of(tmp_path)
    _, intake, pseudonyms = loaded(workspace)
    write_names(workspace, intake, pseudonyms)
    with pytest.raises(CannotPurge, match=sentence):
        purge(workspace, who, by=by, reason="x", today=date(2026, 1, 1))


# --- names in what is published -------------------------------------------------------------------------
@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("create schema marts; create schema audit")
    con.execute("create table marts.customers (customer_name varchar, city varchar, amount decimal(18,4))")
    con.execute(
        "create table audit.personal_data (schema_name varchar, table_name varchar, column_name varchar, "
        "category varchar)"
    )
    con.execute("insert into audit.personal_data values ('marts', 'customers', 'customer_name', 'customer')")
    return con


def test_a_name_in_a_table_is_found_but_not_that_of_a_customer(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("insert into marts.customers values ('Bo Lund', 'Aarhus', 1), (null, null, null)")
    assert cells_that_are(warehouse, "memory", {"Bo Lund"}) == []
    warehouse.execute("update marts.customers set city = 'Bo Lund' where amount = 1")
    assert [tuple(each) for each in cells_that_are(warehouse, "memory", {"Bo Lund", "X"})] == [
        ("marts.customers", "city", 1)
    ]
    assert cells_that_are(warehouse, "memory", ()) == []


def test_the_gate_is_red_where_a_name_would_be_published(warehouse: duckdb.DuckDBPyConnection) -> None:
    (check,) = (each.check_name for each in PERSONAL)

    def judged() -> tuple[str, str]:
        result = next(
            each
            for each in run_gate(warehouse, None, date(2025, 6, 30), {"Bo Lund"})
            if each.check_name == check
        )
        return result.status, result.detail

    warehouse.execute("insert into marts.customers values ('Bo Lund', 'Aarhus', 1)")
    assert judged() == ("passed", "")
    warehouse.execute("update marts.customers set city = 'Bo Lund'")
    status, detail = judged()
    assert status == "failed"
    assert "table_name=marts.customers, column_name=city, cells=1" in detail


def test_changes_that_were_noted_with_plain_keys_get_pseudonyms() -> None:
    pseudonyms = Pseudonyms(SECRET)
    bo = pseudonyms.of("BO")
    con = duckdb.connect()
    con.execute("create schema audit")
    con.execute(f"create table {CHANGE_LOG} ({_CHANGE_LOG_COLUMNS})")
    noted = {
        ("customer_owners", "customer_id BO, salesperson_id BO, valid_from 2024-01-01"): (
            f"customer_id BO, salesperson_id {bo}, valid_from 2024-01-01"
        ),
        ("kpi_targets", "kpi_id db2, scope_type salesperson, scope_id BO, month_from 2024-01-01"): (
            f"kpi_id db2, scope_type salesperson, scope_id {bo}, month_from 2024-01-01"
        ),
        ("kpi_targets", "kpi_id db2, scope_type team, scope_id BO, month_from 2024-01-01"): (
            "kpi_id db2, scope_type team, scope_id BO, month_from 2024-01-01"
        ),
        ("budgets", "month 2024-01-01, scope_type salesperson, scope_id BO"): (
            f"month 2024-01-01, scope_type salesperson, scope_id {bo}"
        ),
        # As they are noted since the key says which segment.
        (
            "kpi_targets",
            "kpi_id db2, scope_type salesperson_segment, segment A1, scope_id BO, month_from 2024-01-01",
        ): f"kpi_id db2, scope_type salesperson_segment, segment A1, scope_id {bo}, month_from 2024-01-01",
        ("budgets", "month 2024-01-01, scope_type salesperson_segment, segment A1, scope_id BO"): (
            f"month 2024-01-01, scope_type salesperson_segment, segment A1, scope_id {bo}"
        ),
        ("budgets", "month 2024-01-01, scope_type segment, segment all, scope_id BO"): (
            "month 2024-01-01, scope_type segment, segment all, scope_id BO"
        ),
        ("credit_terms", "valid_from 2024-01-01"): "valid_from 2024-01-01",
    }
    for feed, key in noted:
        con.execute(f"insert into {CHANGE_LOG} (feed, record_key) values (?, ?)", [feed, key])
    _name_by_pseudonyms(con, pseudonyms)
    found = [key for (key,) in con.execute(f"select record_key from {CHANGE_LOG}").fetchall()]
    assert sorted(found) == sorted(noted.values())


# --- the contract ---------------------------------------------------------------------------------------
def test_every_column_of_a_salesperson_is_classified() -> None:
    named = {
        (feed.name, name)
        for feed in load_feeds().values()
        for name, column in feed.columns.items()
        if column.personal in ("salesperson_key", "salesperson_name")
    }
    likely = {
        (feed.name, name)
        for feed in load_feeds().values()
        for name in feed.columns
        if "salesperson" in name or name in ("manager_id", "scope_id")
    }
    assert named == likely


@pytest.mark.parametrize(
    "change",
    [
        {"type": "money", "personal": "employee"},
        {"personal_when": {"kind": ["x"]}},
        {"personal": "employee", "personal_when": {"kind": ["z"]}},
        {"personal": "salesperson_name"},
        {"personal": "secret"},
    ],
)
def test_a_classification_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    def feed(column: dict[str, object]) -> Feed:
        kind = {"type": "code", "values": ["x"], "da": "a", "en": "a"}
        columns = {"a": {"type": "id", "da": "a", "en": "a", **column}, "kind": kind}
        return Feed.model_validate(
            {"name": "f", "da": "f", "en": "f", "grain": "g", "key": ["kind"], "columns": columns}
        )

    feed({"personal": "employee", "personal_when": {"kind": ["x"]}})
    with pytest.raises(ValidationError):
        feed(change)
