"""Publishing: the certified warehouse becomes a new, unchangeable publication in one atomic step.

Here: what a publication is made of and the order in which it is made. Not here: whether the warehouse may be
published (quality/certification.py) and what becomes of publications later (store.py).

Everything is written into `.tmp-<run id>/` and read back from there; the manifest comes last. Renaming that
folder is the commit: before it nothing has happened, after it store.recover() can finish the rest. The
current publication is therefore whole and readable at any moment.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, JsonValue

from kunderegnskab.file_hash import file_sha256
from kunderegnskab.problems import KunderegnskabError, told_plainly
from kunderegnskab.progress import Progress, silent
from kunderegnskab.publication import heads, store
from kunderegnskab.publication.content_hash import (
    BATCH_ROWS,
    CanonicalText,
    Column,
    UnsupportedType,
    columns_of,
    header_text,
    row_order,
    row_text,
)
from kunderegnskab.publication.manifest import (
    MANIFEST_FILE,
    CheckOutcome,
    FileContent,
    InputFile,
    Manifest,
    MartColumn,
    MartContent,
    Parameters,
    Record,
    Sha256,
    UtcDatetime,
)
from kunderegnskab.publication.store import Publication
from kunderegnskab.quality import certification
from kunderegnskab.quality.certification import ExpectedCheck, Uncertified, Waiver
from kunderegnskab.sql import BLOCK_BYTES, TEXT, identifier, literal, parquet, qualified

# The oldest storage, which every DuckDB client from 1.1 on reads; 2.0's own default is unreadable to all of
# them.
STORAGE_VERSION = "v1.0.0"
# In the metadata of every Parquet file.
PUBLICATION_KEY = "kunderegnskab.publication"
ENGINES = ("duckdb", "pyarrow", "dbt-core", "dbt-duckdb", "dagster", "pandas", "great-expectations")


_TABLES_AT_ONCE = 2
# The canonical text of a row, beside its columns while they are read; a batch of rows while it is written.
_LINE = "_line of the canonical text"
_BATCH = "_batch_of_rows"


class PublicationError(KunderegnskabError):
    """Nothing was published."""


class NotCertified(PublicationError):
    """The warehouse may not be published. `uncertified` holds the checks that stand in the way."""

    def __init__(self, uncertified: Sequence[Uncertified]) -> None:
        self.uncertified = tuple(uncertified)
        checks = "\n".join(f"  {u.stage} check {u.check_name}: {u.why}" for u in uncertified)
        super().__init__(f"Nothing was published, because these checks do not hold:\n{checks}")


class MartRequest(Record):
    """A warehouse table or view to publish, by its key columns.

    A table is copied, into Parquet too; without a key, rows are sorted by all columns. A view is published as
    a view over the copies, in the DuckDB file alone.
    """

    schema_name: str = Field(pattern=r"^\w+$")
    table: str = Field(pattern=r"^\w+$")
    key: tuple[str, ...] = ()
    query: str | None = None
    """Of a view: its SELECT, which names other published tables as `schema.table`."""
    description: str = ""
    columns: dict[str, str] = Field(default_factory=dict)
    """Descriptions by column."""

    @property
    def name(self) -> str:
        """As `schema.table`."""
        return f"{self.schema_name}.{self.table}"

    def within(self, catalog: str) -> str:
        """The table in a catalog, as SQL."""
        return qualified(catalog, self.schema_name, self.table)

    @property
    def parquet_file(self) -> str:
        """Path in the publication. Marts lie on top, as they are what readers look for."""
        below = "" if self.schema_name == "marts" else f"{self.schema_name}/"
        return f"{store.PARQUET_FOLDER}/{below}{self.table}.parquet"


class PublishRequest(Record):
    """What a publication needs to know and the warehouse does not hold."""

    run_id: str = Field(pattern=r"^[A-Za-z0-9][\w.-]*$")
    made_by: str | None = None
    journal_sha256: Sha256 | None = None
    started_at: UtcDatetime
    company: str
    locale: str
    currency: str
    code_version: str
    code_commit: str | None = None
    lock_sha256: Sha256 | None = None
    input_hash: str
    inputs: list[InputFile]
    parameters: Parameters
    """Company parameters, and content hashes of company.yaml, feeds.yaml and the policy files."""
    allowances: list[dict[str, JsonValue]] = Field(default_factory=list)
    waivers: list[Waiver] = Field(default_factory=list)
    expected_checks: list[ExpectedCheck] = Field(min_length=1)
    marts: list[MartRequest] = Field(min_length=1)
    """Everything to publish of the schemas marts and audit; the check results are added if not named."""
    keep_publications: int = Field(ge=2)

    def all_marts(self) -> list[MartRequest]:
        """The tables to publish, in order of name, with those that certification keeps."""
        certified = [
            MartRequest(schema_name="audit", table="build", key=("load_id",)),
            MartRequest(schema_name="audit", table="check_results", key=("stage", "check_name")),
        ]
        by_name = {mart.name: mart for mart in [*certified, *self.marts]}
        return [by_name[name] for name in sorted(by_name)]


def publish(
    warehouse: Path,
    published: Path,
    request: PublishRequest,
    *,
    write_quality: Callable[[Path], None],
    progress: Progress = silent,
) -> Publication:
    """Publishes the warehouse and makes the publication current.

    `write_quality` writes the quality report into the folder that it is given. It can learn the publication's
    name beforehand from store.next_publication().

    Raises NotCertified when a check hinders it, and PublicationError when a mart is missing or has a column
    that cannot be published exactly (such as DOUBLE), when what was written is not what the warehouse holds,
    or when another process is publishing. Then the current publication stays as it was. It is raised as well
    when the new publication is whole and `current` or `current.json` could not be moved to it.
    """
    published.mkdir(parents=True, exist_ok=True)
    store.require_movable_link(published)
    with store.publishing_lock(published) as is_mine:
        if not is_mine:
            raise PublicationError("Nothing was published, because another process is publishing just now.")
        store.recover_locked(published)
        folder = published / f"{store.TEMPORARY_PREFIX}{request.run_id}"
        spill = published / f"{store.TEMPORARY_PREFIX}spill-{request.run_id}"
        try:
            manifest = _write(folder, spill, warehouse, published, request, write_quality, progress)
            final = published / manifest.publication
            folder.rename(final)
        except BaseException:
            store.remove(folder)
            raise
        finally:
            store.remove(spill)
        store.fsync(published)
        publication = Publication(final.resolve(), manifest, file_sha256(final / MANIFEST_FILE))
        try:
            store.make_current(publication)
        except OSError as error:
            raise PublicationError(
                f"{publication.name} is whole, but readers could not all be led to it, which the next "
                f"refresh does: {told_plainly(error)}"
            ) from error
        try:
            store.prune(published, request.keep_publications)
        except OSError as error:  # published already; the next publication prunes again
            progress(f"old publications could not be pruned: {error}", 1, 1)
        return publication


def _write(
    folder: Path,
    spill: Path,
    warehouse: Path,
    published: Path,
    request: PublishRequest,
    write_quality: Callable[[Path], None],
    progress: Progress,
) -> Manifest:
    """Fills the folder, makes it durable and returns its manifest."""
    marts = request.all_marts()
    tables = [mart for mart in marts if mart.query is None]
    number, name = store.next_publication(published, request.run_id)
    previous = store.current(published)
    published_at = datetime.now(UTC)
    (folder / store.QUALITY_FOLDER).mkdir(parents=True)

    # Extensions are never fetched: a refresh must not depend on the network.
    with duckdb.connect(config={"temp_directory": str(spill), "autoinstall_known_extensions": False}) as con:
        con.execute(f"attach {literal(warehouse)} as warehouse (read_only)")
        # Certified and copied on one connection that holds the file, so nothing can change in between.
        con.execute("use warehouse")
        _require_certified(con, request)
        columns = {mart.name: _columns(con, mart, "warehouse") for mart in tables}
        checks = certification.read_results(con)

        database = folder / store.DATABASE_FILE
        con.execute(
            f"attach {literal(database)} as published "
            # Written whole or not at all, and made durable at the end: a log of changes would only take time.
            f"(storage_version '{STORAGE_VERSION}', block_size {BLOCK_BYTES}, recovery_mode no_wal_writes)"
        )
        for schema in sorted({mart.schema_name for mart in marts}):
            con.execute(f"create schema published.{identifier(schema)}")
        contents: dict[str, MartContent] = {}

        def write(own: duckdb.DuckDBPyConnection, mart: MartRequest) -> None:
            contents[mart.name] = _publish_table(own, mart, columns[mart.name], folder, name)

        def told(done: int, mart: MartRequest) -> None:
            progress(f"publish {mart.name}", done, len(marts) + 1)

        _for_each(con, tables, write, told)
        for mart in marts:
            if mart.query is not None:
                contents[mart.name] = _publish_view(con, mart, mart.query)
        _describe(con, marts)
        con.execute(
            """
            create table published.main._publication as
            select ?::varchar as publication, ?::varchar as run_id, ?::timestamp as published_at,
                ?::varchar as input_hash, ?::varchar as company_name, ?::varchar as currency,
                ?::varchar as locale, ?::varchar as previous
            """,
            [
                name,
                request.run_id,
                published_at.replace(tzinfo=None),
                request.input_hash,
                request.company,
                request.currency,
                request.locale,
                previous.name if previous else None,
            ],
        )
        con.execute("checkpoint published")
        con.execute("detach published")

        # Read back from the closed file, as a reader will.
        con.execute(f"attach {literal(database)} as published (read_only)")

        def read_back(own: duckdb.DuckDBPyConnection, mart: MartRequest) -> None:
            _require_copied(own, mart, contents[mart.name], folder)

        _for_each(con, tables, read_back, lambda *_: None)
        con.execute("detach published")

    progress("write the quality report", len(marts), len(marts) + 1)
    write_quality(folder / store.QUALITY_FOLDER)

    shared = request.model_dump(exclude={"expected_checks", "marts", "keep_publications"})
    manifest = Manifest(
        **shared,
        number=number,
        publication=name,
        published_at=published_at,
        engines=_engines(),
        marts={mart.name: contents[mart.name] for mart in marts},
        files={
            file: FileContent(sha256=file_sha256(folder / file), size=(folder / file).stat().st_size)
            for file in store.files_below(folder)
        },
        checks=[
            CheckOutcome.model_validate(check.model_dump(include=set(CheckOutcome.model_fields)))
            for check in checks
        ],
        previous=previous.reference if previous else None,
    )
    (folder / MANIFEST_FILE).write_bytes(manifest.canonical())
    heads.sign(folder, file_sha256(folder / MANIFEST_FILE))
    for path in [*folder.rglob("*"), folder]:
        store.fsync(path)
    progress("publish", len(marts) + 1, len(marts) + 1)
    return manifest


def _for_each(
    con: duckdb.DuckDBPyConnection,
    marts: Sequence[MartRequest],
    work: Callable[[duckdb.DuckDBPyConnection, MartRequest], None],
    told: Callable[[int, MartRequest], None],
) -> None:
    """Does the work for every table, each on a connection of its own, the largest tables first.

    What DuckDB cannot do on all cores by itself, hashing and writing Parquet, goes on beside what it can.

    Args:
        told: called with how many tables are done and the last of them.
    """
    sizes = dict(
        con.execute(
            "select schema_name || '.' || table_name, estimated_size from duckdb_tables() "
            "where database_name = 'warehouse'"
        ).fetchall()
    )

    def work_on(mart: MartRequest) -> MartRequest:
        with con.cursor() as own:
            work(own, mart)
        return mart

    with ThreadPoolExecutor(_TABLES_AT_ONCE) as pool:
        ordered = sorted(marts, key=lambda mart: sizes.get(mart.name, 0), reverse=True)
        try:
            futures = [pool.submit(work_on, mart) for mart in ordered]
            for done, future in enumerate(as_completed(futures), start=1):
                told(done, future.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _require_certified(con: duckdb.DuckDBPyConnection, request: PublishRequest) -> None:
    hindrances = certification.uncertified(con, request.expected_checks, request.waivers)
    build = certification.current_build(con)
    # The checks passed for this build; the manifest must not name other inputs or other code for it.
    if build is not None:
        for what in ("input_hash", "code_version"):
            if (built := getattr(build, what)) != (asked := getattr(request, what)):
                why = f"the warehouse was built with {what} {built}, not {asked}; refresh again"
                hindrances.append(Uncertified(check_name="build", stage="dbt", why=why))
    if hindrances:
        raise NotCertified(hindrances)


def _columns(con: duckdb.DuckDBPyConnection, mart: MartRequest, catalog: str) -> list[Column]:
    try:
        columns = columns_of(con, mart.within(catalog))
        header_text(columns)
    except (duckdb.CatalogException, UnsupportedType) as error:
        raise PublicationError(f"{mart.name} cannot be published: {error}") from error
    if missing := set(mart.key) - {column.name for column in columns}:
        raise PublicationError(f"{mart.name} cannot be published: it has no key column {sorted(missing)}.")
    return columns


def _publish_table(
    con: duckdb.DuckDBPyConnection, mart: MartRequest, columns: list[Column], folder: Path, publication: str
) -> MartContent:
    """Copies one table into the attached publication and into Parquet; tells what the warehouse holds.

    The warehouse is read once, in order: what is hashed is what is written.
    """
    source, copy = mart.within("warehouse"), mart.within("published")
    declared = ", ".join(f"{identifier(column.name)} {column.type}" for column in columns)
    con.execute(f"create table {copy} ({declared})")
    file = folder / mart.parquet_file
    file.parent.mkdir(parents=True, exist_ok=True)
    text = CanonicalText(header_text(columns))
    # The lines are made after sorting, so that only the columns are sorted and not their text too.
    ordered = f"(select * from {source} order by {row_order(columns, mart.key)})"
    batches = con.sql(f"select *, {row_text(columns)} as {identifier(_LINE)} from {ordered}").to_arrow_reader(
        BATCH_ROWS
    )
    names = batches.schema.names[:-1]
    schema = pa.schema([batches.schema.field(name) for name in names])
    # The rows are being read on the connection, so they are written on another.
    with (
        con.cursor() as writing,
        # Text repeats itself and amounts do not: a dictionary of them takes twice the time and more room.
        pq.ParquetWriter(
            file,
            schema,
            compression="zstd",
            store_schema=False,
            use_dictionary=[column.name for column in columns if column.type == TEXT],
            store_decimal_as_integer=True,
        ) as writer,
    ):
        # A reader of several files can tell whether they are of one publication.
        writer.add_key_value_metadata({PUBLICATION_KEY: publication})
        # pyarrow and not DuckDB writes the file: fixed row groups give the same bytes from any engine's rows.
        for batch in batches:
            text.add(batch.column(len(names)))
            rows = batch.select(names)
            writer.write_batch(rows, row_group_size=BATCH_ROWS)
            writing.register(_BATCH, rows)
            writing.execute(f"insert into {copy} select * from {_BATCH}")
            writing.unregister(_BATCH)
    content = text.content()
    return MartContent(
        rows=content.rows,
        content_sha256=content.sha256,
        key=list(mart.key),
        columns=[MartColumn(name=column.name, type=column.type) for column in columns],
    )


def _require_copied(
    con: duckdb.DuckDBPyConnection, mart: MartRequest, content: MartContent, folder: Path
) -> None:
    """Both copies of a table must hold the rows that the warehouse holds, as many as were hashed."""
    columns = [column.name for column in content.columns]
    _, whole = _rows_of(con, mart.within("warehouse"), columns)
    for copy, file in (
        (parquet(folder / mart.parquet_file), mart.parquet_file),
        (mart.within("published"), store.DATABASE_FILE),
    ):
        rows, held = _rows_of(con, copy, columns)
        if (rows, held) != (content.rows, whole):
            raise PublicationError(
                f"Nothing was published: {mart.name} read back from {file} is not what the warehouse holds "
                f"({rows} rows, {content.rows} expected)."
            )


def _rows_of(con: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]) -> tuple[int, int]:
    """How many rows a relation has, and the sum of DuckDB's own hashes of them.

    Quick, and alike for two copies of the same rows in any order; but only as one process reads them, for
    another DuckDB may hash otherwise. What anyone can recompute is the SHA-256 in the manifest.
    """
    listed = ", ".join(map(identifier, columns))
    ((rows, held),) = con.execute(
        f"select count(*), coalesce(sum(cast(hash({listed}) as hugeint)), 0) from {relation}"
    ).fetchall()
    return rows, held


def _publish_view(con: duckdb.DuckDBPyConnection, mart: MartRequest, query: str) -> MartContent:
    """Makes a view of the copied tables in the attached publication, and tells what it holds."""
    with con.cursor() as own:
        # What the query names must be found among what is published, and nowhere else.
        own.execute("use published")
        try:
            own.execute(f"create view {mart.within('published')} as {query}")
        except duckdb.Error as error:
            raise PublicationError(
                f"{mart.name} cannot be published: its query does not run on the published tables: {error}"
            ) from error
        columns = _columns(own, mart, "published")
        ((rows,),) = own.execute(f"select count(*) from {mart.within('published')}").fetchall()
    return MartContent(
        rows=rows,
        content_sha256=None,
        key=list(mart.key),
        columns=[MartColumn(name=column.name, type=column.type) for column in columns],
        query=query,
    )


def _describe(con: duckdb.DuckDBPyConnection, marts: Sequence[MartRequest]) -> None:
    """Writes what tables, views and columns mean into the attached publication."""
    statements = []
    for mart in marts:
        target = mart.within("published")
        if mart.description:
            kind = "table" if mart.query is None else "view"
            statements.append(f"comment on {kind} {target} is {literal(mart.description)}")
        statements += [
            f"comment on column {target}.{identifier(column)} is {literal(description)}"
            for column, description in mart.columns.items()
        ]
    if statements:
        # At once: each by itself would write the catalog again.
        con.execute(f"begin; {'; '.join(statements)}; commit")


def _engines() -> dict[str, str]:
    engines = {"python": platform.python_version()}
    for package in ENGINES:
        try:
            engines[package] = version(package)
        except PackageNotFoundError:
            continue
    return engines
