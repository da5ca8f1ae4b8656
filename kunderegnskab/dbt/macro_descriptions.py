"""What the comment above each macro says, in dbt's form: dbt_project/macros/_macros.yml, by `make docs`.

A macro is described where it is written; the file is made so that dbt's own pages show it. Left out are the
forms that a macro has on one engine alone, which nobody calls, and the rules of single models, which
audit.check_results describes.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from kunderegnskab.installation import DBT_PROJECT

MACRO_DESCRIPTIONS = DBT_PROJECT / "macros" / "_macros.yml"
_MACRO = re.compile(r"(?:{#-?\s*((?:(?!#}).)*?)\s*-?#}\s*)?{%-?\s*macro\s+(\w+)\(", re.DOTALL)
_OF_AN_ENGINE = ("default__", "spark__", "duckdb__")


def described_macros(folder: Path = DBT_PROJECT / "macros") -> dict[str, dict[str, str]]:
    """By file the macros that may be called, with the comment above each; empty where there is none."""
    return {
        path.name: {
            name: " ".join(comment.split())
            for comment, name in _MACRO.findall(path.read_text(encoding="utf-8"))
            if not name.startswith(_OF_AN_ENGINE)
        }
        for path in sorted(folder.glob("*.sql"))
    }


def render_macro_descriptions() -> str:
    """The file."""
    lines = [
        "# What the macros do. Generated from the comments above them: change those, then run `make docs`.",
        "version: 2",
        "",
        "macros:",
    ]
    for macros in described_macros().values():
        for name, description in macros.items():
            lines += [f"  - name: {name}", f"    description: {json.dumps(description, ensure_ascii=False)}"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the file."""
    MACRO_DESCRIPTIONS.write_text(render_macro_descriptions(), encoding="utf-8")


if __name__ == "__main__":
    main()
