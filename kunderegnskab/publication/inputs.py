"""What came of reading a file, as the manifest records it and as the lake's receipt has it.

Here: one form made into the other. Not here: the forms themselves (manifest.py, ingest/lake.py).
"""

from __future__ import annotations

from decimal import Decimal

from kunderegnskab.ingest import Receipt
from kunderegnskab.publication.manifest import InputFile


def recorded(receipt: Receipt) -> InputFile:
    """A receipt as the manifest has it."""
    return InputFile(
        feed=receipt.feed,
        path=receipt.source_file,
        sha256=receipt.file_sha256,
        size=receipt.size,
        lookups=receipt.lookups,
        records_read=receipt.records_read,
        records_loaded=receipt.records_loaded,
        records_rejected=receipt.records_rejected,
        records_left_out=receipt.records_left_out,
        control_totals={name: str(total) for name, total in receipt.control_totals.items()},
        lake_file=receipt.lake_file,
        lake_sha256=receipt.lake_sha256,
        source=receipt.source,
        rejects_allowed=receipt.rejects_allowed,
    )


def receipt_of(file: InputFile) -> Receipt:
    """The receipt that a manifest's file was recorded from, but for the reason why rejects are allowed."""
    return Receipt(
        feed=file.feed,
        source_file=file.path,
        file_sha256=file.sha256,
        size=file.size,
        lookups=dict(file.lookups),
        lake_file=file.lake_file,
        lake_sha256=file.lake_sha256,
        records_read=file.records_read,
        records_loaded=file.records_loaded,
        records_rejected=file.records_rejected,
        records_left_out=file.records_left_out,
        control_totals={name: Decimal(total) for name, total in file.control_totals.items()},
        source=file.source,
        rejects_allowed=file.rejects_allowed,
    )
