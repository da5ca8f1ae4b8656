{# The components lead from the DB III of the compared window to that of the window, to the last digit; both are
   the portfolio accounts', and what one salesperson hands over another receives. #}
{% macro portfolio_bridge__adds_up_to_the_portfolios() -%}
with bridges as (
    select
        salesperson_id,
        month,
        time_window,
        sum(case when component = 'closing' then 0 else amount end) as explained,
        sum(case when component = 'closing' then amount else 0 end) as closing,
        sum(case when component = 'opening' then amount else 0 end) as opening
    from {{ ref('portfolio_bridge') }}
    group by salesperson_id, month, time_window
),

portfolios as (
    select
        portfolios.salesperson_id,
        windows.month,
        windows.time_window,
        sum(case when portfolios.month >= windows.first_month then portfolios.db3 else 0 end) as closing,
        sum(case when portfolios.month <= windows.compared_last_month then portfolios.db3 else 0 end) as opening
    from {{ ref('time_windows') }} as windows
    inner join {{ ref('portfolio_accounts') }} as portfolios
        on
            (windows.first_month <= portfolios.month and windows.month >= portfolios.month)
            or (windows.compared_first_month <= portfolios.month and windows.compared_last_month >= portfolios.month)
    where windows.is_bridged
    group by portfolios.salesperson_id, windows.month, windows.time_window
)

select
    salesperson_id,
    month,
    time_window,
    'does not add up' as problem
from bridges
where explained is distinct from closing
union all
select
    coalesce(portfolios.salesperson_id, bridges.salesperson_id) as salesperson_id,
    coalesce(portfolios.month, bridges.month) as month,
    coalesce(portfolios.time_window, bridges.time_window) as time_window,
    'is not the portfolio' as problem
from portfolios
full outer join bridges
    on
        portfolios.salesperson_id = bridges.salesperson_id
        and portfolios.month = bridges.month
        and portfolios.time_window = bridges.time_window
where
    coalesce(portfolios.opening, 0) is distinct from coalesce(bridges.opening, 0)
    or coalesce(portfolios.closing, 0) is distinct from coalesce(bridges.closing, 0)
union all
select
    'all' as salesperson_id,
    month,
    time_window,
    'transfers do not net to zero' as problem
from {{ ref('portfolio_bridge') }}
where component_group = 'transfer'
group by month, time_window
having sum(amount) is distinct from 0
{%- endmacro %}
