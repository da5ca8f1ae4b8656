"""How a command ends that is told to stop (Ctrl-C, SIGTERM): one sentence, and the exit code of shells.

What must hold when it ends in the middle belongs to those who write: Crash safety in docs/architecture.md.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """The command was told to stop. No error: nobody who handles errors may take it for one."""


class Told:
    """Which of the signals has come, whoever handled it: Dagster puts handlers of its own in their place.

    The system writes the number of each signal into a socket.
    """

    def __init__(self, heard: socket.socket) -> None:
        self._heard = heard
        self._signal: int | None = None

    @property
    def exit_code(self) -> int | None:
        """128 and the signal's number, None if none has come."""
        try:
            for number in self._heard.recv(4096):
                if self._signal is None and number in _SIGNALS:
                    self._signal = number
        except BlockingIOError:
            pass
        return None if self._signal is None else 128 + self._signal

    @property
    def sentence(self) -> str:
        """What to say, once there is an exit code."""
        return _sentence(self._signal)


def end_at_once() -> None:
    """Until somebody listens, both signals end the process on the spot: it has done nothing yet, or all."""
    for each in _SIGNALS:
        signal.signal(each, _end)


# What the process that listens has heard, None in one that does not listen.
_told: Told | None = None


def was_told_to_stop() -> bool:
    """Whether somebody has told this command to stop.

    A library may have made an error of its own of that, or nothing at all.
    """
    return _told is not None and _told.exit_code is not None


@contextmanager
def listening_to_signals() -> Generator[Told]:
    """Both signals raise `Stopped` in the main thread, and what came is noted."""
    global _told
    heard, written = socket.socketpair()
    heard.setblocking(False)
    written.setblocking(False)
    before = {each: signal.signal(each, _stop) for each in _SIGNALS}
    descriptor = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
    _told = Told(heard)
    try:
        yield _told
    finally:
        _told = None
        signal.set_wakeup_fd(descriptor)
        for each, handler in before.items():
            signal.signal(each, handler)
        heard.close()
        written.close()


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped


def _end(number: int, frame: FrameType | None) -> None:
    sentence = _sentence(number)
    # By hand, because the signal comes in the middle of any import, also in one of what would write it.
    if "--json" in sys.argv:
        os.write(1, f'{{\n "status": "failed",\n "problems": [\n  "{sentence}"\n ]\n}}\n'.encode())
    else:
        os.write(2, f"{sentence}\n".encode())
    os._exit(128 + number)


def _sentence(number: int | None) -> str:
    by = "Ctrl-C" if number == signal.SIGINT else "the system's request to end (SIGTERM)"
    return f"Stopped by {by}: what is published is whole, and the same command can be run again."
