"""Lints the SQL of dbt_project/rules as sqlfluff lints models: run by `make check` and before a commit.

A rule is a macro, of which sqlfluff would see no SQL at all, so it is shown what stands between the macro's first
and last line. Line numbers stay. Layout belongs in .sqlfluff.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULES = ROOT / "dbt_project" / "rules"
# It calls the other rules and has no SQL of its own.
WITHOUT_SQL = "own_rule.sql"
OPENING = re.compile(r"^\{% macro \w+\(\) -%\}$", re.MULTILINE)
CLOSING = re.compile(r"^\{%- endmacro %\}\n\Z", re.MULTILINE)


def sql_of(rule: str) -> str:
    """The text of a rule's file without the lines that make it a macro.

    Raises:
        ValueError: it is not one macro, from its first line of SQL to the end of the file.
    """
    text, opened = OPENING.subn("{# #}", rule)
    text, closed = CLOSING.subn("", text)
    if (opened, closed) != (1, 1):
        raise ValueError(
            "a rule is one macro without arguments, opened with -%} and closed with {%- endmacro %}"
        )
    return text


def lint(paths: Sequence[Path], *, processes: int = 2) -> int:
    """sqlfluff's exit code for these rules; what it finds is printed with the rule's path."""
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            shown = Path(folder) / path.relative_to(ROOT)
            shown.parent.mkdir(parents=True, exist_ok=True)
            try:
                shown.write_text(sql_of(path.read_text(encoding="utf-8")), encoding="utf-8")
            except ValueError as error:
                print(f"{path.relative_to(ROOT)}: {error}")
                return 1
        command = [str(Path(sys.executable).with_name("sqlfluff")), "lint", "--processes", str(processes)]
        done = subprocess.run(
            [*command, "--config", str(ROOT / ".sqlfluff"), "dbt_project/rules"], cwd=folder, check=False
        )
        return done.returncode


if __name__ == "__main__":
    given = [Path(name).resolve() for name in sys.argv[1:]] or sorted(RULES.glob("*.sql"))
    sys.exit(lint([path for path in given if path.name != WITHOUT_SQL]))
