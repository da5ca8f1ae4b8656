{# Fails for each budget, actual or effect of rates of the fiscal year so far that is not the sum of the months of the
   year. The effect is NULL where a month has none to be compared with. #}
{% macro budget_follow_up__ytd_sums_the_months() -%}
with sums as (
    select
        months.scope_type,
        months.scope_id,
        windows.month,
        months.measure,
        sum(months.budget) as budget,
        sum(months.actual) as actual,
        case when count(*) = count(months.pool_rate_effect) then sum(months.pool_rate_effect) end as pool_rate_effect
    from {{ ref('budget_follow_up') }} as months
    inner join {{ ref('time_windows') }} as windows
        on months.month >= windows.first_month and months.month <= windows.month
    where months.time_window = 'month' and windows.time_window = 'ytd'
    group by months.scope_type, months.scope_id, windows.month, months.measure
)

select
    so_far.scope_type,
    so_far.scope_id,
    so_far.month,
    so_far.measure,
    so_far.budget,
    sums.budget as budget_of_months,
    so_far.actual,
    sums.actual as actual_of_months,
    so_far.pool_rate_effect,
    sums.pool_rate_effect as pool_rate_effect_of_months
from {{ ref('budget_follow_up') }} as so_far
left join sums
    on
        so_far.scope_type = sums.scope_type
        and so_far.scope_id = sums.scope_id
        and so_far.month = sums.month
        and so_far.measure = sums.measure
where
    so_far.time_window = 'ytd'
    and (
        so_far.budget is distinct from sums.budget
        or so_far.actual is distinct from sums.actual
        or so_far.pool_rate_effect is distinct from sums.pool_rate_effect
    )
{%- endmacro %}
