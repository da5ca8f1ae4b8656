"""Rejected records as plain sentences: which file and column, how many, what stands there, what to do.

The rejected records are found by `typed` (one record) and `load` (keys that repeat), which say of each what
kind of fault it is. Records of one file that fail alike are one sentence.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

import duckdb

from kunderegnskab.ingest.cpr import masked
from kunderegnskab.problems import InputProblem, quoted

_CORRECT = "correct it in the source and deliver the file again"
_COMPUTE = "open the workbook in Excel so that it computes, correct what it shows, save and deliver it again"
_ALLOW = "or allow it with allow_rejects in feeds.yaml"
_ALLOW_ALL = "or allow them with allow_rejects in feeds.yaml"
# So many records that fail alike are no slips of the pen: the file is written otherwise than was declared.
_MANY = 10
# Records that a sentence names, of many.
_NAMED = 3


class RejectKind(StrEnum):
    """What kind of fault a record is rejected for. Whoever finds the fault says so."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CODE = "code"
    BOOLEAN = "boolean"
    ID = "id"
    EMPTY = "empty"
    EXPRESSION = "expression"
    TOO_WIDE = "too_wide"
    LOOKUP = "lookup"
    AMOUNTS = "amounts"
    CELL = "cell"
    MERGED = "merged"
    SHAPE = "shape"
    PERSONAL = "personal"
    REPEATED_KEY = "repeated_key"
    CHANGED_REPEAT = "changed_repeat"
    READ_TWICE = "read_twice"
    SPLIT_DOCUMENT = "split_document"


_ONCE = (
    "deliver each record once; where both are records of their own, make the key unique with an expression "
    "in feeds.yaml, such as document_no: Type || '-' || No"
)
# What to do about a fault of which the kind alone says it.
_ACTIONS: dict[RejectKind, str] = {
    RejectKind.CELL: _COMPUTE,
    RejectKind.MERGED: (
        "unmerge the cells, write the value into each of them, save and deliver the workbook again"
    ),
    RejectKind.REPEATED_KEY: _ONCE,
    RejectKind.CHANGED_REPEAT: _ONCE,
    RejectKind.READ_TWICE: "name the file in one source only, or map the columns of a key",
}

# What may be declared wrongly if many records fail alike; the example is one of their texts.
_SUSPECTED: dict[RejectKind, str] = {
    RejectKind.TEXT: "the format's `encoding` may be wrong",
    RejectKind.NUMBER: "the format's `decimal`, `thousands` or `negative` may be wrong",
    RejectKind.DATE: "the format's `date` may be wrong",
    RejectKind.CODE: "the file may have words of its own, which an expression translates",
    RejectKind.BOOLEAN: "the format's `true_words` and `false_words` may be wrong",
    RejectKind.ID: "format the column as text before it is exported",
    RejectKind.SHAPE: "the mapping may have to name a field within it, or `records` another place",
    RejectKind.EMPTY: "the mapping may name another column than the one that has the values",
    RejectKind.EXPRESSION: "the expression may be wrong: number() and date() read text as the format says",
    RejectKind.TOO_WIDE: "round it in the expression",
    RejectKind.LOOKUP: "the lookup's `key` or `source_column` may be wrong",
}


@dataclass(frozen=True)
class _Group:
    """Records of a file that fail alike.

    Attributes:
        sheet: of a workbook, on which they stand; empty for a file without sheets.
        reason: of the first of them, as is `text`, what stands there.
        first: the numbers of the first records.
        count: how many they are.
        records: how many records the file has.
    """

    file: str
    sheet: str
    column: str
    kind: RejectKind
    text: str | None
    reason: str
    first: list[int]
    count: int
    records: int

    @property
    def place(self) -> str:
        return self.file if not self.sheet else f"{self.file}, sheet {quoted(self.sheet)}"

    def problem(self) -> InputProblem:
        text = "" if self.text is None else f"{quoted(masked(self.text))} "
        if self.count == 1:
            what = f"{text}{self.reason}"
            return InputProblem(self.place, what, self._action(), record=self.first[0], column=self.column)
        named = ", ".join(f"{record}" for record in self.first)
        which = f"first {named}" if self.count > len(self.first) else named
        said = f"{self.count:,} records of {self.records:,}, {which}: {text}{self.reason}"
        return InputProblem(self.place, said, self._action(), column=self.column)

    def _action(self) -> str:
        if self.kind is RejectKind.PERSONAL:
            one = self.count == 1
            return (
                f"remove {'it' if one else 'them'} and deliver the file again, leave the "
                f"{'record' if one else 'records'} out with allow_rejects, or declare the column as "
                "not_personal if its numbers are no persons', in feeds.yaml"
            )
        allow = _ALLOW if self.count == 1 else _ALLOW_ALL
        if self.kind in _ACTIONS:
            return f"{_ACTIONS[self.kind]}, {allow}"
        if suspected := self._suspected():
            return f"{suspected}; else {_CORRECT}, {allow}"
        return f"{_CORRECT}, {allow}"

    def _suspected(self) -> str | None:
        """What the company may have declared wrongly, if it looks like that."""
        if self.count < 2 or (self.count < _MANY and self.count * 2 <= self.records):
            return None
        if self.text is not None and self.kind in _READS_WORDS and _is_garbled(self.text):
            return "the format's `encoding` may be wrong"
        return _SUSPECTED.get(self.kind)


# Kinds of which a word that was decoded wrongly may be the cause.
_READS_WORDS = (RejectKind.CODE, RejectKind.BOOLEAN, RejectKind.LOOKUP)


def _is_garbled(text: str) -> bool:
    """Whether it has what no word has, but what letters become when they are decoded wrongly."""
    return any(ord(sign) > 0x7F and unicodedata.category(sign)[0] not in "LMNZ" for sign in text)


def reject_problems(
    con: duckdb.DuckDBPyConnection, limit: int, feed: str | None = None
) -> list[InputProblem]:
    """What the rejected records of a warehouse say: the first `limit` groups, by file and record.

    A group is the records of a file, or of a sheet of one, that fail alike: the same column, the same kind of
    fault. One more problem says how many records the groups beyond `limit` have.

    Args:
        con: a warehouse that `load_warehouse` filled.
        feed: only the records of this feed.
    """
    found = con.execute(
        f"""
        with groups as (
            select feed, source_file, source_sheet, column_name, kind, count(*) as record_count,
                min_by(struct_pack(raw_value, reason), source_record) as example,
                list(source_record order by source_record)[1:{_NAMED}] as first_records
            from raw.rejects where $feed is null or feed = $feed
            group by feed, source_file, source_sheet, column_name, kind
        )
        select source_file, source_sheet, column_name, kind, example.raw_value, example.reason, first_records,
            record_count, records_read
        from groups join raw.files using (feed, source_file)
        order by source_file, source_sheet, first_records[1], feed, column_name
        """,
        {"feed": feed},
    ).fetchall()
    groups = [
        _Group(file, sheet, column, RejectKind(kind), text, reason, first, count, records)
        for file, sheet, column, kind, text, reason, first, count, records in found
    ]
    problems = [group.problem() for group in groups[:limit]]
    if rest := groups[limit:]:
        more = sum(group.count for group in rest)
        problems.append(
            InputProblem(
                f"{rest[0].file} and later files"
                if len({group.file for group in rest}) > 1
                else rest[0].file,
                f"{more:,} more records are rejected, in {len(rest)} other ways",
                "correct what is named first",
            )
        )
    return problems
