"""Pseudonyms of salespeople: what stands in warehouse and publications instead of their keys and names.

Here: the secret, how a pseudonym is made from it, and applying it to records and texts. Not here: who is
behind a pseudonym (personal/names.py), and which columns are a salesperson's (feeds/contracts.yaml).

The lake holds the keys as they came. They are replaced wherever its records are read: in the views of schema
raw, when a publication is asked or performed again, and in records of earlier publications.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from kunderegnskab.feeds import Feed, load_feeds
from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.sql import literal, literals
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.expressions import parse

# What the models call the salesperson of what nobody owns: no person.
UNASSIGNED = "Ikke tildelt"
SECRET = "personal/secret.key"
PARAMETER = "personal"
"""The manifest's parameter that says how its salespeople are named."""
_DIGITS = 10
_PSEUDONYM = re.compile(rf"S-[0-9a-f]{{{_DIGITS}}}")
_KEY_COLUMNS = ("salesperson_key", "salesperson_name")


class SecretMissing(InputProblems):
    """The secret that the pseudonyms were made with is not at hand; the text says what to do."""

    def __init__(self, what: str, action: str) -> None:
        super().__init__([InputProblem(SECRET, what, action)])


@dataclass(frozen=True)
class Pseudonyms:
    """How salespeople are named in one warehouse or publication.

    Attributes:
        secret: what the pseudonyms are made with; None where keys and names are plain.
        texts: feed -> column of its files -> category of what it holds; `some` where a condition decides.
    """

    secret: str | None = None
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str | None:
        """Tells one secret from another without telling it; None where keys are plain."""
        return None if self.secret is None else _digest("kunderegnskab secret ", self.secret)[:16]

    def of(self, key: str | None) -> str | None:
        """A key's pseudonym; what names nobody stays."""
        if self.secret is None or not key or key == UNASSIGNED:
            return key
        return f"S-{_digest(self.secret, key)[:_DIGITS]}"

    def sql(self, column: str) -> str:
        """SQL of the pseudonyms of a text column, the same as `of` gives."""
        if self.secret is None:
            return column
        return (
            f"case when {column} in ('', {literal(UNASSIGNED)}) then {column} "
            f"else 'S-' || left(sha256({literal(self.secret)} || {column}), {_DIGITS}) end"
        )

    def over(self, feed: Feed, relation: str) -> str:
        """SQL of a feed's records with pseudonyms.

        Args:
            relation: a query that gives the feed's columns, or those of them that were known when its files
                were read, and perhaps others.
        """
        replaced = {} if self.secret is None else self._replaced(feed)
        if not replaced:
            return relation
        listed = ", ".join(f"{sql} as {name}" for name, sql in replaced.items())
        return f"select * replace ({listed}) from ({relation})"

    def _replaced(self, feed: Feed) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, column in feed.columns.items():
            if column.personal == "salesperson_name":
                found[name] = (
                    f"case when {name} = '' then {name} else {self.sql(str(feed.salesperson_key))} end"
                )
                found[name] = f"case when {name} is not null then {found[name]} end"
            elif column.personal == "salesperson_key":
                found[name] = self.sql(name)
                for other, values in column.personal_when.items():
                    condition = f"{other} in ({literals(values)})"
                    found[name] = f"case when {condition} then {found[name]} else {name} end"
        return found

    def rejected(self, feed: str, column: str, text: str) -> str:
        """SQL of the text for which a record was rejected; a salesperson's is replaced.

        Args:
            column, text: SQL of the name of the file's column, and of what stands there.
        """
        names = literals(self.texts.get(feed, {}))
        if self.secret is None or not names:
            return text
        return f"case when lower({column}) in ({names}) then {self.sql(f'trim({text})')} else {text} end"

    def shown(
        self, feed: str, raw: Mapping[str, str | None], loaded: Iterable[str | None]
    ) -> dict[str, str | None]:
        """A record's text as people may see it.

        Args:
            raw: column of the file -> text as it came.
            loaded: the keys that the record gives to the feed, with pseudonyms.
        """
        held = set(loaded)
        found: dict[str, str | None] = {}
        for name, text in raw.items():
            category = self.texts.get(feed, {}).get(name.casefold()) if self.secret else None
            pseudonym = self.of(text.strip()) if text else text
            if category == "salesperson_name" and text:
                found[name] = "(...)"
            # A column that is read for something else, such as a condition, can hold the key as well.
            elif category == "salesperson_key" or (self.secret and pseudonym in held):
                found[name] = pseudonym
            else:
                found[name] = text
        return found

    def parameter(self) -> dict[str, JsonValue]:
        """What the manifest records of it."""
        return {
            "salesperson_keys": "plain" if self.secret is None else "pseudonym",
            "secret_fingerprint": self.fingerprint,
            "texts": {feed: dict(columns) for feed, columns in self.texts.items()},
        }


PLAIN = Pseudonyms()


def is_pseudonym(text: str) -> bool:
    """True for what a pseudonym looks like."""
    return _PSEUDONYM.fullmatch(text) is not None


def has_salespeople(feed: Feed) -> bool:
    """True when a record of the feed can name a salesperson."""
    return any(column.personal in _KEY_COLUMNS for column in feed.columns.values())


def secret_file(workspace: Workspace) -> Path:
    """Where the secret is kept."""
    return workspace.personal / "secret.key"


def of_today(workspace: Workspace, *, texts: bool = True) -> Pseudonyms:
    """How a warehouse that is loaded now names salespeople; PLAIN before there is a secret.

    Args:
        texts: also find out which columns of the files hold salespeople.

    Raises InputProblems for a configuration that cannot be used.
    """
    if workspace.company.salesperson_keys == "plain":
        return PLAIN
    return Pseudonyms(_read_secret(workspace), _texts(workspace) if texts else {})


def for_refresh(workspace: Workspace, recorded: Mapping[str, JsonValue] | None) -> Pseudonyms:
    """As `of_today`; makes the secret if there has never been one.

    Args:
        recorded: the parameters of the current publication, if there is one.

    Raises SecretMissing when publications were made with a secret that is gone: new pseudonyms would tear
    every salesperson's history in two.
    """
    if workspace.company.salesperson_keys == "pseudonym" and _read_secret(workspace) is None:
        if _recorded(recorded).get("secret_fingerprint"):
            raise SecretMissing(
                "is missing, so salespeople would get other pseudonyms than in what is published",
                "restore it from a backup; if it is gone for good, put 64 random hexadecimal digits there, "
                "and every salesperson begins anew",
            )
        make_folder(workspace)
        write_private(secret_file(workspace), f"{secrets.token_hex(32)}\n")
    return of_today(workspace)


def recorded_in(workspace: Workspace, publication: str, parameters: Mapping[str, JsonValue]) -> Pseudonyms:
    """How a publication names salespeople.

    Args:
        parameters: those of its manifest.

    Raises SecretMissing when its pseudonyms were made with a secret that is not the workspace's.
    """
    recorded = _recorded(parameters)
    fingerprint = recorded.get("secret_fingerprint")
    if fingerprint is None:
        return PLAIN
    texts = recorded.get("texts")
    found = Pseudonyms(_read_secret(workspace), texts if isinstance(texts, dict) else {})  # ty: ignore
    if found.fingerprint != fingerprint:
        raise SecretMissing(
            f"is {'missing' if found.secret is None else 'another one'}, and {publication} names salespeople "
            "by pseudonyms that were made with it before",
            "restore that one from a backup",
        )
    return found


def is_plain(parameters: Mapping[str, JsonValue]) -> bool:
    """True when a publication with these parameters names salespeople by their own keys."""
    return _recorded(parameters).get("secret_fingerprint") is None


def readable_secret(workspace: Workspace) -> str | None:
    """A sentence where others than its owner may read the secret, which tells who is behind a pseudonym."""
    path = secret_file(workspace)
    if not path.is_file() or not path.stat().st_mode & 0o077:
        return None
    owned = f"chmod 600 {shlex.quote(str(path))}"
    return f"{SECRET} may be read by others than its owner; take that right away: {owned}"


def make_folder(workspace: Workspace) -> None:
    """The folder for what only those may read who may know the names."""
    workspace.personal.mkdir(mode=0o700, exist_ok=True)
    workspace.personal.chmod(0o700)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    made = path.with_name(f".{path.name}.new")
    made.unlink(missing_ok=True)
    with os.fdopen(
        os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    made.replace(path)


def _recorded(parameters: Mapping[str, JsonValue] | None) -> Mapping[str, JsonValue]:
    recorded = (parameters or {}).get(PARAMETER)
    return recorded if isinstance(recorded, dict) else {}


def _read_secret(workspace: Workspace) -> str | None:
    try:
        secret = secret_file(workspace).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise SecretMissing(
            "may not be read by you", "ask somebody who may read the folder personal/"
        ) from error
    # It stands in SQL, and a short one could be guessed.
    if not re.fullmatch(r"[0-9a-f]{64}", secret):
        raise SecretMissing(
            "does not hold 64 hexadecimal digits, so it is not a secret that a refresh made",
            "restore it from a backup",
        )
    return secret


def _texts(workspace: Workspace) -> dict[str, dict[str, str]]:
    """Feed -> column of its files, in small letters -> what it holds."""
    feeds = load_feeds()
    found: dict[str, dict[str, str]] = {}
    for entry in workspace.sources:
        for name, column in feeds[entry.feed].columns.items():
            if column.personal not in _KEY_COLUMNS:
                continue
            category = "some" if column.personal_when else str(column.personal)
            used = [entry.source.columns[name]] if name in entry.source.columns else []
            if name in entry.source.expressions:
                columns = parse(entry.source.expressions[name]).columns
                used += [each.name for each in columns if not each.lookup]
            found.setdefault(entry.feed, {}).update({each.casefold(): category for each in used})
    return found


def _digest(secret: str, text: str) -> str:
    return hashlib.sha256(f"{secret}{text}".encode()).hexdigest()
