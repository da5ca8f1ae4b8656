"""The company of all worked examples, which the tests of costing and of sales share; Dagster's services.

How an example is entered and read back belongs in tests/worked_examples.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster_services import Services, services_of
from quick import Project, refreshed_quickly
from running import published
from shared import BuiltOnce
from worked_examples import Published, Told, books_of, read_cases


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
