"""The company whose statements are looked at: the demo in full where it was made, else the tests' small one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kunderegnskab.reading.reader import Reader, Readers
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.statements.common import Writing
from kunderegnskab.workspace import Workspace

EVERYTHING = Viewer("test", "finance")


@pytest.fixture(scope="session")
def demo(request: pytest.FixtureRequest) -> Path:
    """A published demo company. To be read only."""
    made = os.environ.get("KUNDEREGNSKAB_DEMO")
    return Path(made) if made else request.getfixturevalue("demo_workspace")


@pytest.fixture
def reader(demo: Path) -> Iterator[Reader]:
    with Readers(Workspace(demo)).reader(EVERYTHING) as reader:
        yield reader


@pytest.fixture(params=["da", "en"])
def writing(request: pytest.FixtureRequest, reader: Reader) -> Writing:
    return Writing(reader.publication, request.param)
