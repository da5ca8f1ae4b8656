"""What is built once for all processes of a test run, however many share the work.

What is built belongs in the conftest of whoever needs it, copying a workspace in `running`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock


@dataclass(frozen=True)
class BuiltOnce:
    """Folders that are built by whichever process asks first, while the others wait for it.

    They are everybody's: to be read only.

    Attributes:
        shared: the folder of all processes of this test run.
    """

    shared: Path

    def __call__(self, name: str, build: Callable[[Path], object]) -> Path:
        """The folder of that name. A build that failed fails whoever asks for it and is not tried again."""
        folder, outcome = self.shared / name, self.shared / f"{name}.outcome"
        with FileLock(self.shared / f"{name}.lock"):
            if not outcome.exists():
                outcome.write_text("its process ended")
                try:
                    build(folder)
                except BaseException as error:
                    outcome.write_text(f"{type(error).__name__}: {error}")
                    raise
                outcome.write_text("")
            if why := outcome.read_text():
                pytest.fail(f"{name} could not be built before: {why}")
        return folder
