"""Imports run one way: from the top floor down, as docs/architecture.md lists the rooms.

What belongs in which room is for people to judge; that page says it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from running import REPOSITORY

# Package -> the folder of the repository that it lies in.
_PACKAGES = {"kunderegnskab": ".", "kunderegnskab_orchestration": "orchestration"}
_PLAIN, _STARTING = _PACKAGES
_PAGE = REPOSITORY / "docs" / "architecture.md"
# `| floor | rooms | ...`, a room being a folder or a module of a package.
_ROW = re.compile(r"^\| (\d+) \| ((?:`[\w./]+`(?:, )?)+) \|", re.MULTILINE)


def floors(page: str) -> dict[str, int]:
    """Room -> its floor, 1 being the lowest, as the page's table has it."""
    return {
        ".".join(Path(room).relative_to(folder).with_suffix("").parts): int(floor)
        for floor, rooms in _ROW.findall(page)
        for room in re.findall(r"`([^`]+)`", rooms)
        for package, folder in _PACKAGES.items()
        if Path(room).is_relative_to(Path(folder, package))
    }


def modules(root: Path) -> dict[str, Path]:
    """Module -> its file, of both packages; a package by its own name."""
    return {
        ".".join(file.relative_to(root / folder).with_suffix("").parts).removesuffix(".__init__"): file
        for package, folder in _PACKAGES.items()
        for file in (root / folder / package).rglob("*.py")
    }


def package_of(module: str) -> str:
    return module.partition(".")[0]


def room_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def imported(file: Path, known: dict[str, Path]) -> Iterator[str]:
    """Every module of ours that a file imports, also within a function or for types alone."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in known)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}, line {node.lineno}: name the whole module"
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                if whole in known or node.module in known:
                    yield whole if whole in known else str(node.module)


def broken(root: Path, floor: dict[str, int]) -> list[str]:
    """Rooms that are on no floor or not there, and imports that do not lead to a lower floor."""
    known = modules(root)
    rooms = {room_of(module) for module in known} - _PACKAGES.keys()
    found = [f"{room} is on no floor" for room in sorted(rooms - floor.keys())]
    found += [f"{room} is listed and not there" for room in sorted(floor.keys() - rooms)]
    for module, file in sorted(known.items()):
        for other in sorted(set(imported(file, known))):
            mine, theirs = room_of(module), room_of(other)
            # The packages themselves hold nothing but the version.
            if mine != theirs and theirs not in _PACKAGES and floor.get(mine, 0) <= floor.get(theirs, 0):
                found.append(f"{module} imports {other}")
    return found


def test_imports_run_from_the_top_floor_down() -> None:
    floor = floors(_PAGE.read_text(encoding="utf-8"))
    assert broken(REPOSITORY, floor) == []
    lowest = min(number for room, number in floor.items() if package_of(room) == _STARTING)
    assert all(number < lowest for room, number in floor.items() if package_of(room) == _PLAIN)


def test_nothing_but_orchestration_imports_dagster() -> None:
    named = re.compile(r"^\s*(?:from|import) (dagster|dagster_dbt|dbt)\b", re.MULTILINE)
    assert [
        module
        for module, file in modules(REPOSITORY).items()
        if package_of(module) == _PLAIN and named.search(file.read_text(encoding="utf-8"))
    ] == []


def test_an_import_upward_is_found_wherever_it_stands(tmp_path: Path) -> None:
    page = "| 3 | `orchestration/kunderegnskab_orchestration/start.py` | |\n| 2 | `kunderegnskab/high/` | |\n| 1 | `kunderegnskab/low.py`, `kunderegnskab/by.py` | |\n"
    for name, text in {
        "kunderegnskab/__init__.py": "",
        "kunderegnskab/high/__init__.py": "from kunderegnskab.low import f\n",
        "kunderegnskab/high/part.py": "import kunderegnskab.high\n",
        "kunderegnskab/low.py": "",
        "kunderegnskab/by.py": "",
        "orchestration/kunderegnskab_orchestration/start.py": "from kunderegnskab import high\n",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert broken(tmp_path, floors(page)) == []

    (tmp_path / "kunderegnskab" / "low.py").write_text("def f():\n    from kunderegnskab.high import part\n")
    (tmp_path / "kunderegnskab" / "by.py").write_text("import kunderegnskab.low\n")
    (tmp_path / "kunderegnskab" / "new").mkdir()
    (tmp_path / "kunderegnskab" / "new" / "part.py").write_text("")
    assert broken(tmp_path, {**floors(page), "kunderegnskab.gone": 1}) == [
        "kunderegnskab.new is on no floor",
        "kunderegnskab.gone is listed and not there",
        "kunderegnskab.by imports kunderegnskab.low",
        "kunderegnskab.low imports kunderegnskab.high.part",
    ]
