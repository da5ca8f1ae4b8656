"""`kunderegnskab news`: whether those whom company.yaml names can be told.

Calling them belongs in kunderegnskab/news.
"""

from __future__ import annotations

from typing import Annotated

import typer

from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.commands.options import JsonOption, WorkspaceOption
from kunderegnskab_orchestration.commands.output import OUT, complain, print_json

news = typer.Typer(
    name="news", help="Who is told of refreshes: try whether they can be told.", no_args_is_help=True
)


@news.callback()
def _one_command_of_several() -> None:
    """Without it `test` would not be named."""


@news.command("test")
def send_test(
    channel: Annotated[
        str | None, typer.Option(help="Channel, or a hook that has one for itself; all if left out.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a test message to the channels of company.yaml; exit code 1 if one does not take it."""
    from kunderegnskab.news.calling import receivers_of, tell
    from kunderegnskab.news.events import Event
    from kunderegnskab.publication import store

    found = find_workspace(workspace)
    known = receivers_of(found, "test")
    receivers = [each for each in known if channel in (None, each.name)]
    if not receivers:
        names = ", ".join(each.name for each in known)
        what = f"has no channel {channel}" if channel else "has no channel that could be told"
        what_to_do = f"name one of {names}" if names else "add one, as docs/news.md says"
        raise InputProblems([InputProblem("company.yaml", what, what_to_do)])
    current = store.current_if_whole(found.published)
    event = Event("test", None, current.name if current else None)
    answers = tell(found, [(receiver, event) for receiver in receivers])
    problems = [answer for answer in answers if answer is not None]
    taken = [each.name for each, answer in zip(receivers, answers, strict=True) if answer is None]
    if as_json:
        print_json({"status": "failed" if problems else "done", "taken": taken, "problems": problems})
    else:
        for name in taken:
            OUT.print(f"{name} has taken the test message.")
        complain(problems)
    if problems:
        raise typer.Exit(1)
