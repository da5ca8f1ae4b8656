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
    scope_type,
    scope_id,
    month,
    time_window,
    measure,
    cast(budget as decimal(18, 4)) as budget,
    cast(actual as decimal(18, 4)) as actual,
    cast(actual - budget as decimal(18, 4)) as variance,
    cast(budget_month_count as bigint) as budget_month_count,
    budget_month_count = month_count as is_complete
from windowed
where has_last_month = 1
