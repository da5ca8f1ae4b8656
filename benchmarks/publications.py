"""Whether two publications of one company hold the same, table by table, and where they do not.

Here: what must be equal in which table, and the comparison. Not here: making publications (same_numbers.py).

A publication's manifest names rows, columns and content hash of each table. Those are compared, and besides
them the rows of the published files by hashes of DuckDB's own, so that a fault in the product's hashing does
not hide one in its tables. Everything that was published before must be published now, equal in every row;
what is new is listed. Three kinds of content cannot be equal and are declared below with the reason: nothing
else is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

MANIFEST_FILE = "manifest.json"
DATABASE_FILE = "kunderegnskab.duckdb"
_SHOWN_CHARACTERS = 400
_NEW_ROWS_SHOWN = 50


@dataclass(frozen=True)
class Partly:
    """A table of which a part is about the run.

    Attributes:
        without: columns that two runs of the same code do not have in common, or that are words for people.
        why: what these columns are.
        may_grow: rows with a new key are listed and are no difference.
    """

    without: tuple[str, ...]
    why: str
    may_grow: bool = False


# Tables that tell of the run: the other columns, and every row of before, must be equal.
PARTLY = {
    "audit.build": Partly(
        ("load_id", "build_id", "run_id", "input_hash", "code_version", "loaded_at"),
        "which run loaded and built the warehouse, when, and by which code",
    ),
    "audit.check_results": Partly(
        (
            "observed", "expectation", "expectation_da", "detail", "failing_sql",
            "stamp", "checked_at",
        ),
        "when a check ran, for which build, and its words; what came of it is compared",
        may_grow=True,
    ),
    "audit.check_history": Partly(
        ("run_id", "observed"), "the same of earlier publications", may_grow=True
    ),
    "audit.change_log": Partly(("after_published_at",), "when the publication before was made"),
    "audit.waiting_approvals": Partly(("after_published_at",), "when the publication before was made"),
}  # fmt: skip
# Tables that describe the code and not the company: they change with it, so they are only counted.
ABOUT_THE_CODE = {
    "audit.models": "the models and their SQL as it was run",
    "audit.column_lineage": "what each column of a model is computed from, read from that SQL",
}
# A publication's name ends with its run's id, and these files name one. Where rows differ in nothing but
# such a name, or the SHA-256 of such a file, they are equal.
FILES_WITH_NAMES = ("policy/period_events.csv",)

Outcome = Literal["same", "same but for names", "same in part", "about the code", "new", "differs"]


@dataclass(frozen=True)
class TableComparison:
    """What came of one table. `notes` are sentences for people, the first one tells most."""

    table: str
    outcome: Outcome
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """What came of two publications; `notes` are what differs without being a number."""

    tables: tuple[TableComparison, ...]
    notes: tuple[str, ...] = ()

    @property
    def differing(self) -> tuple[TableComparison, ...]:
        """The tables that must be equal and are not."""
        return tuple(table for table in self.tables if table.outcome == "differs")


def compare(before: Path, now: Path, *, rows_shown: int = 5) -> Comparison:
    """Compares two publications, given as their folders.

    Args:
        rows_shown: how many differing rows are shown of a table.
    """
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as con:
        sides = _Side.attached(con, "before", before), _Side.attached(con, "now", now)
        names = sorted({*sides[0].marts, *sides[1].marts})
        tables = tuple(_Tables(con, *sides, name, rows_shown).compared() for name in names)
        notes = (*_other_words(con, sides), *_other_files(sides, tables))
    return Comparison(tables, notes)


@dataclass(frozen=True)
class _Side:
    """One of the two publications, attached as `catalog`.

    Attributes:
        tables: what its file holds: columns with their types by the table's name.
        aliases: value that another run would not have -> what stands for it.
    """

    catalog: str
    manifest: Mapping[str, Any]
    tables: Mapping[str, Mapping[str, str]]
    aliases: Mapping[str, str]

    @classmethod
    def attached(cls, con: duckdb.DuckDBPyConnection, catalog: str, folder: Path) -> _Side:
        con.execute(f"attach {_literal(folder / DATABASE_FILE)} as {catalog} (read_only)")
        tables: dict[str, dict[str, str]] = {}
        for schema, table, column, kind in con.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns() "
            "where database_name = ? order by table_oid, column_index",
            [catalog],
        ).fetchall():
            tables.setdefault(f"{schema}.{table}", {})[column] = kind
        # As plain JSON: what the code says of a manifest today need not hold for an older one.
        manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        names = {manifest["publication"]}
        if "audit.check_history" in tables:
            earlier = con.execute(f"select distinct publication from {catalog}.audit.check_history")
            names |= {name for (name,) in earlier.fetchall()}
        aliases = {name: f"publication {name.partition('-')[0]}" for name in names}
        aliases |= {
            file["sha256"]: f"SHA-256 of {file['path']}"
            for file in manifest["inputs"]
            if file["path"] in FILES_WITH_NAMES
        }
        return cls(catalog, manifest, tables, aliases)

    @property
    def marts(self) -> Mapping[str, Any]:
        return self.manifest["marts"]

    def relation(self, table: str) -> str:
        return ".".join(map(_quoted, (self.catalog, *table.split("."))))


@dataclass(frozen=True)
class _Tables:
    """One table of both publications."""

    con: duckdb.DuckDBPyConnection
    before: _Side
    now: _Side
    name: str
    rows_shown: int

    def compared(self) -> TableComparison:
        if self.name not in self.now.marts:
            rows = self.before.marts[self.name]["rows"]
            return TableComparison(self.name, "differs", (f"is not published any more ({rows:,} rows)",))
        if self.name not in self.before.marts:
            return TableComparison(self.name, "new", (f"{self.now.marts[self.name]['rows']:,} rows",))
        if missing := [side.catalog for side in (self.before, self.now) if self.name not in side.tables]:
            return TableComparison(self.name, "differs", (f"the file of {' and '.join(missing)} lacks it",))
        if self.name in ABOUT_THE_CODE:
            return TableComparison(self.name, "about the code", self._about_the_code())
        part = PARTLY.get(self.name)
        if part is None and self._is_identical():
            return TableComparison(self.name, "same")
        faults = self._other_shape()
        columns = [name for name in self._shared() if part is None or name not in part.without]
        faults += self._other_rows(columns, part)
        if part is not None:
            grown = self._grown(columns) if part.may_grow else []
            left = f"left out: {part.why} ({', '.join(part.without)})"
            return TableComparison(
                self.name, "differs" if faults else "same in part", (*faults, left, *grown)
            )
        if not faults and self.now.marts[self.name].get("query"):
            return TableComparison(self.name, "same", ("the same rows as a view",))
        if not faults and self._count_differing(columns, plain=True) == 0:
            faults.append("holds the same rows, and its content hash is another: hashes are made another way")
        if faults:
            return TableComparison(self.name, "differs", tuple(faults))
        return TableComparison(
            self.name,
            "same but for names",
            ("rows differ in nothing but names of publications, or hashes of files that hold such names",),
        )

    # --- what the manifests and files say -----------------------------------------------------------
    def _is_identical(self) -> bool:
        # An older manifest does not say what was not there to be said, such as that a table is no view.
        told = [
            {what: said for what, said in side.marts[self.name].items() if said is not None}
            for side in (self.before, self.now)
        ]
        found = [self._digest(side) for side in (self.before, self.now)]
        return told[0] == told[1] and found[0] == found[1]

    def _digest(self, side: _Side) -> tuple[Any, ...]:
        columns = self._columns(side)
        values = ", ".join(map(_quoted, columns))
        digest = self.con.execute(
            f"select count(*), sum(hash({values})) from {side.relation(self.name)}"
        ).fetchall()
        return (*columns.items(), *digest[0])

    def _columns(self, side: _Side) -> Mapping[str, str]:
        return side.tables[self.name]

    def _shared(self) -> list[str]:
        now = self._columns(self.now)
        return [name for name in self._columns(self.before) if name in now]

    def _other_shape(self) -> list[str]:
        before, now = self._columns(self.before), self._columns(self.now)
        faults = [f"column {name} ({before[name]}) is gone" for name in before if name not in now]
        faults += [f"column {name} ({now[name]}) is new" for name in now if name not in before]
        faults += [
            f"column {name} was {before[name]} and is {now[name]}"
            for name in self._shared()
            if before[name] != now[name]
        ]
        if before == now and list(before) != list(now):
            faults.append(f"columns stand in another order: {', '.join(now)}")
        keys = [side.marts[self.name]["key"] for side in (self.before, self.now)]
        if keys[0] != keys[1]:
            faults.append(f"the key was {', '.join(keys[0]) or 'none'} and is {', '.join(keys[1]) or 'none'}")
        for side, found in ((self.before, before), (self.now, now)):
            told = {column["name"]: column["type"] for column in side.marts[self.name]["columns"]}
            if list(told.items()) != list(found.items()):
                faults.append(f"the file of {side.catalog} has other columns than its manifest says")
            rows = self.con.execute(f"select count(*) from {side.relation(self.name)}").fetchall()[0][0]
            if rows != side.marts[self.name]["rows"]:
                faults.append(f"the file of {side.catalog} has other rows than its manifest says")
        return faults

    # --- rows --------------------------------------------------------------------------------------
    def _selected(self, side: _Side, columns: Sequence[str], *, plain: bool = False) -> str:
        """SQL of the columns, with aliases for what another run would not have."""
        kinds = self._columns(side)
        replaced = " ".join(
            f"when {_literal(value)} then {_literal(alias)}" for value, alias in side.aliases.items()
        )
        values = [
            f"case {_quoted(name)} {replaced} else {_quoted(name)} end as {_quoted(name)}"
            if kinds[name] == "VARCHAR" and replaced and not plain
            else _quoted(name)
            for name in columns
        ]
        return f"select {', '.join(values)} from {side.relation(self.name)}"

    def _count_differing(self, columns: Sequence[str], *, plain: bool = False) -> int:
        before, now = (self._selected(side, columns, plain=plain) for side in (self.before, self.now))
        counted = [
            self.con.execute(f"select count(*) from (({one}) except all ({other}))").fetchall()[0][0]
            for one, other in ((before, now), (now, before))
        ]
        return sum(counted)

    def _key(self, columns: Sequence[str]) -> list[str]:
        keys = [side.marts[self.name]["key"] for side in (self.before, self.now)]
        return keys[0] if keys[0] == keys[1] and set(keys[0]) <= set(columns) else []

    def _other_rows(self, columns: Sequence[str], part: Partly | None) -> list[str]:
        """How many rows stand on one side only, and the first of them."""
        if not columns:
            counts = [side.marts[self.name]["rows"] for side in (self.before, self.now)]
            return [] if counts[0] == counts[1] else [f"{counts[0]:,} rows before, {counts[1]:,} now"]
        before, now = (self._selected(side, columns) for side in (self.before, self.now))
        self.con.execute(f"create or replace temp table only_before as ({before}) except all ({now})")
        self.con.execute(f"create or replace temp table only_now as ({now}) except all ({before})")
        key = self._key(columns)
        if part is not None and part.may_grow and key:
            same_key = " and ".join(
                f"b.{_quoted(name)} is not distinct from n.{_quoted(name)}" for name in key
            )
            self.con.execute(
                f"delete from only_now as n where not exists (from ({before}) as b where {same_key})"
            )
        counts = [
            self.con.execute(f"select count(*) from {table}").fetchall()[0][0]
            for table in ("only_before", "only_now")
        ]
        if not any(counts):
            return []
        rows = [side.marts[self.name]["rows"] for side in (self.before, self.now)]
        return [
            f"{counts[0]:,} of {rows[0]:,} rows only before, {counts[1]:,} of {rows[1]:,} rows only now",
            *self._examples(columns, key),
        ]

    def _examples(self, columns: Sequence[str], key: Sequence[str]) -> list[str]:
        """The first rows that have the same key with the columns that differ, then the first others."""
        shown: list[str] = []
        others = [name for name in columns if name not in key]
        same_key = (
            " and ".join(f"b.{_quoted(name)} is not distinct from n.{_quoted(name)}" for name in key)
            or "false"
        )
        if key and others:
            pairs = f"only_before as b join only_now as n on {same_key}"
            counted = ", ".join(
                f"count(*) filter (b.{_quoted(name)} is distinct from n.{_quoted(name)})" for name in others
            )
            counts = self.con.execute(f"select {counted} from {pairs}").fetchall()[0]
            differing = [f"{name} ({count:,})" for name, count in zip(others, counts, strict=True) if count]
            if differing:
                shown.append(f"columns that differ in rows of the same key: {', '.join(differing)}")
            values = ", ".join(
                f"{side}.{_quoted(name)}"
                for side, names in (("b", key), ("b", others), ("n", others))
                for name in names
            )
            order = ", ".join(f"b.{_quoted(name)}" for name in key)
            for row in self.con.execute(
                f"select {values} from {pairs} order by {order} limit {self.rows_shown}"
            ).fetchall():
                of_key, old, new = (
                    row[: len(key)], row[len(key) : len(columns)], row[len(columns) :],
                )  # fmt: skip
                changes = [
                    f"{name} {_text(was)} -> {_text(is_)}"
                    for name, was, is_ in zip(others, old, new, strict=True)
                    if was != is_
                ]
                shown.append(_short(f"{_named(key, of_key)}: {', '.join(changes)}"))
        names = ", ".join(map(_quoted, columns))
        for one, other, when in (("only_before", "only_now", "before"), ("only_now", "only_before", "now")):
            aliases = ("b", "n") if when == "before" else ("n", "b")
            unmatched = (
                f"from {one} as {aliases[0]} where not exists (from {other} as {aliases[1]} where {same_key})"
            )
            query = f"select {names} {unmatched} order by all limit {self.rows_shown}"
            shown += [
                _short(f"only {when}: {_named(columns, row)}") for row in self.con.execute(query).fetchall()
            ]
        return shown

    def _grown(self, columns: Sequence[str]) -> list[str]:
        key = self._key(columns)
        if not key:
            return []
        before, now = (self._selected(side, key) for side in (self.before, self.now))
        found = self.con.execute(f"select * from (({now}) except ({before})) order by all").fetchall()
        if not found:
            return []
        listed = [_short(f"new: {_named(key, row)}") for row in found[:_NEW_ROWS_SHOWN]]
        return [f"{len(found):,} rows are new", *listed, *(["and so on"] if len(found) > len(listed) else [])]

    def _about_the_code(self) -> tuple[str, ...]:
        shared = self._shared()
        key = self._key(shared)
        before, now = (self._selected(side, shared) for side in (self.before, self.now))
        counts = [
            self.con.execute(f"select count(*) from (({one}) except ({other}))").fetchall()[0][0]
            for one, other in ((before, now), (now, before))
        ]
        told = [f"{ABOUT_THE_CODE[self.name]}: {counts[0]:,} rows only before, {counts[1]:,} only now"]
        if key and self.name == "audit.models":
            keys = [self._selected(side, key) for side in (self.before, self.now)]
            for one, other, what in ((keys[0], keys[1], "gone"), (keys[1], keys[0], "new")):
                rows = self.con.execute(f"select * from (({one}) except ({other})) order by all").fetchall()
                told += [f"model {'.'.join(row)} is {what}" for row in rows]
        return tuple(told)


def _other_words(con: duckdb.DuckDBPyConnection, sides: Iterable[_Side]) -> list[str]:
    """Descriptions of tables and columns that are not the same."""
    comments = [
        {
            (schema, table, column): comment
            for schema, table, column, comment in con.execute(
                "select schema_name, table_name, null, comment from duckdb_tables() where database_name = $1 "
                "union all "
                "select schema_name, table_name, column_name, comment from duckdb_columns() "
                "where database_name = $1",
                [side.catalog],
            ).fetchall()
        }
        for side in sides
    ]
    other = [
        ".".join(filter(None, name))
        for name in comments[0]
        if name in comments[1] and comments[0][name] != comments[1][name]
    ]
    if not other:
        return []
    return [_short(f"{len(other):,} tables and columns have another description: {', '.join(other)}")]


def _other_files(sides: Sequence[_Side], tables: Iterable[TableComparison]) -> list[str]:
    """Parquet files whose bytes are not the same though their tables are."""
    files = [side.manifest["files"] for side in sides]
    other = []
    for table in tables:
        if table.outcome == "same":
            schema, name = table.table.split(".")
            path = f"parquet/{'' if schema == 'marts' else f'{schema}/'}{name}.parquet"
            if files[0].get(path) != files[1].get(path):
                other.append(path)
    if not other:
        return []
    return [_short(f"{len(other):,} Parquet files of equal tables have other bytes: {', '.join(other)}")]


def _named(names: Sequence[str], row: Sequence[Any]) -> str:
    return ", ".join(f"{name}={_text(value)}" for name, value in zip(names, row, strict=True))


def _text(value: object) -> str:
    return "NULL" if value is None else str(value)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]} ..."


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str | Path) -> str:
    return "'" + str(value).replace("'", "''") + "'"
