"""A new workspace: folders and commented configuration to start from."""

from __future__ import annotations

from pathlib import Path

from kunderegnskab.problems import InputProblem, InputProblems

_COMPANY = """\
# Who the company is. Only name and currency are needed; the rest shows the defaults.
name: My company
currency: DKK              # currency of the accounts, ISO 4217
# minor_unit: 0.01         # smallest unit of the currency
# locale: da               # language and number format of reports: da or en
# timezone: Europe/Copenhagen   # whose days moments in the files belong to
# fiscal_year_start: 1     # month in which the financial year starts
# credit_interest_rate: 0.06   # per year, for the cost of credit time
# day_count: 365           # days of a year in interest calculations: 360 or 365
# reconciliation_tolerance: 0.00   # unexplained difference to the ledger per month and line that is let by
# ledger_closed_to: 2026-03-31   # last month booked in the ledger; default: the last one with sales
# analysis_months: 25      # months, back from the last one, that price-volume-mix and bridges are made for
# pvm_leaf: product        # what price, volume and mix are told apart by: product or product_group
# segment_level: customer  # what a segment is decided for: customer or chain, see docs/sales.md
# benchmark_minimum_customers: 8   # customers that a benchmark rests on at least, see docs/sales.md
# salesperson_keys: pseudonym      # how salespeople are named in what is published: pseudonym or plain
# salesperson_names_kept_months: 36   # after their last activity; see `kunderegnskab purge`
# notice:                  # for the notice to salespeople, quality/notice.html
#   audience: The sales manager and the salesperson
#   legal_basis: GDPR article 6(1)(f)
#   contact: hr@example.com
# keep_publications: 30    # older publications keep their manifest and report only
# dagster_runs_kept: 20    # runs that Dagster's page shows, with their logs
# fresh_for_hours: 80      # a publication older than that is late; default: none is
# expected_by: 10          # day by whose end the files of the month before are published (monthly_since)
# channels:                # ways to those who are told, also slack, teams, url and command: docs/news.md
#   finans:
#     email: {server: smtp.example.com, sender: accounts@example.com, to: [finance@example.com]}
# on_failure: {channels: [finans]}   # on_blocked, on_published, on_late, on_drift and on_approval likewise
# publish:                 # a database that receives each publication, see docs/postgres.md
#   postgres: {address: "postgresql://kunderegnskab:${PASSWORD}@db.firma.example/bi", readers: [{role: bi}]}
"""

_FEEDS = """\
# Which files feed which canonical table, and how their columns map.
# docs/contracts/feeds.md lists the tables and columns, docs/workspace.md every key that may stand here.
#
# sales_lines is the only table that a first customer account needs. A file landing/<table>.csv with the
# canonical column names (UTF-8, comma, decimal point, ISO dates) needs no mapping at all.
#
# sales_lines:
#   - files: "sales/*.csv"             # relative to landing/
#     format: {type: csv, delimiter: ";", encoding: cp1252, decimal: ",", thousands: ".", date: "%d-%m-%Y"}
#     columns:                         # canonical column: column of the file
#       document_no: Bilagsnr.
#       line_no: Linjenr.
#       posting_date: Bogføringsdato
#       customer_id: Debitornr.
#       product_id: Varenr.
#       quantity: Antal
#       net_amount: Nettobeløb
#     expressions:                     # SQL over the file's columns; number() and date() read its conventions
#       document_type: case when "Bilagstype" = 'Kreditnota' then 'credit_note' else 'invoice' end
#       list_amount: number("Nettobeløb") + number("Rabatbeløb")
#       cost_amount: -number("Kostbeløb")
#     total_rows: {column: Bilagsnr., words: ["I alt"]}
"""


def make_workspace(directory: Path) -> Path:
    """Make the folder and its configuration.

    Raises:
        InputProblems: the folder is there and not empty.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InputProblems(
            [
                InputProblem(
                    str(directory), "is there already and not empty", "name a folder that does not exist"
                )
            ]
        )
    for folder in ("landing", "policy"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    (directory / "company.yaml").write_text(_COMPANY, encoding="utf-8")
    (directory / "feeds.yaml").write_text(_FEEDS, encoding="utf-8")
    return directory.resolve()
