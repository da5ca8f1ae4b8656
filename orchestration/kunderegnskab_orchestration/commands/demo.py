"""`kunderegnskab demo`: the demo company, refreshed.

Its files belong in kunderegnskab/demo, what is said of the refresh in refresh.py.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kunderegnskab.installation import DEMO_COMPANY, REPOSITORY
from kunderegnskab.problems import InputProblem, InputProblems, command
from kunderegnskab.workspace import Workspace, find_workspace
from kunderegnskab_orchestration.commands.options import JsonOption, WorkspaceOption
from kunderegnskab_orchestration.commands.output import OUT, progress_shown
from kunderegnskab_orchestration.commands.refresh import finish_refresh

if TYPE_CHECKING:
    from kunderegnskab.progress import Progress

# In the folder that the user stands in, where the program was installed and no other folder is named.
_FOLDER = "kunderegnskab-demo"


def demo(
    workspace: WorkspaceOption = None,
    scale: Annotated[
        float, typer.Option(help="Size of the company; 1 is about 150,000 sales lines.", min=0.01)
    ] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Make the demo company's files, refresh, and say where to look.

    The first time twice: a quarter is closed on what came first, then what came too late for it is published,
    and a salesperson proposes something on the page.
    """
    from kunderegnskab.audit.closing import EVENTS_FILE
    from kunderegnskab.demo import generate

    found = _demo_workspace(workspace)
    if found.company.name != Workspace(DEMO_COMPANY).company.name:
        raise InputProblems(
            [
                InputProblem(
                    str(found.root),
                    f"is the workspace of {found.company.name}, whose files the demo would overwrite",
                    "name a new folder with --workspace",
                )
            ]
        )
    with progress_shown(as_json) as progress:
        closed_on = (
            None if (found.policy / EVENTS_FILE).exists() else _close_a_quarter(found, scale, progress)
        )
        generate(found.landing, scale=scale, progress=lambda activity: progress(activity, 0, 1))
    if closed_on is not None and not as_json:
        OUT.print(
            f"Published {closed_on} and closed the fourth quarter of 2024 on it. "
            "Now its last credit notes arrive."
        )
    # Looked at anew: what a workspace reads is kept, and now it has a file more.
    refreshed = Workspace(found.root)
    finish_refresh(refreshed, full=False, as_json=as_json)
    if closed_on is not None:
        _propose_an_override(refreshed)
    if not as_json:
        OUT.print(f"In a browser: {command('serve --open-as finance', found.root)}")


def _close_a_quarter(workspace: Workspace, scale: float, progress: Progress) -> str | None:
    """Publish what had come when the quarter was closed, and close it; the publication's name.

    None where nothing could be published: whoever refreshes next is told why.
    """
    from kunderegnskab.audit.closing import record_event
    from kunderegnskab.demo import CLOSED_MONTHS, generate
    from kunderegnskab_orchestration.refresh import refresh

    generate(
        workspace.landing,
        scale=scale,
        at_the_close=True,
        progress=lambda activity: progress(activity, 0, 1),
    )
    outcome = refresh(workspace, progress)
    if outcome.status == "failed":
        return None
    for month in CLOSED_MONTHS:
        record_event(
            workspace, month, "close", by="Regnskabschef", reason="Årsregnskabet for 2024 er afsluttet"
        )
    return outcome.publication


def _propose_an_override(workspace: Workspace) -> None:
    """Let the owner of the largest customer of B1 propose it for A1, for somebody else to approve."""
    import duckdb

    from kunderegnskab.decisions.proposals import Proposals
    from kunderegnskab.publication import store
    from kunderegnskab.reading.scope import Viewer

    publication = store.current(workspace.published)
    assert publication is not None
    with duckdb.connect(str(publication.database), read_only=True) as con:
        largest = con.execute(
            "select effort.customer_id, effort.salesperson_id from marts.sales_effort as effort "
            "inner join marts.customer_segments as segments using (customer_id, month) "
            "where month = (select max(month) from marts.time_windows) and segments.segment = 'B1' "
            "and effort.salesperson_id in "
            "(select salesperson_id from marts.salespeople where team is not null) "
            "order by segments.net_sales_r12 desc, effort.customer_id limit 1"
        ).fetchone()
    if largest is not None:
        customer, salesperson = largest
        Proposals(workspace).propose(
            Viewer("demo", "salesperson", salesperson),
            customer,
            "A1",
            "Samler sine indkøb hos os fra foråret; rammeaftalen er til underskrift",
            "",
            datetime.now(UTC),
            segments=["A1"],
        )


def _demo_workspace(directory: Path | None) -> Workspace:
    """The demo company's workspace; a new folder gets a copy of its configuration."""
    root = directory or (Path(_FOLDER) if REPOSITORY is None else DEMO_COMPANY)
    if root.resolve() != DEMO_COMPANY and not (root / "company.yaml").exists():
        for source in (DEMO_COMPANY / "company.yaml", DEMO_COMPANY / "feeds.yaml", *_files_of_rules()):
            copy = root / source.relative_to(DEMO_COMPANY)
            copy.parent.mkdir(parents=True, exist_ok=True)
            # Without the rights of the original, which nobody may write in an installation.
            shutil.copyfile(source, copy)
    return find_workspace(root)


def _files_of_rules() -> list[Path]:
    """The demo's policy and what to try instead of it, without what was decided in a demo made there."""
    from kunderegnskab.audit.closing import EVENTS_FILE

    found = (path for folder in ("policy", "scenarios") for path in (DEMO_COMPANY / folder).rglob("*"))
    return sorted(path for path in found if path.is_file() and path.name != EVENTS_FILE)
