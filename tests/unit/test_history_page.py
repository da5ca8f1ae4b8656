"""The page of checks over time: which runs and checks it shows, and in which order."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Literal

import duckdb
import pytest

from kunderegnskab.quality.history_page import _TEXTS, PAGE_FILE, read_past, write_history_page
from kunderegnskab.quality.runs import KeptResult, Run, damaged_files, keep_run, read_runs


def _run(number: int, publication: str | None = None) -> Run:
    outcome = "published" if publication else "failed"
    return Run(f"run{number:02d}", datetime(2026, 3, number, 5), outcome, publication)


def _result(run: Run, name: str, status: str = "passed", *, is_blocking: bool = True) -> KeptResult:
    bad = None if status == "passed" else 3
    return KeptResult(
        run.run_id, "gate", name, "x", is_blocking, status, bad, "<3>", f"What {name} says.", None
    )


FIRST, BROKEN, LAST = _run(1, "0001-a"), _run(2), _run(3, "0002-b")
RESULTS = [
    _result(FIRST, "always"),
    _result(FIRST, "once", "failed", is_blocking=False),
    _result(BROKEN, "always"),
    _result(BROKEN, "once"),
    _result(BROKEN, "stopped", "failed"),
    _result(LAST, "always"),
    _result(LAST, "once"),
    _result(LAST, "stopped", "waived"),
]


def _page(directory: Path, locale: Literal["da", "en"] = "en", runs: tuple[Run, ...] = ()) -> str:
    write_history_page(
        directory,
        runs or (FIRST, BROKEN, LAST),
        RESULTS,
        company="Nørd & Søn",
        publication="0002-b",
        locale=locale,
    )
    return (directory / PAGE_FILE).read_text(encoding="utf-8")


def _strip(html: str, check: str) -> list[tuple[str, str]]:
    cells = html[html.index(f"<code>{check}</code>") :].partition("</td>")[0]
    return re.findall(r'<span class="([\w ]+)" title="([^"]*)"', cells)


def test_what_needs_attention_now_comes_first_and_what_always_passed_is_folded(tmp_path: Path) -> None:
    html = _page(tmp_path)
    order = [html.index(f"<code>{name}</code>") for name in ("stopped", "once")]
    assert order == sorted(order)
    assert html.index("<details>") < html.index("<code>always</code>")
    assert "What once says." in html


def test_a_strip_has_a_cell_per_run_with_colour_and_title(tmp_path: Path) -> None:
    assert _strip(_page(tmp_path), "stopped") == [
        ("none", "0001-a: not made"),
        (
            "failed unpublished",
            "Mar 2, 2026, 5:00:00\u202fAM, nothing published: failed (&lt;3&gt;; 3 failing rows)",
        ),
        ("waived", "0002-b: waived (&lt;3&gt;; 3 failing rows)"),
    ]
    assert [kind for kind, _ in _strip(_page(tmp_path), "once")] == [
        "warning",
        "passed unpublished",
        "passed",
    ]


@pytest.mark.parametrize("locale", ["da", "en"])
def test_the_page_asks_for_nothing_from_anywhere(tmp_path: Path, locale: Literal["da", "en"]) -> None:
    html = _page(tmp_path, locale)
    assert "://" not in html
    assert "<script" not in html
    assert re.findall(r'href="([^"]*)"', html) == ["report.html"]
    assert str(_TEXTS[locale]["title"]) in html
    assert set(_TEXTS["da"]) == set(_TEXTS["en"])


def test_old_runs_are_left_out_and_counted(tmp_path: Path) -> None:
    many = tuple(Run(f"old{n}", datetime(2025, 1, 1), "failed", None) for n in range(50))
    html = _page(tmp_path, runs=(*many, FIRST, BROKEN, LAST))
    assert "13 older runs are left out." in html
    assert len(_strip(html, "stopped")) == 40


def test_the_past_is_every_publication_and_every_run_that_failed(tmp_path: Path) -> None:
    for run in (FIRST, BROKEN):
        keep_run(tmp_path, run, None)
    with duckdb.connect() as con:
        con.execute("create schema audit")
        con.execute(
            "create table audit.check_history (publication varchar, run_id varchar, stage varchar, "
            "check_name varchar, subject varchar, is_blocking boolean, status varchar, failing_rows bigint, "
            "observed varchar)"
        )
        con.execute(
            "insert into audit.check_history values "
            "('0001-a', 'run01', 'gate', 'once', 'x', false, 'failed', 3, '3')"
        )
        runs, results = read_past(con, tmp_path, {"0001-a": FIRST.started_at}.get)
    assert runs == [FIRST, BROKEN]
    assert [(each.run_id, each.check_name, each.status) for each in results] == [("run01", "once", "failed")]


def test_a_file_of_something_else_is_left_out_too(tmp_path: Path) -> None:
    keep_run(tmp_path, FIRST, None)
    duckdb.execute(f"copy (select 1 as x) to '{tmp_path / 'other.parquet'}'")
    assert read_runs(tmp_path) == [FIRST]
    assert damaged_files(tmp_path) == [tmp_path / "other.parquet"]


@pytest.mark.parametrize("content", [b"", b"PAR1 half a file"])
def test_a_damaged_file_of_a_run_is_left_out_and_named(tmp_path: Path, content: bytes) -> None:
    keep_run(tmp_path, FIRST, None)
    damaged = keep_run(tmp_path, BROKEN, None)
    damaged.write_bytes(content)
    assert read_runs(tmp_path) == [FIRST]
    assert damaged_files(tmp_path) == [damaged]


def test_of_what_the_page_leaves_out_only_the_runs_are_read(tmp_path: Path) -> None:
    """There is one more with every refresh, for years."""
    asked = []

    def started(name: str) -> datetime:
        asked.append(name)
        return datetime(2026, 3, 1, 0, int(name[:4]))

    with duckdb.connect() as con:
        con.execute("create schema audit")
        con.execute(
            """
            create table audit.check_history as
            select format('{:04d}-x', i) as publication, 'run' || i as run_id, 'gate' as stage, 'a' as check_name,
                'x' as subject, true as is_blocking, 'passed' as status, 0::bigint as failing_rows, '' as observed
            from range(1, 51) as numbers (i)
            """
        )
        runs, results = read_past(con, tmp_path, started)
    assert [run.publication for run in runs[10:]] == [f"{number:04d}-x" for number in range(11, 51)]
    assert len(runs) == 50
    assert [result.run_id for result in results] == [f"run{number}" for number in range(11, 51)]
    assert asked == [f"{number:04d}-x" for number in range(11, 51)]
