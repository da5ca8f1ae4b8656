"""The current publication in a PostgreSQL database, for tools that read no DuckDB or Parquet.

The tables are made in a schema beside the one that is read, with keys, comments, rights and policies, and
take its place in one transaction, so that nobody waits, and nobody sees half of it. What was there before is
removed when nobody reads it any more. Who sees which rows follows from the same rules as everywhere
(kunderegnskab/reading/scope.py), as row-level security.

Long forms (kpi_values, ...), which are views in the DuckDB file, are tables here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import duckdb

from kunderegnskab.code_version import code_version
from kunderegnskab.environment import NotInEnvironment, filled, named
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.progress import report
from kunderegnskab.pseudonyms import recorded_in
from kunderegnskab.publication import store
from kunderegnskab.publication.store import Publication
from kunderegnskab.reading.reader import Readers
from kunderegnskab.reading.scope import RULES, SEEN, Viewer, condition
from kunderegnskab.sql import identifier, literal
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.company import Postgres, PostgresReader

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Cursor

_BATCH_ROWS = 50_000
# A number of its own among the advisory locks of a database: one delivery at a time.
_LOCK = 0x6B72_6567_6E73
_LOCK_PATIENCE = "2s"
# What the comment of each schema of ours begins with: no other one is touched.
_OURS = "kunderegnskab "
# As few letters of a secret may stand in a sentence.
_TELLING = 3


class NotDelivered(KunderegnskabError):
    """The server did not take the publication. It still has the one before."""


@dataclass(frozen=True)
class _Table:
    """A published table on its way: `source` in DuckDB's file, `name` in its schema there."""

    source: str
    name: str
    is_audit: bool
    columns: tuple[str, ...]
    key: tuple[str, ...]


def deliver(workspace: Workspace, *, again: bool = False) -> str | None:
    """Hand the current publication to the server that company.yaml names, unless it has it.

    What is published stays published, whatever comes of it.

    Args:
        again: also where the server has it already.

    Returns:
        A sentence if that did not succeed.
    """
    settings = workspace.company.publish.postgres
    publication = store.current_if_whole(workspace.published)
    if settings is None or publication is None:
        return None
    try:
        _deliver(workspace, settings, publication, again)
    except NotDelivered as error:
        return (
            f"{publication.name} is published, but PostgreSQL did not take it: {error}. It has what it had "
            "before; the next refresh tries again, and so does `kunderegnskab deliver`."
        )
    return None


def _deliver(workspace: Workspace, settings: Postgres, publication: Publication, again: bool) -> None:
    # Imported here because few deliver, and every refresh would wait for it.
    from adbc_driver_manager import Error
    from adbc_driver_postgresql import dbapi

    try:
        address = filled(settings.address)
        with closing(dbapi.connect(address, autocommit=True)) as con, closing(con.cursor()) as cursor:
            server = _Server(cursor, settings)
            server.take_turn()
            wanted = _stamp(publication, settings)
            if not again and server.stamp() == wanted:
                return
            server.require_roles()
            server.receive(workspace, publication, wanted)
    except NotInEnvironment as error:
        raise NotDelivered(str(error)) from error
    except (Error, duckdb.Error, OSError) as error:
        told = " ".join(str(error).split()).removesuffix(".")
        if _tells_a_secret(told, settings.address):
            told = (
                "it could not be reached, and what it says holds a part of the address's secret; signs such "
                "as @, /, : and % of a password are written %40, %2F, %3A and %25 in an address"
            )
        raise NotDelivered(told) from error


def _tells_a_secret(told: str, address: str) -> bool:
    """Whether a sentence holds some letters of what the environment has, or of the address's password."""
    secrets = [os.environ.get(name, "") for name in named(address)]
    login = address.partition("://")[2].rpartition("@")[0]
    if ":" in login and "$" not in login:
        secrets.append(login.partition(":")[2])
    length = _TELLING + 1
    return any(
        secret[start : start + length] in told
        for secret in secrets
        for start in range(max(len(secret) - _TELLING, 1))
        if secret
    )


def _stamp(publication: Publication, settings: Postgres) -> str:
    """What a schema is made of: the publication, who may read it, and the rules of this version for that."""
    readers = [reader.model_dump() for reader in settings.readers]
    return hashlib.sha256(f"{publication.manifest_sha256} {readers} {code_version()}".encode()).hexdigest()


class _Server:
    """One database, and the schemas of one company in it."""

    def __init__(self, cursor: Cursor, settings: Postgres) -> None:
        self.cursor = cursor
        self.settings = settings
        self.schema = settings.schema_name
        self.next = f"{self.schema}_next"
        self.next_audit = f"{self.schema}_audit_next"

    # --- asking ---------------------------------------------------------------------------------------
    def rows(self, query: str) -> list[tuple[Any, ...]]:
        self.cursor.execute(query)
        return self.cursor.fetchall()

    def do(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self.cursor.execute(statement)

    def take_turn(self) -> None:
        """Let no other delivery into the same schema, until the connection ends."""
        name = literal(self.schema)
        [(is_mine,)] = self.rows(f"select pg_try_advisory_lock({_LOCK} # hashtext({name}))")
        if not is_mine:
            raise NotDelivered("another refresh is handing a publication over at this moment")

    def stamp(self) -> str | None:
        """What the schema that is read was made of; None where there is none."""
        found = self.rows(
            "select obj_description(oid, 'pg_namespace') from pg_namespace "
            f"where nspname = {literal(self.schema)}"
        )
        return None if not found or found[0][0] is None else str(found[0][0]).rpartition(" ")[2]

    def require_roles(self) -> None:
        roles = [reader.role for reader in self.settings.readers]
        known = {name for (name,) in self.rows("select rolname from pg_roles")}
        if missing := [role for role in roles if role not in known]:
            raise NotDelivered(
                f"the server has no role {missing[0]}, which company.yaml lists under publish: postgres: "
                "readers; make it there, or remove it here"
            )

    # --- receiving ------------------------------------------------------------------------------------
    def receive(self, workspace: Workspace, publication: Publication, stamp: str) -> None:
        """Make the schemas beside, then put them in place."""
        schemas = (self.next, self.next_audit)
        self._require_ours((self.schema, f"{self.schema}_audit", *schemas))
        self.do(f"drop schema if exists {identifier(each)} cascade" for each in schemas)
        self.do(f"create schema {identifier(each)}" for each in schemas)
        comment = literal(f"{_OURS}{self.schema} {publication.head} {stamp}")
        self.do(f"comment on schema {identifier(each)} is {comment}" for each in schemas)
        with duckdb.connect(":memory:") as source:
            source.execute(f"attach {literal(publication.database)} as published (read_only)")
            tables = _tables(source, publication)
            for done, table in enumerate(tables):
                self._fill(source, table)
                report(f"handing over to PostgreSQL: {table.name}", done + 1, len(tables))
        self._let_read(workspace, tables)
        self._put_in_place(publication)

    def _require_ours(self, schemas: Sequence[str]) -> None:
        """Raise NotDelivered where somebody else has a schema that would be replaced."""
        for name, comment in self._comments_of_schemas():
            if name in schemas and not (comment or "").startswith(f"{_OURS}{self.schema} "):
                raise NotDelivered(
                    f"the database has a schema {name} that is not this company's; name another one in "
                    "company.yaml (publish: postgres: schema)"
                )

    def _comments_of_schemas(self) -> list[tuple[Any, ...]]:
        return self.rows("select nspname, obj_description(oid, 'pg_namespace') from pg_namespace")

    def _fill(self, source: duckdb.DuckDBPyConnection, table: _Table) -> None:
        schema = self.next_audit if table.is_audit else self.next
        name = f"{identifier(schema)}.{identifier(table.name)}"
        rows = source.sql(f"select * from published.{table.source}").to_arrow_reader(_BATCH_ROWS)
        self.cursor.adbc_ingest(table.name, rows, mode="create", db_schema_name=schema)
        if table.key:
            key = ", ".join(map(identifier, table.key))
            self.do([f"create unique index on {name} ({key}) nulls not distinct"])
        self.do(
            f"comment on {kind} {what} is {literal(text)}"
            for kind, what, text in _comments(source, table, name)
        )

    def _let_read(self, workspace: Workspace, tables: Sequence[_Table]) -> None:
        """Rights of the roles, and policies where some of them see a part of the rows."""
        readers = self.settings.readers
        partly = [reader for reader in readers if reader.sees != "everything"]
        schema, audit = identifier(self.next), identifier(self.next_audit)
        for reader in readers:
            role = identifier(reader.role)
            self.do(f"grant usage on schema {each} to {role}" for each in (schema, audit))
            if reader.sees == "everything":
                self.do(f"grant select on all tables in schema {each} to {role}" for each in (schema, audit))
        if not partly:
            return
        roles = ", ".join(identifier(reader.role) for reader in partly)
        self._note_seen(workspace, partly, roles)
        for table in tables:
            name = f"{audit if table.is_audit else schema}.{identifier(table.name)}"
            rule = RULES.get(table.source)
            if rule is not None:
                self.do([f"grant select on {name} to {roles}"])
            if rule == "everybody":
                continue
            self.do([f"alter table {name} enable row level security"])
            if rule is not None:
                rows = condition(rule, table.columns, self._seen)
                self.do([f"create policy part on {name} for select to {roles} using ({rows})"])
            for reader in readers:
                if reader.sees == "everything":
                    self.do(
                        [f"create policy {identifier(f'all_{reader.role}')} on {name} for select "
                         f"to {identifier(reader.role)} using (true)"]
                    )  # fmt: skip

    def _note_seen(self, workspace: Workspace, partly: Sequence[PostgresReader], roles: str) -> None:
        """Tables of what each role has, of which it reads its own rows alone."""
        for kind, column in SEEN.items():
            name = f"{identifier(self.next)}.{identifier(f'seen_{kind}')}"
            self.do(
                [
                    f"create table {name} (role_name text not null, {column} text not null, "
                    f"primary key (role_name, {column}))",
                    f"grant select on {name} to {roles}",
                    f"alter table {name} enable row level security",
                    f"create policy own on {name} for select to {roles} using (role_name = current_user)",
                ]
            )
        with closing(Readers(workspace)) as readers:
            for reader in partly:
                with readers.reader(_viewer(workspace, readers, reader)) as seen:
                    for kind, column in SEEN.items():
                        found = [row[column] for row in seen.rows(f"select {column} from seen.{kind}")]
                        if found:
                            values = ", ".join(f"({literal(reader.role)}, {literal(each)})" for each in found)
                            self.do([f"insert into {identifier(self.next)}.seen_{kind} values {values}"])

    def _seen(self, kind: str) -> str:
        return f"select {SEEN[kind]} from {identifier(self.next)}.seen_{kind} where role_name = current_user"

    def _put_in_place(self, publication: Publication) -> None:
        """Change names in one transaction; no table is locked, and whoever reads goes on with what it has."""
        present = {name for (name,) in self.rows("select nspname from pg_namespace")}
        moves = []
        for now, coming in ((self.schema, self.next), (f"{self.schema}_audit", self.next_audit)):
            if now in present:
                # Where somebody still reads an earlier one of that number, the next that is free.
                names = (f"{now}_gone_{number}" for number in count(publication.manifest.number))
                gone = next(name for name in names if name not in present)
                moves.append(f"alter schema {identifier(now)} rename to {identifier(gone)}")
            moves.append(f"alter schema {identifier(coming)} rename to {identifier(now)}")
        self.do(["begin", *moves, "commit"])
        self.remove_gone()

    def remove_gone(self) -> None:
        """Remove what was read before, unless somebody still reads it; the next delivery does the rest."""
        self.do([f"set lock_timeout = {literal(_LOCK_PATIENCE)}"])
        for name, comment in self._comments_of_schemas():
            if "_gone_" in name and (comment or "").startswith(f"{_OURS}{self.schema} "):
                with suppress(_errors()):
                    self.do([f"drop schema {identifier(name)} cascade"])


def _errors() -> type[Exception]:
    from adbc_driver_manager import Error

    return Error


def _viewer(workspace: Workspace, readers: Readers, reader: PostgresReader) -> Viewer:
    if reader.sees == "team":
        return Viewer(reader.role, "manager", team=reader.of)
    with readers.reader(Viewer(reader.role, "audit")) as everything:
        publication = everything.publication
        known = {
            row["salesperson_id"] for row in everything.rows("select salesperson_id from marts.salespeople")
        }
    pseudonyms = recorded_in(workspace, publication.name, publication.manifest.parameters)
    salesperson = pseudonyms.of(reader.of) if reader.of not in known else reader.of
    if salesperson not in known:
        raise NotDelivered(
            f"there is no salesperson {reader.of}, whose rows the role {reader.role} may read by company.yaml"
        )
    return Viewer(reader.role, "salesperson", str(salesperson))


def _tables(source: duckdb.DuckDBPyConnection, publication: Publication) -> list[_Table]:
    """What is handed over: every mart and audit table, long forms as tables, and which publication it is."""
    columns: dict[str, list[str]] = {}
    for schema, name, column in source.execute(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where database_name = 'published' order by schema_name, table_name, column_index"
    ).fetchall():
        if schema in ("main", "marts", "audit"):
            columns.setdefault(f"{schema}.{name}", []).append(column)
    marts = publication.manifest.marts
    return [
        _Table(
            relation,
            relation.partition(".")[2],
            relation.startswith("audit."),
            tuple(names),
            tuple((marts[relation].key or ()) if relation in marts else ()),
        )
        for relation, names in columns.items()
    ]


def _comments(source: duckdb.DuckDBPyConnection, table: _Table, name: str) -> Iterable[tuple[str, str, str]]:
    where = "database_name = 'published' and schema_name || '.' || {} = ? and comment is not null"
    for kind, relation in (("duckdb_tables", "table_name"), ("duckdb_views", "view_name")):
        query = f"select comment from {kind}() where {where.format(relation)}"
        for (text,) in source.execute(query, [table.source]).fetchall():
            yield "table", name, text
    query = f"select column_name, comment from duckdb_columns() where {where.format('table_name')}"
    for column, text in source.execute(query, [table.source]).fetchall():
        yield "column", f"{name}.{identifier(column)}", text
