"""The current publication, open for several readers at once.

Whoever reads gets a Reader: one publication, through the views of what this viewer may see. A publication
that comes meanwhile is open to the next reader; who reads already stays with the one that was begun. What is
opened is locked: read-only, no file or address, no other setting.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any

import duckdb

from kunderegnskab.code_version import code_version
from kunderegnskab.personal.names import NAMES_FILE, read_names
from kunderegnskab.problems import KunderegnskabError, command
from kunderegnskab.publication import store
from kunderegnskab.publication.earlier import relations_of
from kunderegnskab.publication.store import Publication
from kunderegnskab.reading.scope import Viewer, make_views
from kunderegnskab.sql import identifier, literal, lock
from kunderegnskab.workspace import Workspace

_PUBLISHED = "published"

Row = dict[str, Any]


class NothingToRead(KunderegnskabError):
    """There is no publication, or not what was asked for in it."""


@contextmanager
def as_it_was_published(publication: Publication) -> Generator[None]:
    """Ask a publication for what one of this version has.

    Raises NothingToRead where an earlier version did not publish it.
    """
    try:
        yield
    # A table that is not there, a column that a query names, a column of a row.
    except (duckdb.CatalogException, duckdb.BinderException, KeyError) as error:
        version = publication.manifest.code_version
        if version == code_version():
            raise
        raise NothingToRead(
            f"{publication.name} was published by version {version}, which did not publish all that is read "
            f"here; run `{command('refresh', publication.path.parent.parent)}`."
        ) from error


@dataclass
class _Open:
    """A publication that is open, and how many read it."""

    publication: Publication
    pointer: bytes
    con: duckdb.DuckDBPyConnection
    names: Mapping[str, str]
    catalogs: dict[tuple[str, str | None, str | None], str] = field(default_factory=dict)
    readers: int = 0
    is_over: bool = False


class Reader:
    """One publication as one viewer sees it. Use Readers.reader() to get one."""

    def __init__(
        self,
        publication: Publication,
        viewer: Viewer,
        names: Mapping[str, str],
        con: Any,
        stamp: bytes = b"",
    ) -> None:
        self.publication = publication
        self.viewer = viewer
        self.stamp = stamp
        """Another one when the publication is another, or the names of salespeople are."""
        self._names = names
        self._con: duckdb.DuckDBPyConnection = con
        self.salespeople_named: set[str] = set()
        """Of whom somebody wanted to know what to call them: whose names or keys are about to be shown."""

    def rows(self, query: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[Row]:
        """The result of a query as dictionaries. What comes from outside is a value of it, never its text."""
        found = self._con.execute(query, values)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def row(self, query: str, values: Sequence[object] | Mapping[str, object] = ()) -> Row | None:
        """The first row of a query; None where it has none."""
        return next(iter(self.rows(query, values)), None)

    def has(self, relation: str) -> bool:
        """Whether the viewer sees anything of this relation (`schema.name`) at all."""
        return relation in self._relations

    def salesperson_name(self, salesperson_id: str | None) -> str | None:
        """What to show of who this is: the name, where the viewer may know it; else the publication's key."""
        if salesperson_id is not None:
            self.salespeople_named.add(salesperson_id)
        if salesperson_id is None or salesperson_id not in self._named:
            return salesperson_id
        return self._names.get(salesperson_id, salesperson_id)

    def writer_name(self, who: str) -> str:
        """What to show of whoever has written a record: a salesperson as the viewer may know them.

        Args:
            who: a salesperson's key as it is published, or the name of anybody.
        """
        # By name as well: what stands in a file tells no more than the publication does.
        key = next((key for key, name in self._names.items() if name.casefold() == who.casefold()), who)
        is_salesperson = key in self._names or key in self._named
        return (self.salesperson_name(key) or who) if is_salesperson else who

    @cached_property
    def _relations(self) -> frozenset[str]:
        return frozenset(relations_of(self._con))

    @cached_property
    def _named(self) -> frozenset[str]:
        return frozenset(
            row["salesperson_id"] for row in self.rows("select salesperson_id from marts.salespeople")
        )

    @cached_property
    def last_month(self) -> Any:
        """The newest month with accounts of the company. Shape: date, the month's first day."""
        row = self.row("select max(month) as month from marts.time_windows")
        if row is None or row["month"] is None:
            raise NothingToRead(f"{self.publication.name} has no month with accounts.")
        return row["month"]


class Readers:
    """The publications of one workspace that are open. Safe to use from several threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = Lock()
        self._open: _Open | None = None

    @contextmanager
    def reader(self, viewer: Viewer) -> Generator[Reader]:
        """The current publication for one viewer, for as long as the block runs.

        Raises NothingToRead where nothing is published.
        """
        opened = self._enter()
        try:
            with self._lock:
                catalog = opened.catalogs.get(viewer.key)
                if catalog is None:
                    catalog = f"viewer_{len(opened.catalogs) + 1}"
                    _make_catalog(opened.con, catalog, viewer)
                    opened.catalogs[viewer.key] = catalog
            with opened.con.cursor() as cursor:
                cursor.execute(f"use {identifier(catalog)}")
                yield Reader(opened.publication, viewer, opened.names, cursor, opened.pointer)
        finally:
            self._leave(opened)

    def close(self) -> None:
        """Close what is open; readers that are not done yet keep theirs until they are."""
        with self._lock:
            self._replace(None)

    def _enter(self) -> _Open:
        with self._lock:
            pointer = _pointer(self._workspace)
            opened = self._open
            if opened is None or opened.pointer != pointer:
                opened = _opened(self._workspace, pointer)
                self._replace(opened)
            opened.readers += 1
            return opened

    def _leave(self, opened: _Open) -> None:
        with self._lock:
            opened.readers -= 1
            if opened.is_over and opened.readers == 0:
                opened.con.close()

    def _replace(self, opened: _Open | None) -> None:
        before, self._open = self._open, opened
        if before is not None:
            before.is_over = True
            if before.readers == 0:
                before.con.close()


def _pointer(workspace: Workspace) -> bytes:
    """What says which publication is current and which names there are: quicker to compare than to read."""
    try:
        names = (workspace.personal / NAMES_FILE).stat()
        stamp = f" {names.st_mtime_ns} {names.st_size} {names.st_ino}".encode()
    except FileNotFoundError:
        stamp = b""
    try:
        return (workspace.published / store.POINTER_FILE).read_bytes() + stamp
    except FileNotFoundError:
        return stamp


def _opened(workspace: Workspace, pointer: bytes) -> _Open:
    publication = store.current(workspace.published)
    if publication is None:
        raise NothingToRead("Nothing is published yet; run `kunderegnskab refresh`.")
    con = duckdb.connect(":memory:")
    con.execute(f"attach {literal(publication.database)} as {_PUBLISHED} (read_only)")
    lock(con)
    names = {each.pseudonym: each.salesperson_name or each.pseudonym for each in read_names(workspace)}
    return _Open(publication, pointer, con, names)


def _make_catalog(con: duckdb.DuckDBPyConnection, catalog: str, viewer: Viewer) -> None:
    con.execute(f"attach ':memory:' as {identifier(catalog)}")
    with con.cursor() as cursor:
        cursor.execute(f"use {identifier(catalog)}")
        make_views(cursor, _PUBLISHED, viewer)
