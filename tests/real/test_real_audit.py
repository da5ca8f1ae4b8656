"""Public datasets: published numbers lead back to their records, and what was published can be made again.

What the numbers must be belongs in test_real.py and test_real_sales.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cells import asked, random_cells
from running import kunderegnskab

from kunderegnskab.audit.trace import opened
from kunderegnskab.workspace import Workspace

CELLS = 200
SEED = 20260101


def test_random_cells_of_foodmart_add_up(
    refreshed_workspace: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(Workspace(refreshed_workspace("foodmart"))) as trace:
        cells = random_cells(trace, CELLS, SEED)
        assert len(cells) == CELLS
        found = asked(trace, cells)
    with capsys.disabled():
        print(f"\n{found}")
    assert found.wrong == []


def test_northwind_is_made_again_and_recalculated(refreshed_workspace: Callable[[str], Path]) -> None:
    done = kunderegnskab("verify", "--workspace", refreshed_workspace("northwind"), "--json")
    assert done.code == 0, done.out
    assert done.json["findings"] == done.json["not_done"] == []
    again = [line.split()[0] for line in done.json["done"]]
    assert again == ["Hashed", "Read", "Computed", "Recalculated"]
