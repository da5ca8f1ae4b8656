"""Who saw what: state/web/seen/, a file per day, a line per page.

A line names the user, the page, and the customers and salespeople on it by their ids, never by name. Lines
are only added; a day's file is removed whole when it is older than company.yaml says (`web:
access_log_days`).
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Literal

from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.web import private
from kunderegnskab.workspace import Workspace

Outcome = Literal["seen", "changed", "refused"]


@dataclass(frozen=True)
class Line:
    """One page that somebody opened, or tried to.

    Attributes:
        at: UTC, ISO 8601.
        page: its place in the table of routes, without ids.
        outcome: refused for what is outside the user's role or scope; what was asked for is not noted then,
            because it may be any text.
        customers: ids.
        salespeople: as the publication names them.
    """

    at: str
    user: str
    role: str
    page: str
    outcome: Outcome
    customers: tuple[str, ...] = ()
    salespeople: tuple[str, ...] = ()


class Seen:
    """The log of one workspace.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, workspace: Workspace, clock: Callable[[], float]) -> None:
        self._workspace = workspace
        self._clock = clock
        self._lock = Lock()
        self._day: date | None = None
        self.prune()

    def note(
        self,
        viewer: Viewer,
        page: str,
        outcome: Outcome,
        customers: Sequence[str] = (),
        salespeople: Sequence[str] = (),
    ) -> None:
        """Add a line. Raises OSError when that cannot be done: nobody may see what cannot be noted."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        line = Line(
            now.isoformat(timespec="seconds"),
            viewer.name,
            viewer.role,
            page,
            outcome,
            tuple(dict.fromkeys(customers)),
            tuple(dict.fromkeys(salespeople)),
        )
        with self._lock:
            is_new_day = self._day != now.date()
        if is_new_day:
            self.prune()
        text = json.dumps(asdict(line), ensure_ascii=False) + "\n"
        path = _folder(self._workspace) / f"{now.date()}.jsonl"
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(file).st_size
            # A full disk may have cut the line before.
            begin = "" if size == 0 or os.pread(file, 1, size - 1) == b"\n" else "\n"
            data = f"{begin}{text}".encode()
            # In one call, so that lines of several processes do not mix.
            if os.write(file, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        finally:
            os.close(file)

    def prune(self) -> None:
        """Remove the days that are older than the company keeps them."""
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        kept_from = today - timedelta(days=self._workspace.company.web.access_log_days)
        for day, path in _days(self._workspace):
            if day < kept_from:
                path.unlink(missing_ok=True)
        with self._lock:
            self._day = today


def read(
    workspace: Workspace,
    *,
    customer: str | None = None,
    salesperson: str | None = None,
    user: str | None = None,
) -> list[Line]:
    """What was noted, oldest first: all, or only of one customer, salesperson or user.

    Raises InputProblems for a line that is not as it was written.
    """
    return [
        line
        for _, path in _days(workspace)
        for line in _lines(workspace, path)
        if (customer is None or customer in line.customers)
        and (salesperson is None or salesperson in line.salespeople)
        and (user is None or user.casefold() == line.user.casefold())
    ]


def _lines(workspace: Workspace, path: Path) -> Iterator[Line]:
    for number, text in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), start=1):
        if not text:
            continue
        try:
            facts = json.loads(text)
            lists = {name: tuple(facts.pop(name)) for name in ("customers", "salespeople")}
            yield Line(**facts, **lists)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputProblems(
                [
                    InputProblem(
                        workspace.relative(path),
                        f"line {number} is not as it was written",
                        "restore the file from a backup, or remove that line",
                    )
                ]
            ) from None


def _days(workspace: Workspace) -> list[tuple[date, Path]]:
    found = []
    for path in _folder(workspace).glob("*.jsonl"):
        try:
            found.append((date.fromisoformat(path.stem), path))
        except ValueError:  # not ours
            continue
    return sorted(found)


def _folder(workspace: Workspace) -> Path:
    path = private.folder(workspace) / "seen"
    path.mkdir(mode=0o700, exist_ok=True)
    return path
