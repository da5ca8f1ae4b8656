"""The command `kunderegnskab`: starts what Dagster defines, and shows what there is.

Each command imports what it needs when it runs, so that the quick ones answer at once. What the commands
do belongs in `refresh.py` and in `kunderegnskab`.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

from kunderegnskab.problems import InputProblem, InputProblems, KunderegnskabError
from kunderegnskab.workspace import DEFAULT_WORKSPACE, ENVIRONMENT_VARIABLE, Workspace, find_workspace

if TYPE_CHECKING:
    from kunderegnskab.ingest import Intake
    from kunderegnskab.progress import Progress
    from kunderegnskab.publication.store import Publication
    from orchestration.refresh import Outcome

app = typer.Typer(
    name="kunderegnskab",
    help="Customer accounts (kunderegnskaber): from sales and cost files to checked, published numbers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
# Results go to standard output, progress and complaints to standard error; file names are no markup.
_out = Console(highlight=False, soft_wrap=True, markup=False)
_err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)

# Changed files that a person reads of; a script gets all.
_FILES_SHOWN = 5

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        envvar=ENVIRONMENT_VARIABLE,
        help="Folder of the company. Default: data/ of the repository.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for scripts.")]


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="Folder to make; must not exist or be empty.")],
) -> None:
    """Make a new workspace with commented configuration."""
    from kunderegnskab.workspace.template import make_workspace

    made = make_workspace(directory)
    _out.print(f"Made the workspace {made}.")
    _out.print("Next: put your files in landing/, say in feeds.yaml how they are written, then run")
    _out.print(f"  kunderegnskab check-inputs --workspace {made}")


@app.command()
def demo(
    workspace: WorkspaceOption = None,
    scale: Annotated[
        float, typer.Option(help="Size of the company; 1 is about 150,000 sales lines.", min=0.01)
    ] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Make the demo company's files, refresh, and say where to look."""
    from kunderegnskab.demo.generator import generate

    found = _demo_workspace(workspace)
    if found.company.name != Workspace(DEFAULT_WORKSPACE).company.name:
        raise InputProblems(
            [
                InputProblem(
                    str(found.root),
                    f"is the workspace of {found.company.name}, whose files the demo would overwrite",
                    "name a new folder with --workspace",
                )
            ]
        )
    with _progress(as_json) as progress:
        generate(found.landing, scale=scale, progress=lambda activity: progress(activity, 0, 1))
    _finish_refresh(found, full=False, as_json=as_json)


@app.command("check-inputs")
def check_inputs(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Read and type everything, report, change nothing."""
    from kunderegnskab.ingest import take_in

    found = find_workspace(workspace)
    with tempfile.TemporaryDirectory(prefix="kunderegnskab-") as scratch:
        lake = Path(scratch)
        with _progress(as_json) as progress:
            intake = take_in(found, lake, progress)
        report = _inputs_report(found, lake, intake)
    if as_json:
        _print_json(report)
    else:
        _show_inputs(report)
    if report["problems"]:
        raise typer.Exit(1)


@app.command()
def refresh(
    workspace: WorkspaceOption = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read every file again and publish even if nothing has changed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read what is new, build the customer accounts, check them and publish."""
    _finish_refresh(find_workspace(workspace), full=full, as_json=as_json)


@app.command()
def status(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """What is published, from when, on which checks, and whether it is fresh."""
    from orchestration.status import describe_status

    report = describe_status(find_workspace(workspace))
    if as_json:
        _print_json(report)
        return
    if report["publication"] is None:
        root = find_workspace(workspace).root
        _out.print(f"Nothing is published yet. Run `kunderegnskab refresh --workspace {root}`.")
    else:
        _out.print(f"{report['company']}: publication {report['publication']} of {report['published_at']}")
        _out.print(f"  in        {report['path']}")
        _out.print(
            f"  months    {report['first_month']} to {report['last_month']}, {report['customers']} customers"
        )
        checks = report["checks"]
        _out.print(
            f"  checks    {checks['passed']} passed, {checks['warnings']} warnings, {checks['waived']} waived"
        )
        for warning in report["warnings"]:
            _out.print(f"            {warning}")
        _out.print(f"  freshness {report['freshness']}")
    if (last := report["last_refresh"]) and last["status"] == "failed":
        _out.print(f"The last refresh ({last['finished_at']}) failed and published nothing:")
        for sentence in last["sentences"][:5]:
            _out.print(f"  {sentence}")


@app.command()
def checks(
    run: Annotated[
        str | None,
        typer.Option(help="A run's id or the beginning of it, its publication, or last; all if left out."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """How the checks of each run went, also of runs that published nothing."""
    from kunderegnskab.quality.runs import attention, damaged_files, find_run, read_run_results, read_runs

    folder = find_workspace(workspace).runs
    for damaged in damaged_files(folder):
        _complain([f"{damaged} cannot be read and is left out; restore it from a backup, or remove it."])
    runs = read_runs(folder) if run is None else [find_run(folder, run)]
    results = read_run_results(folder, [each.run_id for each in runs])
    by_run = {each.run_id: [result for result in results if result.run_id == each.run_id] for each in runs}
    if as_json:
        _print_json(
            {
                "runs": [
                    asdict(each)
                    | {
                        "started_at": each.started_at.isoformat(timespec="seconds"),
                        "checks": [asdict(result) for result in by_run[each.run_id]],
                    }
                    for each in runs
                ]
            }
        )
        return
    if not runs:
        _out.print("No run has been kept yet.")
    for each in runs:
        counts = Counter(attention(result.status, result.is_blocking) for result in by_run[each.run_id])
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "no check was made"
        made = f" {each.publication}" if each.publication else ""
        if each.outcome == "failed" and not counts.keys() & {"failed", "error"}:
            told += "; a step broke, the log of that time tells more"
        _out.print(f"{each.started_at:%Y-%m-%d %H:%M}  {each.run_id[:8]}  {each.outcome}{made}: {told}")
        if run is None:
            continue
        for result in by_run[each.run_id]:
            if (kind := attention(result.status, result.is_blocking)) != "passed":
                _out.print(f"  {kind}: {result.check_name} ({result.observed}): {result.expectation}")


@app.command()
def explain(
    what: Annotated[
        str,
        typer.Argument(
            help="A KPI, a column of the customer accounts, or table.column of any published table."
        ),
    ],
    customer: Annotated[str | None, typer.Option(help="Customer that the KPI is about.")] = None,
    salesperson: Annotated[str | None, typer.Option(help="Salesperson that the KPI is about.")] = None,
    team: Annotated[str | None, typer.Option(help="Team that the KPI is about.")] = None,
    segment: Annotated[str | None, typer.Option(help="Segment that the KPI is about.")] = None,
    month: Annotated[str | None, typer.Option(help="Month, e.g. 2025-06; the window's last one.")] = None,
    window: Annotated[str, typer.Option(help="month, ytd or r12.")] = "month",
    at: Annotated[
        list[str] | None, typer.Option(help="With table.column: a key column and its value, e.g. rank=3.")
    ] = None,
    publication: Annotated[
        str | None, typer.Option(help="Name or number; the current one if left out.")
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(help="Steps down from the number; as many as can be read if left out.", min=1),
    ] = None,
    language: Annotated[str | None, typer.Option(help="da or en; the company's if left out.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write all source records to this file.")] = None,
    xlsx: Annotated[
        Path | None, typer.Option(help="Write steps and source records to this workbook.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """A published number: its formula, its parts, its source records, and that they add up."""
    from kunderegnskab.audit.explain import ask, show
    from kunderegnskab.audit.explain.reach import reach
    from kunderegnskab.audit.explain.records import source_records
    from kunderegnskab.audit.trace import opened
    from kunderegnskab.progress import listening

    scopes = {"customer": customer, "salesperson": salesperson, "team": team, "segment": segment}
    # Before anything is computed: what cannot be written or said is known now.
    if language not in (None, "da", "en"):
        raise ask.CannotExplain(f"--language {language} is not known; use da or en.")
    for path in (csv, xlsx):
        if path is not None and not path.resolve().parent.is_dir():
            raise ask.CannotExplain(f"There is no folder {path.parent} for {path.name}; make it first.")
    with opened(find_workspace(workspace), publication) as trace:
        if "." in what:
            cell = ask.cell_at(trace, what, ask.key_of(at or []))
        else:
            scope_type, scope_id = ask.scope_of(scopes)
            if scope_type == "salesperson":
                scope_id = ask.salesperson_of(trace, scope_id)
            cell = ask.kpi_cell(trace, what, scope_type, scope_id, _asked_month(month), window)
        root = ask.follow(trace, cell, depth)
        wanted = [record for each in root.explanations() for record in each.records]
        reached = None
        if csv is not None or xlsx is not None or as_json:
            # Whoever takes the records along gets all of them, not those of the steps that a person reads.
            with _progress(as_json) as progress, listening(progress):
                reached = reach(trace, cell)
            wanted = list(reached.records)
        records = source_records(trace, dict.fromkeys(wanted))
        computed = reached.computed if reached is not None else ()
        names = show.names_of(
            trace, "en" if (language or trace.publication.manifest.locale) == "en" else "da"
        )
        if csv is not None:
            show.write_csv(csv, records, computed)
        if xlsx is not None:
            show.write_xlsx(xlsx, root, records, computed)
        if reached is not None and as_json:
            _print_json(show.as_json(root, records, reached, trace.publication.name))
        else:
            _wide().print(show.tree(root, records, names, reached))
    records_differ = reached is not None and reached.adds_up is False
    if records_differ or not all(each.adds_up for each in root.explanations()):
        raise typer.Exit(1)


def _asked_month(text: str | None) -> date:
    from kunderegnskab.months import NoMonth, month_of

    if text is None:
        raise NoMonth("Say which month with --month, e.g. --month 2025-06.")
    return month_of(text)


@app.command()
def sample(
    size: Annotated[int, typer.Argument(help="How many source records to draw.", min=1)],
    method: Annotated[
        str, typer.Option(help="random, or monetary: each krone has the same chance.")
    ] = "random",
    seed: Annotated[int, typer.Option(help="The same seed draws the same records.")] = 1,
    first: Annotated[str | None, typer.Option(help="First month, e.g. 2025-01.")] = None,
    last: Annotated[str | None, typer.Option(help="Last month.")] = None,
    xlsx: Annotated[Path | None, typer.Option(help="Write the sample to this workbook.")] = None,
    publication: Annotated[
        str | None, typer.Option(help="Name or number; the current one if left out.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw source records for an audit, with their text and where each of them counts."""
    from kunderegnskab.audit.sampling import CannotSample, draw, write_workbook
    from kunderegnskab.audit.trace import opened
    from kunderegnskab.months import month_of

    if method not in ("random", "monetary"):
        raise CannotSample(f"--method {method} is not known; use random or monetary.")
    with opened(find_workspace(workspace), publication) as trace:
        drawn = draw(
            trace,
            size,
            method="monetary" if method == "monetary" else "random",
            seed=seed,
            first_month=month_of(first) if first else None,
            last_month=month_of(last) if last else None,
        )
    if xlsx is not None:
        write_workbook(xlsx, drawn)
    if as_json:
        _print_json(
            {
                "publication": drawn.publication,
                "method": drawn.method,
                "seed": drawn.seed,
                "population": drawn.population,
                "population_amount": str(drawn.population_amount),
                "strata": drawn.strata,
                "interval": None if drawn.interval is None else str(drawn.interval),
                "records": [
                    {
                        "feed": each.record.feed,
                        "file": each.record.source_file,
                        "sha256": each.record.sha256,
                        "file_state": each.record.file_state,
                        "record": each.record.source_record,
                        "raw": each.record.raw,
                        "amount": str(each.record.value),
                        "stratum": each.stratum,
                        "counts": [
                            {
                                "customer_id": counted.customer_id,
                                "month": f"{counted.month:%Y-%m}",
                                "lines": {line: str(amount) for line, amount in counted.lines.items()},
                            }
                            for counted in each.counts
                        ],
                        "shown_in": list(each.shown_in),
                    }
                    for each in drawn.drawn
                ],
            }
        )
        return
    _out.print(
        f"{drawn.publication}: {len(drawn.drawn)} of {drawn.population:,} records drawn "
        f"({drawn.method}, seed {drawn.seed}; "
        f"{', '.join(f'{count:,} of {name}' for name, count in drawn.strata.items())})"
    )
    for each in drawn.drawn:
        record = each.record
        counts = "; ".join(
            f"{f'customer {counted.customer_id}, ' if counted.customer_id else ''}{counted.month:%Y-%m}, "
            f"{', '.join(counted.lines)}"
            for counted in each.counts
        )
        _out.print(
            f"  {record.source_file}, record {record.source_record}: {record.value} "
            f"({each.stratum}: {counts})"
        )


@app.command()
def close(
    month: Annotated[str, typer.Argument(help="Month, e.g. 2025-06.")],
    by: Annotated[str, typer.Option(help="Who decides it.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    reopen: Annotated[bool, typer.Option("--reopen", help="Reopen a closed month instead.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close a month on the current publication: later changes of it are listed as restatements."""
    from kunderegnskab.audit.closing import EVENTS_FILE, record_event
    from kunderegnskab.months import month_of

    found = find_workspace(workspace)
    made = record_event(found, month_of(month), "reopen" if reopen else "close", by=by, reason=reason)
    if as_json:
        _print_json(
            {
                "month": f"{made.month:%Y-%m}",
                "event": made.event,
                "event_no": made.number,
                "publication": made.publication,
                "manifest_sha256": made.manifest_sha256,
            }
        )
        return
    done = "closed on" if made.event == "close" else "reopened after"
    _out.print(f"{made.month:%Y-%m} is {done} publication {made.publication}")
    _out.print(f"  manifest {made.manifest_sha256}")
    _out.print(f"  written into policy/{EVENTS_FILE} as event {made.number}; the next refresh follows it.")


@app.command()
def salespeople(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Who is behind the pseudonyms of salespeople; for those who may read the folder personal/."""
    from dataclasses import asdict

    from kunderegnskab.personal.names import purged, read_names

    found = find_workspace(workspace)
    listed, removed = read_names(found), sorted(purged(found))
    if as_json:
        _print_json({"salespeople": [asdict(each) for each in listed], "purged": removed})
        return
    if found.company.salesperson_keys == "plain":
        _out.print("Salespeople are published by their own keys (company.yaml: salesperson_keys: plain).")
    for each in listed:
        until = f"{each.last_active:%Y-%m-%d}" if each.last_active else "still"
        _out.print(
            f"{each.pseudonym}  {each.salesperson_id}  {each.salesperson_name or ''}  (active: {until})"
        )
    if removed:
        _out.print(f"Names removed: {', '.join(removed)}.")


@app.command()
def purge(
    by: Annotated[str, typer.Option(help="Who decides it.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    salesperson: Annotated[
        str | None,
        typer.Option(help="Key or pseudonym; all whose names have been kept long enough if left out."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing, tell what would be done.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove names of salespeople, with proof that nothing published changes."""
    from dataclasses import asdict

    from kunderegnskab.personal.purge import purge as run_purge

    found = find_workspace(workspace)
    today = datetime.now(UTC).date()
    done = run_purge(found, salesperson, by=by, reason=reason, today=today, dry_run=dry_run)
    if as_json:
        _print_json(asdict(done))
        return
    if not done.pseudonyms:
        months = found.company.salesperson_names_kept_months
        _out.print(f"No name has been kept for more than {months} months after the last activity.")
        return
    verb = "Would remove" if dry_run else "Removed"
    _out.print(f"{verb} from personal/salespeople.csv: {', '.join(done.pseudonyms)}.")
    proof = done.proof
    same = "" if dry_run else ", the same before and after"
    _out.print(f"  {proof.files} published files, hash {proof.files_sha256[:16]}{same}")
    _out.print(f"  totals of {proof.totals} salespeople, hash {proof.totals_sha256[:16]}{same}")
    _out.print(f"  no cell of {proof.publications} publications with pseudonyms is the name or key")
    for sentence in done.still:
        _out.print(f"  {sentence}")
    if done.files:
        _out.print("Bookkeeping material in which the key still stands, kept for as long as the law says:")
        for name in done.files:
            _out.print(f"  {name}")


@app.command()
def verify(
    publication: Annotated[
        list[str] | None, typer.Argument(help="Compute these again (name or number) instead of the newest.")
    ] = None,
    last: Annotated[
        int, typer.Option(help="How many of the newest publications to compute again.", min=0)
    ] = 1,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hashes of all that was published and read, publications computed again, headline KPIs by a second path.

    Ends with 0 when everything holds, 1 when something does not, 3 when something could not be verified.
    """
    from orchestration.verify import verify as run_verify

    with _progress(as_json) as progress:
        report = run_verify(find_workspace(workspace), progress, wanted=publication or [], last=last)
    if as_json:
        _print_json(report.as_json())
    else:
        for line in report.lines():
            _out.print(line)
    raise typer.Exit(report.exit_code)


def command() -> NoReturn:
    """The console script: `main`, and then an end without delay.

    Python takes seconds to take the memory of a refresh apart, and it looks as if there were more to come.
    """
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    atexit._run_exitfuncs()
    with suppress(BrokenPipeError):  # who reads our output has had enough
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Run the command of the arguments: every expected error ends as plain sentences and exit code 1."""
    try:
        app()
    except InputProblems as error:
        _give_up([problem.sentence() for problem in error.problems])
    except KunderegnskabError as error:
        _give_up(str(error).splitlines())
    except OSError as error:
        _give_up([f"{error.filename or 'A file'} cannot be used: {error.strerror}; try again."])


def _give_up(sentences: list[str]) -> NoReturn:
    if "--json" in sys.argv:
        _print_json({"status": "failed", "problems": sentences})
    else:
        _complain(sentences)
    sys.exit(1)


# --- refresh ----------------------------------------------------------------------------------------
def _finish_refresh(workspace: Workspace, *, full: bool, as_json: bool) -> None:
    from orchestration.refresh import refresh as run_refresh

    with _progress(as_json) as progress:
        outcome = run_refresh(workspace, progress, full=full)
    if as_json:
        _print_json(_outcome_report(workspace, outcome))
    else:
        _show_outcome(workspace, outcome)
    if outcome.status == "failed":
        raise typer.Exit(1)


def _outcome_report(workspace: Workspace, outcome: Outcome) -> dict[str, Any]:
    return {
        "status": outcome.status,
        "publication": outcome.publication,
        "changed": list(outcome.changed),
        "seconds": outcome.seconds,
        "path": str(workspace.published / "current") if outcome.publication else None,
        "run_id": outcome.run_id,
        "problems": list(outcome.sentences),
        "warnings": list(outcome.warnings),
        "notes": list(outcome.notes),
        "log": outcome.log,
        "rejects": outcome.rejects,
    }


def _show_outcome(workspace: Workspace, outcome: Outcome) -> None:
    from kunderegnskab.publication import store

    if outcome.status == "failed":
        _complain(["The refresh failed and published nothing.", *outcome.sentences])
        if outcome.rejects:
            _err.print(f"All rejected records are listed in {outcome.rejects}")
        if outcome.publication:
            _err.print(f"Readers still see publication {outcome.publication}.")
        if outcome.log:
            _err.print(f"Log: {outcome.log}")
        _complain(list(outcome.notes))
        return
    if outcome.status == "unchanged":
        _out.print(f"Nothing has changed since publication {outcome.publication}; nothing new was published.")
        return
    current = store.current(workspace.published)
    if current is not None:
        _show_publication(workspace, current, outcome)
    if outcome.warnings:
        _err.print(
            "Checks that failed without hindering the publication; look at them in the quality report:"
        )
        for warning in outcome.warnings:
            _err.print(f"  {warning}")
    _complain(list(outcome.notes))


def _show_publication(workspace: Workspace, publication: Publication, outcome: Outcome) -> None:
    from orchestration.status import headline

    current = workspace.published / "current"
    _out.print(f"Published {publication.name} after {outcome.seconds} s.")
    if publication.manifest.previous is not None:
        before = publication.manifest.previous.publication
        _out.print(f"Changed since {before}: {_few(outcome.changed) or 'no file'}.")
    for line in headline(publication):
        _out.print(f"  {line}")
    _out.print("Look at")
    _out.print(f"  {current / 'quality' / 'report.html'}   the quality report")
    _out.print(f"  {current / 'kunderegnskab.duckdb'}   the marts, for any DuckDB client")
    _out.print(f"  {current / 'parquet'}   the same as Parquet")


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _FILES_SHOWN} more" if len(names) > _FILES_SHOWN else ""
    return ", ".join(names[:_FILES_SHOWN]) + more


# --- check-inputs -----------------------------------------------------------------------------------
def _inputs_report(workspace: Workspace, lake: Path, intake: Intake) -> dict[str, Any]:
    import duckdb

    from kunderegnskab.feeds import load_feeds
    from kunderegnskab.ingest import load_warehouse
    from kunderegnskab.ingest.landing import unused_files
    from kunderegnskab.ingest.rejects import reject_problems

    with duckdb.connect() as con:
        load_warehouse(con, workspace.company, lake, intake)
        found = con.execute(
            "select feed, source_file, records_read, records_loaded, records_rejected, records_left_out, "
            "rejects_allowed from raw.files"
        )
        names = [column[0] for column in found.description or ()]
        files = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        rejects = [problem.sentence() for problem in reject_problems(con, limit=100)]
    over = any(file["records_rejected"] > file["rejects_allowed"] for file in files)
    return {
        "files": files,
        "not_supplied": [name for name in load_feeds() if name not in intake.supplied],
        "unused_files": unused_files(workspace),
        "absent_columns": [
            {"file": receipt.source_file, "column": column}
            for receipt in intake.receipts
            for column in receipt.absent_columns
        ],
        "rejects": rejects,
        "problems": rejects if over else [],
    }


def _show_inputs(report: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("feed", "file", "read", "loaded", "rejected", "left out", box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for file in report["files"]:
        counts = (file[f"records_{kind}"] for kind in ("read", "loaded", "rejected", "left_out"))
        cells = (file["feed"], file["source_file"], *(f"{count:,}" for count in counts))
        table.add_row(*(Text(cell) for cell in cells))
    _wide().print(table)
    if report["not_supplied"]:
        _out.print(f"Not supplied: {', '.join(report['not_supplied'])}.")
    for name in report["unused_files"]:
        _out.print(f"{name} is read by no mapping.")
    for absent in report["absent_columns"]:
        _out.print(f"{absent['file']}: no record has {absent['column']}, it is read as empty.")
    if report["problems"]:
        _complain(report["problems"])
    else:
        for sentence in report["rejects"]:
            _out.print(f"Rejected, as allowed: {sentence}")
        _out.print("All files can be read.")


# --- showing ----------------------------------------------------------------------------------------
def _demo_workspace(directory: Path | None) -> Workspace:
    """The demo company's workspace; a new folder gets a copy of its configuration."""
    if (
        directory is not None
        and directory.resolve() != DEFAULT_WORKSPACE
        and not (directory / "company.yaml").exists()
    ):
        directory.mkdir(parents=True, exist_ok=True)
        for name in ("company.yaml", "feeds.yaml"):
            shutil.copy(DEFAULT_WORKSPACE / name, directory / name)
        shutil.copytree(DEFAULT_WORKSPACE / "policy", directory / "policy", dirs_exist_ok=True)
    return find_workspace(directory)


@contextmanager
def _progress(as_json: bool) -> Generator[Progress]:
    """A bar on a terminal, a line per activity elsewhere, nothing where a script reads the output."""
    from kunderegnskab.progress import silent

    if as_json:
        yield silent
        return
    # Dagster's output is sent to a file by replacing sys.stderr; the bar keeps the real one.
    console = Console(file=os.fdopen(os.dup(2), "w"), highlight=False, soft_wrap=True, markup=False)
    if not console.is_terminal:
        said: set[str] = set()

        def line(activity: str, done: int, total: int) -> None:
            stage = "reading files" if activity.startswith("reading ") else activity.split(" marts.")[0]
            stage = stage.split(" audit.")[0].split(" raw.")[0]
            if stage not in said:
                said.add(stage)
                console.print(stage)

        yield line
        return
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task("", total=1)

        def show(activity: str, done: int, total: int) -> None:
            bar.update(task, description=activity, completed=done, total=total)

        yield show


def _wide() -> Console:
    """Where nobody looks at a screen, a line must not be cut to the width of one."""
    return _out if _out.is_terminal else Console(width=240, highlight=False, markup=False)


def _complain(sentences: list[str]) -> None:
    for sentence in sentences:
        _err.print(sentence)


def _print_json(report: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=1, default=str) + "\n")


if __name__ == "__main__":
    main()
