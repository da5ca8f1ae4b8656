"""Which code made a number: a version that changes with every change of the program or the models."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from kunderegnskab import __version__
from kunderegnskab.installation import BUNDLED, DBT_PROJECT, LOCK, REPOSITORY

# Folder -> the files in it that decide what a refresh gives.
Patterns = Mapping[Path, tuple[str, ...]]

MODELS: Patterns = {DBT_PROJECT: ("*.sql", "*.yml", "*.yaml", "*.csv", "*.md")}
_PACKAGES = {"kunderegnskab": ("*.py", "*.yaml", "*.j2", "*.sql"), "kunderegnskab_orchestration": ("*.py",)}
# What a wheel bundles is counted where a clone has it.
_LEFT_OUT = {"target", "logs", "dbt_packages", "__pycache__", BUNDLED}
_NAME = re.compile(r"[\w.-]+")
_LOCKED = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.MULTILINE)


@cache
def code_version() -> str:
    """Package version and a hash over all code that a refresh runs, e.g. `0.1.0+3f2a9c1e8d70`.

    It is the same for a clone and a wheel made of it. The versions of the packages belong to it: another
    DuckDB may give another number.
    """
    code = {**{_folder_of(package): globs for package, globs in _PACKAGES.items()}, **MODELS}
    made_of = f"{tree_sha256(code)} {lock_sha256() or ' '.join(map('=='.join, sorted(_installed().items())))}"
    return f"{__version__}+{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"


def tree_sha256(patterns: Patterns) -> str:
    """SHA-256 over names and contents of the files that match, wherever their folders lie."""
    digest = hashlib.sha256()
    files = {
        path.relative_to(folder.parent).as_posix(): path
        for folder, globs in patterns.items()
        for pattern in globs
        for path in folder.rglob(pattern)
        if not _LEFT_OUT.intersection(path.relative_to(folder).parts)
    }
    for name, path in sorted(files.items()):
        digest.update(name.encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@cache
def code_commit() -> str | None:
    """The git commit of the code, with `-dirty` if it was changed since; None outside of a clone."""
    if REPOSITORY is None:
        return None
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
    """SHA-256 of requirements.lock; None where other versions are installed than it names."""
    try:
        lock = LOCK.read_bytes()
    except OSError:
        return None
    locked = {(_normal(name), at) for name, at in _LOCKED.findall(lock.decode())}
    return hashlib.sha256(lock).hexdigest() if _installed().items() <= locked else None


@cache
def _installed() -> dict[str, str]:
    """The packages that the program names in pyproject.toml, each with the version that is installed."""
    names = [_normal(found[0]) for each in requires("kunderegnskab") or () if (found := _NAME.match(each))]
    return {name: _version(name) for name in names}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _normal(name: str) -> str:
    """A package's name as names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _folder_of(package: str) -> Path:
    # Not imported: this package knows nothing of who starts it.
    spec = find_spec(package)
    assert spec is not None, package
    assert spec.origin is not None, package
    return Path(spec.origin).parent
