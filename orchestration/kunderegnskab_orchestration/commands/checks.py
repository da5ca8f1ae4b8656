"""`kunderegnskab checks`: how the checks of each run went.

What is kept of a run belongs in kunderegnskab/quality/runs.py.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer

from kunderegnskab.workspace import find_workspace, journal
from kunderegnskab_orchestration.commands.options import JsonOption, WorkspaceOption
from kunderegnskab_orchestration.commands.output import OUT, complain, print_json


def checks(
    run: Annotated[
        str | None,
        typer.Option(help="A run's id or the beginning of it, its publication, or last; all if left out."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """How the checks of each run went, also of runs that published nothing."""
    from kunderegnskab.quality.runs import attention, damaged_files, find_run, read_run_results, read_runs

    found = find_workspace(workspace)
    folder = found.runs
    unfinished = [] if run is not None else journal.unfinished_runs(journal.read(found))
    for damaged in damaged_files(folder):
        complain([f"{damaged} cannot be read and is left out; restore it from a backup, or remove it."])
    runs = read_runs(folder) if run is None else [find_run(folder, run)]
    results = read_run_results(folder, [each.run_id for each in runs])
    by_run = {each.run_id: [result for result in results if result.run_id == each.run_id] for each in runs}
    if as_json:
        print_json(
            {
                "runs": [
                    asdict(each)
                    | {
                        "started_at": each.started_at.isoformat(timespec="seconds"),
                        "checks": [asdict(result) for result in by_run[each.run_id]],
                    }
                    for each in runs
                ],
                "unfinished": [
                    {name: each.facts[name] for name in ("run_id", "at", "by")} for each in unfinished
                ],
            }
        )
        return
    if not runs:
        OUT.print("No run has been kept yet.")
    for each in runs:
        counts = Counter(attention(result.status, result.is_blocking) for result in by_run[each.run_id])
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "no check was made"
        made = f" {each.publication}" if each.publication else ""
        if each.outcome == "failed" and not counts.keys() & {"failed", "error"}:
            told += "; a step broke, the log of that time tells more"
        OUT.print(f"{each.started_at:%Y-%m-%d %H:%M}  {each.run_id[:8]}  {each.outcome}{made}: {told}")
        if run is None:
            continue
        for result in by_run[each.run_id]:
            if (kind := attention(result.status, result.is_blocking)) != "passed":
                OUT.print(f"  {kind}: {result.check_name} ({result.observed}): {result.expectation}")
    for each in unfinished:
        began = f"{each.facts['at'][:10]} {each.facts['at'][11:16]}"
        OUT.print(f"{began}  {each.facts['run_id'][:8]}  did not finish: it was killed, or is at work")
