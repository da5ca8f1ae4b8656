"""Which decision holds on an action, and what a viewer is told of who has made it."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from kunderegnskab.reading.decisions import customer_notes, decided, with_decisions
from kunderegnskab.reading.reader import Reader
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.statements.common import Writing
from kunderegnskab.statements.customer import decision_text, note_lines

NOTES = """
('1', 'C1', 'discount', 'accepted', null, 'S-1', date '2025-01-01'),
('2', 'C1', null, null, 'Åbner en butik', 'anna holm', date '2025-02-01'),
('4', 'C1', 'discount', 'rejected', 'Aftalt', 'S-2', date '2025-03-01'),
('3', 'C1', 'discount', 'accepted', null, 'lise', date '2025-03-01'),
('5', 'C1', 'freight', null, 'Spørg igen', 'lise', date '2025-03-01'),
('6', 'C2', 'discount', 'accepted', null, 'lise', date '2025-03-01')
"""
ACTIONS = [{"customer_id": "C1", "driver": "discount"}, {"customer_id": "C1", "driver": "freight"}]


def reader_of(*tables: str) -> Reader:
    """A reader who sees Anna Holm (S-1), and not Bo Krog (S-2)."""
    con = duckdb.connect()
    con.execute("create schema marts")
    con.execute("create table marts.salespeople as select 'S-1' as salesperson_id")
    for table in tables:
        con.execute(table)
    publication: Any = SimpleNamespace(name="0001")
    return Reader(
        publication, Viewer("anna", "salesperson", "S-1"), {"S-1": "Anna Holm", "S-2": "Bo Krog"}, con
    )


@pytest.fixture
def reader() -> Reader:
    return reader_of(
        f"create table marts.customer_notes as select * from (values {NOTES}) as notes "
        "(note_id, customer_id, driver, decision, note, written_by, written_on)"
    )


def test_the_newest_decision_on_an_action_holds(reader: Reader) -> None:
    discount, freight = with_decisions(reader, ACTIONS)
    # Who may not be named stands by key.
    assert discount == {
        "customer_id": "C1",
        "driver": "discount",
        "decision": "rejected",
        "decision_by": "S-2",
        "decision_on": date(2025, 3, 1),
        "decision_note": "Aftalt",
    }
    assert freight["decision"] is None
    assert decided(customer_notes(reader, "C1"))["discount"]["note_id"] == "4"


def test_the_newest_note_comes_first_and_names_whom_the_viewer_may_know(reader: Reader) -> None:
    assert [row["note_id"] for row in customer_notes(reader, "C1")] == ["5", "4", "3", "2", "1"]
    assert [reader.writer_name(each) for each in ("S-1", "anna holm", "BO KROG", "lise", "S-2")] == [
        "Anna Holm",
        "Anna Holm",
        "S-2",
        "lise",
        "S-2",
    ]
    assert {"S-1", "S-2"} <= reader.salespeople_named


def test_a_publication_from_before_there_were_notes_has_none() -> None:
    reader = reader_of()
    assert customer_notes(reader, "C1") == ()
    assert [row["decision"] for row in with_decisions(reader, ACTIONS)] == [None, None]


def test_papers_say_it_in_words(reader: Reader) -> None:
    publication: Any = None
    writing = Writing(publication, "en")
    discount, freight = with_decisions(reader, ACTIONS)
    assert decision_text(discount, writing) == " Rejected by S-2, 1 Mar 2025: Aftalt"
    assert decision_text(freight, writing) == ""
    found: Any = SimpleNamespace(notes=customer_notes(reader, "C1"))
    assert note_lines(reader, found, writing) == [
        "Spørg igen (lise, 1 Mar 2025)",
        "Åbner en butik (Anna Holm, 1 Feb 2025)",
    ]
