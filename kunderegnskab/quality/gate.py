"""What must hold for the marts before they are published: plausible totals, no silent loss since last time.

Here: totals over the whole company and drift against the previous publication. Not here: keys, sums that must
agree and contracts, which dbt tests check, nor the comparison of the published copy with the warehouse.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from kunderegnskab.quality.certification import CheckResult, ExpectedCheck
from kunderegnskab.quality.metric_checks import MetricCheck, result_of, run_checks
from kunderegnskab.quality.name_search import cells_that_are
from kunderegnskab.quality.numbers_alike import plain_number
from kunderegnskab.rows import insert_rows
from kunderegnskab.sql import literal

# A figure that a second path computes otherwise: column of the account, customer (or `company`), month, and
# what either makes of it.
Contradicted = tuple[str, str, date, Decimal | None, Decimal | None]

EARLIER = "earlier_publication"
NOW = "marts.customer_accounts"
BEFORE = f"{EARLIER}.{NOW}"
UNKNOWN_CUSTOMER = "(ukendt)"

PLAUSIBLE = [
    MetricCheck(
        check_name="gate__customer_accounts__are_not_empty",
        subject="customer_accounts",
        is_blocking=True,
        metric=f"select count(*) from {NOW}",
        unit="rows",
        minimum=1,
        en="There is at least one customer account.",
        da="Der er mindst ét kunderegnskab.",
        failing=f"select count(*) as account_rows from {NOW}",
    ),
    MetricCheck(
        check_name="gate__customer_accounts__dg1_is_plausible",
        subject="customer_accounts",
        is_blocking=True,
        # Goods whose cost nobody supplied are no margin; another check reports their share.
        metric=f"""
            select sum(db1 - sales_without_cost + returns_without_cost),
                sum(net_sales - sales_without_cost + returns_without_cost)
            from {NOW}""",
        unit="%",
        minimum=-50,
        maximum=95,
        en="DG I over the whole period, on sales with a known cost, lies between -50 % and 95 %.",
        da="DG I over hele perioden, af salg med kendt kost, ligger mellem -50 % og 95 %.",
        failing=f"""
            select customer_id, sum(net_sales) as net_sales, sum(cogs) as cogs, sum(db1) as db1
            from {NOW} group by customer_id order by sum(net_sales) desc, customer_id""",
    ),
    MetricCheck(
        check_name="gate__customer_accounts__net_sales_are_positive",
        subject="customer_accounts",
        is_blocking=False,
        metric=f"select coalesce(sum(net_sales), 0) from {NOW}",
        unit="amount",
        minimum=0,
        above_minimum=True,
        en="The company's net sales over the whole period are positive.",
        da="Firmaets nettoomsætning over hele perioden er positiv.",
        failing=f"""
            select customer_id, sum(net_sales) as net_sales from {NOW}
            group by customer_id order by sum(net_sales), customer_id""",
    ),
    MetricCheck(
        check_name="gate__customer_accounts__cost_is_known",
        subject="customer_accounts",
        is_blocking=False,
        # Not netted: a return without a cost does not make up for a sale without one.
        metric=f"""
            select sum(sales_without_cost + returns_without_cost), sum(invoiced_sales + returns)
            from {NOW}""",
        unit="%",
        maximum=20,
        en="At most 20 % of invoiced sales and returns together have no known cost of goods.",
        da="Højst 20 % af faktureret salg og returneringer tilsammen er uden kendt vareforbrug.",
        failing=f"""
            select customer_id, sum(sales_without_cost) as sales_without_cost,
                sum(returns_without_cost) as returns_without_cost
            from {NOW} group by customer_id
            order by sum(sales_without_cost + returns_without_cost) desc, customer_id""",
    ),
    MetricCheck(
        check_name="gate__customer_accounts__customers_are_known",
        subject="customer_accounts",
        is_blocking=False,
        metric=f"""
            select
                coalesce(sum(net_sales) filter (where customer_id = '{UNKNOWN_CUSTOMER}'), 0),
                sum(net_sales)
            from {NOW}""",
        unit="%",
        maximum=40,
        en=f"At most 40 % of net sales are under {UNKNOWN_CUSTOMER}.",
        da=f"Højst 40 % af nettoomsætningen ligger under {UNKNOWN_CUSTOMER}.",
        failing=f"""
            select month, net_sales from {NOW} where customer_id = '{UNKNOWN_CUSTOMER}'
            order by net_sales desc, month""",
    ),
    MetricCheck(
        check_name="gate__customer_accounts__months_are_contiguous",
        subject="customer_accounts",
        is_blocking=False,
        metric=f"""
            select coalesce(date_diff('month', min(month), max(month)) + 1 - count(distinct month), 0)
            from {NOW}""",
        unit="rows",
        maximum=0,
        en="No month between the first and the last is without customer accounts.",
        da="Ingen måned mellem den første og den sidste er uden kunderegnskaber.",
        failing=f"""
            select cast(month as date) as missing_month from (
                select unnest(generate_series(min(month), max(month), interval 1 month)) as month
                from {NOW})
            except select month from {NOW} order by missing_month""",
    ),
]

UNITS = "intermediate.int_product_units"
# How long an order may rest between two invoices before its number looks like one that is used again.
_ORDER_RESTS_DAYS = 180
# Order numbers that two customers have, and those of a customer that rest so long.
REUSED_ORDER_NUMBERS = f"""
    with invoiced as (
        select distinct order_no, customer_id, posting_date
        from intermediate.int_sales_documents
        where order_no is not null and line_count > 0 and customer_id <> '{UNKNOWN_CUSTOMER}'
    ), compared as (
        select
            order_no, customer_id, posting_date,
            lag(customer_id) over of_all as before_customer_id,
            lag(posting_date) over of_all as before_date,
            lag(posting_date) over (partition by order_no, customer_id order by posting_date)
                as own_before_date
        from invoiced
        window of_all as (partition by order_no order by posting_date, customer_id)
    )
    select
        order_no,
        if(customer_id <> before_customer_id, before_customer_id, customer_id) as customer_id,
        if(customer_id <> before_customer_id, before_date, own_before_date) as invoiced_on,
        customer_id as later_customer_id, posting_date as later_invoiced_on
    from compared
    where customer_id <> before_customer_id or posting_date - own_before_date > {_ORDER_RESTS_DAYS}"""
RECORDS = [
    MetricCheck(
        check_name="gate__customer_accounts__order_numbers_are_of_one_order",
        subject="customer_accounts",
        is_blocking=False,
        metric=f"select count(*) from ({REUSED_ORDER_NUMBERS})",
        unit="rows",
        maximum=0,
        en=(
            f"An order number is of one customer, and its invoices are at most {_ORDER_RESTS_DAYS} days "
            "apart. A number that a customer has again within a window counts as one order there; an "
            "expression in feeds.yaml tells them apart, such as order_no: No || '-' || year(Date)."
        ),
        da=(
            f"Et ordrenummer er én kundes, og dets fakturaer ligger højst {_ORDER_RESTS_DAYS} dage fra "
            "hinanden. Har en kunde nummeret igen inden for et vindue, tæller det som én ordre dér; et "
            "udtryk i feeds.yaml skiller dem ad, f.eks. order_no: Nr || '-' || year(Dato)."
        ),
        failing=f"{REUSED_ORDER_NUMBERS} order by later_invoiced_on, order_no, later_customer_id",
    ),
    MetricCheck(
        check_name="gate__product_accounts__units_are_converted",
        subject="product_accounts",
        is_blocking=True,
        metric=f"select count(*) from {UNITS} where factor is null",
        unit="rows",
        maximum=0,
        en=(
            "Every unit of measure on sales lines is the product's own (unit_of_measure of products) or has "
            "a row in policy/unit_conversions.csv (product_id, unit_of_measure, factor); where some "
            "lines of a product name a unit and others none, products must say its own. Lines without a "
            "product are listed as (ukendt): give them a product number or one unit in feeds.yaml."
        ),
        da=(
            "Hver enhed på salgslinjer er varens egen (unit_of_measure i products) eller har en række i "
            "policy/unit_conversions.csv (product_id, unit_of_measure, factor); hvor nogle af en vares "
            "linjer nævner en enhed og andre ingen, skal products sige varens egen. Linjer uden vare "
            "står som (ukendt): giv dem et varenummer eller én enhed i feeds.yaml."
        ),
        failing=f"""
            select product_id, unit_of_measure, own_unit, line_count from {UNITS} where factor is null
            order by line_count desc, product_id, unit_of_measure""",
    ),
]

ALIKE = "temp.main.numbers_alike"


def _list_checks(
    feed: str, number: str, *, sales: str, ones_en: str, ones_da: str, list_da: str
) -> list[MetricCheck]:
    """What a company's own list of customers or products should hold.

    Args:
        sales: SQL of what was sold by number, as the columns number and amount.
    """
    lacking = f"marts.{feed} where not is_in_list and not is_unknown"
    return [
        MetricCheck(
            check_name=f"gate__{feed}__the_list_holds_them_all",
            subject=feed,
            is_blocking=False,
            metric=f"select count(*) from {lacking}",
            unit="rows",
            maximum=0,
            en=f"The company's own list of {ones_en} holds every number on the records; one that it lacks "
            f"keeps an account of its own (marts.{feed}, is_in_list).",
            da=f"Virksomhedens egen {list_da} har hvert nummer på posterne; {ones_da}, den ikke har, "
            f"beholder eget regnskab (marts.{feed}, is_in_list).",
            failing=f"""
                select {number}, coalesce(amount, 0) as sales
                from (select {number} from {lacking})
                left join ({sales}) as sold on sold.number = {number}
                order by coalesce(amount, 0) desc, {number}""",
        ),
        MetricCheck(
            check_name=f"gate__{feed}__numbers_are_written_alike",
            subject=feed,
            is_blocking=False,
            metric=f"select count(*) from {ALIKE} where feed = '{feed}'",
            unit="rows",
            maximum=0,
            en=f"No two numbers of {ones_en}, of whatever feeds or in the list, differ only in case, "
            "blanks, leading zeros, decimals of zero, signs between thousands or the form of a sign. If the "
            "two are one, say so in feeds.yaml (a lookup or an expression); they are never joined by "
            "likeness.",
            da=f"Ingen to af numrene på {ones_da}, uanset kilde og {list_da}, afviger kun ved store "
            "bogstaver, mellemrum, foranstillede nuller, decimaler på nul, tusindtalstegn eller et tegns "
            "form. Er de to den samme, så skriv det i feeds.yaml (et opslag eller et udtryk); de lægges "
            "aldrig sammen, fordi de ligner hinanden.",
            failing=f"""
                select number as {number}, other from {ALIKE} where feed = '{feed}'
                order by number, other""",
        ),
    ]


LISTS = [
    *_list_checks(
        "customers",
        "customer_id",
        sales=f"select customer_id as number, sum(net_sales) as amount from {NOW} group by customer_id",
        ones_en="customers",
        ones_da="kunder",
        list_da="kundeliste",
    ),
    *_list_checks(
        "products",
        "product_id",
        sales="""
            select product_id as number, sum(invoiced_sales - returns) as amount from marts.product_accounts
            group by product_id""",
        ones_en="products",
        ones_da="varer",
        list_da="vareliste",
    ),
]

STEPS = "audit.allocation_steps"
AT_ACTUAL_RATES = f"""
    select distinct months.fiscal_year, steps.cost_pool_id
    from {STEPS} as steps inner join marts.months as months on steps.month = months.month
    where steps.line_code in ('K55', 'K56') and steps.standard_rate is null
        and exists (select 1 from raw.company where rates = 'standard')"""
# A year that the accounts have not come to yet is planned.
UNUSED_RATES = f"""
    select rates.fiscal_year, rates.cost_pool_id
    from raw.standard_rates as rates
    where rates.fiscal_year <= (select max(fiscal_year) from marts.months)
        and not exists (
            select 1 from {STEPS} as steps inner join marts.months as months on steps.month = months.month
            where steps.cost_pool_id = rates.cost_pool_id and months.fiscal_year = rates.fiscal_year
                and steps.standard_rate is not null)"""
# A bonus year ends twelve months after it starts, and has twelve more to be settled in.
UNSETTLED_BONUS = """
    select customer_id, bonus_year, sum(accrued - released) as open_balance
    from audit.bonus_roll_forward
    where bonus_year + interval 24 month <= (select max(month) from marts.company_accounts)
    group by all having sum(released) = 0 and sum(accrued) <> 0"""
# A fiscal year that the accounts begin in the middle of, and the agreements that were in force by then: in a
# month's period and in the month itself, as the macros first_month_held and last_month_held have it.
SHORT_BONUS_YEARS = """
    select distinct
        agreements.customer_id, agreements.valid_from,
        (opening.month - to_months((opening.fiscal_month - 1)::int))::date as bonus_year,
        opening.month as accounts_from
    from raw.bonus_agreements as agreements
    inner join (from marts.months order by month limit 1) as opening
        on opening.fiscal_month > 1
        and agreements.valid_from < least(opening.first_day, opening.month)
        and coalesce(agreements.valid_to, date '9999-12-31') >= greatest(opening.first_day, opening.month)
    where not exists (
        select 1 from raw.bonus_agreements as newer
        where newer.customer_id = agreements.customer_id and newer.valid_from > agreements.valid_from
            and newer.valid_from <= least(opening.last_day, last_day(opening.month)))"""
COSTING = [
    MetricCheck(
        check_name="gate__company_accounts__bonus_years_are_whole",
        subject="company_accounts",
        is_blocking=False,
        metric=f"select count(*) from ({SHORT_BONUS_YEARS})",
        unit="rows",
        maximum=0,
        en=(
            "No bonus year began before the accounts. Of one that did, their months accrue their part of a "
            "year that goes on like them; what is settled beyond that is a cost of the month of settlement."
        ),
        da=(
            "Intet bonusår er begyndt før regnskabet. Af et, der er, optjener dets måneder deres del af et "
            "år, der går som dem; hvad der afregnes ud over det, er en omkostning i afregningens måned."
        ),
        failing=f"{SHORT_BONUS_YEARS} order by customer_id, valid_from",
    ),
    MetricCheck(
        check_name="gate__company_accounts__pools_have_receivers",
        subject="company_accounts",
        is_blocking=False,
        metric=f"select count(*) from {STEPS} where finding = 'no_receiver'",
        unit="rows",
        maximum=0,
        en="Every pool with a cost has a customer that causes it; what has none is not given out (K80).",
        da="Hver pulje med en omkostning har en kunde, der forårsager den; resten er ufordelt (K80).",
        failing=f"""
            select cost_pool_id, month, driver, applies_to, unallocated from {STEPS}
            where finding = 'no_receiver' order by month, cost_pool_id""",
    ),
    MetricCheck(
        check_name="gate__company_accounts__capacity_is_not_over_used",
        subject="company_accounts",
        is_blocking=False,
        metric=f"select count(*) from {STEPS} where is_over_used",
        unit="rows",
        maximum=0,
        en="No pool is used more than its practical capacity; over-use is negative unused capacity.",
        da="Ingen pulje bruges mere end dens praktiske kapacitet; overforbrug er negativ ledig kapacitet.",
        failing=f"""
            select cost_pool_id, month, driver_total as minutes_used, practical_capacity_minutes, unused
            from {STEPS} where is_over_used order by month, cost_pool_id""",
    ),
    MetricCheck(
        check_name="gate__company_accounts__drivers_are_not_negative",
        subject="company_accounts",
        is_blocking=False,
        metric=f"select coalesce(sum(negative_receivers), 0) from {STEPS}",
        unit="rows",
        maximum=0,
        en="No customer's net driver is negative in a month; such a customer gets nothing of the pool.",
        da="Ingen kundes nettofordelingsnøgle er negativ i en måned; en sådan kunde får intet af puljen.",
        failing=f"""
            select cost_pool_id, month, driver, negative_receivers from {STEPS}
            where negative_receivers > 0 order by month, cost_pool_id""",
    ),
    MetricCheck(
        check_name="gate__company_accounts__activity_times_are_met",
        subject="company_accounts",
        is_blocking=False,
        metric="select count(*) from audit.unmet_activity_times",
        unit="rows",
        maximum=0,
        en="Every activity time meets an activity of a customer it applies to; else it may be misspelt.",
        da="Hver aktivitetstid møder en aktivitet hos en kunde, den gælder; ellers er den nok stavet galt.",
        failing="select * from audit.unmet_activity_times order by all",
    ),
    MetricCheck(
        check_name="gate__company_accounts__costs_have_customers",
        subject="company_accounts",
        is_blocking=False,
        metric="select count(*) from audit.ledger_reconciliation where without_customer <> 0",
        unit="rows",
        maximum=0,
        en="Direct costs in the ledger are supplied per customer; a line that never is stays in K80.",
        da="Direkte omkostninger i finans leveres pr. kunde; en linje, der aldrig gør, bliver i K80.",
        failing="""
            select line_code, month, ledger_amount, without_customer from audit.ledger_reconciliation
            where without_customer <> 0 order by line_code, month""",
    ),
    MetricCheck(
        check_name="gate__company_accounts__bonus_is_settled",
        subject="company_accounts",
        is_blocking=False,
        metric=f"select count(*) from ({UNSETTLED_BONUS})",
        unit="rows",
        maximum=0,
        en="Bonus accrued for a year is settled within twelve months; a settlement must be a customer cost.",
        da="Bonus hensat for et år er afregnet inden tolv måneder; afregningen skal være en kundeomkostning.",
        failing=f"{UNSETTLED_BONUS} order by bonus_year, customer_id",
    ),
    MetricCheck(
        check_name="gate__company_accounts__pools_have_standard_rates",
        subject="company_accounts",
        is_blocking=False,
        metric=f"select count(*) from ({AT_ACTUAL_RATES})",
        unit="rows",
        maximum=0,
        en="With rates: standard in company.yaml, each pool has a standard rate in each year (feed "
        "standard_rates); the ones listed are at their actual rates.",
        da="Med rates: standard i company.yaml har hver pulje en standardsats i hvert år (standard_rates); "
        "de listede er til faktiske satser.",
        failing=f"{AT_ACTUAL_RATES} order by fiscal_year, cost_pool_id",
    ),
    MetricCheck(
        check_name="gate__company_accounts__standard_rates_are_used",
        subject="company_accounts",
        is_blocking=False,
        metric=f"select count(*) from ({UNUSED_RATES})",
        unit="rows",
        maximum=0,
        en="Every standard rate is used; for one that is not, correct the pool's key or the year, or set "
        "rates: standard in company.yaml.",
        da="Hver standardsats bliver brugt; for en, der ikke gør, ret puljens nøgle eller året, eller sæt "
        "rates: standard i company.yaml.",
        failing=f"{UNUSED_RATES} order by fiscal_year, cost_pool_id",
    ),
    MetricCheck(
        check_name="gate__company_accounts__months_are_in_the_ledger",
        subject="company_accounts",
        is_blocking=False,
        metric="""
            select count(*) from marts.company_accounts
            where ledger_result is null
                and exists (select 1 from marts.company_accounts where ledger_result is not null)""",
        unit="rows",
        maximum=0,
        en="The ledger covers every month of the accounts; months it does not cover are tied to nothing.",
        da="Finans dækker hver måned i kunderegnskaberne; måneder uden finans er ikke afstemt.",
        failing="""
            select month, net_sales, db3 from marts.company_accounts
            where ledger_result is null order by month""",
    ),
    MetricCheck(
        check_name="gate__company_accounts__bonus_agreements_have_sales",
        subject="company_accounts",
        is_blocking=False,
        metric="""
            select count(*) from (
                select customer_id from raw.bonus_agreements
                except select customer_id from marts.customer_accounts where invoiced_sales <> 0)""",
        unit="rows",
        maximum=0,
        en="Every bonus agreement is on a customer with sales; that of another accrues nothing.",
        da="Hver bonusaftale er på en kunde med salg; andres aftaler giver ingen bonus.",
        failing="""
            select customer_id from raw.bonus_agreements
            except select customer_id from marts.customer_accounts where invoiced_sales <> 0
            order by customer_id""",
    ),
]

PROBLEMS = "audit.sales_policy_problems"
BEYOND_CAPACITY = """
    marts.visit_capacity where is_beyond_capacity and month = (select max(month) from marts.visit_capacity)"""
SALES = [
    MetricCheck(
        check_name="gate__kpi_values__policy_files_can_be_followed",
        subject="kpi_values",
        is_blocking=True,
        metric=f"select count(*) from {PROBLEMS} where is_blocking",
        unit="rows",
        maximum=0,
        en="Segment rules and decisions, owners, KPI targets and budgets can be followed as written.",
        da="Segmentregler og -beslutninger, kundeansvar, mål og budgetter kan følges som skrevet.",
        failing=f"""
            select sentence_en, sentence_da, source_file, source_sheet, source_record
            from {PROBLEMS} where is_blocking order by all""",
    ),
    MetricCheck(
        check_name="gate__kpi_values__policy_files_meet_the_accounts",
        subject="kpi_values",
        is_blocking=False,
        metric=f"select count(*) from {PROBLEMS} where not is_blocking",
        unit="rows",
        maximum=0,
        en="What policy files name is in the accounts; what is not counts for nothing, and may be misspelt.",
        da="Det, styringsfilerne nævner, findes i kunderegnskabet; andet tæller ikke og er nok stavet galt.",
        failing=f"""
            select sentence_en, sentence_da, source_file, source_sheet, source_record
            from {PROBLEMS} where not is_blocking order by all""",
    ),
    MetricCheck(
        check_name="gate__visit_capacity__there_is_time_for_the_visits",
        subject="visit_capacity",
        is_blocking=False,
        metric=f"select count(*) from {BEYOND_CAPACITY}",
        unit="rows",
        maximum=0,
        en="There is time for the visits that the service concepts owe; else promise fewer of them.",
        da="Der er tid til de besøg, servicekoncepterne skylder; ellers lov færre.",
        failing=f"""
            select scope_type, scope_id, planned_hours, available_hours, sentence_en, sentence_da
            from {BEYOND_CAPACITY} order by scope_type, scope_id""",
    ),
]

UNAPPROVED = "audit.waiting_approvals where is_new"
CONTROLS = [
    MetricCheck(
        check_name="gate__kpi_values__changes_are_approved",
        subject="kpi_values",
        is_blocking=True,
        metric=f"select count(*) from {UNAPPROVED}",
        unit="rows",
        maximum=0,
        en="Records changed since the last publication that need approval (company.yaml: approval) name who "
        "made and who approved them, two different people, and the approval is not the one that the record "
        "had before.",
        da="Poster, der er ændret siden sidste udgivelse og kræver godkendelse (company.yaml: approval), "
        "nævner hvem der har lavet og hvem der har godkendt dem, to forskellige, og godkendelsen er ikke "
        "den, posten havde før.",
        failing=f"""
            select sentence_en, sentence_da, source_file, source_sheet, source_record
            from {UNAPPROVED} order by all""",
    ),
]
CONTRADICTED = "temp.main.contradicted_figures"
SECOND_PATH = [
    MetricCheck(
        check_name="gate__customer_accounts__the_second_path_agrees",
        subject="customer_accounts",
        is_blocking=True,
        metric=f"select count(*) from {CONTRADICTED}",
        unit="rows",
        maximum=0,
        en="The customer accounts are the same when they are computed a second time by other means, from the "
        "records. If they are not, the program computes one of them wrongly: report the figures named here.",
        da="Kunderegnskaberne er de samme, når de beregnes en gang til på en anden måde, ud fra posterne. "
        "Er de ikke, regner programmet det ene sted forkert: meld de tal, der nævnes her.",
        failing=f"""
            select figure, scope_id as customer_id, month, made, recalculated from {CONTRADICTED}
            order by scope_id = 'company', month, scope_id, figure""",
    ),
]
NAMES = "temp.main.published_names"
PERSONAL = [
    MetricCheck(
        check_name="gate__kpi_values__names_are_kept_apart",
        subject="kpi_values",
        is_blocking=True,
        metric=f"select coalesce(sum(cells), 0) from {NAMES}",
        unit="rows",
        maximum=0,
        en="No table to be published holds a salesperson's name, unless company.yaml says salesperson_keys: "
        "plain.",
        da="Ingen tabel, der udgives, indeholder en sælgers navn, medmindre company.yaml siger "
        "salesperson_keys: plain.",
        failing=f"select table_name, column_name, cells from {NAMES} order by all",
    ),
]
COMPLETE = [
    MetricCheck(
        check_name="gate__customer_accounts__expected_files_are_there",
        subject="customer_accounts",
        is_blocking=False,
        metric="select count(*) from audit.expected_files where is_missing",
        unit="rows",
        maximum=0,
        en="Every source that is expected monthly (feeds.yaml: monthly_since) has a file for each month up "
        "to the last that any records show.",
        da="Hver kilde, der ventes månedligt (feeds.yaml: monthly_since), har en fil for hver måned til og "
        "med den sidste, som nogen poster viser.",
        failing="select feed, source, month from audit.expected_files where is_missing order by all",
    ),
    MetricCheck(
        check_name="gate__product_accounts__document_numbers_have_no_gaps",
        subject="product_accounts",
        is_blocking=False,
        metric="select coalesce(sum(missing_count), 0) from audit.document_gaps",
        unit="rows",
        maximum=0,
        en="No number is missing in the series of sales documents (audit.document_gaps).",
        da="Intet nummer mangler i salgsbilagenes nummerserier (audit.document_gaps).",
        failing="""
            select series, first_missing, last_missing, missing_count, document_before, posted_before,
                document_after, posted_after
            from audit.document_gaps order by all""",
    ),
]


# What needs no earlier publication.
ALONE = [*PLAUSIBLE, *RECORDS, *LISTS, *COSTING, *SALES, *CONTROLS, *SECOND_PATH, *PERSONAL, *COMPLETE]


def _drift_check(
    as_of: date,
    *,
    name: str,
    aggregate: str,
    is_blocking: bool,
    minimum: int,
    maximum: int | None,
    en: str,
    da: str,
) -> MetricCheck:
    """Change in percent since the previous publication, over the months that both hold but the last of them,
    which was still being filled when it was published. Planned visits put future months into a publication;
    those may change."""
    compared = f"""
        with common as (
            select month from {BEFORE} where month <= date '{as_of}'
            intersect select month from {NOW}),
        compared as (select month from common where month < (select max(month) from common))"""
    in_months = "where month in (select month from compared)"
    return MetricCheck(
        check_name=f"gate__customer_accounts__{name}",
        subject="customer_accounts",
        is_blocking=is_blocking,
        # greatest(x, -x) is the size that the change is measured against: db2 may be negative.
        metric=f"""{compared},
            earlier as (select {aggregate} as total from {BEFORE} {in_months}),
            present as (select {aggregate} as total from {NOW} {in_months})
            select present.total - earlier.total, greatest(earlier.total, -earlier.total)
            from earlier cross join present""",
        unit="%",
        minimum=minimum,
        maximum=maximum,
        en=en,
        da=da,
        failing=f"""{compared},
            earlier as (select month, {aggregate} as total from {BEFORE} {in_months} group by month),
            present as (select month, {aggregate} as total from {NOW} {in_months} group by month)
            select month, earlier.total as earlier, present.total as present
            from earlier inner join present using (month)
            where earlier.total is distinct from present.total order by month""",
    )


def _drift(as_of: date) -> list[MetricCheck]:
    """What is compared with the publication before; `as_of` is the day that counts as today."""
    return [
        MetricCheck(
            check_name="gate__customer_accounts__earlier_months_are_still_held",
            subject="customer_accounts",
            is_blocking=True,
            metric=f"""
                select count(*) from (
                    select month from {BEFORE} where month <= date '{as_of}'
                    except select month from {NOW})""",
            unit="rows",
            maximum=0,
            en="Every month of the previous publication is still there.",
            da="Hver måned i den forrige udgivelse er der stadig.",
            failing=f"""
                select month from {BEFORE} where month <= date '{as_of}'
                except select month from {NOW} order by month""",
        ),
        _drift_check(
            as_of,
            name="customers_do_not_vanish",
            aggregate="count(distinct customer_id)",
            is_blocking=True,
            minimum=-20,
            maximum=None,
            en="The number of customers in months published before has not fallen by more than 20 %.",
            da="Antallet af kunder i tidligere udgivne måneder er ikke faldet mere end 20 %.",
        ),
        _drift_check(
            as_of,
            name="account_rows_do_not_vanish",
            aggregate="count(*)",
            is_blocking=True,
            minimum=-20,
            maximum=None,
            en="The number of account rows in months published before has not fallen by more than 20 %.",
            da="Antallet af regnskabsrækker i tidligere udgivne måneder er ikke faldet mere end 20 %.",
        ),
        _drift_check(
            as_of,
            name="net_sales_do_not_drift",
            aggregate="coalesce(sum(net_sales), 0)",
            is_blocking=False,
            minimum=-10,
            maximum=10,
            en="Net sales of months published before have changed by at most 10 %.",
            da="Nettoomsætningen i tidligere udgivne måneder er højst ændret 10 %.",
        ),
        _drift_check(
            as_of,
            name="db2_does_not_drift",
            aggregate="coalesce(sum(db2), 0)",
            is_blocking=False,
            minimum=-10,
            maximum=10,
            en="DB II of months published before has changed by at most 10 %.",
            da="DB II i tidligere udgivne måneder er højst ændret 10 %.",
        ),
    ]


def gate_checks() -> list[ExpectedCheck]:
    """The checks that run_gate gives a result for."""
    return [
        ExpectedCheck(stage="gate", check_name=check.check_name, is_blocking=check.is_blocking)
        for check in gate_catalogue()
    ]


def gate_catalogue() -> list[MetricCheck]:
    """The declarations of those checks, for whoever shows them; the day in their SQL is no real one."""
    return _checks(date.max)


def _checks(as_of: date) -> list[MetricCheck]:
    return [*ALONE, *_drift(as_of)]


def run_gate(
    con: duckdb.DuckDBPyConnection,
    previous: Path | None,
    as_of: date,
    names: Collection[str] = (),
    contradicted: Sequence[Contradicted] = (),
) -> list[CheckResult]:
    """Checks the marts.

    Args:
        previous: the kunderegnskab.duckdb of the current publication, if there is one.
        as_of: the day that the refresh counts as today.
        names: the salespeople's, which must not be published.
        contradicted: figures that a second path computes otherwise.

    Raises duckdb.Error when `previous` cannot be opened.
    """
    _look_for(con, names)
    _note_contradicted(con, contradicted)
    _compare_forms(con)
    with earlier_publication(con, previous):
        if previous is not None:
            return run_checks(con, "gate", _checks(as_of))
        nothing_to_compare = [
            result_of(check, "gate", "passed", observed="no earlier publication") for check in _drift(as_of)
        ]
        return run_checks(con, "gate", ALONE) + nothing_to_compare


def _look_for(con: duckdb.DuckDBPyConnection, names: Collection[str]) -> None:
    """Note in which columns of the warehouse names stand."""
    con.execute(
        f"create or replace temp table {NAMES} (table_name varchar, column_name varchar, cells bigint)"
    )
    if names:
        ((catalog,),) = con.execute("select current_database()").fetchall()
        for found in cells_that_are(con, catalog, names):
            con.execute(f"insert into {NAMES} values (?, ?, ?)", [*found])


def _note_contradicted(con: duckdb.DuckDBPyConnection, contradicted: Sequence[Contradicted]) -> None:
    con.execute(
        f"create or replace temp table {CONTRADICTED} (figure varchar, scope_id varchar, month date, "
        "made decimal(38, 6), recalculated decimal(38, 6))"
    )
    insert_rows(con, CONTRADICTED, contradicted)


def _compare_forms(con: duckdb.DuckDBPyConnection) -> None:
    """Note which numbers are written like another: each beside one of the list, or beside an earlier one.

    Numbers are compared, not records: once for each customer and product.
    """
    con.execute(f"create or replace temp table {ALIKE} (feed varchar, number varchar, other varchar)")
    for feed, number in (("customers", "customer_id"), ("products", "product_id")):
        try:
            con.execute(f"""
                insert into {ALIKE}
                with forms as (
                    select {number} as number, is_in_list, {plain_number(number)} as form
                    from marts.{feed} where not is_unknown)
                select {literal(feed)}, one.number, other.number
                from forms as one inner join forms as other
                    on one.form = other.form and one.number <> other.number
                where not one.is_in_list and (other.is_in_list or one.number > other.number)
                    or one.is_in_list and other.is_in_list and one.number > other.number""")
        except (duckdb.CatalogException, duckdb.BinderException):
            continue  # not built, or not as declared: the check of what the list lacks says so


@contextmanager
def earlier_publication(con: duckdb.DuckDBPyConnection, path: Path | None) -> Generator[None]:
    """The publication that drift is measured against, attached under the name that the checks' SQL uses."""
    if path is None:
        yield
        return
    con.execute(f"attach {literal(path.resolve())} as {EARLIER} (read_only)")
    try:
        yield
    finally:
        con.execute(f"detach {EARLIER}")
