"""Browsers that tests hold, and the clock by which sessions end.

Not here: which company they look at (conftest).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.testclient import TestClient

from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.web.app import Frame, Settings, application
from kunderegnskab.web.routes import EVERYBODY, ROUTES, SEES_ALL, Route
from kunderegnskab.web.visit import FORM_TOKEN, visit_of
from kunderegnskab.workspace import Workspace

HERE = "http://127.0.0.1"
COMPANY = "name: Lille Engros A/S\ncurrency: DKK\n"
PASSWORD = "korrekt hest batteri hæfteklamme"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


class NoReaders:
    """In place of what opens a publication, where a test is not about that."""

    @contextmanager
    def reader(self, viewer: Viewer) -> Generator[Any]:
        yield None


def who(request: Request, viewer: Viewer, reader: object) -> Response:
    """A page that says who opens it, with a form."""
    return HTMLResponse(f"{viewer.name} is {viewer.role} {visit_of(request).form_token()}")


def write(request: Request, viewer: Viewer, reader: object) -> Response:
    """A form's handler that says what it got."""
    return PlainTextResponse(f"{viewer.name} wrote {visit_of(request).form.get('text')}")


def fail(request: Request, viewer: Viewer, reader: object) -> Response:
    """A handler with a fault, whose text nobody may see."""
    raise RuntimeError("secret of the program")


def refuse(request: Request, viewer: Viewer, reader: object) -> Response:
    """A handler that finds what it reads damaged."""
    raise KunderegnskabError("published/0001: was changed; restore it from a backup.")


FRAME = (
    *(route for route in ROUTES if route.is_open),
    Route("/", who, EVERYBODY),
    Route("/customers/{customer_id}", who, EVERYBODY),
    Route("/ledger", who, SEES_ALL),
    Route("/write", write, EVERYBODY, writes=True),
    Route("/fail", fail, EVERYBODY),
    Route("/refuse", refuse, EVERYBODY),
)
"""The frame's own routes, and some that ask no publication."""


class Browser(TestClient):
    """A browser on the page of a workspace; `open` for another one of the same server."""

    def __init__(self, app: Any, address: str = HERE, peer: str = "127.0.0.1") -> None:
        self.frame: Frame = app.state.frame
        super().__init__(
            app, address, follow_redirects=False, raise_server_exceptions=False, client=(peer, 50_000)
        )

    def another(self, address: str = HERE, peer: str = "127.0.0.1") -> Browser:
        """A browser that has no cookie yet."""
        return Browser(self.app, address, peer)

    def token(self, path: str = "/login") -> str:
        """The token of the form of a page."""
        page = self.get(path)
        found = re.search(rf'name="{FORM_TOKEN}" value="([^"]+)"', page.text)
        assert found, page.text
        return found[1]

    def sign_in(self, name: str, password: str, **fields: str) -> Any:
        """What the server answers to the sign-in form."""
        return self.post(
            "/login", data={FORM_TOKEN: self.token(), "name": name, "password": password, **fields}
        )

    @property
    def sees(self) -> str | None:
        """Who the server takes this browser for; None for who has not signed in."""
        page = self.get("/")
        return page.text.partition(" ")[0] if page.status_code == 200 else None


def opened(
    workspace: Workspace, routes: Sequence[Route] = FRAME, *, without_readers: bool = True, **settings: Any
) -> Browser:
    """A browser on the page of a workspace."""
    app = application(workspace, Settings(**settings), routes)
    if without_readers:
        app.state.frame.readers = NoReaders()
    return Browser(app)
