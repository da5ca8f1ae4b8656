"""Baselines of targets, taken from what was published: a baseline never moves once it has been.

Here: which earlier publication a target's baseline comes from. Not here: what the baseline would be by
today's accounts, and what has become of it since (dbt model target_baselines).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from kunderegnskab.pseudonyms import PLAIN, Pseudonyms, is_plain
from kunderegnskab.publication import store
from kunderegnskab.publication.earlier import EARLIER, attached
from kunderegnskab.publication.store import Publication
from kunderegnskab.sql import KPI_VALUE, literal

_KEY = ("kpi_id", "scope_type", "scope_id", "month_from")
# Targets with their scope as the marts name it (macro scope_of_policy): of a segment as the year opened
# unless the file says otherwise, of a salesperson within a segment both.
_TARGETS = """(
            select * replace (
                case scope_type when 'segment' then 'segment_opening' when 'segment_now' then 'segment'
                    else scope_type end as scope_type,
                case when scope_type = 'salesperson_segment' then scope_id || ' / ' || segment
                    else scope_id end as scope_id
            )
            from raw.kpi_targets
        )"""
# Targets of customers who were in a segment when the target's year opened: what was published of that segment
# before is about others.
_BY_OPENING = "('segment_opening', 'salesperson_segment')"
# A sum, or a ratio rounded half away from zero to six decimals; in whole numbers, so that no float is met.
_VALUE = f"""case
            when is_sum then numerator::{KPI_VALUE}
            else (
                sign(numerator) * (
                    (2 * (abs(numerator) * 10000)::hugeint * 1000000 + (denominator * 10000)::hugeint)
                    // (2 * (denominator * 10000)::hugeint)
                )
            )::decimal(38, 0)::decimal(24, 0) * 0.000001::decimal(7, 6)
        end::{KPI_VALUE}"""


def load_baselines(
    con: duckdb.DuckDBPyConnection,
    published: Path,
    now: Publication | None,
    pseudonyms: Pseudonyms = PLAIN,
) -> list[Publication]:
    """Fill raw.published_baselines for the targets of raw.kpi_targets.

    A baseline comes from the current publication if that has one for the same target, period and approval.
    So it is handed on from publication to publication, also when the first of them is gone. Else it is what
    the publication that was current at the end of the day of the approval says of those months; not so for a
    segment, or a salesperson within one, because its target is about the customers of a later opening. A
    target without a row here starts from today's accounts.

    Args:
        now: the current publication, or the one that was current when a refresh is performed again.
        pseudonyms: how salespeople are named in the warehouse.

    Returns:
        Publications that would have been asked and have no data any more.
    """
    if now is None:
        return []
    with attached(con, now) as tables:
        if "marts.target_baselines" in tables:
            con.execute(_carried(now.name, _scope_id(now, pseudonyms), _version(con)))
    gone = []
    # The newest day first: so the chain is followed once.
    approved: Publication | None = now
    for approved_on in reversed(_approvals(con)):
        approved = _current_on(published, approved, approved_on)
        if approved is None:
            continue
        if not approved.database.is_file():
            gone.append(approved)
            continue
        with attached(con, approved) as tables:
            if "marts.kpi_values" in tables:
                con.execute(_approved(approved.name, _scope_id(approved, pseudonyms)), [approved_on])
    return gone


def _scope_id(publication: Publication, pseudonyms: Pseudonyms) -> str:
    """SQL of a scope that a publication names, as the warehouse names it."""
    if not is_plain(publication.manifest.parameters):
        return "earlier.scope_id"
    salesperson, segment = (f"regexp_extract(earlier.scope_id, '^(.*) / (.*)$', {part})" for part in (1, 2))
    return (
        "case when earlier.scope_type in ('salesperson', 'salesperson_today') "
        f"then {pseudonyms.sql('earlier.scope_id')} "
        "when earlier.scope_type = 'salesperson_segment' "
        f"then {pseudonyms.sql(salesperson)} || ' / ' || {segment} else earlier.scope_id end"
    )


def _version(con: duckdb.DuckDBPyConnection) -> str:
    """SQL of the version of the segment rules that classed the customers of an attached baseline.

    Up to 0.11 a publication says only by which version they are classed in it.
    """
    found = con.execute(
        "select column_name from duckdb_columns() where database_name = ? "
        "and schema_name = 'marts' and table_name = 'target_baselines'",
        [EARLIER],
    ).fetchall()
    known = [name for name in ("baseline_rule_version", "rule_version") if (name,) in found]
    return f"earlier.{known[0]}" if known else "cast(null as varchar)"


def _carried(publication: str, scope_id: str, version: str) -> str:
    """The baselines that the current publication holds for targets that are still the same."""
    # What was called segment before was the segment as the year opened; who is in one now has no baseline.
    of_earlier = {column: f"earlier.{column}" for column in _KEY} | {
        "scope_type": "case when earlier.scope_type = 'segment' then 'segment_opening' "
        "else earlier.scope_type end",
        "scope_id": scope_id,
    }
    same = " and ".join(f"{of_earlier[column]} = targets.{column}" for column in _KEY)
    return f"""
        insert into raw.published_baselines
        select {_columns("targets")}, earlier.baseline_value,
            coalesce(earlier.baseline_publication, {literal(publication)}), {version}
        from {_TARGETS} as targets
        inner join {EARLIER}.marts.target_baselines as earlier
            on {same}
                and earlier.baseline_month_from = targets.baseline_month_from
                and earlier.baseline_month_to = targets.baseline_month_to
                and earlier.approved_on is not distinct from targets.approved_on
        where earlier.baseline_value is not null"""


def _approved(publication: str, scope_id: str) -> str:
    """What was published for the months of the baseline, for targets approved on a day.

    Numerators and denominators are added up over the months and divided last, as the models do it; a
    publication that lacks a month of the baseline has no baseline.
    """
    taken = " and ".join(f"taken.{column} = targets.{column}" for column in _KEY)
    return f"""
        insert into raw.published_baselines
        with months as (
            select distinct month from {EARLIER}.marts.kpi_values where time_window = 'month'
        ), sums as (
            select {_columns("targets")},
                (select count(*) from months
                where month between targets.baseline_month_from and targets.baseline_month_to) as known,
                date_diff('month', targets.baseline_month_from, targets.baseline_month_to) + 1 as wanted,
                sum(earlier.numerator) as numerator,
                sum(earlier.denominator) as denominator,
                count(earlier.denominator) = 0 as is_sum
            from {_TARGETS} as targets
            inner join {EARLIER}.marts.kpi_values as earlier
                on earlier.kpi_id = targets.kpi_id
                    and earlier.scope_type = targets.scope_type
                    and {scope_id} = targets.scope_id
                    and earlier.time_window = 'month'
                    and earlier.month between targets.baseline_month_from and targets.baseline_month_to
            where targets.approved_on = ? and targets.scope_type not in {_BY_OPENING}
                and not exists (select 1 from raw.published_baselines as taken where {taken})
            group by all
        )
        select {_columns("sums")}, {_VALUE}, {literal(publication)}, cast(null as varchar)
        from sums
        where known = wanted and (is_sum or denominator > 0)"""


def _columns(table: str) -> str:
    names = (*_KEY, "baseline_month_from", "baseline_month_to", "approved_on")
    return ", ".join(f"{table}.{name}" for name in names)


def _approvals(con: duckdb.DuckDBPyConnection) -> list[date]:
    """Days on which targets were approved whose baseline no publication has handed on."""
    found = con.execute(f"""
        select distinct approved_on from {_TARGETS} as targets
        where approved_on is not null and baseline_month_from is not null and baseline_month_to is not null
            and scope_type not in {_BY_OPENING}
            and not exists (
                select 1 from raw.published_baselines as taken
                where taken.kpi_id = targets.kpi_id and taken.scope_type = targets.scope_type
                    and taken.scope_id = targets.scope_id and taken.month_from = targets.month_from)
        order by approved_on""")
    return [approved_on for (approved_on,) in found.fetchall()]


def _current_on(published: Path, newest: Publication | None, day: date) -> Publication | None:
    """The publication that was current at the end of a day (UTC): `newest` or one before it."""
    step = newest
    while step is not None and step.manifest.published_at.date() > day:
        before = step.manifest.previous
        earlier = store.find(published, before.publication) if before else None
        # A chain leads back; of a forged one nothing more is asked.
        step = earlier if earlier is not None and earlier.manifest.number < step.manifest.number else None
    return step
