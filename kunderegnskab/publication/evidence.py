"""The published tables that are no models of dbt, as evidence.yaml beside this file declares them.

They are filled by kunderegnskab/audit, kunderegnskab/personal and ingest/load.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from kunderegnskab.publication.publish import MartRequest

_DECLARATION = Path(__file__).with_name("evidence.yaml")


def evidence_tables() -> list[MartRequest]:
    """The tables with their keys, and with descriptions where they are declared here."""
    return [
        MartRequest(
            schema_name=schema,
            table=name,
            key=tuple(table["key"]),
            description=" ".join(table.get("description", "").split()),
            columns={column: said["description"] for column, said in table.get("columns", {}).items()},
        )
        for schema, tables in declared_evidence().items()
        for name, table in tables.items()
    ]


def declared_evidence() -> dict[str, dict[str, dict[str, Any]]]:
    """The declaration: schema -> table -> key, and description and columns where dbt has none."""
    return YAML(typ="safe", pure=True).load(_DECLARATION.read_text(encoding="utf-8"))
