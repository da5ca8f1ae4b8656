"""One request as its handler meets it: who asks, in which language, with what form, and how a page answers.

What is common to all requests belongs in app.py, which makes the visit.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from kunderegnskab.language import CODES, Code, Language
from kunderegnskab.problems import on_page
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.web.sessions import Session
from kunderegnskab.web.words import WORDS

if TYPE_CHECKING:
    from kunderegnskab.web.app import Frame

FORM_TOKEN = "form_token"

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=on_page,
    trim_blocks=True,
    lstrip_blocks=True,
)


class FormRefused(HTTPException):
    """A form that was not made for this session, or is too old."""

    def __init__(self) -> None:
        super().__init__(403)


class UnknownUser(HTTPException):
    """Somebody whom the proxy knows and users.json does not."""

    def __init__(self, name: str) -> None:
        super().__init__(403)
        self.name = name


# Stands in a written page for what is another one for each session. Nobody can write it into a text.
_TOKEN_MARK = f"<!-- {secrets.token_hex(16)} -->"


@dataclass
class Visit:
    """One request and what is known of it.

    Attributes:
        viewer: who asks; None for who has not signed in.
        session: of the browser; a new one where it sent none.
        form: what a form says, for routes that write.
    """

    request: Request
    frame: Frame
    viewer: Viewer | None = None
    session: Session | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    # What the answer sets in the browser, apart from what the handler does.
    session_to_send: Session | None = None
    is_signed_out: bool = False
    customers_seen: list[str] = field(default_factory=list)
    salespeople_seen: list[str] = field(default_factory=list)

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page from a template of `templates/`.

        Args:
            values: what the template shows, beside what every template has: `visit`, `language` (writes
                values), `words`, `viewer`, `company`, `static`, `form_token` (a form's hidden field),
                `opened_as`.
        """
        return self.answered(self.written(template, **values), status)

    def written(self, template: str, **values: Any) -> str:
        """A page as `page` answers with, before the tokens of its forms are put in."""
        return TEMPLATES.get_template(template).render(
            visit=self,
            language=Language(self.language),
            words=self.words,
            viewer=self.viewer,
            company=self.frame.workspace.company.name,
            static=self.frame.static_address,
            form_token=Markup(_TOKEN_MARK),
            opened_as=self.frame.settings.open_as is not None and self.viewer is not None,
            **values,
        )

    def answered(self, written: str, status: int = 200) -> Response:
        """The answer with a written page; a token is made only where the page has a form."""
        if _TOKEN_MARK in written:
            written = written.replace(_TOKEN_MARK, self.form_token())
        return HTMLResponse(written, status)

    def saw(self, *, customers: Iterable[str] = (), salespeople: Iterable[str] = ()) -> None:
        """Note for the log whose figures the page shows, beside those whose ids stand in its path."""
        self.customers_seen += customers
        self.salespeople_seen += salespeople

    @property
    def words(self) -> Mapping[str, str]:
        """What the frame says, in the visit's language."""
        return WORDS[self.language]

    @cached_property
    def language(self) -> Code:
        """`?lang=`, else as chosen before, else as the browser asks, else the company's."""
        asked = (self.request.query_params.get("lang"), self.request.cookies.get("lang"))
        accepted = _accepted(self.request.headers.get("accept-language", ""))
        found = (code for given in (*asked, *accepted) for code in CODES if code == given)
        return next(found, self.frame.workspace.company.locale)

    @property
    def here(self) -> str:
        """The address of this page in the other language."""
        other = next(code for code in CODES if code != self.language)
        kept = [(key, value) for key, value in self.request.query_params.multi_items() if key != "lang"]
        return f"?{urlencode([*kept, ('lang', other)])}"

    def form_token(self) -> Markup:
        """The hidden field that every form needs; without it what the form sends is refused."""
        if self.session is None:
            # Only where a page has a form: others send no cookie.
            self.session = self.session_to_send = self.frame.sessions.begun()
        token = self.frame.sessions.form_token(self.session, self.viewer.name if self.viewer else "")
        return Markup('<input type="hidden" name="{}" value="{}">').format(FORM_TOKEN, token)


def visit_of(request: Request) -> Visit:
    """The visit of a request."""
    return request.state.visit


def _accepted(header: str) -> list[str]:
    """The languages of an Accept-Language header without their regions, the most wanted first."""
    wanted: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        tag, _, parameter = part.partition(";")
        try:
            quality = float(parameter.partition("=")[2]) if parameter.strip() else 1.0
        except ValueError:
            continue
        if 0 < quality <= 1:
            wanted.append((quality, tag.strip().lower().split("-")[0]))
    return [language for _, language in sorted(wanted, key=lambda each: -each[0])]
