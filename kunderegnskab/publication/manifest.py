"""manifest.json: what a publication holds, what it was made from and what it follows.

Here: the manifest's model and its one canonical form on disk. Not here: how its values are found (publish.py)
and what is done with the publications (store.py).

The manifest is the last file written and is never changed afterwards: the next publication's manifest, and
every statement printed from this one, cite its SHA-256.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from kunderegnskab.quality.certification import Stage, Status, Waiver

MANIFEST_FILE = "manifest.json"
# Of the manifest, so it cannot be in it; see heads.py.
SIGNATURE_FILE = "manifest.signature.json"
FORMAT_VERSION = 3


def _without_float(value: JsonValue) -> JsonValue:
    # 0.06 as a binary float is not 0.06; decimals go into the manifest as text.
    if isinstance(value, float):
        raise ValueError(f"{value!r} is a binary float; give decimals as text")
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        _without_float(child)
    return value


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


UtcDatetime = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Parameters = Annotated[dict[str, JsonValue], AfterValidator(_without_float)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Record(BaseModel):
    """Base of everything that is kept in a manifest: unchangeable, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class InputFile(Record):
    """One file that was read. records_read = records_loaded + records_rejected + records_left_out."""

    feed: str
    path: str
    """Relative to the workspace."""
    sha256: Sha256
    size: int
    """Bytes."""
    records_read: int
    records_loaded: int
    records_rejected: int
    records_left_out: int
    lake_file: str
    """The typed copy, relative to the workspace's lake folder."""
    lake_sha256: Sha256
    text_file: str | None = None
    """The file's records as text, relative to the lake folder; only versions 0.4 and 0.5 kept them."""
    text_sha256: Sha256 | None = None
    first_record: int = 1
    """Number of the record that is the text's first row."""
    control_totals: dict[str, str] = Field(default_factory=dict)
    """By measure, as the file was read: records read, and sums over those loaded; decimals as text."""
    source: str = ""
    """The mapping that asked for it."""
    rejects_allowed: int = 0
    """What the mapping allows for all its files together."""
    lookups: dict[str, Sha256] = Field(default_factory=dict)
    """Files whose columns were looked up while this one was read, by path."""


class MartColumn(Record):
    """A column and its type as DuckDB names it."""

    name: str
    type: str


class MartContent(Record):
    """One published table or view: how many rows, what they are, and its columns in order."""

    rows: int
    content_sha256: Sha256 | None
    """Of a table, see content_hash.py; a view is what its query makes of tables that have one."""
    key: list[str]
    columns: list[MartColumn]
    query: str | None = None
    """Of a view: its SELECT over other published tables, by `schema.table`."""


class FileContent(Record):
    """One file of the publication; size in bytes."""

    sha256: Sha256
    size: int


class CheckOutcome(Record):
    """How one check went."""

    check_name: str
    stage: Stage
    is_blocking: bool
    status: Status
    failing_rows: int | None


class PublicationReference(Record):
    """Another publication, with the hash that proves which one it was."""

    publication: str
    manifest_sha256: Sha256


class Manifest(Record):
    """Everything that is known about one publication."""

    format_version: Literal[1, 2, 3] = FORMAT_VERSION
    """1 had no views; 2 told neither who made it nor the journal."""
    number: int
    publication: str
    """The folder's name, e.g. `0007-3f2a9c1e`."""
    run_id: str
    made_by: str | None = None
    """User and host."""
    journal_sha256: Sha256 | None = None
    """Of the journal's last line when this was published."""
    started_at: UtcDatetime
    published_at: UtcDatetime
    company: str
    locale: str
    currency: str
    code_version: str
    code_commit: str | None
    lock_sha256: Sha256 | None
    engines: dict[str, str]
    input_hash: str
    inputs: list[InputFile]
    parameters: Parameters
    allowances: list[dict[str, JsonValue]]
    waivers: list[Waiver]
    marts: dict[str, MartContent]
    """By `schema.table`."""
    files: dict[str, FileContent]
    """By path in the publication's folder; every file but the manifest itself."""
    checks: list[CheckOutcome]
    previous: PublicationReference | None

    def canonical(self) -> bytes:
        """The one way this manifest is written: sorted keys, UTF-8, a line feed at the end."""
        return canonical_json(self.model_dump(mode="json"))

    @property
    def configuration_hashes(self) -> dict[str, str]:
        """SHA-256 of the configuration files by name; none before they were recorded."""
        recorded = self.parameters.get("configuration")
        return {name: str(sha256) for name, sha256 in recorded.items()} if isinstance(recorded, dict) else {}

    @property
    def input_hashes(self) -> dict[str, str]:
        """SHA-256 of every file that was read, lookups included, by path."""
        hashes: dict[str, str] = {}
        for file in self.inputs:
            hashes |= {**file.lookups, file.path: file.sha256}
        return hashes


def canonical_json(value: JsonValue) -> bytes:
    """JSON as every machine-readable file of a publication is written."""
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """The manifest of a publication's folder and the SHA-256 of its bytes.

    Raises OSError when there is none and ValueError when it is not a manifest.
    """
    raw = (folder / MANIFEST_FILE).read_bytes()
    return Manifest.model_validate_json(raw), hashlib.sha256(raw).hexdigest()
