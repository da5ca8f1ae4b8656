"""Each rule of segments, portfolios, KPIs, drivers and sales effort turns red for the fault it is there for.

As test_planted_faults.py does for the accounts, but on a company with two years to compare, which is built once: a fault
is planted, the rules are asked, and all is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from replay import Replay
from two_years_company import COMPANY, FEEDS, PUBLISHED_BASELINES

SEGMENTS = "customer_segments__hold_every_customer_in_every_month"
CLASSED_AS_ONE = "customer_segments__chains_are_classed_as_one"
SEGMENT_RATIOS = "customer_segments__ratios_are_of_its_sums"
MIGRATION = "segment_migration__ties_to_the_segments_at_both_ends"
PROFILES = "segment_profiles__sum_to_the_company"
PROFILE_RATIOS = "segment_profiles__ratios_are_of_its_sums"
PORTFOLIOS = "portfolio_accounts__sum_to_customer_accounts"
PORTFOLIO_RATIOS = "portfolio_accounts__ratios_are_of_its_sums"
CURRENT_PORTFOLIOS = "current_portfolio_accounts__sum_to_customer_accounts"
CURRENT_PORTFOLIO_RATIOS = "current_portfolio_accounts__ratios_are_of_its_sums"
CUSTOMER_RATIOS = "customer_accounts__ratios_are_of_its_sums"
COMPANY_RATIOS = "company_accounts__ratios_are_of_its_sums"
CURVE_END = "whale_curve__ends_at_the_companys_db3"
CURVE_ORDER = "whale_curve__never_rises_faster"
PARETO = "revenue_pareto__holds_the_companys_net_sales"
DOCUMENTS = "int_sales_documents__hold_every_line"
LEAVES = "int_leaf_months__sum_to_product_accounts"
SPANS = "int_owner_spans__shares_sum_to_one"
LEAF_WINDOWS = "int_customer_effects__hold_what_the_products_sold_for"
PRICE_VOLUME_MIX = "price_volume_mix__adds_up_to_the_accounts"
BRIDGE = "portfolio_bridge__adds_up_to_the_portfolios"
BRIDGE_RATES = "portfolio_bridge__rates_are_those_of_the_pools"
RATE_SUMS = "int_pool_rate_changes__are_those_of_the_pools"
RATE_SHARES = "int_pool_rate_changes__hold_every_share"
RATIO_BRIDGE = "portfolio_ratio_bridge__adds_up"
RATIO_BRIDGE_MIX = "portfolio_ratio_bridge__mix_is_sales_moving_between_customers"
RATIO_BRIDGE_ENDS = "portfolio_ratio_bridge__leads_between_the_ratios_of_the_accounts"
REGISTER = "kpi_register__holds_every_formula"
KPI_COMPANY = "kpi_values__equal_the_customer_accounts"
KPI_LEVELS = "kpi_values__levels_sum_to_the_company"
KPI_NULL = "kpi_values__ratios_without_a_positive_denominator_are_null"
KPI_SUMS = "kpi_values__values_are_of_their_own_sums"
KPI_PRIOR = "kpi_values__prior_year_is_the_value_of_then"
KPI_TERMS = "kpi_terms__hold_every_measure_of_the_formulas"
CUSTOMERS_COUNTED = "scope_windows__count_every_customer_once"
BOTH_WAYS = "scope_windows__salespeople_in_segments_add_up_both_ways"
WHOM_COUNTED = "scope_windows__say_whom_they_count"
LOST_AND_GOOD = "scope_windows__tell_who_is_lost_and_good"
BASELINES = "target_baselines__have_not_moved"
BUDGETS = "budget_follow_up__ytd_sums_the_months"
EFFORT = "sales_effort__holds_every_customer_and_month"
EFFORT_RANKS = "sales_effort__ranks_are_one_list_per_salesperson"
STAKE = "sales_effort__weighs_what_is_at_stake"
CHAINS = "scope_windows__chains_are_their_customers"
CHAIN_ACCOUNTS = "chain_accounts__sum_to_customer_accounts"
CHAIN_RATIOS = "chain_accounts__ratios_are_of_its_sums"
CHAIN_CURVE = "chain_whale_curve__holds_what_its_customers_have"
CHAIN_CURVE_RISES = "chain_whale_curve__never_rises_faster"
CHAIN_TOPS = "customers__chains_lead_to_the_top"
CAPACITY = "visit_capacity__is_what_the_lists_owe"
CONCEPTS = "segment_service_concepts__sum_to_the_accounts"
CONCEPT_RATIOS = "segment_service_concepts__ratios_are_of_its_sums"
TERMS = "terms_beyond_concept__exceed_what_is_agreed"
ORDERS = "int_customer_orders__equal_the_orders_of_the_accounts"
DRIVERS = "driver_bridge__adds_up_to_the_change_of_db2"
DRIVER_DB2 = "driver_bridge__db2_equals_the_accounts"
OPPORTUNITIES = "driver_opportunities__costs_equal_the_accounts"
REASON_SHARES = "return_reason_shares__levels_sum_to_the_company"
BENCHMARKS = "int_driver_benchmarks__rest_on_enough_others"
ACTIONS_SUM = "customer_actions__sum_to_at_most_the_distance"
ACTIONS_WORTH = "customer_actions__are_worth_what_opportunities_and_terms_say"

# The marts that the company must have rows in: a rule over no rows is never red.
MARTS = [
    "budget_follow_up",
    "chain_accounts",
    "chain_whale_curve",
    "current_portfolio_accounts",
    "customer_actions",
    "customer_profile_gaps",
    "customer_segments",
    "driver_bridge",
    "driver_opportunities",
    "kpi_register",
    "kpi_targets",
    "kpi_values",
    "portfolio_accounts",
    "portfolio_bridge",
    "portfolio_concentration",
    "portfolio_ratio_bridge",
    "price_volume_mix",
    "return_reason_shares",
    "revenue_pareto",
    "sales_effort",
    "scope_effects",
    "scope_windows",
    "segment_migration",
    "segment_movements",
    "segment_override_reviews",
    "segment_profiles",
    "segment_service_concepts",
    "target_baselines",
    "terms_beyond_concept",
    "visit_capacity",
    "whale_curve",
]


@dataclass(frozen=True)
class SalesFault:
    name: str
    sql: str
    red: frozenset[str]
    # The model in which the fault is: what is built on it is built again.
    model: str | None = None


def fault(name: str, sql: str, *red: str) -> SalesFault:
    return SalesFault(name, sql, frozenset(red))


def fault_in_model(name: str, model: str, sql: str, *red: str) -> SalesFault:
    return SalesFault(name, sql, frozenset(red), model)


def averaged(scope_type: str) -> str:
    """DG II of a level as the average of its customers' DG II."""
    return (
        "update marts.kpi_values as wrong set value = averages.value from ("
        "select month, time_window, avg(value) as value from marts.kpi_values "
        "where kpi_id = 'dg2' and scope_type = 'customer' group by month, time_window) as averages "
        f"where wrong.kpi_id = 'dg2' and wrong.scope_type = '{scope_type}' and wrong.value is not null "
        "and wrong.month = averages.month and wrong.time_window = averages.time_window"
    )


JUNE, DECEMBER = "month = date '2025-06-01'", "month = date '2025-12-01'"
YEAR = f"{DECEMBER} and time_window = 'r12'"

# A ratio is never averaged, and without a positive denominator there is none.
RATIO_FAULTS = [
    fault(
        "DG II of the company averaged over customers",
        averaged("company"),
        KPI_COMPANY,
        KPI_SUMS,
        KPI_PRIOR,
    ),
    fault("DG II of the teams averaged over customers", averaged("team"), KPI_SUMS, KPI_PRIOR),
    fault(
        "DG II is 0 where a customer has no net sales",
        "update marts.kpi_values set value = 0 where kpi_id = 'dg2' and denominator <= 0 and scope_type = 'customer'",
        KPI_NULL,
        KPI_SUMS,
        KPI_PRIOR,
    ),
    # Only the count of new customers may have none.
    fault(
        "DG II without a numerator",
        "update marts.kpi_values set numerator = null, value = null "
        f"where kpi_id = 'dg2' and scope_type = 'customer' and scope_id = '1002' and {YEAR}",
        KPI_SUMS,
        KPI_LEVELS,
    ),
    fault(
        "DG II of the year before without a denominator then",
        "update marts.kpi_values set prior_year_value = 0 "
        "where kpi_id = 'dg2' and prior_year_value is null and scope_type = 'customer'",
        KPI_PRIOR,
    ),
    fault(
        "DG in a customer account without net sales",
        "update marts.customer_accounts set dg2 = 0 where net_sales <= 0",
        CUSTOMER_RATIOS,
    ),
    fault(
        "DG in a portfolio without net sales",
        "update marts.portfolio_accounts set dg3 = 0 where net_sales <= 0",
        PORTFOLIO_RATIOS,
    ),
    fault(
        "DG in today's portfolio without net sales",
        "update marts.current_portfolio_accounts set dg1 = 0 where net_sales <= 0",
        CURRENT_PORTFOLIO_RATIOS,
    ),
    fault(
        "DG of the company account averaged over customers",
        "update marts.company_accounts as wrong set dg2 = averages.dg2 from ("
        "select month, avg(dg2) as dg2 from marts.customer_accounts group by month) as averages "
        "where wrong.month = averages.month",
        COMPANY_RATIOS,
    ),
    fault(
        "DG II of a segment averaged over months",
        f"update marts.segment_profiles set dg2 = median_dg2 where segment = 'A1' and {DECEMBER}",
        PROFILE_RATIOS,
    ),
    fault(
        "DG II that segments are decided on averaged over months",
        "update marts.customer_segments as wrong set dg2_r12 = averages.dg2 from ("
        "select customer_id, avg(dg2) as dg2 from marts.customer_accounts group by customer_id) as averages "
        f"where wrong.customer_id = averages.customer_id and wrong.{JUNE}",
        SEGMENT_RATIOS,
    ),
    fault(
        "cost of a service concept without sales to divide by",
        "update marts.segment_service_concepts set concept_cost_rate = 0 where invoiced_sales <= 0",
        CONCEPT_RATIOS,
    ),
    fault(
        "ratio bridge that ends at an average",
        "update marts.portfolio_ratio_bridge set dg2_effect = dg2_effect + 0.01 "
        f"where component in ('mix', 'closing') and scope_type = 'salesperson' and scope_id = 'ANNA' and {YEAR}",
        RATIO_BRIDGE_ENDS,
        RATIO_BRIDGE_MIX,
    ),
]

SEGMENT_FAULTS = [
    fault(
        "customer without a segment",
        f"update marts.customer_segments set segment = null where customer_id = '1006' and {JUNE}",
        SEGMENTS,
        MIGRATION,
        EFFORT,
        WHOM_COUNTED,
    ),
    fault(
        "customer in two segments",
        "insert into marts.customer_segments select * replace ('B2' as segment) from marts.customer_segments "
        f"where customer_id = '1006' and {JUNE}",
        SEGMENTS,
        MIGRATION,
        WHOM_COUNTED,
        RATIO_BRIDGE_MIX,
    ),
    fault(
        "segment before the first account",
        "insert into marts.customer_segments select * replace (date '2024-06-01' as month) "
        "from marts.customer_segments where customer_id = '1004' and month = date '2025-03-01'",
        SEGMENTS,
        MIGRATION,
        EFFORT,
    ),
    fault(
        "customer counted in two moves",
        f"update marts.segment_migration set customers = customers + 1 where {JUNE} and to_segment = 'B1'",
        MIGRATION,
    ),
    fault(
        "moved customers lose their earlier DB II",
        f"update marts.segment_migration set opening_db2 = 0 where {DECEMBER} and opening_db2 > 0",
        MIGRATION,
    ),
    fault(
        "freight out of a segment's profile",
        f"update marts.segment_profiles set freight = freight + 0.0001 where segment = 'A2' and {JUNE}",
        PROFILES,
    ),
]

PORTFOLIO_FAULTS = [
    fault(
        "visit to a shared customer counted for both",
        f"update marts.portfolio_accounts set visit_count = visit_count + 1 where customer_id = '1002' and {JUNE} "
        "and salesperson_id = 'BO'",
        PORTFOLIOS,
        # The customer is a good one.
        LOST_AND_GOOD,
    ),
    fault(
        "customer of nobody left out",
        f"delete from marts.current_portfolio_accounts where customer_id = '1003' and {JUNE}",
        CURRENT_PORTFOLIOS,
    ),
    # Every salesperson's own part is right, only not all of the customer is given out.
    fault_in_model(
        "share that nobody has",
        "int_owner_spans",
        "delete from intermediate.int_owner_spans where salesperson_id = 'BO' and customer_id = '1002'",
        SPANS,
        PORTFOLIOS,
        CURRENT_PORTFOLIOS,
        PRICE_VOLUME_MIX,
        BRIDGE,
        BRIDGE_RATES,
        KPI_LEVELS,
        BOTH_WAYS,
        LOST_AND_GOOD,
    ),
    fault(
        "whale curve that stops short",
        f"delete from marts.whale_curve where {JUNE} and rank = (select max(rank) from marts.whale_curve where {JUNE})",
        CURVE_END,
        CHAIN_CURVE,
    ),
    fault(
        "whale curve out of order",
        f"update marts.whale_curve set rank = 3 - rank where {JUNE} and rank in (1, 2)",
        CURVE_ORDER,
    ),
    fault(
        "net sales doubled in the Pareto analysis",
        f"update marts.revenue_pareto set net_sales = 2 * net_sales where {JUNE} and rank = 1",
        PARETO,
        CHAIN_CURVE,
    ),
    fault(
        "sales line lost before price, volume and mix",
        "delete from intermediate.int_leaf_months where customer_id = '1006' and product_id = 'vin' and month = "
        "date '2025-12-01'",
        LEAVES,
        DOCUMENTS,
        ORDERS,
    ),
    fault(
        "owners who claim more than the customer",
        "update intermediate.int_owner_spans set share = share + 0.5 where salesperson_id = 'ANNA'",
        SPANS,
    ),
    # What is lost turns up in the rest of the bridge, which adds up all the same.
    fault_in_model(
        "leaf lost between the months and the windows",
        "int_bridge_leaves",
        "delete from intermediate.int_bridge_leaves where customer_id = '1006' and leaf_id = 'vin' "
        f"and {DECEMBER}",
        LEAF_WINDOWS,
    ),
    fault_in_model(
        "window that lacks a month",
        "int_window_months",
        f"delete from intermediate.int_window_months where leaf_month = date '2025-11-01' and {YEAR}",
        LEAF_WINDOWS,
    ),
    fault(
        "effects of two customers on one row",
        "update intermediate.int_customer_effects set sales_now = sales_now + 1 "
        f"where customer_id = '1006' and kind = 'comparable' and {YEAR}",
        LEAF_WINDOWS,
    ),
    fault(
        "price effect that does not add up",
        "update marts.price_volume_mix set revenue_effect = revenue_effect + 0.000001 "
        f"where component = 'price' and scope_type = 'company' and {YEAR}",
        PRICE_VOLUME_MIX,
    ),
    # As stored, and not only as it is shown.
    fault(
        "volume effect of another scope",
        "update marts.scope_effects set volume_db1 = volume_db1 + 1 "
        f"where scope_type = 'salesperson' and scope_id = 'BO' and {YEAR}",
        PRICE_VOLUME_MIX,
    ),
    fault(
        "unit cost with the wrong sign",
        "update marts.price_volume_mix set db1_effect = -db1_effect "
        f"where component = 'unit_cost' and scope_type = 'salesperson' and scope_id = 'ANNA' and {YEAR}",
        PRICE_VOLUME_MIX,
    ),
    fault(
        "segment without its bridge of price, volume and mix",
        f"delete from marts.price_volume_mix where scope_type = 'segment' and scope_id = 'A2' and {YEAR}",
        PRICE_VOLUME_MIX,
    ),
    fault(
        "freight of own development doubled",
        "update marts.portfolio_bridge set amount = 2 * amount "
        f"where component = 'freight' and salesperson_id = 'ANNA' and {YEAR}",
        BRIDGE,
    ),
    fault(
        "transfer given and not received",
        "update marts.portfolio_bridge set amount = amount + case component when 'transferred_in' then -1 else 1 end "
        f"where component in ('transferred_in', 'development_received') and salesperson_id = 'BO' and {YEAR}",
        BRIDGE,
    ),
    fault(
        "bridge of another portfolio",
        "update marts.portfolio_bridge set amount = amount + 1 "
        f"where component in ('opening', 'closing') and salesperson_id = 'BO' and {YEAR}",
        BRIDGE,
    ),
    fault(
        "salesperson without a bridge",
        f"delete from marts.portfolio_bridge where salesperson_id = 'Ikke tildelt' and {YEAR}",
        BRIDGE,
        BRIDGE_RATES,
    ),
    # It still adds up to the change of the portfolio.
    fault(
        "what an order costs told as own development",
        "update marts.portfolio_bridge set amount = amount + case component when 'pool_rates' then 1 else -1 end "
        f"where component in ('pool_rates', 'order_cost') and salesperson_id = 'ANNA' and {YEAR}",
        BRIDGE_RATES,
    ),
    fault_in_model(
        "rate of a new pool told as usage",
        "int_pool_rate_changes",
        "update intermediate.int_pool_rate_changes set rate_change = 0, amount_at_compared_rate = amount "
        f"where customer_id = '1001' and cost_pool_id = 'ordre' and months_back = 12 and {JUNE}",
        RATE_SUMS,
    ),
    fault(
        "share of a pool that ended forgotten",
        "delete from intermediate.int_pool_rate_changes "
        f"where cost_pool_id = 'faktura' and customer_id = '1006' and months_back = 12 and {JUNE}",
        RATE_SHARES,
        BRIDGE_RATES,
    ),
    fault(
        "rate of a visit told in another segment",
        "update marts.scope_windows set sales_effort_cost_rate_change = sales_effort_cost_rate_change + 1 "
        f"where scope_type = 'salesperson_segment' and salesperson_id = 'ANNA' and {YEAR}",
        BOTH_WAYS,
    ),
    fault(
        "mix of the ratio bridge rounded",
        "update marts.portfolio_ratio_bridge set dg3_effect = round(dg3_effect, 6) "
        f"where component = 'mix' and scope_type = 'company' and {YEAR}",
        RATIO_BRIDGE,
        RATIO_BRIDGE_MIX,
    ),
    # It still adds up to the change of the ratio.
    fault(
        "customers' own ratios told as mix",
        "update marts.portfolio_ratio_bridge set dg2_effect = dg2_effect "
        "+ case component when 'mix' then 0.000001 else -0.000001 end "
        f"where component in ('rate', 'mix') and scope_type = 'salesperson' and scope_id = 'ANNA' and {YEAR}",
        RATIO_BRIDGE_MIX,
    ),
    fault(
        "segment that swaps mix and new customers",
        "update marts.portfolio_ratio_bridge set component = "
        "case component when 'mix' then 'new_customers' else 'mix' end "
        "where component in ('mix', 'new_customers') and scope_type = 'segment_opening' "
        f"and scope_id = 'A2' and {YEAR}",
        RATIO_BRIDGE_MIX,
    ),
    fault(
        "segment without its ratio bridge",
        f"delete from marts.portfolio_ratio_bridge where scope_type = 'segment' and scope_id = 'A2' and {YEAR}",
        RATIO_BRIDGE_ENDS,
    ),
]

KPI_FAULTS = [
    fault(
        "KPI without an entry in the register",
        "delete from marts.kpi_register where kpi_id = 'dg2'",
        REGISTER,
    ),
    fault(
        "revenue KPI that names nothing with costs to measure instead",
        "update marts.kpi_register set measure_instead = 'net_sales' where kpi_id = 'invoiced_sales'",
        REGISTER,
    ),
    fault(
        "KPI that is measured beside itself",
        "update marts.kpi_register set measure_beside = kpi_id where kpi_id = 'db3'",
        REGISTER,
    ),
    fault(
        "lost customer whom the company forgets",
        "update marts.scope_windows set lost_customer_count = lost_customer_count + 1 "
        f"where scope_type = 'company' and {YEAR}",
        LOST_AND_GOOD,
    ),
    fault(
        "salesperson whose sales to good customers are halved",
        "update marts.scope_windows set good_net_sales = good_net_sales / 2 "
        f"where scope_type = 'salesperson' and good_net_sales > 1 and {YEAR}",
        LOST_AND_GOOD,
        BOTH_WAYS,
    ),
    fault(
        "visits at good customers that no team has",
        f"update marts.scope_windows set good_visit_count = good_visit_count + 1 where scope_type = 'team' and {YEAR}",
        LOST_AND_GOOD,
    ),
    fault(
        "KPI that the register names and nothing computes",
        "delete from audit.kpi_terms where kpi_id = 'orders'",
        REGISTER,
        KPI_TERMS,
    ),
    fault(
        "measure left out of a formula",
        "update audit.kpi_terms set numerator_measure_1 = null, numerator_coefficient_1 = null "
        "where kpi_id = 'orders'",
        KPI_TERMS,
    ),
    fault(
        "measure counted twice in a formula",
        "update audit.kpi_terms set numerator_coefficient_1 = 2 where kpi_id = 'net_sales'",
        KPI_TERMS,
        KPI_COMPANY,
    ),
    fault(
        "window of the company that its accounts do not have",
        f"update marts.scope_windows set net_sales = net_sales + 1 where scope_type = 'company' and {YEAR}",
        KPI_COMPANY,
        KPI_LEVELS,
        RATIO_BRIDGE_ENDS,
    ),
    fault(
        "customer counted in each month of its window",
        f"update marts.scope_windows set customer_count = 12 where scope_type = 'company' and {YEAR}",
        CUSTOMERS_COUNTED,
    ),
    fault(
        "segment without its customers",
        "update marts.scope_windows set customer_count = 0 "
        f"where scope_type = 'segment' and scope_id = 'A2' and {YEAR}",
        CUSTOMERS_COUNTED,
    ),
    fault(
        "customer who has bought and counts as none",
        "update marts.scope_windows set customer_count = 0 "
        f"where scope_type = 'customer' and scope_id = '1002' and {YEAR}",
        CUSTOMERS_COUNTED,
        CHAINS,
    ),
    fault(
        "old customer who is new to the company",
        "update marts.scope_windows set new_customer_count = new_customer_count + 1 "
        f"where scope_type = 'company' and {YEAR}",
        CUSTOMERS_COUNTED,
    ),
    fault(
        "salesperson whose shared customer counts as none",
        "update marts.scope_windows set customer_count = customer_count - 1 "
        "where scope_type = 'salesperson' and customer_count > 0",
        CUSTOMERS_COUNTED,
        BOTH_WAYS,
    ),
    fault(
        "customer that two of a team share and that counts twice",
        "update marts.scope_windows set customer_count = customer_count + 1 where scope_type = 'team'",
        CUSTOMERS_COUNTED,
    ),
    fault(
        "salesperson with a new customer that is old to the company",
        "update marts.scope_windows set new_customer_count = new_customer_count + 1 "
        "where scope_type = 'salesperson' and new_customer_count is not null",
        CUSTOMERS_COUNTED,
        BOTH_WAYS,
    ),
    fault(
        "level that is missing",
        "delete from marts.scope_windows where scope_type = 'segment'",
        CUSTOMERS_COUNTED,
        LOST_AND_GOOD,
        WHOM_COUNTED,
        KPI_LEVELS,
        RATIO_BRIDGE_ENDS,
    ),
    fault(
        "customer of a segment who is not counted",
        "update marts.scope_windows set scope_customers = scope_customers - 1 "
        f"where scope_type = 'segment' and scope_id = 'A2' and {YEAR}",
        WHOM_COUNTED,
    ),
    fault(
        "segment without its row that says whom it counts",
        f"delete from marts.scope_windows where scope_type = 'segment_opening' and scope_id = 'Ny' and {JUNE}",
        WHOM_COUNTED,
        BOTH_WAYS,
        CUSTOMERS_COUNTED,
        KPI_LEVELS,
    ),
    fault(
        "segment classed by rules that it does not name",
        f"update marts.scope_windows set rule_version = '0' where scope_type = 'segment' and {YEAR}",
        WHOM_COUNTED,
    ),
    fault(
        "rule change that nobody made",
        "update marts.scope_windows set is_rule_change = not is_rule_change "
        f"where scope_type = 'salesperson_segment' and {YEAR}",
        WHOM_COUNTED,
    ),
    fault(
        "rules that have not changed since a window that the accounts do not hold",
        "update marts.scope_windows set is_rule_change = false where scope_type = 'segment' and is_rule_change is null",
        WHOM_COUNTED,
    ),
    fault(
        "amount of another salesperson within a segment",
        "update marts.scope_windows set db3 = db3 + case salesperson_id when 'ANNA' then 1 else -1 end "
        f"where scope_type = 'salesperson_segment' and salesperson_id in ('ANNA', 'BO') and segment = 'A2' and {YEAR}",
        BOTH_WAYS,
    ),
    fault(
        "amount of a salesperson in another segment, in the year before",
        "update marts.scope_windows set compared_cogs = compared_cogs + case segment when 'A2' then 1 else -1 end "
        f"where scope_type = 'salesperson_segment' and salesperson_id = 'ANNA' and segment in ('A1', 'A2') and {YEAR}",
        BOTH_WAYS,
    ),
    fault(
        "salesperson without a segment",
        "delete from marts.scope_windows "
        f"where scope_type = 'salesperson_segment' and salesperson_id = 'ANNA' and {YEAR}",
        BOTH_WAYS,
        KPI_LEVELS,
    ),
    fault(
        "customer of a salesperson within a segment who counts as none",
        "update marts.scope_windows set customer_count = customer_count - 1 "
        f"where scope_type = 'salesperson_segment' and customer_count > 0 and {YEAR}",
        BOTH_WAYS,
    ),
    fault(
        "customer counted in two teams",
        "update marts.kpi_values set numerator = numerator + 1, value = value + 1 "
        f"where kpi_id = 'net_sales' and scope_type = 'team' and scope_id = 'Syd' and {YEAR}",
        KPI_LEVELS,
    ),
    fault(
        "customer counted in two of today's portfolios",
        "update marts.kpi_values set numerator = numerator + 1, value = value + 1 "
        f"where kpi_id = 'net_sales' and scope_type = 'salesperson_today' and scope_id = 'BO' and {YEAR}",
        KPI_LEVELS,
    ),
    fault(
        "no KPI of today's portfolios",
        "delete from marts.kpi_values where scope_type = 'salesperson_today'",
        KPI_LEVELS,
    ),
    # The customer who was handed over would improve the receiver.
    fault(
        "today's portfolio compared with the portfolio of then",
        "update marts.kpi_values as wrong set prior_year_value = posted.prior_year_value "
        "from marts.kpi_values as posted where wrong.scope_type = 'salesperson_today' "
        "and posted.scope_type = 'salesperson' and wrong.kpi_id = posted.kpi_id and wrong.kpi_id = 'db2' "
        "and wrong.scope_id = posted.scope_id and wrong.month = posted.month "
        "and wrong.time_window = posted.time_window",
        KPI_PRIOR,
    ),
    fault(
        "segment without its KPIs",
        f"delete from marts.kpi_values where scope_type = 'segment' and scope_id = 'A2' and {YEAR}",
        KPI_LEVELS,
    ),
    fault(
        "company without a KPI",
        f"delete from marts.kpi_values where scope_type = 'company' and kpi_id = 'net_sales' and {YEAR}",
        KPI_COMPANY,
        KPI_LEVELS,
    ),
    fault(
        "year before of another customer",
        "update marts.kpi_values set prior_year_value = prior_year_value + 1 "
        f"where kpi_id = 'db2' and scope_type = 'customer' and scope_id = '1002' and {YEAR}",
        KPI_PRIOR,
    ),
    fault(
        "baseline moved by a restatement",
        "update marts.target_baselines set baseline_value = current_value where kpi_id = 'freight_pct'",
        BASELINES,
    ),
    fault(
        "published baseline forgotten",
        "delete from marts.target_baselines where kpi_id = 'freight_pct'",
        BASELINES,
    ),
    fault(
        "month counted twice in the year's budget",
        "update marts.budget_follow_up set budget = budget + 1000 "
        f"where time_window = 'ytd' and measure = 'db2' and scope_id = 'Nord' and {JUNE}",
        BUDGETS,
    ),
    fault(
        "rates of one month told as the year's",
        "update marts.budget_follow_up set pool_rate_effect = pool_rate_effect + 1 "
        f"where time_window = 'ytd' and measure = 'db2' and scope_id = 'Nord' and {JUNE}",
        BUDGETS,
    ),
    fault(
        "actual of the year that is not its months'",
        "update marts.budget_follow_up set actual = 0 "
        f"where time_window = 'ytd' and measure = 'net_sales' and scope_id = 'company' and {JUNE}",
        BUDGETS,
    ),
]

EFFORT_AND_DRIVER_FAULTS = [
    fault(
        "customer whom nobody visits",
        f"delete from marts.sales_effort where customer_id = '1003' and {JUNE}",
        EFFORT,
        CAPACITY,
    ),
    fault(
        "good customer whom the list does not know",
        f"update marts.sales_effort set is_good_customer = not is_good_customer where customer_id = '1006' and {JUNE}",
        EFFORT,
    ),
    fault(
        "two customers first on the list",
        f"update marts.sales_effort set priority_rank = 1 where salesperson_id = 'BO' and {DECEMBER}",
        EFFORT_RANKS,
    ),
    fault(
        "stake that forgets what could be agreed",
        "update marts.sales_effort set at_stake = greatest(db3, 0) where actions_worth > 0",
        STAKE,
    ),
    fault(
        "list that begins where least is at stake",
        "update marts.sales_effort as effort set priority_rank = turned.place from (select customer_id, month, "
        "row_number() over (partition by salesperson_id, month order by priority_rank desc) as place "
        "from marts.sales_effort) as turned where effort.customer_id = turned.customer_id and effort.month = turned.month",
        STAKE,
    ),
    fault(
        "amount of another chain",
        "update marts.scope_windows set db3 = db3 + case scope_id when '1001' then 1 else -1 end "
        f"where scope_type = 'chain' and scope_id in ('1001', '1005') and {YEAR}",
        CHAINS,
    ),
    fault(
        "customers in no chain left out",
        f"delete from marts.scope_windows where scope_type = 'chain' and scope_id = '(uden kæde)' and {YEAR}",
        CHAINS,
        CUSTOMERS_COUNTED,
        KPI_LEVELS,
    ),
    fault(
        "account of a chain without one of its customers",
        "update marts.chain_accounts as wrong set order_count = wrong.order_count - own.order_count from ("
        "select month, order_count from marts.customer_accounts where customer_id = '1002') as own "
        "where wrong.chain_id = '1001' and wrong.month = own.month and own.order_count > 0",
        CHAIN_ACCOUNTS,
    ),
    fault(
        "DG of a chain that is not of its sums",
        "update marts.chain_accounts set dg1 = dg1 + 0.01 where chain_id = '1001' and net_sales > 0",
        CHAIN_RATIOS,
    ),
    fault(
        "customer in the chain of its parent and not of whom is at the top",
        "update marts.customers set chain_id = parent_customer_id where customer_id = '1004'",
        CHAIN_TOPS,
        CHAINS,
        CHAIN_ACCOUNTS,
        CHAIN_CURVE,
    ),
    fault(
        "chain left out of its curve",
        f"delete from marts.chain_whale_curve where chain_id = '1001' and {DECEMBER}",
        CHAIN_CURVE,
        CHAIN_CURVE_RISES,
    ),
    fault(
        "customer classed with its chain where each is classed alone",
        "update marts.customer_segments set classed_id = '1001' where customer_id = '1002'",
        CLASSED_AS_ONE,
    ),
    fault(
        "sales of a chain given to a customer in none",
        "update marts.chain_whale_curve set net_sales = net_sales + case chain_id when '1001' then -1 else 1 end "
        f"where chain_id in ('1001', '1003') and {DECEMBER}",
        CHAIN_CURVE,
    ),
    fault(
        "visits owed that the capacity forgets",
        f"update marts.visit_capacity set planned_visits = planned_visits - 1 where scope_type = 'salesperson' and {JUNE}",
        CAPACITY,
    ),
    fault(
        "company that is told it has no time, where nobody knows",
        f"update marts.visit_capacity set is_beyond_capacity = true where scope_type = 'company' and {DECEMBER}",
        CAPACITY,
    ),
    fault(
        "cost of a concept that is not the sum of its parts",
        f"update marts.segment_service_concepts set freight = freight + 1 where segment = 'A2' and {JUNE}",
        CONCEPTS,
    ),
    fault(
        "segment without its cost",
        f"delete from marts.segment_service_concepts where segment = 'A2' and {JUNE}",
        CONCEPTS,
    ),
    fault(
        "bonus within the concept listed as beyond it",
        "update marts.terms_beyond_concept set agreed = given where term = 'bonus'",
        TERMS,
    ),
    fault(
        "visits beyond the plan forgotten",
        "delete from marts.terms_beyond_concept where term = 'visits'",
        TERMS,
    ),
    fault(
        "order split in two",
        "insert into intermediate.int_customer_orders select * replace ('x' as order_key, 0 as invoiced_amount) "
        f"from intermediate.int_customer_orders where customer_id = '1001' and {JUNE}",
        ORDERS,
        PROFILES,
    ),
    fault(
        "order invoiced for its first line only",
        "update intermediate.int_customer_orders set invoiced_amount = invoiced_amount / 2 "
        f"where customer_id = '1001' and {JUNE}",
        ORDERS,
    ),
    fault(
        "effect of a driver rounded",
        "update marts.driver_bridge set effect = round(effect, 6) "
        f"where driver = 'freight' and scope_type = 'company' and {YEAR}",
        DRIVERS,
    ),
    # The effects still sum to the change of DB II.
    fault(
        "what the scope has done itself rounded",
        "update marts.driver_bridge set own_effect = round(own_effect, 6) "
        f"where driver = 'freight' and scope_type = 'company' and {YEAR}",
        DRIVERS,
    ),
    fault(
        "driver left out of the bridge",
        f"delete from marts.driver_bridge where driver = 'bonus' and scope_type = 'company' and {YEAR}",
        DRIVERS,
    ),
    fault(
        "bridge from the DB II of another year",
        "update marts.driver_bridge set compared_amount = amount "
        f"where driver = 'db2' and scope_type = 'salesperson' and scope_id = 'ANNA' and {YEAR}",
        DRIVER_DB2,
    ),
    fault(
        "customer without a bridge of drivers",
        f"delete from marts.driver_bridge where scope_type = 'customer' and scope_id = '1002' and {YEAR}",
        DRIVER_DB2,
    ),
    fault(
        "freight of a customer counted as an opportunity twice",
        "insert into marts.driver_opportunities from marts.driver_opportunities "
        "where driver = 'freight' and customer_id = '1001'",
        OPPORTUNITIES,
    ),
    fault(
        "returns left out of the opportunities",
        "delete from marts.driver_opportunities where driver = 'returns'",
        OPPORTUNITIES,
        ACTIONS_WORTH,
    ),
    fault(
        "returns of a segment counted twice",
        "update marts.return_reason_shares set amount = amount * 2 where scope_type = 'segment'",
        REASON_SHARES,
    ),
    fault(
        "returns of a salesperson left out",
        "delete from marts.return_reason_shares where scope_type = 'salesperson'",
        REASON_SHARES,
    ),
    fault(
        "bad debt taken for an opportunity",
        "update marts.driver_opportunities set cost = cost + 70 where driver = 'other_direct' and customer_id = '1006'",
        OPPORTUNITIES,
    ),
    fault(
        "good customer measured by itself",
        "update intermediate.int_driver_benchmarks as benchmarks set benchmark_customers = benchmark_customers + 1 "
        "where is_good_customer and driver = 'freight' and benchmark_group is not null",
        BENCHMARKS,
    ),
    fault(
        "segment taken for a measure where the good customers are enough",
        "update intermediate.int_driver_benchmarks set benchmark_group = 'segment' "
        "where benchmark_group <> 'segment'",
        BENCHMARKS,
    ),
    fault(
        "actions that come to more than the distance",
        "update marts.customer_actions set worth = distance + 1, "
        "explained_share = round(cast(distance + 1 as decimal(18, 4)) / distance, 6) "
        "where customer_id in (select customer_id from marts.customer_actions group by customer_id having count(*) = 1)",
        ACTIONS_SUM,
        STAKE,
    ),
    fault(
        "action that is worth what its term and its driver are together",
        "update marts.customer_actions as actions set raw_worth = raw_worth + terms.worth "
        "from marts.terms_beyond_concept as terms where actions.customer_id = terms.customer_id "
        "and actions.term = terms.term and terms.worth > 0 and explained_share = 1",
        ACTIONS_WORTH,
    ),
    fault(
        "action forgotten",
        "delete from marts.customer_actions where action_rank = "
        "(select max(action_rank) from marts.customer_actions where worth = raw_worth)",
        ACTIONS_SUM,
        ACTIONS_WORTH,
        STAKE,
    ),
    fault("two actions first on the list", "update marts.customer_actions set action_rank = 1", ACTIONS_SUM),
]

SALES_FAULTS = [*RATIO_FAULTS, *SEGMENT_FAULTS, *PORTFOLIO_FAULTS, *KPI_FAULTS, *EFFORT_AND_DRIVER_FAULTS]


@pytest.fixture(scope="module")
def company(replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The company of two years, built once. Whoever changes it rolls back."""
    folder: Path = tmp_path_factory.mktemp("two_years")
    with replay.run(folder, FEEDS, COMPANY, PUBLISHED_BASELINES) as connection:
        yield connection


def count(company: duckdb.DuckDBPyConnection, relation: str) -> int:
    return company.execute(f"select count(*) from {relation}").fetchall()[0][0]


def test_sound_company_has_no_red_rule(replay: Replay, company: duckdb.DuckDBPyConnection) -> None:
    assert replay.broken_rules(company) == {}
    assert count(company, "audit.sales_policy_problems") == 0
    assert [mart for mart in MARTS if count(company, f"marts.{mart}") == 0] == []


def test_company_has_the_cases_that_the_rules_are_for(company: duckdb.DuckDBPyConnection) -> None:
    found = company.execute(
        "select distinct component from marts.price_volume_mix "
        "where revenue_effect <> 0 or db1_effect <> 0 union all "
        "select distinct component from marts.portfolio_bridge where amount <> 0"
    ).fetchall()
    everything = company.execute(
        "select distinct component from marts.price_volume_mix union all "
        "select distinct component from marts.portfolio_bridge"
    ).fetchall()
    assert sorted(everything) == sorted(found)


@pytest.mark.parametrize("planted", SALES_FAULTS, ids=lambda planted: planted.name.replace(" ", "_"))
def test_planted_fault_turns_exactly_its_rules_red(
    planted: SalesFault, replay: Replay, company: duckdb.DuckDBPyConnection
) -> None:
    company.begin()
    try:
        changed = replay.plant(company, planted.sql)
        assert changed[0][0] > 0, "the fault changes nothing"
        if planted.model:
            replay.rebuild(company, planted.model)
        assert replay.broken_rules(company).keys() == planted.red
    finally:
        company.rollback()
