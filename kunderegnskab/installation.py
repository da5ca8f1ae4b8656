"""Where the program's own files lie: in a clone of the repository, or in what was installed from a wheel.

A wheel carries the files that a clone has beside the package in a folder of its own, laid out as the clone is
(hatch_build.py). Nothing is ever written there: it may be read-only, and belongs to everybody.
Not here: where a company's files lie (workspace/folder.py).
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
BUNDLED = "bundled"
"""Name of the folder in the package that only a wheel has."""

REPOSITORY = None if (_PACKAGE / BUNDLED).is_dir() else _PACKAGE.parent
"""The clone that the program runs from; None where it was installed from a wheel."""

_FILES = REPOSITORY or _PACKAGE / BUNDLED
DBT_PROJECT = _FILES / "dbt_project"
DEMO_COMPANY = _FILES / "data"
"""Configuration and policy of the demo company."""
DAGSTER_SETTINGS = _FILES / "dagster.yaml"
LOCK = _FILES / "requirements.lock"
