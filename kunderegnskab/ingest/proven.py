"""Of which feeds it is proven that no key repeats and that the lake holds what was read: state/feeds.json.

Both follow from a feed's lake files and from the code alone, so they need not be measured again while those
stay the same. Here: when that may be said of a feed. Not here: measuring it (load.py).

A note says that all was well and holds no number: where a key repeats, or where the lake differs from what
was read, the feed is measured again each time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from kunderegnskab.code_version import code_version
from kunderegnskab.ingest.fingerprints import KnownFiles, known_files
from kunderegnskab.ingest.lake import Receipt
from kunderegnskab.pseudonyms import Pseudonyms
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.notes import read_note, write_note


class _Note(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    # Feed -> hash over what its proof was about.
    proven: dict[str, str]


class ProvenFeeds:
    """What was proven of feeds, and what is proven now.

    Args:
        known: what is known of the lake's files. A file that may have changed since its receipt was written
            proves nothing.
    """

    def __init__(self, lake: Path, known: KnownFiles, note: Path, pseudonyms: Pseudonyms) -> None:
        self._lake = lake
        self._known = known
        self._note = note
        self._pseudonyms = pseudonyms
        kept = read_note(note, _Note)
        self._kept = dict(kept.proven) if kept else {}
        self._proven: dict[str, str] = {}

    def holds(self, feed: str, receipts: Sequence[Receipt]) -> bool:
        """Whether it is proven of a feed made of these files, as they lie in the lake now."""
        proof = self._proof(receipts)
        if self._kept.get(feed) != proof or not all(
            self._known.is_still(self._lake / receipt.lake_file, receipt.lake_sha256) for receipt in receipts
        ):
            return False
        self._proven[feed] = proof
        return True

    def note(self, feed: str, receipts: Sequence[Receipt]) -> None:
        """It has been measured, and holds."""
        self._proven[feed] = self._proof(receipts)

    def save(self) -> None:
        """Keep what was proven for the next time, of the feeds that were asked for."""
        if self._proven != self._kept:
            write_note(self._note, _Note(proven=self._proven))

    def _proof(self, receipts: Sequence[Receipt]) -> str:
        about = {
            "code_version": code_version(),
            "pseudonyms": self._pseudonyms.fingerprint,
            "receipts": [receipt.model_dump(mode="json") for receipt in receipts],
        }
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


@contextmanager
def proven_feeds(workspace: Workspace, pseudonyms: Pseudonyms) -> Generator[ProvenFeeds]:
    """What is proven of a workspace's feeds; what is proven meanwhile is kept if all goes well."""
    with known_files(workspace) as known:
        proven = ProvenFeeds(workspace.lake, known, workspace.state / "feeds.json", pseudonyms)
        yield proven
        proven.save()
