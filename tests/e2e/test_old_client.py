"""A BI tool that carries an old DuckDB reads the published file, and reads the same decimals.

What is in the file is tested in tests/unit/test_publication.py.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

WORKER = Path(__file__).with_name("publication_worker.py")
ROOT = Path(__file__).parents[2]
OLD_CLIENT = "duckdb==1.1.3"
TABLES = ("marts.customer_accounts", "audit.row_ledger")

READ = """
import duckdb, json, sys
con = duckdb.connect(sys.argv[1], read_only=True)
sums = {t: [str(v) for v in con.execute(
            f"select count(*), sum(amount), sum(big), max(month), typeof(any_value(amount)) from {t}"
        ).fetchone()] for t in sys.argv[2:]}
publication = con.execute("select publication from _publication").fetchone()[0]
print(json.dumps({"version": duckdb.__version__, "publication": publication, "sums": sums}))
"""


def find_uv() -> str | None:
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv")


@pytest.fixture(scope="module")
def old_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the old DuckDB and nothing else."""
    cached = os.environ.get("KUNDEREGNSKAB_OLD_CLIENT_VENV")
    folder = Path(cached) if cached else tmp_path_factory.mktemp("old_client") / "venv"
    python = folder / "bin" / "python"
    if python.exists() and installed_version(python) == OLD_CLIENT.partition("==")[2]:
        return python
    uv = find_uv()
    if uv is None:
        return unavailable("uv is not installed")
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", "--quiet", "--python", str(python), OLD_CLIENT],
    ):
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            return unavailable(f"{OLD_CLIENT} cannot be had: {done.stderr.strip()}")
    return python


def installed_version(python: Path) -> str:
    command = [str(python), "-c", "import duckdb; print(duckdb.__version__)"]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()


def unavailable(reason: str) -> Path:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; this test must run in CI")
    pytest.skip(reason)


def test_duckdb_1_1_reads_the_published_file(old_python: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, str(WORKER), "publish", str(tmp_path), "1"],
        check=True,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    database = tmp_path / "published" / "current" / "kunderegnskab.duckdb"
    script = tmp_path / "read.py"
    script.write_text(READ, encoding="utf-8")
    read = [
        json.loads(
            subprocess.run(
                [python, str(script), str(database), *TABLES], check=True, capture_output=True, text=True
            ).stdout
        )
        for python in (str(old_python), sys.executable)
    ]
    assert [client.pop("version") for client in read] == [OLD_CLIENT.partition("==")[2], duckdb.__version__]
    assert read[0] == read[1]
    # sum(i * 1234.56 - 9000000) over i = 0 .. 19999, to the last decimal
    assert read[0]["sums"]["marts.customer_accounts"][:2] == ["20000", "66899654400.0000"]


READ_ALL = """
import duckdb, json, sys
con = duckdb.connect(sys.argv[1], read_only=True)
tables = con.execute(
    "select table_schema || '.' || table_name from information_schema.tables "
    "where table_schema in ('marts', 'audit') order by 1"
).fetchall()
print(json.dumps({t: sorted(map(repr, con.execute(f"select * from {t}").fetchall())) for (t,) in tables}))
"""


def test_duckdb_1_1_reads_every_table_of_a_company(old_python: Path, small_workspace: Path) -> None:
    database = small_workspace / "published" / "current" / "kunderegnskab.duckdb"
    old, new = (
        json.loads(
            subprocess.run(
                [python, "-c", READ_ALL, str(database)], check=True, capture_output=True, text=True
            ).stdout
        )
        for python in (str(old_python), sys.executable)
    )
    assert old == new
    assert len(old["marts.customer_accounts"]) > 0
