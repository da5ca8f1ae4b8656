"""Schema raw of a new warehouse: the records of the lake, and what earlier publications hand on.

Here: what it is filled with, and in which order, by a refresh and when a publication is computed again. Not
here: each part (ingest/load.py, publication/baselines.py, history.py, closing.py).
"""

from __future__ import annotations

import duckdb

from kunderegnskab.audit.closing import load_closed_months
from kunderegnskab.audit.history import load_history
from kunderegnskab.ingest import Intake, LoadRecord, load_warehouse, record_load
from kunderegnskab.ingest.proven import ProvenFeeds
from kunderegnskab.pseudonyms import Pseudonyms
from kunderegnskab.publication.baselines import load_baselines
from kunderegnskab.publication.store import Publication
from kunderegnskab.workspace import Company, Workspace


def fill_raw(
    con: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    company: Company,
    intake: Intake,
    record: LoadRecord,
    earlier: Publication | None,
    pseudonyms: Pseudonyms,
    proven: ProvenFeeds | None = None,
) -> list[Publication]:
    """Fill schema raw of an empty warehouse.

    Args:
        company: the company's parameters as they are, or as a publication recorded them.
        record: what the warehouse is loaded from; kept in it.
        earlier: the publication that this one carries on; None for the first.
        pseudonyms: how salespeople are named from here on.
        proven: feeds that need not be measured again.

    Returns:
        Publications that a baseline would have been taken from and that have no data any more.

    Raises:
        InputProblems: what the company decided about earlier publications does not go with them.
    """
    load_warehouse(con, company, workspace.lake, intake, pseudonyms, proven)
    record_load(con, record)
    gone = load_baselines(con, workspace.published, earlier, pseudonyms)
    load_history(con, workspace.lake, intake.receipts, record.parameters, earlier, pseudonyms)
    load_closed_months(con, workspace.published, earlier, pseudonyms)
    return gone
