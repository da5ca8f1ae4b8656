"""What tests of the web page share: a company without a publication, one with, a clock, and browsers.

Which ids are whose belongs in `tampering`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from argon2 import PasswordHasher
from browsers import COMPANY, PASSWORD, Clock
from looking import Looking, looking

from kunderegnskab.reading.scope import Role, Viewer
from kunderegnskab.reading.traces import Traces
from kunderegnskab.web import users as users_module
from kunderegnskab.web.users import User, Users
from kunderegnskab.workspace import Workspace


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed as always, in less time; the commands hash as they do everywhere."""
    monkeypatch.setattr(users_module, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    users_module._hash_of_nobody.cache_clear()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A company that has published nothing."""
    root = tmp_path / "company"
    root.mkdir()
    (root / "company.yaml").write_text(COMPANY, encoding="utf-8")
    return Workspace(root)


@pytest.fixture
def users(workspace: Workspace) -> Users:
    """Anne in finance and Bo who sells, both with a password."""
    found = Users(workspace)
    found.add(User(name="anne", role="finance"), PASSWORD)
    found.add(User(name="bo", role="salesperson", salesperson_id="S-1"), PASSWORD)
    return found


@pytest.fixture(scope="session")
def published_company(request: pytest.FixtureRequest) -> Path:
    """A workspace with the demo company's publication: the one of `make demo` if it is there, else a small one."""
    made = os.environ.get("KUNDEREGNSKAB_DEMO")
    return Path(made) if made else request.getfixturevalue("demo_workspace")


def reading_of(company: Path, root: Path) -> Workspace:
    """A workspace that reads a company's publication and what that was made from, and notes in a state of its own."""
    root.mkdir()
    for name in ("company.yaml", "feeds.yaml"):
        shutil.copy(company / name, root)
    # Pages write policy records: in a copy.
    for name in ("personal", "policy"):
        shutil.copytree(company / name, root / name)
    for name in ("published", "lake", "landing"):
        (root / name).symlink_to(company / name, target_is_directory=True)
    return Workspace(root)


@pytest.fixture
def selling_company(published_company: Path, tmp_path: Path) -> Workspace:
    """A workspace of its own that reads the same publication, and what it was made from."""
    return reading_of(published_company, tmp_path / "selling")


@pytest.fixture(scope="session")
def readable_company(published_company: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace of its own that reads the same publication, and what it was made from."""
    return reading_of(published_company, tmp_path_factory.mktemp("reading") / "readable")


@pytest.fixture(scope="session")
def viewers(readable_company: Workspace) -> dict[Role, Viewer]:
    """One of each role, by what the publication says: whoever has most customers, and the team."""
    with duckdb.connect(
        str(readable_company.published / "current" / "kunderegnskab.duckdb"), read_only=True
    ) as con:
        found = con.execute(
            """
            select salesperson_id, team from marts.current_portfolio_accounts
            join marts.salespeople using (salesperson_id)
            where team is not null group by all order by count(distinct customer_id) desc, 1 limit 1
            """
        ).fetchone()
    assert found is not None
    seller, team = found
    return {
        "salesperson": Viewer("seller", "salesperson", seller),
        "manager": Viewer("leader", "manager", team=team),
        "finance": Viewer("money", "finance"),
        "audit": Viewer("auditor", "audit"),
    }


@pytest.fixture(scope="session")
def looks(readable_company: Workspace, viewers: dict[Role, Viewer]) -> Iterator[dict[Role, Looking]]:
    """A browser of one of each role."""
    # What several numbers share is computed once for all of them.
    traces = Traces(readable_company)
    found = {role: looking(readable_company, viewer, traces) for role, viewer in viewers.items()}
    yield found
    traces.close()
    for each in found.values():
        each.close()
