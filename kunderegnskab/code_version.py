"""Which code made a number: a version that changes with every change of the program or the models."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from kunderegnskab import __version__
from kunderegnskab.workspace import REPOSITORY

# Folder -> the files in it that decide what a refresh gives.
Patterns = Mapping[str, tuple[str, ...]]

MODELS: Patterns = {"dbt_project": ("*.sql", "*.yml", "*.yaml", "*.csv", "*.md")}
_CODE: Patterns = {"kunderegnskab": ("*.py", "*.yaml", "*.j2", "*.sql"), "orchestration": ("*.py",), **MODELS}
_MADE = {"target", "logs", "dbt_packages", "__pycache__"}


@cache
def code_version() -> str:
    """Package version and a hash over all code that a refresh runs, e.g. `0.1.0+3f2a9c1e8d70`.

    The lock of the packages belongs to it: another DuckDB may give another number.
    """
    code = f"{tree_sha256(REPOSITORY, _CODE)} {lock_sha256()}"
    return f"{__version__}+{hashlib.sha256(code.encode()).hexdigest()[:12]}"


def tree_sha256(root: Path, patterns: Patterns) -> str:
    """SHA-256 over names and contents of the files below `root` that match, in a fixed order."""
    digest = hashlib.sha256()
    files = {
        path
        for folder, globs in patterns.items()
        for pattern in globs
        for path in (root / folder).rglob(pattern)
        if not _MADE.intersection(path.relative_to(root).parts)
    }
    for path in sorted(files):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@cache
def code_commit() -> str | None:
    """The git commit of the code, with `-dirty` if it was changed since; None outside of a checkout."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip() or None


@cache
def lock_sha256() -> str | None:
    """SHA-256 of requirements.lock, None where it is not at hand."""
    path = REPOSITORY / "requirements.lock"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
