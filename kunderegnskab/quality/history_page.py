"""history.html of a publication: how each check went at each publication, and in runs that published nothing.

Here: choosing runs and checks, their order and wording. Not here: keeping results (runs.py, and
kunderegnskab/audit/history.py for what publications carry) and the page's layout (history.html.j2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import duckdb
from babel.dates import format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kunderegnskab.problems import on_page
from kunderegnskab.quality.runs import KeptResult, Run, attention, read_run_results, read_runs

PAGE_FILE = "history.html"
_TEMPLATE = "history.html.j2"
# Columns that fit on a screen; older runs are left out and counted.
RUNS_SHOWN = 40
"""Columns of the page: the newest runs."""
# What needs a reader's attention comes first.
GROUPS = ("error", "failed", "waived", "warning", "passed")
_WEIGHT = {"error": 5, "failed": 4, "waived": 3, "warning": 2, "passed": 0}

_TEXTS = {
    "en": {
        "title": "Checks over time",
        "intro": "One row per check that has not always passed, one column per run, the newest at the right. "
        "Runs without a publication failed and published nothing.",
        "left_out": "older runs are left out",
        "publication": "Publication",
        "report": "Quality report",
        "check": "Check",
        "runs": "Runs",
        "run": "Run",
        "time": "Started (UTC)",
        "nothing_published": "nothing published",
        "before_checks": "ended before its first check",
        "always_passed": "Checks that have always passed",
        "never_failed": "Every check has passed in every run.",
        "not_made": "not made",
        "rows": "failing rows",
        "error": "could not run",
        "failed": "failed",
        "waived": "waived",
        "warning": "warning",
        "passed": "passed",
        "marks": {"error": "E", "failed": "F", "waived": "W", "warning": "!", "passed": "·"},
    },
    "da": {
        "title": "Kontroller over tid",
        "intro": "En række pr. kontrol, der ikke altid er bestået, en kolonne pr. kørsel, den nyeste til "
        "højre. Kørsler uden udgivelse fejlede og udgav intet.",
        "left_out": "ældre kørsler er udeladt",
        "publication": "Udgivelse",
        "report": "Kvalitetsrapport",
        "check": "Kontrol",
        "runs": "Kørsler",
        "run": "Kørsel",
        "time": "Begyndt (UTC)",
        "nothing_published": "intet udgivet",
        "before_checks": "endte før den første kontrol",
        "always_passed": "Kontroller, der altid er bestået",
        "never_failed": "Hver kontrol er bestået i hver kørsel.",
        "not_made": "ikke udført",
        "rows": "rækker med fejl",
        "error": "kunne ikke køre",
        "failed": "fejlet",
        "waived": "fraveget",
        "warning": "advarsel",
        "passed": "bestået",
        "marks": {"error": "K", "failed": "F", "waived": "V", "warning": "!", "passed": "·"},
    },
}


@dataclass(frozen=True)
class _Row:
    stage: str
    check_name: str
    sentence: str
    cells: tuple[KeptResult | None, ...]

    @property
    def attention(self) -> tuple[int, int, str]:
        """Rows whose newest result is worst come first, then those with the most bad results."""
        newest = next((cell for cell in reversed(self.cells) if cell is not None), None)
        weights = [_WEIGHT[group_of(cell)] for cell in self.cells if cell is not None]
        return (-_WEIGHT[group_of(newest)] if newest else 0, -sum(weights), self.check_name)


def group_of(result: KeptResult) -> str:
    """What a result asks of a reader, one of GROUPS."""
    return attention(result.status, result.is_blocking)


def read_past(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    started: Callable[[str], datetime | None],
    later_runs: Collection[str] = (),
) -> tuple[list[Run], list[KeptResult]]:
    """The publications in a warehouse's audit.check_history and the runs that failed, oldest first.

    There are more with every refresh, so of those that the page leaves out only the runs are given, without
    id: they are counted. audit.check_history has no results of them that passed, so perhaps none at all; how
    many they are, the number of the oldest shown tells.

    Args:
        folder: the files of all runs.
        started: when a publication began by its name, UTC without time zone; None where its manifest is gone.
        later_runs: ids of runs that are to be left out.
    """
    published = con.execute(
        "select distinct publication, run_id from audit.check_history "
        "order by length(publication), publication"  # 10000 comes after 9999
    ).fetchall()
    # Publications are numbered as they began, so the older ones need no time to be left out.
    shown = published[-RUNS_SHOWN:]
    older = int(shown[0][0].partition("-")[0]) - 1 if shown else 0
    runs = [Run("", datetime.min, "published", f"{number:04d}") for number in range(1, older + 1)]
    runs += [Run(run_id, started(name) or datetime.min, "published", name) for name, run_id in shown]
    runs += [run for run in read_runs(folder) if run.outcome == "failed" and run.run_id not in later_runs]
    runs.sort(key=lambda run: run.started_at)
    newest = runs[-RUNS_SHOWN:]
    found = con.execute(
        """
        select run_id, stage, check_name, subject, is_blocking, status, failing_rows, observed
        from audit.check_history where list_contains(?, run_id) order by publication, stage, check_name
        """,
        [[run.run_id for run in newest if run.publication is not None]],
    ).fetchall()
    results = [KeptResult(*row, expectation="", expectation_da=None) for row in found]
    results += read_run_results(folder, [run.run_id for run in newest if run.publication is None])
    return runs, results


def write_history_page(
    directory: Path,
    runs: Sequence[Run],
    results: Iterable[KeptResult],
    *,
    company: str,
    publication: str,
    locale: Literal["da", "en"],
) -> None:
    """Write history.html into `directory`.

    Args:
        runs: every run that is known, oldest first, the one that publishes now last.
        results: how their checks went, in the order of their runs.
    """
    sentences: dict[str, str] = {}
    shown = list(runs[-RUNS_SHOWN:])
    place = {run.run_id: number for number, run in enumerate(shown)}
    cells: dict[tuple[str, str], list[KeptResult | None]] = {}
    totals: dict[str, Counter[str]] = {run.run_id: Counter() for run in shown}
    for result in results:
        if result.run_id not in place:
            continue
        if sentence := (result.expectation_da if locale == "da" else None) or result.expectation:
            sentences[result.check_name] = sentence
        row = cells.setdefault((result.stage, result.check_name), [None] * len(shown))
        row[place[result.run_id]] = result
        totals[result.run_id][group_of(result)] += 1
    rows = [
        _Row(stage, name, sentences.get(name, ""), tuple(found)) for (stage, name), found in cells.items()
    ]
    wanting = [
        row for row in rows if any(cell is not None and group_of(cell) != "passed" for cell in row.cells)
    ]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=on_page,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(_TEMPLATE).render(
        t=_TEXTS[locale],
        locale=locale,
        company=company,
        publication=publication,
        runs=shown,
        left_out=len(runs) - len(shown),
        totals=totals,
        groups=GROUPS,
        rows=sorted(wanting, key=lambda row: row.attention),
        passed=sorted((row for row in rows if row not in wanting), key=lambda row: row.check_name),
        group_of=group_of,
        time=lambda at: "–" if at == datetime.min else format_datetime(at, "medium", locale=locale),
    )
    (directory / PAGE_FILE).write_text(page, encoding="utf-8", newline="\n")
