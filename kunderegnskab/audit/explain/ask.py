"""From what a person asks to the cell that holds the answer, and the tree of explanations below it.

Here: finding the cell, and going down from part to part. Not here: one step down (explanation.py), and
showing the tree (show.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from kunderegnskab.audit.explain.explanation import (
    BREADTH,
    CannotExplain,
    Cell,
    Explanation,
    Part,
    Value,
    explain,
)
from kunderegnskab.audit.trace import Trace
from kunderegnskab.pseudonyms import is_plain, is_pseudonym

# Steps that a person still reads, and how far down there is anything.
_READABLE = 60
_DEEPEST = 10


@dataclass(frozen=True)
class Branch:
    """A part and the explanation of its own value, if it was followed.

    Attributes:
        part: None for the root.
        why_not: what kept a part from being explained, in a sentence.
    """

    part: Part | None
    explanation: Explanation | None
    branches: tuple[Branch, ...] = ()
    why_not: str = ""

    def explanations(self) -> Iterator[Explanation]:
        """Every explanation of the tree, from the top."""
        if self.explanation is not None:
            yield self.explanation
        for branch in self.branches:
            yield from branch.explanations()


def kpi_cell(
    trace: Trace, kpi: str, scope_type: str, scope_id: str, month: date, window: str = "month"
) -> Cell:
    """The cell of a KPI, or of a column of the customer accounts.

    Raises CannotExplain when neither is published.
    """
    register = _published(trace, "select kpi_id, is_in_use from marts.kpi_register order by position")
    known = [kpi_id for kpi_id, is_in_use in register if is_in_use]
    if (kpi, False) in register:
        raise CannotExplain(
            f"{kpi} is not in use: neither the feed kpi_register nor a target names it. In use are "
            f"{', '.join(known)}."
        )
    if kpi in known:
        key: dict[str, Value] = {
            "kpi_id": kpi,
            "scope_type": scope_type,
            "scope_id": scope_id,
            "month": month,
            "time_window": window,
        }
        return Cell("marts.kpi_values", key, "value")
    accounts = trace.publication.manifest.marts["marts.customer_accounts"]
    columns = [column.name for column in accounts.columns if column.name not in accounts.key]
    if kpi in columns and scope_type == "customer" and window == "month":
        return Cell("marts.customer_accounts", {"customer_id": scope_id, "month": month}, kpi)
    raise CannotExplain(
        f"{kpi} is no KPI; use one of {', '.join(known)}"
        + (f", or for one customer and month one of {', '.join(columns)}." if columns else ".")
    )


def cell_at(trace: Trace, name: str, key: Mapping[str, str]) -> Cell:
    """The cell of any published table.

    Args:
        name: `table.column` or `schema.table.column`; the schema is marts if it is left out.
        key: the key columns with their values as text; an empty text is none.

    Raises CannotExplain when the table, a key column or the row is not published.
    """
    parts = name.split(".")
    if len(parts) == 2:
        parts = ["marts", *parts]
    table, column = ".".join(parts[:-1]), parts[-1]
    content = trace.publication.manifest.marts.get(table)
    if len(parts) != 3 or content is None:
        raise CannotExplain(
            f"{name} is not published; name a column as table.column, e.g. whale_curve.share."
        )
    if not content.key:
        raise CannotExplain(
            f"The rows of {table} have no key by which one could be asked for; read them in "
            "kunderegnskab.duckdb: each says what it comes from."
        )
    if set(content.key) != set(key):
        given = " ".join(f"--at {name}=…" for name in content.key)
        missing = [name for name in content.key if name not in key]
        surplus = [name for name in key if name not in content.key]
        raise CannotExplain(
            f"The rows of {table} are told apart by {', '.join(content.key)}; give {given}"
            + (f" (missing: {', '.join(missing)})" if missing and key else "")
            + (f" (not one of them: {', '.join(surplus)})" if surplus else "")
            + "."
        )
    if "salesperson_id" in key:
        key = {**key, "salesperson_id": salesperson_of(trace, key["salesperson_id"])}
    types = {each.name: each.type for each in content.columns}
    return Cell(table, {each: _typed(trace, types[each], each, key[each]) for each in content.key}, column)


def key_of(options: Sequence[str]) -> dict[str, str]:
    """`["month=2025-06", "rank=3"]` as a key.

    Raises CannotExplain when one is not written so.
    """
    if wrong := [option for option in options if "=" not in option]:
        raise CannotExplain(f"--at {wrong[0]} is not a key column and its value, such as rank=3.")
    return {name: value for name, _, value in (option.partition("=") for option in options)}


def scope_of(scopes: Mapping[str, str | None]) -> tuple[str, str]:
    """Type and key of the one scope that was named; the company if none was.

    A salesperson and a segment are one: what the salesperson has within the segment.

    Raises CannotExplain when several were.
    """
    named = {scope_type: scope_id for scope_type, scope_id in scopes.items() if scope_id is not None}
    if named.keys() == {"salesperson", "segment"}:
        return "salesperson_segment", f"{named['salesperson']} / {named['segment']}"
    if len(named) > 1:
        options = " and ".join(f"--{scope_type.replace('_', '-')}" for scope_type in named)
        raise CannotExplain(f"Name one of {options}, not both.")
    return next(iter(named.items())) if named else ("company", "company")


def salesperson_of(trace: Trace, asked: str) -> str:
    """A salesperson as the publication names them: the key that a company uses, or the pseudonym.

    Raises:
        CannotExplain: the publication knows nobody of that key.
        CannotTrace: it takes a secret that is not at hand.
    """
    if is_pseudonym(asked) or is_plain(trace.publication.manifest.parameters):
        return asked
    named = str(trace.pseudonyms.of(asked))
    # Asked here, because a sentence about a pseudonym that nobody has would make one believe in somebody.
    trace.require("marts.salespeople")
    known = "select 1 from marts.salespeople where salesperson_id = ? limit 1"
    if not trace.con.execute(known, [named]).fetchall():
        raise CannotExplain(
            f"{trace.publication.name} knows no salesperson {asked}; `kunderegnskab salespeople` shows who "
            "is listed."
        )
    return named


def follow(trace: Trace, cell: Cell, depth: int | None) -> Branch:
    """The explanation of a cell, of its parts, and so on, `depth` steps down.

    Args:
        depth: None for as deep as a person can read: to the records of a customer's month, less for a year of
            the company.

    Raises CannotExplain for the cell itself; for a part the branch says why.
    """
    follower = _Follower(trace)
    if depth is not None:
        return follower.branch(None, cell, depth)
    found = follower.branch(None, cell, 1)
    for deeper in range(2, _DEEPEST + 1):
        # What was asked before is not asked again, so each round costs its last step alone.
        tree = follower.branch(None, cell, deeper)
        size = sum(1 for _ in tree.explanations())
        if size > _READABLE:
            return found
        if size == sum(1 for _ in found.explanations()):
            return tree
        found = tree
    return found


class _Follower:
    """Goes down from cell to cell, and asks each only once: many ways lead to the same one."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._asked: dict[tuple[object, ...], Explanation] = {}

    def branch(self, part: Part | None, cell: Cell, depth: int) -> Branch:
        place = (cell.table, cell.column, *cell.key.items())
        if place not in self._asked:
            self._asked[place] = explain(self._trace, cell)
        explanation = self._asked[place]
        # What a formula names are few, and without one of them it says nothing.
        shown = None if explanation.kind == "formula" else BREADTH
        branches = tuple(self._followed(child, depth - 1) for child in explanation.parts[:shown])
        return Branch(part, explanation, branches)

    def _followed(self, part: Part, depth: int) -> Branch:
        if part.cell is None:
            return Branch(part, None, tuple(self._followed(child, depth) for child in part.parts[:BREADTH]))
        if depth < 1:
            return Branch(part, None)
        try:
            return self.branch(part, part.cell, depth)
        except CannotExplain as error:
            return Branch(part, None, (), str(error))


def _typed(trace: Trace, sql_type: str, column: str, text: str) -> Value:
    if not text:
        return None
    if sql_type == "DATE" and re.fullmatch(r"\d{4}-\d{2}", text):
        text = f"{text}-01"
    ((value,),) = trace.con.execute(f"select try_cast(? as {sql_type})", [text]).fetchall()
    if value is None:
        raise CannotExplain(f"{text!r} is no {sql_type.lower()}, which {column} is.")
    return value


def _published(trace: Trace, query: str) -> list[tuple[Any, ...]]:
    trace.require("marts.kpi_register")
    return trace.con.execute(query).fetchall()
