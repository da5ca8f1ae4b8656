"""Landing files read a second time, and compared with what the lake keeps of them.

The hash of a lake file tells that it is the one that was published, and not that it is what the source said.
Here: reading into a scratch lake by the mappings of today, and comparing record by record. Not here: the
hashes (verification.py), and computing a publication again from the lake (reperformance.py).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kunderegnskab.audit.verification import Finding, receipt_fault, receipt_name
from kunderegnskab.ingest.lake import differing_records, read_a_second_time
from kunderegnskab.progress import Progress, silent
from kunderegnskab.publication.inputs import receipt_of
from kunderegnskab.publication.manifest import InputFile
from kunderegnskab.publication.store import Publication
from kunderegnskab.workspace import Workspace


@dataclass(frozen=True)
class Reread:
    """What reading again gave.

    Attributes:
        compared: files that were read again.
        of: files that the publications were made from.
        left: why some were not, one sentence each.
    """

    findings: tuple[Finding, ...]
    compared: int
    of: int
    left: tuple[str, ...]


def read_again(
    workspace: Workspace, publications: Sequence[Publication], progress: Progress = silent
) -> Reread:
    """Read what publications were made from again, where landing and mapping are what they were.

    The lake is left alone, and must be what the manifests say, which is verification's part.
    """
    inputs = {file.lake_file: file for each in publications for file in each.manifest.inputs}
    with tempfile.TemporaryDirectory(prefix="kunderegnskab-verify-") as scratch:
        lake = Path(scratch)
        receipts, problems = read_a_second_time(workspace, lake, inputs.keys(), progress)
        again = {receipt.lake_file: receipt for receipt in receipts}
        findings = []
        for name, file in inputs.items():
            if name not in again:
                continue
            if differing := _differing(workspace.lake / name, lake / name, file, again[name].lake_sha256):
                findings.append(_other_records(file, differing))
            elif sentence := receipt_fault(workspace.lake, file, again[name].absent_columns):
                # What the manifest does not say of the file, reading it again does.
                findings.append(Finding("receipts", f"lake/{receipt_name(file)}", sentence))
            elif (
                not receipt_of(file)
                .model_copy(update={"lake_sha256": again[name].lake_sha256})
                .agrees_with(again[name])
            ):
                sentence = (
                    f"{file.path} does not hold as many records, or not the sums, that the manifest says; "
                    "restore published/ from a backup."
                )
                findings.append(Finding("reading", file.path, sentence))
    left = sorted({file.path for name, file in inputs.items() if name not in again})
    # What is wrong with a file that no publication knows hinders the next refresh, and not this.
    concerned = {name for each in publications for name in each.manifest.input_hashes}
    concerned |= {path.name for path in workspace.configuration_files()}
    why = [problem.sentence() for problem in problems if problem.file in concerned]
    return Reread(
        tuple(findings),
        len(inputs.keys() & again.keys()),
        len(inputs),
        (
            *dict.fromkeys(why),
            *(
                f"{path} was not read again: it, a lookup of it, its mapping or the program is another now."
                for path in left
            ),
        ),
    )


def _differing(kept: Path, made: Path, file: InputFile, sha256: str) -> list[int]:
    """The same bytes are the same records; other bytes may be, too."""
    if file.lake_sha256 == sha256 or not kept.is_file():
        return []
    return differing_records(kept, made)


def _other_records(file: InputFile, records: Sequence[int]) -> Finding:
    sentence = (
        f"lake/{file.lake_file} does not hold what {file.path} says: record {', '.join(map(str, records))}"
        f"{' and maybe more' if len(records) == 10 else ''}. The publication was made of it; refresh with "
        "--full, and look at what changes."
    )
    return Finding("reading", f"lake/{file.lake_file}", sentence)
