"""What went wrong, in one plain sentence: the only errors a user is meant to see.

Every sentence names where (file, record, column), what was expected and what to do. Errors of the
program itself are not among them: they stay ordinary exceptions.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Longer text is cut: a sentence must stay readable, and the record says where the rest stands.
_SHOWN = 80
# What steers a terminal, turns the direction of writing or cannot be seen: no text of data may do that to
# whoever reads it. Line ends and tabs lay out a page, so only a quotation shows them.
_INVISIBLE_KINDS = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_PLAIN = re.compile(r"[ -~\n\t]*")


def plain(text: str) -> str:
    """The text with `\\x1b` or `\\u202e` in place of characters that steer a screen instead of being shown.

    Every terminal and page gets its text through this. Line ends and tabs stay.
    """
    if _PLAIN.fullmatch(text):
        return text
    return "".join(
        _escaped(sign) if sign not in "\n\t" and unicodedata.category(sign) in _INVISIBLE_KINDS else sign
        for sign in text
    )


def on_page(value: Any) -> Any:
    """A value as a template may show it: `plain` if it is text (`finalize` of jinja2)."""
    # Text that a template has already made is of a class of its own, which must stay.
    return plain(value) if type(value) is str else value


def one_line(text: str) -> str:
    """The same on one line: line ends and tabs are shown as `\\n` and `\\t` too."""
    return plain(text.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t"))


def quoted(text: str) -> str:
    """A company's text as a sentence quotes it: in quotation marks, on one line, cut at 80 characters."""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f"'{one_line(shown)}'"


def counted(number: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def command(verb: str, workspace: Path) -> str:
    """The command for a workspace, to be pasted into a shell wherever the workspace lies."""
    return f"kunderegnskab {verb} --workspace {shlex.quote(str(workspace))}"


# What the system, SQLite, DuckDB or Python say when they get no room, no right or no memory; first what is
# more precise. DuckDB says "Out of Memory Error" also where its own limit ends.
_REFUSALS = (
    (
        r"No space left on device|database or disk is full|Disk quota exceeded|File too large",
        "{file} cannot be written, because the disk is full",
        "make room there",
    ),
    (
        r"Read-only file system|readonly database",
        "{file} cannot be written, because its disk or folder can only be read",
        "make it writable",
    ),
    (
        r"Permission denied|Operation not permitted|PermissionError",
        "{file} cannot be used, because this user has no right to it",
        "give the user that runs this the right to read and write the workspace",
    ),
    (
        r"MemoryError|bad_alloc|(?i:out of memory)|[Cc]annot allocate|[Cc]ould not allocate"
        r"|[Ff]ailed to allocate|failed to map segment|can't start new thread"
        r"|Resource temporarily unavailable"
        # So Python says that it had no memory for the error itself.
        r"|SystemError: error return without exception set",
        "The memory that the program may use is not enough",
        "give it more, or close what else uses it",
    ),
    (
        r"disk I/O error|Input/output error",
        "{file} cannot be read or written",
        "check the disk and its rights",
    ),
)
_PATH = re.compile(r"""["'](/[^"'\n]+)["']""")


def refusal(said: str) -> str | None:
    """A plain sentence, if an error is about room, rights or memory that the system does not give; else None.

    Args:
        said: the error's text, with the name of its class.
    """
    for pattern, what, action in _REFUSALS:
        if re.search(pattern, said):
            path = _PATH.search(said)
            told = what.format(file=path[1] if path else "The workspace")
            return one_line(f"{told}; {action}, and run the same command again.")
    return None


def refusal_of(error: BaseException) -> str | None:
    """The same of an error; None where it is about something else, such as what was read."""
    return refusal(f"{type(error).__name__}: {error}")


def told_plainly(error: BaseException) -> str:
    """What an error of the program is about in one line: a plain sentence if there is one, else its words."""
    return refusal_of(error) or next(iter(str(error).strip().splitlines()), type(error).__name__)


def _escaped(sign: str) -> str:
    code = ord(sign)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@dataclass(frozen=True)
class InputProblem:
    """One fault in what a company supplied.

    Attributes:
        file: path relative to the workspace, e.g. `landing/salg.csv` or `feeds.yaml`.
        what: what is wrong and what was expected, without a full stop.
        action: what to do about it, without a full stop.
        record: 1-based record in the file (Excel: sheet row), if the fault lies in one.
        column: the column as the source names it, if the fault lies in one.
    """

    file: str
    what: str
    action: str
    record: int | None = None
    column: str | None = None

    def sentence(self) -> str:
        """The whole fault as one plain sentence."""
        where = self.file
        if self.record is not None:
            where += f", record {self.record}"
        if self.column is not None:
            where += f", column {self.column}"
        return one_line(f"{where}: {self.what}; {self.action}.")


class KunderegnskabError(Exception):
    """Base of all errors whose text is written for the user."""


class InputProblems(KunderegnskabError):
    """One or more faults that stop the reading of a company's files or configuration."""

    def __init__(self, problems: Sequence[InputProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.sentence() for problem in self.problems))
