"""`kunderegnskab demo`: the demo company, refreshed.

Its files belong in kunderegnskab/demo, what is said of the refresh in refresh.py.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from kunderegnskab.installation import DEMO_COMPANY, REPOSITORY
from kunderegnskab.problems import InputProblem, InputProblems, command
from kunderegnskab.workspace import Workspace, find_workspace
from kunderegnskab_orchestration.commands.options import JsonOption, WorkspaceOption
from kunderegnskab_orchestration.commands.output import OUT, progress_shown
from kunderegnskab_orchestration.commands.refresh import finish_refresh

# In the folder that the user stands in, where the program was installed and no other folder is named.
_FOLDER = "kunderegnskab-demo"


def demo(
    workspace: WorkspaceOption = None,
    scale: Annotated[
        float, typer.Option(help="Size of the company; 1 is about 150,000 sales lines.", min=0.01)
    ] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Make the demo company's files, refresh, and say where to look."""
    from kunderegnskab.demo.generator import generate

    found = _demo_workspace(workspace)
    if found.company.name != Workspace(DEMO_COMPANY).company.name:
        raise InputProblems(
            [
                InputProblem(
                    str(found.root),
                    f"is the workspace of {found.company.name}, whose files the demo would overwrite",
                    "name a new folder with --workspace",
                )
            ]
        )
    with progress_shown(as_json) as progress:
        generate(found.landing, scale=scale, progress=lambda activity: progress(activity, 0, 1))
    finish_refresh(found, full=False, as_json=as_json)
    if not as_json:
        OUT.print(f"In a browser: {command('serve --open-as finance', found.root)}")


def _demo_workspace(directory: Path | None) -> Workspace:
    """The demo company's workspace; a new folder gets a copy of its configuration."""
    root = directory or (Path(_FOLDER) if REPOSITORY is None else DEMO_COMPANY)
    if root.resolve() != DEMO_COMPANY and not (root / "company.yaml").exists():
        for source in (DEMO_COMPANY / "company.yaml", DEMO_COMPANY / "feeds.yaml", *_files_of_policy()):
            copy = root / source.relative_to(DEMO_COMPANY)
            copy.parent.mkdir(parents=True, exist_ok=True)
            # Without the rights of the original, which nobody may write in an installation.
            shutil.copyfile(source, copy)
    return find_workspace(root)


def _files_of_policy() -> list[Path]:
    return sorted(path for path in (DEMO_COMPANY / "policy").rglob("*") if path.is_file())
