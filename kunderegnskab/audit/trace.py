"""One publication opened for questions: its tables, and its models over the lake files that it was made from.

What was published is read from the publication. What was not (the records, and the models between them and
the marts) is computed again by the SQL that the publication holds in audit.models, over the lake files that
its manifest names. So a posting that a question finds today is the one that was summed then, whatever has
become of the landing folder and of the models since.

Not here: what is asked (explain), and building a whole warehouse again (reperformance.py).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from kunderegnskab.audit.models import Model, read_models
from kunderegnskab.feeds import Feed, load_feeds
from kunderegnskab.file_hash import file_sha256
from kunderegnskab.ingest.load import loaded_records
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.pseudonyms import PLAIN, Pseudonyms, SecretMissing, has_salespeople, recorded_in
from kunderegnskab.publication import store
from kunderegnskab.publication.earlier import relations_of
from kunderegnskab.publication.manifest import InputFile
from kunderegnskab.publication.store import Publication
from kunderegnskab.sql import literal, lock, one_file, qualified
from kunderegnskab.workspace import WAREHOUSE_CATALOG, Workspace

_PUBLISHED = "published"
FISCAL_CALENDAR = "staging.stg_fiscal_months"
# What it is where the months are the periods, as they were in versions without it.
_NO_CALENDAR = (
    "select null::date as listed_from, null::date[] as months, null::date as listed_from_month, "
    "null::bigint[] as fiscal_years, null::date[] as first_days, null::date[] as last_days"
)
_MACROS = Path(__file__).parent / "explain" / "macros.sql"
_CALENDAR_MACROS = _MACROS.with_name("calendar.sql")
# Made from every record, and read several times by what is built on it or asked of it: computed once.
_KEPT = frozenset(
    {
        "intermediate.int_bonus_accruals",
        "intermediate.int_customer_drivers",
        "intermediate.int_customer_groups",
        "intermediate.int_customer_orders",
        "intermediate.int_leaf_months",
        "intermediate.int_ledger_document_differences",
        "intermediate.int_owner_spans",
        "intermediate.int_pool_months",
        "intermediate.int_pool_rate_changes",
        "intermediate.int_pool_receivers",
    }
)


class CannotTrace(KunderegnskabError):
    """The publication, or what it was made from, is not at hand."""


class Trace:
    """A publication's relations on one connection, each by its name of schema and relation.

    Use `opened()` to get one.
    """

    def __init__(
        self, workspace: Workspace, publication: Publication, con: duckdb.DuckDBPyConnection
    ) -> None:
        self.workspace = workspace
        self.publication = publication
        self.con = con
        self._made: set[str] = set()
        con.execute(f"attach ':memory:' as {WAREHOUSE_CATALOG}")
        con.execute(f"attach {literal(publication.database)} as {_PUBLISHED} (read_only)")
        # What was not published is computed over the lake files, which are opened when they are asked for.
        lock(con, folders=[workspace.lake])
        con.execute(f"use {WAREHOUSE_CATALOG}")
        for schema in ("raw", "staging", "intermediate", "marts", "audit"):
            con.execute(f"create schema {schema}")
        con.execute(_MACROS.read_text(encoding="utf-8"))

    @cached_property
    def tables(self) -> frozenset[str]:
        """The published tables and views, as `schema.table`."""
        return frozenset(relations_of(self.con, _PUBLISHED))

    @cached_property
    def models(self) -> dict[str, Model]:
        """The models by `schema.relation`.

        Raises CannotTrace for a publication of a version that did not record them.
        """
        if "audit.models" not in self.tables:
            raise CannotTrace(
                f"{self.publication.name} was published by version {self.publication.manifest.code_version}, "
                "which did not record how it computed; refresh with --full and ask the new publication."
            )
        return read_models(self.con, _PUBLISHED)

    def inputs(self, feed: str) -> list[InputFile]:
        """The files that a feed was read from."""
        return [file for file in self.publication.manifest.inputs if file.feed == feed]

    def pseudonyms_of(self, feed: Feed) -> Pseudonyms:
        """How the publication names the salespeople of a feed.

        Raises CannotTrace when it needs a secret that is not at hand.
        """
        return self.pseudonyms if has_salespeople(feed) else PLAIN

    @cached_property
    def pseudonyms(self) -> Pseudonyms:
        """How the publication names salespeople.

        Raises CannotTrace when it needs a secret that is not at hand.
        """
        try:
            return recorded_in(self.workspace, self.publication.name, self.publication.manifest.parameters)
        except SecretMissing as error:
            raise CannotTrace(str(error)) from error

    def rows(
        self, query: str, values: Sequence[object] = (), *, reads: Sequence[str]
    ) -> list[dict[str, Any]]:
        """The result of a query as dictionaries.

        Args:
            reads: every relation that the query names, as `schema.relation`.
        """
        for relation in reads:
            self.require(relation)
        found = self.con.execute(query, values)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def require(self, relation: str) -> None:
        """Make a relation available under its name, with everything that it reads.

        Raises CannotTrace when there is no such relation, or a lake file is gone or another by now.
        """
        if relation in self._made:
            return
        schema, _, name = relation.partition(".")
        if relation in self.tables:
            query = f"select * from {qualified(_PUBLISHED, schema, name)}"
        elif schema == "raw":
            query = self._records(name)
        elif relation in self.models:
            model = self.models[relation]
            for read in model.reads:
                self.require(read)
            query = model.query
        elif relation == FISCAL_CALENDAR:
            query = _NO_CALENDAR
        else:
            raise CannotTrace(f"{self.publication.name} has no relation {relation}.")
        query = self._with_sheet(query)
        kind = "table" if relation in _KEPT else "view"
        self.con.execute(f"create {kind} {qualified(schema, name)} as {query}")
        self._made.add(relation)
        if relation == FISCAL_CALENDAR:
            self.con.execute(_CALENDAR_MACROS.read_text(encoding="utf-8"))

    @cached_property
    def _knows_sheets(self) -> bool:
        rejects = self.publication.manifest.marts.get("audit.rejects")
        return rejects is not None and any(column.name == "source_sheet" for column in rejects.columns)

    def _with_sheet(self, query: str) -> str:
        """The query with a column source_sheet, NULL where the publication did not note a record's sheet."""
        if self._knows_sheets:
            return query
        names = {row[0] for row in self.con.execute(f"describe {query}").fetchall()}
        if "source_record" not in names or "source_sheet" in names:
            return query
        return f"select *, null::varchar as source_sheet from ({query})"

    def _records(self, feed: str) -> str:
        """View raw.<feed> over the lake files that the publication was made from."""
        feeds = load_feeds()
        if feed not in feeds:
            raise CannotTrace(f"{self.publication.name} has no relation raw.{feed}.")
        files = [self._lake_file(file) for file in self.inputs(feed)]
        self.require("raw.repeated_keys")
        noted = self.con.execute("select 1 from raw.repeated_keys where feed = ? limit 1", [feed]).fetchone()
        pseudonyms = self.pseudonyms_of(feeds[feed])
        return loaded_records(self._as_written(feeds[feed], files), files, noted is not None, pseudonyms)

    def _as_written(self, feed: Feed, files: Sequence[Path]) -> Feed:
        """The feed with the columns that its lake files have; its contract may have got more since."""
        if not files:
            return feed
        listed = ", ".join(map(one_file, files))
        found = self.con.execute(f"select distinct name from parquet_schema([{listed}])")
        written = {name for (name,) in found.fetchall()}
        columns = {name: column for name, column in feed.columns.items() if name in written}
        return feed.model_copy(update={"columns": columns})

    def _lake_file(self, file: InputFile) -> Path:
        path = self.workspace.lake / file.lake_file
        if not path.is_file():
            raise CannotTrace(
                f"lake/{file.lake_file}, the typed copy of {file.path} that {self.publication.name} was made "
                "from, is missing; restore it from a backup, or put the file back and run `kunderegnskab "
                "refresh --full`."
            )
        if file_sha256(path) != file.lake_sha256:
            raise CannotTrace(
                f"lake/{file.lake_file}, the typed copy of {file.path} that {self.publication.name} was made "
                "from, has changed since; restore it from a backup. `kunderegnskab verify` tells what else."
            )
        return path


@contextmanager
def opened(workspace: Workspace, publication: str | None = None) -> Generator[Trace]:
    """A publication to ask.

    Args:
        publication: its name or number; the current one where it is None.

    Raises:
        CannotTrace: there is no such publication, or its data were pruned.
        DamagedPublication: what is current cannot be read.
    """
    found = _publication(workspace, publication)
    if not found.database.is_file():
        raise CannotTrace(
            f"The data of {found.name} have been removed; only its manifest and report are kept."
        )
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as con:
        yield Trace(workspace, found, con)


def _publication(workspace: Workspace, wanted: str | None) -> Publication:
    if wanted is None:
        current = store.current(workspace.published)
        if current is None:
            raise CannotTrace(f"Nothing is published yet in {workspace.root}; run `kunderegnskab refresh`.")
        return current
    for candidate in store.publications(workspace.published):
        if candidate.goes_by(wanted):
            return candidate
    raise CannotTrace(f"There is no publication {wanted}; `kunderegnskab status` names the current one.")
