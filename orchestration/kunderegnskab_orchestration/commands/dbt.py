"""`kunderegnskab dbt`: dbt on a copy of the warehouse, for whoever works on a model.

What it is told belongs in kunderegnskab/dbt/workbench.py.
"""

from __future__ import annotations

from typing import Annotated

import typer

from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.commands.options import WorkspaceOption
from kunderegnskab_orchestration.commands.output import ERR


def dbt(
    arguments: Annotated[list[str], typer.Argument(help="A command of dbt after --, with all its options.")],
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Copy the warehouse again, without what was tried in it.")
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Run dbt on a copy of the warehouse: kunderegnskab dbt -- build --select int_leaf_months+

    Ends with dbt's own exit code: 0 when all went well, 1 when a model or a test failed, 2 when dbt broke.
    """
    from kunderegnskab.dbt.workbench import copied_warehouse, run_dbt

    found = find_workspace(workspace)
    copy, is_new = copied_warehouse(found, fresh=fresh)
    made = "a new copy" if is_new else "the copy"
    ERR.print(f"On {made} of the warehouse, {found.relative(copy)}.")
    raise typer.Exit(run_dbt(found, arguments, copy))
