"""`kunderegnskab visits`: whom a salesperson visits first, on paper.

The list belongs in kunderegnskab/reading/visits.py, what stands on the paper in kunderegnskab/statements.
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
from kunderegnskab_orchestration.commands.output import OUT, print_json


def visits(
    salesperson: Annotated[str, typer.Argument(help="Salesperson: key or name.")],
    output: Annotated[
        Path | None,
        typer.Option(help="The file to write, .pdf or .xlsx; visits-SALESPERSON.pdf if left out."),
    ] = None,
    month: LastMonthOption = None,
    language: LanguageOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Whom a salesperson visits first: a list to print or to sort, with why and what is at stake."""
    from kunderegnskab.months import month_of
    from kunderegnskab.personal.names import read_names
    from kunderegnskab.reading.visits import find_salesperson, visit_list
    from kunderegnskab.statements import tables
    from kunderegnskab.statements import visits as paper
    from kunderegnskab.statements.files import file_names, require_place, write_whole
    from kunderegnskab.statements.paper import Paper
    from kunderegnskab_orchestration.commands.reading import current_publication, writing_of

    if output is not None:
        require_place(output)
    found = find_workspace(workspace)
    with current_publication(found) as reader:
        writing = writing_of(reader, language)
        key = find_salesperson(reader, salesperson, read_names(found))
        listed = visit_list(reader, key, writing.code, month=month_of(month) if month else None)
        path = output or Path(f"{file_names([key], 'visits')[key]}.pdf")
        if path.suffix == ".xlsx":
            write_whole(path, tables.visits(reader, listed, writing))
        else:
            write_whole(path, Paper().pdf("visits", paper.content(reader, listed, writing)))
        publication = reader.publication.name
    if as_json:
        print_json({"publication": publication, "salesperson_id": key, "visits": listed.visits, "file": path})
    else:
        OUT.print(str(path))
