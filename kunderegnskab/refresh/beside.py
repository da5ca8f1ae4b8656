"""A second warehouse, beside the one of the refresh: built and checked in one go, published by nobody.

What it is loaded from belongs to whoever wants it: a publication computed again
(orchestration/kunderegnskab_orchestration/reperform.py), another policy (kunderegnskab/scenario).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from kunderegnskab.audit.models import Model, record_models
from kunderegnskab.audit.personal_data import record_personal_data
from kunderegnskab.dbt.answers import LineageCache, built_models, rule_results
from kunderegnskab.dbt.process import DbtEnded, DbtProcess
from kunderegnskab.dbt.project import ensure_manifest, environment, parse_folder, read_manifest
from kunderegnskab.feeds import load_feeds
from kunderegnskab.problems import KunderegnskabError
from kunderegnskab.progress import Progress, silent
from kunderegnskab.quality.certification import Stage, record, start_build, start_load
from kunderegnskab.quality.door import run_door
from kunderegnskab.refresh.checking import judged_totals
from kunderegnskab.sql import WAREHOUSE_CONFIG
from kunderegnskab.workspace import WAREHOUSE_CATALOG, Waiver, Workspace

_WITHOUT_TESTS = ("--resource-type", "model", "--resource-type", "seed")
_WITHOUT_UNIT_TESTS = ("--exclude-resource-type", "unit_test")


class NotBuilt(KunderegnskabError):
    """The models do not run on what was loaded."""


@dataclass(frozen=True)
class Beside:
    """What is built, and how it is judged.

    Attributes:
        subject: what progress calls it, after `loading`, `computing` or `checking`.
        run_id: also the id of its load and of its build.
        at: when each stage's checks count as made: their day is today to them.
        waivers: checks that may fail.
        previous: the kunderegnskab.duckdb of the publication that it would follow, if there is one.
    """

    subject: str
    run_id: str
    input_hash: str
    code_version: str
    at: Mapping[Stage, datetime]
    waivers: Sequence[Waiver]
    previous: Path | None


def build_beside(
    workspace: Workspace,
    scratch: Path,
    beside: Beside,
    fill: Callable[[duckdb.DuckDBPyConnection], None],
    progress: Progress = silent,
) -> Path:
    """Load, build and check a second warehouse; every check is made and recorded, whatever the others say.

    Args:
        scratch: the folder that it lies in, in place of one that is there.
        fill: fills schema raw of an empty warehouse.

    Returns:
        The warehouse.

    Raises:
        NotBuilt: the models or the rules do not run.
        CannotTrace: a lake file, or the secret of the pseudonyms, is gone.
    """
    # The models name their warehouse so.
    warehouse = scratch / f"{WAREHOUSE_CATALOG}.duckdb"
    warehouse.unlink(missing_ok=True)
    progress(f"loading {beside.subject}", 0, 1)
    with duckdb.connect(str(warehouse), config=WAREHOUSE_CONFIG) as con:
        # Its views carry the secret of the pseudonyms.
        warehouse.chmod(0o600)
        fill(con)
        start_load(
            con,
            load_id=beside.run_id,
            run_id=beside.run_id,
            input_hash=beside.input_hash,
            code_version=beside.code_version,
        )
        door_at = beside.at["door"]
        record(con, run_door(con, list(load_feeds()), door_at.date()), beside.waivers, at=door_at)
        start_build(con, beside.run_id)
    models, rules = _run_models(workspace, warehouse, scratch, beside.subject, progress)
    with duckdb.connect(str(warehouse), config=WAREHOUSE_CONFIG) as con:
        record(con, rule_results(*rules, con), beside.waivers, at=beside.at["dbt"])
        lineage, _ = LineageCache(parse_folder(workspace)).of(models, con)
        record_models(con, models, lineage)
        record_personal_data(con, lineage)
        progress(f"checking {beside.subject}", 0, 1)
        gate_at = beside.at["gate"]
        totals = judged_totals(workspace, con, beside.previous, gate_at.date())
        record(con, totals, beside.waivers, at=gate_at)
    return warehouse


def _run_models(
    workspace: Workspace, warehouse: Path, scratch: Path, subject: str, progress: Progress
) -> tuple[list[Model], tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Build seeds and models; then ask their rules, so that a broken one keeps nothing from being built.

    Returns:
        What was built; and the manifest's nodes with what dbt says of each test.
    """
    manifest = read_manifest(ensure_manifest(workspace))
    nodes = sum(node["resource_type"] in ("model", "seed", "test") for node in manifest["nodes"].values())
    done = 0

    def tell(_: str, __: str) -> None:
        nonlocal done
        done += 1
        progress(f"computing {subject}", min(done, nodes), nodes)

    progress(f"computing {subject}", 0, nodes)
    # What dbt logs, also while it ends, is for a developer; this program's answer may be JSON.
    with redirect_stdout(io.StringIO()):
        dbt = DbtProcess({**environment(workspace), "KUNDEREGNSKAB_WAREHOUSE": str(warehouse)})
        try:
            answers = dbt.run(["build", *_WITHOUT_TESTS], scratch / "target", tell)["results"]
            tested = dbt.run(["test", *_WITHOUT_UNIT_TESTS], scratch / "tested", tell)["results"]
        except DbtEnded as error:
            raise NotBuilt(f"The models do not run: {error}") from error
        finally:
            dbt.end()
    if broken := [
        f"{answer['unique_id']}: {answer['message']}" for answer in answers if answer["status"] != "success"
    ]:
        raise NotBuilt("The models do not run: " + "\n".join(broken))
    return built_models(manifest, answers), (manifest["nodes"], tested)
