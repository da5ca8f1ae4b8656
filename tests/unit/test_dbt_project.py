"""What is kept of the dbt project is taken for what it is: its parse, its lineage, and what dbt did not come to.

Nor does dbt get an option that somebody has set for another project.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from small_intake import workspace_of

from kunderegnskab.audit.models import Model
from kunderegnskab.code_version import MODELS, Patterns, tree_sha256
from kunderegnskab.dbt import project as dbt_project
from kunderegnskab.dbt.agreed import STAMP
from kunderegnskab.dbt.answers import LineageCache
from kunderegnskab.dbt.project import DbtProjectError, ensure_manifest, environment, environment_of_process
from kunderegnskab.installation import DBT_PROJECT
from kunderegnskab.refresh import building
from kunderegnskab.workspace import Workspace


def models_of(root: Path) -> Patterns:
    return {root / "dbt_project": MODELS[DBT_PROJECT]}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a model; below a folder that is named as one that dbt makes."""
    root = tmp_path / "target" / "repository"
    (root / "dbt_project" / "models").mkdir(parents=True)
    (root / "dbt_project" / "models" / "m.sql").write_text("select 1")
    monkeypatch.setattr(dbt_project, "REPOSITORY", root)
    monkeypatch.setattr(dbt_project, "MODELS", models_of(root))
    return root


@pytest.fixture
def parses(repository: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was parsed; the manifest says what the model was."""
    model = repository / "dbt_project" / "models" / "m.sql"
    found: list[str] = []

    def parse(workspace: Workspace) -> None:
        found.append(model.read_text())
        (dbt_project.parse_folder(workspace) / "manifest.json").write_text(f'{{"model": "{found[-1]}"}}')

    monkeypatch.setattr(dbt_project, "_parse", parse)
    return found


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return workspace_of(tmp_path / "firma")


def test_a_project_is_parsed_once(workspace: Workspace, parses: list[str], repository: Path) -> None:
    for _ in range(2):
        ensure_manifest(workspace)
    assert parses == ["select 1"]
    (repository / "dbt_project" / "models" / "m.sql").write_text("select 2")
    ensure_manifest(workspace)
    assert parses == ["select 1", "select 2"]


DAMAGES: dict[str, Callable[[Path], object]] = {
    "half a manifest": lambda folder: (folder / "manifest.json").write_text('{"mo'),
    "another manifest": lambda folder: (folder / "manifest.json").write_text('{"model": "select 3"}'),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "no stamp": lambda folder: (folder / STAMP).unlink(),
    "a stamp that is no text": lambda folder: (folder / STAMP).write_bytes(b"\xff\xfe"),
    "an empty stamp": lambda folder: (folder / STAMP).write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_a_killed_or_foreign_parse_left_is_parsed_again(
    workspace: Workspace, parses: list[str], damage: str
) -> None:
    manifest = ensure_manifest(workspace)
    DAMAGES[damage](manifest.parent)
    ensure_manifest(workspace)
    assert manifest.read_text() == '{"model": "select 1"}'
    ensure_manifest(workspace)
    assert parses == ["select 1", "select 1"]


def test_the_manifest_of_a_killed_parse_is_not_taken_for_that_of_other_files(
    workspace: Workspace, parses: list[str], repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Back at the old files, the old stamp would be right and the manifest of the files in between."""
    manifest = ensure_manifest(workspace)
    model = repository / "dbt_project" / "models" / "m.sql"
    model.write_text("select 2")

    def killed(_: Workspace) -> None:
        manifest.write_text('{"model": "select 2"}')
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dbt_project, "_parse", killed)
        with pytest.raises(KeyboardInterrupt):
            ensure_manifest(workspace)
    model.write_text("select 1")
    ensure_manifest(workspace)
    assert manifest.read_text() == '{"model": "select 1"}'


def test_files_that_change_while_they_are_parsed_are_refused(
    workspace: Workspace, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = repository / "dbt_project" / "models" / "m.sql"
    monkeypatch.setattr(dbt_project, "_parse", lambda _: model.write_text("select 2"))
    with pytest.raises(DbtProjectError, match="changed while it was read"):
        ensure_manifest(workspace)


def test_code_below_a_folder_of_any_name_is_seen(repository: Path) -> None:
    before = tree_sha256(models_of(repository))
    (repository / "dbt_project" / "models" / "m.sql").write_text("select 2")
    assert tree_sha256(models_of(repository)) != before


def test_options_of_another_project_do_not_reach_dbt(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "DBT_EMPTY": "1",
        "DBT_PROJECT_DIR": "/else",
        "DBT_TARGET": "prod",
        "LANG": "C",
    }.items():
        monkeypatch.setenv(name, value)
    given = environment_of_process(environment(workspace))
    assert {"DBT_EMPTY", "DBT_TARGET"}.isdisjoint(given)
    assert given["DBT_PROJECT_DIR"] == str(DBT_PROJECT)
    assert given["LANG"] == "C"


@pytest.mark.parametrize(
    "content", ["", "null", "[1]", '{"key": "x"}', '{"key": 1, "catalog": {}, "lineage": [1]}']
)
def test_lineage_that_cannot_be_read_says_nothing(tmp_path: Path, content: str) -> None:
    cache = LineageCache(tmp_path)
    cache.file.write_text(content)
    assert cache.kept() == ({}, {}, {})


def test_lineage_of_a_stopped_build_does_not_replace_that_of_a_whole_one(tmp_path: Path) -> None:
    models = [
        Model("marts", name, "table", f"select 1 as {column}", (), "")
        for name, column in (("a", "x"), ("b", "y"))
    ]
    cache = LineageCache(tmp_path)
    with duckdb.connect() as con:
        con.execute(
            "create schema marts; create table marts.a as select 1 as x; create table marts.b as select 1 as y"
        )
        cache.of(models, con)
        part, _ = cache.of(models[:1], con)
        assert part.keys() == {("marts", "a")}
        first = json.loads(cache.file.read_text())["key"]
        _, kept, _ = cache.kept()
        assert kept.keys() == {("marts", "a"), ("marts", "b")}
        # Other queries of all models do replace it.
        other = [replace(model, query=f"{model.query} limit 1") for model in models]
        cache.of(other, con)
        assert json.loads(cache.file.read_text())["key"] != first


def test_what_dbt_left_out_is_a_problem_though_no_rule_blocks() -> None:
    """Of a manifest of other files a blocking rule may look like one that only warns."""
    answers = [
        {"unique_id": "test.kunderegnskab.a__rules", "status": "fail", "message": "Got 1 result"},
        {"unique_id": "model.kunderegnskab.b", "status": "skipped", "message": ""},
    ]
    assert building._problems(answers, []) == ["dbt left out 1 node, see the log."]
    assert building._problems(answers[:1], []) == []
