"""Proof of what was published that does not lie where publications are written.

Whoever can write everywhere in a workspace can make the whole chain anew. What he cannot make anew is a hash
that somebody keeps elsewhere, and a signature by a key that he does not have. Here: signing the head of the
chain, handing it to where it is kept, and holding both against the chain. Not here: the chain (store.py).

Two environment variables say so, and nothing in the workspace does, because its files are what is doubted:

* KUNDEREGNSKAB_SIGNING_KEY: a file with an Ed25519 private key (PEM, PKCS 8, without a password)
* KUNDEREGNSKAB_ANCHOR: a file to which each head is appended, or an http(s) address to which it is posted
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, JsonValue

from kunderegnskab.posting import NotPosted, post
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.publication import store
from kunderegnskab.publication.manifest import SIGNATURE_FILE, canonical_json
from kunderegnskab.publication.store import Publication, fsync
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.notes import read_note, write_note

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNING_KEY = "KUNDEREGNSKAB_SIGNING_KEY"
ANCHOR = "KUNDEREGNSKAB_ANCHOR"
_ALGORITHM = "Ed25519"


class UnusableProof(KunderegnskabError):
    """A key or a file of heads, as it was named, cannot be used."""


def require_usable_key() -> None:
    """Return if the environment names no key, or one that can sign: told before a refresh does its work.

    Raises:
        UnusableProof: the file is not there, or holds no Ed25519 private key.
    """
    _key()


def sign(folder: Path, manifest_sha256: str) -> None:
    """Write a signature of the manifest's hash beside it, if the environment names a key.

    Raises:
        UnusableProof: as `require_usable_key`.
    """
    key = _key()
    if key is None:
        return
    signature = b64encode(key.sign(bytes.fromhex(manifest_sha256))).decode()
    note: dict[str, JsonValue] = {
        "algorithm": _ALGORITHM,
        "manifest_sha256": manifest_sha256,
        "signature": signature,
    }
    (folder / SIGNATURE_FILE).write_bytes(canonical_json(note))


def _key() -> Ed25519PrivateKey | None:
    named = os.environ.get(SIGNING_KEY)
    if not named:
        return None
    # Imported here because few sign, and every refresh would wait for it.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    how = "make one with: openssl genpkey -algorithm ed25519"
    try:
        key = load_pem_private_key(Path(named).read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise UnusableProof(
            f"{SIGNING_KEY} names {named}, which is no private key without a password ({error}); {how}"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UnusableProof(f"{SIGNING_KEY} names {named}, which is no Ed25519 key; {how}")
    return key


class _HandedOn(BaseModel):
    """The last publication whose head the anchor received. Its name may be secret, so of that the SHA-256."""

    anchor_sha256: str
    number: int


def hand_on(workspace: Workspace) -> str | None:
    """Give to the anchor that the environment names every head that it has not received.

    These are the newest one, and those before it that a killed run, or an anchor out of reach, has left since
    the last one that was received. A head may be given twice, never left out. What is published stays
    published, whatever comes of it.

    Returns:
        A sentence if that did not succeed.
    """
    anchor = os.environ.get(ANCHOR)
    newest = store.current(workspace.published)
    if not anchor or newest is None:
        return None
    path = workspace.state / "handed_on.json"
    name = hashlib.sha256(anchor.encode()).hexdigest()
    noted = read_note(path, _HandedOn)
    received = noted.number if noted is not None and noted.anchor_sha256 == name else None
    waiting = [newest] if received is None else store.since(workspace.published, received)
    for publication in waiting:
        if (problem := _give(anchor, publication)) is not None:
            return problem
        write_note(path, _HandedOn(anchor_sha256=name, number=publication.manifest.number))
    return None


def _give(anchor: str, publication: Publication) -> str | None:
    head = {
        "publication": publication.name,
        "manifest_sha256": publication.manifest_sha256,
        "published_at": publication.manifest.model_dump(mode="json")["published_at"],
    }
    line = json.dumps(head, sort_keys=True).encode() + b"\n"
    try:
        if anchor.startswith(("http://", "https://")):
            post(anchor, line)
        else:
            _append(Path(anchor), line)
    except (OSError, ValueError, NotPosted) as error:
        return (
            f"{publication.name} is published, but its hash could not be handed to {ANCHOR} ({error}); the "
            f"next refresh tries again, until then keep it yourself: {publication.manifest_sha256}"
        )
    return None


def _head_in(line: str) -> dict[str, str] | None:
    """None for the beginning of a line that a power cut left unfinished."""
    try:
        return json.loads(line)
    except ValueError:
        if line.startswith("{") and not line.endswith("}"):
            return None
        raise


def _append(path: Path, line: bytes) -> None:
    """A line of its own, also behind one that a power cut left unfinished."""
    with path.open("a+b") as stream:
        if stream.seek(0, os.SEEK_END):
            stream.seek(-1, os.SEEK_END)
            if stream.read(1) != b"\n":
                line = b"\n" + line
        stream.write(line)
    fsync(path)


def unknown_heads(chain: Sequence[Publication], heads: Sequence[str]) -> list[tuple[str, str]]:
    """Head and sentence for each hash that no publication of the chain has.

    Args:
        heads: SHA-256 of a manifest, or the whole line of a head, which ends with it.
    """
    known = {each.manifest_sha256 for each in chain}
    return [
        (
            head,
            f"No publication has the hash {head}, which was noted as the head of the chain: since then "
            "publications were removed or made anew. Restore published/ from a backup of that time.",
        )
        for head in heads
        if (head.split() or [""])[-1].lower() not in known
    ]


def noted_heads(anchor: Path) -> list[str]:
    """What a file that heads were appended to holds, in order.

    Raises:
        UnusableProof: it cannot be read, or a line is no head.
    """
    try:
        lines = [line for line in anchor.read_text(encoding="utf-8").splitlines() if line.strip()]
        heads = [head for line in lines if (head := _head_in(line)) is not None]
        return [f"{head['publication']} {head['manifest_sha256']}" for head in heads]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableProof(f"{anchor} is no file of noted heads ({error}).") from error


def unsigned(chain: Sequence[Publication], public_key: Path) -> list[tuple[str, str]]:
    """Publication and sentence for each one that has no signature by this key.

    Publications before the first signed one were made before signing began.

    Args:
        chain: oldest first.
        public_key: PEM file of the Ed25519 key's public half, kept outside of the workspace.

    Raises:
        UnusableProof: the file is no such key.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(public_key.read_bytes())
    except (OSError, ValueError) as error:
        raise UnusableProof(f"{public_key} cannot be read as a public key ({error}).") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UnusableProof(f"{public_key} is no Ed25519 public key.")

    def is_signed(publication: Publication) -> bool:
        try:
            note = json.loads((publication.path / SIGNATURE_FILE).read_bytes())
            key.verify(b64decode(note["signature"]), bytes.fromhex(publication.manifest_sha256))
        except (OSError, ValueError, KeyError, TypeError, InvalidSignature):
            return False
        return True

    has_signature = [(each.path / SIGNATURE_FILE).is_file() for each in chain]
    first = has_signature.index(True) if True in has_signature else 0
    return [
        (each.name, f"{each.name} is not signed by the key of {public_key.name}; somebody else made it.")
        for each in chain[first:]
        if not is_signed(each)
    ]
