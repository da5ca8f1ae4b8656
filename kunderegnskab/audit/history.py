"""What has changed since earlier publications: audit.change_log, and how checks went: audit.check_history.

Both are carried from publication to publication, so they outlive the publications they tell of. Here: taking
them over from the current publication and adding what is new in the files of today. Not here: figures that
changed (the model restatements) and baselines of targets (publication/baselines.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
from pydantic import JsonValue

from kunderegnskab.audit import approvals
from kunderegnskab.audit.approvals import APPROVAL_DAY, APPROVER, Asked, Salespeople, plain_person
from kunderegnskab.feeds import Feed, load_feeds
from kunderegnskab.feeds.contracts import SOURCE_COLUMNS, Column
from kunderegnskab.ingest.lake import Receipt, feed_relation, lake_records
from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.pseudonyms import PLAIN, Pseudonyms, is_plain
from kunderegnskab.publication.earlier import EARLIER, attached
from kunderegnskab.publication.manifest import InputFile
from kunderegnskab.publication.store import Publication
from kunderegnskab.quality.history_page import RUNS_SHOWN
from kunderegnskab.spelling import folded
from kunderegnskab.sql import identifier, literal

CHANGE_LOG = "audit.change_log"
CHECK_HISTORY = "audit.check_history"

_CHANGE_LOG_COLUMNS = """
    feed varchar, record_key varchar, column_name varchar, change varchar, old_value varchar,
    new_value varchar, changed_by varchar, approved_by varchar, approved_on date, needs_approval boolean,
    approval_reason varchar, is_approved boolean, source_file varchar, source_sheet varchar,
    source_record bigint, old_file_sha256 varchar, new_file_sha256 varchar, after_publication varchar,
    after_published_at timestamp
"""
_CHECK_HISTORY_COLUMNS = """
    publication varchar, run_id varchar, stage varchar, check_name varchar, subject varchar,
    is_blocking boolean, status varchar, failing_rows bigint, observed varchar
"""


def load_history(
    con: duckdb.DuckDBPyConnection,
    lake: Path,
    receipts: Sequence[Receipt],
    parameters: Mapping[str, JsonValue],
    now: Publication | None,
    pseudonyms: Pseudonyms = PLAIN,
) -> None:
    """Make both tables, and the list of what waits for approval, in a warehouse whose schema raw is loaded.

    A rule, rate, waiver or parameter that is added, changed or removed has one row per column that differs,
    with what it was and is. The first publication is where the log begins.

    Args:
        receipts: of the files that the warehouse is loaded from.
        parameters: what the warehouse is made with, as its load record or its manifest has it.
        now: the current publication, or the one that was current when a refresh is performed again.
        pseudonyms: how salespeople are named in the warehouse.

    Raises:
        InputProblems: a lake file of the current publication is gone, so what it held cannot be compared.
    """
    con.execute("create schema if not exists audit")
    con.execute(f"create or replace table {CHANGE_LOG} ({_CHANGE_LOG_COLUMNS})")
    con.execute(f"create or replace table {CHECK_HISTORY} ({_CHECK_HISTORY_COLUMNS})")
    if now is None or not now.database.is_file():
        approvals.list_waiting(con, CHANGE_LOG, None, [])
        return
    with attached(con, now) as tables:
        if CHANGE_LOG in tables:
            con.execute(f"insert into {CHANGE_LOG} by name select * from {EARLIER}.{CHANGE_LOG}")
        if CHECK_HISTORY in tables:
            _carry_checks_on(con)
        con.execute(
            f"""
            insert into {CHECK_HISTORY}
            select ?, ?, stage, check_name, subject, is_blocking, status, failing_rows, observed
            from {EARLIER}.audit.check_results
            """,
            [now.name, now.manifest.run_id],
        )
    if is_plain(now.manifest.parameters):
        _name_by_pseudonyms(con, pseudonyms)
    salespeople = _salespeople(con, lake, receipts, parameters, now, pseudonyms)
    for feed in load_feeds().values():
        # The same lake files hold the same records.
        is_same = _lake_files(feed, receipts) == _lake_files(feed, now.manifest.inputs)
        if (feed.is_policy or feed.is_rate) and not is_same:
            # Both count: whoever asks for less approval needs it for what else changes with that.
            asked = approvals.asked_of(feed, parameters, now.manifest.parameters)
            _note_changes(con, feed, lake, now, salespeople, asked)
    _note_configuration(con, parameters, now)
    asked_today = [feed for feed in load_feeds().values() if approvals.asked_of(feed, parameters) != "none"]
    approvals.list_waiting(con, CHANGE_LOG, now.name, asked_today)


def _carry_checks_on(con: duckdb.DuckDBPyConnection) -> None:
    """Take over how checks went at earlier publications.

    There are hundreds at each publication, and most pass. Of publications that the page of checks has no room
    for, only the others are carried on: what passed then, their manifests go on telling.
    """
    con.execute(
        f"""
        insert into {CHECK_HISTORY} by name
        select * from {EARLIER}.{CHECK_HISTORY}
        where status is distinct from 'passed' or publication in (
            select distinct publication from {EARLIER}.{CHECK_HISTORY}
            order by length(publication) desc, publication desc limit ?
        )
        """,
        [RUNS_SHOWN - 1],
    )


def _lake_files(feed: Feed, files: Sequence[Receipt] | Sequence[InputFile]) -> set[tuple[str, str]]:
    return {(file.lake_file, file.lake_sha256) for file in files if file.feed == feed.name}


def _salespeople(
    con: duckdb.DuckDBPyConnection,
    lake: Path,
    receipts: Sequence[Receipt],
    parameters: Mapping[str, JsonValue],
    now: Publication,
    pseudonyms: Pseudonyms,
) -> Salespeople:
    """Where salespeople are named, and what is theirs, today and in the current publication.

    A purge of names removes the lake files that hold them; nobody is known by what is gone.
    """
    states = (receipts, now.manifest.inputs)

    def held(name: str, files: Sequence[Receipt] | Sequence[InputFile]) -> list[Path]:
        found = sorted({lake / file.lake_file for file in files if file.feed == name})
        return [path for path in found if path.is_file()]

    def both(name: str) -> list[str]:
        feed = load_feeds()[name]
        there = [file for file in now.manifest.inputs if (lake / file.lake_file).is_file()]
        earlier = pseudonyms.over(feed, _records_of(con, feed, lake, now, there))
        return [f"select * from raw.{name}", earlier]

    lists = [(held("salespeople", files), held("customer_owners", files)) for files in states]
    by_chain = any(_classes_chains(each) for each in (parameters, now.manifest.parameters))
    chains = [_below(records) for records in both("customers")] if by_chain else []
    return Salespeople(lists, both("customer_owners"), both("salespeople"), pseudonyms, chains)


def _classes_chains(parameters: Mapping[str, JsonValue]) -> bool:
    company = parameters.get("company")
    return isinstance(company, dict) and company.get("segment_level") == "chain"


def _below(customers: str) -> str:
    """SQL of (top, customer_id): `top` and every customer below it, by the parents of a list of customers."""
    return f"""
        with recursive listed as materialized (select customer_id, parent_customer_id from ({customers})),
        ways as (
            select customer_id as top, customer_id from listed
            union
            select ways.top, listed.customer_id
            from ways inner join listed on listed.parent_customer_id = ways.customer_id
        )
        select top, customer_id from ways"""


def _name_by_pseudonyms(con: duckdb.DuckDBPyConnection, pseudonyms: Pseudonyms) -> None:
    """Replace the keys of salespeople in changes that a publication with plain keys has noted."""
    for feed in load_feeds().values():
        for name, column in feed.columns.items():
            if not feed.is_policy or column.personal != "salesperson_key":
                continue
            if name not in feed.key:
                con.execute(
                    f"update {CHANGE_LOG} set old_value = {pseudonyms.sql('old_value')}, "
                    f"new_value = {pseudonyms.sql('new_value')} where feed = ? and column_name = ?",
                    [feed.name, name],
                )
                continue
            # Keys are written one after the other, so each ends where the next begins; see _key_text.
            following = [f", {each} " for each in feed.key[feed.key.index(name) + 1 :][:1]]
            pattern = f"^(.*\\b{name} )(.*)({''.join(following)}.*)$"
            conditions = "".join(
                f" and regexp_matches(record_key, '\\b{other} ({'|'.join(values)}),')"
                for other, values in column.personal_when.items()
            )
            part = "regexp_extract(record_key, $pattern, {})"
            con.execute(
                f"update {CHANGE_LOG} set record_key = {part.format(1)} || "
                f"{pseudonyms.sql(part.format(2))} || {part.format(3)} "
                f"where feed = $feed and regexp_matches(record_key, $pattern){conditions}",
                {"feed": feed.name, "pattern": pattern},
            )


def _note_changes(
    con: duckdb.DuckDBPyConnection,
    feed: Feed,
    lake: Path,
    now: Publication,
    salespeople: Salespeople,
    asked: Asked,
) -> None:
    """Add what differs between a feed's records then and today.

    A rate that is new counts when it is dated in a month that was over when the earlier publication was made:
    only such a one changes figures that were thought to be final.
    """
    columns = [name for name in feed.columns if name not in feed.key]
    earlier = salespeople.pseudonyms.over(feed, _records_of(con, feed, lake, now, now.manifest.inputs))
    old = _values(feed, columns, earlier)
    new = _values(feed, columns, f"select * from raw.{feed.name}")
    is_of_interest = "true"
    if feed.is_rate:
        first_open = now.manifest.published_at.date().replace(day=1)
        is_of_interest = f"(was or recorded.{feed.period_column} < date '{first_open}')"
    con.execute(
        f"""
        insert into {CHANGE_LOG} by name
        with old as ({old}), new as ({new}),
        before as ({_people(feed, earlier)}),
        recorded as ({_people(feed, f"select * from raw.{feed.name}")}),
        changes as (
            select coalesce(new.record_key, old.record_key) as record_key,
                coalesce(new.column_name, old.column_name) as column_name,
                old.record_key is not null as was, new.record_key is not null as is_now,
                old.value as old_value, new.value as new_value
            from old full join new on old.record_key = new.record_key and old.column_name = new.column_name
            where old.value is distinct from new.value
                or (old.record_key is null) is distinct from (new.record_key is null)
        ),
        -- Of a record that came or went, the columns with a value tell what it said; without any, all do.
        telling as (
            select *, count(coalesce(old_value, new_value)) over (partition by record_key) as values_told
            from changes
        ),
        versions as (
            select {_key_text(feed)} as record_key, * from ({earlier})
            union all by name select {_key_text(feed)} as record_key, * from raw.{feed.name}
        ),
        {approvals.reasons(feed, asked, salespeople)}
        select {literal(feed.name)} as feed, telling.record_key, telling.column_name,
            case when not was then 'added' when not is_now then 'removed' else 'changed' end as change,
            old_value, new_value, recorded.changed_by, recorded.approved_by, recorded.approved_on,
            reasons.record_key is not null as needs_approval, reasons.approval_reason,
            {approvals.is_approved() if feed.can_be_approved else "false"} as is_approved,
            recorded._source_file as source_file, recorded._source_sheet as source_sheet,
            recorded._source_record as source_record,
            before._file_sha256 as old_file_sha256, recorded._file_sha256 as new_file_sha256,
            {literal(now.name)} as after_publication, {_published_at(now)} as after_published_at
        from telling
        left join recorded on telling.record_key = recorded.record_key
        left join before on telling.record_key = before.record_key
        left join reasons on telling.record_key = reasons.record_key
        where {is_of_interest} and (old_value is not null or new_value is not null or values_told = 0)
        order by telling.record_key, telling.column_name
        """
    )


def _people(feed: Feed, relation: str) -> str:
    """SQL of who made and approved each record, and where the record stands."""
    wanted = {"changed_by": feed.maker, "approved_by": APPROVER, "approved_on": APPROVAL_DAY}
    columns = {
        name: column
        if column in feed.columns
        else f"cast(null as {'date' if name == APPROVAL_DAY else 'varchar'})"
        for name, column in wanted.items()
    }
    listed = ", ".join(f"{column} as {name}" for name, column in columns.items())
    dated = f", {feed.period_column}" if feed.is_rate else ""
    return (
        f"select *, {plain_person('changed_by')} as maker, {plain_person('approved_by')} as approver from ("
        f"select {_key_text(feed)} as record_key, {listed}, _source_file, _file_sha256, _source_sheet, "
        f"_source_record{dated} from ({relation}))"
    )


def _published_at(publication: Publication) -> str:
    return f"timestamp '{publication.manifest.published_at.replace(tzinfo=None)}'"


def _records_of(
    con: duckdb.DuckDBPyConnection, feed: Feed, lake: Path, now: Publication, files: Sequence[InputFile]
) -> str:
    """SQL of the records that a publication was made from, by the contract of today.

    A column that the contract did not have then has its default. Of records with one key, the
    first counts, as it did then.

    Args:
        files: of the publication, those of other feeds among them.
    """
    inputs = [file for file in files if file.feed == feed.name]
    gone = [file for file in inputs if not (lake / file.lake_file).is_file()]
    if gone:
        raise InputProblems(
            [
                InputProblem(
                    file.path,
                    f"has changed or is gone since {now.name} was made from it, and what it held then, "
                    f"lake/{file.lake_file}, is missing; so the change cannot be logged",
                    "restore that file of the lake from a backup, or put back what was delivered then, "
                    "refresh, and change it after that",
                )
                for file in gone
            ]
        )
    if not inputs:
        return feed_relation(feed, (), "loaded")
    relation = lake_records([lake / file.lake_file for file in inputs])
    known = {row[0] for row in con.execute(f"describe select * from {relation}").fetchall()}
    columns = ", ".join(
        # Versions before this one kept a company's own words as they were written.
        (f"{folded(name)} as {name}" if column.words else name)
        if name in known
        else f"cast({_default(column)} as {column.sql_type}) as {name}"
        for name, column in feed.columns.items()
    )
    return (
        f"select {columns}, {', '.join(SOURCE_COLUMNS)} from {relation} where _record_status = 'loaded' "
        f"qualify row_number() over (partition by {', '.join(feed.key)} "
        "order by _source_file, _source_sheet, _source_record, _lake_file) = 1"
    )


def _default(column: Column) -> str:
    return "null" if column.default is None else literal(column.default)


def _values(feed: Feed, columns: Sequence[str], relation: str) -> str:
    """SQL of (record_key, column_name, value) of every record; an empty value is NULL."""
    parts = [
        f"select {_key_text(feed)} as record_key, {literal(name)} as column_name, "
        f"cast({identifier(name)} as varchar) as value from records"
        for name in columns
    ]
    return f"with records as ({relation}) {' union all '.join(parts)}"


def _key_text(feed: Feed) -> str:
    """SQL of a record's key as people read it."""
    return " || ', ' || ".join(
        f"{literal(f'{name} ')} || coalesce(cast({identifier(name)} as varchar), '')" for name in feed.key
    )


def _note_configuration(
    con: duckdb.DuckDBPyConnection, parameters: Mapping[str, JsonValue], now: Publication
) -> None:
    """Add what differs in company.yaml and waivers.yaml, and whether feeds.yaml does."""
    then = now.manifest.parameters
    hashes = [_mapping(each.get("configuration")) for each in (then, parameters)]
    made = _published_at(now)
    for feed, key, column, change, old, new in _configuration_changes(then, parameters):
        file = f"{feed}.yaml"
        con.execute(
            f"insert into {CHANGE_LOG} "
            f"select ?, ?, ?, ?, ?, ?, null, null, null, false, null, false, ?, '', null, ?, ?, ?, {made}",
            [feed, key, column, change, old, new, file, *(each.get(file) for each in hashes), now.name],
        )


_Change = tuple[str, str, str, str, str | None, str | None]


def _configuration_changes(
    then: Mapping[str, JsonValue], today: Mapping[str, JsonValue]
) -> Iterator[_Change]:
    """(feed, record_key, column_name, change, old_value, new_value); what was not recorded is no change."""
    company, company_then = _mapping(today.get("company")), _mapping(then.get("company"))
    for name in sorted(company.keys() & company_then.keys()):
        old, new = _text(company_then[name]), _text(company[name])
        if old != new:
            yield "company", name, name, "changed", old, new
    if "waivers" in then:
        waivers, waivers_then = _by_check(today.get("waivers")), _by_check(then["waivers"])
        for key in sorted(waivers.keys() | waivers_then.keys()):
            change = "added" if key not in waivers_then else "changed" if key in waivers else "removed"
            for name in ("reason", "person", "valid_to"):
                old, new = (_text(each.get(key, {}).get(name)) for each in (waivers_then, waivers))
                if change != "changed" or old != new:
                    yield "waivers", key, name, change, old, new
    if "configuration" in then:
        old, new = (_text(_mapping(each.get("configuration")).get("feeds.yaml")) for each in (then, today))
        if old != new:
            change = "added" if old is None else "removed" if new is None else "changed"
            yield "feeds", "feeds.yaml", "file_sha256", change, old, new


def _by_check(waivers: JsonValue) -> dict[str, Mapping[str, JsonValue]]:
    """Waivers by check; of a check that is waived more than once, with the waiver's place among its own."""
    found: dict[str, Mapping[str, JsonValue]] = {}
    for each in map(_mapping, waivers if isinstance(waivers, list) else ()):
        key = f"check {each.get('check')}"
        place = sum(name.partition(", ")[0] == key for name in found) + 1
        found[key if place == 1 else f"{key}, {place}"] = each
    return found


def _mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _text(value: JsonValue) -> str | None:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return None if value is None else str(value)
