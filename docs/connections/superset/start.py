"""Starts Apache Superset on this machine with a dashboard over a workspace's current publication.

    .venv/bin/python docs/connections/superset/start.py --workspace data --folder ../superset [--port 8088]

Everything that it makes lies in `--folder`: an environment of its own with Superset (about 700 MB),
Superset's own database, its secret, and the password of the user `admin`. What is there already is kept,
charts too, with what was changed in the browser: remove `superset.db` there to import `assets/` anew. It is
for trying: Superset's own documentation says how it is run for others.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ASSETS = Path(__file__).resolve().with_name("assets")
# What works together: later releases of what Superset needs break it, and it does not name the last two.
PACKAGES = ("apache-superset==6.1.0", "duckdb-engine==0.17.0", "rich", "cachetools")
NEWEST = "2026-05-25"
# Reads every publication; set after the others, because of that date.
DUCKDB = "duckdb==2.0.1"
CONFIGURATION = """\
from copy import deepcopy

from superset import config

SECRET_KEY = open({secret!r}).read()
SQLALCHEMY_DATABASE_URI = "sqlite:///" + {database!r}
D3_FORMAT = {{"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["", " kr."]}}
# Pages ask other sites for a counting pixel, maps and pictures; browsers are told to ask this one alone.
TALISMAN_CONFIG = deepcopy(config.TALISMAN_CONFIG)
TALISMAN_CONFIG["content_security_policy"] |= {{
    "img-src": ["'self'", "blob:", "data:"],
    "connect-src": ["'self'"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "font-src": ["'self'"],
}}
"""


def main() -> None:
    """Make what is missing, import the dashboard, and serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workspace", type=Path, default=Path("data"), help="a company that is published")
    parser.add_argument("--folder", type=Path, required=True, help="where all that is made is kept")
    parser.add_argument("--port", type=int, default=8088)
    options = parser.parse_args()
    database = options.workspace.resolve() / "published" / "current" / "kunderegnskab.duckdb"
    if not database.exists():
        sys.exit(f"There is no {database}; refresh the company first.")
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    superset = installed(folder)
    environment = configured(folder)
    run([superset, "db", "upgrade"], environment)
    password = private(folder / "admin-password")
    user = [
        "--username",
        "admin",
        "--firstname",
        "Admin",
        "--lastname",
        "Admin",
        "--email",
        "admin@localhost",
    ]
    run([superset, "fab", "create-admin", *user, "--password", password], environment)
    run([superset, "init"], environment)
    with tempfile.TemporaryDirectory() as scratch:
        bundle = packed(Path(scratch) / "kunderegnskab.zip", database)
        run([superset, "import-dashboards", "--path", bundle, "--username", "admin"], environment)
    address = f"http://127.0.0.1:{options.port}/superset/dashboard/kunderegnskab/"
    print(f"{address}\nUser admin, password in {folder / 'admin-password'}; Ctrl-C ends it.", flush=True)
    os.execve(
        superset,
        [str(superset), "run", "-h", "127.0.0.1", "-p", str(options.port), "--with-threads"],
        environment,
    )


def installed(folder: Path) -> Path:
    """Superset's command, in an environment of its own."""
    python = folder / "venv" / "bin" / "python"
    superset = python.with_name("superset")
    if superset.exists():
        return superset
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv") or sys.exit("uv is needed: pip install uv")
    print("Installing Superset, once, a minute or two", flush=True)
    run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder / "venv"], dict(os.environ))
    install = [uv, "pip", "install", "--quiet", "--python", python]
    run([*install, "--exclude-newer", NEWEST, *PACKAGES], dict(os.environ))
    run([*install, DUCKDB], dict(os.environ))
    return superset


def configured(folder: Path) -> dict[str, str]:
    """The environment in which Superset finds its configuration, and tells nobody that it runs."""
    secret = folder / "secret-key"
    private(secret)
    configuration = folder / "superset_config.py"
    text = CONFIGURATION.format(secret=str(secret), database=str(folder / "superset.db"))
    configuration.write_text(text, encoding="utf-8")
    return os.environ | {
        "FLASK_APP": "superset",
        "SCARF_ANALYTICS": "False",
        "SUPERSET_CONFIG_PATH": str(configuration),
        "SUPERSET_HOME": str(folder),
    }


def private(path: Path) -> str:
    """The secret of a file that its owner alone may read; made where it is missing."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
    return path.read_text(encoding="utf-8")


def packed(bundle: Path, database: Path) -> Path:
    """The assets as Superset imports them, over this database."""
    with zipfile.ZipFile(bundle, "w") as archive:
        for path in sorted(ASSETS.rglob("*.yaml")):
            text = path.read_text(encoding="utf-8").replace("duckdb:///DATABASE", f"duckdb:///{database}")
            archive.writestr(f"kunderegnskab/{path.relative_to(ASSETS).as_posix()}", text)
    return bundle


def run(command: list[str | Path], environment: dict[str, str]) -> None:
    """A command to its end; what it says is shown only if it fails."""
    done = subprocess.run(
        list(map(str, command)), env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        shown = " ".join(map(str, command[:2]))
        sys.exit(
            f"{shown} ended with exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
        )


if __name__ == "__main__":
    main()
