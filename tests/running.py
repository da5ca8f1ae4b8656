"""Runs the product as a user does, and looks at what it left behind.

Workspaces to run it on belong in `companies`, what must hold in the tests.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

REPOSITORY = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).with_name("kunderegnskab")
DAGSTER = Path(sys.executable).with_name("dagster")
# A refresh of a small company takes a minute; a machine that is busy needs longer. Beyond this it hangs.
PATIENCE_SECONDS = 900


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be JSON and nothing else."""
        return json.loads(self.out)


def environment(**more: str) -> dict[str, str]:
    """The environment without what an earlier test, or the machine, may have set for the product."""
    ours = (
        "KUNDEREGNSKAB_WORKSPACE", "KUNDEREGNSKAB_STATE", "KUNDEREGNSKAB_WAREHOUSE", "KUNDEREGNSKAB_ASSET_PREFIX",
        "DBT_", "DAGSTER_", "OPENLINEAGE_",
    )  # fmt: skip
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | more


def kunderegnskab(*arguments: str | Path, **more: str) -> Done:
    """The command, run to its end."""
    return run(COMMAND, *arguments, **more)


def run(command: Path, *arguments: str | Path, **more: str) -> Done:
    """Any command with a clean environment, run to its end in the repository."""
    done = subprocess.run(
        [str(command), *map(str, arguments)],
        cwd=REPOSITORY,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def start(*arguments: str | Path) -> subprocess.Popen[bytes]:
    """The command, not waited for; the leader of a process group of its own."""
    return subprocess.Popen(
        [str(COMMAND), *map(str, arguments)],
        cwd=REPOSITORY,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def refreshed(workspace: Path, *options: str) -> dict[str, Any]:
    """A refresh that must not fail; its report."""
    done = kunderegnskab("refresh", "--json", *options, "--workspace", workspace)
    assert done.code == 0, f"{done.out}\n{done.err}"
    return done.json


@contextmanager
def published(workspace: Path) -> Generator[duckdb.DuckDBPyConnection]:
    """What is published, opened as a BI tool does."""
    database = workspace / "published" / "current" / "kunderegnskab.duckdb"
    with duckdb.connect(str(database), read_only=True) as con:
        yield con


def rows(workspace: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of what is published."""
    with published(workspace) as con:
        return con.execute(query).fetchall()


def copied(shared: Path, folder: Path) -> Path:
    """A workspace that may be changed: a copy of one that may not, which `put_back` can put back.

    Its warehouse reads the lake of the other one until the first refresh, which makes a new warehouse.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pristine").symlink_to(shared, target_is_directory=True)
    return Path(shutil.copytree(shared, folder / "workspace", symlinks=True))


def keep_pristine(workspace: Path) -> None:
    """Remember a workspace as it is now."""
    shutil.copytree(workspace, workspace.with_name("pristine"), symlinks=True)


def put_back(workspace: Path) -> None:
    """Make a workspace what it was when it was remembered."""
    shutil.rmtree(workspace)
    shutil.copytree(workspace.with_name("pristine"), workspace, symlinks=True)


def tree(folder: Path) -> dict[str, str]:
    """Every file and link below a folder, by name: the SHA-256 of its content, or where it points."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
