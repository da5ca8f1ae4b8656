"""What the benchmarks refresh is what they say: the example as the README has it, one changed line, the same sums.

How long something takes is never tested; the comparison of publications is tested in test_same_numbers.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import checkouts
import made_companies
import pytest

from kunderegnskab.workspace import REPOSITORY, Workspace

HEADER = "Bilagstype;Kundenr.;Nettobeløb;Valutakode\r\n"


def test_the_readmes_company_is_what_the_readme_says_to_write_first(tmp_path: Path) -> None:
    root = tmp_path / "firma"
    made_companies.write_readme_company(root)
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    landing = {"landing/salg.csv", "landing/fragt.csv", "landing/customers.csv"}
    assert files == {"company.yaml", "feeds.yaml", "personal/secret.key", *landing}
    assert len((root / "landing" / "salg.csv").read_text(encoding="utf-8").splitlines()) == 1 + 4 + 1
    assert Workspace(root).configuration_problems() == []


def test_a_rule_changes_in_one_line_and_back(tmp_path: Path) -> None:
    (tmp_path / "policy").mkdir()
    rules = tmp_path / "policy" / "segment_rules.csv"
    shutil.copyfile(REPOSITORY / "data" / "policy" / "segment_rules.csv", rules)
    before = rules.read_text(encoding="utf-8").splitlines()
    made_companies.change_a_rule(tmp_path)
    changed = rules.read_text(encoding="utf-8").splitlines()
    assert sum(old != new for old, new in zip(before, changed, strict=True)) == 1
    made_companies.change_a_rule(tmp_path)
    assert rules.read_text(encoding="utf-8").splitlines() == before


def test_a_late_correction_moves_kroner_between_two_customers(tmp_path: Path) -> None:
    sales = tmp_path / "landing" / "salg" / "salg_2025-06.csv"
    sales.parent.mkdir(parents=True)
    lines = [
        "Salgskreditnota;1;900,00;", "Salgsfaktura;1;1.010,50;", "Salgsfaktura;1;50,00;", "Salgsfaktura;2;99,99;EUR",
        "Salgsfaktura;2;980,00;",
    ]  # fmt: skip
    made_companies.write_at_rest(
        sales, (HEADER + "".join(f"{each}\r\n" for each in lines)).encode("utf-8-sig")
    )
    made_companies.change_late(tmp_path, "")
    lines[1], lines[4] = "Salgsfaktura;1;985,50;", "Salgsfaktura;2;1.005,00;"
    assert sales.read_bytes().decode("utf-8-sig") == HEADER + "".join(f"{each}\r\n" for each in lines)


def test_versions_do_not_see_what_is_meant_for_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    meant = (
        "KUNDEREGNSKAB_MEMORY_LIMIT", "DBT_TARGET", "DAGSTER_HOME", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH",
        "MAKEFLAGS", "VIRTUAL_ENV",
    )  # fmt: skip
    for name in meant:
        monkeypatch.setenv(name, "set")
    monkeypatch.setenv("PATH", "/usr/bin")
    seen = checkouts.clean_environment()
    assert not seen.keys() & set(meant)
    assert seen["PATH"] == "/usr/bin"


def test_a_commit_that_is_not_there_is_said() -> None:
    with pytest.raises(checkouts.CannotCompare, match="There is no commit 0000000 in"):
        checkouts.older_version("0000000")
