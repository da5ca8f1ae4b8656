"""docs/reading-the-demo.md shows what its queries give of the demo company, and its sentences name no other figure."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from quick import Project, quickly
from running import REPOSITORY, published

PAGE = REPOSITORY / "docs" / "reading-the-demo.md"
QUESTIONS = REPOSITORY / "docs" / "sales.md"
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True)
class Section:
    """A question of the page: the command, if any, the query, its result as a table, and what is said of it."""

    question: str
    query: str
    command: tuple[str, ...]
    """What is to be done before the query is asked; empty where nothing is."""
    table: tuple[tuple[str, ...], ...]
    """The heading's cells, then those of each row."""
    words: str


def sections() -> list[Section]:
    """The questions of the page, in order; a section without a query is none."""
    found = []
    for part in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.M)[1:]:
        question, _, rest = part.partition("\n")
        if query := re.search(r"^```sql\n(.*?)^```$", rest, flags=re.M | re.S):
            rows = [line for line in rest.splitlines() if line.startswith("|")]
            cells = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows]
            told = re.search(r"^```sh\nkunderegnskab (.*)\n```$", rest, flags=re.M)
            words = rest.replace(query[0], "").replace(told[0] if told else "", "")
            said = "\n".join(line for line in words.splitlines() if not line.startswith("|"))
            command = tuple(shlex.split(told[1])) if told else ()
            found.append(Section(question, query[1], command, (cells[0], *cells[2:]), said))
    return found


def as_shown(value: object) -> str:
    """A value of a query as a cell of the page: thousands apart, an empty one as a dash."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int | Decimal) else str(value)


def figures_of(text: str) -> set[str]:
    """The figures of a text without their signs; 2.0 is 2."""
    found = (number.rstrip(",").lstrip("-") for number in _NUMBER.findall(text))
    return {re.sub(r"(\.\d*?)0+$", r"\1", number).rstrip(".") for number in found}


def test_every_question_has_a_section_and_every_section_is_a_question() -> None:
    listed = re.search(r"^## Questions\n(.*?)^## ", QUESTIONS.read_text(encoding="utf-8"), flags=re.M | re.S)
    assert listed is not None
    questions = re.findall(r"^\| ([^|]+\?) \|", listed[1], flags=re.M)
    assert len(questions) > 9
    assert [section.question for section in sections()] == questions


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.question)
def test_the_page_shows_what_the_query_gives(
    section: Section, project: Project, full_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The page is read in a clone, whose demo is in data/.
    monkeypatch.chdir(tmp_path)
    Path("data").symlink_to(full_demo.resolve())
    if section.command:
        done = quickly(project, *section.command, "--workspace", full_demo)
        assert done.code == 0, f"{done.out}\n{done.err}"
    with published(full_demo) as con:
        result = con.execute(section.query)
        heading = tuple(column[0] for column in result.description or ())
        rows = [tuple(map(as_shown, row)) for row in result.fetchall()]
    assert (heading, *rows) == section.table


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.question)
def test_every_figure_of_the_sentences_stands_in_the_table(section: Section) -> None:
    shown = set().union(*(figures_of(cell) for row in section.table for cell in row))
    assert figures_of(section.words) <= shown


def test_a_figure_that_no_table_has_would_be_found() -> None:
    assert figures_of("falls by 1,234 kr., -5.6 % of K30 for 002554,") == {"1,234", "5.6", "002554"}
    assert figures_of("2.0, 3,800,000.0 and 10") == {"2", "3,800,000", "10"}
    with duckdb.connect() as con:
        row = con.execute("select 1234.50::decimal(9, 2), -7, null, true, 'A1'").fetchone()
    assert [as_shown(value) for value in row or ()] == ["1,234.50", "-7", "-", "yes", "A1"]
