"""Who may see which rows of a publication.

Every published table has a rule here, or is seen by finance and audit alone: a table that is new is hidden
from everybody else until somebody has decided. The rules become views; what is asked of a publication for a
reader is asked of the views, so that no query can forget them.

Salespeople see the customers that they own today, their own figures (with their part of customers that they
have handed over) and the company's ratios; managers the same of everybody in their team. Of a group of
customers they see what is common to it, where it has so many of others that no single one can be told. What
runs up over customers (whale curve, Pareto) is seen by finance and audit alone: two rows tell the one between
them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

import duckdb

from kunderegnskab.sql import identifier, literal

Role = Literal["salesperson", "manager", "finance", "audit"]
ROLES: tuple[Role, ...] = ("salesperson", "manager", "finance", "audit")

SMALLEST_GROUP = 5
"""How many customers of others a group has at least, of which somebody sees more than the own ones."""

Rule = Literal[
    "everybody",
    "customer",
    "customer_rates",
    "customer_effort",
    "salesperson",
    "scope",
    "scope_values",
    "chain",
    "group",
]

RULES: dict[str, Rule] = {
    # What words, months and rules mean.
    "main._publication": "everybody",
    "marts.months": "everybody",
    "marts.time_windows": "everybody",
    "marts.kpi_register": "everybody",
    "marts.products": "everybody",
    "audit.ladder": "everybody",
    "audit.ladder_terms": "everybody",
    "audit.kpi_formulas": "everybody",
    "audit.kpi_terms": "everybody",
    "audit.segment_rules": "everybody",
    # One customer.
    "marts.customers": "customer",
    "marts.customer_accounts": "customer",
    "marts.customer_account_lines": "customer",
    "marts.customer_actions": "customer",
    "marts.customer_notes": "customer",
    "marts.customer_profile_gaps": "customer",
    "marts.customer_segments": "customer",
    "marts.driver_opportunities": "customer_rates",
    "marts.product_accounts": "customer",
    "marts.return_reasons": "customer",
    "marts.sales_effort": "customer_effort",
    "marts.segment_override_reviews": "customer",
    "marts.terms_beyond_concept": "customer",
    # One salesperson.
    "marts.salespeople": "salesperson",
    "marts.portfolio_accounts": "salesperson",
    "marts.current_portfolio_accounts": "salesperson",
    "marts.portfolio_bridge": "salesperson",
    # Rows of several kinds of scope.
    "marts.kpi_values": "scope_values",
    "marts.kpi_targets": "scope",
    "marts.target_baselines": "scope",
    "marts.budget_follow_up": "scope",
    "marts.scope_windows": "scope",
    "marts.scope_effects": "scope",
    "marts.driver_bridge": "scope",
    "marts.price_volume_mix": "scope",
    "marts.portfolio_ratio_bridge": "scope",
    "marts.return_reason_shares": "scope",
    "marts.visit_capacity": "scope",
    # Chains that somebody owns whole.
    "marts.chain_accounts": "chain",
    # Groups of customers.
    "marts.segment_profiles": "group",
    "marts.segment_service_concepts": "group",
}


SEEN = {
    "customers": "customer_id",
    "salespeople": "salesperson_id",
    "teams": "team",
    "chains": "chain_id",
    "groups": "group_key",
}
"""What the rules ask of a viewer, and the column that names it: tables of the schema `seen`."""


@dataclass(frozen=True)
class Viewer:
    """Somebody who reads.

    Attributes:
        name: as who logs in; stands in the log of who saw what.
        salesperson_id: of a salesperson, as the publication names them (a pseudonym, where there are any);
            managers have one where they are salespeople too.
        team: of a manager, as in marts.salespeople.
    """

    name: str
    role: Role
    salesperson_id: str | None = None
    team: str | None = None

    @property
    def sees_all(self) -> bool:
        """Whether nothing of a publication is hidden."""
        return self.role in ("finance", "audit")

    @property
    def key(self) -> tuple[str, str | None, str | None]:
        """What decides which rows are seen: equal for viewers who see the same."""
        return ("all", None, None) if self.sees_all else (self.role, self.salesperson_id, self.team)


def make_views(con: duckdb.DuckDBPyConnection, published: str, viewer: Viewer) -> None:
    """Fill the catalog in use with views of a publication's tables, of the rows that a viewer may see.

    Args:
        con: a connection whose catalog in use is empty and the viewer's own.
        published: the catalog of the publication.
    """
    relations: dict[str, set[str]] = {}
    for schema, table, column in con.execute(
        "select schema_name, table_name, column_name from duckdb_columns() where database_name = ?",
        [published],
    ).fetchall():
        relations.setdefault(f"{schema}.{table}", set()).add(column)
    for schema in sorted({name.split(".")[0] for name in relations} - {"main"}):
        con.execute(f"create schema {identifier(schema)}")
    source = identifier(published)
    if not viewer.sees_all:
        _make_seen(con, source, viewer)
    for name, columns in sorted(relations.items()):
        if viewer.sees_all:
            con.execute(f"create view {name} as select * from {source}.{name}")
        elif name in RULES:
            con.execute(f"create view {name} as {_query(f'{source}.{name}', columns, RULES[name])}")


def _make_seen(con: duckdb.DuckDBPyConnection, published: str, viewer: Viewer) -> None:
    con.execute("create schema seen")
    own = f"salesperson_id = {literal(viewer.salesperson_id)}" if viewer.salesperson_id else "false"
    team = f"team = {literal(viewer.team)}" if viewer.role == "manager" and viewer.team else "false"
    con.execute(
        f"""
        create table seen.salespeople as
        select salesperson_id from {published}.marts.salespeople
        where not is_unassigned and ({own} or {team})
        """
    )
    con.execute(
        f"""
        create table seen.teams as
        select distinct team from {published}.marts.salespeople where {team}
        """
    )
    con.execute(
        f"""
        create table seen.customers as
        select distinct customer_id from {published}.marts.current_portfolio_accounts
        where salesperson_id in (select salesperson_id from seen.salespeople)
        """
    )
    con.execute(
        f"""
        create table seen.chains as
        select chain_id from {published}.marts.customers
        where chain_id is not null
        group by chain_id
        having bool_and(customer_id in (select customer_id from seen.customers))
        """
    )
    _make_groups(con, published)


def _make_groups(con: duckdb.DuckDBPyConnection, published: str) -> None:
    """The groups of customers with enough others in them, by month, kind and name."""
    con.execute(
        f"""
        create table seen.groups as
        with members as (
            select month, segment, opening_segment, is_good_customer,
                customer_id in (select customer_id from seen.customers) as is_own
            from {published}.marts.customer_segments
        ),

        others as (
            select month, 'segment' as kind, segment as name, count(*) filter (not is_own) as customers
            from members group by month, segment
            union all
            select month, 'segment_opening', opening_segment, count(*) filter (not is_own)
            from members group by month, opening_segment
            union all
            -- The profile of all good customers has a row of its own.
            select profiles.month, 'segment', profiles.segment,
                profiles.customer_count - count(*) filter (members.is_own and members.is_good_customer)
            from {published}.marts.segment_profiles as profiles
            inner join members on profiles.month = members.month
            where profiles.segment not in (select segment from members where segment is not null)
            group by profiles.month, profiles.segment, profiles.customer_count
        )

        select cast(month as varchar) || ' ' || kind || ' ' || name as group_key
        from others
        where name is not null and customers >= {SMALLEST_GROUP}
        """
    )


def condition(rule: Rule, columns: Collection[str], seen: Callable[[str], str]) -> str:
    """The rows of a table that a rule lets through, as a condition of SQL.

    Args:
        columns: the table's.
        seen: gives the query of what the viewer has of one kind: customers, salespeople, teams, chains.
    """
    match rule:
        case "everybody":
            return "true"
        case "customer":
            return f"customer_id in ({seen('customers')})"
        case "salesperson":
            return f"salesperson_id in ({seen('salespeople')})"
        case "chain":
            return f"chain_id in ({seen('chains')})"
        case "customer_rates":
            return f"customer_id in ({seen('customers')}) and {_is_seen_group('segment', 'segment', seen)}"
        case "customer_effort":
            return f"customer_id in ({seen('customers')}) and salesperson_id in ({seen('salespeople')})"
        case "group":
            return _is_seen_group("segment", "segment", seen)
        case "scope" | "scope_values":
            own = [
                f"scope_type = 'customer' and scope_id in ({seen('customers')})",
                f"scope_type in ('salesperson', 'salesperson_today') and scope_id in ({seen('salespeople')})",
                f"scope_type = 'team' and scope_id in ({seen('teams')})",
                f"scope_type = 'chain' and scope_id in ({seen('chains')})",
            ]
            if {"salesperson_id", "segment"} <= set(columns):
                # The salesperson has a column of its own.
                own.append(
                    f"scope_type = 'salesperson_segment' and salesperson_id in ({seen('salespeople')})"
                )
            return " or ".join(f"({each})" for each in own)


def _is_seen_group(kind: str, segment: str, seen: Callable[[str], str]) -> str:
    return f"cast(month as varchar) || ' {kind} ' || {segment} in ({seen('groups')})"


def _query(relation: str, columns: Collection[str], rule: Rule) -> str:
    """What a viewer sees of a relation, whose `seen` is in the catalog in use."""
    if rule == "customer_rates":
        # Their segment's rate too, where that has enough others.
        group = _is_seen_group("segment", "segment", _seen)
        return f"""
            select * replace (
                case when {group} then segment_rate end as segment_rate,
                case when {group} then segment_customers end as segment_customers
            )
            from {relation} where {condition("customer", columns, _seen)}
        """
    if rule == "customer_effort":
        # Of months in which somebody else owned the customer, not who.
        own = f"salesperson_id in ({_seen('salespeople')})"
        return f"""
            select * replace (case when {own} then salesperson_id end as salesperson_id)
            from {relation} where {condition("customer", columns, _seen)}
        """
    query = f"select * from {relation} where {condition(rule, columns, _seen)}"
    if rule != "scope_values":
        return query
    # And the company's and a large group's ratios, without the amounts that they are made of. An amount per
    # customer would tell the sum to whoever knows how many they are.
    return f"""
        {query}
        union all
        select * replace (
            null::decimal(18, 4) as numerator, null::decimal(18, 4) as denominator,
            null::decimal(18, 4) as scope_customers
        )
        from {relation}
        where kpi_id in (select kpi_id from marts.kpi_register where not is_sum and unit = 'ratio')
            and (
                scope_type = 'company'
                or scope_type = 'segment' and {_is_seen_group("segment", "scope_id", _seen)}
                or scope_type = 'segment_opening' and {_is_seen_group("segment_opening", "scope_id", _seen)}
            )
    """


def _seen(kind: str) -> str:
    return f"select {SEEN[kind]} from seen.{kind}"
