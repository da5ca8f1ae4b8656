"""Whether everything that was published, and what it was made from, is still what the manifests say.

Here: the hashes of manifests, published files, lake files, landing files and configuration. Not here:
computing a publication again (reperformance.py) or by another way (recalculation/).

One changed file gives one finding: what a changed manifest says of other files is not believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kunderegnskab.ingest.lake import configuration_hashes
from kunderegnskab.ingest.landing import file_sha256
from kunderegnskab.progress import Progress, silent
from kunderegnskab.publication import store
from kunderegnskab.publication.manifest import InputFile
from kunderegnskab.publication.store import Publication
from kunderegnskab.workspace import Workspace

Control = Literal[
    "chain", "published", "lake", "landing", "configuration", "reperformance", "recalculation", "personal"
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
        trusted: publications that are whole, with all that they were made from; newest first.
    """

    findings: tuple[Finding, ...]
    hashed: dict[Control, int]
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

    lake: dict[str, str] = {}
    owners: dict[str, list[str]] = {}
    for publication in believed:
        if not publication.database.is_file():
            continue  # pruned: its lake files may be gone as well
        for file in publication.manifest.inputs:
            for name, sha256 in _lake_files(file):
                lake[name] = sha256
                owners.setdefault(name, []).append(publication.name)
    for place, (name, sha256) in enumerate(sorted(lake.items())):
        progress("hashing the lake", place, len(lake))
        if sentence := _fault(workspace.lake / name, sha256, f"lake/{name}", "restore it from a backup"):
            broken.update(owners[name])
            findings.append(Finding("lake", f"lake/{name}", sentence))

    current = next((each for each in reversed(believed) if _is_current(each, workspace)), None)
    landing = current.manifest.input_hashes if current else {}
    for place, (name, sha256) in enumerate(sorted(landing.items())):
        progress("hashing landing files", place, len(landing))
        what = "put the file back as it was, or refresh so that the change is published"
        if sentence := _fault(workspace.root / name, sha256, name, what):
            findings.append(Finding("landing", name, sentence))
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
            "landing": len(landing),
            "configuration": len(recorded),
        },
        tuple(each for each in reversed(believed) if each.name not in broken and each.database.is_file()),
    )


def _lake_files(file: InputFile) -> Iterator[tuple[str, str]]:
    yield file.lake_file, file.lake_sha256
    if file.text_file is not None and file.text_sha256 is not None:
        yield file.text_file, file.text_sha256


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
        return [each for each in integrity.trusted if {each.name, str(each.manifest.number)} & set(wanted)]
    return list(integrity.trusted[:last])
