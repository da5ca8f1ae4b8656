"""The quality report of one publication: report.html for people, report.json for programs.

Here: sorting, wording and number formats. Not here: running or judging checks, and the page's layout
(report.html.j2).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from babel.dates import format_date
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict

from kunderegnskab.problems import on_page
from kunderegnskab.quality.certification import CheckResult
from kunderegnskab.quality.runs import attention

TEMPLATE = "report.html.j2"
NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)( %)?")

# What needs a reader's attention comes first.
GROUPS = ("error", "failed", "waived", "warning", "passed")

TEXTS = {
    "en": {
        "title": "Quality report",
        "publication": "Publication",
        "run": "Run",
        "as_of": "As of",
        "checks": "Checks",
        "error": "Could not run",
        "failed": "Failed",
        "waived": "Waived",
        "warning": "Warning",
        "passed": "Passed",
        "status": "Status",
        "rule": "What must hold",
        "subject": "About",
        "observed": "Observed",
        "rows": "Failing rows",
        "blocking": "blocking",
        "not_blocking": "warning only",
        "door": "files",
        "dbt": "model",
        "gate": "publication",
        "row_ledger": "Records per file",
        "feed": "Feed",
        "file": "File",
        "read": "Read",
        "loaded": "Loaded",
        "rejected": "Rejected",
        "allowed": "Allowed",
        "left_out": "Left out",
        "balance": "Balances",
        "yes": "yes",
        "no": "NO",
        "ladder": "The account ladder in force",
        "line": "Line",
        "name": "Name",
        "kind": "Kind",
        "amount": "amount",
        "subtotal": "subtotal",
        "effect": "Effect on the result",
        "not_used": "not used",
        "tie_out": "The ledger, line by line",
        "tie_out_months": "The ledger, month by month",
        "customers": "Customer accounts",
        "ledger": "Ledger",
        "difference": "Difference",
        "explanation": "What explains it",
        "month": "Month",
        "unmapped": "Accounts without a line",
        "no_ledger": "The company supplies no ledger that books the lines of the customer account.",
        "nothing": "None.",
        "passed_checks": "Checks that passed",
        "all_passed": "Every check passed.",
        "history": "Checks over time",
        "lineage": "Where the numbers come from",
        "closing": "Closed months and restatements",
        "no_closing": "No month is closed.",
        "closed_by": "Closed by",
        "closed_on": "Closed on",
        "reason": "Reason",
        "restated": "What the lines of closed months were and are, by what changed them",
        "not_restated": "The lines of the customers are as they were closed.",
        "restated_figures": "Figures of the company and of salespeople that have changed since the closing",
        "measure": "Measure",
        "whose": "Company or salesperson",
        "changed_since": "changed since",
        "as_closed": "As closed",
        "today": "Now",
        "cause": "Cause",
        "late": "Late postings",
        "late_intro": "Records of files that were not there, or had another content, when their month was "
        "closed, and whose lines were restated since: documents, ledger entries of pools and of lines "
        "that no customer carries, and costs and rules in force in the month. Record by record they are in "
        "audit.late_postings.",
        "bonus_timing": "accrued, not booked yet",
        "rate_difference": "Difference to standard rates",
        "records": "Records",
        "from_to": "Dates",
        "sum": "Sum",
    },
    "da": {
        "title": "Kvalitetsrapport",
        "publication": "Udgivelse",
        "run": "Kørsel",
        "as_of": "Pr. dato",
        "checks": "Kontroller",
        "error": "Kunne ikke køre",
        "failed": "Fejlet",
        "waived": "Fraveget",
        "warning": "Advarsel",
        "passed": "Bestået",
        "status": "Status",
        "rule": "Hvad der skal gælde",
        "subject": "Vedrører",
        "observed": "Målt",
        "rows": "Rækker med fejl",
        "blocking": "spærrende",
        "not_blocking": "kun advarsel",
        "door": "filer",
        "dbt": "model",
        "gate": "udgivelse",
        "row_ledger": "Poster pr. fil",
        "feed": "Kilde",
        "file": "Fil",
        "read": "Læst",
        "loaded": "Indlæst",
        "rejected": "Afvist",
        "allowed": "Tilladt",
        "left_out": "Udeladt",
        "balance": "Stemmer",
        "yes": "ja",
        "no": "NEJ",
        "ladder": "Kunderegnskabets linjer",
        "line": "Linje",
        "name": "Navn",
        "kind": "Art",
        "amount": "beløb",
        "subtotal": "mellemsum",
        "effect": "Virkning på resultatet",
        "not_used": "bruges ikke",
        "tie_out": "Afstemning til finans, linje for linje",
        "tie_out_months": "Afstemning til finans, måned for måned",
        "customers": "Kunderegnskaber",
        "ledger": "Finans",
        "difference": "Forskel",
        "explanation": "Hvad der forklarer den",
        "month": "Måned",
        "unmapped": "Konti uden linje",
        "no_ledger": "Firmaet leverer ingen finansposter med kunderegnskabets linjer.",
        "nothing": "Ingen.",
        "passed_checks": "Beståede kontroller",
        "all_passed": "Alle kontroller er bestået.",
        "history": "Kontroller over tid",
        "lineage": "Hvor tallene kommer fra",
        "closing": "Lukkede måneder og reguleringer",
        "no_closing": "Ingen måned er lukket.",
        "closed_by": "Lukket af",
        "closed_on": "Lukket på",
        "reason": "Begrundelse",
        "restated": "Hvad linjerne i lukkede måneder var og er, efter hvad der har ændret dem",
        "not_restated": "Kundernes linjer er, som de blev lukket.",
        "restated_figures": "Virksomhedens og sælgeres tal, der er ændret, siden deres måned blev lukket",
        "measure": "Mål",
        "whose": "Virksomhed eller sælger",
        "changed_since": "ændret siden",
        "as_closed": "Ved lukning",
        "today": "Nu",
        "cause": "Årsag",
        "late": "Sene posteringer",
        "late_intro": "Poster fra filer, som ikke var der eller havde et andet indhold, da deres måned blev "
        "lukket, og hvis linjer er reguleret siden: bilag, finansposter i puljer og på linjer, "
        "som ingen kunde bærer, og omkostninger og regler, der gælder i måneden. Post for post står de i "
        "audit.late_postings.",
        "bonus_timing": "optjent, ikke bogført endnu",
        "rate_difference": "Afvigelse fra standardsatser",
        "records": "Poster",
        "from_to": "Datoer",
        "sum": "Sum",
    },
}

# The parts of a difference to the ledger, in the order of audit.ledger_reconciliation.
CAUSES = {
    "en": {
        "adjustment": "manual adjustments",
        "notional": "notional, in no ledger",
        "unused_capacity": "unused capacity",
        "unallocated": "pools not given out",
        "rate_difference": "difference to standard rates",
        "without_customer": "costs without customer",
        "timing": "another month",
        "exchange_difference": "another exchange rate",
        "rounding": "rounded in the ledger",
        "unmapped_account": "accounts without a line",
        "unexplained": "UNEXPLAINED",
    },
    "da": {
        "adjustment": "manuelle korrektioner",
        "notional": "kalkulatorisk, ikke i finans",
        "unused_capacity": "ledig kapacitet",
        "unallocated": "puljer der ikke er fordelt",
        "rate_difference": "afvigelse fra standardsatser",
        "without_customer": "omkostninger uden kunde",
        "timing": "en anden måned",
        "exchange_difference": "en anden valutakurs",
        "rounding": "afrundet i finans",
        "unmapped_account": "konti uden linje",
        "unexplained": "UFORKLARET",
    },
}
# Why a closed month has changed since it was closed, as in audit.restatements and audit.late_postings.
RESTATED_BY = {
    "en": {
        "new_file": "new file",
        "changed_file": "changed file",
        "removed_file": "file is gone",
        "rule": "a rule, cost or rate, or the program",
        "pool": "cost pool",
        "agreement": "bonus agreement",
    },
    "da": {
        "new_file": "ny fil",
        "changed_file": "ændret fil",
        "removed_file": "filen er væk",
        "rule": "en regel, kostpris eller sats, eller programmet",
        "pool": "omkostningspulje",
        "agreement": "bonusaftale",
    },
}
# From DB III to the ledger's result: column of company_accounts, column of the ladder that names it (none
# where no line does), effect, and the text that says which part of that line is meant.
_TIE = (
    ("db3", "db3", "", ""),
    ("segment_cost", "segment_cost", "− ", ""),
    ("unused_capacity", "unused_capacity", "− ", ""),
    ("unallocated", "unallocated", "− ", ""),
    ("rate_difference", "", "− ", "rate_difference"),
    ("bonus_timing", "bonus", "+ ", "bonus_timing"),
    ("credit_cost_put_back", "credit_cost", "+ ", ""),
    ("ledger_result", "ledger_result", "= ", ""),
)


class ReportTitle(BaseModel):
    """What the report is about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    company_name: str
    publication: str
    run_id: str
    as_of: date
    locale: Literal["da", "en"]


def write_report(
    directory: Path,
    results: Sequence[CheckResult],
    *,
    title: ReportTitle,
    ladder: Sequence[Mapping[str, Any]],
    row_ledger: Sequence[Mapping[str, Any]],
    reconciliation: Sequence[Mapping[str, Any]],
    company_accounts: Sequence[Mapping[str, Any]],
    period_closes: Sequence[Mapping[str, Any]],
    restatements: Sequence[Mapping[str, Any]],
    figure_restatements: Sequence[Mapping[str, Any]],
    late_postings: Sequence[Mapping[str, Any]],
) -> None:
    """Writes report.html and report.json into `directory`, which must exist.

    `ladder`, `row_ledger`, `period_closes`, `restatements`, `figure_restatements`, `late_postings`,
    `reconciliation` and `company_accounts` are the rows of the audit tables of these names, of
    audit.ledger_reconciliation and of marts.company_accounts, by column name.
    """
    texts = TEXTS[title.locale]
    ordered = sorted(results, key=lambda r: (GROUPS.index(_group(r)), r.stage, r.check_name))
    counts = Counter(_group(result) for result in ordered)
    content = {
        **title.model_dump(),
        "counts": {group: counts[group] for group in GROUPS},
        "checks": [{**r.model_dump(), "group": _group(r)} for r in ordered],
        "ladder": sorted((dict(line) for line in ladder), key=lambda line: line["position"]),
        "row_ledger": [dict(row) for row in row_ledger],
        "tie_out": _by_line(reconciliation),
        "tie_out_months": [
            {column: row[column] for column in ("month", *(tie[0] for tie in _TIE), "difference")}
            for row in sorted(company_accounts, key=lambda row: row["month"])
            if row["ledger_result"] is not None
        ],
        "closed_months": [
            dict(row)
            for row in sorted(period_closes, key=lambda row: row["month"])
            if row["is_in_force"] and row["event"] == "close"
        ],
        "restatements": _by_cause(restatements),
        "figure_restatements": [
            dict(row)
            for row in sorted(
                figure_restatements,
                key=lambda row: (row["month"], row["level"], row["scope_id"], row["measure"]),
            )
            # Of a salesperson what is reported; every measure is in audit.figure_restatements.
            if row["level"] == "company" or row["measure"] in ("net_sales", "db3")
        ],
        "late_postings": _by_file(late_postings),
    }
    _write(directory / "report.json", json.dumps(content, ensure_ascii=False, indent=2, default=str) + "\n")

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=on_page,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(TEMPLATE).render(
        content,
        t=texts,
        causes=CAUSES[title.locale],
        restated_by=RESTATED_BY[title.locale],
        month_text=lambda month: f"{month:%Y-%m}",
        # At actual rates the difference would say nothing.
        tie=[part for part in _TIE if part[1] or any(row[part[0]] for row in company_accounts)],
        lines_by_code={line["line_code"]: line for line in ladder},
        lines_by_column={line["column_name"]: line for line in ladder},
        name_of=lambda line: line[f"name_{title.locale}"],
        groups=GROUPS,
        as_of_text=format_date(title.as_of, format="long", locale=title.locale),
        number=lambda value: _number(value, title.locale),
        money=lambda value: format_decimal(value, "#,##0.00##", locale=title.locale),
        observed=lambda text: _observed(text, title.locale),
    )
    _write(directory / "report.html", page)


def _by_line(reconciliation: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The reconciliation summed over all months, one row per line."""
    amounts = ("account_amount", "ledger_amount", "difference", *CAUSES["en"])
    lines: dict[str, dict[str, Any]] = {}
    for row in reconciliation:
        line = lines.setdefault(row["line_code"], dict.fromkeys(amounts, Decimal(0)))
        for amount in amounts:
            line[amount] += row[amount]
    return [{"line_code": code, **line} for code, line in sorted(lines.items())]


def _by_cause(restatements: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The restatements of all customers: one row per month, line, cause and source."""
    amounts = ("closed_amount", "current_amount", "difference")
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in restatements:
        key = (row["month"], row["line_code"], row["cause"], row["source"], row["changed_files"] or "")
        total = found.setdefault(key, dict.fromkeys(amounts, Decimal(0)))
        for amount in amounts:
            total[amount] += row[amount]
    names = ("month", "line_code", "cause", "source", "changed_files")
    return [{**dict(zip(names, key, strict=True)), **total} for key, total in sorted(found.items())]


def _by_file(late_postings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The late postings: one row per month, feed and file, with how many records and of which days."""
    found: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in late_postings:
        found.setdefault((row["month"], row["feed"], row["source_file"], row["cause"]), []).append(row)
    return [
        {
            "month": month,
            "feed": feed,
            "source_file": file,
            "cause": cause,
            "records": len({(row["source_sheet"], row["source_record"]) for row in rows}),
            "first_date": min(row["posting_date"] for row in rows),
            "last_date": max(row["posting_date"] for row in rows),
        }
        for (month, feed, file, cause), rows in sorted(found.items())
    ]


def _group(result: CheckResult) -> str:
    return attention(result.status, result.is_blocking)


def _number(value: Decimal | int | None, locale: str) -> str:
    if value is None:
        return "–"
    return format_decimal(value, format="#,##0.######", locale=locale, decimal_quantization=False)


def _observed(text: str, locale: str) -> str:
    """`12.5 %` as the locale writes it; what is not a number stays as it is."""
    match = NUMBER.fullmatch(text)
    return _number(Decimal(match[1]), locale) + (match[2] or "") if match else text


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
