"""The lake: one typed Parquet file per landing file and mapping, kept by content.

A file that was read before with the same mapping is not read again. `readers` and
`typed` read one file; `load` turns the lake into a warehouse.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from queue import SimpleQueue
from threading import Lock

import duckdb
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from kunderegnskab.feeds import Feed, load_feeds
from kunderegnskab.feeds.contracts import SOURCE_COLUMNS
from kunderegnskab.file_hash import file_sha256
from kunderegnskab.ingest import typed
from kunderegnskab.ingest.fingerprints import KnownFiles, known_files
from kunderegnskab.ingest.landing import (
    LandingFile,
    before_reading,
    fingerprint,
    links_out,
    lookup_path,
    refuse_change,
    refused_link,
    source_paths,
)
from kunderegnskab.ingest.readers import (
    Records,
    column_names,
    declared_wrongly,
    read_records,
    refuse_wrong_encoding,
    written,
)
from kunderegnskab.ingest.totals import RECORD_COUNT, control_totals
from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.progress import Progress, silent
from kunderegnskab.pseudonyms import of_today
from kunderegnskab.sql import in_both_forms, literal, lock, parquet
from kunderegnskab.workspace import FeedSource, Workspace

# DuckDB reads a file of ordinary size on one core.
_FILES_AT_A_TIME = 2
# Part of every lake file's key: raise it when the same file and mapping give another result.
READING_VERSION = 8
# How long reading may take, or a bad expression would hold up every refresh: seconds for any file, and bytes
# in a second, a tenth of what a slow machine manages.
LEAST_SECONDS = 600
SLOWEST = 100_000


class Receipt(BaseModel):
    """What came of reading one landing file for one feed; stands beside its lake file.

    `source_file` and `lookups` name files relative to the workspace, `lake_file` relative to the lake.

    `control_totals` are taken when the file was read: the records read, and of those loaded the sums that
    `totals.measures` names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    feed: str
    source_file: str
    file_sha256: str
    size: int
    lookups: dict[str, str]
    lake_file: str
    lake_sha256: str
    records_read: int
    records_loaded: int
    records_rejected: int
    records_left_out: int
    control_totals: dict[str, Decimal]
    # Mapped columns that no record of the file has (JSON); they were read as empty.
    absent_columns: tuple[str, ...] = ()
    # The mapping that asked for it and what that allows for all its files together: as they are today,
    # so never kept in the lake.
    source: str = ""
    rejects_allowed: int = 0
    allowance_reason: str | None = None
    leaves_out: str | None = None

    def agrees_with(self, other: Receipt) -> bool:
        """Whether both say the same of the file and of its lake file, as a publication records it."""
        return all(getattr(self, name) == getattr(other, name) for name in _OF_THE_FILE)


_OF_THE_FILE = frozenset(Receipt.model_fields) - {
    "absent_columns",
    "source",
    "rejects_allowed",
    "allowance_reason",
    "leaves_out",
}


class ExpectedFiles(BaseModel):
    """A source of which a file is expected for every month from `first_month` on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feed: str
    source: str
    first_month: date


@dataclass(frozen=True)
class Intake:
    """All files of a workspace as lake files.

    Attributes:
        receipts: one per landing file and feed, in the order of the contracts.
        read: names of the files that had to be read, the others were known.
        expected: sources of which a file is expected for every month.
    """

    receipts: tuple[Receipt, ...]
    read: tuple[str, ...]
    expected: tuple[ExpectedFiles, ...] = ()

    @property
    def supplied(self) -> set[str]:
        """Feeds that have at least one file."""
        return {receipt.feed for receipt in self.receipts}

    @property
    def files(self) -> dict[str, str]:
        """SHA-256 of every file that was read, lookups included, by name."""
        files: dict[str, str] = {}
        for receipt in self.receipts:
            files |= {receipt.source_file: receipt.file_sha256, **receipt.lookups}
        return files


@dataclass(frozen=True)
class Job:
    """A file to read, and how."""

    entry: FeedSource
    plan: typed.Plan
    file: LandingFile
    lookups: dict[str, LandingFile]

    @property
    def key(self) -> str:
        """Changes with the file, its name, a lookup, the mapping, the contract or the company's zone."""
        recipe = {
            "version": READING_VERSION,
            "file": [self.file.name, self.file.sha256],
            "lookups": {name: [file.name, file.sha256] for name, file in self.lookups.items()},
            "source": self.entry.source.model_dump(
                mode="json", exclude={"allow_rejects", "leaves_out", "monthly_since", "shares_files"}
            ),
            "feed": self.plan.feed.model_dump(mode="json"),
            "timezone": self.plan.timezone,
        }
        return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()

    @property
    def lake_file(self) -> str:
        """Relative to the lake."""
        return f"{self.entry.feed}/{self.key}.parquet"


@dataclass(frozen=True)
class _Reader:
    con: duckdb.DuckDBPyConnection
    scratch: Path


def take_in(
    workspace: Workspace,
    lake: Path,
    progress: Progress = silent,
    *,
    again: bool = False,
    published: Iterable[Receipt] = (),
) -> Intake:
    """Read every file that the workspace's mappings name, unless the lake has it already.

    Args:
        lake: the workspace's lake, or a scratch folder where nothing is to be kept.
        again: read files even if the lake has them.
        published: what the current publication says of lake files. One whose receipt says something else is
            read again: somebody may have changed both.

    Raises:
        InputProblems: files or mappings that cannot be used, all of them at once.
    """
    problems: list[InputProblem] = []
    with _fingerprints(workspace, lake, again=again) as known:
        jobs = _jobs(workspace, known, problems)
        problems += _repeated_content(jobs) + _read_by_several_sources(jobs)
        said = {receipt.lake_file: receipt for receipt in published}
        receipts, new = _take_in(jobs, lake, progress, known, said, problems, again=again)
    if problems:
        raise InputProblems(list(dict.fromkeys(problems)))
    expected = [
        ExpectedFiles(feed=entry.feed, source=entry.label, first_month=entry.source.monthly_since)
        for entry in workspace.sources
        if entry.source.monthly_since is not None
    ]
    return Intake(receipts, tuple(job.file.name for job in new), tuple(expected))


def read_a_second_time(
    workspace: Workspace, lake: Path, wanted: Collection[str], progress: Progress = silent
) -> tuple[tuple[Receipt, ...], list[InputProblem]]:
    """Read into a scratch folder what lake files were made from, as far as it is what it was then.

    Args:
        lake: the scratch folder.
        wanted: names of lake files. All else that lies in the workspace is left alone, whatever it is.

    Returns:
        The receipts of those that could be made again, and what is wrong in the workspace.
    """
    problems: list[InputProblem] = []
    known = KnownFiles(workspace.root, None)
    jobs = [job for job in _jobs(workspace, known, problems) if job.lake_file in wanted]
    receipts, _ = _take_in(jobs, lake, progress, known, {}, problems, again=True)
    return receipts, problems


def take_in_others(
    workspace: Workspace, sources: Iterable[FeedSource], lake: Path, progress: Progress = silent
) -> tuple[Receipt, ...]:
    """Read files that the workspace's mappings do not name, by the same door.

    Args:
        sources: where they lie, and how they are read.
        lake: the folder that they are read into; receipts name lake files relative to the workspace's lake.

    Raises:
        InputProblems: files that cannot be used, all of them at once.
    """
    problems: list[InputProblem] = []
    known = KnownFiles(workspace.root, None)
    jobs, _ = _jobs_of(workspace, sources, known, problems)
    receipts, _ = _take_in(jobs, lake, progress, known, {}, problems, again=True)
    if problems:
        raise InputProblems(list(dict.fromkeys(problems)))
    # Without links: `..` leads up from where a link leads to.
    place = Path(os.path.relpath(os.path.realpath(lake), os.path.realpath(workspace.lake)))
    return tuple(
        receipt.model_copy(update={"lake_file": (place / receipt.lake_file).as_posix()})
        for receipt in receipts
    )


@contextmanager
def _fingerprints(workspace: Workspace, lake: Path, *, again: bool) -> Generator[KnownFiles]:
    if lake == workspace.lake:
        with known_files(workspace, again=again) as known:
            yield known
    else:
        yield KnownFiles(workspace.root, None)


def _take_in(
    jobs: Sequence[Job],
    lake: Path,
    progress: Progress,
    known: KnownFiles,
    published: Mapping[str, Receipt],
    problems: list[InputProblem],
    *,
    again: bool,
) -> tuple[tuple[Receipt, ...], list[Job]]:
    """The receipts of files that could be read, and what had to be read; `problems` takes the rest."""
    lake.mkdir(parents=True, exist_ok=True)
    kept = [None if again else _known(job, lake, known, published) for job in jobs]
    new = [job for job, receipt in zip(jobs, kept, strict=True) if receipt is None]
    receipts: list[Receipt] = []
    done = len(jobs) - len(new)
    one_at_a_time = Lock()
    with _side_by_side(
        lambda reader, job: _read(reader, job, lake, known, one_at_a_time), new, lake
    ) as outcomes:
        for job, receipt in zip(jobs, kept, strict=True):
            if receipt is None:
                progress(f"reading {job.file.name}", done, len(jobs))
                done += 1
                try:
                    receipt = next(outcomes).result()
                except InputProblems as error:
                    problems.extend(error.problems)
                    continue
            receipts.append(_with_source(receipt, job.entry))
    progress("reading files", len(jobs), len(jobs))
    return tuple(receipts), new


def sweep(lake: Path) -> None:
    """Remove what a killed reading left behind."""
    for leftover in lake.glob(".reading-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def input_files(workspace: Workspace) -> dict[str, str]:
    """SHA-256 of every file that a refresh would read, lookups included, by name.

    Raises:
        InputProblems: a file cannot be fingerprinted, or sales lines are missing.
    """
    problems: list[InputProblem] = []
    with known_files(workspace) as known:
        jobs = _jobs(workspace, known, problems)
    if problems:
        raise InputProblems(problems)
    return {file.name: file.sha256 for job in jobs for file in (job.file, *job.lookups.values())}


def input_hash(workspace: Workspace, files: Mapping[str, str]) -> str:
    """One hash over everything a company supplied: its files and its configuration.

    Args:
        files: SHA-256 by name, as `input_files` or `Intake.files` give it.
    """
    inputs = {
        "files": dict(files),
        "configuration": configuration_hashes(workspace),
        "salesperson_keys": of_today(workspace, texts=False).fingerprint,
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def configuration_hashes(workspace: Workspace) -> dict[str, str]:
    """SHA-256 of company.yaml, feeds.yaml and waivers.yaml, by name, those that exist."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in workspace.configuration_files()
    }


def _jobs(workspace: Workspace, known: KnownFiles, problems: list[InputProblem]) -> list[Job]:
    problems += workspace.configuration_problems()
    if problems:
        return []
    jobs, supplied = _jobs_of(workspace, workspace.sources, known, problems)
    problems += _missing_feeds(workspace, supplied)
    return jobs


def _jobs_of(
    workspace: Workspace, sources: Iterable[FeedSource], known: KnownFiles, problems: list[InputProblem]
) -> tuple[list[Job], set[str]]:
    """What there is to read of these sources, and the feeds that have a file; `problems` takes the rest."""
    feeds = load_feeds()
    jobs: list[Job] = []
    seen: dict[Path, LandingFile] = {}

    def fingerprinted(path: Path) -> LandingFile:
        if path not in seen:
            seen[path] = fingerprint(path, workspace.relative(path), known)
        return seen[path]

    supplied: set[str] = set()
    for entry in sources:
        links = [
            refused_link(workspace, link, base)
            for base, pattern in _places(workspace, entry)
            for link in links_out(base, pattern)
        ]
        if links or source_paths(entry):
            supplied.add(entry.feed)
        if links:
            problems += links
            continue
        try:
            if entry.is_canonical:
                path = entry.base / entry.source.files
                entry = _with_its_columns(entry, feeds[entry.feed], fingerprinted(path), known)
            plan = typed.plan(feeds[entry.feed], entry.source, entry.label, workspace.company.timezone)
            lookups = {
                name: fingerprinted(lookup_path(workspace, entry, name, lookup))
                for name, lookup in entry.source.lookups.items()
            }
        except InputProblems as error:
            problems.extend(error.problems)
            continue
        for path in source_paths(entry):
            try:
                jobs.append(Job(entry, plan, fingerprinted(path), lookups))
            except InputProblems as error:
                problems.extend(error.problems)
    return jobs, supplied


def _places(workspace: Workspace, entry: FeedSource) -> list[tuple[Path, str]]:
    """(folder, glob) of all files that a source reads."""
    lookups = [(workspace.landing, lookup.files) for lookup in entry.source.lookups.values()]
    return [(entry.base, entry.source.files), *lookups]


def job_of(
    workspace: Workspace, entry: FeedSource, file: LandingFile, lookups: Mapping[str, str], known: KnownFiles
) -> Job:
    """How a file of a source is read today, if its lookups are what they were then.

    Args:
        lookups: SHA-256 by name relative to the workspace, as a receipt has them.

    Raises:
        InputProblems: the mapping cannot be used, or a lookup is not one of those files.
    """
    feed = load_feeds()[entry.feed]
    if entry.is_canonical:
        entry = _with_its_columns(entry, feed, file, known)
    plan = typed.plan(feed, entry.source, entry.label, workspace.company.timezone)
    looked_up = {}
    for name, lookup in entry.source.lookups.items():
        path = lookup_path(workspace, entry, name, lookup)
        place = workspace.relative(path)
        looked_up[name] = LandingFile(path, place, lookups.get(place, ""), 0, 0)
    return Job(entry, plan, file, looked_up)


def _with_its_columns(entry: FeedSource, feed: Feed, file: LandingFile, known: KnownFiles) -> FeedSource:
    """A canonical file maps those columns of its feed that it has.

    Raises:
        InputProblems: it lacks a required column, or has one that the feed does not know: a misspelt
            name would otherwise leave a column empty unnoticed.
    """
    found = known.columns(file.path)
    if found is None:
        found = tuple(column_names(file.path, file.name, entry.source.format))
    problems = [
        InputProblem(
            file.name,
            f"{name or 'a column without a name'} is not a column of the feed {feed.name}",
            f"remove it, or use one of {', '.join(feed.columns)}",
        )
        for name in found
        if name not in feed.columns
    ]
    problems += [
        InputProblem(
            file.name, "the required column is missing", "deliver the file with that column", column=name
        )
        for name, column in feed.columns.items()
        if column.required and column.default is None and name not in found
    ]
    if problems:
        form = entry.source.format
        is_known = form.type == "csv" and declared_wrongly(
            file.path, file.name, form, lambda fields: bool(fields) and set(fields) <= set(feed.columns)
        )
        raise InputProblems([is_known] if is_known else problems)
    # Only now, because what stands in the header of a file without one may be personal.
    known.note_columns(file.path, found)
    columns = {name: name for name in feed.columns if name in found}
    return replace(entry, source=entry.source.model_copy(update={"columns": columns}))


def _missing_feeds(workspace: Workspace, supplied: set[str]) -> list[InputProblem]:
    problems = []
    for feed in load_feeds().values():
        if feed.required and feed.name not in supplied:
            patterns = [entry.source.files for entry in workspace.sources if entry.feed == feed.name]
            looked = ", ".join(f"landing/{pattern}" for pattern in patterns) or f"landing/{feed.name}.csv"
            problems.append(
                InputProblem(
                    looked,
                    f"there is no file for the required feed {feed.name}",
                    "deliver one, or correct feeds.yaml",
                )
            )
    return problems


def _repeated_content(jobs: Sequence[Job]) -> list[InputProblem]:
    problems = []
    first: dict[tuple[str, str], str] = {}
    for job in jobs:
        earlier = first.setdefault((job.entry.feed, job.file.sha256), job.file.name)
        if earlier != job.file.name:
            problems.append(
                InputProblem(
                    job.file.name, f"has the same content as {earlier}", "remove one of the two files"
                )
            )
    return problems


def _read_by_several_sources(jobs: Sequence[Job]) -> list[InputProblem]:
    """Files whose records would count once for each source, unless all of these say that it shall be so."""
    readers: dict[tuple[str, str], list[FeedSource]] = {}
    for job in jobs:
        readers.setdefault((job.entry.feed, job.file.name), []).append(job.entry)
    return [
        InputProblem(
            name,
            f"is read by {len(entries)} sources of {feed}, so its records would count more than once: "
            + " and ".join(f"{entry.label} ({entry.source.files})" for entry in entries),
            "correct `files` so that one source reads it, or say in `shares_files` of each why all do",
        )
        for (feed, name), entries in readers.items()
        if len(entries) > 1 and not all(entry.source.shares_files for entry in entries)
    ]


def _with_source(receipt: Receipt, entry: FeedSource) -> Receipt:
    allowed = entry.source.allow_rejects
    return receipt.model_copy(
        update={
            "source": entry.label,
            "rejects_allowed": allowed.count if allowed else 0,
            "allowance_reason": allowed.reason if allowed else None,
            "leaves_out": entry.source.leaves_out,
        }
    )


def _known(job: Job, lake: Path, known: KnownFiles, published: Mapping[str, Receipt]) -> Receipt | None:
    path = (lake / job.lake_file).with_suffix(".json")
    try:
        receipt = Receipt.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    kept = lake / receipt.lake_file
    # What was changed behind our back is read again from the source.
    if not receipt.agrees_with(published.get(job.lake_file, receipt)):
        return None
    return receipt if kept.is_file() and known.sha256(kept) == receipt.lake_sha256 else None


def _read(reader: _Reader, job: Job, lake: Path, known: KnownFiles, one_at_a_time: Lock) -> Receipt:
    con, scratch = reader.con, reader.scratch
    with one_at_a_time:
        # A lookup of several files is hashed once.
        for file in (job.file, *job.lookups.values()):
            before_reading(file, known)
    records = _records(job, scratch)
    target = scratch / "typed.parquet"
    counts = typed.write_typed(
        con,
        job.plan,
        records,
        name=job.file.name,
        sha256=job.file.sha256,
        target=target,
        seconds=LEAST_SECONDS + job.file.size / SLOWEST,
    )
    read = sum(counts.values())
    loaded = f"(from {parquet(target)} where _record_status = 'loaded')"
    totals = control_totals(con, job.plan.feed, loaded) | {RECORD_COUNT: Decimal(read)}
    for file in (job.file, *job.lookups.values()):
        refuse_change(file)
    receipt = Receipt(
        feed=job.entry.feed,
        source_file=job.file.name,
        file_sha256=job.file.sha256,
        size=job.file.size,
        lookups={file.name: file.sha256 for file in job.lookups.values()},
        lake_file=job.lake_file,
        lake_sha256=_kept_sha256(target, lake / job.lake_file),
        records_read=read,
        records_loaded=counts.get("loaded", 0),
        records_rejected=counts.get("rejected", 0),
        records_left_out=counts.get("left_out", 0),
        control_totals=totals,
        absent_columns=records[""].absent,
    )
    _keep(target, receipt, lake)
    with one_at_a_time:
        known.look_up(lake / receipt.lake_file)  # the sooner it is seen, the sooner it is known
    for made in scratch.iterdir():
        if made.is_file():
            made.unlink()
    return receipt


def _kept_sha256(made: Path, before: Path) -> str:
    """The SHA-256 of a lake file that was just made.

    Where the lake has one of the same records already, `made` becomes that one: earlier publications cite its
    bytes, and another version of DuckDB writes others.
    """
    sha256 = file_sha256(made)
    if before.is_file() and (known := file_sha256(before)) != sha256 and not differing_records(before, made):
        os.replace(before, made)
        return known
    return sha256


def _records(job: Job, scratch: Path) -> dict[str, Records]:
    """Lookup name ("" for the file itself) -> its records as text; written where records are looked up."""
    source = job.entry.source
    with duckdb.connect() as files:
        # A moment in a Parquet file is written with its zone, which must be the same on every machine.
        files.execute("set TimeZone = 'UTC'")
        wanted = job.plan.wanted
        target = scratch / "records.parquet"
        own = read_records(files, job.file.path, job.file.name, source.format, wanted[""], target)
        if not job.lookups:
            return {"": own}
        records = {"": written(files, own, target)}
        for name, file in job.lookups.items():
            form, target = source.lookups[name].format, scratch / f"lookup_{name}.parquet"
            looked_up = read_records(files, file.path, file.name, form, wanted[name], target)
            records[name] = written(files, looked_up, target)
            refuse_wrong_encoding(files, records[name], file.name, form)
        return records


def _keep(made: Path, receipt: Receipt, lake: Path) -> None:
    """Move a lake file into place; the receipt comes last and is what makes it count."""
    target = lake / receipt.lake_file
    target.parent.mkdir(exist_ok=True)
    target.with_suffix(".json").unlink(missing_ok=True)
    _sync(made)
    os.replace(made, target)
    note = made.with_suffix(".json")
    note.write_text(receipt.model_dump_json(indent=1) + "\n", encoding="utf-8")
    _sync(note)
    os.replace(note, target.with_suffix(".json"))


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


@contextmanager
def _side_by_side(
    read: Callable[[_Reader, Job], Receipt], jobs: Sequence[Job], lake: Path
) -> Generator[Iterator[Future[Receipt]]]:
    """What reading each file gives, in their order; some are read at a time, each by a reader of its own.

    Files that have not begun are left when the block is left by an error.
    """
    if not jobs:
        yield iter(())
        return
    with ExitStack() as opened, ThreadPoolExecutor(_FILES_AT_A_TIME) as pool:
        readers: SimpleQueue[_Reader] = SimpleQueue()
        connections: list[duckdb.DuckDBPyConnection] = []
        landing = [job.file.path for job in jobs]
        for _ in range(min(_FILES_AT_A_TIME, len(jobs))):
            reader = opened.enter_context(_confined_reader(lake, landing, jobs[0].plan.timezone))
            connections.append(reader.con)
            readers.put(reader)

        def read_next(job: Job) -> Receipt:
            reader = readers.get()
            try:
                return read(reader, job)
            finally:
                readers.put(reader)

        try:
            yield iter([pool.submit(read_next, job) for job in jobs])
        finally:
            # Whoever leaves in the middle, because of an error or because it was told to stop, does not wait.
            for con in connections:
                con.interrupt()
            pool.shutdown(cancel_futures=True)


@contextmanager
def _confined_reader(lake: Path, landing: Iterable[Path], zone: str) -> Generator[_Reader]:
    """Where the SQL of mappings runs: no network, and no files but these and the scratch folder.

    Args:
        zone: the company's, in which a moment's day and clock are; else they would be those of the machine.
    """
    scratch = Path(tempfile.mkdtemp(prefix=".reading-", dir=lake))
    try:
        with duckdb.connect() as con:
            con.execute(f"set allowed_paths = [{in_both_forms(landing)}]")
            con.execute(f"set temp_directory = {literal(scratch / 'spill')}")
            con.execute(f"set memory_limit = '{80 // _FILES_AT_A_TIME}%'")
            # What two expressions share would be computed before TRY is asked, and one unreadable value in it
            # would stop the whole file.
            con.execute("set disabled_optimizers = 'common_subexpressions'")
            con.execute(f"set TimeZone = {literal(zone)}")
            lock(con, folders=[scratch])
            yield _Reader(con, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def feed_relation(feed: Feed, files: Sequence[Path], status: str, *, with_lake_file: bool = False) -> str:
    """SQL of a feed's records of one status over lake files, typed; empty where there are no files.

    Args:
        with_lake_file: add `_lake_file`, the name of the file that a record stands in, and `_place`, what it
            was read from: a file, or a sheet of one.
    """
    if not files:
        columns = {**{name: column.sql_type for name, column in feed.columns.items()}, **SOURCE_COLUMNS}
        nothing = ", ".join(f"cast(null as {sql_type}) as {name}" for name, sql_type in columns.items())
        return f"select {nothing} where false"
    more = ["_lake_file", "_place"] if with_lake_file else []
    columns = ", ".join([*feed.columns, *SOURCE_COLUMNS, *more])
    return f"select {columns} from {lake_records(files)} where _record_status = {literal(status)}"


def differing_records(one: Path, other: Path) -> list[int]:
    """Numbers of the first ten records in which two lake files differ; 1 where one is no lake file."""
    with duckdb.connect() as con:
        try:
            found = con.execute(
                f"""
                select coalesce(one._source_record, other._source_record) as record
                from (select * exclude (_lake_file, _place) from {lake_records([one])}) as one
                full join (select * exclude (_lake_file, _place) from {lake_records([other])}) as other
                    on one._source_record = other._source_record
                where one is distinct from other
                order by record limit 10
                """
            ).fetchall()
        except (duckdb.Error, ValueError, OSError):  # pyarrow raises the latter two
            return [1]
    return [record for (record,) in found]


def sheet_of(lake_file: Path) -> str | None:
    """The sheet of a workbook that a lake file was read from; empty for a file without sheets or records.

    None for a lake file of a version that did not note it.
    """
    if "_source_sheet" not in pq.read_schema(lake_file).names:
        return None
    with duckdb.connect() as con:
        found = con.execute(f"select _source_sheet from {lake_records([lake_file])} limit 1").fetchone()
    return found[0] if found is not None else ""


def lake_records(files: Sequence[Path]) -> str:
    """SQL of all records in lake files, in parentheses.

    With `_source_record`, `_source_sheet` (empty for a file without sheets), `_lake_file` and `_place`.

    Args:
        files: at least one, all read by one version.
    """
    # Up to version 2 each record had its number in the file.
    names = pq.read_schema(files[0]).names
    number = "" if "_source_record" in names else ", _first_record + file_row_number as _source_record"
    # Up to version 6 nothing said which sheet of a workbook was read.
    has_sheet = "_source_sheet" in names
    sheet = "coalesce(_source_sheet, '')" if has_sheet else "''"
    beside = "filename, file_row_number, _source_sheet" if has_sheet else "filename, file_row_number"
    return (
        f"(select * exclude ({beside}), parse_filename(filename) as _lake_file{number}, "
        f"{sheet} as _source_sheet, "
        f"_source_file || case when {sheet} = '' then '' else '!' || {sheet} end as _place "
        f"from {parquet(files, 'file_row_number = true', 'filename = true')})"
    )
