"""What a wheel carries besides Python: what a clone has beside the package, in the same layout.

kunderegnskab/installation.py finds it again. Not by `force-include` in pyproject.toml, which would leave a
copy in the environment of a clone, too, where nobody updates it.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_FOLDER = "kunderegnskab/bundled"
_FILES = (
    *("dbt_project/dbt_project.yml", "dbt_project/profiles.yml"),
    *("dbt_project/macros", "dbt_project/models", "dbt_project/rules", "dbt_project/seeds"),
    *("data/company.yaml", "data/feeds.yaml", "data/policy", "data/scenarios"),
    *("dagster.yaml", "requirements.lock"),
)


class Bundle(BuildHookInterface):
    """Called by hatchling for each wheel; that of an editable installation is one, too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to a wheel that others install."""
        if version == "standard":
            build_data["force_include"].update({name: f"{_FOLDER}/{name}" for name in _FILES})
