"""Readers and refreshes at the same time: no read fails, and nobody sees a mix of two publications.

What readers do is in `refresh_worker`; publications that follow each other faster are in
`test_publication_crash`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import REPOSITORY, environment

from kunderegnskab.publication.store import current, publications, verify_chain

WORKER = Path(__file__).with_name("refresh_worker.py")
REFRESHES = 20
LIMIT_SECONDS = 1800


@pytest.mark.slow
def test_readers_during_twenty_refreshes(small_to_change: Path):
    workspace = small_to_change
    readers = {what: begin(what, workspace) for what in ("read", "hold")}
    try:
        time.sleep(1)
        refreshing = begin("refresh", workspace, str(REFRESHES))
        printed, complaints = refreshing.communicate(timeout=LIMIT_SECONDS)
    finally:
        (workspace / "stop").touch()
        ended = {what: reader.communicate(timeout=60) for what, reader in readers.items()}
    assert refreshing.returncode == 0, complaints
    assert len(set(printed.split())) == REFRESHES

    for what, reader in readers.items():
        assert reader.returncode == 0, ended[what][1]
    read, held = (json.loads(ended[what][0]) for what in ("read", "hold"))
    assert read["reads"] >= 10 * REFRESHES
    assert read["publications"] >= REFRESHES  # the first, and all or all but one of the new ones
    assert held["reads"] >= 10 * REFRESHES
    assert held["publications"] == 1  # whoever holds a file open keeps what was in it

    published = workspace / "published"
    now = current(published)
    assert now is not None
    assert now.manifest.number == 1 + REFRESHES
    assert verify_chain(published) == []
    # Old data is pruned, their manifests stay: the reader above held a file that is gone.
    with_data = [publication.name for publication in publications(published) if publication.database.exists()]
    assert len(with_data) == 3


def begin(what: str, workspace: Path, *more: str) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])
    return subprocess.Popen(
        [sys.executable, str(WORKER), what, str(workspace), *more],
        cwd=REPOSITORY,
        env=environment(PYTHONPATH=paths),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
