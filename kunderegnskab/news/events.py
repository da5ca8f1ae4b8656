"""What an event says, and its one form for programs: docs/contracts/events.md."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from kunderegnskab.publication.changes import Changes
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.journal import made_by

FORMAT = 1

Kind = Literal["failed", "blocked", "published", "late", "drift", "approval", "test"]
HOOK_OF: dict[Kind, str] = {
    "failed": "on_failure",
    "blocked": "on_blocked",
    "published": "on_published",
    "late": "on_late",
    "drift": "on_drift",
    "approval": "on_approval",
}
"""The key of company.yaml that says who is told. A test is told to whoever is named."""


@dataclass(frozen=True)
class Standing:
    """Something that stands for longer than a refresh and is told when it begins.

    Attributes:
        key: the same for as long as the same stands.
        sentence: plain; of people and their records ids alone.
    """

    key: str
    sentence: str


@dataclass(frozen=True)
class Event:
    """What somebody is told.

    Attributes:
        event: what it is told of.
        run_id: the run that it is about; None where none was started.
        publication: name of the publication that readers see now, None before the first.
        head: name and manifest's hash of the publication that is new, None where none is.
        problems: what went wrong, plain sentences; empty unless failed or blocked.
        blocked_by: what the checks that stopped the refresh ask for, a plain sentence each in the company's
            language; empty where it failed otherwise.
        warnings: checks that failed without hindering the publication, plain; empty unless published.
        changes: what is otherwise than in the publication before; None unless published.
        late: what is late (publication/freshness.py), plain; told with every event.
        drift: baselines of targets that have begun to drift, plain; empty unless that is told.
        approval: changes that have begun to wait for approval, plain; empty unless that is told.
        log: file with everything that the run said, None where it has none of its own.
        rejects: file with all rejected records, None where none stopped the run.
    """

    event: Kind
    run_id: str | None
    publication: str | None
    head: str | None = None
    problems: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    changes: Changes | None = None
    late: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    approval: tuple[str, ...] = ()
    log: str | None = None
    rejects: str | None = None


def as_json(workspace: Workspace, event: Event) -> str:
    """The event as programs read it: amounts as text, days and moments by ISO 8601.

    Raises:
        InputProblems: company.yaml cannot be read.
    """
    told = {
        "format": FORMAT,
        **asdict(event),
        "company": workspace.company.name,
        "workspace": str(workspace.root),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": made_by(),
    }
    text = json.dumps(told, ensure_ascii=False, indent=1, default=str) + "\n"
    # A file's name need not be text. What cannot be written becomes what JSON has for it.
    return text.encode("utf-8", "backslashreplace").decode()
