"""The resources of all steps and the executor of all jobs."""

import dagster as dg

from kunderegnskab.workspace import find_workspace
from kunderegnskab_orchestration.asset_keys import PREFIX_VARIABLE, asset_prefix
from kunderegnskab_orchestration.resources import CompanyWorkspace, Dbt
from kunderegnskab_orchestration.tags import WORKSPACE


@dg.definitions
def shared() -> dg.Definitions:
    """The workspace that the environment names."""
    workspace = find_workspace()
    return dg.Definitions(
        resources={
            "company": CompanyWorkspace(root=str(workspace.root)),
            "dbt": Dbt(root=str(workspace.root)),
        },
        # DuckDB has one writer, so steps cannot run side by side; a process per step would only
        # pay for the imports again.
        executor=dg.in_process_executor,
        # Whoever starts a run of these definitions learns from this in which workspace.
        metadata={WORKSPACE: str(workspace.root), PREFIX_VARIABLE: asset_prefix()},
    )
