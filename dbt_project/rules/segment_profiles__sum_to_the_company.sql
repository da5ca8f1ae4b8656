{# Fails for each month whose segments, without the good customers' own row, do not sum to the company over the
   twelve months: amounts to the company account, counts to the customers' accounts. #}
{% macro segment_profiles__sum_to_the_company() -%}
{%- set amounts = ['invoiced_sales', 'returns', 'bonus', 'net_sales', 'db1', 'db2', 'db3', 'freight'] %}
{%- set counts = ['order_count', 'line_count', 'visit_count'] %}

with profiles as (
    select
        {%- for column in amounts + counts %}
        sum({{ column }}) as {{ column }},
        {%- endfor %}
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
)

select
    coalesce(profiles.month, company.month) as month,
    profiles.net_sales as net_sales_of_segments,
    company.net_sales,
    profiles.db3 as db3_of_segments,
    company.db3
from profiles
full join company
    on profiles.month = company.month
where
    company.month is null
    {%- for column in amounts + counts %}
    or coalesce(profiles.{{ column }}, 0) is distinct from coalesce(company.{{ column }}, 0)
    {%- endfor %}
{%- endmacro %}
