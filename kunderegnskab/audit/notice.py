"""notice.html and notice.json of a publication: what salespeople must be told of the KPIs that measure them.

For each KPI that is published for single salespeople: what it is, what for, from which columns of which
files, who sees it, for how long the name is kept. Here: putting that together. Not here: the page's layout
(notice.html.j2), and what only the company knows (company.yaml: notice).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kunderegnskab.audit.lineage import ROWS
from kunderegnskab.audit.lineage_page import beginnings, read_edges
from kunderegnskab.feeds import load_feeds
from kunderegnskab.problems import on_page
from kunderegnskab.workspace import Company

NOTICE_FILE = "notice.html"
_TEMPLATE = "notice.html.j2"
# Each measure that KPIs are made of is a column here, per salesperson: in the accounts, or else in the
# windows alone, as customers who are counted, and those who are good.
_MEASURES = (("marts", "scope_windows"), ("marts", "portfolio_accounts"))
# What the records of a feed are valued or shared out with.
_BESIDES = {
    "cost_pools": ("activities", "activity_times", "ledger_accounts", "ledger_entries", "sales_lines"),
    "receivables": ("credit_terms",),
    "sales_lines": ("exchange_rates",),
}
_COST_OF_GOODS = "K35"
# Whose customers they are, and which customers.
_WHOSE = ("customers", "customer_owners", "salespeople")
_TEXTS = {
    "da": {
        "title": "Oplysning til sælgere om nøgletal",
        "intro": "Disse nøgletal beregnes for den enkelte sælger. Siden siger for hvert, hvad det er, hvad "
        "det bruges til, og hvilke oplysninger det er lavet af (databeskyttelsesforordningens artikel 13 og "
        "14).",
        "decision": "Nøgletallene er beslutningsstøtte. Programmet træffer ingen afgørelser om personer, og "
        "ingen afgørelse om løn eller ansættelse bør træffes på et tal alene (artikel 22).",
        "pseudonym": "I det udgivne står et pseudonym i stedet for sælgerens kode og navn. Hvem der er bag, "
        "står i en tabel for sig, som kun de kan læse, der må.",
        "plain": "I det udgivne står sælgerens egen kode og navn (salesperson_keys: plain).",
        "common": "Gælder alle nøgletal",
        "audience": "Hvem ser dem",
        "legal_basis": "Behandlingsgrundlag",
        "contact": "Kontakt og indsigelse",
        "kept": "Hvor længe",
        "kept_text": "Navnet bevares højst {months} måneder efter sælgerens sidste aktivitet, når der ryddes "
        "op (kunderegnskab purge). Filerne, som tallene er lavet af, er regnskabsmateriale og bevares, så "
        "længe loven kræver.",
        "not_stated": "Ikke oplyst af firmaet (company.yaml: notice)",
        "no_purpose": "Ikke oplyst (kpi_register: purpose)",
        "what": "Hvad",
        "formula": "Formel",
        "why": "Formål",
        "influence": "Sådan påvirkes det",
        "data": "Lavet af",
        "none": "Ingen nøgletal beregnes for den enkelte sælger.",
        "publication": "Udgivelse",
        "personal": "personoplysning",
    },
    "en": {
        "title": "Notice to salespeople about KPIs",
        "intro": "These KPIs are computed for single salespeople. The page says of each what it is, what it "
        "is used for, and which data it is made of (General Data Protection Regulation, articles 13 and 14).",
        "decision": "The KPIs support decisions. The program decides nothing about anybody, and nothing "
        "about pay or employment should be decided by a figure alone (article 22).",
        "pseudonym": "What is published has a pseudonym in place of a salesperson's code and name. Who is "
        "behind it stands in a table apart, which only those can read who may.",
        "plain": "What is published has the salesperson's own code and name (salesperson_keys: plain).",
        "common": "True of all KPIs",
        "audience": "Who sees them",
        "legal_basis": "Legal basis",
        "contact": "Contact and objections",
        "kept": "For how long",
        "kept_text": "A name is kept for at most {months} months after the salesperson's last activity, when "
        "names are purged (kunderegnskab purge). The files that figures are made of are bookkeeping material "
        "and kept for as long as the law says.",
        "not_stated": "Not stated by the company (company.yaml: notice)",
        "no_purpose": "Not stated (kpi_register: purpose)",
        "what": "What",
        "formula": "Formula",
        "why": "Purpose",
        "influence": "How it is influenced",
        "data": "Made of",
        "none": "No KPI is computed for single salespeople.",
        "publication": "Publication",
        "personal": "personal data",
    },
}


def write_notice(
    directory: Path, con: duckdb.DuckDBPyConnection, *, company: Company, publication: str
) -> None:
    """Write both files into `directory`, in the company's language, from a warehouse that is built."""
    texts = _TEXTS[company.locale]
    notice = {
        "publication": publication,
        "company": company.name,
        "language": company.locale,
        "salesperson_keys": company.salesperson_keys,
        "audience": company.notice.audience,
        "legal_basis": company.notice.legal_basis,
        "contact": company.notice.contact,
        "names_kept_months": company.salesperson_names_kept_months,
        "automated_decisions": False,
        "kpis": _kpis(con, company.locale),
    }
    text = json.dumps(notice, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    (directory / NOTICE_FILE).with_suffix(".json").write_text(text, encoding="utf-8", newline="\n")
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=on_page,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    kept = texts["kept_text"].format(months=company.salesperson_names_kept_months)
    page = environment.get_template(_TEMPLATE).render(t=texts, notice=notice, kept=kept)
    (directory / NOTICE_FILE).write_text(page, encoding="utf-8", newline="\n")


def _kpis(con: duckdb.DuckDBPyConnection, language: Literal["da", "en"]) -> list[dict[str, Any]]:
    """The KPIs that are published for salespeople, in the order of the register."""
    data = _data_of_measures(con)
    return [
        {
            "kpi_id": kpi,
            "name": name,
            "definition": definition,
            "formula": formula,
            "unit": unit,
            "purpose": purpose,
            "influence": influence,
            "data": sorted(set().union(*(data.get(measure, set()) for measure in measures))),
        }
        for kpi, name, definition, formula, unit, purpose, influence, measures in con.execute(
            f"""
            select kpi_id, name_{language}, definition_{language}, formula_{language}, unit, purpose,
                influence_{language}, (
                    select list(distinct measure order by measure) from audit.kpi_formulas as formulas
                    where formulas.kpi_id = register.kpi_id
                )
            from marts.kpi_register as register
            where is_in_use and kpi_id in (
                select kpi_id from marts.kpi_values where scope_type in ('salesperson', 'salesperson_today')
            )
            order by position
            """
        ).fetchall()
    ]


def _data_of_measures(con: duckdb.DuckDBPyConnection) -> dict[str, set[tuple[str, str, str | None]]]:
    """Measure -> (feed, column, category if it is personal) of all that it is made of.

    Column lineage alone says too much: all lines of the account pass through one column of amounts. So of a
    line, or a subtotal of lines, only the feeds count that give to one of them.
    """
    feeds_of_lines = _feeds_of_lines(con)
    ((catalog,),) = con.execute("select current_database()").fetchall()
    edges = read_edges(con, catalog)
    # Rows name nobody: what counts them is made of columns as well, by the feeds' keys.
    valued = {place: [source for source in sources if source[2] != ROWS] for place, sources in edges.items()}
    begins = beginnings(valued, {})
    feeds = load_feeds()
    found: dict[str, set[tuple[str, str, str | None]]] = {}
    # What the accounts say of a measure takes the place of what the windows, which compare it, say.
    for measured in _MEASURES:
        for (*relation, measure), places in begins.items():
            if tuple(relation) == measured:
                found[measure] = {
                    (feed, column, feeds[feed].columns[column].personal)
                    for schema, feed, column in places
                    if schema == "raw" and feed in feeds and column in feeds[feed].columns
                    if feed in feeds_of_lines.get(measure, feeds)
                }
    return found


def _feeds_of_lines(con: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """Column of the account -> the feeds that it is made of; a subtotal is made of all lines above it."""
    found: dict[str, set[str]] = {}
    for measure, codes, giving in con.execute(
        """
        select lines.column_name, list(distinct above.line_code), list(distinct sources.feed)
        from audit.ladder as lines
        left join audit.ladder as above
            on above.line_code = lines.line_code
                or (lines.line_kind = 'subtotal' and above.position < lines.position)
        left join audit.account_sources as sources on above.line_code = sources.line_code
        group by lines.column_name
        """
    ).fetchall():
        direct = {feed for feed in giving or () if feed is not None}
        besides = {other for feed in direct for other in _BESIDES.get(feed, ())}
        valued = {"product_costs"} if _COST_OF_GOODS in codes else set()
        found[measure] = direct | besides | valued | set(_WHOSE)
    return found
