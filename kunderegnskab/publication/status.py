"""What is published, read from the publication alone: quick, and without Dagster.

How it is shown belongs in orchestration/kunderegnskab_orchestration/commands/status.py.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from kunderegnskab.ingest import input_files, input_hash
from kunderegnskab.problems import InputProblems, command
from kunderegnskab.publication import store
from kunderegnskab.publication.freshness import late
from kunderegnskab.publication.store import Publication
from kunderegnskab.quality.gate import UNKNOWN_CUSTOMER
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.lock import is_worked_on

# What `last_refresh.json` says as long as a refresh is at work.
GOES_ON = "running"
_KILLED = (
    "It began at {began} and its process was killed, often because memory ran out; the next refresh repairs "
    "what it left."
)


def describe_status(workspace: Workspace) -> dict[str, Any]:
    """The current publication, its checks, its freshness, what is late, and the last refresh."""
    current = store.current(workspace.published)
    last = last_outcome(workspace)
    try:
        is_late = [each.sentence for each in late(workspace)]
    except InputProblems:  # what is expected cannot be read, which `freshness` says
        is_late = []
    if current is None:
        return {"publication": None, "late": is_late, "last_refresh": last}
    manifest = current.manifest
    checks = Counter(_kind(check.is_blocking, check.status) for check in manifest.checks)
    with duckdb.connect(str(current.database), read_only=True) as con:
        ((first, end),) = con.execute("select min(month), max(month) from marts.months").fetchall()
        ((customers,),) = con.execute(
            "select count(distinct customer_id) from marts.customer_accounts where customer_id <> ?",
            [UNKNOWN_CUSTOMER],
        ).fetchall()
    return {
        "company": manifest.company,
        "publication": current.name,
        "published_at": manifest.published_at.isoformat(timespec="seconds"),
        "path": str(workspace.published / "current"),
        "manifest_sha256": current.manifest_sha256,
        "code_version": manifest.code_version,
        "first_month": _month(first),
        "last_month": _month(end),
        "customers": customers,
        "checks": {kind: checks[kind] for kind in ("passed", "warnings", "waived")},
        "warnings": warnings_of(current),
        "waiting_approvals": waiting_approvals(current),
        "freshness": _freshness(workspace, current),
        "late": is_late,
        "last_refresh": last,
    }


def last_outcome(workspace: Workspace) -> dict[str, object] | None:
    """What the last refresh noted, None if there was none; of one that was killed, that it failed."""
    try:
        noted = json.loads(note_path(workspace).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if noted.get("status") != GOES_ON or is_worked_on(workspace, noted["run_id"]):
        return noted
    began = noted["began_at"]
    current = store.current_if_whole(workspace.published)
    if current is not None and current.manifest.run_id == noted["run_id"]:
        published_at = current.manifest.published_at.isoformat(timespec="seconds")
        return noted | {"status": "published", "finished_at": published_at, "publication": current.name}
    return noted | {"status": "failed", "finished_at": None, "sentences": [_KILLED.format(began=began)]}


def note_path(workspace: Workspace) -> Path:
    """Where a refresh notes what came of it, and while it is at work that it is."""
    return workspace.state / "last_refresh.json"


def warnings_of(publication: Publication) -> list[str]:
    """The checks that failed without hindering the publication, with what they observed."""
    danish = publication.manifest.locale == "da"
    with duckdb.connect(str(publication.database), read_only=True) as con:
        sentence = "coalesce(expectation_da, expectation)" if danish else "expectation"
        found = con.execute(
            f"""
            select check_name, {sentence}, observed
            from audit.check_results where status not in ('passed', 'waived') order by check_name
            """
        ).fetchall()
    return [f"{name}: {expectation} ({observed})" for name, expectation, observed in found]


def waiting_approvals(publication: Publication) -> list[str]:
    """The changes in a publication that wait for approval: of each what waits, why, and what to do."""
    language = "da" if publication.manifest.locale == "da" else "en"
    with duckdb.connect(str(publication.database), read_only=True) as con:
        # A publication of version 0.11 or earlier has no such list.
        there = con.execute(
            "select 1 from duckdb_tables() where schema_name = 'audit' and table_name = 'waiting_approvals'"
        ).fetchall()
        if not there:
            return []
        found = con.execute(
            f"select sentence_{language} from audit.waiting_approvals order by feed, record_key"
        ).fetchall()
    return [sentence for (sentence,) in found]


def _kind(is_blocking: bool, status: str) -> str:
    if status == "waived":
        return "waived"
    return "passed" if status == "passed" else "warnings"


def _freshness(workspace: Workspace, current: Publication) -> str:
    age = datetime.now(UTC) - current.manifest.published_at
    old = f"{age // timedelta(hours=1)} hours old" if age < timedelta(days=2) else f"{age.days} days old"
    try:
        inputs = input_hash(workspace, input_files(workspace))
    except InputProblems as error:
        return f"{old}; the files that lie there now cannot be read: {error.problems[0].sentence()}"
    if inputs == current.manifest.input_hash:
        return f"{old}, and made from the files that lie there now"
    return f"{old}; files have changed since, run `{command('refresh', workspace.root)}`"


def _month(day: Any) -> str | None:
    return None if day is None else f"{day:%Y-%m}"
