"""What `kunderegnskab verify` does, in order: hashes, computing again, a second path; and its report.

Each control belongs in `kunderegnskab.audit`; how the command is called in `commands/verify.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from kunderegnskab.audit.reperformance import CannotReperform, compared_tables
from kunderegnskab.audit.rereading import read_again
from kunderegnskab.audit.trace import CannotTrace
from kunderegnskab.audit.verification import Finding, newest, verify_integrity
from kunderegnskab.personal.names import names_in, purged, read_names
from kunderegnskab.progress import Progress
from kunderegnskab.pseudonyms import is_plain
from kunderegnskab.publication.heads import unknown_heads, unsigned
from kunderegnskab.publication.store import Publication
from kunderegnskab.quality.name_search import cells_that_are
from kunderegnskab.sql import literal
from kunderegnskab.workspace import Workspace
from orchestration.reperform import reperform

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
    chosen = newest(integrity, wanted, last)
    known = {name for each in chosen for name in (each.name, str(each.manifest.number))}
    report.not_done += [
        f"{name} is no publication that is whole, so it was not computed again."
        for name in wanted
        if name not in known
    ]
    if chosen:
        _read_again(workspace, chosen, progress, report)
    for name, outcome in reperform(workspace, chosen, progress).items():
        if isinstance(outcome, CannotReperform):
            report.not_done.append(str(outcome))
            continue
        publication = next(each for each in chosen if each.name == name)
        tables = len(compared_tables(publication))
        report.done.append(f"Computed {name} again: {tables - len(outcome)} of {tables} tables are the same.")
        report.findings += [
            Finding(
                "reperformance",
                f"{name} {difference.table}",
                f"{difference.table} of {name} comes out differently when it is computed again "
                f"({difference.published_rows} rows published, "
                f"{'none' if difference.recomputed_rows is None else difference.recomputed_rows} computed).",
            )
            for difference in outcome
        ]
    for publication in chosen:
        _recalculate(workspace, publication, progress, report)
    _look_for_names(workspace, chosen, report)
    return report


def _read_again(
    workspace: Workspace, chosen: Sequence[Publication], progress: Progress, report: Report
) -> None:
    reread = read_again(workspace, chosen, progress)
    report.done.append(
        f"Read {reread.compared} of {reread.of} files again and compared each record with the lake."
    )
    report.findings += reread.findings
    report.not_done += reread.left


def _look_for_names(workspace: Workspace, chosen: Sequence[Publication], report: Report) -> None:
    """Purged names must not be listed again, and publications with pseudonyms must hold no name at all."""
    listed = read_names(workspace)
    for pseudonym in sorted({each.pseudonym for each in listed} & purged(workspace)):
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
