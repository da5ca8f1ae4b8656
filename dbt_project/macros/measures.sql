{# What a customer account measures and can be summed over months and customers, and how it is summed over windows of
   time. What KPIs are made of these belongs in macros/kpis.sql. #}

{# Columns of customer_accounts and portfolio_accounts that add up. #}
{% macro account_measures() -%}
    {{ return(ladder_measures() + count_measures()) }}
{%- endmacro %}

{# Those that are lines of the ladder. #}
{% macro ladder_measures() -%}
    {{ return([
        'list_sales', 'invoice_discount', 'invoiced_sales', 'returns', 'bonus', 'cash_discount', 'net_sales', 'cogs',
        'db1', 'freight', 'handling', 'other_direct', 'db2', 'order_cost', 'sales_effort_cost', 'credit_cost', 'db3',
    ]) }}
{%- endmacro %}

{# Those that are not: counts and memo amounts. #}
{% macro count_measures() -%}
    {{ return([
        'order_count', 'line_count', 'return_line_count', 'visit_count', 'visit_minutes', 'freight_charged',
        'sales_without_cost',
    ]) }}
{%- endmacro %}

{# Every measure over every window of time, beside the same measure over the window it is compared with.

   relation: has month, the columns of key, and every account measure
   key: list of columns, never NULL; gives month, time_window, key, each measure, and each measure as compared_<measure>
   (0 where nothing was posted, and where the window has none to be compared with).

   A window's sum is what has run up at its end less what had run up before its beginning, so that each month is summed
   once and not once per window that it is in. #}
{% macro window_sums(relation, key) -%}
{%- set totals = [
    ('now', 'last_month'), ('earlier', 'before_first_month'),
    ('compared', 'compared_last_month'), ('compared_earlier', 'compared_before_first_month'),
] -%}
with windows as (
    select
        month,
        time_window,
        month as last_month,
        {{ add_months('first_month', '-1') }} as before_first_month,
        compared_last_month,
        {{ add_months('compared_first_month', '-1') }} as compared_before_first_month
    from {{ ref('time_windows') }}
),

account_months as (
    select
        {%- for column in key %}
        {{ column }},
        {%- endfor %}
        {%- for measure in account_measures() %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        month
    from {{ relation }}
    group by {% for column in key %}{{ column }}, {% endfor %}month
),

-- Every month of which the sum so far is asked for, or changes.
window_months as (
    select month
    from account_months
    {%- for total, month in totals %}
    union distinct
    select {{ month }} as month
    from windows
    where {{ month }} is not null
    {%- endfor %}
),

keys as (
    select distinct
        {%- for column in key %}
        {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from account_months
),

running as (
    select
        {%- for column in key %}
        keys.{{ column }},
        {%- endfor %}
        window_months.month,
        {%- for measure in account_measures() %}
        cast(coalesce(sum(accounts.{{ measure }}) over so_far, 0) as decimal(18, 4)) as {{ measure }},
        {%- endfor %}
        count(accounts.month) over so_far as month_count
    from keys
    cross join window_months
    left join account_months as accounts
        on
            {%- for column in key %}
            keys.{{ column }} = accounts.{{ column }} and
            {%- endfor %}
            window_months.month = accounts.month
    window so_far as (
        partition by {% for column in key %}keys.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
        order by window_months.month asc nulls last
        rows between unbounded preceding and current row
    )
)

select
    {%- for column in key %}
    now.{{ column }},
    {%- endfor %}
    windows.month,
    windows.time_window,
    {%- for measure in account_measures() %}
    cast(now.{{ measure }} - coalesce(earlier.{{ measure }}, 0) as decimal(18, 4)) as {{ measure }},
    cast(
        coalesce(compared.{{ measure }}, 0) - coalesce(compared_earlier.{{ measure }}, 0) as decimal(18, 4)
    ) as compared_{{ measure }}
    {{- ',' if not loop.last }}
    {%- endfor %}
from windows
inner join running as now
    on windows.last_month = now.month
{%- for total, month in totals[1:] %}
left join running as {{ total }}
    on
        {%- for column in key %}
        now.{{ column }} = {{ total }}.{{ column }} and
        {%- endfor %}
        windows.{{ month }} = {{ total }}.month
{%- endfor %}
-- Nothing posted in either window is no row.
where
    now.month_count > coalesce(earlier.month_count, 0)
    or coalesce(compared.month_count, 0) > coalesce(compared_earlier.month_count, 0)
{%- endmacro %}
