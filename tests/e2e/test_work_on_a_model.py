"""`kunderegnskab dbt`: a person builds and asks models, and nothing that is published changes.

The copy that this works on is tested in tests/unit/test_workbench.py; docs/work_on_a_model.md says how it is used.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from running import kunderegnskab, tree


def test_a_model_is_built_on_a_copy(small_to_change: Path) -> None:
    workspace = small_to_change
    warehouse = workspace / "warehouse" / "kunderegnskab.duckdb"
    before = warehouse.read_bytes(), tree(workspace / "published")
    with duckdb.connect(str(warehouse), read_only=True) as con:
        rows = con.execute("select count(*) from marts.months").fetchone()
    # A setting for another project: dbt would build tables without rows.
    options = ("--workspace", workspace, "--", "build", "--select", "months")
    done = kunderegnskab("dbt", *options, DBT_EMPTY="1")
    assert done.code == 0, f"{done.out}\n{done.err}"
    assert "a new copy of the warehouse, state/work/kunderegnskab.duckdb" in done.err
    assert "months__rules" in done.out
    assert (warehouse.read_bytes(), tree(workspace / "published")) == before
    copy = workspace / "state" / "work" / "kunderegnskab.duckdb"
    with duckdb.connect(str(copy), read_only=True) as con:
        assert con.execute("select count(*) from marts.months").fetchone() == rows

    shown = kunderegnskab("dbt", "--workspace", workspace, "--", "show", "--inline", "select 40 + 2 as found")
    assert shown.code == 0, shown.out
    assert "On the copy of the warehouse" in shown.err
    assert "42" in shown.out


@pytest.mark.parametrize(("command", "code"), [("build --select no_such_model", 0), ("biuld", 2)])
def test_what_dbt_says_is_what_is_said(small_to_change: Path, command: str, code: int) -> None:
    done = kunderegnskab("dbt", "--workspace", small_to_change, "--", *command.split())
    assert done.code == code
    assert ("does not match any enabled nodes" in done.out) == (code == 0)
