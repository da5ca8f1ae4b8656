"""A workspace of few files, published once or more without figures: what its change log says at the next refresh."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from companies import at_rest
from manifests import manifest_of

from kunderegnskab.audit.history import load_history
from kunderegnskab.ingest import load_record, load_warehouse, read_load_record, record_load, take_in
from kunderegnskab.pseudonyms import PLAIN, Pseudonyms
from kunderegnskab.publication.inputs import recorded
from kunderegnskab.publication.manifest import Manifest
from kunderegnskab.publication.store import Publication
from kunderegnskab.sql import literal
from kunderegnskab.workspace import Workspace

COMPANY = "name: Lille Engros A/S\ncurrency: DKK\n"
APPROVAL = "approval: required\n"
SALES = (
    "document_no,line_no,document_type,posting_date,quantity,net_amount,list_amount\n"
    "F1,1,invoice,2025-01-15,1,10,10\n"
)
RULES = (
    "rule_version,axis,class_code,valid_from,method,threshold_from,changed_by,approved_by,approved_on\n"
    "2024-1,size,A,2024-01-01,absolute,{threshold},{changed_by},{approved_by},{approved_on}\n"
)
EARLIER = datetime(2025, 2, 10, 12, tzinfo=UTC)


class Company:
    """A workspace, and the publication that was made of an earlier state of it."""

    def __init__(self, root: Path, pseudonyms: Pseudonyms = PLAIN) -> None:
        self.root = root
        self.pseudonyms = pseudonyms
        self.write("company.yaml", COMPANY + APPROVAL)
        self.write("landing/sales_lines.csv", SALES)
        self.rules()
        self.earlier: Publication | None = None

    def write(self, file: str, text: str) -> None:
        at_rest(self.root / file, text.encode())

    def rules(
        self,
        threshold: str = "20000",
        approved_on: str = "2025-01-10",
        approved_by: str = "Salgschef",
        changed_by: str = "Sanne",
    ) -> None:
        """The segment rules: one, as it is before anything changes unless the test says otherwise."""
        text = RULES.format(
            threshold=threshold, changed_by=changed_by, approved_by=approved_by, approved_on=approved_on
        )
        self.write("policy/segment_rules.csv", text)

    def publish(self) -> None:
        """What is here now becomes the earlier publication, with the changes that it has noted."""
        number = 1 if self.earlier is None else self.earlier.manifest.number + 1
        path = self.root / "published" / f"{number:04d}-earlier"
        path.mkdir(parents=True)
        at = EARLIER + timedelta(days=number - 1)
        with self._refreshed() as con:
            con.execute(f"attach {literal(path / 'kunderegnskab.duckdb')} as made")
            con.execute("create schema made.audit")
            con.execute("create table made.audit.change_log as from audit.change_log")
            con.execute(
                "create table made.audit.check_results (stage varchar, check_name varchar, subject varchar, "
                "is_blocking boolean, status varchar, failing_rows bigint, observed varchar)"
            )
            load = read_load_record(con)
        manifest = manifest_of(
            number,
            path.name,
            run_id="earlier",
            at=at,
            inputs=[recorded(each) for each in load.receipts],
            parameters=load.parameters,
        )
        # As it is read back: its keys are sorted.
        self.earlier = Publication(path, Manifest.model_validate_json(manifest.canonical()), "0" * 64)

    def log(self, columns: str = "feed, column_name, change, old_value, new_value") -> list[tuple[Any, ...]]:
        """The change log of a refresh of what is here now."""
        return self.history(f"select {columns} from audit.change_log order by all")

    def checks(self) -> list[tuple[Any, ...]]:
        """Publication, check and status of the checks that a refresh of what is here now carries on."""
        return self.history("select publication, check_name, status from audit.check_history order by all")

    def history(self, query: str) -> list[tuple[Any, ...]]:
        """What the history of a refresh of what is here now answers."""
        with self._refreshed() as con:
            return con.execute(query).fetchall()

    def unapproved(self) -> set[str]:
        """The columns whose change needs an approval that it does not have."""
        found = self.log("column_name, needs_approval, is_approved")
        return {name for name, needed, is_approved in found if needed and not is_approved}

    @contextmanager
    def _refreshed(self) -> Generator[duckdb.DuckDBPyConnection]:
        """A warehouse of what is here now, with its history."""
        workspace = Workspace(self.root)
        with duckdb.connect() as con:
            intake = take_in(workspace, workspace.lake)
            load_warehouse(con, workspace.company, workspace.lake, intake, self.pseudonyms)
            record_load(con, load_record(workspace, intake))
            load_history(
                con,
                workspace.lake,
                intake.receipts,
                read_load_record(con).parameters,
                self.earlier,
                self.pseudonyms,
            )
            yield con
