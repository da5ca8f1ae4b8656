"""Closing months: the decision, and the figures that a closed month was closed on.

Here: writing the decision into policy/period_events.csv, and taking over the figures as they were published
then. Not here: what has become of them since (the model restatements).

A closed month can be published again with other figures, because files and rules may rightly change. What it
was closed on is carried from publication to publication unchanged, and every difference is listed.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

import duckdb

from kunderegnskab.feeds import load_feeds
from kunderegnskab.problems import InputProblem, InputProblems, KunderegnskabError
from kunderegnskab.pseudonyms import PLAIN, Pseudonyms, is_plain
from kunderegnskab.publication import store
from kunderegnskab.publication.earlier import EARLIER, attached
from kunderegnskab.publication.store import Publication
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import sole_writer

EVENTS_FILE = "period_events.csv"
_FEED = "period_events"


class CannotClose(KunderegnskabError):
    """The month cannot be closed or reopened; the text says why and what to do."""


@dataclass(frozen=True)
class PeriodEvent:
    """A decision about a month, as it was written down."""

    number: int
    month: date
    event: Literal["close", "reopen"]
    publication: str
    manifest_sha256: str


def record_event(
    workspace: Workspace, month: date, event: Literal["close", "reopen"], *, by: str, reason: str
) -> PeriodEvent:
    """Write a decision about a month into policy/period_events.csv; the next refresh follows it.

    A month is closed on the current publication: it must hold the month, tied to the ledger as far as the
    ledger goes.

    Raises CannotClose; WorkspaceBusy while a refresh or another decision is being written.
    """
    if not by.strip() or not reason.strip():
        raise CannotClose("Say who decides it (--by) and why (--reason).")
    # Held from reading to writing back: no event may come between, and the publication must stay current.
    with sole_writer(workspace):
        return _record_event(workspace, month, event, by=by.strip(), reason=reason.strip())


def _record_event(
    workspace: Workspace, month: date, event: Literal["close", "reopen"], *, by: str, reason: str
) -> PeriodEvent:
    current = store.current(workspace.published)
    if current is None:
        raise CannotClose("Nothing is published yet, so there is nothing to close; refresh first.")
    path = workspace.policy / EVENTS_FILE
    columns = list(load_feeds()[_FEED].columns)
    before = _events(path)
    of_month = [each for each in before if each["month"] == month.isoformat()]
    is_closed = bool(of_month) and of_month[-1]["event"] == "close"
    if is_closed == (event == "close"):
        state = "closed already" if is_closed else "not closed"
        raise CannotClose(f"{month:%Y-%m} is {state}.")
    if event == "close":
        _require_closable(current, month)
    number = max((int(each["event_no"]) for each in before), default=0) + 1
    values = {
        "event_no": str(number),
        "month": month.isoformat(),
        "event": event,
        "publication": current.name,
        "decided_by": by,
        "decided_on": datetime.now(UTC).date().isoformat(),
        "reason": reason,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [{name: each.get(name, "") for name in columns} for each in [*before, values]]
    made = path.with_name(f".{path.name}.new")
    with made.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    made.replace(path)
    return PeriodEvent(number, month, event, current.name, current.manifest_sha256)


def _events(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _require_closable(current: Publication, month: date) -> None:
    with duckdb.connect(str(current.database), read_only=True) as con:
        row = con.execute("select difference from marts.company_accounts where month = ?", [month]).fetchone()
        open_months = con.execute(
            "select month from marts.company_accounts where month < ? and difference <> 0", [month]
        ).fetchall()
        missing = con.execute(
            "select source from audit.expected_files where is_missing and month <= ? order by month", [month]
        ).fetchall()
    if row is None:
        raise CannotClose(f"{current.name} has no figures for {month:%Y-%m}.")
    if row[0] is not None and row[0] != 0:
        raise CannotClose(
            f"{month:%Y-%m} does not tie to the ledger: {row[0]} is unexplained; see "
            "audit.ledger_reconciliation."
        )
    if missing:
        raise CannotClose(
            f"A file of {missing[0][0]} is missing for {month:%Y-%m} or before; see audit.expected_files."
        )
    if open_months:
        raise CannotClose(f"{open_months[0][0]:%Y-%m}, which comes before, does not tie to the ledger.")


def load_closed_months(
    con: duckdb.DuckDBPyConnection,
    published: Path,
    now: Publication | None,
    pseudonyms: Pseudonyms = PLAIN,
) -> None:
    """Fill raw.closed_sources, closed_figures and closed_files for the closed months of raw.period_events.

    The figures come from the current publication if it carries them, else from the publication that the month
    was closed on.

    Args:
        now: the current publication, or the one that was current when a refresh is performed again.
        pseudonyms: how salespeople are named in the warehouse.

    Raises InputProblems where a month is closed on a publication that is not there, and where a decision that
    was published is not in the file any more as it was.
    """
    _require_kept(con, now)
    closed = con.execute(
        """
        select month, publication, _source_file, _source_record from (
            select *, row_number() over (partition by month order by event_no desc) as place
            from raw.period_events
        ) where place = 1 and event = 'close' order by month
        """
    ).fetchall()
    if not closed:
        return
    carried: set[tuple[date, str]] = set()
    with attached(con, now) as tables:
        if now is not None and "audit.closed_figures" in tables:
            scope_id = _scope_id(now, pseudonyms)
            # A month of company entries alone has figures and no sources.
            held = " union ".join(
                f"select month, publication from {EARLIER}.audit.{table}"
                for table in ("closed_sources", "closed_figures")
            )
            carried = set(con.execute(held).fetchall()) & {(month, name) for month, name, *_ in closed}
        for month, name in sorted(carried):
            con.execute(
                f"insert into raw.closed_sources by name select * from {EARLIER}.audit.closed_sources "
                "where month = ? and publication = ?",
                [month, name],
            )
            con.execute(
                f"insert into raw.closed_figures select publication, month, level, {scope_id}, "
                f"measure, amount from {EARLIER}.audit.closed_figures as earlier "
                "where month = ? and publication = ?",
                [month, name],
            )
        for name in sorted({name for _, name in carried}):
            con.execute(
                f"insert into raw.closed_files by name select * from {EARLIER}.audit.closed_files "
                "where publication = ?",
                [name],
            )
    problems = []
    for month, name, file, record in closed:
        if (month, name) in carried:
            continue
        publication = store.find(published, name)
        if publication is None or not publication.database.is_file():
            problems.append(
                InputProblem(
                    file,
                    f"{month:%Y-%m} is closed on {name}, which is not there or has no data any more",
                    "reopen the month and close it on a publication that is",
                    record=record,
                    column="publication",
                )
            )
            continue
        _take_over(con, publication, month, pseudonyms)
    if problems:
        raise InputProblems(problems)


def _require_kept(con: duckdb.DuckDBPyConnection, now: Publication | None) -> None:
    """Decisions are only ever added: without its event, a closed month would forget what it was closed on."""
    decided = "event_no, month, event, publication, decided_by, decided_on, reason"
    with attached(con, now) as tables:
        if "audit.period_closes" not in tables:
            return
        lost = con.execute(
            f"select event_no, month, event from (select {decided} from {EARLIER}.audit.period_closes "
            f"except select {decided} from raw.period_events) order by event_no"
        ).fetchall()
    problems = [
        InputProblem(
            f"policy/{EVENTS_FILE}",
            f"event {number} ({event} {month:%Y-%m}), which was published, is gone or has changed",
            "put it back as it was; `kunderegnskab close --reopen` opens a month again",
        )
        for number, month, event in lost
    ]
    if problems:
        raise InputProblems(problems)


def _scope_id(publication: Publication, pseudonyms: Pseudonyms) -> str:
    """SQL of a scope that a publication names, as the warehouse names it."""
    if not is_plain(publication.manifest.parameters):
        return "earlier.scope_id"
    named = pseudonyms.sql("earlier.scope_id")
    return f"case when earlier.level = 'salesperson' then {named} else earlier.scope_id end"


def _take_over(
    con: duckdb.DuckDBPyConnection, publication: Publication, month: date, pseudonyms: Pseudonyms
) -> None:
    """The figures of a month as its closing publication has them, and the files behind them."""
    with attached(con, publication) as tables:
        if "audit.month_figures" not in tables:
            raise InputProblems(
                [
                    InputProblem(
                        f"policy/{EVENTS_FILE}",
                        f"{publication.name} was published by a version that cannot close months",
                        "refresh with --full and close the month again",
                    )
                ]
            )
        con.execute(
            f"insert into raw.closed_sources by name select ? as publication, * "
            f"from {EARLIER}.audit.account_sources where month = ?",
            [publication.name, month],
        )
        con.execute(
            f"insert into raw.closed_figures select ?, month, level, {_scope_id(publication, pseudonyms)}, "
            f"measure, amount from {EARLIER}.audit.month_figures as earlier where month = ?",
            [publication.name, month],
        )
        con.execute(
            f"insert into raw.closed_files select ?, feed, source_file, file_sha256 from {EARLIER}.raw.files "
            "where not exists (select 1 from raw.closed_files where publication = ?)",
            [publication.name, publication.name],
        )
