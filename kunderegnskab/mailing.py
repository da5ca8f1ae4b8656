"""Sending a mail by a server (SMTP), over a way that nobody else can read.

What it says, to whom it goes, and what it means that it did not arrive belongs to whoever sends it.
"""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal

from kunderegnskab.posting import in_time

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True)
class Server:
    """A mail server.

    Attributes:
        name: host name or address, by which its certificate is known too.
        port: None for the usual one.
        security: starttls (encrypted before anything is said), tls (from the start) or none.
        login: user and password.
    """

    name: str
    port: int | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    login: tuple[str, str] | None = None


def send(mail: EmailMessage, server: Server, *, seconds: float) -> None:
    """Return when the server has taken the mail for everybody whom it goes to.

    Nothing is sent to a server whose certificate is not valid, or which cannot do what `security` asks for.

    Args:
        seconds: how long it may take in all, names looked up and slow answers included.

    Raises:
        NotPosted: it did not arrive, or not for everybody. The text quotes no address and no password.
    """
    in_time(lambda: _sent(mail, server, seconds), seconds)


def _sent(mail: EmailMessage, server: Server, seconds: float) -> str | None:
    """Why it did not arrive, None if it did."""
    if server.login is not None and not "".join(server.login).isascii():
        return "user or password holds letters such as æ, ø and å, which cannot be sent; choose others"
    try:
        refused = _handed_over(mail, server, seconds)
    except smtplib.SMTPAuthenticationError as error:
        return f"the mail server refused user or password ({error.smtp_code})"
    except smtplib.SMTPSenderRefused as error:
        return f"the mail server refused the sender ({error.smtp_code})"
    except smtplib.SMTPRecipientsRefused as error:
        codes = ", ".join(sorted({str(code) for code, _ in error.recipients.values()}))
        return f"the mail server refused all receivers ({codes})"
    except smtplib.SMTPResponseException as error:
        return f"the mail server answered {error.smtp_code}"
    except smtplib.SMTPNotSupportedError as error:
        return f"the mail server cannot do what is asked of it: {error}"
    except smtplib.SMTPServerDisconnected:
        return "the mail server ended the connection"
    except smtplib.SMTPException as error:
        return f"the mail server did not take it ({type(error).__name__})"
    except ssl.SSLCertVerificationError as error:
        return f"the certificate of the mail server is not valid: {error.verify_message}"
    except ssl.SSLError as error:
        return f"no secure connection to the mail server ({error.reason})"
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except OSError as error:
        return error.strerror or type(error).__name__
    except ValueError as error:  # whose texts quote what cannot be sent
        return f"mail or login cannot be sent ({type(error).__name__})"
    if refused:
        return f"the mail server refused {len(refused)} of {len(mail['To'].addresses)} receivers"
    return None


def _handed_over(mail: EmailMessage, server: Server, seconds: float) -> dict[str, tuple[int, bytes]]:
    """The receivers that were refused, if not all were."""
    port = server.port or _PORTS[server.security]
    # What it calls itself, without asking the network for the name of this machine.
    own_name = mail["From"].addresses[0].domain
    trusted = ssl.create_default_context()
    if server.security == "tls":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.name, port, own_name, timeout=seconds, context=trusted)
    else:
        smtp = smtplib.SMTP(server.name, port, own_name, timeout=seconds)
    try:
        if server.security == "starttls":
            smtp.starttls(context=trusted)
        if server.login is not None:
            smtp.login(*server.login)
        refused = smtp.send_message(mail)
        # It has taken the mail by now, whatever it says to this.
        with suppress(OSError):
            smtp.quit()
        return refused
    finally:
        smtp.close()
