"""Assets raw/*: landing files become the lake and schema raw of a new warehouse.

How files are read belongs in `kunderegnskab.ingest`, what must hold for them in `kunderegnskab.quality.door`.
"""

from collections.abc import Iterator

import dagster as dg

from kunderegnskab.feeds import Feed, load_feeds
from kunderegnskab.ingest.load import TABLES_BESIDE_FEEDS
from kunderegnskab.ingest.unread import unread
from kunderegnskab.problems import InputProblems
from kunderegnskab.publication.heads import UnusableProof
from kunderegnskab.refresh import loading
from kunderegnskab_orchestration.asset_keys import asset_key
from kunderegnskab_orchestration.resources import CompanyWorkspace
from kunderegnskab_orchestration.tags import FULL, run_tags


def _feed_spec(feed: Feed) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=asset_key("raw", feed.name),
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
                key=asset_key("raw", name),
                group_name="raw",
                description=description,
                owners=["team:data"],
                kinds={"duckdb"},
                tags={"layer": "raw"},
            )
            for name, description in TABLES_BESIDE_FEEDS.items()
        ),
    ],
    can_subset=False,  # a warehouse holds one intake of all files, or none
    # A network drive that is away for a moment; faults in the input are never retried.
    retry_policy=dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL),
)
def raw_feeds(context: dg.AssetExecutionContext, company: CompanyWorkspace) -> Iterator[dg.MaterializeResult]:
    """Read what is new, then load a fresh warehouse."""
    try:
        loaded = loading.read_in(company.folder, context.run_id, again=FULL in context.run.tags)
    except (InputProblems, UnusableProof) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    context.instance.add_run_tags(context.run_id, run_tags(loaded.input_hash))
    for sentence in unread(company.folder).sentences:
        context.log.warning(sentence)
    receipts = loaded.intake.receipts
    for name in load_feeds():
        files = [receipt for receipt in receipts if receipt.feed == name]
        yield dg.MaterializeResult(
            asset_key=asset_key("raw", name),
            data_version=dg.DataVersion(
                "|".join(sorted(file.file_sha256 for file in files)) or "not supplied"
            ),
            metadata={
                "dagster/row_count": loaded.rows.get(name, 0),
                "files": dg.MetadataValue.md("\n".join(f"- {file.source_file}" for file in files)),
            },
        )
    for name in TABLES_BESIDE_FEEDS:
        yield dg.MaterializeResult(asset_key=asset_key("raw", name))
