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

figures as (
    {%- for measure in measures %}
    select
        scope_type,
        scope_id,
        month,
        '{{ measure }}' as measure,
        {{ measure }} as actual
    from {{ ref('scope_windows') }}
    where time_window = 'month'
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
        coalesce(figures.actual, 0) as actual
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
    cast(windowed.budget_month_count as bigint) as budget_month_count,
    windowed.budget_month_count = windowed.month_count as is_complete,
    -- A year is budgeted by the rules that it opens with.
    case
        when windowed.scope_type in ({{ quoted(segment_scope_types()) }})
            then coalesce(versions.rule_version <> versions.opening_rule_version, false)
    end as is_rule_change
from windowed
inner join {{ ref('int_segment_versions') }} as versions
    on windowed.month = versions.month and windowed.time_window = versions.time_window
where windowed.has_last_month = 1
