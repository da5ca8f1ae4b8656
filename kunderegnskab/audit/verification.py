"""Whether everything that was published, and what it was made from, is still what the manifests say.

Here: the hashes of manifests, published files, lake files, landing files and configuration. Not here:
computing a publication again (reperformance.py) or by another way (recalculation/).

One changed file gives one finding: what a changed manifest says of other files is not believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from kunderegnskab.file_hash import file_sha256
from kunderegnskab.ingest import Receipt, configuration_hashes
from kunderegnskab.progress import Progress, silent
from kunderegnskab.publication import store
from kunderegnskab.publication.inputs import receipt_of
from kunderegnskab.publication.manifest import InputFile
from kunderegnskab.publication.store import Publication
from kunderegnskab.workspace import Workspace, journal
from kunderegnskab.workspace.journal import Entry

Control = Literal[
    "head",
    "signature",
    "chain",
    "published",
    "lake",
    "receipts",
    "journal",
    "landing",
    "configuration",
    "reading",
    "reperformance",
    "recalculation",
    "personal",
]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        control: what found it.
        subject: the file, publication or figure it is about.
        sentence: what is wrong and what to do.
    """

    control: Control
    subject: str
    sentence: str


@dataclass(frozen=True)
class Integrity:
    """What hashing everything gave.

    Attributes:
        hashed: files that were hashed, by control.
        chain: publications whose manifests are what was published; oldest first.
        trusted: of these the ones that are whole, with all that they were made from; newest first.
    """

    findings: tuple[Finding, ...]
    hashed: dict[Control, int]
    chain: tuple[Publication, ...]
    trusted: tuple[Publication, ...]


def verify_integrity(workspace: Workspace, progress: Progress = silent) -> Integrity:
    """Hash every manifest and file of all publications, and what they were made from."""
    published = workspace.published
    found = store.publications(published)
    faults = store.verify_chain(published)
    findings = [Finding("chain", fault.publication or store.POINTER_FILE, fault.sentence) for fault in faults]
    believed = [each for each in found if each.name not in {fault.publication for fault in faults}]
    broken: set[str] = set()

    published_files = 0
    for place, publication in enumerate(believed):
        progress("hashing publications", place, len(believed))
        published_files += sum((publication.path / file).is_file() for file in publication.manifest.files)
        for sentence in store.verify_files(publication):
            broken.add(publication.name)
            findings.append(Finding("published", sentence.removeprefix(f"{publication.name}: "), sentence))

    # Of each lake file: what publications say of it, and which say so.
    lake: dict[str, dict[str, list[str]]] = {}
    receipts: dict[str, InputFile] = {}
    for publication in believed:
        if not publication.database.is_file():
            continue  # pruned: its lake files may be gone as well
        for file in publication.manifest.inputs:
            receipts[file.lake_file] = file
            for name, sha256 in _lake_files(file):
                lake.setdefault(name, {}).setdefault(sha256, []).append(publication.name)
    noted = journal.read(workspace)
    purged = journal.purged_lake_files(noted)
    for place, (name, said) in enumerate(sorted(lake.items())):
        progress("hashing the lake", place, len(lake))
        path = workspace.lake / name
        found_sha256 = file_sha256(path) if path.is_file() else None
        wrong = [each for sha256, names in said.items() if sha256 != found_sha256 for each in names]
        # What was removed for the sake of people is noted, and nothing is wrong with it.
        if wrong and not (found_sha256 is None and name in purged):
            broken.update(wrong)
            findings.append(Finding("lake", f"lake/{name}", _lake_fault(name, found_sha256, said, wrong)))
    for _, file in sorted(receipts.items()):
        if sentence := receipt_fault(workspace.lake, file):
            findings.append(Finding("receipts", f"lake/{receipt_name(file)}", sentence))

    current = next((each for each in reversed(believed) if _is_current(each, workspace)), None)
    landing = current.manifest.input_hashes if current else {}
    for place, (name, sha256) in enumerate(sorted(landing.items())):
        progress("hashing landing files", place, len(landing))
        what = "put the file back as it was, or refresh so that the change is published"
        if sentence := _fault(workspace.root / name, sha256, name, what):
            findings.append(Finding("landing", name, sentence))
    findings += _journal_faults(workspace, noted, believed)
    recorded = current.manifest.configuration_hashes if current else {}
    now = configuration_hashes(workspace)
    findings += [
        Finding("configuration", name, f"{name} has changed since {current.name} was made from it; refresh.")
        for name in sorted(recorded.keys() | now.keys())
        if current is not None and recorded.get(name) != now.get(name)
    ]
    progress("hashing landing files", len(landing), len(landing))
    return Integrity(
        tuple(findings),
        {
            "chain": len(found),
            "published": published_files,
            "lake": len(lake),
            "receipts": len(receipts),
            "landing": len(landing),
            "journal": len(noted),
            "configuration": len(recorded),
        },
        tuple(believed),
        tuple(each for each in reversed(believed) if each.name not in broken and each.database.is_file()),
    )


def _lake_files(file: InputFile) -> Iterator[tuple[str, str]]:
    yield file.lake_file, file.lake_sha256
    if file.text_file is not None and file.text_sha256 is not None:
        yield file.text_file, file.text_sha256


def _journal_faults(
    workspace: Workspace, entries: Sequence[Entry], publications: Sequence[Publication]
) -> Iterator[Finding]:
    """Lines that do not follow each other, and files that are not what was noted."""
    name = f"runs/{journal.JOURNAL_FILE}"
    if broken := journal.broken_lines(entries):
        lines = ", ".join(map(str, broken))
        sentence = f"{name} was changed: line {lines} is not what was written; restore it from a backup."
        yield Finding("journal", name, sentence)
    there = {entry.sha256 for entry in entries}
    lost = [
        each.name
        for each in publications
        if each.manifest.journal_sha256 is not None and each.manifest.journal_sha256 not in there
    ]
    if lost:
        told = f"{lost[0]} and {len(lost) - 1} more were" if len(lost) > 1 else f"{lost[0]} was"
        sentence = f"{name} lacks lines that it had when {told} published; restore it from a backup."
        yield Finding("journal", name, sentence)
    for file, sha256 in journal.noted_files(entries).items():
        if sentence := _fault(workspace.root / file, sha256, file, "restore it from a backup"):
            yield Finding("journal", file, sentence)


def _lake_fault(
    name: str, sha256: str | None, said: Mapping[str, Sequence[str]], wrong: Sequence[str]
) -> str:
    if sha256 is None:
        return f"lake/{name} is missing; restore it from a backup."
    if sha256 in said:
        return (
            f"lake/{name} is what {said[sha256][-1]} was made from, and not what {', '.join(wrong)} was; it "
            "was changed in between. Restore it from a backup of that time."
        )
    return f"lake/{name} has changed since it was read; restore it from a backup."


def receipt_name(file: InputFile) -> str:
    """The receipt beside a lake file, relative to the lake."""
    return PurePosixPath(file.lake_file).with_suffix(".json").as_posix()


def receipt_fault(lake: Path, file: InputFile, absent_columns: Sequence[str] | None = None) -> str:
    """What the receipt beside a lake file says must be what the manifest recorded of it.

    Args:
        absent_columns: mapped columns that no record of the file has, where the file was read again.
    """
    name = f"lake/{receipt_name(file)}"
    try:
        receipt = Receipt.model_validate_json((lake / receipt_name(file)).read_bytes())
    except OSError:
        return f"{name} is missing; refresh, and {file.path} is read again."
    except ValueError:
        return f"{name} is no receipt; remove it and refresh, and {file.path} is read again."
    if not receipt.agrees_with(receipt_of(file)):
        says = "the manifest says"
    elif absent_columns is not None and receipt.absent_columns != tuple(absent_columns):
        says = "the file itself says"
    else:
        return ""
    return (
        f"{name} does not say of {file.path} what {says}; remove it and refresh, and the file is read again."
    )


def _is_current(publication: Publication, workspace: Workspace) -> bool:
    link = workspace.published / "current"
    return link.resolve() == publication.path


def _fault(path: Path, sha256: str, name: str, what: str) -> str:
    if not path.is_file():
        return f"{name} is missing; {what}."
    return "" if file_sha256(path) == sha256 else f"{name} has changed since it was read; {what}."


def newest(integrity: Integrity, wanted: Sequence[str], last: int) -> list[Publication]:
    """Of the publications that are whole, the named ones, or the newest `last`."""
    if wanted:
        return [each for each in integrity.trusted if any(map(each.goes_by, wanted))]
    return list(integrity.trusted[:last])
