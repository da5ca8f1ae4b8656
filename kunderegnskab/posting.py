"""Sending JSON to an http(s) address, and the limit that holds for all that is sent.

Mails are sent in mailing.py. What is sent, to whom, and what it means that it did not arrive belongs to
whoever sends it.
"""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError


class NotPosted(Exception):
    """It did not arrive. The text says why, without the address, which can hold a secret."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST becomes a GET without its body, whose answer would count as received."""

    def redirect_request(self, *_args: Any, **_options: Any) -> None:
        """None, so that the redirect is the error that it is here."""


def post(address: str, body: bytes, *, headers: Mapping[str, str] | None = None, seconds: float = 10) -> None:
    """Return when the address has taken the JSON.

    Args:
        seconds: how long it may take in all, names looked up and slow answers included.

    Raises:
        NotPosted: the address is none, nobody answers in time, or the answer is no.
    """
    in_time(lambda: _sent(address, body, headers or {}, seconds), seconds)


def in_time(send: Callable[[], str | None], seconds: float) -> None:
    """Return when something has been sent.

    Args:
        send: does it; why it did not arrive, None if it did.
        seconds: how long it may take in all.

    Raises:
        NotPosted: it did not arrive, or not in time.
    """
    ended: list[str | None] = []
    # A thread, because the system's limits hold for each step and not for all of them together. One that
    # hangs is left behind: it does not keep the program from ending.
    sender = threading.Thread(target=lambda: ended.append(send()), daemon=True)
    sender.start()
    sender.join(seconds)
    if not ended:
        raise NotPosted(f"no answer within {seconds:g} s")
    if ended[0] is not None:
        raise NotPosted(ended[0])


def _sent(address: str, body: bytes, headers: Mapping[str, str], seconds: float) -> str | None:
    """Why it did not arrive, None if it did."""
    if not address.startswith(("http://", "https://")):
        return "it is no address that begins with http:// or https://"
    try:
        request = urllib.request.Request(
            address, data=body, headers={"Content-Type": "application/json", **headers}, method="POST"
        )
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=seconds):
            return None
    except HTTPError as error:
        return f"the answer was {error.code} {error.reason}"
    except URLError as error:
        return str(error.reason)
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except OSError as error:
        return error.strerror or type(error).__name__
    except (ValueError, HTTPException) as error:  # whose texts quote the address
        return f"address or answer cannot be used ({type(error).__name__})"
