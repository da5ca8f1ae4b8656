"""The resources of all steps and the executor of all jobs."""

import dagster as dg

from kunderegnskab.workspace import find_workspace
from orchestration.resources import CompanyWorkspace, Dbt


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
    )
