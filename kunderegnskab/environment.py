"""Values that a file leaves to the environment: `${NAME}`, for what must not stand in a file."""

from __future__ import annotations

import os
import re

from kunderegnskab.problems import KunderegnskabError

_NAMED = re.compile(r"\$\{([^}]*)\}")


class NotInEnvironment(KunderegnskabError):
    """A variable that a file names is not set."""


def named(text: str) -> list[str]:
    """The variables of the environment that a text names."""
    return _NAMED.findall(text)


def filled(text: str) -> str:
    """The text with what the environment has for each `${NAME}`. Raises NotInEnvironment."""

    def value(found: re.Match[str]) -> str:
        try:
            return os.environ[found[1]]
        except KeyError:
            raise NotInEnvironment(
                f"the environment has no {found[1]}, set it where the program is started"
            ) from None

    return _NAMED.sub(value, text)
