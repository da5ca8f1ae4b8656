"""What a publication comes to, in a few lines for the terminal."""

from __future__ import annotations

from decimal import Decimal

import duckdb
from babel.numbers import format_decimal, format_percent

from kunderegnskab.publication.store import Publication
from kunderegnskab.quality.gate import UNKNOWN_CUSTOMER


def headline(publication: Publication) -> list[str]:
    """The company's totals in a few lines, written by the company's locale."""
    locale = publication.manifest.locale
    danish = locale == "da"
    with duckdb.connect(str(publication.database), read_only=True) as con:
        lines = con.execute(
            f"""
            select l.{"name_da" if danish else "name_en"}, sum(a.amount)
            from marts.customer_account_lines as a join audit.ladder as l on l.line_code = a.line_code
            where l.line_kind = 'subtotal' group by l.position, 1 order by l.position
            """
        ).fetchall()
        ((customers, months, net_sales),) = con.execute(
            "select count(distinct customer_id) filter (where customer_id <> ?), count(distinct month), "
            "sum(net_sales) from marts.customer_accounts",
            [UNKNOWN_CUSTOMER],
        ).fetchall()
        ((all_months, tied_months, unexplained),) = con.execute(
            "select count(*), count(ledger_result), sum(difference) from marts.company_accounts"
        ).fetchall()
    currency = publication.manifest.currency
    words = ("kunder", "måneder") if danish else ("customers", "months")
    shown = [f"{publication.manifest.company}: {customers} {words[0]}, {months} {words[1]}"]
    for name, amount in lines:
        share = f"  {_percent(amount, net_sales, locale)}" if net_sales and net_sales > 0 else ""
        shown.append(f"{name:<24}{format_decimal(amount, '#,##0.00', locale=locale):>20} {currency}{share}")
    if tied_months:
        tied = ("Afstemt til finans", "uforklaret") if danish else ("Tied to the ledger", "unexplained")
        left = format_decimal(unexplained, "#,##0.00##", locale=locale)
        of = "af" if danish else "of"
        shown.append(f"{tied[0]}: {tied_months} {of} {all_months} {words[1]}, {tied[1]} {left} {currency}")
    return shown


def _percent(part: Decimal, whole: Decimal, locale: str) -> str:
    return f"{format_percent(part / whole, '#,##0.0 %', locale=locale):>9}"
