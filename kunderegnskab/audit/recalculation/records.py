"""The records that a publication was made from, read with pyarrow and pandas and without SQL.

Here: which records count, whose they are, and what they are worth in the company's currency. Not here: which
line of the account they belong to (accounts.py).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path, PurePosixPath

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import JsonValue

from kunderegnskab.audit.recalculation.arithmetic import (
    AMOUNT,
    QUANTITY,
    RATE,
    products,
    quotient,
)
from kunderegnskab.audit.recalculation.calendar import Calendar
from kunderegnskab.audit.trace import CannotTrace
from kunderegnskab.feeds import load_feeds
from kunderegnskab.feeds.contracts import DECIMALS, Feed
from kunderegnskab.ingest.load import LoadRecord
from kunderegnskab.pseudonyms import UNASSIGNED, SecretMissing, recorded_in
from kunderegnskab.publication.store import Publication
from kunderegnskab.workspace import Company, Workspace

UNKNOWN = "(ukendt)"
OUTSIDE = ("deposit", "ignore")
# Days from which values hold, in order, and the values.
_History = tuple[list[int], list[int]]


@dataclass(frozen=True)
class Supplied:
    """What a publication, or a warehouse that shall become one, was made from.

    Attributes:
        made: what was made of it, as messages name it.
        lake: the folder of the typed files.
        files: feed and lake file of every file that was read.
        company: the company's parameters.
        secret: what salespeople's pseudonyms were made with; None where they stand by their own keys.
    """

    made: str
    lake: Path
    files: tuple[tuple[str, str], ...]
    company: Company
    secret: str | None

    @classmethod
    def to_publication(cls, workspace: Workspace, publication: Publication) -> Supplied:
        """What a publication was made from.

        Raises CannotTrace when the secret of its pseudonyms is not at hand.
        """
        manifest = publication.manifest
        files = tuple((file.feed, file.lake_file) for file in manifest.inputs)
        return cls._of(workspace, publication.name, files, manifest.parameters)

    @classmethod
    def to_warehouse(cls, workspace: Workspace, load: LoadRecord) -> Supplied:
        """What a warehouse was loaded from.

        Raises CannotTrace when the secret of its pseudonyms is not at hand.
        """
        files = tuple((receipt.feed, receipt.lake_file) for receipt in load.receipts)
        return cls._of(workspace, "the warehouse", files, load.parameters)

    @classmethod
    def _of(
        cls,
        workspace: Workspace,
        made: str,
        files: tuple[tuple[str, str], ...],
        parameters: Mapping[str, JsonValue],
    ) -> Supplied:
        try:
            secret = recorded_in(workspace, made, parameters).secret
        except SecretMissing as error:
            raise CannotTrace(str(error)) from error
        return cls(made, workspace.lake, files, Company.recorded(parameters), secret)


class Records:
    """A publication's feeds as data frames; a feed that was not supplied is an empty one.

    In a frame, money, quantities and rates are whole numbers (see arithmetic.py), dates are days since 1970
    and missing numbers are NA.
    """

    def __init__(
        self,
        supplied: Supplied,
        made: duckdb.DuckDBPyConnection,
        period: tuple[int, int] | None = None,
    ) -> None:
        """Take what was supplied, and a connection to what was made of it, which knows the repeated keys.

        Args:
            period: the first and the last posted month, where they are not to be read off the records.
        """
        self._supplied = supplied
        self._period = period
        self.company = supplied.company
        self._repeated = defaultdict(set)
        for feed, lake_file, record in made.execute(
            "select feed, lake_file, source_record from raw.repeated_keys"
        ).fetchall():
            self._repeated[feed, lake_file].add(record)

    def is_supplied(self, feed: str) -> bool:
        """True when the company supplied the feed."""
        return any(name == feed for name, _ in self._supplied.files)

    def frame(self, feed: str) -> pd.DataFrame:
        """The loaded records of a feed, one column per column of its contract, without repeated keys.

        Raises CannotTrace when a lake file is gone.
        """
        contract = load_feeds()[feed]
        parts = [self._file(contract, lake_file) for name, lake_file in self._supplied.files if name == feed]
        table = pa.concat_tables([*parts, _empty(contract)], promote_options="default")
        # Text stays Python objects, which compare as text does in the models: by code point.
        mapper = {pa.int64(): pd.Int64Dtype(), pa.string(): pd.StringDtype("python", na_value=pd.NA)}
        return table.to_pandas(types_mapper=mapper.get)

    def _file(self, contract: Feed, lake_file: str) -> pa.Table:
        path = self._supplied.lake / lake_file
        if not path.is_file():
            raise CannotTrace(
                f"lake/{lake_file}, which {self._supplied.made} was made from, is missing; restore it "
                "from a backup."
            )
        # A file of an older contract lacks the columns that came later.
        there = set(pq.read_schema(path).names)
        columns = [name for name in contract.columns if name in there]
        number = "_source_record" if "_source_record" in there else "_first_record"
        table = pq.read_table(path, columns=[*columns, "_record_status", number])
        records = table[number].to_numpy()
        if number == "_first_record":
            records = records + np.arange(len(table))
        counts = np.array(table["_record_status"].to_numpy() == "loaded")
        repeated = self._repeated.get((contract.name, PurePosixPath(lake_file).name))
        if repeated:
            counts &= ~np.isin(records, list(repeated))
        table = table.filter(pa.array(counts))
        if self._supplied.secret is not None:
            table = _with_pseudonyms(table, contract, self._supplied.secret)
        whole = [_whole_numbers(table[name], contract.columns[name].type) for name in columns]
        return pa.table(whole, names=columns)

    # --- whose ------------------------------------------------------------------------------------
    @cached_property
    def customers(self) -> pd.DataFrame:
        """The customer list, by customer number."""
        return self.frame("customers").set_index("customer_id", drop=False)

    def customer_of(self, numbers: pd.Series) -> pd.Series:
        """The customers under whom records with these numbers are kept: their own, in the list or not."""
        numbers = numbers.where(numbers.str.strip() != "")
        return numbers.fillna(UNKNOWN).astype(object)

    # --- worth what -------------------------------------------------------------------------------
    @cached_property
    def _rates(self) -> dict[str, _History]:
        """Currency -> its rates."""
        return _histories(self.frame("exchange_rates"), "currency", "rate_date", "rate")

    def rates(self, currencies: pd.Series, days: pd.Series) -> pd.Series:
        """The last rates on or before the days, NA where there is none; 1 for the company's currency."""
        own = currencies.isna() | (currencies == self.company.currency)
        found = pd.Series(RATE, index=currencies.index, dtype="Int64")
        foreign = [
            _last(self._rates.get(currency), day)
            for currency, day in zip(currencies[~own], days[~own], strict=True)
        ]
        found[~own] = pd.array(foreign, dtype="Int64")
        return found

    @cached_property
    def sales(self) -> pd.DataFrame:
        """The sales lines inside the account, in the company's currency.

        Columns of the feed, and besides: customer, month, cogs (NA where the line has no cost at all), and
        is_paid (whether the net amount is positive) and recorded_quantity, both as the record has them.
        """
        lines = self.frame("sales_lines")
        if lines["line_no"].isna().any():
            places = (lines.groupby("document_no").cumcount() + 1).astype(str)
            lines["line_no"] = lines["line_no"].fillna(places)
        lines = lines[~lines["line_type"].isin(OUTSIDE)].reset_index(drop=True)
        rate = self.rates(lines["currency"], lines["posting_date"])
        lines = lines[rate.notna()].reset_index(drop=True)
        rate = rate.dropna().reset_index(drop=True)
        # What is small in another currency or unit may be nothing in the company's or product's own.
        lines["is_paid"] = (lines["net_amount"] > 0).fillna(value=False)
        lines["recorded_quantity"] = lines["quantity"]
        foreign = (rate != RATE).to_numpy()
        for column in ("list_amount", "net_amount", "cost_amount"):
            there = foreign & lines[column].notna().to_numpy()
            lines.loc[there, column] = products(lines.loc[there, column], rate[there], RATE)
        # list - discount = net holds after conversion too.
        lines["discount_amount"] = lines["list_amount"] - lines["net_amount"]
        lines["customer"] = self.customer_of(lines["customer_id"])
        lines["month"] = self.calendar.months_of(lines["posting_date"])
        lines["quantity"], is_known = self._in_own_unit(lines)
        lines["cogs"] = self._cost_of_goods(lines, is_known)
        return lines

    def _in_own_unit(self, lines: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
        """Quantities in the products' own units, and whether the unit of each is known."""
        names = ["product_id", "unit_of_measure"]
        # Lines without a product are those of one.
        lines = lines.assign(product_id=lines["product_id"].fillna(UNKNOWN))
        used = lines.loc[lines["line_type"] == "goods", names].dropna()
        is_known = pd.Series(data=True, index=lines.index)
        if used.empty:
            return lines["quantity"], is_known
        units = used.drop_duplicates()
        conversions = self.frame("unit_conversions")
        units = units.merge(conversions[conversions["factor"] > 0][[*names, "factor"]], on=names, how="left")
        listed = self.frame("products").set_index("product_id")["unit_of_measure"]
        units["own"] = units["product_id"].map(listed).astype("string")
        bare = units[units["factor"].isna()].groupby("product_id")["unit_of_measure"]
        only = bare.first()[bare.size() == 1]
        units["own"] = units["own"].fillna(units["product_id"].map(only))
        units.loc[(units["unit_of_measure"] == units["own"]).fillna(False), "factor"] = RATE
        found = used.reset_index(names="row").merge(units, on=names).set_index("row")["factor"]
        is_known[found.index] = found.notna()
        # What other lines of the product do not say, the list must.
        unlisted = lines["product_id"].isin(units["product_id"]) & lines["product_id"].map(listed).isna()
        is_known &= ~(unlisted & lines["unit_of_measure"].isna() & (lines["line_type"] == "goods"))
        quantity = lines["quantity"].copy()
        factor = found.dropna()
        quantity[factor.index] = products(quantity[factor.index], factor, RATE)
        return quantity, is_known

    def _cost_of_goods(self, lines: pd.DataFrame, is_unit_known: pd.Series) -> pd.Series:
        """The line's own cost, else that of the line it takes back, else quantity x the unit cost of the day.

        The day is the one on which the goods were sold, where a line that takes them back names their line.
        """
        found, days = lines["cost_amount"].copy(), lines["posting_date"].copy()
        for row, sold in self._sold_lines(lines).items():
            days[row] = lines.at[sold, "posting_date"]
            cost, quantity = lines.at[sold, "cost_amount"], int(lines.at[sold, "quantity"])
            if not pd.isna(cost) and quantity:
                found[row] = quotient(int(cost) * int(lines.at[row, "quantity"]), quantity)
        costs = _histories(self.frame("product_costs"), "product_id", "valid_from", "unit_cost")
        bare = found.isna() & (lines["line_type"] == "goods") & is_unit_known
        unit = pd.array(
            [
                _last(costs.get(product), day)
                for product, day in zip(
                    lines.loc[bare, "product_id"].fillna("").astype(object),
                    days[bare],
                    strict=True,
                )
            ],
            dtype="Int64",
        )
        known = ~pd.isna(unit)
        rows = found.index[bare][known]
        found[rows] = products(lines.loc[rows, "quantity"], unit[known], QUANTITY)
        return found

    @staticmethod
    def _sold_lines(lines: pd.DataFrame) -> dict[int, int]:
        """Row of a line that takes goods back, without a cost of its own -> row of the line sold."""
        names = ["original_document_no", "original_line_no", "product_id"]
        is_back = (lines["line_type"] == "goods") & (lines["recorded_quantity"] < 0)
        is_back &= lines["cost_amount"].isna()
        back = lines.loc[is_back, names].dropna().reset_index(names="row")
        if back.empty:
            return {}
        is_sold = (lines["line_type"] == "goods") & (lines["document_type"] == "invoice")
        is_sold &= lines["recorded_quantity"] > 0
        key = ["document_no", "line_no", "product_id"]
        sold = lines.loc[is_sold & lines["document_no"].isin(back[names[0]]), key].reset_index(names="sold")
        found = back.merge(sold, left_on=names, right_on=key)
        return dict(zip(found["row"], found["sold"], strict=True))

    @cached_property
    def costs(self) -> pd.DataFrame:
        """The customer costs; columns of the feed, and besides: customer, month."""
        costs = self.frame("customer_costs")
        costs["customer"] = self.customer_of(costs["customer_id"])
        costs["month"] = self.calendar.months_of(costs["posting_date"])
        return costs

    @cached_property
    def activities(self) -> pd.DataFrame:
        """The activities; columns of the feed, and besides: customer, month."""
        activities = self.frame("activities")
        activities["customer"] = self.customer_of(activities["customer_id"])
        activities["month"] = self.calendar.months_of(activities["activity_date"])
        return activities

    @cached_property
    def ledger(self) -> pd.DataFrame:
        """The ledger entries in the company's currency; columns of the feed, and besides: month, role."""
        entries = self.frame("ledger_entries")
        rate = self.rates(entries["currency"], entries["posting_date"])
        entries = entries[rate.notna()].reset_index(drop=True)
        rate = rate.dropna().reset_index(drop=True)
        foreign = (rate != RATE).to_numpy()
        entries.loc[foreign, "amount"] = products(entries.loc[foreign, "amount"], rate[foreign], RATE)
        entries["month"] = self.calendar.months_of(entries["posting_date"])
        chart = self.frame("ledger_accounts")
        roles = dict(zip(chart["account_no"], chart["account_role"], strict=True))
        entries["role"] = pd.Series(
            [str(roles.get(number, "")) for number in entries["account_no"]],
            index=entries.index,
            dtype=object,
        )
        return entries

    # --- when -------------------------------------------------------------------------------------
    @cached_property
    def calendar(self) -> Calendar:
        """The fiscal calendar, of which the months are where the company supplies none."""
        periods = self.frame("fiscal_calendar")[["fiscal_year", "period_no", "first_day", "last_day"]]
        rows = periods.itertuples(index=False)
        return Calendar.of([(int(year), int(no), int(first), int(last)) for year, no, first, last in rows])

    @cached_property
    def first_month(self) -> int:
        """The first month of the accounts: of a posting or an activity."""
        if self._period is not None:
            return self._period[0]
        booked = self.ledger.loc[~self.ledger["role"].isin(["", "outside", "receivables"]), "month"]
        return min(self._all(self.sales["month"], self.costs["month"], booked, self.activities["month"]))

    @cached_property
    def last_month(self) -> int:
        """The last posted month: of a sales line, a customer cost, or an entry on one of their lines."""
        if self._period is not None:
            return self._period[1]
        role = self.ledger["role"]
        booked = self.ledger.loc[role.str.fullmatch("K[0-5][0-9]") | role.str.startswith("pool:"), "month"]
        return max(self._all(self.sales["month"], self.costs["month"], booked))

    @staticmethod
    def _all(*months: pd.Series) -> list[int]:
        return [int(month) for series in months for month in series.unique()]

    # --- the company's own ------------------------------------------------------------------------
    @property
    def minor_unit(self) -> int:
        """The smallest unit of the currency, in 1/10000."""
        return int(self.company.minor_unit * AMOUNT)

    def months(self) -> Iterable[int]:
        """The months of the accounts up to the last posted one."""
        return range(self.first_month, self.last_month + 1)


def _with_pseudonyms(table: pa.Table, contract: Feed, secret: str) -> pa.Table:
    """The records with S- and ten digits of a hash in place of the keys of salespeople."""
    for name, column in contract.columns.items():
        if column.personal != "salesperson_key" or column.personal_when or name not in table.column_names:
            continue
        pseudonyms = {
            key: key
            if key in (None, "", UNASSIGNED)
            else "S-" + hashlib.sha256((secret + key).encode()).hexdigest()[:10]
            for key in table[name].unique().to_pylist()
        }
        values = [pseudonyms[key] for key in table[name].to_pylist()]
        table = table.set_column(table.column_names.index(name), name, pa.array(values, pa.string()))
    return table


def _histories(frame: pd.DataFrame, key: str, day: str, value: str) -> dict[str, _History]:
    found: dict[str, _History] = {}
    rows = frame.sort_values(day)
    for each, begins, number in zip(rows[key], rows[day], rows[value], strict=True):
        days, values = found.setdefault(str(each), ([], []))
        days.append(int(begins))
        values.append(int(number))
    return found


def _last(history: _History | None, day: int) -> int | None:
    """The value that holds on a day: the last one that begins on or before it."""
    if history is None:
        return None
    days, values = history
    place = bisect_right(days, day)
    return values[place - 1] if place else None


def _whole_numbers(column: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    """Decimals as whole numbers of their last digit, dates as days; what is neither stays."""
    if kind in ("money", "quantity", "rate"):
        places = DECIMALS[kind]
        power = pa.scalar(Decimal(10) ** places, pa.decimal128(9, 0))
        return pc.call_function("multiply", [column, power]).cast(pa.int64())
    if kind in ("date", "month"):
        return column.cast(pa.date32()).cast(pa.int32()).cast(pa.int64())
    if kind == "boolean":
        return column.cast(pa.bool_())
    return column.cast(pa.int64() if kind == "integer" else pa.string())


def _empty(contract: Feed) -> pa.Table:
    kinds = {"boolean": pa.bool_(), "id": pa.string(), "text": pa.string(), "code": pa.string()}
    fields = [(name, kinds.get(column.type, pa.int64())) for name, column in contract.columns.items()]
    return pa.schema(fields).empty_table()


def per_customer(frame: pd.DataFrame, values: pd.Series | np.ndarray) -> dict[tuple[str, int], int]:
    """The sums of `values` by the columns customer and month of `frame`."""
    sums = frame[["customer", "month"]].assign(value=values).groupby(["customer", "month"])["value"].sum()
    return {(str(customer), int(month)): int(value) for (customer, month), value in sums.items()}
