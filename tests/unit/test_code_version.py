"""A version of the code is one of the packages it runs with, too; the lock stands for those that it names."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kunderegnskab import code_version as code
from kunderegnskab.installation import LOCK
from kunderegnskab_orchestration import reperform


@pytest.fixture(autouse=True)
def asked_anew() -> Generator[None]:
    cached = (code.code_version, code.lock_sha256, code._installed)
    for each in cached:
        each.cache_clear()
    yield
    for each in cached:
        each.cache_clear()


def ask_again() -> tuple[str, str | None]:
    for each in (code.code_version, code.lock_sha256, code._installed):
        each.cache_clear()
    return code.code_version(), code.lock_sha256()


def test_other_versions_than_the_locks_are_told_from_them(monkeypatch: pytest.MonkeyPatch) -> None:
    version, lock = ask_again()
    assert lock is not None
    real = importlib.metadata.version
    monkeypatch.setattr(code, "version", lambda name: "9.9" if name == "duckdb" else real(name))
    other, no_lock = ask_again()
    assert no_lock is None
    assert other != version
    monkeypatch.setattr(code, "version", lambda name: "9.8" if name == "duckdb" else real(name))
    assert ask_again()[0] not in (version, other)


def test_without_a_lock_the_versions_themselves_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    version, _ = ask_again()
    monkeypatch.setattr(code, "LOCK", tmp_path / "requirements.lock")
    other, no_lock = ask_again()
    assert no_lock is None
    assert other != version


def test_the_lock_belongs_to_the_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    version, _ = ask_again()
    monkeypatch.setattr(code, "LOCK", tmp_path / "requirements.lock")
    (tmp_path / "requirements.lock").write_text(LOCK.read_text(encoding="utf-8") + "# another\n")
    other, lock = ask_again()
    assert lock is not None
    assert other != version


@pytest.mark.parametrize("name", ["a.py", "sub/b.yaml"])
def test_a_file_counts_by_name_and_content_wherever_its_folder_lies(tmp_path: Path, name: str) -> None:
    globs = ("*.py", "*.yaml")
    for place in ("clone", "installation"):
        file = tmp_path / place / "package" / name
        file.parent.mkdir(parents=True)
        file.write_text("1")
    clone, installation = ({tmp_path / place / "package": globs} for place in ("clone", "installation"))
    before = code.tree_sha256(clone)
    assert code.tree_sha256(installation) == before
    bundled = tmp_path / "installation" / "package" / "bundled" / "c.py"
    bundled.parent.mkdir()
    bundled.write_text("1")
    assert code.tree_sha256(installation) == before
    (tmp_path / "installation" / "package" / name).write_text("2")
    assert code.tree_sha256(installation) != before


@pytest.mark.parametrize(
    ("repository", "lock", "why"),
    [
        (None, "a" * 64, "was installed without its repository"),
        (Path(), None, "with other packages than are"),
    ],
)
def test_earlier_code_is_not_run_where_it_is_not_or_with_unknown_packages(
    monkeypatch: pytest.MonkeyPatch, repository: Path | None, lock: str | None, why: str
) -> None:
    monkeypatch.setattr(reperform, "REPOSITORY", repository)
    monkeypatch.setattr(reperform, "lock_sha256", lambda: lock)
    manifest = SimpleNamespace(code_version="0.1.0+abc", code_commit="c" * 40, lock_sha256=lock)
    publication: Any = SimpleNamespace(name="0001-abc", manifest=manifest)
    workspace: Any = None
    (found,) = reperform.reperform(workspace, [publication]).values()
    assert why in str(found)
