"""`kunderegnskab verify`: whether all that was published holds.

The controls and their order belong in orchestration/kunderegnskab_orchestration/verify.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.commands.options import JsonOption, WorkspaceOption
from kunderegnskab_orchestration.commands.output import OUT, print_json, progress_shown


def verify(
    publication: Annotated[
        list[str] | None, typer.Argument(help="Compute these again (name or number) instead of the newest.")
    ] = None,
    last: Annotated[
        int, typer.Option(help="How many of the newest publications to compute again.", min=0)
    ] = 1,
    head: Annotated[
        list[str] | None,
        typer.Option(help="A hash that a refresh printed as the head of the chain; it must still be there."),
    ] = None,
    heads: Annotated[
        Path | None, typer.Option(help="A file that KUNDEREGNSKAB_ANCHOR appended heads to.")
    ] = None,
    signed_by: Annotated[
        Path | None, typer.Option(help="Public key (PEM) of the key that publications are signed with.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hashes of all that was published and read, publications computed again, headline KPIs by a second path.

    Ends with 0 when everything holds, 1 when something does not, 3 when something could not be verified.
    """
    from kunderegnskab.publication.heads import noted_heads
    from kunderegnskab_orchestration.verify import verify as run_verify

    noted = [*(head or []), *(noted_heads(heads) if heads is not None else [])]
    with progress_shown(as_json) as progress:
        report = run_verify(
            find_workspace(workspace),
            progress,
            wanted=publication or [],
            last=last,
            heads=noted,
            public_key=signed_by,
        )
    if as_json:
        print_json(report.as_json())
    else:
        for line in report.lines():
            OUT.print(line)
    raise typer.Exit(report.exit_code)
