"""Stops a program at a named place, as if that moment lasted, so that a test can look around and kill it there.

    python stopping.py PLACE SCRIPT ARGUMENT...

runs the script as it is, in this process, and stops it (SIGSTOP) when a function is called that the place names.
Which places there are and what must hold there belongs in the tests.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import re
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal

from running import PATIENCE_SECONDS, REPOSITORY, environment

_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Place:
    """A moment in a program.

    Attributes:
        function: `module:name`, or `module:Class.name`; it must exist.
        moment: before the function does anything, or when it has done it.
        told: only calls whose arguments, as Python shows them, match this pattern.
        call: which of those calls.
    """

    function: str
    moment: Literal["before", "after"] = "before"
    told: str = ""
    call: int = 1


@contextmanager
def stopped(
    place: Place,
    script: Path,
    *arguments: str | Path,
    output: IO[bytes] | None = None,
    started_by: Sequence[str] = (),
) -> Generator[subprocess.Popen[bytes]]:
    """The script, started and now standing still at a place; it does not outlive the block.

    Args:
        output: a file that gets all that it says.
        started_by: a command that becomes the script, e.g. `nice -n 5`.

    Raises:
        AssertionError: it never came there.
    """
    with tempfile.TemporaryFile() if output is None else nullcontext(output) as said:
        process = subprocess.Popen(
            [
                *(*started_by, sys.executable, __file__, json.dumps(asdict(place))),
                *(str(script), *map(str, arguments)),
            ],
            cwd=REPOSITORY,
            env=environment(PYTHONPATH=str(REPOSITORY / "tests")),
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not _stands_still(process.pid):
                if process.poll() is not None or time.monotonic() > deadline:
                    said.seek(0)
                    last = said.read().decode(errors="replace")[-4000:]
                    raise AssertionError(f"it ended ({process.poll()}) without coming to {place}:\n{last}")
                time.sleep(_POLL_SECONDS)
            yield process
        finally:
            process.kill()
            process.wait()


def _stands_still(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] == "T"


def stop_at(place: Place) -> None:
    """Make this process stop when it comes to the place."""
    module, _, name = place.function.partition(":")
    *outer, attribute = name.split(".")
    owner = functools.reduce(getattr, outer, importlib.import_module(module))
    function = getattr(owner, attribute)
    matched = 0

    def look(moment: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        nonlocal matched
        if moment != place.moment or (place.told and not re.search(place.told, f"{arguments} {options}")):
            return
        matched += 1
        if matched == place.call:
            # To this thread, so that it does not get beyond this line before the process stands still.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)

    @functools.wraps(function)
    def stopping(*arguments: Any, **options: Any) -> Any:
        look("before", arguments, options)
        result = function(*arguments, **options)
        look("after", arguments, options)
        return result

    setattr(owner, attribute, stopping)
    # Modules that have imported it by name.
    for other in list(sys.modules.values()):
        for known, value in list(vars(other).items()):
            if value is function:
                setattr(other, known, stopping)


if __name__ == "__main__":
    stop_at(Place(**json.loads(sys.argv[1])))
    # From here on as if it were started by itself.
    del sys.argv[:2], sys.path[:2], os.environ["PYTHONPATH"]
    runpy.run_path(sys.argv[0], run_name="__main__")
