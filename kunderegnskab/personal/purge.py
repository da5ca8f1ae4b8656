"""Removing names: whose names are due, taking them out of the table, and the proof that nothing else changed.

Publications hold pseudonyms, so a name is removed from personal/salespeople.csv alone, and no figure moves.
What still holds the key or the name (files as they came, which are bookkeeping material; publications with
plain keys) is listed, so that nothing is claimed that is not so.

Not here: the table itself (names.py), and how texts are looked for (quality/name_search.py).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence, Set
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from kunderegnskab.feeds import Feed, load_feeds
from kunderegnskab.file_hash import file_sha256
from kunderegnskab.personal.names import (
    PURGED_FILE,
    Salesperson,
    purged,
    read_names,
    save_names,
)
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.pseudonyms import has_salespeople, is_plain, make_folder, of_today
from kunderegnskab.publication import store
from kunderegnskab.publication.store import Publication
from kunderegnskab.quality.name_search import Held, cells_that_are
from kunderegnskab.sql import identifier, literal, literals, parquet
from kunderegnskab.workspace import Workspace, journal
from kunderegnskab.workspace.lock import sole_writer

_CATALOG = "published"
_FIGURES = ("net_sales", "db1", "db2", "db3")


class CannotPurge(KunderegnskabError):
    """No name was removed; the text says why and what to do."""


@dataclass(frozen=True)
class Proof:
    """What was compared before and after names were removed.

    Attributes:
        files: published files, and one hash over the hashes of all.
        publications: publications with pseudonyms in which no cell is one of the names or keys.
        totals: net sales and contribution margins of each pseudonym in the current publication; one hash.
    """

    files: int
    files_sha256: str
    publications: int
    totals: int
    totals_sha256: str


@dataclass(frozen=True)
class Purge:
    """What was removed, or would be.

    Attributes:
        pseudonyms: whose names.
        still: where the key or the name still stands in publications and scenarios, one sentence each.
        files: landing, policy and lake files in which the key still stands; they are bookkeeping material.
        lake_files: lake files of lists of names that are removed, because somebody is in them whose name was.
        listed: files of the current publication that name somebody whose name was removed.
    """

    pseudonyms: tuple[str, ...]
    is_dry_run: bool
    proof: Proof
    still: tuple[str, ...]
    files: tuple[str, ...]
    lake_files: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()


def purge(
    workspace: Workspace,
    salesperson: str | None,
    *,
    by: str,
    reason: str,
    today: date,
    dry_run: bool = False,
    lake: bool = False,
) -> Purge:
    """Remove the name of one salesperson, or of all whose names have been kept long enough.

    Args:
        salesperson: key or pseudonym; None for all without activity in the months that company.yaml says.
        dry_run: change nothing, tell what would be done.
        lake: remove also the lake files of lists that name somebody whose name was removed, now or before.
            The list that is in use must be delivered without them, and published, first.

    Raises:
        CannotPurge: nobody says who and why, there is no such name, or a publication with pseudonyms has it.
        WorkspaceBusy: a refresh is running.
    """
    if not by.strip() or not reason.strip():
        raise CannotPurge("Say who decides it (--by) and why (--reason).")
    with sole_writer(workspace):
        listed = read_names(workspace)
        chosen = _chosen(workspace, listed, salesperson, today)
        proof = _proof(workspace, chosen)
        still = tuple(_still_held(workspace, chosen))
        files = tuple(_files_that_hold(workspace, chosen))
        if chosen and not dry_run:
            # Noted first: whoever is noted is not listed by the next refresh, also if we are killed here.
            noted_before = _note(workspace, chosen, by, reason, proof)
            save_names(workspace, [each for each in listed if each not in chosen])
            if (after := _proof(workspace, chosen)) != proof:
                save_names(workspace, listed)
                os.truncate(workspace.personal / PURGED_FILE, noted_before)
                raise CannotPurge(
                    f"What is published changed while names were removed ({proof} before, {after} after), so "
                    "they were put back; try again."
                )
            journal.append(workspace, "names purged", file=workspace.personal / PURGED_FILE)
        gone = purged(workspace) | {each.pseudonym for each in chosen}
        removable, listed_in = _lists_that_name(workspace, gone) if lake else ((), ())
        if not dry_run:
            for name in removable:
                journal.append(workspace, "lake file purged", lake_file=name, reason=reason.strip())
                (workspace.lake / name).unlink()
    return Purge(tuple(each.pseudonym for each in chosen), dry_run, proof, still, files, removable, listed_in)


def _lists_that_name(workspace: Workspace, gone: Set[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Lake files of lists of names that name one of these, and the current publication's files that do."""
    pseudonyms = of_today(workspace, texts=False)
    current = store.current(workspace.published)
    in_use = {file.lake_file: file.path for file in current.manifest.inputs} if current else {}
    files = {
        file.lake_file
        for publication in store.publications(workspace.published)
        for file in publication.manifest.inputs
        if _names_salespeople(load_feeds()[file.feed])
    }
    holding = [
        name
        for name in sorted(files)
        if (path := workspace.lake / name).is_file()
        and any(str(pseudonyms.of(key)) in gone for key in _keys_in(path))
    ]
    return (
        tuple(name for name in holding if name not in in_use),
        tuple(in_use[name] for name in holding if name in in_use),
    )


def _names_salespeople(feed: Feed) -> bool:
    return any(column.personal == "salesperson_name" for column in feed.columns.values())


def _keys_in(path: Path) -> list[str]:
    """The keys of the salespeople whom a lake file of a list has by name; a key alone may stay."""
    with duckdb.connect() as con:
        rows = con.execute(
            f"select distinct salesperson_id from {parquet(path)} "
            "where salesperson_id <> '' and salesperson_name <> ''"
        ).fetchall()
    return [key for (key,) in rows]


def _chosen(
    workspace: Workspace, listed: Sequence[Salesperson], salesperson: str | None, today: date
) -> list[Salesperson]:
    if salesperson is None:
        months = today.year * 12 + today.month - 1 - workspace.company.salesperson_names_kept_months
        kept_from = date(months // 12, months % 12 + 1, 1)
        return [each for each in listed if each.last_active is not None and each.last_active < kept_from]
    found = [each for each in listed if salesperson in (each.salesperson_id, each.pseudonym)]
    if not found:
        raise CannotPurge(
            f"personal/salespeople.csv lists no salesperson {salesperson}; `kunderegnskab salespeople` "
            "shows who is listed."
        )
    return found


def _proof(workspace: Workspace, chosen: Sequence[Salesperson]) -> Proof:
    """Raises CannotPurge when a publication with pseudonyms holds a name or key."""
    hashes = [
        f"{name} {file_sha256(workspace.published / name)}" for name in store.files_below(workspace.published)
    ]
    publications = 0
    for publication in _with_data(workspace):
        if is_plain(publication.manifest.parameters):
            continue
        publications += 1
        if found := _found_in(publication, chosen):
            raise CannotPurge(
                f"{publication.name} holds the name or key in {found[0].table}.{found[0].column} "
                f"({found[0].cells} cells), which one with pseudonyms must not; nothing was removed."
            )
    totals = _totals(workspace)
    return Proof(len(hashes), _hash(hashes), publications, len(totals), _hash(totals))


def _found_in(publication: Publication, chosen: Sequence[Salesperson], only: str | None = None) -> list[Held]:
    """Where names and keys stand in a publication, or names in the columns of one category."""
    names = {each.salesperson_name for each in chosen if each.salesperson_name}
    with duckdb.connect() as con:
        con.execute(f"attach {literal(publication.database)} as {_CATALOG} (read_only)")
        if only:
            return cells_that_are(con, _CATALOG, names, only=only)
        # A key is often a short text that stands for other things too, so it is looked for where keys stand.
        return [
            *cells_that_are(con, _CATALOG, names),
            *cells_that_are(con, _CATALOG, {each.salesperson_id for each in chosen}, only="salesperson_key"),
        ]


def _totals(workspace: Workspace) -> list[str]:
    current = store.current(workspace.published)
    if current is None or not current.database.is_file():
        return []
    with duckdb.connect(str(current.database), read_only=True) as con:
        sums = ", ".join(f"sum({name})" for name in _FIGURES)
        rows = con.execute(
            f"select salesperson_id, {sums} from marts.portfolio_accounts group by 1 order by 1"
        ).fetchall()
    return [" ".join(str(value) for value in row) for row in rows]


def _still_held(workspace: Workspace, chosen: Sequence[Salesperson]) -> Iterator[str]:
    """Where the key or the name still stands in publications and scenarios; nobody's is named in it."""
    if not chosen:
        return
    for publication in _with_data(workspace):
        if is_plain(publication.manifest.parameters):
            yield f"{publication.name} was published with plain keys; its data go when it is pruned."
            continue
        for found in _found_in(publication, chosen, only="employee"):
            yield (
                f"{publication.name}, {found.table}.{found.column}: somebody of that name made, approved or "
                "decided something, and is kept as evidence."
            )
    keys = literals(each.salesperson_id for each in chosen)
    for path in sorted(workspace.scenarios.glob("*/lake/*/*.parquet")):
        feed = path.parent.name
        if has_salespeople(load_feeds()[feed]) and _lake_file_holds(str(path), feed, keys):
            scenario = workspace.relative(path.parents[2])
            yield f"{scenario} holds the key, in a file that was tried as {feed}; remove that folder."


def _files_that_hold(workspace: Workspace, chosen: Sequence[Salesperson]) -> list[str]:
    """The files in which a key stands, relative to the workspace."""
    keys = literals(each.salesperson_id for each in chosen)
    files = {
        file.lake_file: file
        for publication in store.publications(workspace.published)
        for file in publication.manifest.inputs
        if has_salespeople(load_feeds()[file.feed])
    }
    held = set()
    for name, file in files.items():
        path = workspace.lake / name
        if keys and path.is_file() and _lake_file_holds(str(path), file.feed, keys):
            held.add(f"lake/{name}")
            if (workspace.root / file.path).is_file():
                held.add(file.path)
    return sorted(held)


def _lake_file_holds(path: str, feed: str, keys: str) -> bool:
    columns = [
        name for name, each in load_feeds()[feed].columns.items() if each.personal == "salesperson_key"
    ]
    where = " or ".join(f"{identifier(name)} in ({keys})" for name in columns)
    with duckdb.connect() as con:
        return bool(con.execute(f"select 1 from {parquet(path)} where {where} limit 1").fetchone())


def _with_data(workspace: Workspace) -> list[Publication]:
    return [each for each in store.publications(workspace.published) if each.database.is_file()]


def _note(workspace: Workspace, chosen: Sequence[Salesperson], by: str, reason: str, proof: Proof) -> int:
    """One line per pseudonym, without key and name; gives the bytes that were noted before."""
    make_folder(workspace)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    known = purged(workspace)
    path = workspace.personal / PURGED_FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    before = os.fstat(descriptor).st_size
    with os.fdopen(descriptor, "a", encoding="utf-8") as stream:
        for each in chosen:
            if each.pseudonym not in known:
                line = {
                    "pseudonym": each.pseudonym,
                    "purged_at": now,
                    "by": by.strip(),
                    "reason": reason.strip(),
                }
                stream.write(json.dumps({**line, "proof": asdict(proof)}, ensure_ascii=False) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    return before


def _hash(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
