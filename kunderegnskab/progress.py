"""How long work tells how far it has come, without knowing who listens.

The command line draws the progress bar.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Progress(Protocol):
    """Called with what is being done and how far it is."""

    def __call__(self, activity: str, done: int, total: int) -> None:
        """`done` of `total` parts of the activity are finished."""


def silent(activity: str, done: int, total: int) -> None:
    """The listener of whoever does not listen."""


_listener: ContextVar[Progress] = ContextVar("listener", default=silent)


@contextmanager
def listening(listener: Progress) -> Generator[None]:
    """Everything that calls `report` within the block is heard by `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report(activity: str, done: int, total: int) -> None:
    """Tell whoever listens; steps that are started by an orchestrator cannot be handed a listener."""
    _listener.get()(activity, done, total)
