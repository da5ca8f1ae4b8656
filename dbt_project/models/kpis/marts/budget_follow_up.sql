-- Budgets against what became of them, for the month and the fiscal year so far. Only months that a budget was supplied
-- for are compared. Targets of KPIs belong in kpi_values.
{%- set measures = ['net_sales', 'db1', 'db2', 'db3'] %}

with budgets as (
    {%- for measure in measures %}
    select
        scope_type,
        scope_id,
        month,
        '{{ measure }}' as measure,
        {{ measure }} as budget
    from {{ ref('stg_budgets') }}
    where {{ measure }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

signs as (
    {{ ladder_signs() }}
),

figures as (
    {%- for measure in measures %}
    select
        scopes.scope_type,
        scopes.scope_id,
        scopes.month,
        '{{ measure }}' as measure,
        scopes.{{ measure }} as actual,
        {{ rate_effect(measure, 'scopes', 'signs') }} as pool_rate_effect
    from {{ ref('scope_windows') }} as scopes
    cross join signs
    where scopes.time_window = 'month'
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- A month of a budget so far, with or without figures; months that the accounts do not have yet are ahead.
months as (
    select
        budgets.scope_type,
        budgets.scope_id,
        budgets.month,
        budgets.measure,
        budgets.budget,
        coalesce(figures.actual, 0) as actual,
        coalesce(figures.pool_rate_effect, 0) as pool_rate_effect,
        case when windows.compared_first_month is null then 0 else 1 end as is_compared
    from budgets
    inner join {{ ref('time_windows') }} as windows
        on budgets.month = windows.month and windows.time_window = 'month'
    left join figures
        on
            budgets.scope_type = figures.scope_type
            and budgets.scope_id = figures.scope_id
            and budgets.month = figures.month
            and budgets.measure = figures.measure
),

windowed as (
    select
        months.scope_type,
        months.scope_id,
        windows.month,
        windows.time_window,
        months.measure,
        sum(months.budget) as budget,
        sum(months.actual) as actual,
        sum(months.pool_rate_effect) as pool_rate_effect,
        min(months.is_compared) as is_compared,
        count(*) as budget_month_count,
        max(windows.month_count) as month_count,
        max(case when months.month = windows.month then 1 else 0 end) as has_last_month
    from months
    inner join {{ ref('time_windows') }} as windows
        on
            months.month >= windows.first_month
            and months.month <= windows.month
            and windows.time_window in ('month', 'ytd')
    group by months.scope_type, months.scope_id, windows.month, windows.time_window, months.measure
)

select
    windowed.scope_type,
    windowed.scope_id,
    windowed.month,
    windowed.time_window,
    windowed.measure,
    cast(windowed.budget as decimal(18, 4)) as budget,
    cast(windowed.actual as decimal(18, 4)) as actual,
    cast(windowed.actual - windowed.budget as decimal(18, 4)) as variance,
    -- A budget has no minutes and orders, so the difference to it is not taken apart; what other rates than a year
    -- before make of the actual figure stands beside it.
    case when windowed.is_compared = 1 then cast(windowed.pool_rate_effect as decimal(18, 4)) end as pool_rate_effect,
    cast(windowed.budget_month_count as bigint) as budget_month_count,
    windowed.budget_month_count = windowed.month_count as is_complete,
    -- A year is budgeted by the rules that it opens with.
    case
        when windowed.scope_type in ({{ quoted(segment_scope_types()) }})
            then versions.rule_version <> versions.opening_rule_version
    end as is_rule_change
from windowed
inner join {{ ref('int_segment_versions') }} as versions
    on windowed.month = versions.month and windowed.time_window = versions.time_window
where windowed.has_last_month = 1
