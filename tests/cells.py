"""Published cells drawn at random, and whether what `explain` says of them adds up.

Which publication is asked, and how many cells, belongs in the tests.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from kunderegnskab.audit.explain.explanation import Cell, Part, explain, published_tables
from kunderegnskab.audit.trace import Trace


@dataclass(frozen=True)
class Asked:
    """What came of asking for cells.

    Attributes:
        wrong: one sentence per explanation that is none.
        seconds: how long each cell took, longest first, with its column.
    """

    wrong: list[str]
    seconds: list[tuple[float, str]]

    def __str__(self) -> str:
        slowest = ", ".join(f"{name} {took:.2f}" for took, name in self.seconds[:3])
        number = len(self.seconds)
        return f"{number} cells: p95 {self.seconds[number // 20][0]:.2f} s; slowest {slowest}"


def random_cells(trace: Trace, number: int, seed: int) -> list[Cell]:
    """Cells spread evenly over the tables with rows: random rows, and in each of them a random column."""
    published = published_tables(trace)
    tables = {name: content for name, content in published.items() if content.key and content.rows}
    found: list[Cell] = []
    for position, (name, content) in enumerate(sorted(tables.items())):
        chosen = random.Random(f"{seed} {name}")
        wanted = number // len(tables) + (position < number % len(tables))
        key = ", ".join(content.key)
        drawn = trace.rows(
            f"select {key} from {name} order by hash({key}, {seed}), {key} limit {wanted}", reads=[name]
        )
        for draw in range(wanted):
            column = chosen.choice(content.columns).name
            found.append(Cell(name, drawn[draw % len(drawn)], column))
    return found


def asked(trace: Trace, cells: list[Cell]) -> Asked:
    """Explain each cell: its parts must make it, and it must not be one of them."""
    wrong: list[str] = []
    seconds: list[tuple[float, str]] = []
    for cell in cells:
        start = time.perf_counter()
        found = explain(trace, cell)
        seconds.append((time.perf_counter() - start, f"{cell.table}.{cell.column}"))
        if not found.adds_up:
            wrong.append(f"{cell}: {found.value}, but its parts make {found.computed}")
        if cell in _own_cells(found.parts):
            wrong.append(f"{cell} is a part of itself")
    return Asked(wrong, sorted(seconds, reverse=True))


def _own_cells(parts: tuple[Part, ...]) -> Iterator[Cell]:
    for part in parts:
        if part.cell is not None:
            yield part.cell
        yield from _own_cells(part.parts)
