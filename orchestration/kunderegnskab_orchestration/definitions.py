"""The Dagster code location: loads `defs/` and says what is true of every asset. Nothing else."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

import kunderegnskab_orchestration.defs


@dg.definitions
def defs() -> dg.Definitions:
    """All assets, checks, jobs, schedules, sensors and resources."""
    # Not by `load_from_defs_folder`, which looks for a pyproject.toml; only a clone has one.
    return dg.ComponentTree.from_module(
        defs_module=kunderegnskab_orchestration.defs, project_root=Path(__file__).parent
    ).build_defs()
