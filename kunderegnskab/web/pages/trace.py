"""Spor: one number, what it is made of, and the records of the files at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from kunderegnskab.audit.explain import show
from kunderegnskab.audit.explain.explanation import Cell, Value
from kunderegnskab.reading.traces import Shown, Traced
from kunderegnskab.web.asked import Asked, Context
from kunderegnskab.web.figures import trace_address
from kunderegnskab.web.names import customers_of, driver_name, owner_name, salespeople_of

_NO_KEY = frozenset({"tal", "lang"})


def context(asked: Asked) -> Context:
    """One number (`tal=schema.table.column` and its key)."""
    if not asked.maybe("tal"):
        return {"is_empty": True}
    key = {name: value for name, value in asked.parameters.items() if name not in _NO_KEY}
    traced = asked.traces.traced(asked.reader, asked.one("tal"), key, asked.language.code)
    explanation, names = traced.explanation, traced.names
    code = asked.language.code
    shared = _shared(traced.parts)
    say = _Sayer(asked, traced)
    words = explanation.words
    cell = explanation.cell
    keys = [
        {**cell.key, cell.column: explanation.value},
        # A part is told by its key, or it is the value of a column.
        *({**part.name, str(part.name.get("column", "")): part.value} for part in _all(traced.parts)),
        *traced.read,
    ]
    return {
        "is_empty": False,
        "title": _called(asked, cell, names),
        "where": f"{cell.table}.{cell.column}",
        "key": [
            (asked.texts.get(f"key_{name}", name), say.value(name, value, cell.key))
            for name, value in cell.key.items()
        ],
        "value": show.number(explanation.value, code),
        "is_negative": _is_negative(explanation.value),
        "rule": getattr(words, code) if words is not None else "",
        "formula": show.readable(explanation.formula, names) if explanation.formula else "",
        "is_name": explanation.kind == "name",
        "adds_up": explanation.adds_up,
        "computed": show.number(explanation.computed, code),
        "parts": [_part(part, shared, names, say) for part in traced.parts],
        "more": traced.more,
        "hidden": traced.hidden,
        "records": traced.records,
        "record_value": lambda record: show.number(record.value, code),
        "records_more": traced.records_more,
        "records_hidden": traced.records_hidden,
        "customers_seen": list(customers_of(keys)),
        "salespeople_seen": list(salespeople_of(keys)),
    }


def _called(asked: Asked, cell: Cell, names: show.Names) -> str:
    """What the number is called: by its KPI, line or column, and which of their figures it is."""
    texts, column = asked.texts, cell.column.removeprefix("compared_")
    figure = texts.get(f"figure_{column}") or texts.get(column)
    if "kpi_id" in cell.key:
        name = names.of(str(cell.key["kpi_id"]))
        return name if column == "value" or figure is None else f"{name}: {figure.lower()}"
    name = figure or names.of(column.removesuffix("_r12"))
    return f"{name}, {texts['last_year']}" if column != cell.column else name


class _Sayer:
    """Writes what tells rows apart as people know it: names beside the numbers of customers and lines."""

    def __init__(self, asked: Asked, traced: Traced) -> None:
        self.asked = asked
        keys = [traced.explanation.cell.key, *(part.name for part in _all(traced.parts))]
        wanted = {str(key["customer_id"]) for key in keys if key.get("customer_id")}
        wanted |= {str(key["scope_id"]) for key in keys if key.get("scope_type") in ("customer", "chain")}
        rows = asked.reader.rows(
            "select customer_id, customer_name from marts.customers where list_contains(?, customer_id)",
            [sorted(wanted)],
        )
        self._customers = {row["customer_id"]: row["customer_name"] for row in rows if row["customer_name"]}
        self._lines = {
            row["line_code"]: row[f"name_{asked.language.code}"]
            for row in asked.reader.rows("select * from audit.ladder")
        }

    def value(self, name: str, value: Value, key: Mapping[str, Value]) -> str:
        """One value of a key."""
        texts, language = self.asked.texts, self.asked.language
        if isinstance(value, date):
            return language.month(value) if name == "month" else language.day(value)
        text = show.number(value, language.code)
        is_customer = name == "customer_id" or (
            name == "scope_id" and key.get("scope_type") in ("customer", "chain")
        )
        if is_customer and text in self._customers:
            return f"{text} {self._customers[text]}"
        if name == "line_code" and text in self._lines:
            return f"{text} {self._lines[text]}"
        if name == "salesperson_id" or (
            name == "scope_id" and str(key.get("scope_type")).startswith("sales")
        ):
            return owner_name(self.asked, text) or text
        if name == "driver":
            return driver_name(self.asked, text)
        if name == "scope_id" and key.get("scope_type") == "company":
            return texts["whole_company"]
        return texts.get(f"{name.removeprefix('time_').removesuffix('_type')}_{text}", text)


def _all(parts: Sequence[Shown]) -> Iterator[Shown]:
    for part in parts:
        yield part
        yield from _all(part.parts)


def _part(part: Shown, shared: frozenset[str], names: show.Names, say: _Sayer) -> Context:
    code = say.asked.language.code
    name = dict(part.name)
    if set(name) <= {"column", "input"}:
        column = str(next(iter(name.values()), ""))
        label = say.asked.texts.get(f"figure_{column}", names.of(column))
    else:
        label = ", ".join(say.value(each, value, name) for each, value in name.items() if each not in shared)
    return {
        "label": label or (names.of(part.cell.column) if part.cell else ""),
        "value": show.number(part.value, code),
        "is_negative": _is_negative(part.value),
        "address": _address(part.cell),
        "records": part.records,
        "formula": show.readable(part.formula, names) if part.formula else "",
        "parts": [_part(each, _shared(part.parts), names, say) for each in part.parts],
    }


def _address(cell: Cell | None) -> str | None:
    return None if cell is None else trace_address(cell.table, cell.column, cell.key)


def _shared(parts: tuple[Shown, ...]) -> frozenset[str]:
    """What all parts have in common, and so tells none from the others."""
    first: Mapping[str, Any] = parts[0].name if len(parts) > 1 else {}
    return frozenset(name for name in first if len({str(part.name.get(name)) for part in parts}) == 1)


def _is_negative(value: Value) -> bool:
    return isinstance(value, int | Decimal) and value < 0
