"""`kunderegnskab statement`: customers' accounts as PDF and workbook.

What stands on one and making the files belongs in kunderegnskab/statements.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.commands.options import (
    JsonOption,
    LanguageOption,
    LastMonthOption,
    WorkspaceOption,
)
from kunderegnskab_orchestration.commands.output import OUT, print_json, progress_shown


def statement(
    customers: Annotated[
        list[str] | None,
        typer.Argument(help="Customer numbers.", metavar="[CUSTOMER]...", show_default=False),
    ] = None,
    salesperson: Annotated[
        str | None, typer.Option(help="All customers on the list of this salesperson: key or name.")
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="All customers with an account in the twelve months.")
    ] = False,
    form: Annotated[str, typer.Option("--format", help="pdf, xlsx, or both.")] = "both",
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for the files; made if it is not there. The current folder if left out."),
    ] = None,
    month: LastMonthOption = None,
    language: LanguageOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Customers' accounts for the meeting: a page as PDF, and a workbook that computes its own sums."""
    from kunderegnskab.months import month_of
    from kunderegnskab.personal.names import read_names
    from kunderegnskab.progress import listening
    from kunderegnskab.reading.visits import customers_with_accounts, find_salesperson
    from kunderegnskab.statements.files import CannotWrite, format_of, make_folder, write_statements
    from kunderegnskab_orchestration.commands.reading import current_publication, writing_of

    if sum((bool(customers), salesperson is not None, everybody)) != 1:
        raise CannotWrite("Say whose statements: customer numbers, or --salesperson, or --all.")
    wanted = format_of(form)
    last = month_of(month) if month else None
    found = find_workspace(workspace)
    with current_publication(found) as reader:
        writing = writing_of(reader, language)
        ids = list(dict.fromkeys(customers or ()))
        if not ids:
            listed = salesperson and find_salesperson(reader, salesperson, read_names(found))
            ids = customers_with_accounts(reader, listed, month=last)
            if not ids:
                raise CannotWrite("No customer has an account in the twelve months.")
        folder = make_folder(output or Path())
        with progress_shown(as_json) as progress, listening(progress):
            files = write_statements(reader, writing, ids, folder, wanted, month=last)
        publication = reader.publication.name
    if as_json:
        print_json(
            {"publication": publication, "customers": len(ids), "files": [str(file) for file in files]}
        )
    elif len(files) <= 2:
        for file in files:
            OUT.print(str(file))
    else:
        OUT.print(f"{len(files)} files of {len(ids)} customers in {folder}")
