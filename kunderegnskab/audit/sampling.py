"""Samples of source records for an auditor to follow: seeded random, or by amount (monetary-unit sampling).

Here: which records are drawn, and where each of them counts. Not here: a record's text (explain/records.py)
and what is concluded from a sample.

The same seed draws the same records from the same publication, in any place and at any time: records are put
in the order of a hash of the seed and their place, and no generator of random numbers is asked.

In a monetary-unit sample every unit of money has the same chance to be drawn, whatever the sign of the
amount: the records stand one after the other, each as long as its amount, and every n-th part of the whole
length is hit once, at a place that the seed decides. A record as long as such a part is always drawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

import xlsxwriter

from kunderegnskab.audit.explain.explanation import RecordKey
from kunderegnskab.audit.explain.records import SourceRecord, source_records
from kunderegnskab.audit.trace import Trace
from kunderegnskab.problems import KunderegnskabError

Method = Literal["random", "monetary"]

# Amounts have four decimals.
_UNIT = 10_000


class CannotSample(KunderegnskabError):
    """There is nothing to draw from, or the request makes no sense."""


@dataclass(frozen=True)
class Counted:
    """One account that a record counts in.

    Attributes:
        customer_id: None for a ledger entry, which counts in a pool or a line of the company.
        lines: ladder line -> amount that the record gives to it; of a pool's entry the key is `pool <id>`.
    """

    customer_id: str | None
    month: date
    lines: dict[str, Decimal]


@dataclass(frozen=True)
class Drawn:
    """One record of a sample.

    Attributes:
        record: with its text, as it came. `value` is what it was drawn by.
        stratum: `accounts` for a record of customers' lines, `pools` for a ledger entry of a cost pool,
            `company` for a ledger entry of a line that no customer carries.
        counts: every account that it counts in, by month and customer, also outside the months asked for.
        shown_in: published cells that it is part of, as `table.column [key]`, lowest first.
    """

    record: SourceRecord
    stratum: str
    counts: tuple[Counted, ...]
    shown_in: tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """What was drawn, and from what.

    Attributes:
        population: records that could be drawn.
        population_amount: sum of their amounts without sign, in company currency.
        strata: stratum -> how many of them it has.
        interval: for monetary-unit sampling, how much money each drawn record stands for.
    """

    publication: str
    method: Method
    seed: int
    population: int
    population_amount: Decimal
    strata: dict[str, int]
    interval: Decimal | None
    drawn: tuple[Drawn, ...]


def draw(
    trace: Trace,
    size: int,
    *,
    method: Method,
    seed: int,
    first_month: date | None = None,
    last_month: date | None = None,
) -> Sample:
    """Draw source records of the accounts.

    A record's amount is the largest that it gives to one line of one account in the months, without sign.
    Ledger entries of cost pools and of lines that no customer carries are records of the accounts too; those
    of other lines are what the accounts are tied to, and not drawn.

    Args:
        size: how many records are asked for. A monetary-unit sample has fewer where one record is hit twice.

    Raises:
        CannotSample: there are no records, or size is not positive.
        CannotTrace: a lake file is gone.
    """
    if size < 1:
        raise CannotSample("The size of a sample is at least 1.")
    for relation in ("audit.postings", "intermediate.int_ledger_entries_valued"):
        trace.require(relation)
    trace.con.execute(
        """
        create or replace temp table counted as
        select 'accounts' as stratum, feed, source_file, source_sheet, source_record, customer_id, month,
            line_code as line,
            sum(amount) as amount
        from audit.postings
        where source_file is not null
        group by all
        union all
        select case role_kind when 'pool' then 'pools' else 'company' end, 'ledger_entries', source_file,
            source_sheet, source_record, null, month,
            case role_kind when 'pool' then 'pool ' || cost_pool_id else line_code end,
            sum(amount)
        from intermediate.int_ledger_entries_valued
        where amount <> 0 and (role_kind = 'pool' or (role_kind = 'line' and line_code in ('K70', 'K80')))
        group by all
        """
    )
    trace.con.execute(
        """
        create or replace temp table population as
        select stratum, feed, source_file, source_sheet, source_record, max(abs(amount)) as amount,
            md5($seed || ' ' || feed || ' ' || source_file || ' '
                || case when source_sheet <> '' then source_sheet || ' ' else '' end || source_record
            ) as place
        from counted
        where month >= $first and month <= $last
        group by stratum, feed, source_file, source_sheet, source_record
        """,
        {
            "seed": str(seed),
            "first": first_month or date.min,
            "last": last_month or date.max,
        },
    )
    ((population, total),) = trace.con.execute(
        "select count(*), coalesce(sum(amount), 0) from population"
    ).fetchall()
    strata = dict(
        trace.con.execute("select stratum, count(*) from population group by all order by all").fetchall()
    )
    if not population:
        raise CannotSample("No source record gives anything to the accounts of these months.")
    interval = None
    if method == "random":
        trace.con.execute(
            "create or replace temp table chosen as select * from population order by place limit ?", [size]
        )
    else:
        whole = int(total * _UNIT)
        hits = _hits(whole, size, seed)
        interval = total / size
        trace.con.execute(
            """
            create or replace temp table chosen as
            with laid as (
                select *, sum((amount * 10000)::hugeint) over (
                    order by place rows between unbounded preceding and current row
                ) as upto
                from population
            ),
            hits as (select unnest($hits::hugeint[]) as hit)
            select distinct stratum, feed, source_file, source_sheet, source_record, amount, place
            from laid inner join hits on hit < upto and hit >= upto - (amount * 10000)::hugeint
            """,
            {"hits": hits},
        )
    drawn = _with_lines(trace)
    return Sample(trace.publication.name, method, seed, population, total, strata, interval, drawn)


def _hits(whole: int, size: int, seed: int) -> list[int]:
    """Where each n-th part of the whole length is hit; the seed decides where in it, the same in all."""
    offset = int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:8]) % max(whole, 1)
    return sorted({(part * whole + offset) // size for part in range(size)}) if whole else []


def _with_lines(trace: Trace) -> tuple[Drawn, ...]:
    """The records of the table `chosen`, with their text and lines."""
    chosen = trace.con.execute(
        "select stratum, feed, source_file, source_sheet, source_record, amount from chosen "
        "order by place, stratum"
    ).fetchall()
    keys = [RecordKey(feed, file, sheet, number, amount) for _, feed, file, sheet, number, amount in chosen]
    records = source_records(trace, keys)
    names = {
        row["line_code"]: row["column_name"]
        for row in trace.rows("select line_code, column_name from audit.ladder", reads=["audit.ladder"])
    }
    accounts: dict[
        tuple[str, str, str, str | None, int], dict[tuple[date, str | None], dict[str, Decimal]]
    ] = {}
    for stratum, feed, file, sheet, number, customer, month, line, amount in trace.con.execute(
        "select stratum, feed, source_file, counted.source_sheet, source_record, customer_id, month, line, "
        "counted.amount from counted inner join chosen using (stratum, feed, source_file, source_record) "
        "where counted.source_sheet is not distinct from chosen.source_sheet "
        "order by stratum, feed, source_file, source_sheet, source_record, month, customer_id, line"
    ).fetchall():
        account = accounts.setdefault((stratum, feed, file, sheet, number), {})
        account.setdefault((month, customer), {})[line] = amount
    drawn = []
    for record, (stratum, feed, file, sheet, number, _) in zip(records, chosen, strict=True):
        counts = tuple(
            Counted(customer, month, lines)
            for (month, customer), lines in accounts[stratum, feed, file, sheet, number].items()
        )
        shown = dict.fromkeys(place for each in counts for place in _shown_in(each, names))
        drawn.append(Drawn(record, stratum, counts, tuple(shown)))
    return tuple(drawn)


def _shown_in(counted: Counted, names: Mapping[str, str]) -> list[str]:
    """Published cells in which an account's lines stand, lowest first."""
    month = counted.month
    if counted.customer_id is None:
        pools = [line.removeprefix("pool ") for line in counted.lines if line.startswith("pool ")]
        lines = [line for line in counted.lines if not line.startswith("pool ")]
        return [
            *(f"audit.allocation_steps.pool_cost [cost_pool_id={pool}, month={month}]" for pool in pools),
            *(f"marts.company_accounts.{names[line]} [month={month}]" for line in lines),
            f"marts.company_accounts.difference [month={month}]",
        ]
    place = f"customer_id={counted.customer_id}, month={month}"
    return [
        *(f"marts.customer_account_lines.amount [{place}, line_code={code}]" for code in counted.lines),
        *(f"marts.customer_accounts.{names[code]} [{place}]" for code in counted.lines),
        f"marts.customer_accounts.db3 [{place}]",
        f"marts.scope_windows.db3 [scope_type=company, month={month}, time_window=month]",
    ]


def write_workbook(path: Path, sample: Sample) -> None:
    """The sample as an Excel workbook: what was asked, the records, and room for what was found."""
    book = xlsxwriter.Workbook(str(path))
    bold = book.add_format({"bold": True})
    about = book.add_worksheet("sample")
    for row, (name, value) in enumerate(
        [
            ("publication", sample.publication),
            ("method", sample.method),
            ("seed", str(sample.seed)),
            ("records that could be drawn", str(sample.population)),
            *((f"of these in the stratum {name}", str(count)) for name, count in sample.strata.items()),
            ("their amounts without sign", str(sample.population_amount)),
            ("amount that each drawn record stands for", str(sample.interval or "")),
            ("records drawn", str(len(sample.drawn))),
        ]
    ):
        about.write_string(row, 0, name, bold)
        about.write_string(row, 1, value)
    sheet = book.add_worksheet("records")
    columns = (
        "no", "feed", "file", "sheet", "record", "sha256", "file is", "text as it came, or as read",
        "stratum", "amount", "counts in", "shown in", "agrees with the document?", "remark",
    )  # fmt: skip
    sheet.write_row(0, 0, columns, bold)
    sheet.freeze_panes(1, 0)
    for row, drawn in enumerate(sample.drawn, start=1):
        record = drawn.record
        sheet.write(row, 0, row)
        sheet.write_string(row, 1, record.feed)
        sheet.write_string(row, 2, record.source_file)
        sheet.write_string(row, 3, record.source_sheet or "")
        sheet.write(row, 4, record.source_record)
        sheet.write_string(row, 5, record.sha256)
        sheet.write_string(row, 6, record.file_state)
        raw = record.raw or record.read or {}
        sheet.write_string(row, 7, "; ".join(f"{name}={text}" for name, text in raw.items()))
        sheet.write_string(row, 8, drawn.stratum)
        sheet.write(row, 9, record.value)
        sheet.write_string(row, 10, "; ".join(_in_words(each) for each in drawn.counts))
        sheet.write_string(row, 11, "; ".join(drawn.shown_in))
    book.close()


def _in_words(counted: Counted) -> str:
    lines = ", ".join(f"{line} {amount}" for line, amount in counted.lines.items())
    return f"{counted.customer_id or ''} {counted.month:%Y-%m}: {lines}".strip()
