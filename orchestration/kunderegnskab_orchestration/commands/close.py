"""`kunderegnskab close`: close or reopen a month.

What that means belongs in kunderegnskab/audit/closing.py.
"""

from __future__ import annotations

from typing import Annotated

import typer

from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.commands.options import JsonOption, WorkspaceOption
from kunderegnskab_orchestration.commands.output import OUT, print_json


def close(
    month: Annotated[str, typer.Argument(help="Month, e.g. 2025-06.")],
    by: Annotated[str, typer.Option(help="Who decides it.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    reopen: Annotated[bool, typer.Option("--reopen", help="Reopen a closed month instead.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close a month on the current publication: later changes of it are listed as restatements."""
    from kunderegnskab.audit.closing import EVENTS_FILE, record_event
    from kunderegnskab.months import month_of

    found = find_workspace(workspace)
    made = record_event(found, month_of(month), "reopen" if reopen else "close", by=by, reason=reason)
    if as_json:
        print_json(
            {
                "month": f"{made.month:%Y-%m}",
                "event": made.event,
                "event_no": made.number,
                "publication": made.publication,
                "manifest_sha256": made.manifest_sha256,
            }
        )
        return
    done = "closed on" if made.event == "close" else "reopened after"
    OUT.print(f"{made.month:%Y-%m} is {done} publication {made.publication}")
    OUT.print(f"  manifest {made.manifest_sha256}")
    OUT.print(f"  written into policy/{EVENTS_FILE} as event {made.number}; the next refresh follows it.")
