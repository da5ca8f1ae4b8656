"""What dbt compiled for one refresh is what it would compile for any other, and an older project's is not used."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.compilation import Compiler

from kunderegnskab.dbt.agreed import STAMP
from kunderegnskab.dbt.process import DbtEnded, DbtProcess
from kunderegnskab.dbt.project import environment, parse_folder
from kunderegnskab.workspace import Workspace
from kunderegnskab_orchestration.dbt_launcher import CompiledOnce

NODE = "model.kunderegnskab.customers"


def compile_code(compiler: Any, node: Any, *rest: Any) -> Any:
    """Stands for dbt's own, and notes what it compiles."""
    node.compiled_code = f"select {node.raw_code}"
    compiler.compiled.append(node.unique_id)
    return node


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], CompiledOnce]:
    """A process of dbt's over the folder of a parse; a new one with each call."""
    (tmp_path / STAMP).write_text("project-1 manifest")

    def start() -> CompiledOnce:
        monkeypatch.setattr(Compiler, "_compile_code", compile_code)
        return CompiledOnce(tmp_path)

    return start


def compiled(raw_code: str) -> tuple[str, bool]:
    """The SQL of a node, and whether dbt compiled it."""
    compiler = SimpleNamespace(compiled=[])
    node = SimpleNamespace(unique_id=NODE, resource_type="model", raw_code=raw_code, compiled_code=None)
    Compiler._compile_code(compiler, node, None)  # ty: ignore[invalid-argument-type]
    return str(node.compiled_code), bool(compiler.compiled)


def test_a_node_is_compiled_once(process: Callable[[], CompiledOnce]) -> None:
    once = process()
    assert compiled("1") == ("select 1", True)
    once.keep()
    process()
    assert compiled("1") == ("select 1", False)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"made_from": "other", "sql": {}}'])
def test_what_cannot_be_read_is_compiled_again(
    process: Callable[[], CompiledOnce], tmp_path: Path, content: str
) -> None:
    (tmp_path / "compiled.json").write_text(content)
    process()
    assert compiled("1") == ("select 1", True)


def test_sql_of_another_project_is_not_used(process: Callable[[], CompiledOnce], tmp_path: Path) -> None:
    once = process()
    compiled("1")
    once.keep()
    (tmp_path / STAMP).write_text("project-2 manifest")
    process()
    assert compiled("2") == ("select 2", True)


def test_a_project_that_changes_while_dbt_reads_it_is_not_built(
    small_workspace: Path, tmp_path: Path
) -> None:
    """The stamp is what the refresh saw, the files are what dbt has read: SQL of one would be kept as the other's."""
    workspace = Workspace(small_workspace)
    (tmp_path / STAMP).write_text("the project as it was")
    dbt = DbtProcess({**environment(workspace), "DBT_TARGET_PATH": str(tmp_path)})
    try:
        with pytest.raises(DbtEnded, match="have changed while it was read"):
            dbt.run(["build", "--select", "months"], tmp_path / "run", lambda *_: None)
    finally:
        dbt.end()
    assert not (tmp_path / "compiled.json").exists()


def test_dbts_own_way_to_compile_is_the_one_we_know() -> None:
    """Red with a new dbt: look whether it still only fills in SQL, or does more that kept SQL would leave out."""
    source = inspect.getsource(Compiler._compile_code)
    assert hashlib.sha256(source.encode()).hexdigest()[:16] == "89c72114a84c838b"


def test_a_refresh_compiles_what_any_other_warehouse_gets(
    manifest: dict[str, Any], small_workspace: Path
) -> None:
    """`manifest` is of a `dbt build` by itself, on another company's warehouse in another folder."""
    kept = json.loads(
        (parse_folder(Workspace(small_workspace)) / "compiled.json").read_text(encoding="utf-8")
    )
    nodes = manifest["nodes"]
    expected = {
        name: node["compiled_code"]
        for name, node in nodes.items()
        if node["resource_type"] in ("model", "test")
    }
    assert len(expected) > 250
    assert kept["sql"] == expected
