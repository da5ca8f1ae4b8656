{# Fails for each month whose costs over all segments are not the company's of the twelve months. #}
{% macro segment_service_concepts__sum_to_the_accounts() -%}
with account_sums as (
    select
        windows.month,
        sum(accounts.visit_count) as visit_count,
        sum(accounts.invoiced_sales) as invoiced_sales,
        sum(accounts.sales_effort_cost + accounts.order_cost + accounts.freight + accounts.bonus) as concept_cost
    from {{ ref('customer_accounts') }} as accounts
    inner join {{ ref('time_windows') }} as windows
        on
            windows.time_window = 'r12'
            and accounts.month >= windows.first_month
            and accounts.month <= windows.month
    group by windows.month
),

concept_sums as (
    select
        month,
        sum(visit_count) as visit_count,
        sum(invoiced_sales) as invoiced_sales,
        sum(sales_effort_cost + order_cost + freight + bonus) as cost_parts,
        sum(concept_cost) as concept_cost
    from {{ ref('segment_service_concepts') }}
    group by month
)

select
    coalesce(account_sums.month, concept_sums.month) as month,
    account_sums.concept_cost as account_cost,
    concept_sums.concept_cost,
    concept_sums.cost_parts,
    account_sums.invoiced_sales as account_invoiced_sales,
    concept_sums.invoiced_sales,
    account_sums.visit_count as account_visit_count,
    concept_sums.visit_count
from account_sums
full join concept_sums
    on account_sums.month = concept_sums.month
where
    coalesce(account_sums.concept_cost, 0) is distinct from coalesce(concept_sums.concept_cost, 0)
    or coalesce(account_sums.concept_cost, 0) is distinct from coalesce(concept_sums.cost_parts, 0)
    or coalesce(account_sums.invoiced_sales, 0) is distinct from coalesce(concept_sums.invoiced_sales, 0)
    or coalesce(account_sums.visit_count, 0) is distinct from coalesce(concept_sums.visit_count, 0)
{%- endmacro %}
