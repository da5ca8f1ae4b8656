"""What the README and the tutorial tell a newcomer to do works as written, and shows what they say.

Every block is done in the order of the pages: files are written, commands run in this process (`quick`), Python
too, and each block of output is compared with what came out. That what the pages name exists, and that the files
they write can be read, is tested in tests/unit/test_documentation.py.
"""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from quick import Project, quickly
from running import REPOSITORY

from kunderegnskab.publication import store
from kunderegnskab_orchestration.commands.headline import headline

README = REPOSITORY / "README.md"
TUTORIAL = REPOSITORY / "docs" / "tutorial.md"
# The sections of the README that show the demo company, and the one that makes another.
OF_THE_DEMO = ["See it", "A look at the result"]
FIVE_STEPS = "Your own data in five steps"
# Where the five steps and the tutorial write, seen from the repository.
COMPANY = Path("..") / "firma"


@dataclass(frozen=True)
class Block:
    """A code block of a page, and where it stands."""

    page: Path
    section: str
    before: str
    """The text between the block before and this one."""
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}, {self.section}:\n{self.text}"


def blocks_of(page: Path) -> Iterator[Block]:
    """The code blocks of a page, in order."""
    section = ""
    *pieces, last = re.split(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for before, language, text in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
        section = [section, *re.findall(r"^## (.*)$", before, flags=re.M)][-1]
        yield Block(page, section, before, language, text)
    assert "```" not in last, page


class Shell:
    """Does what the blocks say, in the current folder."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._said = ""

    def do(self, block: Block) -> None:
        """Run a block, or compare it with what the one before has said."""
        if block.language == "sh":
            self._run_commands(block)
        elif block.language == "python":
            self._run_python(block.text)
        else:
            assert block.language == "text", block
            if fault := re.search(r"With (\S+) instead of (\S+) in entry (\d+) it says:\s*$", block.before):
                self._refresh_with_fault(*fault.groups())
            must_show(self._said, block)

    def _run_commands(self, block: Block) -> None:
        rest = block.text
        while rest:
            if written := re.match(r"cat > (\S+) <<'EOF'\n(.*?)^EOF\n", rest, flags=re.M | re.S):
                Path(written[1]).write_text(written[2], encoding="utf-8")
                rest = rest[written.end() :]
                continue
            if script := re.match(r"\.venv/bin/python - <<'EOF'\n(.*?)^EOF\n", rest, flags=re.M | re.S):
                self._run_python(script[1])
                rest = rest[script.end() :]
                continue
            line, _, rest = rest.partition("\n")
            self._run(shlex.split(line, comments=True), block)

    def _run_python(self, text: str) -> None:
        out = io.StringIO()
        with redirect_stdout(out):
            exec(text, {})
        self._said = out.getvalue()

    def _run(self, words: list[str], block: Block) -> None:
        match words:
            # What is done before there are tests.
            case [] | ["make", "demo" | "setup"] | ["source", ".venv/bin/activate"]:
                return
            case ["echo", text, ">>", name]:
                with Path(name).open("a", encoding="utf-8") as file:
                    file.write(f"{text}\n")
            case ["kunderegnskab", *arguments]:
                done = quickly(self._project, *arguments)
                assert done.code == 0, f"{block}\n{done.out}\n{done.err}"
                self._said = done.out
            case ["duckdb", "-readonly", database, sql]:
                with duckdb.connect(database, read_only=True) as con:
                    self._said = str(con.sql(sql))
            case _:
                raise AssertionError(f"this test does not know what {words} does, in {block}")

    def _refresh_with_fault(self, wrong: str, right: str, entry: str) -> None:
        """Refresh with another amount in one ledger entry, which must fail, and put the amount back."""
        ledger = COMPANY / "landing" / "ledger_entries.csv"
        before = ledger.read_text(encoding="utf-8")
        after, count = re.subn(rf"^({entry},.*,){re.escape(right)}$", rf"\g<1>{wrong}", before, flags=re.M)
        assert count == 1
        ledger.write_text(after, encoding="utf-8")
        done = quickly(self._project, "refresh", "--workspace", COMPANY)
        assert done.code == 1, done.out
        self._said = done.err
        ledger.write_text(before, encoding="utf-8")


def must_show(said: str, block: Block) -> None:
    """Each line of a block stands in what was said, in the same order; `...` and `…` stand for anything."""
    lines = iter(said.splitlines())
    for shown in filter(None, block.text.splitlines()):
        pattern = ".*".join(map(re.escape, re.split(r"\.\.\.|…", shown.rstrip())))
        found = any(re.fullmatch(pattern, line.rstrip()) for line in lines)
        assert found, f"{shown!r} is not what comes out of\n{block}\nbut\n{said}"


def test_the_five_steps_and_the_tutorial_work_as_written(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    shell = Shell(project)
    steps = [block for block in blocks_of(README) if block.section not in OF_THE_DEMO]
    assert {block.section for block in steps} == {FIVE_STEPS}
    tutorial = list(blocks_of(TUTORIAL))
    assert len(steps) > 6
    assert len(tutorial) > 12
    for block in (*steps, *tutorial):
        shell.do(block)


def test_the_readme_shows_the_demo_company(
    project: Project, full_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make demo` itself is run before the tests; here its numbers are compared with the README."""
    monkeypatch.chdir(tmp_path)
    Path("data").symlink_to(full_demo.resolve())
    publication = store.current(Path("data") / "published")
    assert publication is not None
    shown = [block for block in blocks_of(README) if block.section in OF_THE_DEMO]
    assert [block.language for block in shown] == ["sh", "text", "sh", "text"]
    printed = shown[1].text.splitlines()
    assert printed[printed.index("  ...") + 1 : printed.index("Look at")] == [
        f"  {line}" for line in headline(publication)
    ]
    shell = Shell(project)
    for block in shown[2:]:
        shell.do(block)
