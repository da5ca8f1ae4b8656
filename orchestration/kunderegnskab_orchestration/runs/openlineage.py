"""What a run read and made, as OpenLineage events: a file per run, and an endpoint where one is named.

Here: the events of a run, writing and sending them. Not here: reading lineage from SQL
(kunderegnskab/audit/lineage.py) and when a run begins and ends (notes.py).

Nothing is sent unless OPENLINEAGE_URL names an endpoint. The client's transport sends it, not the client
itself, which would also read configuration from the home folder.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid5

import duckdb
from openlineage.client import event_v2 as ol
from openlineage.client import facet_v2 as facets
from openlineage.client.serde import Serde
from openlineage.client.transport.async_http import AsyncHttpConfig, AsyncHttpTransport

from kunderegnskab.audit.lineage import ROWS
from kunderegnskab.code_version import code_version
from kunderegnskab.dbt.project import runs_folder
from kunderegnskab.quality.certification import CheckResult, read_results
from kunderegnskab.quality.runs import Run
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.kept import keep_newest

PRODUCER = f"urn:kunderegnskab:{code_version()}"
# A run has 2 MB of events, most of them SQL and column lineage; whoever wants all of them names an endpoint.
_RUNS_KEPT = 10
# An endpoint is waited for this long, once, when the run is done; seconds.
_PATIENCE = 5.0
_ENDPOINT = {
    "timeout": 2.0,
    "max_concurrent_requests": 8,
    "retry": {"total": 0},
}
_SUCCESS = "success"

facets.set_producer(PRODUCER)


class RunEvents:
    """The events of one run, written as they come and sent while the run goes on.

    Attributes:
        file: one event per line, as JSON.
        problem: why not all events reached the endpoint, as a sentence; None while there is nothing to say.
    """

    def __init__(self, workspace: Workspace, run_id: str, started_at: datetime) -> None:
        self.file = events_folder(workspace) / f"{run_id}.jsonl"
        self.problem: str | None = None
        self._workspace = workspace
        self._run_id = run_id
        self._started_at = started_at
        self._namespace = os.environ.get("OPENLINEAGE_NAMESPACE") or workspace.company.name
        self._url = _endpoint_url()
        self._transport = None
        self._count = 0

    def start(self) -> None:
        """Write and send that the run has begun."""
        keep_newest(self.file.parent, _RUNS_KEPT - 1)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.unlink(missing_ok=True)
        if self._url is not None:
            try:
                self._transport = _transport(self._url)
            except ValueError as error:
                self.problem = f"OpenLineage events were not sent: OPENLINEAGE_URL is no address ({error})."
        self._emit([self._event("refresh", ol.RunState.START, self._started_at)])

    def finish(self, run: Run, warehouse: Path | None, sentences: Sequence[str]) -> None:
        """Write and send what the run has read and made, then stop waiting for the endpoint after seconds.

        Args:
            warehouse: the warehouse that the run has loaded; None if it did not come so far.
            sentences: what went wrong, empty unless the run failed.
        """
        events = []
        inputs: list[ol.InputDataset] = []
        outputs: list[ol.OutputDataset] = []
        if warehouse is not None:
            with duckdb.connect(str(warehouse), read_only=True) as con:
                warehouse_events = _WarehouseEvents(con, self._namespace)
                inputs = warehouse_events.files()
                if run.outcome == "published":
                    outputs = warehouse_events.published()
                results = _run_results(self._workspace, self._run_id)
                for job, begin, end, state, read, made, job_facets in warehouse_events.steps(results):
                    events.append(self._event(job, ol.RunState.START, begin))
                    events.append(self._event(job, state, end, read, made, job_facets))
                if checked := warehouse_events.checked():
                    now = datetime.now(UTC)
                    events.append(self._event("refresh.checks", ol.RunState.START, now))
                    events.append(self._event("refresh.checks", ol.RunState.COMPLETE, now, checked))
        state = ol.RunState.FAIL if run.outcome == "failed" else ol.RunState.COMPLETE
        ended = self._event("refresh", state, datetime.now(UTC), inputs, outputs)
        if sentences:
            assert ended.run.facets is not None
            ended.run.facets["errorMessage"] = facets.error_message_run.ErrorMessageRunFacet(
                message="\n".join(sentences), programmingLanguage="PYTHON"
            )
        self._emit([*events, ended])
        self._close()

    def _event(
        self,
        job: str,
        state: ol.RunState,
        at: datetime,
        inputs: Sequence[ol.InputDataset] = (),
        outputs: Sequence[ol.OutputDataset] = (),
        job_facets: Mapping[str, facets.JobFacet] | None = None,
    ) -> ol.RunEvent:
        run_facets: dict[str, facets.RunFacet] = {
            "processing_engine": facets.processing_engine_run.ProcessingEngineRunFacet(
                name="kunderegnskab", version=code_version()
            )
        }
        is_whole = job == "refresh"
        if not is_whole:
            run_facets["parent"] = facets.parent_run.ParentRunFacet(
                run=facets.parent_run.Run(runId=self._run_id),
                job=facets.parent_run.Job(namespace=self._namespace, name="refresh"),
            )
        kind = facets.job_type_job.JobTypeJobFacet(
            processingType="BATCH", integration="KUNDEREGNSKAB", jobType="JOB" if is_whole else "TASK"
        )
        return ol.RunEvent(
            eventTime=at.isoformat(),
            eventType=state,
            run=ol.Run(
                runId=self._run_id if is_whole else str(uuid5(UUID(self._run_id), job)), facets=run_facets
            ),
            job=ol.Job(namespace=self._namespace, name=job, facets={"jobType": kind, **(job_facets or {})}),
            inputs=list(inputs),
            outputs=list(outputs),
            producer=PRODUCER,
        )

    def _emit(self, events: Sequence[ol.RunEvent]) -> None:
        with self.file.open("a", encoding="utf-8") as stream:
            for event in events:
                stream.write(Serde.to_json(event, ensure_ascii=False) + "\n")
        self._count += len(events)
        # What did not take the first event will not take hundreds.
        if self._transport is not None and not self._transport.get_stats()["failed"]:
            for event in events:
                self._transport.emit(event)

    def _close(self) -> None:
        if self._transport is None:
            return
        self._transport.close(_PATIENCE)
        sent = self._transport.get_stats()["success"]
        if sent < self._count:
            self.problem = (
                f"{_host(self._url)} took {sent} of {self._count} OpenLineage events; all of "
                f"them are in {self.file}"
            )


def events_folder(workspace: Workspace) -> Path:
    """Where the events of the newest runs lie."""
    return workspace.state / "openlineage"


def _host(url: str | None) -> str | None:
    """Of an endpoint's address what a sentence may show: passwords and keys can stand in all the rest."""
    return urlsplit(url or "").hostname


def _endpoint_url() -> str | None:
    if os.environ.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
        return None
    return os.environ.get("OPENLINEAGE_URL") or None


def _transport(url: str) -> AsyncHttpTransport:
    # It logs each event it could not send, with the whole address; what could not be sent is said at the end.
    logging.getLogger(AsyncHttpTransport.__module__).setLevel(logging.CRITICAL)
    config: dict[str, Any] = {"url": url, **_ENDPOINT}
    if endpoint := os.environ.get("OPENLINEAGE_ENDPOINT"):
        config["endpoint"] = endpoint
    if key := os.environ.get("OPENLINEAGE_API_KEY"):
        config["auth"] = {"type": "api_key", "apiKey": key}
    return AsyncHttpTransport(AsyncHttpConfig.from_dict(config))


def _run_results(workspace: Workspace, run_id: str) -> list[dict[str, Any]]:
    """What dbt says of each model that it built for a run; empty if it did not come so far."""
    path = runs_folder(workspace) / run_id / "build" / "run_results.json"
    if not path.is_file():
        return []
    return json.loads(path.read_text(encoding="utf-8"))["results"]


# column -> the (relation, column) pairs that it is made of, one step back
_Lineage = dict[str, list[tuple[str, str]]]
_Step = tuple[
    str,
    datetime,
    datetime,
    ol.RunState,
    list[ol.InputDataset],
    list[ol.OutputDataset],
    dict[str, facets.JobFacet],
]


class _WarehouseEvents:
    """What the warehouse of a run tells: files read, models built, checks made."""

    def __init__(self, con: duckdb.DuckDBPyConnection, namespace: str) -> None:
        self._con = con
        self._namespace = namespace
        self._columns: dict[str, list[tuple[str, str, str | None]]] = {}
        for relation, column, sql_type, comment in con.execute(
            "select schema_name || '.' || table_name, column_name, data_type, comment from duckdb_columns() "
            "where database_name = current_database() and not internal order by table_oid, column_index"
        ).fetchall():
            self._columns.setdefault(relation, []).append((column, sql_type, comment))

    def files(self) -> list[ol.InputDataset]:
        """The files that were read, each with the SHA-256 of its content as its version."""
        found = self._con.execute(
            "select distinct source_file, file_sha256 from raw.files order by source_file"
        ).fetchall()
        return [self._file(*row) for row in found]

    def published(self) -> list[ol.OutputDataset]:
        """The tables that readers see."""
        found = self._con.execute(
            "select schema_name || '.' || model from audit.models "
            "where schema_name in ('marts', 'audit') and kind <> 'view' order by all"
        ).fetchall()
        return [self._output(relation, {}) for (relation,) in found]

    def steps(self, run_results: Sequence[Mapping[str, Any]]) -> Iterator[_Step]:
        """Each feed that was loaded and each model that was built."""
        ((loaded,),) = self._con.execute("select loaded_at from audit.build").fetchall()
        loaded_at = loaded.replace(tzinfo=UTC)
        feeds: dict[str, list[ol.InputDataset]] = {}
        for feed, file, sha256 in self._con.execute(
            "select distinct feed, source_file, file_sha256 from raw.files order by all"
        ).fetchall():
            feeds.setdefault(feed, []).append(self._file(file, sha256))
        for feed, files in feeds.items():
            made = [self._output(f"raw.{feed}", {})]
            yield f"refresh.raw.{feed}", loaded_at, loaded_at, ol.RunState.COMPLETE, files, made, {}
        if "audit.models" not in self._columns:
            return  # it ended before models were built
        reads, queries, lineage = self._models()
        relations = {relation.partition(".")[2]: relation for relation in reads}
        for result in run_results:
            if not result["unique_id"].startswith(("model.", "seed.")) or not result["timing"]:
                continue
            name = result["unique_id"].rpartition(".")[2]
            relation = relations.get(name, name)
            begin, end = (
                datetime.fromisoformat(moment)
                for moment in (result["timing"][0]["started_at"], result["timing"][-1]["completed_at"])
            )
            is_built = result["status"] == _SUCCESS and relation in self._columns
            yield (
                f"refresh.{relation}",
                begin,
                end,
                ol.RunState.COMPLETE if is_built else ol.RunState.FAIL,
                [ol.InputDataset(self._namespace, name) for name in reads.get(relation, ())],
                [self._output(relation, lineage.get(relation, {}))] if is_built else [],
                {"sql": facets.sql_job.SQLJobFacet(query=queries[relation], dialect="duckdb")}
                if queries.get(relation)
                else {},
            )

    def checked(self) -> list[ol.InputDataset]:
        """Each table that was checked, with what its checks said."""
        by_relation: dict[str, list[CheckResult]] = {}
        named = {relation.partition(".")[2]: relation for relation in self._columns}
        for result in read_results(self._con):
            relation = f"raw.{result.subject}" if result.stage == "door" else named.get(result.subject)
            by_relation.setdefault(relation or result.subject, []).append(result)
        return [
            ol.InputDataset(
                self._namespace,
                relation,
                inputFacets={
                    "dataQualityAssertions": (
                        facets.data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
                            assertions=[_assertion(result) for result in results]
                        )
                    )
                },
            )
            for relation, results in sorted(by_relation.items())
        ]

    def _models(self) -> tuple[dict[str, list[str]], dict[str, str], dict[str, _Lineage]]:
        reads, queries = {}, {}
        for relation, read, query in self._con.execute(
            "select schema_name || '.' || model, reads, query from audit.models"
        ).fetchall():
            reads[relation], queries[relation] = read.split(), query
        lineage: dict[str, _Lineage] = {}
        for relation, column, source, source_column in self._con.execute(
            "select schema_name || '.' || model, column_name, source_schema || '.' || source_relation, "
            "source_column from audit.column_lineage where source_column <> ? order by all",
            [ROWS],
        ).fetchall():
            lineage.setdefault(relation, {}).setdefault(column, []).append((source, source_column))
        return reads, queries, lineage

    def _file(self, path: str, sha256: str) -> ol.InputDataset:
        version = facets.dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=sha256)
        return ol.InputDataset(self._namespace, path, facets={"version": version})

    def _output(self, relation: str, lineage: _Lineage) -> ol.OutputDataset:
        fields = [
            facets.schema_dataset.SchemaDatasetFacetFields(name=name, type=sql_type, description=comment)
            for name, sql_type, comment in self._columns.get(relation, ())
        ]
        found: dict[str, facets.DatasetFacet] = {
            "schema": facets.schema_dataset.SchemaDatasetFacet(fields=fields)
        }
        if lineage:
            found["columnLineage"] = facets.column_lineage_dataset.ColumnLineageDatasetFacet(
                fields={
                    column: facets.column_lineage_dataset.Fields(
                        inputFields=[
                            facets.column_lineage_dataset.InputField(self._namespace, relation, field)
                            for relation, field in sources
                        ]
                    )
                    for column, sources in lineage.items()
                }
            )
        return ol.OutputDataset(self._namespace, relation, facets=found)


def _assertion(result: CheckResult) -> facets.data_quality_assertions_dataset.Assertion:
    return facets.data_quality_assertions_dataset.Assertion(
        assertion=result.check_name,
        success=result.status == "passed",
        severity="error" if result.is_blocking else "warn",
        actual=result.observed or None,
        description=result.expectation or None,
    )
