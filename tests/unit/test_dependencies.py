"""What is imported is declared in pyproject.toml, and what the product declares is imported.

A package that only comes along with another one may be gone after the next `make lock`.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import packages_distributions

from kunderegnskab.workspace import REPOSITORY

PRODUCT = ("kunderegnskab", "orchestration")
DEVELOPMENT = ("tests", "benchmarks")
# Started as a command by `make dev`, see docs/runbooks/schedule.md.
NEVER_IMPORTED = {"dagster-webserver"}


def imported(text: str) -> Iterator[str]:
    """The packages that a module imports, wherever in it, without those of the standard library."""
    for node in ast.walk(ast.parse(text)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        yield from {name.partition(".")[0] for name in names} - sys.stdlib_module_names


def imports_of(*folders: str) -> dict[str, list[str]]:
    """Packages of others that the modules in these folders import, each with its modules."""
    files = [file for folder in folders for file in sorted((REPOSITORY / folder).rglob("*.py"))]
    # Modules beside each other in tests and benchmarks import each other by their bare names.
    ours = {*PRODUCT, *(file.stem for file in files if file.relative_to(REPOSITORY).parts[0] in DEVELOPMENT)}
    found: dict[str, list[str]] = defaultdict(list)
    for file in files:
        for name in set(imported(file.read_text(encoding="utf-8"))) - ours:
            found[name].append(file.relative_to(REPOSITORY).as_posix())
    return found


def normal(requirement: str) -> str:
    """The name in a requirement, written as packages are compared."""
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def declared() -> tuple[set[str], set[str]]:
    """Distributions that the product needs, and those that only its development needs."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    needed, development = project["project"]["dependencies"], project["dependency-groups"]["dev"]
    return set(map(normal, needed)), set(map(normal, development))


def test_imports_are_declared() -> None:
    needed, development = declared()
    distributions = {
        package: set(map(normal, names)) for package, names in packages_distributions().items()
    }  # fmt: skip

    def undeclared(folders: tuple[str, ...], known: set[str]) -> dict[str, list[str]]:
        found = imports_of(*folders)
        return {name: files for name, files in found.items() if not distributions.get(name, set()) & known}

    assert undeclared(PRODUCT, needed) == {}
    assert undeclared(DEVELOPMENT, needed | development) == {}


def test_what_the_product_declares_is_imported() -> None:
    needed, _ = declared()
    distributions = packages_distributions()
    used = {normal(each) for package in imports_of(*PRODUCT) for each in distributions.get(package, [])}
    assert needed - used == NEVER_IMPORTED


def test_imports_are_found_wherever_they_stand() -> None:
    text = "import os, yaml\nfrom . import near\ndef f():\n    from psutil._common import x\n    import dbt.cli as c\n"
    assert sorted(imported(text)) == ["dbt", "psutil", "yaml"]
