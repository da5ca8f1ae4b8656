"""How often somebody may try to sign in: per name, and per address. Kept in memory."""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Callable
from threading import Lock

PER_NAME = 5
PER_ADDRESS = 30
SECONDS = 15 * 60
# Names are what anybody types; so many are remembered, the oldest are forgotten first.
_REMEMBERED = 10_000


class Attempts:
    """Sign-ins that have failed, or are under way, within the last quarter of an hour.

    Args:
        clock: seconds; only differences count.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._at: dict[str, deque[float]] = {}

    def begin(self, name: str, address: str) -> int:
        """Count an attempt before the password is looked at, so that many at once are no way around.

        Returns:
            0, or the seconds to wait; it is not counted then.
        """
        now = self._clock()
        with self._lock:
            wait = max(
                self._wait(key, most, now)
                for key, most in ((_name(name), PER_NAME), (_address(address), PER_ADDRESS))
            )
            if wait:
                return wait
            for key in (_name(name), _address(address)):
                # The newest last, for forgetting.
                times = self._at.pop(key, deque())
                times.append(now)
                self._at[key] = times
            while len(self._at) > _REMEMBERED:
                self._at.pop(next(iter(self._at)))
            return 0

    def succeeded(self, name: str, address: str) -> None:
        """The last attempt was no failure: forget it, and those of this name."""
        with self._lock:
            self._at.pop(_name(name), None)
            times = self._at.get(_address(address))
            if times:
                times.pop()

    def _wait(self, key: str, most: int, now: float) -> int:
        times = self._at.get(key)
        if times is None:
            return 0
        while times and now - times[0] >= SECONDS:
            times.popleft()
        return 0 if len(times) < most else int(SECONDS - (now - times[0])) + 1


def _name(name: str) -> str:
    # Two spellings of a letter are one name, as for whoever signs in.
    return f"name {unicodedata.normalize('NFC', name).casefold()[:100]}"


def _address(address: str) -> str:
    return f"address {address}"
