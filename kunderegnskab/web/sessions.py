"""Who has signed in, from one request to the next: a signed cookie, and the token that forms carry.

A session says who, since when, and when it was last used. It is over when it is too old, unused for too long,
or when its user has another generation in users.json than it has: nothing but that file need be kept.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from itsdangerous import BadData, URLSafeSerializer

from kunderegnskab.web.users import User, Users

# A cookie is written anew when this many seconds have passed, not with every page.
_RENEWED_AFTER = 60
_LONGEST_COOKIE = 2000


@dataclass(frozen=True)
class Session:
    """One browser, signed in or not.

    Attributes:
        id: another one from each sign-in on.
        user: the name, empty before somebody has signed in.
        generation: the user's, when that was.
        began: seconds since 1970.
        used: the same, of the last cookie.
    """

    id: str
    user: str
    generation: str
    began: int
    used: int


class Sessions:
    """Sessions of one workspace.

    Args:
        secret: what they are signed with.
        clock: seconds since 1970.
        idle_seconds: how long one may be unused.
        longest_seconds: how long one lasts, used or not.
    """

    def __init__(
        self,
        secret: str,
        users: Users,
        clock: Callable[[], float],
        *,
        idle_seconds: int,
        longest_seconds: int,
    ) -> None:
        self._secret = secret.encode()
        self._users = users
        self._clock = clock
        self._idle = idle_seconds
        self._longest = longest_seconds
        self._signed = URLSafeSerializer(
            secret, salt="session", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def begun(self, user: User | None = None) -> Session:
        """A new session."""
        now = int(self._clock())
        name, generation = (user.name, user.generation) if user else ("", "")
        return Session(secrets.token_urlsafe(16), name, generation, now, now)

    def read(self, cookie: str | None) -> Session | None:
        """The session of a cookie; None for one that is over, forged, or none at all."""
        if not cookie or len(cookie) > _LONGEST_COOKIE:
            return None
        try:
            session = Session(**self._signed.loads(cookie))
        except (BadData, TypeError):
            return None
        now = int(self._clock())
        if now - session.used > self._idle or now - session.began > self._longest:
            return None
        return session if not session.user or self.user(session) else None

    def user(self, session: Session) -> User | None:
        """Who has signed in, if the session still holds."""
        user = self._users.find(session.user) if session.user else None
        return user if user and hmac.compare_digest(user.generation, session.generation) else None

    def used(self, session: Session) -> Session | None:
        """The session as it should be written anew; None while its cookie is new enough."""
        now = int(self._clock())
        return replace(session, used=now) if now - session.used >= _RENEWED_AFTER else None

    def cookie(self, session: Session) -> str:
        """A session as its cookie."""
        return self._signed.dumps(asdict(session))

    def form_token(self, session: Session, user: str) -> str:
        """What a form carries that was made for this session and user.

        Another text each time: a page is compressed, and its length would tell of a text that never changes
        what it holds.
        """
        salt = secrets.token_hex(16)
        return f"{salt}.{self._token(salt, session, user)}"

    def is_form_token(self, token: str, session: Session, user: str) -> bool:
        """Whether a form's token was made for this session and user."""
        salt, _, digest = token.partition(".")
        return hmac.compare_digest(digest.encode(), self._token(salt, session, user).encode())

    def _token(self, salt: str, session: Session, user: str) -> str:
        text = "\n".join(("form", salt, session.id, user))
        return hmac.digest(self._secret, text.encode("utf-8", "replace"), "sha256").hex()
