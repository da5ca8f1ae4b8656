"""Options that several commands have.

An option of one command alone belongs in its file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kunderegnskab.workspace import ENVIRONMENT_VARIABLE

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        envvar=ENVIRONMENT_VARIABLE,
        help="Folder of the company. Default: data/ of a clone, else the current folder.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for scripts.")]
LanguageOption = Annotated[
    str | None, typer.Option(help="da or en; the company's if left out.", show_default=False)
]
LastMonthOption = Annotated[
    str | None,
    typer.Option(
        "--month", help="Last of the twelve months, e.g. 2025-06; the newest if left out.", show_default=False
    ),
]
