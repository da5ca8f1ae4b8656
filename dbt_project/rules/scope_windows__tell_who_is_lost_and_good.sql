{# Fails for each window of the company and of a salesperson whose lost customers are not those whose last order up to
   its end is in the same months of the year before (of a salesperson, orders of its own), or whose sales to good
   customers and visits there are not what the accounts of the window's months have of whoever is good at its end; and
   for each window whose segments (of now, or of the opening), teams, today's portfolios or customers do not have as
   much together as the company. Lost customers of two salespeople are one of each. #}
{% macro scope_windows__tell_who_is_lost_and_good() -%}
with orders as (
    select
        customer_id,
        month,
        lead(month) over (partition by customer_id order by month asc nulls last) as next_month
    from {{ ref('customer_accounts') }}
    where order_count > 0
),

year_windows as (
    select *
    from {{ ref('time_windows') }}
    where compared_last_month = {{ add_months('month', '-12') }}
),

lost as (
    select
        windows.month,
        windows.time_window,
        windows.compared_first_month,
        windows.compared_last_month,
        orders.customer_id
    from year_windows as windows
    inner join orders
        on
            windows.compared_first_month <= orders.month
            and windows.compared_last_month >= orders.month
            and windows.month < coalesce(orders.next_month, {{ add_months('windows.month', '1') }})
),

owned as (
    select distinct
        accounts.salesperson_id,
        lost.customer_id,
        lost.month,
        lost.time_window
    from lost
    inner join {{ ref('portfolio_accounts') }} as accounts
        on
            lost.customer_id = accounts.customer_id
            and lost.compared_first_month <= accounts.month
            and lost.compared_last_month >= accounts.month
            and accounts.order_count > 0
),

counted as (
    {%- for scope_type, scope_id, relation in [
        ('company', "'company'", 'lost'), ('salesperson', 'salesperson_id', 'owned'),
    ] %}
    select
        '{{ scope_type }}' as scope_type,
        {{ scope_id }} as scope_id,
        month,
        time_window,
        cast(count(*) as decimal(18, 4)) as lost_customer_count,
        cast(0 as decimal(18, 4)) as good_net_sales,
        cast(0 as decimal(18, 4)) as good_visit_count
    from {{ relation }}
    group by {{ scope_id ~ ', ' if scope_type != 'company' }}month, time_window
    union all
    {%- endfor %}
    {%- for scope_type, scope_id, relation in [
        ('company', "'company'", ref('customer_accounts')),
        ('salesperson', 'accounts.salesperson_id', ref('portfolio_accounts')),
    ] %}
    select
        '{{ scope_type }}' as scope_type,
        {{ scope_id }} as scope_id,
        windows.month,
        windows.time_window,
        cast(0 as decimal(18, 4)) as lost_customer_count,
        cast(sum(accounts.net_sales) as decimal(18, 4)) as good_net_sales,
        cast(sum(accounts.visit_count) as decimal(18, 4)) as good_visit_count
    from {{ ref('time_windows') }} as windows
    inner join {{ relation }} as accounts
        on windows.first_month <= accounts.month and windows.month >= accounts.month
    inner join {{ ref('customer_segments') }} as segments
        on accounts.customer_id = segments.customer_id and windows.month = segments.month
    where segments.is_good_customer
    group by {{ scope_id ~ ', ' if scope_type != 'company' }}windows.month, windows.time_window
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

expected as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        sum(lost_customer_count) as lost_customer_count,
        sum(good_net_sales) as good_net_sales,
        sum(good_visit_count) as good_visit_count
    from counted
    group by scope_type, scope_id, month, time_window
),

scopes as (
    select
        scopes.*,
        year_windows.month is not null as is_of_years
    from {{ ref('scope_windows') }} as scopes
    left join year_windows
        on scopes.month = year_windows.month and scopes.time_window = year_windows.time_window
),

-- Of each window all levels are expected, also where one has no row.
level_names as (
    {{ level_names(['team', 'salesperson_today', 'segment', 'segment_opening', 'customer']) }}
),

levels as (
    select
        scope_type,
        month,
        time_window,
        sum(lost_customer_count) as lost_customer_count,
        sum(good_net_sales) as good_net_sales,
        sum(good_visit_count) as good_visit_count
    from {{ ref('scope_windows') }}
    group by scope_type, month, time_window
)

select
    coalesce(expected.scope_type, scopes.scope_type) as scope_type,
    coalesce(expected.scope_id, scopes.scope_id) as scope_id,
    coalesce(expected.month, scopes.month) as month,
    coalesce(expected.time_window, scopes.time_window) as time_window,
    expected.lost_customer_count,
    scopes.lost_customer_count as lost_customers_shown,
    expected.good_net_sales,
    scopes.good_net_sales as good_net_sales_shown
from expected
full join scopes
    on
        expected.scope_type = scopes.scope_type
        and expected.scope_id = scopes.scope_id
        and expected.month = scopes.month
        and expected.time_window = scopes.time_window
where
    coalesce(scopes.scope_type, 'company') in ('company', 'salesperson')
    and (
        case when scopes.is_of_years then coalesce(expected.lost_customer_count, 0) end
        is distinct from scopes.lost_customer_count
        or coalesce(expected.lost_customer_count, 0) is distinct from coalesce(scopes.lost_customer_count, 0)
        or coalesce(expected.good_net_sales, 0) is distinct from coalesce(scopes.good_net_sales, 0)
        or coalesce(expected.good_visit_count, 0) is distinct from coalesce(scopes.good_visit_count, 0)
    )
union all
select
    level_names.scope_type,
    'all' as scope_id,
    scopes.month,
    scopes.time_window,
    scopes.lost_customer_count,
    levels.lost_customer_count as lost_customers_shown,
    scopes.good_net_sales,
    levels.good_net_sales as good_net_sales_shown
from scopes
cross join level_names
left join levels
    on
        level_names.scope_type = levels.scope_type
        and scopes.month = levels.month
        and scopes.time_window = levels.time_window
where
    scopes.scope_type = 'company'
    and (
        (
            level_names.scope_type in ('segment', 'segment_opening', 'chain', 'customer')
            and scopes.lost_customer_count is distinct from levels.lost_customer_count
        )
        or scopes.good_net_sales is distinct from levels.good_net_sales
        or scopes.good_visit_count is distinct from levels.good_visit_count
    )
{%- endmacro %}
