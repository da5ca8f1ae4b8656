"""The door: landing files become typed records in the lake and schema raw of a warehouse.

What a feed contains is declared in `kunderegnskab.feeds`; whether the numbers are plausible is checked by
`kunderegnskab.quality`.
"""

from __future__ import annotations

from kunderegnskab.ingest.lake import (
    ExpectedFiles,
    Intake,
    Receipt,
    configuration_hashes,
    input_files,
    input_hash,
    sweep,
    take_in,
    take_in_others,
)
from kunderegnskab.ingest.load import (
    LoadRecord,
    days_of,
    fresh_warehouse,
    load_record,
    load_warehouse,
    read_load_record,
    record_load,
)
from kunderegnskab.ingest.proven import proven_feeds

__all__ = [
    "ExpectedFiles",
    "Intake",
    "LoadRecord",
    "Receipt",
    "configuration_hashes",
    "days_of",
    "fresh_warehouse",
    "input_files",
    "input_hash",
    "load_record",
    "load_warehouse",
    "proven_feeds",
    "read_load_record",
    "record_load",
    "sweep",
    "take_in",
    "take_in_others",
]
