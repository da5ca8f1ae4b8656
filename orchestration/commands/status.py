"""`kunderegnskab status`: what is published now.

Finding that out belongs in kunderegnskab/publication/status.py.
"""

from __future__ import annotations

from kunderegnskab.problems import command
from kunderegnskab.workspace import find_workspace
from orchestration.commands.options import JsonOption, WorkspaceOption
from orchestration.commands.output import OUT, print_json


def status(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """What is published, from when, on which checks, and whether it is fresh."""
    from kunderegnskab.publication.status import describe_status

    report = describe_status(find_workspace(workspace))
    if as_json:
        print_json(report)
        return
    if report["publication"] is None:
        root = find_workspace(workspace).root
        OUT.print(f"Nothing is published yet. Run `{command('refresh', root)}`.")
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
        OUT.print(f"  freshness {report['freshness']}")
    if (last := report["last_refresh"]) and last["status"] == "failed":
        OUT.print(f"The last refresh ({last['finished_at']}) failed and published nothing:")
        for sentence in last["sentences"][:5]:
            OUT.print(f"  {sentence}")
