"""Folders in state/ of which only the newest entries are kept: logs, what dbt leaves behind, events.

How many that are belongs to whoever writes there.
"""

from __future__ import annotations

import shutil
from pathlib import Path


def keep_newest(folder: Path, count: int) -> None:
    """Remove all but the newest entries of a folder of logs or artifacts."""
    if folder.is_dir():
        by_age = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)
        for old in by_age[: max(len(by_age) - count, 0)]:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
