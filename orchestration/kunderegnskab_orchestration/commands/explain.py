"""`kunderegnskab explain`: what a published number is made of.

Following and showing it belongs in kunderegnskab/audit/explain.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.commands.options import JsonOption, WorkspaceOption
from kunderegnskab_orchestration.commands.output import print_json, progress_shown, wide


def explain(
    what: Annotated[
        str,
        typer.Argument(
            help="A KPI, a column of the customer accounts, or table.column of any published table."
        ),
    ],
    customer: Annotated[str | None, typer.Option(help="Customer that the KPI is about.")] = None,
    salesperson: Annotated[str | None, typer.Option(help="Salesperson that the KPI is about.")] = None,
    team: Annotated[str | None, typer.Option(help="Team that the KPI is about.")] = None,
    segment: Annotated[
        str | None,
        typer.Option(
            help="Segment that the KPI is about, as it is now; with --salesperson the salesperson's part of "
            "it, as it was at the opening of the year."
        ),
    ] = None,
    segment_opening: Annotated[
        str | None,
        typer.Option(help="Segment that the KPI is about, as it was at the opening of the year."),
    ] = None,
    chain: Annotated[
        str | None, typer.Option(help="Chain that the KPI is about, by the customer at its top.")
    ] = None,
    month: Annotated[str | None, typer.Option(help="Month, e.g. 2025-06; the window's last one.")] = None,
    window: Annotated[str, typer.Option(help="month, ytd or r12.")] = "month",
    at: Annotated[
        list[str] | None, typer.Option(help="With table.column: a key column and its value, e.g. rank=3.")
    ] = None,
    publication: Annotated[
        str | None, typer.Option(help="Name or number; the current one if left out.")
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(help="Steps down from the number; as many as can be read if left out.", min=1),
    ] = None,
    language: Annotated[str | None, typer.Option(help="da or en; the company's if left out.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write all source records to this file.")] = None,
    xlsx: Annotated[
        Path | None, typer.Option(help="Write steps and source records to this workbook.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """A published number: its formula, its parts, its source records, and that they add up."""
    from kunderegnskab.audit.explain import ask, show
    from kunderegnskab.audit.explain.reach import reach
    from kunderegnskab.audit.explain.records import source_records
    from kunderegnskab.audit.trace import opened
    from kunderegnskab.progress import listening

    scopes = {
        "customer": customer,
        "salesperson": salesperson,
        "team": team,
        "segment": segment,
        "segment_opening": segment_opening,
        "chain": chain,
    }
    # Before anything is computed: what cannot be written or said is known now.
    if language not in (None, "da", "en"):
        raise ask.CannotExplain(f"--language {language} is not known; use da or en.")
    for path in (csv, xlsx):
        if path is not None and not path.resolve().parent.is_dir():
            raise ask.CannotExplain(f"There is no folder {path.parent} for {path.name}; make it first.")
    with opened(find_workspace(workspace), publication) as trace:
        if "." in what:
            cell = ask.cell_at(trace, what, ask.key_of(at or []))
        else:
            if salesperson is not None:
                scopes["salesperson"] = ask.salesperson_of(trace, salesperson)
            scope_type, scope_id = ask.scope_of(scopes)
            cell = ask.kpi_cell(trace, what, scope_type, scope_id, _asked_month(month), window)
        root = ask.follow(trace, cell, depth)
        wanted = [record for each in root.explanations() for record in each.records]
        reached = None
        if csv is not None or xlsx is not None or as_json:
            # Whoever takes the records along gets all of them, not those of the steps that a person reads.
            with progress_shown(as_json) as progress, listening(progress):
                reached = reach(trace, cell)
            wanted = list(reached.records)
        records = source_records(trace, dict.fromkeys(wanted))
        computed = reached.computed if reached is not None else ()
        names = show.names_of(
            trace, "en" if (language or trace.publication.manifest.locale) == "en" else "da"
        )
        if csv is not None:
            show.write_csv(csv, records, computed)
        if xlsx is not None:
            show.write_xlsx(xlsx, root, records, computed)
        if reached is not None and as_json:
            print_json(show.as_json(root, records, reached, trace.publication.name))
        else:
            wide().print(show.tree(root, records, names, reached))
    records_differ = reached is not None and reached.adds_up is False
    if records_differ or not all(each.adds_up for each in root.explanations()):
        raise typer.Exit(1)


def _asked_month(text: str | None) -> date:
    from kunderegnskab.months import NoMonth, month_of

    if text is None:
        raise NoMonth("Say which month with --month, e.g. --month 2025-06.")
    return month_of(text)
