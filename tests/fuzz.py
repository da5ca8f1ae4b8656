"""Fuzzes the door for as long as one likes: `python tests/fuzz.py csv --seconds 600 [--engine atheris]`.

hypothesis draws cases at random and makes what fails small; atheris draws them by what code they reach. What is drawn,
and what must hold, belongs in `fuzzing.py`.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from pathlib import Path

TARGETS = ("csv", "xlsx", "json", "feeds", "expressions")
# hypothesis begins anew after as many, with other cases.
_AT_ONCE = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--engine", choices=("hypothesis", "atheris"), default="hypothesis")
    asked = parser.parse_args()
    tests = Path(__file__).parent
    sys.path[:0] = [str(tests), str(tests / "unit")]
    {"hypothesis": _by_hypothesis, "atheris": _by_atheris}[asked.engine](asked.target, asked.seconds)


def _by_hypothesis(target: str, seconds: int) -> None:
    fuzzing = importlib.import_module("fuzzing")
    until = time.monotonic() + seconds
    done = 0
    while time.monotonic() < until:
        fuzzing.fuzzed(target, max_examples=_AT_ONCE)()
        done += _AT_ONCE
    print(f"{target}: {done} cases by hypothesis in {seconds} s, nothing found")


def _by_atheris(target: str, seconds: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["kunderegnskab.ingest", "kunderegnskab.workspace"]):
        fuzzing = importlib.import_module("fuzzing")
    one = fuzzing.fuzzed(target).hypothesis.fuzz_one_input
    # hypothesis makes a case of every 4,096 bytes, and none of a few.
    options = [f"-max_total_time={seconds}", "-timeout=120", "-max_len=4096", "-len_control=0"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={tempfile.gettempdir()}/"], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
