"""Mail servers on this machine: such as take mails, and such as break.

Who sends what belongs in the tests.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
USER, PASSWORD = "regnskab", "hemmelig ord"
REFUSED = "nej@firma.example"


class Taken(NamedTuple):
    """A mail as the server got it."""

    to: list[str]
    mail: EmailMessage
    was_encrypted: bool
    user: str | None


class MailServer(NamedTuple):
    """Where it listens, what it took, and the certificate by which it is known."""

    port: int
    taken: list[Taken]
    certificate: Path


class _Handler:
    def __init__(self, taken: list[Taken]) -> None:
        self._taken = taken

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address == REFUSED:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=default)
        user = session.auth_data.login.decode() if session.auth_data else None
        self._taken.append(Taken(envelope.rcpt_tos, mail, session.ssl is not None, user))
        return "250 OK"


def _login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    is_right = isinstance(given, LoginPassword) and given == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False, auth_data=given)


@contextmanager
def mail_server(folder: Path, *, security: str = "starttls", host: str = HOST) -> Generator[MailServer]:
    """A server that takes mails.

    Args:
        folder: where its certificate is written, signed by itself.
        security: starttls (and asks for a login), tls or none.
        host: name or address that the certificate is made out to.
    """
    certificate, key = _certificate(folder, host)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    how: dict[str, dict[str, Any]] = {
        "starttls": {
            "tls_context": context,
            "require_starttls": True,
            "auth_required": True,
            "authenticator": _login,
        },
        "tls": {"ssl_context": context},
        "none": {},
    }
    taken: list[Taken] = []
    server = Controller(_Handler(taken), hostname=HOST, port=free_port(), **how[security])
    server.start()
    try:
        yield MailServer(server.port, taken, certificate)
    finally:
        server.stop()


@contextmanager
def broken_server(answer: Callable[[socket.socket, threading.Event], None]) -> Generator[int]:
    """A port where each connection gets this answer, and is then cut.

    Args:
        answer: of the connection, and an event that is set when the test is over.
    """
    over = threading.Event()
    with socket.create_server((HOST, 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while not over.is_set():
                    with suppress(OSError), listening.accept()[0] as taken:
                        answer(taken, over)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listening.getsockname()[1]
        try:
            yield port
        finally:
            over.set()
            with suppress(OSError), socket.create_connection((HOST, port)):
                pass
            thread.join()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server((HOST, 0)) as found:
        return found.getsockname()[1]


def _certificate(folder: Path, host: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Firma")])
    known_as = x509.IPAddress(ip_address(host)) if host == HOST else x509.DNSName(host)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([known_as]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, secret
