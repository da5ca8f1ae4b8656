{# What a customer account measures and can be summed over months and customers, and how it is summed over windows of
   time. Which KPIs are made of these: macros/kpis.sql. #}

{# Columns of customer_accounts and portfolio_accounts that add up. #}
{% macro account_measures() -%}
    {{ return(ladder_measures() + count_measures()) }}
{%- endmacro %}

{# The lines of a customer's ladder in the standard's order: code, column, and whether it is a subtotal. Names, and what
   a company changes of order and use, stand in the model ladder. Whatever has a column, a row or a term per line
   follows from this list. #}
{% macro ladder_lines() -%}
    {{ return([
        ('K00', 'list_sales', false), ('K05', 'invoice_discount', false), ('K10', 'invoiced_sales', true),
        ('K15', 'returns', false), ('K20', 'bonus', false), ('K25', 'cash_discount', false), ('K30', 'net_sales', true),
        ('K35', 'cogs', false), ('K40', 'db1', true), ('K45', 'freight', false), ('K46', 'handling', false),
        ('K47', 'other_direct', false), ('K50', 'db2', true), ('K55', 'order_cost', false),
        ('K56', 'sales_effort_cost', false), ('K57', 'credit_cost', false), ('K60', 'db3', true),
    ]) }}
{%- endmacro %}

{# The line of each type of customer cost, by its column. #}
{% macro cost_type_lines() -%}
    {{ return({
        'bonus': 'bonus', 'marketing': 'bonus', 'cash_discount': 'cash_discount', 'return_write_down': 'cogs',
        'freight': 'freight', 'return_handling': 'handling', 'commission': 'other_direct', 'bad_debt': 'other_direct',
        'other': 'other_direct',
    }) }}
{%- endmacro %}

{# Columns of the ladder's lines. #}
{% macro ladder_measures() -%}
    {{ return(ladder_lines() | map(attribute=1) | list) }}
{%- endmacro %}

{# Columns of the lines that hold amounts; the others are sums of these. #}
{% macro ladder_amounts() -%}
    {{ return(ladder_lines() | rejectattr(2) | map(attribute=1) | list) }}
{%- endmacro %}

{# Columns of the lines that are sums. #}
{% macro ladder_subtotals() -%}
    {{ return(ladder_lines() | selectattr(2) | map(attribute=1) | list) }}
{%- endmacro %}

{# Columns of the amounts that are taken of invoiced sales. #}
{% macro ladder_costs() -%}
    {{ return(ladder_amounts() | reject('in', ['list_sales', 'invoice_discount']) | list) }}
{%- endmacro %}

{# Columns of the lines that customer costs go to, in the ladder's order. #}
{% macro customer_cost_lines() -%}
    {{ return(ladder_amounts() | select('in', cost_type_lines().values()) | list) }}
{%- endmacro %}

{# What driver_opportunities compares: name of the driver, column of its cost, and of what the cost is a part of. #}
{% macro cost_drivers() -%}
    {%- set names = {'sales_effort_cost': 'sales_effort', 'credit_cost': 'credit'} %}
    {%- set drivers = [('discount', 'invoice_discount', 'list_sales')] %}
    {%- for cost in ladder_costs() if cost != 'cogs' %}
        {%- do drivers.append((names.get(cost, cost), cost, 'invoiced_sales')) %}
    {%- endfor %}
    {{ return(drivers) }}
{%- endmacro %}

{# The company's ladder in one row, for accounts that hold its lines side by side: which lines are used, and with which
   sign each amount is in each subtotal. Order and use are decided in ladder, what a column is the sum of in
   ladder_terms. #}
{% macro ladder_signs() -%}
select
        {%- for column in ladder_measures() %}
        max(case when column_name = '{{ column }}' then 1 else 0 end) as {{ column }}__is_used,
        {%- endfor %}
        {%- for subtotal in ladder_subtotals() %}
        {%- for code, amount, is_subtotal in ladder_lines() if not is_subtotal %}
        sum(case when column_name = '{{ subtotal }}' and line_code = '{{ code }}' then sign else 0 end)
            as {{ subtotal }}__{{ amount }},
        {%- endfor %}
        {%- endfor %}
        count(*) as term_count
    from {{ ref('ladder_terms') }}
{%- endmacro %}

{# The subtotals of the company's ladder, one column each, decimal(18, 4): every amount with the sign that
   ladder_signs has for it. amounts, signs: aliases of relations. #}
{% macro ladder_sums(amounts, signs) -%}
    {%- for subtotal in ladder_subtotals() %}
    cast(
        {%- for amount in ladder_amounts() %}
            {{ '+ ' if not loop.first }}case {{ signs }}.{{ subtotal }}__{{ amount }}
                when 1 then {{ amounts }}.{{ amount }} when -1 then -{{ amounts }}.{{ amount }} else 0
            end
        {%- endfor %} as decimal(18, 4)
    ) as {{ subtotal }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Measures that are no lines: counts and memo amounts. #}
{% macro count_measures() -%}
    {{ return([
        'order_count', 'line_count', 'return_line_count', 'visit_count', 'visit_minutes', 'freight_charged',
        'sales_without_cost', 'returns_without_cost',
    ]) }}
{%- endmacro %}

{# Columns of the lines that cost pools are given out to, each with the code of its line. #}
{% macro pool_lines() -%}
    {{ return({'order_cost': 'K55', 'sales_effort_cost': 'K56'}) }}
{%- endmacro %}

{# What of each line that pools pay comes of other rates than in the window that is compared with: memo amounts. #}
{% macro rate_measures() -%}
    {%- set measures = [] %}
    {%- for line in pool_lines() %}
        {%- do measures.append(line ~ '_rate_change') %}
    {%- endfor %}
    {{ return(measures) }}
{%- endmacro %}

{# The same per month: column, line's code, measure and how many months back the rates are that a month is compared
   with. A month is in windows that are compared with a year ago, and in one compared with three months ago. #}
{% macro rate_months() -%}
    {%- set columns = [] %}
    {%- for line, code in pool_lines().items() %}
        {%- for back in months_back().values() | unique %}
            {%- do columns.append((line ~ '_rate_change_' ~ back, code, line ~ '_rate_change', back)) %}
        {%- endfor %}
    {%- endfor %}
    {{ return(columns) }}
{%- endmacro %}

{# The rates' part of a subtotal, decimal(18, 4): of every line that pools pay, the part that other rates make, with the
   sign that the line has in the subtotal. Less it, the subtotal is what the same usage would have left at the rates of
   then. rates: alias of a relation with rate_measures; signs: of ladder_signs. #}
{% macro rate_effect(subtotal, rates, signs) -%}
    cast(
        {%- for line in pool_lines() %}
            {{ '+ ' if not loop.first }}case {{ signs }}.{{ subtotal }}__{{ line }}
                when 1 then {{ rates }}.{{ line }}_rate_change when -1 then -{{ rates }}.{{ line }}_rate_change else 0
            end
        {%- endfor %} as decimal(18, 4)
    )
{%- endmacro %}

{# Each customer's rate_months. #}
{% macro customer_rate_changes() -%}
    select
        customer_id,
        month,
        {%- for column, code, measure, back in rate_months() %}
        sum(case when line_code = '{{ code }}' and months_back = {{ back }} then rate_change else 0 end) as {{ column }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_pool_rate_changes') }}
    where rate_change <> 0
    group by customer_id, month
{%- endmacro %}

{# The orders of each customer and month; an order of several months is one in each. #}
{% macro order_counts() -%}
    select
        customer_id,
        month,
        cast(count(*) as bigint) as order_count
    from {{ ref('int_customer_orders') }}
    where line_count > 0
    group by customer_id, month
{%- endmacro %}

{# How many customers stand behind a scope. They do not add up over months, salespeople or teams. #}
{% macro customer_count_measures() -%}
    {{ return(['customer_count', 'new_customer_count', 'lost_customer_count']) }}
{%- endmacro %}

{# What of a scope's figures is with its good customers, and which figure it is a part of. Who is good is asked at the
   end of the window, so they do not add up over months. #}
{% macro good_customer_measures() -%}
    {{ return({'good_net_sales': 'net_sales', 'good_visit_count': 'visit_count'}) }}
{%- endmacro %}

{# What a scope has beside the measures of its accounts. #}
{% macro customer_base_measures() -%}
    {{ return(customer_count_measures() + good_customer_measures().keys() | list) }}
{%- endmacro %}

{# Every measure over every window of time, beside the same measure over the window it is compared with.

   relation: has month, the columns of key, and every account measure
   key: list of columns, never NULL; gives month, time_window, key, each measure, and each measure as compared_<measure>
   (0 where nothing was posted, and where the window has none to be compared with), has_orders and compared_has_orders
   repeated_orders: SQL of the orders that are orders of an earlier month too: the columns of key, month, previous_month
   (the last one before) and order_count
   rate_changes: SQL of what other rates make of the lines that pools pay: the columns of key, month and rate_months;
   gives rate_measures, of the window alone, 0 where it is compared with none

   A window's sum is what has run up at its end less what had run up before its beginning, so that each month is summed
   once and not once per window that it is in. An order of several months is one order of a window that has them: it
   counts in the first of them. #}
{% macro window_sums(relation, key, repeated_orders, rate_changes) -%}
{%- set totals = [
    ('now', 'last_month'), ('earlier', 'before_first_month'),
    ('compared', 'compared_last_month'), ('compared_earlier', 'compared_before_first_month'),
] -%}
{%- set changed = {} %}
{%- for measure in rate_measures() %}
{%- set of_windows -%}
    case
            when windows.compared_first_month is null then 0
            {%- for window, back in months_back().items() %}
            when windows.time_window = '{{ window }}'
                then now.{{ measure }}_{{ back }} - coalesce(earlier.{{ measure }}_{{ back }}, 0)
            {%- endfor %}
        end
{%- endset %}
{%- do changed.update({measure: of_windows}) %}
{%- endfor %}
with windows as (
    select
        month,
        time_window,
        first_month,
        month as last_month,
        {{ add_months('first_month', '-1') }} as before_first_month,
        compared_first_month,
        compared_last_month,
        {{ add_months('compared_first_month', '-1') }} as compared_before_first_month
    from {{ ref('time_windows') }}
),

-- A pool that has ended changes the cost of a month in which nothing was posted.
account_months as (
    select
        {{ each('{}', key, ', ') }},
        month,
        {%- for measure in account_measures() %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        {%- for column, code, measure, back in rate_months() %}
        sum({{ column }}) as {{ column }},
        {%- endfor %}
        max(is_posted) as is_posted
    from (
        select
            {{ each('{}', key, ', ') }},
            month,
            {{ each('{}', account_measures(), ', ') }},
            {%- for column, code, measure, back in rate_months() %}
            0 as {{ column }},
            {%- endfor %}
            1 as is_posted
        from {{ relation }}
        union all
        select
            {{ each('{}', key, ', ') }},
            month,
            {{ each('0 as {}', account_measures(), ', ') }},
            {%- for column, code, measure, back in rate_months() %}
            {{ column }},
            {%- endfor %}
            0 as is_posted
        from ({{ rate_changes }}) as rate_changes
    ) as posted_and_compared
    group by {{ each('{}', key, ', ') }}, month
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
        {%- for column, code, measure, back in rate_months() %}
        cast(coalesce(sum(accounts.{{ column }}) over so_far, 0) as decimal(18, 4)) as {{ column }},
        {%- endfor %}
        coalesce(sum(accounts.is_posted) over so_far, 0) as month_count
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
),

repeated as (
    {{ repeated_orders }}
),

repeats as (
    select
        {%- for column in key %}
        repeated.{{ column }},
        {%- endfor %}
        windows.month,
        windows.time_window,
        sum(case when repeated.previous_month >= windows.first_month then repeated.order_count else 0 end)
            as order_count,
        sum(
            case
                when
                    repeated.previous_month >= windows.compared_first_month
                    and repeated.month <= windows.compared_last_month
                    then repeated.order_count
                else 0
            end
        ) as compared_order_count
    from repeated
    inner join windows
        on
            repeated.month <= windows.month
            and repeated.previous_month >= coalesce(windows.compared_first_month, windows.first_month)
    group by {% for column in key %}repeated.{{ column }}, {% endfor %}windows.month, windows.time_window
)

select
    {%- for column in key %}
    now.{{ column }},
    {%- endfor %}
    windows.month,
    windows.time_window,
    {%- for measure in account_measures() %}
    {%- set less = {'order_count': ' - coalesce(repeats.' ~ measure ~ ', 0)'}.get(measure, '') %}
    {%- set compared_less = {'order_count': ' - coalesce(repeats.compared_' ~ measure ~ ', 0)'}.get(measure, '') %}
    cast(now.{{ measure }} - coalesce(earlier.{{ measure }}, 0){{ less }} as decimal(18, 4)) as {{ measure }},
    cast(
        coalesce(compared.{{ measure }}, 0) - coalesce(compared_earlier.{{ measure }}, 0){{ compared_less }}
        as decimal(18, 4)
    ) as compared_{{ measure }},
    {%- endfor %}
    {%- for measure in rate_measures() %}
    cast({{ changed[measure] }} as decimal(18, 4)) as {{ measure }},
    {%- endfor %}
    -- An owner may have part of an order that the window counts at another.
    now.order_count > coalesce(earlier.order_count, 0) as has_orders,
    coalesce(compared.order_count, 0) > coalesce(compared_earlier.order_count, 0) as compared_has_orders
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
left join repeats
    on
        {%- for column in key %}
        now.{{ column }} = repeats.{{ column }} and
        {%- endfor %}
        windows.month = repeats.month and windows.time_window = repeats.time_window
-- Nothing posted in either window is no row; but who has taken a customer over since a pool has ended, has a change.
where
    now.month_count > coalesce(earlier.month_count, 0)
    or coalesce(compared.month_count, 0) > coalesce(compared_earlier.month_count, 0)
    {%- for measure in rate_measures() %}
    or {{ changed[measure] }} <> 0
    {%- endfor %}
{%- endmacro %}
