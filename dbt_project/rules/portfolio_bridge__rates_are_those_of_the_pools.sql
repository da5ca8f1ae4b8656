{# Fails for each window in which the rates of all portfolios together are not what the pools say: of every line that
   pools pay, with its sign in DB III, what the shares of the window's months come to beyond the same usage at the rates
   of then. Owners share it, so that a salesperson's part cannot be told from the pools. #}
{% macro portfolio_bridge__rates_are_those_of_the_pools() -%}
with bridges as (
    select
        month,
        time_window,
        sum(amount) as amount
    from {{ ref('portfolio_bridge') }}
    where component = 'pool_rates'
    group by month, time_window
),

pools as (
    select
        windows.month,
        windows.time_window,
        sum(terms.sign * changes.rate_change) as amount
    from {{ ref('time_windows') }} as windows
    inner join {{ ref('int_pool_rate_changes') }} as changes
        on
            windows.first_month <= changes.month
            and windows.month >= changes.month
            and {{ months_between('windows.compared_last_month', 'windows.month') }} - 1 = changes.months_back
    inner join {{ ref('ladder_terms') }} as terms
        on changes.line_code = terms.line_code and terms.column_name = 'db3'
    where windows.is_bridged
    group by windows.month, windows.time_window
)

select
    coalesce(bridges.month, pools.month) as month,
    coalesce(bridges.time_window, pools.time_window) as time_window,
    bridges.amount,
    pools.amount as amount_of_the_pools
from bridges
full join pools
    on bridges.month = pools.month and bridges.time_window = pools.time_window
where coalesce(bridges.amount, 0) is distinct from coalesce(pools.amount, 0)
{%- endmacro %}
