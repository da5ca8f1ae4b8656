{# Fails for each window of the company, of a team and of a salesperson whose customers are not those with an order in
   its months, or whose new ones are not those of them whose first order is among these, counted from the accounts; and for each window whose segments (of now, or of the opening), chains with the rest, or customers, do not have as many together as the company. #}
{% macro scope_windows__count_every_customer_once() -%}
with opening as (
    select min(month) as month
    from {{ ref('months') }}
),

-- First orders of customers who did not buy before the accounts begin, as far as anybody knows.
firsts as (
    select
        accounts.customer_id,
        min(accounts.month) as month
    from {{ ref('customer_accounts') }} as accounts
    inner join {{ ref('customers') }} as customers
        on accounts.customer_id = customers.customer_id
    cross join opening
    where accounts.order_count > 0
    group by accounts.customer_id, customers.customer_since, opening.month
    having
        coalesce({{ period_of('customers.customer_since') }} >= opening.month, min(accounts.month) > opening.month)
),

customers as (
    select
        accounts.customer_id,
        windows.month,
        windows.time_window,
        max(case when accounts.month >= windows.first_month then 1 else 0 end) as has_bought,
        case
            when windows.compared_first_month is not null
                then max(
                    case when accounts.month = firsts.month and accounts.month >= windows.first_month then 1 else 0 end
                )
        end as is_new
    from {{ ref('time_windows') }} as windows
    inner join {{ ref('customer_accounts') }} as accounts
        on
            accounts.order_count > 0
            and windows.month >= accounts.month
            and (
                windows.first_month <= accounts.month
                or (windows.compared_first_month <= accounts.month and windows.compared_last_month >= accounts.month)
            )
    left join firsts
        on accounts.customer_id = firsts.customer_id
    group by accounts.customer_id, windows.month, windows.time_window, windows.compared_first_month
),

owned as (
    select distinct
        accounts.salesperson_id,
        accounts.customer_id,
        windows.month,
        windows.time_window
    from {{ ref('time_windows') }} as windows
    inner join {{ ref('portfolio_accounts') }} as accounts
        on accounts.order_count > 0 and windows.first_month <= accounts.month and windows.month >= accounts.month
),

buyers as (
    select
        'company' as scope_type,
        'company' as scope_id,
        customer_id,
        month,
        time_window
    from customers
    where has_bought = 1
    union all
    select
        'salesperson' as scope_type,
        salesperson_id as scope_id,
        customer_id,
        month,
        time_window
    from owned
    union all
    select distinct
        'team' as scope_type,
        coalesce(salespeople.team, {{ unassigned_id() }}) as scope_id,
        owned.customer_id,
        owned.month,
        owned.time_window
    from owned
    left join {{ ref('salespeople') }} as salespeople
        on owned.salesperson_id = salespeople.salesperson_id
),

counted as (
    select
        buyers.scope_type,
        buyers.scope_id,
        buyers.month,
        buyers.time_window,
        count(*) as customer_count,
        sum(customers.is_new) as new_customer_count
    from buyers
    left join customers
        on
            buyers.customer_id = customers.customer_id
            and buyers.month = customers.month
            and buyers.time_window = customers.time_window
    group by buyers.scope_type, buyers.scope_id, buyers.month, buyers.time_window
),

scopes as (
    select
        scope_type,
        scope_id,
        month,
        time_window,
        customer_count,
        new_customer_count
    from {{ ref('scope_windows') }}
    where scope_type in ('company', 'salesperson', 'team')
),

-- Of each window all levels are expected, also where one has no row.
level_names as (
    {{ level_names(['segment', 'segment_opening', 'customer']) }}
),

levels as (
    select
        scope_type,
        month,
        time_window,
        sum(customer_count) as customer_count,
        sum(new_customer_count) as new_customer_count
    from {{ ref('scope_windows') }}
    where scope_type in ('segment', 'segment_opening', 'chain', 'customer')
    group by scope_type, month, time_window
)

select
    coalesce(counted.scope_type, scopes.scope_type) as scope_type,
    coalesce(counted.scope_id, scopes.scope_id) as scope_id,
    coalesce(counted.month, scopes.month) as month,
    coalesce(counted.time_window, scopes.time_window) as time_window,
    counted.customer_count,
    scopes.customer_count as customers_shown,
    counted.new_customer_count,
    scopes.new_customer_count as new_customers_shown
from counted
full join scopes
    on
        counted.scope_type = scopes.scope_type
        and counted.scope_id = scopes.scope_id
        and counted.month = scopes.month
        and counted.time_window = scopes.time_window
where
    coalesce(counted.customer_count, 0) is distinct from coalesce(scopes.customer_count, 0)
    or coalesce(counted.new_customer_count, 0) is distinct from coalesce(scopes.new_customer_count, 0)
union all
select
    level_names.scope_type,
    'all' as scope_id,
    scopes.month,
    scopes.time_window,
    scopes.customer_count,
    levels.customer_count as customers_shown,
    scopes.new_customer_count,
    levels.new_customer_count as new_customers_shown
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
        scopes.customer_count is distinct from levels.customer_count
        or scopes.new_customer_count is distinct from levels.new_customer_count
    )
{%- endmacro %}
