"""The publications that there are, and what has changed from one to the next.

Not here: how two publications are compared (publication/changes.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from kunderegnskab.publication import store
from kunderegnskab.publication.changes import Changes, FileChanges, changes_of, file_changes_of
from kunderegnskab.publication.store import Publication
from kunderegnskab.reading.reader import NothingToRead, Reader

MOST = 25
"""Publications in the history."""


@dataclass(frozen=True)
class Step:
    """One publication beside the one before.

    Attributes:
        changes: what it says otherwise; None where its data have been removed.
        files: what of the files it was made from is another; of the first all are new.
    """

    publication: Publication
    changes: Changes | None
    files: FileChanges
    checks_wanting: int

    @property
    def is_first(self) -> bool:
        """Whether there was none before."""
        return self.publication.manifest.previous is None


def history(reader: Reader) -> list[Step]:
    """The last publications, newest first. Whoever sees all sees them.

    Raises NothingToRead for anybody else: what changed in the company's sums is not theirs to see.
    """
    if not reader.viewer.sees_all:
        raise NothingToRead("The history of publications is for finance and audit.")
    published = reader.publication.path.parent
    found = sorted(store.publications(published), key=lambda each: each.manifest.number, reverse=True)
    return [
        Step(
            publication,
            changes_of(published, publication) if publication.database.is_file() else None,
            file_changes_of(published, publication),
            sum(check.status != "passed" for check in publication.manifest.checks),
        )
        for publication in found[:MOST]
    ]
