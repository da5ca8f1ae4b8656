"""What the benchmarks refresh is what they say: the example as the README has it, one changed line, the same sums.

How long something takes is never tested; the comparison of publications is tested in test_same_numbers.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import checkouts
import made_companies
import pytest
import refresh
from checkouts import REPOSITORY, Finished, Version

from kunderegnskab.workspace import Workspace

# Seconds that the made-up versions take.
OLD, NEW = 20.0, 9.0
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


@dataclass(frozen=True)
class MadeUp(Version):
    """A version whose refreshes take no time, and publish unless they are told that nothing has changed."""

    seconds: float = 0
    runs: list[tuple[str, ...]] = field(default_factory=list)
    publishes: bool = True

    def run(self, *arguments: str | Path) -> Finished:
        workspace = Path(arguments[-1])
        rules = (workspace / "policy" / "segment_rules.csv").read_text(encoding="utf-8")
        current = workspace / "published" / "current"
        before = self.runs[-1][1] if self.runs else ""
        self.runs.append((self.name, rules))
        status = "published" if "--full" in arguments or rules != before else "unchanged"
        if status == "published" and self.publishes:
            current.parent.mkdir(exist_ok=True)
            current.unlink(missing_ok=True)
            current.symlink_to(f"{len(self.runs):04d}-aaaaaaaa")
        return Finished({"status": status}, self.seconds, self.seconds / 2, memory=0)


def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **old: Any) -> tuple[list[str], Any]:
    def write_rules(root: Path, scale: float) -> None:
        (root / "policy").mkdir(parents=True)
        shutil.copy(REPOSITORY / "data" / "policy" / "segment_rules.csv", root / "policy")

    monkeypatch.setattr(made_companies, "write_demo", write_rules)
    monkeypatch.setattr(refresh, "tell", lambda sentence: said.append(sentence))
    said: list[str] = []
    versions = {
        "old": MadeUp("old", tmp_path, tmp_path, OLD, **old),
        "new": MadeUp("new", tmp_path, tmp_path, NEW),
    }
    options = argparse.Namespace(cases=["unchanged", "rule"], rounds=3, scale=1.0)
    return said, refresh._measure(versions, tmp_path / "scratch", options)


def test_versions_take_turns_and_the_medians_are_held_against_the_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said, found = measured(tmp_path, monkeypatch)
    rounds = [sentence.partition(", load")[0] + sentence.rpartition(": ")[2][:4] for sentence in said]
    assert [each for each in rounds if each.startswith("rule, round")] == [
        "rule, round 1old ", "rule, round 1new ", "rule, round 2new ", "rule, round 2old ",
        "rule, round 3old ", "rule, round 3new ",
    ]  # fmt: skip
    assert [(each.case, each.ratio, each.processor_ratio) for each in found] == [
        ("rule", NEW / OLD, NEW / OLD),
        ("unchanged", NEW / OLD, NEW / OLD),
    ]
    # 9 of 20 seconds are less than half, and more than 3 seconds.
    assert [each.holds for each in found] == [True, False]
    refresh._show({"old": MadeUp("old", tmp_path, tmp_path), "new": MadeUp("new", tmp_path, tmp_path)}, found)
    shown = capsys.readouterr().out
    assert "| 20.0 s (20.0-20.0) | 9.0 s (9.0-9.0) | 0.45 | 0.50 | 10.0 s | 4.5 s | 0.45 |" in shown
    assert "nothing changed: the target DOES NOT HOLD" in shown


def test_a_refresh_that_is_not_what_the_case_says_is_no_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(checkouts.CannotCompare, match="ended as published, with no new"):
        measured(tmp_path, monkeypatch, publishes=False)
