"""The tags by which a run tells which code and which input it worked on."""

from __future__ import annotations

from kunderegnskab.code_version import code_version

INPUT_HASH = "kunderegnskab/input_hash"
CODE_VERSION = "kunderegnskab/code_version"
# A run with this tag reads every file again and publishes even if nothing has changed.
FULL = "kunderegnskab/full"


def run_tags(input_hash: str) -> dict[str, str]:
    """Tags of a run over the given input."""
    return {INPUT_HASH: input_hash, CODE_VERSION: code_version()}
