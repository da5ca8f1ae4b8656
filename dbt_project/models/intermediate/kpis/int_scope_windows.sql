-- What each scope has to show over each window of time: the company, its teams, salespeople (by who owned the customers
-- then, and by who owns them today) and segments, and each customer. KPIs are made of it in kpi_values, rates of cost
-- drivers in driver_bridge.
{%- set scopes = [
    ('company', 'customers', 'company_id'),
    ('team', 'portfolios', 'team'),
    ('salesperson', 'portfolios', 'salesperson_id'),
    ('salesperson_today', ref('int_current_portfolio_windows'), 'salesperson_id'),
    ('segment', 'customers', 'opening_segment'),
] %}

with portfolios as (
    select
        windows.*,
        coalesce(salespeople.team, {{ unassigned_id() }}) as team
    from {{ ref('int_portfolio_windows') }} as windows
    left join {{ ref('salespeople') }} as salespeople
        on windows.salesperson_id = salespeople.salesperson_id
),

-- Both windows by the segment at the opening of the year: moving a customer improves no segment.
customers as (
    select
        windows.*,
        'company' as company_id,
        segments.opening_segment
    from {{ ref('int_customer_windows') }} as windows
    left join {{ ref('customer_segments') }} as segments
        on windows.customer_id = segments.customer_id and windows.month = segments.month
)

{% for scope_type, relation, scope_id in scopes %}
select
    '{{ scope_type }}' as scope_type,
    {{ scope_id }} as scope_id,
    {%- for measure in account_measures() %}
    cast(sum({{ measure }}) as decimal(18, 4)) as {{ measure }},
    cast(sum(compared_{{ measure }}) as decimal(18, 4)) as compared_{{ measure }},
    {%- endfor %}
    month,
    time_window
from {{ relation }}
group by {{ scope_id }}, month, time_window
union all
{%- endfor %}
-- One customer's rows are summed already.
select
    'customer' as scope_type,
    customer_id as scope_id,
    {%- for measure in account_measures() %}
    {{ measure }},
    compared_{{ measure }},
    {%- endfor %}
    month,
    time_window
from {{ ref('int_customer_windows') }}
