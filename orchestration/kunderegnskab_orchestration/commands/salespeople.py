"""`kunderegnskab salespeople`: who is behind the pseudonyms.

The table belongs in kunderegnskab/personal/names.py.
"""

from __future__ import annotations

from dataclasses import asdict

from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.commands.options import JsonOption, WorkspaceOption
from kunderegnskab_orchestration.commands.output import OUT, print_json


def salespeople(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Who is behind the pseudonyms of salespeople; for those who may read the folder personal/."""

    from kunderegnskab.personal.names import purged, read_names

    found = find_workspace(workspace)
    listed, removed = read_names(found), sorted(purged(found))
    if as_json:
        print_json({"salespeople": [asdict(each) for each in listed], "purged": removed})
        return
    if found.company.salesperson_keys == "plain":
        OUT.print("Salespeople are published by their own keys (company.yaml: salesperson_keys: plain).")
    for each in listed:
        until = f"{each.last_active:%Y-%m-%d}" if each.last_active else "still"
        OUT.print(
            f"{each.pseudonym}  {each.salesperson_id}  {each.salesperson_name or ''}  (active: {until})"
        )
    if removed:
        OUT.print(f"Names removed: {', '.join(removed)}.")
