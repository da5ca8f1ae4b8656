"""Addresses on this machine that something is posted to.

Who posts what belongs in the tests.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, NamedTuple


class Posted(NamedTuple):
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@contextmanager
def posted_to(answer: int, *, speaks_http: bool = True) -> Generator[tuple[str, list[Posted]]]:
    """An address that answers so, and what was posted there."""
    posted: list[Posted] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append(Posted(self.path, dict(self.headers), body))
            if not speaks_http:
                self.wfile.write(b"hej\r\n")
                return
            self.send_response(answer)
            self.send_header("Location", "/login")
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: Any, **_options: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}/", posted
        finally:
            listening.shutdown()
