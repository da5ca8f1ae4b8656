"""Who may open the web page, and as what: state/web/users.json.

Here: the file, roles, passwords. Not here: what a role may see (`kunderegnskab/reading/scope.py`), and how
long somebody stays signed in (sessions.py).
"""

from __future__ import annotations

import secrets
import shlex
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from threading import BoundedSemaphore, Lock
from typing import Self

import duckdb
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kunderegnskab.personal.names import read_names
from kunderegnskab.problems import (
    InputProblem,
    InputProblems,
    KunderegnskabError,
    command,
    one_line,
    quoted,
)
from kunderegnskab.pseudonyms import write_private
from kunderegnskab.publication import store
from kunderegnskab.reading.scope import ROLES, Role, Viewer
from kunderegnskab.web import private
from kunderegnskab.workspace import Workspace

SHORTEST_PASSWORD = 12
_LONGEST = 1000
_HASHER = PasswordHasher()
# A hash takes 64 MB while it is made: so many at the same time are enough.
_HASHING = BoundedSemaphore(2)


class NoSuchUser(KunderegnskabError):
    """What was asked of users cannot be done; the text says why."""


class User(BaseModel):
    """One user.

    Attributes:
        password: argon2id, with its parameters; None for somebody whom a proxy signs in.
        generation: another one after each change. Sessions of an earlier one are over.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=100)
    role: Role
    salesperson_id: str | None = None
    team: str | None = None
    password: str | None = None
    generation: str = Field(default_factory=lambda: secrets.token_hex(8))

    @model_validator(mode="after")
    def _has_what_the_role_needs(self) -> Self:
        if self.role == "salesperson" and not self.salesperson_id:
            raise ValueError("a salesperson needs the key of a salesperson")
        if self.role == "manager" and not self.team:
            raise ValueError("a manager needs a team")
        if self.team and self.role != "manager":
            raise ValueError("only a manager has a team")
        if self.salesperson_id and self.role not in ("salesperson", "manager"):
            raise ValueError("only salespeople and managers have the key of a salesperson")
        return self

    @property
    def viewer(self) -> Viewer:
        """The user as who reads a publication."""
        return Viewer(self.name, self.role, self.salesperson_id, self.team)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    users: tuple[User, ...] = ()


class Users:
    """The users of one workspace. What another process changes holds from the next question on."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._path = private.folder(workspace) / "users.json"
        _hash_of_nobody()  # so that the first stranger does not wait for it
        self._lock = Lock()
        self._read: tuple[tuple[int, int, int] | None, dict[str, User]] = (None, {})

    def all(self) -> list[User]:
        """Everybody, by name.

        Raises InputProblems when the file is not what was written; nobody is known then.
        """
        return [user for _, user in sorted(self._users().items())]

    def find(self, name: str) -> User | None:
        """Who is called so; small and capital letters are the same."""
        return self._users().get(_key(name))

    def verified(self, name: str, password: str) -> User | None:
        """Who is called so, if that is the password. Takes as long whoever is asked for."""
        user = self.find(name)
        known = user.password if user and user.password else _hash_of_nobody()
        with _HASHING:
            try:
                _HASHER.verify(known, _normal(password)[:_LONGEST])
            except (VerificationError, InvalidHashError):
                return None
        return user if user and user.password else None

    def add(self, user: User, password: str | None) -> None:
        """Add somebody; without a password for who comes through a proxy.

        Raises NoSuchUser for a name that is taken or cannot be one, or too short a password.
        """
        if not user.name.isprintable() or user.name != user.name.strip() or one_line(user.name) != user.name:
            raise NoSuchUser(
                f"{quoted(user.name)} cannot be a user's name; take letters, digits and signs such as . - @."
            )
        hashed = None if password is None else self._hashed(password)

        def added(users: dict[str, User]) -> None:
            if _key(user.name) in users:
                raise NoSuchUser(
                    f"There is a user {user.name} already; remove it first: "
                    f"{command(f'user remove {shlex.quote(user.name)}', self._workspace.root)}"
                )
            users[_key(user.name)] = user.model_copy(update={"password": hashed})

        self._change(added)

    def remove(self, name: str) -> None:
        """Remove somebody and end all sessions of that name. Raises NoSuchUser."""
        self._change(lambda users: users.pop(self._known(users, name)))

    def set_password(self, name: str, password: str) -> None:
        """Another password, which ends all sessions. Raises NoSuchUser, also for too short a password."""
        hashed = self._hashed(password)
        self._renew(name, {"password": hashed})

    def end_sessions(self, name: str) -> None:
        """All sessions of somebody are over. Raises NoSuchUser."""
        self._renew(name, {})

    def _renew(self, name: str, update: dict[str, str]) -> None:
        def renewed(users: dict[str, User]) -> None:
            key = self._known(users, name)
            users[key] = users[key].model_copy(update={**update, "generation": secrets.token_hex(8)})

        self._change(renewed)

    def _known(self, users: dict[str, User], name: str) -> str:
        if _key(name) not in users:
            raise NoSuchUser(
                f"There is no user {quoted(name)}; see {command('user list', self._workspace.root)}"
            )
        return _key(name)

    def _hashed(self, password: str) -> str:
        normal = _normal(password)
        if not SHORTEST_PASSWORD <= len(normal) <= _LONGEST:
            raise NoSuchUser(
                f"The password has {len(normal)} characters; take one of at least {SHORTEST_PASSWORD} "
                f"and at most {_LONGEST}."
            )
        with _HASHING:
            return _HASHER.hash(normal)

    def _change(self, change: Callable[[dict[str, User]], object]) -> None:
        with private.sole_writer(self._workspace):
            users = dict(self._users())
            change(users)
            file = _File(users=tuple(user for _, user in sorted(users.items())))
            write_private(self._path, file.model_dump_json(indent=1) + "\n")

    def _users(self) -> dict[str, User]:
        with self._lock:
            try:
                found = self._path.stat()
            except FileNotFoundError:
                return {}
            # The file is replaced whole, so a change always has another inode or time.
            stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
            if stamp != self._read[0]:
                self._read = (stamp, self._as_it_was_written())
            return self._read[1]

    def _as_it_was_written(self) -> dict[str, User]:
        try:
            users = _File.model_validate_json(self._path.read_bytes()).users
        except ValidationError as error:
            detail = error.errors()[0]
            place = ".".join(str(step) for step in detail["loc"])
            raise InputProblems(
                [
                    InputProblem(
                        self._workspace.relative(self._path),
                        f"was changed and cannot be read any more ({place}: {detail['msg']})",
                        "restore it from a backup, or remove it and add the users again",
                    )
                ]
            ) from error
        return {_key(user.name): user for user in users}


def salesperson_key(workspace: Workspace, given: str) -> str:
    """How the publication names a salesperson.

    Args:
        given: the company's own key of the salesperson, or the pseudonym.

    Raises NoSuchUser where the current publication has no such salesperson.
    """
    pseudonyms = {each.salesperson_id: each.pseudonym for each in read_names(workspace)}
    key = pseudonyms.get(given, given)
    if (key,) not in _salespeople(workspace, "salesperson_id"):
        raise NoSuchUser(
            f"The current publication has no salesperson {quoted(given)}; "
            f"take one of {command('salespeople', workspace.root)}, or refresh first."
        )
    return key


def team_name(workspace: Workspace, given: str) -> str:
    """A team that the publication has. Raises NoSuchUser where it has none of that name."""
    teams = [team for (team,) in _salespeople(workspace, "team") if team]
    if given not in teams:
        listed = (
            f"take one of {', '.join(sorted(teams))}" if teams else "it has none; salespeople need a team"
        )
        raise NoSuchUser(f"The current publication has no team {quoted(given)}; {one_line(listed)}.")
    return given


def somebody(
    workspace: Workspace, name: str, role: str, salesperson: str | None = None, team: str | None = None
) -> User:
    """A user with what the role needs, as the publication has it, without a password yet.

    Raises NoSuchUser for a role, salesperson or team that there is not.
    """
    if role not in ROLES:
        raise NoSuchUser(f"{quoted(role)} is no role; take one of {', '.join(ROLES)}.")
    try:
        return User(
            name=name,
            role=role,
            salesperson_id=None if salesperson is None else salesperson_key(workspace, salesperson),
            team=None if team is None else team_name(workspace, team),
        )
    except ValidationError as error:
        detail = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise NoSuchUser(
            f"{quoted(name)} cannot be added as {role}: {detail}; see --salesperson and --team."
        ) from error


def _salespeople(workspace: Workspace, column: str) -> Sequence[tuple[str | None]]:
    current = store.current(workspace.published)
    if current is None:
        raise NoSuchUser(
            f"Nothing is published yet, so no salesperson is known; run "
            f"{command('refresh', workspace.root)} first."
        )
    with duckdb.connect(str(current.database), read_only=True) as con:
        return con.execute(
            f"select distinct {column} from marts.salespeople where not is_unassigned"
        ).fetchall()


@cache
def _hash_of_nobody() -> str:
    """Verified for who is not there, so that the answer takes as long."""
    return _HASHER.hash(secrets.token_hex())


def _normal(password: str) -> str:
    # The same letters typed on another machine are the same password.
    return unicodedata.normalize("NFC", password)


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
