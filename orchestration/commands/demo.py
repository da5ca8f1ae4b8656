"""`kunderegnskab demo`: the demo company, refreshed.

Its files belong in kunderegnskab/demo, what is said of the refresh in refresh.py.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.workspace import DEFAULT_WORKSPACE, Workspace, find_workspace
from orchestration.commands.options import JsonOption, WorkspaceOption
from orchestration.commands.output import progress_shown
from orchestration.commands.refresh import finish_refresh


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
    if found.company.name != Workspace(DEFAULT_WORKSPACE).company.name:
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


def _demo_workspace(directory: Path | None) -> Workspace:
    """The demo company's workspace; a new folder gets a copy of its configuration."""
    if (
        directory is not None
        and directory.resolve() != DEFAULT_WORKSPACE
        and not (directory / "company.yaml").exists()
    ):
        directory.mkdir(parents=True, exist_ok=True)
        for name in ("company.yaml", "feeds.yaml"):
            shutil.copy(DEFAULT_WORKSPACE / name, directory / name)
        shutil.copytree(DEFAULT_WORKSPACE / "policy", directory / "policy", dirs_exist_ok=True)
    return find_workspace(directory)
