"""What the page of the tie to the ledger answers, where the ledger has all months, some, and none."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from looking import looking

from kunderegnskab.reading.month_report import month_report
from kunderegnskab.reading.reader import Readers
from kunderegnskab.reading.scope import Viewer
from kunderegnskab.reading.traces import Traces
from kunderegnskab.workspace import Workspace


@pytest.mark.parametrize(
    ("without", "answer"),
    [
        ("false", "Ja. Hver krone i finans står i kunderegnskabet eller er forklaret."),
        ("month > (select min(month) from marts.months)", "Ja, i de 1 måneder, som finans har poster i."),
        ("true", "Der er ingen finansposter at stemme af med."),
    ],
)
def test_the_answer_is_of_months_that_the_ledger_has(
    published_company: Path, tmp_path: Path, without: str, answer: str
) -> None:
    for name in ("company.yaml", "feeds.yaml"):
        shutil.copy(published_company / name, tmp_path)
    shutil.copytree(
        published_company / "published",
        tmp_path / "published",
        symlinks=True,
        ignore=shutil.ignore_patterns("parquet"),
    )
    database = (tmp_path / "published" / "current").resolve() / "kunderegnskab.duckdb"
    with duckdb.connect(str(database)) as con:
        con.execute(
            f"update marts.company_accounts set ledger_result = null, difference = null where {without}"
        )
        con.execute(f"update audit.ledger_reconciliation set unexplained = null where {without}")
    workspace = Workspace(tmp_path)
    shown = looking(workspace, Viewer("karen", "finance"), Traces(workspace)).look("/afstemning", "da")
    assert shown.status == 200
    assert answer in shown.text


def test_a_publication_from_before_there_were_standard_rates_is_shown(
    published_company: Path, tmp_path: Path
) -> None:
    """Between an update of the program and the next refresh."""
    for name in ("company.yaml", "feeds.yaml"):
        shutil.copy(published_company / name, tmp_path)
    shutil.copytree(published_company / "published", tmp_path / "published", symlinks=True)
    database = (tmp_path / "published" / "current").resolve() / "kunderegnskab.duckdb"
    with duckdb.connect(str(database)) as con:
        for table in ("audit.ledger_reconciliation", "marts.company_accounts"):
            con.execute(f"alter table {table} drop column rate_difference")
    workspace = Workspace(tmp_path)
    viewer = Viewer("karen", "finance")
    assert looking(workspace, viewer, Traces(workspace)).look("/afstemning", "da").status == 200
    with Readers(workspace).reader(viewer) as reader:
        assert {row["rate_difference"] for row in month_report(reader, "da").months} == {0}
