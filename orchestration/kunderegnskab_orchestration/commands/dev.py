"""`kunderegnskab dev`: Dagster's page on a workspace.

What the page shows belongs in orchestration/kunderegnskab_orchestration/defs, its settings in dagster.yaml.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.commands.options import WorkspaceOption


def dev(
    port: Annotated[int, typer.Option(help="Where the page is.", min=1, max=65535)] = 3000,
    workspace: WorkspaceOption = None,
) -> None:
    """Open Dagster's page on the workspace, until Ctrl-C."""
    from kunderegnskab_orchestration.runs.instance import environment, prepare_home

    found = find_workspace(workspace)
    # Dagster looks in the folder that it is started in for what to load.
    os.chdir(prepare_home(found))
    # Which also lies first on the path of `-m`: nothing there may stand for a package.
    os.environ.update({**environment(found), "PYTHONSAFEPATH": "1"})
    arguments = ["dagster", "dev", "--host", "127.0.0.1", "--port", str(port)]
    os.execv(sys.executable, [sys.executable, "-m", *arguments])
