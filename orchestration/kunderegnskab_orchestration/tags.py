"""The tags by which a run tells which code and which input it worked on, and where."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kunderegnskab.code_version import code_version
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import is_worked_on

INPUT_HASH = "kunderegnskab/input_hash"
CODE_VERSION = "kunderegnskab/code_version"
# A run with this tag reads every file again and publishes even if nothing has changed.
FULL = "kunderegnskab/full"
WORKSPACE = "kunderegnskab/workspace"


def run_tags(input_hash: str) -> dict[str, str]:
    """Tags of a run over the given input."""
    return {INPUT_HASH: input_hash, CODE_VERSION: code_version()}


def is_alive(run_id: str, tags: Mapping[str, str]) -> bool:
    """Whether the process that works on a run with these tags lives."""
    return WORKSPACE in tags and is_worked_on(Workspace(Path(tags[WORKSPACE])), run_id)
