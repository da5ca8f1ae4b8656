"""What `kunderegnskab verify` does, in order: hashes, computing again, a second path; and its report.

Each control belongs in `kunderegnskab.audit`; how the command is called in `commands/verify.py`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from kunderegnskab.audit.reperformance import NO_RESULT, Again, CannotReperform, compared_tables
from kunderegnskab.audit.rereading import read_again
from kunderegnskab.audit.trace import CannotTrace
from kunderegnskab.audit.verification import Finding, newest, verify_integrity
from kunderegnskab.personal.names import names_in, purged, read_names
from kunderegnskab.problems import InputProblems
from kunderegnskab.progress import Progress
from kunderegnskab.pseudonyms import SECRET, SecretMissing, is_plain, recorded_in, secret_file
from kunderegnskab.publication.heads import unknown_heads, unsigned
from kunderegnskab.publication.store import Publication
from kunderegnskab.quality.name_search import cells_that_are
from kunderegnskab.sql import literal
from kunderegnskab.workspace import Workspace
from kunderegnskab_orchestration.reperform import reperform

# One wrong rule changes thousands of figures.
_DIFFERENCES_SHOWN = 20


@dataclass
class Report:
    """What was verified and what was found.

    Attributes:
        findings: what does not hold; empty if everything does.
        done: one line per control that was carried out.
        not_done: why something could not be verified, one sentence each.
    """

    workspace: str
    head: str | None
    findings: list[Finding] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    not_done: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 everything holds, 1 something does not, 3 something could not be verified."""
        return 1 if self.findings else 3 if self.not_done else 0

    def lines(self) -> list[str]:
        """The report as plain sentences."""
        verdict = {0: "Everything holds.", 1: "NOT EVERYTHING HOLDS:", 3: "Not everything could be verified:"}
        return [
            *self.done,
            verdict[self.exit_code],
            *(f"  {finding.control}: {finding.sentence}" for finding in self.findings),
            *(f"  {sentence}" for sentence in self.not_done),
            *([f"Head of the chain: {self.head}"] if self.head else []),
        ]

    def as_json(self) -> dict[str, Any]:
        """The report for scripts."""
        return {
            "status": {0: "holds", 1: "fails", 3: "incomplete"}[self.exit_code],
            "workspace": self.workspace,
            "head": self.head,
            "done": self.done,
            "findings": [
                {"control": each.control, "subject": each.subject, "sentence": each.sentence}
                for each in self.findings
            ],
            "not_done": self.not_done,
        }


def verify(
    workspace: Workspace,
    progress: Progress,
    *,
    wanted: Sequence[str],
    last: int,
    heads: Sequence[str] = (),
    public_key: Path | None = None,
) -> Report:
    """Verify a workspace's publications.

    Args:
        wanted: publications to compute again, by name or number; the newest `last` where there are none.
        heads: what was noted of the chain's head, at any time.
        public_key: of the key that publications are signed with.

    Raises:
        UnusableProof: the file is no public key.
    """
    integrity = verify_integrity(workspace, progress)
    newest_one = next(iter(integrity.trusted), None)
    head = newest_one.head if newest_one else None
    report = Report(str(workspace.root), head, list(integrity.findings))
    hashed = integrity.hashed
    report.done.append(
        f"Hashed {hashed['chain']} manifests, {hashed['published']} published files, "
        f"{hashed['lake']} lake files with {hashed['receipts']} receipts, "
        f"{hashed['landing']} landing files, {hashed['journal']} lines of the journal and "
        f"{hashed['configuration']} configuration files."
    )
    if hashed["chain"] == 0:
        report.not_done.append("Nothing is published yet.")
    report.findings += [
        Finding("head", head, sentence) for head, sentence in unknown_heads(integrity.chain, heads)
    ]
    if heads:
        report.done.append(f"Looked for {len(heads)} noted heads on the chain.")
    if public_key is not None:
        report.findings += [
            Finding("signature", name, sentence) for name, sentence in unsigned(integrity.chain, public_key)
        ]
        report.done.append(f"Checked the signatures of {len(integrity.chain)} manifests.")
    if newest_one is not None:
        _look_at_secret(workspace, newest_one, report)
    chosen = newest(integrity, wanted, last)
    report.not_done += [
        f"{name} is no publication that is whole, so it was not computed again."
        for name in wanted
        if not any(each.goes_by(name) for each in chosen)
    ]
    if newest_one is not None and not chosen and not wanted:
        report.not_done.append("No publication was read or computed again (--last 0).")
    if chosen:
        _read_again(workspace, chosen, progress, report)
    for name, outcome in reperform(workspace, chosen, progress).items():
        if isinstance(outcome, CannotReperform):
            report.not_done.append(str(outcome))
            continue
        publication = next(each for each in chosen if each.name == name)
        _tell(publication, outcome, report)
    for publication in chosen:
        _recalculate(workspace, publication, progress, report)
    _look_for_names(workspace, chosen, report)
    return report


def _tell(publication: Publication, again: Again, report: Report) -> None:
    """Take what computing a publication again gave into the report."""
    name = publication.name
    tables = len(compared_tables(publication))
    same = again.compared_checks - sum(each.made != NO_RESULT for each in again.checks)
    report.done.append(
        f"Computed {name} again: {tables - len(again.tables)} of {tables} tables, {same} of "
        f"{again.compared_checks} checks and {again.compared_pages - len(again.pages)} of "
        f"{again.compared_pages} files of its quality report are the same."
    )
    if not again.compared_checks:
        report.not_done.append(
            f"The {len(publication.manifest.checks)} checks of {name} were not made again: the code that "
            "made it cannot do so."
        )
    report.findings += [
        Finding(
            "reperformance",
            f"{name} {difference.table}",
            f"{difference.table} of {name} comes out differently when it is computed again "
            f"({difference.published_rows} rows published, "
            f"{'none' if difference.recomputed_rows is None else difference.recomputed_rows} computed).",
        )
        for difference in again.tables
    ]
    report.findings += [
        Finding(
            "reperformance",
            f"{name} {check.check_name}",
            f"The check {check.check_name} of {name} comes out differently when it is made again: "
            f"published {check.published}; now {check.made}.",
        )
        for check in again.checks
    ]
    report.findings += [
        Finding(
            "reperformance",
            f"{name}/{page}",
            f"{name}/{page} is not what it is when it is written again from the publication's contents; "
            "restore published/ from a backup.",
        )
        for page in again.pages
    ]


def _read_again(
    workspace: Workspace, chosen: Sequence[Publication], progress: Progress, report: Report
) -> None:
    reread = read_again(workspace, chosen, progress)
    report.done.append(
        f"Read {reread.compared} of {reread.of} files again and compared each record with the lake."
    )
    report.findings += reread.findings
    report.not_done += reread.left


def _look_at_secret(workspace: Workspace, publication: Publication, report: Report) -> None:
    """The secret of the pseudonyms may be kept elsewhere, but what lies there must be it."""
    try:
        recorded_in(workspace, publication.name, publication.manifest.parameters)
    except SecretMissing as error:
        if os.access(secret_file(workspace), os.R_OK):
            report.findings.append(Finding("personal", SECRET, str(error)))


def _look_for_names(workspace: Workspace, chosen: Sequence[Publication], report: Report) -> None:
    """Purged names must not be listed again, and publications with pseudonyms must hold no name at all."""
    try:
        listed, removed = read_names(workspace), purged(workspace)
    except InputProblems as error:
        report.not_done += [f"{sentence} Names were not looked for." for sentence in str(error).splitlines()]
        return
    for pseudonym in sorted({each.pseudonym for each in listed} & removed):
        sentence = f"personal/salespeople.csv lists {pseudonym}, whose name was purged; purge it again."
        report.findings.append(Finding("personal", pseudonym, sentence))
    named = [each for each in chosen if not is_plain(each.manifest.parameters)]
    for publication in named:
        files = [(file.feed, workspace.lake / file.lake_file) for file in publication.manifest.inputs]
        names = names_in(files) | {each.salesperson_name for each in listed if each.salesperson_name}
        with duckdb.connect() as con:
            con.execute(f"attach {literal(publication.database)} as published (read_only)")
            found = cells_that_are(con, "published", names)
        report.findings += [
            Finding(
                "personal",
                f"{publication.name} {each.table}.{each.column}",
                f"{each.table}.{each.column} of {publication.name} holds the name of a salesperson "
                f"({each.cells} cells); pseudonyms must stand there.",
            )
            for each in found
        ]
    if named:
        report.done.append(f"Looked for names of salespeople in {len(named)} publications with pseudonyms.")


def _recalculate(workspace: Workspace, publication: Publication, progress: Progress, report: Report) -> None:
    # Imported here because pandas takes a second, and `--last 0` needs none of it.
    from kunderegnskab.audit.recalculation import compare, recalculate

    try:
        comparison = compare(recalculate(workspace, publication, progress))
    except CannotTrace as error:
        report.not_done.append(str(error))
        return
    agreeing = comparison.figures - len(comparison.differences)
    report.done.append(
        f"Recalculated {publication.name} by a second path: {agreeing:,} of {comparison.figures:,} "
        "figures agree."
    )
    report.findings += [
        Finding(
            "recalculation",
            f"{publication.name} {each.table}.{each.figure}",
            f"{each.figure} of {each.scope_type} {each.scope_id}, {each.window} {each.month:%Y-%m}: "
            f"published {each.published}, recalculated {each.recalculated}.",
        )
        for each in comparison.differences[:_DIFFERENCES_SHOWN]
    ]
    if (more := len(comparison.differences) - _DIFFERENCES_SHOWN) > 0:
        sentence = f"{more:,} more figures of {publication.name} differ."
        report.findings.append(Finding("recalculation", publication.name, sentence))
