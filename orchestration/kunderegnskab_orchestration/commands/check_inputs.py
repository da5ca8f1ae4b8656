"""`kunderegnskab check-inputs`: what a refresh would read, without changing anything.

Reading belongs in kunderegnskab/ingest.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from kunderegnskab.workspace import Workspace, find_workspace
from kunderegnskab_orchestration.commands.options import JsonOption, WorkspaceOption
from kunderegnskab_orchestration.commands.output import OUT, complain, print_json, progress_shown, wide

if TYPE_CHECKING:
    from kunderegnskab.ingest import Intake


def check_inputs(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Read and type everything, ask what a refresh asks before it builds, report, change nothing."""
    from kunderegnskab.ingest import take_in

    found = find_workspace(workspace)
    with tempfile.TemporaryDirectory(prefix="kunderegnskab-") as scratch:
        lake = Path(scratch)
        with progress_shown(as_json) as progress:
            intake = take_in(found, lake, progress)
        report = _inputs_report(found, lake, intake)
    if as_json:
        print_json(report)
    else:
        _show_inputs(report)
    if report["problems"]:
        raise typer.Exit(1)


def _inputs_report(workspace: Workspace, lake: Path, intake: Intake) -> dict[str, Any]:
    import duckdb

    from kunderegnskab.feeds import load_feeds
    from kunderegnskab.ingest import load_warehouse
    from kunderegnskab.ingest.rejects import reject_problems
    from kunderegnskab.ingest.unread import absent_columns, unread
    from kunderegnskab.quality.certification import GOOD_STATUSES
    from kunderegnskab.quality.metric_checks import prepare as prepare_checks
    from kunderegnskab.refresh.checking import looked_at

    with duckdb.connect() as con:
        prepare_checks()
        load_warehouse(con, workspace.company, lake, intake)
        found = con.execute(
            "select feed, source_file, records_read, records_loaded, records_rejected, records_left_out, "
            "rejects_allowed from raw.files"
        )
        names = [column[0] for column in found.description or ()]
        files = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        rejects = [problem.sentence() for problem in reject_problems(con, limit=100)]
        checks = looked_at(workspace, con, intake)
    over = any(file["records_rejected"] > file["rejects_allowed"] for file in files)
    # What its check says of rejects, they say themselves.
    failed = [
        check
        for check in checks
        if check.status not in GOOD_STATUSES and not check.check_name.endswith("__rejects_within_allowance")
    ]
    hindering = [line for check in failed if check.hinders for line in check.told]
    return {
        "files": files,
        "not_supplied": [name for name in load_feeds() if name not in intake.supplied],
        "unread": list(unread(workspace).sentences),
        "absent_columns": [
            {"file": receipt.source_file, "column": column}
            for receipt in intake.receipts
            for column in receipt.absent_columns
        ],
        "absent": list(absent_columns(intake.receipts)),
        "rejects": rejects,
        "problems": [*(rejects if over else ()), *hindering],
        "warnings": [line for check in failed if not check.hinders for line in check.told],
    }


def _show_inputs(report: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("feed", "file", "read", "loaded", "rejected", "left out", box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for file in report["files"]:
        counts = (file[f"records_{kind}"] for kind in ("read", "loaded", "rejected", "left_out"))
        cells = (file["feed"], file["source_file"], *(f"{count:,}" for count in counts))
        table.add_row(*(Text(cell) for cell in cells))
    wide().print(table)
    if report["not_supplied"]:
        OUT.print(f"Not supplied: {', '.join(report['not_supplied'])}.")
    for sentence in report["unread"]:
        OUT.print(sentence)
    for sentence in report["absent"]:
        OUT.print(sentence)
    if report["warnings"]:
        OUT.print("Checks that fail without hindering a refresh:")
        for line in report["warnings"]:
            OUT.print(f"  {line}")
    if report["problems"]:
        complain(report["problems"])
    else:
        for sentence in report["rejects"]:
            OUT.print(f"Rejected, as allowed: {sentence}")
        OUT.print("All files can be read.")
