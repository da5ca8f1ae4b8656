"""`kunderegnskab purge`: names of salespeople are removed.

Removing and proving belongs in kunderegnskab/personal/purge.py.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.commands.options import JsonOption, WorkspaceOption
from kunderegnskab_orchestration.commands.output import OUT, print_json


def purge(
    by: Annotated[str, typer.Option(help="Who decides it.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    salesperson: Annotated[
        str | None,
        typer.Option(help="Key or pseudonym; all whose names have been kept long enough if left out."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing, tell what would be done.")
    ] = False,
    lake: Annotated[
        bool,
        typer.Option(
            "--lake", help="Remove also the lake files of lists that name somebody whose name was removed."
        ),
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove names of salespeople, with proof that nothing published changes."""

    from kunderegnskab.personal.purge import purge as run_purge

    found = find_workspace(workspace)
    today = datetime.now(UTC).date()
    done = run_purge(found, salesperson, by=by, reason=reason, today=today, dry_run=dry_run, lake=lake)
    if as_json:
        print_json(asdict(done))
        return
    verb = "Would remove" if dry_run else "Removed"
    for name in done.lake_files:
        OUT.print(f"{verb} lake/{name}, a list of names. Publications made from it cannot be computed again.")
    for name in done.listed:
        OUT.print(
            f"{name} still names somebody whose name was removed; deliver it without, refresh, purge again."
        )
    if not done.pseudonyms and (done.lake_files or done.listed):
        return
    if not done.pseudonyms:
        months = found.company.salesperson_names_kept_months
        OUT.print(f"No name has been kept for more than {months} months after the last activity.")
        return
    OUT.print(f"{verb} from personal/salespeople.csv: {', '.join(done.pseudonyms)}.")
    proof = done.proof
    same = "" if dry_run else ", the same before and after"
    OUT.print(f"  {proof.files} published files, hash {proof.files_sha256[:16]}{same}")
    OUT.print(f"  totals of {proof.totals} salespeople, hash {proof.totals_sha256[:16]}{same}")
    OUT.print(f"  no cell of {proof.publications} publications with pseudonyms is the name or key")
    for sentence in done.still:
        OUT.print(f"  {sentence}")
    if done.files:
        OUT.print("Bookkeeping material in which the key still stands, kept for as long as the law says:")
        for name in done.files:
            OUT.print(f"  {name}")
