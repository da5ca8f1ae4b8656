"""What the page of the tie to the ledger answers, where the ledger has all months, some, and none."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from looking import looking

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
