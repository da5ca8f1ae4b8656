"""The program as others install it: a wheel, in an environment of its own that nobody may write in.

What the commands do is tested where it belongs; here, that they find what they need and leave what they make
in the workspace.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

import psutil
import pytest
from running import PATIENCE_SECONDS, REPOSITORY, Done, environment

from kunderegnskab.code_version import code_version, lock_sha256

UV = Path(sys.executable).with_name("uv")
# What the wheel may bring to an environment that it shares with others.
PACKAGES = {"kunderegnskab", "kunderegnskab_orchestration"}
_LOCATIONS = (
    "{workspaceOrError {... on Workspace {locationEntries {name locationOrLoadError {__typename "
    "... on RepositoryLocation {repositories {schedules {name}}} ... on PythonError {message}}}}}}"
)


@dataclass(frozen=True)
class Installed:
    """A wheel, the environment that it is installed in, and a folder to stand in."""

    wheel: Path
    environment: Path
    place: Path

    @property
    def home(self) -> Path:
        return self.place.parent / "home"

    @property
    def variables(self) -> dict[str, str]:
        """Nothing that leads to the clone, or that keeps Python from leaving bytecode where it may."""
        ours = {name: value for name, value in environment().items() if not name.startswith("PYTHON")}
        return {**ours, "HOME": str(self.home), "PATH": os.defpath}

    def started(self, *arguments: str | Path, place: Path | None = None) -> subprocess.Popen[str]:
        """Any program of the environment."""
        command, *rest = map(str, arguments)
        return subprocess.Popen(
            [str(self.environment / "bin" / command), *rest],
            cwd=place or self.place,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str | Path, place: Path | None = None) -> Done:
        with self.started(*arguments, place=place) as process:
            out, err = process.communicate(timeout=PATIENCE_SECONDS)
        return Done(process.returncode, out, err)

    def kunderegnskab(self, *arguments: str | Path, place: Path | None = None) -> Done:
        done = self.run("kunderegnskab", *arguments, place=place)
        assert done.code == 0, f"{arguments}\n{done.out}\n{done.err}"
        return done


def uv(*arguments: str | Path) -> None:
    done = subprocess.run(
        [str(UV), *map(str, arguments)],
        cwd=REPOSITORY,
        env={**os.environ, "UV_SYSTEM_CERTS": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file below a folder, but for what Python itself leaves where it may."""
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts and not path.is_dir()
    }


def let_write(folder: Path, may: bool) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | stat.S_IWUSR if may else path.stat().st_mode & ~0o222)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Generator[Installed]:
    """The wheel of this code, with the packages that it asks for in the versions of the lock."""
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", folder)
    (wheel,) = folder.glob("*.whl")
    made = Installed(wheel, folder / "environment", folder / "place")
    made.place.mkdir()
    made.home.mkdir()
    uv("venv", "--quiet", "--python", sys.executable, made.environment)
    uv(
        *("pip", "install", "--quiet", "--compile-bytecode", "--python", made.environment / "bin" / "python"),
        *("--constraint", REPOSITORY / "requirements.lock", wheel),
    )
    let_write(made.environment, False)
    yield made
    let_write(made.environment, True)
    shutil.rmtree(made.environment)


@pytest.fixture(scope="module")
def demo(installed: Installed) -> Path:
    """The demo company, made and published in the folder that the user stands in; nothing else was touched."""
    before = files(installed.environment)
    done = installed.kunderegnskab("demo", "--scale", "0.01", "--json")
    assert json.loads(done.out)["status"] == "published"
    assert [path.name for path in installed.place.iterdir()] == ["kunderegnskab-demo"]
    assert [*installed.home.iterdir()] == []
    # Whoever runs the tests as root may write in spite of the rights.
    assert files(installed.environment) == before
    return installed.place / "kunderegnskab-demo"


def test_it_brings_no_name_that_another_package_may_have(installed: Installed) -> None:
    names = {name.partition("/")[0] for name in zipfile.ZipFile(installed.wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == PACKAGES


def test_its_numbers_are_those_of_the_clone(installed: Installed) -> None:
    """Same code, same packages, same version: either can compute again what the other published."""
    script = "from kunderegnskab.code_version import *; print(code_version(), code_commit(), lock_sha256(), sep='|')"
    done = installed.run("python", "-c", script)
    assert done.out.split() == [f"{code_version()}|None|{lock_sha256()}"], done.err


def test_a_demo_can_be_changed_by_whoever_made_it(demo: Path) -> None:
    assert [path for path in (demo / "policy", *demo.rglob("*.csv")) if not path.stat().st_mode & 0o200] == []


def test_the_folder_that_the_user_stands_in_is_the_workspace(installed: Installed, demo: Path) -> None:
    assert installed.kunderegnskab("refresh", place=demo).out.startswith("Nothing has changed")
    refused = installed.run("kunderegnskab", "refresh")
    assert refused.code == 1
    assert refused.err.startswith(f"{installed.place}: is not a workspace, it has no company.yaml; name ")


def test_a_number_is_explained_down_to_its_records(installed: Installed, demo: Path) -> None:
    shown = installed.kunderegnskab("explain", "net_sales", "--month", "2025-06", "--depth", "1", place=demo)
    assert "Delene giver præcis det udgivne tal." in shown.out


def test_a_workspace_of_ones_own_is_made_anywhere(installed: Installed, tmp_path: Path) -> None:
    installed.kunderegnskab("init", "firma", place=tmp_path)
    assert (tmp_path / "firma" / "feeds.yaml").is_file()


def test_dagsters_page_shows_the_company(installed: Installed, demo: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    before = files(installed.environment)
    page = installed.started("kunderegnskab", "dev", "--port", str(port), place=demo)
    try:
        (location,) = locations(page, port)
        assert location["name"] == "kunderegnskab"
        (loaded,) = location["locationOrLoadError"]["repositories"]
        assert {schedule["name"] for schedule in loaded["schedules"]} >= {"daily_refresh"}
        assert files(installed.environment) == before
    finally:
        processes = [psutil.Process(page.pid), *psutil.Process(page.pid).children(recursive=True)]
        os.killpg(page.pid, signal.SIGINT)
        _, alive = psutil.wait_procs(processes, timeout=60)
        for process in alive:
            process.kill()
        page.communicate()


def locations(page: subprocess.Popen[str], port: int) -> list[dict[str, Any]]:
    """What the page says of the code that it has loaded, as soon as it answers."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        json.dumps({"query": _LOCATIONS}).encode(),
        {"Content-Type": "application/json"},
    )
    while page.poll() is None:
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return json.load(answer)["data"]["workspaceOrError"]["locationEntries"]
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)  # nobody listens yet
    raise AssertionError(page.communicate())
