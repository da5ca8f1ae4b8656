"""What lies in a workspace and is not read, and what is declared and finds nothing: told, never passed over.

Which files a source reads is decided in `landing`; whether a source that fed the last publication may be
missing, by the door's checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest.cpr import masked
from kunderegnskab.ingest.lake import Receipt
from kunderegnskab.ingest.landing import link_out, links_out, matching_files, refused_link, source_paths
from kunderegnskab.problems import InputProblem, quoted
from kunderegnskab.workspace import Workspace


@dataclass(frozen=True)
class Unread:
    """Attributes:
    files: files of landing/ and policy/ that nothing reads, one fault each.
    sources: declared sources that no file matches, one fault each.
    """

    files: tuple[InputProblem, ...]
    sources: tuple[InputProblem, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of it, plain."""
        return tuple(problem.sentence() for problem in (*self.files, *self.sources))


def unread(workspace: Workspace) -> Unread:
    """What a refresh of this workspace passes by; nothing where its configuration cannot be read at all."""
    if workspace.configuration_problems():
        return Unread((), ())
    used: set[Path] = set()
    empty = []
    for entry in workspace.sources:
        # What a link hides is refused by whoever reads the source.
        found = [*source_paths(entry), *links_out(entry.base, entry.source.files)]
        used.update(found)
        if not found:
            empty.append(
                InputProblem(
                    entry.label,
                    f"no file matches {entry.base.name}/{entry.source.files}",
                    "deliver one, correct `files`, or remove the source",
                )
            )
        for lookup in entry.source.lookups.values():
            used.update(matching_files(workspace.landing, lookup.files))
            used.update(links_out(workspace.landing, lookup.files))
    return Unread(
        tuple(
            _problem(workspace, folder, path)
            for folder in (workspace.landing, workspace.policy)
            if folder.is_dir()
            for path in sorted(folder.rglob("*"))
            if path not in used
            and (path.is_file() or path.is_symlink())
            and not _is_hidden(path.relative_to(folder))
        ),
        tuple(empty),
    )


def absent_columns(receipts: Sequence[Receipt]) -> tuple[str, ...]:
    """Sentences about mapped columns that no record of a file has, plain; they were read as empty."""
    return tuple(
        InputProblem(
            receipt.source_file,
            f"no record has {quoted(column)}, so it is read as empty",
            "if it should be there, correct its name in feeds.yaml",
        ).sentence()
        for receipt in receipts
        for column in receipt.absent_columns
    )


def fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path match those of a glob, as `matching_files` would find it."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(fits(parts[skipped:], pattern[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and fits(parts[1:], pattern[1:])


def _is_hidden(inside: Path) -> bool:
    return any(part.startswith((".", "~$")) for part in inside.parts)


def _problem(workspace: Workspace, folder: Path, path: Path) -> InputProblem:
    if link_out(path, folder) is not None:
        return refused_link(workspace, path, folder)
    return InputProblem(masked(workspace.relative(path)), *_why(workspace, folder, path))


def _why(workspace: Workspace, folder: Path, path: Path) -> tuple[str, str]:
    """What is wrong with a file that nothing reads, and what to do."""
    if path.is_symlink() and not path.is_file():
        return "is a link to no file", "put the file itself there, or remove the link"
    close = get_close_matches(path.stem.casefold(), load_feeds(), n=1)
    named = f", such as {close[0]}.csv" if close else ""
    if folder == workspace.policy:
        return "is read by no feed", f"name it after the feed that it is for{named}, or remove it"
    inside = PurePosixPath(path.relative_to(folder).as_posix().casefold()).parts
    patterns = (PurePosixPath(entry.source.files.casefold()).parts for entry in workspace.sources)
    if any(fits(inside, pattern) for pattern in patterns):
        return (
            "is read by no mapping",
            "capital and small letters count, so rename it, or correct `files` in feeds.yaml",
        )
    after = f", name it after a feed{named}" if close else ""
    return "is read by no mapping", f"map it in feeds.yaml{after}, or remove it"
