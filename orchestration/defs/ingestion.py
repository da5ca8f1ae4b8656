"""Assets raw/*: landing files become the lake and schema raw of a new warehouse.

How files are read belongs in `kunderegnskab.ingest`, what must hold for them in `kunderegnskab.quality.door`.
"""

from collections.abc import Iterator

import dagster as dg

from kunderegnskab.audit.closing import load_closed_months
from kunderegnskab.audit.history import load_history
from kunderegnskab.code_version import code_version
from kunderegnskab.feeds import Feed, load_feeds
from kunderegnskab.ingest import (
    fresh_warehouse,
    input_hash,
    load_warehouse,
    proven_feeds,
    read_load_record,
    record_load,
    sweep,
    take_in,
)
from kunderegnskab.personal.names import write_names
from kunderegnskab.personal.pseudonyms import for_refresh
from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.progress import report
from kunderegnskab.publication import store
from kunderegnskab.publication.baselines import load_baselines
from kunderegnskab.quality.certification import start_load
from kunderegnskab.workspace import Workspace
from orchestration.defs.transformation import all_checks
from orchestration.resources import WRITER_POOL, CompanyWorkspace
from orchestration.tags import FULL, run_tags

# Tables of schema raw that no file holds.
NOT_FEEDS = {
    "company": "The company's parameters, one row.",
    "feeds": "Which feeds are supplied, one row per feed.",
    "files": "What became of every record of every file, one row per feed and file.",
    "rejects": "Records that could not be read as declared, one row each.",
    "left_out": "Records that a mapping leaves out, one row each.",
    "feed_totals": "Counts and sums of the files as read, of the lake, and of what is not handed on.",
    "expected_files": "Sources of which a file is expected for every month.",
    "file_months": "Which months the files of expected sources have records of.",
    "closed_sources": "What the lines of closed months were made of when they were closed.",
    "closed_figures": "The figures of salespeople and of the company in closed months as they were closed.",
    "closed_files": "The files behind the figures on which months were closed.",
    "published_baselines": "Baselines of targets as earlier publications hold them, one row per target.",
}


def _feed_spec(feed: Feed) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=["raw", feed.name],
        group_name="raw",
        description=f"{feed.en} ({feed.da}): {feed.grain}.",
        owners=["team:data"],
        kinds={"duckdb", "parquet"},
        tags={"layer": "raw", "required": str(feed.required).lower()},
        metadata={
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn(
                        name,
                        column.sql_type,
                        description=column.en,
                        constraints=dg.TableColumnConstraints(nullable=not column.required),
                    )
                    for name, column in feed.columns.items()
                ]
            )
        },
    )


@dg.multi_asset(
    name="raw_feeds",
    specs=[
        *(_feed_spec(feed) for feed in load_feeds().values()),
        *(
            dg.AssetSpec(
                key=["raw", name],
                group_name="raw",
                description=description,
                owners=["team:data"],
                kinds={"duckdb"},
                tags={"layer": "raw"},
            )
            for name, description in NOT_FEEDS.items()
        ),
    ],
    can_subset=False,  # a warehouse holds one intake of all files, or none
    pool=WRITER_POOL,
    # A network drive that is away for a moment; faults in the input are never retried.
    retry_policy=dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL),
)
def raw_feeds(context: dg.AssetExecutionContext, company: CompanyWorkspace) -> Iterator[dg.MaterializeResult]:
    """Read what is new, then load a fresh warehouse."""
    workspace = company.folder
    _refuse_unknown_waivers(workspace)
    sweep(workspace.lake)
    try:
        intake = take_in(workspace, workspace.lake, report, again=FULL in context.run.tags)
    except InputProblems as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    earlier = store.current(workspace.published)
    try:
        pseudonyms = for_refresh(workspace, earlier.manifest.parameters if earlier else None)
        write_names(workspace, intake, pseudonyms)
    except InputProblems as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    inputs = input_hash(workspace, intake.files)
    context.instance.add_run_tags(context.run_id, run_tags(inputs))
    with fresh_warehouse(workspace) as con, proven_feeds(workspace, pseudonyms) as proven:
        load_warehouse(con, workspace.company, workspace.lake, intake, pseudonyms, proven)
        record_load(con, workspace, intake, pseudonyms)
        load_baselines(con, workspace.published, earlier, pseudonyms)
        parameters = read_load_record(con).parameters
        try:
            load_history(con, workspace.lake, intake.receipts, parameters, earlier, pseudonyms)
            load_closed_months(con, workspace.published, earlier, pseudonyms)
        except InputProblems as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        start_load(
            con,
            load_id=context.run_id,
            run_id=context.run_id,
            input_hash=inputs,
            code_version=code_version(),
        )
        rows = dict(
            con.execute("select feed, sum(records_loaded)::bigint from raw.files group by feed").fetchall()
        )
    hashes = {name: [r.file_sha256 for r in intake.receipts if r.feed == name] for name in load_feeds()}
    for name, files in hashes.items():
        yield dg.MaterializeResult(
            asset_key=["raw", name],
            data_version=dg.DataVersion("|".join(sorted(files)) or "not supplied"),
            metadata={
                "dagster/row_count": rows.get(name, 0),
                "files": dg.MetadataValue.md(
                    "\n".join(f"- {r.source_file}" for r in intake.receipts if r.feed == name)
                ),
            },
        )
    for name in NOT_FEEDS:
        yield dg.MaterializeResult(asset_key=["raw", name])


def _refuse_unknown_waivers(workspace: Workspace) -> None:
    """A misspelt name would waive nothing, and nobody would know why the check still fails."""
    known = {check.check_name for check in all_checks()}
    unknown = [waiver.check for waiver in workspace.waivers if waiver.check not in known]
    if unknown:
        raise dg.Failure(
            "\n".join(
                InputProblem(
                    "waivers.yaml",
                    f"no check is named {name}",
                    "take the name from the message of the refresh that failed",
                ).sentence()
                for name in unknown
            ),
            allow_retries=False,
        )
