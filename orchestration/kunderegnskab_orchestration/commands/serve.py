"""`kunderegnskab serve`: the web page of what is published.

Listening belongs in kunderegnskab/web/server.py, what the page shows in its handlers.
"""

from __future__ import annotations

from typing import Annotated

import typer

from kunderegnskab.problems import command
from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.commands.options import WorkspaceOption
from kunderegnskab_orchestration.commands.output import OUT, complain


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Where the page is; 0 for any that is free.", min=0, max=65535)
    ] = 8080,
    open_as: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE[:ID]",
            help="Let everybody on this machine in without a password, to try it: finance, audit, "
            "salesperson:ID or manager:TEAM.",
        ),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Open the web page of what is published, until Ctrl-C."""
    from kunderegnskab.web.server import Server

    found = find_workspace(workspace)
    server = Server(found, host, port, open_as)
    if server.open_as is None and not server.has_users:
        add = command("user add NAME --role finance", found.root)
        complain([f"Nobody can sign in yet; add a user with {add}, or look at it with --open-as finance."])
    OUT.print(f"{found.company.name} is at {server.address}; Ctrl-C ends it.")
    server.run()
