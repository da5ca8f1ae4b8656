"""`kunderegnskab user`: who may open the web page, and who has seen what on it.

The file of users belongs in kunderegnskab/web/users.py, the log in kunderegnskab/web/seen.py.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.commands.options import JsonOption, WorkspaceOption
from kunderegnskab_orchestration.commands.output import OUT, print_json

user = typer.Typer(
    name="user", help="Who may open the web page: add, list, remove, password, seen.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(help="As the user signs in, or as the proxy says it.")]


@user.command()
def add(
    name: NameArgument,
    role: Annotated[str, typer.Option(help="salesperson, manager, finance or audit.")],
    salesperson: Annotated[
        str | None, typer.Option(help="Key or pseudonym of the salesperson whose customers are seen.")
    ] = None,
    team: Annotated[str | None, typer.Option(help="Team that a manager sees.")] = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="For who is signed in by the proxy of company.yaml.")
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Add a user; the password is asked for, or read from standard input."""
    from kunderegnskab.web.users import Users, somebody

    found = find_workspace(workspace)
    who = somebody(found, name, role, salesperson, team)
    Users(found).add(who, None if no_password else _password())
    OUT.print(f"{name} may open the web page as {role}.")


@user.command()
def password(name: NameArgument, workspace: WorkspaceOption = None) -> None:
    """Give a user another password, asked for or read from standard input; all sessions end."""
    from kunderegnskab.web.users import Users

    Users(find_workspace(workspace)).set_password(name, _password())
    OUT.print(f"{name} has another password and signs in again.")


@user.command()
def remove(name: NameArgument, workspace: WorkspaceOption = None) -> None:
    """Remove a user; all sessions end at once."""
    from kunderegnskab.web.users import Users

    Users(find_workspace(workspace)).remove(name)
    OUT.print(f"{name} may not open the web page any more.")


@user.command("list")
def list_(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Who may open the web page, and as what."""
    from kunderegnskab.web.users import Users

    users = Users(find_workspace(workspace)).all()
    if as_json:
        print_json(
            {
                "users": [
                    each.model_dump(exclude={"password", "generation"})
                    | {"has_password": each.password is not None}
                    for each in users
                ]
            }
        )
        return
    for each in users:
        of = each.salesperson_id or each.team
        OUT.print(
            f"{each.name}  {each.role}{f' of {of}' if of else ''}"
            f"{'' if each.password else '  (by the proxy alone)'}"
        )
    if not users:
        OUT.print("There are no users.")


@user.command()
def seen(
    customer: Annotated[str | None, typer.Option(help="Only who saw this customer (id).")] = None,
    salesperson: Annotated[
        str | None, typer.Option(help="Only who saw this salesperson (as published).")
    ] = None,
    name: Annotated[str | None, typer.Option("--user", help="Only what this user saw.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who saw which customers and salespeople on the web page, and when (UTC)."""
    from kunderegnskab.web import seen as log

    lines = log.read(find_workspace(workspace), customer=customer, salesperson=salesperson, user=name)
    if as_json:
        print_json({"seen": [asdict(each) for each in lines]})
        return
    for each in lines:
        ids = ", ".join((*each.customers, *each.salespeople))
        OUT.print(f"{each.at}  {each.user} ({each.role})  {each.outcome}  {each.page}  {ids}".rstrip())
    if not lines:
        OUT.print("Nothing is noted of that.")


def _password() -> str:
    """Never an argument: those stand in the list of processes and in the shell's history."""
    if sys.stdin.isatty():
        return typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return sys.stdin.readline().rstrip("\r\n")
