"""Whether there is anything to refresh: what lies in a workspace, beside what is published.

Reading the files belongs in kunderegnskab/ingest; who asks, and how often, in orchestration/.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from kunderegnskab.code_version import code_version
from kunderegnskab.ingest import configuration_hashes, input_files, input_hash
from kunderegnskab.publication import store
from kunderegnskab.publication.changes import compared
from kunderegnskab.publication.store import Publication
from kunderegnskab.workspace import Workspace


@dataclass(frozen=True)
class Due:
    """What a refresh would read.

    Attributes:
        files: name of each input file -> SHA-256 of its content.
        input_hash: over the files and the configuration.
        published: the current publication, if it was made from just this by this code; then nothing is due.
    """

    files: Mapping[str, str]
    input_hash: str
    published: Publication | None


def look(workspace: Workspace) -> Due:
    """What lies in the workspace now.

    Raises:
        InputProblems: files cannot be read now, perhaps because they are still being written.
    """
    files = input_files(workspace)
    inputs = input_hash(workspace, files)
    return Due(files, inputs, store.unchanged(workspace.published, inputs, code_version()))


def changes(workspace: Workspace, due: Due) -> tuple[str, ...]:
    """What is not as it was when the current publication was made; all files before the first one.

    Returns:
        Names of files; what else has changed stands in words.
    """
    now = {**configuration_hashes(workspace), **due.files}
    return compared(store.current(workspace.published), now, code_version(), due.input_hash).all


def glance(workspace: Workspace) -> str:
    """Names, sizes and times of all input files: cheap enough for every minute, where hashing is not.

    Returns:
        SHA-256 in hexadecimal, another one when any of them or the code has changed.
    """
    folders = (workspace.landing, workspace.policy)
    files = [path for folder in folders if folder.is_dir() for path in folder.rglob("*") if path.is_file()]
    seen = hashlib.sha256(code_version().encode())
    for path in sorted([*files, *workspace.configuration_files()]):
        stat = path.stat()
        seen.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return seen.hexdigest()
