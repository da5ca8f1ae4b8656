"""What is kept of every run: its checks, also when it failed, its OpenLineage events, and the page over time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
from companies import sales_of, write_sales
from quick import Project, quickly, refreshed_quickly
from running import kunderegnskab, tree


def events(workspace: Path, run_id: str) -> list[dict[str, Any]]:
    path = workspace / "state" / "openlineage" / f"{run_id}.jsonl"
    return [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]


def test_a_failed_run_is_kept_and_shown_by_the_next_publication(
    project: Project, small_to_change: Path
) -> None:
    workspace = small_to_change
    (first,) = [path.stem for path in (workspace / "runs").glob("*.parquet")]
    told = events(workspace, first)
    assert (told[0]["eventType"], told[-1]["eventType"]) == ("START", "COMPLETE")
    assert "marts.customer_accounts" in {each["name"] for each in told[-1]["outputs"]}
    assert {each["name"] for each in told[-1]["inputs"]} >= {"landing/salg/nord.csv", "landing/kunder.xlsx"}

    published = tree(workspace / "published")
    # The same document twice: a repeated key, which the door does not let through.
    write_sales(workspace, "nord", [*sales_of("nord"), sales_of("nord")[0]])
    failed = kunderegnskab("refresh", "--json", "--workspace", workspace)
    assert failed.code == 1, failed.out
    run_id = failed.json["run_id"]
    assert tree(workspace / "published") == published
    assert events(workspace, run_id)[-1]["eventType"] == "FAIL"
    with duckdb.connect() as con:
        kept = con.execute(
            f"select outcome, publication, check_name, status from '{workspace}/runs/{run_id}.parquet' "
            "where status = 'failed' and is_blocking"
        ).fetchall()
    assert kept
    assert {row[:2] for row in kept} == {("failed", None)}
    told_by_command = quickly(project, "checks", "--run", "last", "--json", "--workspace", workspace).json[
        "runs"
    ]
    assert [each["run_id"] for each in told_by_command] == [run_id]
    assert {each["check_name"] for each in told_by_command[0]["checks"]} >= {row[2] for row in kept}

    write_sales(workspace, "nord", sales_of("nord")[1:])
    report = refreshed_quickly(project, workspace)
    page = (workspace / "published" / "current" / "quality" / "history.html").read_text(encoding="utf-8")
    for name in {row[2] for row in kept}:
        assert f"<code>{name}</code>" in page
    assert "failed unpublished" in page
    assert report["publication"] in page
    listed = quickly(project, "checks", "--workspace", workspace)
    assert [row.split()[3].rstrip(":") for row in listed.out.splitlines()] == [
        "published",
        "failed",
        "published",
    ]


def test_an_endpoint_that_does_not_answer_changes_nothing_and_is_said(small_to_change: Path) -> None:
    write_sales(small_to_change, "nord", sales_of("nord")[1:])
    # Port 9 of this machine: nobody listens there.
    done = kunderegnskab(
        "refresh", "--json", "--workspace", small_to_change, OPENLINEAGE_URL="http://127.0.0.1:9"
    )
    assert done.code == 0
    assert done.json["status"] == "published"
    (note,) = done.json["notes"]
    assert "127.0.0.1 took 0 of" in note
