"""What stands for longer than a refresh and is told when it begins: drift of targets, changes that wait.

Here: finding it in a publication or a warehouse, and saying it without names and values of records. Not here:
what is late (publication/freshness.py), what of it has been told (refresh/telling.py), and why it is so
(marts.target_baselines, audit.waiting_approvals).
"""

from __future__ import annotations

import hashlib
from decimal import Decimal

import duckdb
from babel.numbers import format_decimal, format_percent

from kunderegnskab.news.events import Standing
from kunderegnskab.news.words import Locale
from kunderegnskab.publication.earlier import relations_of
from kunderegnskab.publication.store import Publication

_SCOPES: dict[Locale, dict[str, str]] = {
    "da": {
        "company": "hele firmaet",
        "team": "team {id}",
        "salesperson": "sælger {id}",
        "salesperson_today": "dagens portefølje af {id}",
        "segment": "segment {id}",
        "segment_opening": "åbningssegment {id}",
        "salesperson_segment": "sælger og segment {id}",
        "chain": "kæde {id}",
        "customer": "kunde {id}",
    },
    "en": {
        "company": "the company",
        "team": "team {id}",
        "salesperson": "salesperson {id}",
        "salesperson_today": "today's portfolio of {id}",
        "segment": "segment {id}",
        "segment_opening": "opening segment {id}",
        "salesperson_segment": "salesperson and segment {id}",
        "chain": "chain {id}",
        "customer": "customer {id}",
    },
}
_DRIFT: dict[Locale, str] = {
    "da": "{kpi} af {scope}, mål fra {month:%Y-%m}: udgangspunktet er nu {now} og var {then}, da det blev "
    "udgivet; se marts.target_baselines, og hvad der har ændret sig i de måneder.",
    "en": "{kpi} of {scope}, target from {month:%Y-%m}: the baseline is {now} now and was {then} when it was "
    "published; see marts.target_baselines, and what has changed in those months.",
}
_WAITING: dict[Locale, str] = {
    "da": "{feed}, {record}: posten er {change}, og {reason}, så en anden skal godkende det; se "
    "audit.waiting_approvals eller `kunderegnskab status`.",
    "en": "{feed}, {record}: the record was {change}, and {reason}, so somebody else must approve it; see "
    "audit.waiting_approvals or `kunderegnskab status`.",
}
_CHANGES: dict[Locale, dict[str, str]] = {
    "da": {"added": "tilføjet", "removed": "fjernet", "changed": "ændret"},
    "en": {"added": "added", "removed": "removed", "changed": "changed"},
}
_REASONS: dict[Locale, dict[str, str]] = {
    "da": {
        "own_portfolio": "det angår en sælgers egen portefølje",
        "holds_for_all": "det gælder alle kunder, også sælgerens egne",
        "every_change": "firmaet kræver godkendelse af hver ændring",
    },
    "en": {
        "own_portfolio": "it concerns a salesperson's own portfolio",
        "holds_for_all": "it holds for all customers, the salesperson's own among them",
        "every_change": "the company asks for approval of every change",
    },
}


def drifting(publication: Publication) -> list[Standing]:
    """The targets whose baseline is not what it was first published as, in the publication's language.

    Raises:
        duckdb.Error: the publication cannot be read.
    """
    locale: Locale = "da" if publication.manifest.locale == "da" else "en"
    with duckdb.connect(str(publication.database), read_only=True) as con:
        if "marts.target_baselines" not in relations_of(con):
            return []
        found = con.execute(
            f"""
            select b.kpi_id, b.scope_type, b.scope_id, b.month_from, b.baseline_value, b.current_value,
                coalesce(r.name_{locale}, b.kpi_id), r.unit
            from marts.target_baselines as b left join marts.kpi_register as r on r.kpi_id = b.kpi_id
            where b.drift <> 0 order by 1, 2, 3, 4
            """
        ).fetchall()
    return [
        Standing(
            _key("drift", kpi_id, scope_type, scope_id, month),
            _DRIFT[locale].format(
                kpi=name,
                scope=_SCOPES[locale].get(scope_type, f"{scope_type} {{id}}").format(id=scope_id),
                month=month,
                now=_value(now, unit, locale),
                then=_value(then, unit, locale),
            ),
        )
        for kpi_id, scope_type, scope_id, month, then, now, name, unit in found
    ]


def waiting_in(publication: Publication) -> list[Standing]:
    """The published changes that wait for approval, in the publication's language.

    Raises:
        duckdb.Error: the publication cannot be read.
    """
    with duckdb.connect(str(publication.database), read_only=True) as con:
        return waiting(con, "da" if publication.manifest.locale == "da" else "en")


def waiting(con: duckdb.DuckDBPyConnection, locale: Locale) -> list[Standing]:
    """The changes in a publication or warehouse that wait for approval: which and why, without names."""
    if "audit.waiting_approvals" not in relations_of(con):  # an older version's
        return []
    found = con.execute(
        "select feed, record_key, change, what_changed, approval_reason from audit.waiting_approvals "
        "order by feed, record_key"
    ).fetchall()
    return [
        Standing(
            _key("approval", feed, record, change, what),
            _WAITING[locale].format(
                feed=feed,
                record=record,
                change=_CHANGES[locale].get(change, change),
                reason=_REASONS[locale].get(reason, reason),
            ),
        )
        for feed, record, change, what, reason in found
    ]


def _key(*parts: object) -> str:
    """One word that stands for all of it, so that no note holds what records say."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]


def _value(value: Decimal, unit: str | None, locale: Locale) -> str:
    if unit == "ratio":
        return format_percent(value, "#,##0.00## %", locale=locale)
    return format_decimal(value, "#,##0.00####", locale=locale)
