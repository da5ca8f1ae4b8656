"""Listening for the web page, and who may reach it before anybody can sign in.

The command belongs in orchestration/kunderegnskab_orchestration/commands/serve.py.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address

import uvicorn

from kunderegnskab.problems import KunderegnskabError, command, quoted
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.web.app import Settings, application
from kunderegnskab.web.users import Users, somebody
from kunderegnskab.workspace import Workspace

# So long an answer that is under way may take when the server is told to stop.
_SECONDS_TO_STOP = 5
_LONGEST_HEADERS = 16 * 1024


class CannotServe(KunderegnskabError):
    """The page cannot be opened like this; the text says why and what to do."""


class Server:
    """The web page on a port, not running yet.

    Args:
        port: 0 for any that is free.
        open_as: `ROLE` or `ROLE:ID`, who everybody is without signing in.

    Raises:
        CannotServe: others could reach what nobody guards, or the port is taken.
    """

    def __init__(self, workspace: Workspace, host: str, port: int, open_as: str | None = None) -> None:
        self._workspace = workspace
        self.open_as = None if open_as is None else _opened_as(workspace, open_as)
        web = workspace.company.web
        self.has_users = bool((web.proxy and web.proxy.header) or Users(workspace).all())
        if not _is_loopback(host):
            self._refuse_unguarded(host)
        names = tuple(name.lower() for name in web.hosts)
        if not _is_loopback(host) and not _is_any(host):
            names += (f"[{host}]" if ":" in host else host.lower(),)
        if not _is_loopback(host) and not names:
            raise CannotServe(
                f"The page would be reached at {host} under a name that is not known; "
                "write it to company.yaml, such as web: {hosts: [kunder.example.dk]}."
            )
        self._app = application(workspace, Settings(names, self.open_as))
        try:
            self._socket = socket.create_server(
                (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=512
            )
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CannotServe(
                f"Port {port} of {quoted(host)} cannot be opened ({reason}); name another one with --port."
            ) from error
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{self._socket.getsockname()[1]}/"

    def run(self) -> None:
        """Answer until a signal comes; what is under way is answered to its end."""
        config = uvicorn.Config(
            self._app,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            # Who asks is who has connected: app.py looks itself whom it believes.
            proxy_headers=False,
            h11_max_incomplete_event_size=_LONGEST_HEADERS,
            timeout_graceful_shutdown=_SECONDS_TO_STOP,
        )
        try:
            uvicorn.Server(config).run(sockets=[self._socket])
        finally:
            self._socket.close()
            self._app.state.frame.readers.close()

    def _refuse_unguarded(self, host: str) -> None:
        if self.open_as is not None:
            raise CannotServe(
                f"--open-as lets everybody in who reaches {host}; leave out --host, or add users instead: "
                f"{command('user add NAME --role ROLE', self._workspace.root)}"
            )
        if not self.has_users:
            raise CannotServe(
                f"Others could reach {host}, and nobody can sign in yet; add a user first: "
                f"{command('user add NAME --role ROLE', self._workspace.root)}"
            )


def _opened_as(workspace: Workspace, given: str) -> Viewer:
    role, _, key = given.partition(":")
    user = somebody(
        workspace,
        "--open-as",
        role,
        salesperson=key if key and role != "manager" else None,
        team=key if key and role == "manager" else None,
    )
    return user.viewer


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_any(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return not host
