"""OpenLineage events of a run: what they say, where they lie, and endpoints that take them, refuse or hang.

That a refresh writes them belongs in tests/e2e/test_runs.py.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest
from openlineage.client import event_v2, facet_v2

from kunderegnskab.audit.lineage import SourceColumn
from kunderegnskab.audit.models import Model, record_models
from kunderegnskab.dbt.project import runs_folder
from kunderegnskab.quality.certification import CheckResult, record, start_build, start_load
from kunderegnskab.quality.runs import Run
from kunderegnskab.workspace import Workspace
from kunderegnskab_orchestration.runs.openlineage import RunEvents

RUN = "0d3a2f5c-6f86-4c9e-8a53-08a2fa6f2d11"
BEGAN = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "ENDPOINT", "API_KEY", "NAMESPACE", "DISABLED"):
        monkeypatch.delenv(f"OPENLINEAGE_{name}", raising=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "company.yaml").write_text("name: Lille ApS\ncurrency: DKK\n", encoding="utf-8")
    made = Workspace(tmp_path)
    made.warehouse.parent.mkdir()
    model = Model("marts", "sums", "table", "select sum(amount) as amount from raw.sales", ("raw.sales",), "")
    with duckdb.connect(str(made.warehouse)) as con:
        con.execute("create schema raw; create schema marts; create table raw.sales (amount decimal(18, 4))")
        con.execute("create table raw.files (feed varchar, source_file varchar, file_sha256 varchar)")
        con.execute("insert into raw.files values ('sales', 'landing/a.csv', 'abc')")
        con.execute("create table marts.sums as select sum(amount) as amount from raw.sales")
        start_load(con, load_id=RUN, run_id=RUN, input_hash="1", code_version="1")
        start_build(con, "build")
        record_models(con, [model], {("marts", "sums"): {"amount": [SourceColumn("raw", "sales", "amount")]}})
        result = CheckResult(
            check_name="sums__is_positive", stage="gate", subject="sums", is_blocking=False, status="failed"
        )
        record(con, [result])
    results = runs_folder(made) / RUN / "build" / "run_results.json"
    results.parent.mkdir(parents=True)
    timing = [
        {"name": "execute", "started_at": "2026-03-02T05:00:01Z", "completed_at": "2026-03-02T05:00:02Z"}
    ]
    results.write_text(
        json.dumps({"results": [{"unique_id": "model.x.sums", "status": "success", "timing": timing}]})
    )
    return made


def _told(workspace: Workspace, *sentences: str) -> RunEvents:
    events = RunEvents(workspace, RUN, BEGAN)
    events.start()
    outcome = "failed" if sentences else "published"
    events.finish(Run(RUN, BEGAN.replace(tzinfo=None), outcome, None), workspace.warehouse, sentences)
    return events


def _lines(events: RunEvents) -> list[dict[str, Any]]:
    return [json.loads(line) for line in events.file.read_text(encoding="utf-8").splitlines()]


def test_a_run_tells_files_models_columns_and_checks(workspace: Workspace) -> None:
    events = _told(workspace)
    lines = _lines(events)
    assert events.problem is None
    assert [(line["eventType"], line["job"]["name"]) for line in lines] == [
        ("START", "refresh"),
        ("START", "refresh.raw.sales"),
        ("COMPLETE", "refresh.raw.sales"),
        ("START", "refresh.marts.sums"),
        ("COMPLETE", "refresh.marts.sums"),
        ("START", "refresh.checks"),
        ("COMPLETE", "refresh.checks"),
        ("COMPLETE", "refresh"),
    ]
    assert {line["job"]["namespace"] for line in lines} == {"Lille ApS"}
    feed, model, checks, run = lines[2], lines[4], lines[6], lines[7]
    assert feed["inputs"][0]["name"] == "landing/a.csv"
    assert feed["inputs"][0]["facets"]["version"]["datasetVersion"] == "abc"
    assert feed["outputs"][0]["name"] == model["inputs"][0]["name"] == "raw.sales"
    made = model["outputs"][0]
    assert made["name"] == "marts.sums"
    assert made["facets"]["schema"]["fields"][0]["type"] == "DECIMAL(38,4)"
    source = made["facets"]["columnLineage"]["fields"]["amount"]["inputFields"][0]
    assert (source["name"], source["field"]) == ("raw.sales", "amount")
    assert model["run"]["facets"]["parent"]["run"]["runId"] == RUN
    (said,) = checks["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (said["assertion"], said["success"], said["severity"]) == ("sums__is_positive", False, "warn")
    assert [each["name"] for each in run["outputs"]] == ["marts.sums"]


def test_every_event_is_one_of_the_client_s_own_classes(workspace: Workspace) -> None:
    def facet(cls: type, told: dict[str, Any]) -> object:
        return cls(**{name: value for name, value in told.items() if not name.startswith("_")})

    for line in _lines(_told(workspace)):
        # The classes validate what they are given: times, ids, addresses.
        event_v2.RunEvent(
            eventTime=line["eventTime"],
            eventType=event_v2.RunState(line["eventType"]),
            run=event_v2.Run(**line["run"]),
            job=event_v2.Job(**line["job"]),
            inputs=[event_v2.InputDataset(**each) for each in line["inputs"]],
            outputs=[event_v2.OutputDataset(**each) for each in line["outputs"]],
            producer=line["producer"],
        )
        assert line["schemaURL"].endswith("/RunEvent")
        for each in line["outputs"]:
            facet(facet_v2.schema_dataset.SchemaDatasetFacet, each["facets"]["schema"])


def test_a_failed_run_ends_with_what_went_wrong_and_publishes_nothing(workspace: Workspace) -> None:
    last = _lines(_told(workspace, "landing/a.csv, record 3: not a number."))[-1]
    assert last["eventType"] == "FAIL"
    assert last["run"]["facets"]["errorMessage"]["message"] == "landing/a.csv, record 3: not a number."
    assert last["outputs"] == []


def test_an_endpoint_gets_what_the_file_holds(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with _endpoint(200) as (url, received):
        monkeypatch.setenv("OPENLINEAGE_URL", url)
        monkeypatch.setenv("OPENLINEAGE_API_KEY", "secret")
        events = _told(workspace)
    assert events.problem is None
    assert {path for path, *_ in received} == {"/api/v1/lineage"}
    assert {key for _, key, _ in received} == {"Bearer secret"}
    by_text = sorted(json.dumps(body, sort_keys=True) for *_, body in received)
    assert by_text == sorted(json.dumps(line, sort_keys=True) for line in _lines(events))


def test_an_endpoint_that_refuses_is_named_and_the_file_is_whole(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _endpoint(500) as (url, _):
        monkeypatch.setenv("OPENLINEAGE_URL", url.replace("//", "//reader:hem@meligt@"))
        events = _told(workspace)
    assert len(_lines(events)) == 8
    assert events.problem is not None
    assert "127.0.0.1 took 0 of 8" in events.problem
    assert "meligt" not in events.problem


def test_an_endpoint_that_never_answers_delays_by_seconds(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        before = time.monotonic()
        events = _told(workspace)
        waited = time.monotonic() - before
    assert waited < 10
    assert events.problem is not None


def test_an_address_that_is_none_is_said(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "lineage")
    events = _told(workspace)
    assert events.problem is not None
    assert "OPENLINEAGE_URL" in events.problem
    assert len(_lines(events)) == 8


def test_nothing_is_sent_when_the_client_is_switched_off(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _endpoint(200) as (url, received):
        monkeypatch.setenv("OPENLINEAGE_URL", url)
        monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
        assert _told(workspace).problem is None
    assert received == []


@contextmanager
def _endpoint(status: int) -> Generator[tuple[str, list[tuple[str, str | None, Any]]]]:
    """A server on this machine that answers every request with a status; gives address and what it got."""
    received: list[tuple[str, str | None, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, self.headers["Authorization"], json.loads(body)))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", received
        server.shutdown()
        thread.join()
