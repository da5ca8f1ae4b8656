"""Whether the numbers can be trusted: the tie to the ledger, and the checks of the publication."""

from __future__ import annotations

from decimal import Decimal

from kunderegnskab.language import Code
from kunderegnskab.reading.reader import NothingToRead, Reader, Row

CAUSES = (
    "adjustment",
    "notional",
    "unused_capacity",
    "unallocated",
    "rate_difference",
    "without_customer",
    "timing",
    "bonus_timing",
    "exchange_difference",
    "rounding",
    "unmapped_account",
    "unexplained",
)
"""What a difference between account and ledger may be: columns of audit.ledger_reconciliation."""

AT_ACTUAL_RATES: Row = {"rate_difference": Decimal(0)}
"""What publications say that are older than standard rates: a program may be newer than what it shows."""


def tie_out_months(reader: Reader) -> list[Row]:
    """By month, newest first: accounts, ledger, and what is unexplained between them."""
    _require(reader, "audit.ledger_reconciliation")
    return reader.rows(
        """
        with lines as (
            select month, sum(abs(unexplained)) as unexplained from audit.ledger_reconciliation group by month
        )
        select company_accounts.month, net_sales, db3, ledger_result, difference, unexplained
        from marts.company_accounts left join lines using (month)
        order by month desc
        """
    )


def tie_out(reader: Reader, month: object, language: Code) -> list[Row]:
    """Lines of one month: account, ledger, difference, and its causes."""
    _require(reader, "audit.ledger_reconciliation")
    rows = reader.rows(
        f"""
        select ledger_reconciliation.*, ladder.name_{language} as name
        from audit.ledger_reconciliation inner join audit.ladder using (line_code)
        where month = ? order by position
        """,
        [month],
    )
    return [{**AT_ACTUAL_RATES, **row} for row in rows]


def checks(reader: Reader) -> list[Row]:
    """Rows of audit.check_results, what has not passed first."""
    _require(reader, "audit.check_results")
    return reader.rows(
        """
        select * from audit.check_results
        order by status = 'passed', not is_blocking, stage, check_name
        """
    )


def files(reader: Reader) -> list[Row]:
    """What became of the records of each file, totals of a feed first."""
    _require(reader, "audit.row_ledger")
    return reader.rows("select * from audit.row_ledger order by feed, source_file")


def _require(reader: Reader, relation: str) -> None:
    if not reader.has(relation):
        raise NothingToRead(f"{relation} is not there to read.")
