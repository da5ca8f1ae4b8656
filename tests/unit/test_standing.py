"""What stands and is told when it begins: drift of targets, changes that wait for approval. By hand-made tables.

That a refresh tells of it belongs in tests/e2e/test_refresh.py and test_history.py.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import duckdb
import pytest
from manifests import manifest_of
from ruamel.yaml import YAML

from kunderegnskab.news.standing import drifting, waiting_in
from kunderegnskab.publication import store
from kunderegnskab.publication.store import Publication
from kunderegnskab.refresh.telling import tell_outcome, tell_standing
from kunderegnskab.workspace import Workspace

Baseline = tuple[str, str, str, str]
"""KPI, scope, its id, drift."""
Waiting = tuple[str, str, str, str]
"""Record, change, what has changed, why it needs approval."""


def publish(
    published: Path,
    number: int,
    *,
    baselines: Sequence[Baseline] = (),
    waiting: Sequence[Waiting] = (),
    locale: Literal["da", "en"] = "da",
    is_old: bool = False,
) -> Publication:
    """A publication that is current; an old one has no such tables."""
    folder = published / f"{number:04}-{number}"
    folder.mkdir(parents=True)
    at = datetime(2026, 1, number, tzinfo=UTC)
    manifest = manifest_of(number, folder.name, run_id=str(number), at=at, locale=locale)
    (folder / "manifest.json").write_bytes(manifest.canonical())
    with duckdb.connect(str(folder / "kunderegnskab.duckdb")) as con:
        con.execute("create schema marts; create schema audit")
        con.execute(
            "create table audit.check_results (check_name varchar, expectation varchar, expectation_da varchar, "
            "observed varchar, status varchar)"
        )
        if not is_old:
            con.execute(
                "create table marts.kpi_register as select * from (values ('dg2', 'DG II', 'Contribution ratio II', "
                "'ratio'), ('db1', 'DB I', 'Contribution margin I', 'amount')) as k(kpi_id, name_da, name_en, unit)"
            )
            con.execute(
                "create table marts.target_baselines (kpi_id varchar, scope_type varchar, scope_id varchar, "
                "month_from date, baseline_value decimal(18,6), current_value decimal(18,6), drift decimal(18,6))"
            )
            for kpi, scope, scope_id, drift in baselines:
                then = Decimal("0.24") if kpi == "dg2" else Decimal(1000)
                now = None if drift == "" else then + Decimal(drift)
                con.execute(
                    "insert into marts.target_baselines values (?, ?, ?, ?, ?, ?, ?)",
                    [
                        kpi,
                        scope,
                        scope_id,
                        date(2025, 1, 1),
                        then,
                        now,
                        None if drift == "" else Decimal(drift),
                    ],
                )
            con.execute(
                "create table audit.waiting_approvals (feed varchar, record_key varchar, change varchar, "
                "what_changed varchar, changed_by varchar, approval_reason varchar)"
            )
            for record, change, what, reason in waiting:
                con.execute(
                    "insert into audit.waiting_approvals values ('segment_overrides', ?, ?, ?, 'Anna Holm', ?)",
                    [record, change, what, reason],
                )
    found = store.find(published, folder.name)
    assert found is not None
    store.make_current(found)
    return found


def test_a_baseline_that_is_not_what_it_was_drifts(tmp_path: Path) -> None:
    baselines = [
        ("dg2", "team", "Øst", "-0.0012"),
        ("db1", "salesperson", "S-42fbf5cf42", "10.5"),
        ("db1", "company", "company", "0"),
        ("dg2", "customer", "001098", ""),  # the accounts lack a month of it
    ]
    sentences = [each.sentence for each in drifting(publish(tmp_path, 1, baselines=baselines))]
    assert sentences == [
        "DB I af sælger S-42fbf5cf42, mål fra 2025-01: udgangspunktet er nu 1.010,50 og var 1.000,00, da det blev "
        "udgivet; se marts.target_baselines, og hvad der har ændret sig i de måneder.",
        "DG II af team Øst, mål fra 2025-01: udgangspunktet er nu 23,88 % og var 24,00 %, da det blev udgivet; se "
        "marts.target_baselines, og hvad der har ændret sig i de måneder.",
    ]
    (_, english) = drifting(publish(tmp_path, 2, baselines=baselines, locale="en"))
    assert english.sentence.startswith(
        "Contribution ratio II of team Øst, target from 2025-01: the baseline is 23.88 % now and was 24.00 % when"
    )


def test_what_waits_is_told_without_names_and_values(tmp_path: Path) -> None:
    waits = [
        ("customer_id C1", "added", "segment A1, reason Anna Holm vil det", "own_portfolio"),
        ("customer_id C2", "removed", "segment A1", "every_change"),
    ]
    first, second = waiting_in(publish(tmp_path, 1, waiting=waits))
    assert first.sentence == (
        "segment_overrides, customer_id C1: posten er tilføjet, og det angår en sælgers egen portefølje, så en anden "
        "skal godkende det; se audit.waiting_approvals eller `kunderegnskab status`."
    )
    assert "posten er fjernet, og firmaet kræver godkendelse af hver ændring" in second.sentence
    (english, _) = waiting_in(publish(tmp_path, 2, waiting=waits, locale="en"))
    assert "the record was added, and it concerns a salesperson's own portfolio" in english.sentence
    for each in (first, second, english):
        assert "Anna" not in each.sentence + each.key
        assert "A1" not in each.sentence


def test_a_publication_of_an_older_version_has_neither(tmp_path: Path) -> None:
    old = publish(tmp_path, 1, is_old=True)
    assert (drifting(old), waiting_in(old)) == ([], [])


# --- told when it begins --------------------------------------------------------------------------------
DRIFT = ("db1", "company", "company", "10")
WAITS = ("customer_id C1", "added", "segment A1", "own_portfolio")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    text = (
        "import json, sys; event = json.load(sys.stdin); "
        "open(sys.argv[1], 'a').write(json.dumps(event['drift'] + event['approval']) + '\\n')"
    )
    hook = {"command": [sys.executable, "-c", text, str(tmp_path / "told")]}
    with (tmp_path / "company.yaml").open("w", encoding="utf-8") as stream:
        YAML().dump({"name": "Firma", "currency": "DKK", "on_drift": hook, "on_approval": hook}, stream)
    return Workspace(tmp_path)


def told(workspace: Workspace) -> list[Any]:
    """How many sentences each event so far had."""
    path = workspace.root / "told"
    return [len(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def test_drift_is_told_when_it_begins_and_when_it_begins_anew(workspace: Workspace) -> None:
    publish(workspace.published, 1)
    assert tell_outcome(workspace, "published", "1") == []
    assert told(workspace) == []
    publish(workspace.published, 2, baselines=[DRIFT])
    for _ in range(2):
        assert tell_outcome(workspace, "published", "2") == []
        assert tell_standing(workspace) == ([], [])
    assert told(workspace) == [1]
    # Another one beside it: that one alone. A change of what has been told is no news.
    more = ("dg2", "team", "Øst", "-0.1")
    publish(workspace.published, 3, baselines=[(*DRIFT[:3], "20"), more])
    tell_outcome(workspace, "published", "3")
    assert told(workspace) == [1, 1]
    publish(workspace.published, 4)
    tell_outcome(workspace, "published", "4")
    publish(workspace.published, 5, baselines=[DRIFT, more])
    tell_outcome(workspace, "published", "5")
    assert told(workspace) == [1, 1, 2]


def test_what_waits_is_told_once_and_again_when_it_is_changed(workspace: Workspace) -> None:
    publish(workspace.published, 1, waiting=[WAITS])
    tell_outcome(workspace, "published", "1")
    tell_outcome(workspace, "failed", None, problems=["Noget andet."])
    tell_outcome(workspace, "unchanged", None)
    assert told(workspace) == [1]
    publish(workspace.published, 2, waiting=[(*WAITS[:2], "segment B1", WAITS[3])])
    tell_outcome(workspace, "published", "2")
    assert told(workspace) == [1, 1]
