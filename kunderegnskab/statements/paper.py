"""Typst makes the PDFs: one compiler for many papers, with the fonts of one package and nothing else.

Here: from a template and what stands on it to the bytes of a PDF. Not here: what stands on it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import font_source_sans_pro
import typst

from kunderegnskab.problems import one_line

Template = Literal["customer", "visits", "management"]

_FOLDER = Path(__file__).parent
# For archives (PDF/A-2a) and for who reads with a screen reader (PDF/UA-1).
_STANDARDS: list[Any] = ["a-2a", "ua-1"]


class Paper:
    """Makes PDFs, one at a time; keep it for many, because its fonts are read once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._compiler = typst.Compiler(
            root=_FOLDER / "templates",
            font_paths=[str(Path(font_source_sans_pro.__file__).with_name("files"))],
            ignore_system_fonts=True,
        )

    def pdf(self, template: Template, content: Mapping[str, Any]) -> bytes:
        """A PDF of what stands on it, as the template wants it: texts, ready to be printed.

        It says that it was made at `made_at` of the content (seconds of UTC), whenever it was.

        Where no font has a sign of a text, such as one of a Chinese name, the PDF has a box in its place and
        keeps to no standard: both standards ask for every sign.
        """
        data, made_at = json.dumps(_plain(content), ensure_ascii=False), content["made_at"]
        with self._lock:
            try:
                return self._compiled(template, data, made_at, _STANDARDS)
            except typst.TypstError as error:
                if "could not be displayed with" not in error.message:
                    raise
                return self._compiled(template, data, made_at, [])

    def _compiled(self, template: Template, data: str, made_at: int, standards: list[Any]) -> bytes:
        made = self._compiler.compile(
            _FOLDER / "templates" / f"{template}.typ",
            sys_inputs={"data": data},
            format="pdf",
            pdf_standards=standards,
            timestamp=made_at,
        )
        assert isinstance(made, bytes)
        return made


def _plain(value: Any) -> Any:
    """The same with every text plain: no name turns the direction of what stands beside it."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
