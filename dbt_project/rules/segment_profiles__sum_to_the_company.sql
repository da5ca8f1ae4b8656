{# Fails for each month whose segments, without the good customers' own row, do not sum to the company over the
   twelve months: amounts to the company account, counts to the customers' accounts, orders to those of the window, each
   once. #}
{% macro segment_profiles__sum_to_the_company() -%}
{%- set amounts = ['invoiced_sales', 'returns', 'bonus', 'net_sales', 'db1', 'db2', 'db3', 'freight'] %}
{%- set counts = ['line_count', 'visit_count'] %}

with profiles as (
    select
        {%- for column in amounts + counts %}
        sum({{ column }}) as {{ column }},
        {%- endfor %}
        sum(order_count) as order_count,
        month
    from {{ ref('segment_profiles') }}
    where segment is distinct from {{ good_customers_name() }}
    group by month
),

accounts as (
    select
        {%- for column in amounts %}
        {{ column }},
        {%- endfor %}
        {%- for column in counts %}
        0 as {{ column }},
        {%- endfor %}
        month
    from {{ ref('company_accounts') }}
    union all
    select
        {%- for column in amounts %}
        0 as {{ column }},
        {%- endfor %}
        {%- for column in counts %}
        {{ column }},
        {%- endfor %}
        month
    from {{ ref('customer_accounts') }}
),

company as (
    select
        {%- for column in amounts + counts %}
        sum(accounts.{{ column }}) as {{ column }},
        {%- endfor %}
        windows.month
    from {{ ref('time_windows') }} as windows
    inner join accounts
        on windows.first_month <= accounts.month and windows.month >= accounts.month
    where windows.time_window = 'r12'
    group by windows.month
),

window_orders as (
    select distinct
        windows.month,
        orders.customer_id,
        orders.order_kind,
        orders.order_key
    from {{ ref('time_windows') }} as windows
    inner join {{ ref('int_customer_orders') }} as orders
        on windows.first_month <= orders.month and windows.month >= orders.month and orders.line_count > 0
    where windows.time_window = 'r12'
),

orders as (
    select
        month,
        count(*) as order_count
    from window_orders
    group by month
)

select
    coalesce(profiles.month, company.month) as month,
    profiles.net_sales as net_sales_of_segments,
    company.net_sales,
    profiles.db3 as db3_of_segments,
    company.db3,
    profiles.order_count as orders_of_segments,
    orders.order_count
from profiles
full join company
    on profiles.month = company.month
left join orders
    on company.month = orders.month
where
    company.month is null
    or coalesce(profiles.order_count, 0) is distinct from coalesce(orders.order_count, 0)
    {%- for column in amounts + counts %}
    or coalesce(profiles.{{ column }}, 0) is distinct from coalesce(company.{{ column }}, 0)
    {%- endfor %}
{%- endmacro %}
