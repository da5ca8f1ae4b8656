"""Notes on customers and decisions on actions: writing one, and those that no publication has yet.

Who may open a customer is for `reading` to say. What is published stands in marts.customer_notes.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from kunderegnskab.decisions.policy_file import CannotWrite, PolicyFile, Record
from kunderegnskab.ingest.cpr import has_cpr
from kunderegnskab.reading.scope import Role, Viewer
from kunderegnskab.workspace import Workspace

FEED = "customer_notes"
WRITERS: frozenset[Role] = frozenset({"salesperson", "manager", "finance"})
"""Who may write: all but the auditors, who judge what others have decided."""
DECISIONS = ("accepted", "rejected")
LONGEST = 1_000


@dataclass(frozen=True)
class Note:
    """A note on a customer.

    Attributes:
        driver: the action that it is on; None for one on the customer.
        decision: accepted or rejected; None for a note alone.
        written_by: a salesperson's key as it is published, else a name.
    """

    note_id: str
    customer_id: str
    driver: str | None
    decision: str | None
    note: str | None
    written_by: str
    written_on: date


def writer(viewer: Viewer) -> str:
    """How somebody stands in a record: salespeople by the published key, which tells no name."""
    return viewer.salesperson_id or viewer.name


def checked_text(text: str, *, is_needed: bool) -> str:
    """What somebody has written, on one line.

    Raises CannotWrite for nothing where something is needed, for too much, and for what no file may hold.
    """
    found = " ".join(text.split())
    if not found and is_needed:
        raise CannotWrite("nothing_said", "Nothing is written; say it in words.")
    if len(found) > LONGEST:
        raise CannotWrite("too_long", f"The text is longer than {LONGEST} characters; write less.")
    if has_cpr(found):
        raise CannotWrite("cpr", "The text has what looks like a CPR number; leave it out.")
    return found


def write_note(
    workspace: Workspace,
    viewer: Viewer,
    customer_id: str,
    text: str,
    now: datetime,
    *,
    driver: str = "",
    decision: str = "",
) -> str:
    """Add a note to policy/customer_notes.csv, and give its key.

    Args:
        now: with a time zone.
        driver: the action that it is on; empty for the customer.
        decision: accepted, rejected, or empty; only on an action. A rejection has a reason.

    Raises CannotWrite when it is no note, or the file takes none.
    """
    if decision and (decision not in DECISIONS or not driver):
        raise CannotWrite("unknown", "An action is accepted or rejected; choose one of both.")
    found = checked_text(text, is_needed=decision != "accepted")

    def make(others: list[Record]) -> Record:
        note_id = f"{now.astimezone(UTC):%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(4)}"
        return {
            "note_id": note_id,
            "customer_id": customer_id,
            "driver": driver,
            "decision": decision,
            "note": found,
            "written_by": writer(viewer),
            "written_on": f"{today(workspace, now)}",
        }

    return PolicyFile(workspace, FEED).append(make)["note_id"]


def today(workspace: Workspace, now: datetime) -> date:
    """The day where the company is."""
    return now.astimezone(ZoneInfo(workspace.company.timezone)).date()


def written_since(workspace: Workspace, customer_id: str, published: Collection[str]) -> list[Note]:
    """Notes on a customer in the file, whose keys no publication has yet; none where it is kept otherwise."""
    try:
        records = PolicyFile(workspace, FEED).records()
    except CannotWrite:
        return []
    return [
        Note(
            each["note_id"],
            customer_id,
            each.get("driver"),
            each.get("decision"),
            each.get("note"),
            each.get("written_by", ""),
            day,
        )
        for each in records
        if each.get("customer_id") == customer_id
        and each.get("note_id", "") not in {"", *published}
        and (day := _day(each.get("written_on", ""))) is not None
    ]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
