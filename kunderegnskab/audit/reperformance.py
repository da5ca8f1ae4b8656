"""A publication computed again from what its manifest records, and compared table by table.

Here: loading a scratch warehouse from the recorded lake files and parameters, and comparing contents. Not
here: running the models in between (kunderegnskab/refresh/beside.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from kunderegnskab.audit.raw_schema import fill_raw
from kunderegnskab.ingest import ExpectedFiles, Intake, LoadRecord
from kunderegnskab.problems import InputProblems, KunderegnskabError
from kunderegnskab.progress import Progress, silent
from kunderegnskab.pseudonyms import SecretMissing, recorded_in
from kunderegnskab.publication import store
from kunderegnskab.publication.content_hash import columns_of, table_content
from kunderegnskab.publication.earlier import EARLIER, attached
from kunderegnskab.publication.gone_sources import load_gone_sources
from kunderegnskab.publication.inputs import receipt_of
from kunderegnskab.publication.manifest import CheckOutcome
from kunderegnskab.publication.store import Publication
from kunderegnskab.quality.certification import CheckResult, Stage, read_results
from kunderegnskab.sql import qualified
from kunderegnskab.workspace import Company, Workspace

# What the run itself noted; another run notes something else.
_NOTES = frozenset(["audit.build", "audit.check_results"])
# Of a check that one side does not know.
NO_RESULT = "no result"


class CannotReperform(KunderegnskabError):
    """The publication cannot be computed again here; the text says why."""


@dataclass(frozen=True)
class Difference:
    """A table that came out differently."""

    table: str
    published_rows: int
    recomputed_rows: int | None
    """None where the table was not made at all."""


@dataclass(frozen=True)
class DifferentCheck:
    """A check that came out differently; `published` and `made` say how, in a few words."""

    stage: str
    check_name: str
    published: str
    made: str


@dataclass(frozen=True)
class Again:
    """What computing a publication again gave.

    Attributes:
        tables: the tables that came out differently.
        checks: the checks that did.
        pages: the files of quality/ that are not what the pages are now, relative to the publication.
        compared_checks: how many checks were made again.
        compared_pages: how many files were written again.
    """

    tables: list[Difference]
    checks: list[DifferentCheck]
    pages: list[str]
    compared_checks: int
    compared_pages: int


def load_again(con: duckdb.DuckDBPyConnection, workspace: Workspace, publication: Publication) -> None:
    """Fill schema raw of an empty warehouse with what the publication was made from.

    Raises CannotReperform for a publication of a version that did not record its mappings, and where a
    publication that it carries on, or took a baseline from, has no data any more.
    """
    manifest = publication.manifest
    if any(not file.control_totals for file in manifest.inputs):
        raise CannotReperform(
            f"{publication.name} was published by version {manifest.code_version}, which did not record all "
            "that is needed to compute it again."
        )
    intake = recorded_intake(publication)
    company = Company.recorded(manifest.parameters)
    try:
        pseudonyms = recorded_in(workspace, publication.name, manifest.parameters)
    except SecretMissing as error:
        raise CannotReperform(str(error)) from error
    before = manifest.previous
    earlier = store.find(workspace.published, before.publication) if before else None
    if earlier is not None and earlier.reference != before:
        earlier = None
    if before is not None and (earlier is None or not earlier.database.is_file()):
        raise CannotReperform(
            f"{publication.name} carries on what {before.publication} held, whose data are not there "
            "any more."
        )
    record = LoadRecord(
        input_hash=manifest.input_hash, receipts=intake.receipts, parameters=dict(manifest.parameters)
    )
    try:
        gone = fill_raw(con, workspace, company, intake, record, earlier, pseudonyms)
    except InputProblems as error:
        raise CannotReperform(f"{publication.name} cannot be computed again: {error}") from error
    load_gone_sources(con, manifest.parameters)
    _require_baselines(con, publication, gone)


def _require_baselines(
    con: duckdb.DuckDBPyConnection, publication: Publication, gone: Sequence[Publication]
) -> None:
    """Raises CannotReperform when a baseline was taken from a publication that has no data any more."""
    if not gone:
        return
    with attached(con, publication) as tables:
        if "marts.target_baselines" not in tables:
            return
        # What the publication before handed on is loaded; what it took itself is not.
        lost = con.execute(
            f"""
            select min(baseline_publication) from {EARLIER}.marts.target_baselines as held
            where list_contains(?, baseline_publication) and not exists (
                select 1 from raw.published_baselines as taken
                where taken.kpi_id = held.kpi_id and taken.scope_type = held.scope_type
                    and taken.scope_id = held.scope_id and taken.month_from = held.month_from
            )
            """,
            [[each.name for each in gone]],
        ).fetchall()[0][0]
    if lost is not None:
        raise CannotReperform(
            f"{publication.name} took a baseline from what {lost} held, whose data are not there any more."
        )


def recorded_intake(publication: Publication) -> Intake:
    """The files that a publication was made from, as the lake has them."""
    recorded = publication.manifest.parameters.get("expected_files")
    expected = recorded if isinstance(recorded, list) else []
    receipts = tuple(map(receipt_of, publication.manifest.inputs))
    return Intake(receipts, (), tuple(map(ExpectedFiles.model_validate, expected)))


def compare(
    con: duckdb.DuckDBPyConnection, publication: Publication, progress: Progress = silent
) -> list[Difference]:
    """The published tables whose content is not that of the warehouse on this connection."""
    return list(_differences(con, publication, progress))


def compared_tables(publication: Publication) -> list[str]:
    """The tables that must come out the same; views are what their queries make of these."""
    return [
        name
        for name, content in publication.manifest.marts.items()
        if name not in _NOTES and content.query is None
    ]


def _differences(
    con: duckdb.DuckDBPyConnection, publication: Publication, progress: Progress
) -> Iterator[Difference]:
    tables = compared_tables(publication)
    for place, name in enumerate(tables):
        progress(f"comparing {publication.name}", place, len(tables))
        content = publication.manifest.marts[name]
        schema, _, table = name.partition(".")
        relation = qualified(schema, table)
        try:
            found = table_content(con, relation, content.key, columns_of(con, relation))
        except duckdb.CatalogException:
            yield Difference(name, content.rows, None)
            continue
        if found.sha256 != content.content_sha256:
            yield Difference(name, content.rows, found.rows)


def published_results(publication: Publication) -> list[CheckResult]:
    """How the checks of a publication came out, as its own table says."""
    with duckdb.connect(str(publication.database), read_only=True) as con:
        return read_results(con)


def days_of_checks(publication: Publication) -> dict[Stage, date]:
    """The day that counted as today when the checks of each stage were made."""
    with duckdb.connect(str(publication.database), read_only=True) as con:
        return dict(
            con.execute(
                "select stage, max(checked_at)::date from audit.check_results group by stage"
            ).fetchall()
        )


def different_checks(made: Sequence[CheckResult], publication: Publication) -> list[DifferentCheck]:
    """The checks whose results are not what the publication says of them, in its table or its manifest.

    Rows that a check shows as examples are left out: there may be many as good, and none comes first.

    Args:
        made: the results of the checks that were made again.
    """
    again = {(each.stage, each.check_name): each for each in made}
    table = {(each.stage, each.check_name): each for each in published_results(publication)}
    listed = {(each.stage, each.check_name): each for each in publication.manifest.checks}
    found = []
    for stage, name in sorted(again.keys() | table.keys() | listed.keys()):
        key = (stage, name)
        now, said, outcome = again.get(key), table.get(key), listed.get(key)
        if _facts(said) != _facts(now):
            found.append(DifferentCheck(stage, name, _in_words(said), _in_words(now)))
        elif outcome != (_outcome(now) if now else None):
            found.append(DifferentCheck(stage, name, f"{_in_words(outcome)} in its manifest", _in_words(now)))
    return found


def _facts(result: CheckResult | None) -> dict[str, Any] | None:
    return result.model_dump(exclude={"detail"}) if result is not None else None


def _outcome(result: CheckResult) -> CheckOutcome:
    return CheckOutcome.model_validate(result.model_dump(include=set(CheckOutcome.model_fields)))


def _in_words(result: CheckResult | CheckOutcome | None) -> str:
    if result is None:
        return NO_RESULT
    rows = f", {result.failing_rows} failing rows" if result.failing_rows else ""
    observed = f", {result.observed}" if isinstance(result, CheckResult) and result.observed else ""
    return f"{result.status}{rows or observed}{'' if result.is_blocking else ' (a warning)'}"
