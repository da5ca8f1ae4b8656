"""`kunderegnskab report`: the month's management report on paper.

Its figures belong in kunderegnskab/reading/month_report.py, what stands on the paper in
kunderegnskab/statements.
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


def report(
    output: Annotated[
        Path | None, typer.Option(help="The file to write, .pdf or .xlsx; report-MONTH.pdf if left out.")
    ] = None,
    month: LastMonthOption = None,
    language: LanguageOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """The month's management report: overview, groups, salespeople, actions, the tie to the ledger."""
    from kunderegnskab.months import month_of
    from kunderegnskab.reading.month_report import month_report
    from kunderegnskab.statements import month_report as paper
    from kunderegnskab.statements import tables
    from kunderegnskab.statements.files import require_place, write_whole
    from kunderegnskab.statements.paper import Paper
    from kunderegnskab_orchestration.commands.reading import current_publication, writing_of

    if output is not None:
        require_place(output)
    with current_publication(find_workspace(workspace)) as reader:
        writing = writing_of(reader, language)
        last = month_of(month) if month else reader.last_month
        path = output or Path(f"report-{last:%Y-%m}.pdf")
        if path.suffix == ".xlsx":
            # There is room for all actions.
            found = month_report(reader, writing.code, month=last, actions=None)
            write_whole(path, tables.month_report(reader, found, writing))
        else:
            found = month_report(reader, writing.code, month=last)
            write_whole(path, Paper().pdf("management", paper.content(reader, found, writing)))
        publication = reader.publication.name
    if as_json:
        print_json({"publication": publication, "month": f"{last:%Y-%m}", "file": path})
    else:
        OUT.print(str(path))
