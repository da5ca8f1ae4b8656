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
   key: list of columns; gives month, time_window, key, each measure, and each measure as compared_<measure>
   (0 where nothing was posted, and where the window has none to be compared with). #}
{% macro window_sums(relation, key) -%}
    select
        {%- for column in key %}
        {{ column }},
        {%- endfor %}
        month,
        time_window,
        {%- for measure in account_measures() %}
        cast(sum(case when is_compared then 0 else {{ measure }} end) as decimal(18, 4)) as {{ measure }},
        cast(sum(case when is_compared then {{ measure }} else 0 end) as decimal(18, 4)) as compared_{{ measure }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from (
        {%- for is_compared in ['false', 'true'] %}
        {%- set first, last = ('first_month', 'month') if is_compared == 'false'
            else ('compared_first_month', 'compared_last_month') %}
        select
            {%- for column in key %}
            accounts.{{ column }},
            {%- endfor %}
            windows.month,
            windows.time_window,
            {{ is_compared }} as is_compared,
            {%- for measure in account_measures() %}
            accounts.{{ measure }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ relation }} as accounts
        inner join {{ ref('time_windows') }} as windows
            on accounts.month >= windows.{{ first }} and accounts.month <= windows.{{ last }}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as windowed
    group by {% for column in key %}{{ column }}, {% endfor %}month, time_window
{%- endmacro %}
