"""What a refresh and the dbt that it starts have agreed on: names, marks, files.

Nothing that takes long to import belongs here: dbt's process waits for it.
"""

from __future__ import annotations

from pathlib import Path

# Process id of whoever starts dbt, set by it; a parent that died before we looked would go unnoticed.
PARENT_VARIABLE = "KUNDEREGNSKAB_DBT_PARENT"
# A line that begins so is an answer in JSON, every other line is dbt's log.
ANSWER = "\x1e"
RUN_RESULTS = "run_results.json"
# Beside the parse of the project: the hash of the files that it was made from, and that of its manifest.
STAMP = "project.sha256"


def read_stamp(folder: Path) -> list[str]:
    """What the stamp beside a parse says; empty where there is none."""
    try:
        return (folder / STAMP).read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return []
