{# Fails for each pool and month whose shares, now or in the month it is compared with, are not those that the pool gave
   out on lines in use. #}
{% macro int_pool_rate_changes__hold_every_share() -%}
with given as (
    select
        receivers.cost_pool_id,
        receivers.month,
        sum(receivers.amount) as amount
    from {{ ref('int_pool_receivers') }} as receivers
    inner join {{ ref('ladder_terms') }} as terms
        on receivers.line_code = terms.line_code and terms.column_name = 'db3'
    group by receivers.cost_pool_id, receivers.month
),

backs as (
    {%- for back in months_back().values() | unique %}
    select {{ back }} as months_back
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

expected as (
    select
        given.cost_pool_id,
        given.month,
        backs.months_back,
        given.amount,
        0 as compared_amount
    from given
    cross join backs
    cross join {{ ref('int_account_period') }} as period
    where {{ add_months('given.month', '-backs.months_back') }} >= period.first_month
    union all
    select
        given.cost_pool_id,
        windows.month,
        backs.months_back,
        0 as amount,
        given.amount as compared_amount
    from given
    cross join backs
    inner join {{ ref('time_windows') }} as windows
        on {{ add_months('given.month', 'backs.months_back') }} = windows.month and windows.time_window = 'month'
),

differences as (
    select
        cost_pool_id,
        month,
        months_back,
        amount,
        compared_amount
    from expected
    union all
    select
        cost_pool_id,
        month,
        months_back,
        -amount as amount,
        -compared_amount as compared_amount
    from {{ ref('int_pool_rate_changes') }}
)

select
    cost_pool_id,
    month,
    months_back,
    sum(amount) as amount,
    sum(compared_amount) as compared_amount
from differences
group by cost_pool_id, month, months_back
having sum(amount) is distinct from 0 or sum(compared_amount) is distinct from 0
{%- endmacro %}
