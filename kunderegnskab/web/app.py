"""The application: what is done with every request before and after its handler.

Who asks, in which order that is found out, limits, headers, and errors as pages. Which pages there are stands
in routes.py; listening on a port belongs in server.py.
"""

from __future__ import annotations

import hashlib
import logging
import mimetypes
import time
import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from urllib.parse import parse_qsl

import duckdb
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kunderegnskab.problems import KunderegnskabError, one_line
from kunderegnskab.reading.reader import NothingToRead, Readers
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.reading.traces import Traces
from kunderegnskab.web import private
from kunderegnskab.web.all_pages import KeptPages
from kunderegnskab.web.attempts import Attempts
from kunderegnskab.web.frame_pages import to_sign_in
from kunderegnskab.web.routes import ROUTES, Route
from kunderegnskab.web.seen import Seen
from kunderegnskab.web.sessions import Sessions
from kunderegnskab.web.users import Users
from kunderegnskab.web.visit import FORM_TOKEN, FormRefused, UnknownUser, Visit, visit_of
from kunderegnskab.workspace import Workspace

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
LONGEST_PATH = 1_000
LONGEST_QUERY = 4_000
LONGEST_FORM = 64 * 1024
MOST_FIELDS = 200
_YEAR = 365 * 24 * 3600
# Addresses of which it was said once that they may not tell who somebody is.
_MOST_TOLD = 1_000
# What a proxy adds to a request.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "via")

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "script-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class Settings:
    """How one server is started.

    Attributes:
        hosts: names under which it is reached, beside those of this machine.
        open_as: who everybody is, without signing in; only where nobody else reaches it.
        clock: seconds since 1970.
    """

    hosts: tuple[str, ...] = ()
    open_as: Viewer | None = None
    clock: Callable[[], float] = time.time


@dataclass(frozen=True)
class StaticFile:
    """A file that pages load."""

    content: bytes
    media_type: str
    version: str


class Frame:
    """What all requests of one application share."""

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        web = workspace.company.web
        self.workspace = workspace
        self.settings = settings
        self.log = logging.getLogger("kunderegnskab.web")
        self.users = Users(workspace)
        self.sessions = Sessions(
            private.secret(workspace),
            self.users,
            settings.clock,
            idle_seconds=web.idle_minutes * 60,
            longest_seconds=web.session_hours * 3600,
        )
        self.attempts = Attempts(settings.clock)
        self.seen = Seen(workspace, settings.clock)
        self.readers = Readers(workspace)
        self.traces = Traces(workspace)
        self.kept_pages = KeptPages()
        self.static = _static_files(Path(__file__).with_name("static"))
        self._proxy = web.proxy
        self._believed = [ip_network(each) for each in web.proxy.addresses] if web.proxy else []
        self._told: set[str] = set()

    def static_address(self, file: str) -> str:
        """The address of a file of `static/`; another one when the file is another."""
        return f"/static/{file}?v={self.static[file].version}"

    # --- one request --------------------------------------------------------------------------------------
    def answer(self, request: Request, route: Route, form: Mapping[str, str]) -> Response:
        """The answer of a route, after everything that must hold before its handler is asked."""
        visit = visit_of(request)
        visit.form = form
        visit.session = self.sessions.read(request.cookies.get(_session_cookie(request)))
        visit.viewer = self._viewer(visit)
        if not route.is_open:
            if visit.viewer is None:
                return to_sign_in(request)
            if visit.viewer.role not in route.roles:
                self.seen.note(visit.viewer, route.name, "refused")
                raise HTTPException(403)
        if route.writes:
            self._check_form(visit)
        if route.is_open:
            response = route.handler(request, visit.viewer, None)
        else:
            response = self._read(visit, visit.viewer, route)
        return response

    def _read(self, visit: Visit, viewer: Viewer | None, route: Route) -> Response:
        assert viewer is not None
        try:
            with self.readers.reader(viewer) as reader:
                response = route.handler(visit.request, viewer, reader)
        except HTTPException as error:
            if error.status_code in (403, 404):
                self.seen.note(viewer, route.name, "refused")
            raise
        path = visit.request.path_params
        # Before anything is shown: what cannot be noted is not.
        if response.status_code < 400:
            self.seen.note(
                viewer,
                route.name,
                "changed" if route.writes else "seen",
                [*route.parameters(path, "customer_id"), *visit.customers_seen],
                [*route.parameters(path, "salesperson_id"), *visit.salespeople_seen],
            )
        return response

    def _viewer(self, visit: Visit) -> Viewer | None:
        """Who asks: by the proxy, else by the session."""
        if self.settings.open_as is not None:
            if any(header in visit.request.headers for header in _FORWARDED):
                # Something passes others on to this machine, where everybody would be let in.
                raise HTTPException(403)
            return self.settings.open_as
        name = self._told_by_proxy(visit.request)
        if name is not None:
            user = self.users.find(name)
            if user is None:
                raise UnknownUser(name)
            return user.viewer
        user = self.sessions.user(visit.session) if visit.session else None
        return user.viewer if user else None

    def address(self, request: Request) -> str:
        """Where a request comes from: what the proxy says last of it, or who has connected."""
        peer = request.client.host if request.client else ""
        forwarded = ",".join(request.headers.getlist("x-forwarded-for")).rpartition(",")[2].strip()
        return one_line(forwarded[:100]) if forwarded and self._is_believed(peer) else peer

    def _told_by_proxy(self, request: Request) -> str | None:
        """The name that the proxy says; None where it says none, or somebody else says one."""
        names = request.headers.getlist(self._proxy.header) if self._proxy and self._proxy.header else []
        if not names:
            return None
        peer = request.client.host if request.client else ""
        if not self._is_believed(peer):
            self._tell_once(peer, "sends the header of the proxy and is none of its addresses; it is ignored")
            return None
        if len(names) > 1:
            # What the browser sent, too: which of them is the proxy's cannot be told.
            self._tell_once(
                peer, "sends the header more than once; it is ignored: let it replace the browser's"
            )
            return None
        try:
            name = names[0].encode("latin-1").decode("utf-8").strip()
        except UnicodeError:
            return None
        return name or None

    def _is_believed(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address.version == each.version and address in each for each in self._believed)

    def _tell_once(self, peer: str, what: str) -> None:
        if peer not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(peer)
            self.log.warning("%s %s", one_line(peer), what)

    def _check_form(self, visit: Visit) -> None:
        """Refuse a form that another page made, or that was made for somebody else."""
        name = visit.viewer.name if visit.viewer else ""
        token = visit.form.get(FORM_TOKEN, "")
        if (
            visit.request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
            or visit.session is None
            or not self.sessions.is_form_token(token, visit.session, name)
        ):
            raise FormRefused

    def error_page(self, request: Request, error: Exception) -> Response:
        """An error as a page, of no more words than the reader needs."""
        visit = visit_of(request) if hasattr(request.state, "visit") else Visit(request, self)
        status = error.status_code if isinstance(error, HTTPException) else 500
        said = visit.words.get(str(status), visit.words["400"])
        if isinstance(error, NothingToRead):
            status, said = 503, visit.words["nothing"]
        elif isinstance(error, FormRefused):
            said = visit.words["form"]
        elif isinstance(error, UnknownUser):
            said = visit.words["unknown"].format(name=error.name[:100])
        elif isinstance(error, KunderegnskabError | OSError | duckdb.IOException):
            # Users, log or publication cannot be read or written: nobody sees anything until somebody has
            # looked.
            self.log.error("%s", one_line(str(error)))
            status, said = 503, visit.words["503"]
        title, _, sentence = said.partition("|")
        headers = getattr(error, "headers", None)
        response = visit.page("message.html.j2", status, title=title, sentence=sentence)
        response.headers.update(headers or {})
        return self.finished(visit, response)

    def finished(self, visit: Visit, response: Response) -> Response:
        """The response with what the browser is to remember."""
        if response.headers.get("Cache-Control", "").startswith("public"):
            return response  # who keeps it for others must not keep somebody's cookie
        request = visit.request
        secure = not _is_here(request)
        name = _session_cookie(request)
        session = visit.session_to_send or (visit.session and self.sessions.used(visit.session))
        if visit.is_signed_out:
            response.delete_cookie(name, secure=secure, httponly=True, samesite="lax")
        elif session is not None:
            response.set_cookie(
                name, self.sessions.cookie(session), secure=secure, httponly=True, samesite="lax"
            )
        if request.query_params.get("lang") == visit.language:
            response.set_cookie(
                "lang", visit.language, max_age=_YEAR, secure=secure, httponly=True, samesite="lax"
            )
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def application(
    workspace: Workspace, settings: Settings | None = None, routes: Sequence[Route] = ROUTES
) -> Starlette:
    """The web page of a workspace.

    Raises InputProblems when company.yaml or what state/web/ keeps cannot be used.
    """
    settings = settings or Settings()
    frame = Frame(workspace, settings)
    hosts = LOOPBACK_NAMES if settings.open_as else (*LOOPBACK_NAMES, *settings.hosts)

    async def error_page(request: Request, error: Exception) -> Response:
        return await run_in_threadpool(frame.error_page, request, error)

    async def failed(request: Request, error: Exception) -> Response:
        response = await error_page(request, error)
        # This is the one answer that is made outside of the middleware.
        response.headers.update(HEADERS)
        return response

    app = Starlette(
        routes=[
            StarletteRoute(route.path, _endpoint(frame, route), methods=["POST"] if route.writes else ["GET"])
            for route in routes
        ],
        middleware=[
            Middleware(_Headers),
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
            # More takes longer than it saves.
            Middleware(GZipMiddleware, compresslevel=4),
        ],
        exception_handlers={
            HTTPException: error_page,
            KunderegnskabError: error_page,
            OSError: error_page,
            duckdb.IOException: error_page,
            Exception: failed,
        },
    )
    # An address with another slash would be sent on to http, whatever the proxy before this speaks.
    app.router.redirect_slashes = False
    app.state.frame = frame
    return app


class _Headers:
    """Puts the headers that guard the reader's browser on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _endpoint(frame: Frame, route: Route) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        visit = request.state.visit = Visit(request, frame)
        if len(request.url.path) > LONGEST_PATH or len(request.url.query) > LONGEST_QUERY:
            raise HTTPException(414)
        values = [*map(str, request.path_params.values())]
        values += [text for pair in request.query_params.multi_items() for text in pair]
        if any(_steers(text) for text in values):
            raise HTTPException(400)
        form = await _form(request) if route.writes else {}
        response = await run_in_threadpool(frame.answer, request, route, form)
        return frame.finished(visit, response)

    return answer


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form; of one that is there twice the last one."""
    if (
        request.headers.get("content-type", "").partition(";")[0].strip()
        != "application/x-www-form-urlencoded"
    ):
        raise HTTPException(415)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM:
            raise HTTPException(413)
    try:
        fields = dict(
            parse_qsl(
                body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
            )
        )
    except ValueError:
        raise HTTPException(400) from None
    if any(_steers(text, but="\r\n\t") for pair in fields.items() for text in pair):
        raise HTTPException(400)
    return fields


def _steers(text: str, but: str = "") -> bool:
    return any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in but for sign in text)


def _is_here(request: Request) -> bool:
    """Whether the page was opened on this machine by its own name, where no network lies between."""
    return request.url.hostname in ("localhost", "127.0.0.1", "::1")


def _session_cookie(request: Request) -> str:
    # With this prefix a browser takes it from this host over https alone, and from none beside it.
    return "kunderegnskab" if _is_here(request) else "__Host-kunderegnskab"


def _static_files(folder: Path) -> dict[str, StaticFile]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            found[path.relative_to(folder).as_posix()] = StaticFile(
                content,
                mimetypes.guess_type(path.name)[0] or "application/octet-stream",
                hashlib.sha256(content).hexdigest()[:12],
            )
    return found
