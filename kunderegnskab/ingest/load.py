"""A new warehouse over the lake: schema raw as the models find it.

The feeds are views over lake files, so nothing is copied and a killed run leaves nothing half
loaded. Only what concerns several files at once is decided here: keys that repeat.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

import duckdb
from pydantic import BaseModel, ConfigDict

from kunderegnskab.feeds import Feed, load_feeds
from kunderegnskab.ingest.lake import (
    Intake,
    Receipt,
    configuration_hashes,
    feed_relation,
    input_hash,
    lake_records,
)
from kunderegnskab.ingest.proven import ProvenFeeds
from kunderegnskab.ingest.rejects import RejectKind
from kunderegnskab.ingest.totals import RECORD_COUNT, SQL_TYPE, control_totals, measures
from kunderegnskab.pseudonyms import PARAMETER, PLAIN, Pseudonyms
from kunderegnskab.rows import insert_rows
from kunderegnskab.sql import BLOCK_BYTES, KPI_VALUE, MONEY, RATE, WAREHOUSE_CONFIG, literal, parquet
from kunderegnskab.workspace import Company, Workspace

# Tables of schema raw that no file holds.
TABLES_BESIDE_FEEDS = {
    "company": "The company's parameters, one row.",
    "feeds": "Which feeds are supplied, one row per feed.",
    "files": "What became of every record of every file, one row per feed and file.",
    "rejects": "Records that could not be read as declared, one row each.",
    "left_out": "Records that a mapping leaves out, one row each.",
    "feed_totals": "Counts and sums of the files as read, of the lake, and of what is not handed on.",
    "expected_files": "Sources of which a file is expected for every month.",
    "file_days": "Which days the files of expected sources have records of.",
    "closed_sources": "What the lines of closed months were made of when they were closed.",
    "closed_figures": "The figures of salespeople and of the company in closed months as they were closed.",
    "closed_files": "The files behind the figures on which months were closed.",
    "published_baselines": "Baselines of targets as earlier publications hold them, one row per target.",
}

# Feeds whose amounts have a sign that is asked of each source.
SIGNED_FEEDS = ("sales_lines", "customer_costs", "product_costs", "receivables")


class LoadRecord(BaseModel):
    """What a warehouse was loaded from; kept in the warehouse itself, so that it cannot be another's.

    `parameters` holds the company's parameters and the hashes of its configuration files.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    input_hash: str
    receipts: tuple[Receipt, ...]
    parameters: dict[str, Any]


@contextmanager
def fresh_warehouse(workspace: Workspace) -> Generator[duckdb.DuckDBPyConnection]:
    """A new, empty warehouse in place of the last one.

    The old file is unlinked rather than emptied: a process that was left behind keeps writing to the
    file it opened, which nobody will read.
    """
    path = workspace.warehouse
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in path.parent.glob(f"{path.name}*"):
        if leftover.is_file():
            leftover.unlink()
    config = {"default_block_size": str(BLOCK_BYTES), **WAREHOUSE_CONFIG}
    with duckdb.connect(str(path), config=config) as con:
        # Its views carry the secret of the pseudonyms.
        path.chmod(0o600)
        yield con


def read_load_record(con: duckdb.DuckDBPyConnection) -> LoadRecord:
    """What the warehouse was loaded from."""
    ((content,),) = con.execute("select content from raw.load_record").fetchall()
    return LoadRecord.model_validate_json(content)


def load_warehouse(
    con: duckdb.DuckDBPyConnection,
    company: Company,
    lake: Path,
    intake: Intake,
    pseudonyms: Pseudonyms = PLAIN,
    proven: ProvenFeeds | None = None,
) -> None:
    """Fill schema raw of an empty warehouse.

    Gives one relation per feed, in the columns of its contract plus the source columns, and
    the tables company, feeds, files, rejects and left_out. What earlier publications hold is no file:
    publication.baselines and audit.closing fill those tables.

    Args:
        pseudonyms: how salespeople are named from here on.
        proven: of which feeds nothing needs to be measured; of the others it is told what was found.
    """
    con.execute("create schema raw")
    _company(con, company)
    con.execute("create table raw.feeds (feed varchar, is_supplied boolean, file_count bigint)")
    con.execute(
        "create table raw.repeated_keys (feed varchar, source_file varchar, file_sha256 varchar, "
        "source_record bigint, column_name varchar, raw_value varchar, reason varchar, kind varchar, "
        "lake_file varchar, differs boolean, source_sheet varchar)"
    )
    con.execute(
        "create table raw.gone_sources (feed varchar, source varchar, files varchar, files_before bigint)"
    )
    supplied = {
        name: receipts
        for name in load_feeds()
        if (receipts := [receipt for receipt in intake.receipts if receipt.feed == name])
    }
    contents = _contents(con, lake, supplied, pseudonyms, proven)
    listings: dict[str, list[str]] = {"rejected": [], "left_out": []}
    for name, feed in load_feeds().items():
        files = [lake / receipt.lake_file for receipt in supplied.get(name, ())]
        content = contents.get(name)
        has_repeated_keys = content is not None and content.has_repeated_keys
        if has_repeated_keys:
            _note_repeated_keys(con, feed, files, pseudonyms)
            _note_split_documents(con, feed, files, pseudonyms)
            if _shares_files(supplied[name]):
                _note_records_read_twice(con, feed, files)
        con.execute(f"create view raw.{name} as {loaded_records(feed, files, has_repeated_keys, pseudonyms)}")
        if name in SIGNED_FEEDS:
            _shared_view(con, feed, lake, supplied.get(name, ()), has_repeated_keys, pseudonyms)
        if content is not None and content.unloaded:
            for status, parts in listings.items():
                parts.append(
                    f"select {literal(name)} as feed, _source_file as source_file, _file_sha256 as "
                    f"file_sha256, "
                    f"_source_record as source_record, _lake_file as lake_file, "
                    f"_reject_column as column_name, "
                    f"{pseudonyms.rejected(name, '_reject_column', '_reject_value')} as raw_value, "
                    f"_reason as reason, _reject_kind as kind, _source_sheet as source_sheet "
                    f"from {lake_records(files)} "
                    f"where _record_status = {literal(status)}"
                )
    insert_rows(
        con,
        "raw.feeds",
        [[name, name in supplied, len(supplied.get(name, ()))] for name in load_feeds()],
    )
    con.execute(
        "create table raw.published_baselines (kpi_id varchar, scope_type varchar, scope_id varchar, "
        "month_from date, baseline_month_from date, baseline_month_to date, approved_on date, "
        f"baseline_value {KPI_VALUE}, baseline_publication varchar, rule_version varchar)"
    )
    con.execute(
        "create table raw.closed_sources (publication varchar, month date, customer_id varchar, "
        f"line_code varchar, feed varchar, source varchar, file_sha256 varchar, amount {MONEY}, "
        "posting_count bigint)"
    )
    con.execute(
        "create table raw.closed_figures (publication varchar, month date, level varchar, scope_id varchar, "
        f"measure varchar, amount {MONEY})"
    )
    con.execute(
        "create table raw.closed_files (publication varchar, feed varchar, source_file varchar, "
        "file_sha256 varchar)"
    )
    _feed_totals(con, lake, supplied, contents)
    _expected_files(con, lake, intake)
    _rejects(con, listings["rejected"])
    _left_out(con, listings["left_out"])
    _files(con, intake)
    _shared_files(con, lake, intake)


def load_record(workspace: Workspace, intake: Intake, pseudonyms: Pseudonyms = PLAIN) -> LoadRecord:
    """What a warehouse is loaded from that takes in what lies in the workspace now."""
    return LoadRecord(
        input_hash=input_hash(workspace, intake.files),
        receipts=intake.receipts,
        parameters={
            "company": workspace.company.parameters(),
            "configuration": configuration_hashes(workspace),
            "expected_files": [each.model_dump(mode="json") for each in intake.expected],
            "not_personal": [
                {"source": entry.label, "column": column, "reason": reason}
                for entry in workspace.sources
                for column, reason in entry.source.not_personal.items()
            ],
            "waivers": [each.model_dump(mode="json") for each in workspace.waivers],
            PARAMETER: pseudonyms.parameter(),
        },
    )


def record_load(con: duckdb.DuckDBPyConnection, record: LoadRecord) -> None:
    """Keep in the warehouse what it was loaded from."""
    con.execute("create table raw.load_record as select ?::varchar as content", [record.model_dump_json()])


def loaded_records(feed: Feed, files: Sequence[Path], has_repeated_keys: bool, pseudonyms: Pseudonyms) -> str:
    """SQL of view raw.<feed>: the records of a feed that count, typed.

    Args:
        has_repeated_keys: leave out what table raw.repeated_keys lists.
        pseudonyms: how salespeople are named; the lake holds them as they came.
    """
    loaded = feed_relation(feed, files, "loaded")
    if files and has_repeated_keys:
        # A record may feed a feed through two sources; only the lake file tells the two apart.
        loaded += (
            f" and not exists (select 1 from raw.repeated_keys as k where k.feed = {literal(feed.name)} "
            "and k.lake_file = _lake_file and k.source_record = _source_record)"
        )
    return pseudonyms.over(feed, loaded)


def _company(con: duckdb.DuckDBPyConnection, company: Company) -> None:
    con.execute(
        f"create table raw.company (company_name varchar, currency varchar, minor_unit {MONEY}, "
        f"fiscal_year_start bigint, locale varchar, credit_interest_rate {RATE}, day_count bigint, "
        f"reconciliation_tolerance {MONEY}, ledger_closed_to date, analysis_months bigint, pvm_leaf varchar, "
        "benchmark_minimum_customers bigint, segment_level varchar, rates varchar)"
    )
    con.execute(
        "insert into raw.company values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            company.name,
            company.currency,
            company.minor_unit,
            company.fiscal_year_start,
            company.locale,
            company.credit_interest_rate,
            company.day_count,
            company.reconciliation_tolerance,
            company.ledger_closed_to,
            company.analysis_months,
            company.pvm_leaf,
            company.benchmark_minimum_customers,
            company.segment_level,
            company.rates,
        ],
    )


@dataclass(frozen=True)
class _Content:
    """What the lake holds of a feed.

    Attributes:
        totals: of the records that were loaded, but the number of all records.
        unloaded: how many of them were not.
    """

    has_repeated_keys: bool
    totals: dict[str, Decimal]
    unloaded: int


def _contents(
    con: duckdb.DuckDBPyConnection,
    lake: Path,
    supplied: Mapping[str, Sequence[Receipt]],
    pseudonyms: Pseudonyms,
    proven: ProvenFeeds | None,
) -> dict[str, _Content]:
    """Per supplied feed, measured unless it is proven."""
    contents: dict[str, _Content] = {}
    for name, receipts in supplied.items():
        as_read = _as_read(load_feeds()[name], receipts)
        if proven is not None and proven.holds(name, receipts):
            contents[name] = as_read
            continue
        files = [lake / receipt.lake_file for receipt in receipts]
        contents[name] = _measured(con, load_feeds()[name], files, pseudonyms, _shares_files(receipts))
        if proven is not None and contents[name] == as_read:
            proven.note(name, receipts)
    return contents


def _as_read(feed: Feed, receipts: Sequence[Receipt]) -> _Content:
    """What the lake must hold by what was noted when the files were read, if no key repeats."""
    totals = {
        measure: sum((receipt.control_totals[measure] for receipt in receipts), Decimal(0))
        for measure in measures(feed)
    }
    unloaded = sum(receipt.records_rejected + receipt.records_left_out for receipt in receipts)
    return _Content(False, totals, unloaded)


def _shares_files(receipts: Sequence[Receipt]) -> bool:
    """Whether several sources of a feed read one file."""
    return len({receipt.source_file for receipt in receipts}) < len(receipts)


def _shared_view(
    con: duckdb.DuckDBPyConnection,
    feed: Feed,
    lake: Path,
    receipts: Sequence[Receipt],
    has_repeated_keys: bool,
    pseudonyms: Pseudonyms,
) -> None:
    """View raw.shared_<feed>: records of raw.<feed> in files that several sources read, with their source."""
    files = Counter(receipt.source_file for receipt in receipts)
    parts = [
        f"select *, cast(null as varchar) as _source from ({loaded_records(feed, (), False, pseudonyms)})"
    ]
    for receipt in receipts:
        if files[receipt.source_file] > 1:
            one = loaded_records(feed, [lake / receipt.lake_file], has_repeated_keys, pseudonyms)
            parts.append(f"select *, {literal(receipt.source)} as _source from ({one})")
    con.execute(f"create view raw.shared_{feed.name} as {' union all by name '.join(parts)}")


def _measured(
    con: duckdb.DuckDBPyConnection,
    feed: Feed,
    files: Sequence[Path],
    pseudonyms: Pseudonyms,
    shares_files: bool,
) -> _Content:
    loaded = feed_relation(feed, files, "loaded", with_lake_file=True)
    ((records, unloaded, repeats, splits, twice),) = con.execute(
        f"""
        select count(*), count(*) filter (_record_status is distinct from 'loaded'),
            exists ({_repeated(feed, pseudonyms.over(feed, loaded))}),
            exists ({_split_documents(feed, loaded)}),
            exists ({_read_twice(feed, loaded) if shares_files else "select 1 where false"})
        from {parquet(files)}
        """
    ).fetchall()
    totals = control_totals(con, feed, f"({loaded})") | {RECORD_COUNT: Decimal(records)}
    return _Content(repeats or splits or twice, totals, unloaded)


def _repeated(feed: Feed, loaded: str) -> str:
    """SQL of the keys that several records have.

    A key with an empty part is none: lines without a number are counted within their document later.
    """
    return (
        f"select {', '.join(feed.key)} from ({loaded}) where {_is_complete(feed)} "
        f"group by all having count(*) > 1"
    )


def _is_complete(feed: Feed) -> str:
    return " and ".join(f"{column} is not null" for column in feed.key)


def _split_documents(feed: Feed, loaded: str) -> str:
    """SQL of lines whose document lacks a number somewhere and stands in an earlier file too, with that file.

    Such a line is told apart by its place in the document alone, so the same lines delivered in two
    overlapping exports would count twice, whichever of the two has the numbers.
    """
    if feed.name != "sales_lines":
        return "select 1 where false"
    return f"""
        select * from (
            select *, min(_place) over same_document as first_file,
                bool_or(line_no is null) over same_document as lacks_number
            from ({loaded}) as l window same_document as (partition by document_no)
        ) where lacks_number and _place <> first_file"""


def _note_repeated_keys(
    con: duckdb.DuckDBPyConnection, feed: Feed, files: Sequence[Path], pseudonyms: Pseudonyms
) -> None:
    """List every record whose key an earlier record has, and say in what it differs from that one."""
    loaded = pseudonyms.over(feed, feed_relation(feed, files, "loaded", with_lake_file=True))
    others = [name for name in feed.columns if name not in feed.key]
    changed = ", ".join(
        f"case when {name} is distinct from first_value({name}) over same_key then {literal(name)} end"
        for name in others
    )
    keys = ", ".join(feed.key)
    shown = " || ', ' || ".join(f"'{column} = ' || cast({column} as varchar)" for column in feed.key)
    con.execute(
        f"""
        insert into raw.repeated_keys
        with numbered as (
            select *, row_number() over same_key as place,
                first_value(_place) over same_key as first_file,
                first_value(_source_record) over same_key as first_record,
                concat_ws(', ', {changed}) as changed
            from ({loaded}) semi join ({_repeated(feed, loaded)}) using ({keys})
            window same_key as (
                partition by {keys} order by _source_file, _source_sheet, _source_record, _lake_file)
        )
        select {literal(feed.name)}, _source_file, _file_sha256, _source_record, {literal(keys)}, {shown},
            'repeats the key of ' || first_file || ', record ' || first_record
                || case when changed = '' then ', with the same values'
                        else ', but differs in ' || changed end,
            case when changed = '' then {literal(RejectKind.REPEATED_KEY)}
                 else {literal(RejectKind.CHANGED_REPEAT)} end,
            _lake_file, changed <> '', _source_sheet
        from numbered where place > 1
        """
    )


def _note_split_documents(
    con: duckdb.DuckDBPyConnection, feed: Feed, files: Sequence[Path], pseudonyms: Pseudonyms
) -> None:
    """List the lines of split documents that repeat no key, and say which there has the same values."""
    if feed.name != "sales_lines":
        return
    loaded = pseudonyms.over(feed, feed_relation(feed, files, "loaded", with_lake_file=True))
    values = ", ".join(name for name in feed.columns if name != "line_no")
    same = f"(partition by {values} order by _place, _source_record)"
    compared = f"""
        select *, first_value(_place) over {same} as same_file,
            first_value(_source_record) over {same} as same_record
        from ({loaded})"""
    con.execute(
        f"""
        insert into raw.repeated_keys
        select {literal(feed.name)}, _source_file, _file_sha256, _source_record, 'document_no', document_no,
            'stands in ' || first_file
                || ' too, and some of its lines have no number, so they cannot be told apart; '
                || case when same_file = first_file
                            then 'record ' || same_record || ' there has the same values'
                        else 'no line there has the same values' end,
            {literal(RejectKind.SPLIT_DOCUMENT)}, _lake_file, same_file <> first_file, _source_sheet
        from ({_split_documents(feed, compared)}) as t
        where {_is_unlisted(feed)}
        """
    )


def _read_twice(feed: Feed, loaded: str) -> str:
    """SQL of the records without a whole key that a source before has read from the same file or sheet.

    Sources may share a file if they say so, each for a record of its own. Only a key can show that they have.
    """
    return f"""
        select *, min(_lake_file) over (partition by _place, _source_record) as first_lake_file
        from ({loaded}) where not ({_is_complete(feed)})
        qualify _lake_file <> first_lake_file"""


def _note_records_read_twice(con: duckdb.DuckDBPyConnection, feed: Feed, files: Sequence[Path]) -> None:
    """List records without a whole key that two sources took from one file."""
    twice = _read_twice(feed, feed_relation(feed, files, "loaded", with_lake_file=True))
    con.execute(
        f"""
        insert into raw.repeated_keys
        select {literal(feed.name)}, _source_file, _file_sha256, _source_record,
            {literal(", ".join(feed.key))}, null,
            'is read by two sources and has no key that tells the two apart',
            {literal(RejectKind.READ_TWICE)}, _lake_file, false, _source_sheet
        from ({twice}) as t
        where {_is_unlisted(feed)}
        """
    )


def _is_unlisted(feed: Feed) -> str:
    """SQL of whether table raw.repeated_keys has no row of record `t` yet."""
    return (
        f"not exists (select 1 from raw.repeated_keys as k where k.feed = {literal(feed.name)} "
        "and k.lake_file = t._lake_file and k.source_record = t._source_record)"
    )


def _feed_totals(
    con: duckdb.DuckDBPyConnection,
    lake: Path,
    supplied: Mapping[str, Sequence[Receipt]],
    contents: Mapping[str, _Content],
) -> None:
    """The totals noted when the files were read, those of the lake now, and of what is not handed on from it.

    Counts are of all records, other totals of the loaded ones. Not handed on are records that were rejected
    or left out, which have a count alone, and loaded ones that repeat a key.
    """
    con.execute(
        f"create table raw.feed_totals (feed varchar, stage varchar, measure varchar, total {SQL_TYPE})"
    )
    rows: list[list[object]] = []
    for name, receipts in supplied.items():
        feed, content = load_feeds()[name], contents[name]
        repeated = dict.fromkeys(measures(feed), Decimal(0))
        if content.has_repeated_keys:
            files = [lake / receipt.lake_file for receipt in receipts]
            loaded = feed_relation(feed, files, "loaded", with_lake_file=True)
            repeated = control_totals(
                con,
                feed,
                f"({loaded}) as l where exists (select 1 from raw.repeated_keys as k "
                f"where k.feed = {literal(name)} "
                "and k.lake_file = l._lake_file and k.source_record = l._source_record)",
            )
        stages = {
            "landing": _as_read(feed, receipts).totals,
            "lake": content.totals,
            "left_out": repeated | {RECORD_COUNT: repeated[RECORD_COUNT] + content.unloaded},
        }
        rows += [
            [name, stage, measure, f"{total:f}"]
            for stage, totals in stages.items()
            for measure, total in totals.items()
        ]
    insert_rows(con, "raw.feed_totals", rows)


def _expected_files(con: duckdb.DuckDBPyConnection, lake: Path, intake: Intake) -> None:
    """Which sources are expected every month, and which days the files of those have records of."""
    con.execute("create table raw.expected_files (feed varchar, source varchar, first_month date)")
    con.execute(
        "create table raw.file_days (feed varchar, source varchar, source_file varchar, day date, "
        "is_month boolean, record_count bigint)"
    )
    for expected in intake.expected:
        feed = load_feeds()[expected.feed]
        con.execute(
            "insert into raw.expected_files values (?, ?, ?)",
            [expected.feed, expected.source, expected.first_month],
        )
        for receipt in intake.receipts:
            if (receipt.feed, receipt.source) == (expected.feed, expected.source):
                days = days_of(receipt.feed, lake / receipt.lake_file)
                con.execute(
                    "insert into raw.file_days "
                    f"select ?, ?, ?, day, ?, record_count from {days} order by day",
                    [receipt.feed, receipt.source, receipt.source_file, feed.is_by_month],
                )


def days_of(feed: str, lake_file: Path) -> str:
    """A relation (day, record_count) of the days, or months, that a lake file has loaded records of.

    Args:
        feed: one whose records have a date.
    """
    return (
        f"(select {load_feeds()[feed].period_column} as day, "
        f"count(*) as record_count from {parquet(lake_file)} "
        "where _record_status = 'loaded' group by 1)"
    )


def _rejects(con: duckdb.DuckDBPyConnection, parts: Sequence[str]) -> None:
    unread = [f"select * exclude (lake_file) from ({part})" for part in parts]
    union = " union all ".join([*unread, "select * exclude (lake_file, differs) from raw.repeated_keys"])
    con.execute(f"create table raw.rejects as {union}")


def _left_out(con: duckdb.DuckDBPyConnection, parts: Sequence[str]) -> None:
    columns = "feed, source_file, file_sha256, source_sheet, source_record, lake_file, reason"
    union = " union all ".join(f"select {columns} from ({part})" for part in parts)
    if not parts:
        union = f"select {columns} from raw.repeated_keys where false"
    con.execute(f"create view raw.left_out as {union}")


def _files(con: duckdb.DuckDBPyConnection, intake: Intake) -> None:
    con.execute(
        "create table raw.files (feed varchar, source_file varchar, file_sha256 varchar, records_read "
        "bigint, "
        "records_loaded bigint, records_rejected bigint, records_left_out bigint, rejects_allowed bigint)"
    )
    repeated = {
        (feed, file): count
        for feed, file, count in con.execute(
            "select feed, source_file, count(*) from raw.repeated_keys group by all"
        ).fetchall()
    }
    # One file may feed a feed through several sources; the ledger has one row for all of them.
    rows: dict[tuple[str, str], list[Receipt]] = {}
    for receipt in intake.receipts:
        rows.setdefault((receipt.feed, receipt.source_file), []).append(receipt)
    rejected = {
        place: sum(receipt.records_rejected for receipt in receipts) + repeated.get(place, 0)
        for place, receipts in rows.items()
    }
    allowed = _allowances(rows, rejected)
    insert_rows(
        con,
        "raw.files",
        [
            [
                *place,
                receipts[0].file_sha256,
                sum(receipt.records_read for receipt in receipts),
                sum(receipt.records_loaded for receipt in receipts) - repeated.get(place, 0),
                rejected[place],
                sum(receipt.records_left_out for receipt in receipts),
                allowed[place],
            ]
            for place, receipts in rows.items()
        ],
    )


def _shared_files(con: duckdb.DuckDBPyConnection, lake: Path, intake: Intake) -> None:
    """Lake files of what several sources of a feed read: the file or sheet, and how many they are.

    Not where one of them says why it leaves some records out.
    """
    con.execute(
        "create table raw.shared_files (feed varchar, lake_file varchar, place varchar, source_count bigint)"
    )
    rows: dict[_Place, list[Receipt]] = {}
    for receipt in intake.receipts:
        rows.setdefault((receipt.feed, receipt.source_file), []).append(receipt)
    places: dict[_Place, list[Receipt]] = {}
    for (feed, _), receipts in rows.items():
        for receipt in receipts if len(receipts) > 1 else ():
            relation = lake_records([lake / receipt.lake_file])
            # A file without a record has no place, and nothing to share.
            for (place,) in con.execute(f"select any_value(_place) from {relation}").fetchall():
                places.setdefault((feed, place), []).append(receipt)
    insert_rows(
        con,
        "raw.shared_files",
        [
            [feed, PurePosixPath(receipt.lake_file).name, place, len(receipts)]
            for (feed, place), receipts in places.items()
            if len(receipts) > 1 and not any(receipt.leaves_out for receipt in receipts)
            for receipt in receipts
        ],
    )


_Place = tuple[str, str]  # feed, file


def _allowances(
    rows: Mapping[_Place, Sequence[Receipt]], rejected: Mapping[_Place, int]
) -> dict[_Place, int]:
    """How many rejects of each file are allowed: a source's number is used up file by file.

    What is left of it stands at the source's last file, for records that the models reject.
    """
    remaining = {receipt.source: receipt.rejects_allowed for row in rows.values() for receipt in row}
    last = {receipt.source: place for place, row in rows.items() for receipt in row}
    allowed = dict.fromkeys(rows, 0)
    for place, row in rows.items():
        for source in dict.fromkeys(receipt.source for receipt in row):
            wanted = max(rejected[place] - allowed[place], 0)
            granted = remaining[source] if last[source] == place else min(wanted, remaining[source])
            remaining[source] -= granted
            allowed[place] += granted
    return allowed
