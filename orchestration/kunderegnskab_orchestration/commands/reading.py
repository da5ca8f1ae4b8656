"""As whom commands read a publication, and in which language they write of it.

What one command reads belongs in its file.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from kunderegnskab.language import CODES
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.reading.reader import Reader, Readers, as_it_was_published
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.statements.common import Writing
from kunderegnskab.workspace import Workspace

# Whoever can run a command on a workspace can read its files.
THE_COMMAND_LINE = Viewer("command line", "finance")


class UnknownLanguage(KunderegnskabError):
    """A language that nothing is written in."""


@contextmanager
def current_publication(workspace: Workspace) -> Generator[Reader]:
    """The current publication as the command line reads it, for as long as the block runs.

    Raises NothingToRead where nothing is published, or only by a version that did not publish what is read.
    """
    with Readers(workspace).reader(THE_COMMAND_LINE) as reader, as_it_was_published(reader.publication):
        yield reader


def writing_of(reader: Reader, language: str | None) -> Writing:
    """How a publication is written about: in the language asked for, else in the company's."""
    if language is not None and language not in CODES:
        raise UnknownLanguage(f"--language {language} is not known; use {' or '.join(CODES)}.")
    asked = language or reader.publication.manifest.locale
    return Writing(reader.publication, "en" if asked == "en" else "da")
