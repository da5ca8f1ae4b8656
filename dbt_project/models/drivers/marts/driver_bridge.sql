-- Why DB II of invoiced sales moved: what each cost driver took of invoiced sales now and then. The effects of the
-- drivers add up to the change of DB II / invoiced sales, to the last digit. Each effect is the scope's own, at the
-- rates that cost pools had then, and that of the rates. What a customer could save belongs in driver_opportunities.
{{ config(materialized='view') }}

{%- set costs = ladder_costs() %}

-- The drivers are the lines between invoiced sales and DB II, in the company's own ladder.
with cost_lines as (
    select
        ladder.column_name as driver,
        db2_terms.sign,
        -- Every rate is rounded; the rest of the rounding is the largest cost's, so that the rates sum to the whole.
        row_number() over (
            order by
                case ladder.column_name when 'cogs' then 0 else 1 end asc nulls last,
                ladder.position asc nulls last
        ) = 1 as has_rest
    from {{ ref('ladder_terms') }} as db2_terms
    inner join {{ ref('ladder') }} as ladder
        on db2_terms.line_code = ladder.line_code
    left join {{ ref('ladder_terms') }} as sales_terms
        on db2_terms.line_code = sales_terms.line_code and sales_terms.column_name = 'invoiced_sales'
    where db2_terms.column_name = 'db2' and sales_terms.line_code is null
),

-- Beside them what they add up to. A cost is shown as a cost, so its sign is turned.
drivers as (
    select
        driver,
        -sign as sign,
        -1 as effect_sign,
        has_rest
    from cost_lines
    union all
    select
        'db2' as driver,
        1 as sign,
        1 as effect_sign,
        false as has_rest
),

-- No ratio without invoiced sales in both windows; and a cost of ten thousand times the sales is no rate to compare.
-- Portfolios are bridged by who owned the customers on the posting date.
scopes as (
    select
        scopes.scope_type,
        scopes.scope_id,
        scopes.month,
        scopes.time_window,
        scopes.salesperson_id,
        scopes.segment,
        scopes.rule_version,
        scopes.is_rule_change,
        scopes.invoiced_sales,
        scopes.compared_invoiced_sales,
        {%- for cost in costs %}
        scopes.{{ cost }},
        scopes.compared_{{ cost }},
        {%- endfor %}
        {{ each('scopes.{}', rate_measures()) }},
        scopes.db2,
        scopes.compared_db2
    from {{ ref('scope_windows') }} as scopes
    inner join {{ ref('time_windows') }} as windows
        on
            scopes.month = windows.month
            and scopes.time_window = windows.time_window
            and windows.is_bridged
    where
        scopes.scope_type <> 'salesperson_today'
        and scopes.invoiced_sales > 0
        and scopes.compared_invoiced_sales > 0
        {%- for cost in costs %}
        and {{ is_comparable_part('scopes.' ~ cost, 'scopes.invoiced_sales') }}
        and {{ is_comparable_part('scopes.compared_' ~ cost, 'scopes.compared_invoiced_sales') }}
        {%- endfor %}
),

amounts as (
    select
        scopes.scope_type,
        scopes.scope_id,
        scopes.month,
        scopes.time_window,
        scopes.salesperson_id,
        scopes.segment,
        scopes.rule_version,
        scopes.is_rule_change,
        drivers.driver,
        drivers.effect_sign,
        drivers.has_rest,
        scopes.invoiced_sales,
        scopes.compared_invoiced_sales,
        cast(
            drivers.sign
            * case drivers.driver
                when 'db2' then scopes.db2
                {%- for cost in costs %}
                when '{{ cost }}' then scopes.{{ cost }}
                {%- endfor %}
            end as decimal(18, 4)
        ) as amount,
        cast(
            drivers.sign
            * case drivers.driver
                when 'db2' then scopes.compared_db2
                {%- for cost in costs %}
                when '{{ cost }}' then scopes.compared_{{ cost }}
                {%- endfor %}
            end as decimal(18, 4)
        ) as compared_amount,
        cast(
            drivers.sign
            * case drivers.driver
                {%- for line in pool_lines() %}
                when '{{ line }}' then scopes.{{ line }}_rate_change
                {%- endfor %}
                else 0
            end as decimal(18, 4)
        ) as rate_change
    from scopes
    cross join drivers
),

rounded as (
    select
        *,
        {{ long_money_ratio('amount', 'invoiced_sales') }} as rounded_rate,
        {{ long_money_ratio('compared_amount', 'compared_invoiced_sales') }} as rounded_compared_rate,
        case
            when {{ is_comparable_part('rate_change', 'invoiced_sales') }}
                then {{ long_money_ratio('rate_change', 'invoiced_sales') }}
            else 0
        end as rate_of_pools
    from amounts
),

-- Costs and DB II are together the whole of invoiced sales: what all others leave is the rate of the largest cost.
rated as (
    select
        *,
        case
            when has_rest
                then
                    1 - sum(case when has_rest then 0 else rounded_rate end)
                        over (partition by scope_type, scope_id, month, time_window)
            else rounded_rate
        end as rate,
        case
            when has_rest
                then
                    1 - sum(case when has_rest then 0 else rounded_compared_rate end)
                        over (partition by scope_type, scope_id, month, time_window)
            else rounded_compared_rate
        end as compared_rate,
        case
            when driver = 'db2'
                then -sum(rate_of_pools) over (partition by scope_type, scope_id, month, time_window)
            else rate_of_pools
        end as change_of_pools
    from rounded
)

select
    scope_type,
    scope_id,
    month,
    time_window,
    driver,
    salesperson_id,
    segment,
    amount,
    compared_amount,
    cast(rate as decimal(18, 12)) as rate,
    cast(compared_rate as decimal(18, 12)) as compared_rate,
    cast(effect_sign * (rate - compared_rate) as decimal(18, 12)) as effect,
    cast(effect_sign * (rate - compared_rate - change_of_pools) as decimal(18, 12)) as own_effect,
    cast(effect_sign * change_of_pools as decimal(18, 12)) as pool_rate_effect,
    rule_version,
    is_rule_change
from rated
