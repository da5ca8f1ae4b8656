"""What has changed since earlier publications: audit.change_log, and how checks went: audit.check_history.

Both are carried from publication to publication, so they outlive the publications they tell of. Here: taking
them over from the current publication and adding what is new in the files of today. Not here: figures that
changed (the model restatements) and baselines of targets (publication/baselines.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from kunderegnskab.feeds import Feed, load_feeds
from kunderegnskab.ingest.conventions import identifier, literal
from kunderegnskab.ingest.lake import feed_relation
from kunderegnskab.personal.pseudonyms import PLAIN, Pseudonyms, is_plain
from kunderegnskab.publication.earlier import EARLIER, attached
from kunderegnskab.publication.store import Publication
from kunderegnskab.workspace import Company

CHANGE_LOG = "audit.change_log"
CHECK_HISTORY = "audit.check_history"

_CHANGE_LOG_COLUMNS = """
    feed varchar, record_key varchar, column_name varchar, change varchar, old_value varchar,
    new_value varchar, changed_by varchar, approved_by varchar, needs_approval boolean, is_approved boolean,
    source_file varchar, source_record bigint, after_publication varchar
"""
_CHECK_HISTORY_COLUMNS = """
    publication varchar, run_id varchar, stage varchar, check_name varchar, subject varchar,
    is_blocking boolean, status varchar, failing_rows bigint, observed varchar
"""
# Who made a record and who approved it, where the feed has a column for it.
MAKERS = ("author", "decided_by", "owner")
APPROVER = "approved_by"


def load_history(
    con: duckdb.DuckDBPyConnection,
    lake: Path,
    company: Company,
    now: Publication | None,
    pseudonyms: Pseudonyms = PLAIN,
) -> None:
    """Make both tables in a warehouse whose schema raw is loaded.

    A rule that is added, changed or removed has one row per column that differs, with what it was and is. The
    first publication is where the log begins.

    Args:
        now: the current publication, or the one that was current when a refresh is performed again.
        pseudonyms: how salespeople are named in the warehouse.
    """
    con.execute("create schema if not exists audit")
    con.execute(f"create or replace table {CHANGE_LOG} ({_CHANGE_LOG_COLUMNS})")
    con.execute(f"create or replace table {CHECK_HISTORY} ({_CHECK_HISTORY_COLUMNS})")
    if now is None or not now.database.is_file():
        return
    with attached(con, now) as tables:
        for table in (CHANGE_LOG, CHECK_HISTORY):
            if table in tables:
                con.execute(f"insert into {table} by name select * from {EARLIER}.{table}")
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
    for feed in load_feeds().values():
        if feed.is_policy:
            needs_approval = feed.name in company.approval_required
            _note_changes(con, feed, lake, now, pseudonyms, needs_approval=needs_approval)
    _note_parameters(con, company, now)


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
    pseudonyms: Pseudonyms,
    *,
    needs_approval: bool,
) -> None:
    """Add what differs between a feed's records then and today."""
    earlier = [lake / file.lake_file for file in now.manifest.inputs if file.feed == feed.name]
    known = [path for path in earlier if path.is_file()]
    columns = [name for name in feed.columns if name not in feed.key]
    maker = next((name for name in MAKERS if name in columns), None)
    approver = APPROVER if APPROVER in columns else None
    old = _values(con, feed, columns, pseudonyms.over(feed, _relation_of(con, feed, known)))
    new = _values(con, feed, columns, f"select * from raw.{feed.name}")
    made_by = f"cast({maker} as varchar)" if maker else "cast(null as varchar)"
    approved_by = f"cast({approver} as varchar)" if approver else "cast(null as varchar)"
    con.execute(
        f"""
        insert into {CHANGE_LOG}
        with old as ({old}), new as ({new}),
        people as (
            select {_key_text(feed)} as record_key, {made_by} as changed_by, {approved_by} as approved_by,
                _source_file as source_file, _source_record as source_record
            from raw.{feed.name}
        ),
        changes as (
            select coalesce(new.record_key, old.record_key) as record_key,
                coalesce(new.column_name, old.column_name) as column_name,
                old.record_key is not null as was, new.record_key is not null as is_now,
                old.value as old_value, new.value as new_value
            from old full join new on old.record_key = new.record_key and old.column_name = new.column_name
            where old.value is distinct from new.value
                or (old.record_key is null) is distinct from (new.record_key is null)
        )
        select {literal(feed.name)}, changes.record_key, changes.column_name,
            case when not was then 'added' when not is_now then 'removed' else 'changed' end,
            old_value, new_value, people.changed_by, people.approved_by, {str(needs_approval).lower()},
            people.approved_by is not null and people.approved_by is distinct from people.changed_by,
            people.source_file, people.source_record, {literal(now.name)}
        from changes left join people on changes.record_key = people.record_key
        order by changes.record_key, changes.column_name
        """
    )


def _relation_of(con: duckdb.DuckDBPyConnection, feed: Feed, files: Sequence[Path]) -> str:
    """The records of earlier lake files; a column that the contract did not have then is empty."""
    if not files:
        return feed_relation(feed, (), "loaded")
    listed = ", ".join(literal(str(file)) for file in files)
    relation = f"read_parquet([{listed}], union_by_name = true)"
    known = {row[0] for row in con.execute(f"describe select * from {relation}").fetchall()}
    columns = ", ".join(
        name if name in known else f"cast(null as {column.sql_type}) as {name}"
        for name, column in feed.columns.items()
    )
    return f"select {columns} from {relation} where _record_status = 'loaded'"


def _values(con: duckdb.DuckDBPyConnection, feed: Feed, columns: Sequence[str], relation: str) -> str:
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


def _note_parameters(con: duckdb.DuckDBPyConnection, company: Company, now: Publication) -> None:
    """Add what differs in company.yaml."""
    before = now.manifest.parameters.get("company")
    today = company.model_dump(mode="json")
    for name in sorted(today):
        old = before.get(name) if isinstance(before, dict) else None
        if not isinstance(before, dict) or name not in before or old == today[name]:
            continue
        con.execute(
            f"insert into {CHANGE_LOG} values ('company', ?, ?, 'changed', ?, ?, null, null, false, false, "
            "'company.yaml', null, ?)",
            [name, name, _text(old), _text(today[name]), now.name],
        )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
