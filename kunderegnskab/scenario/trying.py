"""Trying a policy: the publication's records and the files tried become a warehouse, which is compared.

The lake is only read, so a refresh may be at work meanwhile; scenarios of one name wait for nobody and are
refused while another command builds one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import duckdb
from filelock import FileLock, Timeout

from kunderegnskab.audit.raw_schema import fill_raw
from kunderegnskab.audit.reperformance import recorded_intake
from kunderegnskab.audit.trace import CannotTrace
from kunderegnskab.code_version import code_version
from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest import Intake, LoadRecord, Receipt, take_in_others
from kunderegnskab.ingest.rejects import reject_problems
from kunderegnskab.problems import InputProblems
from kunderegnskab.progress import Progress, silent
from kunderegnskab.pseudonyms import PLAIN, Pseudonyms, recorded_in
from kunderegnskab.quality.certification import GOOD_STATUSES, STAGES, read_results, utc_now
from kunderegnskab.refresh.beside import Beside, NotBuilt, build_beside
from kunderegnskab.refresh.failures import told_of_check
from kunderegnskab.scenario.comparison import Comparison, compared
from kunderegnskab.scenario.files import write_files
from kunderegnskab.scenario.trial import CannotTry, Trial, plan
from kunderegnskab.sql import WAREHOUSE_CONFIG
from kunderegnskab.workspace import Workspace

# Rejected records that a message names.
_SHOWN = 20


@dataclass(frozen=True)
class Tried:
    """What came of a scenario.

    Attributes:
        folder: where its warehouse and the files of the comparison lie.
        problems: what the checks say for which a refresh with this policy would publish nothing.
        warnings: the checks that failed without hindering that, and did not before.
    """

    trial: Trial
    folder: Path
    comparison: Comparison
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def try_policy(
    workspace: Workspace,
    name: str,
    policy: Path | None = None,
    settings: Iterable[str] = (),
    progress: Progress = silent,
) -> Tried:
    """Build the current publication's records under another policy, and compare with it.

    Args:
        policy: folder of files that each take the place of all that supply the feed of their name.
        settings: `key=value` for keys of company.yaml.

    Raises:
        CannotTry: there is nothing to try, nothing to try it on, or the models do not run on it.
        InputProblems: files or settings that cannot be used, or records that the door rejects.
    """
    trial = plan(workspace, name, policy, tuple(settings))
    folder = workspace.scenarios / name
    with _sole_builder(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            return _tried(workspace, trial, folder, progress)
        except BaseException:
            # Half a scenario says nothing, and its warehouse carries the secret of the pseudonyms.
            shutil.rmtree(folder, ignore_errors=True)
            raise


@contextmanager
def _sole_builder(folder: Path) -> Generator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f"{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise CannotTry(
            f"Another command is building the scenario {folder.name}; wait for it, or give this one another "
            "name."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _tried(workspace: Workspace, trial: Trial, folder: Path, progress: Progress) -> Tried:
    base = trial.base
    taken = take_in_others(workspace, trial.sources, folder / "lake", progress)
    now = utc_now()
    intake = _intake(trial, taken)
    parameters = dict(base.manifest.parameters) | {"company": trial.company.parameters()}
    record = LoadRecord(
        input_hash=_input_hash(intake, trial), receipts=intake.receipts, parameters=parameters
    )
    pseudonyms = _pseudonyms(workspace, trial)

    def fill(con: duckdb.DuckDBPyConnection) -> None:
        fill_raw(con, workspace, trial.company, intake, record, base, pseudonyms)
        rejected = [problem for feed in sorted(trial.feeds) for problem in reject_problems(con, _SHOWN, feed)]
        if rejected:
            raise InputProblems(rejected)

    beside = Beside(
        subject=f"the scenario {trial.name}",
        run_id=str(uuid4()),
        input_hash=record.input_hash,
        code_version=code_version(),
        at=dict.fromkeys(STAGES, now),
        waivers=base.manifest.waivers,
        previous=base.database,
    )
    try:
        warehouse = build_beside(workspace, folder, beside, fill, progress)
    except (NotBuilt, CannotTrace) as error:
        raise CannotTry(f"The scenario {trial.name} cannot be computed: {error}") from error
    for scratch in ("target", "tested"):
        shutil.rmtree(folder / scratch, ignore_errors=True)
    problems, warnings = _told(trial, warehouse, folder)
    progress("comparing", 0, 1)
    comparison = compared(base, warehouse, trial.company.locale)
    tried = Tried(trial, folder, comparison, tuple(problems), tuple(warnings))
    write_files(folder, comparison)
    return tried


def _intake(trial: Trial, taken: Iterable[Receipt]) -> Intake:
    """The publication's files, but for those of the feeds that are tried; in the order of the contracts."""
    before = recorded_intake(trial.base)
    kept = [receipt for receipt in before.receipts if receipt.feed not in trial.feeds]
    order = list(load_feeds())
    receipts = sorted([*kept, *taken], key=lambda receipt: order.index(receipt.feed))
    expected = tuple(each for each in before.expected if each.feed not in trial.feeds)
    return Intake(tuple(receipts), (), expected)


def _input_hash(intake: Intake, trial: Trial) -> str:
    tried = {"files": intake.files, "company": trial.company.parameters()}
    return hashlib.sha256(json.dumps(tried, sort_keys=True).encode()).hexdigest()


def _pseudonyms(workspace: Workspace, trial: Trial) -> Pseudonyms:
    """Those of the publication; files that are tried name salespeople in the columns of their contracts."""
    found = recorded_in(workspace, trial.base.name, trial.base.manifest.parameters)
    if found.secret is None:
        return PLAIN
    feeds = load_feeds()
    texts = {
        name: {
            column: "some" if declared.personal_when else str(declared.personal)
            for column, declared in feeds[name].columns.items()
            if declared.personal in ("salesperson_key", "salesperson_name")
        }
        for name in trial.feeds
    }
    return replace(found, texts={**found.texts, **texts})


def _told(trial: Trial, warehouse: Path, folder: Path) -> tuple[list[str], list[str]]:
    """What the checks say that hinder, with lists of the rows behind that; and what the others say anew."""
    was = {check.check_name for check in trial.base.manifest.checks if check.status not in GOOD_STATUSES}
    problems: list[str] = []
    warnings: list[str] = []
    with duckdb.connect(str(warehouse), config=WAREHOUSE_CONFIG) as con:
        for result in read_results(con):
            if result.hinders:
                rows = folder / "failures" / f"{result.check_name}.csv"
                problems += told_of_check(con, result, rows, trial.base)
            elif result.status not in GOOD_STATUSES and result.check_name not in was:
                warnings += result.told
    return problems, warnings
