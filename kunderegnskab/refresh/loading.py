"""First step: read what is new, then load a new warehouse.

How files are read belongs in kunderegnskab/ingest, what schema raw is filled with in audit/raw_schema.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kunderegnskab.audit.raw_schema import fill_raw
from kunderegnskab.code_version import code_version
from kunderegnskab.ingest import Intake, fresh_warehouse, load_record, proven_feeds, sweep, take_in
from kunderegnskab.personal.names import write_names
from kunderegnskab.problems import InputProblem, InputProblems
from kunderegnskab.progress import report
from kunderegnskab.pseudonyms import for_refresh
from kunderegnskab.publication import heads, store
from kunderegnskab.publication.gone_sources import note_gone_sources
from kunderegnskab.publication.inputs import receipt_of
from kunderegnskab.quality.certification import start_load
from kunderegnskab.quality.metric_checks import prepare as prepare_checks
from kunderegnskab.refresh.checking import all_checks
from kunderegnskab.workspace import Workspace


@dataclass(frozen=True)
class Loaded:
    """What a new warehouse was loaded from.

    Attributes:
        rows: how many records of each supplied feed count.
    """

    intake: Intake
    input_hash: str
    rows: Mapping[str, int]


def read_in(workspace: Workspace, run_id: str, *, again: bool) -> Loaded:
    """Read what is new, then load a fresh warehouse.

    Args:
        again: read every file again.

    Raises:
        InputProblems: files, mappings or policy cannot be used, or a waiver names no check.
        UnusableProof: the key to sign publications with cannot be used.
    """
    heads.require_usable_key()
    prepare_checks()
    _refuse_unknown_waivers(workspace)
    sweep(workspace.lake)
    earlier = store.current(workspace.published)
    published = map(receipt_of, earlier.manifest.inputs if earlier else ())
    intake = take_in(workspace, workspace.lake, report, again=again, published=published)
    pseudonyms = for_refresh(workspace, earlier.manifest.parameters if earlier else None)
    write_names(workspace, intake, pseudonyms)
    record = load_record(workspace, intake, pseudonyms)
    inputs = record.input_hash
    with fresh_warehouse(workspace) as con, proven_feeds(workspace, pseudonyms) as proven:
        fill_raw(con, workspace, workspace.company, intake, record, earlier, pseudonyms, proven)
        note_gone_sources(con, workspace, intake, earlier.manifest.inputs if earlier else ())
        start_load(con, load_id=run_id, run_id=run_id, input_hash=inputs, code_version=code_version())
        rows = dict(
            con.execute("select feed, sum(records_loaded)::bigint from raw.files group by feed").fetchall()
        )
    return Loaded(intake, inputs, rows)


def _refuse_unknown_waivers(workspace: Workspace) -> None:
    """A misspelt name would waive nothing, and nobody would know why the check still fails."""
    if not workspace.waivers:
        return
    known = {check.check_name for check in all_checks(workspace)}
    unknown = [waiver.check for waiver in workspace.waivers if waiver.check not in known]
    if unknown:
        raise InputProblems(
            [
                InputProblem(
                    "waivers.yaml",
                    f"no check is named {name}",
                    "take the name from the message of the refresh that failed",
                )
                for name in unknown
            ]
        )
