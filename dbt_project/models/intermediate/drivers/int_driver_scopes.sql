-- The costs above DB II of every scope, in every window of time and in the one it is compared with: what the driver
-- bridge is made of. Rates do not belong here.
{{ config(materialized='table') }}

{%- set measures = [
    'invoiced_sales', 'db2', 'returns', 'bonus', 'cash_discount', 'cogs', 'freight', 'handling', 'other_direct',
    'order_cost', 'sales_effort_cost', 'credit_cost',
] %}

with compared as (
    select
        month,
        time_window
    from {{ ref('time_windows') }}
    where compared_first_month is not null
),

customers as (
    select
        sums.customer_id,
        segments.opening_segment,
        {%- for measure in measures %}
        sums.{{ measure }},
        sums.compared_{{ measure }},
        {%- endfor %}
        sums.month,
        sums.time_window
    from {{ ref('int_customer_windows') }} as sums
    inner join compared
        on sums.month = compared.month and sums.time_window = compared.time_window
    inner join {{ ref('customer_segments') }} as segments
        on sums.customer_id = segments.customer_id and sums.month = segments.month
),

salespeople as (
    select
        sums.salesperson_id,
        coalesce(salespeople.team, {{ unassigned_id() }}) as team,
        {%- for measure in measures %}
        sum(sums.{{ measure }}) as {{ measure }},
        sum(sums.compared_{{ measure }}) as compared_{{ measure }},
        {%- endfor %}
        sums.month,
        sums.time_window
    from {{ ref('int_portfolio_windows') }} as sums
    inner join compared
        on sums.month = compared.month and sums.time_window = compared.time_window
    inner join {{ ref('salespeople') }} as salespeople
        on sums.salesperson_id = salespeople.salesperson_id
    group by sums.salesperson_id, coalesce(salespeople.team, {{ unassigned_id() }}), sums.month, sums.time_window
)

{%- for scope_type, scope_id, relation in [
    ('company', "'company'", 'customers'),
    ('team', 'team', 'salespeople'),
    ('salesperson', 'salesperson_id', 'salespeople'),
    ('segment', 'opening_segment', 'customers'),
    ('customer', 'customer_id', 'customers'),
] %}

select
    '{{ scope_type }}' as scope_type,
    {{ scope_id }} as scope_id,
    {%- for measure in measures %}
    cast(sum({{ measure }}) as decimal(18, 4)) as {{ measure }},
    cast(sum(compared_{{ measure }}) as decimal(18, 4)) as compared_{{ measure }},
    {%- endfor %}
    month,
    time_window
from {{ relation }}
group by {{ scope_id ~ ', ' if scope_type != 'company' }}month, time_window
{{ 'union all' if not loop.last }}
{%- endfor %}
