"""The file of users and the commands that change it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import threading
from pathlib import Path

import pytest
from browsers import PASSWORD
from running import COMMAND, REPOSITORY, environment

from kunderegnskab.web.users import NoSuchUser, User, Users, salesperson_key, somebody, team_name
from kunderegnskab.workspace import Workspace


def user(*arguments: str | Path, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMAND), "user", *map(str, arguments)],
        cwd=REPOSITORY,
        env=environment(),
        input=said,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.quick
def test_only_their_owner_reads_the_files(users: Users, workspace: Workspace) -> None:
    folder = workspace.state / "web"
    assert (rights(folder), rights(folder / "users.json")) == (0o700, 0o600)
    text = (folder / "users.json").read_text(encoding="utf-8")
    assert PASSWORD not in text
    assert text.count("$argon2id$v=19$") == 2


@pytest.mark.quick
def test_a_name_is_the_same_however_it_is_written(users: Users) -> None:
    with pytest.raises(NoSuchUser, match="There is a user ANNE already; remove it first"):
        users.add(User(name="ANNE", role="audit"), PASSWORD)
    users.add(User(name="søren", role="audit"), "a\u030angstr\u00f6m og mere")
    found = users.verified("SØREN", "ångstro\u0308m og mere")
    assert found == users.find("søren")
    assert found is not None


@pytest.mark.quick
@pytest.mark.parametrize("name", [" anne", "an\nne", "an\x1bne", "an\u202ene"])
def test_a_name_that_cannot_be_seen_is_refused(users: Users, name: str) -> None:
    with pytest.raises(NoSuchUser, match="cannot be a user's name"):
        users.add(User(name=name, role="audit"), PASSWORD)


@pytest.mark.quick
@pytest.mark.parametrize("password", ["", "elleve tegn", "x" * 1001])
def test_a_password_is_long_enough(users: Users, password: str) -> None:
    with pytest.raises(NoSuchUser, match="at least 12"):
        users.set_password("anne", password)
    assert users.verified("anne", PASSWORD)


@pytest.mark.quick
@pytest.mark.parametrize(
    "wrong",
    [
        {"role": "salesperson"},
        {"role": "manager"},
        {"role": "finance", "salesperson_id": "S-1"},
        {"role": "salesperson", "salesperson_id": "S-1", "team": "Øst"},
        {"role": "boss"},
    ],
)
def test_a_user_has_what_the_role_needs(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"salesperson|team|Input should be"):
        User.model_validate({"name": "x", **wrong})


@pytest.mark.quick
def test_changes_at_the_same_time_are_all_made(workspace: Workspace) -> None:
    names = [f"user {number}" for number in range(8)]
    threads = [
        threading.Thread(target=lambda name=name: Users(workspace).add(User(name=name, role="audit"), None))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.name for each in Users(workspace).all()] == names


def test_salespeople_and_teams_are_those_of_the_publication(selling_company: Workspace) -> None:
    with (selling_company.personal / "salespeople.csv").open(encoding="utf-8") as stream:
        pseudonym, key = stream.readlines()[1].split(",")[:2]
    assert salesperson_key(selling_company, key) == salesperson_key(selling_company, pseudonym) == pseudonym
    assert team_name(selling_company, "Øst") == "Øst"
    for wrong in ("XX", "Ikke tildelt", "' or 1=1 --"):
        with pytest.raises(NoSuchUser, match="has no salesperson"):
            salesperson_key(selling_company, wrong)
    with pytest.raises(NoSuchUser, match=r"has no team 'Vest'; take one of .*Øst"):
        team_name(selling_company, "Vest")
    with pytest.raises(NoSuchUser, match="a manager needs a team"):
        somebody(selling_company, "x", "manager")


def test_the_commands_add_list_change_and_remove(workspace: Workspace) -> None:
    at = ("--workspace", workspace.root)
    added = user("add", "anne", "--role", "finance", *at, said=f"{PASSWORD}\n")
    assert (added.returncode, added.stdout) == (0, "anne may open the web page as finance.\n"), added.stderr
    assert user("add", "eva", "--role", "audit", "--no-password", *at).returncode == 0
    kept = (workspace.state / "web" / "users.json").read_text(encoding="utf-8")
    assert "$argon2id$v=19$m=65536,t=3,p=4$" in kept
    listed = json.loads(user("list", "--json", *at).stdout)["users"]
    assert [(each["name"], each["has_password"]) for each in listed] == [("anne", True), ("eva", False)]
    assert "argon2" not in json.dumps(listed)
    assert user("password", "anne", *at, said="en helt anden adgangskode\n").returncode == 0
    assert Users(workspace).verified("anne", "en helt anden adgangskode")
    assert user("remove", "anne", *at).returncode == 0
    again = user("remove", "anne", *at)
    assert (
        again.returncode,
        again.stderr.startswith("There is no user 'anne'; see kunderegnskab user list"),
    ) == (1, True)


def test_what_cannot_be_added_is_said_in_one_sentence(workspace: Workspace) -> None:
    at = ("--workspace", workspace.root)
    for arguments, said in {
        (
            "add",
            "x",
            "--role",
            "boss",
        ): "'boss' is no role; take one of salesperson, manager, finance, audit.",
        ("add", "x", "--role", "audit"): "The password has 0 characters; take one of at least 12",
        ("add", "x", "--role", "salesperson", "--salesperson", "S-1"): "Nothing is published yet",
    }.items():
        done = user(*arguments, *at)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert said in done.stderr
    assert not (workspace.state / "web" / "users.json").exists()
    assert os.environ.get("KUNDEREGNSKAB_WORKSPACE") is None
