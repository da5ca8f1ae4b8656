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
class Drawn:
    """One record of a sample.

    Attributes:
        record: with its text, as it came. `value` is what it was drawn by.
        customer_id, month: the account that it counts in.
        lines: ladder line -> amount that the record gives to it.
        shown_in: published cells that it is part of, as `table.column [key]`, lowest first.
    """

    record: SourceRecord
    customer_id: str
    month: date
    lines: dict[str, Decimal]
    shown_in: tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """What was drawn, and from what.

    Attributes:
        population: records that could be drawn.
        population_amount: sum of their amounts without sign, in company currency.
        interval: for monetary-unit sampling, how much money each drawn record stands for.
    """

    publication: str
    method: Method
    seed: int
    population: int
    population_amount: Decimal
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

    A record's amount is the largest that it gives to one line, without sign.

    Args:
        size: how many records are asked for. A monetary-unit sample has fewer where one record is hit twice.

    Raises:
        CannotSample: there are no records, or size is not positive.
        CannotTrace: a lake file is gone.
    """
    if size < 1:
        raise CannotSample("The size of a sample is at least 1.")
    for relation in ("audit.postings", "audit.ladder"):
        trace.require(relation)
    trace.con.execute(
        """
        create or replace temp table population as
        select feed, source_file, source_record, any_value(customer_id) as customer_id,
            any_value(month) as month, max(abs(amount)) as amount,
            md5($seed || ' ' || feed || ' ' || source_file || ' ' || source_record) as place
        from audit.postings
        where source_file is not null and month >= $first and month <= $last
        group by feed, source_file, source_record
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
            select distinct feed, source_file, source_record, customer_id, month, amount, place
            from laid inner join hits on hit < upto and hit >= upto - (amount * 10000)::hugeint
            """,
            {"hits": hits},
        )
    drawn = _with_lines(trace)
    return Sample(trace.publication.name, method, seed, population, total, interval, drawn)


def _hits(whole: int, size: int, seed: int) -> list[int]:
    """Where each n-th part of the whole length is hit; the seed decides where in it, the same in all."""
    offset = int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:8]) % max(whole, 1)
    return sorted({(part * whole + offset) // size for part in range(size)}) if whole else []


def _with_lines(trace: Trace) -> tuple[Drawn, ...]:
    """The records of the table `chosen`, with their text and lines."""
    chosen = trace.con.execute(
        "select feed, source_file, source_record, customer_id, month, amount from chosen order by place"
    ).fetchall()
    keys = [RecordKey(feed, file, number, amount) for feed, file, number, _, _, amount in chosen]
    records = source_records(trace, keys)
    names = {
        row["line_code"]: row["column_name"]
        for row in trace.rows("select line_code, column_name from audit.ladder", reads=["audit.ladder"])
    }
    lines_of: dict[tuple[str, str, int], dict[str, Decimal]] = {}
    for feed, file, number, code, amount in trace.con.execute(
        "select feed, source_file, source_record, line_code, sum(postings.amount) "
        "from audit.postings inner join chosen using (feed, source_file, source_record, customer_id, month) "
        "group by all order by all"
    ).fetchall():
        lines_of.setdefault((feed, file, number), {})[code] = amount
    drawn = []
    for record, (feed, file, number, customer, month, _) in zip(records, chosen, strict=True):
        lines = lines_of[feed, file, number]
        place = f"customer_id={customer}, month={month}"
        shown = [
            *(f"marts.customer_account_lines.amount [{place}, line_code={code}]" for code in lines),
            *(f"marts.customer_accounts.{names[code]} [{place}]" for code in lines),
            f"marts.customer_accounts.db3 [{place}]",
            f"marts.kpi_values.value [kpi_id=db3, scope_type=company, month={month}, time_window=month]",
        ]
        drawn.append(Drawn(record, customer, month, lines, tuple(shown)))
    return tuple(drawn)


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
            ("their amounts without sign", str(sample.population_amount)),
            ("amount that each drawn record stands for", str(sample.interval or "")),
            ("records drawn", str(len(sample.drawn))),
        ]
    ):
        about.write_string(row, 0, name, bold)
        about.write_string(row, 1, value)
    sheet = book.add_worksheet("records")
    columns = (
        "no", "feed", "file", "record", "sha256", "file is", "text as it came", "customer", "month", "amount",
        "lines", "shown in", "agrees with the document?", "remark",
    )  # fmt: skip
    sheet.write_row(0, 0, columns, bold)
    sheet.freeze_panes(1, 0)
    for row, drawn in enumerate(sample.drawn, start=1):
        record = drawn.record
        sheet.write(row, 0, row)
        sheet.write_string(row, 1, record.feed)
        sheet.write_string(row, 2, record.source_file)
        sheet.write(row, 3, record.source_record)
        sheet.write_string(row, 4, record.sha256)
        sheet.write_string(row, 5, record.file_state)
        raw = record.raw or {}
        sheet.write_string(row, 6, "; ".join(f"{name}={text}" for name, text in raw.items()))
        sheet.write_string(row, 7, drawn.customer_id)
        sheet.write_string(row, 8, f"{drawn.month:%Y-%m}")
        sheet.write(row, 9, record.value)
        sheet.write_string(row, 10, "; ".join(f"{code} {amount}" for code, amount in drawn.lines.items()))
        sheet.write_string(row, 11, "; ".join(drawn.shown_in))
    book.close()
