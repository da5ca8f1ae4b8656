"""`kunderegnskab deliver`: hand the current publication to the servers of company.yaml.

A refresh does it by itself; how it is done belongs in kunderegnskab/delivery.
"""

from __future__ import annotations

from typing import Annotated

import typer

from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.commands.options import JsonOption, WorkspaceOption
from kunderegnskab_orchestration.commands.output import OUT, print_json, progress_shown


def deliver(
    again: Annotated[bool, typer.Option("--again", help="Also where the server has it already.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hand the current publication to the PostgreSQL server that company.yaml names."""
    from kunderegnskab.delivery.postgres import deliver as hand_over
    from kunderegnskab.problems import KunderegnskabError
    from kunderegnskab.progress import listening
    from kunderegnskab.publication import store

    found = find_workspace(workspace)
    publication = store.current(found.published)
    if found.company.publish.postgres is None:
        raise KunderegnskabError(
            "company.yaml names no server under publish: postgres; docs/postgres.md shows how."
        )
    if publication is None:
        raise KunderegnskabError("Nothing is published yet; run `kunderegnskab refresh`.")
    with progress_shown(as_json) as progress, listening(progress):
        problem = hand_over(found, again=again)
    if problem is not None:
        raise KunderegnskabError(problem)
    if as_json:
        print_json({"publication": publication.name, "schema": found.company.publish.postgres.schema_name})
        return
    OUT.print(
        f"PostgreSQL has publication {publication.name} in schema "
        f"{found.company.publish.postgres.schema_name}."
    )
