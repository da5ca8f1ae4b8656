"""`kunderegnskab serve` as a process: where it listens, what it refuses, and how it ends."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import Any

import httpx2
import pytest
from browsers import COMPANY, PASSWORD
from running import COMMAND, PATIENCE_SECONDS, REPOSITORY, environment

from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.web.server import Server
from kunderegnskab.web.users import User, Users
from kunderegnskab.web.visit import FORM_TOKEN
from kunderegnskab.workspace import Workspace


@contextmanager
def serving(root: Path, *options: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """The server and its address, until the block ends."""
    process = subprocess.Popen(
        [str(COMMAND), "serve", "--port", "0", *options, "--workspace", str(root)],
        cwd=REPOSITORY,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    patience = Timer(PATIENCE_SECONDS, process.kill)
    patience.start()
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"http://\S+/", said)
        assert found, f"{said}{process.stderr.read() if process.stderr else ''}"
        yield process, found[0]
    finally:
        patience.cancel()
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_with_one_sentence(workspace: Workspace, users: Users, number: signal.Signals) -> None:
    with serving(workspace.root) as (process, address), httpx2.Client(base_url=address) as browser:
        # The connection stays open, as a browser keeps it.
        assert browser.get("/login").status_code == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (out, process.returncode) == ("", 128 + number)
    assert re.fullmatch(r"Stopped by [^\n]*: what is published is whole, [^\n]*\n", err), err


def test_a_user_signs_in_and_out_and_a_kept_cookie_opens_nothing(workspace: Workspace) -> None:
    Users(workspace).add(User(name="anne", role="finance"), PASSWORD)
    with serving(workspace.root) as (_, address), httpx2.Client(base_url=address) as browser:

        def token(path: str) -> str:
            found = re.search(rf'name="{FORM_TOKEN}" value="([^"]+)"', browser.get(path).text)
            assert found
            return found[1]

        form = {FORM_TOKEN: token("/login"), "name": "anne", "password": PASSWORD}
        assert browser.post("/login", data=form).status_code == 303
        front = browser.get("/")
        assert (front.status_code, "Intet er offentliggjort endnu" in front.text) == (503, True)
        assert "server" not in front.headers
        kept = dict(browser.cookies)
        assert browser.post("/logout", data={FORM_TOKEN: token("/")}).status_code == 303
        thief = httpx2.get(address, cookies=kept)
        assert (thief.status_code, thief.headers["location"]) == (303, "/login")
        # What the client of tests would put right by itself goes over the wire as it stands.
        for path in (
            "/static/../app.py",
            "/static/%2e%2e/%2e%2e/company.yaml",
            "//etc/passwd",
            "/static/..\\app.py",
        ):
            assert b" 404 " in raw(
                address, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
            )
        huge = raw(
            address, f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {'x' * 2_000_000}\r\nConnection: close\r\n\r\n"
        )
        assert huge.startswith(b"HTTP/1.1 4")


def raw(address: str, request: str) -> bytes:
    """The first line that the server answers to bytes as they are."""
    port = int(address.rstrip("/").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        with suppress(ConnectionError):  # who sends too much is not listened to until the end
            connection.sendall(request.encode())
        return connection.makefile("rb").readline()


def test_without_users_it_says_how_to_add_one(workspace: Workspace) -> None:
    with serving(workspace.root) as (process, address):
        assert httpx2.get(address, follow_redirects=True).status_code == 200
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert err.startswith(
        "Nobody can sign in yet; add a user with kunderegnskab user add NAME --role finance --workspace"
    )


def test_opened_as_a_salesperson_it_needs_no_password_and_says_so(selling_company: Workspace) -> None:
    key = (
        (selling_company.personal / "salespeople.csv")
        .read_text(encoding="utf-8")
        .splitlines()[1]
        .split(",")[1]
    )
    with serving(selling_company.root, "--open-as", f"salesperson:{key}") as (_, address):
        page = httpx2.get(address)
        assert page.status_code == 200
        assert "Åbnet uden adgangskode på denne maskine som sælger" in page.text
        assert httpx2.get(address, headers={"Host": "elsewhere.example"}).status_code == 400


@pytest.mark.parametrize(
    ("options", "company", "said"),
    [
        ({"host": "0.0.0.0"}, "", "Others could reach 0.0.0.0, and nobody can sign in yet; add a user first"),
        ({"host": "0.0.0.0", "open_as": "audit"}, "", "--open-as lets everybody in who reaches 0.0.0.0"),
        ({"host": "::", "open_as": "audit"}, "", "--open-as lets everybody in who reaches ::"),
        (
            {"host": "0.0.0.0"},
            "web: {proxy: {addresses: [10.0.0.5], header: X-User}}\n",
            "The page would be reached at 0.0.0.0 under a name that is not known",
        ),
        (
            {"host": "0.0.0.0"},
            "web: {hosts: [kunder.example.dk], proxy: {addresses: [10.0.0.5]}}\n",
            "nobody can sign in yet",
        ),
        (
            {"host": "192.0.2.77"},
            "web: {proxy: {addresses: [10.0.0.5], header: X-User}}\n",
            "cannot be opened",
        ),
        (
            {"host": "no such host"},
            "web: {proxy: {addresses: [10.0.0.5], header: X-User}}\n",
            "cannot be opened",
        ),
        ({"open_as": "boss"}, "", "'boss' is no role"),
        ({"open_as": "salesperson"}, "", "a salesperson needs the key of a salesperson"),
        ({"open_as": "audit:S-1"}, "", "Nothing is published yet"),
    ],
)
def test_what_nobody_guards_is_not_opened(
    workspace: Workspace, options: dict[str, Any], company: str, said: str
) -> None:
    (workspace.root / "company.yaml").write_text(COMPANY + company, encoding="utf-8")
    arguments: dict[str, Any] = {"host": "127.0.0.1", "port": 0, **options}
    with pytest.raises(KunderegnskabError, match=said):
        Server(Workspace(workspace.root), **arguments)


def test_a_port_that_is_taken_is_said(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(KunderegnskabError, match="--port"):
        Server(workspace, "127.0.0.1", taken.getsockname()[1])


def test_it_is_opened_to_others_where_users_or_a_proxy_guard_it(workspace: Workspace, users: Users) -> None:
    (workspace.root / "company.yaml").write_text(
        COMPANY + "web: {hosts: [Kunder.Example.dk]}\n", encoding="utf-8"
    )
    server = Server(Workspace(workspace.root), "0.0.0.0", 0)
    server._socket.close()
    assert server.address.startswith("http://0.0.0.0:")
    assert server._app.state.frame.settings.hosts == ("kunder.example.dk",)
