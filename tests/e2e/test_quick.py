"""A refresh that a test runs in its own process (`quick`) comes to the same as a whole one, with Dagster and dbt.

Tests that refresh quickly rely on it. What only a whole refresh has stands in tests/quick.py.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
from companies import at_rest
from quick import Project, quickly, refreshed_quickly
from running import kunderegnskab, tree

from kunderegnskab.publication import store
from kunderegnskab.publication.status import last_outcome
from kunderegnskab.workspace import Workspace

# What a run notes of itself. The rest follows from files, rules and code.
NOTES = {"audit.build", "audit.check_results"}
# Two tiers of one agreement that differ in basis: a rule of a model on which half the project is built.
TIERS = "stg_bonus_agreements__tiers_of_an_agreement_agree"
DISAGREEING = """\
customer_id,valid_from,tier_from,rate,basis
C1,2024-01-01,0,0.01,net_sales
C1,2024-01-01,100000,0.02,list_sales
"""


def test_both_publish_the_same(project: Project, small_workspace: Path, tmp_path: Path) -> None:
    made_from = shutil.ignore_patterns("lake", "personal", "published", "runs", "state", "warehouse")
    shutil.copytree(small_workspace, tmp_path / "company", ignore=made_from)
    assert refreshed_quickly(project, tmp_path / "company")["status"] == "published"
    whole, quick = (current(root) for root in (small_workspace, tmp_path / "company"))

    assert quick.manifest.marts.keys() == whole.manifest.marts.keys() >= NOTES
    assert {
        name
        for name, table in whole.manifest.marts.items()
        if quick.manifest.marts[name].content_sha256 != table.content_sha256
    } == NOTES
    assert results(quick.database) == results(whole.database)
    assert len(results(quick.database)) > 400
    assert quick.manifest.files.keys() == whole.manifest.files.keys()
    unlike = {"publication", "run_id", "started_at", "published_at", "journal_sha256", "marts", "files"}
    assert quick.manifest.model_dump(exclude=unlike) == whole.manifest.model_dump(exclude=unlike)
    assert kept(tmp_path / "company") == kept(small_workspace)
    assert noted(tmp_path / "company") == noted(small_workspace)


def test_both_refuse_the_same(project: Project, small_to_change: Path) -> None:
    """A rule is red: what is built on its model is left out, the rest is built, the same is said and listed."""
    at_rest(small_to_change / "policy" / "bonus_agreements.csv", DISAGREEING.encode())
    before = tree(small_to_change / "published")
    found = []
    for run in (quickly_refreshed, wholly_refreshed):
        done = run(project, small_to_change)
        assert tree(small_to_change / "published") == before
        warehouse = Workspace(small_to_change).warehouse
        found.append(
            {
                "code": done.code,
                "out": done.out,
                "err": unnamed(done.err),
                "results": results(warehouse),
                "built": built(warehouse),
                "listed": tree(small_to_change / "state" / "failures"),
                "kept": kept(small_to_change),
                "noted": noted(small_to_change),
            }
        )
    quick, whole = found
    for each in whole:
        assert quick[each] == whole[each], each

    assert whole["code"] == 1
    assert tree(small_to_change / "state" / "failures").keys() == {f"{TIERS}.csv"}
    ran = {name for stage, name, *_ in whole["results"] if stage == "dbt"}
    assert TIERS in ran
    # Left out with what is built on the model, not with what reads it in a test alone.
    assert "customer_accounts__grain_is_unique" not in ran
    assert "stg_ledger_entries__has_no_nulls" in ran


# --- helpers ------------------------------------------------------------------------------------------
def quickly_refreshed(project: Project, root: Path) -> Any:
    return quickly(project, "refresh", "--workspace", root)


def wholly_refreshed(_: Project, root: Path) -> Any:
    return kunderegnskab("refresh", "--workspace", root)


def current(root: Path) -> store.Publication:
    found = store.current(root / "published")
    assert found is not None
    return found


def unnamed(said: str) -> str:
    """Without the names of runs, publications and logs, which no two runs share."""
    return re.sub(r"\b\d{4}-[0-9a-f]{8}\b", "PUBLICATION", re.sub(r"refresh-\w+\.log", "LOG", said))


def results(database: Path) -> list[tuple[Any, ...]]:
    query = """
        select stage, check_name, * exclude (stage, check_name, stamp, checked_at)
        from audit.check_results order by all
    """
    with duckdb.connect(str(database), read_only=True) as con:
        return con.execute(query).fetchall()


def built(warehouse: Path) -> list[tuple[Any, ...]]:
    """Every table and view with its rows."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        found = con.execute(
            "select table_schema, table_name, table_type from information_schema.tables order by all"
        ).fetchall()
        return [
            (schema, name, kind, con.execute(f"select count(*) from {schema}.{name}").fetchall())
            for schema, name, kind in found
        ]


def kept(root: Path) -> list[tuple[Any, ...]]:
    """What is kept of the newest run, without its name and times."""
    with duckdb.connect() as con:
        return con.execute(
            f"""
            select * exclude (run_id, started_at, publication, checked_at), publication is null
            from read_parquet('{root}/runs/*.parquet')
            qualify started_at = max(started_at) over () order by all
            """
        ).fetchall()


def noted(root: Path) -> dict[str, Any]:
    """What the refresh noted of itself, without names of runs and logs and without times."""
    outcome = last_outcome(Workspace(root))
    assert outcome is not None
    assert outcome["log"]
    unlike = ("finished_at", "seconds", "run_id", "log", "publication", "head")
    return {
        name: unnamed(str(value)).replace(str(root), "ROOT")
        for name, value in outcome.items()
        if name not in unlike
    }
