"""Whose number a person asks for, from the options of `explain`. What the number is made of is tested beside it."""

from __future__ import annotations

from typing import Any

import pytest

from kunderegnskab.audit.explain.ask import scope_of
from kunderegnskab.audit.explain.explanation import CannotExplain


@pytest.mark.parametrize(
    ("named", "scope"),
    [
        ({}, ("company", "company")),
        ({"customer": "1"}, ("customer", "1")),
        ({"segment": "A1"}, ("segment", "A1")),
        ({"segment_opening": "A1"}, ("segment_opening", "A1")),
        ({"chain": "1"}, ("chain", "1")),
        ({"salesperson": "BO"}, ("salesperson", "BO")),
        ({"salesperson": "BO", "segment": "A1"}, ("salesperson_segment", "BO / A1")),
    ],
)
def test_options_name_one_scope(named: dict[str, Any], scope: tuple[str, str]) -> None:
    nobody = dict.fromkeys(("customer", "salesperson", "team", "segment", "segment_opening"))
    assert scope_of({**nobody, **named}) == scope


@pytest.mark.parametrize(
    "named",
    [
        {"customer": "1", "segment": "A1"},
        {"segment": "A1", "segment_opening": "A1"},
        {"customer": "1", "salesperson": "BO", "segment": "A1"},
    ],
)
def test_several_scopes_are_refused_with_their_options(named: dict[str, str]) -> None:
    with pytest.raises(CannotExplain) as refused:
        scope_of(named)
    options = " and ".join(f"--{name.replace('_', '-')}" for name in named)
    assert str(refused.value) == f"Name one of {options}, not both."
