"""Proposed overrides of segments: from a proposal to a row of policy/segment_overrides.csv, or to a no.

What waits, and what was said to it, stands in `state/decisions/proposals.jsonl`; lines are only added to it.
Whether a written row is approved, the gate has the last word on (audit/approvals.py).
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal, TypeVar

from filelock import FileLock, Timeout

from kunderegnskab.decisions.notes import checked_text, today, writer
from kunderegnskab.decisions.policy_file import CannotWrite, PolicyFile, Record
from kunderegnskab.personal.names import read_names
from kunderegnskab.reading.scope import Role, Viewer
from kunderegnskab.workspace import Workspace

FEED = "segment_overrides"
APPROVERS: frozenset[Role] = frozenset({"manager", "finance"})
"""Who may approve: managers for whom they see, the own team; finance for all."""

Standing = Literal["waiting", "approved", "rejected", "written"]
_PATIENCE_SECONDS = 10
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Proposal:
    """A proposed override.

    Attributes:
        proposed_on: the day where the company is, from which the override holds.
        proposed_by: as in records: a salesperson's published key, else a name.
        valid_to: the last day on which it holds; None without an end.
        user: who has proposed it, as they sign in.
        standing: waiting; approved or rejected by `decided_by`; or written at once, where nobody is asked.
        said: why it was rejected.
    """

    proposal_id: str
    customer_id: str
    segment: str
    reason: str
    valid_to: date | None
    proposed_by: str
    proposed_on: date
    user: str
    standing: Standing = "waiting"
    decided_by: str | None = None
    decided_on: date | None = None
    said: str | None = None

    @property
    def record(self) -> Record:
        """The row of segment_overrides that it becomes."""
        return {
            "customer_id": self.customer_id,
            "decided_on": f"{self.proposed_on}",
            "segment": self.segment,
            "reason": self.reason,
            "decided_by": self.proposed_by,
            "valid_to": f"{self.valid_to or ''}",
            "approved_by": self.decided_by or "",
            "approved_on": f"{self.decided_on or ''}",
        }


@dataclass(frozen=True)
class Proposals:
    """The proposals of one workspace. Safe to use from several processes."""

    workspace: Workspace
    path: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", self.workspace.state / "decisions" / "proposals.jsonl")

    def all(self) -> list[Proposal]:
        """Everything that was proposed, the newest first, as it stands."""
        found: dict[str, Proposal] = {}
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        for line in lines:
            try:
                event = json.loads(line)
                key = event["proposal_id"]
                if event["event"] == "proposed":
                    found[key] = Proposal(
                        key,
                        event["customer_id"],
                        event["segment"],
                        event["reason"],
                        _day(event["valid_to"]),
                        event["by"],
                        date.fromisoformat(event["on"]),
                        event["user"],
                    )
                elif key in found and found[key].standing == "waiting":
                    # A proposal is answered once.
                    found[key] = replace(
                        found[key],
                        standing=event["event"],
                        decided_by=event["by"],
                        decided_on=_day(event["on"]),
                        said=event.get("said"),
                    )
            except (ValueError, KeyError, TypeError):
                continue  # what a killed process has left of a line; nobody was told that it is written
        return list(reversed(found.values()))

    def propose(
        self,
        viewer: Viewer,
        customer_id: str,
        segment: str,
        reason: str,
        valid_to: str,
        now: datetime,
        *,
        segments: Collection[str],
    ) -> Proposal:
        """Propose an override; where nobody else is asked, it is written at once.

        Args:
            valid_to: a day as ISO writes it; empty for no end.
            now: with a time zone.
            segments: those that there are.

        Raises CannotWrite when it is no proposal, or cannot be written.
        """
        if segment not in segments:
            raise CannotWrite("unknown", "There is no such segment.")
        said = checked_text(reason, is_needed=True)
        day = today(self.workspace, now)
        end = _until(valid_to, day)
        key = f"{now.astimezone(UTC):%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(4)}"
        made = Proposal(key, customer_id, segment, said, end, writer(viewer), day, viewer.name)

        def write() -> Proposal:
            if any(_is_of_the_day(each, made) for each in self.all()) or self._row(made) is not None:
                raise CannotWrite("again", "There is a decision of today on the customer already.")
            waits = self.needs_approval(viewer)
            if not waits:
                self._write(made)
            self._note(
                "proposed",
                key,
                made.proposed_by,
                day,
                user=viewer.name,
                customer_id=customer_id,
                segment=segment,
                reason=said,
                valid_to=None if end is None else f"{end}",
            )
            if not waits:
                self._note("written", key, None, None)
            return made if waits else replace(made, standing="written")

        return self._alone(write)

    def approve(self, viewer: Viewer, proposal_id: str, now: datetime) -> None:
        """Write a proposal to the policy. Whether the viewer sees its customer is for the caller to ask."""
        self._answer(viewer, proposal_id, now, "approved", None)

    def reject(self, viewer: Viewer, proposal_id: str, text: str, now: datetime) -> None:
        """Say no, and why."""
        self._answer(viewer, proposal_id, now, "rejected", checked_text(text, is_needed=True))

    def may_answer(self, viewer: Viewer, proposal: Proposal) -> bool:
        """Whether somebody who sees the customer may approve or reject: anybody's but the own."""
        return (
            viewer.role in APPROVERS
            and proposal.standing == "waiting"
            and proposal.user != viewer.name
            and not self._persons(proposal.proposed_by, proposal.user)
            & self._persons(writer(viewer), viewer.name)
        )

    def needs_approval(self, viewer: Viewer) -> bool:
        """Whether what somebody proposes waits: as `approval` asks, and rather once too often.

        Whoever is a salesperson, also by name alone, may own the customer, or have owned it.
        """
        asked = self.workspace.company.approval
        is_salesperson = viewer.salesperson_id is not None or any(
            each.startswith("salesperson ") for each in self._persons(viewer.name)
        )
        return asked == "required" or (asked == "own_portfolio" and is_salesperson)

    def _persons(self, *names: str) -> set[str]:
        """Who is meant by names, keys and codes: each as it stands, and as the salesperson whose it is."""
        wanted = {_plain(each) for each in names}
        return wanted | {
            f"salesperson {each.pseudonym}"
            for each in read_names(self.workspace)
            if wanted
            & {_plain(name) for name in (each.pseudonym, each.salesperson_id, each.salesperson_name) if name}
        }

    def _answer(
        self, viewer: Viewer, proposal_id: str, now: datetime, answer: Standing, said: str | None
    ) -> None:
        def write() -> None:
            found = next((each for each in self.all() if each.proposal_id == proposal_id), None)
            if found is None or not self.may_answer(viewer, found):
                raise CannotWrite("answered", "The proposal is answered already, or is not yours to answer.")
            by, day = writer(viewer), today(self.workspace, now)
            row = self._row(found)
            if row is not None:
                # Of another decision, or what a process that was killed before its note has left of this one.
                if answer != "approved" or not _is_row_of(row, found):
                    raise CannotWrite("again", "There is a decision of that day on the customer already.")
                by, day = row["approved_by"], date.fromisoformat(row["approved_on"])
            elif answer == "approved":
                self._write(replace(found, decided_by=by, decided_on=day))
            self._note(answer, proposal_id, by, day, said=said)

        self._alone(write)

    def _write(self, proposal: Proposal) -> None:
        def make(others: list[Record]) -> Record:
            if any(_key(each) == _key(proposal.record) for each in others):
                raise CannotWrite("again", "There is a decision of that day on the customer already.")
            return proposal.record

        PolicyFile(self.workspace, FEED).append(make)

    def _row(self, proposal: Proposal) -> Record | None:
        rows = PolicyFile(self.workspace, FEED).records()
        return next((each for each in rows if _key(each) == _key(proposal.record)), None)

    def _alone(self, write: Callable[[], _Made]) -> _Made:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with FileLock(self.path.with_name("writer.lock"), timeout=_PATIENCE_SECONDS):
                return write()
        except Timeout:
            raise CannotWrite(
                "busy", "The proposals are being written by another process; try again."
            ) from None

    def _note(
        self, event: str, proposal_id: str, by: str | None, on: date | None, **facts: str | None
    ) -> None:
        line = {"event": event, "proposal_id": proposal_id, "by": by, "on": None if on is None else f"{on}"}
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as stream:
            size = stream.seek(0, os.SEEK_END)
            if size:
                stream.seek(size - 1)
                if stream.read(1) != b"\n":
                    stream.write(b"\n")  # what a killed process has begun stays a line of its own
            stream.write(json.dumps(line | facts, ensure_ascii=False).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())


def _key(record: Record) -> tuple[str, str]:
    return record.get("customer_id", ""), record.get("decided_on", "")


def _is_row_of(row: Record, proposal: Proposal) -> bool:
    """Whether a row was written of a proposal, by whomever it was approved."""
    told = ("segment", "reason", "decided_by", "valid_to")
    return {"approved_by", "approved_on"} <= row.keys() and all(
        row.get(name, "") == proposal.record[name] for name in told
    )


def _is_of_the_day(one: Proposal, other: Proposal) -> bool:
    return one.standing != "rejected" and _key(one.record) == _key(other.record)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _until(text: str, first: date) -> date | None:
    if not text.strip():
        return None
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        found = None
    if found is None or found < first:
        raise CannotWrite("no_day", "The last day is no day, or is over; write one such as 2026-12-31.")
    return found


def _plain(name: str) -> str:
    return "".join(name.casefold().split())
