"""Table audit.personal_data: which published columns hold whose data, and from which feed column it comes.

Here: following the lineage from published columns to columns that the contract classifies. Not here: the
classification itself (feeds/contracts.yaml), and reading lineage (lineage.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import duckdb

from kunderegnskab.audit.approvals import APPROVER
from kunderegnskab.audit.lineage import ROWS, SourceColumn
from kunderegnskab.feeds import Feed, load_feeds
from kunderegnskab.rows import insert_rows

TABLE = "audit.personal_data"
# (schema, relation, column)
_Place = tuple[str, str, str]
_REASONS = {
    "salesperson_key": (
        "Udpeger en sælger; et pseudonym, medmindre salesperson_keys er plain",
        "Tells a salesperson from others; a pseudonym unless salesperson_keys is plain",
    ),
    "salesperson_name": (
        "Sælgerens navn; pseudonymet står i stedet, medmindre salesperson_keys er plain",
        "A salesperson's name; the pseudonym stands in its place unless salesperson_keys is plain",
    ),
    "customer": (
        "Udpeger en kunde; en personoplysning, når kunden er en enkeltmandsvirksomhed (is_sole_trader)",
        "Names a customer; personal data where the customer is a sole trader (is_sole_trader)",
    ),
    "employee": (
        "Hvem der har lavet, godkendt eller besluttet noget; bevares som dokumentation",
        "Who made, approved or decided something; kept as evidence",
    ),
}


def record_personal_data(
    con: duckdb.DuckDBPyConnection,
    lineage: Mapping[tuple[str, str], Mapping[str, Sequence[SourceColumn]]],
) -> None:
    """Write the table into a warehouse whose models are built; a column of text alone can name somebody.

    Args:
        lineage: (schema, relation) -> column -> the columns that its value is made of, one step back.
    """
    edges: dict[_Place, list[_Place]] = {
        (*relation, column): [(each.schema, each.relation, each.column) for each in sources]
        for relation, columns in lineage.items()
        for column, sources in columns.items()
    }
    for place, source in _filled_in_python():
        edges.setdefault(place, []).append(source)

    @cache
    def classified(place: _Place) -> frozenset[tuple[str, str]]:
        """(feed, column) of every classified column that a value is made of; rows name nobody."""
        schema, relation, column = place
        feed = load_feeds().get(relation) if schema == "raw" else None
        if feed is not None:
            declared = feed.columns.get(column)
            return frozenset([(relation, column)] if declared and declared.personal else [])
        sources = (source for source in edges.get(place, []) if source[2] != ROWS)
        return frozenset().union(*(classified(source) for source in sources))

    rows = []
    for schema, table, column in con.execute(
        "select c.schema_name, c.table_name, c.column_name from duckdb_columns() as c "
        "left join duckdb_tables() as t using (database_oid, schema_name, table_name) "
        "where c.database_name = current_database() and c.schema_name in ('marts', 'audit', 'raw') "
        # Of the views, those of marts are published.
        "and (t.table_oid is not null or c.schema_name = 'marts') "
        "and c.data_type = 'VARCHAR' order by all"
    ).fetchall():
        for feed, feed_column in sorted(classified((schema, table, column))):
            category = str(load_feeds()[feed].columns[feed_column].personal)
            rows.append((schema, table, column, category, feed, feed_column, *_REASONS[category]))
    con.execute(
        f"""
        create or replace table {TABLE} (
            schema_name varchar, table_name varchar, column_name varchar, category varchar, feed varchar,
            feed_column varchar, reason_da varchar, reason_en varchar
        )
        """
    )
    insert_rows(con, TABLE, rows)


def _filled_in_python() -> Iterator[tuple[_Place, _Place]]:
    """What the tables hold that no model makes: (column of such a table, column of a feed)."""
    for feed in load_feeds().values():
        for name, column in feed.columns.items():
            if column.personal is None:
                continue
            source = ("raw", feed.name, name)
            # A record can be rejected for any of its columns, a repeated key is shown.
            yield ("raw", "rejects", "raw_value"), source
            if name in feed.key:
                yield ("raw", "repeated_keys", "raw_value"), source
            if feed.is_policy:
                yield from (((*("audit", "change_log"), place), source) for place in _changes(feed, name))
            if feed.can_be_approved:
                yield from (
                    ((*("audit", "waiting_approvals"), place), source) for place in _waiting(feed, name)
                )
            if feed.name == "kpi_targets" and name == "scope_id":
                yield ("raw", "published_baselines", name), source
    # What a closing takes over is carried from publication to publication.
    yield ("raw", "closed_sources", "customer_id"), ("raw", "customers", "customer_id")
    yield ("raw", "closed_figures", "scope_id"), ("raw", "salespeople", "salesperson_id")


def _waiting(feed: Feed, name: str) -> Iterator[str]:
    """The columns of audit.waiting_approvals in which a feed's column stands."""
    yield from ("sentence_da", "sentence_en", "record_key" if name in feed.key else "what_changed")
    if name == feed.maker:
        yield "changed_by"


def _changes(feed: Feed, name: str) -> Iterator[str]:
    """The columns of audit.change_log in which a feed's column stands."""
    if name in feed.key:
        yield "record_key"
        return
    yield from ("old_value", "new_value")
    if name == APPROVER:
        yield "approved_by"
    if name == feed.maker:
        yield "changed_by"
