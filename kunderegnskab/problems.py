"""What went wrong, in one plain sentence: the only errors a user is meant to see.

Every sentence names where (file, record, column), what was expected and what to do. Errors of the
program itself are not among them: they stay ordinary exceptions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
        return f"{where}: {self.what}; {self.action}."


class KunderegnskabError(Exception):
    """Base of all errors whose text is written for the user."""


class InputProblems(KunderegnskabError):
    """One or more faults that stop the reading of a company's files or configuration."""

    def __init__(self, problems: Sequence[InputProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.sentence() for problem in self.problems))
