"""`kunderegnskab status`: what is published now.

Finding that out belongs in kunderegnskab/publication/status.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kunderegnskab.problems import InputProblems, command
from kunderegnskab.workspace import Workspace, find_workspace
from kunderegnskab_orchestration.commands.options import JsonOption, WorkspaceOption
from kunderegnskab_orchestration.commands.output import OUT, print_json

# Of what is behind each failed check, and of what waits; the log and the tables have all.
_ROWS_SHOWN = 2


def status(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """What is published, from when, on which checks, and whether it is fresh."""
    from kunderegnskab.publication.status import GOES_ON, describe_status

    found = find_workspace(workspace)
    report: dict[str, Any] = describe_status(found) | {"untold": _untold(found)}
    if as_json:
        print_json(report)
        return
    if report["publication"] is None:
        OUT.print(f"Nothing is published yet. Run `{command('refresh', found.root)}`.")
    else:
        OUT.print(f"{report['company']}: publication {report['publication']} of {report['published_at']}")
        OUT.print(f"  in        {report['path']}")
        OUT.print(
            f"  months    {report['first_month']} to {report['last_month']}, {report['customers']} customers"
        )
        checks = report["checks"]
        OUT.print(
            f"  checks    {checks['passed']} passed, {checks['warnings']} warnings, {checks['waived']} waived"
        )
        for warning in report["warnings"]:
            OUT.print(f"            {warning}")
        for line in waiting_lines(report["waiting_approvals"]):
            OUT.print(f"  {line}")
        OUT.print(f"  freshness {report['freshness']}")
    for number, sentence in enumerate(report["late"]):
        OUT.print(f"  {'' if number else 'late':<9} {sentence}")
    for number, sentence in enumerate(report["untold"]):
        OUT.print(f"  {'' if number else 'news':<9} {sentence}")
    last = report["last_refresh"]
    if last and last["status"] == GOES_ON:
        OUT.print(f"A refresh that began at {last['began_at']} is at work.")
    if last and last["status"] == "failed":
        when = f" ({last['finished_at']})" if last["finished_at"] else ""
        OUT.print(f"The last refresh{when} failed and published nothing:")
        for sentence in _most_telling(last["sentences"]):
            OUT.print(f"  {sentence}")
        if last["log"]:
            OUT.print(f"  Log: {last['log']}")


def _untold(workspace: Workspace) -> list[str]:
    """Who did not take the last event."""
    from kunderegnskab.news.calling import untold

    try:
        return untold(workspace)
    except InputProblems:  # which `freshness` says
        return []


def waiting_lines(sentences: Sequence[str]) -> Iterator[str]:
    """How many published changes wait for approval, and the first of them; nothing if none does."""
    if not sentences:
        return
    changes = "change waits" if len(sentences) == 1 else "changes wait"
    yield f"approval  {len(sentences)} {changes} for somebody's approval (audit.waiting_approvals)"
    for sentence in sentences[:_ROWS_SHOWN]:
        yield f"          {sentence}"
    if len(sentences) > _ROWS_SHOWN:
        yield "          ..."


def _most_telling(sentences: Sequence[str]) -> Iterator[str]:
    """All that went wrong, and of the rows behind each, which are set in, the first ones."""
    rows = 0
    for sentence in sentences:
        rows = rows + 1 if sentence.startswith("  ") else 0
        if rows <= _ROWS_SHOWN:
            yield sentence
        elif rows == _ROWS_SHOWN + 1:
            yield "  ..."
