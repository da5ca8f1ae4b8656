"""Who is behind the pseudonyms: personal/salespeople.csv, apart from every publication.

Here: the table, what it is filled with, and which names are known at all. Not here: how pseudonyms are made
(kunderegnskab/pseudonyms.py), and removing names (purge.py).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest.lake import Intake
from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.pseudonyms import (
    UNASSIGNED,
    Pseudonyms,
    has_salespeople,
    make_folder,
    write_private,
)
from kunderegnskab.sql import identifier, literal, literals, parquet
from kunderegnskab.workspace import Workspace, journal

NAMES_FILE = "salespeople.csv"
PURGED_FILE = "purged.jsonl"
# What tells until when a salesperson was at work, by feed; NULL where it has no end yet.
_ACTIVE = {
    "sales_lines": "posting_date",
    "activities": "activity_date",
    "customer_owners": "valid_to",
    "kpi_targets": "last_day(month_to)",
    "budgets": "last_day(month)",
}


@dataclass(frozen=True)
class Salesperson:
    """One row of the table of names.

    Attributes:
        first_seen: day of the first refresh that found the key.
        last_active: last sales line, activity, ownership or target; None where one of them has no end yet.
    """

    pseudonym: str
    salesperson_id: str
    salesperson_name: str | None
    first_seen: date
    last_active: date | None


def read_names(workspace: Workspace) -> list[Salesperson]:
    """The table, by pseudonym; empty where there is none.

    Raises InputProblems when it is not what a refresh wrote.
    """
    path = workspace.personal / NAMES_FILE
    if not path.is_file():
        return []
    with _as_it_was_written(NAMES_FILE), path.open(encoding="utf-8", newline="") as stream:
        return [
            Salesperson(
                row["pseudonym"],
                row["salesperson_id"],
                row["salesperson_name"] or None,
                date.fromisoformat(row["first_seen"]),
                date.fromisoformat(row["last_active"]) if row["last_active"] else None,
            )
            for row in csv.DictReader(stream)
        ]


def save_names(workspace: Workspace, people: Iterable[Salesperson]) -> None:
    """Write the table, for its owner alone."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [each.name for each in fields(Salesperson)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(each) for each in sorted(people, key=lambda each: each.pseudonym))
    make_folder(workspace)
    write_private(workspace.personal / NAMES_FILE, text.getvalue())
    journal.append(workspace, "names written", file=workspace.personal / NAMES_FILE)


def purged(workspace: Workspace) -> set[str]:
    """The pseudonyms whose names were removed; they are never listed again.

    Raises InputProblems when the note of them is not what a purge wrote.
    """
    path = workspace.personal / PURGED_FILE
    if not path.is_file():
        return set()
    with _as_it_was_written(PURGED_FILE):
        return {json.loads(line)["pseudonym"] for line in path.read_text(encoding="utf-8").splitlines()}


@contextmanager
def _as_it_was_written(name: str) -> Generator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError) as error:
        problem = InputProblem(
            f"personal/{name}", "was changed and cannot be read any more", "restore it from a backup"
        )
        raise InputProblems([problem]) from error


def write_names(workspace: Workspace, intake: Intake, pseudonyms: Pseudonyms) -> None:
    """Add to the table whom the files name, but not those who were purged. With plain keys there is none.

    Raises InputProblems when two salespeople would have one pseudonym.
    """
    if pseudonyms.secret is None:
        return
    files = [(receipt.feed, workspace.lake / receipt.lake_file) for receipt in intake.receipts]
    today = datetime.now(UTC).date()
    removed = purged(workspace)
    # Somebody noted as purged is still in the file when the purge was killed before it removed the name.
    listed = {each.pseudonym: each for each in read_names(workspace) if each.pseudonym not in removed}
    taken: dict[str, str] = {}
    for key, (name, last_active) in _people(files).items():
        pseudonym = str(pseudonyms.of(key))
        if taken.setdefault(pseudonym, key) != key:
            raise InputProblems(
                [
                    InputProblem(
                        "personal/secret.key",
                        f"gives two salespeople the pseudonym {pseudonym}",
                        "put 64 other random hexadecimal digits there; every salesperson then begins anew",
                    )
                ]
            )
        if pseudonym in removed:
            continue
        known = listed.get(pseudonym) or Salesperson(pseudonym, key, None, today, today)
        # Somebody who is on a list and does nothing was last active when that was first seen.
        active = None if last_active == date.max else last_active or known.first_seen
        listed[pseudonym] = replace(
            known, salesperson_name=name or known.salesperson_name, last_active=active
        )
    save_names(workspace, listed.values())


def names_in(files: Iterable[tuple[str, Path]]) -> set[str]:
    """The names of salespeople that lake files hold; not what is the name of a team too.

    Args:
        files: feed and lake file.
    """
    held = [path for feed, path in files if feed == "salespeople" and path.is_file()]
    if not held:
        return set()
    with duckdb.connect() as con:
        found = con.execute(
            f"""
            with listed as (from {parquet(held)} where _record_status = 'loaded')
            select distinct salesperson_name from listed
            where salesperson_name not in ('', salesperson_id)
                and salesperson_name not in (select team from listed where team is not null)
            """
        ).fetchall()
    return {name for (name,) in found}


def _people(files: Sequence[tuple[str, Path]]) -> dict[str, tuple[str | None, date | None]]:
    """Key -> name and last activity, of everybody whom lake files name; date.max where one has no end."""
    parts = []
    for feed in load_feeds().values():
        held = [path for name, path in files if name == feed.name]
        if not held or not has_salespeople(feed):
            continue
        named = [name for name, each in feed.columns.items() if each.personal == "salesperson_name"]
        for name, column in feed.columns.items():
            if column.personal != "salesperson_key":
                continue
            where = "".join(
                f" and {other} in ({literals(values)})" for other, values in column.personal_when.items()
            )
            own_name = named[0] if named and name == feed.salesperson_key else "cast(null as varchar)"
            active = _ACTIVE.get(feed.name)
            active = (
                f"coalesce({active}, {literal(date.max.isoformat())}::date)"
                if active
                else "cast(null as date)"
            )
            parts.append(
                f"select {identifier(name)} as salesperson, {own_name} as name, {active} as active "
                f"from {parquet(held)} where _record_status = 'loaded'{where}"
            )
    if not parts:
        return {}
    with duckdb.connect() as con:
        rows = con.execute(
            f"""
            select salesperson, max(name), max(active) from ({" union all ".join(parts)})
            where salesperson not in ('', {literal(UNASSIGNED)}) group by salesperson order by salesperson
            """
        ).fetchall()
    return {key: (name, active) for key, name, active in rows}
