"""A publication's manifest that says next to nothing, for tests of what is told by a manifest."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kunderegnskab.publication.manifest import Manifest


def manifest_of(number: int, publication: str, *, run_id: str, at: datetime, **told: Any) -> Manifest:
    """The manifest of a publication without tables, files and checks.

    Args:
        number: of the publication.
        publication: its name.
        run_id: of the run that made it.
        at: when it was started and published.
        told: what the test has it say besides.
    """
    empty: dict[str, Any] = {
        "company": "Firma ApS",
        "locale": "da",
        "currency": "DKK",
        "code_version": "1.0",
        "code_commit": None,
        "lock_sha256": None,
        "engines": {},
        "input_hash": "inputs",
        "inputs": [],
        "parameters": {},
        "allowances": [],
        "waivers": [],
        "marts": {},
        "files": {},
        "checks": [],
        "previous": None,
    }
    return Manifest(
        number=number,
        publication=publication,
        run_id=run_id,
        started_at=at,
        published_at=at,
        **{**empty, **told},
    )
