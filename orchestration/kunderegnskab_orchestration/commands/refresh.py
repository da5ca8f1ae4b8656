"""`kunderegnskab refresh`, and what it says of what came of it.

Running it belongs in orchestration/kunderegnskab_orchestration/refresh.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kunderegnskab.workspace import Workspace, find_workspace
from kunderegnskab_orchestration.commands.options import JsonOption, WorkspaceOption
from kunderegnskab_orchestration.commands.output import ERR, OUT, complain, print_json, progress_shown
from kunderegnskab_orchestration.commands.status import waiting_lines

if TYPE_CHECKING:
    from kunderegnskab.publication.store import Publication
    from kunderegnskab_orchestration.runs.outcome import Outcome

# Changed files that a person reads of; a script gets all.
_FILES_SHOWN = 5


def refresh(
    workspace: WorkspaceOption = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read every file again and publish even if nothing has changed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read what is new, build the customer accounts, check them and publish."""
    finish_refresh(find_workspace(workspace), full=full, as_json=as_json)


def finish_refresh(workspace: Workspace, *, full: bool, as_json: bool) -> None:
    """Refresh and tell what came of it.

    Raises:
        typer.Exit: with code 1 when the refresh failed.
    """
    from kunderegnskab_orchestration.refresh import refresh as run_refresh

    with progress_shown(as_json) as progress:
        outcome = run_refresh(workspace, progress, full=full)
    if as_json:
        print_json(_outcome_report(workspace, outcome))
    else:
        _show_outcome(workspace, outcome)
    if outcome.status == "failed":
        raise typer.Exit(1)


def _outcome_report(workspace: Workspace, outcome: Outcome) -> dict[str, Any]:
    return {
        "status": outcome.status,
        "publication": outcome.publication,
        "changed": list(outcome.changed),
        "changes": asdict(outcome.changes) if outcome.changes else None,
        "seconds": outcome.seconds,
        "path": str(workspace.published / "current") if outcome.publication else None,
        "head": outcome.head,
        "run_id": outcome.run_id,
        "problems": list(outcome.sentences),
        "unread": list(outcome.unread),
        "warnings": list(outcome.warnings),
        "waiting_approvals": list(outcome.waiting_approvals),
        "notes": list(outcome.notes),
        "log": outcome.log,
        "rejects": outcome.rejects,
    }


def _show_outcome(workspace: Workspace, outcome: Outcome) -> None:
    from kunderegnskab.publication import store

    if outcome.status == "failed":
        complain(["The refresh failed and published nothing.", *outcome.sentences])
        if outcome.rejects:
            ERR.print(f"All rejected records are listed in {outcome.rejects}")
        if outcome.publication:
            ERR.print(f"Readers still see publication {outcome.publication}.")
        if outcome.log:
            ERR.print(f"Log: {outcome.log}")
        complain([*outcome.unread, *outcome.notes])
        return
    if outcome.status == "unchanged":
        OUT.print(f"Nothing has changed since publication {outcome.publication}; nothing new was published.")
        complain([*outcome.unread, *outcome.notes])
        return
    current = store.current(workspace.published)
    if current is not None:
        _show_publication(workspace, current, outcome)
    if outcome.warnings:
        ERR.print("Checks that failed without hindering the publication; look at them in the quality report:")
        for warning in outcome.warnings:
            ERR.print(f"  {warning}")
    for line in waiting_lines(outcome.waiting_approvals):
        ERR.print(line)
    complain([*outcome.unread, *outcome.notes])


def _show_publication(workspace: Workspace, publication: Publication, outcome: Outcome) -> None:
    from kunderegnskab.news.words import change_facts
    from kunderegnskab_orchestration.commands.headline import headline

    current = workspace.published / "current"
    OUT.print(f"Published {publication.name} after {outcome.seconds} s.")
    if publication.manifest.previous is not None:
        before = publication.manifest.previous.publication
        OUT.print(f"Changed since {before}: {_few(outcome.changed) or 'no file'}.")
        if outcome.changes is not None:
            facts = change_facts(outcome.changes, "da" if publication.manifest.locale == "da" else "en")
            width = max(len(label) for label, _ in facts) + 2
            for label, value in facts:
                OUT.print(f"  {label:<{width}}{value}")
    for line in headline(publication):
        OUT.print(f"  {line}")
    OUT.print("Look at")
    OUT.print(f"  {current / 'quality' / 'report.html'}   the quality report")
    OUT.print(f"  {current / 'kunderegnskab.duckdb'}   the marts, for any DuckDB client")
    OUT.print(f"  {current / 'parquet'}   the same as Parquet")
    # Whoever keeps this line elsewhere can prove later what was published: see `verify --head`.
    OUT.print(f"Head of the chain: {publication.head}")


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _FILES_SHOWN} more" if len(names) > _FILES_SHOWN else ""
    return ", ".join(names[:_FILES_SHOWN]) + more
