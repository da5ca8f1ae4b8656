"""Records that pages add to policy files: what is there stays, two at once both stand, the door takes all of it."""

from __future__ import annotations

import csv
import multiprocessing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from small_intake import workspace_of

from kunderegnskab.decisions.notes import LONGEST, Note, write_note, written_since
from kunderegnskab.decisions.policy_file import CannotWrite
from kunderegnskab.decisions.proposals import Proposal, Proposals
from kunderegnskab.ingest import take_in
from kunderegnskab.personal.names import Salesperson, save_names
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.workspace import Workspace

NOW = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
ANNE = Viewer("anne", "finance")
BO = Viewer("bo", "salesperson", "S-1")
HEADER = "note_id,customer_id,driver,decision,note,written_by,written_on"


@pytest.fixture
def company(tmp_path: Path) -> Workspace:
    return workspace_of(tmp_path / "company")


def file_of(company: Workspace) -> Path:
    company.policy.mkdir(exist_ok=True)
    return company.policy / "customer_notes.csv"


def notes(company: Workspace, customer_id: str = "C1") -> list[Note]:
    return written_since(company, customer_id, ())


def why(company: Workspace, text: str = "Ring", **others: str) -> str:
    with pytest.raises(CannotWrite) as refused:
        write_note(company, BO, "C1", text, NOW, **others)
    return refused.value.why


def test_a_note_is_a_record_of_who_and_the_day_where_the_company_is(company: Workspace) -> None:
    key = write_note(company, BO, "C1", ' Vokser,\r\n siger "chefen"; =1+1 ', NOW)
    assert notes(company) == [
        Note(key, "C1", None, None, 'Vokser, siger "chefen"; =1+1', "S-1", date(2026, 12, 1))
    ]
    other = write_note(company, ANNE, "C1", "", NOW, driver="discount", decision="accepted")
    assert other[:21] == key[:21]
    assert notes(company)[1] == Note(other, "C1", "discount", "accepted", None, "anne", date(2026, 12, 1))
    assert notes(company, "C2") == []
    assert written_since(company, "C1", {key, other}) == []


@pytest.mark.parametrize(
    "before",
    [
        f"{HEADER}\r\na,C1,,,Før,Sanne,2025-01-01\r\n".encode(),
        # Without an end of the last line, in another order, with a mark, with a line's end in a field.
        '\ufeffcustomer_id,note_id,written_by,note,written_on,driver,decision\nC1,a,S,"to\nlinjer",2025-01-01,,'.encode(),
        f"{HEADER}\n".encode(),
    ],
)
def test_what_is_there_stays_byte_for_byte(company: Workspace, before: bytes) -> None:
    file = file_of(company)
    file.write_bytes(before)
    file.chmod(0o640)
    write_note(company, BO, "C1", "Ny", NOW)
    assert file.read_bytes().startswith(before)
    assert notes(company)[-1].note == "Ny"
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in company.policy.iterdir()] == ["customer_notes.csv"]


def test_a_column_that_is_not_there_yet_stands_empty_in_the_others(company: Workspace) -> None:
    file = file_of(company)
    file.write_text('note_id,customer_id,note,written_by,written_on\na,C1,"to\nlinjer",S,2025-01-01\n')
    write_note(company, BO, "C1", "Nej", NOW, driver="freight", decision="rejected")
    first, second = list(csv.DictReader(file.open(encoding="utf-8", newline="")))
    assert (first["note"], first["driver"], first["written_on"]) == ("to\nlinjer", "", "2025-01-01")
    assert (second["driver"], second["decision"]) == ("freight", "rejected")


@pytest.mark.parametrize(
    "before",
    [
        HEADER.replace(",", ";").encode() + b"\n",
        f"{HEADER}\na,C1,,,Før på,S,2025-01-01\n".encode("latin-1"),
        f'{HEADER}\na,C1,,,"uden ende,S,2025-01-01\n'.encode(),
        b"customer_id,note\n",
    ],
)
def test_a_file_in_another_form_is_left_alone(company: Workspace, before: bytes) -> None:
    file = file_of(company)
    file.write_bytes(before)
    assert why(company) == "kept_otherwise"
    assert file.read_bytes() == before


def test_a_feed_that_comes_from_elsewhere_is_left_alone(company: Workspace) -> None:
    (company.landing / "customer_notes.csv").write_text(f"{HEADER}\n")
    assert why(company) == "kept_otherwise"
    assert not company.policy.exists()


@pytest.mark.parametrize(
    ("text", "others", "expected"),
    [
        (" \n ", {}, "nothing_said"),
        ("", {"driver": "discount", "decision": "rejected"}, "nothing_said"),
        ("x" * (LONGEST + 1), {}, "too_long"),
        ("Ejeren er 280255-1234", {}, "cpr"),
        # What the door takes for text of another encoding, and so for a damaged file.
        ("KÃ¸ber mere", {}, "cannot_be_read"),
        ("Ja", {"driver": "discount", "decision": "maybe"}, "unknown"),
        ("Ja", {"decision": "accepted"}, "unknown"),
    ],
)
def test_what_the_next_refresh_would_refuse_is_not_written(
    company: Workspace, text: str, others: dict[str, str], expected: str
) -> None:
    assert why(company, text, **others) == expected
    assert not company.policy.exists()


@pytest.mark.parametrize(
    "text", ['"', "a\tb", "=cmd|' /C calc'!A0", "NULL", "1e5", "ø" * LONGEST, "'; drop table x; --"]
)
def test_hostile_text_is_a_text_for_the_door(company: Workspace, text: str) -> None:
    (company.landing / "sales_lines.csv").write_text(
        "document_no,document_type,posting_date,quantity,net_amount,discount_amount\n1,invoice,2025-01-01,1,1,0\n"
    )
    write_note(company, BO, "C1", text, NOW)
    write_note(company, BO, "C1", "Den næste", NOW)
    receipts = take_in(Workspace(company.root), company.lake).receipts
    assert [each.records_loaded for each in receipts if each.feed == "customer_notes"] == [2]
    assert [each.note for each in notes(company)] == [" ".join(text.split()), "Den næste"]


def _write(root: Path, who: str, count: int) -> None:
    for number in range(count):
        write_note(Workspace(root), Viewer(who, "finance"), "C1", f"{who} {number}", NOW)


def test_two_who_write_at_once_both_stand(company: Workspace) -> None:
    start = multiprocessing.get_context("spawn")
    writers = [start.Process(target=_write, args=(company.root, who, 4)) for who in ("anne", "bo")]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert [each.exitcode for each in writers] == [0, 0]
    assert sorted(each.note or "" for each in notes(company)) == sorted(
        f"{who} {number}" for who in ("anne", "bo") for number in range(4)
    )


# --- proposed overrides ---------------------------------------------------------------------------------------

LISE = Viewer("lise", "manager", None, "East")


def propose(company: Workspace, viewer: Viewer = BO, customer_id: str = "C1") -> Proposal:
    return Proposals(company).propose(viewer, customer_id, "A1", "Vokser", "", NOW, segments=["A1"])


def rows(company: Workspace) -> list[dict[str, str]]:
    file = company.policy / "segment_overrides.csv"
    return list(csv.DictReader(file.open(encoding="utf-8", newline=""))) if file.exists() else []


@pytest.mark.parametrize(
    ("approval", "viewer", "standing"),
    [
        ("none", BO, "written"),
        ("own_portfolio", BO, "waiting"),
        ("own_portfolio", LISE, "written"),
        ("own_portfolio", ANNE, "written"),
        ("own_portfolio", Viewer("lise", "manager", "S-2", "East"), "waiting"),
        ("required", ANNE, "waiting"),
    ],
)
def test_an_override_waits_as_approval_asks(
    company: Workspace, approval: str, viewer: Viewer, standing: str
) -> None:
    with (company.root / "company.yaml").open("a") as stream:
        stream.write(f"approval: {approval}\n")
    company = Workspace(company.root)
    assert propose(company, viewer).standing == standing
    assert [each.standing for each in Proposals(company).all()] == [standing]
    assert len(rows(company)) == (standing == "written")


def test_nobody_answers_for_oneself_under_any_name(company: Workspace) -> None:
    save_names(company, [Salesperson("S-1", "BO", "Bo Krog", date(2025, 1, 1), None)])
    made = propose(company)
    may = Proposals(company).may_answer
    for viewer in (
        BO,
        Viewer("bo", "manager", None, "East"),
        Viewer("Bo Krog", "finance"),
        Viewer("other", "manager", "S-1", "East"),
        Viewer("auditor", "audit"),
        Viewer("sanne", "salesperson", "S-3"),
    ):
        assert not may(viewer, made), viewer
        with pytest.raises(CannotWrite):
            Proposals(company).approve(viewer, made.proposal_id, NOW)
    assert may(LISE, made)
    assert rows(company) == []


def test_a_process_killed_between_the_row_and_the_note_of_it_adds_no_second_row(
    company: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = propose(company)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Proposals, "_note", killed)
        with pytest.raises(KeyboardInterrupt):
            Proposals(company).approve(LISE, made.proposal_id, NOW)
    assert [each.standing for each in Proposals(company).all()] == ["waiting"]
    with pytest.raises(CannotWrite):
        Proposals(company).reject(LISE, made.proposal_id, "Nej", NOW)
    # Whoever comes next: the row says who has approved it.
    Proposals(company).approve(ANNE, made.proposal_id, NOW + timedelta(days=1))
    (found,) = Proposals(company).all()
    assert (found.standing, found.decided_by, found.decided_on) == ("approved", "lise", date(2026, 12, 1))
    assert [each["approved_by"] for each in rows(company)] == ["lise"]


def test_half_a_line_hides_no_other(company: Workspace) -> None:
    propose(company)
    with Proposals(company).path.open("ab") as stream:
        stream.write(b'{"event": "appro')
    propose(company, customer_id="C2")
    assert [each.customer_id for each in Proposals(company).all()] == ["C2", "C1"]


def _approve(root: Path, who: str, key: str, made: Any) -> None:
    try:
        Proposals(Workspace(root)).approve(Viewer(who, "finance"), key, NOW)
        made.put(who)
    except CannotWrite as error:
        made.put(error.why)


def test_of_two_who_approve_at_once_one_does(company: Workspace) -> None:
    key = propose(company).proposal_id
    start = multiprocessing.get_context("spawn")
    made: Any = start.Queue()
    both = [start.Process(target=_approve, args=(company.root, who, key, made)) for who in ("anne", "ida")]
    for each in both:
        each.start()
    said = {made.get(timeout=120) for _ in both}
    for each in both:
        each.join()
    (row,) = rows(company)
    assert said == {"answered", row["approved_by"]}
