"""A real PostgreSQL server of the system's package, for the tests of one process, on a port of this machine alone."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# The server refuses to run as root.
_USER = "postgres"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a server without tables, whose superuser needs no password."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[4]))
    found = str(programs[-1]) if programs else shutil.which("pg_ctl") or ""
    if not found:
        reason = "PostgreSQL's server is not installed (Debian: apt-get install postgresql)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    # Not pytest's folder, which nobody but this user may enter.
    with tempfile.TemporaryDirectory(prefix="pg-") as made:
        folder = Path(made)
        as_user: list[str] = []
        if os.geteuid() == 0:
            as_user = ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups"]
            shutil.chown(folder, _USER, _USER)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        said = folder / "said"

        def run(program: str, *arguments: str) -> None:
            command = [*as_user, str(Path(found).with_name(program)), "-D", str(folder / "data"), *arguments]
            # The server keeps what it says open for as long as it runs, so it is no pipe.
            with said.open("ab") as stream:
                code = subprocess.run(command, cwd=folder, stdout=stream, stderr=stream).returncode
            assert code == 0, said.read_text(encoding="utf-8")

        run("initdb", "-A", "trust", "-U", "postgres", "--no-sync", "--encoding=UTF8")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        run("pg_ctl", "-o", options, "-w", "start")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
