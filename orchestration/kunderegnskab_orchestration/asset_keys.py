"""What assets are called: layer and name; where several companies share one Dagster, the company before them.

Dagster keeps one history per key, whoever has an asset of it.
"""

from __future__ import annotations

import os
import re

import dagster as dg

from kunderegnskab.problems import InputProblem, InputProblems

PREFIX_VARIABLE = "KUNDEREGNSKAB_ASSET_PREFIX"


def asset_prefix() -> str:
    """The word before all keys; empty where a company has a Dagster of its own.

    Raises:
        InputProblems: it is no word that Dagster takes into a key.
    """
    prefix = os.environ.get(PREFIX_VARIABLE, "")
    if re.fullmatch(r"\w*", prefix, re.ASCII) is None:
        raise InputProblems(
            [
                InputProblem(
                    PREFIX_VARIABLE,
                    f"{prefix!r} is no word of letters a to z, digits and _",
                    "set it to one, another for each company, and start the code's server again",
                )
            ]
        )
    return prefix


def asset_key(layer: str, name: str) -> dg.AssetKey:
    """The key of an asset."""
    prefix = asset_prefix()
    return dg.AssetKey([*([prefix] if prefix else []), layer, name])


def layer_of(key: dg.AssetKey) -> str:
    """The layer of an asset, by its key."""
    return key.path[-2]
