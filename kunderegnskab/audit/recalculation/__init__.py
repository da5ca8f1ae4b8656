"""The headline figures of a publication, computed a second time by other means.

What dbt computes in SQL is computed here in Python (pyarrow, pandas, whole numbers), from the records in the
lake that the publication names and by the rules as they are written down (docs/sales.md, docs/workspace.md,
docs/decisions/), not as the models have them. The two must give the same, to the last decimal.

Where those pages leave a choice, the published figures have decided it, and the recalculation is no second
opinion on that choice: half a minor unit of a capacity pool (pools.py), rounding
once per terms of interest (credit.py), bonus years that begin before the accounts (bonus.py), discounts in
foreign currency (records.py), the day of an adjustment (accounts.py).

Here: the comparison. In the modules: records (what was supplied), bonus, pools, credit (what no record
carries), accounts (the lines), portfolios (whose they are), kpis (windows and formulas), calendar,
arithmetic.
Not here: building the warehouse again with the same models.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import duckdb
import pandas as pd

from kunderegnskab.audit.recalculation.accounts import COLUMNS, Accounts
from kunderegnskab.audit.recalculation.arithmetic import amount, first_day, month_number, ratio
from kunderegnskab.audit.recalculation.credit import credit_postings
from kunderegnskab.audit.recalculation.kpis import FORMULAS, MONTHS, WINDOWS, value, windows
from kunderegnskab.audit.recalculation.portfolios import portfolios
from kunderegnskab.audit.recalculation.records import Records, Supplied
from kunderegnskab.audit.trace import CannotTrace
from kunderegnskab.progress import Progress, silent
from kunderegnskab.publication.store import Publication
from kunderegnskab.workspace import Workspace

_COMPANY = "company"
_RATIOS = {"dg1": "db1", "dg2": "db2", "dg3": "db3"}
_ACTIVITY = "Computing the figures a second time"
_STEPS = 5


class Recalculated(NamedTuple):
    """One figure, as published and as computed again.

    Attributes:
        table: where it is published: marts.customer_accounts, marts.company_accounts or marts.kpi_values.
        figure: column of the account, or KPI.
        scope_type: company, salesperson or customer.
        scope_id: which one; `company` for the company.
        month: first day of the (last) month.
        window: month, ytd or r12.
        published: in the company's currency, or a ratio (0.25 = 25 %); None where nothing is published.
        recalculated: likewise; None where there is no figure.
        agrees: True when both are the same number, or both are none.
    """

    table: str
    figure: str
    scope_type: str
    scope_id: str
    month: date
    window: str
    published: Decimal | None
    recalculated: Decimal | None
    agrees: bool


@dataclass(frozen=True)
class Comparison:
    """How many figures were compared, by table, and every one that differs."""

    compared: dict[str, int]
    differences: tuple[Recalculated, ...]

    @property
    def figures(self) -> int:
        """How many figures were compared."""
        return sum(self.compared.values())


def recalculate(
    workspace: Workspace, publication: Publication, progress: Progress = silent
) -> list[Recalculated]:
    """Every ladder line of every customer and of the company by month, and the headline KPIs.

    The KPIs are those of company, salespeople and customers, in windows that end in the last 13 months. A
    figure that only one side has is listed with None on the other.

    Args:
        workspace: where the lake is.
        publication: whose figures and inputs; it may be an older one.
        progress: told of each step.

    Raises:
        CannotTrace: the publication's data, or a lake file that it was made from, are gone.
    """
    if not publication.database.is_file():
        raise CannotTrace(f"The data of {publication.name} have been removed; only its manifest is kept.")
    with duckdb.connect(str(publication.database), read_only=True) as con:
        _require_records(con, publication)
        progress(_ACTIVITY, 0, _STEPS)
        records = Records(Supplied.to_publication(workspace, publication), con)
        accounts = Accounts(records)
        per_customer = accounts.per_customer
        progress(_ACTIVITY, 1, _STEPS)
        owned = portfolios(accounts)
        company = _of_company(per_customer)
        progress(_ACTIVITY, 2, _STEPS)
        found = list(_customer_lines(con, per_customer))
        progress(_ACTIVITY, 3, _STEPS)
        found += _company_lines(con, company)
        scopes = {"company": company, "salesperson": owned, "customer": per_customer}
        found += _kpis(con, scopes, records)
        progress(_ACTIVITY, _STEPS, _STEPS)
    return found


def recalculate_accounts(
    supplied: Supplied, made: duckdb.DuckDBPyConnection, *, whole: bool
) -> Iterator[Recalculated]:
    """The lines of every customer's account and of the company by month, before they are published.

    Args:
        made: the warehouse.
        whole: every line, for which every sales line is held in memory; else the cost of credit time alone,
            which needs none of them.

    Raises:
        CannotTrace: a lake file that the warehouse was made from is gone.
    """
    if not whole:
        yield from _credit_lines(supplied, made)
        return
    accounts = Accounts(Records(supplied, made)).per_customer
    yield from _customer_lines(made, accounts)
    yield from _company_lines(made, _of_company(accounts))


def _credit_lines(supplied: Supplied, made: duckdb.DuckDBPyConnection) -> Iterator[Recalculated]:
    ((first, last),) = made.execute(
        "select first_month, last_posted_month from intermediate.int_account_period"
    ).fetchall()
    if first is None or last is None:
        return
    accounts = Accounts(Records(supplied, made, (month_number(first), month_number(last))))
    postings = accounts.adjustments[accounts.adjustments["line"] == "credit_cost"]
    if "credit_cost" in accounts.ladder.unused:
        postings = postings.iloc[:0]
    else:
        postings = pd.concat([postings, credit_postings(accounts.records)], ignore_index=True)
    published = {
        (customer, month): [value]
        for customer, month, value in _rows(
            made, "marts.customer_accounts", ["customer_id", "month", "credit_cost"]
        )
    }
    again = (
        {
            (str(customer), first_day(month)): [amount(units)]
            for (customer, month), units in accounts.by_month(postings)["credit_cost"].items()
            if units
        }
        if len(postings)
        else {}
    )
    yield from _lines("marts.customer_accounts", "customer", ["credit_cost"], published, again)


def _of_company(accounts: pd.DataFrame) -> pd.DataFrame:
    return accounts.groupby("month", as_index=False)[list(COLUMNS)].sum().assign(company=_COMPANY)


def compare(figures: Iterable[Recalculated]) -> Comparison:
    """What a recalculation comes to."""
    compared: dict[str, int] = {}
    differences = []
    for figure in figures:
        compared[figure.table] = compared.get(figure.table, 0) + 1
        if not figure.agrees:
            differences.append(figure)
    return Comparison(compared, tuple(differences))


def _require_records(con: duckdb.DuckDBPyConnection, publication: Publication) -> None:
    """Raises CannotTrace for a publication that does not hold which records it left out."""
    schemas = con.execute("select 1 from information_schema.tables where table_schema = 'raw'").fetchone()
    if schemas is None:
        raise CannotTrace(
            f"{publication.name} was published by version {publication.manifest.code_version}, which did not "
            "record what a recalculation needs; refresh with --full and ask the new publication."
        )


def _customer_lines(con: duckdb.DuckDBPyConnection, accounts: pd.DataFrame) -> Iterator[Recalculated]:
    published = {
        (customer, month): values
        for customer, month, *values in _rows(
            con, "marts.customer_accounts", ["customer_id", "month", *COLUMNS]
        )
    }
    again = {
        (str(customer), first_day(month)): [amount(units) for units in lines]
        for customer, month, *lines in accounts[["customer", "month", *COLUMNS]].itertuples(index=False)
        if any(lines)
    }
    yield from _lines("marts.customer_accounts", "customer", COLUMNS, published, again)


def _company_lines(con: duckdb.DuckDBPyConnection, company: pd.DataFrame) -> Iterator[Recalculated]:
    figures = [*COLUMNS, *_RATIOS]
    rows = _rows(con, "marts.company_accounts", ["month", *figures])
    published = {(_COMPANY, month): values for month, *values in rows}
    again = {}
    for month, *units in company[["month", *COLUMNS]].itertuples(index=False):
        sums = dict(zip(COLUMNS, units, strict=True))
        ratios = [ratio(sums[db], sums["net_sales"]) for db in _RATIOS.values()]
        again[_COMPANY, first_day(month)] = [*(amount(each) for each in units), *ratios]
    yield from _lines("marts.company_accounts", "company", figures, published, again)


def _lines(
    table: str,
    scope_type: str,
    figures: Sequence[str],
    published: Mapping[tuple[str, date], Sequence[Decimal | None]],
    again: Mapping[tuple[str, date], Sequence[Decimal | None]],
) -> Iterator[Recalculated]:
    nothing: list[Decimal | None] = [None] * len(figures)
    # A published account may hold counts alone: then all its lines are 0.
    zeros: list[Decimal | None] = [None if figure in _RATIOS else Decimal(0) for figure in figures]
    for key in sorted(published.keys() | again.keys()):
        values = zip(figures, published.get(key, nothing), again.get(key, zeros), strict=True)
        for figure, there, here in values:
            yield Recalculated(table, figure, scope_type, key[0], key[1], "month", there, here, there == here)


def _kpis(
    con: duckdb.DuckDBPyConnection, scopes: dict[str, pd.DataFrame], records: Records
) -> Iterator[Recalculated]:
    last = records.last_month
    used = con.execute("select kpi_id from marts.kpi_register where is_in_use").fetchall()
    kpis = [kpi for kpi in FORMULAS if (kpi,) in used]
    published: dict[tuple[str, int, str, str], dict[str, Decimal | None]] = {}
    for kpi, scope_type, scope_id, month, window, number in con.execute(
        "select kpi_id, scope_type, scope_id, month, time_window, value from marts.kpi_values "
        "where list_contains($kpis, kpi_id) and list_contains($scopes, scope_type) "
        "and list_contains($windows, time_window) and month >= $since",
        {
            "kpis": kpis,
            "scopes": list(scopes),
            "windows": list(WINDOWS),
            "since": first_day(last - MONTHS + 1),
        },
    ).fetchall():
        key = (scope_type, month_number(month), window, scope_id)
        published.setdefault(key, {})[kpi] = number
    nothing = dict.fromkeys(COLUMNS, 0)
    seen = set()
    for scope_type, accounts in scopes.items():
        for month, window, sums in windows(accounts, scope_type, last, records.company.fiscal_year_start):
            for scope_id, lines in sums.items():
                key = (scope_type, month, window, scope_id)
                seen.add(key)
                if key in published or any(lines.values()):
                    yield from _kpi_figures(kpis, key, published.get(key, {}), lines)
    for key in sorted(published.keys() - seen):
        yield from _kpi_figures(kpis, key, published[key], nothing)


def _kpi_figures(
    kpis: Sequence[str],
    key: tuple[str, int, str, str],
    published: dict[str, Decimal | None],
    lines: dict[str, int],
) -> Iterator[Recalculated]:
    scope_type, month, window, scope_id = key
    for kpi in kpis:
        there, here = published.get(kpi), value(kpi, lines)
        yield Recalculated(
            "marts.kpi_values",
            kpi,
            scope_type,
            scope_id,
            first_day(month),
            window,
            there,
            here,
            there == here,
        )


def _rows(con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> list[tuple]:
    return con.execute(f"select {', '.join(columns)} from {table}").fetchall()
