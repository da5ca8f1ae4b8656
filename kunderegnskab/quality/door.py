"""What must hold for the files as they arrived, before anything is built on them (schema raw).

Here: control totals per file and plausible contents. Not here: keys, relationships and allowed values, which
dbt tests check on the same tables, nor how single records are typed and rejected (ingest).

What a check finds follows from the files of its own feed (of the fiscal calendar: of every feed of days),
the allowances of their sources, which of its sources are gone, company.yaml, the code and the day alone. So
a feed that has passed all its checks is not checked again on that day while its files stay the same
(state/door.json). One that has failed a check is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
from pydantic import BaseModel, ConfigDict

from kunderegnskab.code_version import code_version
from kunderegnskab.feeds import load_feeds
from kunderegnskab.ingest import LoadRecord, read_load_record
from kunderegnskab.ingest.fingerprints import known_files
from kunderegnskab.pseudonyms import PARAMETER
from kunderegnskab.quality.certification import CheckResult, ExpectedCheck
from kunderegnskab.quality.metric_checks import MetricCheck, run_checks
from kunderegnskab.quality.numbers_alike import plain_number
from kunderegnskab.sql import literal
from kunderegnskab.workspace import Workspace
from kunderegnskab.workspace.notes import read_note, write_note

EARLIEST_DATE = date(1990, 1, 1)
DAYS_AHEAD = 400
"""Longer than a year, so that planned visits pass and a wrong century does not."""

RATE_FACTOR = 3
"""How many times as high or low as its currency's median an exchange rate may be without a warning."""

CHAIN_LEVELS = 5
"""How many customers may be above one; as many are followed when chains are made (macro chain_levels)."""

DATE_COLUMNS = {
    "sales_lines": "posting_date",
    "customer_costs": "posting_date",
    "ledger_entries": "posting_date",
    "activities": "activity_date",
}

# Not put into the fiscal calendar: an open item may be older than its first year.
_PLAUSIBLE_DAYS = {**DATE_COLUMNS, "receivables": "invoice_date"}


@dataclass(frozen=True)
class _Positive:
    """An amount that is positive as a rule.

    Attributes:
        kind: the column that tells kinds of records apart, each of which is asked for itself.
        is_always: whether no single one may be negative, as none takes a price of one unit back.
        en, da: of what it is positive.
    """

    column: str
    kind: str | None
    en: str
    da: str
    is_always: bool = False


_POSITIVE = {
    "customer_costs": _Positive("amount", "cost_type", "a cost", "en omkostning"),
    "product_costs": _Positive("unit_cost", None, "a cost", "en omkostning", is_always=True),
    "receivables": _Positive("amount", None, "an invoice", "en faktura"),
}

# Whether a fiscal calendar can be followed is a matter of the days that shall be put into it, and of the
# month in which the company says that its years begin.
ALSO_READ = {
    "fiscal_calendar": frozenset(DATE_COLUMNS) | {"company"},
    "unit_conversions": frozenset({"products"}),
    "customer_costs": frozenset({"receivables"}),
}


def door_checks(feeds: Sequence[str]) -> list[ExpectedCheck]:
    """The checks that run_door gives a result for when called with the same feeds."""
    return [
        ExpectedCheck(stage="door", check_name=check.check_name, is_blocking=check.is_blocking)
        for check in door_catalogue(feeds)
    ]


def door_catalogue(feeds: Sequence[str]) -> list[MetricCheck]:
    """The declarations of those checks, for whoever shows them; the day in their SQL is no real one."""
    return _checks(feeds, date.max - timedelta(days=DAYS_AHEAD))


def run_door(con: duckdb.DuckDBPyConnection, feeds: Sequence[str], as_of: date) -> list[CheckResult]:
    """Checks the raw tables of `feeds` (supplied or not). `as_of` is the day the refresh counts as today."""
    return run_checks(con, "door", _checks(feeds, as_of))


def run_door_where_changed(
    workspace: Workspace,
    con: duckdb.DuckDBPyConnection,
    feeds: Sequence[str],
    as_of: date,
    *,
    again: bool = False,
) -> list[CheckResult]:
    """As run_door, but the results of feeds that passed and have not changed since are taken over.

    Args:
        con: the warehouse that was loaded from the workspace's files.
        again: check every feed.
    """
    note = workspace.state / "door.json"
    load = read_load_record(con)
    stated = {feed: _statement(con, load, feed, as_of) for feed in feeds}
    kept = read_note(note, _Note)
    passed: dict[str, _Passed] = {}
    if kept is not None and not again:
        with known_files(workspace) as known:
            passed = {
                feed: kept.feeds[feed]
                for feed in feeds
                if feed in kept.feeds
                and kept.feeds[feed].statement == stated[feed]
                and all(
                    known.is_still(workspace.lake / receipt.lake_file, receipt.lake_sha256)
                    for receipt in load.receipts
                    if receipt.feed == feed
                )
            }
    results = {result.check_name: result for each in passed.values() for result in each.results}
    found = run_door(con, [feed for feed in feeds if feed not in passed], as_of)
    results |= {result.check_name: result for result in found}
    by_feed = {feed: [each for each in results.values() if each.subject == feed] for feed in feeds}
    good = {
        feed: _Passed(statement=stated[feed], results=tuple(each))
        for feed, each in by_feed.items()
        if all(result.status == "passed" for result in each)
    }
    write_note(note, _Note(feeds=good))
    return [results[check.check_name] for check in door_checks(feeds)]


class _Passed(BaseModel):
    """What a feed has passed, and a hash over all that its results follow from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    statement: str
    results: tuple[CheckResult, ...]


class _Note(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    feeds: dict[str, _Passed]


def _statement(con: duckdb.DuckDBPyConnection, load: LoadRecord, feed: str, as_of: date) -> str:
    concerned = {feed}
    if any(each.feed == feed for each in load.receipts):
        concerned |= ALSO_READ.get(feed, set())
    about = {
        "gone": con.execute(
            "select source from raw.gone_sources where feed = $1 order by all", [feed]
        ).fetchall(),
        "code_version": code_version(),
        "as_of": as_of.isoformat(),
        "personal": load.parameters.get(PARAMETER),
        "company": load.parameters.get("company"),
        "receipts": [each.model_dump(mode="json") for each in load.receipts if each.feed in concerned],
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _checks(feeds: Sequence[str], as_of: date) -> list[MetricCheck]:
    checks = [check for feed in feeds for check in _file_checks(feed)]
    checks += [_alike_check(feed) for feed in feeds if _has_numbers_alone(feed)]
    checks += [_date_check(feed, _PLAUSIBLE_DAYS[feed], as_of) for feed in feeds if feed in _PLAUSIBLE_DAYS]
    checks += [_sign_check(feed, about) for feed, about in _POSITIVE.items() if feed in feeds]
    checks += [_plausible_check(feed) for feed in feeds if _doubtful(feed)]
    checks += [_link_check(feed) for feed in feeds if feed in _LINKS]
    if "exchange_rates" in feeds:
        checks.append(_rate_check())
    if "customers" in feeds:
        checks.append(_parent_check())
    if "fiscal_calendar" in feeds:
        checks += _calendar_checks()
    return checks + (_sales_line_checks() if "sales_lines" in feeds else [])


def _file_checks(feed: str) -> list[MetricCheck]:
    if not feed.isidentifier():
        raise ValueError(f"{feed!r} is not the name of a feed.")
    # "is not true" instead of the opposite comparison: a count that is NULL must fail, not vanish.
    too_many = f"feed = {literal(feed)} and (records_rejected <= rejects_allowed) is not true"
    unbalanced = (
        f"feed = {literal(feed)} "
        "and (records_read = records_loaded + records_rejected + records_left_out) is not true"
    )
    untaken = f"""
        select source_file, source_sheet, source_record
        from raw.left_out join raw.shared_files using (feed, lake_file)
        where feed = {literal(feed)} and starts_with(reason, 'where: ')
        group by source_file, source_sheet, source_record, source_count having count(*) = source_count"""
    return [
        MetricCheck(
            check_name=f"door__{feed}__shared_files_are_taken_whole",
            subject=feed,
            is_blocking=False,
            metric=f"select count(*) from ({untaken})",
            unit="rows",
            maximum=0,
            en=f"Every record of a file that several sources of {feed} share is taken by one of them; "
            "correct their `where`, or say in `leaves_out` of one why not.",
            da=f"Hver post i en fil, som flere kilder til {feed} deles om, tages af en af dem; "
            "ret deres `where`, eller skriv hvorfor ikke i `leaves_out` for en af dem.",
            failing=f"{untaken} order by source_file, source_sheet, source_record",
        ),
        MetricCheck(
            check_name=f"door__{feed}__rejects_within_allowance",
            subject=feed,
            is_blocking=True,
            metric=f"select coalesce(sum(coalesce(records_rejected, 1)), 0) from raw.files where {too_many}",
            unit="rows",
            maximum=0,
            en=f"No file of {feed} has more rejected records than its source allows.",
            da=f"Ingen fil til {feed} har flere afviste poster, end dens kilde tillader.",
            failing=f"""
                select source_file, source_sheet, source_record, column_name, raw_value, reason
                from raw.rejects
                where (feed, file_sha256) in (select feed, file_sha256 from raw.files where {too_many})
                order by source_file, source_sheet, source_record, column_name""",
        ),
        MetricCheck(
            check_name=f"door__{feed}__repeated_records_are_the_same",
            subject=feed,
            is_blocking=False,
            metric=f"select count(*) from raw.repeated_keys where feed = {literal(feed)} and differs",
            unit="rows",
            maximum=0,
            en=f"No record of {feed} that repeats the key of another has other values; the first counts.",
            da=f"Ingen post i {feed}, der gentager en andens nøgle, har andre værdier; den første tæller.",
            failing=f"""
                select source_file, source_sheet, source_record, raw_value, reason from raw.repeated_keys
                where feed = {literal(feed)} and differs order by source_file, source_sheet, source_record""",
        ),
        MetricCheck(
            check_name=f"door__{feed}__every_record_is_accounted_for",
            subject=feed,
            is_blocking=True,
            metric=f"select count(*) from raw.files where {unbalanced}",
            unit="rows",
            maximum=0,
            en=f"In every file of {feed}, records read = loaded + rejected + left out.",
            da=f"I hver fil til {feed} er læste poster = indlæste + afviste + udeladte.",
            failing=f"""
                select source_file, records_read, records_loaded, records_rejected, records_left_out
                from raw.files where {unbalanced} order by source_file""",
        ),
        MetricCheck(
            check_name=f"door__{feed}__sources_have_not_fallen_silent",
            subject=feed,
            is_blocking=True,
            metric=f"select count(*) from raw.gone_sources where feed = {literal(feed)}",
            unit="rows",
            maximum=0,
            en=f"Every source of {feed} that fed the last publication still has a file with records; deliver "
            "it, or correct `files` in feeds.yaml.",
            da=f"Hver kilde til {feed}, som den seneste udgivelse byggede på, har stadig en fil med poster; "
            "lever den, eller ret `files` i feeds.yaml.",
            failing=f"""
                select source, files, files_before from raw.gone_sources where feed = {literal(feed)}
                order by all""",
        ),
        MetricCheck(
            check_name=f"door__{feed}__left_out_share_is_plausible",
            subject=feed,
            is_blocking=False,
            metric=(
                f"select sum(records_left_out), sum(records_read) from raw.files where feed = {literal(feed)}"
            ),
            unit="%",
            maximum=90,
            en=f"The mapping of {feed} leaves out at most 90 % of the records.",
            da=f"Opsætningen af {feed} udelader højst 90 % af posterne.",
            failing=f"""
                select source_file, records_read, records_left_out from raw.files where feed = {literal(feed)}
                order by records_left_out desc, source_file""",
        ),
    ]


def _has_numbers_alone(feed: str) -> bool:
    """Whether all that its key is made of are numbers such as those of customers and documents."""
    declared = load_feeds().get(feed)
    return bool(declared and declared.key) and all(
        declared.columns[name].type == "id" for name in declared.key
    )


def _alike_check(feed: str) -> MetricCheck:
    key = load_feeds()[feed].key
    # Different numbers are few beside the records, and most share their form with no other. Of two records
    # that are alike, one at least is written as fewer are.
    shared = ", ".join(
        f"""forms_of_{name} as (
            select {name}, records, {plain_number(name)} as form
            from (select {name}, count(*) as records from raw.{feed} where {name} is not null group by all)),
        shared_{name} as materialized (
            select {name}, form, {name} <> arg_max({name}, records) over (partition by form) as is_rarer
            from forms_of_{name}
            where form in (select form from forms_of_{name} group by form having count(*) > 1))"""
        for name in key
    )
    joins = " ".join(f"left join shared_{name} on records.{name} = shared_{name}.{name}" for name in key)
    plains = ", ".join(
        f"records.{name}, coalesce(shared_{name}.form, records.{name}, '') as plain_{name}" for name in key
    )
    is_shared = " or ".join(f"shared_{name}.form is not null" for name in key)
    is_rarer = " or ".join(f"coalesce(shared_{name}.is_rarer, false)" for name in key)
    grouped = ", ".join(f"plain_{name}" for name in key)
    several = " or ".join(f"min({name}) <> max({name})" for name in key)
    written = f"concat_ws(', ', {', '.join(key)})"
    alike = f"""
        with {shared},
        plain as (
            select _source_file, _source_sheet, _source_record, {plains}, {is_rarer} as is_rarer
            from raw.{feed} as records {joins} where {is_shared})
        select string_agg(distinct {written}, ' and ' order by {written}) as numbers,
            string_agg(concat_ws(' ', _source_file, nullif(_source_sheet, ''), _source_record), ', '
                order by _source_file, _source_sheet, _source_record) as records
        from plain where ({grouped}) in (select ({grouped}) from plain where is_rarer)
        group by {grouped} having {several}"""
    return MetricCheck(
        check_name=f"door__{feed}__numbers_are_written_alike",
        subject=feed,
        is_blocking=False,
        metric=f"select count(*) from ({alike})",
        unit="rows",
        maximum=0,
        en=f"No two records of {feed} have {' and '.join(key)} that differ only in how they are "
        "written (zeros, blanks, case, decimals of zero, signs between thousands); both count. If they are "
        "one, write them alike by an expression.",
        da=f"Ingen to poster i {feed} har {' og '.join(key)}, der kun afviger i, hvordan de er skrevet "
        "(nuller, mellemrum, store bogstaver, decimaler på nul, tusindtalstegn); begge tæller. Er de den "
        "samme, så skriv dem ens med et udtryk i feeds.yaml.",
        failing=f"{alike} order by records",
    )


def _date_check(feed: str, column: str, as_of: date) -> MetricCheck:
    latest = as_of + timedelta(days=DAYS_AHEAD)
    implausible = f"({column} between date '{EARLIEST_DATE}' and date '{latest}') is not true"
    return MetricCheck(
        check_name=f"door__{feed}__dates_are_plausible",
        subject=feed,
        is_blocking=True,
        metric=f"select count(*) from raw.{feed} where {implausible}",
        unit="rows",
        maximum=0,
        en=f"Every {column} of {feed} lies between {EARLIEST_DATE} and {DAYS_AHEAD} days after today.",
        da=f"Hver {column} i {feed} ligger mellem {EARLIEST_DATE} og {DAYS_AHEAD} dage efter i dag.",
        failing=f"""
            select _source_file, _source_sheet, _source_record, {column} from raw.{feed}
            where {implausible} order by _source_file, _source_sheet, _source_record""",
    )


# What tells the lines of a document apart besides their number. Who sold it and why it came back do not: an
# export that joins such a table to the lines repeats each.
_TELLING = (
    "document_no, document_type, posting_date, customer_id, product_id, line_type, quantity, "
    "unit_of_measure, list_amount, net_amount, cost_amount, currency, order_no, original_document_no, "
    "original_line_no"
)


# SQL of the amounts whose sign the contract fixes on each line. The cost of an earlier sale may be corrected
# both ways, on a line without quantity.
_SIGNED = {
    "quantity": "quantity",
    "list_amount": "list_amount",
    "net_amount": "net_amount",
    "cost_amount": "case when quantity <> 0 then cost_amount end",
}

# A surcharge is a discount the other way, so single lines may have either sign.
_USUALLY_SIGNED = {"discount_amount": "coalesce(discount_amount, list_amount - net_amount)"}


# As a failed check names them.
_SOURCE = "_source_file || _source as _source_file, _source_sheet"


def _with_source(feed: str) -> str:
    """SQL of a feed's records with the source that read each, in brackets; '' where its file has one."""
    return f"""(
        select *, '' as _source from raw.{feed}
        where _source_file not in (select _source_file from raw.shared_{feed})
        union all by name select * replace (' (' || _source || ')' as _source) from raw.shared_{feed})"""


def _turned_signs() -> str:
    """SQL of the files in which one of these amounts contradicts the contract, by document type and currency.

    Each file for itself, or a large one that is right would hide a small one that is not; likewise a few
    large lines must not hide many small ones, so both their sum and their number are asked. Goods alone: a
    fee may be kept back on a credit note. Amounts of different currencies cannot be summed.
    """
    sign = "case document_type when 'credit_note' then -1 else 1 end"
    place = "_source_file, _source_sheet, _source, document_type, currency"
    sums = ", ".join(
        f"sum({amount}) as {name}, "
        f"count(*) filter ({sign} * {amount} > 0) as {name}_right, "
        f"count(*) filter ({sign} * {amount} < 0) as {name}_turned, "
        f"min(_source_record) filter ({sign} * {amount} < 0) as {name}_first"
        for name, amount in (_SIGNED | _USUALLY_SIGNED).items()
    )

    def turned_as_a_whole(name: str) -> str:
        either = "or" if name in _SIGNED else "and"
        return f"({sign} * {name} < 0 {either} {name}_turned > {name}_right)"

    # A list amount that was computed of the net amount turns with it.
    turned = " union all ".join(
        f"select {_SOURCE}, document_type, '{name}' as column_name, {name} as total, currency, "
        f"{name}_turned as turned_lines, {name}_right as right_lines, {name}_first as first_turned_record "
        f"from summed where {turned_as_a_whole(name)}"
        + (f" and ({turned_as_a_whole('net_amount')}) is not true" if name == "list_amount" else "")
        for name in _SIGNED | _USUALLY_SIGNED
    )
    # On a credit note a fee may be kept back, and a discount be given later.
    amount = "case line_type when 'discount' then -net_amount else net_amount end"
    others = f"""
        select {_SOURCE}, document_type, 'net_amount' as column_name, sum(net_amount) as total, currency,
            count(*) filter ({amount} < 0) as turned_lines, count(*) filter ({amount} > 0) as right_lines,
            min(_source_record) filter ({amount} < 0) as first_turned_record, line_type
        from {_with_source("sales_lines")}
        where line_type in ('discount', 'fee', 'freight_charge') and document_type = 'invoice'
        group by {place}, line_type having sum({amount}) < 0 and turned_lines > right_lines"""
    return (
        f"with summed as materialized (select {place}, {sums} from {_with_source('sales_lines')} "
        f"where line_type = 'goods' group by {place}) "
        f"select *, 'goods' as line_type from ({turned}) union all {others}"
    )


def _sign_check(feed: str, about: _Positive) -> MetricCheck:
    """Amounts that are negative by sum and by number in a file, of one kind.

    Both, because a correction takes an amount back: what is turned by its mapping is turned as a whole.
    """
    column = about.column
    is_turned = "turned_records > 0" if about.is_always else "total < 0 and turned_records > right_records"
    kind = [about.kind] if about.kind else []
    place = ", ".join(["_source_file", "_source_sheet", "_source", *kind])
    turned = f"""
        select {", ".join([_SOURCE, *kind])}, '{column}' as column_name, sum({column}) as total,
            count(*) filter ({column} < 0) as turned_records,
            count(*) filter ({column} > 0) as right_records,
            min(_source_record) filter ({column} < 0) as first_turned_record
        from {_with_source(feed)} group by {place}
        having {is_turned}"""
    return MetricCheck(
        check_name=f"door__{feed}__signs_are_those_of_the_contract",
        subject=feed,
        is_blocking=True,
        metric=f"select count(*) from ({turned})",
        unit="rows",
        maximum=0,
        en=f"In every file of {feed}, {column} is positive for {about.en}; turn the sign of a source in its "
        "mapping, and allow a file that holds nothing but corrections.",
        da=f"I hver fil til {feed} er {column} positiv for {about.da}; vend en kildes fortegn i dens "
        "opsætning, og tillad en fil, der kun indeholder rettelser.",
        failing=f"{turned} order by all",
    )


_DAYS_BEFORE_INVOICE = 366
"""How long before its invoice a document may have been paid without a warning."""

_SHARES = {"bonus_agreements": "rate", "credit_terms": "interest_rate"}

_DOUBTFUL = {
    "receivables": (
        f"paid_date < invoice_date - {_DAYS_BEFORE_INVOICE}",
        "'paid_date ' || paid_date || ' lies more than a year before invoice_date ' || invoice_date "
        "|| '; correct one of the two, or how the mapping reads them'",
    ),
    "unit_conversions": (
        "factor <> 1 and unit_of_measure = (select any_value(p.unit_of_measure) from raw.products as p "
        "where p.product_id = r.product_id)",
        "'factor ' || factor || ' for ' || unit_of_measure || ', the own unit of product ' || product_id "
        "|| ', counts as 1; remove the record, or correct unit_of_measure in products'",
    ),
    # In one unit; what units are worth in each other is known later.
    "sales_lines": (
        "quantity < 0 and line_type = 'goods' "
        "and (original_document_no, original_line_no, product_id, coalesce(unit_of_measure, '')) in ("
        "select s.document_no, s.line_no, s.product_id, b.unit from raw.sales_lines as s inner join ("
        "select original_document_no, original_line_no, product_id, coalesce(unit_of_measure, '') as unit, "
        "sum(quantity) as quantity from raw.sales_lines where quantity < 0 and line_type = 'goods' "
        "and original_document_no is not null and original_line_no is not null group by all) as b "
        "on s.document_no = b.original_document_no and s.line_no = b.original_line_no "
        "and s.product_id = b.product_id and coalesce(s.unit_of_measure, '') = b.unit "
        "where s.document_type = 'invoice' and s.line_type = 'goods' and s.quantity > 0 "
        "and s.quantity + b.quantity < 0)",
        "'quantity ' || quantity || ' of document ' || document_no || ' takes back, with the other returns, "
        "more than line ' || original_line_no || ' of document ' || original_document_no || ' sold; correct "
        "quantity, original_document_no or original_line_no'",
    ),
}


def _doubtful(feed: str) -> list[tuple[str, str]]:
    """What makes a record `r` of the feed look wrong, and a sentence about it: SQL of both."""
    found = [_DOUBTFUL[feed]] if feed in _DOUBTFUL else []
    if rate := _SHARES.get(feed):
        found.append(
            (
                f"{rate} not between 0 and 1",
                f"'{rate} ' || {rate} || ' is ' || {rate} * 100 || ' %; 2 % is written 0.02, so correct it, "
                "or divide it in the mapping'",
            )
        )
    # Whose owners' dates are reversed is said by the gate, which refuses them.
    if feed != "customer_owners" and {"valid_from", "valid_to"} <= set(load_feeds()[feed].columns):
        found.append(
            (
                "valid_to < valid_from",
                "'valid_to ' || valid_to || ' comes before valid_from ' || valid_from || ', so the record "
                "never holds; correct one of the two'",
            )
        )
    return found


def _plausible_check(feed: str) -> MetricCheck:
    doubtful = " union all ".join(
        f"select _source_file, _source_sheet, _source_record, {sentence} as problem "
        f"from raw.{feed} as r where {condition}"
        for condition, sentence in _doubtful(feed)
    )
    return MetricCheck(
        check_name=f"door__{feed}__values_are_plausible",
        subject=feed,
        is_blocking=False,
        metric=f"select count(*) from ({doubtful})",
        unit="rows",
        maximum=0,
        en=f"No record of {feed} has values that can hardly be meant; each named one says what to do.",
        da=f"Ingen post i {feed} har værdier, der næppe kan være ment; hver af de nævnte siger, hvad der "
        "skal gøres.",
        failing=f"{doubtful} order by all",
    )


# SQL of the records whose link finds nothing, where a number depends on it: file, record, the link in plain
# form, what it names, and what to correct. And SQL of what can be found.
_LINKS = {
    # Goods that come back without a cost of their own take back that of the line that sold them.
    "sales_lines": (
        f"""select _source_file, _source_sheet, _source_record,
            {plain_number("original_document_no")} || ' ' || {plain_number("original_line_no")} as form,
            'line ' || original_line_no || ' of document ' || original_document_no
                || ' is no invoice line that sold goods' as problem,
            'original_document_no or original_line_no, or deliver the invoice' as correction
        from raw.sales_lines
        where line_type = 'goods' and quantity < 0 and cost_amount is null
            and original_document_no is not null and original_line_no is not null
            and (original_document_no, original_line_no) not in (
                select (document_no, line_no) from raw.sales_lines
                where document_type = 'invoice' and line_type = 'goods' and quantity > 0
                    and line_no is not null)
            and original_document_no not in (
                select document_no from raw.sales_lines
                where document_type = 'invoice' and line_no is null)""",
        f"""select {plain_number("document_no")} || ' ' || {plain_number("line_no")} as form,
            'line ' || line_no || ' of document ' || document_no as written
        from raw.sales_lines
        where document_type = 'invoice' and line_type = 'goods' and quantity > 0 and line_no is not null""",
    ),
    # What is written off costs no credit any longer.
    "customer_costs": (
        f"""select _source_file, _source_sheet, _source_record, {plain_number("document_no")} as form,
            'document_no ' || document_no || ' of the bad debt is no document of receivables' as problem,
            'document_no, or deliver the receivable' as correction
        from raw.customer_costs
        where cost_type = 'bad_debt' and document_no is not null
            and (select count(*) from raw.receivables) > 0
            and document_no not in (select document_no from raw.receivables)""",
        f"select {plain_number('document_no')} as form, document_no as written from raw.receivables",
    ),
}


def _link_check(feed: str) -> MetricCheck:
    asked, there = _LINKS[feed]
    lost = f"""
        select asked._source_file, asked._source_sheet, asked._source_record,
            any_value(asked.problem) || case when min(there.written) is not null
                then ', but ' || min(there.written) || ' is; write them alike by an expression in feeds.yaml'
                else '; correct ' || any_value(asked.correction) end as problem
        from ({asked}) as asked left join ({there}) as there using (form)
        group by asked._source_file, asked._source_sheet, asked._source_record"""
    return MetricCheck(
        check_name=f"door__{feed}__links_are_found",
        subject=feed,
        is_blocking=False,
        metric=f"select count(*) from ({lost})",
        unit="rows",
        maximum=0,
        en=f"Every document and line that a record of {feed} names is found; each one that is not is named, "
        "with what to do.",
        da=f"Hvert bilag og hver linje, som en post i {feed} henviser til, findes; hver, der ikke gør, er "
        "nævnt med, hvad der skal gøres.",
        failing=f"{lost} order by all",
    )


def _rate_check() -> MetricCheck:
    # A rate the other way round, or per 100, is far from the others; a currency rarely falls to a third. The
    # company's own currency costs one of itself, and often has one rate alone.
    # Of two rates that are far apart neither is the usual one; a middle one needs more than two.
    rated = """
        select *, case when currency = (select currency from raw.company) then 1
            when count(*) over same_currency = 2
                then min(rate) over same_currency + max(rate) over same_currency - rate
            else quantile_disc(rate, 0.5) over same_currency end as usual_rate
        from raw.exchange_rates
        window same_currency as (partition by currency)"""
    far_off = f"(rate <= {RATE_FACTOR} * usual_rate and usual_rate <= {RATE_FACTOR} * rate) is not true"
    return MetricCheck(
        check_name="door__exchange_rates__rates_are_near_the_usual_one",
        subject="exchange_rates",
        is_blocking=False,
        metric=f"select count(*) from ({rated}) where {far_off}",
        unit="rows",
        maximum=0,
        en=f"Every exchange rate is at most {RATE_FACTOR} times as high or low as its currency's median, or "
        "as the other of two; any other may be written the other way round, or per 100.",
        da=f"Hver valutakurs er højst {RATE_FACTOR} gange så høj eller lav som sin valutas median eller som "
        "den anden af to; en anden kan være vendt om eller angivet pr. 100.",
        failing=f"""
            select _source_file, _source_sheet, _source_record, currency, rate_date, rate, usual_rate
            from ({rated}) where {far_off} order by _source_file, _source_sheet, _source_record""",
    )


def _parent_check() -> MetricCheck:
    # Every customer's way up, until nobody is above, or one comes again. Whose own number stands as its
    # parent has none.
    walked = """
        with recursive parents as (
            select customer_id, any_value(parent_customer_id) as parent_customer_id,
                any_value(_source_file) as _source_file, any_value(_source_sheet) as _source_sheet,
                any_value(_source_record) as _source_record
            from raw.customers group by customer_id),
        asked as (select * from parents where parent_customer_id <> customer_id),
        ways as (
            select customer_id, parent_customer_id as at, [customer_id, parent_customer_id] as way from asked
            union all
            select ways.customer_id, asked.parent_customer_id, list_append(way, asked.parent_customer_id)
            from ways inner join asked on asked.customer_id = ways.at
            where not list_contains(way[:-2], ways.at))"""
    problems = f"""
        {walked}
        select _source_file, _source_sheet, _source_record, 'customer ' || customer_id || ' has the parent '
            || parent_customer_id
            || ', which no list of customers has; add it to the list, or correct the number' as problem
        from asked where parent_customer_id not in (select customer_id from parents)
        union all
        select _source_file, _source_sheet, _source_record, 'customer ' || customer_id || ' is above itself ('
            || array_to_string(way, ', ') || '); correct the parent of one of them' as problem
        from ways inner join asked using (customer_id) where ways.at = customer_id
        union all
        select any_value(_source_file), any_value(_source_sheet), any_value(_source_record),
            'customer ' || customer_id || ' has ' || max(len(way)) - 1 || ' levels above it ('
            || array_to_string(max_by(way, len(way)), ', ')
            || '), and {CHAIN_LEVELS} are followed; put it nearer to the top' as problem
        from ways inner join asked using (customer_id) group by customer_id
        having max(len(way)) - 1 > {CHAIN_LEVELS}
            and count(*) filter (len(list_distinct(way)) < len(way)) = 0"""
    return MetricCheck(
        check_name="door__customers__parents_can_be_followed",
        subject="customers",
        is_blocking=True,
        metric=f"select count(*) from ({problems})",
        unit="rows",
        maximum=0,
        en="Every parent of a customer is in the list of customers, none is above itself, and at most "
        f"{CHAIN_LEVELS} levels are above one; each exception is named, with what to do.",
        da="Hver overordnet kunde er på kundelisten, ingen er overordnet sig selv, og højst "
        f"{CHAIN_LEVELS} niveauer ligger over en kunde; hver undtagelse er nævnt med, hvad der skal gøres.",
        failing=f"{problems} order by all",
    )


_PERIODS_OF_A_YEAR = 12
_DAYS_OF_A_YEAR = (357, 378)
"""51 to 54 weeks: a year of 52 or 53, and one that moves to another day of the week."""


def _calendar_problems() -> str:
    """SQL of what keeps the fiscal calendar from being followed: file, record, and a sentence about it.

    Each period stands for a calendar month, the first one for the month in which its middle day lies
    (decision 0063).
    """
    return f"""
        with periods as (
            select *,
                count(*) over (partition by fiscal_year) as year_count,
                sum(last_day - first_day + 1) over (partition by fiscal_year) as year_days,
                lag(last_day) over (order by fiscal_year, period_no) as last_day_before,
                date_trunc('month', first_day + ((last_day - first_day) // 2)::integer)::date as middle_month
            from raw.fiscal_calendar),
        firsts as (
            select *, lag(middle_month) over (order by fiscal_year) as month_before
            from periods where period_no = 1)
        select _source_file, _source_sheet, _source_record, 'period ' || period_no || ' of ' || fiscal_year
            || ': a fiscal year has the periods 1 to {_PERIODS_OF_A_YEAR}; put a period more into another one'
            as problem
        from periods where period_no not between 1 and {_PERIODS_OF_A_YEAR}
        union all
        select _source_file, _source_sheet, _source_record,
            'fiscal year ' || fiscal_year || ' has ' || year_count
                || ' periods instead of {_PERIODS_OF_A_YEAR}; supply the whole year' as problem
        from periods where year_count <> {_PERIODS_OF_A_YEAR}
        qualify row_number() over (partition by fiscal_year order by period_no) = 1
        union all
        select _source_file, _source_sheet, _source_record,
            'fiscal year ' || fiscal_year || ' has ' || year_days
                || ' days; a year has {_DAYS_OF_A_YEAR[0]} to {_DAYS_OF_A_YEAR[1]}, so correct first_day '
            || 'and last_day of its periods' as problem
        from periods
        where period_no = 1 and year_count = {_PERIODS_OF_A_YEAR}
            and year_days not between {_DAYS_OF_A_YEAR[0]} and {_DAYS_OF_A_YEAR[1]}
        union all
        select _source_file, _source_sheet, _source_record,
            'last_day ' || last_day || ' comes before first_day ' || first_day as problem
        from periods where last_day < first_day
        union all
        select _source_file, _source_sheet, _source_record,
            'first_day ' || first_day || ' is not the day after ' || last_day_before
            || ', on which the period before ends: days must not be missing or stand in two periods'
            as problem
        from periods where first_day <> last_day_before + 1
        union all
        select _source_file, _source_sheet, _source_record,
            'the middle of period 1 of ' || fiscal_year || ' lies in month ' || month(middle_month)
                || ', and fiscal_year_start of company.yaml is ' || fiscal_year_start
            || '; they must be the same month' as problem
        from firsts, raw.company where month(middle_month) <> fiscal_year_start
        union all
        select _source_file, _source_sheet, _source_record,
            'fiscal year ' || fiscal_year || ' begins in ' || middle_month
                || ', not twelve months after the one before in ' || month_before
            || '; supply the years without a gap' as problem
        from firsts where middle_month <> (month_before + interval 12 month)::date"""


def _calendar_checks() -> list[MetricCheck]:
    problems = _calendar_problems()
    outside = " union all ".join(
        f"""select _source_file, _source_sheet, _source_record, '{column}' as column_name, {column} as day
        from raw.{feed}, calendar where {column} < calendar.first_day or {column} > calendar.last_day"""
        for feed, column in DATE_COLUMNS.items()
    )
    lacking = f"""
        with calendar as (
            select min(first_day) as first_day, max(last_day) as last_day from raw.fiscal_calendar)
        select _source_file, _source_sheet, column_name, year(day) as calendar_year,
            min(day) as from_day, max(day) as to_day, count(*) as records, min(_source_record) as first_record
        from ({outside}) group by _source_file, _source_sheet, column_name, calendar_year"""
    return [
        MetricCheck(
            check_name="door__fiscal_calendar__can_be_followed",
            subject="fiscal_calendar",
            is_blocking=True,
            metric=f"select count(*) from ({problems})",
            unit="rows",
            maximum=0,
            en="The fiscal calendar has whole years of twelve periods that follow each other without gaps, "
            "and begin in the month of fiscal_year_start.",
            da="Regnskabskalenderen har hele år med tolv perioder, der følger hinanden uden huller og "
            "begynder i måneden fiscal_year_start.",
            failing=f"{problems} order by all",
        ),
        MetricCheck(
            check_name="door__fiscal_calendar__holds_every_day",
            subject="fiscal_calendar",
            is_blocking=True,
            metric=f"select count(*) from ({lacking})",
            unit="rows",
            maximum=0,
            en="Every day of a record lies in the fiscal calendar; supply the years that it lacks.",
            da="Hver posts dato ligger i regnskabskalenderen; lever de år, den mangler.",
            failing=f"{lacking} order by all",
        ),
    ]


def _sales_line_checks() -> list[MetricCheck]:
    turned = _turned_signs()
    repeated = f"""
        select _source_file, _source_sheet, document_no, product_id, quantity, unit_of_measure, net_amount,
            count(*) as line_count,
            string_agg(_source_record::varchar, ', ' order by _source_record) as records
        from raw.sales_lines where line_no is null
        group by _source_file, _source_sheet, {_TELLING} having count(*) > 1"""
    return [
        MetricCheck(
            check_name="door__sales_lines__are_supplied_and_not_empty",
            subject="sales_lines",
            is_blocking=True,
            metric="""
                select count(*) from raw.sales_lines
                where (select bool_or(is_supplied) from raw.feeds where feed = 'sales_lines')""",
            unit="rows",
            minimum=1,
            en="Sales lines are supplied, and there is at least one.",
            da="Salgslinjer er leveret, og der er mindst én.",
            failing="select feed, is_supplied, file_count from raw.feeds where feed = 'sales_lines'",
        ),
        MetricCheck(
            check_name="door__sales_lines__customer_numbers_are_present",
            subject="sales_lines",
            is_blocking=False,
            metric="""
                select count(*) filter (where coalesce(trim(customer_id), '') = ''), count(*)
                from raw.sales_lines""",
            unit="%",
            maximum=30,
            en="At most 30 % of the sales lines lack a customer number.",
            da="Højst 30 % af salgslinjerne mangler kundenummer.",
            failing="""
                select _source_file, _source_sheet, _source_record, document_no, line_no, net_amount
                from raw.sales_lines where coalesce(trim(customer_id), '') = ''
                order by _source_file, _source_sheet, _source_record""",
        ),
        MetricCheck(
            check_name="door__sales_lines__lines_without_number_are_told_apart",
            subject="sales_lines",
            is_blocking=False,
            metric=f"""
                select coalesce(sum(line_count - 1), 0)::bigint from (
                    select count(*) as line_count from raw.sales_lines where line_no is null
                    group by _source_file, _source_sheet, {_TELLING} having count(*) > 1)""",
            unit="rows",
            maximum=0,
            en="No two lines without a number in one document are alike; all of them count, but an export "
            "may have doubled them.",
            da="Ingen to linjer uden nummer i samme bilag er ens; alle tæller, men et udtræk kan have "
            "fordoblet dem.",
            failing=f"{repeated} order by _source_file, _source_sheet, min(_source_record)",
        ),
        MetricCheck(
            check_name="door__sales_lines__signs_are_those_of_the_contract",
            subject="sales_lines",
            is_blocking=True,
            metric=f"select count(*) from ({turned})",
            unit="rows",
            maximum=0,
            en="In every file, quantity, list amount, discount, net amount and cost of goods lines are "
            "positive on invoices and negative on credit notes; turn the signs of a source in its mapping, "
            "or swap list_amount and net_amount if the net amounts are the higher ones. On invoices, net "
            "amounts of freight and fees are positive, and those of discount lines negative.",
            da="I hver fil er antal, listebeløb, rabat, nettobeløb og kost på varelinjer positive på "
            "fakturaer og negative på kreditnotaer; vend en kildes fortegn i dens opsætning, eller byt om på "
            "list_amount og net_amount, hvis nettobeløbene er de højeste. På fakturaer er nettobeløb for "
            "fragt og gebyrer positive, og for rabatlinjer negative.",
            failing=f"{turned} order by all",
        ),
    ]
