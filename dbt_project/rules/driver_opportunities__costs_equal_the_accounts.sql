{# Fails for each driver whose costs or bases over all customers are not what the accounts of the customers in a
   class come to, bad debts left out, and where customers are missing. #}
{% macro driver_opportunities__costs_equal_the_accounts() -%}
with as_of as (
    select max(month) as month
    from {{ ref('time_windows') }}
),

bad_debts as (
    select
        costs.customer_id,
        sum(costs.amount) as amount
    from {{ ref('int_customer_costs_valued') }} as costs
    inner join {{ ref('time_windows') }} as windows
        on costs.month >= windows.first_month and costs.month <= windows.month and windows.time_window = 'r12'
    inner join as_of
        on windows.month = as_of.month
    inner join {{ ref('ladder') }} as lines
        on costs.column_name = lines.column_name and lines.is_used
    where costs.cost_type = 'bad_debt'
    group by costs.customer_id
),

accounts as (
    select
        sums.*,
        coalesce(bad_debts.amount, 0) as bad_debt
    from {{ ref('int_customer_windows') }} as sums
    inner join as_of
        on sums.month = as_of.month and sums.time_window = 'r12'
    inner join {{ ref('customer_segments') }} as segments
        on sums.customer_id = segments.customer_id and sums.month = segments.month
    inner join {{ ref('int_segment_codes') }} as codes
        on segments.rule_version = codes.rule_version and segments.segment = codes.segment
    left join bad_debts
        on sums.customer_id = bad_debts.customer_id
),

expected as (
    {%- for driver, cost, base in cost_drivers() %}
    select
        '{{ driver }}' as driver,
        count(*) as customer_count,
        sum({{ cost }}{{ ' - bad_debt' if cost == cost_type_lines()['bad_debt'] }}) as cost,
        sum({{ base }}) as base
    from accounts
    where {{ base }} > 0
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

found as (
    select
        driver,
        count(*) as customer_count,
        sum(cost) as cost,
        sum(base) as base
    from {{ ref('driver_opportunities') }}
    group by driver
)

select
    expected.driver,
    expected.cost as expected_cost,
    found.cost,
    expected.base as expected_base,
    found.base,
    expected.customer_count as expected_customer_count,
    found.customer_count
from expected
left join found
    on expected.driver = found.driver
where
    coalesce(expected.cost, 0) is distinct from coalesce(found.cost, 0)
    or coalesce(expected.base, 0) is distinct from coalesce(found.base, 0)
    or expected.customer_count is distinct from coalesce(found.customer_count, 0)
{%- endmacro %}
