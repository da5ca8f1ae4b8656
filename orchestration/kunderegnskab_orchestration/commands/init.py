"""`kunderegnskab init`: a new workspace.

What lies in it belongs in kunderegnskab/workspace/template.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kunderegnskab.problems import command
from kunderegnskab_orchestration.commands.output import OUT


def init(
    directory: Annotated[Path, typer.Argument(help="Folder to make; must not exist or be empty.")],
) -> None:
    """Make a new workspace with commented configuration."""
    from kunderegnskab.workspace.template import make_workspace

    made = make_workspace(directory)
    OUT.print(f"Made the workspace {made}.")
    OUT.print("Next: put your files in landing/, say in feeds.yaml how they are written, then run")
    OUT.print(f"  {command('check-inputs', made)}")
