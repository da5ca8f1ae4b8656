"""Cases from the field: small workspaces, each with the right result beside it, worked by hand.

They lie beside the folder of public datasets. In CI a test that reads them fails where they are not; elsewhere
it skips.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from running import REPOSITORY

_FIELD_CASES = (
    Path(os.environ.get("KUNDEREGNSKAB_DATASETS") or REPOSITORY.parent / "shared" / "datasets").parent
    / "field_cases"
)


def field_case(name: str) -> Path:
    """The folder of a case, which a test must leave as it is."""
    case = _FIELD_CASES / name
    if not case.is_dir():
        reason = f"there is no case at {case}; KUNDEREGNSKAB_DATASETS names the folder of datasets beside it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return case
