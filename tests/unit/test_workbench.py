"""The copy of the warehouse that a person works on with dbt: made, kept and made anew.

That dbt builds in it belongs in tests/e2e/test_work_on_a_model.py.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from kunderegnskab.dbt.workbench import NothingToWorkOn, copied_warehouse
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import WorkspaceBusy, sole_writer


def execute(path: Path, statement: str) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute(statement)


def tables(path: Path) -> set[str]:
    with duckdb.connect(str(path), read_only=True) as con:
        return {name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    found = Workspace(tmp_path / "firma")
    found.warehouse.parent.mkdir(parents=True)
    execute(found.warehouse, "create table of_the_refresh as select 1 as one")
    return found


def test_what_was_tried_stays_until_a_refresh_makes_another_warehouse(workspace: Workspace) -> None:
    before = workspace.warehouse.read_bytes()
    copy, is_new = copied_warehouse(workspace)
    assert is_new
    assert copy.name == workspace.warehouse.name
    execute(copy, "create table tried as select 1 as one")
    assert copied_warehouse(workspace) == (copy, False)
    assert tables(copy) == {"of_the_refresh", "tried"}
    assert workspace.warehouse.read_bytes() == before
    assert copied_warehouse(workspace, fresh=True) == (copy, True)
    assert tables(copy) == {"of_the_refresh"}
    execute(workspace.warehouse, "create table of_the_next_one as select 1 as one")
    assert copied_warehouse(workspace) == (copy, True)
    assert tables(copy) == {"of_the_refresh", "of_the_next_one"}


def test_what_a_killed_process_left_beside_the_copy_is_no_part_of_the_next(workspace: Workspace) -> None:
    copy, _ = copied_warehouse(workspace)
    left_behind = copy.with_name(f"{copy.name}.wal")
    left_behind.write_bytes(b"half a statement")
    copied_warehouse(workspace, fresh=True)
    assert not left_behind.exists()
    assert tables(copy) == {"of_the_refresh"}


def test_a_warehouse_that_is_being_written_is_not_copied(workspace: Workspace) -> None:
    with sole_writer(workspace), pytest.raises(WorkspaceBusy):
        copied_warehouse(workspace)
    copy, _ = copied_warehouse(workspace)
    execute(copy, "create table tried as select 1 as one")
    with sole_writer(workspace):
        assert copied_warehouse(workspace) == (copy, False)
        with pytest.raises(WorkspaceBusy):
            copied_warehouse(workspace, fresh=True)
        # Whoever copies holds the workspace, too, and has not finished.
        copy.with_name("copied.json").unlink()
        with pytest.raises(WorkspaceBusy):
            copied_warehouse(workspace)


def test_without_a_warehouse_it_is_said_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NothingToWorkOn, match="run `kunderegnskab refresh`"):
        copied_warehouse(Workspace(tmp_path))
