"""Which changed rules, decisions and targets need approval, and those that wait: audit.waiting_approvals.

Here: who made a record, whose portfolio it concerns, and what company.yaml asks for (`approval`). Not here:
finding out what has changed (history.py), and that nothing is published until it is approved
(quality/gate.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb
from pydantic import JsonValue

from kunderegnskab.feeds import Feed
from kunderegnskab.ingest.lake import lake_records
from kunderegnskab.pseudonyms import Pseudonyms
from kunderegnskab.quality.numbers_alike import plain_number
from kunderegnskab.sql import literal, literals

WAITING = "audit.waiting_approvals"
APPROVER, APPROVAL_DAY = "approved_by", "approved_on"
# What company.yaml can say, the stricter the later.
Asked = Literal["none", "own_portfolio", "required"]
_BY_STRICTNESS: tuple[Asked, ...] = ("none", "own_portfolio", "required")
# A customer is promised money that the company pays, whoever owns the customer.
_OF_THE_COMPANY = ("bonus_agreements",)
# Where chains are classed as one, a decision on the customer at the top is one on all below it.
_DECIDES_FOR_CHAINS = "segment_overrides"
_CHECK = "gate__kpi_values__changes_are_approved"


@dataclass(frozen=True)
class Salespeople:
    """Where salespeople are named and what is theirs, in the files of today and of the publication before.

    Both count: nobody escapes by taking a name off the list, or a customer out of a portfolio, in one change.

    Attributes:
        lists: for each of the two, lake files of `salespeople` and of `customer_owners`, as they came. They
            hold the names, which are in no warehouse, and in none are they put.
        owners: SQL of the records of `customer_owners`, with pseudonyms, of each.
        people: SQL of the records of `salespeople`, with pseudonyms, of each.
        pseudonyms: how they are named in the warehouse.
        chains: SQL of (top, customer_id), which customers a decision on the segment of `top` is about, that
            one among them, of each; none where segments are decided for each customer alone.
    """

    lists: Sequence[tuple[Sequence[Path], Sequence[Path]]]
    owners: Sequence[str]
    people: Sequence[str]
    pseudonyms: Pseudonyms
    chains: Sequence[str] = ()

    def persons(self) -> str:
        """SQL of (person, salesperson_id): code, name and pseudonym of each, in the plain form."""
        parts = ["select cast(null as varchar) as code, cast(null as varchar) as name where false"]
        for salespeople, owners in self.lists:
            for files, name in ((salespeople, "salesperson_name"), (owners, "cast(null as varchar)")):
                if files:
                    parts.append(
                        f"select salesperson_id as code, {name} as name from {lake_records(files)} "
                        "where _record_status = 'loaded'"
                    )
        pseudonym = self.pseudonyms.sql("code")
        return f"""
            with coded as (
                select distinct code, name, {pseudonym} as salesperson_id from ({" union all ".join(parts)})
            ),
            forms as (
                select code as named, salesperson_id from coded
                union all select name, salesperson_id from coded
                union all select salesperson_id, salesperson_id from coded
            )
            select distinct {plain_person("named")} as person, salesperson_id
            from forms where {plain_person("named")} is not null"""

    def whose(self, feed: Feed, records: str) -> str:
        """SQL of (record_key, salesperson_id): whom records of a feed concern; NULL where it is everybody.

        Args:
            records: SQL relation of the feed's records, each with its `record_key`.
        """
        owners = _columns_of(self.owners, "salesperson_id, customer_id")
        people = _columns_of(self.people, "salesperson_id, team")
        everybody = f"select record_key, cast(null as varchar) as salesperson_id from {records}"
        of_customer = (
            f"select record_key, owners.salesperson_id from {records} as records "
            f"inner join ({owners}) as owners on owners.customer_id = records."
        )
        if feed.name in _OF_THE_COMPANY:
            return everybody
        if "scope_type" in feed.columns:
            by_key = literals(feed.columns["scope_id"].personal_when["scope_type"])
            return f"""
                select record_key, scope_id as salesperson_id from {records} where scope_type in ({by_key})
                union all {of_customer}scope_id where scope_type = 'customer'
                union all select record_key, people.salesperson_id from {records} as records
                inner join ({people}) as people on people.team = records.scope_id where scope_type = 'team'
                union all {everybody} where scope_type not in ({by_key}, 'customer', 'team')"""
        if "customer_id" not in feed.columns:
            return everybody
        if feed.name == _DECIDES_FOR_CHAINS and self.chains:
            chains = _columns_of(self.chains, "top, customer_id")
            return f"""
                {of_customer}customer_id
                union all select record_key, owners.salesperson_id from {records} as records
                inner join ({chains}) as chains on chains.top = records.customer_id
                inner join ({owners}) as owners on owners.customer_id = chains.customer_id"""
        themselves = f"select record_key, salesperson_id from {records} union all "
        return f"{themselves if 'salesperson_id' in feed.columns else ''}{of_customer}customer_id"


def _columns_of(relations: Sequence[str], columns: str) -> str:
    return " union ".join(f"select {columns} from ({each})" for each in relations)


def asked_of(feed: Feed, *parameters: Mapping[str, JsonValue]) -> Asked:
    """What is asked of changes of a feed: the strictest of what company.yaml said at each time.

    Args:
        parameters: of publications or loads, as they record them.
    """
    if not feed.can_be_approved:
        return "none"
    return max((_asked(feed, each.get("company")) for each in parameters), key=_BY_STRICTNESS.index)


def _asked(feed: Feed, company: JsonValue) -> Asked:
    if not isinstance(company, dict):
        return "none"
    # Before there was `approval`, a company listed the feeds; so did the publication that this one follows.
    listed = company.get("approval_required")
    if isinstance(listed, list) and feed.name in listed:
        return "required"
    return next((each for each in _BY_STRICTNESS if each == company.get("approval")), "none")


def plain_person(name: str) -> str:
    """SQL of a person's name or code as it is compared; NULL where nobody is named."""
    return f"nullif({plain_number(name)}, '')"


def reasons(feed: Feed, asked: Asked, salespeople: Salespeople) -> str:
    """SQL of common table expressions `same_person` and `reasons`, which say why changes need approval.

    `same_person` has (one, other): plain forms that name one salesperson. `reasons` has (record_key,
    approval_reason): why a changed record needs somebody else's approval; those that need none are not there.
    They read `telling` (record_key, is_now), `recorded` and `before` (record_key, maker), and `versions`.

    Args:
        feed: whose records have changed.
        asked: what is asked of its changes.
    """
    found = "select cast(null as varchar) as record_key, cast(null as varchar) as approval_reason where false"
    if asked == "required":
        found = "select distinct record_key, 'every_change' as approval_reason from telling"
    if asked == "own_portfolio":
        # A removal names nobody. Who takes the own name off a record has made it all the same.
        found = f"""
            select makers.record_key,
                case when count(*) = count(whose.salesperson_id) then 'own_portfolio' else 'holds_for_all' end
                    as approval_reason
            from (
                select distinct telling.record_key, persons.salesperson_id
                from telling
                left join recorded on telling.record_key = recorded.record_key
                left join before on telling.record_key = before.record_key
                inner join persons on persons.person = coalesce(recorded.maker, before.maker)
                where telling.is_now
            ) as makers
            inner join ({salespeople.whose(feed, "versions")}) as whose
                on makers.record_key = whose.record_key
                    and (whose.salesperson_id is null or whose.salesperson_id = makers.salesperson_id)
            group by makers.record_key"""
    return f"""
        persons as ({salespeople.persons()}),
        same_person as (
            select distinct one.person as one, other.person as other
            from persons as one inner join persons as other on one.salesperson_id = other.salesperson_id
        ),
        reasons as ({found})"""


def is_approved() -> str:
    """SQL of whether a changed record is approved: by somebody else than who made it, and anew.

    It reads `recorded` and `before` with `maker`, `approver` and `approved_on`, and `was` and `is_now` of
    `telling`. A code and a name of one salesperson are one person.
    """

    def is_another(than: str) -> str:
        return (
            f"recorded.approver <> {than} and not exists (select 1 from same_person "
            f"where one = recorded.approver and other = {than})"
        )

    # Of a record that was there, the approval itself must be new: another person, or a later day.
    return f"""coalesce(is_now and {is_another("recorded.maker")}
        and (not was or before.approver is null or ({is_another("before.approver")})
            or recorded.approved_on > coalesce(before.approved_on, date '0001-01-01')), false)"""


def list_waiting(
    con: duckdb.DuckDBPyConnection, change_log: str, after_publication: str | None, feeds: Sequence[Feed]
) -> None:
    """Make audit.waiting_approvals: the records whose last change needs an approval that it does not have.

    What has been published all the same, because the check was waived, waits until it is approved or changed
    again. A removed record can be approved by a waiver alone, so it waits no longer than until then.

    Args:
        change_log: the table of changes, complete.
        after_publication: the current publication; None before there is one.
        feeds: those of which something is asked today.
    """
    is_new = f"coalesce(after_publication = {literal(after_publication or '')}, false)"
    asked = literals(feed.name for feed in feeds) or "''"
    beside = literals(sorted({APPROVER, APPROVAL_DAY} | {str(feed.maker) for feed in feeds}))
    named = "', ' order by column_name"
    told = (
        "column_name || ' ' || case when change = 'changed' then coalesce(old, '-') || ' -> ' else '' end "
        "|| case when change = 'removed' then coalesce(old, '-') else coalesce(new, '-') end"
    )
    con.execute(
        f"""
        create or replace table {WAITING} as
        with changes as (
            select *, max(after_published_at) over (partition by feed, record_key) as changed_last,
                {_readable("old_value")} as old, {_readable("new_value")} as new
            from {change_log}
        ),
        records as (
            select feed, record_key, max(change) as change,
                coalesce(
                    string_agg({told}, {named}) filter (where column_name not in ({beside})),
                    string_agg({told}, {named})
                ) as what_changed,
                max(changed_by) as changed_by,
                -- Up to 0.11 a company listed feeds, whose every change needed it.
                coalesce(max(approval_reason), 'every_change') as approval_reason,
                {is_new} as is_new, source_file, source_sheet, source_record, after_publication,
                after_published_at
            from changes
            where after_published_at = changed_last and needs_approval and is_approved is not true
                and ({is_new} or (change <> 'removed' and feed in ({asked})))
            group by all
        )
        select feed, record_key, change, what_changed, changed_by, approval_reason, is_new,
            {_sentence("da")} as sentence_da, {_sentence("en")} as sentence_en,
            source_file, source_sheet, source_record, after_publication, after_published_at
        from records
        order by feed, record_key
        """
    )


def _readable(value: str) -> str:
    """SQL of a value without the zeros that decimals are kept with."""
    return (
        f"case when regexp_full_match({value}, '-?[0-9]+[.][0-9]{{4,}}') "
        f"then rtrim(rtrim({value}, '0'), '.') else {value} end"
    )


def _sentence(language: Literal["da", "en"]) -> str:
    """SQL of what waits and why, in one sentence."""
    record = "feed || ', ' || record_key || ': '"
    waiver = f"waivers.yaml ({_CHECK})"
    if language == "da":
        who, done = "coalesce(changed_by, 'en, som posten ikke nævner,')", ("tilføjet", "fjernet", "ændret")
        whose = "coalesce(changed_by || 's', 'dens, som posten nævnte før,')"
        reasons = (
            f"'det angår ' || {whose} || ' egen portefølje'",
            f"'det gælder alle kunder, også ' || {whose} || ' egne'",
            "'firmaet kræver godkendelse af hver ændring (company.yaml: approval)'",
        )
        verb = "' har '"
        approve = (
            "så en anden skal godkende det med navn i approved_by og dag i approved_on",
            f"og en fjernet post har ikke plads til en godkendelse, så en anden skal dispensere i {waiver}",
        )
    else:
        who = "coalesce(changed_by, 'somebody whom the record does not name')"
        done = ("added", "removed", "changed")
        whose = "coalesce(changed_by, 'whom it named before')"
        reasons = (
            f"'it concerns the own portfolio of ' || {whose}",
            f"'it holds for all customers, those of ' || {whose} || ' among them'",
            "'the company asks for approval of every change (company.yaml: approval)'",
        )
        verb = "' has '"
        approve = (
            "so somebody else must approve it, with name in approved_by and day in approved_on",
            f"and a removed record has no room for an approval, so somebody else must waive it in {waiver}",
        )
    comma = "', og '" if language == "da" else "', and '"
    return f"""{record} || {who} || {verb}
        || case change when 'added' then {literal(done[0])} when 'removed' then {literal(done[1])}
            else {literal(done[2])} end
        || ' ' || what_changed || {comma}
        || case approval_reason when 'own_portfolio' then {reasons[0]} when 'holds_for_all' then {reasons[1]}
            else {reasons[2]} end
        || ', ' || case change when 'removed' then {literal(approve[1])} else {literal(approve[0])} end
        || '.'"""
