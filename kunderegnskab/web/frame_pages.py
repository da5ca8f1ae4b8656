"""What belongs to no subject: signing in and out, and the files that pages load.

What is shown of a publication belongs in handlers of its own.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kunderegnskab.web.visit import visit_of

SIGN_IN = "/login"
_OWN_ADDRESS = re.compile(r"/(?![/\\])[^\\\x00-\x20]*")


def to_sign_in(request: Request) -> Response:
    """Send somebody to sign in, and back to where they wanted to go."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    query = f"?{urlencode({'next': wanted})}" if request.method == "GET" and wanted != "/" else ""
    return RedirectResponse(SIGN_IN + query, 303)


def sign_in_form(request: Request, *_: object) -> Response:
    """GET /login."""
    visit = visit_of(request)
    wanted = _own(request.query_params.get("next", ""))
    if visit.viewer is not None:
        return RedirectResponse(wanted, 303)
    return visit.page("login.html.j2", wanted=wanted, name="", said=None)


def sign_in(request: Request, *_: object) -> Response:
    """POST /login: the same answer for a wrong password and for somebody who is not there."""
    visit = visit_of(request)
    frame, form = visit.frame, visit.form
    name, wanted = form.get("name", "").strip(), _own(form.get("next", ""))
    address = frame.address(request)
    wait = frame.attempts.begin(name, address)
    if wait:
        frame.log.warning("too many attempts to sign in from %s", address)
        said = visit.words["wait"].format(minutes=-(-wait // 60))
        answer = visit.page("login.html.j2", 429, wanted=wanted, name=name, said=said)
        answer.headers["Retry-After"] = str(wait)
        return answer
    user = frame.users.verified(name, form.get("password", ""))
    if user is None:
        frame.log.warning("an attempt to sign in from %s has failed", address)
        return visit.page("login.html.j2", 401, wanted=wanted, name=name, said=visit.words["wrong"])
    frame.attempts.succeeded(name, address)
    # Another session than before, so that nobody knows it who gave the browser the first one.
    visit.session_to_send = frame.sessions.begun(user)
    return RedirectResponse(wanted, 303)


def sign_out(request: Request, *_: object) -> Response:
    """POST /logout: no cookie that somebody has kept opens anything after that."""
    visit = visit_of(request)
    if visit.session is not None and visit.session.user:
        visit.frame.users.end_sessions(visit.session.user)
    visit.is_signed_out = True
    return RedirectResponse(SIGN_IN, 303)


def static_file(request: Request, *_: object) -> Response:
    """A file of `static/`: only those that were there at the start, so that no path leads anywhere else."""
    file = visit_of(request).frame.static.get(request.path_params["file"])
    if file is None:
        raise HTTPException(404)
    is_this_version = request.query_params.get("v") == file.version
    keep = "public, max-age=31536000, immutable" if is_this_version else "no-cache"
    return Response(file.content, media_type=file.media_type, headers={"Cache-Control": keep})


def _own(address: str) -> str:
    """An address within the page; the front page for any other."""
    return address if _OWN_ADDRESS.fullmatch(address) else "/"
