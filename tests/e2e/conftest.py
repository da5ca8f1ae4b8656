"""What tests here share: the company of all worked examples, Dagster's services, and the demo in full.

How an example is entered and read back belongs in tests/worked_examples.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster_services import Services, services_of
from quick import Project, refreshed_quickly
from running import published
from shared import BuiltOnce
from worked_examples import Published, Told, books_of, read_cases

# Names the workspace that `make demo` has made, see CONTRIBUTING.md.
FULL_DEMO = "KUNDEREGNSKAB_DEMO"


@pytest.fixture(scope="session")
def full_demo() -> Path:
    """The demo as `make demo` has made it: the one that the tests make has a twentieth of its customers."""
    made = os.environ.get(FULL_DEMO)
    if not made:
        reason = f"name the workspace that `make demo` has made in {FULL_DEMO}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(made)


@pytest.fixture(scope="session")
def told(datasets: Path, project: Project, built_once: BuiltOnce) -> Iterator[Told]:
    """All worked examples in one company, refreshed once for all processes."""
    cases = read_cases(datasets)
    books = books_of(cases)

    def build(workspace: Path) -> None:
        books.write(workspace)
        assert refreshed_quickly(project, workspace)["status"] == "published"

    with published(built_once("worked_examples", build)) as con:
        yield Told(cases, Published(con))


@pytest.fixture
def services(small_to_change: Path, tmp_path: Path) -> Iterator[Services]:
    """Dagster's daemon, page and server of the code for the small company, for one test."""
    with services_of(tmp_path / "services", small_to_change, kunderegnskab=small_to_change) as services:
        yield services
