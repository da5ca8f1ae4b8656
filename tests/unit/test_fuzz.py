"""A few seconds of fuzzing the door; `tests/fuzz.py` does it for as long as one likes.

What is drawn and what must hold belongs in `fuzzing`.
"""

from __future__ import annotations

import pytest
from fuzzing import TARGETS, fuzzed


# Nested expressions are long when hypothesis shows them.
@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@pytest.mark.parametrize("target", TARGETS)
def test_the_door_holds_whatever_it_gets(target):
    fuzzed(target, max_examples=10, derandomize=True)()
